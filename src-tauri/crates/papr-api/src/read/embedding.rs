//! Vectors as the server sends them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// No model has more dimensions; a longer array is something else.
const MAX_DIMS: usize = 65_536;

/// How the numbers of an [`Embedding`] were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbeddingSource {
    /// As floats, and not changed here: whether they have length 1 is the reader's to check.
    Float,
    /// As whole numbers from -128 to 127, of which only the direction counts: their scale is not sent. Scaled to
    /// length 1 here. Rounding to 8 bits costs about 0.001 of cosine similarity.
    Int8,
}

/// A memory's vector, made by the server's model. Compare it only with vectors of the same model.
#[derive(Clone, PartialEq)]
pub struct Embedding {
    /// The numbers, all finite, at least one.
    pub values: Vec<f32>,
    /// How they were sent.
    pub source: EmbeddingSource,
}

/// Shows the length alone: a vector tells much about its text.
impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({} dims, {:?})", self.values.len(), self.source)
    }
}

impl Embedding {
    /// `None` for an array of zeros, or with a number that is none of an int8.
    pub(crate) fn from_int8(mut values: Vec<f32>) -> Option<Self> {
        if values.iter().any(|value| value.fract() != 0.0 || !(-128.0..=127.0).contains(value)) {
            return None;
        }
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if norm == 0.0 {
            return None;
        }
        for value in &mut values {
            *value /= norm;
        }
        Some(Self { values, source: EmbeddingSource::Int8 })
    }

    pub(crate) fn from_floats(values: Vec<f32>) -> Self {
        Self { values, source: EmbeddingSource::Float }
    }
}

/// What stands where a vector should: never an error, so that the memory around it is not lost.
#[derive(Debug)]
pub(crate) enum Floats {
    /// Null, or an array of nothing.
    Absent,
    Unreadable,
    /// Finite, at least one.
    Values(Vec<f32>),
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FloatsVisitor)
    }
}

struct FloatsVisitor;

impl<'de> Visitor<'de> for FloatsVisitor {
    type Value = Floats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Floats, A::Error> {
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(MAX_DIMS));
        let mut good = true;
        while let Some(Number(value)) = seq.next_element()? {
            good &= value.is_finite() && values.len() < MAX_DIMS;
            if good {
                values.push(value);
            }
        }
        values.shrink_to_fit();
        Ok(match (good, values.is_empty()) {
            (false, _) => Floats::Unreadable,
            (true, true) => Floats::Absent,
            (true, false) => Floats::Values(values),
        })
    }

    fn visit_unit<E: Error>(self) -> Result<Floats, E> {
        Ok(Floats::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Floats, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Floats::Unreadable)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Floats, E> {
        Ok(if text.trim().is_empty() { Floats::Absent } else { Floats::Unreadable })
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Floats, E> {
        Ok(Floats::Unreadable)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Floats, E> {
        Ok(Floats::Unreadable)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Floats, E> {
        Ok(Floats::Unreadable)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Floats, E> {
        Ok(Floats::Unreadable)
    }
}

/// One number, also as text; NaN for anything else.
struct Number(f32);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

#[allow(clippy::cast_possible_truncation)] // rounding to the nearest is what is wanted
impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value as f32))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f32))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f32))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number(text.trim().parse().unwrap_or(f32::NAN)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Number, E> {
        Ok(Number(f32::NAN))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number(f32::NAN))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number(f32::NAN))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number(f32::NAN))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Floats {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn whatever_stands_there_the_memory_survives() {
        assert!(
            matches!(read("[0.5, \"0.25\", 1, -1]"), Floats::Values(values) if values == [0.5, 0.25, 1.0, -1.0])
        );
        for absent in ["null", "[]", "\"\""] {
            assert!(matches!(read(absent), Floats::Absent), "{absent} is no vector");
        }
        for bad in [
            "[1, null]",
            "[1e99]",
            "{\"a\": [1]}",
            "\"x\"",
            "true",
            "3",
            "-3",
            "0.5",
            "[[1], {\"a\": 2}, true]",
        ] {
            assert!(matches!(read(bad), Floats::Unreadable), "{bad} is noted");
        }
    }

    #[test]
    fn int8_that_cannot_be_a_direction_is_refused() {
        assert!(Embedding::from_int8(vec![0.0, 0.0]).is_none(), "zeros have no direction");
        assert!(
            Embedding::from_int8(vec![128.0]).is_none() && Embedding::from_int8(vec![0.5]).is_none(),
            "no int8"
        );
    }

    proptest! {
        #[test]
        fn quantised_vectors_come_back_with_length_1_and_their_direction(
            values in prop::collection::vec(-1.0_f32..1.0, 8..64),
        ) {
            let largest = values.iter().fold(0.0_f32, |max, value| max.max(value.abs()));
            prop_assume!(largest > 1e-3);
            let quantised: Vec<f32> = values.iter().map(|value| (value * 127.0 / largest).round()).collect();
            let read = Embedding::from_int8(quantised).unwrap();
            let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
            prop_assert!((length(&read.values) - 1.0).abs() < 1e-5, "length 1");
            let dot: f32 = read.values.iter().zip(&values).map(|(a, b)| a * b).sum();
            prop_assert!(dot / length(&values) > 0.999, "rounding to 8 bits costs under 0.001");
        }
    }
}
