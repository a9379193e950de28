//! Writes vectors of real texts for `papr-index` to be timed on: `cargo bench -p papr-engine --bench vectors`.
//!
//! `target/vectors/texts-384.f32` holds the 10,000 memories of `cargo bench -p papr-engine --bench search`,
//! `questions-384.f32` the sentences of the sample memories and the questions over them, embedded as queries:
//! rows of 384 little-endian 32-bit floats. Files that are there already are kept.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // what cannot be set up should stop

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use papr_embed::{EmbedOptions, ModelEmbedder};
use papr_memory::ports::{Embedder, Lane, Role, Store};
use papr_memory::{CancelToken, Manifest, Vector};
use papr_store::SledStore;

const SAMPLES: &str = include_str!("../data/samples.jsonl");
const QUESTIONS: &str = include_str!("../../../../tests/data/samples-eval/queries.jsonl");
/// How many queries are written: all the questions, and sentences from all over the samples.
const QUERIES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

fn main() {
    let folder = root().join("target/vectors");
    fs::create_dir_all(&folder).unwrap();
    let (texts, questions) = (folder.join("texts-384.f32"), folder.join("questions-384.f32"));
    if texts.exists() && questions.exists() {
        return;
    }
    let embedder = embedder();
    fs::write(&questions, bytes(&queries(&embedder))).unwrap();
    let memories = root().join("target/bench-10k/memories");
    assert!(
        memories.exists(),
        "run `cargo bench -p papr-engine --bench search` first: it embeds the memories"
    );
    let store = SledStore::open(&memories, Timestamp::now()).unwrap();
    let mut vectors = Vec::new();
    store.vectors(embedder.space(), &mut |_, vector| vectors.push(vector)).unwrap();
    fs::write(&texts, bytes(&vectors)).unwrap();
    println!("{} vectors in {}", vectors.len(), folder.display());
}

fn embedder() -> ModelEmbedder {
    let (runtime, model) = (root().join("vendor/onnxruntime"), root().join("vendor/models/all-minilm-l6-v2"));
    let library = match std::env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.1.28.0.dylib",
        _ => "libonnxruntime.so.1.28.0",
    };
    let manifest = Manifest::from_json(&fs::read_to_string(model.join("manifest.json")).unwrap()).unwrap();
    let [onnx, tokenizer] = ["model.onnx", "tokenizer.json"].map(|name| model.join(name));
    ModelEmbedder::load(&runtime.join(library), &manifest, &onnx, &tokenizer, &EmbedOptions::default())
        .unwrap()
}

fn queries(embedder: &ModelEmbedder) -> Vec<Vector> {
    let texts = |lines: &str, key: &str| -> Vec<String> {
        let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        lines.lines().map(|line| value(line)[key].as_str().unwrap().to_owned()).collect()
    };
    let mut queries = texts(QUESTIONS, "text");
    let contents = texts(SAMPLES, "content");
    let sentences: BTreeSet<&str> = contents
        .iter()
        .flat_map(|content| content.split_inclusive(['.', '\n']))
        .map(str::trim)
        .filter(|sentence| sentence.len() > 20)
        .collect();
    let step = sentences.len().div_ceil(QUERIES - queries.len()).max(1);
    queries.extend(sentences.into_iter().step_by(step).map(str::to_owned));
    let embed = |text: &String| {
        let found = embedder.embed(&[text], Role::Query, Lane::Background, &CancelToken::new()).unwrap();
        found.vectors.into_iter().next().unwrap().unwrap()
    };
    queries.iter().map(embed).collect()
}

fn bytes(vectors: &[Vector]) -> Vec<u8> {
    vectors.iter().flat_map(Vector::as_slice).flat_map(|number| number.to_le_bytes()).collect()
}
