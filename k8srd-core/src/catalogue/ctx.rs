//! The task in the kernel at the moment of the event, as the source reads it. None are Falco's.

rows! {
after rule;

Ctx from Source {
    CTX_TID "ctx.tid" Int: "thread id";
    CTX_PID "ctx.pid" Int: "process id (thread group)";
    CTX_PPID "ctx.ppid" Int: "process id of the parent";
    CTX_EXEC_ID "ctx.exec_id" Uint: "number of the program that the process runs: counts its execs";
    CTX_START_TIME "ctx.start_time" Uint: "start of the thread, nanoseconds after boot";
    CTX_LEADER_START_TIME "ctx.leader_start_time" Uint: "start of the process, nanoseconds after boot";
    CTX_VTID "ctx.vtid" Int: "thread id inside the pid namespace";
    CTX_VPID "ctx.vpid" Int: "process id inside the pid namespace";
    CTX_PGID "ctx.pgid" Int: "process group id";
    CTX_VPGID "ctx.vpgid" Int: "process group id inside the pid namespace";
    CTX_SID "ctx.sid" Int: "session id";
    CTX_VSID "ctx.vsid" Int: "session id inside the pid namespace";
    CTX_UID "ctx.uid" Uint: "real user id";
    CTX_EUID "ctx.euid" Uint: "effective user id";
    CTX_SUID "ctx.suid" Uint: "saved user id";
    CTX_FSUID "ctx.fsuid" Uint: "user id for file access";
    CTX_GID "ctx.gid" Uint: "real group id";
    CTX_EGID "ctx.egid" Uint: "effective group id";
    CTX_SGID "ctx.sgid" Uint: "saved group id";
    CTX_FSGID "ctx.fsgid" Uint: "group id for file access";
    CTX_CAP_EFFECTIVE "ctx.cap_effective" Uint: "effective capabilities, one bit each";
    CTX_CAP_PERMITTED "ctx.cap_permitted" Uint: "permitted capabilities, one bit each";
    CTX_CAP_INHERITABLE "ctx.cap_inheritable" Uint: "inheritable capabilities, one bit each";
    CTX_LOGINUID "ctx.loginuid" Uint: "user id at login (audit uid), 4294967295 for none";
    CTX_TTY "ctx.tty" Uint: "device number of the controlling terminal, 0 for none";
    CTX_NS_MNT "ctx.ns.mnt" Uint: "inode number of the mount namespace";
    CTX_NS_PID "ctx.ns.pid" Uint: "inode number of the pid namespace";
    CTX_NS_NET "ctx.ns.net" Uint: "inode number of the network namespace";
    CTX_NS_USER "ctx.ns.user" Uint: "inode number of the user namespace";
    CTX_NS_UTS "ctx.ns.uts" Uint: "inode number of the UTS namespace";
    CTX_NS_IPC "ctx.ns.ipc" Uint: "inode number of the IPC namespace";
    CTX_NS_CGROUP "ctx.ns.cgroup" Uint: "inode number of the cgroup namespace";
    CTX_CGROUP_ID "ctx.cgroup.id" Uint: "id of the cgroup (v2; of a v1 controller where there is no v2)";
    CTX_CHILD_TID "ctx.child.tid" Int: "on clone, fork, vfork and clone3: thread id of the new thread";
    CTX_CHILD_PID "ctx.child.pid" Int: "process id of the new thread";
    CTX_CHILD_VTID "ctx.child.vtid" Int: "thread id of the new thread inside its pid namespace";
    CTX_CHILD_VPID "ctx.child.vpid" Int: "process id of the new thread inside its pid namespace";
    CTX_CHILD_PPID "ctx.child.ppid" Int: "process id of the new thread's parent (CLONE_PARENT makes it the caller's own parent)";
    CTX_CHILD_START_TIME "ctx.child.start_time" Uint: "start of the new thread, nanoseconds after boot";
    CTX_CHILD_PID_NS "ctx.child.ns.pid" Uint: "inode number of the new thread's pid namespace";
    CTX_OLD_TID "ctx.old_tid" Int: "on execve: thread id before the exec, which differs when not the main thread called it";
    CTX_PATH_BASE "ctx.path.base" Path: "directory that a relative path starts from";
    CTX_PATH_REAL "ctx.path.real" Path: "path under which the kernel found the file";
    CTX_FILE_MODE "ctx.file_mode" Uint: "type and permission bits of the opened file (st_mode)";
    CTX_SOCK_TYPE "ctx.sock.type" Uint: "type of the socket (SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3)";
    CTX_SOCK_PROTOCOL "ctx.sock.protocol" Uint: "protocol of the socket (IPPROTO_TCP 6, IPPROTO_UDP 17)";
    CTX_BOOT_TIME "ctx.boot_time" Uint: "time of the event, nanoseconds after boot";
    CTX_CPU "ctx.cpu" Uint: "number of the processor that the event happened on";
    CTX_NUMBER "ctx.number" Uint: "running number of the event in a recording";
    CTX_TRUNCATED "ctx.truncated" Bool: "whether some param did not fit into the record and is cut";
    CTX_LATE "ctx.late" Bool: "whether the record came after younger ones had been processed";
}
}
