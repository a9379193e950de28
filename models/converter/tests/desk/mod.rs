//! Published files, a profile and a place for the result: a BERT small enough to be made up here.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)] // each file uses its part; a failure stops

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

pub const HIDDEN: usize = 8;
pub const INNER: usize = 16;
pub const LAYERS: usize = 2;

/// Tensors of 32-bit numbers, by name.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Numbers in -0.5..0.5, the same every time.
pub fn numbers(count: usize, seed: &mut u32) -> Vec<f32> {
    let mut next = || {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(*seed >> 16).unwrap()) / 65_536.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

pub fn tiny_bert() -> Tensors {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: &str, shape: &[usize]| shapes.push((name.to_owned(), shape.to_vec()));
    add("embeddings.word_embeddings.weight", &[11, HIDDEN]);
    add("embeddings.position_embeddings.weight", &[16, HIDDEN]);
    add("embeddings.token_type_embeddings.weight", &[2, HIDDEN]);
    add("pooler.dense.weight", &[HIDDEN, HIDDEN]);
    let mut norm = |prefix: String| {
        add(&format!("{prefix}.weight"), &[HIDDEN]);
        add(&format!("{prefix}.bias"), &[HIDDEN]);
    };
    norm("embeddings.LayerNorm".to_owned());
    for layer in 0..LAYERS {
        norm(format!("encoder.layer.{layer}.attention.output.LayerNorm"));
        norm(format!("encoder.layer.{layer}.output.LayerNorm"));
    }
    for layer in 0..LAYERS {
        for (part, outputs, inputs) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", INNER, HIDDEN),
            ("output.dense", HIDDEN, INNER),
        ] {
            shapes.push((format!("encoder.layer.{layer}.{part}.weight"), vec![outputs, inputs]));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![outputs]));
        }
    }
    let mut seed = 7;
    let filled = |(name, shape): (String, Vec<usize>)| {
        let data = numbers(shape.iter().product(), &mut seed);
        (name, (shape, data))
    };
    shapes.into_iter().map(filled).collect()
}

/// Published weights, a profile, and a place for the result.
pub struct Desk {
    pub folder: TempDir,
    pub profile: serde_json::Value,
}

impl Desk {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("weights")).unwrap();
        let profile = serde_json::json!({
            "id": "tiny", "name": "Tiny", "license": "MIT", "source": "made up", "languages": ["en"],
            "architecture": {"family": "bert", "heads": 2, "layer_norm_eps": 1e-12, "activation": "gelu"},
            "recipe": {
                "max_tokens": 16, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
                "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": HIDDEN, "precision": "fp32",
                "graph": {"input_ids": "ids", "attention_mask": "mask", "output": "vector"}
            }
        });
        let desk = Self { folder, profile };
        desk.put("weights/tokenizer.json", b"{}");
        desk.put("weights/LICENSE", b"as you like");
        desk.weights(&tiny_bert());
        desk
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    pub fn weights(&self, tensors: &Tensors) {
        self.put("weights/model.safetensors", &safetensors_of(tensors, Dtype::F32));
    }

    pub fn convert(&self, out: &str) -> Output {
        self.convert_with(out, &[])
    }

    pub fn convert_with(&self, out: &str, more: &[&str]) -> Output {
        self.put("profile.json", self.profile.to_string().as_bytes());
        let at = |name: &str| self.folder.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_papr-convert"))
            .args(["--weights".as_ref(), at("weights").as_os_str()])
            .args(["--profile".as_ref(), at("profile.json").as_os_str()])
            .args(["--out".as_ref(), at(out).as_os_str()])
            .args(more)
            .output()
            .unwrap()
    }

    pub fn made(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        self.made_with(out, &[])
    }

    pub fn made_with(&self, out: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let output = self.convert_with(out, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.files(out)
    }

    pub fn files(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.folder.path().join(out))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    /// What a conversion that must fail says; nothing may be left of it.
    pub fn refusal(&self) -> String {
        self.refusal_with(&[])
    }

    pub fn refusal_with(&self, more: &[&str]) -> String {
        let output = self.convert_with("refused", more);
        assert!(!output.status.success());
        let left = |name: &str| Path::new(self.folder.path()).join(name).exists();
        assert!(!left("refused") && !left("refused.part"), "nothing is left");
        String::from_utf8(output.stderr).unwrap()
    }
}

pub fn assert_says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} should say {parts:?}");
}

/// A safetensors file of `tensors` as numbers of another type.
pub fn safetensors_of(tensors: &Tensors, dtype: Dtype) -> Vec<u8> {
    let bytes = |number: &f32| match dtype {
        Dtype::F64 => f64::from(*number).to_le_bytes().to_vec(),
        Dtype::F16 => half::f16::from_f32(*number).to_le_bytes().to_vec(),
        Dtype::BF16 => half::bf16::from_f32(*number).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    };
    let files: BTreeMap<&String, (Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, data))| (name, (shape.clone(), data.iter().flat_map(bytes).collect())))
        .collect();
    let views = files
        .iter()
        .map(|(name, (shape, data))| (name.as_str(), TensorView::new(dtype, shape.clone(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}
