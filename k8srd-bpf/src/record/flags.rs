//! The kernel's flags, told as Falco's.
//!
//! Falco's values are the same on every architecture; the kernel's are not. Facts: Falco's
//! `driver/ppm_events_public.h` and `driver/ppm_flag_helpers.h`; the kernel's
//! `include/uapi/asm-generic/fcntl.h`, `arch/arm64/include/uapi/asm/fcntl.h`,
//! `include/uapi/linux/{sched,openat2}.h`.

/// The file was created by the call (`PPM_O_F_CREATED`).
pub(super) const CREATED: u32 = 1 << 14;
/// The file lies in the upper layer of an overlay (`PPM_FD_UPPER_LAYER`).
pub(super) const UPPER_LAYER: u32 = 1 << 15;
/// The file lies in the lower layer of an overlay (`PPM_FD_LOWER_LAYER`).
pub(super) const LOWER_LAYER: u32 = 1 << 16;
/// As [`UPPER_LAYER`], in creat's own param.
pub(super) const UPPER_LAYER_CREAT: u32 = 1 << 0;
/// As [`LOWER_LAYER`], in creat's own param.
pub(super) const LOWER_LAYER_CREAT: u32 = 1 << 1;
/// The new task lives in a pid namespace of its own (`PPM_CL_CHILD_IN_PIDNS`).
pub(super) const CHILD_IN_PIDNS: u32 = 1 << 29;

/// The kernel's `f_mode` bit of a file that the call created.
pub(super) const FMODE_CREATED: u32 = 1 << 20;

/// Bits that the kernel's `O_*` have, and Falco's for them.
struct Bit(u64, u32);

const O_CREAT: u64 = 0o100;
#[cfg(not(target_arch = "aarch64"))]
const O_DIRECT: u64 = 0o4_0000;
#[cfg(not(target_arch = "aarch64"))]
const O_LARGEFILE: u64 = 0o10_0000;
#[cfg(not(target_arch = "aarch64"))]
const O_DIRECTORY: u64 = 0o20_0000;
#[cfg(target_arch = "aarch64")]
const O_DIRECTORY: u64 = 0o4_0000;
#[cfg(target_arch = "aarch64")]
const O_DIRECT: u64 = 0o20_0000;
#[cfg(target_arch = "aarch64")]
const O_LARGEFILE: u64 = 0o40_0000;
const O_DSYNC: u64 = 0o1_0000;
const O_SYNC: u64 = 0o400_0000 | O_DSYNC;
const O_TMPFILE: u64 = 0o2000_0000 | O_DIRECTORY;

/// Falco tests these with `flags & mask`, so one bit of a wide mask suffices: `O_DSYNC` tells
/// `O_SYNC` too, and `O_DIRECTORY` tells `O_TMPFILE`. Kept, for the same call shall read the same.
const OPEN: &[Bit] = &[
    Bit(O_CREAT, 1 << 2),
    Bit(O_TMPFILE, 1 << 13),
    Bit(0o2000, 1 << 3),  // O_APPEND
    Bit(O_DSYNC, 1 << 4), // O_DSYNC
    Bit(0o200, 1 << 5),   // O_EXCL
    Bit(0o4000, 1 << 6),  // O_NONBLOCK
    Bit(O_SYNC, 1 << 7),  // O_SYNC
    Bit(0o1000, 1 << 8),  // O_TRUNC
    Bit(O_DIRECT, 1 << 9),
    Bit(O_DIRECTORY, 1 << 10),
    Bit(O_LARGEFILE, 1 << 11),
    Bit(0o200_0000, 1 << 12), // O_CLOEXEC
];

const RESOLVE: &[Bit] = &[
    Bit(0x08, 1 << 0), // RESOLVE_BENEATH
    Bit(0x10, 1 << 1), // RESOLVE_IN_ROOT
    Bit(0x02, 1 << 2), // RESOLVE_NO_MAGICLINKS
    Bit(0x04, 1 << 3), // RESOLVE_NO_SYMLINKS
    Bit(0x01, 1 << 4), // RESOLVE_NO_XDEV
    Bit(0x20, 1 << 5), // RESOLVE_CACHED
];

