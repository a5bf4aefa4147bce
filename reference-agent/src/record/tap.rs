//! Where events leave the pipeline for the capture.

use std::fs::File;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use k8srd_capture::{Recorder, RecorderCounts, RecorderOptions, WriteError};
use k8srd_core::arena::Arena;
use k8srd_core::catalogue::{self, FIELDS};
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::Event;
use k8srd_core::field::{FieldClass, Key};
use k8srd_core::interest::Interest;
use k8srd_core::kind::{KINDS, KindFlags};
use k8srd_core::matcher::{Matcher, OutOfSight, Verdicts};
use k8srd_core::rules::RuleMatcher;
use k8srd_core::set::{FieldSet, KindSet, RuleBits};
use k8srd_core::value::{Lookup, Value};

/// Records what passes: events as a matcher, since only matchers see the names that a file has, and
/// state as an enricher, since only enrichers see that.
#[derive(Clone)]
pub(super) struct Tap {
    /// Kinds that change what is known: later events are not understood without them.
    state: Arc<KindSet>,
    interest: Arc<Interest>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    recorder: Option<Recorder<File>>,
    chosen: Option<RuleMatcher>,
    failure: Option<WriteError>,
}

impl Tap {
    /// Records all events that the recorder takes, or those for which `chosen` raises an alert.
    pub(super) fn new(
        recorder: Recorder<File>,
        options: RecorderOptions,
        chosen: Option<RuleMatcher>,
    ) -> Self {
        let changes = |flags: KindFlags| flags.contains(KindFlags::MODIFIES_STATE);
        let state: KindSet =
            KINDS.iter().filter(|info| changes(info.flags)).map(|info| info.kind).collect();
        // All that is told of a task, and no number: those are of recordings.
        let context = FIELDS.iter().filter(|info| info.class == FieldClass::Ctx);
        let context = context.filter(|info| info.id != catalogue::CTX_NUMBER);
        let mut interest = Interest::new(state.clone(), context.map(|info| info.id).collect());
        match &chosen {
            Some(chosen) => interest.union_with(chosen.interest()),
            None => {
                let all = KINDS.iter().filter(|info| options.records(info)).map(|info| info.kind);
                interest.union_with(&Interest::new(all.collect(), FieldSet::default()));
            }
        }
        let shared = Shared { recorder: Some(recorder), chosen, failure: None };
        let (state, interest) = (Arc::new(state), Arc::new(interest));
        Self { state, interest, shared: Arc::new(Mutex::new(shared)) }
    }

    /// Lets what was recorded reach the file.
    pub(super) fn flush(&self) {
        self.shared().with(Recorder::flush);
    }

    /// Whether the file cannot be written on.
    pub(super) fn has_failed(&self) -> bool {
        self.shared().failure.is_some()
    }

    /// Bytes before compression.
    pub(super) fn offset(&self) -> u64 {
        self.shared().recorder.as_ref().map_or(0, Recorder::offset)
    }

    /// Completes the capture; what it holds, and whether it is whole.
    pub(super) fn finish(self) -> (RecorderCounts, Result<(), WriteError>) {
        let mut shared = self.shared();
        let Some(recorder) = shared.recorder.take() else {
            return (RecorderCounts::default(), Ok(()));
        };
        let counts = recorder.counts();
        let whole = match shared.failure.take() {
            Some(failure) => Err(failure),
            None => recorder.finish().map(drop),
        };
        (counts, whole)
    }

    /// Nothing that holds the lock can panic.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn with(&mut self, write: impl FnOnce(&mut Recorder<File>) -> Result<(), WriteError>) {
        if let (Some(recorder), None) = (&mut self.recorder, &self.failure) {
            self.failure = write(recorder).err();
        }
    }
}

impl Matcher for Tap {
    fn interest(&self) -> &Interest {
        &self.interest
    }

    /// What was asked for; what is recorded beside it is what there is.
    fn readers(&self, fields: &FieldSet) -> Vec<String> {
        self.shared().chosen.as_ref().map(|chosen| chosen.readers(fields)).unwrap_or_default()
    }

    fn out_of_sight(&self, produced: &KindSet) -> Vec<OutOfSight> {
        let shared = self.shared();
        shared.chosen.as_ref().map(|chosen| chosen.out_of_sight(produced)).unwrap_or_default()
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        only: Option<&RuleBits>,
        arena: &Arena,
        out: &mut Verdicts,
    ) {
        let mut shared = self.shared();
        let wanted = match &mut shared.chosen {
            Some(chosen) => {
                chosen.evaluate(event, only, arena, out);
                let wanted = !out.alerts.is_empty();
                out.alerts.clear();
                // It is asked again.
                if !wanted && !out.waiting.is_empty() {
                    return;
                }
                wanted
            }
            None => true,
        };
        if wanted {
            shared.with(|recorder| recorder.record(event, arena));
        } else if self.state.contains(event.kind()) {
            shared.with(|recorder| recorder.record_state(event, arena));
        }
    }
}

static NOTHING: LazyLock<FieldSet> = LazyLock::new(FieldSet::default);

impl Enricher for Tap {
    fn provides(&self) -> &FieldSet {
        &NOTHING
    }

    fn demand(&mut self, _: &FieldSet) -> Interest {
        Interest::default()
    }

    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        if event.kind().is_state() {
            self.shared().with(|recorder| recorder.record(event, arena));
        }
    }

    fn locate(&self, _: &dyn Event, _: &Arena) -> Lookup<Slot> {
        Lookup::Absent
    }

    fn get<'a>(&'a self, _: Slot, _: &'a dyn Event, _: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        Lookup::Absent
    }
}
