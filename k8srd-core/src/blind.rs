//! Blind intervals: stretches of time in which events were lost.
//!
//! That something was not seen is as much worth telling as what was: who reads alerts has to know when
//! silence means nothing. A [`Source`](crate::source::Source) says when it lost events, a
//! [`Pipeline`](crate::pipeline::Pipeline) puts losses that follow each other closely into one interval and
//! raises an alert of the rule [`RULE`] for it, which goes the way of every alert.
//!
//! ```
//! use std::time::Duration;
//!
//! use k8srd_core::blind::{BlindInterval, BlindOptions, BlindWatch};
//! use k8srd_core::event::Timestamp;
//! use k8srd_core::loss::LossReason;
//! use k8srd_core::schema::Schema;
//!
//! let at = |seconds: u64| Timestamp::from_nanos(seconds * 1_000_000_000);
//! let mut watch = BlindWatch::new(BlindOptions::default());
//! let lost = |n| BlindInterval { lost: Some(n), ..BlindInterval::new("data", LossReason::RingFull) };
//! watch.add(BlindInterval { first: at(10), last: at(11), ..lost(500) });
//! watch.add(BlindInterval { first: at(11), last: at(12), ..lost(300) });
//!
//! let mut alerts = Vec::new();
//! watch.advance(at(12), &Schema::falco(), &mut alerts);
//! assert!(alerts.is_empty(), "more may be lost");
//! watch.advance(at(14), &Schema::falco(), &mut alerts);
//! assert_eq!(
//!     alerts[0].message,
//!     "k8srd internal: blind interval. 800 events lost on stream data (ring_full) \
//!      from 1970-01-01T00:00:10.000000000Z to 1970-01-01T00:00:12.000000000Z"
//! );
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::{Alert, Priority, RuleInfo};
use crate::event::Timestamp;
use crate::kind::EventKind;
use crate::loss::{LossReason, Losses};
use crate::schema::Schema;
use crate::set::KindSet;
use crate::time::iso8601;
use crate::value::OwnedValue;

/// The rule of the alerts on blind intervals. No rule file defines it.
pub const RULE: &str = "k8srd internal: blind interval";
/// The source of that rule, and of nothing else: Falco's name for what it tells of itself.
pub const SOURCE: &str = "internal";
/// The field that an alert has which was raised during a blind interval that concerns it.
pub const MARK: &str = "k8srd.blind";

/// So many kinds are named in the text; the field has all.
const NAMED: usize = 10;

/// A stretch of time in which events were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data, completed with `..BlindInterval::new`")]
pub struct BlindInterval {
    /// Where they were lost.
    pub stream: &'static str,
    /// Why.
    pub reason: LossReason,
    /// The kinds that may have been among them; empty where that is not known.
    pub kinds: KindSet,
    /// How many; `None` where nobody can know.
    pub lost: Option<u64>,
    /// None was lost before.
    pub first: Timestamp,
    /// None was lost after.
    pub last: Timestamp,
    /// Whether what is known of processes may be out of date since, so that every alert is concerned.
    pub state: bool,
    /// What else there is to say.
    pub note: Option<&'static str>,
}

impl BlindInterval {
    /// An interval of no length, in which nothing that is known was lost, and which may concern every
    /// alert.
    pub fn new(stream: &'static str, reason: LossReason) -> Self {
        Self {
            stream,
            reason,
            kinds: KindSet::default(),
            lost: Some(0),
            first: Timestamp::default(),
            last: Timestamp::default(),
            state: true,
            note: None,
        }
    }

    /// Whether an event of this kind may be judged wrongly, or others like it not at all.
    fn concerns(&self, kind: EventKind) -> bool {
        self.state || self.kinds.is_empty() || self.kinds.contains(kind)
    }

    fn add(&mut self, other: &Self) {
        let Self { stream: _, reason: _, kinds, lost, first, last, state, note } = self;
        kinds.union_with(&other.kinds);
        *lost = lost.zip(other.lost).map(|(a, b)| a.saturating_add(b));
        *first = (*first).min(other.first);
        *last = (*last).max(other.last);
        *state |= other.state;
        *note = note.or(other.note);
    }

