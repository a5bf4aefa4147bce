//! Falco's event codes, old ones too.
//!
//! Facts: `driver/event_table.c` of falcosecurity/libs.

use k8srd_core::kind::{EventKind, KINDS, KindFlags, KindInfo};

/// How many codes there are.
pub(crate) const COUNT: u16 = 454;

/// Two codes each: the entry and the return of a call, or an event and nothing. The name that both
/// have, and how many params the newest form of each has.
#[rustfmt::skip]
const PAIRS: [(&str, u8, u8); COUNT as usize / 2] = [
    ("syscall", 2, 2), // 0
    ("open", 3, 6), // 2
    ("close", 1, 2), // 4
    ("read", 2, 4), // 6
    ("write", 2, 4), // 8
    ("brk", 1, 1), // 10
    ("execve", 0, 8), // 12
    ("clone", 0, 11), // 14
    ("procexit", 0, 0), // 16
    ("socket", 3, 5), // 18
    ("bind", 1, 3), // 20
    ("connect", 2, 4), // 22
    ("listen", 2, 3), // 24
    ("accept", 0, 3), // 26
    ("send", 2, 5), // 28
    ("sendto", 3, 5), // 30
    ("recv", 2, 5), // 32
    ("recvfrom", 2, 5), // 34
    ("shutdown", 2, 3), // 36
    ("getsockname", 0, 0), // 38
    ("getpeername", 0, 0), // 40
    ("socketpair", 3, 8), // 42
    ("setsockopt", 0, 6), // 44
    ("getsockopt", 0, 6), // 46
    ("sendmsg", 3, 5), // 48
    ("sendmmsg", 0, 5), // 50
    ("recvmsg", 1, 6), // 52
    ("recvmmsg", 0, 6), // 54
    ("accept", 1, 3), // 56
    ("creat", 2, 6), // 58
    ("pipe", 0, 4), // 60
    ("eventfd", 2, 3), // 62
    ("futex", 3, 4), // 64
    ("stat", 0, 2), // 66
    ("lstat", 0, 2), // 68
    ("fstat", 1, 2), // 70
    ("stat64", 0, 2), // 72
    ("lstat64", 0, 2), // 74
    ("fstat64", 1, 1), // 76
    ("epoll_wait", 1, 2), // 78
    ("poll", 2, 3), // 80
    ("select", 0, 1), // 82
    ("select", 0, 1), // 84
    ("lseek", 3, 4), // 86
    ("llseek", 3, 4), // 88
    ("ioctl", 2, 1), // 90
    ("getcwd", 0, 2), // 92
    ("chdir", 0, 2), // 94
    ("fchdir", 1, 2), // 96
    ("mkdir", 2, 1), // 98
    ("rmdir", 1, 1), // 100
    ("openat", 4, 1), // 102
    ("link", 2, 1), // 104
    ("linkat", 4, 1), // 106
    ("unlink", 1, 1), // 108
    ("unlinkat", 2, 1), // 110
    ("pread", 3, 5), // 112
    ("pwrite", 3, 5), // 114
    ("readv", 1, 4), // 116
    ("writev", 2, 4), // 118
    ("preadv", 2, 5), // 120
    ("pwritev", 3, 5), // 122
    ("dup", 1, 1), // 124
    ("signalfd", 3, 4), // 126
    ("kill", 2, 3), // 128
    ("tkill", 2, 3), // 130
    ("tgkill", 3, 4), // 132
    ("nanosleep", 1, 2), // 134
    ("timerfd_create", 2, 3), // 136
    ("inotify_init", 1, 2), // 138
    ("getrlimit", 1, 4), // 140
    ("setrlimit", 1, 4), // 142
    ("prlimit", 2, 7), // 144
    ("switch", 1, 0), // 146
    ("drop", 1, 1), // 148
    ("fcntl", 2, 4), // 150
    ("switch", 6, 0), // 152
    ("execve", 0, 13), // 154
    ("clone", 0, 16), // 156
    ("brk", 1, 5), // 158
    ("mmap", 6, 10), // 160
    ("mmap2", 6, 10), // 162
    ("munmap", 2, 6), // 164
    ("splice", 4, 5), // 166
    ("ptrace", 2, 5), // 168
    ("ioctl", 3, 4), // 170
    ("execve", 0, 14), // 172
    ("rename", 0, 3), // 174
    ("renameat", 0, 5), // 176
    ("symlink", 0, 3), // 178
    ("symlinkat", 0, 4), // 180
    ("fork", 0, 16), // 182
    ("vfork", 0, 16), // 184
    ("procexit", 5, 0), // 186
    ("sendfile", 4, 5), // 188
    ("quotactl", 4, 18), // 190
    ("setresuid", 3, 4), // 192
    ("setresgid", 3, 4), // 194
    ("scapevent", 2, 0), // 196
    ("setuid", 1, 2), // 198
    ("setgid", 1, 2), // 200
    ("getuid", 0, 1), // 202
    ("geteuid", 0, 1), // 204
    ("getgid", 0, 1), // 206
    ("getegid", 0, 1), // 208
    ("getresuid", 0, 4), // 210
    ("getresgid", 0, 4), // 212
    ("execve", 0, 15), // 214
    ("clone", 0, 17), // 216
    ("fork", 0, 17), // 218
    ("vfork", 0, 17), // 220
    ("clone", 0, 21), // 222
    ("fork", 0, 21), // 224
    ("vfork", 0, 21), // 226
    ("container", 4, 0), // 228
    ("execve", 0, 16), // 230
    ("signaldeliver", 3, 0), // 232
    ("procinfo", 2, 0), // 234
    ("getdents", 1, 2), // 236
    ("getdents64", 1, 2), // 238
    ("setns", 2, 3), // 240
    ("flock", 2, 3), // 242
    ("cpu_hotplug", 2, 0), // 244
    ("accept", 0, 5), // 246
    ("accept", 1, 5), // 248
    ("semop", 1, 9), // 250
    ("semctl", 4, 5), // 252
    ("ppoll", 3, 4), // 254
    ("mount", 1, 5), // 256
    ("umount", 1, 2), // 258
    ("k8s", 1, 0), // 260
    ("semget", 3, 4), // 262
    ("access", 1, 3), // 264
    ("chroot", 0, 2), // 266
    ("tracer", 3, 3), // 268
    ("mesos", 1, 0), // 270
    ("container", 1, 0), // 272
    ("setsid", 0, 1), // 274
    ("mkdir", 1, 3), // 276
    ("rmdir", 0, 2), // 278
    ("notification", 2, 0), // 280
    ("execve", 0, 17), // 282
    ("unshare", 1, 2), // 284
    ("infra", 4, 0), // 286
    ("execve", 1, 17), // 288
    ("page_fault", 3, 0), // 290
    ("execve", 1, 31), // 292
    ("setpgid", 2, 3), // 294
    ("bpf", 1, 1), // 296
    ("seccomp", 2, 3), // 298
    ("unlink", 0, 2), // 300
    ("unlinkat", 0, 4), // 302
    ("mkdirat", 0, 4), // 304
    ("openat", 4, 7), // 306
    ("link", 0, 3), // 308
    ("linkat", 0, 6), // 310
    ("fchmodat", 0, 4), // 312
    ("chmod", 0, 3), // 314
    ("fchmod", 0, 3), // 316
    ("renameat2", 0, 6), // 318
    ("userfaultfd", 0, 2), // 320
    ("pluginevent", 2, 0), // 322
    ("container", 1, 0), // 324
    ("openat2", 5, 8), // 326
    ("mprotect", 3, 4), // 328
    ("execveat", 3, 30), // 330
    ("copy_file_range", 3, 6), // 332
    ("clone3", 0, 21), // 334
    ("open_by_handle_at", 0, 6), // 336
    ("io_uring_setup", 0, 8), // 338
    ("io_uring_enter", 0, 6), // 340
    ("io_uring_register", 0, 5), // 342
    ("mlock", 0, 3), // 344
    ("munlock", 0, 3), // 346
    ("mlockall", 0, 2), // 348
    ("munlockall", 0, 1), // 350
    ("capset", 0, 4), // 352
    ("useradded", 6, 0), // 354
    ("userdeleted", 6, 0), // 356
    ("groupadded", 3, 0), // 358
    ("groupdeleted", 3, 0), // 360
    ("dup2", 1, 3), // 362
    ("dup3", 1, 4), // 364
    ("dup", 1, 2), // 366
    ("bpf", 1, 2), // 368
    ("mlock2", 0, 4), // 370
    ("fsconfig", 0, 7), // 372
    ("epoll_create", 1, 2), // 374
    ("epoll_create1", 1, 2), // 376
    ("chown", 0, 4), // 378
    ("lchown", 0, 4), // 380
    ("fchown", 0, 4), // 382
    ("fchownat", 0, 6), // 384
    ("umount", 0, 2), // 386
    ("accept4", 1, 6), // 388
    ("umount2", 1, 3), // 390
    ("pipe2", 0, 5), // 392
    ("inotify_init1", 0, 2), // 394
    ("eventfd2", 1, 3), // 396
    ("signalfd4", 2, 4), // 398
    ("prctl", 0, 4), // 400
    ("asyncevent", 3, 0), // 402
    ("memfd_create", 0, 3), // 404
    ("pidfd_getfd", 0, 4), // 406
    ("pidfd_open", 0, 3), // 408
    ("init_module", 0, 4), // 410
    ("finit_module", 0, 4), // 412
    ("mknod", 0, 4), // 414
    ("mknodat", 0, 5), // 416
    ("newfstatat", 0, 4), // 418
    ("process_vm_readv", 0, 3), // 420
    ("process_vm_writev", 0, 3), // 422
    ("delete_module", 0, 3), // 424
    ("setreuid", 0, 3), // 426
    ("setregid", 0, 3), // 428
    ("task", 32, 0), // 430
    ("task_file_pipe", 3, 0), // 432
    ("task_file_memfd", 3, 0), // 434
    ("task_file_regular", 5, 0), // 436
    ("task_file_directory", 3, 0), // 438
    ("task_file_socket_inet", 8, 0), // 440
    ("task_file_socket_inet6", 8, 0), // 442
    ("task_file_socket_unix", 6, 0), // 444
    ("task_file_socket_netlink", 4, 0), // 446
    ("task_file_anon_inode", 4, 0), // 448
    ("close_range", 0, 4), // 450
    ("keyctl", 0, 6), // 452
];

