//! Calls that have not returned, as they began.

use k8srd_core::kind::EventKind;

use super::super::descriptor::End;
use super::super::table::Limits;
use crate::hash::IntMap;

/// The arguments of a call as they were when it began: what it was told then is what the kernel
/// went by, whatever another thread has written over it since. Memory is used again from call to
/// call.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// What returns from the call; `None`: it has returned.
    pub(super) returns: Option<EventKind>,
    pub(super) name: Vec<u8>,
    pub(super) flags: u64,
    pub(super) dirfd: Option<i64>,
    /// Where `connect` goes to.
    pub(super) end: Option<End>,
    /// And a path, where that is a UNIX socket.
    pub(super) unix: bool,
}

/// The last entry of each thread.
#[derive(Debug)]
pub(super) struct Entries {
    by_tid: IntMap<u32, Entry>,
    /// Bytes of names.
    bytes: usize,
    limits: Limits,
    forgotten: u64,
}

impl Entries {
    /// As many as threads, with an eighth of the bytes that descriptors may take.
    pub(super) fn new(limits: Limits) -> Self {
        let limits = Limits { bytes: limits.bytes / 8, ..limits };
        Self { by_tid: IntMap::default(), bytes: 0, limits, forgotten: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.by_tid.clear();
        self.bytes = 0;
    }

    /// A thread begins a call: `fill` tells all of it.
    pub(super) fn begin(&mut self, tid: u32, fill: impl FnOnce(&mut Entry)) {
        let Limits { threads, bytes, .. } = self.limits;
        if self.by_tid.len() >= threads || self.bytes > bytes {
            self.make_room();
        }
        let entry = self.by_tid.entry(tid).or_default();
        let before = entry.name.capacity();
        fill(entry);
        self.bytes = (self.bytes + entry.name.capacity()).saturating_sub(before);
    }

    /// How the call of this kind began that returns now, if that was told; it holds once.
    pub(super) fn returned(&mut self, tid: u32, kind: EventKind) -> Option<&Entry> {
        let entry = self.by_tid.get_mut(&tid)?;
        (entry.returns.take() == Some(kind)).then_some(&*entry)
    }

    pub(super) fn remove(&mut self, tid: u32) {
        if let Some(entry) = self.by_tid.remove(&tid) {
            self.bytes = self.bytes.saturating_sub(entry.name.capacity());
        }
    }

    /// Calls that were forgotten before they returned, because a bound was reached.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Frees what is kept for calls to come; if that is little, forgets all.
    fn make_room(&mut self) {
        self.by_tid.retain(|_, entry| entry.returns.is_some());
        self.bytes = self.by_tid.values().map(|entry| entry.name.capacity()).sum();
        let Limits { threads, bytes, .. } = self.limits;
        if self.by_tid.len() > threads / 2 || self.bytes > bytes / 2 {
            self.forgotten += self.by_tid.len() as u64;
            self.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_bounded() {
        let limits = Limits { threads: 100, descriptors: 0, bytes: 80_000 };
        let mut entries = Entries::new(limits);
        let begin = |entries: &mut Entries, tid, length| {
            entries.begin(tid, |entry| {
                entry.returns = Some(EventKind::OPEN);
                entry.name.resize(length, b'x');
            });
        };
        for tid in 0..1_000 {
            begin(&mut entries, tid, 10);
            assert!(entries.returned(tid, EventKind::OPEN).is_some());
            assert!(entries.returned(tid, EventKind::OPEN).is_none(), "it holds once");
        }
        assert!(entries.by_tid.len() <= 100 && entries.forgotten() == 0);
        for tid in 0..1_000 {
            begin(&mut entries, tid, 4_000);
            assert!(entries.by_tid.len() <= 100 && entries.bytes <= 14_000);
        }
        assert!(entries.forgotten() > 900);
        (0..1_000).for_each(|tid| entries.remove(tid));
        assert_eq!((entries.by_tid.len(), entries.bytes), (0, 0));
    }
}
