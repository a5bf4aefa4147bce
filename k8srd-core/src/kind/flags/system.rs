//! Names of flags: memory, waiting and the kernel itself.

use super::FlagName;

pub(in crate::kind) const PROT_FLAGS: &[FlagName] = &[
    ("PROT_READ", 1 << 0),
    ("PROT_WRITE", 1 << 1),
    ("PROT_EXEC", 1 << 2),
    ("PROT_SEM", 1 << 3),
    ("PROT_GROWSDOWN", 1 << 4),
    ("PROT_GROWSUP", 1 << 5),
    ("PROT_SAO", 1 << 6),
    ("PROT_NONE", 0),
];

pub(in crate::kind) const MMAP_FLAGS: &[FlagName] = &[
    ("MAP_SHARED", 1 << 0),
    ("MAP_PRIVATE", 1 << 1),
    ("MAP_FIXED", 1 << 2),
    ("MAP_ANONYMOUS", 1 << 3),
    ("MAP_32BIT", 1 << 4),
    ("MAP_RENAME", 1 << 5),
    ("MAP_NORESERVE", 1 << 6),
    ("MAP_POPULATE", 1 << 7),
    ("MAP_NONBLOCK", 1 << 8),
    ("MAP_GROWSDOWN", 1 << 9),
    ("MAP_DENYWRITE", 1 << 10),
    ("MAP_EXECUTABLE", 1 << 11),
    ("MAP_INHERIT", 1 << 12),
    ("MAP_FILE", 1 << 13),
    ("MAP_LOCKED", 1 << 14),
];

pub(in crate::kind) const MLOCKALL_FLAGS: &[FlagName] =
    &[("MCL_CURRENT", 1 << 0), ("MCL_FUTURE", 1 << 1), ("MCL_ONFAULT", 1 << 2)];

pub(in crate::kind) const MLOCK2_FLAGS: &[FlagName] = &[("MLOCK_ONFAULT", 1 << 0)];

pub(in crate::kind) const PF_FLAGS: &[FlagName] = &[
    ("PROTECTION_VIOLATION", 1 << 0),
    ("PAGE_NOT_PRESENT", 1 << 1),
    ("WRITE_ACCESS", 1 << 2),
    ("READ_ACCESS", 1 << 3),
    ("USER_FAULT", 1 << 4),
    ("SUPERVISOR_FAULT", 1 << 5),
    ("RESERVED_PAGE", 1 << 6),
    ("INSTRUCTION_FETCH", 1 << 7),
];

pub(in crate::kind) const FUTEX_OPERATIONS: &[FlagName] = &[
    ("FUTEX_CLOCK_REALTIME", 256),
    ("FUTEX_PRIVATE_FLAG", 128),
    ("FUTEX_CMP_REQUEUE_PI", 12),
    ("FUTEX_WAIT_REQUEUE_PI", 11),
    ("FUTEX_WAKE_BITSET", 10),
    ("FUTEX_WAIT_BITSET", 9),
    ("FUTEX_TRYLOCK_PI", 8),
    ("FUTEX_UNLOCK_PI", 7),
    ("FUTEX_LOCK_PI", 6),
    ("FUTEX_WAKE_OP", 5),
    ("FUTEX_CMP_REQUEUE", 4),
    ("FUTEX_REQUEUE", 3),
    ("FUTEX_FD", 2),
    ("FUTEX_WAKE", 1),
    ("FUTEX_WAIT", 0),
];

pub(in crate::kind) const SEMOP_FLAGS: &[FlagName] =
    &[("IPC_NOWAIT", 1 << 0), ("SEM_UNDO", 1 << 1)];

pub(in crate::kind) const SEMCTL_COMMANDS: &[FlagName] = &[
    ("IPC_STAT", 1 << 0),
    ("IPC_SET", 1 << 1),
    ("IPC_RMID", 1 << 2),
    ("IPC_INFO", 1 << 3),
    ("SEM_INFO", 1 << 4),
    ("SEM_STAT", 1 << 5),
    ("GETALL", 1 << 6),
    ("GETNCNT", 1 << 7),
    ("GETPID", 1 << 8),
    ("GETVAL", 1 << 9),
    ("GETZCNT", 1 << 10),
    ("SETALL", 1 << 11),
    ("SETVAL", 1 << 12),
];

