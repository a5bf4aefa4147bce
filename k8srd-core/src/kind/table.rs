//! The kind table: one row a kind. Facts: `driver/event_table.c` of falcosecurity/libs.
//!
//! A row reads: Falco's code, name, origin and category, how many codes have the name, flags (by
//! [their letters](super::KindFlags::LETTERS)), then params with their types.

use std::borrow::Cow;

use super::calls::CALLS;
use super::state::STATE;
use super::{Category, EventKind, KindFlags, KindInfo, Origin, ParamInfo, ParamType};
use crate::field::NumberFormat::{self, Decimal, Hex, Octal};

/// A row as it is written down: everything is borrowed.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) code: u16,
    pub(super) name: &'static str,
    pub(super) origin: Origin,
    pub(super) category: Category,
    pub(super) codes: u16,
    pub(super) flags: KindFlags,
    pub(super) params: &'static [ParamInfo],
}

macro_rules! kinds {
    ($($code:literal $name:ident $origin:ident.$category:ident $codes:literal $flags:literal
        $(: $($param:ident: $ty:ident $($names:ident)?),+)?;)*) => {
        &[$($crate::kind::table::Row {
            code: $code,
            name: stringify!($name),
            origin: $crate::kind::Origin::$origin,
            category: $crate::kind::Category::$category,
            codes: $codes,
            flags: $crate::kind::KindFlags::of_letters($flags),
            params: &[$($($crate::kind::ParamInfo {
                name: stringify!($param),
                $(flags: $crate::kind::flags::$names,)?
                ..$crate::kind::table::types::$ty
            }),+)?],
        }),*]
    };
}
pub(super) use kinds;

/// Every kind of Falco's schema, by code.
pub static KINDS: &[KindInfo] = &ALL;

