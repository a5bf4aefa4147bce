//! The live source: the sensor's rings and task rows, as events in order of time.

use std::fmt;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use k8srd_core::blind::BlindInterval;
use k8srd_core::event::{Event, Timestamp};
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KindClass, KindInfo};
use k8srd_core::loss::{Flaw, LossReason, Losses, StreamAccount};
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::{Flow, Source, SourceError};

use crate::abi::{Header, counter, flag};
use crate::calls;
use crate::clock::{WallClock, boot_now};
use crate::load::{Counters, LoadError, Sensor, SensorOptions};
use crate::merge::{Merge, MergeLimits};
use crate::record::{self, KernelEvent, UNREADABLE};
use crate::ring::{Ring, Stop};
use crate::shed;
use crate::snapshot::Snapshot;

/// The rings are polled: the programs never wake the reader, which costs the workload a third more
/// (measured 2026-11-24 on a 2-core EPYC guest, 475 against 735 ns per call). This often while
/// records come, and down to that when none do.
const PAUSE_BUSY: Duration = Duration::from_millis(1);
const PAUSE_IDLE: Duration = Duration::from_millis(5);
/// After the programs are detached, one may still be writing its record on another CPU.
const DRAIN_LIMIT: Duration = Duration::from_millis(100);
/// How often the lifecycle ring is asked whether it lost something, and the kernel whether it skipped
/// programs.
const LOSS_CHECK: Duration = Duration::from_secs(1);
/// How often all is asked what was lost: as exactly is known when it was.
const LOSS_LOOK: Duration = Duration::from_millis(50);

/// Stream of the records of processes: exec, new tasks, exits.
pub const PROCESS: &str = "process";
/// Stream of all other records.
pub const DATA: &str = "data";
/// Stream of the rows for tasks that ran already.
pub const SNAPSHOT: &str = "snapshot";
/// Stream of the calls of 32-bit programs whose arguments could not be read: counted, no event.
pub const COMPAT: &str = "compat";
/// Stream of the program runs that the kernel skipped, because the CPU was in that program already.
pub const PROGRAMS: &str = "programs";

/// What is written to the lifecycle ring.
const LIFECYCLE_KINDS: [EventKind; 7] = [
    EventKind::PROCEXIT,
    EventKind::CLONE,
    EventKind::FORK,
    EventKind::VFORK,
    EventKind::EXECVE,
    EventKind::EXECVEAT,
    EventKind::CLONE3,
];

/// The lifecycle ring's place among the rings.
const LIFECYCLE: usize = 0;

/// How a [`BpfSource`] works.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "plain data: built with struct update syntax")]
pub struct BpfOptions {
    /// The kernel's side.
    pub sensor: SensorOptions,
    /// How records of several rings become one order.
    pub merge: MergeLimits,
}

/// The events of this node's kernel.
///
/// ```no_run
/// use std::{ops::ControlFlow, time::Duration};
///
/// use k8srd_bpf::source::{BpfOptions, BpfSource};
/// use k8srd_core::{interest::Interest, kind::EventKind, set::FieldSet, source::Source};
///
/// let mut source = BpfSource::load(&BpfOptions::default())?;
/// let kinds = [EventKind::TASK, EventKind::EXECVE, EventKind::OPENAT];
/// source.subscribe(&Interest::new(kinds.into_iter().collect(), FieldSet::default()))?;
/// source.read(Duration::from_secs(1), &mut |event| {
///     println!("{:?} at {:?}", event.kind(), event.time());
///     ControlFlow::Continue(())
/// })?;
/// println!("{:?}", source.losses());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Loading attaches the programs, so lifecycles are recorded from then on. The first
/// [`subscribe`](Source::subscribe) asks for system calls and then takes the rows of the tasks that
/// run already, if [`EventKind::TASK`] is wanted; [`read`](Source::read) gives these rows before
/// anything else. A row shows its task as it was at the row's `ctx.boot_time`: what comes after with
/// an older time is older news about the same task. After a loss on the lifecycle ring all rows are
/// given again, between events.
pub struct BpfSource {
    sensor: Sensor,
    provides: FieldSet,
    produces: KindSet,
    wanted: KindSet,
    rings: Vec<Ring>,
    merge: Merge,
    clock: WallClock,
    snapshot: Snapshot,
    accounts: Accounts,
    state: State,
    pause: Duration,
    /// When the lifecycle ring was asked last, and how many records it had lost.
    loss_check: (Instant, u64),
    known: Known,
}

