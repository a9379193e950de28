//! Whatever is done to an index, in whatever order: it holds and finds what a plain map does.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What a plain map says: the nearest by the numbers that are kept, older ones first.
fn brute_force(
    model: &BTreeMap<MemoryId, Vector>,
    query: &Vector,
    passes: impl Fn(MemoryId) -> bool,
) -> Vec<(MemoryId, f32)> {
    let mut all: Vec<(MemoryId, f32)> =
        model.iter().filter(|(id, _)| passes(**id)).map(|(&id, vector)| (id, vector.cosine(query))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

#[derive(Clone, Debug)]
enum Op {
    /// Memory, vector: vectors repeat, so that rows are shared.
    Upsert(u32, u32),
    Remove(u32),
    /// Out of one index, into the other, as between tiers.
    Move(u32),
    Work,
    /// Build now, install at the next of these.
    Begin,
    Finish,
    Reopen,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        24 => (0_u32..60, 0_u32..50).prop_map(|(memory, vector)| Op::Upsert(memory, vector)),
        8 => (0_u32..60).prop_map(Op::Remove),
        4 => (0_u32..60).prop_map(Op::Move),
        1 => Just(Op::Work),
        2 => Just(Op::Begin),
        2 => Just(Op::Finish),
        1 => Just(Op::Reopen),
    ]
}

/// An index with what it should hold.
#[derive(Debug)]
struct Watched {
    index: VectorIndex,
    model: BTreeMap<MemoryId, Vector>,
    /// Where each was put last: nobody stands at the same place twice.
    slots: BTreeMap<MemoryId, Slot>,
    next: Slot,
    begun: Option<Built>,
}

impl Watched {
    fn new() -> Self {
        Self {
            index: VectorIndex::new(dims(), 12),
            model: BTreeMap::new(),
            slots: BTreeMap::new(),
            next: 0,
            begun: None,
        }
    }

    fn put(&mut self, id: MemoryId, vector: &Vector) {
        self.next += 1;
        self.index.upsert(id, self.next, vector);
        self.slots.insert(id, self.next);
        self.model.insert(id, vector.clone());
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Upsert(memory, number) => self.put(id(memory), &vector(number)),
            Op::Remove(memory) => {
                let was_there = self.model.remove(&id(memory)).is_some();
                assert_eq!(self.index.remove(id(memory)), was_there);
            }
            Op::Move(_) => {}
            Op::Work => work(&mut self.index),
            Op::Begin => self.begun = self.index.plan().map(|job| run(job).unwrap()).or(self.begun.take()),
            Op::Finish => {
                if let Some(built) = self.begun.take() {
                    self.index.install(built);
                }
            }
            Op::Reopen => self.reopen(),
        }
    }

    /// As when the app starts again.
    fn reopen(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        self.index.view().save(folder.path(), &space("a")).unwrap();
        self.begun = None;
        self.index = VectorIndex::new(dims(), 12);
        let mut batch = self.index.batch();
        self.model.iter().for_each(|(&id, vector)| batch.upsert(id, self.slots[&id], vector));
        drop(batch);
        for path in saved_segments(folder.path()) {
            // It may be outdated: small segments bear no missing row.
            if let Ok(built) = run(self.index.plan_load(path, &space("a"))) {
                assert!(self.index.install(built));
            }
        }
    }

    fn check(&self, query: &Vector, k: usize, chosen: &BTreeSet<u32>) {
        let view = self.index.view();
        assert_eq!(view.len(), self.model.len());
        for (&id, vector) in &self.model {
            let kept = Vector::new(view.get(id).unwrap(), dims()).unwrap();
            assert!(kept.cosine(vector) > 0.999, "each memory has its own vector");
        }
        let chosen: BTreeSet<MemoryId> = chosen.iter().map(|&number| id(number)).collect();
        let slots = self.model.keys().filter(|id| chosen.contains(id)).map(|id| self.slots[id]);
        let filter: Selection = slots.collect();
        let all = brute_force(&self.model, query, |_| true);
        let some = brute_force(&self.model, query, |id| chosen.contains(&id));
        let checks = [
            (view.nearest_exactly(query, k, None), &all, true),
            (view.nearest_exactly(query, k, Some(&filter)), &some, true),
            (view.nearest(query, k, None), &all, false),
            (view.nearest(query, k, Some(&filter)), &some, false),
        ];
        for (found, expected, exact) in checks {
            assert_eq!(found.len(), k.min(expected.len()), "exactly k, or all there are");
            let order = |pair: &[Nearest]| {
                (pair[1].cosine, pair[0].id) < (pair[0].cosine, pair[1].id) || pair[0].cosine > pair[1].cosine
            };
            assert!(found.windows(2).all(order), "nearest first, then the older: {found:?}");
            for (near, (_, best)) in found.iter().zip(expected) {
                let truth = expected.iter().find(|(id, _)| *id == near.id);
                let (_, cosine) = truth.expect("only what is there and passes");
                assert!((near.cosine - cosine).abs() < 2e-3, "16-bit rounding moves a cosine little");
                assert!(!exact || (near.cosine - best).abs() < 2e-3, "nothing nearer was left out");
                assert_eq!(view.cosine(near.id, query), Some(near.cosine));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PAPR_LONG").is_some() { 2_000 } else { 96 }))]
    #[test]
    fn finds_what_a_plain_map_finds(
        ops in prop::collection::vec((any::<bool>(), any_op()), 0..160),
        query in 0_u32..80,
        k in 0_usize..30,
        chosen in prop::collection::btree_set(0_u32..60, 0..40),
    ) {
        let mut tiers = [Watched::new(), Watched::new()];
        for (count, (first, op)) in ops.iter().enumerate() {
            let at = usize::from(*first);
            if let Op::Move(memory) = *op
                && let Some(vector) = tiers[at].model.remove(&id(memory))
            {
                assert!(tiers[at].index.remove(id(memory)));
                tiers[1 - at].put(id(memory), &vector);
            }
            tiers[at].apply(op);
            if count % 40 == 0 {
                tiers[at].check(&vector(query), k, &chosen);
            }
        }
        for tier in &tiers {
            tier.check(&vector(query), k, &chosen);
        }
        // An older view stays what it was.
        let before = tiers[0].index.view();
        let found = before.nearest_exactly(&vector(query), k, None);
        (0..60).for_each(|number| _ = tiers[0].index.remove(id(number)));
        prop_assert_eq!(before.nearest_exactly(&vector(query), k, None), found);
        prop_assert!(tiers[0].index.view().is_empty());
    }
}
