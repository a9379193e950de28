//! What the weights do not say about a model: its name, its architecture's free facts, and its recipe.
//!
//! A profile is written by hand, one a model, and reviewed; nothing is guessed. Where the weights bring a
//! `config.json`, the two must agree.

use std::fs;
use std::path::Path;

use papr_memory::Recipe;
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

/// The part of a published `config.json` that is compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    model_type: Option<String>,
    num_attention_heads: Option<usize>,
    layer_norm_eps: Option<f32>,
    hidden_act: Option<String>,
    position_embedding_type: Option<String>,
}

impl Profile {
    /// Reads a profile.
    pub(crate) fn read(path: &Path) -> Result<Self, ConvertError> {
        let text = fs::read_to_string(path).map_err(ConvertError::at(path))?;
        serde_json::from_str(&text)
            .map_err(|error| ConvertError::Profile { path: path.to_owned(), reason: error.to_string() })
    }

    /// Compares the profile with the `config.json` at `path`, if there is one.
    pub(crate) fn check_config(&self, path: &Path) -> Result<(), ConvertError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ConvertError::at(path)(error)),
        };
        let config: Config = serde_json::from_str(&text)
            .map_err(|error| ConvertError::Profile { path: path.to_owned(), reason: error.to_string() })?;
        let Architecture::Bert(facts) = &self.architecture;
        let Activation::Gelu = facts.activation;
        let agree = |field, expected: String, found: Option<String>| match found {
            Some(found) if found != expected => {
                Err(ConvertError::Config { path: path.to_owned(), field, expected, found })
            }
            _ => Ok(()),
        };
        agree("model_type", "bert".to_owned(), config.model_type)?;
        agree(
            "num_attention_heads",
            facts.heads.to_string(),
            config.num_attention_heads.map(|n| n.to_string()),
        )?;
        agree(
            "layer_norm_eps",
            facts.layer_norm_eps.to_string(),
            config.layer_norm_eps.map(|n| n.to_string()),
        )?;
        agree("hidden_act", "gelu".to_owned(), config.hidden_act)?;
        agree("position_embedding_type", "absolute".to_owned(), config.position_embedding_type)
    }
}
