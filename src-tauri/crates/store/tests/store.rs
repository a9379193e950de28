//! What the store promises about memories, vectors and the outbox, on a real database on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{
    at, behind_its_back, id, ids, memory, now, of_account, open, space, vector, vector_of, vectors,
};
use papr_memory::ports::{Store, StoreError};
use papr_memory::{Content, Memory, RemoteId, Source, Tier, TierCounts, TierSetter};
use papr_store::{Op, OutboxEntry};
use serde_json::json;
use tempfile::tempdir;

#[test]
fn a_memory_comes_back_whole_also_after_a_restart() {
    let folder = tempdir().unwrap();
    let full = Memory {
        remote: Some(RemoteId { account: "a".into(), id: "not a uuid".into(), object_id: Some("o".into()) }),
        account: Some("a".into()),
        rev: 7,
        content: Content::new("Грüße, 世界 👩🏽‍🚀\u{0}\r\n  e\u{301}").unwrap(),
        kind: "code_snippet".into(),
        tier: Tier::Goals,
        tier_set_by: TierSetter::Papr,
        topics: vec!["β".into(), String::new()],
        metadata: BTreeMap::from([
            ("unheard of".into(), json!({"deep": [1, -2.5e-300, null, {"x": true}], "n": u64::MAX})),
            ("0.1+0.2".into(), json!(0.1 + 0.2)),
        ]),
        source: Source::Import,
        updated_at: at(-5),
        ..memory(1, "x")
    };
    let plain = memory(2, "plain");
    let store = open(folder.path());
    store.insert(&[full.clone(), plain.clone()]).unwrap();
    assert_eq!(store.get(full.id).unwrap().as_ref(), Some(&full));
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.page(None, 10).unwrap(), [full.clone(), plain], "in the order they were made");
    assert_eq!(store.counts().unwrap(), TierCounts { goals: 1, memories: 1 });
    assert_eq!(store.get(id(3)).unwrap(), None);
    assert!(store.size_on_disk().unwrap() > 100, "something is on disk");
    assert!(!format!("{store:?}").contains("plain"), "debug output ends up in logs");
}

#[test]
fn pages_follow_one_another() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (0..25).map(|n| memory(n, &format!("number {n}"))).collect();
    store.insert(&all).unwrap();
    let mut read = Vec::new();
    loop {
        let page = store.page(read.last().map(|last: &Memory| last.id), 10).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, all);
    assert!(store.page(None, 0).unwrap().is_empty());
}

#[test]
fn the_longest_memories_stay_in_the_log() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (0..200).map(|n| memory(n, &format!("{n:05}").repeat(3_000))).collect();
    for some in all.chunks(50) {
        store.insert(some).unwrap();
    }
    let blobs = fs::read_dir(folder.path().join("db/blobs")).unwrap().count();
    assert_eq!(blobs, 0, "sled never syncs what it puts there");
    drop(store);
    assert_eq!(open(folder.path()).page(None, 1000).unwrap(), all);
}

#[test]
fn metadata_too_long_for_the_log_is_kept_all_the_same() {
    let folder = tempdir().unwrap();
    let mut long = memory(1, "short");
    long.metadata.insert("page".into(), json!("x".repeat(3 << 20)));
    let store = open(folder.path());
    store.insert(std::slice::from_ref(&long)).unwrap();
    store.insert(&[memory(2, "another")]).unwrap();
    drop(store);
    assert_eq!(open(folder.path()).get(long.id).unwrap(), Some(long));
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[memory(400, "first")]).unwrap();
    let batch: Vec<_> = (0..500).map(|n| of_account(memory(n, "second"), false)).collect();
    let error = store.insert(&batch).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { id: which, expected: 0, found: 1 } if which == id(400)));
    assert_eq!(store.page(None, 1000).unwrap(), [memory(400, "first")], "nothing of the batch is there");
    assert!(store.outbox().unwrap().is_empty(), "nor is Papr told");
    let twice = [memory(1, "one"), memory(1, "the same id")];
    assert!(matches!(store.insert(&twice), Err(StoreError::Conflict { .. })), "a clash inside the batch");
    store.insert(&batch[..400]).unwrap();
    assert_eq!(store.counts().unwrap().total(), 401);
    assert_eq!(store.outbox().unwrap().len(), 400);
    store.insert(&[]).unwrap();
}

