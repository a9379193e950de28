//! How well two ways of making vectors agree over the same texts, and whether they serve one space.
//!
//! Two uses: an installed model against another form of it or against golden vectors (the accuracy report of
//! `papr models verify`), and this machine's vectors against those a server keeps, whose recipe is not published.
//! Plain arithmetic over pairs; where vectors come from is the caller's business.

use papr_memory::CancelToken;
use papr_memory::ports::{EmbedError, Embedder, Lane, Role};
use serde::{Deserialize, Serialize};

/// The least cosine, over all pairs, at which vectors are held to be of one space. Half precision keeps 0.9999 and
/// 8 bits some 0.99; another recipe of the same weights is below 0.8.
pub const SAME_SPACE: f32 = 0.98;

/// The fewest pairs that decide anything: one vector may be of a text that has changed since.
pub const LEAST_PAIRS: usize = 3;

/// How alike the vectors of some pairs are, lengths aside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// How many were compared.
    pub pairs: usize,
    /// The least cosine.
    pub min_cosine: f32,
    /// The mean cosine.
    pub mean_cosine: f32,
    /// The greatest cosine.
    pub max_cosine: f32,
    /// The greatest Euclidean distance between two vectors, each made 1 long first; in [0, 2].
    pub max_distance: f32,
}

/// Why vectors cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// There are none.
    #[error("there are no vectors to compare")]
    Nothing,
    /// They are of different spaces beyond doubt.
    #[error("vectors of {ours} numbers cannot be compared with vectors of {theirs}")]
    Dims {
        /// Of the first of the pair.
        ours: usize,
        /// Of the second.
        theirs: usize,
    },
    /// Zeros, infinite, or not numbers: no direction.
    #[error("vector {pair} is no direction: zeros, or not finite")]
    NoDirection {
        /// Which pair, from 0.
        pair: usize,
    },
}

/// What a comparison says of two spaces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SpaceMatch {
    /// One space: vectors of the one may be searched with those of the other.
    Same(Agreement),
    /// Two: they must not be mixed.
    Different(Agreement),
    /// Fewer than [`LEAST_PAIRS`]: nothing is decided, and nothing may be mixed.
    TooFew(Agreement),
}

impl Agreement {
    /// Over pairs of vectors of the same texts. Lengths do not matter: a server may keep vectors that are not 1 long.
    pub fn of(pairs: &[(&[f32], &[f32])]) -> Result<Self, Incomparable> {
        let mut cosines = Vec::with_capacity(pairs.len());
        for (pair, (ours, theirs)) in pairs.iter().enumerate() {
            if ours.len() != theirs.len() {
                return Err(Incomparable::Dims { ours: ours.len(), theirs: theirs.len() });
            }
            cosines.push(cosine(ours, theirs).ok_or(Incomparable::NoDirection { pair })?);
        }
        let least = cosines.iter().copied().reduce(f64::min).ok_or(Incomparable::Nothing)?;
        let greatest = cosines.iter().copied().fold(least, f64::max);
        let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
        Ok(Self {
            pairs: cosines.len(),
            min_cosine: narrow(least),
            mean_cosine: narrow(mean),
            max_cosine: narrow(greatest),
            // Of unit vectors: |a - b|² = 2 - 2 a·b.
            max_distance: narrow((2.0 - 2.0 * least).max(0.0).sqrt()),
        })
    }

    /// Decides whether these pairs are of one space, by the worst of them.
    pub fn decide(self) -> SpaceMatch {
        if self.pairs < LEAST_PAIRS {
            SpaceMatch::TooFew(self)
        } else if self.min_cosine >= SAME_SPACE {
            SpaceMatch::Same(self)
        } else {
            SpaceMatch::Different(self)
        }
    }
}

impl SpaceMatch {
    /// One sentence with the numbers, for people.
    pub fn describe(&self) -> String {
        let numbers = |agreement: &Agreement| {
            let Agreement { pairs, min_cosine, mean_cosine, .. } = agreement;
            format!("cosine {mean_cosine:.4} in the mean and {min_cosine:.4} at least over {pairs} memories")
        };
        match self {
            Self::Same(agreement) => format!("the same space: {}", numbers(agreement)),
            Self::Different(agreement) => {
                format!("not the same space: {}; {SAME_SPACE} is asked for", numbers(agreement))
            }
            Self::TooFew(agreement) => {
                format!("not known: {}; {LEAST_PAIRS} memories are asked for", numbers(agreement))
            }
        }
    }
}

