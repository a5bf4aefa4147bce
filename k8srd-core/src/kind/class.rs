//! Classes of kinds: what is given up first where there is no room for all.

use std::fmt;
use std::str::FromStr;

use super::{Category, KindInfo};

/// Kinds that a source may drop on purpose, so that there is room for more important ones.
///
/// What makes, changes and ends processes, users, modules, mounts and namespaces has no class
/// ([`KindInfo::class`]) and is never dropped so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KindClass {
    /// Reads, writes and other uses of a descriptor.
    Io,
    /// Memory, waiting, clocks, the scheduler, communication between processes, and what a process
    /// asks of itself.
    Routine,
    /// The network.
    Network,
    /// Files, and copies of descriptors.
    File,
}

impl KindClass {
    /// All, in the order in which they are given up unless somebody says otherwise: the most noise
    /// first.
    pub const ALL: [Self; 4] = [Self::Io, Self::Routine, Self::Network, Self::File];

    /// The name in the configuration, in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Routine => "routine",
            Self::Network => "network",
            Self::File => "file",
        }
    }
}

impl fmt::Display for KindClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KindClass {
    type Err = ParseKindClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(ParseKindClassError)
    }
}

/// The text names no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a class of kinds: io, routine, network or file")]
pub struct ParseKindClassError;

impl KindInfo {
    /// Its class, if events of the kind may be dropped where there is no room for all. It follows from the
    /// category, but for calls without an event of their own, and some that matter more or less than that.
    pub fn class(&self) -> Option<KindClass> {
        if self.kind.is_state() {
            return None;
        }
        let row = BY_NAME.iter().find(|(_, names)| names.contains(&&*self.name));
        if let Some((class, _)) = row {
            return *class;
        }
        Some(match self.category {
            Category::IoRead | Category::IoWrite | Category::IoOther => KindClass::Io,
            Category::Memory
            | Category::Wait
            | Category::Sleep
            | Category::Time
            | Category::Scheduler
            | Category::Ipc => KindClass::Routine,
            Category::Net => KindClass::Network,
            Category::File => KindClass::File,
            Category::Unknown
            | Category::Other
            | Category::Process
            | Category::System
            | Category::Signal
            | Category::User
            | Category::Internal => return None,
        })
    }
}