    /// Whether so little lies between them that they are one.
    fn touches(&self, other: &Self, quiet: u64) -> bool {
        let reaches =
            |from: Timestamp, to: Timestamp| to.as_nanos() <= from.as_nanos().saturating_add(quiet);
        reaches(self.last, other.first) && reaches(other.last, self.first)
    }

    fn names(&self, schema: &Schema) -> Vec<String> {
        let name = |kind| schema.kind_info(kind).map(|info| info.name.clone().into_owned());
        let mut names: Vec<_> = self.kinds.iter().filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// How blind intervals are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data: built with struct update syntax")]
pub struct BlindOptions {
    /// An interval ends once nothing was lost for so long.
    pub quiet: Duration,
    /// One that lasts is told each time that this has passed, with what was lost so far.
    pub repeat: Duration,
    /// How urgent the alerts are.
    pub priority: Priority,
    /// Whether alerts that are raised during an interval that concerns them have the field [`MARK`].
    pub mark_alerts: bool,
    /// Reasons of which no alert is raised. They are counted all the same.
    pub untold: Vec<LossReason>,
}

impl Default for BlindOptions {
    /// 1 s, 10 s, critical; all is told and alerts are marked.
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            repeat: Duration::from_secs(10),
            priority: Priority::Critical,
            mark_alerts: true,
            untold: Vec::new(),
        }
    }
}

/// All blind intervals of one stream and reason together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlindTotal {
    /// How many there were.
    pub intervals: u64,
    /// From the first one's begin to the last one's end, with all that was lost.
    pub all: BlindInterval,
}

impl BlindTotal {
    /// In words, on one line.
    #[must_use]
    pub fn describe(&self, schema: &Schema) -> String {
        let Self { intervals, all } = self;
        let plural = if *intervals == 1 { "" } else { "s" };
        let told = Told { interval: all, names: &all.names(schema), open: false };
        format!("{intervals} interval{plural}: {told}")
    }
}

/// Puts losses into intervals and tells them. A [`Pipeline`](crate::pipeline::Pipeline) has one.
///
/// It asks no clock: time comes with what is added and with [`BlindWatch::advance`]. It holds one
/// interval and one total for each stream and reason.
#[derive(Debug)]
pub struct BlindWatch {
    options: BlindOptions,
    rule: Arc<RuleInfo>,
    /// Those to which more may come.
    open: Vec<Open>,
    /// Those that are over and not told yet.
    ended: Vec<BlindInterval>,
    totals: BTreeMap<(&'static str, LossReason), BlindTotal>,
    /// What a source had lost that only counts.
    counted: Losses,
    /// When it was advanced last.
    now: Timestamp,
}

#[derive(Debug)]
struct Open {
    interval: BlindInterval,
    /// When it was told last, or began.
    told: Timestamp,
}

impl BlindWatch {
    /// Nothing was lost so far.
    #[must_use]
    pub fn new(options: BlindOptions) -> Self {
        let mut rule = RuleInfo::new(RULE, options.priority);
        rule.source = SOURCE.into();
        rule.description = "Events were lost: what happened then was not judged.".into();
        Self {
            options,
            rule: rule.into(),
            open: Vec::new(),
            ended: Vec::new(),
            totals: BTreeMap::new(),
            counted: Losses::default(),
            now: Timestamp::default(),
        }
    }

    /// Adds a stretch in which something was lost: to the interval that is open, or as a new one.
    pub fn add(&mut self, interval: BlindInterval) {
        let quiet = nanos(self.options.quiet);
        let place = self.open.iter().position(|open| key(&open.interval) == key(&interval));
        if let Some(Open { interval: open, .. }) = place.and_then(|place| self.open.get_mut(place))
            && open.touches(&interval, quiet)
        {
            open.add(&interval);
            self.enter(&interval, 0);
            return;
        }
        if let Some(place) = place {
            self.ended.push(self.open.remove(place).interval);
        }
        self.enter(&interval, 1);
        self.open.push(Open { told: interval.first, interval });
    }

    /// Adds an interval that is whole and over: it is told by itself.
    pub fn add_whole(&mut self, interval: BlindInterval) {
        self.enter(&interval, 1);
        self.ended.push(interval);
    }

