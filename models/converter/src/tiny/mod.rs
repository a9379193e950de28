//! A Qwen3 small enough to be made up: real in every part but its weights, for tests of all that surrounds a
//! model. Its vectors mean nothing.
//!
//! The weights come from a generator that is defined in whole numbers, here and in
//! `models/reference/qwen3_golden.py` alike: what the reference implementation makes of them is in
//! `tests/data/qwen3-golden.json`. Change one and the other no longer fits.

mod numbers;
mod tokenizer;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::convert::{Converted, Job, Options, convert};
use crate::error::ConvertError;
use crate::output::beside;
use crate::profile::Profile;

/// Words, the byte-level tokens and what is made of them; the last is the end token.
const VOCABULARY: usize = 2048;
/// The end token, which also fills texts up.
const END: usize = VOCABULARY - 1;
const LAYERS: usize = 4;
const HEADS: usize = 4;
const GROUPS: usize = 2;
const HEAD_WIDTH: usize = 16;
/// Tokens it claims to have been made for.
const POSITIONS: usize = 512;

/// `tiny-qwen3`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How text becomes a vector
    #[arg(long, value_enum)]
    recipe: RecipeName,
    /// Numbers a vector
    #[arg(long, value_enum, default_value = "64")]
    dims: Width,
    /// The model folder to make; an older model there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// The recipes that are in use for Qwen3-Embedding. They make different spaces.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecipeName {
    /// The publisher's: the last token, an instruction before queries
    Official,
    /// The Papr SDK's: the mean of the last four layers and of the tokens, 32 of them, no instruction
    PaprMean4,
}

/// How wide the model is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Width {
    /// 1.3 MB
    #[value(name = "64")]
    Narrow,
    /// As wide as the model of four billion weights, 31 MB
    #[value(name = "2560")]
    Wide,
}

impl Width {
    fn hidden(self) -> usize {
        match self {
            Self::Narrow => 64,
            Self::Wide => 2560,
        }
    }

    fn inner(self) -> usize {
        match self {
            Self::Narrow => 192,
            Self::Wide => 64,
        }
    }
}

/// Makes up the published files beside the model folder, converts them and removes them again.
pub(crate) fn make(arguments: &Arguments) -> Result<Converted, ConvertError> {
    let Arguments { recipe, dims, out, options } = arguments;
    let source = beside(out, "weights");
    let made = publish(&source, *dims).and_then(|()| {
        let profile: Profile = serde_json::from_value(profile(*recipe, dims.hidden()))
            .map_err(|error| ConvertError::Contradiction(format!("the tiny model's profile: {error}")))?;
        convert(Job { weights: source.clone(), profile, out: out.clone(), options: options.clone() })
    });
    // Whatever happened, the made-up files are of no more use; that some are left is no reason to fail.
    let _ = fs::remove_dir_all(&source);
    made
}

/// Writes what a publisher would: weights, configuration, tokenizer.
fn publish(folder: &Path, width: Width) -> Result<(), ConvertError> {
    fs::create_dir_all(folder).map_err(ConvertError::at(folder))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(ConvertError::at(path))
    };
    write("model.safetensors", &safetensors(width)?)?;
    write("config.json", config(width).to_string().as_bytes())?;
    write("tokenizer.json", tokenizer::json(VOCABULARY).to_string().as_bytes())?;
    write("LICENSE", b"Made-up weights and words: CC0-1.0.\n")
}

/// The tensors' names and shapes.
fn shapes(width: Width) -> Vec<(String, Vec<usize>)> {
    let (hidden, inner) = (width.hidden(), width.inner());
    let mut shapes = vec![
        ("embed_tokens.weight".to_owned(), vec![VOCABULARY, hidden]),
        ("norm.weight".to_owned(), vec![hidden]),
    ];
    for layer in 0..LAYERS {
        for (part, shape) in [
            ("input_layernorm", vec![hidden]),
            ("post_attention_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![HEADS * HEAD_WIDTH, hidden]),
            ("self_attn.k_proj", vec![GROUPS * HEAD_WIDTH, hidden]),
            ("self_attn.v_proj", vec![GROUPS * HEAD_WIDTH, hidden]),
            ("self_attn.o_proj", vec![hidden, HEADS * HEAD_WIDTH]),
            ("self_attn.q_norm", vec![HEAD_WIDTH]),
            ("self_attn.k_norm", vec![HEAD_WIDTH]),
            ("mlp.gate_proj", vec![inner, hidden]),
            ("mlp.up_proj", vec![inner, hidden]),
            ("mlp.down_proj", vec![hidden, inner]),
        ] {
            shapes.push((format!("layers.{layer}.{part}.weight"), shape));
        }
    }
    shapes
}

fn safetensors(width: Width) -> Result<Vec<u8>, ConvertError> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes(width)
        .into_iter()
        .map(|(name, shape)| {
            let bytes = numbers::of(&name, &shape).iter().flat_map(|number| number.to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let failed = |error: safetensors::SafeTensorError| {
        ConvertError::Contradiction(format!("the tiny model's weights: {error}"))
    };
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    safetensors::serialize(views, None).map_err(failed)
}

fn config(width: Width) -> Value {
    json!({
        "model_type": "qwen3",
        "vocab_size": VOCABULARY,
        "hidden_size": width.hidden(),
        "intermediate_size": width.inner(),
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": GROUPS,
        "head_dim": HEAD_WIDTH,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
        "max_position_embeddings": POSITIONS,
        "attention_bias": false,
        "use_sliding_window": false
    })
}

fn profile(recipe: RecipeName, dims: usize) -> Value {
    let (name, max_tokens, padding, query, method, clamp) = match recipe {
        RecipeName::Official => (
            "official",
            128,
            json!("dynamic"),
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
            json!("last_token"),
            Value::Null,
        ),
        RecipeName::PaprMean4 => {
            ("papr-mean4", 32, json!({"fixed": 32}), "", json!({"mean_of_last_layers": 4}), json!(65_504.0))
        }
    };
    let wide = if dims == 64 { String::new() } else { format!("-{dims}") };
    json!({
        "id": format!("tiny-qwen3{wide}-{name}"),
        "name": format!("Tiny Qwen3{wide}, {name} recipe (for tests; its vectors mean nothing)"),
        "license": "CC0-1.0",
        "source": "made up by papr-convert tiny-qwen3",
        "languages": [],
        "architecture": {"family": "qwen3"},
        "recipe": {
            "prefixes": {"query": query, "document": ""},
            "max_tokens": max_tokens,
            "suffix_token": END,
            "padding": padding,
            "pad_token": END,
            "pooling": {"method": method, "by": "graph"},
            "clamp": clamp,
            "normalization": "graph",
            "dims": dims,
            "precision": "fp32",
            "graph": {
                "input_ids": "input_ids",
                "attention_mask": "attention_mask",
                "output": "sentence_embedding"
            }
        }
    })
}