/// System calls that have an event of their own today, by the number (`PPM_SC_*`) under which
/// older writers recorded them without their arguments.
#[rustfmt::skip]
const CALLS_WITH_EVENTS: &[(u16, &str)] = &[
    (3, "read"), (4, "write"), (5, "open"), (6, "close"), (7, "creat"), (8, "link"), (9, "unlink"),
    (10, "chdir"), (12, "mknod"), (13, "chmod"), (14, "stat"), (15, "lseek"), (17, "mount"),
    (18, "ptrace"), (20, "fstat"), (23, "access"), (25, "kill"), (26, "rename"), (27, "mkdir"),
    (28, "rmdir"), (29, "dup"), (30, "pipe"), (32, "brk"), (34, "ioctl"), (35, "fcntl"),
    (36, "setpgid"), (38, "chroot"), (40, "dup2"), (43, "setsid"), (45, "setrlimit"),
    (49, "symlink"), (50, "lstat"), (55, "mmap"), (56, "munmap"), (59, "fchmod"), (75, "mprotect"),
    (76, "init_module"), (77, "delete_module"), (78, "quotactl"), (80, "fchdir"), (83, "getdents"),
    (84, "select"), (85, "flock"), (87, "readv"), (88, "writev"), (91, "mlock"), (92, "munlock"),
    (93, "mlockall"), (94, "munlockall"), (103, "nanosleep"), (105, "poll"), (106, "prctl"),
    (113, "getcwd"), (115, "capset"), (116, "sendfile"), (117, "getrlimit"), (118, "lchown"),
    (119, "getuid"), (120, "getgid"), (121, "geteuid"), (122, "getegid"), (123, "setreuid"),
    (124, "setregid"), (127, "fchown"), (128, "setresuid"), (129, "getresuid"), (130, "setresgid"),
    (131, "getresgid"), (132, "chown"), (133, "setuid"), (134, "setgid"), (153, "tkill"),
    (154, "futex"), (165, "epoll_create"), (167, "epoll_wait"), (179, "tgkill"), (191, "keyctl"),
    (194, "inotify_init"), (197, "openat"), (198, "mkdirat"), (199, "mknodat"), (200, "fchownat"),
    (202, "unlinkat"), (203, "renameat"), (204, "linkat"), (205, "symlinkat"), (207, "fchmodat"),
    (210, "ppoll"), (211, "unshare"), (214, "splice"), (220, "signalfd"), (221, "timerfd_create"),
    (222, "eventfd"), (225, "signalfd4"), (226, "eventfd2"), (227, "epoll_create1"), (228, "dup3"),
    (229, "pipe2"), (230, "inotify_init1"), (231, "preadv"), (232, "pwritev"), (239, "setns"),
    (240, "getdents64"), (241, "socket"), (242, "bind"), (243, "connect"), (244, "listen"),
    (245, "accept"), (246, "getsockname"), (247, "getpeername"), (248, "socketpair"),
    (249, "sendto"), (250, "recvfrom"), (251, "shutdown"), (252, "setsockopt"), (253, "getsockopt"),
    (254, "sendmsg"), (255, "sendmmsg"), (256, "recvmsg"), (257, "recvmmsg"), (258, "accept4"),
    (259, "semop"), (260, "semget"), (261, "semctl"), (278, "stat64"), (279, "lstat64"),
    (280, "fstat64"), (282, "mmap2"), (288, "umount"), (300, "newfstatat"),
    (301, "process_vm_readv"), (302, "process_vm_writev"), (303, "fork"), (304, "vfork"),
    (314, "finit_module"), (315, "bpf"), (316, "seccomp"), (320, "renameat2"), (321, "userfaultfd"),
    (322, "openat2"), (323, "umount2"), (324, "execve"), (325, "execveat"),
    (326, "copy_file_range"), (327, "clone"), (328, "clone3"), (329, "open_by_handle_at"),
    (330, "io_uring_setup"), (331, "io_uring_enter"), (332, "io_uring_register"), (333, "mlock2"),
    (335, "fsconfig"), (342, "memfd_create"), (346, "pidfd_getfd"), (347, "pidfd_open"),
    (392, "close_range"), (394, "recv"), (395, "send"),
];

