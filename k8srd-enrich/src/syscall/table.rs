//! The table of open descriptors, by process.

use std::sync::Arc;

use super::descriptor::Descriptor;
use crate::hash::IntMap;

/// Descriptors by process, and processes by thread.
///
/// A new process shares the descriptors of its creator until one of the two changes them.
#[derive(Debug)]
pub(super) struct Table {
    processes: IntMap<u32, Process>,
    /// Main threads included.
    threads: IntMap<u32, Thread>,
    limits: Limits,
    bytes: usize,
    /// How often a thread did something.
    acts: u64,
    evicted: u64,
    refused: u64,
}

/// Bounds of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) threads: usize,
    pub(super) descriptors: usize,
    pub(super) bytes: usize,
}

/// Descriptors of one process, by number.
pub(super) type Descriptors = IntMap<i64, Arc<Descriptor>>;

#[derive(Clone, Copy, Debug)]
struct Thread {
    pid: u32,
    /// When it last did something: a count of what threads do.
    acted: u64,
}

#[derive(Debug, Default)]
struct Process {
    descriptors: Arc<Descriptors>,
    threads: u32,
    /// Threads besides the main one; some may be gone.
    others: Vec<u32>,
    /// When its start was told, in nanoseconds since 1970; 0 if it was not.
    born: u64,
}

