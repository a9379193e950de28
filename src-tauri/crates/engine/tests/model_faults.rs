//! A model that is not what it should be: told in words, and search by word goes on.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::path::Path;

use papr_engine::{Code, ModelState, Problem, Resources};
use papr_memory::Mode;
use support::{Bench, resources};
use tempfile::TempDir;

const MODEL: &str = "all-minilm-l6-v2";

/// A copy of the resources whose model can be spoilt.
fn copied() -> (TempDir, Resources) {
    let folder = tempfile::tempdir().unwrap();
    let real = resources();
    let model = folder.path().join("models").join(MODEL);
    fs::create_dir_all(&model).unwrap();
    for file in ["manifest.json", "model.onnx", "tokenizer.json"] {
        fs::copy(real.models().join(MODEL).join(file), model.join(file)).unwrap();
    }
    let copy = Resources { folder: folder.path().to_owned(), ..real };
    (folder, copy)
}

/// What the person is told of a model spoilt by `spoil`.
fn problem(spoil: impl FnOnce(&Path)) -> Problem {
    let (_folder, copy) = copied();
    spoil(&copy.models().join(MODEL));
    let bench = Bench::with(copy);
    let status = bench.engine().status();
    assert_eq!(status.model.state, ModelState::Failed, "a spoilt model is never used");
    bench.add("Alice prefers dark roast");
    let reply = bench.search("roast", Mode::Hybrid);
    assert_eq!((reply.hits.len(), reply.mode), (1, Mode::Words), "search by word goes on");
    let problem = status.model.problem.unwrap();
    assert!(problem.hint.is_some(), "what to do is said: {problem:?}");
    problem
}

#[test]
fn a_file_cut_short() {
    let told = problem(|model| {
        let file = fs::File::options().write(true).open(model.join("model.onnx")).unwrap();
        file.set_len(1_000_000).unwrap();
    });
    assert_eq!(told.code, Code::Checksum);
    assert!(told.message.contains("model.onnx") && told.message.contains("1000000"), "{}", told.message);
}

#[test]
fn a_file_with_other_bytes() {
    let told = problem(|model| {
        let path = model.join("model.onnx");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    assert_eq!(told.code, Code::Checksum, "one bit is enough");
}

#[test]
fn a_missing_file() {
    let told = problem(|model| fs::remove_file(model.join("tokenizer.json")).unwrap());
    assert!(told.message.contains("tokenizer.json"), "{}", told.message);
}

#[test]
fn a_model_of_another_shape() {
    let told = problem(|model| {
        let path = model.join("manifest.json");
        let manifest = fs::read_to_string(&path).unwrap();
        fs::write(path, manifest.replace("\"dims\": 384", "\"dims\": 383")).unwrap();
    });
    assert!(told.message.contains("383") && told.message.contains("384"), "{}", told.message);
}

#[test]
fn a_broken_manifest() {
    let told = problem(|model| fs::write(model.join("manifest.json"), "{").unwrap());
    assert!(told.message.contains("manifest"), "{}", told.message);
}

#[test]
fn a_missing_runtime() {
    let real = resources();
    let bench = Bench::with(Resources { runtime_library: "/nowhere/libonnxruntime.so".into(), ..real });
    let told = bench.engine().status().model.problem.unwrap();
    assert_eq!(told.code, Code::ModelMissing);
    assert!(told.message.contains("/nowhere/libonnxruntime.so"), "{}", told.message);
}
