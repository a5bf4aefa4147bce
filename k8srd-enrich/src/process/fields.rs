//! The fields, one arm each. Facts: `userspace/libsinsp/sinsp_filtercheck_thread.cpp`, `_user.cpp`
//! and `_group.cpp` of falcosecurity/libs.

use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::Slot;
use k8srd_core::event::{Event, Timestamp};
use k8srd_core::field::{Arg, FieldId, Key};
use k8srd_core::set::FieldSet;
use k8srd_core::value::Value;

use super::Processes;
use super::caps;
use super::facts::{Facts, exe_flag};
use super::lineage::{Led, Part};
use super::recorded::kind;
use super::state::{Cgroups, Life, Memory, Own, Session};
use super::table::Process;
use crate::read::{self, id, uint};

/// Fields that tell the name of another with its number as argument.
const NAMES: [FieldId; 3] = [field::PROC_NAME, field::USER_NAME, field::GROUP_NAME];

/// No user id: `(uid_t)-1`.
const NO_UID: u32 = u32::MAX;

/// The fields that have an arm below.
pub(super) static PROVIDED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::from_iter([
        field::PROC_NAME,
        field::PROC_EXE,
        field::PROC_EXEPATH,
        field::PROC_ARGS,
        field::PROC_CMDLINE,
        field::PROC_EXELINE,
        field::PROC_CMDNARGS,
        field::PROC_CMDLENARGS,
        field::PROC_ENV,
        field::PROC_CWD,
        field::PROC_PID,
        field::PROC_VPID,
        field::PROC_PPID,
        field::PROC_PVPID,
        field::PROC_PNAME,
        field::PROC_PEXE,
        field::PROC_PEXEPATH,
        field::PROC_PCMDLINE,
        field::PROC_ANAME,
        field::PROC_AEXE,
        field::PROC_AEXEPATH,
        field::PROC_ACMDLINE,
        field::PROC_APID,
        field::PROC_AARGS,
        field::PROC_AENV,
        field::PROC_LOGINSHELLID,
        field::PROC_SID,
        field::PROC_SNAME,
        field::PROC_SID_EXE,
        field::PROC_SID_EXEPATH,
        field::PROC_PGID,
        field::PROC_PGID_NAME,
        field::PROC_PGID_EXE,
        field::PROC_PGID_EXEPATH,
        field::PROC_VPGID,
        field::PROC_VPGID_NAME,
        field::PROC_VPGID_EXE,
        field::PROC_VPGID_EXEPATH,
        field::PROC_IS_SID_LEADER,
        field::PROC_IS_PGID_LEADER,
        field::PROC_IS_VPGID_LEADER,
        field::PROC_TTY,
        field::PROC_DURATION,
        field::PROC_PPID_DURATION,
        field::PROC_PID_TS,
        field::PROC_PPID_TS,
        field::PROC_PIDNS_INIT_START_TS,
        field::PROC_IS_EXE_WRITABLE,
        field::PROC_IS_EXE_UPPER_LAYER,
        field::PROC_IS_EXE_LOWER_LAYER,
        field::PROC_IS_EXE_FROM_MEMFD,
        field::PROC_EXE_INO,
        field::PROC_EXE_INO_CTIME,
        field::PROC_EXE_INO_MTIME,
        field::PROC_EXE_INO_CTIME_DURATION_PROC_START,
        field::PROC_EXE_INO_CTIME_DURATION_PIDNS_START,
        field::PROC_NTHREADS,
        field::PROC_NCHILDS,
        field::PROC_FDLIMIT,
        field::PROC_VMSIZE,
        field::PROC_VMRSS,
        field::PROC_VMSWAP,
        field::THREAD_TID,
        field::THREAD_VTID,
        field::THREAD_ISMAIN,
        field::THREAD_CGROUPS,
        field::THREAD_CGROUP,
        field::THREAD_CAP_EFFECTIVE,
        field::THREAD_CAP_PERMITTED,
        field::THREAD_CAP_INHERITABLE,
        field::THREAD_EXECTIME,
        field::THREAD_TOTEXECTIME,
        field::THREAD_CPU,
        field::THREAD_CPU_USER,
        field::THREAD_CPU_SYSTEM,
        field::THREAD_PFMAJOR,
        field::THREAD_PFMINOR,
        field::THREAD_VMSIZE,
        field::THREAD_VMRSS,
        field::USER_UID,
        field::USER_NAME,
        field::USER_HOMEDIR,
        field::USER_SHELL,
        field::USER_LOGINUID,
        field::USER_LOGINNAME,
        field::GROUP_GID,
        field::GROUP_NAME,
    ])
});

