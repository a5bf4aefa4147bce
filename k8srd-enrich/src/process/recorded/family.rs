//! Threads that are made, programs that start, and the rows of a recording's process list.

use std::sync::Arc;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Task, Timestamp};

use super::params::{Told, kind};
use super::{NewProcess, Processes, StartTime};
use crate::clone_flag;
use crate::path;
use crate::process::ended::STALE;
use crate::process::facts::{Facts, Inode, Program};
use crate::process::state::{Cgroups, Life, Memory, Own, Session};
use crate::read;

/// What a thread is when the event comes, to be copied or changed.
#[derive(Clone)]
struct Image {
    facts: Arc<Facts>,
    /// Falco keeps the environment with the main thread, and copies what the thread has.
    has_env: bool,
    cgroups: Arc<Cgroups>,
    session: Session,
    life: Life,
}

/// The ids of a new thread.
#[derive(Clone, Copy, Debug)]
struct NewIds {
    tid: u32,
    pid: u32,
    ptid: Option<u32>,
    vtid: Option<u32>,
    vpid: Option<u32>,
}

impl Processes {
    /// A clone, fork or vfork returned: to the child, which tells of itself, or to its caller.
    pub(super) fn cloned(&mut self, tid: u32, told: Told<'_>) {
        match told.int(&self.params.clone_result) {
            Some(0) => self.child_returned(tid, told),
            Some(1..) => self.caller_returned(tid, told),
            _ => {}
        }
    }

    /// Tells more than what its caller could, in namespaces above all.
    fn child_returned(&mut self, tid: u32, told: Told<'_>) {
        let known = self.table.current(tid);
        if let Some(known) = known {
            self.seen(known, told.event);
            let born = self.table.changeable(known).and_then(|(_, life)| life.born);
            let age = born.map(|born| told.event.time().as_nanos().saturating_sub(born.as_nanos()));
            if age.is_some_and(|age| age < STALE) {
                return;
            }
        }
        let params = &self.params;
        let vpid = told.id(&params.clone_vpid);
        let pid = told.id(&params.clone_pid).unwrap_or(tid);
        let ids = NewIds {
            tid,
            pid,
            ptid: told.id(&params.clone_ptid),
            vtid: vpid.map_or(Some(tid), |_| told.id(&params.clone_vtid)),
            vpid,
        };
        let flags = told.uint(&params.clone_flags).unwrap_or_default();
        let inside =
            flags & (clone_flag::CHILD_IN_PIDNS | clone_flag::NEWPID) != 0 || ids.vtid != Some(tid);
        // Falco means to add when the machine was booted, and loses that when it opens a recording
        // (`scap_generic_init_platform` in `userspace/libscap/scap_platform.c` zeroes what was read):
        // of a namespace it tells nanoseconds after boot, of the host's nothing.
        let namespace_start =
            inside.then(|| told.uint(&self.params.clone_namespace_start)).flatten();
        // Of its leader a thread is a copy, a process of its parent. The flags may be wrong: they are
        // read from memory that the caller may change (clone3). The ids are not.
        let is_thread = flags & clone_flag::THREAD != 0;
        let from = if is_thread { Some(pid) } else { ids.ptid };
        let from = from
            .and_then(|from| self.table.current(from).or_else(|| self.stranger(from, told.event)));
        if let Some(from) = from.filter(|_| is_thread) {
            let leader = NewIds { tid: pid, vtid: vpid, ..ids };
            self.introduce(from, leader, told);
        }
        if let Some(known) = known {
            self.replace(known);
        }
        self.born(from, ids, namespace_start, told);
        if let Some(thread) = self.table.current(tid)
            && let Some(thread) = self.table.thread_mut(thread)
        {
            thread.told_itself = true;
        }
    }