/// Events by Falco's code.
#[rustfmt::skip]
const EVENTS: &[Row] = kinds! {
    1 syscall Syscall.Other 2 "": ID: CallId, nativeID: U16;
    3 open Syscall.File 2 "sc": fd: Fd, name: Path, flags: Fl32 OPEN_FLAGS, mode: O32, dev: X32,
        ino: U64;
    5 close Syscall.IoOther 2 "sdu": res: Errno, fd: Fd;
    7 read Syscall.IoRead 2 "ur": res: Errno, data: Bytes, fd: Fd, size: U32;
    9 write Syscall.IoWrite 2 "uw": res: Errno, data: Bytes, fd: Fd, size: U32;
    19 socket Syscall.Net 2 "sc": fd: Fd, domain: En32 SOCKET_FAMILIES, type: U32, proto: U32,
        flags: Fl32 OPEN_FLAGS;
    21 bind Syscall.Net 2 "su": res: Errno, addr: Addr, fd: Fd;
    23 connect Syscall.Net 2 "su": res: Errno, tuple: Tuple, fd: Fd, addr: Addr;
    25 listen Syscall.Net 2 "u": res: Errno, fd: Fd, backlog: I32;
    29 send Syscall.IoWrite 2 "uw": res: Errno, data: Bytes, fd: Fd, size: U32, tuple: Tuple;
    31 sendto Syscall.IoWrite 2 "suw": res: Errno, data: Bytes, fd: Fd, size: U32, tuple: Tuple;
    33 recv Syscall.IoRead 2 "ur": res: Errno, data: Bytes, fd: Fd, size: U32, tuple: Tuple;
    35 recvfrom Syscall.IoRead 2 "sur": res: Errno, data: Bytes, tuple: Tuple, fd: Fd, size: U32;
    37 shutdown Syscall.Net 2 "su": res: Errno, fd: Fd, how: En8 SHUTDOWN_HOW;
    39 getsockname Syscall.Net 2 "";
    41 getpeername Syscall.Net 2 "";
    43 socketpair Syscall.Ipc 2 "sc": res: Errno, fd1: Fd, fd2: Fd, source: X64, peer: X64,
        domain: En32 SOCKET_FAMILIES, type: U32, proto: U32;
    45 setsockopt Syscall.Net 2 "u": res: Errno, fd: Fd, level: En8 SOCKOPT_LEVELS,
        optname: En8 SOCKOPT_OPTIONS, val: DynSockopt, optlen: U32;
    47 getsockopt Syscall.Net 2 "su": res: Errno, fd: Fd, level: En8 SOCKOPT_LEVELS,
        optname: En8 SOCKOPT_OPTIONS, val: DynSockopt, optlen: U32;
    49 sendmsg Syscall.IoWrite 2 "suw": res: Errno, data: Bytes, fd: Fd, size: U32, tuple: Tuple;
    51 sendmmsg Syscall.IoWrite 2 "suw": res: Errno, fd: Fd, size: U32, data: Bytes, tuple: Tuple;
    53 recvmsg Syscall.IoRead 2 "sur": res: Errno, size: U32, data: Bytes, tuple: Tuple,
        msgcontrol: Bytes, fd: Fd;
    55 recvmmsg Syscall.IoRead 2 "sur": res: Errno, fd: Fd, size: U32, data: Bytes, tuple: Tuple,
        msgcontrol: Bytes;
    59 creat Syscall.File 2 "sc": fd: Fd, name: Path, mode: O32, dev: X32, ino: U64,
        creat_flags: Fl16 CREAT_FLAGS;
    61 pipe Syscall.Ipc 2 "sc": res: Errno, fd1: Fd, fd2: Fd, ino: U64;
    63 eventfd Syscall.Ipc 2 "sc": res: Fd, initval: U64, flags: X32;
    65 futex Syscall.Ipc 2 "": res: Errno, addr: X64, op: Fl16 FUTEX_OPERATIONS, val: U64;
    67 stat Syscall.File 2 "": res: Errno, path: Path;
    69 lstat Syscall.File 2 "": res: Errno, path: Path;
    71 fstat Syscall.File 2 "u": res: Errno, fd: Fd;
    73 stat64 Syscall.File 2 "": res: Errno, path: Path;
    75 lstat64 Syscall.File 2 "": res: Errno, path: Path;
    77 fstat64 Syscall.File 2 "": res: Errno;
    79 epoll_wait Syscall.Wait 2 "b": res: Errno, maxevents: Errno;
    81 poll Syscall.Wait 2 "b": res: Errno, fds: FdList, timeout: I64;
    83 select Syscall.Wait 4 "b": res: Errno;
    87 lseek Syscall.File 2 "u": res: Errno, fd: Fd, offset: U64, whence: En8 LSEEK_WHENCE;
    89 llseek Syscall.File 2 "u": res: Errno, fd: Fd, offset: U64, whence: En8 LSEEK_WHENCE;
    93 getcwd Syscall.File 2 "": res: Errno, path: Str;
    95 chdir Syscall.File 2 "s": res: Errno, path: Str;
    97 fchdir Syscall.File 2 "su": res: Errno, fd: Fd;
    113 pread Syscall.IoRead 2 "ur": res: Errno, data: Bytes, fd: Fd, size: U32, pos: U64;
    115 pwrite Syscall.IoWrite 2 "uw": res: Errno, data: Bytes, fd: Fd, size: U32, pos: U64;
    117 readv Syscall.IoRead 2 "ur": res: Errno, size: U32, data: Bytes, fd: Fd;
    119 writev Syscall.IoWrite 2 "uw": res: Errno, data: Bytes, fd: Fd, size: U32;
    121 preadv Syscall.IoRead 2 "ur": res: Errno, size: U32, data: Bytes, fd: Fd, pos: U64;
    123 pwritev Syscall.IoWrite 2 "uw": res: Errno, data: Bytes, fd: Fd, size: U32, pos: U64;
    127 signalfd Syscall.Signal 2 "sc": res: Fd, fd: Fd, mask: X32, flags: X8;
    129 kill Syscall.Signal 2 "": res: Errno, pid: Pid, sig: Sig;
    131 tkill Syscall.Signal 2 "": res: Errno, tid: Pid, sig: Sig;
    133 tgkill Syscall.Signal 2 "": res: Errno, pid: Pid, tid: Pid, sig: Sig;
    135 nanosleep Syscall.Sleep 2 "b": res: Errno, interval: Rel;
    137 timerfd_create Syscall.Time 2 "sc": res: Fd, clockid: U8, flags: X8;
    139 inotify_init Syscall.Ipc 2 "sc": res: Fd, flags: X8;
    141 getrlimit Syscall.Process 2 "": res: Errno, cur: I64, max: I64,
        resource: En8 RLIMIT_RESOURCES;
    143 setrlimit Syscall.Process 2 "": res: Errno, cur: I64, max: I64,
        resource: En8 RLIMIT_RESOURCES;
    145 prlimit Syscall.Process 2 "": res: Errno, newcur: I64, newmax: I64, oldcur: I64,
        oldmax: I64, pid: I64, resource: En8 RLIMIT_RESOURCES;
    148 drop Meta.Internal 2 "k": ratio: U32;
    149 drop Meta.Internal 2 "k": ratio: U32;
    151 fcntl Syscall.IoOther 2 "su": res: Fd, fd: Fd, cmd: En8 FCNTL_COMMANDS, arg: X64;
    152 switch Tracepoint.Scheduler 2 "": next: Pid, pgft_maj: U64, pgft_min: U64, vm_size: U32,
        vm_rss: U32, vm_swap: U32;
    159 brk Syscall.Memory 4 "": res: X64, vm_size: U32, vm_rss: U32, vm_swap: U32, addr: X64;
    161 mmap Syscall.Memory 2 "u": res: Errno, vm_size: U32, vm_rss: U32, vm_swap: U32, addr: X64,
        length: U64, prot: Fl32 PROT_FLAGS, flags: Fl32 MMAP_FLAGS, fd: Fd, offset: U64;
    163 mmap2 Syscall.Memory 2 "u": res: Errno, vm_size: U32, vm_rss: U32, vm_swap: U32, addr: X64,
        length: U64, prot: Fl32 PROT_FLAGS, flags: Fl32 MMAP_FLAGS, fd: Fd, pgoffset: U64;
    165 munmap Syscall.Memory 2 "": res: Errno, vm_size: U32, vm_rss: U32, vm_swap: U32, addr: X64,
        length: U64;
    167 splice Syscall.IoOther 2 "u": res: Errno, fd_in: Fd, fd_out: Fd, size: U64,
        flags: Fl32 SPLICE_FLAGS;
    169 ptrace Syscall.Process 2 "": res: Errno, addr: DynPtrace, data: DynPtrace,
        request: En16 PTRACE_REQUESTS, pid: Pid;
    171 ioctl Syscall.IoOther 4 "u": res: Errno, fd: Fd, request: X64, argument: X64;
    175 rename Syscall.File 2 "": res: Errno, oldpath: Path, newpath: Path;
    177 renameat Syscall.File 2 "": res: Errno, olddirfd: Fd, oldpath: RelPath, newdirfd: Fd,
        newpath: RelPath;
    179 symlink Syscall.File 2 "": res: Errno, target: Str, linkpath: Path;
    181 symlinkat Syscall.File 2 "u": res: Errno, target: Str, linkdirfd: Fd, linkpath: RelPath;
    186 procexit Tracepoint.Process 2 "s": status: Errno, ret: Errno, sig: Sig, core: U8,
        reaper_tid: Pid;
    189 sendfile Syscall.IoWrite 2 "u": res: Errno, offset: U64, out_fd: Fd, in_fd: Fd, size: U64;
    191 quotactl Syscall.User 2 "": res: Errno, special: Str, quotafilepath: Str,
        dqb_bhardlimit: U64, dqb_bsoftlimit: U64, dqb_curspace: U64, dqb_ihardlimit: U64,
        dqb_isoftlimit: U64, dqb_btime: Rel, dqb_itime: Rel, dqi_bgrace: Rel, dqi_igrace: Rel,
        dqi_flags: Fl8 QUOTACTL_DQI_FLAGS, quota_fmt_out: Fl8 QUOTACTL_QUOTA_FMTS,
        cmd: Fl16 QUOTACTL_CMDS, type: Fl8 QUOTACTL_TYPES, id: U32,
        quota_fmt: Fl8 QUOTACTL_QUOTA_FMTS;
    193 setresuid Syscall.User 2 "s": res: Errno, ruid: Uid, euid: Uid, suid: Uid;
    195 setresgid Syscall.User 2 "s": res: Errno, rgid: Gid, egid: Gid, sgid: Gid;
    196 scapevent Meta.Internal 1 "k": event_type: U32, event_data: U64;
    199 setuid Syscall.User 2 "s": res: Errno, uid: Uid;
    201 setgid Syscall.User 2 "s": res: Errno, gid: Gid;
    203 getuid Syscall.User 2 "": uid: Uid;
    205 geteuid Syscall.User 2 "": euid: Uid;
    207 getgid Syscall.User 2 "": gid: Gid;
    209 getegid Syscall.User 2 "": egid: Gid;
    211 getresuid Syscall.User 2 "": res: Errno, ruid: Uid, euid: Uid, suid: Uid;
    213 getresgid Syscall.User 2 "": res: Errno, rgid: Gid, egid: Gid, sgid: Gid;
    223 clone Syscall.Process 8 "s": res: Pid, exe: Str, args: Bytes, tid: Pid, pid: Pid,
        ptid: Pid, cwd: Str, fdlimit: I64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, flags: Fl32 CLONE_FLAGS, uid: U32, gid: U32,
        vtid: Pid, vpid: Pid, pidns_init_start_ts: U64;
    225 fork Syscall.Process 6 "s": res: Pid, exe: Str, args: Bytes, tid: Pid, pid: Pid, ptid: Pid,
        cwd: Str, fdlimit: I64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, flags: Fl32 CLONE_FLAGS, uid: U32, gid: U32,
        vtid: Pid, vpid: Pid, pidns_init_start_ts: U64;
    227 vfork Syscall.Process 6 "s": res: Pid, exe: Str, args: Bytes, tid: Pid, pid: Pid,
        ptid: Pid, cwd: Str, fdlimit: I64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, flags: Fl32 CLONE_FLAGS, uid: U32, gid: U32,
        vtid: Pid, vpid: Pid, pidns_init_start_ts: U64;
    232 signaldeliver Tracepoint.Signal 1 "": spid: Pid, dpid: Pid, sig: Sig;
    234 procinfo Meta.Internal 1 "k": cpu_usr: U64, cpu_sys: U64;
    237 getdents Syscall.File 2 "u": res: Errno, fd: Fd;
    239 getdents64 Syscall.File 2 "u": res: Errno, fd: Fd;
    241 setns Syscall.Process 2 "u": res: Errno, fd: Fd, nstype: Fl32 CLONE_FLAGS;
    243 flock Syscall.File 2 "u": res: Errno, fd: Fd, operation: Fl32 FLOCK_FLAGS;
    244 cpu_hotplug Meta.System 1 "sk": cpu: U32, action: U32;
    247 accept Syscall.Net 8 "sc": fd: Fd, tuple: Tuple, queuepct: U8, queuelen: U32,
        queuemax: U32;
    251 semop Syscall.Process 2 "": res: Errno, nsops: U32, sem_num_0: U16, sem_op_0: I16,
        sem_flg_0: Fl16 SEMOP_FLAGS, sem_num_1: U16, sem_op_1: I16, sem_flg_1: Fl16 SEMOP_FLAGS,
        semid: I32;
    253 semctl Syscall.Process 2 "": res: Errno, semid: I32, semnum: I32,
        cmd: Fl16 SEMCTL_COMMANDS, val: I32;
    255 ppoll Syscall.Wait 2 "b": res: Errno, fds: FdList, timeout: Rel, sigmask: SigSet;
    257 mount Syscall.File 2 "s": res: Errno, dev: Str, dir: Path, type: Str,
        flags: Fl32 MOUNT_FLAGS;
    263 semget Syscall.Process 2 "": res: Errno, key: IX32, nsems: I32, semflg: Fl32 SEMGET_FLAGS;
    265 access Syscall.File 2 "": res: Errno, name: Path, mode: Fl32 ACCESS_FLAGS;
    267 chroot Syscall.Process 2 "s": res: Errno, path: Path;
    275 setsid Syscall.Process 2 "s": res: Pid;
    277 mkdir Syscall.File 4 "": res: Errno, path: Path, mode: X32;
    279 rmdir Syscall.File 4 "": res: Errno, path: Path;
    280 notification Meta.Other 1 "k": id: Str, desc: Str;
    285 unshare Syscall.Process 2 "": res: Errno, flags: Fl32 CLONE_FLAGS;
    286 infra Meta.Internal 1 "k": source: Str, name: Str, description: Str, scope: Str;
    290 page_fault Tracepoint.Other 1 "k": addr: X64, ip: X64, error: Fl32 PF_FLAGS;
    293 execve Syscall.Process 16 "s": res: Errno, exe: Str, args: Bytes, tid: Pid, pid: Pid,
        ptid: Pid, cwd: Str, fdlimit: U64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, env: Bytes, tty: U32, vpgid: Pid, loginuid: Uid,
        flags: Fl32 EXE_FLAGS, cap_inheritable: X64, cap_permitted: X64, cap_effective: X64,
        exe_ino: U64, exe_ino_ctime: Abs, exe_ino_mtime: Abs, uid: Uid, trusted_exepath: Path,
        pgid: Pid, gid: Gid, filename: Path;
    295 setpgid Syscall.Process 2 "": res: Errno, pid: Pid, pgid: Pid;
    299 seccomp Syscall.Other 2 "": res: Errno, op: U64, flags: X64;
    301 unlink Syscall.File 4 "": res: Errno, path: Path;
    303 unlinkat Syscall.File 4 "u": res: Errno, dirfd: Fd, name: RelPath,
        flags: Fl32 UNLINKAT_FLAGS;
    305 mkdirat Syscall.File 2 "u": res: Errno, dirfd: Fd, path: RelPath, mode: X32;
    307 openat Syscall.File 4 "sc": fd: Fd, dirfd: Fd, name: RelPath, flags: Fl32 OPEN_FLAGS,
        mode: O32, dev: X32, ino: U64;
    309 link Syscall.File 4 "": res: Errno, oldpath: Path, newpath: Path;
    311 linkat Syscall.File 4 "": res: Errno, olddir: Fd, oldpath: RelPath, newdir: Fd,
        newpath: RelPath, flags: Fl32 LINKAT_FLAGS;
    313 fchmodat Syscall.File 2 "u": res: Errno, dirfd: Fd, filename: RelPath,
        mode: Mode CHMOD_MODE;
    315 chmod Syscall.File 2 "": res: Errno, filename: Path, mode: Mode CHMOD_MODE;
    317 fchmod Syscall.File 2 "u": res: Errno, fd: Fd, mode: Mode CHMOD_MODE;
    319 renameat2 Syscall.File 2 "": res: Errno, olddirfd: Fd, oldpath: RelPath, newdirfd: Fd,
        newpath: RelPath, flags: Fl32 RENAMEAT2_FLAGS;
    321 userfaultfd Syscall.File 2 "sc": res: Errno, flags: Fl32 OPEN_FLAGS;
    322 pluginevent Plugin.Other 1 "L": plugin_id: U32, event_data: Bytes;
    324 container Meta.Process 3 "sL": json: Str;
    327 openat2 Syscall.File 2 "sc": fd: Fd, dirfd: Fd, name: RelPath, flags: Fl32 OPEN_FLAGS,
        mode: O32, resolve: Fl32 RESOLVE_FLAGS, dev: X32, ino: U64;
    329 mprotect Syscall.Memory 2 "": res: Errno, addr: X64, length: U64, prot: Fl32 PROT_FLAGS;
    331 execveat Syscall.Process 2 "s": res: Errno, exe: Str, args: Bytes, tid: Pid, pid: Pid,
        ptid: Pid, cwd: Str, fdlimit: U64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, env: Bytes, tty: U32, vpgid: Pid, loginuid: Uid,
        flags: Fl32 EXE_FLAGS, cap_inheritable: X64, cap_permitted: X64, cap_effective: X64,
        exe_ino: U64, exe_ino_ctime: Abs, exe_ino_mtime: Abs, uid: Uid, trusted_exepath: Path,
        pgid: Pid, gid: Gid;
    333 copy_file_range Syscall.File 2 "urw": res: Errno, fdout: Fd, offout: U64, fdin: Fd,
        offin: U64, len: U64;
    335 clone3 Syscall.Process 2 "s": res: Pid, exe: Str, args: Bytes, tid: Pid, pid: Pid,
        ptid: Pid, cwd: Str, fdlimit: I64, pgft_maj: U64, pgft_min: U64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, comm: Str, cgroups: Bytes, flags: Fl32 CLONE_FLAGS, uid: U32, gid: U32,
        vtid: Pid, vpid: Pid, pidns_init_start_ts: U64;
    337 open_by_handle_at Syscall.File 2 "sc": fd: Fd, mountfd: Fd, flags: Fl32 OPEN_FLAGS,
        path: Path, dev: X32, ino: U64;
    339 io_uring_setup Syscall.IoOther 2 "sc": res: Errno, entries: U32, sq_entries: U32,
        cq_entries: U32, flags: Fl32 IO_URING_SETUP_FLAGS, sq_thread_cpu: U32, sq_thread_idle: U32,
        features: Fl32 IO_URING_SETUP_FEATS;
    341 io_uring_enter Syscall.IoOther 2 "u": res: Errno, fd: Fd, to_submit: U32,
        min_complete: U32, flags: Fl32 IO_URING_ENTER_FLAGS, sig: SigSet;
    343 io_uring_register Syscall.IoOther 2 "u": res: Errno, fd: Fd,
        opcode: En16 IO_URING_REGISTER_OPCODES, arg: X64, nr_args: U32;
    345 mlock Syscall.Memory 2 "": res: Errno, addr: X64, len: U64;
    347 munlock Syscall.Memory 2 "": res: Errno, addr: X64, len: U64;
    349 mlockall Syscall.Memory 2 "": res: Errno, flags: Fl32 MLOCKALL_FLAGS;
    351 munlockall Syscall.Memory 2 "": res: Errno;
    353 capset Syscall.Process 2 "s": res: Errno, cap_inheritable: X64, cap_permitted: X64,
        cap_effective: X64;
    354 useradded Meta.Process 1 "s": uid: U32, gid: U32, name: Str, home: Str, shell: Str,
        container_id: Str;
    356 userdeleted Meta.Process 1 "s": uid: U32, gid: U32, name: Str, home: Str, shell: Str,
        container_id: Str;
    358 groupadded Meta.Process 1 "s": gid: U32, name: Str, container_id: Str;
    360 groupdeleted Meta.Process 1 "s": gid: U32, name: Str, container_id: Str;
    363 dup2 Syscall.IoOther 2 "scu": res: Fd, oldfd: Fd, newfd: Fd;
    365 dup3 Syscall.IoOther 2 "scu": res: Fd, oldfd: Fd, newfd: Fd, flags: Fl32 OPEN_FLAGS;
    367 dup Syscall.IoOther 4 "scu": res: Fd, oldfd: Fd;
    369 bpf Syscall.Other 4 "c": fd: Fd, cmd: En32 BPF_COMMANDS;
    371 mlock2 Syscall.Memory 2 "": res: Errno, addr: X64, len: U64, flags: Fl32 MLOCK2_FLAGS;
    373 fsconfig Syscall.System 2 "u": res: Errno, fd: Fd, cmd: En32 FSCONFIG_CMDS, key: Str,
        value_bytebuf: Bytes, value_charbuf: Str, aux: I32;
    375 epoll_create Syscall.Wait 2 "sc": res: Errno, size: I32;
    377 epoll_create1 Syscall.Wait 2 "sc": res: Errno, flags: Fl32 EPOLL_CREATE1_FLAGS;
    379 chown Syscall.File 2 "": res: Errno, path: Path, uid: U32, gid: U32;
    381 lchown Syscall.File 2 "": res: Errno, path: Path, uid: U32, gid: U32;
    383 fchown Syscall.File 2 "u": res: Errno, fd: Fd, uid: U32, gid: U32;
    385 fchownat Syscall.File 2 "u": res: Errno, dirfd: Fd, pathname: RelPath, uid: U32, gid: U32,
        flags: Fl32 FCHOWNAT_FLAGS;
    387 umount Syscall.File 4 "s": res: Errno, name: Path;
    389 accept4 Syscall.Net 2 "sc": fd: Fd, tuple: Tuple, queuepct: U8, queuelen: U32,
        queuemax: U32, flags: IX32;
    391 umount2 Syscall.File 2 "s": res: Errno, name: Path, flags: Fl32 UMOUNT_FLAGS;
    393 pipe2 Syscall.Ipc 2 "sc": res: Errno, fd1: Fd, fd2: Fd, ino: U64, flags: Fl32 OPEN_FLAGS;
    395 inotify_init1 Syscall.Ipc 2 "sc": res: Fd, flags: Fl16 OPEN_FLAGS;
    397 eventfd2 Syscall.Ipc 2 "sc": res: Fd, flags: Fl16 OPEN_FLAGS, initval: U64;
    399 signalfd4 Syscall.Signal 2 "sc": res: Fd, flags: Fl16 OPEN_FLAGS, fd: Fd, mask: X32;
    401 prctl Syscall.Process 2 "s": res: Errno, option: En32 PRCTL_OPTIONS, arg2_str: Str,
        arg2_int: I64;
    402 asyncevent Meta.Other 1 "L": plugin_id: U32, name: Str, data: Bytes;
    405 memfd_create Syscall.Memory 2 "sc": fd: Fd, name: Str, flags: Fl32 MEMFD_CREATE_FLAGS;
    407 pidfd_getfd Syscall.Process 2 "sc": fd: Fd, pid_fd: Fd, target_fd: Fd, flags: X32;
    409 pidfd_open Syscall.Process 2 "sc": fd: Fd, pid: Pid, flags: Fl32 PIDFD_OPEN_FLAGS;
    411 init_module Syscall.Other 2 "": res: Errno, img: Bytes, length: U64, uargs: Str;
    413 finit_module Syscall.Other 2 "ur": res: Errno, fd: Fd, uargs: Str,
        flags: Fl32 FINIT_MODULE_FLAGS;
    415 mknod Syscall.Other 2 "": res: Errno, path: Path, mode: Mode MKNOD_MODE, dev: U32;
    417 mknodat Syscall.Other 2 "u": res: Errno, dirfd: Fd, path: RelPath, mode: Mode MKNOD_MODE,
        dev: U32;
    419 newfstatat Syscall.File 2 "u": res: Errno, dirfd: Fd, path: RelPath,
        flags: Fl32 NEWFSTATAT_FLAGS;
    421 process_vm_readv Syscall.Ipc 2 "": res: I64, pid: Pid, data: Bytes;
    423 process_vm_writev Syscall.Ipc 2 "": res: I64, pid: Pid, data: Bytes;
    425 delete_module Syscall.Other 2 "": res: Errno, name: Str, flags: Fl32 DELETE_MODULE_FLAGS;
    427 setreuid Syscall.User 2 "s": res: Errno, ruid: Uid, euid: Uid;
    429 setregid Syscall.User 2 "s": res: Errno, rgid: Uid, egid: Uid;
    451 close_range Syscall.IoOther 1 "s": res: Errno, first: U32, last: U32,
        flags: Fl32 CLOSE_RANGE_FLAGS;
    453 keyctl Syscall.Other 1 "": res: Errno, operation: En32 KEYCTL_OPERATIONS, arg2: DynKeyctl,
        arg3: DynKeyctl, arg4: DynKeyctl, arg5: DynKeyctl;
};

