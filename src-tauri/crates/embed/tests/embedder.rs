//! The embedder with the built-in model: lanes, cancelling, models that are not what they should be.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use papr_embed::{EmbedOptions, ModelEmbedder};
use papr_memory::ports::{EmbedError, Embedder, Lane, Role};
use papr_memory::{CancelToken, Dims, Manifest, Padding, Vector};
use tempfile::TempDir;

fn embed(embedder: &ModelEmbedder, text: &str, role: Role) -> Vector {
    let mut embedded = embedder.embed(&[text], role, Lane::Interactive, &CancelToken::new()).unwrap();
    embedded.vectors.remove(0).unwrap()
}

fn load(
    manifest: &Manifest,
    model: Option<PathBuf>,
    tokenizer: Option<PathBuf>,
) -> Result<ModelEmbedder, EmbedError> {
    let folder = common::model_folder();
    let model = model.unwrap_or_else(|| folder.join("model.onnx"));
    let tokenizer = tokenizer.unwrap_or_else(|| folder.join("tokenizer.json"));
    ModelEmbedder::load(&common::runtime(), manifest, &model, &tokenizer, &EmbedOptions::default())
}

/// The reason given by an error about the model.
fn unusable(loaded: Result<ModelEmbedder, EmbedError>) -> String {
    match loaded {
        Err(EmbedError::Model(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn largest_difference(a: &Vector, b: &Vector) -> f32 {
    a.as_slice().iter().zip(b.as_slice()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn tells_what_it_is() {
    let embedder = common::embedder();
    assert_eq!(*embedder.space(), common::manifest().space());
    assert_eq!(embedder.provider(), "CPU");
    assert!(embedder.load_time() > Duration::ZERO);
    assert!(embedder.warm_up().unwrap() > Duration::ZERO);
    let embedded = embedder.embed(&["timed"], Role::Query, Lane::Interactive, &CancelToken::new()).unwrap();
    assert!(embedded.run > Duration::ZERO && embedded.tokenize > Duration::ZERO);
    let none = embedder.embed(&[], Role::Query, Lane::Interactive, &CancelToken::new()).unwrap();
    assert_eq!(none.vectors.len(), 0);
}

#[test]
fn the_same_text_gives_the_same_vector() {
    let embedder = common::embedder();
    let first = embed(embedder, "to the last bit", Role::Query);
    assert_eq!(first, embed(embedder, "to the last bit", Role::Query));
    assert_eq!(first, embed(embedder, "to the last bit", Role::Document), "this model has no prefixes");
}

#[test]
fn a_query_overtakes_a_background_job() {
    let embedder = common::embedder();
    let texts: Vec<String> =
        (0..400).map(|number| format!("memory number {number} of a long import")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (begun, finished) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            begun.store(true, Ordering::SeqCst);
            let done = embedder.embed(&texts, Role::Document, Lane::Background, &CancelToken::new()).unwrap();
            finished.store(true, Ordering::SeqCst);
            assert!(done.vectors.iter().all(Result::is_ok) && done.vectors.len() == texts.len());
        });
        while !begun.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(50));
        for _ in 0..3 {
            embed(embedder, "where did I put it", Role::Query);
        }
        assert!(!finished.load(Ordering::SeqCst), "three queries were answered while it ran");
    });
}

#[test]
fn a_cancelled_call_says_so() {
    let embedder = common::embedder();
    let cancel = CancelToken::new();
    cancel.cancel();
    let answer = embedder.embed(&["too late"], Role::Query, Lane::Interactive, &cancel);
    assert!(matches!(answer, Err(EmbedError::Cancelled(_))), "{answer:?}");

    let cancel = CancelToken::new();
    thread::scope(|scope| {
        let job = scope.spawn(|| {
            embedder.embed(&["word ".repeat(300).as_str(); 500], Role::Document, Lane::Background, &cancel)
        });
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
        let answer = job.join().unwrap();
        assert!(matches!(answer, Err(EmbedError::Cancelled(_))), "{answer:?}");
    });
}

#[test]
fn prefixes_are_put_before_the_text_of_their_role() {
    let mut manifest = common::manifest();
    manifest.recipe.prefixes.query = "query: ".to_owned();
    let prefixed = load(&manifest, None, None).unwrap();
    assert_ne!(prefixed.space(), common::embedder().space(), "another space");
    let plain = common::embedder();
    assert_eq!(embed(&prefixed, "cats", Role::Query), embed(plain, "query: cats", Role::Query));
    assert_eq!(embed(&prefixed, "cats", Role::Document), embed(plain, "cats", Role::Document));
}

#[test]
fn filling_up_to_a_fixed_length_changes_no_vector() {
    let mut manifest = common::manifest();
    manifest.recipe.max_tokens = 48;
    manifest.recipe.padding = Padding::Fixed(48);
    let fixed = load(&manifest, None, None).unwrap();
    for text in ["", "short", "a somewhat longer text, with a comma and a full stop."] {
        let difference = largest_difference(
            &embed(&fixed, text, Role::Query),
            &embed(common::embedder(), text, Role::Query),
        );
        assert!(difference < 1e-5, "{text:?}: {difference}");
    }
}

#[test]
fn a_broken_model_file_is_an_error_that_names_it() {
    let manifest = common::manifest();
    let folder = TempDir::new().unwrap();
    let cut = folder.path().join("cut.onnx");
    let bytes = fs::read(common::model_folder().join("model.onnx")).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert!(unusable(load(&manifest, Some(cut), None)).contains("cut.onnx"), "cut short");

    let text = folder.path().join("text.onnx");
    fs::write(&text, "not a graph at all").unwrap();
    assert!(unusable(load(&manifest, Some(text), None)).contains("text.onnx"), "a text file");

    let empty = folder.path().join("empty.onnx");
    fs::write(&empty, "").unwrap();
    assert!(unusable(load(&manifest, Some(empty), None)).contains("empty.onnx"), "an empty file");

    let missing = folder.path().join("missing.onnx");
    assert!(unusable(load(&manifest, Some(missing), None)).contains("missing.onnx"), "no file");
}

#[test]
fn a_broken_tokenizer_is_an_error_that_names_it() {
    let manifest = common::manifest();
    let folder = TempDir::new().unwrap();
    let cut = folder.path().join("cut.json");
    let bytes = fs::read(common::model_folder().join("tokenizer.json")).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert!(unusable(load(&manifest, None, Some(cut))).contains("cut.json"), "cut short");
    let missing = folder.path().join("missing.json");
    assert!(unusable(load(&manifest, None, Some(missing))).contains("missing.json"), "no file");
}

#[test]
fn a_model_that_is_not_its_manifests_is_refused() {
    let with = |change: fn(&mut Manifest)| {
        let mut manifest = common::manifest();
        change(&mut manifest);
        unusable(load(&manifest, None, None))
    };
    let reason = with(|manifest| manifest.recipe.dims = Dims::new(768).unwrap());
    assert!(reason.contains("384") && reason.contains("768"), "found and expected: {reason}");
    let reason = with(|manifest| manifest.recipe.graph.output = "pooled".to_owned());
    assert!(reason.contains("pooled") && reason.contains("sentence_embedding"), "{reason}");
    let reason = with(|manifest| manifest.recipe.graph.input_ids = "tokens".to_owned());
    assert!(reason.contains("tokens") && reason.contains("input_ids"), "{reason}");
    let reason =
        with(|manifest| manifest.recipe.graph.input_ids.clone_from(&manifest.recipe.graph.attention_mask));
    assert!(reason.contains("input_ids"), "an input nobody would feed: {reason}");
}
