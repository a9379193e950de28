//! What sync costs: the first one of 300 + 1,000 memories with the server's float vectors, a check without news, and
//! searches while a sync runs. Against the fake Papr on the loopback, with the real store and model.
//!
//! `cargo bench -p papr-engine --bench sync`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a benchmark prints, and stops where it cannot go on

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papr_credentials::InMemory;
use papr_engine::{Config, Engine, KeyPlace, Resources, Scope, ServerVectors};
use papr_fake::{FakePapr, NewMemory, Options};
use papr_memory::{CancelToken, Mode, Query};

const KEY: &str = "key-bench-0123456789";
const QUESTIONS: [&str; 5] =
    ["what did we promise", "coffee", "who looks after the boiler", "INC-2041", "half marathon in spring"];

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

fn main() {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor").canonicalize().unwrap();
    let papr = FakePapr::start(Options::new().key(KEY, "bench").seed(7)).unwrap();
    for number in 0..300 {
        let text =
            format!("Goal {number}: bring the waiting time of service {} below {number} ms", number % 17);
        papr.add("bench", NewMemory::goal(text)).unwrap();
    }
    for number in 0..1_000 {
        let text = format!(
            "Note {number}: the customer of case {} asked for a call back on day {}",
            number * 7,
            number % 28
        );
        papr.add("bench", NewMemory::text(text)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("data"), Resources::in_folder(&vendor));
    let engine = Engine::open(Config { keychain: Arc::new(InMemory::new()), ..config }).unwrap();
    engine.start().unwrap();
    engine.wait_ready();
    engine.add_samples().unwrap();
    engine.wait_until(|status| status.pending == 0);
    engine.pause_sync(true).unwrap();
    engine.sign_in(KEY.to_owned(), Some(&papr.url()), KeyPlace::Keychain, &CancelToken::new()).unwrap();
    engine.set_server_vectors(ServerVectors::Float).unwrap();

    let mut idle = searches_for(&engine, Duration::from_secs(3));
    let done = AtomicBool::new(false);
    let mut during = thread::scope(|scope| {
        let searching = scope.spawn(|| search_until(&engine, &done));
        let begun = Instant::now();
        let report = engine.sync(Scope::Snapshot, &CancelToken::new()).unwrap();
        let whole = begun.elapsed();
        let server: u32 = engine.ledger(10).unwrap().entries.iter().map(|entry| entry.ms).sum();
        println!(
            "first sync: {} memories, {} vectors, {:.0} ms in all, {server} ms of it waiting for the server",
            report.pulled.created,
            engine.server_vectors().unwrap(),
            whole.as_secs_f64() * 1e3,
        );
        done.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    });
    let begun = Instant::now();
    let mut embedding = searches_for(&engine, Duration::from_secs(3));
    engine.wait_until(|status| status.pending == 0);
    println!("embedded in the background {:.1} s after it", begun.elapsed().as_secs_f64());
    for (what, times) in [
        ("idle", &mut idle),
        ("while the first sync runs", &mut during),
        ("while what came is embedded", &mut embedding),
    ] {
        println!(
            "search {what}: p50 {:.1} ms, p95 {:.1} ms, {} searches",
            at(times, 0.5),
            at(times, 0.95),
            times.len()
        );
    }
    engine.set_server_vectors(ServerVectors::Off).unwrap();
    engine.sync(Scope::Delta, &CancelToken::new()).unwrap();
    let before = (papr.traffic(), engine.ledger(0).unwrap().all.requests);
    let begun = Instant::now();
    let report = engine.sync(Scope::Delta, &CancelToken::new()).unwrap();
    let (took, after) = (begun.elapsed(), papr.traffic());
    println!(
        "a check without news: {} bytes over the wire, {} request(s), {} operation(s), {:.1} ms",
        after.bytes_in - before.0.bytes_in + after.bytes_out - before.0.bytes_out,
        engine.ledger(0).unwrap().all.requests - before.1,
        report.operations,
        took.as_secs_f64() * 1e3,
    );
}
