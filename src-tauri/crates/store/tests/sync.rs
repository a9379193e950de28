//! What the store promises sync: steps that fit are made together, steps that no longer fit are left out, and nothing of
//! it is forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::fs;
use std::path::Path;

use common::{at, behind_its_back, id, memory, now, of_account, open, space, vector_of, vectors};
use jiff::Timestamp;
use papr_memory::ports::{Store, SyncStore};
use papr_memory::{
    AccountSync, Agreed, CancelToken, Content, InFlight, InFlightCall, Link, Memory, Op, OutboxEntry, Over,
    Parts, SyncStep,
};
use papr_store::SledStore;
use tempfile::tempdir;

fn entry(number: u64, op: Op, rev: u64) -> OutboxEntry {
    OutboxEntry { id: id(number), op, rev }
}

fn link(number: u64) -> Link {
    Link { remote: Some(format!("r-{number}")), ..Link::new(id(number), "me") }
}

fn mine(number: u64) -> Memory {
    of_account(memory(number, "text"), false)
}

fn next(memory: &Memory, text: &str) -> Memory {
    Memory { rev: memory.rev + 1, content: Content::new(text).unwrap(), ..memory.clone() }
}

fn in_flight(number: u64) -> Link {
    let then = Agreed { local: Parts::default(), remote: Parts::default() };
    let in_flight = InFlight { call: InFlightCall::Add, rev: 1, since: now(), then, made: None };
    Link { remote: None, in_flight: Some(in_flight), ..link(number) }
}

fn apply(store: &SledStore, steps: &[SyncStep]) -> Vec<papr_memory::MemoryId> {
    store.apply("me", steps, None).unwrap()
}

fn acknowledge(rev: u64, number: u64) -> SyncStep {
    SyncStep::Acknowledge { rev, link: Box::new(link(number)) }
}

fn whole(store: &SledStore) {
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert_eq!(report.found, 0, "the trees agree with each other: {:?}", report.findings);
}

#[test]
fn an_edit_while_the_answer_is_on_its_way_stays_to_be_sent() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (1..=3).map(mine).collect();
    store.insert(&all).unwrap();
    store.replace(&next(&all[1], "edited meanwhile")).unwrap();
    store.delete(&[id(3)], now()).unwrap();
    assert!(store.outbox_entry(id(3)).unwrap().is_none(), "so far as it knew Papr never had it");
    let left_out = apply(&store, &[acknowledge(1, 1), acknowledge(1, 2), acknowledge(1, 3)]);
    assert!(left_out.is_empty());
    let waiting = store.outbox().unwrap();
    assert_eq!(
        waiting,
        [entry(2, Op::Upsert, 2), entry(3, Op::Delete, 1)],
        "each later change is still to be told"
    );
    assert_eq!(store.get(id(2)).unwrap().unwrap().remote.unwrap().id, "r-2");
    assert_eq!(store.get(id(2)).unwrap().unwrap().rev, 2, "an answer is no change of the memory");
    assert_eq!(store.tombstone(id(3)).unwrap().unwrap().remote.unwrap().id, "r-3");
    apply(&store, &[SyncStep::Unlink { link: Box::new(Link::new(id(3), "me")) }]);
    assert_eq!(store.outbox().unwrap(), [entry(2, Op::Upsert, 2)], "the deletion was done");
    store.restore(&[id(3)], now()).unwrap();
    assert_eq!(store.get(id(3)).unwrap().unwrap().remote, None, "taken back, it is new to Papr");
    whole(&store);
}

