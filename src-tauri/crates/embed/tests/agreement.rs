//! Whether a server's vectors are of this machine's space, with the tiny Qwen3 by both of its recipes; and the
//! accuracy report over two embedders.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use half::f16;
use papr_embed::{Agreement, EmbedOptions, Incomparable, ModelEmbedder, SpaceMatch, compare};
use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest};

/// A handful of memories, from a word to more than 32 tokens.
const MEMORIES: [&str; 6] = [
    "The landlord wants the heating bill before the end of the month.",
    "Anna prefers the window seat and never flies on Mondays.",
    "Deploys are frozen from Thursday evening on.",
    "keys",
    "The planning page must answer within two seconds on a slow phone. The team agreed to cache the calendar for \
     five minutes, to load pictures late, and to measure again in spring before anything else is promised.",
    "We chose sled for the store because it needs no server.",
];

fn load(recipe: &str) -> ModelEmbedder {
    let folder = common::project().join("vendor/test-models").join(recipe);
    assert!(folder.exists(), "{} is missing: run make test (it makes it)", folder.display());
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    ModelEmbedder::load(
        &common::runtime(),
        &Manifest::from_json(&manifest).unwrap(),
        &folder.join("model.onnx"),
        &folder.join("tokenizer.json"),
        &EmbedOptions::default(),
    )
    .unwrap()
}

fn vectors(embedder: &ModelEmbedder) -> Vec<Vec<f32>> {
    let embedded = embedder.embed(&MEMORIES, Role::Document, Lane::Background, &CancelToken::new()).unwrap();
    embedded.vectors.into_iter().map(|vector| vector.unwrap().as_slice().to_vec()).collect()
}

/// As a server may keep them: in half precision, and not 1 long.
fn kept(vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let half = |value: &f32| f16::from_f32(value * 3.0).to_f32();
    vectors.iter().map(|vector| vector.iter().map(half).collect()).collect()
}

fn decide(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> SpaceMatch {
    let pairs: Vec<(&[f32], &[f32])> =
        ours.iter().zip(theirs).map(|(ours, theirs)| (ours.as_slice(), theirs.as_slice())).collect();
    Agreement::of(&pairs).unwrap().decide()
}

#[test]
fn a_server_of_the_same_recipe_is_found_out_and_one_of_another_too() {
    let both = ["tiny-qwen3-official", "tiny-qwen3-papr-mean4"].map(|recipe| vectors(&load(recipe)));
    for (place, ours) in both.iter().enumerate() {
        let same = decide(ours, &kept(ours));
        assert!(matches!(same, SpaceMatch::Same(found) if found.min_cosine > 0.999), "{}", same.describe());
        let other = decide(ours, &kept(&both[1 - place]));
        println!("{}; {}", same.describe(), other.describe());
        assert!(
            matches!(other, SpaceMatch::Different(found) if found.max_cosine < 0.98),
            "{}",
            other.describe()
        );
        assert!(other.describe().starts_with("not the same space: cosine 0."), "{}", other.describe());
    }
    let mut one_changed = kept(&both[0]);
    one_changed[2] = one_changed[1].clone();
    let decided = decide(&both[0], &one_changed);
    assert!(
        matches!(decided, SpaceMatch::Different(_)),
        "one wrong vector is enough: {}",
        decided.describe()
    );
}

#[test]
fn a_server_of_other_dims_is_refused() {
    let ours = vectors(&load("tiny-qwen3-official"));
    let wide = vec![0.1; 2560];
    let pairs = [(ours[0].as_slice(), wide.as_slice())];
    assert_eq!(Agreement::of(&pairs), Err(Incomparable::Dims { ours: ours[0].len(), theirs: 2560 }));
}

#[test]
fn an_accuracy_report_over_two_embedders() {
    let open = load("tiny-qwen3-official");
    let report = compare(&open, &open, &MEMORIES, Role::Query, &CancelToken::new()).unwrap();
    assert!(report.pairs == MEMORIES.len() && report.min_cosine > 0.999_999, "{report:?}");
    let other = load("tiny-qwen3-papr-mean4");
    let report = compare(&open, &other, &MEMORIES, Role::Document, &CancelToken::new()).unwrap();
    assert!(report.max_cosine < 0.98 && report.max_distance > 0.2, "{report:?}");
    let cancel = CancelToken::new();
    cancel.cancel();
    assert!(compare(&open, &other, &MEMORIES, Role::Document, &cancel).is_err());
}
