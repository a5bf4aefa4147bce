//! Brings the records of several rings into one order: that of time.
//!
//! Each ring keeps its own order; between rings only the records' times (nanoseconds since boot)
//! say what came first. A round goes: note the time T ([`Merge::begin`]), *then* read every ring
//! ([`Merge::offer`], [`Merge::settle`]), then let out what is older than the watermark
//! ([`Merge::release`]).
//!
//! # What the watermark promises
//!
//! A ring read to its end held everything that was reserved before T. A program reads the clock
//! shortly before it reserves, so a record not seen yet is younger than T minus that stretch, which
//! the *guard* covers. The watermark is T minus the guard, or less while a ring is busy (a reserved
//! record that is not committed yet hides all behind it), but never more than *hold* behind. It is
//! also less while a ring holds more than the memory here: then the reader is slow, order is kept,
//! and what finds no room in the kernel's rings is lost and counted there.
//!
//! A program that was stalled for longer than the guard (a paused virtual CPU) yields a record that
//! comes after the watermark has passed its time. It is let out first of all in the next round,
//! flagged and counted as *late*. Even then cause stays before effect: what the stalled task does
//! next has a time after T, because T was noted before any ring was read, so the round that lets it
//! out has seen the late record.
//!
//! Nothing here asks a clock: time is passed in, and a step of the wall clock is not seen.
//!
//! # Memory
//!
//! Each record is copied once, into a buffer per ring that is reused. A full buffer refuses records;
//! they stay in the ring, where the kernel counts what finds no room.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::ring::Stop;

/// How long records wait, and in how much memory.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain data; a new limit has to be chosen by callers"
)]
pub struct MergeLimits {
    /// Longest usual time between a record's clock reading and its reservation.
    pub guard: Duration,
    /// Longest time that a busy ring holds the others back.
    pub hold: Duration,
    /// Most bytes that wait for each ring, bookkeeping included; at least one record fits. Memory is
    /// taken when it is needed, and up to as much again while gaps are closed.
    pub bytes_per_ring: usize,
}

impl Default for MergeLimits {
    /// 1 ms, 50 ms, 4 MiB.
    fn default() -> Self {
        Self {
            guard: Duration::from_millis(1),
            hold: Duration::from_millis(50),
            bytes_per_ring: 4 << 20,
        }
    }
}

/// One record let out by [`Merge::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged<'a> {
    /// The ring that it came from.
    pub ring: usize,
    /// Its time, in nanoseconds since boot.
    pub time: u64,
    /// Whether it came after the watermark had passed its time.
    pub late: bool,
    /// Its bytes, as offered.
    pub record: &'a [u8],
}

/// The merge of a fixed number of rings. See the [module's page](self).
#[derive(Debug)]
pub struct Merge {
    lanes: Vec<Lane>,
    /// Lanes whose first record may go, by its time; equal times go in the order of rings.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    limits: MergeLimits,
    /// T of this round.
    now: u64,
    watermark: u64,
    late: u64,
}

impl Merge {
    /// A merge of `rings` rings, numbered from 0.
    #[must_use]
    pub fn new(rings: usize, limits: MergeLimits) -> Self {
        Self {
            lanes: (0..rings).map(|_| Lane::default()).collect(),
            heads: BinaryHeap::with_capacity(rings),
            limits,
            now: 0,
            watermark: 0,
            late: 0,
        }
    }

    /// Begins a round at `now`, in nanoseconds since boot, read before any ring is.
    pub fn begin(&mut self, now: u64) {
        self.now = self.now.max(now);
        for lane in &mut self.lanes {
            lane.compact(self.limits.bytes_per_ring);
        }
    }

    /// Takes a copy of a record of ring `ring`; breaks if the ring's buffer is full, and then the
    /// record is not taken. Records of a ring are offered in the ring's order.
    ///
    /// # Panics
    ///
    /// If there is no such ring.
    pub fn offer(&mut self, ring: usize, time: u64, record: &[u8]) -> ControlFlow<()> {
        let lane = &mut self.lanes[ring];
        if lane.used() + record.len() + size_of::<Entry>() > self.limits.bytes_per_ring
            && !lane.bytes.is_empty()
        {
            return ControlFlow::Break(());
        }
        let late = time <= self.watermark;
        self.late += u64::from(late);
        lane.push(time, late, record);
        ControlFlow::Continue(())
    }

