//! A capture as a source of events.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Fields, Task, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KindInfo};
use k8srd_core::loss::Losses;
use k8srd_core::set::FieldSet;
use k8srd_core::source::{Flow, Source, SourceError};
use k8srd_core::value::{Lookup, Value};

use crate::codes;
use crate::context::{self, Context};
use crate::convert::{Converted, Converter};
use crate::decode;
use crate::error::CaptureError;
use crate::omission::{Omissions, Omitted};
use crate::reader::{Item, Reader};
use crate::record::{Record, RecordBuf};
use crate::state::State;

/// Items that one call of [`Source::read`] gives at most.
const ITEMS_PER_READ: usize = 1024;

/// Gives the events of a .scap capture, whatever version wrote it, to a pipeline.
///
/// What ran and what was open when the recording began comes first, as events that only carry
/// state. Then come all events, in the order and with the times in which they were recorded; what is asked
/// for by [`Source::subscribe`] makes no difference, so that the state that enrichers keep is right.
#[derive(Debug)]
pub struct Capture {
    reader: Reader,
    converter: Converter,
    /// What is known of the next item, if its recorder told.
    context: RecordBuf,
    has_context: bool,
    /// Whether the first section has begun.
    has_section: bool,
    /// Events so far, as Falco counts: with those that only carry state.
    number: u64,
    /// Whether an event came that is more than state.
    begun: bool,
    told: Told,
    /// Where what is told goes after each batch, for those who asked.
    report: Arc<Mutex<Told>>,
    ended: bool,
}

/// What there is to say about a capture, besides its events.
#[derive(Clone, Debug, Default)]
struct Told {
    hostname: Option<String>,
    boot_time: Option<Timestamp>,
    events: u64,
    offset: u64,
    skipped: BTreeMap<u16, u64>,
    newer_contexts: u64,
    omissions: Omissions,
}

/// What a [`Capture`] tells besides its events, while a pipeline owns it: up to date after each
/// batch of events.
#[derive(Clone, Debug)]
pub struct CaptureReport {
    told: Arc<Mutex<Told>>,
}

impl CaptureReport {
    /// The name of the host that was recorded last, once that was read, if the capture tells it.
    pub fn hostname(&self) -> Option<String> {
        self.told().hostname.clone()
    }

    /// Events given so far, those that only carry state left out.
    pub fn events(&self) -> u64 {
        self.told().events
    }

    /// Bytes read so far, after decompression.
    pub fn offset(&self) -> u64 {
        self.told().offset
    }

    /// What was passed over: Falco's name of the event, how often. By name. Nothing here knows or
    /// needs it, or it is the entry of a call that did not return, and too many did not.
    pub fn skipped(&self) -> BTreeMap<&'static str, u64> {
        let mut by_name = BTreeMap::new();
        for (&code, &count) in &self.told().skipped {
            *by_name.entry(codes::name(code).unwrap_or("unknown")).or_default() += count;
        }
        by_name
    }

    /// How many events and processes a newer version of k8srd recorded with a context that cannot
    /// be read here: of these is known what Falco's format tells.
    pub fn newer_contexts(&self) -> u64 {
        self.told().newer_contexts
    }

    /// What the recorders of the sections read so far left out on purpose. It stands before the
    /// events that lack it.
    pub fn omissions(&self) -> Omissions {
        self.told().omissions.clone()
    }

    /// Nothing that holds the lock can panic.
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `ctx.*` fields: all, since a recorder of k8srd tells them with each event. Of other
/// recordings, rows and events tell what they hold.
static PROVIDES: LazyLock<FieldSet> = LazyLock::new(|| {
    context::fields().chain([field::CTX_TID, field::CTX_CPU, field::CTX_NUMBER]).collect()
});

impl Capture {
    /// Reads a stream, compressed or not.
    ///
    /// # Errors
    ///
    /// Where its first bytes cannot be read.
    pub fn new(stream: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Reader::new(stream).map(Self::of)
    }

