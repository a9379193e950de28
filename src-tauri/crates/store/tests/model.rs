//! Any sequence of changes leaves the store and a plain map in the same state, also after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{at, id, memory, now, of_account, open, space, vector_of, vectors};
use papr_memory::ports::{Store, StoreError, TierMove};
use papr_memory::{CancelToken, Content, Memory, MemoryId, Tier, TierSetter};
use papr_store::{Op, Origin, OutboxEntry, SledStore};
use proptest::prelude::*;
use tempfile::tempdir;

/// One change; numbers name memories, so that changes meet.
#[derive(Clone, Debug)]
enum Change {
    Insert(Vec<u64>, u8),
    Replace {
        number: u64,
        text: u8,
        skip: bool,
    },
    Delete(Vec<u64>),
    Restore(Vec<u64>),
    Vector {
        number: u64,
        text: u8,
        space: bool,
    },
    Move {
        number: u64,
        papr: bool,
    },
    RemoveSpace(bool),
    Note(u8, Option<u8>),
    Reopen,
    /// Everything is read from sled's files without sled and put into a new database.
    MakeAnew,
    /// A backup is made and put in the store's place.
    BackUpAndRestore,
    Compact,
}

/// What is expected.
#[derive(Debug, Default)]
struct Model {
    memories: BTreeMap<MemoryId, Memory>,
    tombstones: BTreeMap<MemoryId, Memory>,
    outbox: BTreeMap<MemoryId, OutboxEntry>,
    vectors: BTreeSet<(bool, MemoryId)>,
    moves: BTreeMap<MemoryId, Vec<TierMove>>,
    notes: BTreeMap<u8, u8>,
}

fn text(number: u8) -> Content {
    Content::new(format!("text {number} ").repeat(1 + usize::from(number) * 30)).unwrap()
}

/// Every third memory is local, every third is an account's, every third is known to Papr.
fn fresh(number: u64, words: u8) -> Memory {
    let memory = Memory { content: text(words), ..memory(number, "x") };
    if number.is_multiple_of(3) { memory } else { of_account(memory, number % 3 == 1) }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let number = || 0..9_u64;
    let some = || prop::collection::vec(0..9_u64, 1..4);
    let one = prop_oneof![
        4 => (some(), 0..3_u8).prop_map(|(numbers, text)| Change::Insert(numbers, text)),
        4 => (number(), 0..3_u8, prop::bool::weighted(0.2))
            .prop_map(|(number, text, skip)| Change::Replace { number, text, skip }),
        2 => some().prop_map(Change::Delete),
        2 => some().prop_map(Change::Restore),
        4 => (number(), 0..3_u8, any::<bool>())
            .prop_map(|(number, text, space)| Change::Vector { number, text, space }),
        3 => (number(), any::<bool>()).prop_map(|(number, papr)| Change::Move { number, papr }),
        1 => any::<bool>().prop_map(Change::RemoveSpace),
        1 => (0..3_u8, any::<Option<u8>>()).prop_map(|(key, value)| Change::Note(key, value)),
        1 => Just(Change::Reopen),
        1 => Just(Change::MakeAnew),
        1 => Just(Change::BackUpAndRestore),
        1 => Just(Change::Compact),
    ];
    prop::collection::vec(one, 1..40)
}

fn space_of(second: bool) -> papr_memory::Space {
    space(if second { "b2" } else { "a1" })
}

impl Model {
    fn changed(&mut self, memory: &Memory) {
        let entry = OutboxEntry { id: memory.id, op: Op::Upsert, rev: memory.rev };
        match memory.account {
            Some(_) => self.outbox.insert(memory.id, entry),
            None => self.outbox.remove(&memory.id),
        };
        self.memories.insert(memory.id, memory.clone());
    }

