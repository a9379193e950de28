//! Pseudo embeddings: 2,560 numbers that hang on the text alone. They mean nothing; they have the shape, the
//! norm and the size of Papr's.

use std::collections::HashMap;

use serde_json::value::{RawValue, to_raw_value};

use crate::dice::{Dice, hash};

/// How many numbers a server vector has (Qwen3-Embedding-4B).
pub const DIMS: usize = 2560;

/// The vector of a text: deterministic, norm 1.
#[must_use]
pub fn pseudo(text: &str) -> Vec<f32> {
    let mut dice = Dice::new(hash(text), &[DIMS as u64]);
    #[allow(clippy::cast_possible_truncation)] // the precision of the wire
    let mut vector: Vec<f32> = (0..DIMS).map(|_| (dice.unit() * 2.0 - 1.0) as f32).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for x in &mut vector {
        *x /= norm;
    }
    vector
}

/// As Papr quantises: q = round(x·127 / max|x|). The scale is not sent.
#[must_use]
pub fn int8(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs())).max(f32::MIN_POSITIVE);
    #[allow(clippy::cast_possible_truncation)] // within ±127 by construction
    vector.iter().map(|x| (x * 127.0 / largest).round() as i8).collect()
}

/// Vectors as they go into a reply, kept: writing 3 million numbers takes seconds in a debug build.
#[derive(Debug, Default)]
pub(crate) struct Written {
    texts: HashMap<(u64, bool), Box<RawValue>>,
}

impl Written {
    /// The vector of `text` as a JSON array.
    pub(crate) fn of(&mut self, text: &str, quantised: bool) -> Option<Box<RawValue>> {
        let key = (hash(text), quantised);
        if let Some(known) = self.texts.get(&key) {
            return Some(known.clone());
        }
        let array = write(&pseudo(text), quantised)?;
        self.texts.insert(key, array.clone());
        Some(array)
    }
}

/// A vector as a JSON array.
pub(crate) fn write(vector: &[f32], quantised: bool) -> Option<Box<RawValue>> {
    if quantised { to_raw_value(&int8(vector)).ok() } else { to_raw_value(vector).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_hang_on_the_text_and_have_norm_1() {
        let one = pseudo("dark roast");
        assert_eq!(one, pseudo("dark roast"));
        assert_ne!(one, pseudo("light roast"));
        assert_eq!(one.len(), DIMS);
        assert!((one.iter().map(|x| x * x).sum::<f32>().sqrt() - 1.0).abs() < 1e-4);
        let small = int8(&one);
        assert_eq!(small.iter().map(|q| q.unsigned_abs()).max(), Some(127), "the largest fills the range");
    }
}