/// What a descriptor takes besides itself.
const SLOT: usize = size_of::<(i64, Arc<Descriptor>)>() + 2 * size_of::<usize>();

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            processes: IntMap::default(),
            threads: IntMap::default(),
            limits,
            bytes: 0,
            acts: 0,
            evicted: 0,
            refused: 0,
        }
    }

    /// Forgets all; counts go on.
    pub(super) fn clear(&mut self) {
        self.processes.clear();
        self.threads.clear();
        self.bytes = 0;
    }

    /// The process that the thread is of.
    pub(super) fn process_of(&self, tid: u32) -> Option<u32> {
        self.threads.get(&tid).map(|thread| thread.pid)
    }

    /// The same of a thread that does something now.
    pub(super) fn process_of_actor(&mut self, tid: u32) -> Option<u32> {
        let thread = self.threads.get_mut(&tid)?;
        self.acts += 1;
        thread.acted = self.acts;
        Some(thread.pid)
    }

    /// Says which process a thread is of.
    pub(super) fn attach(&mut self, tid: u32, pid: u32) {
        match self.process_of(tid) {
            Some(old) if old == pid => return,
            Some(_) => self.detach(tid),
            None => self.make_room(pid),
        }
        self.acts += 1;
        let Self { threads, processes, acts, .. } = self;
        threads.insert(tid, Thread { pid, acted: *acts });
        let process = processes.entry(pid).or_default();
        process.threads += 1;
        if tid == pid {
            return;
        }
        process.others.push(tid);
        // Once there are as many gone as there are, so that each costs the same.
        if process.others.len() > 2 * process.threads as usize + 8 {
            process.others.sort_unstable();
            process.others.dedup();
            process.others.retain(|tid| threads.get(tid).is_some_and(|it| it.pid == pid));
        }
    }

    /// The thread ended; with its last thread a process is forgotten.
    pub(super) fn detach(&mut self, tid: u32) {
        let Some(Thread { pid, .. }) = self.threads.remove(&tid) else { return };
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.threads = process.threads.saturating_sub(1);
        if process.threads == 0 {
            self.forget(pid);
        }
    }

    /// Only the main thread is left.
    pub(super) fn leave_main_thread(&mut self, pid: u32) {
        let Some(process) = self.processes.get_mut(&pid).filter(|process| process.threads > 1)
        else {
            return;
        };
        process.threads = 1;
        let others = std::mem::take(&mut process.others);
        self.drop_threads(pid, others);
        self.threads.insert(pid, Thread { pid, acted: self.acts });
    }

    /// Forgets those of these threads that are still the process'.
    fn drop_threads(&mut self, pid: u32, tids: impl IntoIterator<Item = u32>) {
        for tid in tids {
            if self.process_of(tid) == Some(pid) {
                self.threads.remove(&tid);
            }
        }
    }

    /// A new process has its creator's descriptors. Whatever had its id before is gone.
    pub(super) fn fork(&mut self, creator: u32, pid: u32, born: u64) {
        let descriptors =
            self.processes.get(&creator).map(|creator| Arc::clone(&creator.descriptors));
        self.attach(pid, pid);
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let old = std::mem::replace(&mut process.descriptors, descriptors.unwrap_or_default());
        process.born = born;
        self.release(old);
    }

    /// When the start of the process was told, if it was.
    pub(super) fn born(&self, pid: u32) -> Option<u64> {
        self.processes.get(&pid).map(|process| process.born).filter(|&born| born > 0)
    }

    /// Descriptors of the process, in no order.
    pub(super) fn all(&self, pid: u32) -> impl Iterator<Item = (i64, &Descriptor)> {
        let process = self.processes.get(&pid);
        process.into_iter().flat_map(|it| it.descriptors.iter()).map(|(&fd, it)| (fd, &**it))
    }

    /// Where the descriptors are that pass: process and number.
    pub(super) fn every(&self, passes: impl Fn(&Descriptor) -> bool) -> Vec<(u32, i64)> {
        let all = self.processes.iter().flat_map(|(&pid, process)| {
            process.descriptors.iter().map(move |(&fd, descriptor)| (pid, fd, descriptor))
        });
        all.filter(|(.., descriptor)| passes(descriptor)).map(|(pid, fd, _)| (pid, fd)).collect()
    }

    /// How many the process has; `None` if nothing is known of it.
    pub(super) fn count(&self, pid: u32) -> Option<usize> {
        self.processes.get(&pid).map(|process| process.descriptors.len())
    }

    pub(super) fn get(&self, pid: u32, fd: i64) -> Option<&Arc<Descriptor>> {
        self.processes.get(&pid)?.descriptors.get(&fd)
    }

    /// Puts a descriptor in, in place of one with its number. Says whether there was room: as in
    /// Falco a process that has too many keeps those it has.
    pub(super) fn insert(&mut self, pid: u32, fd: i64, descriptor: Arc<Descriptor>) -> bool {
        if self.bytes > self.limits.bytes {
            self.make_room(pid);
        }
        let limits = self.limits;
        let Some(descriptors) = self.own(pid) else { return false };
        if descriptors.len() >= limits.descriptors && !descriptors.contains_key(&fd) {
            self.refused += 1;
            return false;
        }
        let added = size(&descriptor);
        let removed = descriptors.insert(fd, descriptor).map_or(0, |old| size(&old));
        self.bytes = (self.bytes + added).saturating_sub(removed);
        true
    }

    pub(super) fn remove(&mut self, pid: u32, fd: i64) {
        let Some(old) = self.own_with(pid, fd).and_then(|descriptors| descriptors.remove(&fd))
        else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(size(&old));
    }

    /// Changes one descriptor.
    pub(super) fn change(&mut self, pid: u32, fd: i64, change: impl FnOnce(&mut Descriptor)) {
        let Some(descriptor) = self.own_with(pid, fd).and_then(|it| it.get_mut(&fd)) else {
            return;
        };
        let before = size(descriptor);
        change(Arc::make_mut(descriptor));
        let after = size(descriptor);
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    /// Keeps only the descriptors that pass.
    pub(super) fn retain(&mut self, pid: u32, keep: impl Fn(i64, &Descriptor) -> bool) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if process.descriptors.iter().all(|(&fd, descriptor)| keep(fd, descriptor)) {
            return;
        }
        let kept: Descriptors = process
            .descriptors
            .iter()
            .filter(|(fd, descriptor)| keep(**fd, descriptor))
            .map(|(&fd, descriptor)| (fd, Arc::clone(descriptor)))
            .collect();
        self.bytes += kept.values().map(size).sum::<usize>();
        let old = std::mem::replace(&mut process.descriptors, Arc::new(kept));
        self.release(old);
    }

    /// How many bytes the table holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many processes are in the table.
    pub(super) fn len(&self) -> usize {
        self.processes.len()
    }

    /// Processes that were forgotten before they ended, because a bound was reached.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Descriptors that were not taken in, because their process had too many.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// The descriptors of the process, no longer shared.
    fn own(&mut self, pid: u32) -> Option<&mut Descriptors> {
        let Self { processes, bytes, .. } = self;
        Some(processes.get_mut(&pid)?.own(bytes))
    }

    /// The same of one that has a descriptor with this number: the others stay as they are.
    fn own_with(&mut self, pid: u32, fd: i64) -> Option<&mut Descriptors> {
        let Self { processes, bytes, .. } = self;
        let process = processes.get_mut(&pid)?;
        process.descriptors.contains_key(&fd).then(|| process.own(bytes))
    }

    fn forget(&mut self, pid: u32) {
        if let Some(Process { descriptors, others, .. }) = self.processes.remove(&pid) {
            self.drop_threads(pid, others.into_iter().chain([pid]));
            self.release(descriptors);
        }
    }

    fn release(&mut self, descriptors: Arc<Descriptors>) {
        // Others still have them.
        let Some(descriptors) = Arc::into_inner(descriptors) else { return };
        let bytes: usize = descriptors.values().map(size).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Where a bound is reached, forgets the sixteenth of the processes that did nothing for longest,
    /// and more if that is not enough, but for the one that needs the room.
    fn make_room(&mut self, needs: u32) {
        let full = |table: &Self| {
            table.threads.len() >= table.limits.threads || table.bytes > table.limits.bytes
        };
        if !full(self) {
            return;
        }
        let mut acted: IntMap<u32, u64> = IntMap::default();
        for thread in self.threads.values().filter(|thread| thread.pid != needs) {
            let last = acted.entry(thread.pid).or_default();
            *last = thread.acted.max(*last);
        }
        let mut silent: Vec<(u64, u32)> = acted.into_iter().map(|(pid, at)| (at, pid)).collect();
        silent.sort_unstable();
        let least = silent.len() / 16;
        for (count, &(_, pid)) in silent.iter().enumerate() {
            if count > least && !full(self) {
                return;
            }
            self.forget(pid);
            self.evicted += 1;
        }
    }
}