/// What was lost when it was asked for last; times are nanoseconds since boot.
#[derive(Debug)]
struct Known {
    losses: Losses,
    at: u64,
    /// Program runs that the kernel skipped, and when it was asked for them.
    skipped: (u64, u64),
    /// When the programs were loaded.
    loaded: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has subscribed.
    Loaded,
    Running,
    /// The programs are detached, the rings are being emptied.
    Draining(Instant),
    /// The rings have been emptied, what the merge holds is being let out.
    Drained,
}

impl BpfSource {
    /// Loads and attaches the kernel programs and maps their rings.
    ///
    /// # Errors
    ///
    /// Where this kernel or this process cannot: the message says what is missing and what to do.
    pub fn load(options: &BpfOptions) -> Result<Self, SourceError> {
        let sensor =
            Sensor::load(&options.sensor).map_err(wrap("cannot load the kernel sensor"))?;
        // The lifecycle ring first: of records with one time its own goes first.
        let rings = std::iter::once(sensor.lifecycle())
            .chain(sensor.data())
            .map(|map| Ring::map(std::os::fd::AsFd::as_fd(map), map.bytes()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| SourceError::new("cannot map the sensor's rings").caused_by(error))?;
        // What waits in user space takes no more than what waits in the kernel: on a node of many
        // CPUs each ring is small.
        let data_ring = sensor.data().first().map_or(0, |map| map.bytes());
        let bytes_per_ring = options.merge.bytes_per_ring.min(data_ring);
        let limits = MergeLimits { bytes_per_ring, ..options.merge };
        let now = boot_now();
        Ok(Self {
            provides: record::provided_fields(),
            produces: Self::kinds(),
            wanted: KindSet::default(),
            merge: Merge::new(rings.len(), limits),
            rings,
            clock: WallClock::new(),
            snapshot: Snapshot::default(),
            accounts: Accounts::default(),
            state: State::Loaded,
            pause: PAUSE_BUSY,
            loss_check: (Instant::now(), 0),
            known: Known { losses: Losses::default(), at: now, skipped: (0, now), loaded: now },
            sensor,
        })
    }

    /// The kinds of events that it can produce, on any kernel on which it loads.
    pub fn kinds() -> KindSet {
        let others = [EventKind::PROCEXIT, EventKind::TASK];
        calls::kinds().map(EventKind).chain(others).collect()
    }

    /// The kernel's side: its counters, its rings, what is attached.
    pub fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// One round: everything that is in the rings into the merge, everything that is old enough out
    /// of it. Says whether anything came in.
    fn round(&mut self, each: &mut Each<'_>) -> ControlFlow<(), bool> {
        let now = boot_now();
        self.clock.refresh(now);
        self.merge.begin(now);
        let mut came = false;
        let mut complete = true;
        for (i, ring) in self.rings.iter_mut().enumerate() {
            let (merge, account) = (&mut self.merge, self.accounts.of_ring(i));
            let stop = ring.drain(|reservation| {
                came = true;
                let Ok((header, record)) = record::envelope(reservation) else {
                    account.malformed += 1;
                    return ControlFlow::Continue(());
                };
                merge.offer(i, header.time, record)
            });
            // A contradiction skips records; the account misses them and says so in the end.
            account.corrupt |= stop.is_err();
            let stop = stop.unwrap_or(Stop::Empty);
            complete &= stop == Stop::Empty;
            self.merge.settle(i, stop);
        }
        if let State::Draining(since) = self.state
            && (since.elapsed() >= DRAIN_LIMIT || (complete && self.all_is_here()))
        {
            self.merge.finish();
            self.state = State::Drained;
        }
        self.release(each)?;
        ControlFlow::Continue(came)
    }

    /// Lets out what the merge holds back no longer.
    fn release(&mut self, each: &mut Each<'_>) -> ControlFlow<()> {
        let Self { merge, accounts, clock, wanted, .. } = self;
        merge.release(|merged| {
            let account = accounts.of_ring(merged.ring);
            match record::parse(merged.record) {
                Ok(event) => account.process(&event.late(merged.late), clock, wanted, each),
                Err(_) => {
                    account.malformed += 1;
                    ControlFlow::Continue(())
                }
            }
        })
    }

    /// Gives the rows that are left of a snapshot.
    fn give_rows(&mut self, each: &mut Each<'_>) -> ControlFlow<()> {
        let Self { snapshot, accounts, clock, wanted, .. } = self;
        while let Some(row) = snapshot.next_row() {
            let account = &mut accounts.snapshot;
            match row.and_then(record::parse) {
                Ok(event) => account.process(&event, clock, wanted, each)?,
                Err(_) => account.malformed += 1,
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes the tasks anew if records about them were lost.
    fn repair(&mut self) {
        let (last, lost_before) = self.loss_check;
        if self.state != State::Running || last.elapsed() < LOSS_CHECK {
            return;
        }
        let lost = total(&self.counters(), counter::LOST_LIFECYCLE);
        self.loss_check = (Instant::now(), lost);
        if lost > lost_before && self.wanted.contains(EventKind::TASK) && self.snapshot.is_done() {
            self.snapshot = Snapshot::take(&mut self.sensor);
        }
    }

    /// Whether each record that was produced has been taken out of its ring or counted as lost.
    fn all_is_here(&self) -> bool {
        let counters = self.counters();
        let waiting = self.merge.waiting() as u64;
        let missing = STREAMS.iter().map(|stream| {
            let account = &self.accounts.rings[stream.account];
            let shed = match stream.name {
                DATA => KindClass::ALL.map(|class| shed_of(&counters, class)).into_iter().sum(),
                _ => 0,
            };
            let lost = total(&counters, stream.lost) + shed;
            let produced = total(&counters, stream.produced).saturating_sub(lost);
            produced.saturating_sub(account.processed + account.malformed)
        });
        missing.sum::<u64>() <= waiting
    }

    /// The account of all streams, with so many skipped program runs.
    fn account(&self, skipped: u64) -> Losses {
        let counters = self.counters();
        let mut losses = Losses::default();
        for stream in STREAMS {
            let ledger = &self.accounts.rings[stream.account];
            let account = losses.stream(stream.name);
            account.produced = total(&counters, stream.produced);
            ledger.enter(account);
            account.lose(LossReason::RingFull, total(&counters, stream.lost));
            if stream.name == DATA {
                for class in KindClass::ALL {
                    account.shed(class, shed_of(&counters, class));
                }
            }
            if self.is_over() {
                let missing =
                    account.produced.saturating_sub(account.processed + account.total_lost());
                let reason =
                    if ledger.corrupt { LossReason::Malformed } else { LossReason::Deadline };
                account.lose(reason, missing);
            }
        }
        let ledger = &self.accounts.snapshot;
        let account = losses.stream(SNAPSHOT);
        account.produced = ledger.processed + ledger.malformed;
        ledger.enter(account);
        for (name, reason, count) in [
            (COMPAT, LossReason::Compat, total(&counters, counter::COMPAT)),
            (PROGRAMS, LossReason::Skipped, skipped),
        ] {
            let account = losses.stream(name);
            account.produced = count;
            account.lose(reason, count);
        }
        losses
    }

    /// The kinds that may have been lost on a stream.
    fn concerned(&self, stream: &str) -> KindSet {
        let calls = || calls::kinds().map(EventKind);
        let kinds: KindSet = match stream {
            PROCESS => LIFECYCLE_KINDS.into_iter().collect(),
            DATA | COMPAT => calls().collect(),
            SNAPSHOT => [EventKind::TASK].into_iter().collect(),
            _ => calls().chain([EventKind::PROCEXIT]).collect(),
        };
        kinds.intersection(&self.wanted)
    }

    /// The kinds of the classes of which more was dropped on purpose than is known.
    fn shed_since(&self, losses: &Losses) -> KindSet {
        let shed = |losses: &Losses, class| {
            losses.streams.get(DATA).and_then(|data| data.shed.get(&class)).copied()
        };
        let is_shed = |kind: &EventKind| {
            let class = KindInfo::of(*kind).and_then(KindInfo::class);
            class.is_some_and(|class| shed(losses, class) > shed(&self.known.losses, class))
        };
        self.wanted.iter().filter(is_shed).collect()
    }

    /// Whether everything has been given.
    fn is_over(&self) -> bool {
        self.state == State::Drained && self.merge.waiting() == 0
    }

    /// The kernel's counters. That the map of a loaded program cannot be read does not happen; if it
    /// did, nothing would be known to be produced.
    fn counters(&self) -> Vec<Counters> {
        self.sensor.counters().unwrap_or_default()
    }
}

impl Source for BpfSource {
    fn provides(&self) -> &FieldSet {
        &self.provides
    }

    fn produces(&self) -> Option<&KindSet> {
        Some(&self.produces)
    }

    fn subscribe(&mut self, interest: &Interest) -> Result<(), SourceError> {
        self.sensor
            .subscribe(interest)
            .map_err(wrap("cannot tell the kernel which system calls are wanted"))?;
        let new_task = !self.wanted.contains(EventKind::TASK);
        self.wanted = interest.kinds().clone();
        if self.state == State::Loaded {
            self.state = State::Running;
        }
        if new_task && self.wanted.contains(EventKind::TASK) && self.state == State::Running {
            self.snapshot = Snapshot::take(&mut self.sensor);
        }
        Ok(())
    }

    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let start = Instant::now();
        let before = self.accounts.given();
        loop {
            self.repair();
            if self.give_rows(each).is_break() {
                return Ok(Flow::More);
            }
            let came = match self.round(each) {
                ControlFlow::Continue(came) => came,
                ControlFlow::Break(()) => return Ok(Flow::More),
            };
            if self.is_over() {
                return Ok(Flow::End);
            }
            let left = wait.saturating_sub(start.elapsed());
            if self.accounts.given() > before || left.is_zero() {
                return Ok(Flow::More);
            }
            self.pause = if came || self.merge.waiting() > 0 {
                PAUSE_BUSY
            } else {
                (self.pause * 2).min(PAUSE_IDLE)
            };
            thread::sleep(self.pause.min(left));
        }
    }

    fn losses(&self) -> Losses {
        self.account(self.sensor.skipped().unwrap_or(0))
    }

    fn blind(&mut self, each: &mut dyn FnMut(BlindInterval)) -> Option<Timestamp> {
        let now = boot_now();
        let wall = |boot| Timestamp::from_nanos(self.clock.wall(boot));
        let is_over = self.is_over();
        let seen = if is_over { now } else { self.merge.watermark().clamp(self.known.loaded, now) };
        let passed = |since: u64| Duration::from_nanos(now.saturating_sub(since));
        if !is_over && passed(self.known.at) < LOSS_LOOK {
            return Some(wall(seen));
        }
        let (skipped, asked) = match self.known.skipped {
            (skipped, asked) if !is_over && passed(asked) < LOSS_CHECK => (skipped, asked),
            (skipped, _) => (self.sensor.skipped().unwrap_or(skipped), now),
        };
        let losses = self.account(skipped);
        for (stream, reason, lost) in losses.since(&self.known.losses) {
            let since = if stream == PROGRAMS { self.known.skipped.1 } else { self.known.at };
            each(BlindInterval {
                kinds: match reason {
                    LossReason::Shed => self.shed_since(&losses),
                    _ => self.concerned(stream),
                },
                lost: Some(lost),
                first: wall(since),
                last: wall(now),
                state: !matches!(stream, DATA | COMPAT),
                ..BlindInterval::new(stream, reason)
            });
        }
        let seen = wall(seen);
        self.known = Known { losses, at: now, skipped: (skipped, asked), ..self.known };
        Some(seen)
    }

    fn stop(&mut self) -> Result<(), SourceError> {
        if !matches!(self.state, State::Draining(_) | State::Drained) {
            self.sensor.detach();
            self.state = State::Draining(Instant::now());
        }
        Ok(())
    }
}

impl fmt::Debug for BpfSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BpfSource")
            .field("sensor", &self.sensor)
            .field("state", &self.state)
            .field("waiting", &self.merge.waiting())
            .finish_non_exhaustive()
    }
}

type Each<'a> = dyn FnMut(&dyn Event) -> ControlFlow<()> + 'a;

/// One stream of records: where the kernel counts it, and which of [`Accounts::rings`] is its.
struct Stream {
    name: &'static str,
    account: usize,
    produced: u32,
    lost: u32,
}

const STREAMS: [Stream; 2] = [
    Stream {
        name: PROCESS,
        account: 0,
        produced: counter::PRODUCED_LIFECYCLE,
        lost: counter::LOST_LIFECYCLE,
    },
    Stream { name: DATA, account: 1, produced: counter::PRODUCED_DATA, lost: counter::LOST_DATA },
];

#[derive(Debug, Default)]
struct Accounts {
    /// Of the lifecycle ring, and of all data rings together.
    rings: [Account; 2],
    snapshot: Account,
}

impl Accounts {
    fn of_ring(&mut self, ring: usize) -> &mut Account {
        &mut self.rings[usize::from(ring != LIFECYCLE)]
    }

