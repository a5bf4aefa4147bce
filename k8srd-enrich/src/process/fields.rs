//! The fields, one arm each. Facts: `userspace/libsinsp/sinsp_filtercheck_thread.cpp` and
//! `_user.cpp` of falcosecurity/libs.

use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, FieldId, Key};
use k8srd_core::set::FieldSet;
use k8srd_core::value::Value;

use super::Processes;
use super::caps;
use super::facts::{Facts, exe_flag};
use super::table::{Process, Session};
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
        field::PROC_SID,
        field::PROC_SNAME,
        field::PROC_PGID,
        field::PROC_VPGID,
        field::PROC_IS_SID_LEADER,
        field::PROC_IS_VPGID_LEADER,
        field::PROC_TTY,
        field::PROC_DURATION,
        field::PROC_IS_EXE_WRITABLE,
        field::PROC_IS_EXE_UPPER_LAYER,
        field::PROC_IS_EXE_LOWER_LAYER,
        field::PROC_IS_EXE_FROM_MEMFD,
        field::THREAD_TID,
        field::THREAD_VTID,
        field::THREAD_ISMAIN,
        field::THREAD_CGROUPS,
        field::THREAD_CAP_EFFECTIVE,
        field::THREAD_CAP_PERMITTED,
        field::THREAD_CAP_INHERITABLE,
        field::USER_UID,
        field::USER_NAME,
        field::USER_LOGINUID,
        field::USER_LOGINNAME,
        field::GROUP_GID,
        field::GROUP_NAME,
    ])
});

impl Processes {
    pub(super) fn field<'a>(
        &'a self,
        place: u32,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        if let Arg::Index(number) = *key.arg()
            && NAMES.contains(&key.field())
        {
            return self.name_of(key.field(), number).map(Value::Str);
        }
        let process = self.table.process(place)?;
        let now = Now { event, arena, session: &process.session };
        let facts = || known(process);
        let parent = || self.table.process(self.table.parent(place)?);
        let parent_facts = || known(parent()?);
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
            field::PROC_ENV => Value::Str(env(facts()?, key.arg(), arena)),
            field::PROC_CWD => directory(&process.cwd, arena)?,
            field::PROC_PID => pid(process.pid),
            field::PROC_VPID => pid(now.id(&read::VPID, |session| session.vpid)?),
            field::PROC_PPID => match parent() {
                Some(parent) => pid(parent.pid),
                None => pid(process.ppid.filter(|&ppid| ppid != 0)?),
            },
            field::PROC_PVPID => pid(parent()?.session.vpid?),
            field::PROC_PNAME => Value::Str(parent_facts()?.comm()),
            field::PROC_PEXE => Value::Str(parent_facts()?.exe()),
            field::PROC_PEXEPATH => Value::Str(parent_facts()?.exepath()),
            field::PROC_PCMDLINE => Value::Str(parent_facts()?.cmdline()),
            field::PROC_ANAME => {
                self.ancestor(place, key, arena, |p| Some(Value::Str(known(p)?.comm())))?
            }
            field::PROC_AEXE => {
                self.ancestor(place, key, arena, |p| Some(Value::Str(known(p)?.exe())))?
            }
            field::PROC_AEXEPATH => {
                self.ancestor(place, key, arena, |p| Some(Value::Str(known(p)?.exepath())))?
            }
            field::PROC_ACMDLINE => {
                self.ancestor(place, key, arena, |p| Some(Value::Str(known(p)?.cmdline())))?
            }
            field::PROC_APID => self.ancestor(place, key, arena, |p| Some(pid(p.pid)))?,
            field::PROC_SID => pid(now.id(&read::VSID, |session| session.vsid)?),
            field::PROC_SNAME => Value::Str(self.session_name(place, &now)),
            field::PROC_PGID => pid(now.id(&read::PGID, |session| session.pgid)?),
            field::PROC_VPGID => pid(now.id(&read::VPGID, |session| session.vpgid)?),
            field::PROC_IS_SID_LEADER => {
                let vpid = now.id(&read::VPID, |session| session.vpid)?;
                Value::Bool(now.id(&read::VSID, |session| session.vsid)? == vpid)
            }
            field::PROC_IS_VPGID_LEADER => {
                let vpid = now.id(&read::VPID, |session| session.vpid)?;
                Value::Bool(now.id(&read::VPGID, |session| session.vpgid)? == vpid)
            }
            field::PROC_TTY => Value::U64(now.id(&read::TTY, |session| session.tty)?.into()),
            field::PROC_DURATION => Value::U64(duration(process, event, arena)?),
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
            field::THREAD_TID => pid(id(event, &read::TID, arena)?),
            field::THREAD_VTID => pid(id(event, &read::VTID, arena)?),
            field::THREAD_ISMAIN => Value::Bool(id(event, &read::TID, arena)? == process.pid),
            field::THREAD_CGROUPS => Value::Str(cgroups(process, &now)?),
            field::THREAD_CAP_EFFECTIVE => {
                now.caps(&read::CAP_EFFECTIVE, |session| session.cap_effective)?
            }
            field::THREAD_CAP_PERMITTED => {
                now.caps(&read::CAP_PERMITTED, |session| session.cap_permitted)?
            }
            field::THREAD_CAP_INHERITABLE => {
                now.caps(&read::CAP_INHERITABLE, |session| session.cap_inheritable)?
            }
            field::USER_UID => Value::U64(now.uid()?.into()),
            field::USER_NAME => Value::Str(self.users.user(now.uid()?)),
            field::USER_LOGINUID => match now.loginuid()? {
                NO_UID => Value::I64(-1),
                uid => Value::I64(uid.into()),
            },
            field::USER_LOGINNAME => Value::Str(self.users.user(now.loginuid()?)),
            field::GROUP_GID => Value::U64(now.gid()?.into()),
            field::GROUP_NAME => Value::Str(self.users.group(now.gid()?)),
            _ => return None,
        })
    }

    /// The name of any thread's process, user or group. Rules have no such argument: it is what
    /// [`SyscallFields`](crate::syscall::SyscallFields) asks about the ids in params.
    fn name_of(&self, id: FieldId, number: u32) -> Option<&[u8]> {
        match id {
            field::PROC_NAME => {
                let process = self.table.process(self.table.process_of(number)?)?;
                Some(known(process)?.comm())
            }
            field::USER_NAME => Some(self.users.user(number)),
            field::GROUP_NAME => Some(self.users.group(number)),
            _ => None,
        }
    }

    /// With an index that ancestor's value (0 is the process itself), else those of all from the
    /// parent upward.
    fn ancestor<'a>(
        &'a self,
        place: u32,
        key: &Key,
        arena: &'a Arena,
        value: impl Fn(&'a Process) -> Option<Value<'a>>,
    ) -> Option<Value<'a>> {
        if let Arg::Index(n) = *key.arg() {
            let found = match n.checked_sub(1) {
                None => place,
                Some(above) => self.table.ancestors(place).nth(above as usize)?,
            };
            return value(self.table.process(found)?);
        }
        let all = self.table.ancestors(place);
        let values = arena.list(all.filter_map(|place| value(self.table.process(place)?)));
        (!values.is_empty()).then_some(Value::List(values))
    }

    /// The name of the session's leader. Where it is gone, of the oldest ancestor in the session,
    /// as in Falco; the empty text if there is none.
    fn session_name(&self, place: u32, now: &Now<'_>) -> &[u8] {
        let leader = now.id(&read::SID, |session| session.sid).and_then(|sid| {
            let leader = self.table.process(self.table.process_of(sid)?)?;
            // A leader leads its own session; another process with this id does not.
            (leader.pid == sid && leader.session.sid.is_none_or(|own| own == sid)).then_some(leader)
        });
        let Some(vsid) = now.id(&read::VSID, |session| session.vsid) else {
            return leader.and_then(known).map_or(b"", Facts::comm);
        };
        let in_session = |process: &&Process| process.session.vsid == Some(vsid);
        let oldest = || {
            self.table
                .ancestors(place)
                .map_while(|place| self.table.process(place))
                .take_while(in_session)
                .last()
        };
        leader.or_else(oldest).and_then(known).map_or(b"", Facts::comm)
    }
}

