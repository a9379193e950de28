//! `manifest.json`: what a model is, its files, how to use it.

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Recipe, Space};

/// One file of a model, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the model's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// How the hashes in a manifest came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashOrigin {
    /// Known before the files were fetched.
    #[default]
    Pinned,
    /// Taken from the files at the first install, and held to since.
    Recorded,
}

/// `manifest.json` beside a model: what it is, its files, its recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format: [`Manifest::SCHEMA`].
    pub schema: u32,
    /// A short stable name, also the folder's.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// SPDX expression.
    pub license: String,
    /// Where the weights come from, for people.
    pub source: String,
    /// BCP 47 tags of the languages it was made for.
    pub languages: Vec<String>,
    /// SHA-256 of the weights the graph was written from, where that is known: graphs of one architecture
    /// written from the same weights serve one space, in half or single precision, on any device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// How the hashes below came about.
    #[serde(default)]
    pub hashes: HashOrigin,
    /// The graph.
    pub model: ModelFile,
    /// Files the graph reads its weights from, where they are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<ModelFile>,
    /// The tokenizer, in the format of the `tokenizers` library.
    pub tokenizer: ModelFile,
    /// How to use them.
    pub recipe: Recipe,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Written by another version of this app.
    #[error("the manifest has schema {found}; this version reads schema {}", Manifest::SCHEMA)]
    Schema {
        /// The schema it names.
        found: u32,
    },
    /// Not JSON, a field missing, or one that this version does not know.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// Fields that contradict each other or make no sense.
    #[error("the manifest makes no sense: {0}")]
    Contradictory(String),
}

impl Manifest {
    /// The format this version reads and writes.
    pub const SCHEMA: u32 = 2;

    /// Reads and checks `manifest.json`.
    pub fn from_json(json: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Versioned {
            schema: u32,
        }
        let malformed = |error: serde_json::Error| ManifestError::Malformed(error.to_string());
        let Versioned { schema } = serde_json::from_str(json).map_err(malformed)?;
        if schema != Self::SCHEMA {
            return Err(ManifestError::Schema { found: schema });
        }
        let manifest: Self = serde_json::from_str(json).map_err(malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// All files of the model, the small ones first: what is wrong with them is found at once.
    pub fn files(&self) -> impl Iterator<Item = &ModelFile> {
        [&self.tokenizer, &self.model].into_iter().chain(&self.data)
    }

    fn check(&self) -> Result<(), ManifestError> {
        self.recipe.check().map_err(ManifestError::Contradictory)?;
        let contradiction = |text: String| Err(ManifestError::Contradictory(text));
        for file in self.files() {
            if file.path.is_empty() || file.path.contains(['/', '\\']) || file.path.starts_with('.') {
                return contradiction(format!(
                    "{:?} is not the name of a file in the model's folder",
                    file.path
                ));
            }
            if !is_sha256(&file.sha256) {
                return contradiction(format!("the sha256 of {} is not 64 hexadecimal digits", file.path));
            }
        }
        if self.weights.as_deref().is_some_and(|weights| !is_sha256(weights)) {
            return contradiction("the sha256 of the weights is not 64 hexadecimal digits".to_owned());
        }
        Ok(())
    }

    /// The space this model's vectors live in.
    pub fn space(&self) -> Space {
        Space { fingerprint: Fingerprint::of(self), dims: self.recipe.dims }
    }
}

/// 64 lower-case hexadecimal digits.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> serde_json::Value {
        serde_json::json!({
            "schema": 2, "id": "m", "name": "M", "license": "MIT", "source": "here", "languages": ["en"],
            "model": {"path": "model.onnx", "bytes": 3, "sha256": "a".repeat(64)},
            "tokenizer": {"path": "tokenizer.json", "bytes": 3, "sha256": "b".repeat(64)},
            "recipe": {
                "max_tokens": 256, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
                "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": 384, "precision": "fp32",
                "graph": {"input_ids": "input_ids", "attention_mask": "attention_mask", "output": "out"}
            }
        })
    }

    fn changed(pointer: &str, value: impl Into<serde_json::Value>) -> Result<Manifest, ManifestError> {
        let mut json = manifest();
        *json.pointer_mut(pointer).unwrap() = value.into();
        Manifest::from_json(&json.to_string())
    }

    fn with(field: &str, value: impl Into<serde_json::Value>) -> Result<Manifest, ManifestError> {
        let mut json = manifest();
        json["recipe"][field] = value.into();
        Manifest::from_json(&json.to_string())
    }