    /// Adds what is new in the account of a source that does not say when it lost it: between these
    /// two moments.
    pub fn compare(&mut self, losses: Losses, kinds: &KindSet, between: (Timestamp, Timestamp)) {
        let (first, last) = between;
        let before = std::mem::replace(&mut self.counted, losses.clone());
        for (stream, reason, n) in losses.since(&before) {
            let (kinds, lost) = (kinds.clone(), Some(n));
            self.add(BlindInterval {
                kinds,
                lost,
                first,
                last,
                ..BlindInterval::new(stream, reason)
            });
        }
    }

    /// It is `now`, and everything up to then has been judged: tells what is over, and what has lasted
    /// for long. What was added may be younger, where events are judged later than losses are known.
    pub fn advance(&mut self, now: Timestamp, schema: &Schema, alerts: &mut Vec<Alert>) {
        let Self { options, open, ended, .. } = self;
        let (quiet, repeat) = (nanos(options.quiet), nanos(options.repeat));
        let passed = |since: Timestamp| now.as_nanos().saturating_sub(since.as_nanos());
        // A clock that was set back would hold them open until it is there again.
        let is_back = now.as_nanos().saturating_add(quiet) < self.now.as_nanos();
        self.now = now;
        let is_over = |open: &mut Open| is_back || passed(open.interval.last) > quiet;
        ended.extend(open.extract_if(.., is_over).map(|open| open.interval));
        self.tell_ended(schema, alerts);
        for place in 0..self.open.len() {
            let Some(open) = self.open.get_mut(place) else { break };
            if passed(open.told) >= repeat {
                open.told = now;
                let interval = open.interval.clone();
                alerts.extend(self.alert(&interval, true, schema));
            }
        }
    }

    /// There is nothing after this: tells all that is not told yet.
    pub fn end(&mut self, schema: &Schema, alerts: &mut Vec<Alert>) {
        self.ended.extend(self.open.drain(..).map(|open| open.interval));
        self.tell_ended(schema, alerts);
    }

    /// Marks alerts on an event of this kind and time, if it lies in an interval that concerns them.
    pub fn mark(&self, kind: EventKind, time: Timestamp, alerts: &mut [Alert]) {
        if self.open.is_empty() || !self.options.mark_alerts || alerts.is_empty() {
            return;
        }
        let quiet = nanos(self.options.quiet);
        let holds = |open: &&Open| {
            let BlindInterval { first, last, .. } = open.interval;
            let end = last.as_nanos().saturating_add(quiet);
            first <= time && time.as_nanos() <= end && open.interval.concerns(kind)
        };
        let text = |Open { interval, .. }: &Open| {
            let text = format!("{} on stream {}", interval.reason, interval.stream);
            OwnedValue::from(text.as_str())
        };
        let names: Vec<_> = self.open.iter().filter(holds).map(text).collect();
        if names.is_empty() {
            return;
        }
        for alert in alerts {
            let place = alert.fields.partition_point(|(name, _)| &**name < MARK);
            alert.fields.insert(place, (MARK.into(), Some(OwnedValue::List(names.clone().into()))));
        }
    }

    /// What was lost so far, by stream and reason.
    pub fn totals(&self) -> impl Iterator<Item = &BlindTotal> {
        self.totals.values()
    }

    fn enter(&mut self, interval: &BlindInterval, intervals: u64) {
        match self.totals.get_mut(&key(interval)) {
            Some(total) => {
                total.intervals += intervals;
                total.all.add(interval);
            }
            None => {
                let total = BlindTotal { intervals, all: interval.clone() };
                self.totals.insert(key(interval), total);
            }
        }
    }

    fn tell_ended(&mut self, schema: &Schema, alerts: &mut Vec<Alert>) {
        for interval in std::mem::take(&mut self.ended) {
            alerts.extend(self.alert(&interval, false, schema));
        }
    }

