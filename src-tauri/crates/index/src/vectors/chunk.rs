//! A chunk: a run of rows in one block of memory, the unit that snapshots share and writers copy.
//!
//! Each row is kept twice: as 16-bit floats, what a cosine is computed from, and as bytes, a quarter of a
//! 32-bit float, with a bound on what rounding to bytes changed. What may, within the bound, be among the
//! nearest is computed in full. Long rows are kept a third time, as [`Signs`], which are scanned first.

use half::f16;
use half::slice::HalfFloatSliceExt;
use papr_memory::Dims;

use super::signs::Signs;

/// Bytes of codes in a full chunk: about so many, few enough that a write copies little, enough that a scan of one outweighs
/// what stands around it.
const CHUNK_BYTES: usize = 64 * 1024;
/// The greatest code of a row.
const GREATEST: i16 = 127;

/// What it takes to read codes as numbers: number ≈ code · scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    pub(super) scale: f32,
    /// The norm of what rounding took away.
    pub(super) error: f32,
}

#[derive(Debug)]
pub(super) struct Chunk {
    width: usize,
    /// Row number & mask = place in this chunk.
    mask: usize,
    numbers: Vec<f16>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    errors: Vec<f32>,
    signs: Option<Signs>,
}

impl Chunk {
    /// How many rows a full chunk has: a power of two.
    pub(super) fn rows(dims: Dims) -> usize {
        (CHUNK_BYTES / dims.get()).next_power_of_two().max(32)
    }

    /// Room for `rows` rows, a power of two, of `width` numbers.
    pub(super) fn with_room(width: usize, rows: usize) -> Self {
        Self {
            width,
            mask: rows - 1,
            numbers: Vec::with_capacity(rows * width),
            codes: Vec::with_capacity(rows * width),
            scales: Vec::with_capacity(rows),
            errors: Vec::with_capacity(rows),
            signs: Signs::with_room(width, rows),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }

    /// What a row's number is cut to for its place in its chunk.
    pub(super) fn mask(&self) -> usize {
        self.mask
    }

    pub(super) fn numbers(&self, at: usize) -> &[f16] {
        &self.numbers[at * self.width..(at + 1) * self.width]
    }

    pub(super) fn codes(&self, at: usize) -> &[i8] {
        &self.codes[at * self.width..(at + 1) * self.width]
    }

    /// The codes of all rows, one after the other.
    pub(super) fn all_codes(&self) -> &[i8] {
        &self.codes
    }

    /// The signs of all rows, if they are worth it.
    pub(super) fn signs(&self) -> Option<&Signs> {
        self.signs.as_ref()
    }

    /// The scales and errors of all rows.
    pub(super) fn all_codings(&self) -> (&[f32], &[f32]) {
        (&self.scales, &self.errors)
    }

    pub(super) fn coding(&self, at: usize) -> Coding {
        Coding { scale: self.scales[at], error: self.errors[at] }
    }

    pub(super) fn push(&mut self, row: &[f16]) {
        let numbers = row.to_f32_vec();
        let (codes, coding) = encode(&numbers);
        self.numbers.extend_from_slice(row);
        self.codes.extend_from_slice(&codes);
        self.scales.push(coding.scale);
        self.errors.push(coding.error);
        if let Some(signs) = &mut self.signs {
            signs.push(&numbers);
        }
    }

    /// Puts another row in the place of row `at`.
    pub(super) fn set(&mut self, at: usize, row: &[f16]) {
        let numbers = row.to_f32_vec();
        let (codes, coding) = encode(&numbers);
        let place = at * self.width..(at + 1) * self.width;
        self.numbers[place.clone()].copy_from_slice(row);
        self.codes[place].copy_from_slice(&codes);
        (self.scales[at], self.errors[at]) = (coding.scale, coding.error);
        if let Some(signs) = &mut self.signs {
            signs.set(at, &numbers);
        }
    }

    /// Appends row `at` of another chunk as it stands.
    pub(super) fn push_from(&mut self, other: &Self, at: usize) {
        self.numbers.extend_from_slice(other.numbers(at));
        self.codes.extend_from_slice(other.codes(at));
        self.scales.push(other.scales[at]);
        self.errors.push(other.errors[at]);
        if let (Some(signs), Some(others)) = (&mut self.signs, &other.signs) {
            signs.push_from(others, at);
        }
    }

    /// Bytes held for 16-bit numbers, and for codes with their scales.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let codings = (self.scales.capacity() + self.errors.capacity()) * size_of::<f32>();
        let signs = self.signs.as_ref().map_or(0, Signs::bytes);
        (self.numbers.capacity() * size_of::<f16>(), self.codes.capacity() + codings + signs)
    }
}

