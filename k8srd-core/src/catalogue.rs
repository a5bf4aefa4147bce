//! The field catalogue: one row a field.
//!
//! Names and types are Falco's (`userspace/libsinsp/sinsp_filtercheck_*.cpp` of
//! falcosecurity/libs); fields under `ctx.` and `fd.realpath` are ours. To add a field, add a row
//! here and answer it in the source or enricher that owns it.

use std::borrow::Cow;

use crate::event::Scope;
use crate::field::{ArgRule, FieldId, FieldInfo, FieldType, Multiplicity};

/// Expands each row to a constant and a place in [`FIELDS`]. Ids follow the order of rows.
macro_rules! catalogue {
    ($($id:ident $name:literal $ty:ident $(arg $arg:ident)? $(many $many:ident)? $(path $path:ident)? : $doc:literal;)*) => {
        #[expect(non_camel_case_types, reason = "only counts the rows")]
        enum Row { $($id),* }

        $(#[doc = concat!("`", $name, "`: ", $doc)]
        pub const $id: FieldId = FieldId(FieldId::PARAMS + Row::$id as u16);)*

        /// All rows, in the order of their ids.
        pub static FIELDS: &[FieldInfo] = &[$(FieldInfo {
            id: $id,
            name: Cow::Borrowed($name),
            ty: FieldType::$ty,
            arg: catalogue!(@arg $($arg)?),
            multiplicity: catalogue!(@many $($many)?),
            scope: Scope::Event,
            follows_path: catalogue!(@path $($path)?),
            doc: Cow::Borrowed($doc),
        }),*];
    };
    (@arg) => { ArgRule::None };
    (@arg $arg:ident) => { ArgRule::$arg };
    (@many) => { Multiplicity::One };
    (@many $many:ident) => { Multiplicity::$many };
    (@path) => { false };
    (@path follows) => { true };
}

