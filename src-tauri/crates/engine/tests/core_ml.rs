//! Models that are packages for Core ML, where there is no Core ML: refused with the reason if they are nothing else, and
//! left out with the reason if the same model is there as an ONNX graph.
#![cfg(not(target_os = "macos"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::path::Path;

use papr_engine::doctor::{Finding, Verdict};
use papr_engine::{Code, Config, Engine, ModelState};
use papr_memory::{CancelToken, Mode};
use serde_json::{Value, json};
use support::{Bench, contents, tiny};
use tempfile::TempDir;

const TWIN: &str = "tiny-coreml-fp16";
const REASON: &str = "a package for Core ML runs on macOS alone";

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What the converter writes of the small model, by what the model's manifest says: the same weights, recipe and
/// tokenizer, half precision. The package is the converter's example: nothing here looks into it. Of `weights` other
/// than the small model's it is another model.
fn converted(weights: Option<&str>) -> TempDir {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let small = tiny::resources().folder.join("models/all-minilm-l6-v2");
    let manifest = read(&small.join("manifest.json"));
    let folder = tempfile::tempdir().unwrap();
    copy(&project.join("models/coreml/tests/data/one-layer"), folder.path());
    fs::copy(small.join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    let mut told = read(&folder.path().join("coreml.json"));
    told["id"] = json!(TWIN);
    told["weights"] = weights.map_or_else(|| manifest["weights"].clone(), |weights| json!(weights));
    told["recipe"] = manifest["recipe"].clone();
    told["recipe"]["precision"] = json!("fp16");
    told["packages"][0]["functions"][0]["tokens"] = manifest["recipe"]["max_tokens"].clone();
    told["files"] = json!([manifest["tokenizer"]]);
    fs::write(folder.path().join("coreml.json"), told.to_string()).unwrap();
    folder
}

fn import(engine: &Engine, folder: &TempDir) {
    assert_eq!(engine.import_model(folder.path(), None, &CancelToken::new()).unwrap(), TWIN);
}

fn finding(engine: &Engine, name: &str) -> Finding {
    let diagnosis = engine.doctor(&mut |_| {}, &CancelToken::new()).unwrap();
    diagnosis.findings.into_iter().find(|finding| finding.name == name).unwrap()
}

#[test]
fn packages_alone_are_kept_and_refused_with_the_reason() {
    let bench = Bench::with(tiny::resources());
    import(bench.engine(), &converted(Some(&"ab".repeat(32))));
    let model = bench.engine().model(TWIN).unwrap();
    assert_eq!(model.disabled.as_deref(), Some(REASON), "the list of models says why it cannot be used");
    assert!(
        model.installed && model.bytes > 38_141,
        "it is there, with the bytes of its packages: {model:?}"
    );
    let error = bench.engine().use_model(TWIN).unwrap_err();
    assert_eq!(error.to_string(), format!("{TWIN} cannot be used: {REASON}"));
    let found = finding(bench.engine(), "model files");
    assert_eq!(found.verdict, Verdict::Warning, "whole, and of no use here: {}", found.detail);
    assert!(found.detail.contains(REASON), "{}", found.detail);
    let error = bench.engine().bench_model(TWIN, &mut |_| {}, &CancelToken::new()).unwrap_err();
    assert!(error.to_string().contains(REASON), "nothing is timed that cannot run: {error}");

    let check = bench.engine().check_model(TWIN, &CancelToken::new()).unwrap();
    assert_eq!(check.bytes, model.bytes, "its bytes can be looked at anywhere");
    assert!(check.comparisons.is_empty() && check.notes[0].contains(REASON), "its vectors cannot: {check:?}");

    // A data folder that comes from a Mac may have chosen it.
    let settings = json!({"version": 1, "model": TWIN, "models_folder": bench.engine().models_folder()});
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("settings.json"), settings.to_string()).unwrap();
    let engine = Engine::open(Config::new(elsewhere.path(), tiny::resources())).unwrap();
    engine.start().unwrap();
    let status = engine.wait_ready();
    assert_eq!(status.model.state, ModelState::Failed);
    let told = status.model.problem.unwrap();
    assert_eq!(told.code, Code::InvalidInput);
    assert!(told.message.contains(REASON), "{}", told.message);
    engine.use_model("all-minilm-l6-v2").unwrap();
    engine.start().unwrap();
    let status = engine.wait_until(|status| status.model.state == ModelState::Ready);
    assert_eq!(status.model.id.as_deref(), Some("all-minilm-l6-v2"), "and another one helps");
    engine.remove_model(TWIN).unwrap();
}

