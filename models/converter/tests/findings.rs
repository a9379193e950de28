//! Forms of published weights, what is found in them, what a conversion costs, and which operators come out.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use papr_memory::Manifest;
use prost::Message;
use safetensors::tensor::Dtype;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::desk::{Desk, HIDDEN, Tensors, assert_says, safetensors_of, tiny_bert};

/// What ONNX Runtime's Core ML provider takes as an ML program, of what a graph of ours could want.
const CORE_ML: [&str; 33] = [
    "Add",
    "Cast",
    "Clip",
    "Concat",
    "Cos",
    "Div",
    "Erf",
    "Exp",
    "Gather",
    "Gelu",
    "Gemm",
    "Identity",
    "LayerNormalization",
    "MatMul",
    "Max",
    "Mul",
    "Pow",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Sin",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
];

fn manifest(files: &BTreeMap<String, Vec<u8>>) -> Manifest {
    Manifest::from_json(str::from_utf8(&files["manifest.json"]).unwrap()).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Numbers that half precision and bfloat16 hold exactly.
fn short_numbers() -> Tensors {
    let mut tensors = tiny_bert();
    for (_, numbers) in tensors.values_mut() {
        for number in numbers.iter_mut() {
            *number = (*number * 64.0).round() / 64.0;
        }
    }
    tensors
}

#[test]
fn half_precision_is_read_as_it_is() {
    let desk = Desk::new();
    desk.weights(&short_numbers());
    let single = desk.made("single");
    for dtype in [Dtype::F16, Dtype::BF16] {
        desk.put("weights/model.safetensors", &safetensors_of(&short_numbers(), dtype));
        assert_eq!(desk.made("short")["model.onnx"], single["model.onnx"], "{dtype:?}");
    }
    desk.put("weights/model.safetensors", &safetensors_of(&short_numbers(), Dtype::F64));
    assert_says(&desk.refusal(), &["F64", "--force"]);
    assert_eq!(desk.made_with("forced", &["--force"])["model.onnx"], single["model.onnx"]);
}

#[test]
fn weights_in_several_files_are_the_same_weights() {
    let desk = Desk::new();
    let whole = desk.made("whole");
    let weights = desk.folder.path().join("weights");
    fs::remove_file(weights.join("model.safetensors")).unwrap();
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let (mut map, mut hashes) = (serde_json::Map::new(), String::new());
    for (number, shard) in shards.iter().enumerate() {
        let half: Tensors = tiny_bert()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| at % 2 == number)
            .map(|(_, tensor)| tensor)
            .collect();
        map.extend(half.keys().map(|name| (name.clone(), (*shard).into())));
        let bytes = safetensors_of(&half, Dtype::F32);
        hashes.push_str(&sha256(&bytes));
        desk.put(&format!("weights/{shard}"), &bytes);
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map});
    desk.put("weights/model.safetensors.index.json", index.to_string().as_bytes());
    let sharded = desk.made("sharded");
    assert_eq!(sharded["model.onnx"], whole["model.onnx"]);
    assert_eq!(
        manifest(&sharded).weights,
        Some(sha256(hashes.as_bytes())),
        "the hash over the files' hashes"
    );

    fs::remove_file(weights.join(shards[1])).unwrap();
    assert_says(&desk.refusal(), &[shards[1]]);
}

#[test]
fn a_publishers_prefix_is_only_a_name() {
    let desk = Desk::new();
    let plain = desk.made("plain");
    let prefixed = tiny_bert().into_iter().map(|(name, tensor)| (format!("bert.{name}"), tensor)).collect();
    desk.weights(&prefixed);
    let output = desk.convert("prefixed");
    assert_says(
        str::from_utf8(&output.stderr).unwrap(),
        &["note: tensors are called bert.", "note: left out"],
    );
    assert_eq!(desk.files("prefixed")["model.onnx"], plain["model.onnx"]);
}

