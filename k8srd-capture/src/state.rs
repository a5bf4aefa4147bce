//! Rows of a capture's tables as events that only carry state.

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::{FieldId, Key};
use k8srd_core::kind::EventKind;
use k8srd_core::value::{Lookup, SocketAddress, SocketTuple, Value};

use crate::context::Context;
use crate::format::exe_flag;
use crate::table::{Descriptor, DescriptorRow, GroupRow, InterfaceRow, ProcessRow, UserRow};

/// A row, seen as an event.
#[derive(Clone, Debug)]
pub(crate) enum State<'a> {
    /// Another recording begins.
    Section,
    Process(Box<ProcessRow<'a>>, Option<Context<'a>>),
    Descriptor(DescriptorRow<'a>),
    Interface(InterfaceRow<'a>),
    User(UserRow<'a>),
    Group(GroupRow<'a>),
}

impl Event for State<'_> {
    fn kind(&self) -> EventKind {
        match self {
            Self::Section => EventKind::SECTION,
            Self::Process(..) => EventKind::TASK,
            Self::Descriptor(_) => EventKind::DESCRIPTOR,
            Self::Interface(_) => EventKind::INTERFACE,
            Self::User(_) => EventKind::state(USER_ADDED),
            Self::Group(_) => EventKind::state(GROUP_ADDED),
        }
    }

    /// Rows tell no time; events do, and contexts.
    fn time(&self) -> Timestamp {
        match self {
            Self::Process(_, Some(context)) => context.record().time,
            _ => Timestamp::default(),
        }
    }
}

const USER_ADDED: u16 = 354;
const GROUP_ADDED: u16 = 358;

impl<'s> State<'s> {
    /// One of the params of its kind.
    fn param(&self, place: usize) -> Option<Value<'s>> {
        match self {
            Self::Section => None,
            Self::Process(row, _) => PROCESS.get(place)?.1(row),
            Self::Descriptor(row) => DESCRIPTOR.get(place)?.1(row),
            Self::Interface(row) => INTERFACE.get(place)?.1(row),
            Self::User(row) => USER.get(place)?.1(row),
            Self::Group(row) => GROUP.get(place)?.1(row),
        }
    }

    /// One of the `ctx.*` fields.
    fn context(&self, id: FieldId) -> Option<Value<'s>> {
        match self {
            Self::Process(row, context) => {
                let told = context.and_then(|context| context.get(id));
                told.or_else(|| process_context(row, id))
            }
            Self::Descriptor(row) if id == field::CTX_TID => Some(Value::I64(row.tid)),
            _ => None,
        }
    }
}

impl Fields for State<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        Lookup::from(match key.field().as_param() {
            Some(place) => self.param(place.into()),
            None => self.context(key.field()),
        })
    }
}

