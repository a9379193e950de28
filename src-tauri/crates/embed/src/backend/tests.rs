//! The tiny Qwen3 by token ids, against vectors of its reference implementation, in sessions for every length
//! and for fixed ones.

use std::path::{Path, PathBuf};

use papr_memory::{Manifest, Vector};
use serde_json::Value;

use super::*;
use crate::runtime;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn sessions(model: &str, static_shapes: bool) -> (Manifest, Sessions) {
    let folder = project().join("vendor/test-models").join(model);
    assert!(folder.exists(), "{} is missing: run make test (it makes it)", folder.display());
    let manifest =
        Manifest::from_json(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let library = match std::env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.1.28.0.dylib",
        _ => "libonnxruntime.so.1.28.0",
    };
    let blueprint = Blueprint {
        environment: runtime::environment(&project().join("vendor/onnxruntime").join(library)).unwrap(),
        model_file: folder.join("model.onnx"),
        model_sha256: manifest.model.sha256.clone(),
        runtime: String::new(),
        recipe: manifest.recipe.clone(),
        threads: 1,
        cache: None,
        profile: false,
    };
    let sessions = Sessions::load(Arc::new(blueprint), Device::Cpu, static_shapes, 1).unwrap();
    (manifest, sessions)
}

#[test]
fn qwen3_by_both_recipes_and_in_sessions_of_both_kinds() {
    let path = project().join("tests/data/qwen3-golden.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (model, key) in [("tiny-qwen3-official", "official"), ("tiny-qwen3-papr-mean4", "papr_mean4")] {
        for static_shapes in [false, true] {
            let (manifest, mut sessions) = sessions(model, static_shapes);
            let of_these_weights =
                |golden: &&Value| golden["weights"].as_str() == manifest.weights.as_deref();
            let cases = golden["models"].as_array().unwrap().iter().find(of_these_weights).unwrap()["cases"]
                .as_array()
                .unwrap();
            let mut compared = 0;
            for case in cases.iter().filter(|case| !case[key].is_null()) {
                let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
                let expected: Vec<f32> = serde_json::from_value(case[key].clone()).unwrap();
                let tokens = match manifest.recipe.padding {
                    Padding::Dynamic => ids.len(),
                    Padding::Fixed(length) => length as usize,
                };
                let found = sessions.run(&[&ids], tokens, &Interrupt::default()).unwrap().remove(0);
                let found = Vector::new(found, manifest.recipe.dims).unwrap();
                let most =
                    found.as_slice().iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(most < 1e-5, "{model}, static: {static_shapes}, {} tokens: {most:.2e}", ids.len());
                compared += 1;
            }
            assert!(compared >= 5, "{model}: {compared} cases");
        }
    }
}