catalogue! {
    // What every event of every schema has: answered by the pipeline.
    EVT_NUM "evt.num" Uint: "running number of the event";
    EVT_TYPE "evt.type" Str: "name of the event's kind, such as openat";
    EVT_SOURCE "evt.source" Str: "name of the source, such as syscall";
    EVT_TIME "evt.time" Str: "time of day with nanoseconds, in the zone of the node";
    EVT_TIME_S "evt.time.s" Str: "time of day in seconds, in the zone of the node";
    EVT_TIME_ISO8601 "evt.time.iso8601" Str: "date and time in UTC, ISO 8601 with nanoseconds";
    EVT_DATETIME "evt.datetime" Str: "date and time of day with nanoseconds, in the zone of the node";
    EVT_RAWTIME "evt.rawtime" AbsTime: "nanoseconds since 1970";
    EVT_RAWTIME_S "evt.rawtime.s" AbsTime: "whole seconds since 1970";
    EVT_RAWTIME_NS "evt.rawtime.ns" AbsTime: "the part of evt.rawtime below one second, in nanoseconds";

    // What a system call did.
    SYSCALL_TYPE "syscall.type" Str: "name of the system call; absent for events that are none";
    EVT_DIR "evt.dir" Str: "always <: only returns of system calls are events (deprecated)";
    EVT_ARGS "evt.args" Str path follows: "all params as name=value, separated by blanks";
    EVT_ARG "evt.arg" Str arg Required path follows: "one param as text, by name or place; paths are made absolute";
    EVT_RAWARG "evt.rawarg" Dynamic arg Required: "one param as recorded, by name";
    EVT_RES "evt.res" Str: "SUCCESS, or the name of the error, such as ENOENT";
    EVT_RAWRES "evt.rawres" Int: "return value; negative for an error";
    EVT_FAILED "evt.failed" Bool: "whether the call returned an error";
    EVT_IS_OPEN_READ "evt.is_open_read" Bool: "whether the event opened a file for reading";
    EVT_IS_OPEN_WRITE "evt.is_open_write" Bool: "whether the event opened a file for writing";
    EVT_IS_OPEN_EXEC "evt.is_open_exec" Bool: "whether the event created a file that may be executed";
    EVT_IS_OPEN_CREATE "evt.is_open_create" Bool: "whether the event created the file it opened";

    // The descriptor that the event is about.
    FD_NUM "fd.num" Int: "number of the descriptor";
    FD_TYPE "fd.type" Str: "type of the descriptor: file, directory, ipv4, ipv6, unix, …";
    FD_TYPECHAR "fd.typechar" Str: "type as one character: f, d, 4, 6, u, …";
    FD_NAME "fd.name" Path path follows: "path of the file, or both ends of the connection";
    FD_NAMERAW "fd.nameraw" Path: "path as the program gave it";
    FD_REALPATH "fd.realpath" Path: "path under which the kernel found the file, symbolic links resolved";
    FD_DIRECTORY "fd.directory" Path path follows: "directory of the file";
    FD_FILENAME "fd.filename" Str path follows: "last component of the path";
    FD_DEV "fd.dev" Int: "number of the device that holds the file";
    FD_INO "fd.ino" Int: "inode number of the file";
    FD_IP "fd.ip" Ip many Either: "address of either end";
    FD_CIP "fd.cip" Ip: "address of the client";
    FD_SIP "fd.sip" Ip: "address of the server";
    FD_PORT "fd.port" Port many Either: "port of either end";
    FD_CPORT "fd.cport" Port: "port of the client";
    FD_SPORT "fd.sport" Port: "port of the server";
    FD_NET "fd.net" Net many Either: "network that holds the address of either end";
    FD_CNET "fd.cnet" Net: "network that holds the address of the client";
    FD_SNET "fd.snet" Net: "network that holds the address of the server";
    FD_L4PROTO "fd.l4proto" Str: "transport protocol: tcp, udp, icmp, raw";
    FD_SOCKFAMILY "fd.sockfamily" Str: "ip or unix";
    FD_CONNECTED "fd.connected" Bool: "whether the connection is made";

    // The process.
    PROC_NAME "proc.name" Str: "name of the program, at most 15 bytes (comm)";
    PROC_EXE "proc.exe" Str: "first argument of the command line (`argv[0]`)";
    PROC_EXEPATH "proc.exepath" Path: "path of the executable, resolved by the kernel";
    PROC_ARGS "proc.args" Str arg Optional: "arguments, separated by blanks; with an index, that one";
    PROC_CMDLINE "proc.cmdline" Str: "proc.name and proc.args";
    PROC_EXELINE "proc.exeline" Str: "proc.exe and proc.args";
    PROC_CMDNARGS "proc.cmdnargs" Uint: "number of arguments";
    PROC_CMDLENARGS "proc.cmdlenargs" Uint: "length of all arguments, without the blanks between them";
    PROC_ENV "proc.env" Str arg Optional: "environment, separated by blanks; with a name, that variable";
    PROC_CWD "proc.cwd" Path: "working directory, with a slash at its end";
    PROC_PID "proc.pid" Int: "process id";
    PROC_VPID "proc.vpid" Int: "process id as seen inside its pid namespace";
    PROC_PPID "proc.ppid" Int: "process id of the parent";
    PROC_PVPID "proc.pvpid" Int: "process id of the parent as seen inside its pid namespace";
    PROC_PNAME "proc.pname" Str: "proc.name of the parent";
    PROC_PEXE "proc.pexe" Str: "proc.exe of the parent";
    PROC_PEXEPATH "proc.pexepath" Path: "proc.exepath of the parent";
    PROC_PCMDLINE "proc.pcmdline" Str: "proc.cmdline of the parent";
    PROC_ANAME "proc.aname" Str arg Optional many Any: "proc.name of an ancestor; `[1]` is the parent";
    PROC_AEXE "proc.aexe" Str arg Optional many Any: "proc.exe of an ancestor";
    PROC_AEXEPATH "proc.aexepath" Path arg Optional many Any: "proc.exepath of an ancestor";
    PROC_ACMDLINE "proc.acmdline" Str arg Optional many Any: "proc.cmdline of an ancestor";
    PROC_APID "proc.apid" Int arg Optional many Any: "process id of an ancestor";
    PROC_SID "proc.sid" Int: "session id as seen inside the pid namespace";
    PROC_SNAME "proc.sname" Str: "proc.name of the session leader";
    PROC_PGID "proc.pgid" Int: "process group id";
    PROC_VPGID "proc.vpgid" Int: "process group id as seen inside the pid namespace";
    PROC_IS_SID_LEADER "proc.is_sid_leader" Bool: "whether the process leads its session";
    PROC_IS_VPGID_LEADER "proc.is_vpgid_leader" Bool: "whether the process leads its process group";
    PROC_TTY "proc.tty" Uint: "device number of the controlling terminal, 0 for none";
    PROC_DURATION "proc.duration" RelTime: "nanoseconds since the process started";
    PROC_IS_EXE_WRITABLE "proc.is_exe_writable" Bool: "whether the process' user may write its executable";
    PROC_IS_EXE_UPPER_LAYER "proc.is_exe_upper_layer" Bool: "whether the executable is in the upper layer of an overlay";
    PROC_IS_EXE_LOWER_LAYER "proc.is_exe_lower_layer" Bool: "whether the executable is in a lower layer of an overlay";
    PROC_IS_EXE_FROM_MEMFD "proc.is_exe_from_memfd" Bool: "whether the executable is a memory file";
    THREAD_TID "thread.tid" Int: "thread id";
    THREAD_VTID "thread.vtid" Int: "thread id as seen inside its pid namespace";
    THREAD_ISMAIN "thread.ismain" Bool: "whether this is the main thread";
    THREAD_CGROUPS "thread.cgroups" Str: "all cgroups as subsystem=path, separated by blanks";
    THREAD_CAP_EFFECTIVE "thread.cap_effective" Str: "effective capabilities, separated by blanks";
    THREAD_CAP_PERMITTED "thread.cap_permitted" Str: "permitted capabilities, separated by blanks";
    THREAD_CAP_INHERITABLE "thread.cap_inheritable" Str: "inheritable capabilities, separated by blanks";
    USER_UID "user.uid" Uint: "effective user id";
    USER_NAME "user.name" Str: "name of the effective user";
    USER_LOGINUID "user.loginuid" Int: "user id at login (audit uid), -1 for none";
    USER_LOGINNAME "user.loginname" Str: "name of the user at login";
    GROUP_GID "group.gid" Uint: "effective group id";
    GROUP_NAME "group.name" Str: "name of the effective group";

    // The container.
    CONTAINER_ID "container.id" Str: "first 12 characters of the container id; host outside any container";
    CONTAINER_FULL_ID "container.full_id" Str: "whole container id; host outside any container";
    CONTAINER_TYPE "container.type" Str: "runtime of the container as its cgroup tells: containerd, cri-o, docker, podman, …";
    K8S_POD_UID "k8s.pod.uid" Str: "uid of the pod";

    // The task context, read in the kernel at the moment of the event: answered by the source.
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
    CTX_TRUNCATED "ctx.truncated" Bool: "whether some param did not fit into the record and is cut";
    CTX_LATE "ctx.late" Bool: "whether the record came after younger ones had been processed";
}

/// How many leading rows every schema has, a schema of one's own too.
pub(crate) const COMMON: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_places_and_names_are_unique() {
        let mut names = std::collections::HashSet::new();
        for (place, info) in FIELDS.iter().enumerate() {
            assert_eq!(usize::from(info.id.0), place + usize::from(FieldId::PARAMS));
            assert!(names.insert(&info.name), "{} twice", info.name);
            assert!(!info.doc.is_empty() && !info.doc.ends_with('.'), "{}", info.name);
        }
        assert_eq!(FIELDS[COMMON - 1].id, EVT_RAWTIME_NS);
        assert!(FIELDS.len() < usize::from(FieldId::FIRST_CUSTOM - FieldId::PARAMS));
    }
}
