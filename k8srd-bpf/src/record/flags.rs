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
