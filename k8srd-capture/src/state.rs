//! Rows of a capture's tables as events that only carry state.

use std::net::IpAddr;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::{FieldId, Key};
use k8srd_core::kind::{EventKind, KindInfo};
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

impl Fields for State<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        let param = || {
            let place = usize::from(key.field().as_param()?);
            let param = KindInfo::of(self.kind())?.params.get(place)?;
            Some(param.name)
        };
        Lookup::from(match self {
            Self::Section => None,
            Self::Process(row, context) => match key.field().as_param() {
                Some(_) => param().and_then(|name| process_param(row, name)),
                None => context
                    .and_then(|context| context.get(key.field()))
                    .or_else(|| process_context(row, key.field())),
            },
            Self::Descriptor(row) if key.field() == field::CTX_TID => Some(Value::I64(row.tid)),
            Self::Descriptor(row) => param().and_then(|name| descriptor_param(row, name)),
            Self::Interface(row) => param().and_then(|name| interface_param(row, name)),
            Self::User(row) => param().and_then(|name| user_param(row, name)),
            Self::Group(row) => param().and_then(|name| group_param(row, name)),
        })
    }
}

fn process_param<'a>(row: &ProcessRow<'a>, name: &str) -> Option<Value<'a>> {
    let flag = |set: bool, flag: u64| if set { flag } else { 0 };
    let text = |text: &'a [u8]| Some(Value::Str(text));
    match name {
        "comm" => text(row.comm),
        "exe" => text(row.exe),
        "args" => text(row.args),
        "env" => text(row.env),
        "cwd" => text(row.cwd),
        "trusted_exepath" => text(row.exepath),
        "cgroups" => text(row.cgroups),
        "root" => text(row.root),
        "flags" => Some(Value::U64(
            flag(row.exe_writable, exe_flag::WRITABLE)
                | flag(row.exe_upper_layer, exe_flag::UPPER_LAYER)
                | flag(row.exe_from_memfd, exe_flag::FROM_MEMFD)
                | flag(row.exe_lower_layer, exe_flag::LOWER_LAYER),
        )),
        "exe_ino" => row.exe_ino.map(Value::U64),
        "exe_ino_ctime" => row.exe_ino_ctime.map(Value::U64),
        "exe_ino_mtime" => row.exe_ino_mtime.map(Value::U64),
        "fdlimit" => Some(Value::I64(row.fdlimit as i64)),
        "vm_size" => row.vmsize_kb.map(|size| Value::U64(size.into())),
        "vm_rss" => row.vmrss_kb.map(|size| Value::U64(size.into())),
        "vm_swap" => row.vmswap_kb.map(|size| Value::U64(size.into())),
        "pgft_maj" => row.pfmajor.map(Value::U64),
        "pgft_min" => row.pfminor.map(Value::U64),
        "pidns_init_start_ts" => row.pidns_init_start_ts.map(Value::U64),
        _ => None,
    }
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

fn descriptor_param<'a>(row: &DescriptorRow<'a>, name: &str) -> Option<Value<'a>> {
    match (name, row.of) {
        ("fd", _) => Some(Value::I64(row.fd)),
        ("ino", _) => Some(Value::U64(row.ino)),
        ("type", of) => Some(Value::U64(of.type_id().into())),
        ("name", Descriptor::File { path: name, .. } | Descriptor::Other { name, .. }) => {
            Some(Value::Str(name))
        }
        ("flags", Descriptor::File { open_flags, .. }) => Some(Value::U64(open_flags.into())),
        ("dev", Descriptor::File { dev, .. }) => dev.map(|dev| Value::U64(dev.into())),
        ("tuple", Descriptor::Socket { source, destination, .. }) => {
            Some(Value::Tuple(SocketTuple::Inet { source, destination }))
        }
        ("tuple", Descriptor::Unix { source, destination, path }) => {
            Some(Value::Tuple(SocketTuple::Unix { source, destination, path }))
        }
        ("addr", Descriptor::Server { address, .. }) => {
            Some(Value::Addr(SocketAddress::Inet(address)))
        }
        ("l4proto", Descriptor::Socket { l4proto, .. } | Descriptor::Server { l4proto, .. }) => {
            Some(Value::U64(l4proto.into()))
        }
        _ => None,
    }
}

fn interface_param<'a>(row: &InterfaceRow<'a>, name: &str) -> Option<Value<'a>> {
    let ip = |ip: IpAddr| Some(Value::Ip(ip));
    match name {
        "name" => Some(Value::Str(row.name)),
        "address" => ip(row.address),
        "netmask" => ip(row.netmask),
        "broadcast" => ip(row.broadcast),
        _ => None,
    }
}

fn user_param<'a>(row: &UserRow<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        "uid" => Some(Value::U64(row.uid.into())),
        "gid" => Some(Value::U64(row.gid.into())),
        "name" => Some(Value::Str(row.name)),
        "home" => Some(Value::Str(row.home)),
        "shell" => Some(Value::Str(row.shell)),
        // Of the host.
        "container_id" => Some(Value::Str(b"")),
        _ => None,
    }
}

fn group_param<'a>(row: &GroupRow<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        "gid" => Some(Value::U64(row.gid.into())),
        "name" => Some(Value::Str(row.name)),
        "container_id" => Some(Value::Str(b"")),
        _ => None,
    }
}
