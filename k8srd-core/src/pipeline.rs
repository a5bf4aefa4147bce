//! The pipeline: one source, enrichers in order, matchers, alerts out.
//!
//! For each event: every enricher observes it, matchers judge it, every enricher settles it.
//! Demand flows the other way, once, when the pipeline is built: matchers say what they read,
//! enrichers say what they need for that, and the source is asked for just this.

mod finding;
mod view;

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alert::Alert;
use crate::arena::Arena;
use crate::blind::{BlindInterval, BlindOptions, BlindTotal, BlindWatch};
use crate::catalogue;
use crate::enricher::{Enricher, Slot};
use crate::event::Timestamp;
use crate::field::FieldId;
use crate::interest::Interest;
use crate::loss::Losses;
use crate::matcher::{Matcher, Verdicts};
use crate::schema::Schema;
use crate::set::{FieldSet, Id};
use crate::source::{Flow, Source, SourceError};
use crate::time::UtcOffset;
use crate::value::Lookup;
pub use finding::{Finding, Reason};
use view::{About, Frame, View};

/// A step ends early once it has this many alerts, so that a flood of alerts cannot fill memory
/// before anyone takes them.
const ALERTS_PER_STEP: usize = 1024;

/// How often, in nanoseconds of event time, a source that only counts is asked what it has lost.
const COMPARE_EVERY: u64 = 100_000_000;

/// Whether a rule judges a file under its resolved name too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a file opened by name has two names")]
pub enum PathMatching {
    /// Under the name that the program used: Falco's way, and all that most recordings hold.
    Given,
    /// Under both names where they differ, so that a symbolic link does not evade.
    #[default]
    Either,
}

/// Runs events of one source through enrichers and matchers.
///
/// Synchronous, single-threaded, without I/O of its own: the caller drives it with
/// [`Pipeline::step`] from a thread that it chooses.
pub struct Pipeline {
    source: Box<dyn Source>,
    enrichers: Vec<Box<dyn Enricher>>,
    matchers: Vec<Box<dyn Matcher>>,
    wiring: Wiring,
    findings: Vec<Finding>,
    subscribed: Interest,
    strict: bool,
    arena: Arena,
    slots: Vec<Cell<Option<Lookup<Slot>>>>,
    verdicts: Verdicts,
    counts: Counts,
    passed: Passed,
    blind: BlindWatch,
    seen: Option<Timestamp>,
    /// When a source that only counts was asked what it has lost.
    compared: Option<Timestamp>,
}

/// When other events were.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    first: Option<Timestamp>,
    /// The one before.
    last: Option<Timestamp>,
}

/// What stays the same from event to event.
struct Wiring {
    schema: Arc<Schema>,
    owners: Vec<Owner>,
    path_matching: PathMatching,
    utc_offset: Arc<OffsetAt>,
    hostname: Arc<NameOfHost>,
}

type NameOfHost = dyn Fn() -> Option<Arc<str>> + Send + Sync;
type OffsetAt = dyn Fn(Timestamp) -> UtcOffset + Send + Sync;

/// Who answers a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Pipeline,
    Source,
    Enricher(usize),
}

/// What a pipeline did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Events judged; state rows are not counted.
    pub events: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// Events for which a rule was decided although a value it reads was still pending.
    pub undecided: u64,
}

impl Pipeline {
    /// A pipeline that begins with this source.
    pub fn builder(source: impl Source + 'static) -> PipelineBuilder {
        PipelineBuilder {
            source: Box::new(source),
            enrichers: Vec::new(),
            matchers: Vec::new(),
            schema: None,
            path_matching: PathMatching::default(),
            utc_offset: Arc::new(|_| UtcOffset(0)),
            hostname: Arc::new(|| None),
            blind: BlindOptions::default(),
            strict: false,
        }
    }

