//! Spaces, notes, checks, migration, compacting, and a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{at, behind_its_back, id, memory, now, open, space, vector_of, vectors};
use papr_memory::ports::{SpaceInfo, Store, StoreError, TierMove};
use papr_memory::{CancelToken, Content, Memory, Tier, TierSetter};
use papr_store::{Finding, Sizes, SledStore};
use tempfile::tempdir;

#[test]
fn two_spaces_stand_beside_each_other_and_one_can_go() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let (old, new) = (space("a1"), space("b2"));
    let all: Vec<_> = (0..1_200).map(|n| memory(n, "text")).collect();
    store.insert(&all).unwrap();
    let of = |count: usize| all[..count].iter().map(|memory| vector_of(memory, 1)).collect::<Vec<_>>();
    store.put_vectors(&old, &of(1_200)).unwrap();
    store.put_vectors(&new, &of(700)).unwrap();
    let info = |space: &papr_memory::Space, count: usize| SpaceInfo {
        space: space.clone(),
        count,
        bytes: count as u64 * (24 + 5 + 32),
    };
    assert_eq!(store.spaces().unwrap(), [info(&old, 1_200), info(&new, 700)]);
    assert_eq!(store.count_vectors(&new).unwrap(), 700);
    assert_eq!(store.count_vectors(&space("c3")).unwrap(), 0);

    let edited = Memory { rev: 2, content: Content::new("other").unwrap(), ..all[0].clone() };
    store.replace(&edited).unwrap();
    store.delete(&[all[1].id], now()).unwrap();
    assert_eq!(store.spaces().unwrap(), [info(&old, 1_198), info(&new, 698)], "in all spaces");

    let cancel = CancelToken::new();
    cancel.cancel();
    assert!(matches!(store.remove_space(&old, &cancel), Err(StoreError::Cancelled(_))));
    assert_eq!(store.remove_space(&old, &CancelToken::new()).unwrap(), 1_198);
    assert_eq!(store.spaces().unwrap(), [info(&new, 698)]);
    assert_eq!(store.remove_space(&old, &CancelToken::new()).unwrap(), 0, "there is none");
    drop(store);
    let store = open(folder.path());
    assert_eq!(vectors(&store, &new).len(), 698, "nothing of another space was touched");
    assert_eq!(store.put_vectors(&old, &of(3)).unwrap(), 1, "it can come back");
}

#[test]
fn notes_are_kept_and_taken_away() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(store.note("device").unwrap(), None);
    store.set_note("device", Some(b"cpu")).unwrap();
    store.set_note("device", Some(b"")).unwrap();
    store.set_note("other", Some(&[0; 10_000])).unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.note("device").unwrap().as_deref(), Some(&b""[..]));
    store.set_note("device", None).unwrap();
    assert_eq!(store.note("device").unwrap(), None);
    assert_eq!(store.note("other").unwrap().map(|note| note.len()), Some(10_000));
    assert!(store.set_note("", Some(b"x")).is_err());
    assert!(store.note(&"k".repeat(201)).is_err());
}

#[test]
fn the_newest_twenty_moves_are_kept_with_the_memory() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let first = memory(1, "text");
    store.insert(std::slice::from_ref(&first)).unwrap();
    assert!(store.tier_moves(first.id).unwrap().is_empty());
    let mut memory = first.clone();
    for round in 0..25 {
        let (tier, by) = match memory.tier {
            Tier::Goals => (Tier::Memories, TierSetter::User),
            Tier::Memories => (Tier::Goals, TierSetter::Papr),
        };
        memory = Memory { rev: memory.rev + 1, tier, tier_set_by: by, updated_at: at(round), ..memory };
        store.replace(&memory).unwrap();
    }
    memory = Memory { rev: memory.rev + 1, updated_at: at(99), ..memory };
    store.replace(&memory).unwrap();
    drop(store);
    let store = open(folder.path());
    let moves = store.tier_moves(first.id).unwrap();
    assert_eq!(moves.len(), 20);
    assert_eq!((moves[0].at, moves[19].at), (at(5), at(24)), "the newest, oldest first");
    let last = TierMove { from: Tier::Memories, to: Tier::Goals, by: TierSetter::Papr, at: at(24) };
    assert_eq!(moves[19], last);
    store.delete(&[first.id], at(1_000)).unwrap();
    assert_eq!(store.tier_moves(first.id).unwrap().len(), 20, "a deleted memory can be taken back");
    drop(store);
    let later = SledStore::open(folder.path(), at(1_000 + 31 * 86_400_000)).unwrap();
    assert!(later.tier_moves(first.id).unwrap().is_empty(), "gone with the tombstone");
}

