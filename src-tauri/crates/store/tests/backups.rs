//! Backups: whole or none, the newest few, and back again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{at, id, memory, now, of_account, open, space, vector_of};
use papr_memory::ports::{Store, StoreError};
use papr_memory::{CancelToken, Memory, Tier};
use papr_store::{BackupContents, Op, Origin, OutboxEntry};
use tempfile::tempdir;

const HOUR: i64 = 3_600_000;

fn at_hour(hour: i64) -> jiff::Timestamp {
    at(now().as_millisecond() + hour * HOUR)
}

#[test]
fn the_newest_few_are_kept_and_made_only_when_something_changed() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.backup_is_due(now(), 24).unwrap(), "there is none yet");
    for hour in 0..5 {
        store.insert(&[memory(u64::try_from(hour).unwrap(), "x")]).unwrap();
        let made = store.back_up(at_hour(hour), 3, &CancelToken::new()).unwrap();
        assert_eq!(made.backup.at, at_hour(hour));
    }
    let backups = papr_store::backups(folder.path()).unwrap();
    let times: Vec<_> = backups.iter().map(|backup| backup.at).collect();
    assert_eq!(times, [at_hour(4), at_hour(3), at_hour(2)], "newest first");
    let counts: Vec<_> =
        backups.iter().map(|backup| papr_store::verify_backup(&backup.path).unwrap().memories).collect();
    assert_eq!(counts, [5, 4, 3]);
    assert!(!store.backup_is_due(at_hour(100), 24).unwrap(), "nothing changed");
    store.insert(&[memory(10, "x")]).unwrap();
    assert!(!store.backup_is_due(at_hour(5), 24).unwrap(), "too soon");
    assert!(store.backup_is_due(at_hour(28), 24).unwrap());
}

#[test]
fn all_but_vectors_comes_back_and_the_present_store_is_set_aside() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let sent = of_account(memory(1, "sent"), true);
    let gone = of_account(memory(2, "gone"), true);
    store.insert(&[sent.clone(), gone.clone(), memory(3, "local")]).unwrap();
    store.put_vectors(&space("a"), &[vector_of(&sent, 1)]).unwrap();
    store.delete(&[gone.id], now()).unwrap();
    let moved = Memory { rev: 2, tier: Tier::Goals, ..sent.clone() };
    store.replace(&moved).unwrap();
    store.set_note("serving", Some(b"a")).unwrap();
    let made = store.back_up(now(), 3, &CancelToken::new()).unwrap();
    let expected = BackupContents { memories: 2, tombstones: 1, outbox: 2 };
    assert_eq!(papr_store::verify_backup(&made.backup.path).unwrap(), expected);
    store.insert(&[memory(4, "later")]).unwrap();
    let busy = papr_store::restore_backup(folder.path(), &made.backup.path, now());
    assert!(matches!(busy, Err(StoreError::Locked { .. })), "not while it is open");
    drop(store);

    let restored = papr_store::restore_backup(folder.path(), &made.backup.path, now()).unwrap();
    assert_eq!((restored.from, restored.kept, restored.from_backup), (Origin::Backup, 2, 3));
    let store = open(folder.path());
    assert_eq!(store.page(None, 10).unwrap(), [moved, memory(3, "local")]);
    let entry = |number, op, rev| OutboxEntry { id: id(number), op, rev };
    assert_eq!(store.outbox().unwrap(), [entry(1, Op::Upsert, 2), entry(2, Op::Delete, 1)]);
    assert_eq!(store.note("serving").unwrap().as_deref(), Some(&b"a"[..]));
    assert_eq!(store.tier_moves(id(1)).unwrap().len(), 1);
    assert!(store.spaces().unwrap().is_empty(), "vectors are made again");
    assert_eq!(common::ids(&store.restore(&[gone.id], now()).unwrap()), [gone.id]);
    let aside = open(restored.quarantine.as_deref().unwrap());
    assert_eq!(aside.counts().unwrap().total(), 3, "the other store is whole where it is now");
    drop((store, aside));

    let elsewhere = tempdir().unwrap();
    let fresh = elsewhere.path().join("new");
    papr_store::restore_backup(&fresh, &made.backup.path, now()).unwrap();
    assert_eq!(open(&fresh).counts().unwrap().total(), 2);
}

#[test]
fn a_damaged_backup_is_refused_and_the_store_stays() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[memory(1, "one")]).unwrap();
    let path = store.back_up(now(), 3, &CancelToken::new()).unwrap().backup.path;
    drop(store);
    let bytes = fs::read(&path).unwrap();
    for place in [0, 20, bytes.len() / 2, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        fs::write(&path, flipped).unwrap();
        let error = papr_store::restore_backup(folder.path(), &path, now()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "byte {place}: {error}");
    }
    assert!(papr_store::quarantined(folder.path()).unwrap().is_empty());
    assert_eq!(open(folder.path()).counts().unwrap().total(), 1);
}

#[test]
fn a_cancelled_backup_leaves_nothing() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[memory(1, "one")]).unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    let error = store.back_up(now(), 3, &cancel).unwrap_err();
    assert!(matches!(error, StoreError::Cancelled(_)), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("backups")).unwrap().count(), 0);
    assert!(matches!(store.check(&mut |_| (), &cancel), Err(StoreError::Cancelled(_))));
}

#[test]
fn a_backup_beside_a_writer_is_one_moment_of_the_store() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Always a pair: a backup with half of one was not one moment.
                store.insert(&[memory(round, "left"), memory(u64::MAX - round, "right")]).unwrap();
            }
        });
        for second in 0..5 {
            let made = store.back_up(at(now().as_millisecond() + second), 2, &CancelToken::new()).unwrap();
            let contents = papr_store::verify_backup(&made.backup.path).unwrap();
            assert_eq!(contents.memories % 2, 0);
            let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
            assert_eq!(report.findings, [], "a check beside a writer finds nothing that is not there");
        }
        done.store(true, Ordering::Relaxed);
    });
}
