//! The fields `ctx.*`: the task context, and what the kernel knows beyond a kind's params.

use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::FieldId;
use k8srd_core::set::FieldSet;
use k8srd_core::value::Value;

use super::descriptor::About;
use super::{Body, Called, KernelEvent};
use crate::abi::{CloneBody, Context, flag, hook};

/// Expands each row to an arm of [`field`](self::field) and a member of [`provided_fields`].
macro_rules! fields {
    ($event:ident: $($id:ident => $value:expr;)*) => {
        /// The fields that kernel events answer, besides their params.
        #[must_use]
        pub fn provided_fields() -> FieldSet {
            [$(field::$id),*].into_iter().collect()
        }

        /// The value of one of [`provided_fields`]; `None` where the kind has none.
        pub(super) fn field<'a>($event: &'a KernelEvent<'_>, id: FieldId) -> Option<Value<'a>> {
            match id {
                $(field::$id => $value,)*
                _ => None,
            }
        }
    };
}

fields! { event:
    CTX_TID => id(event.context.tid);
    CTX_PID => id(event.context.tgid);
    CTX_PPID => id(event.context.ppid);
    CTX_EXEC_ID => uint(event.context.exec_id);
    CTX_START_TIME => uint(event.context.start_time);
    CTX_LEADER_START_TIME => uint(event.context.leader_start_time);
    CTX_VTID => id(event.context.vtid);
    CTX_VPID => id(event.context.vpid);
    CTX_PGID => id(event.context.pgid);
    CTX_VPGID => id(event.context.vpgid);
    CTX_SID => id(event.context.sid);
    CTX_VSID => id(event.context.vsid);
    CTX_UID => uint(event.context.uid);
    CTX_EUID => uint(event.context.euid);
    CTX_SUID => uint(event.context.suid);
    CTX_FSUID => uint(event.context.fsuid);
    CTX_GID => uint(event.context.gid);
    CTX_EGID => uint(event.context.egid);
    CTX_SGID => uint(event.context.sgid);
    CTX_FSGID => uint(event.context.fsgid);
    CTX_CAP_EFFECTIVE => uint(event.context.cap_effective);
    CTX_CAP_PERMITTED => uint(event.context.cap_permitted);
    CTX_CAP_INHERITABLE => uint(event.context.cap_inheritable);
    CTX_LOGINUID => uint(event.context.loginuid);
    CTX_TTY => uint(event.context.tty);
    CTX_NS_MNT => uint(event.context.ns_mnt);
    CTX_NS_PID => uint(event.context.ns_pid);
    CTX_NS_NET => uint(event.context.ns_net);
    CTX_NS_USER => uint(event.context.ns_user);
    CTX_NS_UTS => uint(event.context.ns_uts);
    CTX_NS_IPC => uint(event.context.ns_ipc);
    CTX_NS_CGROUP => uint(event.context.ns_cgroup);
    CTX_CGROUP_ID => uint(cgroup_id(&event.context));
    CTX_CHILD_TID => id(child(event)?.child.tid);
    CTX_CHILD_PID => id(child(event)?.child.tgid);
    CTX_CHILD_VTID => id(child(event)?.child.vtid);
    CTX_CHILD_VPID => id(child(event)?.child.vpid);
    CTX_CHILD_PPID => id(child(event)?.child.ppid);
    CTX_CHILD_START_TIME => uint(child(event)?.child.start_time);
    CTX_CHILD_PID_NS => uint(child(event)?.child.ns_pid);
    CTX_OLD_TID => match &event.body {
        Body::Exec(exec) => exec.old_tid().map(|tid| Value::I64(tid.into())),
        _ => None,
    };
    CTX_PATH_BASE => match &event.body {
        Body::Open(open) => path(open.base),
        Body::Exec(exec) => path(exec.base),
        Body::Call(row, call) => path(call.base(row, 0)),
        _ => None,
    };
    CTX_PATH_REAL => match &event.body {
        Body::Open(open) => path(open.path),
        Body::Exec(exec) if exec.has_run() => path(exec.exepath),
        _ => None,
    };
    CTX_FILE_MODE => match &event.body {
        Body::Open(open) if open.body.file_mode != 0 => uint(open.body.file_mode),
        _ => None,
    };
    CTX_SOCK_TYPE => uint(socket(event)?.body.socket_type);
    CTX_SOCK_PROTOCOL => uint(socket(event)?.body.protocol);
    CTX_PATH_BASE2 => match &event.body {
        Body::Call(row, call) => path(call.base(row, 1)),
        _ => None,
    };
    CTX_FD_NUM => match &event.body {
        Body::Call(_, call) if call.body.descriptor >= 0 => {
            Some(Value::I64(call.body.descriptor.into()))
        }
        _ => None,
    };
    CTX_FD_TYPE => uint(about(event)?.number());
    CTX_FD_NAME => about(event)?.name().map(Value::Str);
    CTX_FD_DEV => uint(about(event)?.body.dev);
    CTX_FD_INO => uint(about(event)?.body.ino);
    CTX_FD_LIP => Some(Value::Ip(socket(event)?.local()?.ip()));
    CTX_FD_LPORT => uint(socket(event)?.local()?.port());
    CTX_FD_RIP => Some(Value::Ip(socket(event)?.remote()?.ip()));
    CTX_FD_RPORT => uint(socket(event)?.remote()?.port());
    CTX_FD_SOCK => uint(socket(event)?.body.sock);
    CTX_FD_PEER => uint(Some(socket(event)?.body.peer).filter(|&peer| peer != 0)?);
    CTX_CALL_RES => Some(Value::I64(general(event)?.body.res));
    CTX_CALL_ARG0 => uint(general(event)?.argument(0));
    CTX_CALL_ARG1 => uint(general(event)?.argument(1));
    CTX_CALL_ARG2 => uint(general(event)?.argument(2));
    CTX_CALL_ARG3 => uint(general(event)?.argument(3));
    CTX_CALL_ARG4 => uint(general(event)?.argument(4));
    CTX_CALL_ARG5 => uint(general(event)?.argument(5));
    CTX_CALL_TEXT0 => general(event)?.text(0).map(Value::Str);
    CTX_CALL_TEXT1 => general(event)?.text(1).map(Value::Str);
    CTX_BOOT_TIME => uint(event.header.time);
    CTX_CPU => uint(event.header.cpu);
    CTX_TRUNCATED => Some(Value::Bool(event.header.flags & TRUNCATED != 0));
    CTX_UNREADABLE => Some(Value::Bool(event.header.flags & UNREADABLE != 0));
    CTX_IO_URING => Some(Value::Bool(event.header.hook() == hook::RING));
    CTX_LATE => Some(Value::Bool(event.late));
}

