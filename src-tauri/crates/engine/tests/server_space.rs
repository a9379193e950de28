//! Papr's own vectors: kept in a space of their own when asked for, gone when not, and met with those of a model here only
//! after it was measured that they are the same.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use papr_credentials::InMemory;
use papr_engine::{Config, Engine, KeyPlace, Resources, Scope, ServerVectors, SpaceMatch};
use papr_fake::{Embedding, FakePapr, NewMemory, Options};
use papr_memory::CancelToken;
use support::tiny;
use tempfile::TempDir;

const KEY: &str = "key-alice-0123456789";

fn open(folder: &Path, resources: Resources) -> Engine {
    let keychain = Arc::new(InMemory::new());
    let engine = Engine::open(Config { keychain, ..Config::new(folder, resources) }).unwrap();
    engine.start().unwrap();
    engine.wait_ready();
    engine
}

fn sign_in(engine: &Engine, papr: &FakePapr) {
    engine.sign_in(KEY.to_owned(), Some(&papr.url()), KeyPlace::Keychain, &CancelToken::new()).unwrap();
}

fn sync(engine: &Engine) {
    let report = engine.sync(Scope::Snapshot, &CancelToken::new()).unwrap();
    assert_eq!(report.problem, None);
}

/// Resources with another small model under the name of the built-in one.
fn other_recipe(folder: &TempDir) -> Resources {
    tiny::write_model(folder.path());
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor/test-models/tiny-qwen3-official");
    let to = folder.path().join("models/all-minilm-l6-v2");
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let manifest = fs::read_to_string(from.join("manifest.json")).unwrap();
    fs::write(to.join("manifest.json"), manifest.replacen("tiny-qwen3-official", "all-minilm-l6-v2", 1))
        .unwrap();
    tiny::at(folder.path().to_owned())
}

#[test]
fn they_are_fetched_only_when_asked_for_and_go_when_not_wanted_any_more() {
    let papr = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).unwrap();
    for number in 0..5 {
        papr.add("alice", NewMemory::text(format!("Memory number {number} of Alice"))).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&folder.path().join("data"), support::no_resources());
    sign_in(&engine, &papr);
    sync(&engine);
    assert_eq!(engine.server_vectors().unwrap(), 0);
    for form in [ServerVectors::Int8, ServerVectors::Float] {
        engine.set_server_vectors(form).unwrap();
        sync(&engine);
        assert_eq!(engine.server_vectors().unwrap(), 5, "{form:?}, and none of the other form");
    }
    engine.set_server_vectors(ServerVectors::Off).unwrap();
    assert_eq!(engine.server_vectors().unwrap(), 0);
}

/// What a model with this recipe makes of the texts: the server's vectors.
fn made_by(resources: Resources, texts: &[String]) -> Vec<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&folder.path().join("data"), resources);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    engine.embed(&texts).unwrap().into_iter().map(|vector| vector.as_slice().to_vec()).collect()
}

#[test]
fn a_model_of_the_same_recipe_matches_and_one_of_another_does_not() {
    let texts: Vec<String> = (0..6).map(|number| format!("What was agreed on in meeting {number}")).collect();
    let papr = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).unwrap();
    for (text, vector) in texts.iter().zip(made_by(tiny::resources(), &texts)) {
        papr.add("alice", NewMemory::text(text.clone()).embedding(Embedding::Given(vector))).unwrap();
    }
    let models = tempfile::tempdir().unwrap();
    for (resources, same) in [(tiny::resources(), true), (other_recipe(&models), false)] {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder.path().join("data"), resources);
        sign_in(&engine, &papr);
        engine.set_server_vectors(ServerVectors::Float).unwrap();
        sync(&engine);
        assert_eq!(engine.server_vectors().unwrap(), texts.len());
        let matched =
            engine.match_server_space(&CancelToken::new()).unwrap().expect("there is something to compare");
        assert_eq!(matches!(matched, SpaceMatch::Same(_)), same, "{}", matched.describe());
        assert_eq!(matches!(matched, SpaceMatch::Different(_)), !same, "{}", matched.describe());
    }
}