const CLONE: &[Bit] = &[
    Bit(0x0000_0400, 1 << 0),  // CLONE_FILES
    Bit(0x0000_0200, 1 << 1),  // CLONE_FS
    Bit(0x8000_0000, 1 << 2),  // CLONE_IO
    Bit(0x0800_0000, 1 << 3),  // CLONE_NEWIPC
    Bit(0x4000_0000, 1 << 4),  // CLONE_NEWNET
    Bit(0x0002_0000, 1 << 5),  // CLONE_NEWNS
    Bit(0x2000_0000, 1 << 6),  // CLONE_NEWPID
    Bit(0x0400_0000, 1 << 7),  // CLONE_NEWUTS
    Bit(0x0000_8000, 1 << 8),  // CLONE_PARENT
    Bit(0x0010_0000, 1 << 9),  // CLONE_PARENT_SETTID
    Bit(0x0000_2000, 1 << 10), // CLONE_PTRACE
    Bit(0x0000_0800, 1 << 11), // CLONE_SIGHAND
    Bit(0x0004_0000, 1 << 12), // CLONE_SYSVSEM
    Bit(0x0001_0000, 1 << 13), // CLONE_THREAD
    Bit(0x0080_0000, 1 << 14), // CLONE_UNTRACED
    Bit(0x0000_0100, 1 << 15), // CLONE_VM
    Bit(0x1000_0000, 1 << 20), // CLONE_NEWUSER
    Bit(0x0020_0000, 1 << 23), // CLONE_CHILD_CLEARTID
    Bit(0x0100_0000, 1 << 24), // CLONE_CHILD_SETTID
    Bit(0x0008_0000, 1 << 25), // CLONE_SETTLS
    Bit(0x0000_4000, 1 << 27), // CLONE_VFORK
    Bit(0x0200_0000, 1 << 28), // CLONE_NEWCGROUP
];

/// Falco's bits for the kernel's `O_*`.
pub(super) fn open(flags: u64) -> u32 {
    // The access mode is a number in the kernel, two bits in Falco; 3 (no access, ioctl only) reads
    // as O_RDONLY there.
    let access = match flags & 3 {
        1 => 2,
        2 => 3,
        _ => 1,
    };
    access | translate(flags, OPEN)
}

/// Falco's bits for a mode, which are the kernel's; 0 for a call that makes no file.
pub(super) fn mode(open_flags: u64, mode: u32) -> u32 {
    if open_flags & (O_CREAT | O_TMPFILE) == 0 { 0 } else { mode & 0o7777 }
}

/// Falco's bits for the kernel's `RESOLVE_*`.
pub(super) fn resolve(flags: u64) -> u32 {
    translate(flags, RESOLVE)
}

/// Falco's bits for the kernel's `CLONE_*`.
pub(super) fn clone(flags: u64) -> u32 {
    translate(flags, CLONE)
}

fn translate(flags: u64, bits: &[Bit]) -> u32 {
    bits.iter()
        .filter(|Bit(kernel, _)| flags & kernel != 0)
        .fold(0, |falco, Bit(_, bit)| falco | bit)
}

/// A value out of several: the kernel's, and Falco's for it.
struct Value(u64, u32);

fn convert(value: u64, values: &[Value], otherwise: u32) -> u32 {
    values.iter().find(|Value(kernel, _)| *kernel == value).map_or(otherwise, |it| it.1)
}

