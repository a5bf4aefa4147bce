//! Kinds that only carry state, and names that no event has any more: no rule is judged on them.

use super::table::{Row, kinds};

/// By Falco's code. 0 is [`EventKind::TASK`](super::EventKind::TASK), which is not Falco's.
#[rustfmt::skip]
pub(super) const STATE: &[Row] = kinds! {
    0 task Iterator.Process 0 "s": comm: Str, exe: Str, args: Strs, env: Strs, cwd: Path,
        trusted_exepath: Path, cgroups: Strs, flags: Fl32 EXE_FLAGS, exe_ino: U64,
        exe_ino_ctime: Abs, exe_ino_mtime: Abs, fdlimit: I64, vm_size: U32, vm_rss: U32,
        vm_swap: U32, pgft_maj: U64, pgft_min: U64, pidns_init_start_ts: Abs, root: Path;

    // Entries of calls: the arguments as they were before the call. Between them names that rules
    // may hold, of codes that nothing produces.
    2 open Syscall.File 2 "sc": name: Path, flags: Fl32 OPEN_FLAGS, mode: O32;
    17 NA Meta.Unknown 35 "";
    22 connect Syscall.Net 2 "su": fd: Fd, addr: Addr;
    58 creat Syscall.File 2 "sc": name: Path, mode: O32;
    260 k8s Meta.Internal 1 "";
    268 tracer Meta.Other 1 "";
    270 mesos Meta.Internal 1 "";
    306 openat Syscall.File 4 "sc": dirfd: Fd, name: RelPath, flags: Fl32 OPEN_FLAGS, mode: O32;
    326 openat2 Syscall.File 2 "sc": dirfd: Fd, name: RelPath, flags: Fl32 OPEN_FLAGS, mode: O32,
        resolve: Fl32 RESOLVE_FLAGS;

    // Users and groups that were there when a recording began.
    354 useradded Meta.Process 0 "s": uid: U32, gid: U32, name: Str, home: Str, shell: Str,
        container_id: Str;
    358 groupadded Meta.Process 0 "s": gid: U32, name: Str, container_id: Str;

    // What the task iterators tell of threads and descriptors that are there already.
    430 task Iterator.Process 1 "s": ppid: Pid32, pgid: Pid32, vpgid: Pid32, sid: Pid32, comm: Str,
        argv: Strs, exepath: Path, flags: Fl32 EXE_FLAGS, env: Strs, cwd: Str, fdlimit: U64,
        euid: Uid, egid: Gid, cap_permitted: X64, cap_effective: X64, cap_inheritable: X64,
        exe_ino_num: U64, exe_ino_ctime: Abs, exe_ino_mtime: Abs, vm_size: U32, vm_rss: U32,
        vm_swap: U32, pgft_maj: U64, pgft_min: U64, vtgid: Pid32, vpid: Pid32,
        pidns_init_start_ts: U64, cgroups: Strs, root: Path, start_time: Abs, tty: U32,
        loginuid: Uid;
    432 task_file_pipe Iterator.File 1 "s": fd: Fd32, path: Path, ino_num: U64;
    434 task_file_memfd Iterator.File 1 "s": fd: Fd32, path: Path, ino_num: U64;
    436 task_file_regular Iterator.File 1 "s": fd: Fd32, path: Path, flags: Fl32 OPEN_FLAGS,
        mnt_id: U32, ino_num: U64;
    438 task_file_directory Iterator.File 1 "s": fd: Fd32, path: Path, ino_num: U64;
    440 task_file_socket_inet Iterator.File 1 "s": fd: Fd32, sk_type: U16, sk_proto: U16,
        local_ip: Ip4, local_port: Port, remote_ip: Ip4, remote_port: Port, ino_num: U64;
    442 task_file_socket_inet6 Iterator.File 1 "s": fd: Fd32, sk_type: U16, sk_proto: U16,
        local_ip: Ip6, local_port: Port, remote_ip: Ip6, remote_port: Port, ino_num: U64;
    444 task_file_socket_unix Iterator.File 1 "s": fd: Fd32, sk_type: U16, sk_proto: U16,
        sk_pointer: U64, sun_path: Path, ino_num: U64;
    446 task_file_socket_netlink Iterator.File 1 "s": fd: Fd32, sk_type: U16, sk_proto: U16,
        ino_num: U64;
    448 task_file_anon_inode Iterator.File 1 "s": fd: Fd32, fd_type: Fl8 ANON_INODE_FD_TYPES,
        path: Path, ino_num: U64;

    // What is not Falco's, in recordings.
    0x800 descriptor Meta.File 0 "s": fd: Fd, type: U8, name: Str, flags: Fl32 OPEN_FLAGS,
        dev: X32, ino: U64, tuple: Tuple, addr: Addr, l4proto: U8;
    0x801 interface Meta.Net 0 "s": name: Str, address: Ip4, netmask: Ip4, broadcast: Ip4;
    0x802 section Meta.Internal 0 "s";
};
