//! Vectors in one block of memory, scanned exactly.
//!
//! A scan takes as long as its memory takes to be read, and a model that has just run has filled the caches with
//! its weights. So each vector is also kept as bytes, a quarter of the size, with a bound on what rounding it
//! changed. The bytes are scanned; whatever may, within the bound, be among the nearest is then computed in full:
//! the result is exact, not nearly so.

use std::collections::HashMap;

use half::f16;
use half::slice::HalfFloatSliceExt;
use papr_memory::{Dims, MemoryId, Vector};

use crate::kernel::{Codes, Kernel};

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
/// scores before and after a restart.
#[derive(Debug)]
pub struct Slab {
    dims: Dims,
    rows: Vec<f16>,
    codes: Vec<i8>,
    coding: Vec<Coding>,
    ids: Vec<MemoryId>,
    row_of: HashMap<MemoryId, usize>,
}

impl Slab {
    /// An empty slab for vectors of `dims` numbers.
    pub fn new(dims: Dims) -> Self {
        Self {
            dims,
            rows: Vec::new(),
            codes: Vec::new(),
            coding: Vec::new(),
            ids: Vec::new(),
            row_of: HashMap::new(),
        }
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
        self.rows.capacity() * size_of::<f16>()
            + self.codes.capacity()
            + self.coding.capacity() * size_of::<Coding>()
    }

    /// Adds the vector of a memory, or replaces it. A vector of another length is left out: vectors meet
    /// only within one space.
    pub fn upsert(&mut self, id: MemoryId, vector: &Vector) {
        debug_assert_eq!(vector.as_slice().len(), self.dims.get(), "vectors meet only inside one space");
        if vector.as_slice().len() != self.dims.get() {
            return;
        }
        let mut rounded = vec![f16::ZERO; self.dims.get()];
        rounded.convert_from_f32_slice(vector.as_slice());
        let (codes, coding) = encode(&rounded.to_f32_vec());
        if let Some(&row) = self.row_of.get(&id) {
            let place = row * self.dims.get()..(row + 1) * self.dims.get();
            self.rows[place.clone()].copy_from_slice(&rounded);
            self.codes[place].copy_from_slice(&codes);
            self.coding[row] = coding;
        } else {
            self.row_of.insert(id, self.ids.len());
            self.ids.push(id);
            self.rows.extend(rounded);
            self.codes.extend(codes);
            self.coding.push(coding);
        }
    }

