//! Calls that change what is known of the thread, and what is told beside threads.

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::kind::EventKind;

use super::params::{Told, kind};
use super::{Processes, StartTime};
use crate::path;
use crate::process::caps;
use crate::process::state::{Life, Memory, Session};
use crate::read;

/// `RLIMIT_NOFILE` as Falco records it.
const RLIMIT_NOFILE: u64 = 7;
/// `PR_SET_CHILD_SUBREAPER` and `PR_GET_CHILD_SUBREAPER`: Falco takes both for the first.
const CHILD_SUBREAPER: [u64; 2] = [36, 37];
/// `CLONE_NEWUSER` as Falco records it.
const NEW_USER: u64 = 1 << 20;

impl Processes {
    /// What a call does to the thread that made it.
    pub(super) fn called(&mut self, thread: u32, kind: EventKind, told: Told<'_>) {
        let params = &self.params;
        let done = |result: &_| told.int(result).is_some_and(|result| result >= 0);
        let set = |result: &_| told.int(result) == Some(0);
        let user = |uid: &_| told.account(uid).filter(|_| set(&params.setid_result));
        match kind {
            kind::CHDIR if done(&params.chdir_result) => {
                self.moved_to(thread, told.text(&params.chdir_path).unwrap_or_default(), told);
            }
            kind::FCHDIR if done(&params.fchdir_result) => {
                if let Some(name) = read::bytes(told.event, &read::OPEN_NAME, told.arena) {
                    self.moved_to(thread, name, told);
                }
            }
            kind::GETCWD if done(&params.getcwd_result) => {
                self.moved_to(thread, told.text(&params.getcwd_path).unwrap_or_default(), told);
            }
            kind::SETRESUID => self.set_user(thread, user(&params.setresuid_euid)),
            kind::SETREUID => self.set_user(thread, user(&params.setreuid_euid)),
            kind::SETUID => self.set_user(thread, user(&params.setuid_uid)),
            kind::SETRESGID => self.set_group(thread, user(&params.setresgid_egid)),
            kind::SETREGID => self.set_group(thread, user(&params.setregid_egid)),
            kind::SETGID => self.set_group(thread, user(&params.setgid_gid)),
            kind::SETSID => {
                let sid = told.id(&params.setsid_result);
                self.change(thread, |session, _| session.vsid = sid.or(session.vsid));
            }
            kind::CAPSET if done(&params.capset_result) => {
                let sets = [
                    &params.capset_inheritable,
                    &params.capset_permitted,
                    &params.capset_effective,
                ];
                self.set_capabilities(thread, sets.map(|key| told.uint(key).unwrap_or_default()));
            }
            kind::UNSHARE if done(&params.unshare_result) => {
                self.new_namespaces(thread, told.uint(&params.unshare_flags));
            }
            kind::SETNS if done(&params.setns_result) => {
                self.new_namespaces(thread, told.uint(&params.setns_flags));
            }
            kind::PRCTL if done(&params.prctl_result) => {
                let option = told.uint(&params.prctl_option);
                if option.is_some_and(|option| CHILD_SUBREAPER.contains(&option)) {
                    let takes = told.int(&params.prctl_value).is_some_and(|value| value != 0);
                    self.set_reaper(thread, takes);
                }
            }
            kind::GETRLIMIT | kind::SETRLIMIT
                if done(&params.rlimit_result)
                    && told.uint(&params.rlimit_resource) == Some(RLIMIT_NOFILE) =>
            {
                self.set_fdlimit(thread, told.int(&params.rlimit_cur));
            }
            kind::PRLIMIT if set(&params.prlimit_result) => {
                let limit = told.int(&params.prlimit_cur);
                let resource = told.uint(&params.prlimit_resource);
                let pid = told.id(&params.prlimit_pid);
                if resource == Some(RLIMIT_NOFILE)
                    && let Some(pid) = pid
                {
                    let of = if pid == 0 { Some(thread) } else { self.table.current(pid) };
                    of.into_iter().for_each(|thread| self.set_fdlimit(thread, limit));
                }
            }
            kind::BRK => self.memory_changed(thread, told, false),
            kind::MMAP | kind::MMAP2 | kind::MUNMAP => self.memory_changed(thread, told, true),
            kind::SWITCH => self.switched(thread, told),
            _ => {}
        }
    }

    fn change(&mut self, thread: u32, with: impl FnOnce(&mut Session, &mut Life)) {
        if let Some((session, life)) = self.table.changeable(thread) {
            with(session, life);
        }
    }

    fn set_user(&mut self, thread: u32, uid: Option<u32>) {
        self.change(thread, |session, _| session.uid = uid.or(session.uid));
    }

    fn set_group(&mut self, thread: u32, gid: Option<u32>) {
        self.change(thread, |session, _| session.gid = gid.or(session.gid));
    }

    fn set_capabilities(&mut self, thread: u32, [inheritable, permitted, effective]: [u64; 3]) {
        self.change(thread, |session, _| {
            session.cap_inheritable = Some(inheritable);
            session.cap_permitted = Some(permitted);
            session.cap_effective = Some(effective);
        });
    }

    /// In a user namespace of its own a thread may do anything.
    fn new_namespaces(&mut self, thread: u32, flags: Option<u64>) {
        if flags.is_some_and(|flags| flags & NEW_USER != 0) {
            self.set_capabilities(thread, [caps::ALL; 3]);
        }
    }

    fn set_reaper(&mut self, thread: u32, takes: bool) {
        let process = self.table.thread(thread).map(|thread| thread.process);
        if let Some(process) = process.and_then(|place| self.table.process_mut(place))
            && !process.stranger
        {
            process.reaper = takes;
        }
    }

