//! The account at Papr, whole: signing in, sync, two accounts on one machine, signing out, "local only", the ledger.
//! A real server on the loopback, the real store on disk; keys are kept in memory here, in a real Secret Service in the
//! tests of papr-credentials and of the command line.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use papr_credentials::InMemory;
use papr_engine::{
    Code, Config, Edit, Engine, KeyPlace, NewMemory, OutboxState, Resolution, Scope, SyncPhase,
};
use papr_fake::{FakePapr, Fault, Options, Place, Rule, Script};
use papr_memory::{CancelToken, Content, Filters, Mode, Query, Sort, Tier};
use tempfile::TempDir;

const ALICE: &str = "key-alice-0123456789";
const BOB: &str = "key-bob-9876543210";

struct Desk {
    papr: FakePapr,
    folder: TempDir,
    keys: Arc<InMemory>,
}

impl Desk {
    fn new() -> Self {
        let options = Options::new().key(ALICE, "alice").key(BOB, "bob").seed(7);
        Self {
            papr: FakePapr::start(options).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            keys: Arc::new(InMemory::new()),
        }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Without a model: words are enough here.
    fn open(&self) -> Engine {
        let config = Config::new(self.data(), support::no_resources());
        let engine = Engine::open(Config { keychain: self.keys.clone(), ..config }).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        engine
    }

    fn sign_in(&self, engine: &Engine, key: &str) -> papr_engine::SignedIn {
        let url = self.papr.url();
        engine.sign_in(key.to_owned(), Some(&url), KeyPlace::Keychain, &CancelToken::new()).unwrap()
    }
}

fn texts(engine: &Engine) -> Vec<String> {
    let listed = engine.list(&Filters::default(), Sort::Oldest, None, 100).unwrap();
    let mut texts: Vec<String> =
        listed.memories.iter().map(|memory| memory.content.as_str().to_owned()).collect();
    texts.sort();
    texts
}

fn found(engine: &Engine, words: &str) -> Vec<String> {
    let query = Query::new(words, 10, None, Mode::Words).unwrap();
    let reply = engine.search(&query, &CancelToken::new()).unwrap();
    reply.hits.iter().map(|hit| hit.memory.content.as_str().to_owned()).collect()
}

fn add(engine: &Engine, text: &str) -> papr_memory::MemoryId {
    engine.add(NewMemory { content: text.to_owned(), ..NewMemory::default() }).unwrap().id
}

fn sync(engine: &Engine) -> papr_engine::SyncReport {
    let report = engine.sync(Scope::Delta, &CancelToken::new()).unwrap();
    assert_eq!(report.problem, None);
    report
}

/// Whether any file below `folder` holds these bytes.
fn stands_in(folder: &Path, needle: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(stands_in(&path, needle));
        } else if fs::read(&path).unwrap().windows(needle.len()).any(|part| part == needle.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn what_papr_has_is_found_here_and_what_is_written_here_is_there() {
    let desk = Desk::new();
    desk.papr.add("alice", papr_fake::NewMemory::goal("Run a half marathon in spring")).unwrap();
    let id = desk.papr.add("alice", papr_fake::NewMemory::text("The boiler is serviced in May")).unwrap();
    let engine = desk.open();
    let own = add(&engine, "written before anybody signed in");
    let signed_in = desk.sign_in(&engine, ALICE);
    assert_eq!((signed_in.known, signed_in.hidden, signed_in.adoptable), (false, 0, 1));
    assert_eq!(signed_in.account.last_four.as_deref(), Some("6789"));

    let report = sync(&engine);
    assert_eq!(report.pulled.created, 2);
    assert_eq!(found(&engine, "marathon"), ["Run a half marathon in spring"], "found at once, by word");
    let counts = engine.status().counts;
    assert_eq!((counts.goals, counts.memories), (1, 2), "tier 0 is where goals are");

    let added = add(&engine, "Siobhán likes her coffee black");
    assert_eq!(engine.outbox_state(added).unwrap(), Some(OutboxState::Waiting));
    desk.papr.edit("alice", &id, papr_fake::Edit::content("The boiler is serviced in June")).unwrap();
    let report = sync(&engine);
    assert_eq!((report.pulled.updated, report.pushed.added), (1, 1));
    assert_eq!(
        found(&engine, "boiler"),
        ["The boiler is serviced in June"],
        "the old text is not found any more"
    );
    assert_eq!(engine.outbox_state(added).unwrap(), None, "Papr has it");
    let oracle = desk.papr.oracle();
    assert_eq!(oracle.memories("alice").len(), 3, "what was nobody's stayed here");

    assert_eq!(engine.adopt().unwrap(), 1, "until a person gives it to the account");
    sync(&engine);
    assert_eq!(desk.papr.oracle().memories("alice").len(), 4);
    engine.delete(&[own]).unwrap();
    sync(&engine);
    assert_eq!(desk.papr.oracle().memories("alice").len(), 3, "deletions travel");
}

#[test]
fn a_key_that_papr_refuses_is_not_kept() {
    let desk = Desk::new();
    let engine = desk.open();
    let url = desk.papr.url();
    let sign_in = |key: &str| {
        engine.sign_in(key.to_owned(), Some(&url), KeyPlace::Keychain, &CancelToken::new()).unwrap_err()
    };
    let error = sign_in("key-nobody-00000000");
    assert_eq!(error.code(), Code::Unauthorised, "{error}");
    assert!(error.hint().is_some(), "it says what to do");
    assert_eq!(sign_in("short").code(), Code::InvalidInput, "nothing is sent that cannot be a key");
    assert!(engine.account().unwrap().is_none());
    assert_eq!(engine.sync(Scope::Delta, &CancelToken::new()).unwrap_err().code(), Code::SignedOut);
    assert_eq!(desk.papr.requests().len(), 1, "one request: the refused one");
}

#[test]
fn another_account_sees_and_sends_nothing_of_the_first_one() {
    let desk = Desk::new();
    desk.papr.add("alice", papr_fake::NewMemory::text("Alice keeps bees")).unwrap();
    desk.papr.add("bob", papr_fake::NewMemory::text("Bob sails")).unwrap();
    let engine = desk.open();
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    let unsent = add(&engine, "Alice wrote this offline");
    let error = engine
        .sign_in(BOB.to_owned(), Some(&desk.papr.url()), KeyPlace::Keychain, &CancelToken::new())
        .unwrap_err();
    assert!(matches!(error, papr_engine::Error::AnotherAccount), "{error}");

    let out = engine.sign_out(false, &CancelToken::new()).unwrap();
    assert_eq!((out.key_removed, out.kept, out.wiped), (true, 2, 0));
    assert_eq!(texts(&engine), ["Alice keeps bees", "Alice wrote this offline"], "a copy stays");
    let signed_in = desk.sign_in(&engine, BOB);
    assert_eq!((signed_in.known, signed_in.hidden), (false, 2));
    sync(&engine);
    assert_eq!(texts(&engine), ["Bob sails"]);
    assert!(found(&engine, "bees").is_empty());
    assert_eq!(engine.get(unsent).unwrap_err().code(), Code::NotFound, "not even by its id");
    assert!(engine.delete(&[unsent]).unwrap().is_empty());
    assert!(engine.edit(unsent, None, Edit { tier: Some(Tier::Goals), ..Edit::default() }).is_err());
    let mut exported = Vec::new();
    engine.export(&mut exported, Path::new("-")).unwrap();
    assert!(!String::from_utf8(exported).unwrap().contains("Alice"), "nor by way of an export");
    let bobs: Vec<String> = desk
        .papr
        .oracle()
        .memories("bob")
        .values()
        .map(|record| record.content.clone().unwrap_or_default())
        .collect();
    assert_eq!(bobs, ["Bob sails"], "nothing of Alice's was sent with his key");

    engine.sign_out(true, &CancelToken::new()).unwrap();
    let back = desk.sign_in(&engine, ALICE);
    assert!(back.known);
    assert_eq!(texts(&engine), ["Alice keeps bees", "Alice wrote this offline"]);
    assert_eq!(sync(&engine).pushed.added, 1, "what waited goes out now");
}

#[test]
fn a_renewed_key_finds_its_memories_again() {
    let desk = Desk::new();
    desk.papr.add("alice", papr_fake::NewMemory::text("Alice keeps bees")).unwrap();
    let engine = desk.open();
    let first = desk.sign_in(&engine, ALICE).account.id;
    sync(&engine);
    desk.papr.revoke_key(ALICE);
    let report = engine.sync(Scope::Delta, &CancelToken::new()).unwrap();
    assert_eq!(Code::Unauthorised, papr_engine::Problem::from(&report.problem.unwrap()).code);
    assert_eq!(engine.status().sync.phase, SyncPhase::Attention);
    desk.papr.add_key("key-alice-the-second", "alice");
    let again = desk.sign_in(&engine, "key-alice-the-second");
    assert_eq!((again.account.id.as_str(), again.known), (first.as_str(), true));
    assert_eq!(sync(&engine).pulled.created, 0, "nothing is fetched as if it were new");
    assert_eq!(engine.status().sync.problem, None);
}

#[test]
fn a_wiped_account_leaves_no_trace() {
    let desk = Desk::new();
    let secret = "quokkas are Alice's favourite animal";
    desk.papr.add("alice", papr_fake::NewMemory::text(secret)).unwrap();
    let engine = desk.open();
    add(&engine, "nobody's own note");
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    engine.back_up(&CancelToken::new()).unwrap();
    assert_eq!(found(&engine, "quokkas"), [secret]);
    let out = engine.sign_out(true, &CancelToken::new()).unwrap();
    assert_eq!((out.wiped, out.kept), (1, 0));
    assert!(out.copies >= 1, "the backups that held it");
    assert!(found(&engine, "quokkas").is_empty());
    drop(engine);
    let engine = desk.open();
    assert_eq!(texts(&engine), ["nobody's own note"]);
    assert_eq!(engine.backups().unwrap().len(), 1, "one that was made after it");
    drop(engine);
    assert!(stands_in(&desk.data(), "quokkas").is_empty(), "not in the log, not in a backup");
    assert!(stands_in(&desk.data(), ALICE).is_empty());
}

#[test]
fn the_key_stands_nowhere_on_disk() {
    let desk = Desk::new();
    desk.papr.add("alice", papr_fake::NewMemory::text("Alice keeps bees")).unwrap();
    let engine = desk.open();
    let signed_in = desk.sign_in(&engine, ALICE);
    sync(&engine);
    add(&engine, "one more");
    sync(&engine);
    let told = format!("{signed_in:?} {:?} {:?} {:?}", engine.status(), engine.ledger(100), engine.account());
    assert!(!told.contains(ALICE), "no reply holds it");
    drop(engine);
    assert!(stands_in(&desk.data(), ALICE).is_empty());
}

#[test]
fn local_only_opens_no_connection() {
    let desk = Desk::new();
    let engine = desk.open();
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    let before = desk.papr.traffic().connections;
    engine.set_local_only(true).unwrap();
    let no = CancelToken::new();
    let url = desk.papr.url();
    let errors = [
        engine.sync(Scope::Snapshot, &no).unwrap_err(),
        engine.preview_sync(Scope::Delta, &no).unwrap_err(),
        engine.ask_for_sync(false).unwrap_err(),
        engine.ask_papr("bees", 10, &no).unwrap_err(),
        engine.sign_in(ALICE.to_owned(), Some(&url), KeyPlace::Keychain, &no).unwrap_err(),
        engine.install_model("bge-small-en-v1.5").unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), Code::LocalOnly, "{error}");
    }
    let mine = add(&engine, "written in private");
    assert_eq!(engine.status().sync.phase, SyncPhase::LocalOnly);
    assert_eq!(desk.papr.traffic().connections, before, "not one socket");
    drop(engine);
    let engine = desk.open();
    assert!(engine.local_only(), "it holds over a restart");
    engine.set_local_only(false).unwrap();
    sync(&engine);
    assert!(engine.get(mine).unwrap().account.is_none(), "and what was written meanwhile stays local");
    assert!(desk.papr.oracle().memories("alice").is_empty());
}