/// What the event says now, else what the table last heard.
struct Now<'a> {
    event: &'a dyn Event,
    arena: &'a Arena,
    session: &'a Session,
}

impl<'a> Now<'a> {
    fn id(&self, key: &Key, last: impl FnOnce(&Session) -> Option<u32>) -> Option<u32> {
        id(self.event, key, self.arena).or_else(|| last(self.session))
    }

    fn uid(&self) -> Option<u32> {
        self.id(&read::EUID, |session| session.uid)
    }

    fn gid(&self) -> Option<u32> {
        self.id(&read::EGID, |session| session.gid)
    }

    fn loginuid(&self) -> Option<u32> {
        self.id(&read::LOGINUID, |session| session.loginuid)
    }

    fn caps(&self, key: &Key, last: impl FnOnce(&Session) -> Option<u64>) -> Option<Value<'a>> {
        let set = uint(self.event, key, self.arena).or_else(|| last(self.session))?;
        Some(Value::Str(caps::text(set, self.arena)))
    }
}

/// The paths, unless the process has moved since they were told.
fn cgroups<'a>(process: &'a Process, now: &Now<'_>) -> Option<&'a [u8]> {
    let id = uint(now.event, &read::CGROUP_ID, now.arena);
    let moved = id.is_some() && process.cgroup_id.is_some() && id != process.cgroup_id;
    (!moved && !process.cgroups.is_empty()).then_some(&*process.cgroups)
}

/// The facts, if any are known.
fn known(process: &Process) -> Option<&Facts> {
    let facts = &*process.facts;
    (process.complete || !facts.comm().is_empty()).then_some(facts)
}

fn pid<'a>(pid: u32) -> Value<'a> {
    Value::I64(pid.into())
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
fn env<'a>(facts: &'a Facts, arg: &Arg, arena: &'a Arena) -> &'a [u8] {
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
fn directory<'a>(path: &'a [u8], arena: &'a Arena) -> Option<Value<'a>> {
    match path {
        [] => None,
        [.., b'/'] => Some(Value::Str(path)),
        _ => Some(Value::Str(arena.concat(&[path, b"/"]))),
    }
}

/// Of the thread, from its start to the event.
fn duration(process: &Process, event: &dyn Event, arena: &Arena) -> Option<u64> {
    let boot = uint(event, &read::BOOT_TIME, arena);
    match (boot, uint(event, &read::START_TIME, arena).or(process.start.0)) {
        (Some(now), Some(start)) => now.checked_sub(start),
        _ => event.time().as_nanos().checked_sub(process.born?.as_nanos()),
    }
}
