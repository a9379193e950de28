//! Hashing of ids, which costs next to nothing.

use std::hash::{BuildHasherDefault, Hasher};

/// Ids are random already, so that mixing their bytes is enough.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // The constant of Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
        self.0 = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, _length: usize) {
        // All ids are of one length.
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// For maps whose keys are ids.
pub(crate) type IdHash = BuildHasherDefault<IdHasher>;
