//! Vectors that may be trusted, and the spaces in which they may be compared.

use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::Fingerprint;

/// How many numbers a vector has: 1..=8192.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Dims(NonZeroU16);

impl Dims {
    /// The largest dimension a space may have.
    pub const MAX: u16 = 8192;

    /// As many dimensions as `count`, if that is 1..=[`Dims::MAX`].
    pub fn new(count: u16) -> Option<Self> {
        NonZeroU16::new(count).filter(|dims| dims.get() <= Self::MAX).map(Self)
    }

    /// The count.
    pub fn get(self) -> usize {
        usize::from(self.0.get())
    }
}

impl TryFrom<u16> for Dims {
    type Error = String;

    fn try_from(count: u16) -> Result<Self, Self::Error> {
        Self::new(count).ok_or_else(|| format!("{count} dimensions; a space has 1 to {}", Self::MAX))
    }
}

impl From<Dims> for u16 {
    fn from(dims: Dims) -> Self {
        dims.0.get()
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of vectors that may be compared with one another: one way of embedding, one length.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Space {
    /// What made the vectors.
    pub fingerprint: Fingerprint,
    /// Their length.
    pub dims: Dims,
}

/// What is wrong with numbers that should have been a vector.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VectorError {
    /// Not as long as the space is wide.
    #[error("the vector has {found} numbers where the model makes {expected}")]
    Length {
        /// The space's dimensions.
        expected: usize,
        /// How many numbers there were.
        found: usize,
    },
    /// Infinite or not a number.
    #[error("number {position} of the vector is {value}")]
    NotFinite {
        /// Which one, from 0.
        position: usize,
        /// What stood there.
        value: f32,
    },
    /// Not of length 1: also what an all-zero vector is.
    #[error("the vector's norm is {norm}, not 1")]
    Norm {
        /// The Euclidean norm found.
        norm: f32,
    },
    /// The same number everywhere.
    #[error("every number of the vector is the same")]
    Constant,
}

/// An embedding: finite, of norm 1 ± 1e-3, not constant, as long as its space is wide.
///
/// [`Vector::new`] is the only way to make one, so a `Vector` needs no second look.
#[derive(Clone, PartialEq)]
pub struct Vector(Box<[f32]>);

impl Vector {
    /// How far a norm may be from 1. fp16 arithmetic stays within 5e-4.
    pub const NORM_TOLERANCE: f32 = 1e-3;

    /// Checks `values` against a space of `dims` dimensions.
    pub fn new(values: Vec<f32>, dims: Dims) -> Result<Self, VectorError> {
        if values.len() != dims.get() {
            return Err(VectorError::Length { expected: dims.get(), found: values.len() });
        }
        if let Some((position, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(VectorError::NotFinite { position, value });
        }
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !norm.is_finite() || (norm - 1.0).abs() > Self::NORM_TOLERANCE {
            return Err(VectorError::Norm { norm });
        }
        let constant = values.iter().all(|value| value.to_bits() == values[0].to_bits());
        if constant && values.len() > 1 {
            return Err(VectorError::Constant);
        }
        Ok(Self(values.into_boxed_slice()))
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Cosine similarity in [-1, 1], up to rounding: both vectors have norm 1, so it is their dot product.
    ///
    /// Only vectors of one [`Space`] may meet; of different lengths, the longer one's rest is ignored.
    pub fn cosine(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

/// Shows the length alone: a vector tells much about its text, and logs hold no memory text.
impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vector({} dims)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dims(count: u16) -> Dims {
        Dims::new(count).unwrap()
    }

    #[test]
    fn refuses_what_broken_models_make() {
        let three = dims(3);
        assert_eq!(Vector::new(vec![0.0; 3], three), Err(VectorError::Norm { norm: 0.0 }), "a zero vector");
        assert!(
            matches!(
                Vector::new(vec![1.0, f32::NAN, 0.0], three),
                Err(VectorError::NotFinite { position: 1, .. })
            ),
            "NaN is told with its place"
        );
        let third = (1.0_f32 / 3.0).sqrt();
        assert_eq!(Vector::new(vec![third; 3], three), Err(VectorError::Constant), "a collapsed model");
        assert_eq!(
            Vector::new(vec![1.0, 0.0], three),
            Err(VectorError::Length { expected: 3, found: 2 }),
            "another model's vector"
        );
        assert!(Vector::new(vec![0.6, 0.8, 0.0], three).is_ok());
    }

    #[test]
    fn dims_have_a_range() {
        assert_eq!(Dims::new(0), None, "a space of nothing cannot be compared in");
        assert_eq!(Dims::new(8193), None);
        assert_eq!(dims(2560).get(), 2560);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_unit_and_finite(values in prop::collection::vec(-2.0_f32..2.0, 1..64)) {
            let width = dims(u16::try_from(values.len()).unwrap());
            if let Ok(vector) = Vector::new(values, width) {
                let norm = vector.as_slice().iter().map(|value| value * value).sum::<f32>().sqrt();
                prop_assert!((norm - 1.0).abs() <= Vector::NORM_TOLERANCE);
                prop_assert!((vector.cosine(&vector) - norm * norm).abs() < 1e-5, "cosine with itself is norm²");
            }
        }

        #[test]
        fn scaling_to_one_makes_any_varied_vector_acceptable(
            values in prop::collection::vec(-1.0_f32..1.0, 2..64),
        ) {
            let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            prop_assume!(norm > 1e-3 && values[0].to_bits() != values[1].to_bits());
            let width = dims(u16::try_from(values.len()).unwrap());
            let unit: Vec<f32> = values.iter().map(|value| value / norm).collect();
            prop_assert!(Vector::new(unit, width).is_ok());
        }
    }
}
