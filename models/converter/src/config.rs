//! The published `config.json`: what it says is compared with the profile, or taken where only it says it.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::error::ConvertError;
use crate::profile::{Activation, BertFacts};
use crate::report::Report;

/// `config.json` beside the weights.
#[derive(Debug)]
pub(crate) struct Config {
    path: PathBuf,
    value: Value,
}

/// What Qwen3's weights do not say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Qwen3Facts {
    /// Heads of the queries.
    pub(crate) num_attention_heads: usize,
    /// Heads of keys and values; each serves as many heads of queries.
    pub(crate) num_key_value_heads: usize,
    /// Numbers a head.
    pub(crate) head_dim: usize,
    /// What is added to the mean square before its root is taken.
    pub(crate) rms_norm_eps: f32,
    /// The base of the positions' angles.
    pub(crate) rope_theta: f64,
    /// How many layers there must be.
    pub(crate) num_hidden_layers: usize,
    /// The longest text it was made for, in tokens.
    pub(crate) max_position_embeddings: usize,
}

impl Config {
    /// Reads `path`; `None` if there is no such file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ConvertError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ConvertError::at(path)(error)),
        };
        let value = serde_json::from_slice(&text)
            .map_err(|error| ConvertError::Config { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Some(Self { path: path.to_owned(), value }))
    }

    /// Reports what contradicts a profile of BERT's.
    pub(crate) fn compare_bert(&self, facts: &BertFacts, report: &Report) {
        let Activation::Gelu = facts.activation;
        let heads = facts.heads.to_string();
        // Compared as the 32-bit number it is used as.
        let eps = self.value.get("layer_norm_eps").and_then(Value::as_f64);
        #[expect(clippy::cast_possible_truncation, reason = "that is how it is used")]
        let eps = eps.map(|eps| (eps as f32).to_string());
        self.expect("model_type", "bert", self.text("model_type"), report);
        self.expect("num_attention_heads", &heads, self.text("num_attention_heads"), report);
        self.expect("layer_norm_eps", &facts.layer_norm_eps.to_string(), eps, report);
        self.expect("hidden_act", "gelu", self.text("hidden_act"), report);
        self.expect("position_embedding_type", "absolute", self.text("position_embedding_type"), report);
    }

    /// The facts of a Qwen3; what its writer does not know is reported.
    pub(crate) fn qwen3(&self, report: &Report) -> Result<Qwen3Facts, ConvertError> {
        for (field, expected) in [
            ("model_type", "qwen3"),
            ("hidden_act", "silu"),
            ("attention_bias", "false"),
            ("use_sliding_window", "false"),
            ("rope_scaling", "null"),
        ] {
            self.expect(field, expected, self.text(field), report);
        }
        let mut value = self.value.clone();
        // Newer files keep the angles' base in a group of its own.
        let group = value.get("rope_parameters").or(value.get("rope_scaling")).cloned().unwrap_or_default();
        if let Some(kind) = group.get("rope_type").and_then(Value::as_str) {
            self.expect("rope_type", "default", Some(kind.to_owned()), report);
        }
        if let (Some(theta), Some(fields)) = (group.get("rope_theta"), value.as_object_mut()) {
            fields.entry("rope_theta").or_insert_with(|| theta.clone());
        }
        serde_json::from_value(value)
            .map_err(|error| ConvertError::Config { path: self.path.clone(), reason: error.to_string() })
    }

    /// A field as text; `None` if it is absent.
    fn text(&self, field: &str) -> Option<String> {
        self.value.get(field).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    fn expect(&self, field: &str, expected: &str, found: Option<String>, report: &Report) {
        if let Some(found) = found.filter(|found| found != expected) {
            let path = self.path.display();
            report.structural(format!("{path} says {field} is {found}, the profile says {expected}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &Value) -> (Result<Qwen3Facts, ConvertError>, Report) {
        let (config, report) =
            (Config { path: "config.json".into(), value: json.clone() }, Report::default());
        (config.qwen3(&report), report)
    }

    fn published() -> Value {
        serde_json::json!({
            "model_type": "qwen3", "hidden_act": "silu", "attention_bias": false, "rope_scaling": null,
            "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6,
            "rope_theta": 1_000_000, "num_hidden_layers": 28, "max_position_embeddings": 32_768
        })
    }

    #[test]
    fn both_places_of_the_angles_base_are_known() {
        let (facts, report) = read(&published());
        assert!(report.settle(false).is_ok());
        let mut newer = published();
        newer.as_object_mut().unwrap().remove("rope_theta");
        newer["rope_parameters"] = serde_json::json!({"rope_type": "default", "rope_theta": 1e6});
        assert_eq!(read(&newer).0.unwrap(), facts.unwrap());
    }

    #[test]
    fn what_the_writer_does_not_know_is_structural() {
        for (field, value) in [
            ("attention_bias", true.into()),
            ("rope_scaling", serde_json::json!({"rope_type": "yarn", "factor": 4.0})),
            ("hidden_act", "gelu".into()),
        ] {
            let mut json = published();
            json[field] = value;
            let text = read(&json).1.settle(false).unwrap_err().to_string();
            assert!(text.contains(field), "{text}");
        }
        let mut json = published();
        json.as_object_mut().unwrap().remove("head_dim");
        assert!(read(&json).0.unwrap_err().to_string().contains("head_dim"));
    }
}
