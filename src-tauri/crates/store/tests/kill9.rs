//! What was said to be saved is there after `kill -9`, and a batch is there whole or not at all.
//!
//! The killed process is this test program itself, started again to run [`child_writer`] alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::{id, memory, now, open};
use papr_memory::Memory;
use papr_memory::ports::Store;
use papr_store::SledStore;
use tempfile::tempdir;

const FOLDER: &str = "PAPR_STORE_FOLDER";
const START: &str = "PAPR_STORE_START";
const ROUNDS: u64 = 20;

/// Memories 0, 1, 2, …, alone or in batches of up to 40; which is told by the number of the first.
fn batch(first: u64) -> Vec<Memory> {
    let size = if first.is_multiple_of(2) { 1 } else { 1 + first % 40 };
    (first..first + size).map(|number| memory(number, &text(number))).collect()
}

/// Between 7 and about 6,000 bytes.
fn text(number: u64) -> String {
    let length = usize::try_from(number * 7_919 % 300).unwrap() + 1;
    format!("no {number} ").repeat(length)
}

fn number_of(memory: &Memory) -> u64 {
    let bytes = memory.id.to_bytes();
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

/// Not a test by itself: adds memories until it is killed, and says so after each batch.
#[test]
fn child_writer() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let mut next: u64 = env::var(START).unwrap().parse().unwrap();
    let store = SledStore::open(Path::new(&folder), now()).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let batch = batch(next);
        store.insert(&batch).unwrap();
        let mut out = std::io::stdout().lock();
        for memory in &batch {
            writeln!(out, "saved {}", number_of(memory)).unwrap();
        }
        out.flush().unwrap();
        next += batch.len() as u64;
    }
}

fn start_writer(folder: &Path, start: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_writer", "--nocapture"])
        .env(FOLDER, folder)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The numbers said to be saved by a writer that is killed `delay` after its first word.
fn run_and_kill(folder: &Path, start: u64, delay: Duration) -> BTreeSet<u64> {
    let mut writer = start_writer(folder, start);
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let saved = |line: &str| line.strip_prefix("saved ").and_then(|number| number.parse().ok());
    let first = lines.by_ref().map_while(Result::ok).find_map(|line| saved(&line));
    let reader = thread::spawn(move || {
        // A line cut off by the kill has no end and is not counted: it may name another number.
        lines.map_while(Result::ok).filter_map(|line| saved(&line)).collect::<BTreeSet<u64>>()
    });
    thread::sleep(delay);
    writer.kill().unwrap();
    writer.wait().unwrap();
    let mut all = reader.join().unwrap();
    all.extend(first);
    all
}

#[test]
fn nothing_acknowledged_is_lost_to_kill_9() {
    let folder = tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for round in 0..ROUNDS {
        let delay =
            Duration::from_micros(10_000 + (round * 7_919_333 + u64::from(std::process::id())) % 110_000);
        let saved = run_and_kill(folder.path(), next, delay);
        assert!(!saved.is_empty(), "round {round}: the writer wrote");
        acknowledged.extend(saved);

        let store = open(folder.path());
        let page = store.page(None, usize::MAX).unwrap();
        let kept: BTreeSet<u64> = page.iter().map(number_of).collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} of {} were lost", acknowledged.len());
        for found in &page {
            let number = number_of(found);
            assert_eq!(*found, memory(number, &text(number)), "round {round}");
        }
        assert_eq!(store.damaged(), 0, "round {round}");
        let mut whole = 0;
        while whole < kept.len() as u64 {
            let batch = batch(whole);
            assert!(
                batch.iter().all(|memory| kept.contains(&number_of(memory))),
                "round {round}: half a batch"
            );
            whole += batch.len() as u64;
        }
        // The last batch may have been written and not yet acknowledged; go on behind it.
        assert_eq!(whole, kept.len() as u64, "round {round}: no gaps");
        next = whole;
        if round % 2 == 0 {
            store.insert(&batch(next)).unwrap();
            next += batch(next).len() as u64;
        }
    }
    assert!(open(folder.path()).get(id(0)).unwrap().is_some());
    println!("{} acknowledged in {ROUNDS} rounds, none lost", acknowledged.len());
}
