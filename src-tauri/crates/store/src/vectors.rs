//! Vectors: one tree for all spaces, each space a range of keys, and its name in full in the manifest.
//!
//! Numbers are kept as f16, little-endian, written once: half the bytes of f32, read in a fraction of a
//! microsecond, and cosine similarities stay right to about 1e-3.

use half::f16;
use papr_memory::ports::{StoreError, VectorRecord};
use papr_memory::{Dims, MemoryId, Space, Vector};

use crate::change::{View, refuse};
use crate::{SledStore, codec, spaces};

/// Before the key prefix of a space in the manifest.
pub(crate) const SPACE_KEYS: &[u8] = b"space/";

/// Bytes of a key: the space's prefix, then the id.
pub(crate) const KEY_BYTES: usize = 24;

/// The key of a memory's vector in the space with this prefix.
pub(crate) fn key(space: [u8; 8], id: MemoryId) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&space);
    key[8..].copy_from_slice(&id.to_bytes());
    key
}

/// The numbers as they are kept, or nothing if they are no vector once rounded to 16 bits.
///
/// Rounding can push a norm that is just within its tolerance out of it; such a vector is scaled to norm 1
/// first.
fn round(vector: &Vector, dims: Dims) -> Option<Vec<u8>> {
    let numbers = vector.as_slice();
    let norm = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    [1.0, norm].into_iter().find_map(|scale| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| f16::from_f32(x / scale).to_le_bytes()).collect();
        widen(&bytes, dims).map(|_| bytes)
    })
}

/// The vector kept as `bytes`, if it is one of `dims` dimensions.
pub(crate) fn widen(bytes: &[u8], dims: Dims) -> Option<Vector> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let numbers = pairs.iter().map(|pair| f16::from_le_bytes(*pair).to_f32()).collect();
    Vector::new(numbers, dims).ok()
}

impl SledStore {
    pub(crate) fn put_all_vectors(
        &self,
        space: &Space,
        records: &[VectorRecord],
    ) -> Result<usize, StoreError> {
        let prefix = space.fingerprint.key_prefix();
        let mut rounded = Vec::with_capacity(records.len());
        for record in records {
            match round(&record.vector, space.dims) {
                Some(bytes) => {
                    let key = key(prefix, record.id);
                    rounded.push((record, key, codec::encode(&key, &bytes)));
                }
                None => {
                    tracing::warn!(id = %record.id, space = %space.fingerprint, "not a vector in 16 bits");
                }
            }
        }
        if rounded.is_empty() {
            return Ok(0);
        }
        let space_key = spaces::key(space);
        let space_value = spaces::encode(&space_key, space);
        let mut writer = self.writer();
        // Known before it is written: a space too many in this list costs a look-up, one too few leaves
        // vectors of an old text behind.
        writer.spaces.insert(prefix);
        self.commit(&mut writer, |trees| {
            match trees.manifest.get(&space_key)? {
                Some(kept) => spaces::check(space, &space_key, &kept).map_err(refuse)?,
                None => trees.put(trees.manifest, &space_key, &space_value)?,
            }
            let mut kept = 0;
            for (record, key, value) in &rounded {
                let memory = View::memory(trees.memories, record.id)?;
                if memory.is_some_and(|memory| memory.content == record.content) {
                    trees.put(trees.vec, key, value)?;
                    kept += 1;
                }
            }
            Ok(kept)
        })
    }

    pub(crate) fn visit_vectors(
        &self,
        space: &Space,
        visit: &mut dyn FnMut(MemoryId, Vector),
    ) -> Result<usize, StoreError> {
        let space_key = spaces::key(space);
        let Some(kept) = self.read(&self.trees.manifest, &space_key)? else { return Ok(0) };
        spaces::check(space, &space_key, &kept)?;
        let mut passed_over = 0;
        for item in self.scan(self.trees.vec.scan_prefix(space.fingerprint.key_prefix())) {
            let (key, value) = item?;
            let id = key.get(8..).and_then(crate::id_of);
            let vector = codec::decode(&key, &value).ok().and_then(|bytes| widen(bytes, space.dims));
            match id.zip(vector) {
                Some((id, vector)) => visit(id, vector),
                None => passed_over += 1,
            }
        }
        if passed_over > 0 {
            tracing::warn!(passed_over, space = %space.fingerprint, "damaged vectors will be made again");
        }
        Ok(passed_over)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_a_vector_is_one_in_sixteen_bits(
            values in prop::collection::vec(-1.0_f32..1.0, 2..48),
            stretch in 0.9991_f32..1.0009,
        ) {
            let norm = values.iter().map(|x| x * x).sum::<f32>().sqrt();
            prop_assume!(norm > 1e-2 && (values[0] - values[1]).abs() > 1e-2);
            let dims = Dims::new(u16::try_from(values.len()).unwrap()).unwrap();
            let vector = Vector::new(values.iter().map(|x| x / norm * stretch).collect(), dims).unwrap();
            let bytes = round(&vector, dims).expect("a vector, also at the edge of its tolerance");
            let back = widen(&bytes, dims).unwrap();
            let cosine = back.cosine(&vector);
            prop_assert!((cosine - 1.0).abs() < 3e-3, "cosine {}", cosine);
            prop_assert!(widen(&bytes[1..], dims).is_none(), "half a number is no number");
        }
    }
}
