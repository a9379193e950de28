//! How a model makes a vector, as data: read from the manifest beside the model, never from code.

use std::fmt::{self, Write};
use std::iter;

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

/// Where a step is carried out: inside the model's graph, or by this app on what the graph gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The graph's output has the step behind it.
    Graph,
    /// The app does it.
    App,
}

/// How many token vectors become one text vector, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooling {
    /// The rule.
    pub method: PoolingMethod,
    /// Who carries it out.
    pub by: Place,
}

/// The rules of pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolingMethod {
    /// The mean over the tokens, filling left out.
    Mean,
    /// The vector of the last token that is not filling.
    LastToken,
    /// The vector of the first token.
    Cls,
    /// The mean over the outputs of this many last layers, then over the tokens, filling left out.
    MeanOfLastLayers(u8),
    /// Something else, which only the graph knows.
    Own,
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
    /// All zeros, int64 `[batch, tokens]`, where the graph asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type_ids: Option<String>,
    /// 0, 1, 2, …, int64 `[batch, tokens]`, where the graph asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_ids: Option<String>,
    /// float32: `[batch, dims]` of a graph that pools, `[batch, tokens, dims]` of one that does not, and
    /// `[layers, batch, tokens, dims]` for [`PoolingMethod::MeanOfLastLayers`] by the app.
    pub output: String,
}

/// How text becomes a vector. The steps are carried out in the order of the fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What is put before a text.
    pub prefixes: Prefixes,
    /// A text is cut to this many tokens, special tokens and the suffix included.
    pub max_tokens: u32,
    /// The token put at the end, where the tokenizer does not do so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix_token: Option<u32>,
    /// How short texts are filled up.
    pub padding: Padding,
    /// The token they are filled up with; the mask keeps it out of the result.
    #[serde(default)]
    pub pad_token: u32,
    /// How one vector is made of many.
    pub pooling: Pooling,
    /// Numbers beyond ± this are cut to it, where pooling is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<f32>,
    /// Numbers of the pooled vector, where only the first [`Recipe::dims`] of them are kept: for models made
    /// for it (Kusupati et al., "Matryoshka Representation Learning", 2022).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_from: Option<Dims>,
    /// Who divides by the Euclidean norm.
    pub normalization: Place,
    /// The vector's length.
    pub dims: Dims,
    /// The arithmetic of the weights.
    pub precision: Precision,
    /// What the graph calls its inputs and output.
    pub graph: GraphNames,
}

impl Recipe {
    /// Numbers of the vector before it is cut.
    pub fn graph_dims(&self) -> Dims {
        self.cut_from.unwrap_or(self.dims)
    }

    /// Says what contradicts itself or makes no sense.
    pub fn check(&self) -> Result<(), String> {
        let least = 3 + u32::from(self.suffix_token.is_some());
        if self.max_tokens < least {
            return Err(format!(
                "max_tokens is {}; a text needs at least {least} with its special tokens",
                self.max_tokens
            ));
        }
        if let Padding::Fixed(length) = self.padding
            && length != self.max_tokens
        {
            return Err(format!("padded to {length} tokens but cut to {}", self.max_tokens));
        }
        if let Some(clamp) = self.clamp
            && !(clamp.is_finite() && clamp > 0.0)
        {
            return Err(format!("clamp is {clamp}; it must be a number above 0"));
        }
        match (self.pooling.method, self.pooling.by) {
            (PoolingMethod::MeanOfLastLayers(0), _) => return Err("the mean of no layer".to_owned()),
            (PoolingMethod::Own, Place::App) => {
                return Err("pooling of the graph's own kind cannot be done by the app".to_owned());
            }
            (_, Place::App) if self.normalization == Place::Graph => {
                return Err("the graph cannot normalise a vector that the app has yet to pool".to_owned());
            }
            _ => {}
        }
        if let Some(full) = self.cut_from {
            if full <= self.dims {
                return Err(format!("{} dims cannot be cut from {full}", self.dims));
            }
            if self.normalization == Place::Graph {
                return Err("a vector that is cut must be normalised after it, by the app".to_owned());
            }
        }
        Ok(())
    }
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

/// The name of a way of embedding: two vectors may be compared only if theirs are equal.
///
/// SHA-256 over everything that changes a vector: the weights and the tokenizer, prefixes, length, suffix,
/// padding, pooling, clamp, dimensions and precision class. Of a float graph whose weights are known, the
/// weights stand for the graph, so that half and single precision meet; any other graph stands for itself.
/// The device is not in it: a CPU and a Neural Engine serve one space. Nor is the place where a step is
/// carried out.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of what `manifest` describes.
    pub fn of(manifest: &Manifest) -> Self {
        let recipe = &manifest.recipe;
        let weights = match (&manifest.weights, recipe.precision.class()) {
            (Some(weights), "float") => vec![weights],
            _ => iter::once(&manifest.model).chain(&manifest.data).map(|file| &file.sha256).collect(),
        };
        let parts = serde_json::json!([
            "papr-space-2",
            weights,
            manifest.tokenizer.sha256,
            recipe.prefixes.query,
            recipe.prefixes.document,
            recipe.max_tokens,
            recipe.suffix_token,
            recipe.padding,
            recipe.pooling.method,
            recipe.clamp,
            recipe.cut_from,
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
