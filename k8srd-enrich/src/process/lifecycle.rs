//! How the table follows forks, execs, ends and the snapshot, and what it does where records are
//! missing.

use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Task};
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;

use super::Processes;
use super::facts::{Facts, Inode, Program};
use super::recorded;
use super::repair::Found;
use super::start::StartTime;
use super::state::{Cgroups, Session};
use super::table::NewProcess;
use crate::read::{self, bytes, id, int, uint};

/// Who an event is by.
#[derive(Clone, Copy, Debug)]
struct Actor {
    tid: u32,
    pid: u32,
    start: StartTime,
    leader_start: StartTime,
    exec_id: Option<u64>,
    ppid: Option<u32>,
    cgroup_id: Option<u64>,
}

impl Actor {
    fn of(tid: u32, task: &Task) -> Self {
        let &Task { start_time, leader_start_time, exec_id, ppid, cgroup_id, .. } = task;
        let pid = task.pid.unwrap_or(tid);
        let leader_start = leader_start_time.or(if pid == tid { start_time } else { None });
        let (start, leader_start) = (StartTime(start_time), StartTime(leader_start));
        Self { tid, pid, start, leader_start, exec_id, ppid, cgroup_id }
    }
}

/// `AT_FDCWD`: a name starts from the working directory.
const AT_FDCWD: i64 = -100;
/// How often the facts of one program are looked for in /proc.
const REPAIRS: u8 = 3;

impl Processes {
    pub(super) fn learn(&mut self, event: &dyn Event, arena: &Arena) {
        let task = event.task(arena);
        let Some(tid) = task.tid else { return };
        if recorded::tells_only_id(task) {
            self.follow(tid, event, arena);
            return;
        }
        if event.kind() == EventKind::TASK && recorded::is_row(task) {
            self.row(tid, event, arena);
            return;
        }
        let actor = Actor::of(tid, task);
        match event.kind() {
            EventKind::TASK => self.snapshot(actor, event, arena),
            EventKind::EXECVE | EventKind::EXECVEAT if self.succeeded(event, arena) => {
                self.exec(actor, event, arena);
            }
            EventKind::CLONE | EventKind::FORK | EventKind::VFORK | EventKind::CLONE3 => {
                let caller = self.meet(actor, event, arena);
                self.fork(caller, actor, event, arena);
            }
            kind => {
                let place = self.meet(actor, event, arena);
                if kind == EventKind::PROCEXIT
                    && let Some(thread) = self.table.find(actor.tid, actor.start)
                {
                    self.table.mark_ended(thread);
                }
                if let Some(dirfd) = self.places.dirfd(kind)
                    && let Some(place) = place
                {
                    self.follow_directory(place, dirfd.cloned(), event, arena);
                }
            }
        }
    }

    /// A name that starts from the working directory tells where that is now.
    fn follow_directory(
        &mut self,
        place: u32,
        dirfd: Option<Key>,
        event: &dyn Event,
        arena: &Arena,
    ) {
        let Some(base) = bytes(event, &read::PATH_BASE, arena) else { return };
        let from_cwd = dirfd.is_none_or(|key| int(event, &key, arena) == Some(AT_FDCWD));
        let known = self.table.process(place).map(|process| without_slash(&process.cwd));
        if from_cwd && known != Some(without_slash(base)) {
            self.table.set_cwd(place, base.into());
        }
    }

    pub(super) fn succeeded(&self, event: &dyn Event, arena: &Arena) -> bool {
        let result = self.places.exec_result.as_ref();
        result.and_then(|key| int(event, key, arena)).is_none_or(|result| result >= 0)
    }

    /// Finds the actor's process, and compares what the event says of it with what is known. For
    /// all but a few events that is all there is to do.
    fn meet(&mut self, actor: Actor, event: &dyn Event, arena: &Arena) -> Option<u32> {
        let Actor { tid, start, exec_id, ppid, cgroup_id, .. } = actor;
        let found = self.table.find(tid, start).and_then(|place| self.table.thread(place));
        let place = match found {
            Some(thread) => thread.process,
            None => self.arrive(actor, event, arena)?,
        };
        let process = self.table.process_mut(place)?;
        process.last_seen = event.time();
        let same_parent = ppid.is_none() || process.ppid == ppid;
        let same_program = exec_id.is_none() || process.exec_id == exec_id;
        let same_cgroup = cgroup_id.is_none() || process.cgroup_id == cgroup_id;
        if same_parent && same_program && same_cgroup && process.complete {
            return Some(place);
        }
        if !same_program {
            self.compare_program(place, exec_id);
        }
        if let Some(ppid) = ppid.filter(|_| !same_parent) {
            self.table.reparent(place, ppid);
        }
        if !same_cgroup {
            self.moved(place, cgroup_id, event);
        }
        self.repair(place, cgroup_id, event);
        Some(place)
    }