#[test]
fn of_both_forms_the_graph_runs_and_core_ml_is_left_out_aloud() {
    let mut bench = Bench::with(tiny::resources());
    bench.add("The keys are with the neighbour");
    bench.settle();
    import(bench.engine(), &converted(None));
    let (own, twin) =
        (bench.engine().model("all-minilm-l6-v2").unwrap(), bench.engine().model(TWIN).unwrap());
    assert_eq!(own.fingerprint, twin.fingerprint, "of the same weights and recipe there is one space");
    for model in [&own, &twin] {
        assert_eq!(model.disabled, None, "{} runs by its graph", model.id);
        let note = model.notes.last().unwrap();
        assert_eq!(
            note,
            &format!("{TWIN} is this model for Core ML, which is left out here: it is part of macOS")
        );
    }
    let told = |bench: &Bench| finding(bench.engine(), "device").detail;
    bench.engine().wait_until(|status| status.model.state == ModelState::Ready);
    let left_out = "not used Core ML (native): it is part of macOS";
    assert!(told(&bench).contains(left_out), "{}", told(&bench));

    bench.engine().use_model(TWIN).unwrap();
    let status = bench.engine().wait_until(|status| status.model.id.as_deref() == Some(TWIN));
    assert_eq!(status.model.provider.as_deref(), Some("CPU"));
    assert_eq!(
        (status.switch, status.pending),
        (None, 0),
        "nothing is embedded again: the space is the same"
    );
    let reply = bench.search("The keys are with the neighbour", Mode::Meaning);
    assert_eq!(contents(&reply), ["The keys are with the neighbour"]);
    let status = bench.restart();
    assert_eq!(status.model.id.as_deref(), Some(TWIN), "a choice holds over a restart");
    assert_eq!((status.model.state, status.pending), (ModelState::Ready, 0));
    assert!(told(&bench).contains(left_out), "{}", told(&bench));
    assert_eq!(bench.engine().clear_core_ml_cache().unwrap(), 0, "nothing was compiled");
    let model = bench.engine().models_folder().join(TWIN);
    let compiled = model.join(format!("model-8-{}-15.1.mlmodelc", "a".repeat(64)));
    fs::create_dir(&compiled).unwrap();
    fs::write(compiled.join("weights"), [0; 10]).unwrap();
    let check = bench.engine().check_model(TWIN, &CancelToken::new()).unwrap();
    assert!(check.notes[0].starts_with("10 bytes that Core ML compiled of another"), "{check:?}");
    assert!(!compiled.exists(), "what is stale goes");
    fs::create_dir(&compiled).unwrap();
    fs::write(compiled.join("weights"), [0; 10]).unwrap();
    assert_eq!(
        bench.engine().clear_core_ml_cache().unwrap(),
        10,
        "what Core ML compiled beside packages goes too"
    );
    assert!(!compiled.exists() && model.join("model-8.mlpackage").is_dir(), "and nothing else");
}

#[test]
fn vectors_are_compared_with_the_reference_and_what_is_missing_is_said() {
    let bench = Bench::new();
    let check = bench.engine().check_model("all-minilm-l6-v2", &CancelToken::new()).unwrap();
    assert!(check.is_well(), "{check:?}");
    let agreement = check.comparisons[0].agreement.unwrap();
    assert!(agreement.pairs > 20 && agreement.min_cosine > 0.9999, "{agreement:?}");
    assert_eq!(check.device.as_deref(), Some("CPU"));
    let alone = "the processor alone runs it here: there is no other device to compare with";
    assert_eq!(check.notes, [alone], "there is one way to run it, and that is said");

    // The same weights by another recipe.
    let from = support::resources().folder.join("models/all-minilm-l6-v2");
    let folder = tempfile::tempdir().unwrap();
    copy(&from, folder.path());
    let mut manifest = read(&from.join("manifest.json"));
    manifest["id"] = json!("other-recipe");
    manifest["recipe"]["prefixes"]["document"] = json!("passage: ");
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    bench.engine().import_model(folder.path(), None, &CancelToken::new()).unwrap();
    let check = bench.engine().check_model("other-recipe", &CancelToken::new()).unwrap();
    let told = check.comparisons[0].describe();
    assert!(!check.is_well() && told.contains("another recipe") && told.contains("import it"), "{told}");
}