    fn alert(&self, interval: &BlindInterval, open: bool, schema: &Schema) -> Option<Alert> {
        if self.options.untold.contains(&interval.reason) {
            return None;
        }
        let names = interval.names(schema);
        let message = format!("{RULE}. {}", Told { interval, names: &names, open });
        let mut alert = Alert::new(self.rule.clone(), interval.last, message);
        let kinds = names.iter().map(|name| name.as_str().into()).collect();
        let mut fields = vec![
            ("k8srd.blind.first", Some(OwnedValue::U64(interval.first.as_nanos()))),
            ("k8srd.blind.kinds", Some(OwnedValue::List(kinds))),
            ("k8srd.blind.last", Some(OwnedValue::U64(interval.last.as_nanos()))),
            ("k8srd.blind.lost", interval.lost.map(OwnedValue::U64)),
        ];
        fields.extend(interval.note.map(|note| ("k8srd.blind.note", Some(note.into()))));
        fields.extend([
            ("k8srd.blind.open", Some(OwnedValue::Bool(open))),
            ("k8srd.blind.reason", Some(interval.reason.name().into())),
            ("k8srd.blind.stream", Some(interval.stream.into())),
        ]);
        alert.fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Some(alert)
    }
}

/// An interval in words.
struct Told<'a> {
    interval: &'a BlindInterval,
    names: &'a [String],
    open: bool,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interval, names, open } = self;
        let BlindInterval { stream, reason, lost, first, last, note, .. } = interval;
        match lost {
            Some(1) => f.write_str("1 event lost")?,
            Some(lost) => write!(f, "{lost} events lost")?,
            None => f.write_str("An unknown number of events lost")?,
        }
        write!(
            f,
            " on stream {stream} ({reason}) from {}Z to {}Z",
            iso8601(*first),
            iso8601(*last)
        )?;
        if *open {
            f.write_str(" and still")?;
        }
        let mut separator = ": ";
        for name in names.iter().take(NAMED) {
            write!(f, "{separator}{name}")?;
            separator = ", ";
        }
        if names.len() > NAMED {
            write!(f, " and {} more kinds", names.len() - NAMED)?;
        }
        note.map_or(Ok(()), |note| write!(f, "; {note}"))
    }
}

