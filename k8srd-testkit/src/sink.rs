//! A sink that remembers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use k8srd_core::alert::Alert;
use k8srd_core::sink::{Ack, Sink, SinkError, SinkErrorKind};

/// A sink that remembers what it was given, and fails where it is told to.
///
/// ```
/// use k8srd_core::sink::SinkErrorKind;
/// use k8srd_testkit::sink::RecordingSink;
///
/// let sink = RecordingSink::new("memory").fail(SinkErrorKind::Retry { after: None });
/// let probe = sink.probe();
/// // … give the sink to a delivery; the first batch fails, later ones arrive:
/// assert!(probe.alerts().is_empty());
/// ```
#[derive(Debug)]
pub struct RecordingSink {
    name: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    batches: Vec<Vec<Alert>>,
    attempts: usize,
    checks: usize,
    closed: bool,
    broken: bool,
}

#[derive(Debug)]
enum Answer {
    Take,
    Fail(SinkErrorKind),
    Hang,
}

impl RecordingSink {
    /// A sink of this name that takes everything.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), state: Arc::default() }
    }

    /// The next batch that has no answer yet is taken.
    #[must_use]
    pub fn take(self) -> Self {
        self.answer(Answer::Take)
    }

    /// The next batch that has no answer yet fails so, and nothing of it is recorded. After
    /// [`SinkErrorKind::Fatal`] every batch fails so.
    #[must_use]
    pub fn fail(self, kind: SinkErrorKind) -> Self {
        self.answer(Answer::Fail(kind))
    }

    /// The next batch that has no answer yet is never answered: its delivery does not end.
    #[must_use]
    pub fn hang(self) -> Self {
        self.answer(Answer::Hang)
    }

    /// A view of the sink that stays with the test when a delivery owns the sink.
    pub fn probe(&self) -> SinkProbe {
        SinkProbe { state: Arc::clone(&self.state) }
    }

    fn answer(self, answer: Answer) -> Self {
        lock(&self.state).answers.push_back(answer);
        self
    }
}

#[async_trait]
impl Sink for RecordingSink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn deliver(&mut self, alerts: &[Alert]) -> Result<Ack, SinkError> {
        let answer = lock(&self.state).next_answer(alerts);
        match answer {
            Answer::Take => Ok(Ack::all()),
            Answer::Fail(kind) => Err(SinkError::new(kind, "the script of this sink fails here")),
            Answer::Hang => std::future::pending().await,
        }
    }

    async fn check(&mut self) -> Result<(), SinkError> {
        let mut state = lock(&self.state);
        state.checks += 1;
        if state.broken || state.closed {
            return Err(SinkError::new(SinkErrorKind::Fatal, "the sink is closed or broken"));
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), SinkError> {
        lock(&self.state).closed = true;
        Ok(())
    }
}

impl State {
    /// Decides about a batch and records it where it is taken. An empty batch is nothing to
    /// decide about.
    fn next_answer(&mut self, alerts: &[Alert]) -> Answer {
        self.attempts += 1;
        if self.broken || self.closed {
            return Answer::Fail(SinkErrorKind::Fatal);
        }
        if alerts.is_empty() {
            return Answer::Take;
        }
        let answer = self.answers.pop_front().unwrap_or(Answer::Take);
        match answer {
            Answer::Take => self.batches.push(alerts.to_vec()),
            Answer::Fail(SinkErrorKind::Fatal) => self.broken = true,
            Answer::Fail(_) | Answer::Hang => {}
        }
        answer
    }
}

/// Tells what happened to a [`RecordingSink`].
#[derive(Clone, Debug)]
pub struct SinkProbe {
    state: Arc<Mutex<State>>,
}

impl SinkProbe {
    /// All alerts that were taken, in order.
    pub fn alerts(&self) -> Vec<Alert> {
        lock(&self.state).batches.concat()
    }

    /// The messages of all alerts that were taken, in order.
    pub fn messages(&self) -> Vec<String> {
        self.alerts().into_iter().map(|alert| alert.message).collect()
    }

    /// The size of each batch that was taken, in order.
    pub fn batch_sizes(&self) -> Vec<usize> {
        lock(&self.state).batches.iter().map(Vec::len).collect()
    }

    /// How often delivery was tried.
    pub fn attempts(&self) -> usize {
        lock(&self.state).attempts
    }

    /// How often the sink was checked.
    pub fn checks(&self) -> usize {
        lock(&self.state).checks
    }

    /// Whether the sink was closed.
    pub fn closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Breaks the sink for good.
    pub fn break_sink(&self) {
        lock(&self.state).broken = true;
    }
}

/// A test that panicked has said why; those that look on need not panic too.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use k8srd_core::alert::{Priority, RuleInfo};
    use k8srd_core::event::Timestamp;

    use super::*;

    fn alert(message: &str) -> Alert {
        let rule = Arc::new(RuleInfo::new("r", Priority::Notice));
        Alert::new(rule, Timestamp::default(), message)
    }

    #[test]
    fn takes_in_order_and_fails_where_told() {
        let retry = SinkErrorKind::Retry { after: None };
        let mut sink = RecordingSink::new("m").take().fail(retry).fail(SinkErrorKind::Reject);
        let probe = sink.probe();
        pollster::block_on(async {
            sink.deliver(&[alert("a"), alert("b")]).await.unwrap();
            sink.deliver(&[]).await.unwrap();
            assert_eq!(sink.deliver(&[alert("c")]).await.unwrap_err().kind(), retry);
            let rejected = sink.deliver(&[alert("c")]).await.unwrap_err();
            assert_eq!(rejected.kind(), SinkErrorKind::Reject);
            sink.deliver(&[alert("d")]).await.unwrap();
        });
        assert_eq!(probe.messages(), ["a", "b", "d"]);
        assert_eq!(probe.batch_sizes(), [2, 1]);
        assert_eq!(probe.attempts(), 5);
    }

    #[test]
    fn after_a_fatal_error_or_the_close_nothing_is_taken() {
        let mut fatal = RecordingSink::new("m").fail(SinkErrorKind::Fatal);
        let mut closed = RecordingSink::new("m");
        pollster::block_on(async {
            assert!(fatal.deliver(&[alert("a")]).await.is_err());
            assert!(fatal.deliver(&[alert("a")]).await.is_err());
            assert!(fatal.check().await.is_err());
            closed.close().await.unwrap();
            assert!(closed.deliver(&[alert("a")]).await.is_err());
        });
        assert!(fatal.probe().alerts().is_empty());
        assert!(closed.probe().closed() && closed.probe().alerts().is_empty());
        assert_eq!(fatal.probe().checks(), 1);
    }

    #[test]
    fn a_hanging_delivery_does_not_end() {
        let mut sink = RecordingSink::new("m").hang();
        let batch = [alert("a")];
        let mut delivery = sink.deliver(&batch);
        assert!(delivery.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