impl Process {
    /// Its descriptors, no longer shared; `bytes` are those of the table.
    fn own(&mut self, bytes: &mut usize) -> &mut Descriptors {
        if Arc::strong_count(&self.descriptors) > 1 {
            *bytes += self.descriptors.values().map(size).sum::<usize>();
        }
        Arc::make_mut(&mut self.descriptors)
    }
}

/// What a descriptor under a number takes. One that several numbers share counts under each: who
/// goes last need not be known, and a bound need not be exact.
fn size(descriptor: &Arc<Descriptor>) -> usize {
    SLOT + descriptor.size()
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::Type;
    use super::*;

    const LIMITS: Limits = Limits { threads: 100, descriptors: 8, bytes: 1 << 20 };

    fn pipe() -> Arc<Descriptor> {
        Arc::new(Descriptor { name: b"x".as_slice().into(), ..Descriptor::of(Type::Pipe) })
    }

    fn numbers(table: &Table, pid: u32) -> Vec<i64> {
        let mut all: Vec<i64> = table.all(pid).map(|(fd, _)| fd).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_child_shares_until_either_changes() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        for fd in 0..3 {
            assert!(table.insert(1, fd, pipe()));
        }
        let one = table.bytes();
        table.fork(1, 2, 1);
        assert_eq!(table.bytes(), one, "nothing is copied");
        table.remove(2, 0);
        table.insert(1, 7, pipe());
        assert_eq!((numbers(&table, 1), numbers(&table, 2)), (vec![0, 1, 2, 7], vec![1, 2]));
        table.change(2, 1, |it| it.connected = true);
        assert!(!table.get(1, 1).unwrap().connected && table.get(2, 1).unwrap().connected);
        table.detach(1);
        table.detach(2);
        assert_eq!((table.bytes(), table.len()), (0, 0), "everything is given back");
    }

    #[test]
    fn threads_keep_the_process() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        table.attach(2, 1);
        table.insert(1, 3, pipe());
        table.detach(1);
        assert_eq!(table.process_of(2), Some(1));
        assert!(table.get(1, 3).is_some());
        table.detach(2);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn an_exec_leaves_the_main_thread() {
        let mut table = Table::new(LIMITS);
        for tid in 1..5 {
            table.attach(tid, 1);
        }
        table.attach(2, 2);
        for _ in 0..100 {
            table.attach(5, 1);
            table.detach(5);
        }
        assert!(table.processes[&1].others.len() < 20, "who is gone is forgotten");
        table.leave_main_thread(1);
        let of = [1, 2, 3].map(|tid| table.process_of(tid));
        assert_eq!(of, [Some(1), Some(2), None], "2 is another's by now");
        table.detach(2);
        table.detach(1);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_reused_id_has_nothing_of_the_one_before() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        table.attach(2, 2);
        table.insert(2, 5, pipe());
        table.fork(1, 2, 1);
        assert_eq!(numbers(&table, 2), [0_i64; 0]);
    }

    #[test]
    fn one_process_keeps_no_more_than_its_bound() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        for fd in 0..20 {
            assert_eq!(table.insert(1, fd, pipe()), fd < 8);
        }
        assert!(table.insert(1, 3, pipe()), "one that is there is replaced");
        assert_eq!((table.count(1), table.refused()), (Some(8), 12));
    }

    #[test]
    fn the_table_is_bounded() {
        let mut table = Table::new(Limits { bytes: 20_000, ..LIMITS });
        for pid in 1..10_000 {
            table.attach(pid, pid);
            for fd in 0..4 {
                table.insert(pid, fd, pipe());
            }
            assert!(table.threads.len() <= 100 && table.bytes() < 21_000);
        }
        assert!(table.get(9_999, 3).is_some(), "the newest stays");
        assert!(table.evicted() > 9_000);
    }

    #[test]
    fn who_does_something_stays() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        table.attach(2, 1);
        table.insert(1, 3, pipe());
        for pid in 10..1_000 {
            assert_eq!(table.process_of_actor(2), Some(1));
            table.attach(pid, pid);
        }
        assert!(table.get(1, 3).is_some() && table.evicted() > 0);
    }

    #[test]
    fn what_several_numbers_share_is_given_back_once_for_each() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        let both = pipe();
        table.insert(1, 3, Arc::clone(&both));
        table.insert(1, 4, both);
        let two = table.bytes();
        table.insert(1, 5, pipe());
        assert_eq!(table.bytes(), two / 2 * 3);
        table.remove(1, 3);
        table.remove(1, 5);
        assert_eq!(table.bytes(), two / 2, "the other end is still there");
        table.remove(1, 4);
        assert_eq!(table.bytes(), 0);

        table.insert(1, 3, pipe());
        let copy = table.get(1, 3).map(Arc::clone).unwrap();
        table.insert(1, 4, copy);
        table.fork(1, 2, 1);
        table.retain(2, |fd, _| fd == 4);
        table.detach(1);
        assert_eq!(table.bytes(), two / 2);
        table.detach(2);
        assert_eq!(table.bytes(), 0, "everything is given back");
    }

    #[test]
    fn what_passes_is_kept() {
        let mut table = Table::new(LIMITS);
        table.attach(1, 1);
        for fd in 0..6 {
            table.insert(1, fd, pipe());
        }
        table.fork(1, 2, 1);
        table.retain(2, |fd, _| fd % 2 == 0);
        assert_eq!((numbers(&table, 2), table.count(1)), (vec![0, 2, 4], Some(6)));
        table.detach(1);
        table.detach(2);
        assert_eq!(table.bytes(), 0);
    }
}