#[test]
fn what_no_longer_fits_is_left_out_and_the_cursor_stays() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (1..=4).map(mine).collect();
    store.insert(&all).unwrap();
    store.put_vectors(&space("a1"), &[vector_of(&all[0], 1), vector_of(&all[1], 1)]).unwrap();
    store.replace(&next(&all[1], "edited")).unwrap();
    store.delete(&[id(3)], now()).unwrap();
    let take = |memory: Memory, over| SyncStep::Take {
        link: Box::new(Link { id: memory.id, ..link(9) }),
        memory: Box::new(memory),
        over,
        pending: false,
    };
    let state = AccountSync { cursor: Some("c-1".to_owned()), ..AccountSync::default() };
    let steps = [
        take(next(&all[0], "theirs"), Over::Memory),
        take(next(&all[1], "theirs"), Over::Memory),
        take(next(&all[2], "theirs"), Over::Memory),
        take(mine(4), Over::Nothing),
        take(Memory { account: Some("you".to_owned()), ..mine(5) }, Over::Nothing),
        SyncStep::Bury { rev: 7, at: now(), link: Box::new(link(4)) },
    ];
    let left_out = store.apply("me", &steps, Some(&state)).unwrap();
    assert_eq!(
        left_out,
        [id(2), id(3), id(4), id(5), id(4)],
        "edited, deleted, there already, another's, another revision"
    );
    assert_eq!(store.get(id(1)).unwrap().unwrap().content.as_str(), "theirs", "what fits is made");
    assert_eq!(store.get(id(2)).unwrap().unwrap().content.as_str(), "edited", "an edit is not overwritten");
    assert!(store.get(id(3)).unwrap().is_none(), "a deletion is not undone");
    assert_eq!(store.account_sync("me").unwrap(), AccountSync::default(), "so that the rest comes again");
    assert_eq!(vectors(&store, &space("a1")).len(), 0, "vectors of another text go");
    let bury = SyncStep::Bury { rev: 2, at: now(), link: Box::new(Link::new(id(2), "me")) };
    assert!(store.apply("me", &[bury], Some(&state)).unwrap().is_empty());
    assert_eq!(store.account_sync("me").unwrap(), state, "now it has come so far");
    assert_eq!(store.account_sync("you").unwrap(), AccountSync::default(), "and nobody else");
    let kept = store.tombstone(id(2)).unwrap().unwrap();
    assert_eq!(
        (kept.content.as_str(), kept.remote.as_ref()),
        ("edited", None),
        "what Papr deleted can be taken back"
    );
    assert!(store.outbox_entry(id(2)).unwrap().is_none(), "and Papr need not hear of it");
    let back = Memory { deleted_at: None, ..next(&kept, "back") };
    assert!(apply(&store, &[take(back, Over::Tombstone)]).is_empty());
    assert_eq!(store.get(id(2)).unwrap().unwrap().content.as_str(), "back");
    whole(&store);
}

#[test]
fn links_outlive_a_restart_a_backup_a_recovery_and_a_compaction() {
    let folder = tempdir().unwrap();
    let state = AccountSync { cursor: Some("c-1".to_owned()), seeded: true, ..AccountSync::default() };
    let store = open(folder.path());
    store.insert(&[mine(1), mine(2)]).unwrap();
    store.apply("me", &[acknowledge(1, 1), SyncStep::Note(Box::new(in_flight(2)))], Some(&state)).unwrap();
    let links = store.links("me").unwrap();
    assert_eq!(links, [link(1), in_flight(2)]);
    assert!(store.links("you").unwrap().is_empty(), "another account sees none of them");
    let backup = store.back_up(now(), 3, &CancelToken::new()).unwrap();
    drop(store);
    let same = |folder: &Path, how: &str| {
        let store = open(folder);
        assert_eq!(store.links("me").unwrap(), links, "{how}");
        assert_eq!(store.account_sync("me").unwrap(), state, "{how}");
        assert_eq!(store.outbox().unwrap(), [entry(2, Op::Upsert, 1)], "{how}");
        whole(&store);
    };
    same(folder.path(), "a restart");
    papr_store::compact(folder.path(), now(), &CancelToken::new()).unwrap();
    same(folder.path(), "a compaction");
    papr_store::recover(folder.path(), now(), "a test").unwrap();
    same(folder.path(), "made anew from sled's own files");
    papr_store::restore_backup(folder.path(), &backup.backup.path, now()).unwrap();
    same(folder.path(), "a backup");
}

