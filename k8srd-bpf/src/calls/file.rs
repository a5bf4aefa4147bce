//! Files and file systems. `open` and its kin have a body of their own.

use k8srd_core::value::Value;

use super::{Call, Make, call, of_form};
use crate::abi::{form, plan, read};
use crate::record::flags;
use Make::{As, FilledText, Int, Long, Of, Result, Text, Uint};

pub(super) const CALLS: &[Call] = &[
    of_form("open", form::OPEN),
    of_form("openat", form::OPEN),
    of_form("openat2", form::OPEN),
    of_form("creat", form::OPEN),
    call(
        "open_by_handle_at",
        &[
            Result,
            Int(0),
            Of(|it, _, _| Some(Value::U64(it.opened_flags(2)))),
            Of(|it, _, _| it.path().map(Value::Str)),
            Of(|it, _, _| Some(Value::U64(it.dev()))),
            Of(|it, _, _| Some(Value::U64(it.ino()))),
        ],
    )
    .makes()
    .needs(plan::DESCRIPTOR | plan::PATH),
    call("unlink", &[Result, Text(0)]).path(0),
    call("unlinkat", &[Result, Int(0), Text(0), As(2, flags::unlinkat)]).path_at(0, 1).about(0),
    call("rmdir", &[Result, Text(0)]).path(0),
    call("rename", &[Result, Text(0), Text(1)]).path(0).path(1),
    call("renameat", &[Result, Int(0), Text(0), Int(2), Text(1)]).path_at(0, 1).path_at(2, 3),
    call("renameat2", &[Result, Int(0), Text(0), Int(2), Text(1), Uint(4)])
        .path_at(0, 1)
        .path_at(2, 3),
    call("link", &[Result, Text(0), Text(1)]).path(0).path(1),
    call("linkat", &[Result, Int(0), Text(0), Int(2), Text(1), As(4, flags::linkat)])
        .path_at(0, 1)
        .path_at(2, 3),
    // The target is not looked up: it is a text, not a name.
    call("symlink", &[Result, Text(0), Text(1)]).text(0).path(1),
    call("symlinkat", &[Result, Text(0), Int(1), Text(1)]).text(0).path_at(1, 2).about(1),
    call("mkdir", &[Result, Text(0), Uint(1)]).path(0),
    call("mkdirat", &[Result, Int(0), Text(0), Uint(2)]).path_at(0, 1).about(0),
    call("mknod", &[Result, Text(0), As(1, flags::mknod), Uint(2)]).path(0),
    call("mknodat", &[Result, Int(0), Text(0), As(2, flags::mknod), Uint(3)])
        .path_at(0, 1)
        .about(0),
    call("chmod", &[Result, Text(0), As(1, flags::chmod)]).path(0),
    call("fchmod", &[Result, Int(0), As(1, flags::chmod)]).about(0),
    call("fchmodat", &[Result, Int(0), Text(0), As(2, flags::chmod)]).path_at(0, 1).about(0),
    call("chown", &[Result, Text(0), Uint(1), Uint(2)]).path(0),
    call("lchown", &[Result, Text(0), Uint(1), Uint(2)]).path(0),
    call("fchown", &[Result, Int(0), Uint(1), Uint(2)]).about(0),
    call("fchownat", &[Result, Int(0), Text(0), Uint(2), Uint(3), As(4, flags::linkat)])
        .path_at(0, 1)
        .about(0),
    call("stat", &[Result, Text(0)]).path(0),
    call("lstat", &[Result, Text(0)]).path(0),
    call("stat64", &[Result, Text(0)]).path(0),
    call("lstat64", &[Result, Text(0)]).path(0),
    call("fstat", &[Result, Int(0)]).about(0),
    call("fstat64", &[Result]).about(0),
    call("newfstatat", &[Result, Int(0), Text(0), As(3, flags::newfstatat)]).path_at(0, 1).about(0),
    call("access", &[Result, Text(0), As(1, flags::access)]).path(0),
    call("chdir", &[Result, Text(0)]).path(0),
    call("fchdir", &[Result, Int(0)]).about(0),
    call("chroot", &[Result, Text(0)]).path(0),
    call("getcwd", &[Result, FilledText(0)]).text(0),
    call("mount", &[Result, Text(0), Text(1), Text(2), As(3, flags::mount)])
        .text(0)
        .path(1)
        .text(2),
    call("umount", &[Result, Text(0)]).path(0),
    call("umount2", &[Result, Text(0), As(1, flags::umount)]).path(0),
    call(
        "fsconfig",
        &[
            Result,
            Int(0),
            Uint(1),
            Text(0),
            Of(|it, _, _| it.given().filter(|_| !it.failed()).map(Value::Bytes)),
            Of(|it, _, _| it.given_text(1)),
            Int(4),
        ],
    )
    .about(0)
    .decides(1, 0)
    .text(2)
    // FSCONFIG_SET_STRING, _PATH, _PATH_EMPTY; FSCONFIG_SET_BINARY.
    .text_if(3, 1 << 1 | 1 << 3 | 1 << 4)
    .data_if(read::WHOLE, 3, 4, 1 << 2),
    call("getdents", &[Result, Int(0)]).about(0),
    call("getdents64", &[Result, Int(0)]).about(0),
    call("lseek", &[Result, Int(0), Long(1), As(2, flags::whence)]).about(0),
    call(
        "llseek",
        &[
            Result,
            Int(0),
            Of(|it, _, _| Some(Value::U64(it.argument(1) << 32 | it.argument(2) & 0xffff_ffff))),
            As(4, flags::whence),
        ],
    )
    .about(0),
    call("flock", &[Result, Int(0), As(1, flags::flock)]).about(0),
    call("copy_file_range", &[Result, Int(2), Long(3), Int(0), Long(1), Long(4)]).about(2),
    call("quotactl", quota::PARAMS)
        .decides(0, 8)
        .text(1)
        // Q_QUOTAON; of Q_GETFMT, _GETINFO, _SETINFO, _GETQUOTA and _SETQUOTA the struct.
        .text_if(3, 1 << 2)
        .fixed_if(3, quota::BYTES, quota::BYTES, 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8),
];