#[test]
fn only_the_next_revision_replaces() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let first = memory(1, "first");
    let second = Memory { rev: 2, content: Content::new("second").unwrap(), ..first.clone() };
    assert!(matches!(store.replace(&second), Err(StoreError::NotFound(_))));
    store.insert(std::slice::from_ref(&first)).unwrap();
    for rev in [0, 1, 3] {
        let error = store.replace(&Memory { rev, ..second.clone() }).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { found: 1, .. }), "revision {rev} of 1: {error}");
    }
    store.replace(&second).unwrap();
    assert_eq!(store.get(first.id).unwrap(), Some(second));
}

#[test]
fn what_was_deleted_can_be_taken_back() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let kept = memory(1, "kept");
    let gone = memory(2, "gone");
    store.insert(&[kept.clone(), gone.clone()]).unwrap();
    store.put_vectors(&space("ab"), &[vector_of(&gone, 1)]).unwrap();
    let deleted = store.delete(&[gone.id, gone.id, id(9)], at(2_000)).unwrap();
    assert_eq!(
        deleted,
        [Memory { deleted_at: Some(at(2_000)), ..gone.clone() }],
        "each once, unknown ones never"
    );
    assert_eq!(store.get(gone.id).unwrap(), None);
    assert_eq!(store.page(None, 10).unwrap(), [kept]);
    assert!(vectors(&store, &space("ab")).is_empty());
    let error = store.insert(std::slice::from_ref(&gone)).unwrap_err();
    assert!(
        matches!(error, StoreError::Conflict { expected: 0, found: 1, .. }),
        "its id is not free: {error}"
    );
    drop(store);

    let store = SledStoreAt::days_after_deletion(folder.path(), 29);
    let restored = store.restore(&[id(9), gone.id, gone.id], at(3_000)).unwrap();
    let expected = Memory { rev: 2, updated_at: at(3_000), deleted_at: None, ..gone.clone() };
    assert_eq!(restored, std::slice::from_ref(&expected));
    assert_eq!(store.get(gone.id).unwrap(), Some(expected));
    assert!(vectors(&store, &space("ab")).is_empty(), "its vector is made again");
    assert!(store.restore(&[gone.id], at(4_000)).unwrap().is_empty(), "no tombstone is left");
}

struct SledStoreAt;

impl SledStoreAt {
    fn days_after_deletion(folder: &std::path::Path, days: i64) -> papr_store::SledStore {
        papr_store::SledStore::open(folder, at(2_000 + days * 86_400_000 + 1)).unwrap()
    }
}

#[test]
fn tombstones_papr_never_had_go_after_thirty_days() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let local = memory(1, "local");
    let sent = of_account(memory(2, "sent"), true);
    store.insert(&[local.clone(), sent.clone()]).unwrap();
    store.delete(&[local.id, sent.id], at(2_000)).unwrap();
    drop(store);
    let store = SledStoreAt::days_after_deletion(folder.path(), 30);
    assert_eq!(
        ids(&store.restore(&[local.id, sent.id], at(5_000)).unwrap()),
        [sent.id],
        "Papr may not know yet"
    );
    store.insert(&[local]).unwrap();
}