    pub(crate) fn of(reader: Reader) -> Self {
        Self {
            reader,
            converter: Converter::default(),
            context: RecordBuf::default(),
            has_context: false,
            has_section: false,
            number: 0,
            begun: false,
            told: Told::default(),
            report: Arc::default(),
            ended: false,
        }
    }

    /// What this capture tells besides its events, for when a pipeline owns it.
    pub fn report(&self) -> CaptureReport {
        CaptureReport { told: Arc::clone(&self.report) }
    }

    fn next(
        &mut self,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CaptureError> {
        let Self {
            reader,
            converter,
            context: kept,
            has_context,
            has_section,
            number,
            begun,
            told,
            ..
        } = self;
        let with_context = std::mem::take(has_context);
        let context = || if with_context { Context::of(kept.record()) } else { None };
        let state = match reader.next()? {
            None => {
                self.ended = true;
                return Ok(ControlFlow::Break(()));
            }
            Some(Item::Omitted(omitted)) => {
                told.omissions.add(&omitted);
                *has_context = with_context;
                return Ok(ControlFlow::Continue(()));
            }
            Some(Item::Event(record)) if Omitted::is_newer(&record) => {
                told.omissions.add_unnamed();
                *has_context = with_context;
                return Ok(ControlFlow::Continue(()));
            }
            Some(Item::Event(record)) if Context::is_newer(&record) => {
                told.newer_contexts += 1;
                return Ok(ControlFlow::Continue(()));
            }
            Some(Item::Event(record)) => {
                let code = record.code;
                return Ok(match converter.convert(record) {
                    Converted::Event(record) => match Recorded::of(record, context()) {
                        Some(mut event) => {
                            *number += 1;
                            event.number = *number;
                            event.boot_time = told.boot_time;
                            // What Falco knew when the recording began it told first.
                            *begun |= !is_initial_state(event.kind);
                            if !*begun {
                                event.kind = EventKind::state(event.record.code);
                            }
                            told.events += u64::from(!event.kind.is_state());
                            each(&event)
                        }
                        None => {
                            *told.skipped.entry(record.code).or_default() += 1;
                            ControlFlow::Continue(())
                        }
                    },
                    Converted::Kept => ControlFlow::Continue(()),
                    Converted::Skipped => {
                        *told.skipped.entry(code).or_default() += 1;
                        ControlFlow::Continue(())
                    }
                });
            }
            Some(Item::Section) => {
                if !std::mem::replace(has_section, true) {
                    return Ok(ControlFlow::Continue(()));
                }
                converter.begin_anew();
                *begun = false;
                (told.hostname, told.boot_time) = (None, None);
                State::Section
            }
            Some(Item::Machine(machine)) => {
                told.hostname = Some(String::from_utf8_lossy(machine.hostname).into_owned());
                let boot = Timestamp::from_nanos(machine.boot_time);
                told.boot_time = Some(boot).filter(|boot| boot.as_nanos() > 0);
                return Ok(ControlFlow::Continue(()));
            }
            Some(Item::Context(next)) => {
                kept.copy(next.record());
                *has_context = true;
                return Ok(ControlFlow::Continue(()));
            }
            Some(Item::Process(row)) => State::Process(row, context()),
            Some(Item::Descriptor(row)) => State::Descriptor(row),
            Some(Item::Interface(row)) => State::Interface(row),
            Some(Item::User(row)) => State::User(row),
            Some(Item::Group(row)) => State::Group(row),
        };
        Ok(each(&state))
    }
}

impl Source for Capture {
    fn provides(&self) -> &FieldSet {
        &PROVIDES
    }

    fn subscribe(&mut self, _: &Interest) -> Result<(), SourceError> {
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let mut result = Ok(ControlFlow::Continue(()));
        for _ in 0..ITEMS_PER_READ {
            if self.ended || !matches!(result, Ok(ControlFlow::Continue(()))) {
                break;
            }
            result = self.next(each);
        }
        self.told.offset = self.reader.offset();
        for (code, count) in self.converter.take_dropped() {
            *self.told.skipped.entry(code).or_default() += count;
        }
        *self.report().told() = self.told.clone();
        match result {
            Err(error) => {
                self.ended = true;
                Err(SourceError::new("the capture cannot be read on").caused_by(error))
            }
            Ok(_) if self.ended => Ok(Flow::End),
            Ok(_) => Ok(Flow::More),
        }
    }