    fn caller_returned(&mut self, tid: u32, told: Told<'_>) {
        let Some(caller) = self.table.current(tid).or_else(|| self.stranger(tid, told.event))
        else {
            return;
        };
        self.seen(caller, told.event);
        let params = &self.params;
        let vpid = told.id(&params.clone_vpid);
        let ids = NewIds {
            tid,
            pid: told.id(&params.clone_pid).unwrap_or(tid),
            ptid: told.id(&params.clone_ptid),
            vtid: vpid.map_or(Some(tid), |_| told.id(&params.clone_vtid)),
            vpid,
        };
        let flags = told.uint(&params.clone_flags).unwrap_or_default();
        let child = told.id(&params.clone_result);
        let now = told.event.time();
        self.introduce(caller, ids, told);
        // In a pid namespace the number is another than the child's id here, and after a vfork the
        // child was there already: it tells of itself.
        let elsewhere = clone_flag::CHILD_IN_PIDNS
            | clone_flag::NEWPID
            | clone_flag::PARENT
            | clone_flag::VFORK;
        let vtid = self.table.changeable(caller).and_then(|(session, _)| session.vtid);
        let Some(child) = child else { return };
        if flags & elsewhere != 0
            || vtid != Some(tid)
            || told.event.kind() == kind::VFORK
            || self.gone.contains(child, tid, now)
        {
            return;
        }
        if let Some(known) = self.table.current(child) {
            if self.table.thread(known).is_some_and(|known| known.told_itself) {
                return;
            }
            self.replace(known);
        }
        let is_thread = flags & clone_flag::THREAD != 0;
        let Some(thread) = self.table.thread(caller) else { return };
        let Some(process) = self.table.process(thread.process) else { return };
        let (pid, ptid) = if is_thread { (process.pid, process.ppid) } else { (child, Some(tid)) };
        let ids = NewIds { tid: child, pid, ptid, vtid: Some(child), vpid: Some(pid) };
        self.born(Some(caller), ids, None, told);
    }

    /// Whoever has this id is over: its end was not told.
    fn replace(&mut self, thread: u32) {
        let tid = self.table.thread(thread).map(|thread| thread.tid);
        self.table.remove_recorded(thread, None);
        if let Some(tid) = tid {
            self.table.free_id(tid);
        }
    }

    /// What a stranger is that made a thread, or leads one.
    fn introduce(&mut self, thread: u32, ids: NewIds, told: Told<'_>) {
        let Some(place) = self.table.thread(thread).map(|thread| thread.process) else { return };
        if self.table.process(place).is_none_or(|process| !process.stranger) {
            return;
        }
        let NewIds { tid, pid, ptid, vtid, vpid } = ids;
        let (comm, exe, args) = self.command(told);
        let place = self.acquaint(place, tid, pid, ptid, told.event);
        let facts = Facts::new(Program { comm, exe, args, ..Program::default() });
        self.table.set_facts(place, facts);
        if let Some(process) = self.table.process_mut(place) {
            process.session.vtid = vtid;
            process.session.vpid = vpid;
            process.reaper = pid == 1 || vpid == Some(1);
        }
    }

    /// A stranger is one no more. If it is a thread of another process it goes there.
    fn acquaint(
        &mut self,
        place: u32,
        tid: u32,
        pid: u32,
        ptid: Option<u32>,
        event: &dyn Event,
    ) -> u32 {
        if let Some(process) = self.table.process_mut(place).filter(|_| tid == pid) {
            process.stranger = false;
            process.ppid = ptid;
            self.table.settle_parent(place);
            return place;
        }
        let leader = self.table.current(pid).and_then(|leader| self.table.thread(leader));
        let leader = leader.map(|leader| leader.process);
        let leader = leader.unwrap_or_else(|| {
            let leader = self.table.add_process(NewProcess::recorded(pid, ptid, event.time()));
            self.table.settle_parent(leader);
            leader
        });
        self.table.add_thread(tid, StartTime::UNTOLD, leader);
        leader
    }

