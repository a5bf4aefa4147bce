//! Names of flag values, in the order in which Falco prints them.
//!
//! Facts: `driver/flags_table.c` and `driver/ppm_events_public.h` of falcosecurity/libs. The
//! values are Falco's own, the same on every architecture, not the kernel's.

/// A flag's name and value.
pub type FlagName = (&'static str, u32);

/// Writes `value` as names joined by `|`, as Falco does: in table order, each bit once, an entry
/// of exactly the whole value last.
pub fn flags_text(value: u32, names: &[FlagName], out: &mut impl Extend<u8>) {
    let mut rest = value;
    let mut first = true;
    let mut push = |name: &str| {
        if !first {
            out.extend(*b"|");
        }
        first = false;
        out.extend(name.bytes());
    };
    for &(name, bits) in names {
        if bits == value {
            push(name);
            return;
        }
        if bits != 0 && rest & bits == bits {
            push(name);
            rest &= !bits;
        }
    }
}

pub(super) const OPEN_FLAGS: &[FlagName] = &[
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
    ("O_WRONLY", 2),
    ("O_RDONLY", 1),
    ("O_CLOEXEC", 1 << 12),
    ("O_NONE", 0),
    ("O_TMPFILE", 1 << 13),
    ("O_F_CREATED", 1 << 14),
    ("FD_UPPER_LAYER", 1 << 15),
    ("FD_LOWER_LAYER", 1 << 16),
];

pub(super) const CREAT_FLAGS: &[FlagName] =
    &[("FD_UPPER_LAYER_CREAT", 1 << 0), ("FD_LOWER_LAYER_CREAT", 1 << 1)];

pub(super) const RESOLVE_FLAGS: &[FlagName] = &[
    ("RESOLVE_BENEATH", 1 << 0),
    ("RESOLVE_IN_ROOT", 1 << 1),
    ("RESOLVE_NO_MAGICLINKS", 1 << 2),
    ("RESOLVE_NO_SYMLINKS", 1 << 3),
    ("RESOLVE_NO_XDEV", 1 << 4),
    ("RESOLVE_CACHED", 1 << 5),
];

pub(super) const EXE_FLAGS: &[FlagName] = &[
    ("EXE_WRITABLE", 1 << 0),
    ("EXE_UPPER_LAYER", 1 << 1),
    ("EXE_FROM_MEMFD", 1 << 2),
    ("EXE_LOWER_LAYER", 1 << 3),
];

pub(super) const CLONE_FLAGS: &[FlagName] = &[
    ("CLONE_FILES", 1 << 0),
    ("CLONE_FS", 1 << 1),
    ("CLONE_IO", 1 << 2),
    ("CLONE_NEWIPC", 1 << 3),
    ("CLONE_NEWNET", 1 << 4),
    ("CLONE_NEWNS", 1 << 5),
    ("CLONE_NEWPID", 1 << 6),
    ("CLONE_NEWUTS", 1 << 7),
    ("CLONE_PARENT", 1 << 8),
    ("CLONE_PARENT_SETTID", 1 << 9),
    ("CLONE_PTRACE", 1 << 10),
    ("CLONE_SIGHAND", 1 << 11),
    ("CLONE_SYSVSEM", 1 << 12),
    ("CLONE_THREAD", 1 << 13),
    ("CLONE_UNTRACED", 1 << 14),
    ("CLONE_VM", 1 << 15),
    ("CLONE_INVERTED", 1 << 16),
    ("NAME_CHANGED", 1 << 17),
    ("CLOSED", 1 << 18),
    ("CLONE_NEWUSER", 1 << 20),
    ("CLONE_CHILD_CLEARTID", 1 << 23),
    ("CLONE_CHILD_SETTID", 1 << 24),
    ("CLONE_SETTLS", 1 << 25),
    ("CLONE_STOPPED", 1 << 26),
    ("CLONE_VFORK", 1 << 27),
    ("CLONE_NEWCGROUP", 1 << 28),
    ("CLONE_CHILD_IN_PIDNS", 1 << 29),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: u32, names: &[FlagName]) -> String {
        let mut out = Vec::new();
        flags_text(value, names, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_falco_prints_them() {
        assert_eq!(text(3, OPEN_FLAGS), "O_RDWR");
        assert_eq!(text(4097, OPEN_FLAGS), "O_RDONLY|O_CLOEXEC");
        assert_eq!(text(262, OPEN_FLAGS), "O_TRUNC|O_CREAT|O_WRONLY");
        assert_eq!(text(0, OPEN_FLAGS), "O_NONE");
        assert_eq!(text(0, EXE_FLAGS), "");
        assert_eq!(text(3, EXE_FLAGS), "EXE_WRITABLE|EXE_UPPER_LAYER");
        assert_eq!(
            text(u32::MAX, EXE_FLAGS),
            "EXE_WRITABLE|EXE_UPPER_LAYER|EXE_FROM_MEMFD|EXE_LOWER_LAYER"
        );
    }
}
