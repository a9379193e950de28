//! Papr's own vectors: kept in a space of their own when asked for, gone when not, and met with those of a model here only
//! after it was measured that they are the same.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use papr_credentials::InMemory;
use papr_engine::{Config, Edit, Engine, KeyPlace, Resources, Scope, ServerVectors, SpaceMatch, Status};
use papr_fake::{Embedding, FakePapr, NewMemory, Options};
use papr_memory::{CancelToken, Memory, Mode, Query};
use support::tiny;
use tempfile::TempDir;

const KEY: &str = "key-alice-0123456789";

fn open(folder: &Path, resources: Resources) -> Engine {
    let keychain = Arc::new(InMemory::new());
    let engine = Engine::open(Config { keychain, ..Config::new(folder, resources) }).unwrap();
    engine.start().unwrap();
    engine.wait_ready();
    engine.sync_on_demand_only(); // no sync but those that a test asks for
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

/// Papr with these texts and their vectors by the small model, in the form that is asked for.
fn papr_with(texts: &[String]) -> (FakePapr, Vec<String>) {
    let papr = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).unwrap();
    let mut ids = Vec::new();
    for (text, vector) in texts.iter().zip(made_by(tiny::resources(), texts)) {
        let memory = NewMemory::text(text.clone()).embedding(Embedding::Given(vector));
        ids.push(papr.add("alice", memory).unwrap());
    }
    (papr, ids)
}

fn meetings(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("What was agreed on in meeting {number}")).collect()
}

/// How many vectors of its own a model has made and kept.
fn made_here(engine: &Engine) -> usize {
    let own = engine.status().model.fingerprint.unwrap();
    let spaces = engine.spaces().unwrap();
    spaces.iter().filter(|info| info.space.fingerprint.as_str() == own).map(|info| info.count).sum()
}