    /// Says how the reading of ring `ring` ended in this round.
    ///
    /// # Panics
    ///
    /// If there is no such ring.
    pub fn settle(&mut self, ring: usize, stop: Stop) {
        let guard = nanos(self.limits.guard);
        let seen = self.now.saturating_sub(guard);
        let bound = seen.saturating_sub(nanos(self.limits.hold));
        let lane = &mut self.lanes[ring];
        let complete = match stop {
            Stop::Empty => seen,
            Stop::Busy => bound,
            // What was refused lies behind what was taken, so it is about as young or younger. Here
            // we are slow, not the ring, and more haste would not help: order is kept however long
            // it takes. The oldest may always go, so there is progress.
            Stop::Refused => {
                let oldest = lane.entries.front().map_or(seen, |entry| entry.time);
                lane.newest.saturating_sub(guard).max(oldest).min(seen)
            }
        };
        lane.complete = lane.complete.max(complete);
    }

    /// Lets out, in order of time, everything up to the watermark, until `each` breaks; a record
    /// that was handed out is gone, the others wait for the next call.
    pub fn release(
        &mut self,
        mut each: impl FnMut(Merged<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let complete = self.lanes.iter().map(|lane| lane.complete).min().unwrap_or(0);
        self.watermark = self.watermark.max(complete);
        let ready = |lane: &Lane| {
            lane.entries.front().map(|entry| entry.time).filter(|&time| time <= self.watermark)
        };
        self.heads.clear();
        self.heads.extend(
            (self.lanes.iter().enumerate())
                .filter_map(|(ring, lane)| Some(Reverse((ready(lane)?, ring)))),
        );
        while let Some(mut head) = self.heads.peek_mut() {
            let Reverse((_, ring)) = *head;
            let lane = &mut self.lanes[ring];
            let Some(entry) = lane.pop() else {
                PeekMut::pop(head);
                continue;
            };
            match lane.entries.front() {
                Some(next) if next.time <= self.watermark => *head = Reverse((next.time, ring)),
                _ => drop(PeekMut::pop(head)),
            }
            let Entry { time, late, .. } = entry;
            each(Merged { ring, time, late, record: lane.record(&entry) })?;
        }
        ControlFlow::Continue(())
    }

    /// Ends all waiting: the rings have been read to their end for the last time, and the next
    /// [`release`](Self::release) lets everything out.
    pub fn finish(&mut self) {
        for lane in &mut self.lanes {
            lane.complete = u64::MAX;
        }
    }

    /// Everything up to this time, in nanoseconds since boot, has been let out.
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// How many records were late.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// How many records wait.
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.entries.len()).sum()
    }
}

/// What waits for one ring.
#[derive(Debug, Default)]
struct Lane {
    /// Records in the order of arrival, with gaps where one has left.
    bytes: Vec<u8>,
    /// The records that wait, by time.
    entries: VecDeque<Entry>,
    /// Bytes of the records that wait.
    live: usize,
    /// The youngest time that was taken.
    newest: u64,
    /// No record older than this is expected of the ring.
    complete: u64,
    /// `bytes` of the next compaction.
    spare: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time: u64,
    start: usize,
    len: u32,
    late: bool,
}

impl Lane {
    fn used(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
    }

    fn push(&mut self, time: u64, late: bool, record: &[u8]) {
        let len = record.len() as u32;
        let entry = Entry { time, start: self.bytes.len(), len, late };
        self.bytes.extend_from_slice(record);
        self.live += record.len();
        self.newest = self.newest.max(time);
        // A ring is in order of reservation, which is nearly that of time: mostly this appends.
        match self.entries.back() {
            Some(last) if last.time > time => {
                let at = self.entries.partition_point(|entry| entry.time <= time);
                self.entries.insert(at, entry);
            }
            _ => self.entries.push_back(entry),
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.live -= entry.len as usize;
        Some(entry)
    }

    fn record(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.start + entry.len as usize]
    }