    /// Nothing is lost in reading; what the recorder lost it told in events.
    fn losses(&self) -> Losses {
        Losses::default()
    }

    fn stop(&mut self) -> Result<(), SourceError> {
        self.ended = true;
        Ok(())
    }
}

/// An event of a capture in its newest form.
struct Recorded<'a> {
    kind: EventKind,
    info: &'static KindInfo,
    record: Record<'a>,
    context: Option<Context<'a>>,
    /// What is known of the thread without context.
    task: Task,
    number: u64,
    /// When the machine was booted that was recorded.
    boot_time: Option<Timestamp>,
}

impl<'a> Recorded<'a> {
    /// The event, if the kind table knows it.
    fn of(mut record: Record<'a>, context: Option<Context<'a>>) -> Option<Self> {
        let context = context.filter(|context| context.tid() == record.tid);
        let mut kind = EventKind(record.code);
        if kind == EventKind::GENERIC {
            let number = record.param(0)?.get(..2)?.try_into().ok()?;
            let number = u16::from_le_bytes(number);
            kind = EventKind::call(number);
            if let Some(own) = by_number(number) {
                // Its arguments were not recorded.
                kind = own;
                record = record.without_params();
            }
        }
        // The entries of calls have a row as state only.
        let mut own = KindInfo::of(kind);
        if !kind.is_state() {
            let state = EventKind::state(record.code);
            if record.state_only || own.is_none() {
                kind = state;
            }
            own = own.or_else(|| KindInfo::of(state));
        }
        let mut task = Task::default();
        task.tid = u32::try_from(record.tid).ok();
        Some(Self { kind, info: own?, record, context, task, number: 0, boot_time: None })
    }
}

/// The kind of a call that has an event of its own by now.
fn by_number(number: u16) -> Option<EventKind> {
    /// Kinds by number, so that no event searches.
    static KNOWN: LazyLock<Vec<Option<EventKind>>> =
        LazyLock::new(|| (0..1024).map(codes::kind_of_call).collect());
    KNOWN.get(usize::from(number)).copied().flatten()
}

/// Whether events of this kind only carry state as long as no other came: users, groups and
/// containers. Facts: `is_initialstate_event` in `userspace/libsinsp/sinsp.cpp` of
/// falcosecurity/libs.
fn is_initial_state(kind: EventKind) -> bool {
    matches!(kind.falco_code(), Some(324 | 354 | 356 | 358 | 360 | 402))
}

impl Event for Recorded<'_> {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        self.record.time
    }

    fn task<'a>(&'a self, arena: &'a Arena) -> &'a Task {
        if self.context.is_some() {
            return arena.alloc(Task::read(self, arena));
        }
        &self.task
    }
}

impl Recorded<'_> {
    fn after_boot(&self) -> Option<Value<'static>> {
        let boot = self.boot_time?.as_nanos();
        self.record.time.as_nanos().checked_sub(boot).map(Value::U64)
    }
}

impl Fields for Recorded<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        if let Some(place) = key.field().as_param().map(usize::from) {
            return match (self.info.params.get(place), self.record.param(place)) {
                (Some(param), Some(bytes)) => decode::value(param, bytes),
                _ => Lookup::Absent,
            };
        }
        match (key.field(), &self.context) {
            (field::CTX_TID, _) => Lookup::Known(Value::I64(self.record.tid as i64)),
            (field::CTX_CPU, _) => Lookup::Known(Value::U64(self.record.cpu.into())),
            (field::CTX_NUMBER, _) => Lookup::Known(Value::U64(self.number)),
            (id, Some(context)) => context.get(id).into(),
            (field::CTX_BOOT_TIME, None) => self.after_boot().into(),
            (_, None) => Lookup::Absent,
        }
    }
}