    /// A thread that nothing told of, or whose id was another's. `None` for a record that comes
    /// after the thread's end.
    fn arrive(&mut self, actor: Actor, event: &dyn Event, arena: &Arena) -> Option<u32> {
        let Actor { tid, start, exec_id, ppid, .. } = actor;
        if !self.table.is_current(tid, start) {
            return None;
        }
        let pid = actor.pid;
        let leader_start = actor.leader_start;
        let leader = self.table.find(pid, leader_start);
        let place = match leader.and_then(|place| self.table.thread(place)) {
            Some(thread) => thread.process,
            None if !self.table.is_current(pid, leader_start) => return None,
            None => {
                self.counts.missed_starts += 1;
                let place = self.table.add_process(NewProcess {
                    pid,
                    ppid,
                    start: leader_start,
                    exec_id,
                    born: None,
                    last_seen: event.time(),
                    recorded: false,
                });
                let session = self.places.task.session(event, arena);
                if let Some(process) = self.table.process_mut(place) {
                    process.session = session;
                }
                self.inherit(place);
                place
            }
        };
        if tid != pid {
            self.table.add_thread(tid, start, place);
        }
        Some(place)
    }

    /// A process whose fork was lost runs its parent's program if neither has called exec since:
    /// the parent ran it before the child began, and the exec ids are equal.
    fn inherit(&mut self, place: u32) {
        let Some(parent) = self.table.parent(place).and_then(|place| self.table.process(place))
        else {
            return;
        };
        let Some(child) = self.table.process(place) else { return };
        let before = match (parent.running_since, child.start.0) {
            (Some(running), Some(start)) => running < start,
            _ => false,
        };
        let same = parent.exec_id.is_some() && parent.exec_id == child.exec_id;
        if !(parent.complete && before && same) {
            return;
        }
        let (facts, cwd) = (Arc::clone(&parent.facts), Arc::clone(&parent.cwd));
        let running_since = parent.running_since;
        self.table.set_facts(place, facts);
        self.table.set_cwd(place, cwd);
        if let Some(process) = self.table.process_mut(place) {
            process.complete = true;
            process.running_since = running_since;
        }
    }

    /// The event's exec id is not the known one. A higher one tells of an exec that was lost: what
    /// is known is of another program.
    fn compare_program(&mut self, place: u32, exec_id: Option<u64>) {
        let Some(process) = self.table.process_mut(place) else { return };
        let unknown = process.exec_id.is_none();
        // A lower one is of a record that comes late.
        if !unknown && exec_id <= process.exec_id {
            return;
        }
        process.exec_id = exec_id;
        if unknown {
            return;
        }
        process.complete = false;
        process.repairs = 0;
        process.running_since = None;
        self.counts.missed_execs += 1;
        self.table.forget_facts(place);
    }

    /// The process is in another cgroup than when its paths were told, or only the paths were told.
    /// As long as the new paths are unknown the old id stays, so that they are not taken for them.
    fn moved(&mut self, place: u32, cgroup_id: Option<u64>, event: &dyn Event) {
        let known = cgroup_id.and_then(|id| self.table.cgroups_of(id)).cloned();
        let Some(process) = self.table.process_mut(place) else { return };
        let told = process.cgroup_id.is_none() && !process.cgroups.is_empty();
        let paths = if told {
            Some(Arc::clone(&process.cgroups))
        } else if known.is_some() {
            known
        } else if process.repairs < REPAIRS {
            process.repairs += 1;
            let (pid, start) = (process.pid, process.start);
            let found = self.repair.cgroups(pid, start, event.time());
            found.and_then(|found| Cgroups::new(&found)).map(Arc::new)
        } else {
            None
        };
        if let Some(paths) = paths {
            self.table.set_cgroups(place, paths, cgroup_id);
            self.table.keep_cgroups(place);
        }
    }

    /// Reads what is not known from /proc.
    fn repair(&mut self, place: u32, cgroup_id: Option<u64>, event: &dyn Event) {
        let Some(process) = self.table.process_mut(place) else { return };
        if process.complete || process.repairs >= REPAIRS {
            return;
        }
        let (pid, start) = (process.pid, process.start);
        let Some(found) = self.repair.process(pid, start, event.time()) else {
            process.repairs += 1;
            return;
        };
        process.complete = true;
        let Found { comm, exe, exepath, args, env, cwd, cgroups, exe_flags } = found;
        self.counts.repaired += 1;
        let program = Program {
            comm: &comm,
            exe: &exe,
            exepath: &exepath,
            args: &args,
            env: &env,
            exe_flags,
            inode: Inode::default(),
        };
        self.table.set_facts(place, Facts::new(program));
        self.table.set_cwd(place, cwd.into());
        if let Some(cgroups) = Cgroups::new(&cgroups) {
            self.table.set_cgroups(place, Arc::new(cgroups), cgroup_id);
        }
    }

