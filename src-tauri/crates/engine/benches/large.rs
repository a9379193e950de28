//! The engine with 100,000 memories: the real store and the real model, texts put together from real sentences,
//! vectors that lie among those of real texts. `cargo bench -p papr-engine --bench large`.
//!
//! The first run writes the store (`target/bench-100k`, by a process of its own, so that the memory told at the end is
//! that of opening and searching alone). It needs the vectors of `--bench vectors`, and is without clusters otherwise.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench that cannot be set up should stop

#[path = "../../index/benches/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use common::{Numbers, Set};
use jiff::Timestamp;
use papr_engine::{Config, Engine, IndexState, NewMemory, Resources, Status};
use papr_memory::ports::{Store, VectorRecord};
use papr_memory::{
    CancelToken, Content, Filters, Memory, MemoryId, Mode, Query, Space, Tier, Timings, Vector,
};
use papr_store::SledStore;

const MEMORIES: usize = 100_000;
const SAMPLES: &str = include_str!("../data/samples.jsonl");
const QUESTIONS: &str = include_str!("../../../../tests/data/samples-eval/queries.jsonl");
/// Topics, a tenth of the memories in each.
const TOPICS: [&str; 10] =
    ["work", "home", "garden", "travel", "health", "music", "school", "money", "food", "friends"];
/// Memories written to the store at a time.
const BATCH: usize = 1_000;
/// The argument of the process that writes the store: the folder follows.
const SET_UP: &str = "set-up";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

fn resources() -> Resources {
    Resources::in_folder(&root().join("vendor"))
}

fn main() {
    let folder = root().join("target/bench-100k");
    if env::args().any(|argument| argument == SET_UP) {
        return set_up(&folder);
    }
    if !folder.exists() {
        assert!(Command::new(env::current_exe().unwrap()).arg(SET_UP).status().unwrap().success());
    }
    for _ in 0..3 {
        open(&folder);
    }
    let engine = open(&folder);
    println!("{} opened", memory());
    searches(&engine, "hybrid", &Filters::default(), Mode::Hybrid);
    searches(&engine, "words", &Filters::default(), Mode::Words);
    let topic = Filters { topics: vec!["garden".to_owned()], ..Filters::default() };
    searches(&engine, "one topic of ten", &topic, Mode::Hybrid);
    searches(&engine, "goals", &Filters::tier(Some(Tier::Goals)), Mode::Hybrid);
    println!("{} searched", memory());
    adds(&engine);
    println!("{} at the end", memory());
}

/// The whole store, as an engine that embedded all of it would have left it.
fn set_up(folder: &Path) {
    let making = folder.with_extension("making");
    let _ = fs::remove_dir_all(&making);
    let space = {
        let engine = Engine::open(Config::new(&making, resources())).unwrap();
        engine.start().unwrap();
        engine.wait_ready();
        let text = engine.status().model.fingerprint.unwrap();
        Space { fingerprint: serde_json::from_value(text.into()).unwrap(), dims: Set::new(1, 384).dims() }
    };
    let sentences = sentences();
    let vectors = Set::new(MEMORIES, 384).memories();
    let store = SledStore::open(&making.join("memories"), Timestamp::now()).unwrap();
    let mut numbers = Numbers(13);
    let start = Timestamp::now();
    for (batch, vectors) in vectors.chunks(BATCH).enumerate() {
        let memories: Vec<Memory> =
            (0..vectors.len()).map(|at| memory_of(batch * BATCH + at, &sentences, &mut numbers)).collect();
        store.insert(&memories).unwrap();
        let records: Vec<VectorRecord> =
            memories.iter().zip(vectors).map(|(memory, (_, vector))| record(memory, vector)).collect();
        assert_eq!(store.put_vectors(&space, &records).unwrap(), vectors.len());
    }
    drop(store);
    println!("written in {:.0} s", (Timestamp::now() - start).total(jiff::Unit::Second).unwrap());
    fs::rename(&making, folder).unwrap();
}

fn record(memory: &Memory, vector: &Vector) -> VectorRecord {
    VectorRecord { id: memory.id, content: memory.content.clone(), vector: vector.clone() }
}

