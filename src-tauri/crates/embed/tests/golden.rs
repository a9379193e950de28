//! Our conversion of all-MiniLM-L6-v2 makes the vectors that its reference implementation makes.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Vector};
use serde_json::Value;

struct Golden {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    let path = common::project().join("tests/data/minilm-golden.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    Golden {
        texts: serde_json::from_value(json["texts"].clone()).unwrap(),
        vectors: serde_json::from_value(json["vectors"].clone()).unwrap(),
    }
}

/// Cosine in double precision, so that the comparison adds no error of its own.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

fn embed(embedder: &dyn Embedder, texts: &[&str], lane: Lane) -> Vec<Vector> {
    let embedded = embedder.embed(texts, Role::Document, lane, &CancelToken::new()).unwrap();
    embedded.vectors.into_iter().map(Result::unwrap).collect()
}

#[test]
fn vectors_are_those_of_the_reference() {
    let golden = golden();
    let embedder = common::embedder();
    assert_eq!(golden.texts.len(), golden.vectors.len());
    let (mut least, mut most) = (1.0_f64, 0.0_f32);
    for (text, expected) in golden.texts.iter().zip(&golden.vectors) {
        let vector = &embed(embedder, &[text], Lane::Interactive)[0];
        let found = cosine(vector.as_slice(), expected);
        least = least.min(found);
        most = most.max(largest_difference(vector.as_slice(), expected));
        assert!(found >= 0.99999, "cosine {found} for {:?}…", text.chars().take(60).collect::<String>());
    }
    println!("{} texts: least cosine {least:.9}, largest difference {most:.2e}", golden.texts.len());
}

#[test]
fn a_batch_changes_no_vector() {
    let golden = golden();
    let embedder = common::embedder();
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let together = embed(embedder, &texts, Lane::Background);
    let mut most = 0.0_f32;
    for (text, vector) in texts.iter().zip(&together) {
        let alone = &embed(embedder, &[text], Lane::Background)[0];
        most = most.max(largest_difference(alone.as_slice(), vector.as_slice()));
    }
    println!("largest difference between alone and together: {most:.2e}");
    assert!(most <= 1e-5, "{most}");
}