    /// A new thread or process, as its creator's record tells.
    fn fork(&mut self, caller: Option<u32>, actor: Actor, event: &dyn Event, arena: &Arena) {
        // A call that failed has no child.
        let Some(tid) = id(event, &read::CHILD_TID, arena) else { return };
        let pid = id(event, &read::CHILD_PID, arena).unwrap_or(tid);
        let start = StartTime(uint(event, &read::CHILD_START_TIME, arena));
        if !self.table.is_current(tid, start) {
            return;
        }
        if pid != tid {
            if let Some(caller) = caller {
                self.table.add_thread(tid, start, caller);
            }
            return;
        }
        // The snapshot, or an event of the child's own that came first, may have told already.
        let known = self.table.find(tid, start).filter(|_| start.0.is_some());
        let known = known.and_then(|place| self.table.thread(place)).map(|thread| thread.process);
        if known.and_then(|place| self.table.process(place)).is_some_and(|known| known.complete) {
            return;
        }
        let caller_pid = actor.pid;
        let ppid = id(event, &read::CHILD_PPID, arena).unwrap_or(caller_pid);
        let place = known.unwrap_or_else(|| {
            self.table.add_process(NewProcess {
                pid,
                ppid: Some(ppid),
                start,
                exec_id: actor.exec_id,
                born: Some(event.time()),
                last_seen: event.time(),
                recorded: false,
            })
        });
        self.copy_image(caller, place, event, arena);
    }

    /// The child runs what its creator runs, where its creator is.
    fn copy_image(&mut self, caller: Option<u32>, place: u32, event: &dyn Event, arena: &Arena) {
        let vpid = id(event, &read::CHILD_VPID, arena);
        let child_exec_id = self.table.process(place).and_then(|child| child.exec_id);
        let caller = caller.and_then(|caller| self.table.process(caller));
        let mut cgroup_id = None;
        let mut inherited_cgroups: Arc<Cgroups> = Arc::default();
        if let Some(caller) = caller {
            let (facts, cwd) = (Arc::clone(&caller.facts), Arc::clone(&caller.cwd));
            let (complete, since) = (caller.complete, caller.running_since);
            let inode_age = caller.life.inode_age;
            let session = Session { vpid, ..caller.session };
            let same_program = child_exec_id.is_none() || child_exec_id == caller.exec_id;
            inherited_cgroups = Arc::clone(&caller.cgroups);
            cgroup_id = caller.cgroup_id;
            self.table.set_cwd(place, cwd);
            if same_program {
                self.table.set_facts(place, facts);
            }
            if let Some(child) = self.table.process_mut(place) {
                child.session = session;
                child.life = self.params.live_fork(child.life, vpid, event, arena);
                child.life.inode_age = inode_age;
                child.complete = complete && same_program;
                child.running_since = since.filter(|_| same_program);
            }
        }
        if let Some(child) = self.table.process(place)
            && child.facts.comm().is_empty()
            && let Some(comm) =
                self.places.clone_comm.as_ref().and_then(|key| bytes(event, key, arena))
        {
            self.table.set_facts(place, Facts::new(Program { comm, ..Program::default() }));
        }
        // A child may start in another cgroup than its creator (CLONE_INTO_CGROUP), and the creator
        // may have moved: then its first event tells the id that goes with these paths.
        let told = self.places.clone_cgroups.as_ref().and_then(|key| bytes(event, key, arena));
        let told = told.and_then(Cgroups::new);
        if let Some(told) = told.filter(|told| *told != *inherited_cgroups) {
            self.table.set_cgroups(place, Arc::new(told), None);
        } else {
            self.table.set_cgroups(place, inherited_cgroups, cgroup_id);
        }
    }

