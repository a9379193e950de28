//! How a model makes a vector, as data: read from the manifest beside the model, never from code.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Dims, Space};

/// The prefixes a model was trained with; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefixes {
    /// Put before what is searched for.
    pub query: String,
    /// Put before what is searched in.
    pub document: String,
}

/// How short texts are filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// To the longest text of the batch; the mask keeps the filling out of the result.
    Dynamic,
    /// To this many tokens, always.
    Fixed(u32),
}

/// Who turns token vectors into one text vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The graph itself: its output is `[batch, dims]`.
    InGraph,
}

/// What is done to the pooled vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// The graph divides by the Euclidean norm.
    InGraph,
}

/// The arithmetic of the weights. Vectors of one class may meet; see [`Precision::class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point.
    Fp16,
    /// 8-bit integers with a scale per channel.
    Int8,
}

impl Precision {
    /// The precision class in a [`Fingerprint`]: `float` (fp32 and fp16, alike to cosine ≥ 0.999) or `int8`.
    pub fn class(self) -> &'static str {
        match self {
            Precision::Fp32 | Precision::Fp16 => "float",
            Precision::Int8 => "int8",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Fp32 => "fp32",
            Precision::Fp16 => "fp16",
            Precision::Int8 => "int8",
        })
    }
}

/// The names of a graph's inputs and output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphNames {
    /// Token ids, int64 `[batch, tokens]`.
    pub input_ids: String,
    /// 1 for a token, 0 for filling, int64 `[batch, tokens]`.
    pub attention_mask: String,
    /// The vectors, float32 `[batch, dims]`.
    pub output: String,
}

/// How text becomes a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A text is cut to this many tokens, special tokens included.
    pub max_tokens: u32,
    /// How short texts are filled up.
    pub padding: Padding,
    /// What is put before a text.
    pub prefixes: Prefixes,
    /// Who makes one vector of many.
    pub pooling: Pooling,
    /// Who scales it to norm 1.
    pub normalization: Normalization,
    /// The vector's length.
    pub dims: Dims,
    /// The arithmetic of the weights.
    pub precision: Precision,
    /// What the graph calls its inputs and output.
    pub graph: GraphNames,
}

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

/// `manifest.json` beside a model: what it is, its files, its recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The graph.
    pub model: ModelFile,
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
    pub const SCHEMA: u32 = 1;

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

    fn check(&self) -> Result<(), ManifestError> {
        let contradiction = |text: String| Err(ManifestError::Contradictory(text));
        if self.recipe.max_tokens < 3 {
            return contradiction(format!(
                "max_tokens is {}; a text needs at least 3 with its two special tokens",
                self.recipe.max_tokens
            ));
        }
        if let Padding::Fixed(length) = self.recipe.padding
            && length != self.recipe.max_tokens
        {
            return contradiction(format!("padded to {length} tokens but cut to {}", self.recipe.max_tokens));
        }
        for file in [&self.model, &self.tokenizer] {
            if file.path.is_empty() || file.path.contains(['/', '\\']) || file.path.starts_with('.') {
                return contradiction(format!(
                    "{:?} is not the name of a file in the model's folder",
                    file.path
                ));
            }
            let digits = file.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if file.sha256.len() != 64 || !digits {
                return contradiction(format!("the sha256 of {} is not 64 hexadecimal digits", file.path));
            }
        }
        Ok(())
    }

    /// The space this model's vectors live in.
    pub fn space(&self) -> Space {
        Space { fingerprint: Fingerprint::of(self), dims: self.recipe.dims }
    }
}

/// The name of a way of embedding: two vectors may be compared only if theirs are equal.
///
/// SHA-256 over everything that changes a vector: the bytes of model and tokenizer, length, padding,
/// prefixes, pooling, normalisation, dimensions and precision class. The device is not in it: a CPU and a
/// Neural Engine serve one space.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of what `manifest` describes.
    pub fn of(manifest: &Manifest) -> Self {
        let recipe = &manifest.recipe;
        let parts = serde_json::json!([
            "papr-space-1",
            manifest.model.sha256,
            manifest.tokenizer.sha256,
            recipe.max_tokens,
            recipe.padding,
            recipe.prefixes.query,
            recipe.prefixes.document,
            recipe.pooling,
            recipe.normalization,
            recipe.dims,
            recipe.precision.class(),
        ]);
        let digest = Sha256::digest(parts.to_string().as_bytes());
        let mut hex = String::with_capacity(2 * digest.len());
        for byte in digest {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight bytes of the digest: the prefix of this space's keys in the store.
    pub fn key_prefix(&self) -> [u8; 8] {
        let mut prefix = [0; 8];
        for (byte, pair) in prefix.iter_mut().zip(self.0.as_bytes().chunks(2)) {
            let text = str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(text, 16).unwrap_or_default();
        }
        prefix
    }
}

/// The first twelve digits: enough to tell spaces apart by eye.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> serde_json::Value {
        serde_json::json!({
            "schema": 1, "id": "m", "name": "M", "license": "MIT", "source": "here", "languages": ["en"],
            "model": {"path": "model.onnx", "bytes": 3, "sha256": "a".repeat(64)},
            "tokenizer": {"path": "tokenizer.json", "bytes": 3, "sha256": "b".repeat(64)},
            "recipe": {
                "max_tokens": 256, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
                "pooling": "in_graph", "normalization": "in_graph", "dims": 384, "precision": "fp32",
                "graph": {"input_ids": "input_ids", "attention_mask": "attention_mask", "output": "out"}
            }
        })
    }

    fn changed(pointer: &str, value: impl Into<serde_json::Value>) -> Result<Manifest, ManifestError> {
        let mut json = manifest();
        *json.pointer_mut(pointer).unwrap() = value.into();
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
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        assert_eq!(changed("/schema", 2), Err(ManifestError::Schema { found: 2 }));
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