/// What a [`Slot`] of this enricher stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A thread's place in the table.
    Thread(u32),
    /// Its process is known, but there was no room for the thread.
    Process(u32),
    /// Only its id is known.
    Nobody,
}

/// Tells places of processes from those of threads; no table has so many.
const PROCESS: u32 = 1 << 31;

impl Place {
    pub(super) fn slot(self) -> Slot {
        Slot(match self {
            Self::Thread(place) => place,
            Self::Process(place) => PROCESS | place,
            Self::Nobody => u32::MAX,
        })
    }

    pub(super) fn of(slot: Slot) -> Self {
        match slot.0 {
            u32::MAX => Self::Nobody,
            place if place & PROCESS != 0 => Self::Process(place & !PROCESS),
            place => Self::Thread(place),
        }
    }
}

/// The thread that an event is about: what the event says now, and what the table last heard.
pub(super) struct Subject<'a> {
    event: &'a dyn Event,
    arena: &'a Arena,
    /// Place of the process.
    pub(super) place: u32,
    pub(super) process: &'a Process,
    facts: &'a Facts,
    cgroups: &'a Cgroups,
    pub(super) session: &'a Session,
    life: &'a Life,
}

impl Processes {
    pub(super) fn field<'a>(
        &'a self,
        at: Place,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        match key.field() {
            field::THREAD_TID => {
                let tid = read::int(event, &read::TID, arena)?;
                return (-1..=u32::MAX.into()).contains(&tid).then_some(Value::I64(tid));
            }
            field::THREAD_EXECTIME => {
                return Some(Value::U64(if event.kind() == kind::SWITCH { self.ran } else { 0 }));
            }
            _ => {}
        }
        let own = self.subject(at, event, arena)?;
        if let Arg::Index(number) = *key.arg()
            && NAMES.contains(&key.field())
        {
            return self.name_of(key.field(), number, &own).map(Value::Str);
        }
        let Subject { place, process, facts, cgroups, session, life, .. } = own;
        let facts = || (process.complete || !facts.comm().is_empty()).then_some(facts);
        let inode = || facts().map(Facts::inode);
        let parent = || self.table.process(self.table.parent(place)?);
        let parent_facts = || known(parent()?);
        let stranger = process.stranger;
        let container = cgroups.container();
        let memory = || match life.memory {
            Some(memory) => Some(memory),
            None => process.recorded.then(Memory::default),
        };
        let leader = |group, part| Value::Str(self.leader(&own, group, part));
        let is_main = || !stranger && own.tid() == Some(process.pid);
        Some(match key.field() {
            field::PROC_NAME => Value::Str(facts()?.comm()),
            field::PROC_EXE => Value::Str(facts()?.exe()),
            field::PROC_EXEPATH => Value::Str(facts()?.exepath()),
            field::PROC_ARGS => Value::Str(args(facts()?, key.arg())),
            field::PROC_CMDLINE => Value::Str(facts()?.cmdline()),
            field::PROC_EXELINE => {
                let facts = facts()?;
                Value::Str(arena.concat(&[facts.exe(), b" ", facts.joined_args()]))
            }
            field::PROC_CMDNARGS => Value::U64(facts()?.args().count() as u64),
            field::PROC_CMDLENARGS => Value::U64(facts()?.args().map(|arg| arg.len() as u64).sum()),
            // Threads have the environment of the main thread.
            field::PROC_ENV => Value::Str(env(known(process)?, key.arg(), arena)),
            field::PROC_CWD if stranger => Value::Str(b"./"),
            field::PROC_CWD => directory(process, arena)?,
            field::PROC_PID => pid_of(process),
            field::PROC_VPID => pid(own.id(&read::VPID, session.vpid)?),
            field::PROC_PPID => match parent() {
                Some(parent) => pid(parent.pid),
                None if process.recorded => return None,
                None => pid(process.ppid.filter(|&ppid| ppid != 0)?),
            },
            field::PROC_PVPID => {
                let parent = parent()?;
                or_minus_1(parent.session.vpid, parent)?
            }
            field::PROC_PNAME => Value::Str(parent_facts()?.comm()),
            field::PROC_PEXE => Value::Str(parent_facts()?.exe()),
            field::PROC_PEXEPATH => Value::Str(parent_facts()?.exepath()),
            field::PROC_PCMDLINE => Value::Str(parent_facts()?.cmdline()),
            field::PROC_ANAME => self.of_ancestor(place, key, arena, Facts::comm)?,
            field::PROC_AEXE => self.of_ancestor(place, key, arena, Facts::exe)?,
            field::PROC_AEXEPATH => self.of_ancestor(place, key, arena, Facts::exepath)?,
            field::PROC_ACMDLINE => self.of_ancestor(place, key, arena, Facts::cmdline)?,
            field::PROC_APID => self.ancestor_pid(place, key, arena)?,
            field::PROC_AARGS => self.ancestor_args(place, key, arena)?,
            field::PROC_AENV => self.ancestor_env(place, key, arena)?,
            field::PROC_LOGINSHELLID => pid(self.login_shell(place)?),
            field::PROC_SID => or_minus_1(own.id(&read::VSID, session.vsid), process)?,
            field::PROC_SNAME => leader(Led::Session, Part::Name),
            field::PROC_SID_EXE => leader(Led::Session, Part::Exe),
            field::PROC_SID_EXEPATH => leader(Led::Session, Part::Exepath),
            field::PROC_PGID => or_minus_1(own.id(&read::PGID, session.pgid), process)?,
            field::PROC_PGID_NAME => leader(Led::Group, Part::Name),
            field::PROC_PGID_EXE => leader(Led::Group, Part::Exe),
            field::PROC_PGID_EXEPATH => leader(Led::Group, Part::Exepath),
            field::PROC_VPGID => or_minus_1(own.id(&read::VPGID, session.vpgid), process)?,
            field::PROC_VPGID_NAME => leader(Led::GroupInside, Part::Name),
            field::PROC_VPGID_EXE => leader(Led::GroupInside, Part::Exe),
            field::PROC_VPGID_EXEPATH => leader(Led::GroupInside, Part::Exepath),
            field::PROC_IS_SID_LEADER => {
                let sid = or_minus_1(own.id(&read::VSID, session.vsid), process)?;
                Value::Bool(sid == or_minus_1(own.id(&read::VPID, session.vpid), process)?)
            }
            field::PROC_IS_PGID_LEADER => {
                let pgid = or_minus_1(own.id(&read::PGID, session.pgid), process)?;
                Value::Bool(pgid == pid_of(process))
            }
            field::PROC_IS_VPGID_LEADER => {
                let vpgid = or_minus_1(own.id(&read::VPGID, session.vpgid), process)?;
                Value::Bool(vpgid == or_minus_1(own.id(&read::VPID, session.vpid), process)?)
            }
            field::PROC_TTY => {
                Value::U64(own.or_recorded(own.id(&read::TTY, session.tty), 0)?.into())
            }
            field::PROC_DURATION => Value::U64(own.start().age(event, arena)?),
            field::PROC_PPID_DURATION => Value::U64(Start::of(parent()?).age(event, arena)?),
            field::PROC_PID_TS => Value::U64(own.start().since_1970(event, arena)?),
            field::PROC_PPID_TS => match Start::of(parent()?).since_1970(event, arena) {
                Some(start) => Value::U64(start),
                None if process.recorded => Value::U64(0),
                None => return None,
            },
            field::PROC_PIDNS_INIT_START_TS => Value::U64(nonzero(life.namespace_start?)?),
            field::PROC_IS_EXE_WRITABLE => Value::Bool(facts()?.has_exe_flag(exe_flag::WRITABLE)),
            field::PROC_IS_EXE_UPPER_LAYER => {
                Value::Bool(facts()?.has_exe_flag(exe_flag::UPPER_LAYER))
            }
            field::PROC_IS_EXE_LOWER_LAYER => {
                Value::Bool(facts()?.has_exe_flag(exe_flag::LOWER_LAYER))
            }
            field::PROC_IS_EXE_FROM_MEMFD => {
                Value::Bool(facts()?.has_exe_flag(exe_flag::FROM_MEMFD))
            }
            field::PROC_EXE_INO => Value::I64(nonzero(inode()?.number)? as i64),
            field::PROC_EXE_INO_CTIME => Value::U64(nonzero(inode()?.changed)?),
            field::PROC_EXE_INO_MTIME => Value::U64(nonzero(inode()?.modified)?),
            field::PROC_EXE_INO_CTIME_DURATION_PROC_START => Value::U64(nonzero(life.inode_age?)?),
            field::PROC_EXE_INO_CTIME_DURATION_PIDNS_START => {
                Value::U64(nonzero(life.inode_age_in_namespace?)?)
            }
            field::PROC_NTHREADS if stranger => Value::U64(0),
            field::PROC_NCHILDS if stranger => Value::U64(0),
            field::PROC_NTHREADS => Value::U64(process.living.into()),
            field::PROC_NCHILDS => {
                let main = u32::from(self.table.main_thread_lives(place));
                Value::U64(process.living.saturating_sub(main).into())
            }
            field::PROC_FDLIMIT if stranger => Value::I64(0),
            field::PROC_FDLIMIT => match process.life.fdlimit {
                Some(limit) => Value::I64(limit),
                None if process.recorded => Value::I64(-1),
                None => return None,
            },
            field::PROC_VMSIZE => Value::U64(memory()?.size.into()),
            field::PROC_VMRSS => Value::U64(memory()?.resident.into()),
            field::PROC_VMSWAP => Value::U64(memory()?.swapped.into()),
            field::THREAD_VMSIZE if is_main() => Value::U64(memory()?.size.into()),
            field::THREAD_VMRSS if is_main() => Value::U64(memory()?.resident.into()),
            field::THREAD_VMSIZE | field::THREAD_VMRSS => memory().map(|_| Value::U64(0))?,
            field::THREAD_PFMAJOR => Value::U64(memory()?.major_faults),
            field::THREAD_PFMINOR => Value::U64(memory()?.minor_faults),
            field::THREAD_VTID => pid(own.id(&read::VTID, session.vtid)?),
            field::THREAD_ISMAIN => Value::Bool(is_main()),
            field::THREAD_CGROUPS => Value::Str(own.cgroups()?.paths()),
            field::THREAD_CGROUP => match key.arg() {
                Arg::Name(name) => Value::Str(own.cgroups()?.path_of(name.as_bytes())?),
                _ => return None,
            },
            field::THREAD_CAP_EFFECTIVE => own.caps(&read::CAP_EFFECTIVE, session.cap_effective)?,
            field::THREAD_CAP_PERMITTED => own.caps(&read::CAP_PERMITTED, session.cap_permitted)?,
            field::THREAD_CAP_INHERITABLE => {
                own.caps(&read::CAP_INHERITABLE, session.cap_inheritable)?
            }
            field::THREAD_TOTEXECTIME => Value::U64(life.ran),
            field::THREAD_CPU if event.kind() == kind::PROCINFO => Value::F64(self.cpu.both),
            field::THREAD_CPU_USER if event.kind() == kind::PROCINFO => Value::F64(self.cpu.user),
            field::THREAD_CPU_SYSTEM if event.kind() == kind::PROCINFO => {
                Value::F64(self.cpu.system)
            }
            field::USER_UID => Value::U64(own.uid()?.into()),
            field::USER_NAME => Value::Str(self.users.name(container, own.uid()?)),
            field::USER_HOMEDIR => Value::Str(self.users.home(container, own.uid()?)),
            field::USER_SHELL => Value::Str(self.users.shell(container, own.uid()?)),
            field::USER_LOGINUID => match own.loginuid()? {
                NO_UID => Value::I64(-1),
                uid => Value::I64(uid.into()),
            },
            field::USER_LOGINNAME => Value::Str(self.users.name(container, own.loginuid()?)),
            field::GROUP_GID => Value::U64(own.gid()?.into()),
            field::GROUP_NAME => Value::Str(self.users.group(container, own.gid()?)),
            _ => return None,
        })
    }

    /// The name of any thread's program, of a user or a group. Rules have no such argument: it is
    /// what [`SyscallFields`](crate::syscall::SyscallFields) asks about the ids in params.
    fn name_of<'a>(&'a self, id: FieldId, number: u32, own: &Subject<'a>) -> Option<&'a [u8]> {
        let container = own.cgroups.container();
        match id {
            field::PROC_NAME => {
                let thread = self.table.thread(self.table.current(number)?)?;
                self.facts_of(thread).map(Facts::comm)
            }
            field::USER_NAME => Some(self.users.name(container, number)),
            field::GROUP_NAME => Some(self.users.group(container, number)),
            _ => None,
        }
    }

    fn subject<'a>(
        &'a self,
        at: Place,
        event: &'a dyn Event,
        arena: &'a Arena,
    ) -> Option<Subject<'a>> {
        let (place, own) = match at {
            Place::Thread(thread) => {
                let thread = self.table.thread(thread)?;
                (thread.process, thread.own.as_deref())
            }
            Place::Process(process) => (process, None),
            Place::Nobody => return None,
        };
        let process = self.table.process(place)?;
        Some(match own {
            Some(Own { facts, cgroups, session, life }) => {
                Subject { event, arena, place, process, facts, cgroups, session, life }
            }
            None => {
                let Process { facts, cgroups, session, life, .. } = process;
                Subject { event, arena, place, process, facts, cgroups, session, life }
            }
        })
    }
}

