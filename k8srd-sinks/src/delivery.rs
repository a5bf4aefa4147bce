//! Delivery: everything about bringing alerts to a sink that is not the sink's own matter.
//!
//! A [`Sink`] tries once and says what kind of failure it met; what to do about it is decided
//! here, the same for every sink: try again while there is time, give up one batch, or give up
//! the sink. Each alert that was offered ends in exactly one number of the [`Account`].
//!
//! The queue is bounded and in memory. A spool on disk would take the place of the queue, and
//! nothing else would change.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use k8srd_core::alert::{Alert, Priority};
use k8srd_core::loss::LossReason;
use k8srd_core::sink::{Ack, Sink, SinkError, SinkErrorKind};

/// How much a delivery holds and how it tries again.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "plain data, completed with `..Limits::default()`")]
pub struct Limits {
    /// How many alerts wait at most, besides the batch that is on its way.
    pub queue: usize,
    /// How many alerts a batch has at most.
    pub batch: usize,
    /// How long to wait before the first new try, where the sink names no time. The wait doubles
    /// with each failure of the same batch.
    pub first_retry: Duration,
    /// How long to wait at most before a new try, whatever the sink asks.
    pub longest_retry: Duration,
}

impl Default for Limits {
    /// 8,192 alerts wait (some 10 MiB at 1 KiB each), 256 go together, tries are 100 ms to 30 s
    /// apart.
    fn default() -> Self {
        Self {
            queue: 8192,
            batch: 256,
            first_retry: Duration::from_millis(100),
            longest_retry: Duration::from_secs(30),
        }
    }
}

/// Brings alerts to one sink, on a thread of its own.
pub struct Delivery {
    shared: Arc<Shared>,
}

impl Delivery {
    /// Starts to deliver to `sink`.
    ///
    /// # Errors
    ///
    /// Where the system gives no thread.
    pub fn start(sink: impl Sink + 'static, limits: Limits) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let name = format!("sink {}", sink.name());
        let driver = Driver { shared: shared.clone(), sink, limits };
        shared.lock().capacity = limits.queue;
        // The thread is never joined: a sink that hangs must not keep the process from ending.
        drop(thread::Builder::new().name(name).spawn(move || driver.run())?);
        Ok(Self { shared })
    }

    /// Takes an alert to deliver. Never waits for the sink: where the queue is full or the sink
    /// has failed for good, the alert is lost and counted.
    pub fn offer(&self, alert: Alert) {
        let mut state = self.shared.lock();
        let priority = alert.rule.priority;
        state.account.offered[priority as usize] += 1;
        if state.failure.is_some() {
            state.account.lose(priority, LossReason::Rejected);
        } else if state.queue.len() >= state.capacity {
            state.account.lose(priority, LossReason::QueueFull);
        } else {
            state.queue.push_back(alert);
            self.shared.changed.notify_all();
        }
    }

    /// What happened so far.
    pub fn account(&self) -> Account {
        self.shared.lock().account.clone()
    }

    /// Why the sink will never work again, if that is so.
    pub fn failure(&self) -> Option<String> {
        self.shared.lock().failure.clone()
    }

    /// Delivers what waits, for at most `limit`, and closes the sink. What is not known to be
    /// delivered by then is counted as lost; a batch that is still on its way may arrive yet.
    pub fn finish(self, limit: Duration) -> Account {
        let start = Instant::now();
        let mut state = self.shared.lock();
        state.stopping = true;
        self.shared.changed.notify_all();
        while !state.ended {
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait(state, left);
        }
        state.abandon();
        state.account.clone()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.shared.lock().abandon();
        self.shared.changed.notify_all();
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Delivery")
            .field("waiting", &state.queue.len())
            .field("account", &state.account)
            .field("failure", &state.failure)
            .finish_non_exhaustive()
    }
}

/// The account of a delivery. Once it is finished, `offered = delivered + lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    offered: [u64; Priority::ALL.len()],
    delivered: [u64; Priority::ALL.len()],
    lost: BTreeMap<(Priority, LossReason), u64>,
}

impl Account {
    /// How many alerts were offered.
    pub fn offered(&self) -> u64 {
        self.offered.iter().sum()
    }

    /// How many alerts of this priority were offered.
    pub fn offered_of(&self, priority: Priority) -> u64 {
        self.offered[priority as usize]
    }

    /// How many alerts the sink took.
    pub fn delivered(&self) -> u64 {
        self.delivered.iter().sum()
    }

    /// How many alerts of this priority the sink took.
    pub fn delivered_of(&self, priority: Priority) -> u64 {
        self.delivered[priority as usize]
    }

    /// How many alerts were lost.
    pub fn lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// How many alerts were lost, by priority and reason, most urgent first; no row says 0.
    pub fn losses(&self) -> impl Iterator<Item = (Priority, LossReason, u64)> + '_ {
        self.lost.iter().map(|(&(priority, reason), &n)| (priority, reason, n))
    }

    fn lose(&mut self, priority: Priority, reason: LossReason) {
        *self.lost.entry((priority, reason)).or_default() += 1;
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    capacity: usize,
    queue: VecDeque<Alert>,
    /// Priorities of the batch that the sink has in hand.
    in_flight: Vec<Priority>,
    account: Account,
    failure: Option<String>,
    /// No more alerts come; the driver ends when the queue is empty.
    stopping: bool,
    /// The account is closed; what the driver still learns changes nothing.
    abandoned: bool,
    /// The driver has closed the sink.
    ended: bool,
}

