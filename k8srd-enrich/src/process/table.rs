//! The thread table: who is behind a thread id now.

use std::collections::VecDeque;
use std::sync::Arc;

use k8srd_core::event::Timestamp;
use smallvec::SmallVec;

use super::ended::Ended;
use super::facts::Facts;
use super::slab::{Handle, Slab};
use super::stamps::Revisions;
use super::start::StartTime;
use super::state::{Cgroups, Life, Own, Session};
use crate::hash::IntMap;

/// Threads and processes, by thread id. A process is its threads and what they share.
#[derive(Debug)]
pub(crate) struct Table {
    pub(super) threads: Slab<Thread>,
    pub(super) processes: Slab<Process>,
    by_tid: IntMap<u32, u32>,
    /// Whether there are rows whose parents are not looked for yet.
    pub(super) unsettled: bool,
    pub(super) revisions: Revisions,
    ended: Ended,
    /// Threads that ended, oldest first, until late events about them are unlikely.
    lingering: VecDeque<(Timestamp, Handle)>,
    /// Cgroup paths by the cgroup's id, for processes that move.
    cgroups: IntMap<u64, Arc<Cgroups>>,
    limits: Limits,
    /// Bytes of facts, directories and cgroup paths.
    bytes: usize,
    /// The facts of processes of which none are known; shared, so never counted.
    unknown: Arc<Facts>,
    evicted: u64,
}

/// Bounds of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) tid: u32,
    pub(crate) start: StartTime,
    /// Place of its process.
    pub(crate) process: u32,
    /// Place among the threads of the process.
    rank: u32,
    /// Its end was told; it stays for what is told late.
    pub(crate) ended: bool,
    /// It told of its start itself, before the call of its creator returned.
    pub(crate) told_itself: bool,
    pub(crate) own: Option<Box<Own>>,
}

/// In this order (`repr(C)`), because the first fields are looked at for every event, and should come
/// with one or two lines of the cache; the rest only when a field is asked for.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Process {
    pub(crate) exec_id: Option<u64>,
    pub(crate) cgroup_id: Option<u64>,
    pub(crate) last_seen: Timestamp,
    pub(crate) ppid: Option<u32>,
    pub(crate) pid: u32,
    /// Whether the facts are those of the program that it runs.
    pub(crate) complete: bool,
    /// How often they were looked for in /proc.
    pub(crate) repairs: u8,
    leader_ended: bool,
    /// Told of by a recording, whose events carry no more than a thread's id: state is kept as Falco
    /// keeps it.
    pub(crate) recorded: bool,
    /// Only the id is known, by an event of a recording.
    pub(crate) stranger: bool,
    /// Orphans among its descendants become its children.
    pub(crate) reaper: bool,
    /// Threads that have not ended.
    pub(crate) living: u32,
    pub(crate) start: StartTime,
    pub(crate) facts: Arc<Facts>,
    parent: Option<Handle>,
    /// Place among the children of the parent.
    rank: u32,
    pub(super) children: Vec<u32>,
    pub(super) threads: SmallVec<[u32; 2]>,
    pub(crate) cwd: Arc<[u8]>,
    pub(crate) cgroups: Arc<Cgroups>,
    /// Of the main thread.
    pub(crate) session: Session,
    pub(crate) life: Life,
    /// When the program began to run, nanoseconds after boot, where an exec was seen.
    pub(crate) running_since: Option<u64>,
}

/// A new process, before it has a place.
#[derive(Debug)]
pub(crate) struct NewProcess {
    pub(crate) pid: u32,
    pub(crate) ppid: Option<u32>,
    pub(crate) start: StartTime,
    pub(crate) exec_id: Option<u64>,
    pub(crate) born: Option<Timestamp>,
    pub(crate) last_seen: Timestamp,
    pub(crate) recorded: bool,
}

impl NewProcess {
    /// One that a recording tells of, which has ids and nothing to tell two of the same id apart.
    pub(crate) fn recorded(pid: u32, ppid: Option<u32>, last_seen: Timestamp) -> Self {
        let start = StartTime::UNTOLD;
        Self { pid, ppid, start, exec_id: None, born: None, last_seen, recorded: true }
    }
}