fn key(interval: &BlindInterval) -> (&'static str, LossReason) {
    (interval.stream, interval.reason)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn lost(n: u64, first: u64, last: u64) -> BlindInterval {
        BlindInterval {
            lost: Some(n),
            first: at(first),
            last: at(last),
            ..BlindInterval::new("data", LossReason::RingFull)
        }
    }

    fn watch() -> BlindWatch {
        BlindWatch::new(BlindOptions::default())
    }

    /// What is told at this time: how many were lost, from when to when, and whether it goes on.
    fn told(watch: &mut BlindWatch, now: u64) -> Vec<(u64, u64, u64, bool)> {
        let mut alerts = Vec::new();
        watch.advance(at(now), &Schema::falco(), &mut alerts);
        alerts.iter().map(read).collect()
    }

    fn read(alert: &Alert) -> (u64, u64, u64, bool) {
        let field = |name: &str| {
            let found = alert.fields.iter().find(|(field, _)| **field == *name);
            found.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        let number = |name: &str| match field(name) {
            Some(OwnedValue::U64(number)) => number,
            other => panic!("{name} is {other:?}"),
        };
        let millis = |name: &str| number(name) / 1_000_000;
        let open = field("k8srd.blind.open") == Some(OwnedValue::Bool(true));
        let last = number("k8srd.blind.last");
        assert_eq!(alert.time, Timestamp::from_nanos(last));
        assert!(alert.fields.is_sorted_by_key(|(name, _)| name.clone()), "{:?}", alert.fields);
        (number("k8srd.blind.lost"), millis("k8srd.blind.first"), millis("k8srd.blind.last"), open)
    }

    #[test]
    fn losses_that_follow_closely_are_one_interval() {
        let mut watch = watch();
        for i in 0..50 {
            watch.add(lost(2, 1000 + i * 100, 1100 + i * 100));
            assert_eq!(told(&mut watch, 1100 + i * 100), []);
        }
        assert_eq!(told(&mut watch, 7000), [], "it was quiet for 1 s, not for longer");
        assert_eq!(told(&mut watch, 7001), [(100, 1000, 6000, false)]);
        assert_eq!(told(&mut watch, 60_000), [], "once");
    }

    #[test]
    fn a_silence_parts_two_intervals() {
        let mut watch = watch();
        watch.add(lost(1, 1000, 1100));
        watch.add(lost(2, 2100, 2200));
        watch.add(lost(4, 3201, 3300));
        assert_eq!(told(&mut watch, 3300), [(3, 1000, 2200, false)]);
        assert_eq!(told(&mut watch, 9000), [(4, 3201, 3300, false)]);
        let total = watch.totals().next().unwrap();
        assert_eq!((total.intervals, total.all.lost), (2, Some(7)));
        assert_eq!((total.all.first, total.all.last), (at(1000), at(3300)));
        assert_eq!(
            total.describe(&Schema::falco()),
            "2 intervals: 7 events lost on stream data (ring_full) from \
             1970-01-01T00:00:01.000000000Z to 1970-01-01T00:00:03.300000000Z"
        );
    }

    #[test]
    fn an_hour_of_losses_is_told_each_ten_seconds() {
        let mut watch = watch();
        let mut alerts = 0;
        for i in 0..3600 {
            watch.add(lost(1, i * 1000, i * 1000 + 1000));
            let told = told(&mut watch, i * 1000 + 1000);
            assert!(told.iter().all(|&(lost, first, _, open)| lost == i + 1 && first == 0 && open));
            alerts += told.len();
        }
        assert_eq!(alerts, 360);
        assert_eq!(told(&mut watch, 3_700_000), [(3600, 0, 3_600_000, false)]);
    }

    #[test]
    fn each_stream_and_reason_has_its_own() {
        let mut watch = watch();
        watch.add(lost(1, 1000, 1100));
        watch.add(BlindInterval { reason: LossReason::Shed, ..lost(2, 1000, 1100) });
        watch.add(BlindInterval { stream: "process", ..lost(4, 1000, 1100) });
        let told = told(&mut watch, 5000);
        assert_eq!(told.iter().map(|told| told.0).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(watch.totals().count(), 3);
    }

    #[test]
    fn a_clock_set_back_ends_an_interval_and_loses_none() {
        let mut watch = watch();
        watch.add(lost(1, 3_600_000, 3_600_100));
        assert_eq!(told(&mut watch, 3_600_100), []);
        let first = (1, 3_600_000, 3_600_100, false);
        assert_eq!(told(&mut watch, 1000), [first], "it is not held open for an hour");
        watch.add(lost(2, 1000, 1100));
        watch.add(lost(4, 500_000, 500_100));
        assert_eq!(told(&mut watch, 1100), [(2, 1000, 1100, false)], "far away is another one");
        assert_eq!(told(&mut watch, 501_101), [(4, 500_000, 500_100, false)]);
    }

    #[test]
    fn a_slow_reader_holds_an_interval_open_until_it_has_judged_it() {
        let mut watch = watch();
        for i in 0..20 {
            watch.add(lost(1, 10_000 + i * 1000, 11_000 + i * 1000));
            assert_eq!(told(&mut watch, 8000 + i * 100), []);
        }
        assert_eq!(told(&mut watch, 31_001), [(20, 10_000, 30_000, false)]);
    }

    #[test]
    fn the_end_tells_what_is_open() {
        let mut watch = watch();
        watch.add(lost(3, 1000, 1100));
        let mut alerts = Vec::new();
        watch.end(&Schema::falco(), &mut alerts);
        watch.end(&Schema::falco(), &mut alerts);
        assert_eq!(alerts.iter().map(read).collect::<Vec<_>>(), [(3, 1000, 1100, false)]);
    }

    #[test]
    fn an_alert_says_what_is_known() {
        let mut watch = watch();
        watch.add(BlindInterval {
            kinds: [EventKind::OPENAT, EventKind::CONNECT].into_iter().collect(),
            ..lost(3, 1000, 2500)
        });
        watch.add_whole(BlindInterval {
            lost: None,
            first: at(0),
            last: at(500),
            note: Some("a note"),
            ..BlindInterval::new("agent", LossReason::AgentDown)
        });
        let mut alerts = Vec::new();
        watch.end(&Schema::falco(), &mut alerts);
        let [down, full] = &alerts[..] else { panic!("{alerts:?}") };
        assert_eq!(
            full.message,
            "k8srd internal: blind interval. 3 events lost on stream data (ring_full) from \
             1970-01-01T00:00:01.000000000Z to 1970-01-01T00:00:02.500000000Z: connect, openat"
        );
        assert_eq!((&*full.rule.name, &*full.rule.source), (RULE, "internal"));
        assert_eq!(full.rule.priority, Priority::Critical);
        let kinds = OwnedValue::List(["connect".into(), "openat".into()].into());
        assert!(full.fields.contains(&("k8srd.blind.kinds".into(), Some(kinds))));
        assert_eq!(
            down.message,
            "k8srd internal: blind interval. An unknown number of events lost on stream agent \
             (agent_down) from 1970-01-01T00:00:00.000000000Z to 1970-01-01T00:00:00.500000000Z; \
             a note"
        );
        assert!(down.fields.contains(&("k8srd.blind.lost".into(), None)));
        assert!(down.fields.contains(&("k8srd.blind.note".into(), Some("a note".into()))));
    }

    #[test]
    fn many_kinds_do_not_fill_the_line() {
        let kinds: KindSet = (3..50).map(EventKind).collect();
        let interval = BlindInterval { kinds, ..lost(3, 1000, 2500) };
        let names = interval.names(&Schema::falco());
        let mut watch = watch();
        watch.add_whole(interval);
        let mut alerts = Vec::new();
        watch.end(&Schema::falco(), &mut alerts);
        let end = format!(", {} and {} more kinds", names[9], names.len() - 10);
        assert!(alerts[0].message.ends_with(&end), "{}", alerts[0].message);
    }

    #[test]
    fn what_is_not_to_be_told_is_counted() {
        let untold = vec![LossReason::RingFull];
        let mut watch = BlindWatch::new(BlindOptions { untold, ..BlindOptions::default() });
        watch.add(lost(3, 1000, 1100));
        assert_eq!(told(&mut watch, 60_000), []);
        assert_eq!(watch.totals().next().unwrap().all.lost, Some(3));
    }

    #[test]
    fn alerts_that_an_interval_concerns_are_marked_while_it_is_open() {
        let alert = || {
            let mut alert = Alert::new(RuleInfo::new("r", Priority::Notice).into(), at(0), "m");
            alert.fields = vec![("evt.type".into(), None), ("proc.name".into(), None)];
            alert
        };
        let marks_at = |watch: &BlindWatch, kind, millis| {
            let mut alerts = [alert()];
            watch.mark(kind, at(millis), &mut alerts);
            assert!(alerts[0].fields.is_sorted_by_key(|(name, _)| name.clone()));
            alerts[0].fields.iter().find(|(name, _)| &**name == MARK).and_then(|(_, v)| v.clone())
        };
        let marks = |watch: &BlindWatch, kind| marks_at(watch, kind, 1500);
        let mut watch = watch();
        assert_eq!(marks(&watch, EventKind::OPENAT), None);
        let kinds: KindSet = [EventKind::OPENAT].into_iter().collect();
        watch.add(BlindInterval { kinds: kinds.clone(), state: false, ..lost(3, 1000, 1100) });
        let mark = OwnedValue::List(["ring_full on stream data".into()].into());
        assert_eq!(marks(&watch, EventKind::OPENAT), Some(mark));
        assert_eq!(marks(&watch, EventKind::CONNECT), None, "it misses no connections");
        let is_marked = |millis| marks_at(&watch, EventKind::OPENAT, millis).is_some();
        assert_eq!([999, 1000, 2100, 2101].map(is_marked), [false, true, true, false]);
        // What is known of processes concerns all.
        watch.add(BlindInterval { stream: "process", kinds, ..lost(3, 1000, 1100) });
        let mark = OwnedValue::List(["ring_full on stream process".into()].into());
        assert_eq!(marks(&watch, EventKind::CONNECT), Some(mark));
        assert_eq!(told(&mut watch, 5000).len(), 2);
        assert_eq!(marks(&watch, EventKind::OPENAT), None, "it is over");

        let options = BlindOptions { mark_alerts: false, ..BlindOptions::default() };
        let mut watch = BlindWatch::new(options);
        watch.add(lost(3, 1000, 1100));
        assert_eq!(marks(&watch, EventKind::OPENAT), None);
    }
}
