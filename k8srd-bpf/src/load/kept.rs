//! Instructions that the loader completes: the calls by which a program keeps the CPU while it records
//! (`bpf/rung.h`).
//!
//! They call functions of the kernel by numbers, which its type information tells. aya 0.14 knows no
//! such calls, so they are written into the object's bytes before it reads them.

use aya::{Btf, BtfError};
use aya_obj::btf::BtfKind;
use zerocopy::IntoBytes;

/// A call instruction whose immediate is a mark of ours, and the kernel's function for it.
const CALLS: [(u64, &str); 2] =
    [(0x6b38_7301_0000_2085, "bpf_preempt_disable"), (0x6b38_7302_0000_2085, "bpf_preempt_enable")];
/// What an instruction says but for its immediate.
const BUT_IMMEDIATE: u64 = 0xffff_ffff;
/// A jump to the next instruction.
const NOTHING: u64 = 0x05;

/// An object's bytes, at an address that suits its words.
pub(super) struct Object(Vec<u64>);

impl Object {
    /// The object with calls of this kernel's functions, or with nothing in their place where the
    /// kernel lacks them.
    pub(super) fn for_kernel(object: &[u8], btf: &Btf) -> Self {
        let ids: Result<Vec<u32>, BtfError> =
            CALLS.iter().map(|(_, name)| btf.id_by_type_name_kind(name, BtfKind::Func)).collect();
        Self::with(object, ids.ok().as_deref())
    }

    fn with(object: &[u8], ids: Option<&[u32]>) -> Self {
        let complete = |word: u64| {
            let Some(at) = CALLS.iter().position(|(mark, _)| *mark == word) else { return word };
            let id = ids.and_then(|ids| ids.get(at));
            id.map_or(NOTHING, |&id| (word & BUT_IMMEDIATE) | u64::from(id) << 32)
        };
        let words = object.chunks(8).map(|chunk| {
            let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
            complete(word).to_le()
        });
        Self(words.collect())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Rung;

    fn count(object: &[u8], word: u64) -> usize {
        object.chunks(8).filter(|chunk| *chunk == word.to_le_bytes()).count()
    }

    #[test]
    fn each_call_is_completed_or_nothing_is_done() {
        let shipped = Rung::TpBtf.object();
        let [keep, give] = CALLS.map(|(mark, _)| count(shipped, mark));
        assert!(keep > 0 && keep == give, "{keep} and {give}");
        let (id, other) = (0x1234, 0x5678);
        let known = Object::with(shipped, Some(&[id, other]));
        assert_eq!(count(known.bytes(), 0x1234_0000_2085), keep);
        assert_eq!(count(known.bytes(), 0x5678_0000_2085), give);
        let old = Object::with(shipped, None);
        for (mark, _) in CALLS {
            assert_eq!(count(known.bytes(), mark) + count(old.bytes(), mark), 0);
        }
        assert_eq!(count(old.bytes(), NOTHING), count(shipped, NOTHING) + keep + give);
    }

    #[test]
    fn all_else_stays() {
        let shipped = Rung::RawTp.object();
        assert_eq!(&Object::with(shipped, Some(&[1, 2])).bytes()[..shipped.len()], shipped);
        let odd = Object::with(&[1, 2, 3], None);
        assert_eq!(odd.bytes(), [1, 2, 3, 0, 0, 0, 0, 0]);
    }
}