#[test]
fn a_check_finds_what_is_not_as_it_should_be() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (1..=5).map(|n| common::of_account(memory(n, "text"), false)).collect();
    store.insert(&all).unwrap();
    store.put_vectors(&space("a"), &[vector_of(&all[0], 0), vector_of(&all[1], 1)]).unwrap();
    store.delete(&[all[4].id], now()).unwrap();
    let mut seen = Vec::new();
    let report = store.check(&mut |progress| seen.push(progress), &CancelToken::new()).unwrap();
    assert_eq!((report.memories, report.tombstones, report.vectors, report.outbox), (4, 1, 2, 4));
    assert!(report.is_whole() && report.found == 0 && report.counted, "{report:?}");
    assert!(seen.last().is_some_and(|last| last.done >= last.total), "{seen:?}");
    drop(store);
    behind_its_back(folder.path(), |db| {
        let memories = db.open_tree("memories").unwrap();
        let key = |number| id(number).to_bytes();
        let mut value = memories.get(key(3)).unwrap().unwrap().to_vec();
        value[9] ^= 1;
        memories.insert(key(3), value).unwrap();
        let vec = db.open_tree("vec").unwrap();
        let (vector, value) = vec.first().unwrap().unwrap();
        let mut strange = vector.to_vec();
        strange[0] ^= 1;
        vec.insert(strange, value).unwrap();
        let tombstone = db.open_tree("tombstones").unwrap().get(key(5)).unwrap().unwrap();
        memories.insert(key(5), tombstone).unwrap();
        memories.remove(key(2)).unwrap();
    });
    fs::remove_file(folder.path().join("mark")).unwrap();
    let error = SledStore::open(folder.path(), now()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "it does not fit its own count: {error}");
}

#[test]
fn a_check_names_each_kind_of_damage() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (1..=3).map(|n| memory(n, "text")).collect();
    store.insert(&all).unwrap();
    store.put_vectors(&space("a"), &[vector_of(&all[0], 0)]).unwrap();
    drop(store);
    behind_its_back(folder.path(), |db| {
        for (tree, place) in [("memories", 12), ("vec", 7)] {
            let tree = db.open_tree(tree).unwrap();
            let (key, value) = tree.first().unwrap().unwrap();
            let mut value = value.to_vec();
            value[place] ^= 1;
            tree.insert(key, value).unwrap();
        }
    });
    let store = open(folder.path());
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    let named: Vec<_> = report.findings.iter().filter(|finding| finding.is_damage()).collect();
    assert_eq!((named.len(), report.damage, report.is_whole()), (2, 2, false));
    for (finding, expected) in named.into_iter().zip(["memories", "vec"]) {
        let Finding::Damaged { tree, key, what } = finding else { panic!("{finding:?}") };
        assert_eq!((tree.as_str(), key), (expected, &id(1).to_string()));
        assert!(what.contains("checksum"), "{what}");
    }
}

/// The store that the first version of the format wrote, as it wrote it.
fn of_the_first_format(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("store.json"), r#"{"app":"papr-desktop","schema":1}"#).unwrap();
    let db = sled::Config::new().path(folder.join("db")).segment_size(2 << 20).flush_every_ms(None);
    let db = db.open().unwrap();
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    for line in include_str!("data/schema-1.txt").lines() {
        let mut words = line.split(' ');
        let (tree, key, value) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        db.open_tree(tree).unwrap().insert(bytes(key), bytes(value)).unwrap();
    }
    db.flush().unwrap();
    drop(db);
    // As the first version had left it: six changes, the last of them acknowledged.
    fs::write(folder.join("mark"), bytes("01b4d501ab0600000000000000")).unwrap();
}

