//! What a system call did: its params as text, its result, its descriptor.

mod args;
mod fd;
mod names;

use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::interest::Interest;
use k8srd_core::kind::{EventKind, KindInfo, Origin};
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::value::{Lookup, Value};

use crate::read::{self, int};
use args::{Params, place};
use fd::Descriptor;

/// Answers `evt.*` fields that follow from params (`evt.arg`, `evt.res`, …), `syscall.type` and
/// `fd.*`. It keeps no state; it stands behind [`Processes`](crate::process::Processes), whose
/// working directory and names it reads.
///
/// Names of files are lexical, as Falco's: what the program said, made absolute. Seen in the
/// [`Resolved`](k8srd_core::event::Reading::Resolved) reading, fields that follow the path tell the
/// kernel's name instead; `fd.realpath` always does.
#[derive(Debug, Default)]
pub struct SyscallFields {
    _private: (),
}

const EVENT_FIELDS: [FieldId; 12] = [
    field::SYSCALL_TYPE,
    field::EVT_DIR,
    field::EVT_ARGS,
    field::EVT_ARG,
    field::EVT_RAWARG,
    field::EVT_RES,
    field::EVT_RAWRES,
    field::EVT_FAILED,
    field::EVT_IS_OPEN_READ,
    field::EVT_IS_OPEN_WRITE,
    field::EVT_IS_OPEN_EXEC,
    field::EVT_IS_OPEN_CREATE,
];

const DESCRIPTOR_FIELDS: [FieldId; 22] = [
    field::FD_NUM,
    field::FD_TYPE,
    field::FD_TYPECHAR,
    field::FD_NAME,
    field::FD_NAMERAW,
    field::FD_REALPATH,
    field::FD_DIRECTORY,
    field::FD_FILENAME,
    field::FD_DEV,
    field::FD_INO,
    field::FD_IP,
    field::FD_CIP,
    field::FD_SIP,
    field::FD_PORT,
    field::FD_CPORT,
    field::FD_SPORT,
    field::FD_NET,
    field::FD_CNET,
    field::FD_SNET,
    field::FD_L4PROTO,
    field::FD_SOCKFAMILY,
    field::FD_CONNECTED,
];

static PROVIDED: LazyLock<FieldSet> =
    LazyLock::new(|| EVENT_FIELDS.into_iter().chain(DESCRIPTOR_FIELDS).collect());

/// Falco's values (`driver/ppm_events_public.h`).
mod open_flag {
    pub(super) const RDONLY: u64 = 1 << 0;
    pub(super) const WRONLY: u64 = 1 << 1;
    pub(super) const CREAT: u64 = 1 << 2;
    pub(super) const TMPFILE: u64 = 1 << 13;
    /// The call made the file.
    pub(super) const F_CREATED: u64 = 1 << 14;
}

const EXECUTE_BITS: u64 = 0o111;

impl Enricher for SyscallFields {
    fn provides(&self) -> &FieldSet {
        &PROVIDED
    }

    fn demand(&mut self, wanted: &FieldSet) -> Interest {
        let mut fields = FieldSet::default();
        let texts = [field::EVT_ARG, field::EVT_ARGS];
        if texts.iter().any(|&text| wanted.contains(text)) {
            fields.extend([
                field::PROC_NAME,
                field::PROC_PNAME,
                field::PROC_SNAME,
                field::USER_NAME,
                field::USER_LOGINNAME,
                field::GROUP_NAME,
            ]);
        }
        let descriptor = wanted.iter().any(|field| DESCRIPTOR_FIELDS.contains(&field));
        if descriptor || !fields.is_empty() {
            fields.extend([
                field::PROC_CWD,
                field::CTX_PATH_BASE,
                field::CTX_PATH_REAL,
                field::CTX_SOCK_TYPE,
                field::CTX_SOCK_PROTOCOL,
            ]);
        }
        Interest::new(KindSet::default(), fields)
    }

