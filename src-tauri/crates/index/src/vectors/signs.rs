//! Rows as signs, in two planes, after a rotation that spreads what a row says over all its numbers. The first
//! plane has the signs of up to 1,024 numbers, the second those of all further ones, or, where there are none,
//! of what the first signs leave of each number.
//!
//! The first plane, a sixteenth of a row's bytes or less, tells cosines to within some hundredths, which is enough
//! to pass over nearly all rows; the second halves that for those that remain. How far off an estimate can be is known
//! before it is made: it falls with the root of the dimensions.
//!
//! Gao and Long, "`RaBitQ`: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for Approximate
//! Nearest Neighbor Search" (2024). With `r` a row of `d` numbers, rotated, and `v` its reading from signs,
//! `q·v / r·v` estimates `q·r` without bias; the error is about normal, of a standard deviation of at most
//! `√((1 − c²) / (c² (d − 1)))`, `c` being the cosine between `r` and `v`. Of 384 numbers, `c` is 0.80
//! by the first signs and 0.94 by both; of 2,560, 0.50 and 0.80.

use crate::kernel::{BLOCK, Kernel, Tables};

use super::chunk::{Coding, encode_to};
use super::rotation::{rotated, rotated_width};

/// Of fewer numbers signs tell too little to be worth a look.
pub(super) const LEAST_WIDTH: usize = 128;
/// How many numbers the first plane covers at most: with more, reading it takes longer than what it spares.
const FIRST: usize = 1_024;
/// How many standard deviations an estimate is trusted to be within. One in thirty thousand errs by more on the
/// side that loses a neighbour, if the neighbour is the last that is asked for; nearer ones have more to spare.
const DEVIATIONS: f32 = 4.0;
/// What a number is read as, in units of its deviation: ± the first ± the second. The four values are those
/// that are nearest to normal numbers (Max, "Quantizing for Minimum Distortion", 1960).
const LEVELS: [f32; 2] = [0.9816, 0.5288];

/// How the signs of rows of one width are laid out.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// How many numbers the first plane covers.
    first: usize,
    /// How many come after them.
    further: usize,
}

impl Layout {
    fn new(width: usize) -> Self {
        let all = rotated_width(width);
        let first = all.min(FIRST);
        Self { first, further: all - first }
    }

    /// Bytes of the signs of [`BLOCK`] rows in each plane.
    fn block_bytes(self) -> [usize; 2] {
        let second = if self.further == 0 { self.first } else { self.further };
        [self.first, second].map(|signs| signs * BLOCK / 8)
    }

    /// What a sign of each plane stands for, in units of the numbers' deviation.
    fn levels(self) -> [f32; 2] {
        [LEVELS[0], if self.further == 0 { LEVELS[1] } else { LEVELS[0] }]
    }
}

/// The signs of all rows of a chunk.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    layout: Layout,
    planes: [Plane; 2],
}

/// A bit a number, and how to read a row's bits together with those of the planes before.
#[derive(Debug)]
struct Plane {
    /// As [`Kernel::agree`] takes them.
    blocks: Vec<u8>,
    scales: Vec<f32>,
    errors: Vec<f32>,
}

impl Plane {
    fn with_room(block_bytes: usize, rows: usize) -> Self {
        Self {
            blocks: Vec::with_capacity(rows / BLOCK * block_bytes),
            scales: Vec::with_capacity(rows),
            errors: Vec::with_capacity(rows),
        }
    }
}

/// With the same room.
impl Clone for Plane {
    fn clone(&self) -> Self {
        let mut copy = Self {
            blocks: Vec::with_capacity(self.blocks.capacity()),
            scales: Vec::with_capacity(self.scales.capacity()),
            errors: Vec::with_capacity(self.errors.capacity()),
        };
        copy.blocks.extend_from_slice(&self.blocks);
        copy.scales.extend_from_slice(&self.scales);
        copy.errors.extend_from_slice(&self.errors);
        copy
    }
}

impl Plane {
    /// Notes the signs of a row's numbers, and adds what they stand for to `said`.
    fn set(&mut self, at: usize, numbers: &[f32], said: &mut [f32], level: f32) {
        let block = at / BLOCK * numbers.len() * BLOCK / 8;
        for (line, eight) in numbers.as_chunks::<8>().0.iter().enumerate() {
            let bit = |bits: u8, number: &f32| bits >> 1 | u8::from(*number >= 0.0) << 7;
            self.blocks[block + line * BLOCK + at % BLOCK] = eight.iter().fold(0, bit);
        }
        for (said, number) in said.iter_mut().zip(numbers) {
            *said += if *number >= 0.0 { level } else { -level };
        }
    }
}

impl Signs {
    /// Room for the signs of `rows` rows of `width` numbers, if they are worth it.
    pub(super) fn with_room(width: usize, rows: usize) -> Option<Self> {
        let worth = width >= LEAST_WIDTH && rows.is_multiple_of(BLOCK);
        let layout = Layout::new(width);
        let plane = |block_bytes| Plane::with_room(block_bytes, rows);
        worth.then(|| Self { layout, planes: layout.block_bytes().map(plane) })
    }