#[test]
fn the_ledger_counts_what_the_server_saw() {
    let desk = Desk::new();
    let engine = desk.open();
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    let ledger = engine.ledger(100).unwrap();
    assert_eq!(ledger.all.requests, desk.papr.requests().len() as u64, "no request but those it tells");
    let kinds: Vec<&str> = ledger.entries.iter().rev().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["check_key", "tiers", "delta"]);
    let seen = desk.papr.traffic();
    assert!(
        ledger.all.bytes_up <= seen.bytes_in && ledger.all.bytes_up * 10 > seen.bytes_in * 5,
        "{ledger:?} {seen:?}"
    );
    let file = desk.folder.path().join("ledger.jsonl");
    assert_eq!(engine.export_ledger(&file).unwrap(), 3);
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 3);
}

#[test]
fn a_conflict_waits_for_a_person_and_both_versions_are_kept() {
    let desk = Desk::new();
    let remote = desk.papr.add("alice", papr_fake::NewMemory::text("The fence is green")).unwrap();
    let engine = desk.open();
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    let listed = engine.list(&Filters::default(), Sort::Newest, None, 10).unwrap();
    let id = listed.memories[0].id;
    let edit = |text: &str| Edit { content: Some(text.to_owned()), ..Edit::default() };
    engine.edit(id, None, edit("The fence is red")).unwrap();
    desk.papr.edit("alice", &remote, papr_fake::Edit::content("The fence is blue")).unwrap();
    let report = sync(&engine);
    assert_eq!(report.conflicts, 1);
    assert_eq!(engine.status().sync.phase, SyncPhase::Attention);
    let conflicts = engine.conflicts().unwrap();
    assert_eq!(conflicts[0].mine.content.as_str(), "The fence is red");
    assert_eq!(conflicts[0].theirs.as_ref().unwrap().content.as_str(), "The fence is blue");
    let both = Content::new("The fence was blue and is red").unwrap();
    engine.resolve(id, &Resolution::Merged(both)).unwrap();
    assert_eq!(found(&engine, "blue"), ["The fence was blue and is red"], "found at once");
    sync(&engine);
    assert!(engine.conflicts().unwrap().is_empty());
    let oracle = desk.papr.oracle();
    let there = oracle.memories("alice");
    assert_eq!(there[remote.as_str()].content.as_deref(), Some("The fence was blue and is red"));
}