    fn given(&self) -> u64 {
        self.snapshot.given + self.rings.iter().map(|account| account.given).sum::<u64>()
    }
}

/// What became of the records that were taken.
#[derive(Debug, Default)]
struct Account {
    processed: u64,
    /// Of the processed ones: of a kind that somebody wants.
    given: u64,
    malformed: u64,
    /// A ring contradicted itself; how many records that cost is known in the end.
    corrupt: bool,
    truncated: u64,
    too_deep: u64,
    unreadable: u64,
    late: u64,
}

impl Account {
    /// Hands on an event, if anyone wants its kind, and counts it.
    fn process(
        &mut self,
        event: &KernelEvent<'_>,
        clock: &WallClock,
        wanted: &KindSet,
        each: &mut Each<'_>,
    ) -> ControlFlow<()> {
        let Header { flags, time, .. } = *event.header();
        self.processed += 1;
        self.truncated += u64::from(flags & TRUNCATED != 0);
        self.too_deep += u64::from(flags & TOO_DEEP != 0);
        self.unreadable += u64::from(flags & UNREADABLE != 0);
        self.late += u64::from(event.is_late());
        if !wanted.contains(event.kind()) {
            return ControlFlow::Continue(());
        }
        self.given += 1;
        each(&event.at(Timestamp::from_nanos(clock.wall(time))))
    }

    fn enter(&self, account: &mut StreamAccount) {
        account.processed = self.processed;
        account.lose(LossReason::Malformed, self.malformed);
        account.flaw(Flaw::Truncated, self.truncated);
        account.flaw(Flaw::PathTooDeep, self.too_deep);
        account.flaw(Flaw::Unreadable, self.unreadable);
        account.flaw(Flaw::Late, self.late);
    }
}

const TRUNCATED: u32 =
    flag::NAME_TRUNCATED | flag::ARGS_TRUNCATED | flag::ENV_TRUNCATED | flag::DATA_TRUNCATED;
const TOO_DEEP: u32 = flag::PATH_TRUNCATED | flag::BASE_TRUNCATED | flag::CGROUP_TRUNCATED;

fn total(counters: &[Counters], slot: u32) -> u64 {
    counters.iter().map(|cpu| cpu.get(slot)).sum()
}

fn shed_of(counters: &[Counters], class: KindClass) -> u64 {
    shed::slot(class).map_or(0, |slot| total(counters, counter::SHED + slot))
}

fn wrap(message: &'static str) -> impl FnOnce(LoadError) -> SourceError {
    move |error| SourceError::new(message).caused_by(error)
}
