//! A process that syncs is really killed, at any moment; the next one goes on with what is on disk.
//!
//! The killed process is this test program itself, started again to run `child_syncs` alone. It says what it is about
//! to do and what it has done; the server, which lives on, says what it accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use common::device::{Device, OnDisk};
use common::judge::Told;
use common::week::Week;
use common::{ALICE, Hand, START, client, client_at, content, thorough};
use fastrand::Rng;
use jiff::Timestamp;
use papr_fake::{Edit, FakePapr, Fault, NewMemory, Options as FakeOptions, Place, Rule, Script, Shape};
use papr_memory::ports::{Clock, Store, SyncStore};
use papr_memory::{CancelToken, Memory, MemoryId, Tier};
use papr_store::SledStore;
use papr_sync::{Options, Scope, Syncer};

const FOLDER: &str = "PAPR_SYNC_FOLDER";
const URL: &str = "PAPR_SYNC_URL";
const NOW: &str = "PAPR_SYNC_NOW";
const ROUND: &str = "PAPR_SYNC_ROUND";

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Every text that can be seen here.
fn look(store: &SledStore) {
    for memory in store.memories(None, usize::MAX).unwrap() {
        say(&format!("saw {} {}", memory.id, memory.content.as_str()));
    }
    for link in store.links(ALICE).unwrap() {
        if let Some(remote) = &link.remote {
            say(&format!("known {} {remote}", link.id));
        }
        if let Some(theirs) = link.conflict.and_then(|conflict| conflict.theirs) {
            say(&format!("theirs {} {}", link.id, theirs.content.as_str()));
        }
    }
    say("looked");
}

fn act(store: &SledStore, rng: &mut Rng, text: &str, now: Timestamp) {
    let all = store.memories(None, usize::MAX).unwrap();
    let one = (!all.is_empty()).then(|| all[rng.usize(..all.len())].clone());
    match (rng.u32(..6), one) {
        (0..3, _) | (_, None) => {
            let mut memory = Memory::new(content(text), Tier::Memories, now);
            memory.account = Some(ALICE.to_owned());
            say(&format!("will write {} {text}", memory.id));
            store.insert(std::slice::from_ref(&memory)).unwrap();
        }
        (3..5, Some(mut memory)) => {
            say(&format!("will write {} {text}", memory.id));
            memory.rev += 1;
            memory.content = content(text);
            memory.touch(now);
            store.replace(&memory).unwrap();
        }
        (_, Some(memory)) => {
            say(&format!("will delete {}", memory.id));
            store.delete(&[memory.id], now).unwrap();
        }
    }
    say("did");
}

/// Not a test by itself: edits and syncs until it is killed.
#[test]
fn child_syncs() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let number = |name| env::var(name).unwrap().parse::<i64>().unwrap();
    let (round, clock) = (number(ROUND), Hand::at(number(NOW)));
    let mut rng = Rng::with_seed(round.cast_unsigned());
    // The harness may have begun a line of its own.
    say("");
    let store = SledStore::open(Path::new(&folder), clock.now()).unwrap();
    let remote = client_at(&env::var(URL).unwrap(), 2);
    let options = Options { limits: thorough(), ..Options::default() };
    let end = Instant::now() + Duration::from_secs(20);
    for turn in 0.. {
        if Instant::now() > end {
            break;
        }
        look(&store);
        for part in 0..rng.u32(1..4) {
            act(&store, &mut rng, &format!("here {round}.{turn}.{part}"), clock.now());
        }
        let scope = if rng.bool() { Scope::Snapshot } else { Scope::Delta };
        let syncer = Syncer::new(&store, &remote, &clock, ALICE, options.clone());
        let report = syncer.run(scope, &CancelToken::new());
        say(if report.problem.is_some() { "failed" } else { "synced" });
        clock.later(Duration::from_mins(rng.u64(..4)));
    }
}

/// What a child said, put together.
#[derive(Default)]
struct Listener {
    told: Told,
    /// What it was about to do: write a text, or delete.
    about: Option<(MemoryId, Option<String>)>,
    there: BTreeSet<MemoryId>,
}

