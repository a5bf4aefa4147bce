//! The entries of calls that have not returned: older writers split a call's params over both.

use std::collections::{BTreeMap, HashMap};

use crate::record::{Record, RecordBuf};

/// Bytes of all entries together, as they lie in memory.
const MOST: usize = 64 << 20;
/// Bytes of params that a thread's place keeps for its next entry.
const ORDINARY: usize = 4 << 10;

/// The entry of the call that each thread is in.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// By ids that whoever made the capture chose: hence SipHash. A keyed hash of one multiplication
    /// changes less than 1 % of a replay that keeps an entry for every second event (2026-11-25).
    of_threads: HashMap<u64, Entry>,
    /// Bytes that they take.
    bytes: usize,
    /// Those that had to go before their calls returned, by code.
    pub(super) dropped: BTreeMap<u16, u64>,
}

/// A thread's place: it stays when the call returns, for the next one.
#[derive(Debug, Default)]
struct Entry {
    record: RecordBuf,
    /// Whether the call has not returned.
    open: bool,
}

impl Entry {
    /// Bytes that it takes in memory.
    fn bytes(&self) -> usize {
        size_of::<(u64, Self)>() + self.record.capacity()
    }
}

impl Entries {
    /// Keeps the entry of a call until it returns.
    pub(super) fn keep(&mut self, record: Record<'_>) {
        if self.bytes > MOST {
            self.make_room();
        }
        let mut before = 0;
        let of_thread = self.of_threads.entry(record.tid);
        let entry = of_thread.and_modify(|entry| before = entry.bytes()).or_default();
        entry.record.copy(record);
        entry.record.shrink_to(ORDINARY);
        entry.open = true;
        self.bytes = self.bytes - before + entry.bytes();
    }

    /// The entry of the call that returns with this record, which has then returned.
    pub(super) fn take(&mut self, returns: Record<'_>) -> Option<Record<'_>> {
        let entry = self.of_threads.get_mut(&returns.tid).filter(|entry| entry.open)?;
        let record = entry.record.record();
        entry.open = record.code + 1 != returns.code;
        (!entry.open).then_some(record)
    }

    /// Gives up the places that hold nothing, and all where that is too little: most are of threads
    /// that ended within a call.
    fn make_room(&mut self) {
        self.of_threads.retain(|_, entry| entry.open);
        self.bytes = self.of_threads.values().map(Entry::bytes).sum();
        if self.bytes > MOST / 2 {
            for entry in self.of_threads.values() {
                *self.dropped.entry(entry.record.record().code).or_default() += 1;
            }
            self.clear();
        }
    }

    /// Forgets all: another recording begins.
    pub(super) fn clear(&mut self) {
        (self.of_threads, self.bytes) = (HashMap::new(), 0);
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::event::Timestamp;

    use super::*;

    fn entry(tid: u64, code: u16, param: &[u8]) -> RecordBuf {
        let mut entry = RecordBuf::default();
        entry.begin(Timestamp::from_nanos(1), tid, 0, code);
        entry.push(param);
        entry
    }

    #[test]
    fn an_entry_is_taken_once_by_its_own_call() {
        let mut entries = Entries::default();
        entries.keep(entry(7, 4, b"fd").record());
        assert!(entries.take(entry(7, 7, b"").record()).is_none());
        assert!(entries.take(entry(8, 5, b"").record()).is_none());
        let taken = entries.take(entry(7, 5, b"").record());
        assert_eq!(taken.and_then(|entry| entry.param(0)), Some(&b"fd"[..]));
        assert!(entries.take(entry(7, 5, b"").record()).is_none());
    }

    #[test]
    fn entries_take_bounded_memory_however_small_and_none_is_forgotten_in_silence() {
        const THREADS: u64 = 500_000;
        let mut entries = Entries::default();
        let mut small = entry(0, 4, b"");
        for tid in 0..THREADS {
            small.begin(Timestamp::from_nanos(1), tid, 0, 4);
            small.push(b"");
            entries.keep(small.record());
        }
        let (kept, dropped) = (entries.of_threads.len() as u64, entries.dropped.get(&4).copied());
        assert_eq!(kept + dropped.unwrap_or_default(), THREADS);
        assert!(dropped > Some(0) && kept <= (MOST / size_of::<Entry>()) as u64);
        // Of calls that returned nothing is lost.
        let mut entries = Entries::default();
        for tid in 0..THREADS {
            entries.keep(entry(tid, 4, b"").record());
            entries.take(entry(tid, 5, b"").record());
        }
        assert_eq!(entries.dropped, BTreeMap::new());
        assert!(entries.of_threads.len() < THREADS as usize);
    }

    #[test]
    fn a_large_entry_leaves_no_large_place() {
        let mut entries = Entries::default();
        entries.keep(entry(7, 4, &[1; 60_000]).record());
        assert!(entries.bytes > 60_000);
        entries.keep(entry(7, 4, b"fd").record());
        assert!(entries.bytes < 2 * ORDINARY);
        assert_eq!(entries.bytes, entries.of_threads.values().map(Entry::bytes).sum::<usize>());
    }
}