/// Kinds whose class does not follow from the category: all calls without an event of their own,
/// which have none, and a few whose category says too little of how much they matter.
#[rustfmt::skip]
const BY_NAME: [(Option<KindClass>, &[&str]); 5] = [
    (Some(KindClass::Io), &[
        "cachestat", "fadvise64", "fdatasync", "fsync", "getpmsg", "io_cancel", "io_destroy",
        "io_getevents", "io_pgetevents", "io_setup", "io_submit", "preadv2", "pwritev2",
        "readahead", "sync", "sync_file_range", "sync_file_range2", "syncfs", "tee", "vmsplice",
    ]),
    (Some(KindClass::Routine), &[
        // What a process asks of itself, and sets for itself only.
        "alarm", "arch_prctl", "capget", "get_robust_list", "get_thread_area", "getcpu", "getegid",
        "geteuid", "getgid", "getgroups", "getitimer", "getpgid", "getpgrp", "getpid", "getppid",
        "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
        "gettid", "getuid", "idle", "ioprio_get", "ioprio_set", "lsm_get_self_attr",
        "lsm_list_modules", "multiplexer", "nice", "oldolduname", "olduname", "pause",
        "restart_syscall", "riscv_flush_icache", "riscv_hwprobe", "rseq", "rseq_slice_yield",
        "set_robust_list", "set_thread_area", "set_tid_address", "setitimer", "setpriority",
        "swapcontext", "switch_endian", "sysinfo", "umask", "uname", "uretprobe",
        // Its signals.
        "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
        "rt_sigtimedwait", "sgetmask", "sigaction", "sigaltstack", "signal", "signalfd",
        "signalfd4", "sigpending", "sigprocmask", "sigreturn", "sigsuspend", "ssetmask",
        // Waiting and clocks.
        "_newselect", "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_ctl",
        "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait_old", "futex_requeue",
        "futex_wait", "futex_waitv", "futex_wake", "gettimeofday", "pselect6", "time",
        "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
        "timerfd", "timerfd_gettime", "timerfd_settime", "times", "wait4", "waitid", "waitpid",
        // Memory.
        "get_mempolicy", "madvise", "map_shadow_stack", "mbind", "membarrier", "migrate_pages",
        "mincore", "move_pages", "mremap", "mseal", "msync", "page_fault", "pkey_alloc",
        "pkey_free", "pkey_mprotect", "remap_file_pages", "set_mempolicy",
        "set_mempolicy_home_node", "subpage_prot",
        // The scheduler.
        "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
        "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
        "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "spu_create",
        "spu_run",
        // Communication between processes.
        "ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend",
        "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop",
        "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
    ]),
    (Some(KindClass::Network), &["socketcall"]),
    (Some(KindClass::File), &[
        // Also files without a name, and descriptors that become others: a shell's own input and
        // output may be a connection.
        "dup", "dup2", "dup3", "faccessat", "faccessat2", "fallocate", "fchmodat2", "fgetxattr",
        "file_getattr", "file_setattr", "flistxattr", "fremovexattr", "fsetxattr", "fstatat64",
        "fstatfs", "fstatfs64", "ftruncate", "futimesat", "getxattr", "getxattrat",
        "inotify_add_watch", "inotify_rm_watch", "lgetxattr", "listmount", "listxattr",
        "listxattrat", "llistxattr", "lookup_dcookie", "lremovexattr", "lsetxattr", "memfd_create",
        "memfd_secret", "name_to_handle_at", "oldfstat", "oldlstat", "oldstat", "readdir",
        "readlink", "readlinkat", "removexattr", "removexattrat", "setxattr", "setxattrat",
        "statfs", "statfs64", "statmount", "statx", "truncate", "ustat", "utime", "utimensat",
        "utimes",
    ]),
    (None, &[
        // Processes, what they may do, and what is done to them.
        "exit", "exit_group", "kcmp", "landlock_add_rule", "landlock_create_ruleset",
        "landlock_restrict_self", "listns", "lsm_set_self_attr", "modify_ldt", "personality",
        "pidfd_send_signal", "process_madvise", "process_mrelease", "process_vm_readv",
        "process_vm_writev", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setfsgid", "setfsuid",
        "setgroups", "uselib", "userfaultfd", "vm86",
        // File systems as a whole, and ways around names.
        "fanotify_init", "fanotify_mark", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
        "move_mount", "nfsservctl", "open_by_handle_at", "open_tree", "open_tree_attr",
        "pivot_root", "quotactl_fd", "swapoff", "swapon", "umount", "umount2",
        // The kernel and the machine.
        "_sysctl", "acct", "add_key", "adjtimex", "bdflush", "clock_adjtime", "clock_settime",
        "create_module", "get_kernel_syms", "io_uring_setup", "ioperm", "iopl", "kexec_file_load",
        "kexec_load", "pciconfig_iobase", "pciconfig_read", "pciconfig_write", "perf_event_open",
        "query_module", "reboot", "request_key", "rtas", "s390_guarded_storage",
        "s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr", "s390_sthyi",
        "setdomainname", "sethostname", "settimeofday", "stime", "sys_debug_setcontext", "sysfs",
        "syslog", "unknown", "uprobe", "vhangup",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{KINDS, event_name_of};

    #[test]
    fn names_read_back() {
        for class in KindClass::ALL {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        assert_eq!("Files".parse::<KindClass>(), Err(ParseKindClassError));
    }

    #[test]
    fn each_call_without_an_event_has_one_place() {
        let listed = |name: &str| {
            BY_NAME.iter().flat_map(|(_, names)| *names).filter(|listed| **listed == name).count()
        };
        let calls = KINDS.iter().filter(|info| info.kind.is_call());
        for info in calls.filter(|info| event_name_of(&info.name).is_none()) {
            assert_eq!(listed(&info.name), 1, "{}", info.name);
        }
        for name in BY_NAME.iter().flat_map(|(_, names)| *names) {
            let is_kind = KINDS.iter().any(|info| info.name == *name && !info.kind.is_state());
            assert!(is_kind && listed(name) == 1, "{name}");
        }
    }

    #[test]
    fn what_is_listed_is_not_what_follows_anyway() {
        for (class, names) in BY_NAME {
            for info in KINDS.iter().filter(|info| names.contains(&&*info.name)) {
                let unlisted = KindInfo { name: "".into(), ..info.clone() };
                let same = !info.kind.is_call() && unlisted.class() == class;
                assert!(!same || info.kind.is_state(), "{}", info.name);
            }
        }
    }

    #[test]
    fn what_makes_and_changes_processes_is_never_given_up() {
        let class = |name| {
            let mut found = KINDS.iter().filter(|info| info.name == name && !info.kind.is_state());
            let class = found.next().expect(name).class();
            assert!(found.all(|info| info.class() == class), "{name}");
            class
        };
        for kept in [
            "execve",
            "clone3",
            "procexit",
            "setuid",
            "ptrace",
            "setns",
            "bpf",
            "kill",
            "mount",
            "process_vm_writev",
            "move_mount",
            "setgroups",
            "init_module",
            "prctl",
        ] {
            assert_eq!(class(kept), None, "{kept}");
        }
        for (given_up, expected) in [
            ("write", KindClass::Io),
            ("preadv2", KindClass::Io),
            ("poll", KindClass::Routine),
            ("clock_gettime", KindClass::Routine),
            ("getuid", KindClass::Routine),
            ("connect", KindClass::Network),
            ("openat", KindClass::File),
            ("statx", KindClass::File),
            ("dup2", KindClass::File),
        ] {
            assert_eq!(class(given_up), Some(expected), "{given_up}");
        }
        for state in KINDS.iter().filter(|info| info.kind.is_state()) {
            assert_eq!(state.class(), None, "{}", state.name);
        }
    }
}