impl Listener {
    fn hear(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let named = || {
            let (id, text) = rest.split_once(' ')?;
            Some((id.parse::<MemoryId>().ok()?, text.to_owned()))
        };
        match (word, named()) {
            ("will", _) => self.about = about(rest),
            ("did", _) => self.done(),
            ("saw", Some((id, text))) => {
                // The process died between writing and saying so.
                if self.about.as_ref().is_some_and(|(of, new)| *of == id && new.as_ref() == Some(&text)) {
                    self.done();
                }
                self.there.insert(id);
                self.told.seen.insert(text);
            }
            ("known", Some((id, remote))) => drop(self.told.known.insert(remote, id)),
            ("theirs", Some((_, text))) => drop(self.told.seen.insert(text)),
            ("looked", _) => {
                if self.about.as_ref().is_some_and(|(id, new)| new.is_none() && !self.there.contains(id)) {
                    self.done();
                }
                self.about = None;
                self.there.clear();
            }
            ("synced", _) => self.told.syncs += 1,
            ("failed", _) => {
                (self.told.syncs, self.told.failed) = (self.told.syncs + 1, self.told.failed + 1);
            }
            _ => {}
        }
    }

    fn done(&mut self) {
        match self.about.take() {
            Some((id, Some(text))) => drop(self.told.mine.insert(id, text)),
            Some((id, None)) => {
                self.told.mine.remove(&id);
                self.told.deleted.insert(id);
                self.told.ever_deleted.insert(id);
            }
            None => {}
        }
    }
}

fn about(said: &str) -> Option<(MemoryId, Option<String>)> {
    if let Some(id) = said.strip_prefix("delete ") {
        return Some((id.parse().ok()?, None));
    }
    let (id, text) = said.strip_prefix("write ")?.split_once(' ')?;
    Some((id.parse().ok()?, Some(text.to_owned())))
}

/// Papr's side changes, too.
fn meddle(papr: &FakePapr, rng: &mut Rng, text: String) {
    let oracle = papr.oracle();
    let ids: Vec<&str> = oracle.memories(ALICE).into_keys().collect();
    let Some(&id) = ids.get(rng.usize(..ids.len().max(1))) else {
        papr.add(ALICE, NewMemory::text(text)).unwrap();
        return;
    };
    // What a child deletes meanwhile cannot be changed any more.
    let _ = match rng.u32(..6) {
        0 | 1 => papr.add(ALICE, NewMemory::text(text)).map(drop),
        2 | 3 => papr.edit(ALICE, id, Edit::content(text)).map(drop),
        4 => papr.move_tier(ALICE, id, if rng.bool() { Place::Tier0 } else { Place::Tier1 }).map(drop),
        _ => papr.delete(ALICE, id),
    };
}

fn start(folder: &Path, papr: &FakePapr, round: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_syncs", "--nocapture"])
        .env(FOLDER, folder)
        .env(URL, papr.url())
        .env(NOW, papr.now().to_string())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Three requests in ten fail, in every way.
fn faults(seed: u64) -> Script {
    let every = |fault| Rule::chance(0.06, fault);
    let mut script = Script::of([
        every(Fault::Status { status: 500, shape: Shape::default() }),
        every(Fault::CloseBefore),
        every(Fault::LostReply { hang_ms: 3 }),
        every(Fault::CutBody { share: 0.5 }),
        every(Fault::WrongJson { how: None }),
        Rule::chance(0.5, Fault::Latency { ms: 0, jitter_ms: 4 }),
    ]);
    script.seed = Some(seed);
    script
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_doubled() {
    let rounds = if env::var_os("PAPR_LONG").is_some() { 120 } else { 20 };
    let papr = FakePapr::start(FakeOptions::new().key(common::KEY, ALICE).now(START)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(u64::from(std::process::id()));
    let mut listener = Listener::default();
    for round in 0..rounds {
        papr.set_faults(faults(round)).unwrap();
        let mut child = start(folder.path(), &papr, round);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines.by_ref() {
            listener.hear(&line);
            if line == "did" {
                break;
            }
        }
        let reader = thread::spawn(move || lines.collect::<Vec<_>>());
        for part in 0..rng.u32(1..4) {
            thread::sleep(Duration::from_micros(rng.u64(..60_000)));
            meddle(&papr, &mut rng, format!("there {round}.{part}"));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            listener.hear(&line);
        }
        papr.advance(Duration::from_mins(rng.u64(..30)));
    }
    papr.set_faults(Script::default()).unwrap();
    papr.advance(Duration::from_hours(1));
    let mut disk = OnDisk::at(folder, Timestamp::from_millisecond(papr.now()).unwrap());
    for memory in disk.store().memories(None, usize::MAX).unwrap() {
        listener.hear(&format!("saw {} {}", memory.id, memory.content.as_str()));
    }
    listener.hear("looked");
    let remote = client(&papr, 0);
    listener.told.kills = usize::try_from(rounds).unwrap();
    let told = Week::new(&papr, &remote, &mut disk).go_on(listener.told).live(&[]);
    println!("{} memories at the end, {told}", disk.store().memories(None, usize::MAX).unwrap().len());
    assert!(told.syncs > 0 && told.failed > 0, "rounds in which nothing happens show nothing");
}