    pub(super) fn push(&mut self, row: &[f32]) {
        let at = self.grow();
        self.set(at, row);
    }

    /// Room for one more row; its place.
    fn grow(&mut self) -> usize {
        let at = self.planes[0].scales.len();
        for (plane, block_bytes) in self.planes.iter_mut().zip(self.layout.block_bytes()) {
            plane.blocks.resize((at / BLOCK + 1) * block_bytes, 0);
            plane.scales.push(0.0);
            plane.errors.push(0.0);
        }
        at
    }

    /// Puts another row in the place of row `at`.
    pub(super) fn set(&mut self, at: usize, row: &[f32]) {
        let whole = rotated(row);
        let norm = whole.iter().map(|number| number * number).sum::<f32>().sqrt();
        let deviation = norm / (whole.len() as f32).sqrt();
        let [level, next_level] = self.layout.levels().map(|level| level * deviation);
        let mut said = vec![0.0_f32; whole.len()];
        let first = self.layout.first;
        self.planes[0].set(at, &whole[..first], &mut said[..first], level);
        let by_first = coding(&whole, &said, norm);
        if self.layout.further == 0 {
            let left: Vec<f32> = whole.iter().zip(&said).map(|(number, said)| number - said).collect();
            self.planes[1].set(at, &left, &mut said, next_level);
        } else {
            self.planes[1].set(at, &whole[first..], &mut said[first..], next_level);
        }
        let codings = [by_first, coding(&whole, &said, norm)];
        for (plane, coding) in self.planes.iter_mut().zip(codings) {
            (plane.scales[at], plane.errors[at]) = (coding.scale * deviation, coding.error);
        }
    }

    /// Appends row `at` of another chunk as it stands.
    pub(super) fn push_from(&mut self, other: &Self, at: usize) {
        let to = self.grow();
        for ((plane, other), bytes) in
            self.planes.iter_mut().zip(&other.planes).zip(self.layout.block_bytes())
        {
            let (from, into) = (at / BLOCK * bytes + at % BLOCK, to / BLOCK * bytes + to % BLOCK);
            for line in (0..bytes).step_by(BLOCK) {
                plane.blocks[into + line] = other.blocks[from + line];
            }
            (plane.scales[to], plane.errors[to]) = (other.scales[at], other.errors[at]);
        }
    }

    /// The greatest the cosine to each row can be, as far as the first plane tells; in `agreeing`, what it has in
    /// common with the query.
    pub(super) fn bounds(&self, query: &SignQuery, kernel: Kernel, agreeing: &mut [u16], bounds: &mut [f32]) {
        let [plane, _] = &self.planes;
        let [level, _] = self.layout.levels();
        let rows = plane.scales.len().next_multiple_of(BLOCK);
        kernel.agree(&query.first, &plane.blocks, &mut agreeing[..rows]);
        let rows = agreeing.iter().zip(&plane.scales).zip(&plane.errors);
        for (bound, ((&sum, &scale), &error)) in bounds.iter_mut().zip(rows) {
            *bound = (query.dot(&query.first, sum) * level + query.error) * scale + error;
        }
    }

    /// The same as far as both planes tell, for the 32 rows from `32 · block` on.
    pub(super) fn closer(
        &self,
        query: &SignQuery,
        kernel: Kernel,
        block: usize,
        agreeing: &[u16],
        bounds: &mut [f32; BLOCK],
    ) {
        let [_, plane] = &self.planes;
        let ([_, bytes], [level, next_level]) = (self.layout.block_bytes(), self.layout.levels());
        let second = query.second.as_ref().unwrap_or(&query.first);
        let mut others = [0; BLOCK];
        kernel.agree(second, &plane.blocks[block * bytes..(block + 1) * bytes], &mut others);
        let rows = plane.scales[block * BLOCK..].iter().zip(&plane.errors[block * BLOCK..]);
        for (bound, ((&sum, &other), (&scale, &error))) in
            bounds.iter_mut().zip(agreeing.iter().zip(&others).zip(rows))
        {
            let dot = query.dot(&query.first, sum) * level + query.dot(second, other) * next_level;
            *bound = (dot + query.error) * scale + error;
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let codings = |plane: &Plane| (plane.scales.capacity() + plane.errors.capacity()) * size_of::<f32>();
        self.planes.iter().map(|plane| plane.blocks.capacity() + codings(plane)).sum()
    }
}

/// Bytes of the signs of [`BLOCK`] rows in the first plane: what a scan reads of all rows.
pub(super) fn block_bytes(width: usize) -> usize {
    let [first, _] = Layout::new(width).block_bytes();
    first
}

/// For a row that is read as `said`: `1 / r·v`, and how far off an estimate can be.
fn coding(row: &[f32], said: &[f32], norm: f32) -> Coding {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let (both, length) = (dot(row, said), dot(said, said).sqrt());
    let cosine = both / (length * norm);
    let degrees = (row.len() as f32 - 1.0).sqrt();
    let error = DEVIATIONS * (1.0 - cosine * cosine).max(0.0).sqrt() / (cosine * degrees);
    Coding { scale: norm * norm / both, error }
}

/// A query made ready to be compared with signs.
#[derive(Debug)]
pub(super) struct SignQuery {
    first: Tables,
    /// For the second plane, if it is not of the same numbers.
    second: Option<Tables>,
    /// What a unit of a sum stands for.
    scale: f32,
    error: f32,
}

impl SignQuery {
    /// None if signs are not worth it.
    pub(super) fn new(numbers: &[f32]) -> Option<Self> {
        if numbers.len() < LEAST_WIDTH {
            return None;
        }
        let turned = rotated(numbers);
        // All magnitudes together stay within 16 bits.
        let most = i16::try_from(usize::from(u16::MAX) / turned.len()).unwrap_or(i16::MAX);
        let (codes, coding) = encode_to(&turned, most.min(Tables::GREATEST));
        let (first, further) = codes.split_at(Layout::new(numbers.len()).first);
        let second = (!further.is_empty()).then(|| Tables::new(further));
        // What rounding took off the query is as good as random against signs.
        let error = DEVIATIONS * coding.error;
        Some(Self { first: Tables::new(first), second, scale: coding.scale, error })
    }

