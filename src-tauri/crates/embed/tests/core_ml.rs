//! Packages for Core ML: what is refused anywhere, and on a Mac the whole check with its report.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use papr_embed::{Device, EmbedOptions, FixedGraph, ModelEmbedder};
use papr_memory::Manifest;
use papr_memory::ports::EmbedError;

fn graph(tokens: u32) -> FixedGraph {
    let package = format!("nowhere/model-{tokens}.mlpackage").into();
    FixedGraph { tokens, package, function: None, sha256: "a".repeat(64), bytes: 45_000_000 }
}

fn refused(manifest: &Manifest, graphs: &[u32], options: &EmbedOptions) -> String {
    let graphs = graphs.iter().copied().map(graph).collect();
    let tokenizer = common::model_folder().join("tokenizer.json");
    let error = ModelEmbedder::load_core_ml(manifest, graphs, &tokenizer, options).unwrap_err();
    assert!(matches!(error, EmbedError::Model(_)), "{error}");
    error.to_string()
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_loaded() {
    let manifest = common::manifest();
    let native = EmbedOptions::on(Device::CoreMlNative);
    let error = refused(&manifest, &[32, 128], &native);
    assert!(error.contains("takes 128 tokens, and the recipe cuts at 256"), "{error}");
    assert!(refused(&manifest, &[], &native).contains("there is no graph"));
    let error = refused(&manifest, &[256], &EmbedOptions::on(Device::Cuda));
    assert!(error.contains("does not run on CUDA"), "{error}");
    let huge = FixedGraph { bytes: 1 << 50, ..graph(256) };
    let tokenizer = common::model_folder().join("tokenizer.json");
    let error =
        ModelEmbedder::load_core_ml(&manifest, vec![huge], &tokenizer, &native).unwrap_err().to_string();
    assert!(error.contains("GB are available"), "with the numbers: {error}");
}

#[test]
fn an_onnx_graph_is_not_for_core_ml_itself() {
    let error = common::load_with(&EmbedOptions::on(Device::CoreMlNative)).unwrap_err().to_string();
    assert!(error.contains("runs packages, not an ONNX graph"), "{error}");
}

#[test]
#[cfg(not(target_os = "macos"))]
fn elsewhere_there_is_no_core_ml() {
    let error = refused(&common::manifest(), &[256], &EmbedOptions::on(Device::CoreMlNative));
    assert!(error.contains("runs on macOS alone"), "{error}");
}

/// The whole check on a Mac, run by `models/coreml/mac.py`, which converts the built-in model first and names its
/// folder; left out without it. Prints a report that holds no text of a person's.
#[test]
#[cfg(any(target_os = "macos", papr_check_mac))]
fn a_converted_model_is_the_built_in_one_and_how_fast_it_is() {
    let Some(folder) = std::env::var_os("PAPR_CORE_ML_FOLDER") else {
        println!("left out: run python3 models/coreml/mac.py for the whole check");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    println!("machine: {}", papr_embed::machine());
    for device in [Device::CoreMlNative, Device::Cpu] {
        let options = EmbedOptions { profile: true, ..EmbedOptions::on(device) };
        let embedder = report::load(&folder, &options);
        println!(
            "{}: loaded in {:?}",
            embedder.report().describe(),
            papr_memory::ports::Embedder::load_time(&embedder)
        );
        println!("  a query: {}", report::times(&embedder));
        for (what, agreement) in report::agreements(&embedder) {
            println!("  against {what}: {agreement:?}");
            assert!(agreement.min_cosine >= papr_embed::LEAST_COSINE, "{agreement:?}");
        }
        assert_eq!(embedder.report().fallback, None, "it failed while it ran");
    }
}

#[cfg(any(target_os = "macos", papr_check_mac))]
mod report {
    use std::path::Path;
    use std::time::Instant;

    use papr_embed::{Agreement, EmbedOptions, FixedGraph, ModelEmbedder, compare};
    use papr_memory::ports::{Embedder, Lane, Role};
    use papr_memory::{CancelToken, Manifest, Vector};
    use serde_json::{Value, json};

    /// The model in `folder`, with the names and hashes of the built-in one's manifest where they do not matter.
    pub(crate) fn load(folder: &Path, options: &EmbedOptions) -> ModelEmbedder {
        let told: Value =
            serde_json::from_slice(&std::fs::read(folder.join("coreml.json")).unwrap()).unwrap();
        let mut manifest = serde_json::to_value(super::common::manifest()).unwrap();
        manifest["recipe"] = told["recipe"].clone();
        manifest["weights"] = told["weights"].clone();
        manifest["id"] = json!("converted");
        let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
        let graphs = told["packages"].as_array().unwrap().iter().flat_map(|package| {
            package["functions"].as_array().unwrap().iter().map(|function| FixedGraph {
                tokens: serde_json::from_value(function["tokens"].clone()).unwrap(),
                package: folder.join(package["path"].as_str().unwrap()),
                function: function["name"].as_str().map(str::to_owned),
                sha256: package["sha256"].as_str().unwrap().to_owned(),
                bytes: package["bytes"].as_u64().unwrap(),
            })
        });
        let tokenizer = folder.join("tokenizer.json");
        ModelEmbedder::load_core_ml(&manifest, graphs.collect(), &tokenizer, options).unwrap()
    }

    /// Over the texts of the built-in model's golden vectors: against these, and against ONNX Runtime on the CPU.
    pub(crate) fn agreements(embedder: &ModelEmbedder) -> [(&'static str, Agreement); 2] {
        let golden = super::common::project().join("tests/data/minilm-golden.json");
        let golden: Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
        let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).unwrap();
        let expected: Vec<Vec<f32>> = serde_json::from_value(golden["vectors"].clone()).unwrap();
        assert!(texts.len() >= 20, "an accuracy report is over 20 texts and more");
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let cancel = CancelToken::new();
        let embedded = embedder.embed(&texts, Role::Document, Lane::Background, &cancel).unwrap();
        let found: Vec<Vector> = embedded.vectors.into_iter().map(Result::unwrap).collect();
        let pairs: Vec<(&[f32], &[f32])> =
            found.iter().zip(&expected).map(|(found, expected)| (found.as_slice(), &expected[..])).collect();
        let onnx = compare(embedder, super::common::embedder(), &texts, Role::Document, &cancel).unwrap();
        [("the reference", Agreement::of(&pairs).unwrap()), ("ONNX Runtime on the CPU", onnx)]
    }

    /// Median and 95th percentile of one query, over 100.
    pub(crate) fn times(embedder: &ModelEmbedder) -> String {
        let mut times: Vec<f64> = (0..100)
            .map(|_| {
                let start = Instant::now();
                let texts = ["where did I leave the keys"];
                embedder.embed(&texts, Role::Query, Lane::Interactive, &CancelToken::new()).unwrap();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        format!("p50 {:.2} ms, p95 {:.2} ms", times[49], times[94])
    }
}
