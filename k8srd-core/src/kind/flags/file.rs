//! Names of flags: files, file systems and descriptors.

use super::FlagName;

pub(in crate::kind) const OPEN_FLAGS: &[FlagName] = &[
    ("O_LARGEFILE", 1 << 11),
    ("O_DIRECTORY", 1 << 10),
    ("O_DIRECT", 1 << 9),
    ("O_TRUNC", 1 << 8),
    ("O_SYNC", 1 << 7),
    ("O_NONBLOCK", 1 << 6),
    ("O_EXCL", 1 << 5),
    ("O_DSYNC", 1 << 4),
    ("O_APPEND", 1 << 3),
    ("O_CREAT", 1 << 2),
    ("O_RDWR", 3),
    ("O_WRONLY", 1 << 1),
    ("O_RDONLY", 1 << 0),
    ("O_CLOEXEC", 1 << 12),
    ("O_NONE", 0),
    ("O_TMPFILE", 1 << 13),
    ("O_F_CREATED", 1 << 14),
    ("FD_UPPER_LAYER", 1 << 15),
    ("FD_LOWER_LAYER", 1 << 16),
];

pub(in crate::kind) const CREAT_FLAGS: &[FlagName] =
    &[("FD_UPPER_LAYER_CREAT", 1 << 0), ("FD_LOWER_LAYER_CREAT", 1 << 1)];

pub(in crate::kind) const RESOLVE_FLAGS: &[FlagName] = &[
    ("RESOLVE_BENEATH", 1 << 0),
    ("RESOLVE_IN_ROOT", 1 << 1),
    ("RESOLVE_NO_MAGICLINKS", 1 << 2),
    ("RESOLVE_NO_SYMLINKS", 1 << 3),
    ("RESOLVE_NO_XDEV", 1 << 4),
    ("RESOLVE_CACHED", 1 << 5),
];

pub(in crate::kind) const EXE_FLAGS: &[FlagName] = &[
    ("EXE_WRITABLE", 1 << 0),
    ("EXE_UPPER_LAYER", 1 << 1),
    ("EXE_FROM_MEMFD", 1 << 2),
    ("EXE_LOWER_LAYER", 1 << 3),
];

pub(in crate::kind) const ACCESS_FLAGS: &[FlagName] =
    &[("F_OK", 0), ("R_OK", 1 << 2), ("W_OK", 1 << 1), ("X_OK", 1 << 0)];

pub(in crate::kind) const UNLINKAT_FLAGS: &[FlagName] = &[("AT_REMOVEDIR", 1 << 9)];

pub(in crate::kind) const LINKAT_FLAGS: &[FlagName] =
    &[("AT_SYMLINK_FOLLOW", 1 << 10), ("AT_EMPTY_PATH", 1 << 12)];

pub(in crate::kind) const RENAMEAT2_FLAGS: &[FlagName] =
    &[("RENAME_NOREPLACE", 1 << 0), ("RENAME_EXCHANGE", 1 << 1), ("RENAME_WHITEOUT", 1 << 2)];

pub(in crate::kind) const FCHOWNAT_FLAGS: &[FlagName] =
    &[("AT_SYMLINK_NOFOLLOW", 1 << 10), ("AT_EMPTY_PATH", 1 << 12)];

pub(in crate::kind) const NEWFSTATAT_FLAGS: &[FlagName] =
    &[("AT_EMPTY_PATH", 1 << 12), ("AT_NO_AUTOMOUNT", 1 << 11), ("AT_SYMLINK_NOFOLLOW", 1 << 8)];

pub(in crate::kind) const MOUNT_FLAGS: &[FlagName] = &[
    ("RDONLY", 1 << 0),
    ("NOSUID", 1 << 1),
    ("NODEV", 1 << 2),
    ("NOEXEC", 1 << 3),
    ("SYNCHRONOUS", 1 << 4),
    ("REMOUNT", 1 << 5),
    ("MANDLOCK", 1 << 6),
    ("DIRSYNC", 1 << 7),
    ("NOATIME", 1 << 10),
    ("NODIRATIME", 1 << 11),
    ("BIND", 1 << 12),
    ("MOVE", 1 << 13),
    ("REC", 1 << 14),
    ("SILENT", 1 << 15),
    ("POSIXACL", 1 << 16),
    ("UNBINDABLE", 1 << 17),
    ("PRIVATE", 1 << 18),
    ("SLAVE", 1 << 19),
    ("SHARED", 1 << 20),
    ("RELATIME", 1 << 21),
    ("KERNMOUNT", 1 << 22),
    ("I_VERSION", 1 << 23),
    ("STRICTATIME", 1 << 24),
    ("LAZYTIME", 1 << 25),
    ("NOSEC", 1 << 28),
    ("BORN", 1 << 29),
    ("ACTIVE", 1 << 30),
    ("NOUSER", 1 << 31),
];

pub(in crate::kind) const UMOUNT_FLAGS: &[FlagName] =
    &[("FORCE", 1 << 0), ("DETACH", 1 << 1), ("EXPIRE", 1 << 2), ("NOFOLLOW", 1 << 3)];

pub(in crate::kind) const FSCONFIG_CMDS: &[FlagName] = &[
    ("FSCONFIG_SET_FLAG", 0),
    ("FSCONFIG_SET_STRING", 1),
    ("FSCONFIG_SET_BINARY", 2),
    ("FSCONFIG_SET_PATH", 3),
    ("FSCONFIG_SET_PATH_EMPTY", 4),
    ("FSCONFIG_SET_FD", 5),
    ("FSCONFIG_CMD_CREATE", 6),
    ("FSCONFIG_CMD_RECONFIGURE", 7),
];