    /// Closes the gaps once they outweigh what waits, or leave too little room: each byte is then
    /// moved about once.
    fn compact(&mut self, limit: usize) {
        if self.entries.is_empty() {
            self.bytes.clear();
            return;
        }
        let gaps = self.bytes.len() - self.live;
        let tight = self.used() > limit - limit / 4;
        if gaps == 0 || (gaps < self.live && !tight) {
            return;
        }
        self.spare.clear();
        for entry in &mut self.entries {
            let start = self.spare.len();
            self.spare
                .extend_from_slice(&self.bytes[entry.start..entry.start + entry.len as usize]);
            entry.start = start;
        }
        std::mem::swap(&mut self.bytes, &mut self.spare);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn merge(rings: usize) -> Merge {
        Merge::new(rings, MergeLimits::default())
    }

    fn release(merge: &mut Merge) -> Vec<(u64, bool, Vec<u8>)> {
        let mut out = Vec::new();
        let flow = merge.release(|merged| {
            out.push((merged.time, merged.late, merged.record.to_vec()));
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        out
    }

    fn times(merge: &mut Merge) -> Vec<u64> {
        release(merge).into_iter().map(|(time, ..)| time).collect()
    }

    fn offer(merge: &mut Merge, ring: usize, time: u64) {
        assert!(merge.offer(ring, time, &time.to_le_bytes()).is_continue());
    }

    #[test]
    fn rings_are_merged_by_time_up_to_the_guard() {
        let mut merge = merge(2);
        merge.begin(10 * MS);
        for time in [MS, 3 * MS, 9 * MS + 1] {
            offer(&mut merge, 0, time);
        }
        for time in [2 * MS, 9 * MS, 9 * MS + 2] {
            offer(&mut merge, 1, time);
        }
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        assert_eq!(times(&mut merge), [MS, 2 * MS, 3 * MS, 9 * MS]);
        assert_eq!((merge.watermark(), merge.waiting()), (9 * MS, 2));

        merge.begin(11 * MS);
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        assert_eq!(times(&mut merge), [9 * MS + 1, 9 * MS + 2]);
        assert_eq!(merge.late(), 0);
    }

    #[test]
    fn equal_times_go_in_the_order_of_rings_then_of_arrival() {
        let mut merge = merge(2);
        merge.begin(10 * MS);
        for (ring, record) in [(1, "b"), (1, "c"), (0, "a")] {
            let _ = merge.offer(ring, MS, record.as_bytes());
        }
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        let records: Vec<_> = release(&mut merge).into_iter().map(|(.., record)| record).collect();
        assert_eq!(records, [b"a", b"b", b"c"]);
    }

    #[test]
    fn disorder_within_a_ring_is_sorted() {
        let mut merge = merge(1);
        merge.begin(10 * MS);
        for time in [5, 2, 9, 1, 7] {
            offer(&mut merge, 0, time);
        }
        merge.settle(0, Stop::Empty);
        assert_eq!(times(&mut merge), [1, 2, 5, 7, 9]);
    }

    #[test]
    fn a_busy_ring_holds_the_others_for_fifty_milliseconds() {
        let mut merge = merge(2);
        merge.begin(100 * MS);
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        assert_eq!(times(&mut merge), []);
        offer(&mut merge, 0, 100 * MS);
        for now in (101..=150).map(|ms| ms * MS) {
            merge.begin(now);
            merge.settle(0, Stop::Empty);
            merge.settle(1, Stop::Busy);
            assert_eq!(times(&mut merge), [], "held at {now}");
        }
        merge.begin(151 * MS);
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Busy);
        assert_eq!(times(&mut merge), [100 * MS]);

        // What the busy record hid comes too late for its place: processed, flagged, counted.
        merge.begin(152 * MS);
        offer(&mut merge, 1, 99 * MS);
        offer(&mut merge, 0, 100 * MS + 1);
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        let out: Vec<_> = release(&mut merge).into_iter().map(|(t, late, _)| (t, late)).collect();
        assert_eq!(out, [(99 * MS, true), (100 * MS + 1, false)]);
        assert_eq!(merge.late(), 1);
    }

    #[test]
    fn a_stalled_cause_stays_before_its_effect() {
        // Ring 0 is read, then a stalled program commits the exec of 2 ms ago, then the same task
        // opens a file on ring 1, then ring 1 is read.
        let mut merge = merge(2);
        let (exec, open) = (8 * MS, 10 * MS + 1);
        merge.begin(10 * MS);
        merge.settle(0, Stop::Empty);
        offer(&mut merge, 1, open);
        merge.settle(1, Stop::Empty);
        assert_eq!(times(&mut merge), []);
        merge.begin(12 * MS);
        offer(&mut merge, 0, exec);
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        assert_eq!(times(&mut merge), [exec, open]);
        assert_eq!(merge.late(), 1);
    }

    #[test]
    fn a_break_keeps_the_rest() {
        let mut merge = merge(2);
        merge.begin(10 * MS);
        for time in 1..=4 {
            offer(&mut merge, time as usize % 2, time);
        }
        merge.settle(0, Stop::Empty);
        merge.settle(1, Stop::Empty);
        let mut first = 0;
        let flow = merge.release(|merged| {
            first = merged.time;
            ControlFlow::Break(())
        });
        assert!(flow.is_break());
        assert_eq!(first, 1);
        assert_eq!(times(&mut merge), [2, 3, 4]);
    }

    #[test]
    fn memory_is_bounded_and_a_full_lane_goes_on() {
        let limits = MergeLimits { bytes_per_ring: 4096, ..MergeLimits::default() };
        let mut merge = Merge::new(1, limits);
        let (mut time, mut out) = (0, 0);
        for round in 1..200 {
            merge.begin(round * 100 * MS);
            let mut taken = 0;
            while merge.offer(0, time + 1, &[0; 100]).is_continue() {
                time += MS / 10;
                taken += 1;
            }
            assert!(taken > 0, "no progress in round {round}");
            merge.settle(0, Stop::Refused);
            assert!(merge.lanes[0].used() <= 4096);
            out += release(&mut merge).len();
        }
        merge.finish();
        out += release(&mut merge).len();
        assert_eq!(out as u64, time / (MS / 10));
        assert!(merge.lanes[0].bytes.capacity() + merge.lanes[0].spare.capacity() <= 4 * 4096);
        // A record larger than the limit still passes, alone.
        merge.begin(u64::MAX / 2);
        assert!(merge.offer(0, u64::MAX / 2, &[0; 10_000]).is_continue());
        assert!(merge.offer(0, u64::MAX / 2, &[0; 1]).is_break());
    }

    #[test]
    fn a_slow_reader_keeps_the_order() {
        // Ring 1 has far more than fits here; what ring 0 has is younger than most of it.
        let limits = MergeLimits { bytes_per_ring: 4096, ..MergeLimits::default() };
        let mut merge = Merge::new(2, limits);
        let backlog: Vec<u64> = (0..2000).map(|i| 1000 * MS + i * MS).collect();
        let mut left = backlog.iter().copied().peekable();
        let mut all = Vec::new();
        for round in 0..500 {
            merge.begin(4000 * MS + round * 100 * MS);
            if round == 0 {
                offer(&mut merge, 0, 2500 * MS);
            }
            merge.settle(0, Stop::Empty);
            let refused = loop {
                match left.peek() {
                    Some(&time) if merge.offer(1, time, &[0; 100]).is_continue() => left.next(),
                    Some(_) => break true,
                    None => break false,
                };
            };
            merge.settle(1, if refused { Stop::Refused } else { Stop::Empty });
            all.extend(times(&mut merge));
        }
        assert_eq!(all.len(), backlog.len() + 1);
        assert!(all.is_sorted());
        assert_eq!(merge.late(), 0);
    }

    #[test]
    fn finish_lets_everything_out() {
        let mut merge = merge(3);
        merge.begin(0);
        for (ring, time) in [(2, u64::MAX), (0, 7), (1, 3)] {
            offer(&mut merge, ring, time);
        }
        merge.finish();
        assert_eq!(times(&mut merge), [3, 7, u64::MAX]);
        assert_eq!(merge.waiting(), 0);
    }

    /// One record of a simulated producer.
    #[derive(Clone, Copy, Debug)]
    struct Step {
        ring: usize,
        /// Since the step before, in µs.
        gap: u64,
        /// From the clock reading to the reservation, in µs.
        stall: u64,
        /// From the reservation to the commit, in µs.
        write: u64,
    }

    fn steps(stall: u64, write: u64) -> impl Strategy<Value = Vec<Step>> {
        let step = (0..4_usize, 0..400_u64, 0..=stall, 0..=write)
            .prop_map(|(ring, gap, stall, write)| Step { ring, gap, stall, write });
        proptest::collection::vec(step, 0..300)
    }

    /// What came out of a simulated run.
    struct Outcome {
        /// Time, lateness, index of the step, and the round that let it out.
        out: Vec<(u64, bool, usize, u64)>,
        /// By index: from when on the record can be read (it and all before it are committed).
        readable: Vec<u64>,
        merge: Merge,
    }

    fn simulate(steps: &[Step], round: u64) -> Outcome {
        // Per ring, in order of reservation: (reserved, readable, time, index).
        let mut rings = vec![Vec::new(); 4];
        let mut time = 100 * MS;
        for (index, step) in steps.iter().enumerate() {
            time += step.gap * 1000;
            let reserved = time + step.stall * 1000;
            rings[step.ring].push((reserved, reserved + step.write * 1000, time, index));
        }
        let mut readable = vec![0; steps.len()];
        for ring in &mut rings {
            ring.sort_unstable();
            let mut latest = 0;
            for (_, committed, _, index) in ring {
                latest = latest.max(*committed);
                *committed = latest;
                readable[*index] = latest;
            }
        }
        let (mut merge, mut out, mut next) = (merge(4), Vec::new(), [0; 4]);
        for now in (100 * MS..time + 1000 * MS).step_by(round as usize * 1000) {
            merge.begin(now);
            for (i, ring) in rings.iter().enumerate() {
                // Reading a ring happens a little after T.
                let read = now + 20_000 * (i as u64 + 1);
                let stop = loop {
                    match ring.get(next[i]) {
                        None => break Stop::Empty,
                        Some(&(reserved, ..)) if reserved > read => break Stop::Empty,
                        Some(&(_, readable, ..)) if readable > read => break Stop::Busy,
                        Some(&(_, _, time, index)) => {
                            assert!(merge.offer(i, time, &index.to_le_bytes()).is_continue());
                            next[i] += 1;
                        }
                    }
                };
                merge.settle(i, stop);
            }
            let _ = merge.release(|merged| {
                let index = usize::from_le_bytes(merged.record.try_into().unwrap());
                out.push((merged.time, merged.late, index, now));
                ControlFlow::Continue(())
            });
        }
        Outcome { out, readable, merge }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn within_guard_and_hold_the_order_is_exact(
            steps in steps(900, 2000),
            round in 500..6000_u64,
        ) {
            let Outcome { out, merge, .. } = simulate(&steps, round);
            prop_assert_eq!(out.len(), steps.len());
            prop_assert!(out.is_sorted_by_key(|&(time, ..)| time));
            prop_assert_eq!(merge.late(), 0);
        }

        #[test]
        fn nothing_is_lost_and_lateness_is_counted(
            steps in steps(9000, 90_000),
            round in 500..6000_u64,
        ) {
            let Outcome { out, merge, .. } = simulate(&steps, round);
            let mut seen: Vec<_> = out.iter().map(|&(_, _, index, _)| index).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..steps.len()).collect::<Vec<_>>());
            let late = out.iter().filter(|&&(_, late, ..)| late).count();
            prop_assert_eq!(merge.late() as usize, late);
            let in_time = out.iter().filter(|&&(_, late, ..)| !late);
            prop_assert!(in_time.is_sorted_by_key(|&(time, ..)| time));
        }

        #[test]
        fn a_readable_record_waits_for_guard_and_hold_at_most(
            steps in steps(9000, 90_000),
            round in 500..6000_u64,
        ) {
            let Outcome { out, readable, .. } = simulate(&steps, round);
            for &(time, _, index, released) in &out {
                // Either it came within the hold, or it goes in the first round that reads it.
                let bound = readable[index].max(time + 51 * MS) + round * 1000;
                prop_assert!(released <= bound, "{time} let out at {released}, after {bound}");
            }
        }
    }
}