    fn locate(&self, _event: &dyn Event, _arena: &Arena) -> Lookup<Slot> {
        Lookup::Known(Slot(0))
    }

    fn get<'a>(
        &'a self,
        _slot: Slot,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        value(event, key, arena).into()
    }
}

fn value<'a>(event: &'a dyn Event, key: &Key, arena: &'a Arena) -> Option<Value<'a>> {
    let info = read::kind_info(event.kind())?;
    Some(match key.field() {
        field::SYSCALL_TYPE => Value::from(is_call(info).then_some(&*info.name)?),
        // The end of a process counts as an entry.
        field::EVT_DIR => Value::from(if info.is_entry() { ">" } else { "<" }),
        field::EVT_ARGS => Value::Str(Params { event, info, arena }.all()),
        field::EVT_ARG => {
            let place = place(info, key.arg())?;
            Value::Str(Params { event, info, arena }.text(place).best())
        }
        field::EVT_RAWARG => {
            let place = place(info, key.arg())?;
            return event.get(&Key::param(place), arena).known();
        }
        field::EVT_RES => Value::Str(result_text(result(event, info, arena)?, arena)),
        field::EVT_RAWRES => Value::I64(result(event, info, arena)?),
        field::EVT_FAILED => Value::Bool(result(event, info, arena)? < 0),
        field::EVT_IS_OPEN_READ => {
            Value::Bool(open_flags(event, info, arena) & open_flag::RDONLY != 0)
        }
        field::EVT_IS_OPEN_WRITE => {
            Value::Bool(open_flags(event, info, arena) & open_flag::WRONLY != 0)
        }
        field::EVT_IS_OPEN_EXEC => Value::Bool(is_open_exec(event, info, arena)),
        field::EVT_IS_OPEN_CREATE => Value::Bool(is_open_create(event, info, arena)),
        id => return Descriptor::of(event, arena)?.field(id),
    })
}

/// The end of a process is no system call.
fn is_call(info: &KindInfo) -> bool {
    info.origin == Origin::Syscall && !info.kind.is_state()
}

fn result(event: &dyn Event, info: &KindInfo, arena: &Arena) -> Option<i64> {
    int(event, &Key::param(info.result()?), arena)
}

fn result_text(result: i64, arena: &Arena) -> &[u8] {
    match (result, names::error(result)) {
        (0.., _) => b"SUCCESS",
        (_, Some(name)) => name.as_bytes(),
        (_, None) => arena.format(format_args!("{result}")),
    }
}

fn number(event: &dyn Event, info: &KindInfo, name: &str, arena: &Arena) -> u64 {
    let value = info.param(name).and_then(|(place, _)| int(event, &Key::param(place), arena));
    value.map_or(0, |value| value as u64)
}

/// Of `open`, `openat` and `openat2`; no other has any that count here, not even `creat`.
fn open_flags(event: &dyn Event, info: &KindInfo, arena: &Arena) -> u64 {
    let opens = [EventKind::OPEN, EventKind::OPENAT, EventKind::OPENAT2];
    if opens.contains(&info.kind) { number(event, info, "flags", arena) } else { 0 }
}

/// By the mode that was asked for: the file may be there already.
fn is_open_exec(event: &dyn Event, info: &KindInfo, arena: &Arena) -> bool {
    let creating = open_flags(event, info, arena) & (open_flag::CREAT | open_flag::TMPFILE) != 0;
    let executable = || number(event, info, "mode", arena) & EXECUTE_BITS != 0;
    (creating || info.kind == EventKind::CREAT) && executable()
}

fn is_open_create(event: &dyn Event, info: &KindInfo, arena: &Arena) -> bool {
    let flags = open_flags(event, info, arena);
    let nameless = flags & open_flag::TMPFILE != 0;
    let made_nameless = || nameless && result(event, info, arena).is_some_and(|fd| fd >= 0);
    flags & open_flag::F_CREATED != 0 || made_nameless()
}

#[cfg(test)]
mod tests;
