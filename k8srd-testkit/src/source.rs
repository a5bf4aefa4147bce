//! A source that follows a script.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8srd_core::event::Event;
use k8srd_core::field::FieldId;
use k8srd_core::interest::Interest;
use k8srd_core::loss::{LossReason, Losses};
use k8srd_core::schema::Schema;
use k8srd_core::set::FieldSet;
use k8srd_core::source::{Flow, Source, SourceError};

use crate::clock::VirtualClock;
use crate::event::TestEvent;

/// The stream under which events are accounted.
const STREAM: &str = "script";

/// A source that follows a script: events, times of silence, losses, an error.
///
/// It keeps what every source must keep: it gives nothing before it is subscribed, only kinds
/// that someone wants, everything in order, and counts `produced = processed + lost`. It never
/// sleeps: a silence passes on the [`VirtualClock`].
///
/// ```
/// use std::time::Duration;
///
/// use k8srd_core::loss::LossReason;
/// use k8srd_testkit::event::TestEvent;
/// use k8srd_testkit::source::ScriptedSource;
///
/// let source = ScriptedSource::new()
///     .event(TestEvent::open().param("name", "/etc/passwd"))
///     .silence(Duration::from_millis(20))
///     .lose(LossReason::RingFull, 3)
///     .event(TestEvent::open().param("name", "/etc/shadow"));
/// let probe = source.probe();
/// // … give the source to a pipeline, step it, then ask the probe:
/// assert_eq!(probe.left(), 4);
/// ```
#[derive(Debug, Default)]
pub struct ScriptedSource {
    provides: FieldSet,
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Entry>,
    subscriptions: Vec<Interest>,
    losses: Losses,
    stopped: bool,
}

#[derive(Debug)]
enum Entry {
    Event(Box<TestEvent>),
    Silence(Duration),
    Loss(LossReason, u64),
    Failure(String),
}

impl ScriptedSource {
    /// A source that has nothing to say yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event, and the fields it was told to what the source provides.
    ///
    /// Fields that every event of every schema has stay out: they are the pipeline's.
    #[must_use]
    pub fn event(mut self, event: TestEvent) -> Self {
        let common = Schema::new();
        self.provides.extend(event.fields().filter(|&field| common.field_info(field).is_none()));
        self.then(Entry::Event(Box::new(event)))
    }

    /// Adds several events.
    #[must_use]
    pub fn events(self, events: impl IntoIterator<Item = TestEvent>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// Adds a time in which nothing comes.
    #[must_use]
    pub fn silence(self, time: Duration) -> Self {
        self.then(Entry::Silence(time))
    }

    /// Adds a loss of `n` events.
    #[must_use]
    pub fn lose(self, reason: LossReason, n: u64) -> Self {
        self.then(Entry::Loss(reason, n))
    }

    /// Adds an error: [`Source::read`] fails here, and from then on always.
    #[must_use]
    pub fn fail(self, message: impl Into<String>) -> Self {
        self.then(Entry::Failure(message.into()))
    }

    /// Provides these fields too, which no event of the script has.
    #[must_use]
    pub fn provide(mut self, fields: impl IntoIterator<Item = FieldId>) -> Self {
        self.provides.extend(fields);
        self
    }

    /// Lets silences pass on this clock.
    #[must_use]
    pub fn clock(mut self, clock: VirtualClock) -> Self {
        self.clock = clock;
        self
    }

    /// A view of the source that stays with the test when a pipeline owns the source.
    pub fn probe(&self) -> SourceProbe {
        SourceProbe { state: Arc::clone(&self.state) }
    }

    fn then(self, entry: Entry) -> Self {
        lock(&self.state).script.push_back(entry);
        self
    }
}

impl Source for ScriptedSource {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        lock(&self.state).subscriptions.push(interest.clone());
        Ok(())
    }

    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let Self { clock, state, .. } = self;
        if lock(state).subscriptions.is_empty() {
            return Err(SourceError::new("the source was read before it was subscribed"));
        }
        let (mut wait, mut quiet) = (wait, true);
        loop {
            // The lock is not held while `each` runs, which may ask the probe.
            let entry = lock(state).script.pop_front();
            match entry {
                None => return Ok(Flow::End),
                Some(Entry::Event(event)) if lock(state).wants(&event) => {
                    let account_of = |state: &mut State| {
                        let account = state.losses.stream(STREAM);
                        account.produced += 1;
                        account.processed += 1;
                    };
                    account_of(&mut lock(state));
                    quiet = false;
                    if each(&*event).is_break() {
                        return Ok(Flow::More);
                    }
                }
                Some(Entry::Event(_)) => {}
                Some(Entry::Silence(time)) => {
                    let passes = if quiet { time.min(wait) } else { Duration::ZERO };
                    clock.advance(passes);
                    wait -= passes;
                    if passes < time {
                        lock(state).script.push_front(Entry::Silence(time - passes));
                        return Ok(Flow::More);
                    }
                }
                Some(Entry::Loss(reason, n)) => {
                    let mut state = lock(state);
                    let account = state.losses.stream(STREAM);
                    account.produced += n;
                    account.lose(reason, n);
                }
                Some(Entry::Failure(message)) => {
                    let error = SourceError::new(message.clone());
                    lock(state).script.push_front(Entry::Failure(message));
                    return Err(error);
                }
            }
        }
    }

    fn losses(&self) -> Losses {
        lock(&self.state).losses.clone()
    }

    /// What would have come after the next silence is never produced.
    fn stop(&mut self) -> Result<(), SourceError> {
        let mut state = lock(&self.state);
        let there = state.script.iter().position(|entry| matches!(entry, Entry::Silence(_)));
        state.script.truncate(there.unwrap_or(usize::MAX));
        state.stopped = true;
        Ok(())
    }
}