pub(in crate::kind) const LSEEK_WHENCE: &[FlagName] =
    &[("SEEK_END", 1 << 1), ("SEEK_CUR", 1 << 0), ("SEEK_SET", 0)];

pub(in crate::kind) const FCNTL_COMMANDS: &[FlagName] = &[
    ("F_GETPIPE_SZ", 29),
    ("F_SETPIPE_SZ", 28),
    ("F_NOTIFY", 27),
    ("F_DUPFD_CLOEXEC", 26),
    ("F_CANCELLK", 25),
    ("F_GETLEASE", 24),
    ("F_SETLEASE", 23),
    ("F_GETOWN_EX", 22),
    ("F_SETOWN_EX", 21),
    ("F_SETLKW64", 19),
    ("F_SETLK64", 18),
    ("F_GETLK64", 17),
    ("F_GETSIG", 15),
    ("F_SETSIG", 13),
    ("F_GETOWN", 12),
    ("F_SETOWN", 10),
    ("F_SETLKW", 9),
    ("F_SETLK", 8),
    ("F_GETLK", 6),
    ("F_SETFL", 5),
    ("F_GETFL", 4),
    ("F_SETFD", 3),
    ("F_GETFD", 2),
    ("F_DUPFD", 1),
    ("F_OFD_GETLK", 30),
    ("F_OFD_SETLK", 31),
    ("F_OFD_SETLKW", 32),
    ("UNKNOWN", 0),
];

pub(in crate::kind) const FLOCK_FLAGS: &[FlagName] = &[
    ("LOCK_SH", 1 << 0),
    ("LOCK_EX", 1 << 1),
    ("LOCK_NB", 1 << 2),
    ("LOCK_UN", 1 << 3),
    ("LOCK_NONE", 0),
];

pub(in crate::kind) const SPLICE_FLAGS: &[FlagName] = &[
    ("SPLICE_F_MOVE", 1 << 0),
    ("SPLICE_F_NONBLOCK", 1 << 1),
    ("SPLICE_F_MORE", 1 << 2),
    ("SPLICE_F_GIFT", 1 << 3),
];

pub(in crate::kind) const CLOSE_RANGE_FLAGS: &[FlagName] =
    &[("CLOSE_RANGE_UNSHARE", 1 << 1), ("CLOSE_RANGE_CLOEXEC", 1 << 2)];

pub(in crate::kind) const MEMFD_CREATE_FLAGS: &[FlagName] =
    &[("MFD_CLOEXEC", 1 << 0), ("MFD_ALLOW_SEALING", 1 << 1), ("MFD_HUGETLB", 1 << 2)];

/// The permissions of [`MKNOD_MODE`], without the types of files.
pub(in crate::kind) const CHMOD_MODE: &[FlagName] = MKNOD_MODE.split_at(12).0;

pub(in crate::kind) const MKNOD_MODE: &[FlagName] = &[
    ("S_IXOTH", 0o1),
    ("S_IWOTH", 0o2),
    ("S_IROTH", 0o4),
    ("S_IXGRP", 0o10),
    ("S_IWGRP", 0o20),
    ("S_IRGRP", 0o40),
    ("S_IXUSR", 0o100),
    ("S_IWUSR", 0o200),
    ("S_IRUSR", 0o400),
    ("S_ISVTX", 0o1000),
    ("S_ISGID", 0o2000),
    ("S_ISUID", 0o4000),
    ("S_IFREG", 0o100000),
    ("S_IFCHR", 0o20000),
    ("S_IFBLK", 0o60000),
    ("S_IFIFO", 0o10000),
    ("S_IFSOCK", 0o140000),
];

pub(in crate::kind) const QUOTACTL_CMDS: &[FlagName] = &[
    ("Q_QUOTAON", 1 << 0),
    ("Q_QUOTAOFF", 1 << 1),
    ("Q_GETFMT", 1 << 2),
    ("Q_GETINFO", 1 << 3),
    ("Q_SETINFO", 1 << 4),
    ("Q_GETQUOTA", 1 << 5),
    ("Q_SETQUOTA", 1 << 6),
    ("Q_SYNC", 1 << 7),
    ("Q_XQUOTAON", 1 << 8),
    ("Q_XQUOTAOFF", 1 << 9),
    ("Q_XGETQUOTA", 1 << 10),
    ("Q_XSETQLIM", 1 << 11),
    ("Q_XGETQSTAT", 1 << 12),
    ("Q_XQUOTARM", 1 << 13),
    ("Q_XQUOTASYNC", 1 << 14),
];

pub(in crate::kind) const QUOTACTL_TYPES: &[FlagName] =
    &[("USRQUOTA", 1 << 0), ("GRPQUOTA", 1 << 1)];

pub(in crate::kind) const QUOTACTL_DQI_FLAGS: &[FlagName] =
    &[("DQF_NONE", 1 << 0), ("V1_DQF_RSQUASH", 1 << 1)];

pub(in crate::kind) const QUOTACTL_QUOTA_FMTS: &[FlagName] = &[
    ("QFMT_NOT_USED", 1 << 0),
    ("QFMT_VFS_OLD", 1 << 1),
    ("QFMT_VFS_V0", 1 << 2),
    ("QFMT_VFS_V1", 1 << 3),
];
