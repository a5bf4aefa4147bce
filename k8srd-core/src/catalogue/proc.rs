//! The process and the thread.

rows! {
after fd;

Proc from Processes {
    PROC_NAME "proc.name" Str holds PROGRAM: "name of the program, at most 15 bytes (comm)";
    PROC_EXE "proc.exe" Str holds PROGRAM: "first argument of the command line (`argv[0]`)";
    PROC_EXEPATH "proc.exepath" Path holds PROGRAM: "path of the executable, resolved by the kernel";
    PROC_ARGS "proc.args" Str arg Optional Index holds PROGRAM: "arguments, separated by blanks; with an index, that one, or absent where there are fewer";
    PROC_CMDLINE "proc.cmdline" Str holds PROGRAM: "proc.name and proc.args";
    PROC_EXELINE "proc.exeline" Str holds PROGRAM: "proc.exe and proc.args";
    PROC_CMDNARGS "proc.cmdnargs" Uint holds PROGRAM: "number of arguments";
    PROC_CMDLENARGS "proc.cmdlenargs" Uint holds PROGRAM: "length of all arguments in bytes, without the blanks between them";
    PROC_ENV "proc.env" Str arg Optional IndexOrKey holds PROGRAM: "environment at the exec, separated by blanks; with a name, that variable";
    PROC_CWD "proc.cwd" Path: "working directory, with a slash at its end";
    PROC_TTY "proc.tty" Uint32: "device number of the controlling terminal, 0 for none";

    PROC_PNAME "proc.pname" Str holds ANCESTRY: "proc.name of the parent";
    PROC_PEXE "proc.pexe" Str holds ANCESTRY: "proc.exe of the parent";
    PROC_PEXEPATH "proc.pexepath" Path holds ANCESTRY: "proc.exepath of the parent";
    PROC_PCMDLINE "proc.pcmdline" Str holds ANCESTRY: "proc.cmdline of the parent";
    PROC_ANAME "proc.aname" Str arg Optional Index many Any no operand no transformer holds ANCESTRY: "proc.name of an ancestor: `[1]` is the parent, `[0]` the process itself, none means any ancestor";
    PROC_AEXE "proc.aexe" Str arg Optional Index many Any no operand no transformer holds ANCESTRY: "proc.exe of an ancestor";
    PROC_AEXEPATH "proc.aexepath" Path arg Optional Index many Any no operand no transformer holds ANCESTRY: "proc.exepath of an ancestor";
    PROC_ACMDLINE "proc.acmdline" Str arg Optional Index many Any no operand no transformer holds ANCESTRY: "proc.cmdline of an ancestor";
    PROC_APID "proc.apid" Int arg Optional Index many Any no operand no transformer holds ANCESTRY: "process id of an ancestor";
    PROC_AARGS "proc.aargs" Str arg Optional Index: "proc.args of an ancestor; without an index those of all ancestors, separated by blanks";
    PROC_AENV "proc.aenv" Str arg Optional IndexOrKey many Any no operand no transformer: "proc.env of an ancestor; with a name, that variable of the next ancestor that has it";

    PROC_PID "proc.pid" Int: "process id";
    PROC_PPID "proc.ppid" Int: "process id of the parent";
    PROC_VPID "proc.vpid" Int: "process id as seen inside its pid namespace";
    PROC_PVPID "proc.pvpid" Int: "process id of the parent as seen inside its pid namespace";
    PROC_LOGINSHELLID "proc.loginshellid" Int: "process id of the oldest shell among the process and its ancestors; absent where there is none";
    PROC_SID "proc.sid" Int: "session id as seen inside the pid namespace";
    PROC_SNAME "proc.sname" Str: "proc.name of the session leader, or of the oldest ancestor in the session";
    PROC_SID_EXE "proc.sid.exe" Str: "proc.exe of the session leader, or of the oldest ancestor in the session";
    PROC_SID_EXEPATH "proc.sid.exepath" Path: "proc.exepath of the session leader, or of the oldest ancestor in the session";
    PROC_PGID "proc.pgid" Int: "process group id";
    PROC_PGID_NAME "proc.pgid.name" Str: "proc.name of the group leader, or of the oldest ancestor in the group";
    PROC_PGID_EXE "proc.pgid.exe" Str: "proc.exe of the group leader, or of the oldest ancestor in the group";
    PROC_PGID_EXEPATH "proc.pgid.exepath" Path: "proc.exepath of the group leader, or of the oldest ancestor in the group";
    PROC_VPGID "proc.vpgid" Int: "process group id as seen inside the pid namespace";
    PROC_VPGID_NAME "proc.vpgid.name" Str: "proc.pgid.name, with the group found by proc.vpgid";
    PROC_VPGID_EXE "proc.vpgid.exe" Str: "proc.pgid.exe, with the group found by proc.vpgid";
    PROC_VPGID_EXEPATH "proc.vpgid.exepath" Path: "proc.pgid.exepath, with the group found by proc.vpgid";
    PROC_IS_SID_LEADER "proc.is_sid_leader" Bool: "whether the process leads its session";
    PROC_IS_PGID_LEADER "proc.is_pgid_leader" Bool: "whether the process leads its process group, by proc.pgid and proc.pid";
    PROC_IS_VPGID_LEADER "proc.is_vpgid_leader" Bool: "whether the process leads its process group, by proc.vpgid and proc.vpid";

    PROC_DURATION "proc.duration" RelTime: "nanoseconds since the process started; absent where its start is not known";
    PROC_PPID_DURATION "proc.ppid.duration" RelTime: "nanoseconds since the parent started; absent where its start is not known";
    PROC_PID_TS "proc.pid.ts" RelTime: "start of the process, nanoseconds since 1970";
    PROC_PPID_TS "proc.ppid.ts" RelTime: "start of the parent, nanoseconds since 1970";
    PROC_PIDNS_INIT_START_TS "proc.pidns_init_start_ts" Uint: "start of the first process of the pid namespace, nanoseconds since 1970";

    PROC_IS_EXE_WRITABLE "proc.is_exe_writable" Bool holds PROGRAM: "whether the process' user may write its executable";
    PROC_IS_EXE_UPPER_LAYER "proc.is_exe_upper_layer" Bool holds PROGRAM: "whether the executable is in the upper layer of an overlay";
    PROC_IS_EXE_LOWER_LAYER "proc.is_exe_lower_layer" Bool holds PROGRAM: "whether the executable is in a lower layer of an overlay";
    PROC_IS_EXE_FROM_MEMFD "proc.is_exe_from_memfd" Bool holds PROGRAM: "whether the executable is a memory file";
    PROC_EXE_INO "proc.exe_ino" Int: "inode number of the executable";
    PROC_EXE_INO_CTIME "proc.exe_ino.ctime" AbsTime: "last change of the executable's inode, nanoseconds since 1970";
    PROC_EXE_INO_MTIME "proc.exe_ino.mtime" AbsTime: "last change of the executable's content, nanoseconds since 1970";
    PROC_EXE_INO_CTIME_DURATION_PROC_START "proc.exe_ino.ctime_duration_proc_start" AbsTime: "nanoseconds from the last change of the executable's inode to the start of the process";
    PROC_EXE_INO_CTIME_DURATION_PIDNS_START "proc.exe_ino.ctime_duration_pidns_start" AbsTime: "nanoseconds from the start of the pid namespace to the last change of the executable's inode; absent where it changed before";

    PROC_NTHREADS "proc.nthreads" Uint: "number of living threads, the main thread included";
    PROC_NCHILDS "proc.nchilds" Uint: "number of living threads, the main thread not included";
    PROC_FDOPENCOUNT "proc.fdopencount" Uint from SyscallFields: "number of open descriptors";
    PROC_FDLIMIT "proc.fdlimit" Int: "most descriptors that the process may have open";
    PROC_FDUSAGE "proc.fdusage" Double from SyscallFields: "proc.fdopencount in percent of proc.fdlimit";
    PROC_VMSIZE "proc.vmsize" Uint: "virtual memory in KiB";
    PROC_VMRSS "proc.vmrss" Uint: "resident memory in KiB";
    PROC_VMSWAP "proc.vmswap" Uint: "swapped memory in KiB";
    PROC_STDIN_TYPE "proc.stdin.type" Str from SyscallFields: "fd.type of descriptor 0";
    PROC_STDOUT_TYPE "proc.stdout.type" Str from SyscallFields: "fd.type of descriptor 1";
    PROC_STDERR_TYPE "proc.stderr.type" Str from SyscallFields: "fd.type of descriptor 2";
    PROC_STDIN_NAME "proc.stdin.name" Str from SyscallFields: "fd.name of descriptor 0";
    PROC_STDOUT_NAME "proc.stdout.name" Str from SyscallFields: "fd.name of descriptor 1";
    PROC_STDERR_NAME "proc.stderr.name" Str from SyscallFields: "fd.name of descriptor 2";

    THREAD_TID "thread.tid" Int: "thread id";
    THREAD_VTID "thread.vtid" Int: "thread id as seen inside its pid namespace";
    THREAD_ISMAIN "thread.ismain" Bool: "whether this is the main thread";
    THREAD_NAMETID "thread.nametid" Str only TableOnly nobody VIEWER: "proc.name and thread.tid, joined";
    THREAD_CGROUPS "thread.cgroups" Str: "all cgroups as subsystem=path, separated by blanks";
    THREAD_CGROUP "thread.cgroup" Str arg Required Word: "path of the cgroup of this subsystem; absent where there is none";
    THREAD_CAP_EFFECTIVE "thread.cap_effective" Str: "effective capabilities, separated by blanks";
    THREAD_CAP_PERMITTED "thread.cap_permitted" Str: "permitted capabilities, separated by blanks";
    THREAD_CAP_INHERITABLE "thread.cap_inheritable" Str: "inheritable capabilities, separated by blanks";
    THREAD_EXECTIME "thread.exectime" RelTime: "nanoseconds that the thread ran before it was put off its processor; 0 for other events";
    THREAD_TOTEXECTIME "thread.totexectime" RelTime: "nanoseconds that the thread ran between the switches seen so far";
    THREAD_CPU "thread.cpu" Double: "processor time in the last second, in percent";
    THREAD_CPU_USER "thread.cpu.user" Double: "processor time outside the kernel in the last second, in percent";
    THREAD_CPU_SYSTEM "thread.cpu.system" Double: "processor time inside the kernel in the last second, in percent";
    THREAD_PFMAJOR "thread.pfmajor" Uint: "page faults that had to wait for a disk, since the thread started";
    THREAD_PFMINOR "thread.pfminor" Uint: "page faults that had not to wait for a disk, since the thread started";
    THREAD_VMSIZE "thread.vmsize" Uint: "proc.vmsize on the main thread, 0 on others";
    THREAD_VMRSS "thread.vmrss" Uint: "proc.vmrss on the main thread, 0 on others";
    THREAD_VMSIZE_B "thread.vmsize.b" Uint only TableOnly nobody VIEWER: "thread.vmsize in bytes";
    THREAD_VMRSS_B "thread.vmrss.b" Uint only TableOnly nobody VIEWER: "thread.vmrss in bytes";
}
}