impl<'a> Subject<'a> {
    /// What the event says, else what the table last heard.
    pub(super) fn id(&self, key: &Key, last: Option<u32>) -> Option<u32> {
        id(self.event, key, self.arena).or(last)
    }

    pub(super) fn tid(&self) -> Option<u32> {
        self.event.task(self.arena).tid
    }

    /// Where a recording does not tell it, Falco says this.
    fn or_recorded<T>(&self, told: Option<T>, otherwise: T) -> Option<T> {
        told.or_else(|| self.process.recorded.then_some(otherwise))
    }

    fn uid(&self) -> Option<u32> {
        self.or_recorded(self.id(&read::EUID, self.session.uid), NO_UID)
    }

    fn gid(&self) -> Option<u32> {
        self.or_recorded(self.id(&read::EGID, self.session.gid), NO_UID)
    }

    fn loginuid(&self) -> Option<u32> {
        self.or_recorded(self.id(&read::LOGINUID, self.session.loginuid), NO_UID)
    }

    fn caps(&self, key: &Key, last: Option<u64>) -> Option<Value<'a>> {
        let told = uint(self.event, key, self.arena).or(last);
        Some(Value::Str(caps::text(self.or_recorded(told, 0)?, self.arena)))
    }

    /// The cgroups, unless the process has moved since they were told.
    fn cgroups(&self) -> Option<&'a Cgroups> {
        let id = self.event.task(self.arena).cgroup_id;
        let known = self.process.cgroup_id;
        let moved = id.is_some() && known.is_some() && id != known;
        (!moved && !self.cgroups.is_empty()).then_some(self.cgroups)
    }

    fn start(&self) -> Start {
        let after_boot = self.event.task(self.arena).start_time;
        let born = self.life.born;
        Start { after_boot: after_boot.or(self.process.start.0), born }
    }
}