pub(in crate::kind) const SEMGET_FLAGS: &[FlagName] =
    &[("IPC_EXCL", 1 << 14), ("IPC_CREAT", 1 << 13)];

pub(in crate::kind) const EPOLL_CREATE1_FLAGS: &[FlagName] = &[("EPOLL_CLOEXEC", 1 << 0)];

pub(in crate::kind) const IO_URING_SETUP_FLAGS: &[FlagName] = &[
    ("IORING_SETUP_IOPOLL", 1 << 0),
    ("IORING_SETUP_SQPOLL", 1 << 1),
    ("IORING_SQ_NEED_WAKEUP", 1 << 2),
    ("IORING_SETUP_SQ_AFF", 1 << 3),
    ("IORING_SETUP_CQSIZE", 1 << 4),
    ("IORING_SETUP_CLAMP", 1 << 5),
    ("IORING_SETUP_ATTACH_RW", 1 << 6),
    ("IORING_SETUP_R_DISABLED", 1 << 7),
];

pub(in crate::kind) const IO_URING_SETUP_FEATS: &[FlagName] = &[
    ("IORING_FEAT_SINGLE_MMAP", 1 << 0),
    ("IORING_FEAT_NODROP", 1 << 1),
    ("IORING_FEAT_SUBMIT_STABLE", 1 << 2),
    ("IORING_FEAT_RW_CUR_POS", 1 << 3),
    ("IORING_FEAT_CUR_PERSONALITY", 1 << 4),
    ("IORING_FEAT_FAST_POLL", 1 << 5),
    ("IORING_FEAT_POLL_32BITS", 1 << 6),
    ("IORING_FEAT_SQPOLL_NONFIXED", 1 << 7),
    ("IORING_FEAT_ENTER_EXT_ARG", 1 << 8),
    ("IORING_FEAT_NATIVE_WORKERS", 1 << 9),
    ("IORING_FEAT_RSRC_TAGS", 1 << 10),
];

pub(in crate::kind) const IO_URING_ENTER_FLAGS: &[FlagName] = &[
    ("IORING_ENTER_GETEVENTS", 1 << 0),
    ("IORING_ENTER_SQ_WAKEUP", 1 << 1),
    ("IORING_ENTER_SQ_WAIT", 1 << 2),
    ("IORING_ENTER_EXT_ARG", 1 << 3),
];

pub(in crate::kind) const IO_URING_REGISTER_OPCODES: &[FlagName] = &[
    ("IORING_REGISTER_BUFFERS", 0),
    ("IORING_UNREGISTER_BUFFERS", 1),
    ("IORING_REGISTER_FILES", 2),
    ("IORING_UNREGISTER_FILES", 3),
    ("IORING_REGISTER_EVENTFD", 4),
    ("IORING_UNREGISTER_EVENTFD", 5),
    ("IORING_REGISTER_FILES_UPDATE", 6),
    ("IORING_REGISTER_EVENTFD_ASYNC", 7),
    ("IORING_REGISTER_PROBE", 8),
    ("IORING_REGISTER_PERSONALITY", 9),
    ("IORING_UNREGISTER_PERSONALITY", 10),
    ("IORING_REGISTER_RESTRICTIONS", 11),
    ("IORING_REGISTER_ENABLE_RINGS", 12),
    ("IORING_REGISTER_FILES2", 13),
    ("IORING_REGISTER_FILES_UPDATE2", 14),
    ("IORING_REGISTER_BUFFERS2", 15),
    ("IORING_REGISTER_BUFFERS_UPDATE", 16),
    ("IORING_REGISTER_IOWQ_AFF", 17),
    ("IORING_UNREGISTER_IOWQ_AFF", 18),
    ("IORING_REGISTER_IOWQ_MAX_WORKERS", 19),
    ("IORING_REGISTER_RING_FDS", 20),
    ("IORING_UNREGISTER_RING_FDS", 21),
];

