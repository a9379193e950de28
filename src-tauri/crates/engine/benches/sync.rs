//! What sync costs: the first one of 300 + 1,000 memories with the server's float vectors, a check without news, and
//! searches while 1,000 changes come. Against the fake Papr on the loopback, at the lowest priority, since the real one
//! is another machine; with the real store and model.
//!
//! `cargo bench -p papr-engine --bench sync`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a benchmark prints, and stops where it cannot go on

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papr_credentials::InMemory;
use papr_engine::{Config, Engine, KeyPlace, Resources, Scope, ServerVectors, Status, SyncPhase};
use papr_fake::{Edit, FakePapr, NewMemory, Options};
use papr_memory::{CancelToken, Mode, Query};
use thread_priority::ThreadPriority;

const KEY: &str = "key-bench-0123456789";
const QUESTIONS: [&str; 5] =
    ["what did we promise", "coffee", "who looks after the boiler", "INC-2041", "half marathon in spring"];

/// Syncs of 1,000 changes.
const ROUNDS: usize = 32;

/// Milliseconds at this share of the sorted times.
fn at(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let rank = ((times.len() - 1) as f64 * share).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rank within the list
    times.get(rank as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Searches one after the other until told to stop.
fn search_until(engine: &Engine, done: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    for question in QUESTIONS.iter().cycle() {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let query = Query::new(question, 10, None, Mode::Hybrid).unwrap();
        let begun = Instant::now();
        engine.search(&query, &CancelToken::new()).unwrap();
        times.push(begun.elapsed());
        // A person who types.
        thread::sleep(Duration::from_millis(20));
    }
    times
}

fn searches_for(engine: &Engine, time: Duration) -> Vec<Duration> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let searching = scope.spawn(|| search_until(engine, &done));
        thread::sleep(time);
        done.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    })
}

/// An engine on a folder of its own, with its model loaded.
fn open(folder: &Path) -> Engine {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor").canonicalize().unwrap();
    let config = Config::new(folder.join("data"), Resources::in_folder(&vendor));
    let engine = Engine::open(Config { keychain: Arc::new(InMemory::new()), ..config }).unwrap();
    engine.start().unwrap();
    engine.wait_ready();
    engine
}

fn sign_in(engine: &Engine, papr: &FakePapr) {
    engine.sign_in(KEY.to_owned(), Some(&papr.url()), KeyPlace::Keychain, &CancelToken::new()).unwrap();
}

/// A sync by the worker, as a window asks for one; how many changes came.
fn sync_as_asked(engine: &Engine) -> usize {
    let before = engine.status().sync.succeeded_at;
    engine.ask_for_sync(false).unwrap();
    let over = |status: &Status| status.sync.succeeded_at > before && status.sync.phase == SyncPhase::Idle;
    engine.wait_until(over).sync.received
}

/// A Papr whose threads make way for everything else here.
fn far_away() -> FakePapr {
    thread::spawn(|| {
        ThreadPriority::Min.set_for_current().unwrap();
        FakePapr::start(Options::new().key(KEY, "bench").seed(7)).unwrap()
    })
    .join()
    .unwrap()
}

fn waited_for_papr(engine: &Engine) -> u32 {
    engine.ledger(1_000).unwrap().entries.iter().map(|entry| entry.ms).sum()
}

fn report(what: &str, times: &mut [Duration]) {
    let (p50, p95) = (at(times, 0.5), at(times, 0.95));
    println!("search {what}: p50 {p50:.1} ms, p95 {p95:.1} ms, {} searches", times.len());
}

fn main() {
    let papr = far_away();
    for number in 0..300 {
        let text =
            format!("Goal {number}: bring the waiting time of service {} below {number} ms", number % 17);
        papr.add("bench", NewMemory::goal(text)).unwrap();
    }
    let notes: Vec<String> = (0..1_000)
        .map(|number| {
            let text = format!("Note {number}: the customer of case {} asked for a call back", number * 7);
            papr.add("bench", NewMemory::text(text)).unwrap()
        })
        .collect();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());

    let engine = open(first.path());
    engine.sync_on_demand_only();
    sign_in(&engine, &papr);
    engine.set_server_vectors(ServerVectors::Float).unwrap();
    let (before, begun) = (waited_for_papr(&engine), Instant::now());
    let done = engine.sync(Scope::Snapshot, &CancelToken::new()).unwrap();
    let (whole, server) = (begun.elapsed(), waited_for_papr(&engine) - before);
    println!(
        "first sync with float vectors: {} memories, {} vectors, {:.0} ms, {server} ms of it until answers were whole",
        done.pulled.created,
        engine.server_vectors().unwrap(),
        whole.as_secs_f64() * 1e3,
    );
    drop(engine);

    let engine = open(second.path());
    sign_in(&engine, &papr);
    engine.sync(Scope::Snapshot, &CancelToken::new()).unwrap();
    engine.wait_until(|status| status.pending == 0);
    report("idle", &mut searches_for(&engine, Duration::from_secs(5)));
    let (mut during, mut received) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        for (number, id) in notes.iter().enumerate() {
            let edit = Edit::topics(&["calls", if (round + number) % 2 == 0 { "even" } else { "odd" }]);
            papr.edit("bench", id, edit).unwrap();
        }
        let done = AtomicBool::new(false);
        during.extend(thread::scope(|scope| {
            let searching = scope.spawn(|| search_until(&engine, &done));
            received += sync_as_asked(&engine);
            done.store(true, Ordering::Relaxed);
            searching.join().unwrap()
        }));
    }
    report(&format!("while syncs of {} changes run", received / ROUNDS), &mut during);
    let (before, requests) = (papr.traffic(), engine.ledger(0).unwrap().all.requests);
    let begun = Instant::now();
    let done = engine.sync(Scope::Delta, &CancelToken::new()).unwrap();
    let (took, after) = (begun.elapsed(), papr.traffic());
    println!(
        "a check without news: {} bytes over the wire, {} request(s), {} operation(s), {:.1} ms",
        after.bytes_in - before.bytes_in + after.bytes_out - before.bytes_out,
        engine.ledger(0).unwrap().all.requests - requests,
        done.operations,
        took.as_secs_f64() * 1e3,
    );
}
