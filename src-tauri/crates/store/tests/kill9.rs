//! What was said to be saved is there after `kill -9`, and a batch is there whole or not at all.
//!
//! The killed process is this test program itself, started again to run a test that begins with `child` alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::{id, memory, now, open};
use papr_memory::ports::Store;
use papr_memory::{CancelToken, Content, Memory, Tier};
use papr_store::SledStore;
use tempfile::tempdir;

const FOLDER: &str = "PAPR_STORE_FOLDER";
const START: &str = "PAPR_STORE_START";
/// A hundred where `PAPR_LONG` is set.
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

fn start_writer(folder: &Path, name: &str, start: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The numbers said to be saved by a writer that is killed `delay` after its first word.
fn run_and_kill(folder: &Path, name: &str, start: u64, delay: Duration) -> BTreeSet<u64> {
    let mut writer = start_writer(folder, name, start);
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
    let rounds = if env::var_os("PAPR_LONG").is_some() { 100 } else { ROUNDS };
    for round in 0..rounds {
        let delay =
            Duration::from_micros(10_000 + (round * 7_919_333 + u64::from(std::process::id())) % 110_000);
        let saved = run_and_kill(folder.path(), "child_writer", next, delay);
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
    println!("{} acknowledged in {rounds} rounds, none lost", acknowledged.len());
}

/// What the other writer does as number `step`.
#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64),
    Edit(u64),
    Move(u64),
    Delete(u64),
    Restore(u64),
    BackUp,
}

fn step(number: u64) -> Step {
    let (round, place) = (number / 8, number % 8);
    match place {
        0..=2 => Step::Insert(round * 3 + place),
        3 => Step::Edit(round * 3),
        4 => Step::Move(round * 3 + 1),
        5 => Step::Delete(round * 3 + 2),
        6 if round.is_multiple_of(2) => Step::Restore(round * 3 + 2),
        6 => Step::Delete(round * 3),
        _ => Step::BackUp,
    }
}

/// The store's memories after the first `steps` steps.
fn after(steps: u64) -> BTreeMap<u64, Memory> {
    let (mut alive, mut gone) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..steps {
        match step(number) {
            Step::Insert(of) => {
                alive.insert(of, memory(of, &text(of)));
            }
            Step::Edit(of) => {
                let memory: &mut Memory = alive.get_mut(&of).unwrap();
                (memory.rev, memory.content) = (memory.rev + 1, Content::new("edited").unwrap());
            }
            Step::Move(of) => {
                let memory: &mut Memory = alive.get_mut(&of).unwrap();
                (memory.rev, memory.tier) = (memory.rev + 1, Tier::Goals);
            }
            Step::Delete(of) => {
                gone.insert(of, alive.remove(&of).unwrap());
            }
            Step::Restore(of) => {
                let mut memory: Memory = gone.remove(&of).unwrap();
                (memory.rev, memory.updated_at) = (memory.rev + 1, now());
                alive.insert(of, memory);
            }
            Step::BackUp => {}
        }
    }
    alive
}

fn carry_out(store: &SledStore, number: u64) {
    let kept = |of: u64| store.get(id(of)).unwrap().unwrap();
    match step(number) {
        Step::Insert(of) => store.insert(&[memory(of, &text(of))]).unwrap(),
        Step::Edit(of) => {
            let kept = kept(of);
            let next = Memory { rev: kept.rev + 1, content: Content::new("edited").unwrap(), ..kept };
            store.replace(&next).unwrap();
        }
        Step::Move(of) => {
            let kept = kept(of);
            store.replace(&Memory { rev: kept.rev + 1, tier: Tier::Goals, ..kept }).unwrap();
        }
        Step::Delete(of) => assert_eq!(store.delete(&[id(of)], now()).unwrap().len(), 1),
        Step::Restore(of) => assert_eq!(store.restore(&[id(of)], now()).unwrap().len(), 1),
        Step::BackUp => {
            let at = common::at(now().as_millisecond() + i64::try_from(number).unwrap());
            store.back_up(at, 2, &CancelToken::new()).unwrap();
        }
    }
}

/// Not a test by itself: goes on from step `START` until it is killed, and says so after each.
#[test]
fn child_of_many_kinds() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let start: u64 = env::var(START).unwrap().parse().unwrap();
    let store = SledStore::open(Path::new(&folder), now()).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    for number in start.. {
        if Instant::now() > end {
            break;
        }
        carry_out(&store, number);
        let mut out = std::io::stdout().lock();
        writeln!(out, "saved {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn edits_deletions_and_backups_survive_kill_9() {
    let folder = tempdir().unwrap();
    let mut next = 0;
    let rounds = if env::var_os("PAPR_LONG").is_some() { 100 } else { ROUNDS };
    for round in 0..rounds {
        let delay =
            Duration::from_micros(5_000 + (round * 7_919_333 + u64::from(std::process::id())) % 60_000);
        let saved = run_and_kill(folder.path(), "child_of_many_kinds", next, delay);
        let last = saved.last().copied().unwrap() + 1;
        // After a kill, as a person's app would: a copy is tried in a process of its own.
        let opened = papr_store::open_or_recover(folder.path(), now(), Some(&common::child())).unwrap();
        assert_eq!(opened.recovered, None, "round {round}: a kill is no damage");
        let store = opened.store;
        let page = store.page(None, usize::MAX).unwrap();
        let found = (last..=last + 1).find(|&steps| after(steps).into_values().eq(page.iter().cloned()));
        let reached = found.unwrap_or_else(|| panic!("round {round}: not the store after {last} steps"));
        // A backup leaves the memories as they are: the step after it may be the one that was cut.
        next = if reached == last && matches!(step(last), Step::BackUp) { last + 1 } else { reached };
        let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
        assert_eq!((report.findings.as_slice(), report.counted), (&[][..], true), "round {round}");
        for backup in papr_store::backups(folder.path()).unwrap() {
            papr_store::verify_backup(&backup.path).unwrap();
        }
    }
    assert!(papr_store::quarantined(folder.path()).unwrap().is_empty());
    println!("{next} steps in {rounds} rounds, none lost");
}

/// Not a test by itself: the process in which a copy is opened.
#[test]
fn child_serves() {
    papr_store::serve();
}