    /// Name, first argument and the others, as they were when a clone returned.
    fn command<'e>(&self, told: Told<'e>) -> (&'e [u8], &'e [u8], &'e [u8]) {
        let text = |key: &_| told.text(key);
        let exe = text(&self.params.clone_exe).unwrap_or_default();
        let comm = text(&self.params.clone_comm).unwrap_or(exe);
        (comm, exe, text(&self.params.clone_args).unwrap_or_default())
    }

    /// What a thread is now; nothing for a stranger.
    fn image(&self, thread: u32) -> Option<Image> {
        let thread = self.table.thread(thread)?;
        let process = self.table.process(thread.process).filter(|it| !it.stranger)?;
        Some(match thread.own.as_deref() {
            Some(Own { facts, cgroups, session, life }) => Image {
                facts: Arc::clone(facts),
                has_env: false,
                cgroups: Arc::clone(cgroups),
                session: *session,
                life: *life,
            },
            None => Image {
                facts: Arc::clone(&process.facts),
                has_env: true,
                cgroups: Arc::clone(&process.cgroups),
                session: process.session,
                life: process.life,
            },
        })
    }

    /// A new thread or process: a copy of `from` with what the event tells instead.
    fn born(
        &mut self,
        from: Option<u32>,
        ids: NewIds,
        namespace_start: Option<u64>,
        told: Told<'_>,
    ) {
        let NewIds { tid, pid, ptid, vtid, vpid } = ids;
        let event = told.event;
        // Not while what the source has is held here: what is released then counts as still there.
        self.table.make_room();
        let source = from.and_then(|from| self.image(from));
        let (comm, exe, args) = self.command(told);
        let facts = match &source {
            Some(image) if image.has_env && image.facts.is_command(comm, exe, args) => {
                Arc::clone(&image.facts)
            }
            Some(image) => image.facts.renamed(comm, exe, args, image.has_env),
            None => Facts::new(Program { comm, exe, args, ..Program::default() }),
        };
        let params = &self.params;
        let inherited = source.as_ref().map(|image| image.session).unwrap_or_default();
        let session = Session {
            vtid,
            vpid,
            uid: told.account(&params.clone_uid),
            gid: told.account(&params.clone_gid),
            ..inherited
        };
        let life = Life {
            born: Some(event.time()),
            namespace_start,
            inode_age: source.as_ref().and_then(|image| image.life.inode_age),
            fdlimit: told.limit(&params.clone_fdlimit),
            memory: Some(params.clone_memory.over(Memory::default(), &told)),
            ..Life::default()
        };
        let told_cgroups = told.text(&params.clone_cgroups).unwrap_or_default();
        // As a rule it is where its creator is: paths are not looked at again.
        let cgroups = match &source {
            Some(image) if image.cgroups.is_told(told_cgroups) => Arc::clone(&image.cgroups),
            _ => Arc::new(Cgroups::recorded(told_cgroups).unwrap_or_default()),
        };
        if tid != pid {
            let leader = self.table.current(pid).and_then(|leader| self.table.thread(leader));
            let Some(leader) = leader.map(|leader| leader.process) else { return };
            let Some(thread) = self.table.add_thread(tid, StartTime::UNTOLD, leader) else {
                return;
            };
            self.table.set_own(thread, Own { facts, cgroups, session, life });
            return;
        }
        let directory = from.and_then(|from| self.table.thread(from));
        let directory = directory.and_then(|thread| self.table.process(thread.process));
        let cwd = directory.map(|process| Arc::clone(&process.cwd)).unwrap_or_default();
        let place = self.table.add_process(NewProcess::recorded(pid, ptid, event.time()));
        self.table.settle_parent(place);
        self.table.set_cwd(place, cwd);
        self.table.set_cgroups(place, cgroups, None);
        self.table.set_facts(place, facts);
        if let Some(process) = self.table.process_mut(place) {
            process.complete = true;
            process.session = session;
            process.life = life;
            process.reaper = pid == 1 || vpid == Some(1);
        }
    }

    /// A new program runs. What the event does not tell stays as it was.
    pub(super) fn executed(&mut self, thread: u32, told: Told<'_>) {
        if !self.succeeded(told.event, told.arena) {
            return;
        }
        let params = &self.params;
        let Some(found) = self.table.thread(thread) else { return };
        let (tid, place) = (found.tid, found.process);
        let Some(process) = self.table.process(place) else { return };
        if process.stranger {
            let pid = told.id(&params.exec_pid).unwrap_or(tid);
            let ptid = told.id(&params.exec_ptid);
            let place = self.acquaint(place, tid, pid, ptid, told.event);
            if let Some(process) = self.table.process_mut(place) {
                process.session.vtid = Some(pid);
                process.session.vpid = Some(pid);
            }
        }
        let Some(place) = self.table.current(tid).and_then(|it| self.table.thread(it)) else {
            return;
        };
        let place = place.process;
        let facts = self.program(place, told);
        let known = self.table.process(place).map(|process| Arc::clone(&process.cgroups));
        let cgroups = told.text(&self.params.exec_cgroups);
        let cgroups = cgroups.filter(|told| known.is_none_or(|known| !known.is_told(told)));
        self.table.only_leader_runs(place);
        self.table.set_facts(place, facts);
        if let Some(cgroups) = cgroups.and_then(Cgroups::recorded) {
            self.table.set_cgroups(place, Arc::new(cgroups), None);
        }
        let params = &self.params;
        let Some(process) = self.table.process_mut(place) else { return };
        process.complete = true;
        let inode = process.facts.inode();
        let life = &mut process.life;
        life.fdlimit = told.limit(&params.exec_fdlimit).or(life.fdlimit);
        life.memory = Some(params.exec_memory.over(life.memory.unwrap_or_default(), &told));
        if told.uint(&params.exec_ino_mtime).is_some() {
            *life = life.with_inode(inode.changed, life.born.map(Timestamp::as_nanos));
        }
        let session = &mut process.session;
        session.tty = told.id(&params.exec_tty).or(session.tty);
        session.vpgid = told.id(&params.exec_vpgid).or(session.vpgid);
        session.pgid = told.id(&params.exec_pgid);
        session.loginuid = told.account(&params.exec_loginuid).or(session.loginuid);
        session.uid = told.account(&params.exec_uid).or(session.uid);
        session.gid = told.account(&params.exec_gid).or(session.gid);
        if let Some(effective) = told.uint(&params.exec_cap_effective) {
            session.cap_effective = Some(effective);
            session.cap_permitted = told.uint(&params.exec_cap_permitted);
            session.cap_inheritable = told.uint(&params.exec_cap_inheritable);
        }
    }

    fn program(&self, place: u32, told: Told<'_>) -> Arc<Facts> {
        let params = &self.params;
        let Some(process) = self.table.process(place) else { return Arc::default() };
        let old = &*process.facts;
        let exe = told.text(&params.exec_exe).unwrap_or_default();
        let exepath = told.text(&params.exec_exepath).or_else(|| {
            // Older writers told the name only, as the program gave it.
            let name = told.text(&params.exec_filename)?;
            let resolved = || path::concatenate(&process.cwd, name, told.arena);
            Some(if name == super::UNKNOWN { name } else { resolved() })
        });
        let inode = told.uint(&params.exec_ino_mtime).map(|modified| Inode {
            number: told.uint(&params.exec_ino).unwrap_or_default(),
            changed: told.uint(&params.exec_ino_ctime).unwrap_or_default(),
            modified,
        });
        Facts::new(Program {
            comm: told.text(&params.exec_comm).unwrap_or(exe),
            exe,
            exepath: exepath.unwrap_or_else(|| old.exepath()),
            args: told.text(&params.exec_args).unwrap_or_default(),
            env: told.text(&params.exec_env).unwrap_or_else(|| old.raw_env()),
            exe_flags: told.id(&params.exec_flags).unwrap_or_else(|| old.exe_flags()),
            inode: inode.unwrap_or_else(|| old.inode()),
        })
    }

    /// A row of the process list: a thread that ran when the recording began.
    pub(in crate::process) fn row(&mut self, tid: u32, event: &dyn Event, arena: &Arena) {
        let told = Told { event, arena };
        let &Task { pid, ppid, .. } = event.task(arena);
        let pid = pid.unwrap_or(tid);
        self.table.unsettled = true;
        let leader = self.table.current(pid).and_then(|leader| self.table.thread(leader));
        let place = leader.map(|leader| leader.process).unwrap_or_else(|| {
            self.table.add_process(NewProcess::recorded(pid, ppid, event.time()))
        });
        let facts = self.places.task.facts(event, arena);
        let told_cgroups = self.places.task.cgroups.as_ref();
        let told_cgroups = told_cgroups.and_then(|key| read::bytes(event, key, arena));
        let cgroups = told_cgroups.and_then(Cgroups::recorded).unwrap_or_default();
        // The list tells one session id, that inside the pid namespace.
        let session = Session { sid: None, ..self.places.task.session(event, arena) };
        let life = Life {
            fdlimit: told.limit(&self.params.task_fdlimit),
            namespace_start: told.uint(&self.params.task_namespace_start),
            memory: Some(self.params.task_memory.over(Memory::default(), &told)),
            ..Life::default()
        };
        if tid != pid {
            let Some(thread) = self.table.add_thread(tid, StartTime::UNTOLD, place) else { return };
            let shared = self.table.process(place).map(|process| Arc::clone(&process.facts));
            let shared = shared.filter(|shared| shared.is_like(&facts));
            let facts = shared.unwrap_or(facts);
            let cgroups = Arc::new(cgroups);
            self.table.set_own(thread, Own { facts, cgroups, session, life });
            return;
        }
        self.table.set_facts(place, facts);
        self.table.set_cgroups(place, Arc::new(cgroups), None);
        let cwd = self.places.task.cwd.as_ref().and_then(|key| read::bytes(event, key, arena));
        let cwd = path::concatenate(b"", cwd.unwrap_or_default(), arena);
        self.set_directory(place, cwd, told);
        if let Some(process) = self.table.process_mut(place) {
            process.complete = true;
            process.ppid = ppid;
            process.session = session;
            process.life = life;
            process.reaper = pid == 1 || session.vpid == Some(1);
        }
    }
}