    /// Takes a memory's vector out; whether it was there.
    pub fn remove(&mut self, id: MemoryId) -> bool {
        let Some(row) = self.row_of.remove(&id) else { return false };
        let width = self.dims.get();
        let last = self.ids.len() - 1;
        self.rows.copy_within(last * width.., row * width);
        self.rows.truncate(last * width);
        self.codes.copy_within(last * width.., row * width);
        self.codes.truncate(last * width);
        self.coding.swap_remove(row);
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

    /// The vector of a memory, as it is kept.
    pub fn vector(&self, id: MemoryId) -> Option<Vector> {
        self.get(id).and_then(|row| Vector::new(row.to_f32_vec(), self.dims).ok())
    }

    fn get(&self, id: MemoryId) -> Option<&[f16]> {
        let start = self.row_of.get(&id)? * self.dims.get();
        self.rows.get(start..start + self.dims.get())
    }

    /// Cosine similarity of one memory to the query; none without its vector.
    pub fn cosine(&self, id: MemoryId, query: &Vector) -> Option<f32> {
        self.get(id).map(|row| Kernel::best().dot(query.as_slice(), row).clamp(-1.0, 1.0))
    }

    /// The `k` memories nearest to the query, nearest first; of equal ones, the older first. Exact.
    pub fn nearest(&self, query: &Vector, k: usize) -> Vec<Nearest> {
        if k == 0 || query.as_slice().len() != self.dims.get() {
            return Vec::new();
        }
        let kernel = Kernel::best();
        let mut nearest: Vec<Nearest> = self
            .may_be_nearest(query, k)
            .into_iter()
            .map(|row| {
                let start = row * self.dims.get();
                let cosine = kernel.dot(query.as_slice(), &self.rows[start..start + self.dims.get()]);
                Nearest { id: self.ids[row], cosine: cosine.clamp(-1.0, 1.0) }
            })
            .collect();
        nearest.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
        nearest.truncate(k);
        nearest
    }

    /// The rows that may be among the `k` nearest: every row that is not certainly farther than `k` others.
    fn may_be_nearest(&self, query: &Vector, k: usize) -> Vec<usize> {
        if k >= self.len() {
            return (0..self.len()).collect();
        }
        let (codes, coding) = encode(query.as_slice());
        let mut sums = vec![0; self.len()];
        Kernel::best().scan(&Codes::new(&codes), &self.codes, &mut sums);
        // |q·r − q̂·r̂| ≤ |q||r − r̂| + |r̂||q − q̂|, the vectors having norm 1 ± their error.
        let slack = |row: &Coding| row.error + (1.0 + row.error) * coding.error + ROUNDING;
        let cosine = |sum: i32, row: &Coding| sum as f32 * coding.scale * row.scale;
        let mut certain: Vec<f32> =
            sums.iter().zip(&self.coding).map(|(&sum, row)| cosine(sum, row) - slack(row)).collect();
        let (_, &mut kth, _) = certain.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        let rows = sums.into_iter().zip(&self.coding).enumerate();
        rows.filter(|(_, (sum, row))| cosine(*sum, row) + slack(row) >= kth).map(|(row, _)| row).collect()
    }
}

/// What it takes to read codes as numbers: number ≈ code · scale.
#[derive(Clone, Copy, Debug)]
struct Coding {
    scale: f32,
    /// The norm of what rounding took away.
    error: f32,
}

/// Covers the rounding of the sums themselves, and norms that are 1 ± 1e-3.
const ROUNDING: f32 = 1e-4;

/// Numbers as bytes: the greatest becomes ±127, the others in proportion.
fn encode(numbers: &[f32]) -> (Vec<i8>, Coding) {
    let greatest = numbers.iter().fold(0.0_f32, |greatest, number| greatest.max(number.abs()));
    let scale = (greatest / 127.0).max(f32::MIN_POSITIVE);
    #[allow(clippy::cast_possible_truncation)] // -127..=127, by the scale
    let codes: Vec<i8> = numbers.iter().map(|number| (number / scale).round() as i8).collect();
    let lost = numbers.iter().zip(&codes).map(|(number, &code)| number - f32::from(code) * scale);
    let error = lost.map(|lost| lost * lost).sum::<f32>().sqrt();
    (codes, Coding { scale, error })
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
    fn is_exact_among_very_many_alike() {
        // A thousand vectors around one direction: their cosines lie closer together than bytes can tell.
        let mut slab = Slab::new(dims());
        let mut exact = Vec::new();
        let query = unit(&(0..WIDTH).map(|at| f32::from(at) + 1.0).collect::<Vec<_>>());
        for number in 0..1000_u16 {
            let wobble = |at: u16| f32::from((number * 31 + at * 17) % 101) / 5_000.0;
            let vector = unit(&(0..WIDTH).map(|at| f32::from(at) + 1.0 + wobble(at)).collect::<Vec<_>>());
            let [high, low] = number.to_be_bytes();
            let id = MemoryId::from_bytes(std::array::from_fn(|at| if at % 2 == 0 { high } else { low }));
            slab.upsert(id, &vector);
            exact.push(slab.cosine(id, &query).unwrap());
        }
        exact.sort_unstable_by(|a, b| b.total_cmp(a));
        let found: Vec<f32> = slab.nearest(&query, 10).into_iter().map(|nearest| nearest.cosine).collect();
        assert_eq!(found, exact[..10], "to the last digit the ten greatest of a full computation");
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