impl State {
    fn wants(&self, event: &TestEvent) -> bool {
        self.subscriptions.last().is_some_and(|last| last.kinds().contains(event.kind()))
    }
}

/// Tells what happened to a [`ScriptedSource`].
#[derive(Clone, Debug)]
pub struct SourceProbe {
    state: Arc<Mutex<State>>,
}

impl SourceProbe {
    /// What the source was asked for, in order.
    pub fn subscriptions(&self) -> Vec<Interest> {
        lock(&self.state).subscriptions.clone()
    }

    /// How many entries of the script are left.
    pub fn left(&self) -> usize {
        lock(&self.state).script.len()
    }

    /// Whether the source was stopped.
    pub fn stopped(&self) -> bool {
        lock(&self.state).stopped
    }
}

/// A test that panicked has said why; those that look on need not panic too.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use k8srd_core::catalogue;
    use k8srd_core::kind::EventKind;
    use k8srd_core::set::KindSet;

    use super::*;

    fn opens(kinds: &[EventKind]) -> Interest {
        Interest::new(kinds.iter().copied().collect::<KindSet>(), FieldSet::default())
    }

    /// The times of the events that one read gives.
    fn read(source: &mut ScriptedSource, wait: Duration) -> (Vec<u64>, Result<Flow, String>) {
        let mut times = Vec::new();
        let flow = source.read(wait, &mut |event| {
            times.push(event.time().as_nanos());
            ControlFlow::Continue(())
        });
        (times, flow.map_err(|error| error.to_string()))
    }

    #[test]
    fn events_come_in_order_and_silence_passes_on_the_clock() {
        let clock = VirtualClock::default();
        let mut source = ScriptedSource::new()
            .clock(clock.clone())
            .event(TestEvent::open().at(1))
            .event(TestEvent::fork().at(2))
            .event(TestEvent::open().at(3))
            .silence(Duration::from_nanos(100))
            .event(TestEvent::open().at(4));
        source.subscribe(&opens(&[EventKind::OPEN])).unwrap();
        let ms = Duration::from_nanos(60);
        assert_eq!(read(&mut source, ms), (vec![1, 3], Ok(Flow::More)), "forks are not wanted");
        assert_eq!(clock.now().as_nanos(), 0, "nobody waits once an event was there");
        assert_eq!(read(&mut source, ms), (vec![], Ok(Flow::More)));
        assert_eq!(clock.now().as_nanos(), 60);
        assert_eq!(read(&mut source, ms), (vec![4], Ok(Flow::End)));
        assert_eq!(clock.now().as_nanos(), 100);
        assert_eq!(source.losses().total_produced(), 3);
    }

    #[test]
    fn a_break_loses_nothing() {
        let mut source =
            ScriptedSource::new().events([TestEvent::open().at(1), TestEvent::open().at(2)]);
        source.subscribe(&opens(&[EventKind::OPEN])).unwrap();
        let mut seen = Vec::new();
        let mut one = |event: &dyn Event| {
            seen.push(event.time().as_nanos());
            ControlFlow::Break(())
        };
        assert_eq!(source.read(Duration::ZERO, &mut one).unwrap(), Flow::More);
        assert_eq!(source.read(Duration::ZERO, &mut one).unwrap(), Flow::More);
        assert_eq!(source.read(Duration::ZERO, &mut one).unwrap(), Flow::End);
        assert_eq!(seen, [1, 2]);
    }

    #[test]
    fn losses_and_errors_come_where_the_script_has_them() {
        let mut source = ScriptedSource::new()
            .event(TestEvent::open().at(1))
            .lose(LossReason::RingFull, 7)
            .fail("the ring is gone");
        source.subscribe(&opens(&[EventKind::OPEN])).unwrap();
        assert_eq!(source.losses().total_lost(), 0);
        let gone = Err("the ring is gone".to_owned());
        assert_eq!(read(&mut source, Duration::ZERO), (vec![1], gone.clone()));
        assert_eq!(read(&mut source, Duration::ZERO), (vec![], gone));
        let account = source.losses().streams[STREAM].clone();
        assert_eq!((account.produced, account.processed, account.total_lost()), (8, 1, 7));
    }

    #[test]
    fn stopping_keeps_what_is_there_and_ends() {
        let mut source = ScriptedSource::new()
            .event(TestEvent::open().at(1))
            .silence(Duration::from_secs(1))
            .event(TestEvent::open().at(2));
        let probe = source.probe();
        source.subscribe(&opens(&[EventKind::OPEN])).unwrap();
        source.stop().unwrap();
        assert_eq!(read(&mut source, Duration::MAX), (vec![1], Ok(Flow::End)));
        assert!(probe.stopped());
        assert_eq!(probe.left(), 0);
    }

    #[test]
    fn it_provides_what_its_events_say_and_no_more() {
        let source = ScriptedSource::new()
            .event(TestEvent::open().field("evt.num", 1).field("fd.num", 3).param("fd", 3))
            .provide([catalogue::CTX_TID]);
        let expected = FieldSet::from_iter([catalogue::FD_NUM, catalogue::CTX_TID]);
        assert_eq!(*source.provides(), expected);
    }

    #[test]
    fn it_is_not_read_before_it_is_subscribed() {
        let mut source = ScriptedSource::new().event(TestEvent::open());
        let (seen, flow) = read(&mut source, Duration::ZERO);
        assert!(seen.is_empty() && flow.is_err());
        assert_eq!(source.probe().left(), 1);
    }
}
