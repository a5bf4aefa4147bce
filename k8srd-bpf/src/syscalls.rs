//! System call numbers, by architecture: the rows of the kernel's syscall filter.
//!
//! The second number is what a 32-bit program uses for the same call. The programs count such calls
//! and never decode them: their structures differ. (i386's `socketcall` is not looked into.)

use crate::abi::{SYSCALLS, kind};

/// One kind, the number of its call, and the number of the same call for 32-bit programs.
struct Row(u16, Option<u16>, Option<u16>);

/// `arch/x86/entry/syscalls/syscall_{64,32}.tbl`.
#[cfg(target_arch = "x86_64")]
const ROWS: &[Row] = &[
    Row(kind::OPEN, Some(2), Some(5)),
    Row(kind::CONNECT, Some(42), Some(362)),
    Row(kind::CLONE, Some(56), Some(120)),
    Row(kind::FORK, Some(57), Some(2)),
    Row(kind::VFORK, Some(58), Some(190)),
    Row(kind::EXECVE, Some(59), Some(11)),
    Row(kind::CREAT, Some(85), Some(8)),
    Row(kind::OPENAT, Some(257), Some(295)),
    Row(kind::EXECVEAT, Some(322), Some(358)),
    Row(kind::CLONE3, Some(435), Some(435)),
    Row(kind::OPENAT2, Some(437), Some(437)),
];

/// `include/uapi/asm-generic/unistd.h`, and `arch/arm/tools/syscall.tbl` for 32-bit programs. arm64
/// itself has no open, creat, fork or vfork.
#[cfg(target_arch = "aarch64")]
const ROWS: &[Row] = &[
    Row(kind::OPEN, None, Some(5)),
    Row(kind::CONNECT, Some(203), Some(283)),
    Row(kind::CLONE, Some(220), Some(120)),
    Row(kind::FORK, None, Some(2)),
    Row(kind::VFORK, None, Some(190)),
    Row(kind::EXECVE, Some(221), Some(11)),
    Row(kind::CREAT, None, Some(8)),
    Row(kind::OPENAT, Some(56), Some(322)),
    Row(kind::EXECVEAT, Some(281), Some(387)),
    Row(kind::CLONE3, Some(435), Some(435)),
    Row(kind::OPENAT2, Some(437), Some(437)),
];

/// The kinds that are calls. One that this architecture does not have never happens on it.
pub(crate) fn kinds() -> impl Iterator<Item = u16> {
    ROWS.iter().map(|row| row.0)
}

/// The filter that lets through the calls of `kinds`: by system call number, the kind in the low
/// half and the kind of a 32-bit call in the high half; 0 is what nobody asked for.
pub(crate) fn filter(kinds: &[u16]) -> Vec<u32> {
    let mut slots = vec![0; SYSCALLS as usize];
    for &Row(kind, native, compat) in ROWS.iter().filter(|row| kinds.contains(&row.0)) {
        if let Some(slot) = native.and_then(|nr| slots.get_mut(usize::from(nr))) {
            *slot |= u32::from(kind);
        }
        if let Some(slot) = compat.and_then(|nr| slots.get_mut(usize::from(nr))) {
            *slot |= u32::from(kind) << 16;
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_nothing_passes() {
        assert!(filter(&[]).iter().all(|&slot| slot == 0));
        assert!(filter(&[kind::PROCEXIT]).iter().all(|&slot| slot == 0));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn native_and_32_bit_numbers_share_slots_and_keep_apart() {
        let slots = filter(&[kind::OPEN, kind::FORK]);
        // 2 is open to a 64-bit program and fork to a 32-bit one.
        assert_eq!(slots[2], u32::from(kind::OPEN) | u32::from(kind::FORK) << 16);
        assert_eq!(slots[57], u32::from(kind::FORK));
        assert_eq!(slots[5], u32::from(kind::OPEN) << 16);
    }

    #[test]
    fn no_two_kinds_claim_one_number() {
        for (i, a) in ROWS.iter().enumerate() {
            for b in &ROWS[i + 1..] {
                assert!(a.0 != b.0 && (a.1.is_none() || a.1 != b.1) && a.2 != b.2);
            }
        }
    }
}