#[test]
fn the_outbox_holds_the_latest_of_each_memory_of_an_account() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let local = memory(1, "local");
    let unsent = of_account(memory(2, "unsent"), false);
    let sent = of_account(memory(3, "sent"), true);
    store.insert(&[local.clone(), unsent.clone(), sent.clone()]).unwrap();
    let entry = |number, op, rev| OutboxEntry { id: id(number), op, rev };
    assert_eq!(store.outbox().unwrap(), [entry(2, Op::Upsert, 1), entry(3, Op::Upsert, 1)]);
    store.replace(&Memory { rev: 2, ..sent.clone() }).unwrap();
    store.delete(&[local.id, unsent.id], now()).unwrap();
    assert_eq!(store.outbox().unwrap(), [entry(3, Op::Upsert, 2)], "what was never sent need not be deleted");
    store.delete(&[sent.id], now()).unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.outbox().unwrap(), [entry(3, Op::Delete, 2)]);
    store.restore(&[local.id, unsent.id, sent.id], now()).unwrap();
    assert_eq!(store.outbox().unwrap(), [entry(2, Op::Upsert, 2), entry(3, Op::Upsert, 3)]);
    store.replace(&Memory { rev: 4, account: None, ..sent }).unwrap();
    assert_eq!(store.outbox().unwrap(), [entry(2, Op::Upsert, 2)], "it is no account's any more");
}

#[test]
fn vectors_go_with_their_text_and_stay_with_their_tier() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let (one, two) = (space("a1"), space("b2"));
    let first = memory(1, "first");
    let other = memory(2, "other");
    store.insert(&[first.clone(), other.clone()]).unwrap();
    assert_eq!(store.put_vectors(&one, &[vector_of(&other, 2), vector_of(&first, 1)]).unwrap(), 2);
    assert_eq!(store.put_vectors(&two, &[vector_of(&first, 3)]).unwrap(), 1);
    drop(store);

    let store = open(folder.path());
    let found = vectors(&store, &one);
    assert_eq!(
        found.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [first.id, other.id],
        "in the order of ids"
    );
    assert!(found[0].1.cosine(&vector(1)) > 0.999, "rounded to 16 bits and no more");
    assert_eq!(vectors(&store, &two).len(), 1, "each space sees its own");
    assert!(vectors(&store, &space("c3")).is_empty(), "a space nobody has written to");

    let moved = Memory { rev: 2, tier: Tier::Goals, ..first.clone() };
    store.replace(&moved).unwrap();
    assert_eq!((vectors(&store, &one).len(), vectors(&store, &two).len()), (2, 1), "a move changes no text");
    let edited = Memory { rev: 3, content: Content::new("edited").unwrap(), ..moved };
    store.replace(&edited).unwrap();
    assert_eq!(vectors(&store, &one), [found[1].clone()]);
    assert!(vectors(&store, &two).is_empty(), "a vector of the old text would be found by the wrong words");
    let stale = [vector_of(&first, 1), vector_of(&edited, 4), vector_of(&memory(9, "unknown"), 5)];
    assert_eq!(store.put_vectors(&one, &stale).unwrap(), 1, "only what still says that");
    assert_eq!(vectors(&store, &one).len(), 2);
}

#[test]
fn spaces_with_one_key_prefix_do_not_mix() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let kept = memory(1, "kept");
    store.insert(std::slice::from_ref(&kept)).unwrap();
    let one = space("0123456789abcdef0");
    let clash = space("0123456789abcdef1");
    assert_eq!(one.fingerprint.key_prefix(), clash.fingerprint.key_prefix(), "as this test needs it");
    store.put_vectors(&one, &[vector_of(&kept, 1)]).unwrap();
    assert!(matches!(store.put_vectors(&clash, &[vector_of(&kept, 2)]), Err(StoreError::Damaged { .. })));
    assert!(matches!(store.vectors(&clash, &mut |_, _| ()), Err(StoreError::Damaged { .. })));
    assert_eq!(vectors(&store, &one).len(), 1, "the space that was first goes on");
}