pub(in crate::kind) const BPF_COMMANDS: &[FlagName] = &[
    ("BPF_MAP_CREATE", 0),
    ("BPF_MAP_LOOKUP_ELEM", 1),
    ("BPF_MAP_UPDATE_ELEM", 2),
    ("BPF_MAP_DELETE_ELEM", 3),
    ("BPF_MAP_GET_NEXT_KEY", 4),
    ("BPF_PROG_LOAD", 5),
    ("BPF_OBJ_PIN", 6),
    ("BPF_OBJ_GET", 7),
    ("BPF_PROG_ATTACH", 8),
    ("BPF_PROG_DETACH", 9),
    ("BPF_PROG_TEST_RUN", 10),
    ("BPF_PROG_RUN", 10),
    ("BPF_PROG_GET_NEXT_ID", 11),
    ("BPF_MAP_GET_NEXT_ID", 12),
    ("BPF_PROG_GET_FD_BY_ID", 13),
    ("BPF_MAP_GET_FD_BY_ID", 14),
    ("BPF_OBJ_GET_INFO_BY_FD", 15),
    ("BPF_PROG_QUERY", 16),
    ("BPF_RAW_TRACEPOINT_OPEN", 17),
    ("BPF_BTF_LOAD", 18),
    ("BPF_BTF_GET_FD_BY_ID", 19),
    ("BPF_TASK_FD_QUERY", 20),
    ("BPF_MAP_LOOKUP_AND_DELETE_ELEM", 21),
    ("BPF_MAP_FREEZE", 22),
    ("BPF_BTF_GET_NEXT_ID", 23),
    ("BPF_MAP_LOOKUP_BATCH", 24),
    ("BPF_MAP_LOOKUP_AND_DELETE_BATCH", 25),
    ("BPF_MAP_UPDATE_BATCH", 26),
    ("BPF_MAP_DELETE_BATCH", 27),
    ("BPF_LINK_CREATE", 28),
    ("BPF_LINK_UPDATE", 29),
    ("BPF_LINK_GET_FD_BY_ID", 30),
    ("BPF_LINK_GET_NEXT_ID", 31),
    ("BPF_ENABLE_STATS", 32),
    ("BPF_ITER_CREATE", 33),
    ("BPF_LINK_DETACH", 34),
    ("BPF_PROG_BIND_MAP", 35),
];

pub(in crate::kind) const FINIT_MODULE_FLAGS: &[FlagName] = &[
    ("MODULE_INIT_IGNORE_MODVERSIONS", 1 << 0),
    ("MODULE_INIT_IGNORE_VERMAGIC", 1 << 1),
    ("MODULE_INIT_COMPRESSED_FILE", 1 << 2),
];

pub(in crate::kind) const DELETE_MODULE_FLAGS: &[FlagName] =
    &[("O_NONBLOCK", 1 << 1), ("O_TRUNC", 1 << 0)];

pub(in crate::kind) const ANON_INODE_FD_TYPES: &[FlagName] = &[
    ("ANON_INODE_FD_TYPE_UNKNOWN", 0),
    ("ANON_INODE_FD_TYPE_EVENTFD", 1),
    ("ANON_INODE_FD_TYPE_EVENTPOLL", 2),
    ("ANON_INODE_FD_TYPE_INOTIFY", 3),
    ("ANON_INODE_FD_TYPE_SIGNALFD", 4),
    ("ANON_INODE_FD_TYPE_TIMERFD", 5),
    ("ANON_INODE_FD_TYPE_IO_URING", 6),
    ("ANON_INODE_FD_TYPE_USERFAULTFD", 7),
    ("ANON_INODE_FD_TYPE_PIDFD", 8),
    ("ANON_INODE_FD_TYPE_BPF_MAP", 9),
    ("ANON_INODE_FD_TYPE_BPF_PROG", 10),
    ("ANON_INODE_FD_TYPE_BPF_LINK", 11),
    ("ANON_INODE_FD_TYPE_BPF_ITER", 12),
    ("ANON_INODE_FD_TYPE_PERF_EVENT", 13),
];
