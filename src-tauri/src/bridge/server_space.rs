//! Papr's own vectors as windows see them.

use papr_engine::Agreement;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::count;
use super::models::kilobytes;

/// Whether Papr's own vectors are fetched, and in what form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum ServerVectors {
    Off,
    Int8,
    Float,
}

/// What a measurement says of two spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // as in papr_embed
pub enum SpaceMatch {
    Same,
    Different,
    TooFew,
}

/// How Papr's vectors agree with those of the model in use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// What that means.
    pub verdict: SpaceMatch,
    /// Memories that were compared.
    pub pairs: u32,
    /// The least cosine.
    pub least: f32,
    /// The mean cosine.
    pub mean: f32,
}

/// What there is of Papr's own vectors, and what they are good for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ServerSpace {
    /// Whether they are fetched, and in what form.
    pub form: ServerVectors,
    /// How many are kept.
    pub count: u32,
    /// Thousands of bytes they take on disk.
    pub kilobytes: u32,
    /// Their length, once some came.
    pub dims: Option<u32>,
    /// The length of the vectors of the model in use.
    pub model_dims: Option<u32>,
    /// How they agree with those, once that was measured.
    pub measured: Option<Measured>,
    /// Whether searches use them.
    pub in_use: bool,
}

impl From<papr_engine::ServerVectors> for ServerVectors {
    fn from(form: papr_engine::ServerVectors) -> Self {
        match form {
            papr_engine::ServerVectors::Off => Self::Off,
            papr_engine::ServerVectors::Int8 => Self::Int8,
            papr_engine::ServerVectors::Float => Self::Float,
        }
    }
}

impl From<ServerVectors> for papr_engine::ServerVectors {
    fn from(form: ServerVectors) -> Self {
        match form {
            ServerVectors::Off => Self::Off,
            ServerVectors::Int8 => Self::Int8,
            ServerVectors::Float => Self::Float,
        }
    }
}

impl From<papr_engine::SpaceMatch> for Measured {
    fn from(found: papr_engine::SpaceMatch) -> Self {
        let (verdict, Agreement { pairs, min_cosine, mean_cosine, .. }) = match found {
            papr_engine::SpaceMatch::Same(agreement) => (SpaceMatch::Same, agreement),
            papr_engine::SpaceMatch::Different(agreement) => (SpaceMatch::Different, agreement),
            papr_engine::SpaceMatch::TooFew(agreement) => (SpaceMatch::TooFew, agreement),
        };
        Self { verdict, pairs: count(pairs), least: min_cosine, mean: mean_cosine }
    }
}

impl From<papr_engine::ServerSpace> for ServerSpace {
    fn from(space: papr_engine::ServerSpace) -> Self {
        Self {
            form: space.form.into(),
            count: count(space.count),
            kilobytes: kilobytes(space.bytes),
            dims: space.dims.map(u32::from),
            model_dims: space.model_dims.map(u32::from),
            measured: space.measured.map(Into::into),
            in_use: space.in_use,
        }
    }
}