/// The kind of a system call that was recorded by its number alone, and that today's writers record
/// as an event of its own.
pub(crate) fn kind_of_call(number: u16) -> Option<EventKind> {
    let place = CALLS_WITH_EVENTS.binary_search_by_key(&number, |(number, _)| *number).ok()?;
    let (_, name) = CALLS_WITH_EVENTS.get(place)?;
    let is_it = |info: &&KindInfo| info.name == *name && !info.kind.is_state();
    KINDS.iter().find(is_it).map(|info| info.kind)
}

/// The name of the event; `None` for a code that is newer than this table.
pub(crate) fn name(code: u16) -> Option<&'static str> {
    PAIRS.get(usize::from(code / 2)).map(|(name, ..)| *name)
}

/// The most params that the event has; `None` for a code that is newer than this table.
pub(crate) fn params(code: u16) -> Option<u8> {
    let (_, entry, exit) = PAIRS.get(usize::from(code / 2))?;
    Some(if code.is_multiple_of(2) { *entry } else { *exit })
}

/// Whether the lengths of params have 32 bits.
pub(crate) fn is_large(code: u16) -> bool {
    let info = KindInfo::of(EventKind(code));
    info.is_some_and(|info| info.flags.contains(KindFlags::LARGE_PAYLOAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_kind() {
        for (number, name) in CALLS_WITH_EVENTS {
            let kind = kind_of_call(*number);
            assert!(kind.is_some(), "{name}");
            let without_params = KindInfo::of(EventKind::call(*number));
            assert!(without_params.is_none(), "{name} has a kind without params, too");
        }
        assert_eq!(kind_of_call(139), None, "madvise has no event of its own");
    }

    #[test]
    fn the_newest_forms_are_those_of_the_kind_table() {
        for info in KINDS.iter().filter(|info| info.kind.0 < COUNT) {
            assert_eq!(name(info.kind.0), Some(&*info.name));
            assert_eq!(
                params(info.kind.0).map(usize::from),
                Some(info.params.len()),
                "{}",
                info.name
            );
        }
        assert_eq!((name(COUNT), params(u16::MAX)), (None, None));
    }
}
