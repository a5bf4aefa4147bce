//! What a recording of k8srd's holds beyond Falco's format: the task as the kernel had it.
//!
//! Falco's events tell a thread's id, and leave the rest to the state that their reader keeps. A
//! live source of k8srd tells much more with each event (`ctx.*`). A recorder puts that into a
//! record of its own before the event, or before the row of the process list: an event of a code
//! that Falco's readers skip, or a block of a type that they skip.
//!
//! The params of the record are the fields of [`COLUMNS`] by place; empty is absent. A newer
//! version only adds columns behind the last.

use std::net::{IpAddr, Ipv4Addr};

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::value::{Lookup, Value};

use crate::record::{Record, RecordBuf};

/// The code of events that hold records of k8srd's own.
pub(crate) const CODE: u16 = 0xFF00;
/// The first param: whose code it is, and the form of the columns.
const FORM: &[u8] = b"k8srd.1";
/// How the forms of all versions begin.
const OURS: &[u8] = b"k8srd.";

/// Makes of the columns in their order a table, and the search in it.
macro_rules! columns {
    ($($id:ident $form:ident,)*) => {
        /// What stands at each place behind the first. The thread's id and the processor are in the
        /// record's own header.
        const COLUMNS: &[Column] = &[$(Column(field::$id, Form::$form),)*];

        #[expect(non_camel_case_types, reason = "only counts the columns")]
        enum Place { $($id),* }

        /// The place of a field among [`COLUMNS`].
        fn place(id: FieldId) -> Option<usize> {
            Some(match id {
                $(field::$id => Place::$id as usize,)*
                _ => return None,
            })
        }
    };
}

columns! {
    CTX_PID Signed,
    CTX_PPID Signed,
    CTX_EXEC_ID Number,
    CTX_START_TIME Number,
    CTX_LEADER_START_TIME Number,
    CTX_VTID Signed,
    CTX_VPID Signed,
    CTX_PGID Signed,
    CTX_VPGID Signed,
    CTX_SID Signed,
    CTX_VSID Signed,
    CTX_UID Number,
    CTX_EUID Number,
    CTX_SUID Number,
    CTX_FSUID Number,
    CTX_GID Number,
    CTX_EGID Number,
    CTX_SGID Number,
    CTX_FSGID Number,
    CTX_CAP_EFFECTIVE Number,
    CTX_CAP_PERMITTED Number,
    CTX_CAP_INHERITABLE Number,
    CTX_LOGINUID Number,
    CTX_TTY Number,
    CTX_NS_MNT Number,
    CTX_NS_PID Number,
    CTX_NS_NET Number,
    CTX_NS_USER Number,
    CTX_NS_UTS Number,
    CTX_NS_IPC Number,
    CTX_NS_CGROUP Number,
    CTX_CGROUP_ID Number,
    CTX_CHILD_TID Signed,
    CTX_CHILD_PID Signed,
    CTX_CHILD_VTID Signed,
    CTX_CHILD_VPID Signed,
    CTX_CHILD_PPID Signed,
    CTX_CHILD_START_TIME Number,
    CTX_CHILD_PID_NS Number,
    CTX_OLD_TID Signed,
    CTX_PATH_BASE Path,
    CTX_PATH_REAL Path,
    CTX_FILE_MODE Number,
    CTX_SOCK_TYPE Number,
    CTX_SOCK_PROTOCOL Number,
    CTX_BOOT_TIME Number,
    CTX_TRUNCATED Flag,
    CTX_LATE Flag,
    CTX_FD_NUM Signed,
    CTX_FD_TYPE Number,
    CTX_FD_NAME Path,
    CTX_FD_DEV Number,
    CTX_FD_INO Number,
    CTX_FD_LIP Ip,
    CTX_FD_LPORT Number,
    CTX_FD_RIP Ip,
    CTX_FD_RPORT Number,
    CTX_FD_SOCK Number,
    CTX_FD_PEER Number,
    CTX_CALL_RES Signed,
    CTX_CALL_ARG0 Number,
    CTX_CALL_ARG1 Number,
    CTX_CALL_ARG2 Number,
    CTX_CALL_ARG3 Number,
    CTX_CALL_ARG4 Number,
    CTX_CALL_ARG5 Number,
    CTX_CALL_TEXT0 Path,
    CTX_CALL_TEXT1 Path,
    CTX_PATH_BASE2 Path,
    CTX_IO_URING Flag,
    CTX_UNREADABLE Flag,
}

/// A field, and how it is written.
#[derive(Clone, Copy)]
struct Column(FieldId, Form);

#[derive(Clone, Copy)]
enum Form {
    /// Four bytes, or eight.
    Signed,
    /// Four bytes, or eight.
    Number,
    /// One byte.
    Flag,
    /// The bytes and a NUL.
    Path,
    /// Four bytes, or sixteen.
    Ip,
}