/// What param types in rows stand for: type, width in a recording, how it is printed.
#[expect(non_upper_case_globals, reason = "they read as types in the rows")]
pub(super) mod types {
    use super::*;

    pub(in crate::kind) const Errno: ParamInfo = param(ParamType::Errno, 8);
    pub(in crate::kind) const Fd: ParamInfo = param(ParamType::Fd, 8);
    pub(in crate::kind) const Fd32: ParamInfo = param(ParamType::Fd, 4);
    pub(in crate::kind) const Pid: ParamInfo = param(ParamType::Pid, 8);
    pub(in crate::kind) const Pid32: ParamInfo = param(ParamType::Pid, 4);
    pub(in crate::kind) const Sig: ParamInfo = param(ParamType::Signal, 1);
    pub(in crate::kind) const SigSet: ParamInfo = param(ParamType::SignalSet, 4);
    pub(in crate::kind) const Uid: ParamInfo = param(ParamType::Uid, 4);
    pub(in crate::kind) const Gid: ParamInfo = param(ParamType::Gid, 4);
    pub(in crate::kind) const I16: ParamInfo = param(ParamType::Int, 2);
    pub(in crate::kind) const I32: ParamInfo = param(ParamType::Int, 4);
    pub(in crate::kind) const I64: ParamInfo = param(ParamType::Int, 8);
    pub(in crate::kind) const U8: ParamInfo = param(ParamType::Uint, 1);
    pub(in crate::kind) const U16: ParamInfo = param(ParamType::Uint, 2);
    pub(in crate::kind) const U32: ParamInfo = param(ParamType::Uint, 4);
    pub(in crate::kind) const U64: ParamInfo = param(ParamType::Uint, 8);
    // In hexadecimal, in octal.
    pub(in crate::kind) const X8: ParamInfo = printed(U8, Hex);
    pub(in crate::kind) const X32: ParamInfo = printed(U32, Hex);
    pub(in crate::kind) const X64: ParamInfo = printed(U64, Hex);
    pub(in crate::kind) const IX32: ParamInfo = printed(I32, Hex);
    pub(in crate::kind) const O32: ParamInfo = printed(U32, Octal);
    pub(in crate::kind) const Str: ParamInfo = param(ParamType::Str, 0);
    pub(in crate::kind) const Path: ParamInfo = param(ParamType::Path, 0);
    pub(in crate::kind) const RelPath: ParamInfo = param(ParamType::RelPath, 0);
    pub(in crate::kind) const Bytes: ParamInfo = param(ParamType::Bytes, 0);
    pub(in crate::kind) const Strs: ParamInfo = param(ParamType::StrArray, 0);
    pub(in crate::kind) const FdList: ParamInfo = param(ParamType::FdList, 0);
    pub(in crate::kind) const Fl8: ParamInfo = param(ParamType::Flags, 1);
    pub(in crate::kind) const Fl16: ParamInfo = param(ParamType::Flags, 2);
    pub(in crate::kind) const Fl32: ParamInfo = param(ParamType::Flags, 4);
    pub(in crate::kind) const En8: ParamInfo = param(ParamType::EnumFlags, 1);
    pub(in crate::kind) const En16: ParamInfo = param(ParamType::EnumFlags, 2);
    pub(in crate::kind) const En32: ParamInfo = param(ParamType::EnumFlags, 4);
    pub(in crate::kind) const Mode: ParamInfo = printed(param(ParamType::Mode, 4), Octal);
    pub(in crate::kind) const Addr: ParamInfo = param(ParamType::SockAddr, 0);
    pub(in crate::kind) const Tuple: ParamInfo = param(ParamType::SockTuple, 0);
    pub(in crate::kind) const Ip4: ParamInfo = param(ParamType::Ip, 4);
    pub(in crate::kind) const Ip6: ParamInfo = param(ParamType::Ip, 16);
    pub(in crate::kind) const Port: ParamInfo = param(ParamType::Port, 2);
    pub(in crate::kind) const CallId: ParamInfo = param(ParamType::CallId, 2);
    pub(in crate::kind) const Rel: ParamInfo = param(ParamType::RelTime, 8);
    pub(in crate::kind) const Abs: ParamInfo = param(ParamType::AbsTime, 8);
    // `driver/dynamic_params_table.c`
    pub(in crate::kind) const DynSockopt: ParamInfo = either(&[Bytes, Errno, U32, U64, Rel]);
    pub(in crate::kind) const DynPtrace: ParamInfo = either(&[X64, Sig]);
    pub(in crate::kind) const DynKeyctl: ParamInfo = either(&[I64, Str]);