    /// The dot product with signs, from what they have in common with one of the tables.
    #[inline]
    fn dot(&self, tables: &Tables, agreeing: u16) -> f32 {
        (2.0 * f32::from(agreeing) - f32::from(tables.total())) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same vectors for the same seed, the second turned away from the first by about `angle`.
    fn pair(width: usize, seed: u64, angle: f32) -> (Vec<f32>, Vec<f32>) {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        let unit = |numbers: Vec<f32>| {
            let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
            numbers.into_iter().map(|number| number / norm).collect::<Vec<_>>()
        };
        let one = unit((0..width).map(|_| next()).collect());
        let other = unit((0..width).map(|_| next()).collect());
        let turned = one.iter().zip(other).map(|(a, b)| a * angle.cos() + b * angle.sin());
        let turned = unit(turned.collect());
        (one, turned)
    }

    fn of(rows: &[Vec<f32>], width: usize) -> Signs {
        let mut signs = Signs::with_room(width, rows.len().next_multiple_of(BLOCK)).unwrap();
        for row in rows {
            signs.push(row);
        }
        signs
    }

    /// The bounds by the first signs, and by both.
    fn bounds(signs: &Signs, query: &[f32], rows: usize) -> [Vec<f32>; 2] {
        let (query, kernel) = (SignQuery::new(query).unwrap(), Kernel::best());
        let room = rows.next_multiple_of(BLOCK);
        let (mut agreeing, mut first) = (vec![0; room], vec![f32::NEG_INFINITY; room]);
        signs.bounds(&query, kernel, &mut agreeing, &mut first);
        let mut both = first.clone();
        for (block, bounds) in both.as_chunks_mut().0.iter_mut().enumerate() {
            signs.closer(&query, kernel, block, &agreeing[block * BLOCK..][..BLOCK], bounds);
        }
        [first, both].map(|mut bounds| bounds.drain(..rows).collect())
    }

    #[test]
    fn cosines_stay_below_their_bounds_which_are_close() {
        for width in [128, 384, 1_000, 2_560] {
            let pairs: Vec<_> = (0..1_000_u16)
                .map(|seed| pair(width, u64::from(seed) + 1, f32::from(seed) / 700.0))
                .collect();
            let (mut beyond, mut slack) = ([0; 2], [0.0; 2]);
            for (query, row) in &pairs {
                let cosine: f32 = query.iter().zip(row).map(|(x, y)| x * y).sum();
                let signs = of(std::slice::from_ref(row), width);
                for (at, bound) in bounds(&signs, query, 1).map(|bounds| bounds[0]).into_iter().enumerate() {
                    beyond[at] += usize::from(cosine > bound);
                    slack[at] += (bound - cosine) / pairs.len() as f32;
                }
            }
            assert!(beyond.iter().all(|&count| count <= 1), "{width}: {beyond:?} of 200");
            let root = (width as f32).sqrt();
            let most = if width > FIRST { [8.0, 3.6] } else { [3.6, 2.0] };
            assert!(slack[0] < most[0] / root && slack[1] < most[1] / root, "{width}: {slack:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rows_tell_the_same_wherever_they_stand(
            count in 1_usize..70,
            width in prop_oneof![Just(128_usize), Just(130), Just(384)],
            seed in 1_u64..1_000,
        ) {
            let rows: Vec<Vec<f32>> = (0..count as u64).map(|at| pair(width, seed + at, 0.0).0).collect();
            let signs = of(&rows, width);
            let mut moved = of(&rows[..1], width);
            (0..count).for_each(|at| moved.push_from(&signs, at));
            moved.set(0, &rows[count - 1]);
            let query = pair(width, seed * 31, 0.0).0;
            let (here, there) = (bounds(&signs, &query, count), bounds(&moved, &query, count + 1));
            for (here, there) in here.iter().zip(&there) {
                prop_assert_eq!(here.as_slice(), &there[1..]);
                prop_assert_eq!(&there[..1], &here[count - 1..]);
            }
        }
    }
}