/// The copy has the same room for further rows, so that a copy made for a write is not made twice.
impl Clone for Chunk {
    fn clone(&self) -> Self {
        let mut copy = Self { signs: self.signs.clone(), ..Self::with_room(self.width, self.mask + 1) };
        copy.numbers.extend_from_slice(&self.numbers);
        copy.codes.extend_from_slice(&self.codes);
        copy.scales.extend_from_slice(&self.scales);
        copy.errors.extend_from_slice(&self.errors);
        copy
    }
}

/// A hash of a row's numbers, the same in every process and on every machine.
pub(super) fn hash_of(numbers: &[f16]) -> u64 {
    // The constant of Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let word = |four: &[f16]| four.iter().fold(0, |word, number| word << 16 | u64::from(number.to_bits()));
    let hash = numbers.chunks(4).map(word).fold(numbers.len() as u64, mix);
    mix(hash ^ (hash >> 32), hash)
}

/// Numbers as bytes: the greatest becomes ±127, the others in proportion.
pub(super) fn encode(numbers: &[f32]) -> (Vec<i8>, Coding) {
    let (codes, coding) = encode_to(numbers, GREATEST);
    #[allow(clippy::cast_possible_truncation)] // -127..=127, by the scale
    (codes.into_iter().map(|code| code as i8).collect(), coding)
}

/// Numbers as integers: the greatest becomes ±`greatest`, the others in proportion.
pub(super) fn encode_to(numbers: &[f32], greatest: i16) -> (Vec<i16>, Coding) {
    let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = (largest / f32::from(greatest)).max(f32::MIN_POSITIVE);
    let steps = 1.0 / scale;
    // To the nearest, halves away from zero; unlike `round`, the compiler can do many at once.
    #[allow(clippy::cast_possible_truncation)] // within ±greatest, by the scale
    let code = |number: &f32| {
        let scaled = number * steps;
        ((scaled + 0.5_f32.copysign(scaled)) as i16).clamp(-greatest, greatest)
    };
    let codes: Vec<i16> = numbers.iter().map(code).collect();
    let lost = numbers.iter().zip(&codes).map(|(number, &code)| number - f32::from(code) * scale);
    let error = lost.map(|lost| lost * lost).sum::<f32>().sqrt();
    (codes, Coding { scale, error })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn codes_are_as_near_as_their_error_says(
            numbers in prop::collection::vec(-1.0_f32..1.0, 1..80),
            greatest in prop_oneof![Just(127_i16), Just(2047)],
        ) {
            let (codes, coding) = encode_to(&numbers, greatest);
            let lost = numbers.iter().zip(&codes).map(|(x, &y)| (x - f32::from(y) * coding.scale).powi(2));
            prop_assert!((lost.sum::<f32>().sqrt() - coding.error).abs() < 1e-6);
            prop_assert!(codes.iter().all(|code| code.abs() <= greatest));
            let worst = coding.scale * 0.51 * (numbers.len() as f32).sqrt();
            prop_assert!(coding.error <= worst, "no number moves by more than half a step");
        }
    }

    #[test]
    fn a_copy_is_equal_and_has_the_same_room() {
        let mut chunk = Chunk::with_room(4, 8);
        for row in [[1.0, 0.5, -0.25, 0.0], [0.0, -1.0, 0.5, 0.25]] {
            chunk.push(&row.map(f16::from_f32));
        }
        let mut copy = chunk.clone();
        assert_eq!(copy.bytes(), chunk.bytes());
        copy.set(0, chunk.numbers(1));
        assert_eq!((copy.codes(0), copy.numbers(0)), (chunk.codes(1), chunk.numbers(1)));
        assert_ne!(copy.codes(0), chunk.codes(0), "the original stays as it was");
    }
}
