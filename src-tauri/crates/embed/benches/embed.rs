//! What a query and a background job cost, model loaded and warm.
//!
//! Texts are made of common words, one token each, so that a length in tokens is exact. Run it on an idle
//! machine: `cargo bench -p papr-embed`.

#![allow(missing_docs, clippy::unwrap_used)] // what the macros make; a bench fails by panicking

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use papr_memory::CancelToken;
use papr_memory::ports::{Embedder, Lane, Role};

const WORDS: [&str; 12] = [
    "water", "house", "night", "music", "river", "paper", "light", "stone", "green", "table", "voice",
    "winter",
];

/// A text of `tokens` tokens, the two special ones included.
fn text(tokens: usize) -> String {
    WORDS.iter().cycle().take(tokens - 2).copied().collect::<Vec<_>>().join(" ")
}

fn query(criterion: &mut Criterion) {
    let embedder = common::embedder();
    let cancel = CancelToken::new();
    let mut group = criterion.benchmark_group("query");
    for tokens in [12, 32, 64, 128, 256] {
        let text = text(tokens);
        group.throughput(Throughput::Elements(tokens as u64));
        group.bench_with_input(BenchmarkId::from_parameter(tokens), &text, |bencher, text| {
            bencher.iter(|| {
                black_box(embedder.embed(&[text], Role::Query, Lane::Interactive, &cancel)).unwrap();
            });
        });
    }
    group.finish();
}

fn background(criterion: &mut Criterion) {
    let embedder = common::embedder();
    let cancel = CancelToken::new();
    let texts: Vec<String> = (0..64).map(|number| text(8 + number * 37 % 120)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut group = criterion.benchmark_group("background");
    group.sample_size(10).throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("64 mixed texts", |bencher| {
        bencher.iter(|| {
            black_box(embedder.embed(&texts, Role::Document, Lane::Background, &cancel)).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, query, background);
criterion_main!(benches);