#[test]
fn what_is_structural_ends_a_conversion_unless_forced() {
    let mut tensors = tiny_bert();
    tensors.get_mut("embeddings.LayerNorm.bias").unwrap().0 = vec![1, HIDDEN];
    tensors.insert("encoder.rotary".to_owned(), (vec![1], vec![0.0]));
    let desk = Desk::new();
    let plain = desk.made("plain");
    desk.weights(&tensors);
    assert_says(&desk.refusal(), &["[1, 8], expected [8]", "no place for: encoder.rotary", "--force"]);
    let output = desk.convert_with("forced", &["--force"]);
    assert_says(str::from_utf8(&output.stderr).unwrap(), &["forced past: ", "encoder.rotary"]);
    assert_eq!(desk.files("forced")["model.onnx"], plain["model.onnx"]);

    let mut tensors = tiny_bert();
    tensors.get_mut("encoder.layer.0.output.dense.bias").unwrap().1[2] = 1e6;
    desk.weights(&tensors);
    desk.made("single");
    let text = desk.refusal_with(&["--precision", "fp16"]);
    assert_says(&text, &["encoder.layer.0.output.dense.bias", "1 numbers that half precision cannot hold"]);
}

#[test]
fn too_little_memory_is_refused_with_numbers_unless_forced() {
    let desk = Desk::new();
    let little = ["--memory", "1000000"];
    assert_says(&desk.refusal_with(&little), &["needs 68 MB", "1 MB can be had", "--force"]);
    desk.made_with("forced", &[little.as_slice(), &["--force"]].concat());
}

#[test]
fn precisions_have_their_own_names_and_float_ones_share_a_space() {
    let desk = Desk::new();
    let made = |precision: &str| manifest(&desk.made_with(precision, &["--precision", precision]));
    let (single, half, bytes) = (made("fp32"), made("fp16"), made("int8"));
    assert_eq!([&single.id, &half.id, &bytes.id], ["tiny", "tiny-fp16", "tiny-int8"]);
    assert_eq!(single.space(), half.space());
    assert_ne!(single.space(), bytes.space());
    assert!(half.model.bytes < single.model.bytes);
    let output = desk.convert_with("refused", &["--precision", "int4"]);
    assert_says(str::from_utf8(&output.stderr).unwrap(), &["one of fp32, fp16, int8"]);
}

/// The parts of an ONNX file that are looked at here.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, optional, tag = "4")]
    operator: Option<String>,
    #[prost(string, optional, tag = "7")]
    domain: Option<String>,
}

fn operators(model: &[u8]) -> BTreeSet<String> {
    let nodes = Model::decode(model).unwrap().graph.unwrap().nodes;
    assert!(nodes.iter().all(|node| node.domain.is_none()), "standard operators only");
    nodes.into_iter().map(|node| node.operator.unwrap()).collect()
}

/// The operators of graphs of every architecture and pooling in `precision`.
fn all_operators(precision: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for pooling in [
        serde_json::json!("mean"),
        "cls".into(),
        "last_token".into(),
        serde_json::json!({"mean_of_last_layers": 2}),
    ] {
        let mut desk = Desk::new();
        desk.profile["recipe"]["pooling"]["method"] = pooling;
        desk.profile["recipe"]["clamp"] = 65_504.0.into();
        found.extend(operators(&desk.made_with("out", &["--precision", precision])["model.onnx"]));
    }
    for recipe in ["official", "papr-mean4"] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let made = Command::new(env!("CARGO_BIN_EXE_papr-convert"))
            .args(["tiny-qwen3", "--recipe", recipe, "--precision", precision, "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        found.extend(operators(&fs::read(out.join("model.onnx")).unwrap()));
    }
    found
}

#[test]
fn float_graphs_hold_only_what_core_ml_takes() {
    let core_ml = CORE_ML.map(str::to_owned).into();
    for precision in ["fp32", "fp16"] {
        let found = all_operators(precision);
        let others: Vec<&String> = found.difference(&core_ml).collect();
        assert!(others.is_empty(), "{precision}: {others:?}");
        assert!(found.contains("MatMul") && found.contains("Softmax"));
    }
}

#[test]
fn int8_graphs_add_integer_products_and_what_they_need() {
    let core_ml = CORE_ML.map(str::to_owned).into();
    let found = all_operators("int8");
    let others: Vec<&str> = found.difference(&core_ml).map(String::as_str).collect();
    assert_eq!(others, ["Abs", "MatMulInteger"], "for the CPU alone");
}
