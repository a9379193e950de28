//! Vectors in one block of memory, scanned exactly.
//!
//! A scan of 10,000 × 384 numbers takes a fraction of a millisecond and cannot miss; a graph pays only far
//! above that.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use half::f16;
use papr_memory::{Dims, MemoryId, Vector};

/// A memory and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Which memory.
    pub id: MemoryId,
    /// Cosine similarity to the query, in [-1, 1].
    pub cosine: f32,
}

/// The vectors of one tier in one space.
///
/// Numbers are rounded to 16 bits on the way in, as the store keeps them, so that a search gives the same
/// scores before and after a restart; they are kept as 32 bits because that is what scans fast.
#[derive(Debug)]
pub struct Slab {
    dims: Dims,
    rows: Vec<f32>,
    ids: Vec<MemoryId>,
    row_of: HashMap<MemoryId, usize>,
}

impl Slab {
    /// An empty slab for vectors of `dims` numbers.
    pub fn new(dims: Dims) -> Self {
        Self { dims, rows: Vec::new(), ids: Vec::new(), row_of: HashMap::new() }
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes held for vectors.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<f32>()
    }

    /// Adds the vector of a memory, or replaces it. A vector of another length is left out: vectors meet
    /// only within one space.
    pub fn upsert(&mut self, id: MemoryId, vector: &Vector) {
        debug_assert_eq!(vector.as_slice().len(), self.dims.get(), "vectors meet only inside one space");
        if vector.as_slice().len() != self.dims.get() {
            return;
        }
        let rounded = vector.as_slice().iter().map(|&number| f16::from_f32(number).to_f32());
        if let Some(&row) = self.row_of.get(&id) {
            let start = row * self.dims.get();
            for (slot, number) in self.rows[start..].iter_mut().zip(rounded) {
                *slot = number;
            }
        } else {
            self.row_of.insert(id, self.ids.len());
            self.ids.push(id);
            self.rows.extend(rounded);
        }
    }

    /// Takes a memory's vector out; whether it was there.
    pub fn remove(&mut self, id: MemoryId) -> bool {
        let Some(row) = self.row_of.remove(&id) else { return false };
        let width = self.dims.get();
        let last = self.ids.len() - 1;
        self.rows.copy_within(last * width.., row * width);
        self.rows.truncate(last * width);
        self.ids.swap_remove(row);
        if let Some(&moved) = self.ids.get(row) {
            self.row_of.insert(moved, row);
        }
        true
    }

    /// Whether this memory has a vector here.
    pub fn contains(&self, id: MemoryId) -> bool {
        self.row_of.contains_key(&id)
    }

    /// The numbers kept for a memory.
    pub fn get(&self, id: MemoryId) -> Option<&[f32]> {
        let start = self.row_of.get(&id)? * self.dims.get();
        self.rows.get(start..start + self.dims.get())
    }

    /// Cosine similarity of one memory to the query; none without its vector.
    pub fn cosine(&self, id: MemoryId, query: &Vector) -> Option<f32> {
        self.get(id).map(|row| dot(query.as_slice(), row).clamp(-1.0, 1.0))
    }

    /// The `k` memories nearest to the query, nearest first; of equal ones, the older first. Exact.
    pub fn nearest(&self, query: &Vector, k: usize) -> Vec<Nearest> {
        if k == 0 || query.as_slice().len() != self.dims.get() {
            return Vec::new();
        }
        let mut best: BinaryHeap<Reverse<Ranked>> = BinaryHeap::with_capacity(k.min(self.len()) + 1);
        let mut worst_kept = f32::NEG_INFINITY;
        for (row, vector) in self.rows.chunks_exact(self.dims.get()).enumerate() {
            let cosine = dot(query.as_slice(), vector);
            if cosine < worst_kept {
                continue;
            }
            best.push(Reverse(Ranked { cosine, id: self.ids[row] }));
            if best.len() > k {
                best.pop();
            }
            if best.len() == k {
                worst_kept = best.peek().map_or(f32::NEG_INFINITY, |Reverse(worst)| worst.cosine);
            }
        }
        best.into_sorted_vec()
            .into_iter()
            .map(|Reverse(ranked)| Nearest { id: ranked.id, cosine: ranked.cosine.clamp(-1.0, 1.0) })
            .collect()
    }
}

/// Orders by cosine, then the older id above the newer.
#[derive(PartialEq)]
struct Ranked {
    cosine: f32,
    id: MemoryId,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cosine.total_cmp(&other.cosine).then_with(|| other.id.cmp(&self.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The dot product, in 16 sums side by side so that the compiler may use the widest registers it knows of.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const WIDTH: u16 = 20;

    fn dims() -> Dims {
        Dims::new(WIDTH).unwrap()
    }

    fn id(number: u8) -> MemoryId {
        MemoryId::from_bytes([number; 16])
    }

    fn unit(values: &[f32]) -> Vector {
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        Vector::new(values.iter().map(|value| value / norm).collect(), dims()).unwrap()
    }

    fn any_vector() -> impl Strategy<Value = Vector> {
        prop::collection::vec(-1.0_f32..1.0, usize::from(WIDTH))
            .prop_filter("varied enough to be scaled", |values| {
                values.iter().map(|value| value * value).sum::<f32>() > 0.1
            })
            .prop_map(|values| unit(&values))
    }

    #[derive(Clone, Debug)]
    enum Op {
        Upsert(u8, Vector),
        Remove(u8),
    }

    fn any_op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (0_u8..24, any_vector()).prop_map(|(number, vector)| Op::Upsert(number, vector)),
            1 => (0_u8..24).prop_map(Op::Remove),
        ]
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_map_finds(
            ops in prop::collection::vec(any_op(), 0..60),
            query in any_vector(),
            k in 0_usize..30,
        ) {
            let mut slab = Slab::new(dims());
            let mut model = BTreeMap::new();
            for op in ops {
                match op {
                    Op::Upsert(number, vector) => {
                        slab.upsert(id(number), &vector);
                        model.insert(id(number), vector);
                    }
                    Op::Remove(number) => {
                        prop_assert_eq!(slab.remove(id(number)), model.remove(&id(number)).is_some());
                    }
                }
            }
            let found = slab.nearest(&query, k);
            prop_assert_eq!(found.len(), k.min(model.len()), "exactly k, or all there are");
            prop_assert!(found.windows(2).all(|pair| pair[0].cosine >= pair[1].cosine), "nearest first");
            let worst = found.last().map_or(f32::INFINITY, |nearest| nearest.cosine);
            for (id, vector) in &model {
                let exact = vector.cosine(&query);
                let kept = found.iter().find(|nearest| nearest.id == *id);
                if let Some(nearest) = kept {
                    prop_assert!((nearest.cosine - exact).abs() < 2e-3, "16-bit rounding moves a cosine little");
                    prop_assert_eq!(slab.cosine(*id, &query), Some(nearest.cosine));
                } else if k > 0 {
                    prop_assert!(exact <= worst + 2e-3, "nothing nearer was left out");
                }
            }
        }
    }

    #[test]
    fn equal_ones_come_oldest_first() {
        let vector = unit(&(0..WIDTH).map(f32::from).collect::<Vec<_>>());
        let mut slab = Slab::new(dims());
        for number in [7, 3, 9, 1, 5] {
            slab.upsert(id(number), &vector);
        }
        let order: Vec<_> = slab.nearest(&vector, 3).into_iter().map(|nearest| nearest.id).collect();
        assert_eq!(order, [id(1), id(3), id(5)], "ties are broken the same way every time");
    }
}