    const fn param(ty: ParamType, width: u8) -> ParamInfo {
        ParamInfo { name: "", ty, width, format: Decimal, flags: &[], variants: &[] }
    }

    const fn printed(param: ParamInfo, format: NumberFormat) -> ParamInfo {
        ParamInfo { format, ..param }
    }

    const fn either(variants: &'static [ParamInfo]) -> ParamInfo {
        ParamInfo { variants, ..param(ParamType::Dyn, 0) }
    }
}

const COUNT: usize = EVENTS.len() + CALLS.len() + STATE.len();

/// All rows, put together when this is compiled.
static ALL: [KindInfo; COUNT] = {
    let mut all = [const { KindInfo::custom(EventKind(0), Cow::Borrowed("")) }; COUNT];
    let mut at = 0;
    while at < COUNT {
        let row = if at < EVENTS.len() {
            EVENTS[at].info(EventKind(EVENTS[at].code))
        } else if at < EVENTS.len() + CALLS.len() {
            let (number, name) = CALLS[at - EVENTS.len()];
            // As the event in which Falco records them, but for the name.
            Row { name, ..EVENTS[0] }.info(EventKind::call(number))
        } else {
            let row = STATE[at - EVENTS.len() - CALLS.len()];
            row.info(EventKind::state(row.code))
        };
        // Nothing is dropped while compiling, not even a row that owns nothing.
        std::mem::forget(std::mem::replace(&mut all[at], row));
        at += 1;
    }
    all
};

