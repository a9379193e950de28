//! The whole of the converter, on a BERT small enough to be made up.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod desk;

use std::fs;

use papr_memory::Manifest;
use sha2::{Digest, Sha256};

use crate::desk::{Desk, HIDDEN, INNER, Tensors, assert_says, tiny_bert};

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
    assert_says(
        &refusal("/recipe/pooling/method", serde_json::json!({"mean_of_last_layers": 4})),
        &["pools 4 layers", "make 3"],
    );
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