/// Embeds `texts` with both and compares; for an accuracy report over 20 texts and more.
///
/// # Errors
/// Whatever either embedder answers; [`EmbedError::Run`] if a vector fails its checks or cannot be compared.
pub fn compare(
    one: &impl Embedder,
    other: &impl Embedder,
    texts: &[&str],
    role: Role,
    cancel: &CancelToken,
) -> Result<Agreement, EmbedError> {
    let (ours, theirs) = (vectors(one, texts, role, cancel)?, vectors(other, texts, role, cancel)?);
    let pairs: Vec<(&[f32], &[f32])> =
        ours.iter().zip(&theirs).map(|(ours, theirs)| (ours.as_slice(), theirs.as_slice())).collect();
    Agreement::of(&pairs).map_err(|error| EmbedError::Run(error.to_string()))
}

fn vectors(
    embedder: &impl Embedder,
    texts: &[&str],
    role: Role,
    cancel: &CancelToken,
) -> Result<Vec<papr_memory::Vector>, EmbedError> {
    let embedded = embedder.embed(texts, role, Lane::Background, cancel)?;
    let vectors: Result<Vec<_>, _> = embedded.vectors.into_iter().collect();
    vectors.map_err(|error| EmbedError::Run(error.to_string()))
}

/// In [-1, 1]; `None` if a vector has no direction.
fn cosine(one: &[f32], other: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let norms = (dot(one, one) * dot(other, other)).sqrt();
    let cosine = dot(one, other) / norms;
    (norms > 0.0 && cosine.is_finite()).then(|| cosine.clamp(-1.0, 1.0))
}

#[allow(clippy::cast_possible_truncation)] // rounding to the nearest is what is wanted
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_over_pairs() {
        let pairs: [(&[f32], &[f32]); 3] =
            [(&[1.0, 0.0], &[5.0, 0.0]), (&[1.0, 0.0], &[0.6, 0.8]), (&[0.0, 2.0], &[0.0, 1.0])];
        let found = Agreement::of(&pairs).unwrap();
        assert_eq!((found.pairs, found.min_cosine, found.max_cosine), (3, 0.6, 1.0));
        assert!((found.mean_cosine - 2.6 / 3.0).abs() < 1e-6);
        assert!((found.max_distance - 0.8_f32.sqrt()).abs() < 1e-6, "(0.4² + 0.8²)^½: {found:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert_eq!(Agreement::of(&[]), Err(Incomparable::Nothing));
        let dims = Agreement::of(&[(&[1.0, 0.0], &[1.0, 0.0]), (&[1.0, 0.0], &[1.0, 0.0, 0.0])]);
        assert_eq!(dims, Err(Incomparable::Dims { ours: 2, theirs: 3 }));
        for bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            let found = Agreement::of(&[(&[1.0, 0.0], &[1.0, 0.0]), (&[1.0, 0.0], &bad)]);
            assert_eq!(found, Err(Incomparable::NoDirection { pair: 1 }), "{bad:?}");
        }
    }

    fn with(cosines: &[f32]) -> SpaceMatch {
        let theirs: Vec<[f32; 2]> =
            cosines.iter().map(|cosine| [*cosine, (1.0 - cosine * cosine).sqrt()]).collect();
        let pairs: Vec<(&[f32], &[f32])> =
            theirs.iter().map(|theirs| (&[1.0_f32, 0.0][..], &theirs[..])).collect();
        Agreement::of(&pairs).unwrap().decide()
    }

    #[test]
    fn the_worst_pair_decides() {
        assert!(matches!(with(&[0.9999, 0.981, 0.99]), SpaceMatch::Same(_)));
        assert!(matches!(with(&[0.9999, 0.979, 0.9999, 0.9999]), SpaceMatch::Different(_)));
        assert!(matches!(with(&[1.0, 1.0]), SpaceMatch::TooFew(_)), "however well they agree");
        let text = with(&[0.9, 0.7, 0.8]).describe();
        assert_eq!(
            text,
            "not the same space: cosine 0.8000 in the mean and 0.7000 at least over 3 memories; 0.98 is asked for"
        );
        assert!(with(&[1.0; 3]).describe().starts_with("the same space: cosine 1.0000"));
        assert!(with(&[1.0]).describe().starts_with("not known"));
    }

    proptest! {
        #[test]
        fn a_vector_agrees_with_its_multiples(
            vector in prop::collection::vec(-1.0_f32..1.0, 2..64), factor in 0.01_f32..100.0,
        ) {
            prop_assume!(vector.iter().any(|value| value.abs() > 1e-3));
            let longer: Vec<f32> = vector.iter().map(|value| value * factor).collect();
            let found = Agreement::of(&[(&vector, &longer)]).unwrap();
            prop_assert!(found.min_cosine > 0.999_999 && found.max_distance < 1e-3, "{found:?}");
        }
    }
}
