//! A hasher for keys that are integers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are integers or pairs of them.
pub(crate) type IntMap<K, V> = HashMap<K, V, BuildHasherDefault<IntHasher>>;

/// Mixes each word with one multiplication.
///
/// The keys are given by the kernel (thread ids, cgroup ids), and the maps are bounded, so nobody
/// can make a map slow beyond its bound by choosing keys; SipHash would cost ten times as much on
/// the path of every event.
#[derive(Default)]
pub(crate) struct IntHasher(u64);

/// 2^64 divided by the golden ratio: consecutive keys spread over the whole range.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for IntHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(MIX);
    }

    /// The map takes its bucket from the low bits and its tag from the high ones; the product's
    /// low bits depend on few bits of the key, so the halves are folded.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn consecutive_keys_spread() {
        let build = BuildHasherDefault::<IntHasher>::default();
        let mut buckets = [0_u32; 1024];
        for tid in 0..32_768_u32 {
            buckets[(build.hash_one(tid) % 1024) as usize] += 1;
        }
        let fullest = buckets.iter().max();
        assert!(fullest < Some(&96), "32 would be even, the fullest holds {fullest:?}");
    }
}
