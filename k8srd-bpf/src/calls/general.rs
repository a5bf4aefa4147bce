//! Calls without an event of Falco's own. Their params are Falco's, the number of the call; what they
//! were given and returned is in fields `ctx.call.*`, and what they are about in `ctx.fd.*`.

use k8srd_core::kind::EventKind;
use k8srd_core::value::Value;

use super::{Call, Make, call};
use Make::Of;

/// Falco's number of the call, and the number that it has here.
pub(super) const PARAMS: &[Make] = &[
    Of(|it, _, _| Some(Value::U64((it.kind().checked_sub(EventKind::call(0).0)?).into()))),
    Of(|it, _, _| it.number().map(|number| Value::U64(number.into()))),
];

const fn other(name: &'static str) -> Call {
    call(name, PARAMS)
}

pub(super) const CALLS: &[Call] = &[
    other("acct").path(0),
    other("cachestat").about(0),
    other("epoll_ctl").about(0),
    other("epoll_pwait").about(0),
    other("faccessat").path_at(0, 1).about(0),
    other("faccessat2").path_at(0, 1).about(0),
    other("fallocate").about(0),
    other("fanotify_init").makes(),
    other("fanotify_mark").about(0),
    other("fchmodat2").path_at(0, 1).about(0),
    other("fdatasync").about(0),
    other("fgetxattr").text(1).about(0),
    other("flistxattr").about(0),
    other("fremovexattr").text(1).about(0),
    other("fsetxattr").text(1).about(0),
    other("fsmount").about(0),
    other("fsopen").text(0).makes(),
    other("fspick").path_at(0, 1).makes(),
    other("fstatfs").about(0),
    other("fstatfs64").about(0),
    other("fsync").about(0),
    other("ftruncate").about(0),
    other("futimesat").path_at(0, 1).about(0),
    other("getxattr").path(0).text(1),
    other("getxattrat").path_at(0, 1).text(3),
    other("inotify_add_watch").path(1).about(0),
    other("kexec_file_load").text(3).about(0),
    other("landlock_create_ruleset").makes(),
    other("lgetxattr").path(0).text(1),
    other("listxattr").path(0),
    other("listxattrat").path_at(0, 1),
    other("llistxattr").path(0),
    other("lremovexattr").path(0).text(1),
    other("lsetxattr").path(0).text(1),
    other("memfd_secret").makes(),
    other("mount_setattr").path_at(0, 1),
    other("move_mount").path_at(0, 1).path_at(2, 3),
    other("mq_open").text(0).makes(),
    other("mq_unlink").text(0),
    other("name_to_handle_at").path_at(0, 1),
    other("open_tree").path_at(0, 1).makes(),
    other("open_tree_attr").path_at(0, 1).makes(),
    other("perf_event_open").makes(),
    other("pidfd_send_signal").about(0),
    other("pivot_root").path(0).path(1),
    other("preadv2").about(0),
    other("process_madvise").about(0),
    other("process_mrelease").about(0),
    other("pwritev2").about(0),
    other("quotactl_fd").about(0),
    other("readahead").about(0),
    other("readlink").path(0),
    other("readlinkat").path_at(0, 1),
    other("removexattr").path(0).text(1),
    other("removexattrat").path_at(0, 1).text(3),
    other("setxattr").path(0).text(1),
    other("setxattrat").path_at(0, 1).text(3),
    other("statfs").path(0),
    other("statfs64").path(0),
    other("statx").path_at(0, 1),
    other("swapoff").path(0),
    other("swapon").path(0),
    other("sync_file_range").about(0),
    other("syncfs").about(0),
    other("tee").about(0),
    other("timerfd_gettime").about(0),
    other("timerfd_settime").about(0),
    other("truncate").path(0),
    other("uselib").path(0),
    other("utime").path(0),
    other("utimensat").path_at(0, 1),
    other("utimes").path(0),
    other("vmsplice").about(0),
];
