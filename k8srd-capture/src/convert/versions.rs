//! The versions of events: what older writers recorded, and how that becomes today's form.
//!
//! Facts: `userspace/libscap/engine/savefile/converter` of falcosecurity/libs. Generated once from
//! what is said there about each version; codes are never given anew.

/// Entries of system calls, with their number of params, that are kept until the call returns:
/// older writers split a call's params over both.
#[rustfmt::skip]
pub(super) const KEPT: &[(u16, u8)] = &[
    (0, 2), (4, 1), (6, 2), (8, 2), (10, 1), (18, 3), (20, 1), (24, 2),
    (28, 2), (30, 3), (32, 2), (34, 2), (36, 2), (42, 3), (48, 3), (52, 1),
    (56, 1), (62, 2), (64, 3), (70, 1), (78, 1), (80, 2), (86, 3), (88, 3),
    (90, 2), (96, 1), (98, 2), (100, 1), (102, 4), (104, 2), (106, 4), (108, 1),
    (110, 2), (112, 3), (114, 3), (116, 1), (118, 2), (120, 2), (122, 3), (124, 1),
    (126, 3), (128, 2), (130, 2), (132, 3), (134, 1), (136, 2), (138, 1), (140, 1),
    (142, 1), (144, 2), (150, 2), (158, 1), (160, 6), (162, 6), (164, 2), (166, 4),
    (168, 2), (170, 3), (188, 4), (190, 4), (192, 3), (194, 3), (198, 1), (200, 1),
    (236, 1), (238, 1), (240, 2), (242, 2), (248, 1), (250, 1), (252, 4), (254, 3),
    (256, 1), (262, 3), (264, 1), (276, 1), (284, 1), (294, 2), (296, 1), (298, 2),
    (328, 3), (332, 3), (374, 1), (376, 1), (388, 1), (390, 1), (396, 1), (398, 2),
];

