//! Searches end to end over 10,000 memories: the real store, the real model. `cargo bench -p papr-engine`.
//!
//! The first run embeds the 10,000 (some minutes) into `target/bench-10k`; later runs use them again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a bench that cannot be set up should stop

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use papr_engine::{Config, Engine, Resources};
use papr_memory::{CancelToken, Mode, Query, Timings};

const MEMORIES: usize = 10_000;
const SAMPLES: &str = include_str!("../data/samples.jsonl");

/// Questions of different lengths; each is new to the tokenizer's and the processor's caches after the others.
const QUERIES: [&str; 6] = [
    "coffee",
    "who owns the payment service",
    "what did we decide about the message queue and why",
    "how fast must the scheduling page answer on a slow phone",
    "INC-2041",
    "recipe for a quick dinner without meat that children like",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// The sample memories' sentences, put together anew until there are enough.
fn corpus() -> String {
    let contents: Vec<String> = SAMPLES
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["content"].as_str().unwrap().to_owned()
        })
        .collect();
    let sentences: Vec<&str> =
        contents.iter().flat_map(|content| content.split_inclusive(['.', '\n'])).map(str::trim).collect();
    let pick =
        |number: usize, step: usize| sentences[(number * step + number / sentences.len()) % sentences.len()];
    (0..MEMORIES)
        .map(|number| {
            let content =
                format!("{} {} {} Note {number}.", pick(number, 7), pick(number, 31), pick(number, 113));
            serde_json::json!({ "content": content, "tier": u8::from(number % 10 != 0) }).to_string() + "\n"
        })
        .collect()
}

fn engine() -> Engine {
    let config = Config::new(root().join("target/bench-10k"), Resources::in_folder(&root().join("vendor")));
    let engine = Engine::open(config).unwrap();
    engine.import(&mut corpus().as_bytes(), Path::new("corpus"), &CancelToken::new(), &mut |_| {}).unwrap();
    engine.start().unwrap();
    let status = engine.wait_ready();
    assert!(status.model.problem.is_none(), "{:?}", status.model.problem);
    engine.wait_until(|status| status.pending == 0);
    engine
}

fn searches(criterion: &mut Criterion) {
    let engine = engine();
    let mut group = criterion.benchmark_group("10,000 memories");
    for mode in [Mode::Hybrid, Mode::Meaning, Mode::Words] {
        let queries = QUERIES.map(|text| Query::new(text, 12, None, mode).unwrap());
        let mut next = queries.iter().cycle();
        group.bench_function(mode.to_string(), |bencher| {
            bencher.iter(|| black_box(engine.search(next.next().unwrap(), &CancelToken::new()).unwrap()));
        });
    }
    group.finish();
    without_embedding(&engine);
}

/// What a search costs besides the model: medians over many, from the replies' own timings.
fn without_embedding(engine: &Engine) {
    type Part = fn(&Timings) -> u64;
    let timings: Vec<Timings> = QUERIES
        .iter()
        .cycle()
        .take(600)
        .map(|text| {
            let query = Query::new(text, 12, None, Mode::Hybrid).unwrap();
            engine.search(&query, &CancelToken::new()).unwrap().timings
        })
        .collect();
    let parts: [(&str, Part); 4] = [
        ("all", |timings| timings.total - timings.embed - timings.tokenize),
        ("vector", |timings| timings.vector),
        ("words", |timings| timings.words),
        ("fetch", |timings| timings.fetch),
    ];
    for (name, part) in parts {
        let mut micros: Vec<u64> = timings.iter().map(part).collect();
        micros.sort_unstable();
        let at = |percent: usize| micros[micros.len() * percent / 100] as f64 / 1000.0;
        println!(
            "10,000 memories/hybrid without embedding, {name}: p50 {:.3} ms, p95 {:.3} ms",
            at(50),
            at(95)
        );
    }
}

fn start(criterion: &mut Criterion) {
    drop(engine());
    let config =
        || Config::new(root().join("target/bench-10k"), Resources::in_folder(&root().join("vendor")));
    let query = Query::new(QUERIES[1], 12, None, Mode::Hybrid).unwrap();
    criterion.bench_function("start to first result, 10,000 memories", |bencher| {
        bencher.iter(|| {
            let engine = Engine::open(config()).unwrap();
            engine.start().unwrap();
            engine.wait_ready();
            black_box(engine.search(&query, &CancelToken::new()).unwrap())
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = searches, start
}
criterion_main!(benches);