/// Fields for which the facts of descriptors have to be read, where no param needs them.
pub(crate) const DESCRIPTOR_FIELDS: &[FieldId] = &[
    field::CTX_FD_TYPE,
    field::CTX_FD_NAME,
    field::CTX_FD_DEV,
    field::CTX_FD_INO,
    field::CTX_FD_LIP,
    field::CTX_FD_LPORT,
    field::CTX_FD_RIP,
    field::CTX_FD_RPORT,
    field::CTX_FD_SOCK,
    field::CTX_FD_PEER,
    field::CTX_SOCK_TYPE,
    field::CTX_SOCK_PROTOCOL,
];
/// Fields for which the path of a file is read, too.
pub(crate) const DESCRIPTOR_PATH_FIELDS: &[FieldId] = &[field::CTX_FD_NAME];

/// Something did not fit.
const TRUNCATED: u32 = flag::NAME_TRUNCATED
    | flag::ARGS_TRUNCATED
    | flag::ENV_TRUNCATED
    | flag::PATH_TRUNCATED
    | flag::BASE_TRUNCATED
    | flag::CGROUP_TRUNCATED
    | flag::DATA_TRUNCATED;

/// The caller's memory did not give something.
pub(crate) const UNREADABLE: u32 =
    flag::NAME_FAULT | flag::ARGS_FAULT | flag::ENV_FAULT | flag::ADDR_FAULT | flag::DATA_FAULT;