/// What becomes of an event with this code and this number of params. `+`: its params stay, more
/// follow; `=code`: it becomes an event of that code with just these params; `pass`: it is as it
/// should be; `store`: it is kept as well. A param is `o1`: the event's own, `o1..4`: several;
/// `e1`: the entry's, 0 if there is none; `e1?`: the entry's, empty if there is none; `-`: empty; `0`: 0;
/// `json`: a container's facts as JSON.
#[rustfmt::skip]
pub(super) const RECIPES: &[(u16, u8, &str)] = &[
    (1, 1, "+ e1?"), // syscall
    (2, 0, "+ - - -"), // open
    (2, 3, "pass"), // open
    (3, 4, "+ -"), // open
    (3, 5, "+ -"), // open
    (5, 1, "+ e0"), // close
    (7, 2, "+ e0 e1"), // read
    (9, 2, "+ e0 e1"), // write
    (11, 1, "=159 o0 e0? - - -"), // brk
    (12, 0, "=154"), // execve
    (13, 8, "=155 o0..7 - - - - -"), // execve
    (15, 11, "=157 o0..7 - - - - - o8..10"), // clone
    (16, 0, "=186 - - - - -"), // procexit
    (19, 1, "+ e0 e1 e2"), // socket
    (19, 4, "+ 0"), // socket
    (21, 2, "+ e0"), // bind
    (22, 1, "+ 0"), // connect
    (22, 2, "pass store"), // connect
    (23, 2, "+ e0"), // connect
    (23, 3, "+ e1"), // connect
    (25, 1, "+ e0 e1"), // listen
    (27, 3, "=247 o0..2 0 0"), // accept
    (29, 2, "+ e0 e1 0"), // send
    (31, 2, "+ e0 e1 e2"), // sendto
    (33, 2, "+ e0 e1 0"), // recv
    (35, 3, "+ e0 e1"), // recvfrom
    (37, 1, "+ e0 e1"), // shutdown
    (43, 5, "+ e0 e1 e2"), // socketpair
    (49, 2, "+ e0 e1 e2"), // sendmsg
    (51, 0, "+ 0 - - - -"), // sendmmsg
    (53, 4, "+ 0"), // recvmsg
    (53, 5, "+ e0"), // recvmsg
    (55, 0, "+ 0 - - - - -"), // recvmmsg
    (57, 3, "=389 o0..2 0 0 e0"), // accept
    (58, 0, "+ - -"), // creat
    (58, 2, "pass"), // creat
    (59, 3, "+ -"), // creat
    (59, 4, "+ -"), // creat
    (59, 5, "+ -"), // creat
    (63, 1, "+ e0 e1"), // eventfd
    (65, 1, "+ e0 e1 e2"), // futex
    (71, 1, "+ e0"), // fstat
    (79, 1, "+ e0"), // epoll_wait
    (81, 2, "+ e1"), // poll
    (85, 1, "=83 o0"), // select
    (87, 1, "+ e0 e1 e2"), // lseek
    (89, 1, "+ e0 e1 e2"), // llseek
    (91, 1, "=171 o0 e0? e1? -"), // ioctl
    (97, 1, "+ e0?"), // fchdir
    (99, 1, "=277 o0 e0? e1?"), // mkdir
    (101, 1, "=279 o0 e0?"), // rmdir
    (103, 1, "=307 o0 e0? e1? e2? e3? - -"), // openat
    (105, 1, "=309 o0 e0? e1?"), // link
    (107, 1, "=311 o0 e0? e1? e2? e3? -"), // linkat
    (109, 1, "=301 o0 e0?"), // unlink
    (111, 1, "=303 o0 e0? e1? -"), // unlinkat
    (113, 2, "+ e0 e1 e2"), // pread
    (115, 2, "+ e0 e1 e2"), // pwrite
    (117, 3, "+ e0"), // readv
    (119, 2, "+ e0 e1"), // writev
    (121, 3, "+ e0 e1"), // preadv
    (123, 2, "+ e0 e1 e2"), // pwritev
    (125, 1, "=367 o0 e0?"), // dup
    (127, 1, "+ e0 e1 e2"), // signalfd
    (129, 1, "+ e0 e1"), // kill
    (131, 1, "+ e0 e1"), // tkill
    (133, 1, "+ e0 e1 e2"), // tgkill
    (135, 1, "+ e0"), // nanosleep
    (137, 1, "+ e0 e1"), // timerfd_create
    (139, 1, "+ e0"), // inotify_init
    (141, 3, "+ e0"), // getrlimit
    (143, 3, "+ e0"), // setrlimit
    (145, 5, "+ e0? e1?"), // prlimit
    (146, 1, "=152 o0 - - - - -"), // switch
    (151, 1, "+ e0 e1"), // fcntl
    (151, 3, "+ 0"), // fcntl
    (154, 0, "=172"), // execve
    (155, 13, "=173 o0..12 -"), // execve
    (157, 16, "=217 o0..12 - o13..15"), // clone
    (159, 4, "+ e0?"), // brk
    (161, 4, "+ e0 e1 e2 e3 e4 e5"), // mmap
    (163, 4, "+ e0 e1 e2 e3 e4 e5"), // mmap2
    (165, 4, "+ e0 e1"), // munmap
    (167, 1, "+ e0 e1 e2 e3"), // splice
    (169, 0, "+ - - -"), // ptrace
    (169, 3, "+ e0? e1?"), // ptrace
    (171, 1, "+ e0 e1 e2"), // ioctl
    (172, 0, "=214"), // execve
    (173, 14, "=215 o0..12 - o13"), // execve
    (183, 16, "=219 o0..12 - o13..15"), // fork
    (185, 16, "=221 o0..12 - o13..15"), // vfork
    (189, 2, "+ e0 e1 e3"), // sendfile
    (191, 14, "+ e0 e1 e2 e3"), // quotactl
    (193, 1, "+ e0? e1? e2?"), // setresuid
    (195, 1, "+ e0? e1? e2?"), // setresgid
    (199, 1, "+ e0?"), // setuid
    (201, 1, "+ e0?"), // setgid
    (214, 0, "=230"), // execve
    (215, 15, "=231 o0..13 - o14"), // execve
    (217, 17, "=223 o0..13 - o14..16 - -"), // clone
    (219, 17, "=225 o0..13 - o14..16 - -"), // fork
    (221, 17, "=227 o0..13 - o14..16 - -"), // vfork
    (223, 20, "+ -"), // clone
    (225, 20, "+ -"), // fork
    (227, 20, "+ -"), // vfork
    (228, 4, "=272 json"), // container
    (230, 0, "=282"), // execve
    (231, 16, "=283 o0..15 -"), // execve
    (237, 1, "+ e0"), // getdents
    (239, 1, "+ e0"), // getdents64
    (241, 1, "+ e0? e1?"), // setns
    (243, 1, "+ e0 e1"), // flock
    (249, 5, "=389 o0..4 e0"), // accept
    (251, 8, "+ e0"), // semop
    (253, 1, "+ e0 e1 e2 e3"), // semctl
    (255, 2, "+ e1 e2"), // ppoll
    (257, 4, "+ e0"), // mount
    (259, 2, "=387 o0 o1"), // umount
    (263, 1, "+ e0 e1 e2"), // semget
    (265, 2, "+ e0"), // access
    (272, 1, "=324 o0"), // container
    (277, 2, "+ e0?"), // mkdir
    (282, 0, "=288 -"), // execve
    (283, 17, "=289 o0..16"), // execve
    (285, 1, "+ e0"), // unshare
    (288, 1, "=292 o0"), // execve
    (289, 17, "=293 o0..16 -"), // execve
    (292, 1, "pass store"), // execve
    (293, 18, "+ -"), // execve
    (293, 19, "+ -"), // execve
    (293, 20, "+ - - -"), // execve
    (293, 23, "+ - - -"), // execve
    (293, 26, "+ -"), // execve
    (293, 27, "+ -"), // execve
    (293, 28, "+ -"), // execve
    (293, 29, "+ -"), // execve
    (293, 30, "+ e0?"), // execve
    (295, 1, "+ e0? e1?"), // setpgid
    (297, 1, "=369 o0 e0?"), // bpf
    (298, 1, "+ 0"), // seccomp
    (299, 1, "+ e0 e1"), // seccomp
    (306, 0, "+ - - - -"), // openat
    (306, 4, "pass"), // openat
    (307, 5, "+ -"), // openat
    (307, 6, "+ -"), // openat
    (326, 0, "+ - - - - -"), // openat2
    (326, 5, "pass"), // openat2
    (327, 6, "+ - -"), // openat2
    (329, 1, "+ e0 e1 e2"), // mprotect
    (330, 3, "pass"), // execveat
    (331, 19, "+ -"), // execveat
    (331, 20, "+ - - -"), // execveat
    (331, 23, "+ - - -"), // execveat
    (331, 26, "+ -"), // execveat
    (331, 27, "+ -"), // execveat
    (331, 28, "+ -"), // execveat
    (331, 29, "+ -"), // execveat
    (333, 3, "+ e0 e1 e2"), // copy_file_range
    (335, 20, "+ -"), // clone3
    (375, 1, "+ e0"), // epoll_create
    (377, 1, "+ e0"), // epoll_create1
    (389, 5, "+ e0"), // accept4
    (391, 2, "+ e0"), // umount2
    (397, 2, "+ e0"), // eventfd2
    (399, 2, "+ e0 e1"), // signalfd4
];