/// No process has more ancestors, unless records are wrong.
const DEPTH: usize = 4_096;
/// How long a thread that ended can still be found, in event time: a busy machine delivers some of
/// its last events after its end.
const LINGER: u64 = 1_000_000_000;
/// And how many such threads at most.
const LINGERING: usize = 4_096;
/// Most cgroups whose paths are kept for processes that move; then they are learned anew.
const CGROUPS: usize = 4_096;

impl Table {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            threads: Slab::default(),
            processes: Slab::default(),
            by_tid: IntMap::default(),
            unsettled: false,
            revisions: Revisions::default(),
            ended: Ended::default(),
            lingering: VecDeque::new(),
            cgroups: IntMap::default(),
            limits,
            bytes: 0,
            unknown: Arc::default(),
            evicted: 0,
        }
    }

    /// Where the thread with this id and start is.
    pub(crate) fn find(&self, tid: u32, start: StartTime) -> Option<u32> {
        let place = *self.by_tid.get(&tid)?;
        self.threads.get(place)?.start.may_be(start).then_some(place)
    }

    pub(crate) fn thread(&self, place: u32) -> Option<&Thread> {
        self.threads.get(place)
    }

    pub(crate) fn thread_mut(&mut self, place: u32) -> Option<&mut Thread> {
        self.threads.get_mut(place)
    }

    pub(crate) fn process(&self, place: u32) -> Option<&Process> {
        self.processes.get(place)
    }

    pub(crate) fn process_mut(&mut self, place: u32) -> Option<&mut Process> {
        self.processes.get_mut(place)
    }

    /// The process of the thread with this id, whenever it started.
    pub(crate) fn process_of(&self, tid: u32) -> Option<u32> {
        Some(self.threads.get(*self.by_tid.get(&tid)?)?.process)
    }

    /// Whether a record about this thread can still be about a living one: false if it has ended,
    /// or if the id is another's by now.
    pub(crate) fn is_current(&self, tid: u32, start: StartTime) -> bool {
        let newer = |thread: &Thread| start.is_before(thread.start);
        let place = self.by_tid.get(&tid);
        !self.ended.contains(tid, start)
            && !place.and_then(|&place| self.threads.get(place)).is_some_and(newer)
    }

    /// Adds a process with its main thread. Another that had the id before is over: its end was
    /// lost.
    pub(crate) fn add_process(&mut self, new: NewProcess) -> u32 {
        let NewProcess { pid, ppid, start, exec_id, born, last_seen, recorded } = new;
        self.free_id(pid);
        self.make_room();
        let place = self.processes.insert(Process {
            pid,
            ppid,
            start,
            exec_id,
            running_since: None,
            life: Life { born, ..Life::default() },
            facts: Arc::clone(&self.unknown),
            cwd: Arc::default(),
            cgroups: Arc::default(),
            cgroup_id: None,
            session: Session::default(),
            complete: false,
            repairs: 0,
            last_seen,
            leader_ended: false,
            recorded,
            stranger: false,
            reaper: pid == 1,
            living: 0,
            parent: None,
            rank: 0,
            children: Vec::new(),
            threads: SmallVec::new(),
        });
        self.revisions.add(place);
        self.changed(place);
        self.add_thread(pid, start, place);
        let parent = ppid.and_then(|ppid| self.parent_with_id(ppid, pid, start));
        self.link(place, parent);
        place
    }

    /// Adds a thread to a process, unless the table is full; gives the thread's place.
    pub(crate) fn add_thread(&mut self, tid: u32, start: StartTime, process: u32) -> Option<u32> {
        if let Some(place) = self.by_tid.get(&tid).copied() {
            let known = self.threads.get_mut(place)?;
            if known.process == process && known.start.may_be(start) {
                known.start = known.start.better(start);
                return Some(place);
            }
            self.free_id(tid);
        }
        if self.threads.len() >= self.limits.threads {
            // The process alone fills the table: its events find it by its own id.
            self.evicted += 1;
            return None;
        }
        let found = self.processes.get_mut(process)?;
        let rank = found.threads.len() as u32;
        let thread =
            Thread { tid, start, process, rank, ended: false, told_itself: false, own: None };
        let place = self.threads.insert(thread);
        found.threads.push(place);
        found.living += 1;
        self.by_tid.insert(tid, place);
        Some(place)
    }

    /// A thread ended at `now`; its children go to the process of `reaper`. With the last one its
    /// process goes, too. Both can be found for a little longer if their start tells them from who
    /// has the id next.
    pub(crate) fn end_thread(
        &mut self,
        tid: u32,
        start: StartTime,
        reaper: Option<u32>,
        now: Timestamp,
    ) {
        let first = self.ended.insert(tid, start);
        let Some(place) = self.find(tid, start) else { return };
        self.mark_ended(place);
        if let Some(&Thread { process, .. }) = self.threads.get(place) {
            // A thread without children has no reaper; the others keep theirs.
            let others = self.processes.get(process).is_some_and(|process| process.living > 0);
            if reaper.is_some() || !others {
                self.give_children(process, reaper);
            }
        }
        match self.threads.handle(place) {
            Some(handle) if start.0.is_some() => {
                if first {
                    self.lingering.push_back((now, handle));
                }
            }
            _ => self.remove_thread(place),
        }
    }

    /// Removes the threads that ended long enough before `now`.
    pub(crate) fn forget_ended(&mut self, now: Timestamp) {
        while let Some(&(ended, handle)) = self.lingering.front() {
            let long_ago = now.as_nanos().saturating_sub(ended.as_nanos()) >= LINGER;
            if !long_ago && self.lingering.len() <= LINGERING {
                return;
            }
            self.lingering.pop_front();
            if let Some(place) = self.threads.place(handle) {
                self.remove_thread(place);
            }
        }
    }

    /// Whoever has this id is over: its end was lost, or it lingers.
    pub(super) fn free_id(&mut self, tid: u32) {
        if let Some(place) = self.by_tid.get(&tid).copied() {
            self.remove_thread(place);
        }
        // If it was the leader of others, they are over as well.
        if let Some(process) = self.process_of(tid) {
            self.remove_process(process);
        }
    }

    /// A thread is the only one left of its process, under the process' id: what an exec does.
    pub(crate) fn keep_only_leader(&mut self, process: u32, start: StartTime) {
        let Some(found) = self.processes.get_mut(process) else { return };
        let pid = found.pid;
        found.leader_ended = false;
        found.living = 0;
        for place in std::mem::take(&mut found.threads) {
            self.drop_thread(place);
        }
        self.add_thread(pid, start, process);
    }

    /// A thread no longer counts among the living.
    pub(crate) fn mark_ended(&mut self, place: u32) {
        let Some(thread) = self.threads.get_mut(place) else { return };
        let process = thread.process;
        if !std::mem::replace(&mut thread.ended, true)
            && let Some(process) = self.processes.get_mut(process)
        {
            process.living = process.living.saturating_sub(1);
        }
    }

    pub(super) fn remove_thread(&mut self, place: u32) {
        self.mark_ended(place);
        let Some(&Thread { tid, process, rank, .. }) = self.threads.get(place) else { return };
        let Some(found) = self.processes.get_mut(process) else { return };
        if found.threads.len() > 1 && tid == found.pid {
            // Others find their process by the leader's id, which the kernel keeps as long.
            found.leader_ended = true;
            return;
        }
        found.threads.swap_remove(rank as usize);
        let moved = found.threads.get(rank as usize).copied();
        let over = match found.threads[..] {
            [] => true,
            [_] => found.leader_ended,
            _ => false,
        };
        if let Some(moved) = moved.and_then(|moved| self.threads.get_mut(moved)) {
            moved.rank = rank;
        }
        self.drop_thread(place);
        if over {
            self.remove_process(process);
        }
    }

    /// Removes the record; the id may be another's already.
    fn drop_thread(&mut self, place: u32) {
        let Some(thread) = self.threads.remove(place) else { return };
        if self.by_tid.get(&thread.tid) == Some(&place) {
            self.by_tid.remove(&thread.tid);
        }
        if let Some(own) = thread.own {
            self.release_own(&own);
        }
    }

    /// Gives a thread that is not the main one what it has of its own.
    pub(crate) fn set_own(&mut self, thread: u32, own: Own) {
        let Own { facts, cgroups, .. } = &own;
        self.bytes += sole(facts, facts.size()) + sole(cgroups, cgroups.size());
        let Some(thread) = self.threads.get_mut(thread) else { return };
        let process = thread.process;
        if let Some(old) = thread.own.replace(Box::new(own)) {
            self.release_own(&old);
        }
        self.changed(process);
    }

    fn release_own(&mut self, own: &Own) {
        let Own { facts, cgroups, .. } = own;
        self.release(sole(facts, facts.size()) + sole(cgroups, cgroups.size()));
    }

    /// What a thread may change at any time: its own, or that of the process.
    pub(crate) fn changeable(&mut self, thread: u32) -> Option<(&mut Session, &mut Life)> {
        let thread = self.threads.get_mut(thread)?;
        if let Some(own) = &mut thread.own {
            return Some((&mut own.session, &mut own.life));
        }
        let process = self.processes.get_mut(thread.process)?;
        Some((&mut process.session, &mut process.life))
    }

    fn remove_process(&mut self, place: u32) {
        self.give_children(place, None);
        self.unlink(place);
        let Some(process) = self.processes.remove(place) else { return };
        for &thread in &process.threads {
            self.drop_thread(thread);
        }
        let Process { facts, cwd, cgroups, .. } = process;
        self.release(sole(&facts, facts.size()) + sole(&cwd, cwd.len()));
        self.release(sole(&cgroups, cgroups.size()));
    }

    /// Forgets every process, and who ended.
    pub(crate) fn clear(&mut self) {
        let all: Vec<u32> = self.processes.iter().map(|(place, _)| place).collect();
        for place in all {
            self.remove_process(place);
        }
        self.forget_cgroups();
        self.ended = Ended::default();
        self.lingering.clear();
        self.unsettled = false;
    }

    /// The children's parent is another from now on: the process of the thread `reaper`. Where that
    /// is not known, their next events will tell.
    fn give_children(&mut self, place: u32, reaper: Option<u32>) {
        let reaper = reaper.and_then(|tid| self.process_of(tid));
        if reaper == Some(place) {
            return;
        }
        let reaper_pid = reaper.and_then(|reaper| self.processes.get(reaper)).map(|r| r.pid);
        let Some(process) = self.processes.get_mut(place) else { return };
        for child in std::mem::take(&mut process.children) {
            if let Some(child) = self.processes.get_mut(child) {
                child.parent = None;
                child.ppid = reaper_pid.or(child.ppid);
            }
            self.link(child, reaper);
            self.lineage_changed(child);
        }
    }

    /// Makes `parent` the parent, or none that is known.
    pub(crate) fn reparent(&mut self, place: u32, ppid: u32) {
        let Some(process) = self.processes.get_mut(place) else { return };
        process.ppid = Some(ppid);
        let (pid, start) = (process.pid, process.start);
        let parent = self.parent_with_id(ppid, pid, start);
        self.unlink(place);
        self.link(place, parent);
        self.lineage_changed(place);
    }

    pub(super) fn link(&mut self, place: u32, parent: Option<u32>) {
        let Some(parent) = parent.filter(|&parent| parent != place) else { return };
        let handle = self.processes.handle(parent);
        let Some(found) = self.processes.get_mut(parent) else { return };
        let rank = found.children.len() as u32;
        found.children.push(place);
        if let Some(process) = self.processes.get_mut(place) {
            process.parent = handle;
            process.rank = rank;
        }
    }

    pub(super) fn unlink(&mut self, place: u32) {
        let Some(process) = self.processes.get_mut(place) else { return };
        let rank = process.rank;
        let Some(parent) = process.parent.take().and_then(|parent| self.processes.place(parent))
        else {
            return;
        };
        let Some(parent) = self.processes.get_mut(parent) else { return };
        if parent.children.get(rank as usize) == Some(&place) {
            parent.children.swap_remove(rank as usize);
            let moved = parent.children.get(rank as usize).copied();
            if let Some(moved) = moved.and_then(|moved| self.processes.get_mut(moved)) {
                moved.rank = rank;
            }
        }
    }

    /// The parent, if it is known.
    pub(crate) fn parent(&self, place: u32) -> Option<u32> {
        let process = self.processes.get(place)?;
        let linked = process.parent.and_then(|parent| self.processes.place(parent));
        // Without start times an id may be another's by now.
        let by_id = || self.parent_with_id(process.ppid?, process.pid, process.start);
        linked.or_else(|| if process.recorded { None } else { by_id() })
    }

    /// Nobody is younger than its child: such a process has the id of a parent that is gone.
    fn parent_with_id(&self, ppid: u32, pid: u32, start: StartTime) -> Option<u32> {
        if ppid == pid {
            return None;
        }
        let place = self.process_of(ppid)?;
        let parent = self.processes.get(place)?;
        (!start.is_before(parent.start)).then_some(place)
    }

    /// The ancestors, from the parent upward.
    pub(crate) fn ancestors(&self, place: u32) -> impl Iterator<Item = u32> {
        // The bound ends a loop that wrong records could make.
        std::iter::successors(self.parent(place), |&place| self.parent(place)).take(DEPTH)
    }

    pub(crate) fn set_facts(&mut self, place: u32, facts: Arc<Facts>) {
        self.bytes += sole(&facts, facts.size());
        let Some(process) = self.processes.get_mut(place) else { return };
        let old = std::mem::replace(&mut process.facts, facts);
        self.release(sole(&old, old.size()));
        self.changed(place);
    }

    /// Says that nothing is known of the program that it runs.
    pub(crate) fn forget_facts(&mut self, place: u32) {
        self.set_facts(place, Arc::clone(&self.unknown));
    }

    pub(crate) fn set_cwd(&mut self, place: u32, cwd: Arc<[u8]>) {
        self.bytes += sole(&cwd, cwd.len());
        let Some(process) = self.processes.get_mut(place) else { return };
        let old = std::mem::replace(&mut process.cwd, cwd);
        self.release(sole(&old, old.len()));
        self.changed(place);
    }

    pub(crate) fn set_cgroups(&mut self, place: u32, cgroups: Arc<Cgroups>, id: Option<u64>) {
        self.bytes += sole(&cgroups, cgroups.size());
        let Some(process) = self.processes.get_mut(place) else { return };
        process.cgroup_id = id;
        let old = std::mem::replace(&mut process.cgroups, cgroups);
        self.release(sole(&old, old.size()));
        self.changed(place);
    }

    /// The paths of the cgroup with this id, as a process in it was last told to have them.
    pub(crate) fn cgroups_of(&self, id: u64) -> Option<&Arc<Cgroups>> {
        self.cgroups.get(&id)
    }

    /// Keeps the paths of the process for others in its cgroup.
    pub(crate) fn keep_cgroups(&mut self, place: u32) {
        if self.cgroups.len() >= CGROUPS {
            self.forget_cgroups();
        }
        let Some(process) = self.processes.get(place) else { return };
        let Some(id) = process.cgroup_id else { return };
        if let Some(old) = self.cgroups.insert(id, Arc::clone(&process.cgroups)) {
            self.release(sole(&old, old.size()));
        }
    }

    fn forget_cgroups(&mut self) {
        for (_, old) in std::mem::take(&mut self.cgroups) {
            self.release(sole(&old, old.size()));
        }
    }

    fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Where a bound is reached, forgets the sixteenth of the processes without children that was
    /// silent longest. Those with children stay: they are what lineage is made of.
    pub(super) fn make_room(&mut self) {
        let full = |table: &Self| {
            table.threads.len() >= table.limits.threads || table.bytes > table.limits.bytes
        };
        if full(self) {
            self.forget_ended(Timestamp::from_nanos(u64::MAX));
        }
        while full(self) {
            let mut leaves: Vec<(Timestamp, u32)> = self
                .processes
                .iter()
                .filter(|(_, process)| process.children.is_empty())
                .map(|(place, process)| (process.last_seen, place))
                .collect();
            if leaves.is_empty() {
                return;
            }
            let count = (leaves.len() / 16).max(1);
            leaves.select_nth_unstable(count - 1);
            for &(_, place) in leaves.iter().take(count) {
                self.evicted += 1;
                self.remove_process(place);
            }
        }
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.threads.len()
    }

    pub(crate) fn process_count(&self) -> usize {
        self.processes.len()
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What is freed or taken with the only reference to something shared: so nothing but the table may
/// hold one while it takes in or releases another.
fn sole<T: ?Sized>(shared: &Arc<T>, size: usize) -> usize {
    if Arc::strong_count(shared) == 1 { size } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(threads: usize) -> Table {
        Table::new(Limits { threads, bytes: 1 << 20 })
    }

    fn start(nanos: u64) -> StartTime {
        StartTime(Some(nanos))
    }

    fn new(pid: u32, ppid: u32, nanos: u64) -> NewProcess {
        NewProcess {
            pid,
            ppid: Some(ppid),
            start: start(nanos),
            exec_id: None,
            born: None,
            last_seen: Timestamp::from_nanos(nanos),
            recorded: false,
        }
    }

    fn end(table: &mut Table, tid: u32, nanos: u64, reaper: Option<u32>) {
        table.end_thread(tid, start(nanos), reaper, Timestamp::from_nanos(nanos));
    }

    fn pids(table: &Table, place: u32) -> Vec<u32> {
        table.ancestors(place).filter_map(|place| Some(table.process(place)?.pid)).collect()
    }

    #[test]
    fn a_reused_id_is_another_process() {
        let mut table = table(100);
        let first = table.add_process(new(7, 1, 100));
        let handle = table.processes.handle(first).unwrap();
        assert!(table.find(7, start(200)).is_none());
        table.add_process(new(7, 1, 200));
        assert!(table.find(7, start(200)).is_some() && table.find(7, start(100)).is_none());
        assert_eq!((table.processes.place(handle), table.process_count()), (None, 1));
    }

    #[test]
    fn orphans_go_to_the_reaper() {
        let mut table = table(100);
        table.add_process(new(1, 0, 1));
        table.add_process(new(2, 1, 2));
        let child = table.add_process(new(3, 2, 3));
        let grandchild = table.add_process(new(4, 3, 4));
        assert_eq!(pids(&table, grandchild), [3, 2, 1]);
        let before = table.lineage_stamp(grandchild).unwrap();
        end(&mut table, 2, 2, Some(1));
        assert_eq!(pids(&table, grandchild), [3, 1]);
        assert_eq!(table.process(child).unwrap().ppid, Some(1));
        assert_ne!(table.lineage_stamp(grandchild), Some(before), "a new lineage");
    }

    #[test]
    fn a_thread_that_ends_takes_no_children_of_others() {
        let mut table = table(100);
        let place = table.add_process(new(2, 1, 2));
        table.add_thread(5, start(5), place);
        table.add_process(new(3, 2, 3));
        end(&mut table, 5, 5, None);
        assert_eq!(table.process(place).unwrap().children.len(), 1);
        end(&mut table, 2, 2, None);
        assert_eq!(table.process(place).unwrap().children.len(), 0, "nobody is left");
    }

    #[test]
    fn nobody_is_younger_than_its_child() {
        let mut table = table(100);
        let child = table.add_process(new(5, 2, 50));
        assert_eq!(pids(&table, child), [0; 0]);
        table.add_process(new(2, 1, 60));
        assert_eq!(pids(&table, child), [0; 0], "this 2 came later");
        table.add_process(new(2, 1, 40));
        assert_eq!(pids(&table, child), [2]);
    }

    #[test]
    fn loops_of_wrong_records_end() {
        let mut table = table(100);
        let a = table.add_process(new(1, 2, 5));
        let b = table.add_process(new(2, 1, 5));
        table.reparent(a, 2);
        table.reparent(b, 1);
        assert_eq!(table.ancestors(a).count(), DEPTH);
        table.changed(a);
        assert!(table.revisions.every_lineage > 0, "the walk down ended too");
    }

    #[test]
    fn a_process_ends_with_its_last_thread() {
        let mut table = table(100);
        let place = table.add_process(new(7, 1, 1));
        table.add_thread(8, start(2), place);
        table.add_thread(9, start(3), place);
        end(&mut table, 7, 1, None);
        assert_eq!(table.process_of(7), Some(place), "others find it by this id");
        end(&mut table, 8, 2, None);
        assert_eq!(table.process_count(), 1);
        end(&mut table, 9, 3, None);
        assert!(table.find(9, start(3)).is_some(), "late events still find it");
        table.forget_ended(Timestamp::from_nanos(LINGER + 2));
        assert_eq!((table.process_count(), table.thread_count()), (1, 2), "two linger");
        table.forget_ended(Timestamp::from_nanos(LINGER + 3));
        assert_eq!((table.process_count(), table.thread_count(), table.by_tid.len()), (0, 0, 0));
        assert!(!table.is_current(9, start(3)) && table.is_current(9, start(4)));
    }

    #[test]
    fn the_table_is_bounded_and_lineage_stays() {
        let mut table = table(64);
        table.add_process(new(1, 0, 1));
        let shell = table.add_process(new(2, 1, 2));
        for pid in 3..10_000 {
            table.add_process(new(pid, 2, u64::from(pid)));
            assert!(table.thread_count() <= 64 && table.by_tid.len() <= 64);
        }
        assert!(table.find(9_999, start(9_999)).is_some(), "the newest stay");
        assert_eq!(pids(&table, shell), [1], "ancestors stay");
        assert!(table.evicted() >= 9_900);
    }

    #[test]
    fn memory_of_facts_is_bounded() {
        let mut table = Table::new(Limits { threads: 1_000, bytes: 100_000 });
        for pid in 1..1_000 {
            let place = table.add_process(new(pid, 0, u64::from(pid)));
            let env = [b'x'; 4096];
            let program = super::super::facts::Program { env: &env, ..Default::default() };
            table.set_facts(place, Facts::new(program));
            assert!(table.bytes() < 110_000);
        }
        for pid in 1..1_000 {
            end(&mut table, pid, u64::from(pid), None);
        }
        table.forget_ended(Timestamp::from_nanos(u64::MAX));
        assert_eq!(table.bytes(), 0, "everything is given back");
    }

    #[test]
    fn memory_of_cgroups_is_counted_once_for_all_that_share_them() {
        let mut table = table(10_000);
        let told = |n: u32| Arc::new(Cgroups::new(format!("unified=/{n}").as_bytes()).unwrap());
        let one = told(1_000).size();
        for n in 1_000..2_000 {
            let place = table.add_process(new(n, 0, u64::from(n)));
            table.set_cgroups(place, told(n), Some(n.into()));
            table.keep_cgroups(place);
            let paths = table.cgroups_of(n.into()).cloned().unwrap();
            let other = table.add_process(new(n + 1_000, 0, u64::from(n)));
            table.set_cgroups(other, paths, Some(n.into()));
        }
        assert_eq!(table.bytes(), 1_000 * one);
        table.forget_cgroups();
        assert_eq!(table.bytes(), 1_000 * one, "the processes still hold them");
        let place = table.process_of(1_000).unwrap();
        table.keep_cgroups(place);
        table.remove_process(place);
        table.remove_process(table.process_of(2_000).unwrap());
        assert_eq!(table.bytes(), 1_000 * one, "kept for who comes next");
        table.clear();
        assert_eq!((table.bytes(), table.cgroups_of(1_000)), (0, None));
    }

    #[test]
    fn one_process_cannot_fill_the_table_past_its_bound() {
        let mut table = table(16);
        let place = table.add_process(new(1, 0, 1));
        for tid in 2..100 {
            table.add_thread(tid, start(u64::from(tid)), place);
        }
        assert_eq!((table.thread_count(), table.process_count()), (16, 1));
    }
}
