//! The name of a way of embedding.

use std::fmt::{self, Write};
use std::iter;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Dims, Manifest};

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
        Self::digest(&parts)
    }

    /// The fingerprint of vectors that a server made: its name of the model, and the form they were sent in, which
    /// costs precision. The recipe behind the name is not published; that a model here makes the same vectors must be
    /// measured before they meet.
    pub fn of_server(model: &str, form: &str, dims: Dims) -> Self {
        Self::digest(&serde_json::json!(["papr-server-space-1", model, form, dims.get()]))
    }

    fn digest(parts: &serde_json::Value) -> Self {
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
