//! Reading fields and params of an event.

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::{EventKind, KindInfo};

macro_rules! keys {
    ($($name:ident $field:ident;)*) => {
        $(pub(crate) static $name: Key = Key::of(field::$field);)*
    };
}

// Made once: a key is only looked at.
keys! {
    TID CTX_TID;
    PID CTX_PID;
    PPID CTX_PPID;
    VTID CTX_VTID;
    VPID CTX_VPID;
    PGID CTX_PGID;
    VPGID CTX_VPGID;
    SID CTX_SID;
    VSID CTX_VSID;
    EUID CTX_EUID;
    EGID CTX_EGID;
    CAP_EFFECTIVE CTX_CAP_EFFECTIVE;
    CAP_PERMITTED CTX_CAP_PERMITTED;
    CAP_INHERITABLE CTX_CAP_INHERITABLE;
    LOGINUID CTX_LOGINUID;
    TTY CTX_TTY;
    START_TIME CTX_START_TIME;
    CHILD_TID CTX_CHILD_TID;
    CHILD_PID CTX_CHILD_PID;
    CHILD_VPID CTX_CHILD_VPID;
    CHILD_PPID CTX_CHILD_PPID;
    CHILD_START_TIME CTX_CHILD_START_TIME;
    OLD_TID CTX_OLD_TID;
    PATH_BASE CTX_PATH_BASE;
    PATH_BASE2 CTX_PATH_BASE2;
    PATH_REAL CTX_PATH_REAL;
    SOCK_TYPE CTX_SOCK_TYPE;
    SOCK_PROTOCOL CTX_SOCK_PROTOCOL;
    FD_NUM CTX_FD_NUM;
    FD_TYPE CTX_FD_TYPE;
    FD_NAME CTX_FD_NAME;
    FD_DEV CTX_FD_DEV;
    FD_INO CTX_FD_INO;
    FD_LIP CTX_FD_LIP;
    FD_LPORT CTX_FD_LPORT;
    FD_RIP CTX_FD_RIP;
    FD_RPORT CTX_FD_RPORT;
    FD_SOCK CTX_FD_SOCK;
    FD_PEER CTX_FD_PEER;
    BOOT_TIME CTX_BOOT_TIME;
    PROC_NAME PROC_NAME;
    PROC_PNAME PROC_PNAME;
    PROC_SNAME PROC_SNAME;
    PROC_CWD PROC_CWD;
    OPEN_NAME FD_NAME;
    USER_NAME USER_NAME;
    USER_LOGINNAME USER_LOGINNAME;
    GROUP_NAME GROUP_NAME;
    CGROUPS THREAD_CGROUPS;
    PROC_PID PROC_PID;
    PROC_FDLIMIT PROC_FDLIMIT;
    CONTAINER_ID CONTAINER_ID;
    CONTAINER_IP CONTAINER_IP;
    CPU CTX_CPU;
    NAMESPACE_START PROC_PIDNS_INIT_START_TS;
}

/// An integer that is not negative.
pub(crate) fn uint(event: &dyn Event, key: &Key, arena: &Arena) -> Option<u64> {
    event.get(key, arena).known()?.as_u64()
}

/// An integer.
pub(crate) fn int(event: &dyn Event, key: &Key, arena: &Arena) -> Option<i64> {
    event.get(key, arena).known()?.as_i64()
}

/// A thread, process, user or group id.
pub(crate) fn id(event: &dyn Event, key: &Key, arena: &Arena) -> Option<u32> {
    u32::try_from(uint(event, key, arena)?).ok()
}

/// Text or a buffer.
pub(crate) fn bytes<'a>(event: &'a dyn Event, key: &Key, arena: &'a Arena) -> Option<&'a [u8]> {
    event.get(key, arena).known()?.as_bytes()
}

/// The key of a param, by name: found once, when an enricher is made.
pub(crate) fn param(kind: EventKind, name: &str) -> Option<Key> {
    KindInfo::of(kind)?.param(name).map(|(place, _)| Key::param(place))
}