impl Shared {
    /// No code panics while it holds the lock, and each change leaves a whole state behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn abandon(&mut self) {
        self.stopping = true;
        self.abandoned = true;
        self.lose_waiting(LossReason::Deadline);
    }

    fn lose_waiting(&mut self, reason: LossReason) {
        let Self { queue, in_flight, account, .. } = self;
        let waiting = queue.drain(..).map(|alert| alert.rule.priority);
        for priority in in_flight.drain(..).chain(waiting) {
            account.lose(priority, reason);
        }
    }
}

/// The thread's side.
struct Driver<S> {
    shared: Arc<Shared>,
    sink: S,
    limits: Limits,
}

impl<S: Sink> Driver<S> {
    fn run(mut self) {
        // A sink is code that others write too. Its panic ends the sink, and is told like any
        // failure; without this its alerts would wait for ever.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.drive()));
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(chain(&error)),
            Err(panic) => Some(format!("the sink panicked: {}", panic_text(panic.as_ref()))),
        };
        let mut state = self.shared.lock();
        if failure.is_some() {
            state.failure = failure;
            state.lose_waiting(LossReason::Rejected);
        }
        state.ended = true;
        self.shared.changed.notify_all();
    }

    fn drive(&mut self) -> Result<(), SinkError> {
        while let Some(batch) = self.next_batch() {
            self.deliver(&batch)?;
        }
        // All was delivered or counted: a sink that cannot close has lost nothing more.
        pollster::block_on(self.sink.close())
    }

    /// Waits for alerts; `None` once there will be no more.
    fn next_batch(&self) -> Option<Vec<Alert>> {
        let mut state = self.shared.lock();
        loop {
            if !state.queue.is_empty() {
                let n = state.queue.len().min(self.limits.batch.max(1));
                let batch: Vec<Alert> = state.queue.drain(..n).collect();
                state.in_flight = batch.iter().map(|alert| alert.rule.priority).collect();
                return Some(batch);
            }
            if state.stopping {
                return None;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tries until the batch is delivered, refused, or given up by [`Delivery::finish`].
    fn deliver(&mut self, batch: &[Alert]) -> Result<(), SinkError> {
        let mut pause = self.limits.first_retry;
        loop {
            let outcome = pollster::block_on(self.sink.deliver(batch));
            let retry = match outcome {
                Ok(Ack { .. }) => {
                    self.settle(|account, priority| account.delivered[priority as usize] += 1);
                    return Ok(());
                }
                Err(error) => match error.kind() {
                    SinkErrorKind::Retry { after } => after.unwrap_or(pause),
                    SinkErrorKind::Reject => {
                        self.settle(|account, p| account.lose(p, LossReason::Rejected));
                        return Ok(());
                    }
                    SinkErrorKind::Fatal => return Err(error),
                },
            };
            if !self.pause(retry.min(self.limits.longest_retry)) {
                return Ok(());
            }
            pause = (pause * 2).min(self.limits.longest_retry);
        }
    }

    /// Enters the batch in hand into the account; does nothing once that is closed.
    fn settle(&self, mut enter: impl FnMut(&mut Account, Priority)) {
        let mut state = self.shared.lock();
        let State { in_flight, account, .. } = &mut *state;
        for priority in in_flight.drain(..) {
            enter(account, priority);
        }
    }

    /// Waits before a new try. False where there is nobody left to try for.
    fn pause(&self, length: Duration) -> bool {
        let start = Instant::now();
        let mut state = self.shared.lock();
        while !state.abandoned {
            let left = length.saturating_sub(start.elapsed());
            if left.is_zero() {
                return true;
            }
            state = self.shared.wait(state, left);
        }
        false
    }
}

/// An error and all that lies behind it, in one line.
fn chain(error: &SinkError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use async_trait::async_trait;
    use k8srd_core::alert::RuleInfo;
    use k8srd_core::event::Timestamp;

    use super::*;

    /// Says for each try what the closure says.
    struct Scripted<F>(F);

    #[async_trait]
    impl<F: FnMut(&[Alert]) -> Result<Ack, SinkError> + Send> Sink for Scripted<F> {
        fn name(&self) -> &str {
            "scripted"
        }

        async fn deliver(&mut self, alerts: &[Alert]) -> Result<Ack, SinkError> {
            (self.0)(alerts)
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    fn alert(priority: Priority) -> Alert {
        Alert::new(Arc::new(RuleInfo::new("r", priority)), Timestamp::from_nanos(0), "m")
    }

    fn limits(queue: usize) -> Limits {
        Limits { queue, batch: 4, first_retry: Duration::from_millis(1), ..Limits::default() }
    }

    fn balanced(account: &Account) -> bool {
        account.offered() == account.delivered() + account.lost()
    }

    #[test]
    fn alerts_arrive_in_order_and_in_batches() {
        let (send, receive) = mpsc::channel();
        let sink = Scripted(move |alerts: &[Alert]| {
            send.send(alerts.len()).unwrap();
            Ok(Ack::all())
        });
        let delivery = Delivery::start(sink, limits(100)).unwrap();
        (0..50).for_each(|_| delivery.offer(alert(Priority::Notice)));
        let account = delivery.finish(LONG);
        assert_eq!((account.delivered(), account.lost()), (50, 0));
        assert_eq!(account.delivered_of(Priority::Notice), 50);
        let batches: Vec<usize> = receive.iter().collect();
        assert_eq!(batches.iter().sum::<usize>(), 50);
        assert!(batches.iter().all(|&n| n <= 4), "{batches:?}");
    }

    #[test]
    fn a_blocked_sink_costs_counted_alerts_and_no_time() {
        let (block, blocked) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let sink = Scripted(move |_: &[Alert]| {
            started.send(()).unwrap();
            let _ = blocked.recv();
            Ok(Ack::all())
        });
        let delivery = Delivery::start(sink, limits(10)).unwrap();
        delivery.offer(alert(Priority::Critical));
        start.recv().unwrap();
        let before = Instant::now();
        (0..1000).for_each(|_| delivery.offer(alert(Priority::Debug)));
        assert!(before.elapsed() < Duration::from_secs(2), "offer waited for the sink");
        let account = delivery.finish(Duration::from_millis(20));
        let losses: Vec<_> = account.losses().collect();
        assert_eq!(
            losses,
            [
                (Priority::Critical, LossReason::Deadline, 1),
                (Priority::Debug, LossReason::QueueFull, 990),
                (Priority::Debug, LossReason::Deadline, 10),
            ]
        );
        assert!(balanced(&account));
        drop(block);
    }

    #[test]
    fn a_sink_that_asks_for_time_gets_the_same_batch_again() {
        let mut tries = 0;
        let sink = Scripted(move |_: &[Alert]| {
            tries += 1;
            match tries {
                1 | 2 => Err(SinkError::new(SinkErrorKind::Retry { after: None }, "busy")),
                _ => Ok(Ack::all()),
            }
        });
        let delivery = Delivery::start(sink, limits(10)).unwrap();
        delivery.offer(alert(Priority::Error));
        let account = delivery.finish(LONG);
        assert_eq!((account.delivered(), account.lost()), (1, 0));
    }

    #[test]
    fn a_sink_that_never_recovers_holds_up_the_end_until_the_deadline_only() {
        let busy = || SinkError::new(SinkErrorKind::Retry { after: Some(LONG) }, "busy");
        let delivery =
            Delivery::start(Scripted(move |_: &[Alert]| Err(busy())), limits(10)).unwrap();
        delivery.offer(alert(Priority::Error));
        let before = Instant::now();
        let account = delivery.finish(Duration::from_millis(30));
        assert!(before.elapsed() < LONG);
        assert_eq!(
            account.losses().collect::<Vec<_>>(),
            [(Priority::Error, LossReason::Deadline, 1)]
        );
    }

    #[test]
    fn a_refused_batch_is_lost_and_the_next_goes_on() {
        let mut first = true;
        let sink = Scripted(move |_: &[Alert]| match std::mem::take(&mut first) {
            true => Err(SinkError::new(SinkErrorKind::Reject, "too large")),
            false => Ok(Ack::all()),
        });
        let delivery = Delivery::start(sink, Limits { batch: 1, ..limits(10) }).unwrap();
        delivery.offer(alert(Priority::Alert));
        delivery.offer(alert(Priority::Alert));
        let account = delivery.finish(LONG);
        assert_eq!((account.delivered(), account.lost()), (1, 1));
    }

    #[test]
    fn a_fatal_failure_is_told_and_everything_after_it_counted() {
        let sink = Scripted(|_: &[Alert]| {
            let cause = io::Error::from(io::ErrorKind::BrokenPipe);
            Err(SinkError::new(SinkErrorKind::Fatal, "stdout is closed").caused_by(cause))
        });
        let delivery = Delivery::start(sink, limits(10)).unwrap();
        delivery.offer(alert(Priority::Warning));
        let end = Instant::now() + LONG;
        while delivery.failure().is_none() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(delivery.failure().as_deref(), Some("stdout is closed: broken pipe"));
        delivery.offer(alert(Priority::Warning));
        let account = delivery.finish(LONG);
        assert_eq!(
            account.losses().collect::<Vec<_>>(),
            [(Priority::Warning, LossReason::Rejected, 2)]
        );
    }

    #[test]
    fn a_panicking_sink_loses_what_it_had_and_nothing_hangs() {
        let sink = Scripted(|_: &[Alert]| panic!("out of range"));
        let delivery = Delivery::start(sink, limits(10)).unwrap();
        delivery.offer(alert(Priority::Warning));
        let account = delivery.finish(LONG);
        assert_eq!((account.delivered(), account.lost()), (0, 1));
        assert!(balanced(&account));
    }
}