    #[test]
    fn whatever_changes_a_vector_changes_the_fingerprint() {
        let base = Manifest::from_json(&manifest().to_string()).unwrap().space().fingerprint;
        let changes = [
            changed("/model/sha256", "c".repeat(64)),
            changed("/tokenizer/sha256", "c".repeat(64)),
            changed("/recipe/max_tokens", 128),
            changed("/recipe/prefixes/query", "query: "),
            changed("/recipe/prefixes/document", "passage: "),
            changed("/recipe/dims", 256),
            changed("/recipe/precision", "int8"),
            changed("/recipe/pooling/method", "last_token"),
            changed("/recipe/pooling/method", serde_json::json!({"mean_of_last_layers": 4})),
            with("suffix_token", 151_643),
            with("clamp", 65_504.0),
        ];
        let mut seen = vec![base.clone()];
        for other in changes {
            let fingerprint = other.unwrap().space().fingerprint;
            assert!(!seen.contains(&fingerprint), "a change that changes vectors must change the space");
            seen.push(fingerprint);
        }
        let half = changed("/recipe/precision", "fp16").unwrap().space().fingerprint;
        assert_eq!(half, base, "fp16 and fp32 are one class");
        let renamed = changed("/name", "N").unwrap().space().fingerprint;
        assert_eq!(renamed, base, "a name changes no vector");
        let mut json = manifest();
        json["recipe"]["pooling"]["by"] = "app".into();
        json["recipe"]["normalization"] = "app".into();
        let elsewhere = Manifest::from_json(&json.to_string()).unwrap().space().fingerprint;
        assert_eq!(elsewhere, base, "who carries a step out changes no vector");
    }

    #[test]
    fn graphs_of_the_same_weights_meet_unless_they_round_coarsely() {
        let written = |precision: &str, graph: &str| {
            let mut json = manifest();
            json["weights"] = "d".repeat(64).into();
            json["recipe"]["precision"] = precision.into();
            json["model"]["sha256"] = graph.repeat(64).into();
            Manifest::from_json(&json.to_string()).unwrap().space().fingerprint
        };
        assert_eq!(written("fp32", "1"), written("fp16", "2"), "one space in half and single precision");
        assert_ne!(written("fp32", "1"), written("int8", "1"), "bytes are a space of their own");
        assert_ne!(written("int8", "1"), written("int8", "2"), "and each rounding to bytes is, too");
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        assert_eq!(changed("/schema", 9), Err(ManifestError::Schema { found: 9 }));
        assert!(
            matches!(changed("/recipe/pooling", "max"), Err(ManifestError::Malformed(_))),
            "unknown pooling"
        );
        assert!(matches!(changed("/recipe/dims", 0), Err(ManifestError::Malformed(_))));
        assert!(matches!(changed("/recipe/max_tokens", 1), Err(ManifestError::Contradictory(_))));
        assert!(
            matches!(changed("/model/path", "../x"), Err(ManifestError::Contradictory(_))),
            "stays in its folder"
        );
        assert!(matches!(changed("/model/sha256", "abc"), Err(ManifestError::Contradictory(_))));
        assert!(
            matches!(changed("/recipe/pooling/by", "app"), Err(ManifestError::Contradictory(_))),
            "the graph cannot normalise what is pooled after it"
        );
        assert!(
            matches!(with("cut_from", 768), Err(ManifestError::Contradictory(_))),
            "a vector that is cut has lost its norm"
        );
        assert!(matches!(with("clamp", -1.0), Err(ManifestError::Contradictory(_))));
        assert!(
            matches!(
                changed("/recipe/pooling/method", serde_json::json!({"mean_of_last_layers": 0})),
                Err(ManifestError::Contradictory(_))
            ),
            "a mean of nothing"
        );
        let mut extra = manifest();
        extra["recipe"]["temperature"] = 1.into();
        assert!(
            matches!(Manifest::from_json(&extra.to_string()), Err(ManifestError::Malformed(_))),
            "a step this version cannot carry out must not be skipped in silence"
        );
        assert!(matches!(Manifest::from_json("{"), Err(ManifestError::Malformed(_))));
    }

    #[test]
    fn key_prefix_is_the_digest_in_bytes() {
        let space = Manifest::from_json(&manifest().to_string()).unwrap().space();
        let digits = &space.fingerprint.as_str()[..16];
        assert_eq!(
            u64::from_be_bytes(space.fingerprint.key_prefix()),
            u64::from_str_radix(digits, 16).unwrap()
        );
    }
}