    fn insert(&mut self, store: &SledStore, numbers: &[u64], words: u8) {
        let batch: Vec<_> = numbers.iter().map(|&number| fresh(number, words)).collect();
        let mut taken: Vec<_> = self.memories.keys().chain(self.tombstones.keys()).copied().collect();
        let clash = batch.iter().any(|memory| {
            let clash = taken.contains(&memory.id);
            taken.push(memory.id);
            clash
        });
        match store.insert(&batch) {
            Ok(()) => {
                assert!(!clash, "an id was used twice");
                for memory in &batch {
                    self.changed(memory);
                }
            }
            Err(StoreError::Conflict { .. }) => assert!(clash, "nothing stood in the way"),
            Err(error) => panic!("{error}"),
        }
    }

    fn replace(&mut self, store: &SledStore, number: u64, words: u8, skip: bool) {
        let kept = self.memories.get(&id(number)).cloned();
        let base = kept.clone().unwrap_or_else(|| fresh(number, words));
        let next = Memory { rev: base.rev + 1 + u64::from(skip), content: text(words), ..base };
        match (store.replace(&next), kept) {
            (Ok(()), Some(kept)) if !skip => {
                if kept.content != next.content {
                    self.vectors.retain(|(_, id)| *id != next.id);
                }
                self.changed(&next);
            }
            (Err(StoreError::Conflict { .. }), Some(_)) if skip => {}
            (Err(StoreError::NotFound(_)), None) => {}
            (outcome, kept) => panic!("{outcome:?} with {kept:?}"),
        }
    }

    fn delete(&mut self, store: &SledStore, numbers: &[u64], ms: i64) {
        let ids: Vec<_> = numbers.iter().map(|&number| id(number)).collect();
        let mut expected = Vec::new();
        for id in &ids {
            let Some(kept) = self.memories.remove(id) else { continue };
            let gone = Memory { deleted_at: Some(at(ms)), ..kept };
            self.vectors.retain(|(_, of)| of != id);
            self.outbox.remove(id);
            if gone.account.is_some() && gone.remote.is_some() {
                self.outbox.insert(*id, OutboxEntry { id: *id, op: Op::Delete, rev: gone.rev });
            }
            self.tombstones.insert(*id, gone.clone());
            expected.push(gone);
        }
        assert_eq!(store.delete(&ids, at(ms)).unwrap(), expected);
    }

    fn restore(&mut self, store: &SledStore, numbers: &[u64], ms: i64) {
        let ids: Vec<_> = numbers.iter().map(|&number| id(number)).collect();
        let mut expected = Vec::new();
        for id in &ids {
            let Some(gone) = self.tombstones.remove(id) else { continue };
            let back = Memory { rev: gone.rev + 1, updated_at: at(ms), deleted_at: None, ..gone };
            self.changed(&back);
            expected.push(back);
        }
        assert_eq!(store.restore(&ids, at(ms)).unwrap(), expected);
    }

    fn vector(&mut self, store: &SledStore, number: u64, words: u8, second: bool) {
        let made_of = Memory { content: text(words), ..memory(number, "x") };
        let fits = self.memories.get(&made_of.id).is_some_and(|kept| kept.content == made_of.content);
        let kept = store.put_vectors(&space_of(second), &[vector_of(&made_of, 3)]).unwrap();
        assert_eq!(kept, usize::from(fits), "kept exactly if the text is still that");
        if fits {
            self.vectors.insert((second, made_of.id));
        }
    }

    fn move_one(&mut self, store: &SledStore, number: u64, papr: bool, ms: i64) {
        let Some(kept) = self.memories.get(&id(number)).cloned() else { return };
        let tier = if kept.tier == Tier::Goals { Tier::Memories } else { Tier::Goals };
        let by = if papr { TierSetter::Papr } else { TierSetter::User };
        let rev = kept.rev + 1;
        let moved = Memory { rev, tier, tier_set_by: by, updated_at: at(ms), ..kept.clone() };
        store.replace(&moved).unwrap();
        let moves = self.moves.entry(moved.id).or_default();
        moves.push(TierMove { from: kept.tier, to: tier, by, at: at(ms) });
        self.changed(&moved);
    }

    fn remove_space(&mut self, store: &SledStore, second: bool) {
        let expected = self.vectors.iter().filter(|key| key.0 == second).count();
        let removed = store.remove_space(&space_of(second), &CancelToken::new()).unwrap();
        assert_eq!(removed, expected);
        self.vectors.retain(|key| key.0 != second);
    }

