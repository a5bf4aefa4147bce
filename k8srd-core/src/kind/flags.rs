//! Names of flag values, in the order in which Falco prints them.
//!
//! Facts: `driver/flags_table.c` and `driver/ppm_events_public.h` of falcosecurity/libs. The
//! values are Falco's own, the same on every architecture, not the kernel's.

mod file;
mod net;
mod process;
mod system;

pub(super) use file::*;
pub(super) use net::*;
pub(super) use process::*;
pub(super) use system::*;

/// A flag's name and value.
pub type FlagName = (&'static str, u32);

/// Writes the name of one value out of several, as Falco does: all names that the value has, joined
/// by `|`.
pub fn enum_text(value: u32, names: &[FlagName], out: &mut impl Extend<u8>) {
    let names = names.iter().filter(|&&(_, it)| it == value);
    for (i, (name, _)) in names.enumerate() {
        out.extend((i > 0).then_some(b'|'));
        out.extend(name.bytes());
    }
}

/// Writes several bits as names joined by `|`, as Falco does: in table order, each bit once, and
/// nothing behind an entry that is the whole value.
pub fn flags_text(value: u32, names: &[FlagName], out: &mut impl Extend<u8>) {
    bits_text(value, names, out, |rest, bits| rest & bits == bits);
}

/// Writes a file's mode as names joined by `|`, as Falco does: as [`flags_text`], but an entry that
/// is the whole value is written even where its bits were.
pub fn mode_text(value: u32, names: &[FlagName], out: &mut impl Extend<u8>) {
    bits_text(value, names, out, |rest, bits| bits == value || rest & bits == bits);
}

fn bits_text(
    value: u32,
    names: &[FlagName],
    out: &mut impl Extend<u8>,
    has: impl Fn(u32, u32) -> bool,
) {
    let mut rest = value;
    let mut first = true;
    for &(name, bits) in names {
        let found = if bits == 0 { value == 0 } else { has(rest, bits) };
        if !found {
            continue;
        }
        out.extend((!first).then_some(b'|'));
        out.extend(name.bytes());
        first = false;
        rest &= !bits;
        if bits == value {
            return;
        }
    }
}

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
        let overlapping = &[("A", 1), ("B", 2), ("AB", 3)];
        assert_eq!(text(3, overlapping), "A|B", "each bit once");
        let mut mode = Vec::new();
        mode_text(0o60000, MKNOD_MODE, &mut mode);
        assert_eq!(mode, b"S_IFCHR|S_IFBLK", "the bit of one is in the other");
    }

    #[test]
    fn one_value_may_have_two_names() {
        let text = |value| {
            let mut out = Vec::new();
            enum_text(value, SOCKET_FAMILIES, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(1), "AF_LOCAL|AF_UNIX");
        assert_eq!(text(2), "AF_INET");
        assert_eq!(text(4711), "");
    }
}
