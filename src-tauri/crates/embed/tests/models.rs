//! Models beside the built-in one: of 8-bit integers, and the tiny Qwen3 by text.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::path::Path;

use papr_embed::{EmbedOptions, ModelEmbedder};
use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Precision, Vector};

fn load(folder: &str, options: &EmbedOptions) -> (Manifest, ModelEmbedder) {
    let folder = common::project().join("vendor").join(folder);
    assert!(folder.exists(), "{} is missing: run make test (it makes it)", folder.display());
    let manifest =
        Manifest::from_json(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let file = |name: &str| Path::new(&folder).join(name);
    let embedder = ModelEmbedder::load(
        &common::runtime(),
        &manifest,
        &file("model.onnx"),
        &file("tokenizer.json"),
        options,
    );
    (manifest, embedder.unwrap())
}

fn embed(embedder: &ModelEmbedder, texts: &[&str], role: Role) -> Vec<Vector> {
    let embedded = embedder.embed(texts, role, Lane::Background, &CancelToken::new()).unwrap();
    embedded.vectors.into_iter().map(Result::unwrap).collect()
}

const TEXTS: [&str; 4] = [
    "keys",
    "quarterly goals of the design team",
    "The heating bill of last winter is due before the end of the month.",
    "a text, with a comma; and the same words as the first: keys",
];

#[test]
fn neighbours_do_not_change_a_vector_of_8_bit_integers() {
    let (manifest, embedder) = load("models/all-minilm-l6-v2-int8", &EmbedOptions::default());
    assert_eq!(manifest.recipe.precision, Precision::Int8);
    let together = embed(&embedder, &TEXTS, Role::Document);
    let float = embed(common::embedder(), &TEXTS, Role::Document);
    for ((text, together), float) in TEXTS.iter().zip(&together).zip(&float) {
        assert_eq!(&embed(&embedder, &[text], Role::Document)[0], together, "to the last bit: {text:?}");
        assert!(together.cosine(float) > 0.97, "near the float model's: {}", together.cosine(float));
    }
    assert_ne!(*embedder.space(), *common::embedder().space(), "and yet another space");
}

#[test]
fn qwen3_by_text_alone_together_and_of_fixed_length() {
    for (folder, asks_differently) in
        [("test-models/tiny-qwen3-official", true), ("test-models/tiny-qwen3-papr-mean4", false)]
    {
        let (_, open) = load(folder, &EmbedOptions::default());
        let (_, fixed) = load(folder, &EmbedOptions { static_shapes: true, ..EmbedOptions::default() });
        let together = embed(&open, &TEXTS, Role::Document);
        for (text, together) in TEXTS.iter().zip(&together) {
            for other in [&open, &fixed] {
                let alone = embed(other, &[text], Role::Document).remove(0);
                let pairs = alone.as_slice().iter().zip(together.as_slice());
                let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(most < 1e-5, "{folder}, {text:?}: {most:.2e}");
            }
            let query = embed(&open, &[text], Role::Query).remove(0);
            let differs = query.cosine(together) < 0.9999;
            assert_eq!(differs, asks_differently, "{folder}: the instruction is the query's alone");
        }
        embed(&open, &[""], Role::Document);
    }
}