#[test]
fn papr_is_asked_when_somebody_presses_for_it_and_its_finds_can_be_kept() {
    let desk = Desk::new();
    let engine = desk.open();
    desk.sign_in(&engine, ALICE);
    sync(&engine);
    let cold = papr_fake::NewMemory::text("An old note about glaciers").place(Place::Neither);
    let remote = desk.papr.add("alice", cold).unwrap();
    let before = desk.papr.requests().len();
    assert!(found(&engine, "glaciers").is_empty());
    assert_eq!(desk.papr.requests().len(), before, "a search here asks nobody");
    let no = CancelToken::new();
    let spent = engine.sync_status().unwrap().spent;
    let reply = engine.ask_papr("glaciers", 10, &no).unwrap();
    assert_eq!(engine.sync_status().unwrap().spent, spent + 1, "it counts against the month's budget");
    assert_eq!((reply.hits.len(), reply.hits[0].here), (1, None));
    let id = engine.keep_from_papr(&reply.hits[0].remote, &no).unwrap();
    assert_eq!(reply.hits[0].remote, remote);
    assert_eq!(found(&engine, "glaciers"), ["An old note about glaciers"]);
    assert_eq!(engine.keep_from_papr(&remote, &no).unwrap(), id, "kept twice is kept once");
    assert_eq!(engine.ask_papr("glaciers", 10, &no).unwrap().hits[0].here, Some(id));
    engine.tell_papr(&reply.search_id.unwrap(), true, &[remote], &no).unwrap();
    assert_eq!(desk.papr.feedback("alice"), 1);
    assert_eq!(sync(&engine).pushed.total(), 0, "it came from Papr, so there is nothing to send");
}