/// Three sentences of the samples, no two memories alike; one in ten is a goal.
fn memory_of(number: usize, sentences: &[String], numbers: &mut Numbers) -> Memory {
    let mut pick = || &sentences[numbers.below(sentences.len())];
    let text = format!("{} {} {} Note {number}.", pick(), pick(), pick());
    let tier = if number.is_multiple_of(10) { Tier::Goals } else { Tier::Memories };
    let mut memory = Memory::new(Content::new(text).unwrap(), tier, Timestamp::now());
    memory.topics = vec![TOPICS[number / 10 % 10].to_owned()];
    memory
}

fn lines(file: &str, field: &str) -> Vec<String> {
    let text =
        |line| serde_json::from_str::<serde_json::Value>(line).unwrap()[field].as_str().unwrap().to_owned();
    file.lines().map(text).collect()
}

fn sentences() -> Vec<String> {
    let contents = lines(SAMPLES, "content");
    contents
        .iter()
        .flat_map(|content| content.split_inclusive(['.', '\n']))
        .map(|sentence| sentence.trim().to_owned())
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// Opens the folder and tells when what can be used.
fn open(folder: &Path) -> Engine {
    let began = Instant::now();
    let engine = Engine::open(Config::new(folder, resources())).unwrap();
    let opened = began.elapsed();
    engine.start().unwrap();
    let at = |what: fn(&Status) -> bool| {
        engine.wait_until(what);
        began.elapsed().as_secs_f64()
    };
    let words = at(|status| status.index == IndexState::Ready);
    let meaning = at(Status::model_is_done);
    let whole = engine.status();
    assert_eq!((whole.counts.total(), whole.pending), (MEMORIES, 0), "all is there: {whole:?}");
    println!(
        "opening: store {:.2} s, words of all {words:.2} s, meaning of all {meaning:.2} s",
        opened.as_secs_f64()
    );
    engine
}

fn searches(engine: &Engine, name: &str, filters: &Filters, mode: Mode) {
    let questions = lines(QUESTIONS, "text");
    let search = |text: &String| {
        let query = Query::new(text, 12, None, mode).unwrap().among(filters.clone());
        let began = Instant::now();
        let reply = engine.search(&query, &CancelToken::new()).unwrap();
        (began.elapsed(), reply.timings)
    };
    let mut times: Vec<(Duration, Timings)> = Vec::new();
    for _ in 0..10 {
        times.extend(questions.iter().map(search));
    }
    let spread = |part: &dyn Fn(&(Duration, Timings)) -> u64| {
        let mut micros: Vec<u64> = times.iter().map(part).collect();
        micros.sort_unstable();
        let at = |percent: usize| micros[(micros.len() - 1) * percent / 100] as f64 / 1000.0;
        format!("{:.2} / {:.2} / {:.2}", at(50), at(95), at(99))
    };
    println!(
        "{name}: whole {} ms, without embedding {}, vectors {}, words {}, fetching {} (p50 / p95 / p99 of {})",
        spread(&|(whole, _)| u64::try_from(whole.as_micros()).unwrap()),
        spread(&|(_, timings)| timings.total - timings.embed - timings.tokenize),
        spread(&|(_, timings)| timings.vector),
        spread(&|(_, timings)| timings.words),
        spread(&|(_, timings)| timings.fetch),
        times.len(),
    );
}

/// One memory after the other, each added and then found by its word; taken away again.
fn adds(engine: &Engine) {
    let mut times = Vec::new();
    let mut made: Vec<MemoryId> = Vec::new();
    for number in 0..200 {
        let word = format!("zebrafinch{number:05}");
        let new = NewMemory { content: format!("We saw {word} today."), ..NewMemory::default() };
        let began = Instant::now();
        made.push(engine.add(new).unwrap().id);
        let query = Query::new(&word, 12, None, Mode::Words).unwrap();
        let reply = engine.search(&query, &CancelToken::new()).unwrap();
        times.push(began.elapsed());
        assert_eq!(reply.hits[0].memory.id, made[number]);
    }
    times.sort_unstable();
    println!("one added and found by word: p50 {:.2?}, p95 {:.2?}", times[100], times[190]);
    engine.delete(&made).unwrap();
}

/// What the process holds and held at most.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1000
    };
    format!("memory {} MB, at most {} MB:", of("VmRSS"), of("VmHWM"))
}