/// When a thread started: as the kernel counts, nanoseconds after boot, and as its event told.
#[derive(Clone, Copy)]
struct Start {
    after_boot: Option<u64>,
    born: Option<Timestamp>,
}

impl Start {
    /// Of a main thread.
    fn of(process: &Process) -> Self {
        Self { after_boot: process.start.0, born: process.life.born }
    }

    /// Nanoseconds from the start to the event.
    fn age(self, event: &dyn Event, arena: &Arena) -> Option<u64> {
        match (uint(event, &read::BOOT_TIME, arena), self.after_boot) {
            (Some(now), Some(start)) => now.checked_sub(start),
            _ => event.time().as_nanos().checked_sub(self.born?.as_nanos()),
        }
    }

    fn since_1970(self, event: &dyn Event, arena: &Arena) -> Option<u64> {
        match (self.after_boot, self.born) {
            (None, born) => Some(born?.as_nanos()),
            _ => event.time().as_nanos().checked_sub(self.age(event, arena)?),
        }
    }
}

/// The facts, if any are known.
pub(super) fn known(process: &Process) -> Option<&Facts> {
    let facts = &*process.facts;
    (process.complete || !facts.comm().is_empty()).then_some(facts)
}

fn nonzero(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}

pub(super) fn pid<'a>(pid: u32) -> Value<'a> {
    Value::I64(pid.into())
}

