//! The kind table. Facts: `driver/event_table.c` of falcosecurity/libs.

use std::borrow::Cow;

use super::ParamType::{
    AbsTime, Errno, Fd, Flags, Gid, Int, Mode, Path, Pid, RelPath, Signal, SockAddr, SockTuple,
    Str, StrArray, Uid, Uint,
};
use super::flags::{CLONE_FLAGS, CREAT_FLAGS, EXE_FLAGS, FlagName, OPEN_FLAGS, RESOLVE_FLAGS};
use super::{EventKind, KindInfo, ParamInfo, ParamType};

/// Every kind of Falco's schema that is known here, by code.
pub static KINDS: &[KindInfo] = &[
    row(
        EventKind::OPEN,
        "open",
        &[
            p("fd", Fd),
            p("name", Path),
            f("flags", Flags, OPEN_FLAGS),
            p("mode", Mode),
            p("dev", Uint),
            p("ino", Uint),
        ],
    ),
    row(
        EventKind::CONNECT,
        "connect",
        &[p("res", Errno), p("tuple", SockTuple), p("fd", Fd), p("addr", SockAddr)],
    ),
    row(
        EventKind::CREAT,
        "creat",
        &[
            p("fd", Fd),
            p("name", Path),
            p("mode", Mode),
            p("dev", Uint),
            p("ino", Uint),
            f("creat_flags", Flags, CREAT_FLAGS),
        ],
    ),
    row(
        EventKind::PROCEXIT,
        "procexit",
        &[
            p("status", Errno),
            p("ret", Errno),
            p("sig", Signal),
            p("core", Uint),
            p("reaper_tid", Pid),
        ],
    ),
    row(EventKind::CLONE, "clone", CLONE_PARAMS),
    row(EventKind::FORK, "fork", CLONE_PARAMS),
    row(EventKind::VFORK, "vfork", CLONE_PARAMS),
    row(EventKind::EXECVE, "execve", EXECVE_PARAMS),
    row(
        EventKind::OPENAT,
        "openat",
        &[
            p("fd", Fd),
            p("dirfd", Fd),
            p("name", RelPath),
            f("flags", Flags, OPEN_FLAGS),
            p("mode", Mode),
            p("dev", Uint),
            p("ino", Uint),
        ],
    ),
    row(
        EventKind::OPENAT2,
        "openat2",
        &[
            p("fd", Fd),
            p("dirfd", Fd),
            p("name", RelPath),
            f("flags", Flags, OPEN_FLAGS),
            p("mode", Mode),
            f("resolve", Flags, RESOLVE_FLAGS),
            p("dev", Uint),
            p("ino", Uint),
        ],
    ),
    row(EventKind::EXECVEAT, "execveat", EXECVEAT_PARAMS),
    row(EventKind::CLONE3, "clone3", CLONE_PARAMS),
    row(
        EventKind::TASK,
        "task",
        &[
            p("comm", Str),
            p("exe", Str),
            p("args", StrArray),
            p("env", StrArray),
            p("cwd", Path),
            p("trusted_exepath", Path),
            p("cgroups", StrArray),
            f("flags", Flags, EXE_FLAGS),
            p("exe_ino", Uint),
            p("exe_ino_ctime", AbsTime),
            p("exe_ino_mtime", AbsTime),
        ],
    ),
];

const CLONE_PARAMS: &[ParamInfo] = &[
    p("res", Pid),
    p("exe", Str),
    p("args", StrArray),
    p("tid", Pid),
    p("pid", Pid),
    p("ptid", Pid),
    p("cwd", Str),
    p("fdlimit", Int),
    p("pgft_maj", Uint),
    p("pgft_min", Uint),
    p("vm_size", Uint),
    p("vm_rss", Uint),
    p("vm_swap", Uint),
    p("comm", Str),
    p("cgroups", StrArray),
    f("flags", Flags, CLONE_FLAGS),
    p("uid", Uid),
    p("gid", Gid),
    p("vtid", Pid),
    p("vpid", Pid),
    p("pidns_init_start_ts", Uint),
];

const EXECVE_PARAMS: &[ParamInfo] = &[
    p("res", Errno),
    p("exe", Str),
    p("args", StrArray),
    p("tid", Pid),
    p("pid", Pid),
    p("ptid", Pid),
    p("cwd", Str),
    p("fdlimit", Uint),
    p("pgft_maj", Uint),
    p("pgft_min", Uint),
    p("vm_size", Uint),
    p("vm_rss", Uint),
    p("vm_swap", Uint),
    p("comm", Str),
    p("cgroups", StrArray),
    p("env", StrArray),
    p("tty", Uint),
    p("vpgid", Pid),
    p("loginuid", Uid),
    f("flags", Flags, EXE_FLAGS),
    p("cap_inheritable", Uint),
    p("cap_permitted", Uint),
    p("cap_effective", Uint),
    p("exe_ino", Uint),
    p("exe_ino_ctime", AbsTime),
    p("exe_ino_mtime", AbsTime),
    p("uid", Uid),
    p("trusted_exepath", Path),
    p("pgid", Pid),
    p("gid", Gid),
    p("filename", Path),
];

/// As `execve`, without the last param: `execveat` resolves its name through a descriptor.
const EXECVEAT_PARAMS: &[ParamInfo] = EXECVE_PARAMS.split_at(EXECVE_PARAMS.len() - 1).0;

const fn row(kind: EventKind, name: &'static str, params: &'static [ParamInfo]) -> KindInfo {
    KindInfo { kind, name: Cow::Borrowed(name), params: Cow::Borrowed(params) }
}

const fn p(name: &'static str, ty: ParamType) -> ParamInfo {
    ParamInfo { name, ty, flags: &[] }
}

const fn f(name: &'static str, ty: ParamType, flags: &'static [FlagName]) -> ParamInfo {
    ParamInfo { name, ty, flags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldId;

    #[test]
    fn codes_ascend_and_params_fit() {
        assert!(KINDS.is_sorted_by(|a, b| a.kind < b.kind));
        for info in KINDS {
            assert!(info.params.len() < usize::from(FieldId::PARAMS), "{}", info.name);
            for param in info.params.iter() {
                assert_eq!(
                    matches!(param.ty, Flags | ParamType::EnumFlags),
                    !param.flags.is_empty(),
                    "{}.{}",
                    info.name,
                    param.name
                );
            }
        }
        assert_eq!(EXECVEAT_PARAMS.last().map(|param| param.name), Some("gid"));
    }
}