#[test]
fn a_store_of_the_first_format_is_brought_up_to_date() {
    let folder = tempdir().unwrap();
    of_the_first_format(folder.path());
    let store = open(folder.path());
    let marker = fs::read_to_string(folder.path().join("store.json")).unwrap();
    assert_eq!(marker, r#"{"app":"papr-desktop","schema":3}"#);
    assert_eq!(papr_store::backups(folder.path()).unwrap().len(), 1, "not without a backup");
    let page = store.page(None, 10).unwrap();
    let texts: Vec<_> = page.iter().map(|memory| memory.content.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[5]), (6, "edited", "the first format, number 8"));
    assert_eq!(page[4].metadata["unheard of"]["n"], u64::MAX);
    assert_eq!((page[1].tier, page[5].tier_set_by), (Tier::Goals, TierSetter::Papr));
    assert_eq!(store.outbox().unwrap().len(), 3);
    assert_eq!(vectors(&store, &space("a1")).len(), 3);
    assert_eq!(vectors(&store, &space("b2")).len(), 3);
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert_eq!((report.found, report.counted, report.tombstones), (0, true, 2), "{report:?}");
    store.replace(&Memory { rev: 3, tier: Tier::Goals, ..page[0].clone() }).unwrap();
    assert_eq!(store.tier_moves(page[0].id).unwrap().len(), 1);
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.counts().unwrap().total(), 6);
    assert_eq!(papr_store::backups(folder.path()).unwrap().len(), 1, "once");
    drop(store);
    let backup = papr_store::backups(folder.path()).unwrap().remove(0);
    papr_store::restore_backup(folder.path(), &backup.path, now()).unwrap();
    let store = open(folder.path());
    assert_eq!(store.page(None, 10).unwrap(), page, "a backup of an old schema is brought up to date too");
}

#[test]
fn compacting_gives_room_back_and_changes_nothing() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (0..400).map(|n| memory(n, &format!("memory {n} ").repeat(500))).collect();
    for some in all.chunks(100) {
        store.insert(some).unwrap();
    }
    let vectors_of: Vec<_> = all.iter().map(|memory| vector_of(memory, 1)).collect();
    store.put_vectors(&space("a"), &vectors_of).unwrap();
    for rev in 2..8 {
        let kind = format!("round {rev}");
        for memory in &all[..40] {
            store.replace(&Memory { rev, kind: kind.clone(), ..memory.clone() }).unwrap();
        }
    }
    let expected = store.page(None, 1_000).unwrap();
    let with_vectors = vectors(&store, &space("a"));
    drop(store);
    let compacted = papr_store::compact(folder.path(), now(), &CancelToken::new()).unwrap();
    println!("log before {} and after {} bytes", compacted.before.log, compacted.after.log);
    assert!(compacted.after.log < compacted.before.log, "{compacted:?}");
    assert_eq!(compacted.after, Sizes::of(folder.path()).unwrap());
    assert!(papr_store::quarantined(folder.path()).unwrap().is_empty(), "nothing was damaged");
    let store = open(folder.path());
    assert_eq!(store.page(None, 1_000).unwrap(), expected);
    assert_eq!(vectors(&store, &space("a")), with_vectors);
    store.back_up(now(), 1, &CancelToken::new()).unwrap();
    let sizes = Sizes::of(folder.path()).unwrap();
    assert!(sizes.backups > 400 * 4_000 && sizes.log > 0 && sizes.blobs == 0, "{sizes:?}");
    assert_eq!(store.size_on_disk().unwrap(), sizes.total());
}

/// A small file system of its own, unmounted at the end.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(megabytes: u32) -> Option<Self> {
        let disk = Self(tempdir().unwrap());
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(disk.0.path())
            .output();
        if mount.is_ok_and(|mount| mount.status.success()) { Some(disk) } else { None }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.path().display());
        }
    }
}

#[test]
fn a_full_disk_refuses_changes_loses_nothing_and_recovers() {
    if !cfg!(target_os = "linux") {
        return eprintln!("skipped: a small disk is made with Linux's tmpfs");
    }
    let Some(disk) = Disk::new(64) else {
        return eprintln!("skipped: a small disk cannot be mounted here; that needs root");
    };
    let folder = disk.0.path().join("store");
    let store = open(&folder);
    store.insert(&[memory(1, "before")]).unwrap();
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 45 << 20]).unwrap();
    let error = store.insert(&[memory(2, "too much")]).unwrap_err();
    let StoreError::Io { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
    assert!(store.delete(&[id(1)], now()).is_err());
    assert_eq!(store.page(None, 10).unwrap(), [memory(1, "before")], "reading goes on");
    drop(store);
    let store = open(&folder);
    assert_eq!(store.counts().unwrap().total(), 1, "a full disk opens");
    fs::remove_file(&ballast).unwrap();
    store.insert(&[memory(2, "room again")]).unwrap();
    assert_eq!(store.counts().unwrap().total(), 2, "without a new start");

    // Filled up to the last byte by the store itself, in spite of what it keeps free.
    let all: Vec<_> = (10..15_000).map(|n| memory(n, &format!("{n} ").repeat(1_000))).collect();
    let mut saved = 2;
    let error = loop {
        match store.insert(&all[saved - 2..saved + 18]) {
            Ok(()) => saved += 20,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(store.counts().unwrap().total(), saved, "all that was saved is there");
    drop(store);
    assert_eq!(open(&folder).counts().unwrap().total(), saved);
}