    fn set_fdlimit(&mut self, thread: u32, limit: Option<i64>) {
        let process = self.table.thread(thread).map(|thread| thread.process);
        if let Some(process) = process.and_then(|place| self.table.process_mut(place))
            && !process.stranger
        {
            process.life.fdlimit = limit.filter(|&limit| limit != -1).or(process.life.fdlimit);
        }
    }

    /// Falco keeps the directory with the main thread, but starts a relative name from what the
    /// calling thread keeps, which is nothing on other threads.
    fn moved_to(&mut self, thread: u32, path: &[u8], told: Told<'_>) {
        let Some(thread) = self.table.thread(thread) else { return };
        let (tid, place) = (thread.tid, thread.process);
        let Some(process) = self.table.process(place).filter(|it| !it.stranger) else { return };
        let from = if tid == process.pid { &*process.cwd } else { b"" };
        let path = path::concatenate(from, path, told.arena);
        self.set_directory(place, path, told);
    }

    /// Kept with a slash at its end.
    pub(super) fn set_directory(&mut self, place: u32, path: &[u8], told: Told<'_>) {
        let path = match path {
            [.., b'/'] => path,
            _ => told.arena.concat(&[path, b"/"]),
        };
        if self.table.process(place).is_some_and(|process| *process.cwd != *path) {
            self.table.set_cwd(place, path.into());
        }
    }

    fn memory_changed(&mut self, thread: u32, told: Told<'_>, mapped: bool) {
        let params = if mapped { &self.params.mmap_memory } else { &self.params.brk_memory };
        if let Some((_, life)) = self.table.changeable(thread) {
            life.memory = Some(params.over(life.memory.unwrap_or_default(), &told));
        }
    }

    /// The processor goes to another thread: faults are the thread's, sizes its process'.
    fn switched(&mut self, thread: u32, told: Told<'_>) {
        let Some((_, life)) = self.table.changeable(thread) else { return };
        life.ran = life.ran.saturating_add(self.ran);
        let memory = self.params.switch_memory.over(life.memory.unwrap_or_default(), &told);
        let known = life.memory.get_or_insert_default();
        known.major_faults = memory.major_faults;
        known.minor_faults = memory.minor_faults;
        let process = self.table.thread(thread).map(|thread| thread.process);
        if let Some(process) = process.and_then(|place| self.table.process_mut(place)) {
            let known = process.life.memory.get_or_insert_default();
            let Memory { size, resident, swapped, .. } =
                self.params.switch_memory.over(*known, &told);
            *known = Memory { size, resident, swapped, ..*known };
        }
    }

    /// Nanoseconds since the last switch on the same processor, whoever ran; 0 for the first.
    pub(super) fn ran_before_switch(&mut self, told: Told<'_>) -> u64 {
        let cpu = read::uint(told.event, &read::CPU, told.arena);
        let Some(cpu) = cpu.and_then(|cpu| usize::try_from(cpu).ok()) else { return 0 };
        if cpu >= PROCESSORS {
            return 0;
        }
        if self.switches.len() <= cpu {
            self.switches.resize(cpu + 1, None);
        }
        let now = told.event.time();
        let last = self.switches.get_mut(cpu).and_then(|last| last.replace(now));
        last.map_or(0, |last| now.as_nanos().saturating_sub(last.as_nanos()))
    }

    /// What an event tells that no thread did: processor times.
    pub(super) fn told_beside(&mut self, tid: u32, kind: EventKind, told: Told<'_>) {
        if kind == kind::PROCINFO
            && let Some(thread) = self.table.find(tid, StartTime::UNTOLD)
        {
            let user = told.uint(&self.params.procinfo_user).unwrap_or_default();
            let system = told.uint(&self.params.procinfo_system).unwrap_or_default();
            if let Some((_, life)) = self.table.changeable(thread) {
                let last = life.cpu.replace([user, system]);
                self.cpu = CpuTime::between(last, [user, system]);
            }
        }
    }

    /// Users and groups that came or went, told by an event or a row.
    pub(in crate::process) fn accounts(&mut self, event: &dyn Event, arena: &Arena) {
        let told = Told { event, arena };
        let Some(code) = event.kind().falco_code() else { return };
        let params = &self.params;
        let text = |key: &_| told.text(key).unwrap_or_default();
        match EventKind(code) {
            kind::USER_ADDED => {
                let Some(uid) = told.account(&params.user_uid) else { return };
                let [name, home, shell] =
                    [&params.user_name, &params.user_home, &params.user_shell].map(text);
                self.users.add_user(text(&params.user_container), uid, name, home, shell);
            }
            kind::USER_DELETED => {
                let Some(uid) = told.account(&params.user_uid) else { return };
                self.users.remove_user(text(&params.user_container), uid);
            }
            kind::GROUP_ADDED => {
                let Some(gid) = told.account(&params.group_gid) else { return };
                let name = text(&params.group_name);
                self.users.add_group(text(&params.group_container), gid, name);
            }
            kind::GROUP_DELETED => {
                let Some(gid) = told.account(&params.group_gid) else { return };
                self.users.remove_group(text(&params.group_container), gid);
            }
            _ => {}
        }
    }
}

/// No machine has more.
const PROCESSORS: usize = 16_384;

/// Processor time between two reports of a thread, in ticks; at most 100.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) both: f64,
}

impl CpuTime {
    fn between(last: Option<[u64; 2]>, now: [u64; 2]) -> Self {
        let Some(last) = last else { return Self::default() };
        let [user, system] = now;
        let percent = |last: u64, now: u64| match now.saturating_sub(last) {
            _ if last == 0 => 0.0,
            passed => passed.min(100) as f64,
        };
        Self {
            user: percent(last[0], user),
            system: percent(last[1], system),
            both: percent(last[0].saturating_add(last[1]), user.saturating_add(system)),
        }
    }
}