    fn note(&mut self, store: &SledStore, key: u8, value: Option<u8>) {
        store.set_note(&key.to_string(), value.as_ref().map(std::slice::from_ref)).unwrap();
        match value {
            Some(value) => self.notes.insert(key, value),
            None => self.notes.remove(&key),
        };
    }

    fn compare(&self, store: &SledStore) {
        let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
        assert_eq!((report.findings.as_slice(), report.counted), (&[][..], true));
        assert_eq!(report.tombstones, self.tombstones.len() as u64);
        let all: Vec<_> = self.memories.values().cloned().collect();
        assert_eq!(store.page(None, 100).unwrap(), all);
        assert_eq!(store.counts().unwrap().total(), all.len());
        assert_eq!(store.outbox().unwrap(), self.outbox.values().copied().collect::<Vec<_>>());
        for second in [false, true] {
            let found: Vec<_> = vectors(store, &space_of(second)).into_iter().map(|(id, _)| id).collect();
            let expected: Vec<_> =
                self.vectors.iter().filter(|key| key.0 == second).map(|key| key.1).collect();
            assert_eq!(found, expected);
        }
        for number in 0..9 {
            assert_eq!(store.get(id(number)).unwrap().as_ref(), self.memories.get(&id(number)));
            let moves = store.tier_moves(id(number)).unwrap();
            assert_eq!(moves, self.moves.get(&id(number)).cloned().unwrap_or_default());
        }
        for key in 0..3 {
            let note = store.note(&key.to_string()).unwrap();
            assert_eq!(note, self.notes.get(&key).map(|&value| vec![value]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::rounds(20), max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_a_map_does(changes in changes()) {
        let folder = tempdir().unwrap();
        let mut store = open(folder.path());
        let mut model = Model::default();
        for (ms, change) in (1_749_999_000_000..).zip(&changes) {
            match change {
                Change::Insert(numbers, text) => model.insert(&store, numbers, *text),
                Change::Replace { number, text, skip } => model.replace(&store, *number, *text, *skip),
                Change::Delete(numbers) => model.delete(&store, numbers, ms),
                Change::Restore(numbers) => model.restore(&store, numbers, ms),
                Change::Vector { number, text, space } => model.vector(&store, *number, *text, *space),
                Change::Move { number, papr } => model.move_one(&store, *number, *papr, ms),
                Change::RemoveSpace(second) => model.remove_space(&store, *second),
                Change::Note(key, value) => model.note(&store, *key, *value),
                Change::Reopen => {
                    drop(store);
                    store = open(folder.path());
                }
                Change::MakeAnew => {
                    drop(store);
                    let recovered = papr_store::recover(folder.path(), now(), "a test").unwrap();
                    let kept = model.memories.len() as u64;
                    prop_assert_eq!(
                        (recovered.from, recovered.kept, recovered.lost),
                        (Origin::Files, kept, Some(0))
                    );
                    store = open(folder.path());
                }
                Change::BackUpAndRestore => {
                    let made = store.back_up(at(ms), 2, &CancelToken::new()).unwrap();
                    prop_assert_eq!(made.left_out, 0);
                    drop(store);
                    let restored = papr_store::restore_backup(folder.path(), &made.backup.path, now()).unwrap();
                    prop_assert_eq!(restored.kept, model.memories.len() as u64);
                    model.vectors.clear();
                    store = open(folder.path());
                }
                Change::Compact => {
                    drop(store);
                    papr_store::compact(folder.path(), now(), &CancelToken::new()).unwrap();
                    store = open(folder.path());
                }
            }
        }
        model.compare(&store);
        drop(store);
        let recovered = papr_store::recover(folder.path(), now(), "a test").unwrap();
        prop_assert_eq!((recovered.from, recovered.lost), (Origin::Files, Some(0)));
        let store = open(folder.path());
        model.compare(&store);
        prop_assert_eq!(store.damaged(), 0);
    }
}