/// `quotactl`: `include/uapi/linux/quota.h`.
mod quota {
    use super::*;
    use crate::record::Called;

    /// `struct if_dqblk`, the largest. The kernel lays it out alike for 32-bit callers but for i386,
    /// which packs it: the fields that are read lie in the same places.
    pub(super) const BYTES: u16 = 68;

    const QIF_BLIMITS: u32 = 1;
    const QIF_SPACE: u32 = 2;
    const QIF_ILIMITS: u32 = 4;
    const QIF_BTIME: u32 = 16;
    const QIF_ITIME: u32 = 32;

    pub(super) const PARAMS: &[Make] = &[
        Result,
        Text(0),
        Of(|it, _, _| {
            it.text(1)
                .filter(|_| flags::quota_command(it.argument(0)) == flags::Q_QUOTAON)
                .map(Value::Str)
        }),
        Of(|it, _, _| limit(it, 0, QIF_BLIMITS)),
        Of(|it, _, _| limit(it, 1, QIF_BLIMITS)),
        Of(|it, _, _| limit(it, 2, QIF_SPACE)),
        Of(|it, _, _| limit(it, 3, QIF_ILIMITS)),
        Of(|it, _, _| limit(it, 4, QIF_ILIMITS)),
        Of(|it, _, _| limit(it, 6, QIF_BTIME)),
        Of(|it, _, _| limit(it, 7, QIF_ITIME)),
        Of(|it, _, _| info(it, 0, 1)),
        Of(|it, _, _| info(it, 1, 2)),
        Of(|it, _, _| info_flags(it)),
        Of(|it, _, _| format_out(it)),
        As(0, flags::quota_command),
        As(0, flags::quota_type),
        Of(|it, _, _| id(it)),
        Of(|it, _, _| format(it)),
    ];

    fn command(it: &Called<'_>) -> u32 {
        flags::quota_command(it.argument(0))
    }

    /// A number of the struct about one user or group; 0 where it does not hold.
    fn limit<'a>(it: &Called<'a>, place: usize, valid: u32) -> Option<Value<'a>> {
        let about_one = matches!(command(it), flags::Q_GETQUOTA | flags::Q_SETQUOTA);
        let holds = about_one && it.u32_in(0, 64).is_some_and(|bits| bits & valid != 0);
        Some(Value::U64(it.u64_in(0, 8 * place).filter(|_| holds).unwrap_or_default()))
    }

    /// A number of `struct if_dqinfo`.
    fn info<'a>(it: &Called<'a>, place: usize, valid: u32) -> Option<Value<'a>> {
        let holds = about_all(it) && it.u32_in(0, 20).is_some_and(|bits| bits & valid != 0);
        Some(Value::U64(it.u64_in(0, 8 * place).filter(|_| holds).unwrap_or_default()))
    }

    fn info_flags<'a>(it: &Called<'a>) -> Option<Value<'a>> {
        let holds = about_all(it) && it.u32_in(0, 20).is_some_and(|bits| bits & 4 != 0);
        let value = it.u32_in(0, 16).filter(|_| holds).unwrap_or_default();
        Some(Value::U64((value & 0xff).into()))
    }

    fn about_all(it: &Called<'_>) -> bool {
        matches!(command(it), flags::Q_GETINFO | flags::Q_SETINFO)
    }

    fn format_out<'a>(it: &Called<'a>) -> Option<Value<'a>> {
        let told = it.u32_in(0, 0).filter(|_| command(it) == flags::Q_GETFMT);
        let format = told.map_or(flags::QFMT_NOT_USED, |format| flags::quota_format(format.into()));
        Some(Value::U64(format.into()))
    }

    fn id<'a>(it: &Called<'a>) -> Option<Value<'a>> {
        let one = [flags::Q_GETQUOTA, flags::Q_SETQUOTA, flags::Q_XGETQUOTA, flags::Q_XSETQLIM];
        let id = it.argument(2) & 0xffff_ffff;
        Some(Value::U64(if one.contains(&command(it)) { id } else { 0 }))
    }

    fn format<'a>(it: &Called<'a>) -> Option<Value<'a>> {
        let on = command(it) == flags::Q_QUOTAON;
        let format = if on { flags::quota_format(it.argument(2)) } else { flags::QFMT_NOT_USED };
        Some(Value::U64(format.into()))
    }
}