/// Waits until a model has made so many vectors of its own, and nothing is left to do.
fn wait_for_made_here(engine: &Engine, count: usize) {
    let started = Instant::now();
    while made_here(engine) != count || engine.status().pending > 0 {
        assert!(started.elapsed() < Duration::from_mins(1), "{} of {count} are made", made_here(engine));
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until nothing is left to do, and what came from Papr is measured.
fn settle(engine: &Engine) {
    let started = Instant::now();
    let done = |status: &Status| status.pending == 0 && status.switch.is_none();
    while !done(&engine.status()) || engine.server_space().unwrap().measured.is_none() {
        assert!(started.elapsed() < Duration::from_mins(1), "{:?}", engine.server_space());
        thread::sleep(Duration::from_millis(10));
    }
}

/// The best memory by meaning.
fn hit(engine: &Engine, text: &str) -> Memory {
    let query = Query::new(text, 3, None, Mode::Meaning).unwrap();
    let reply = engine.search(&query, &CancelToken::new()).unwrap();
    reply.hits.into_iter().next().expect("something is found by meaning").memory
}

/// Its text: that of the query, if that is one.
fn best(engine: &Engine, text: &str) -> String {
    hit(engine, text).content.as_str().to_owned()
}

#[test]
fn of_the_same_recipe_they_are_searched_and_nothing_is_embedded_again() {
    for form in [ServerVectors::Float, ServerVectors::Int8] {
        let texts = meetings(12);
        let (papr, _) = papr_with(&texts);
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let keychain = Arc::new(InMemory::new());
        let open = || {
            let keychain = keychain.clone();
            let engine = Engine::open(Config { keychain, ..Config::new(&data, tiny::resources()) }).unwrap();
            engine.start().unwrap();
            engine.wait_ready();
            engine.sync_on_demand_only();
            engine
        };
        let engine = open();
        engine.set_server_vectors(form).unwrap();
        sign_in(&engine, &papr);
        sync(&engine);
        settle(&engine);
        let space = engine.server_space().unwrap();
        assert!(space.in_use, "{form:?}: {space:?}");
        let Some(SpaceMatch::Same(agreement)) = space.measured else { panic!("{space:?}") };
        assert!(agreement.pairs == 8 && agreement.min_cosine >= 0.98, "{agreement:?}");
        assert_eq!((space.count, space.dims, space.model_dims), (12, Some(64), Some(64)));
        assert!(space.bytes >= 12 * 2 * 64, "what they take is told: {space:?}");
        assert_eq!(made_here(&engine), 0, "{form:?}: of no memory a vector was made here");
        assert_eq!(best(&engine, &texts[7]), texts[7], "queries meet the server's vectors");

        let new = |text: &str| papr_engine::NewMemory { content: text.to_owned(), ..Default::default() };
        let own = engine.add(new("The boiler is serviced in May")).unwrap();
        settle(&engine);
        assert_eq!(made_here(&engine), 1, "what Papr has no vector of is embedded here");
        let changed = hit(&engine, &texts[3]);
        let content = Some("The boiler was serviced in June".to_owned());
        engine.edit(changed.id, None, Edit { content, ..Edit::default() }).unwrap();
        settle(&engine);
        assert_eq!(made_here(&engine), 2, "and what was changed since");
        assert_eq!(best(&engine, "The boiler was serviced in June"), "The boiler was serviced in June");
        assert_eq!(best(&engine, own.content.as_str()), own.content.as_str());

        drop(engine);
        let engine = open();
        settle(&engine);
        assert!(engine.server_space().unwrap().in_use, "it holds over a restart");
        assert_eq!(made_here(&engine), 2, "which embeds nothing");
        assert_eq!(best(&engine, &texts[9]), texts[9]);
    }
}

#[test]
fn what_comes_later_is_measured_anew() {
    let texts = meetings(6);
    let (papr, remote) = papr_with(&texts);
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&folder.path().join("data"), tiny::resources());
    engine.set_server_vectors(ServerVectors::Float).unwrap();
    sign_in(&engine, &papr);
    sync(&engine);
    settle(&engine);
    assert!(engine.server_space().unwrap().in_use);
    for (number, id) in remote.iter().enumerate() {
        let mut numbers = vec![0.0; 64];
        numbers[number] = 1.0;
        let embedding = Some(Embedding::Given(numbers));
        papr.edit("alice", id, papr_fake::Edit { embedding, ..papr_fake::Edit::default() }).unwrap();
    }
    sync(&engine);
    wait_for_made_here(&engine, 6);
    let space = engine.server_space().unwrap();
    assert!(
        !space.in_use && matches!(space.measured, Some(SpaceMatch::Different(_))),
        "Papr went over to another model: {space:?}"
    );
    assert_eq!(best(&engine, &texts[4]), texts[4], "found by vectors of this model alone");
    let again = engine.match_server_space(&CancelToken::new()).unwrap();
    assert!(matches!(again, Some(SpaceMatch::Different(_))), "also when a person asks for it");
}

#[test]
fn not_wanted_any_more_they_are_made_here() {
    let texts = meetings(5);
    let (papr, _) = papr_with(&texts);
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&folder.path().join("data"), tiny::resources());
    engine.set_server_vectors(ServerVectors::Float).unwrap();
    sign_in(&engine, &papr);
    sync(&engine);
    settle(&engine);
    assert_eq!(made_here(&engine), 0);
    engine.set_server_vectors(ServerVectors::Off).unwrap();
    wait_for_made_here(&engine, 5);
    let space = engine.server_space().unwrap();
    assert_eq!((space.in_use, space.count, space.measured, space.dims), (false, 0, None, None));
    assert_eq!(best(&engine, &texts[2]), texts[2]);
}

#[test]
fn of_another_recipe_they_are_told_apart_and_not_mixed() {
    let texts = meetings(6);
    let (papr, _) = papr_with(&texts);
    let (models, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = open(&folder.path().join("data"), other_recipe(&models));
    engine.set_server_vectors(ServerVectors::Float).unwrap();
    sign_in(&engine, &papr);
    sync(&engine);
    wait_for_made_here(&engine, 6);
    let space = engine.server_space().unwrap();
    let measured = space.measured.unwrap();
    assert!(measured.describe().starts_with("not the same space"), "{}", measured.describe());
    assert!(!space.in_use, "{space:?}");
    assert_eq!((space.count, made_here(&engine)), (6, 6), "both are kept, each for itself");
    assert_eq!(best(&engine, &texts[2]), texts[2]);
}

#[test]
fn a_model_that_makes_them_takes_over_without_embedding() {
    let texts = meetings(9);
    let (papr, _) = papr_with(&texts);
    let (models, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let resources = other_recipe(&models);
    let engine = open(&folder.path().join("data"), resources);
    engine.set_server_vectors(ServerVectors::Float).unwrap();
    sign_in(&engine, &papr);
    sync(&engine);
    wait_for_made_here(&engine, 9);
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor/test-models/tiny-qwen3-papr-mean4");
    let id = engine.import_model(&model, None, &CancelToken::new()).unwrap();
    engine.use_model(&id).unwrap();
    engine.wait_until(|status| status.model.id.as_deref() == Some(&id) && status.switch.is_none());
    settle(&engine);
    assert!(engine.server_space().unwrap().in_use);
    assert_eq!(made_here(&engine), 0, "all its vectors are Papr's");
    assert_eq!(best(&engine, &texts[4]), texts[4]);
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