#[test]
fn a_tombstone_that_papr_may_have_is_kept_until_that_is_known() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[mine(1), mine(2)]).unwrap();
    apply(&store, &[SyncStep::Note(Box::new(in_flight(1)))]);
    store.delete(&[id(1), id(2)], now()).unwrap();
    drop(store);
    let later: Timestamp = at(now().as_millisecond() + 40 * 24 * 60 * 60 * 1000);
    let store = SledStore::open(folder.path(), later).unwrap();
    assert!(store.tombstone(id(1)).unwrap().is_some(), "it may have been made at Papr");
    assert!(store.tombstone(id(2)).unwrap().is_none(), "it was never sent");
    apply(&store, &[SyncStep::Note(Box::new(Link::new(id(1), "me")))]);
    drop(store);
    let store = SledStore::open(folder.path(), later).unwrap();
    assert!(store.tombstone(id(1)).unwrap().is_none() && store.link(id(1)).unwrap().is_none());
    whole(&store);
}

#[test]
fn adopting_and_wiping_are_complete() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let yours = Memory { account: Some("you".to_owned()), ..memory(500, "yours") };
    let all: Vec<_> = (1..=450).map(mine).collect();
    store.insert(&all).unwrap();
    store.insert(&[memory(600, "local"), yours]).unwrap();
    store.put_vectors(&space("a1"), &[vector_of(&all[0], 1)]).unwrap();
    let links: Vec<_> = (1..=450).map(|n| acknowledge(1, n)).collect();
    store.apply("me", &links, Some(&AccountSync { seeded: true, ..AccountSync::default() })).unwrap();
    store.delete(&[id(7)], now()).unwrap();
    let adopted = store.adopt("me", &[id(600), id(500), id(601), id(7)]).unwrap();
    assert_eq!(adopted.len(), 1, "only what is there and nobody's");
    assert_eq!(store.outbox_entry(id(600)).unwrap(), Some(entry(600, Op::Upsert, 2)));
    let wiped = store.wipe_account("me", &CancelToken::new()).unwrap();
    assert_eq!(wiped.len(), 450, "449 and the adopted one; the tombstone is no memory");
    assert_eq!(store.page(None, 10).unwrap().len(), 1, "another account's stay");
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert_eq!((report.found, report.vectors, report.tombstones, report.outbox), (0, 0, 0, 1));
    assert_eq!(store.account_sync("me").unwrap(), AccountSync::default());
}

/// A database as schema 2 left it: without the tree of links.
#[test]
fn a_store_of_the_second_schema_is_brought_up_to_date() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[mine(1), memory(2, "local")]).unwrap();
    drop(store);
    behind_its_back(folder.path(), |db| {
        assert!(db.drop_tree("links").unwrap(), "it was there");
        let value = |schema: u32| {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(b"schema\x01");
            hasher.update(&schema.to_le_bytes());
            let checksum = hasher.finalize();
            ([&[1][..], &checksum.to_le_bytes(), &schema.to_le_bytes()].concat(), checksum)
        };
        let manifest = db.open_tree("manifest").unwrap();
        let ((new, new_sum), (old, old_sum)) = (value(3), value(2));
        assert_eq!(manifest.insert("schema", old).unwrap().unwrap(), new, "it was the third");
        // The manifest counts what it holds: changes, entries, and the sum of their checksums.
        let state = manifest.get("state").unwrap().unwrap();
        let sum = u64::from_le_bytes(state[21..29].try_into().unwrap());
        let sum = sum.wrapping_sub(new_sum.into()).wrapping_add(old_sum.into());
        let payload = [&state[5..21], &sum.to_le_bytes()].concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(b"state\x01");
        hasher.update(&payload);
        let state = [&[1][..], &hasher.finalize().to_le_bytes(), &payload].concat();
        manifest.insert("state", state).unwrap();
    });
    fs::write(folder.path().join("store.json"), r#"{"app":"papr-desktop","schema":2}"#).unwrap();
    let store = open(folder.path());
    let marker = fs::read_to_string(folder.path().join("store.json")).unwrap();
    assert_eq!(marker, r#"{"app":"papr-desktop","schema":3}"#);
    assert_eq!(papr_store::backups(folder.path()).unwrap().len(), 1, "not without a backup");
    assert_eq!(store.outbox().unwrap(), [entry(1, Op::Upsert, 1)]);
    assert!(apply(&store, &[acknowledge(1, 1)]).is_empty());
    assert_eq!(store.links("me").unwrap(), [link(1)]);
    whole(&store);
}