    /// Processes the events that are there, waiting at most `wait` for the first one, and adds
    /// what they raise to `alerts`; also an alert for each [blind interval](crate::blind).
    ///
    /// # Errors
    ///
    /// Where the source is broken for good.
    pub fn step(&mut self, wait: Duration, alerts: &mut Vec<Alert>) -> Result<Flow, SourceError> {
        let flow = self.read(wait, alerts);
        self.look_for_losses(alerts);
        if !matches!(flow, Ok(Flow::More)) {
            self.tell_losses(alerts);
        }
        flow
    }

    fn read(&mut self, wait: Duration, alerts: &mut Vec<Alert>) -> Result<Flow, SourceError> {
        let Self { source, enrichers, matchers, wiring, arena, slots, verdicts, counts, .. } = self;
        let (passed, blind) = (&mut self.passed, &self.blind);
        let enough = alerts.len() + ALERTS_PER_STEP;
        source.read(wait, &mut |event| {
            arena.reset();
            slots.iter().for_each(|slot| slot.set(None));
            let (kind, time) = (event.kind(), event.time());
            let state = kind.is_state();
            counts.events += u64::from(!state);
            let (first, number) = (passed.first.unwrap_or(time), counts.events);
            let task = if enrichers.is_empty() { None } else { Some(event.task(arena)) };
            let passed_by = Passed { first: Some(first), ..*passed };
            let about = About { kind, time, task, number, passed: passed_by };
            let frame = Frame { event, slots, wiring, about, arena, two_names: Cell::new(None) };

            for i in 0..enrichers.len() {
                let (before, rest) = enrichers.split_at_mut(i);
                if let Some((enricher, behind)) = rest.split_first_mut() {
                    enricher.observe(&View::new(&frame, before).observing(behind), arena);
                }
            }
            if !state {
                let view = View::new(&frame, enrichers);
                let before = alerts.len();
                let mut undecided = false;
                for matcher in matchers.iter_mut() {
                    undecided |= judge(view, matcher.as_mut(), verdicts, arena);
                    alerts.append(&mut verdicts.alerts);
                }
                blind.mark(kind, time, &mut alerts[before..]);
                counts.alerts += (alerts.len() - before) as u64;
                counts.undecided += u64::from(undecided);
            }
            // Backwards, so that each still sees the records of those it stands on.
            for i in (0..enrichers.len()).rev() {
                let (before, rest) = enrichers.split_at_mut(i);
                rest[0].settle(&View::new(&frame, before), arena);
            }

            if !state {
                *passed = Passed { first: Some(first), last: Some(time) };
            }
            if alerts.len() < enough { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    }

    /// Learns what the source lost, and tells the intervals that are over.
    fn look_for_losses(&mut self, alerts: &mut Vec<Alert>) {
        let Self { source, blind, wiring, passed, subscribed, compared, .. } = self;
        self.seen = source.blind(&mut |interval| blind.add(interval)).or_else(|| {
            // It only counts. Without any event yet there is no time that could be told.
            let (first, last) = (compared.or(passed.first)?, passed.last?);
            if last.as_nanos().abs_diff(first.as_nanos()) >= COMPARE_EVERY {
                blind.compare(source.losses(), subscribed.kinds(), (first, last));
                *compared = Some(last);
            }
            Some(last)
        });
        let told = alerts.len();
        if let Some(now) = self.seen {
            blind.advance(now, &wiring.schema, alerts);
        }
        self.counts.alerts += (alerts.len() - told) as u64;
    }

    /// Tells the intervals that are open: the source has ended.
    fn tell_losses(&mut self, alerts: &mut Vec<Alert>) {
        let Self { source, blind, wiring, passed, subscribed, compared, .. } = self;
        let first = compared.or(passed.first).unwrap_or_default();
        let last = passed.last.unwrap_or_default();
        if source.blind(&mut |interval| blind.add(interval)).is_none() {
            blind.compare(source.losses(), subscribed.kinds(), (first, last));
        }
        let told = alerts.len();
        blind.end(&wiring.schema, alerts);
        self.counts.alerts += (alerts.len() - told) as u64;
    }

    /// Stops the source and processes what it still has, for at most `limit`.
    ///
    /// Returns [`Flow::More`] where the limit ended it before the source did.
    ///
    /// # Errors
    ///
    /// Where the source is broken for good.
    pub fn finish(
        &mut self,
        limit: Duration,
        alerts: &mut Vec<Alert>,
    ) -> Result<Flow, SourceError> {
        let start = Instant::now();
        self.source.stop()?;
        while self.step(Duration::ZERO, alerts)? == Flow::More {
            if start.elapsed() >= limit {
                self.tell_losses(alerts);
                return Ok(Flow::More);
            }
        }
        Ok(Flow::End)
    }

    /// Puts other matchers in the place of all that are there. No event and no state is lost:
    /// the source is asked for what both need until the swap is done.
    ///
    /// # Errors
    ///
    /// Where the source refuses, or the pipeline is strict and there is a finding. The old ones stay
    /// in place then. A source that gives what both need and refuses to be asked for less afterwards
    /// is no error: it goes on with that, as [`Pipeline::subscribed`] says.
    pub fn reload(&mut self, matchers: Vec<Box<dyn Matcher>>) -> Result<(), PipelineError> {
        let Self { source, enrichers, wiring, .. } = self;
        let findings = finding::findings(wiring, source.produces(), &matchers);
        refuse_findings(self.strict, &findings)?;
        let new = interest_of(&matchers);
        let mut both = interest_of(&self.matchers);
        both.union_with(&new);
        self.subscribed = subscribe(source.as_mut(), close_demand(both, enrichers, wiring)?)?;
        self.matchers = matchers;
        self.findings = findings;
        let less = close_demand(new, enrichers, wiring);
        if let Ok(less) = less.and_then(|less| Ok(subscribe(source.as_mut(), less)?)) {
            self.subscribed = less;
        }
        Ok(())
    }

    /// What rules ask for and do not get: fields that nobody answers, kinds that the source does not
    /// produce. Those that keep rules from ever firing come first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the source was asked for: the kinds and fields that anyone needs and it can produce.
    pub fn subscribed(&self) -> &Interest {
        &self.subscribed
    }

    /// What was processed so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What the source lost so far.
    pub fn losses(&self) -> Losses {
        self.source.losses()
    }

    /// What was lost by stream and reason, and when.
    pub fn blind(&self) -> impl Iterator<Item = &BlindTotal> {
        self.blind.totals()
    }

    /// Tells with the next step that nobody watched for a while, which the source cannot know.
    pub fn was_blind(&mut self, interval: BlindInterval) {
        self.blind.add_whole(interval);
    }

    /// Up to when all events have been processed, by the events' clock.
    pub fn seen_until(&self) -> Option<Timestamp> {
        self.seen
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, findings, .. } = self;
        f.debug_struct("Pipeline")
            .field("counts", counts)
            .field("findings", findings)
            .finish_non_exhaustive()
    }
}

/// Lets one matcher judge one event. Undecided rules are decided at once, with what is pending
/// read as absent; says whether there were any.
fn judge(
    view: View<'_, '_>,
    matcher: &mut dyn Matcher,
    verdicts: &mut Verdicts,
    arena: &Arena,
) -> bool {
    verdicts.clear();
    view.judged(false, |event| matcher.evaluate(event, None, arena, verdicts));
    let undecided = !verdicts.waiting.is_empty();
    if undecided {
        let waiting = std::mem::take(&mut verdicts.waiting);
        view.judged(true, |event| matcher.evaluate(event, Some(&waiting), arena, verdicts));
    }
    undecided
}

fn interest_of(matchers: &[Box<dyn Matcher>]) -> Interest {
    let mut all = Interest::default();
    matchers.iter().for_each(|matcher| all.union_with(matcher.interest()));
    all
}

impl Wiring {
    fn owner(&self, field: FieldId) -> Owner {
        self.owners.get(field.index()).copied().unwrap_or(Owner::Nobody)
    }
}

fn refuse_findings(strict: bool, findings: &[Finding]) -> Result<(), PipelineError> {
    match findings {
        [first, ..] if strict => Err(PipelineErrorKind::Finding(first.clone()).into()),
        _ => Ok(()),
    }
}

/// Asks the source for what it can produce of what is wanted, and says what that is.
fn subscribe(source: &mut dyn Source, mut wanted: Interest) -> Result<Interest, SourceError> {
    if let Some(kinds) = source.produces() {
        wanted.only_kinds(kinds);
    }
    source.subscribe(&wanted)?;
    Ok(wanted)
}

/// Adds to what is wanted what the enrichers need to answer it, from the last to the first, since each
/// stands on those before it only.
fn close_demand(
    mut all: Interest,
    enrichers: &mut [Box<dyn Enricher>],
    wiring: &Wiring,
) -> Result<Interest, PipelineError> {
    for (i, enricher) in enrichers.iter_mut().enumerate().rev() {
        let own = all.fields().intersection(enricher.provides());
        let demand = enricher.demand(&own);
        for field in demand.fields().iter() {
            if matches!(wiring.owner(field), Owner::Enricher(owner) if owner >= i) {
                let field = wiring.schema.field_label(field);
                return Err(PipelineErrorKind::Cycle { enricher: i, field }.into());
            }
        }
        all.union_with(&demand);
    }
    Ok(all)
}

/// Puts a pipeline together.
#[must_use]
pub struct PipelineBuilder {
    source: Box<dyn Source>,
    enrichers: Vec<Box<dyn Enricher>>,
    matchers: Vec<Box<dyn Matcher>>,
    schema: Option<Arc<Schema>>,
    path_matching: PathMatching,
    utc_offset: Arc<OffsetAt>,
    hostname: Arc<NameOfHost>,
    blind: BlindOptions,
    strict: bool,
}

impl PipelineBuilder {
    /// The schema of the source's events; [`Schema::falco`] if not said.
    pub fn schema(mut self, schema: impl Into<Arc<Schema>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Adds an enricher behind those that are there: it may read their fields.
    pub fn enrich(mut self, enricher: impl Enricher + 'static) -> Self {
        self.enrichers.push(Box::new(enricher));
        self
    }

    /// Adds a matcher.
    pub fn matcher(mut self, matcher: impl Matcher + 'static) -> Self {
        self.matchers.push(Box::new(matcher));
        self
    }

    /// Whether rules judge a file under its resolved name too. [`PathMatching::Either`] if not
    /// said.
    pub fn path_matching(mut self, path_matching: PathMatching) -> Self {
        self.path_matching = path_matching;
        self
    }

    /// How far local time is ahead of UTC at a moment: for `evt.time` and its like. UTC if not
    /// said.
    pub fn utc_offset(
        mut self,
        offset: impl Fn(Timestamp) -> UtcOffset + Send + Sync + 'static,
    ) -> Self {
        self.utc_offset = Arc::new(offset);
        self
    }

    /// The name of the host where events happen, for `evt.hostname`; asked for each event that
    /// needs it, as a recording tells it late. Unknown if not said.
    pub fn hostname(
        mut self,
        hostname: impl Fn() -> Option<Arc<str>> + Send + Sync + 'static,
    ) -> Self {
        self.hostname = Arc::new(hostname);
        self
    }

    /// How stretches in which events were lost are told; [`BlindOptions::default`] if not said.
    pub fn blind(mut self, options: BlindOptions) -> Self {
        self.blind = options;
        self
    }

    /// Makes a [finding](Pipeline::findings) an error.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Checks the wiring, and starts the source by subscribing to what is needed.
    ///
    /// # Errors
    ///
    /// Where two answer the same field, an enricher needs a field of itself or of a later one,
    /// the pipeline is strict and there is a finding, or the source refuses.
    pub fn build(self) -> Result<Pipeline, PipelineError> {
        let Self { mut source, mut enrichers, matchers, schema, path_matching, .. } = self;
        let (utc_offset, hostname, strict) = (self.utc_offset, self.hostname, self.strict);
        let blind = BlindWatch::new(self.blind);
        let schema = schema.unwrap_or_else(|| Arc::new(Schema::falco()));
        let owners = owners(&schema, source.provides(), &enrichers)?;
        let wiring = Wiring { schema, owners, path_matching, utc_offset, hostname };
        let findings = finding::findings(&wiring, source.produces(), &matchers);
        refuse_findings(strict, &findings)?;
        let wanted = close_demand(interest_of(&matchers), &mut enrichers, &wiring)?;
        let subscribed = subscribe(source.as_mut(), wanted)?;
        Ok(Pipeline {
            source,
            slots: enrichers.iter().map(|_| Cell::new(None)).collect(),
            enrichers,
            matchers,
            wiring,
            findings,
            subscribed,
            strict,
            arena: Arena::default(),
            verdicts: Verdicts::default(),
            counts: Counts::default(),
            passed: Passed::default(),
            blind,
            seen: None,
            compared: None,
        })
    }
}

impl fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineBuilder")
            .field("enrichers", &self.enrichers.len())
            .field("matchers", &self.matchers.len())
            .finish_non_exhaustive()
    }
}

fn owners(
    schema: &Schema,
    source: &FieldSet,
    enrichers: &[Box<dyn Enricher>],
) -> Result<Vec<Owner>, PipelineError> {
    let common = catalogue::FIELDS.iter().take(catalogue::COMMON).map(|info| info.id);
    let own = common.chain(schema.fixed().map(|(id, _)| id)).collect();
    let all = [(Owner::Pipeline, &own), (Owner::Source, source)]
        .into_iter()
        .chain(enrichers.iter().enumerate().map(|(i, e)| (Owner::Enricher(i), e.provides())));
    let mut owners: Vec<Owner> = Vec::new();
    for (owner, fields) in all {
        for field in fields.iter() {
            let place = field.index();
            if place >= owners.len() {
                owners.resize(place + 1, Owner::Nobody);
            }
            if owners[place] != Owner::Nobody {
                let field = schema.field_label(field);
                return Err(
                    PipelineErrorKind::OwnedTwice { field, first: owners[place], owner }.into()
                );
            }
            owners[place] = owner;
        }
    }
    Ok(owners)
}

/// A pipeline cannot be put together so.
#[derive(Debug)]
pub struct PipelineError {
    kind: PipelineErrorKind,
}

#[derive(Debug)]
enum PipelineErrorKind {
    OwnedTwice { field: String, first: Owner, owner: Owner },
    Cycle { enricher: usize, field: String },
    Finding(Finding),
    Source(SourceError),
}

impl From<PipelineErrorKind> for PipelineError {
    fn from(kind: PipelineErrorKind) -> Self {
        Self { kind }
    }
}

impl From<SourceError> for PipelineError {
    fn from(error: SourceError) -> Self {
        Self { kind: PipelineErrorKind::Source(error) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Pipeline => f.write_str("the pipeline"),
            Self::Source => f.write_str("the source"),
            Self::Enricher(place) => write!(f, "enricher {place} (counted from 0)"),
        }
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PipelineErrorKind::OwnedTwice { field, first, owner } => {
                write!(f, "{field} is answered by {first} and by {owner}; a field has one owner")
            }
            PipelineErrorKind::Cycle { enricher, field } => write!(
                f,
                "enricher {enricher} (counted from 0) needs {field}, which only it or a later \
                 enricher answers; put the owner before it"
            ),
            PipelineErrorKind::Finding(finding) => finding.fmt(f),
            PipelineErrorKind::Source(_) => f.write_str("the source cannot be started"),
        }
    }
}

impl Error for PipelineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            PipelineErrorKind::Source(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