/// Of v2; where there is none, of the v1 controller that is looked at.
pub(super) fn cgroup_id(context: &Context) -> u64 {
    match context.cgroup_id {
        0 => context.cgroup_v1_id,
        id => id,
    }
}

/// The socket that a call is about, or made.
fn socket<'a>(event: &'a KernelEvent<'_>) -> Option<About<'a>> {
    about(event).filter(About::is_socket)
}

/// A call without an event of its own: no param tells what it was given.
fn general<'a>(event: &'a KernelEvent<'_>) -> Option<&'a Called<'a>> {
    match &event.body {
        Body::Call(_, call) if event.kind().is_call() => Some(call),
        _ => None,
    }
}

fn about<'a>(event: &'a KernelEvent<'_>) -> Option<About<'a>> {
    match &event.body {
        Body::Call(_, call) => call.about(),
        _ => None,
    }
}

fn id<'a>(id: u32) -> Option<Value<'a>> {
    Some(Value::I64(id.into()))
}

fn uint<'a>(number: impl Into<u64>) -> Option<Value<'a>> {
    Some(Value::U64(number.into()))
}

fn path(path: &[u8]) -> Option<Value<'_>> {
    (!path.is_empty()).then_some(Value::Str(path))
}

/// The new task of a call that made one.
fn child<'a>(event: &'a KernelEvent<'_>) -> Option<&'a CloneBody> {
    match &event.body {
        Body::Clone(clone) => (clone.body.child.tid != 0).then_some(&clone.body),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::catalogue::{self, FIELDS};
    use k8srd_core::event::{Fields, Task};
    use k8srd_core::field::{Key, Part};
    use k8srd_core::value::Lookup;
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::{Record, context};
    use super::*;
    use crate::abi::{self, ExecBody, ExitBody, OpenBody};

    fn get(record: &[u8], id: FieldId) -> Option<Value<'static>> {
        let event = parse(record).unwrap();
        let arena = Arena::default();
        event.get(&Key::of(id), &arena).known().map(|value| match value {
            Value::I64(n) => Value::I64(n),
            Value::U64(n) => Value::U64(n),
            Value::Bool(b) => Value::Bool(b),
            other => panic!("{other:?}"),
        })
    }

    /// All but the number of an event in a recording, which only the source of recordings knows.
    #[test]
    fn all_ctx_fields_of_a_live_event_are_provided_and_no_other() {
        let provided = provided_fields();
        for info in FIELDS.iter() {
            let of_a_source = info.name.starts_with("ctx.");
            let ours = of_a_source && info.id != catalogue::CTX_NUMBER;
            assert_eq!(provided.contains(info.id), ours, "{}", info.name);
            assert_eq!(info.answered_by == Part::Source, of_a_source, "{}", info.name);
        }
    }

    #[test]
    fn types_are_those_of_the_catalogue() {
        use k8srd_core::field::FieldType;
        for (kind, record) in super::super::testing::of_every_kind() {
            let event = parse(&record).unwrap();
            let arena = Arena::default();
            for info in FIELDS.iter().filter(|info| info.name.starts_with("ctx.")) {
                let Lookup::Known(value) = event.get(&Key::of(info.id), &arena) else { continue };
                let right = match info.ty {
                    FieldType::Int => matches!(value, Value::I64(_)),
                    FieldType::Uint => matches!(value, Value::U64(_)),
                    FieldType::Bool => matches!(value, Value::Bool(_)),
                    FieldType::Path => matches!(value, Value::Str(_)),
                    FieldType::Ip => matches!(value, Value::Ip(_)),
                    _ => false,
                };
                assert!(right, "{} of kind {kind} is {value:?}", info.name);
            }
        }
    }

    #[test]
    fn who_did_it_is_what_the_fields_say() {
        for (kind, record) in super::super::testing::of_every_kind() {
            let (event, arena) = (parse(&record).unwrap(), Arena::default());
            assert_eq!(*event.task(&arena), Task::read(&event, &arena), "{kind}");
        }
    }

    #[test]
    fn the_context_is_read_field_by_field() {
        let record = Record::new(abi::kind::PROCEXIT).body(ExitBody::new_zeroed().as_bytes());
        let (record, context) = (record.build(), context());
        for (id, value) in [
            (field::CTX_TID, Value::I64(context.tid.into())),
            (field::CTX_PID, Value::I64(context.tgid.into())),
            (field::CTX_PPID, Value::I64(context.ppid.into())),
            (field::CTX_VSID, Value::I64(context.vsid.into())),
            (field::CTX_EXEC_ID, Value::U64(context.exec_id)),
            (field::CTX_FSGID, Value::U64(context.fsgid.into())),
            (field::CTX_NS_CGROUP, Value::U64(context.ns_cgroup.into())),
            (field::CTX_CGROUP_ID, Value::U64(context.cgroup_id)),
            (field::CTX_BOOT_TIME, Value::U64(context.start_time + 5)),
            (field::CTX_CPU, Value::U64(1)),
            (field::CTX_TRUNCATED, Value::Bool(false)),
            (field::CTX_UNREADABLE, Value::Bool(false)),
            (field::CTX_LATE, Value::Bool(false)),
        ] {
            assert_eq!(get(&record, id), Some(value));
        }
        for absent in [field::CTX_CHILD_TID, field::CTX_OLD_TID, field::CTX_PATH_REAL] {
            assert_eq!(get(&record, absent), None);
        }
    }

    #[test]
    fn a_new_task_has_its_own_ids_and_a_failed_call_has_none() {
        let mut body = CloneBody::new_zeroed();
        let failed = Record::new(abi::kind::CLONE).body(body.as_bytes()).build();
        assert_eq!(get(&failed, field::CTX_CHILD_TID), None);
        assert_eq!(get(&failed, field::CTX_CHILD_START_TIME), None);
        (body.child.tid, body.child.tgid, body.child.ppid) = (7, 6, 5);
        (body.child.start_time, body.child.ns_pid) = (99, 4);
        let made = Record::new(abi::kind::CLONE).body(body.as_bytes()).build();
        assert_eq!(get(&made, field::CTX_CHILD_TID), Some(Value::I64(7)));
        assert_eq!(get(&made, field::CTX_CHILD_PID), Some(Value::I64(6)));
        assert_eq!(get(&made, field::CTX_CHILD_PPID), Some(Value::I64(5)));
        assert_eq!(get(&made, field::CTX_CHILD_START_TIME), Some(Value::U64(99)));
        assert_eq!(get(&made, field::CTX_CHILD_PID_NS), Some(Value::U64(4)));
    }

    #[test]
    fn what_was_cut_is_said() {
        for cut in [flag::ARGS_TRUNCATED, flag::PATH_TRUNCATED, flag::CGROUP_TRUNCATED] {
            let record = Record::new(abi::kind::EXECVE).flags(cut | flag::NAME_FAULT);
            let record = record.body(ExecBody::new_zeroed().as_bytes()).build();
            assert_eq!(get(&record, field::CTX_TRUNCATED), Some(Value::Bool(true)));
        }
    }

    #[test]
    fn what_could_not_be_read_is_said() {
        let marked = |flags| {
            let record = Record::new(abi::kind::EXECVE).flags(flags);
            let record = record.body(ExecBody::new_zeroed().as_bytes()).build();
            get(&record, field::CTX_UNREADABLE)
        };
        assert_eq!(marked(flag::ARGS_TRUNCATED | flag::COMPAT), Some(Value::Bool(false)));
        for fault in [
            flag::NAME_FAULT,
            flag::ARGS_FAULT,
            flag::ENV_FAULT,
            flag::ADDR_FAULT,
            flag::DATA_FAULT,
        ] {
            assert_eq!(marked(fault), Some(Value::Bool(true)));
        }
    }

    #[test]
    fn nothing_opened_is_no_file_mode() {
        let mut body = OpenBody::new_zeroed();
        let record = Record::new(abi::kind::OPEN).body(body.as_bytes()).build();
        assert_eq!(get(&record, field::CTX_FILE_MODE), None);
        body.file_mode = 0o100_644;
        let record = Record::new(abi::kind::OPEN).body(body.as_bytes()).build();
        assert_eq!(get(&record, field::CTX_FILE_MODE), Some(Value::U64(0o100_644)));
    }
}
