//! Whose child is whose in recordings: Falco's do not tell when a thread started, so who is meant by
//! a parent's id is settled when it is told. Facts: `create_thread_dependencies`, `remove_thread`
//! and `find_new_reaper` in `userspace/libsinsp/thread_manager.cpp` of falcosecurity/libs.

use super::start::StartTime;
use super::table::{Process, Table, Thread};

impl Table {
    /// The thread that has this id now.
    pub(crate) fn current(&self, tid: u32) -> Option<u32> {
        self.find(tid, StartTime::UNTOLD)
    }

    /// Rows come in any order; once all are there, a parent that is not among them is none.
    pub(crate) fn settle_rows(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        let orphan = |(place, process): (u32, &Process)| {
            let found = process.recorded && self.parent(place).is_none();
            (found && process.ppid.is_some()).then_some(place)
        };
        let orphans: Vec<u32> = self.processes.iter().filter_map(orphan).collect();
        for place in orphans {
            self.settle_parent(place);
        }
    }

    /// Finds the parent by its id, now or never: it is the process of the thread with that id.
    pub(crate) fn settle_parent(&mut self, place: u32) {
        let Some(process) = self.processes.get(place) else { return };
        let ppid = process.ppid.filter(|&ppid| process.pid != 1 && ppid != process.pid);
        self.give_to(place, ppid);
    }

    /// Makes the process of the thread `tid` the parent, or nobody.
    fn give_to(&mut self, place: u32, tid: Option<u32>) {
        let known = |parent: &u32| self.processes.get(*parent).is_some_and(|it| !it.stranger);
        let parent = tid.and_then(|tid| self.process_of(tid)).filter(known);
        self.unlink(place);
        self.link(place, parent);
        let linked = self.parent(place).is_some();
        if let Some(process) = self.processes.get_mut(place) {
            process.ppid = tid.filter(|_| linked);
        }
        self.lineage_changed(place);
    }

    /// The thread whose child a process is, where that one still runs.
    pub(crate) fn parent_thread(&self, place: u32) -> Option<&Thread> {
        let thread = self.thread(self.current(self.process(place)?.ppid?)?)?;
        (Some(thread.process) == self.parent(place)).then_some(thread)
    }

    /// Whether the main thread has not ended.
    pub(crate) fn main_thread_lives(&self, place: u32) -> bool {
        let main = self.process(place).and_then(|process| self.current(process.pid));
        let main = main.and_then(|main| self.thread(main));
        main.is_some_and(|main| main.process == place && !main.ended)
    }

    /// Whether the thread has children of its own.
    pub(crate) fn has_children(&self, thread: u32) -> bool {
        let Some(Thread { tid, process, .. }) = self.thread(thread) else { return false };
        let children = self.process(*process).map(|process| &process.children);
        let of_thread = |child: &u32| self.process(*child).is_some_and(|it| it.ppid == Some(*tid));
        children.into_iter().flatten().any(of_thread)
    }

    /// Removes a thread that ended. Its children go to the process of the thread `told`, where that
    /// is known, else to whom the kernel would give them.
    pub(crate) fn remove_recorded(&mut self, thread: u32, told: Option<u32>) {
        self.mark_ended(thread);
        let Some(&Thread { tid, process, .. }) = self.thread(thread) else { return };
        if self.has_children(thread) {
            let known = |&tid: &u32| {
                let process = self.process_of(tid).and_then(|place| self.process(place));
                process.is_some_and(|process| !process.stranger)
            };
            let reaper = told.filter(known).or_else(|| self.reaper_of(thread));
            self.hand_over(process, tid, reaper);
        }
        self.remove_thread(thread);
    }

    /// A program runs in the main thread alone: what other threads had is that one's now.
    pub(crate) fn only_leader_runs(&mut self, process: u32) {
        let Some(found) = self.processes.get(process) else { return };
        let leader = self.current(found.pid);
        let known = leader.and_then(|leader| self.thread(leader));
        let (alone, told_itself) = match known {
            Some(leader) => (found.threads.len() == 1 && !leader.ended, leader.told_itself),
            None => (false, false),
        };
        if alone {
            return;
        }
        let (pid, children) = (found.pid, found.children.clone());
        self.keep_only_leader(process, StartTime::UNTOLD);
        for child in children {
            if let Some(child) = self.processes.get_mut(child) {
                child.ppid = Some(pid);
            }
        }
        if let Some(leader) = self.current(pid).and_then(|leader| self.threads.get_mut(leader)) {
            leader.told_itself = told_itself;
        }
    }

    fn hand_over(&mut self, process: u32, tid: u32, reaper: Option<u32>) {
        let Some(found) = self.processes.get(process) else { return };
        let of_thread = |child: &u32| self.process(*child).is_some_and(|it| it.ppid == Some(tid));
        let children: Vec<u32> = found.children.iter().copied().filter(of_thread).collect();
        for child in children {
            self.give_to(child, reaper);
        }
        let reaper = reaper.and_then(|reaper| self.process_of(reaper));
        if let Some(reaper) = reaper.filter(|&reaper| reaper != process)
            && let Some(reaper) = self.processes.get_mut(reaper)
        {
            reaper.reaper = true;
        }
    }

    /// The id of the thread that gets the children: another thread of the process, else one of the
    /// next ancestor that takes orphans, as long as the pid namespace is the same.
    fn reaper_of(&self, thread: u32) -> Option<u32> {
        let process = self.thread(thread)?.process;
        if let Some(sibling) = self.living_thread(process) {
            return Some(sibling);
        }
        let inside = self.is_in_namespace(process);
        let mut ancestors = self.ancestors(process);
        let nearest = ancestors.find_map(|place| {
            let ancestor = self.process(place)?;
            if self.is_in_namespace(place) != inside {
                return Some(None);
            }
            let takes = ancestor.reaper && ancestor.living > 0;
            takes.then(|| self.living_thread(place))
        });
        nearest.flatten()
    }

    fn is_in_namespace(&self, process: u32) -> bool {
        self.process(process)
            .is_some_and(|process| process.session.vpid.is_some_and(|vpid| vpid != process.pid))
    }

    /// The id of a thread that has not ended, the main thread first.
    fn living_thread(&self, process: u32) -> Option<u32> {
        let found = self.process(process)?;
        let threads = found.threads.iter().filter_map(|&place| self.thread(place));
        let living = threads.filter(|thread| !thread.ended).map(|thread| thread.tid);
        living.min_by_key(|&tid| (tid != found.pid, tid))
    }
}