#[test]
fn the_worker_sends_what_was_written_and_fetches_what_is_new_by_itself() {
    let desk = Desk::new();
    desk.papr.add("alice", papr_fake::NewMemory::text("Alice keeps bees")).unwrap();
    let engine = desk.open();
    engine.start().unwrap();
    desk.sign_in(&engine, ALICE);
    let status = engine.wait_until(|status| status.sync.succeeded_at.is_some());
    assert_eq!(status.counts.memories, 1, "signing in is followed by the first sync");
    add(&engine, "Alice wrote this");
    engine.wait_until(|status| status.sync.pending == 1);
    engine.wait_until(|status| status.sync.pending == 0 && status.sync.phase == SyncPhase::Idle);
    assert_eq!(desk.papr.oracle().memories("alice").len(), 2, "sent a few seconds later");

    engine.pause_sync(true).unwrap();
    assert_eq!(engine.status().sync.phase, SyncPhase::Paused);
    let fault = Fault::Status { status: 503, shape: papr_fake::Shape::default() };
    desk.papr.set_faults(Script::of([Rule::always(fault)])).unwrap();
    engine.pause_sync(false).unwrap();
    engine.ask_for_sync(false).unwrap();
    let failed = engine.wait_until(|status| status.sync.problem.is_some());
    assert_eq!(failed.sync.phase, SyncPhase::Attention);
    assert!(failed.sync.tried_at > failed.sync.succeeded_at, "both times are told, and they differ");
    desk.papr.set_faults(Script::of([])).unwrap();
    engine.ask_for_sync(false).unwrap();
    engine.wait_until(|status| status.sync.problem.is_none() && status.sync.phase == SyncPhase::Idle);
}

#[test]
fn the_engine_ends_at_once_while_papr_keeps_it_waiting() {
    let desk = Desk::new();
    let engine = desk.open();
    engine.start().unwrap();
    desk.sign_in(&engine, ALICE);
    engine.wait_until(|status| status.sync.succeeded_at.is_some());
    let hang = Fault::Latency { ms: 60_000, jitter_ms: 0 };
    desk.papr.set_faults(Script::of([Rule::always(hang)])).unwrap();
    engine.ask_for_sync(true).unwrap();
    engine.wait_until(|status| status.sync.phase == SyncPhase::Syncing);
    let begun = std::time::Instant::now();
    drop(engine);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "not the sixty seconds of the answer: {:?}",
        begun.elapsed()
    );
}
