//! The whole of the converter, on a BERT small enough to be made up here.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use papr_memory::Manifest;
use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const HIDDEN: usize = 8;
const INNER: usize = 16;
const LAYERS: usize = 2;

/// Tensors of 32-bit numbers, by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Numbers in -0.5..0.5, the same every time.
fn numbers(count: usize, seed: &mut u32) -> Vec<f32> {
    let mut next = || {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(*seed >> 16).unwrap()) / 65_536.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn tiny_bert() -> Tensors {
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
struct Desk {
    folder: TempDir,
    profile: serde_json::Value,
}

impl Desk {
    fn new() -> Self {
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

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn weights(&self, tensors: &Tensors) {
        let bytes: BTreeMap<&String, (Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, (shape, data))| {
                (name, (shape.clone(), data.iter().flat_map(|number| number.to_le_bytes()).collect()))
            })
            .collect();
        let views = bytes.iter().map(|(name, (shape, data))| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        });
        self.put("weights/model.safetensors", &safetensors::serialize(views, None).unwrap());
    }

    fn convert(&self, out: &str) -> Output {
        self.put("profile.json", self.profile.to_string().as_bytes());
        let at = |name: &str| self.folder.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_papr-convert"))
            .args(["--weights".as_ref(), at("weights").as_os_str()])
            .args(["--profile".as_ref(), at("profile.json").as_os_str()])
            .args(["--out".as_ref(), at(out).as_os_str()])
            .output()
            .unwrap()
    }

    fn made(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let output = self.convert(out);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.files(out)
    }

    fn files(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.folder.path().join(out))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    /// What a conversion that must fail says; nothing may be left of it.
    fn refusal(&self) -> String {
        let output = self.convert("refused");
        assert!(!output.status.success());
        let left = |name: &str| Path::new(self.folder.path()).join(name).exists();
        assert!(!left("refused") && !left("refused.part"), "nothing is left");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn assert_says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} should say {parts:?}");
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let desk = Desk::new();
    let first = desk.made("first");
    assert_eq!(desk.made("second"), first);
    assert_eq!(desk.made("first"), first, "over an older model");
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(names, ["LICENSE", "manifest.json", "model.onnx", "tokenizer.json"]);

    let manifest = Manifest::from_json(str::from_utf8(&first["manifest.json"]).unwrap()).unwrap();
    assert_eq!((manifest.id.as_str(), manifest.recipe.dims.get()), ("tiny", HIDDEN));
    for file in [&manifest.model, &manifest.tokenizer] {
        let bytes = &first[&file.path];
        assert_eq!(file.bytes, bytes.len() as u64);
        assert_eq!(file.sha256, format!("{:x}", Sha256::digest(bytes)));
    }
}

#[test]
fn another_weight_or_recipe_gives_another_cache_key() {
    let key = |desk: &Desk| {
        let model = desk.made("out").remove("model.onnx").unwrap();
        let at = model.windows(16).position(|window| window == b"COREML_CACHE_KEY").unwrap();
        let value = &model[at + 18..at + 18 + 64];
        assert!(value.iter().all(u8::is_ascii_alphanumeric), "64 letters and digits");
        value.to_vec()
    };
    let mut desk = Desk::new();
    let mut keys = vec![key(&desk)];
    let mut tensors = tiny_bert();
    tensors.get_mut("embeddings.LayerNorm.bias").unwrap().1[0] += 0.25;
    desk.weights(&tensors);
    keys.push(key(&desk));
    desk.profile["recipe"]["graph"]["output"] = "other".into();
    keys.push(key(&desk));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

#[test]
fn wrong_weights_are_refused_by_name() {
    let desk = Desk::new();
    let changed = |change: fn(&mut Tensors)| {
        let mut tensors = tiny_bert();
        change(&mut tensors);
        desk.weights(&tensors);
        desk.refusal()
    };
    let text = changed(|tensors| {
        let name = "encoder.layer.1.output.dense.weight".to_owned();
        tensors.insert(name, (vec![INNER, HIDDEN], vec![0.0; INNER * HIDDEN]));
    });
    assert_says(&text, &["encoder.layer.1.output.dense.weight", "shape [16, 8]", "expected [8, 16]"]);

    let text = changed(|tensors| drop(tensors.remove("encoder.layer.0.attention.self.key.bias")));
    assert_says(&text, &["no tensor encoder.layer.0.attention.self.key.bias"]);

    let text = changed(|tensors| drop(tensors.insert("encoder.rotary".to_owned(), (vec![1], vec![0.0]))));
    assert_says(&text, &["no place for: encoder.rotary"]);

    let text = changed(|tensors| tensors.get_mut("embeddings.LayerNorm.bias").unwrap().1[3] = f32::NAN);
    assert_says(&text, &["embeddings.LayerNorm.bias", "NaN at position 3"]);

    desk.put("weights/model.safetensors", b"not that");
    assert_says(&desk.refusal(), &["not a safetensors file", "model.safetensors"]);
}

#[test]
fn a_profile_that_contradicts_the_weights_is_refused() {
    let refusal = |pointer: &str, value: serde_json::Value| {
        let mut desk = Desk::new();
        *desk.profile.pointer_mut(pointer).unwrap() = value;
        desk.refusal()
    };
    assert_says(&refusal("/recipe/dims", 384.into()), &["384 dims", "make 8"]);
    assert_says(&refusal("/recipe/max_tokens", 256.into()), &["256 tokens", "16 positions"]);
    assert_says(&refusal("/architecture/heads", 3.into()), &["3 heads"]);
    assert_says(&refusal("/recipe/precision", "int8".into()), &["int8", "writes fp32"]);
    assert_says(&refusal("/architecture/family", "llama".into()), &["profile.json", "llama"]);
    assert_says(&refusal("/recipe/max_tokens", 1.into()), &["max_tokens is 1"]);
}

#[test]
fn a_published_configuration_must_agree() {
    let desk = Desk::new();
    desk.put("weights/config.json", br#"{"num_attention_heads": 12, "vocab_size": 11}"#);
    assert_says(&desk.refusal(), &["num_attention_heads is 12", "profile says 2"]);
    desk.put("weights/config.json", br#"{"num_attention_heads": 2, "hidden_act": "relu"}"#);
    assert_says(&desk.refusal(), &["hidden_act is relu", "profile says gelu"]);
    desk.put("weights/config.json", br#"{"num_attention_heads": 2, "layer_norm_eps": 1e-12}"#);
    desk.made("out");
}

#[test]
fn a_folder_that_is_no_model_is_left_alone() {
    let desk = Desk::new();
    fs::create_dir(desk.folder.path().join("letters")).unwrap();
    desk.put("letters/dear.txt", b"keep me");
    let output = desk.convert("letters");
    assert!(!output.status.success());
    assert_says(&String::from_utf8(output.stderr).unwrap(), &["letters", "no manifest.json"]);
    assert_eq!(desk.files("letters")["dear.txt"], b"keep me");
}

#[test]
fn a_failed_conversion_leaves_the_older_model() {
    let desk = Desk::new();
    let before = desk.made("out");
    fs::remove_file(desk.folder.path().join("weights/tokenizer.json")).unwrap();
    let output = desk.convert("out");
    assert!(!output.status.success());
    assert_says(&String::from_utf8(output.stderr).unwrap(), &["tokenizer.json"]);
    assert_eq!(desk.files("out"), before);
    assert!(!desk.folder.path().join("out.part").exists());
}