/// The place of each kind's row in [`ALL`]; of what is no kind, none.
static PLACES: [u16; 1 << 16] = {
    let mut places = [u16::MAX; 1 << 16];
    let mut at = 0;
    while at < COUNT {
        places[ALL[at].kind.0 as usize] = at as u16;
        at += 1;
    }
    places
};

pub(super) fn row(kind: EventKind) -> Option<&'static KindInfo> {
    ALL.get(usize::from(PLACES[usize::from(kind.0)]))
}

impl Row {
    const fn info(self, kind: EventKind) -> KindInfo {
        let Self { code: _, name, origin, category, codes, flags, params } = self;
        let (name, params) = (Cow::Borrowed(name), Cow::Borrowed(params));
        KindInfo { kind, name, origin, category, flags, codes, params }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::field::FieldId;

    fn named(name: &str) -> &'static KindInfo {
        KINDS.iter().find(|info| info.name == name).unwrap()
    }

    #[test]
    fn codes_ascend_and_params_fit() {
        assert!(KINDS.is_sorted_by(|a, b| a.kind < b.kind));
        let kinds = (0..=u16::MAX).filter_map(|code| KindInfo::of(EventKind(code)));
        assert!(kinds.map(|info| info.kind).eq(KINDS.iter().map(|info| info.kind)));
        for info in KINDS {
            assert_eq!(KindInfo::of(info.kind).map(|found| &found.name), Some(&info.name));
            assert!(info.params.len() < usize::from(FieldId::PARAMS), "{}", info.name);
            for (place, param) in (0..).zip(info.params.iter()) {
                let what = format!("{}.{}", info.name, param.name);
                let named =
                    matches!(param.ty, ParamType::Flags | ParamType::EnumFlags | ParamType::Mode);
                assert_eq!(named, !param.flags.is_empty(), "{what}");
                assert_eq!(param.ty == ParamType::Dyn, !param.variants.is_empty(), "{what}");
                let relative = param.ty == ParamType::RelPath;
                assert!(!relative || info.directory_of(place).is_some(), "{what}");
                assert_eq!(info.param(param.name).map(|(at, _)| at), Some(place), "{what}");
            }
        }
    }

