//! How a model makes a vector, as data: read from the manifest beside the model, never from code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Dims;

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