#[test]
fn a_damaged_record_hides_no_other_and_is_left_alone() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all: Vec<_> = (1..=5).map(|n| memory(n, "text")).collect();
    store.insert(&all).unwrap();
    store.put_vectors(&space("a"), &[vector_of(&all[0], 0), vector_of(&all[1], 1)]).unwrap();
    drop(store);
    let bad = all[2].id;
    let flip = |tree: sled::Tree, key: &[u8]| {
        let mut value = tree.get(key).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 4;
        tree.insert(key, value).unwrap();
    };
    behind_its_back(folder.path(), |db| {
        flip(db.open_tree("memories").unwrap(), &bad.to_bytes());
        let vec = db.open_tree("vec").unwrap();
        let key = vec.first().unwrap().unwrap().0;
        flip(vec, &key);
    });
    let store = open(folder.path());
    let error = store.get(bad).unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { .. }) && error.to_string().contains(&bad.to_string()),
        "{error}"
    );
    let others = [&all[..2], &all[3..]].concat();
    for _ in 0..2 {
        assert_eq!(store.page(None, 4).unwrap(), others, "a page is filled from behind it");
    }
    assert_eq!(store.counts().unwrap().total(), 4);
    assert_eq!(store.damaged(), 1, "counted once");
    assert!(matches!(store.replace(&Memory { rev: 2, ..all[2].clone() }), Err(StoreError::Damaged { .. })));
    assert!(matches!(store.insert(&[all[2].clone()]), Err(StoreError::Damaged { .. })));
    assert!(matches!(store.delete(&[all[0].id, bad], now()), Err(StoreError::Damaged { .. })));
    assert!(store.get(all[0].id).unwrap().is_some(), "a delete is all or nothing");
    let mut seen = Vec::new();
    assert_eq!(
        store.vectors(&space("a"), &mut |id, _| seen.push(id)).unwrap(),
        1,
        "one vector is passed over"
    );
    assert_eq!(seen, [all[1].id]);
    assert_eq!(store.put_vectors(&space("a"), &[vector_of(&all[0], 0)]).unwrap(), 1, "it can be made again");
    assert_eq!(vectors(&store, &space("a")).len(), 2);
}

#[test]
fn readers_see_whole_changes_while_a_writer_works() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut reads = 0;
                    while !done.load(Ordering::Relaxed) {
                        let page = store.page(None, usize::MAX).unwrap();
                        assert!(
                            page.windows(2).all(|pair| pair[0].id < pair[1].id),
                            "each at most once, in order"
                        );
                        for memory in &page {
                            assert_eq!(memory.content.as_str(), format!("revision {}", memory.rev));
                        }
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for round in 0..60 {
            let some: Vec<_> = (0..10).map(|n| memory(round * 10 + n, "revision 1")).collect();
            store.insert(&some).unwrap();
            let content = Content::new("revision 2").unwrap();
            store.replace(&Memory { rev: 2, content, ..some[0].clone() }).unwrap();
            store.delete(&[some[1].id], now()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let reads: Vec<i32> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert!(reads.iter().all(|&count| count > 0), "nobody was kept waiting: {reads:?}");
    });
    assert_eq!(store.counts().unwrap().total(), 540);
}

#[test]
fn several_are_replaced_all_or_none() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let all = [memory(1, "one"), memory(2, "two")];
    store.insert(&all).unwrap();
    let next = |memory: &Memory| Memory { rev: 2, tier: Tier::Goals, updated_at: at(9), ..memory.clone() };
    let [one, two] = [next(&all[0]), next(&all[1])];
    let stale = Memory { rev: 7, ..two.clone() };
    assert!(matches!(store.replace_all(&[one.clone(), stale]), Err(StoreError::Conflict { .. })));
    assert_eq!(store.page(None, 9).unwrap(), all, "none of them changed");
    assert!(store.tier_moves(one.id).unwrap().is_empty());
    store.replace_all(&[one.clone(), two.clone()]).unwrap();
    assert_eq!(store.page(None, 9).unwrap(), [one.clone(), two]);
    assert_eq!(store.tier_moves(one.id).unwrap().len(), 1, "each with its history");
    store.replace_all(&[]).unwrap();
}