/// All fields that a context may tell.
pub(crate) fn fields() -> impl Iterator<Item = FieldId> {
    COLUMNS.iter().map(|column| column.0)
}

/// The context of the item that comes after it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a>(Record<'a>);

impl<'a> Context<'a> {
    /// The context in a record, if it is one.
    pub(crate) fn of(record: Record<'a>) -> Option<Self> {
        (record.code == CODE && record.param(0) == Some(FORM)).then_some(Self(record))
    }

    /// Whether a record is a context in a form that a newer version brought.
    pub(crate) fn is_newer(record: &Record<'_>) -> bool {
        let form = record.param(0).filter(|_| record.code == CODE);
        form.is_some_and(|form| form.starts_with(OURS) && form != FORM)
    }

    /// The record that holds it.
    pub(crate) fn record(&self) -> Record<'a> {
        self.0
    }

    /// The thread that it is about.
    pub fn tid(&self) -> u64 {
        self.0.tid
    }

    /// One of the `ctx.*` fields; `None` if it was not told.
    pub fn get(&self, id: FieldId) -> Option<Value<'a>> {
        match id {
            field::CTX_TID => return Some(Value::I64(self.0.tid as i64)),
            field::CTX_CPU => return Some(Value::U64(self.0.cpu.into())),
            _ => {}
        }
        let place = place(id)?;
        let bytes = self.0.param(place + 1)?;
        match (COLUMNS.get(place)?.1, bytes) {
            (_, []) => None,
            (Form::Path, [path @ .., _]) => Some(Value::Str(path)),
            (Form::Flag, [flag, ..]) => Some(Value::Bool(*flag != 0)),
            (Form::Ip, _) => match *bytes {
                [a, b, c, d] => Some(Value::Ip(Ipv4Addr::new(a, b, c, d).into())),
                _ => Some(Value::Ip(<[u8; 16]>::try_from(bytes).ok()?.into())),
            },
            (Form::Signed, _) => match *bytes {
                [a, b, c, d] => Some(Value::I64(i32::from_le_bytes([a, b, c, d]).into())),
                _ => Some(Value::I64(i64::from_le_bytes(bytes.try_into().ok()?))),
            },
            (Form::Number, _) => match *bytes {
                [a, b, c, d] => Some(Value::U64(u32::from_le_bytes([a, b, c, d]).into())),
                _ => Some(Value::U64(u64::from_le_bytes(bytes.try_into().ok()?))),
            },
        }
    }
}

/// Puts the context of an event into `out`.
pub(crate) fn encode(event: &dyn Event, arena: &Arena, out: &mut RecordBuf) {
    out.begin_for(event, CODE, arena);
    out.push(FORM);
    for &Column(id, form) in COLUMNS {
        let value = event.get(&Key::of(id), arena);
        out.push_with(|bytes| match (form, value) {
            (Form::Signed, Lookup::Known(Value::I64(n))) => match i32::try_from(n) {
                Ok(n) => bytes.extend(n.to_le_bytes()),
                Err(_) => bytes.extend(n.to_le_bytes()),
            },
            (Form::Number, Lookup::Known(Value::U64(n))) => match u32::try_from(n) {
                Ok(n) => bytes.extend(n.to_le_bytes()),
                Err(_) => bytes.extend(n.to_le_bytes()),
            },
            (Form::Flag, Lookup::Known(Value::Bool(flag))) => bytes.push(flag.into()),
            (Form::Ip, Lookup::Known(Value::Ip(IpAddr::V4(ip)))) => bytes.extend(ip.octets()),
            (Form::Ip, Lookup::Known(Value::Ip(IpAddr::V6(ip)))) => bytes.extend(ip.octets()),
            (Form::Path, Lookup::Known(Value::Str(path))) => {
                bytes.extend_from_slice(path);
                bytes.push(0);
            }
            _ => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::catalogue::FIELDS;
    use k8srd_core::field::{FieldClass, FieldType};

    use super::*;

    #[test]
    fn each_field_of_the_context_has_a_column_of_its_type() {
        // The number is counted.
        let in_header = [field::CTX_TID, field::CTX_CPU, field::CTX_NUMBER];
        for info in FIELDS.iter().filter(|info| info.class == FieldClass::Ctx) {
            let columns: Vec<&Column> = COLUMNS.iter().filter(|it| it.0 == info.id).collect();
            if in_header.contains(&info.id) {
                assert!(columns.is_empty(), "{}", info.name);
                continue;
            }
            let [Column(_, form)] = columns[..] else { panic!("{} has no column", info.name) };
            let right = match form {
                Form::Signed => FieldType::Int,
                Form::Number => FieldType::Uint,
                Form::Flag => FieldType::Bool,
                Form::Path => FieldType::Path,
                Form::Ip => FieldType::Ip,
            };
            assert_eq!(info.ty, right, "{}", info.name);
        }
    }
}
