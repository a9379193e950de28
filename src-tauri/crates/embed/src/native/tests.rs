//! On a Mac alone: the converter's smallest package through Core ML itself, by token ids.

use std::path::Path;

use papr_memory::Vector;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::interrupt::Interrupt;
use crate::report::NeuralEngine;

/// One layer, 8 tokens, 8 dims, weights by chance.
fn example(folder: &Path) -> (Graphs, Recipe) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/coreml/tests/data/one-layer");
    let json: Value = serde_json::from_slice(&std::fs::read(from.join("coreml.json")).unwrap()).unwrap();
    let package = &json["packages"][0];
    for file in package["files"].as_array().unwrap() {
        let path = Path::new("model-8.mlpackage").join(file["path"].as_str().unwrap());
        std::fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
        std::fs::copy(from.join(&path), folder.join(&path)).unwrap();
    }
    let graph = FixedGraph {
        tokens: 8,
        package: folder.join("model-8.mlpackage"),
        function: None,
        sha256: package["sha256"].as_str().unwrap().to_owned(),
        bytes: package["bytes"].as_u64().unwrap(),
    };
    let recipe: Recipe = serde_json::from_value(json["recipe"].clone()).unwrap();
    (Graphs::new(vec![graph], &recipe).unwrap(), recipe)
}

#[test]
fn a_package_is_compiled_kept_run_and_its_plan_is_read() {
    let folder = TempDir::new().unwrap();
    let (graphs, recipe) = example(folder.path());
    let stale = folder.path().join(format!("model-8-{}-14.0.mlmodelc", "0".repeat(64)));
    std::fs::create_dir(&stale).unwrap();
    let texts: [&[u32]; 3] = [&[1, 2, 3, 31], &[31], &[5, 4, 3, 2, 1, 7, 9, 31]];
    let mut found = Vec::new();
    for device in [Device::Cpu, Device::CoreMlNative] {
        let mut backend = load(&graphs, &recipe, How { device, profile: true, alive: 2 }).unwrap();
        let vectors = backend.run(&texts, 8, &Interrupt::default()).unwrap();
        let checked = |numbers: Vec<f32>| Vector::new(numbers, recipe.dims).unwrap();
        found.push(vectors.into_iter().map(checked).collect::<Vec<_>>());
        let report = backend.report();
        println!("{}, loaded in {} ms", report.describe(), report.load_ms);
        if device == Device::Cpu {
            assert_eq!(report.neural_engine, NeuralEngine::No);
        }
    }
    for (cpu, other) in found[0].iter().zip(&found[1]) {
        assert!(cpu.cosine(other) > 0.999, "{}", cpu.cosine(other));
    }
    assert!(!stale.exists(), "what is stale is removed");
    let kept = compiled::folder(graphs.holding(8), &crate::machine::system());
    assert!(kept.is_dir(), "what was compiled is kept: {}", kept.display());
    std::fs::remove_dir_all(kept.join("weights")).unwrap();
    let how = How { device: Device::CoreMlNative, profile: false, alive: 1 };
    load(&graphs, &recipe, how).unwrap().run(&texts, 8, &Interrupt::default()).unwrap();
}

#[test]
fn another_length_than_was_promised_is_named() {
    let folder = TempDir::new().unwrap();
    let (graphs, recipe) = example(folder.path());
    let recipe = Recipe { max_tokens: 16, ..recipe };
    let longer = FixedGraph { tokens: 16, ..graphs.holding(8).clone() };
    let graphs = Graphs::new(vec![longer], &recipe).unwrap();
    let how = How { device: Device::CoreMlNative, profile: false, alive: 1 };
    let error = load(&graphs, &recipe, how).err().unwrap().to_string();
    assert!(error.contains("another length than its manifest says"), "{error}");
}