/// What a row says of each param of its kind, in their order.
macro_rules! answers {
    ($row:ident) => { &[(&str, for<'a> fn(&$row<'a>) -> Option<Value<'a>>)] };
}

const PROCESS: answers!(ProcessRow) = &[
    ("comm", |row| Some(Value::Str(row.comm))),
    ("exe", |row| Some(Value::Str(row.exe))),
    ("args", |row| Some(Value::Str(row.args))),
    ("env", |row| Some(Value::Str(row.env))),
    ("cwd", |row| Some(Value::Str(row.cwd))),
    ("trusted_exepath", |row| Some(Value::Str(row.exepath))),
    ("cgroups", |row| Some(Value::Str(row.cgroups))),
    ("flags", |row| Some(Value::U64(exe_flags(row)))),
    ("exe_ino", |row| row.exe_ino.map(Value::U64)),
    ("exe_ino_ctime", |row| row.exe_ino_ctime.map(Value::U64)),
    ("exe_ino_mtime", |row| row.exe_ino_mtime.map(Value::U64)),
    ("fdlimit", |row| Some(Value::I64(row.fdlimit as i64))),
    ("vm_size", |row| row.vmsize_kb.map(|size| Value::U64(size.into()))),
    ("vm_rss", |row| row.vmrss_kb.map(|size| Value::U64(size.into()))),
    ("vm_swap", |row| row.vmswap_kb.map(|size| Value::U64(size.into()))),
    ("pgft_maj", |row| row.pfmajor.map(Value::U64)),
    ("pgft_min", |row| row.pfminor.map(Value::U64)),
    ("pidns_init_start_ts", |row| row.pidns_init_start_ts.map(Value::U64)),
    ("root", |row| Some(Value::Str(row.root))),
];

const DESCRIPTOR: answers!(DescriptorRow) = &[
    ("fd", |row| Some(Value::I64(row.fd))),
    ("type", |row| Some(Value::U64(row.of.type_id().into()))),
    ("name", |row| match row.of {
        Descriptor::File { path: name, .. } | Descriptor::Other { name, .. } => {
            Some(Value::Str(name))
        }
        _ => None,
    }),
    ("flags", |row| match row.of {
        Descriptor::File { open_flags, .. } => Some(Value::U64(open_flags.into())),
        _ => None,
    }),
    ("dev", |row| match row.of {
        Descriptor::File { dev, .. } => dev.map(|dev| Value::U64(dev.into())),
        _ => None,
    }),
    ("ino", |row| Some(Value::U64(row.ino))),
    ("tuple", |row| match row.of {
        Descriptor::Socket { source, destination, .. } => {
            Some(Value::Tuple(SocketTuple::Inet { source, destination }))
        }
        Descriptor::Unix { source, destination, path } => {
            Some(Value::Tuple(SocketTuple::Unix { source, destination, path }))
        }
        _ => None,
    }),
    ("addr", |row| match row.of {
        Descriptor::Server { address, .. } => Some(Value::Addr(SocketAddress::Inet(address))),
        _ => None,
    }),
    ("l4proto", |row| match row.of {
        Descriptor::Socket { l4proto, .. } | Descriptor::Server { l4proto, .. } => {
            Some(Value::U64(l4proto.into()))
        }
        _ => None,
    }),
];

const INTERFACE: answers!(InterfaceRow) = &[
    ("name", |row| Some(Value::Str(row.name))),
    ("address", |row| Some(Value::Ip(row.address))),
    ("netmask", |row| Some(Value::Ip(row.netmask))),
    ("broadcast", |row| Some(Value::Ip(row.broadcast))),
];

const USER: answers!(UserRow) = &[
    ("uid", |row| Some(Value::U64(row.uid.into()))),
    ("gid", |row| Some(Value::U64(row.gid.into()))),
    ("name", |row| Some(Value::Str(row.name))),
    ("home", |row| Some(Value::Str(row.home))),
    ("shell", |row| Some(Value::Str(row.shell))),
    // Of the host.
    ("container_id", |_| Some(Value::Str(b""))),
];

const GROUP: answers!(GroupRow) = &[
    ("gid", |row| Some(Value::U64(row.gid.into()))),
    ("name", |row| Some(Value::Str(row.name))),
    ("container_id", |_| Some(Value::Str(b""))),
];

fn exe_flags(row: &ProcessRow<'_>) -> u64 {
    let flag = |set: bool, flag: u64| if set { flag } else { 0 };
    flag(row.exe_writable, exe_flag::WRITABLE)
        | flag(row.exe_upper_layer, exe_flag::UPPER_LAYER)
        | flag(row.exe_from_memfd, exe_flag::FROM_MEMFD)
        | flag(row.exe_lower_layer, exe_flag::LOWER_LAYER)
}

fn process_context<'a>(row: &ProcessRow<'_>, id: FieldId) -> Option<Value<'a>> {
    let number = |number: Option<u32>| number.map(|number| Value::U64(number.into()));
    match id {
        field::CTX_TID => Some(Value::I64(row.tid)),
        field::CTX_PID => Some(Value::I64(row.pid)),
        field::CTX_PPID => Some(Value::I64(row.ptid)),
        field::CTX_VTID => row.vtid.map(Value::I64),
        field::CTX_VPID => row.vpid.map(Value::I64),
        field::CTX_SID | field::CTX_VSID => row.sid.map(Value::I64),
        field::CTX_PGID => row.pgid.map(Value::I64),
        field::CTX_VPGID => row.vpgid.map(Value::I64),
        field::CTX_UID | field::CTX_EUID => number(Some(row.uid)),
        field::CTX_GID | field::CTX_EGID => number(Some(row.gid)),
        field::CTX_LOGINUID => number(row.loginuid),
        field::CTX_TTY => number(row.tty),
        field::CTX_CAP_EFFECTIVE => row.cap_effective.map(Value::U64),
        field::CTX_CAP_PERMITTED => row.cap_permitted.map(Value::U64),
        field::CTX_CAP_INHERITABLE => row.cap_inheritable.map(Value::U64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::KindInfo;

    use super::*;

    #[test]
    fn the_answers_are_those_of_the_kind_table() {
        fn check<T>(kind: EventKind, answers: &[(&str, T)]) {
            let params = KindInfo::of(kind).unwrap().params.iter().map(|param| param.name);
            assert!(params.eq(answers.iter().map(|(name, _)| *name)), "{kind:?}");
        }
        check(EventKind::TASK, PROCESS);
        check(EventKind::DESCRIPTOR, DESCRIPTOR);
        check(EventKind::INTERFACE, INTERFACE);
        check(EventKind::state(USER_ADDED), USER);
        check(EventKind::state(GROUP_ADDED), GROUP);
    }
}