    #[test]
    fn each_of_falco_s_codes_is_counted_under_one_name() {
        let mut codes = BTreeMap::new();
        for info in KINDS.iter().filter(|info| !info.kind.is_call() && info.codes > 0) {
            let first = *codes.entry(&*info.name).or_insert(info.codes);
            assert_eq!(first, info.codes, "{}", info.name);
        }
        assert_eq!(codes.values().sum::<u16>(), 454);
    }

    #[test]
    fn a_name_belongs_to_one_kind_that_rules_judge() {
        let judged = KINDS.iter().filter(|info| !info.kind.is_state());
        // Drops begin and end, and Falco shows both to rules.
        let judged: Vec<_> = judged.filter(|info| info.name != "drop").collect();
        let names: BTreeSet<_> = judged.iter().map(|info| &info.name).collect();
        assert_eq!(names.len(), judged.len());
    }

    #[test]
    fn kinds_know_falco_s_code() {
        let code = |kind: EventKind| kind.falco_code();
        assert_eq!(code(named("openat").kind), Some(307));
        assert_eq!(code(named("madvise").kind), Some(1));
        assert_eq!(code(EventKind::state(306)), Some(306));
        assert_eq!(code(EventKind::TASK), None);
        let is_entry = |name: &str| named(name).is_entry();
        assert!(is_entry("procexit") && !is_entry("openat") && !is_entry("madvise"));
    }

    #[test]
    fn the_first_param_of_a_call_is_what_it_returns() {
        let result = |name: &str| named(name).result();
        assert_eq!(result("openat"), Some(0));
        assert_eq!(result("getuid"), Some(0), "it is not named res");
        assert_eq!(result("getsockname"), None, "it has no params");
        assert_eq!(result("madvise"), None, "its params are its number");
        assert_eq!(result("procexit"), None, "it is no call");
    }
}