/// Falco gives a thread of which nothing was told no process.
pub(super) fn pid_of<'a>(process: &Process) -> Value<'a> {
    if process.stranger { Value::I64(-1) } else { pid(process.pid) }
}

/// An id; where a recording of the process does not tell it, Falco says -1.
fn or_minus_1<'a>(id: Option<u32>, process: &Process) -> Option<Value<'a>> {
    match id {
        Some(id) => Some(pid(id)),
        None => process.recorded.then_some(Value::I64(-1)),
    }
}

/// An argument that there is not is the empty text, as in Falco.
fn args<'a>(facts: &'a Facts, arg: &Arg) -> &'a [u8] {
    match *arg {
        Arg::Index(n) => facts.args().nth(n as usize).unwrap_or_default(),
        _ => facts.joined_args(),
    }
}

/// A variable's value without blanks around it, or all; a variable that there is not, or that is
/// empty, is the empty text, as in Falco.
pub(super) fn env<'a>(facts: &'a Facts, arg: &Arg, arena: &'a Arena) -> &'a [u8] {
    let Arg::Name(name) = arg else {
        let joined = facts.raw_env();
        let blanks: Vec<u8> = joined.iter().map(|&b| if b == 0 { b' ' } else { b }).collect();
        return arena.bytes(&blanks);
    };
    let value = |entry: &'a [u8]| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        (!value.is_empty()).then_some(value)
    };
    facts.env().find_map(value).map_or(b"", without_blanks)
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let Some(first) = text.iter().position(|&byte| byte != b' ') else { return b"" };
    let last = text.iter().rposition(|&byte| byte != b' ').unwrap_or(first);
    text.get(first..=last).unwrap_or_default()
}

/// With a slash at its end.
fn directory<'a>(process: &'a Process, arena: &'a Arena) -> Option<Value<'a>> {
    match &*process.cwd {
        [] => process.recorded.then_some(Value::Str(b"")),
        [.., b'/'] => Some(Value::Str(&process.cwd)),
        path => Some(Value::Str(arena.concat(&[path, b"/"]))),
    }
}