    /// A new program: everything about the process is in the record.
    fn exec(&mut self, actor: Actor, event: &dyn Event, arena: &Arena) {
        let Actor { tid, start, exec_id, ppid, cgroup_id, .. } = actor;
        let old_tid = id(event, &read::OLD_TID, arena).unwrap_or(tid);
        let pid = actor.pid;
        let found =
            self.table.find(pid, start).or_else(|| self.table.find(old_tid, StartTime(None)));
        let known = found
            .and_then(|place| self.table.thread(place))
            .map(|thread| thread.process)
            .filter(|&place| self.table.process(place).is_some_and(|known| known.pid == pid));
        let place = match known {
            Some(place) => place,
            None if !self.table.is_current(pid, start) => return,
            None => {
                self.counts.missed_starts += 1;
                let (born, last_seen, recorded) = (None, event.time(), false);
                self.table.add_process(NewProcess {
                    pid,
                    ppid,
                    start,
                    exec_id,
                    born,
                    last_seen,
                    recorded,
                })
            }
        };
        let Some(process) = self.table.process_mut(place) else { return };
        if process.complete && exec_id.is_some() && exec_id < process.exec_id {
            // Late: the process runs something else by now.
            return;
        }
        process.exec_id = exec_id.or(process.exec_id);
        process.complete = true;
        process.repairs = 0;
        process.running_since = uint(event, &read::BOOT_TIME, arena);
        process.last_seen = event.time();
        process.session = self.places.exec.session(event, arena);
        process.life = self.params.live_exec(process.life, start, event, arena);
        let moved = ppid.filter(|_| process.ppid != ppid);
        // The main thread's id and start pass to the thread that called; the others are over.
        self.table.keep_only_leader(place, start);
        if let Some(ppid) = moved {
            self.table.reparent(place, ppid);
        }
        self.table.set_facts(place, self.places.exec.facts(event, arena));
        self.take_places(place, cgroup_id, event, arena, EventKind::EXECVE);
    }

    /// Working directory and cgroups, if the record has them.
    fn take_places(
        &mut self,
        place: u32,
        cgroup_id: Option<u64>,
        event: &dyn Event,
        arena: &Arena,
        kind: EventKind,
    ) {
        let places = if kind == EventKind::TASK { &self.places.task } else { &self.places.exec };
        let cwd = places.cwd.as_ref().and_then(|key| bytes(event, key, arena));
        let cgroups = places.cgroups.as_ref().and_then(|key| bytes(event, key, arena));
        if let Some(cwd) = cwd.filter(|cwd| !cwd.is_empty()) {
            self.table.set_cwd(place, cwd.into());
        }
        if let Some(told) = cgroups.and_then(Cgroups::new) {
            let known = cgroup_id.and_then(|id| self.table.cgroups_of(id)).cloned();
            // Many processes are in the same cgroup: they share its paths.
            let paths = known.filter(|known| **known == told).unwrap_or_else(|| told.into());
            self.table.set_cgroups(place, paths, cgroup_id);
            self.table.keep_cgroups(place);
        }
    }

    /// A row of the snapshot: state that was true when it was taken. It fills gaps, and changes
    /// nothing that a record told already.
    fn snapshot(&mut self, actor: Actor, event: &dyn Event, arena: &Arena) {
        let Actor { tid, start, exec_id, cgroup_id, ppid, .. } = actor;
        if !self.table.is_current(tid, start) {
            return;
        }
        let pid = actor.pid;
        let leader_start = actor.leader_start;
        let leader = self.table.find(pid, leader_start);
        let known = leader.and_then(|place| self.table.thread(place)).map(|thread| thread.process);
        let place = match known {
            Some(place) => place,
            None if !self.table.is_current(pid, leader_start) => return,
            None => self.table.add_process(NewProcess {
                pid,
                ppid,
                start: leader_start,
                exec_id,
                born: None,
                last_seen: event.time(),
                recorded: false,
            }),
        };
        // Threads share what their leader's row tells.
        self.table.add_thread(tid, start, place);
        let Some(process) = self.table.process_mut(place) else { return };
        let newer = exec_id.is_some() && exec_id > process.exec_id;
        let older = exec_id.is_some() && exec_id < process.exec_id;
        if tid != pid || older || (process.complete && !newer) {
            return;
        }
        process.exec_id = exec_id.or(process.exec_id);
        process.complete = true;
        process.session = self.places.task.session(event, arena);
        process.life = self.params.live_row(process.life, event, arena);
        let moved = ppid.filter(|_| process.ppid != ppid);
        if let Some(ppid) = moved {
            self.table.reparent(place, ppid);
        }
        self.table.set_facts(place, self.places.task.facts(event, arena));
        self.take_places(place, cgroup_id, event, arena, EventKind::TASK);
    }

    /// A thread's end was matched: it will be forgotten.
    #[cold]
    pub(super) fn end(&mut self, event: &dyn Event, arena: &Arena) {
        let task = event.task(arena);
        let Some(tid) = task.tid else { return };
        if recorded::tells_only_id(task) {
            self.removed(tid, event, arena);
            return;
        }
        let reaper = self.places.reaper.as_ref().and_then(|key| id(event, key, arena));
        let reaper = reaper.filter(|&tid| tid != 0);
        self.table.end_thread(tid, StartTime(task.start_time), reaper, event.time());
    }
}

fn without_slash(path: &[u8]) -> &[u8] {
    match path.strip_suffix(b"/") {
        Some(path) if !path.is_empty() => path,
        _ => path,
    }
}