/// Flags and modes that are the same in both, without the bits that Falco does not have.
macro_rules! same {
    ($($(#[$doc:meta])* $name:ident $mask:literal;)*) => {
        $($(#[$doc])*
        pub(crate) fn $name(flags: u64) -> u32 {
            flags as u32 & $mask
        })*
    };
}

same! {
    /// The number as it is.
    same 0xffff_ffff;
    /// `AT_REMOVEDIR`.
    unlinkat 0x200;
    /// `AT_SYMLINK_FOLLOW`, `AT_EMPTY_PATH`; Falco has the same for `fchownat`.
    linkat 0x1400;
    /// `AT_SYMLINK_NOFOLLOW`, `AT_NO_AUTOMOUNT`, `AT_EMPTY_PATH`.
    newfstatat 0x1900;
    /// Permissions.
    chmod 0o7777;
    /// `R_OK`, `W_OK`, `X_OK`.
    access 7;
    /// `MNT_FORCE`, `MNT_DETACH`, `MNT_EXPIRE`, `UMOUNT_NOFOLLOW`.
    umount 0xf;
    /// `LOCK_SH`, `LOCK_EX`, `LOCK_NB`, `LOCK_UN`.
    flock 0xf;
    /// `CLOSE_RANGE_UNSHARE`, `CLOSE_RANGE_CLOEXEC`, at Falco's places.
    close_range 6;
    /// `MFD_CLOEXEC`, `MFD_ALLOW_SEALING`, `MFD_HUGETLB`.
    memfd 7;
    /// `SPLICE_F_*`.
    splice 0xf;
    /// `MODULE_INIT_*`.
    module 7;
    /// `MLOCK_ONFAULT`.
    mlock2 1;
    /// `MCL_*`.
    mlockall 7;
    /// `IORING_ENTER_*`.
    io_uring_enter 0xf;
}

/// `MS_*`, without the magic number that old programs set.
pub(crate) fn mount(flags: u64) -> u32 {
    const MAGIC: u32 = 0xc0ed_0000;
    let flags = flags as u32;
    if flags & 0xffff_0000 == MAGIC { flags & 0xffff } else { flags }
}

/// Permissions and type of a file that `mknod` is to make; without a type it is a regular file.
pub(crate) fn mknod(mode: u64) -> u32 {
    const TYPE: u32 = 0o170_000;
    const KNOWN: [u32; 5] = [0o140_000, 0o100_000, 0o060_000, 0o020_000, 0o010_000];
    let ty = match mode as u32 & TYPE {
        0 => 0o100_000,
        ty if KNOWN.contains(&ty) => ty,
        _ => 0,
    };
    chmod(mode) | ty
}

/// `SEEK_SET`, `SEEK_CUR`, `SEEK_END`.
pub(crate) fn whence(value: u64) -> u32 {
    let value = value as u32;
    if value <= 2 { value } else { 0 }
}

const O_NONBLOCK: u64 = 0o4000;
const O_TRUNC: u64 = 0o1000;
const O_CLOEXEC: u64 = 0o200_0000;
const CLOEXEC: &[Bit] = &[Bit(O_CLOEXEC, 1 << 12)];
const NONBLOCK_CLOEXEC: &[Bit] = &[Bit(O_NONBLOCK, 1 << 6), Bit(O_CLOEXEC, 1 << 12)];
const PIPE: &[Bit] = &[Bit(O_NONBLOCK, 1 << 6), Bit(O_DIRECT, 1 << 9), Bit(O_CLOEXEC, 1 << 12)];

/// Flags are 32 bits wide; a negative number is no set of them.
fn of_descriptor(flags: u64, bits: &[Bit]) -> u32 {
    if flags as i32 >= 0 { translate(flags, bits) } else { 0 }
}

/// `O_CLOEXEC`.
pub(crate) fn cloexec(flags: u64) -> u32 {
    translate(flags, CLOEXEC)
}

/// `O_NONBLOCK` and `O_CLOEXEC`, which have other names with each call that makes a descriptor.
pub(crate) fn nonblock_cloexec(flags: u64) -> u32 {
    of_descriptor(flags, NONBLOCK_CLOEXEC)
}

/// The same in 8 bits: Falco's bit of `O_CLOEXEC` does not fit.
pub(crate) fn timerfd(flags: u64) -> u32 {
    nonblock_cloexec(flags) & 0xff
}

/// `O_NONBLOCK`, `O_CLOEXEC` and `O_DIRECT`.
pub(crate) fn pipe(flags: u64) -> u32 {
    of_descriptor(flags, PIPE)
}

/// `EPOLL_CLOEXEC`.
pub(crate) fn epoll(flags: u64) -> u32 {
    u32::from(flags & O_CLOEXEC != 0)
}

/// `PIDFD_NONBLOCK`.
pub(crate) fn pidfd(flags: u64) -> u32 {
    u32::from(flags & O_NONBLOCK != 0)
}

/// `O_NONBLOCK` and `O_TRUNC` of `delete_module`.
pub(crate) fn delete_module(flags: u64) -> u32 {
    translate(flags, &[Bit(O_TRUNC, 1 << 0), Bit(O_NONBLOCK, 1 << 1)])
}

/// `CLONE_*` in 32 bits.
pub(crate) fn clone_of(flags: u64) -> u32 {
    clone(flags & 0xffff_ffff)
}

/// `PROT_*`.
pub(crate) fn protection(flags: u64) -> u32 {
    const BITS: &[Bit] = &[
        Bit(0x1, 1 << 0),         // PROT_READ
        Bit(0x2, 1 << 1),         // PROT_WRITE
        Bit(0x4, 1 << 2),         // PROT_EXEC
        Bit(0x8, 1 << 3),         // PROT_SEM
        Bit(0x0100_0000, 1 << 4), // PROT_GROWSDOWN
        Bit(0x0200_0000, 1 << 5), // PROT_GROWSUP
    ];
    translate(flags, BITS)
}

/// `MAP_*`.
pub(crate) fn mapping(flags: u64) -> u32 {
    const BITS: &[Bit] = &[
        Bit(0x0_0001, 1 << 0), // MAP_SHARED
        Bit(0x0_0002, 1 << 1), // MAP_PRIVATE
        Bit(0x0_0010, 1 << 2), // MAP_FIXED
        Bit(0x0_0020, 1 << 3), // MAP_ANONYMOUS
        #[cfg(target_arch = "x86_64")]
        Bit(0x0_0040, 1 << 4), // MAP_32BIT
        Bit(0x0_4000, 1 << 6), // MAP_NORESERVE
        Bit(0x0_8000, 1 << 7), // MAP_POPULATE
        Bit(0x1_0000, 1 << 8), // MAP_NONBLOCK
        Bit(0x0_0100, 1 << 9), // MAP_GROWSDOWN
        Bit(0x0_0800, 1 << 10), // MAP_DENYWRITE
        Bit(0x0_1000, 1 << 11), // MAP_EXECUTABLE
        Bit(0x0_2000, 1 << 14), // MAP_LOCKED
    ];
    translate(flags, BITS)
}

/// `F_*` of `fcntl`.
pub(crate) fn fcntl(command: u64) -> u32 {
    const VALUES: &[Value] = &[
        Value(0, 1),     // F_DUPFD
        Value(1, 2),     // F_GETFD
        Value(2, 3),     // F_SETFD
        Value(3, 4),     // F_GETFL
        Value(4, 5),     // F_SETFL
        Value(5, 6),     // F_GETLK
        Value(6, 8),     // F_SETLK
        Value(7, 9),     // F_SETLKW
        Value(8, 10),    // F_SETOWN
        Value(9, 12),    // F_GETOWN
        Value(10, 13),   // F_SETSIG
        Value(11, 15),   // F_GETSIG
        Value(12, 17),   // F_GETLK64
        Value(13, 18),   // F_SETLK64
        Value(14, 19),   // F_SETLKW64
        Value(15, 21),   // F_SETOWN_EX
        Value(16, 22),   // F_GETOWN_EX
        Value(36, 30),   // F_OFD_GETLK
        Value(37, 31),   // F_OFD_SETLK
        Value(38, 32),   // F_OFD_SETLKW
        Value(1024, 23), // F_SETLEASE
        Value(1025, 24), // F_GETLEASE
        Value(1026, 27), // F_NOTIFY
        Value(1029, 25), // F_CANCELLK
        Value(1030, 26), // F_DUPFD_CLOEXEC
        Value(1031, 28), // F_SETPIPE_SZ
        Value(1032, 29), // F_GETPIPE_SZ
    ];
    convert(command & 0xffff_ffff, VALUES, 0)
}

/// `RLIMIT_*`.
pub(crate) fn resource(value: u64) -> u32 {
    let value = value as u32;
    if value <= 15 { value } else { 255 }
}

/// `SHUT_*`; Falco's value for what it does not know does not fit its 8 bits.
pub(crate) fn shutdown(how: u64) -> u32 {
    let how = how as u32;
    if how <= 2 { how } else { 255 }
}

/// `AF_*`, of which Falco knows those until `AF_NFC`.
pub(crate) fn family(value: u64) -> u32 {
    // AF_IB and AF_MPLS, which Falco does not know.
    match value as u8 {
        27 | 28 | 40.. => 0,
        family => family.into(),
    }
}

const SOL_SOCKET: u64 = 1;
const SOL_TCP: u64 = 6;

/// `SOL_*`.
pub(crate) fn option_level(level: u64) -> u32 {
    match level & 0xffff_ffff {
        SOL_SOCKET => 1,
        SOL_TCP => 2,
        _ => 0,
    }
}

const SO_ERROR: u64 = 4;
const SO_RCVTIMEO: u64 = 20;
const SO_SNDTIMEO: u64 = 21;
const SO_RCVTIMEO_NEW: u64 = 66;
const SO_SNDTIMEO_NEW: u64 = 67;
const SO_COOKIE: u64 = 57;

/// `SO_*` of the level `SOL_SOCKET`.
pub(crate) fn option(level: u64, name: u64) -> u32 {
    if level & 0xffff_ffff != SOL_SOCKET {
        return 0;
    }
    match name & 0xffff_ffff {
        // SO_ATTACH_REUSEPORT_* and the options behind them have other numbers.
        name @ 1..=31 | name @ 34..=50 => name as u32,
        // SO_SNDBUFFORCE and SO_RCVBUFFORCE.
        name @ 32..=33 => name as u32,
        55 => 52, // SO_MEMINFO
        59 => 51, // SO_PEERGROUPS
        SO_COOKIE => 53,
        SO_RCVTIMEO_NEW => 20,
        SO_SNDTIMEO_NEW => 21,
        _ => 0,
    }
}

/// What the value of an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionType {
    Bytes,
    Error,
    Number,
    Wide,
    Time,
}

/// As Falco tells it: those that are no numbers, and those of other levels, are bytes.
pub(crate) fn option_type(level: u64, name: u64) -> OptionType {
    if level & 0xffff_ffff != SOL_SOCKET {
        return OptionType::Bytes;
    }
    match name & 0xffff_ffff {
        SO_ERROR => OptionType::Error,
        SO_RCVTIMEO | SO_SNDTIMEO | SO_RCVTIMEO_NEW | SO_SNDTIMEO_NEW => OptionType::Time,
        SO_COOKIE => OptionType::Wide,
        1..=3 | 5..=12 | 14..=16 | 18..=19 | 29 | 30 | 32..=50 => OptionType::Number,
        _ => OptionType::Bytes,
    }
}

/// `PTRACE_*`.
pub(crate) fn ptrace(request: u64) -> u32 {
    const VALUES: &[Value] = &[
        Value(0, 1),       // PTRACE_TRACEME
        Value(1, 2),       // PTRACE_PEEKTEXT
        Value(2, 3),       // PTRACE_PEEKDATA
        Value(3, 4),       // PTRACE_PEEKUSR
        Value(4, 5),       // PTRACE_POKETEXT
        Value(5, 6),       // PTRACE_POKEDATA
        Value(6, 7),       // PTRACE_POKEUSR
        Value(7, 8),       // PTRACE_CONT
        Value(8, 9),       // PTRACE_KILL
        Value(9, 10),      // PTRACE_SINGLESTEP
        Value(12, 26),     // PTRACE_GETREGS
        Value(13, 27),     // PTRACE_SETREGS
        Value(14, 28),     // PTRACE_GETFPREGS
        Value(15, 29),     // PTRACE_SETFPREGS
        Value(16, 11),     // PTRACE_ATTACH
        Value(17, 12),     // PTRACE_DETACH
        Value(18, 30),     // PTRACE_GETFPXREGS
        Value(19, 31),     // PTRACE_SETFPXREGS
        Value(21, 32),     // PTRACE_OLDSETOPTIONS
        Value(24, 13),     // PTRACE_SYSCALL
        Value(25, 33),     // PTRACE_GET_THREAD_AREA
        Value(26, 34),     // PTRACE_SET_THREAD_AREA
        Value(30, 35),     // PTRACE_ARCH_PRCTL
        Value(31, 36),     // PTRACE_SYSEMU
        Value(32, 37),     // PTRACE_SYSEMU_SINGLESTEP
        Value(33, 38),     // PTRACE_SINGLEBLOCK
        Value(0x4200, 14), // PTRACE_SETOPTIONS
        Value(0x4201, 15), // PTRACE_GETEVENTMSG
        Value(0x4202, 16), // PTRACE_GETSIGINFO
        Value(0x4203, 17), // PTRACE_SETSIGINFO
        Value(0x4204, 18), // PTRACE_GETREGSET
        Value(0x4205, 19), // PTRACE_SETREGSET
        Value(0x4206, 20), // PTRACE_SEIZE
        Value(0x4207, 21), // PTRACE_INTERRUPT
        Value(0x4208, 22), // PTRACE_LISTEN
        Value(0x4209, 23), // PTRACE_PEEKSIGINFO
        Value(0x420a, 24), // PTRACE_GETSIGMASK
        Value(0x420b, 25), // PTRACE_SETSIGMASK
    ];
    convert(request, VALUES, 0)
}

/// `FUTEX_*`.
pub(crate) fn futex(operation: u64) -> u32 {
    const COMMAND: u32 = 127;
    const FLAGS: u32 = 128 | 256; // FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME
    let operation = operation as u32;
    let command = operation & COMMAND;
    (if command <= 12 { command } else { 0 }) | operation & FLAGS
}

/// `IPC_NOWAIT` and `SEM_UNDO` of `semop`.
pub(crate) fn semaphore(flags: u64) -> u32 {
    translate(flags, &[Bit(0o4000, 1 << 0), Bit(0x1000, 1 << 1)])
}

/// `IPC_CREAT` and `IPC_EXCL` of `semget`.
pub(crate) fn semget(flags: u64) -> u32 {
    translate(flags, &[Bit(0o1000, 1 << 13), Bit(0o2000, 1 << 14)])
}

/// Commands of `semctl`. 32-bit callers set a bit for the newer form of the structs.
pub(crate) fn semctl(command: u64) -> u32 {
    const VALUES: &[Value] = &[
        Value(0, 1 << 2),   // IPC_RMID
        Value(1, 1 << 1),   // IPC_SET
        Value(2, 1 << 0),   // IPC_STAT
        Value(3, 1 << 3),   // IPC_INFO
        Value(11, 1 << 8),  // GETPID
        Value(12, 1 << 9),  // GETVAL
        Value(13, 1 << 6),  // GETALL
        Value(14, 1 << 7),  // GETNCNT
        Value(15, 1 << 10), // GETZCNT
        Value(16, 1 << 12), // SETVAL
        Value(17, 1 << 11), // SETALL
        Value(18, 1 << 5),  // SEM_STAT
        Value(19, 1 << 4),  // SEM_INFO
    ];
    convert(command & 0xff, VALUES, 0)
}

/// `POLL*`.
pub(crate) fn poll(bits: u16) -> u16 {
    const BITS: &[Bit] = &[
        Bit(0x0001, 1 << 0),  // POLLIN
        Bit(0x0002, 1 << 1),  // POLLPRI
        Bit(0x0004, 1 << 2),  // POLLOUT
        Bit(0x2000, 1 << 3),  // POLLRDHUP
        Bit(0x0008, 1 << 4),  // POLLERR
        Bit(0x0010, 1 << 5),  // POLLHUP
        Bit(0x0020, 1 << 6),  // POLLNVAL
        Bit(0x0040, 1 << 7),  // POLLRDNORM
        Bit(0x0080, 1 << 8),  // POLLRDBAND
        Bit(0x0100, 1 << 9),  // POLLWRNORM
        Bit(0x0200, 1 << 10), // POLLWRBAND
    ];
    translate(bits.into(), BITS) as u16
}

/// `IORING_SETUP_*`. Falco tells `IORING_SQ_NEED_WAKEUP` by the bit of `IORING_SETUP_IOPOLL`; kept,
/// for the same call shall read the same.
pub(crate) fn io_uring_setup(flags: u32) -> u32 {
    const BITS: &[Bit] = &[
        Bit(1 << 0, 1 << 0 | 1 << 2), // IORING_SETUP_IOPOLL
        Bit(1 << 1, 1 << 1),          // IORING_SETUP_SQPOLL
        Bit(1 << 2, 1 << 3),          // IORING_SETUP_SQ_AFF
        Bit(1 << 3, 1 << 4),          // IORING_SETUP_CQSIZE
        Bit(1 << 4, 1 << 5),          // IORING_SETUP_CLAMP
        Bit(1 << 5, 1 << 6),          // IORING_SETUP_ATTACH_WQ
        Bit(1 << 6, 1 << 7),          // IORING_SETUP_R_DISABLED
    ];
    translate(flags.into(), BITS)
}

/// `IORING_FEAT_*`.
pub(crate) fn io_uring_features(flags: u32) -> u32 {
    flags & 0x7ff
}

// Commands of `quotactl`, as Falco numbers them.
pub(crate) const Q_QUOTAON: u32 = 1 << 0;
pub(crate) const Q_GETFMT: u32 = 1 << 2;
pub(crate) const Q_GETINFO: u32 = 1 << 3;
pub(crate) const Q_SETINFO: u32 = 1 << 4;
pub(crate) const Q_GETQUOTA: u32 = 1 << 5;
pub(crate) const Q_SETQUOTA: u32 = 1 << 6;
pub(crate) const Q_XGETQUOTA: u32 = 1 << 10;
pub(crate) const Q_XSETQLIM: u32 = 1 << 11;

/// The command in the first argument of `quotactl`.
pub(crate) fn quota_command(argument: u64) -> u32 {
    const VALUES: &[Value] = &[
        Value(0x80_0001, 1 << 7), // Q_SYNC
        Value(0x80_0002, Q_QUOTAON),
        Value(0x80_0003, 1 << 1), // Q_QUOTAOFF
        Value(0x80_0004, Q_GETFMT),
        Value(0x80_0005, Q_GETINFO),
        Value(0x80_0006, Q_SETINFO),
        Value(0x80_0007, Q_GETQUOTA),
        Value(0x80_0008, Q_SETQUOTA),
        Value(0x5801, 1 << 8), // Q_XQUOTAON
        Value(0x5802, 1 << 9), // Q_XQUOTAOFF
        Value(0x5803, Q_XGETQUOTA),
        Value(0x5804, Q_XSETQLIM),
        Value(0x5805, 1 << 12), // Q_XGETQSTAT
        Value(0x5806, 1 << 13), // Q_XQUOTARM
        Value(0x5807, 1 << 14), // Q_XQUOTASYNC
    ];
    convert((argument & 0xffff_ffff) >> 8, VALUES, 0)
}

/// Whose quota the first argument of `quotactl` names.
pub(crate) fn quota_type(argument: u64) -> u32 {
    convert(argument & 0xff, &[Value(0, 1 << 0), Value(1, 1 << 1)], 0)
}

pub(crate) const QFMT_NOT_USED: u32 = 1 << 0;

/// `QFMT_*`.
pub(crate) fn quota_format(format: u64) -> u32 {
    const VALUES: &[Value] = &[Value(1, 1 << 1), Value(2, 1 << 2), Value(4, 1 << 3)];
    convert(format & 0xffff_ffff, VALUES, QFMT_NOT_USED)
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::{EventKind, FlagName, KindInfo, flags_text};

    use super::*;

    fn names(kind: EventKind, param: &str) -> &'static [FlagName] {
        let info = KindInfo::of(kind).unwrap();
        info.params.iter().find(|p| p.name == param).unwrap().flags
    }

    fn text(value: u32, names: &[FlagName]) -> String {
        let mut out = Vec::new();
        flags_text(value, names, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn open_flags_read_as_in_falco() {
        use rustix::fs::OFlags;
        let names = names(EventKind::OPEN, "flags");
        let read = |flags: OFlags| text(open(flags.bits().into()), names);
        assert_eq!(read(OFlags::RDONLY), "O_RDONLY");
        assert_eq!(read(OFlags::RDWR | OFlags::CLOEXEC), "O_RDWR|O_CLOEXEC");
        assert_eq!(
            read(OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::EXCL),
            "O_TRUNC|O_EXCL|O_CREAT|O_WRONLY"
        );
        assert_eq!(read(OFlags::APPEND | OFlags::NONBLOCK), "O_NONBLOCK|O_APPEND|O_RDONLY");
        assert_eq!(read(OFlags::DIRECT | OFlags::DSYNC), "O_DIRECT|O_SYNC|O_DSYNC|O_RDONLY");
        assert_eq!(read(OFlags::DIRECTORY), "O_DIRECTORY|O_RDONLY|O_TMPFILE");
        assert_eq!(
            text(open(O_LARGEFILE | 3), names),
            "O_LARGEFILE|O_RDONLY",
            "access mode 3 has no name of its own"
        );
    }

    #[test]
    fn clone_flags_read_as_in_falco() {
        let names = names(EventKind::CLONE, "flags");
        for Bit(kernel, falco) in CLONE {
            let name = text(*falco, names);
            assert!(name.starts_with("CLONE_"), "{name}");
            assert_eq!(clone(*kernel), *falco, "{name}");
        }
        assert_eq!(
            text(clone(0x0001_0f00), names),
            "CLONE_FILES|CLONE_FS|CLONE_SIGHAND|CLONE_THREAD|CLONE_VM"
        );
        assert_eq!(clone(0xff), 0, "the exit signal is no flag");
    }

    #[test]
    fn resolve_flags_read_as_in_falco() {
        use rustix::fs::ResolveFlags;
        let names = names(EventKind::OPENAT2, "resolve");
        for (flag, name) in [
            (ResolveFlags::BENEATH, "RESOLVE_BENEATH"),
            (ResolveFlags::IN_ROOT, "RESOLVE_IN_ROOT"),
            (ResolveFlags::NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"),
            (ResolveFlags::NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"),
            (ResolveFlags::NO_XDEV, "RESOLVE_NO_XDEV"),
            (ResolveFlags::CACHED, "RESOLVE_CACHED"),
        ] {
            assert_eq!(text(resolve(flag.bits()), names), name);
        }
    }

    #[test]
    fn a_mode_counts_only_where_a_file_may_be_made() {
        assert_eq!(mode(0, 0o777), 0);
        assert_eq!(mode(O_CREAT, 0o104_755), 0o4755);
        assert_eq!(mode(O_TMPFILE, 0o600), 0o600);
    }
}
