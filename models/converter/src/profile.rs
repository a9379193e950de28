//! What the weights do not say about a model: its name, its architecture's free facts, and its recipe.
//!
//! A profile is written by hand, one a model, and reviewed; nothing is guessed. Where the weights bring a
//! `config.json`, the two must agree: `config.rs` compares them.

use std::fs;
use std::path::Path;

use papr_memory::{Precision, Recipe};
use serde::Deserialize;

use crate::error::ConvertError;

/// `models/<id>.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// A short stable name, also the folder's.
    pub(crate) id: String,
    /// The name people know it by.
    pub(crate) name: String,
    /// SPDX expression.
    pub(crate) license: String,
    /// Where the weights come from, for people.
    pub(crate) source: String,
    /// BCP 47 tags of the languages it was made for.
    pub(crate) languages: Vec<String>,
    /// Which writer, and what it needs to know beside the weights.
    pub(crate) architecture: Architecture,
    /// How text becomes a vector.
    pub(crate) recipe: Recipe,
}

/// The architectures there are writers for.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub(crate) enum Architecture {
    /// `bert.rs`.
    Bert(BertFacts),
    /// `qwen3.rs`. Its `config.json` says the rest, and must be there.
    Qwen3,
}

/// What BERT's weights do not say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BertFacts {
    /// Attention heads a layer.
    pub(crate) heads: usize,
    /// What is added to the variance before its root is taken.
    pub(crate) layer_norm_eps: f32,
    /// The feed-forward part's bend.
    pub(crate) activation: Activation,
}

/// The bends there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    /// The exact one, by the error function.
    Gelu,
}

impl Profile {
    /// Reads a profile.
    pub(crate) fn read(path: &Path) -> Result<Self, ConvertError> {
        let text = fs::read_to_string(path).map_err(ConvertError::at(path))?;
        serde_json::from_str(&text)
            .map_err(|error| ConvertError::Profile { path: path.to_owned(), reason: error.to_string() })
    }

    /// The profile with `precision` in place of its own, under a name of its own: graphs of one model in
    /// several precisions may stand side by side.
    pub(crate) fn with_precision(mut self, precision: Precision) -> Self {
        if precision != self.recipe.precision {
            self.id = format!("{}-{precision}", self.id);
            self.name = format!("{} ({precision})", self.name);
            self.recipe.precision = precision;
        }
        self
    }
}
