//! Store and indexes, put together as the engine does it, with graphs over few vectors, so that they are sealed
//! and merged all the time. The process is killed at random moments of that: memories and vectors are as they
//! were said to be, no vector outlives its memory, and whatever graphs are left on disk do no harm.
#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test may fail it

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use papr_index::vectors::{JobError, Workers, saved_segments};
use papr_index::{Nearest, Slot, VectorIndex};
use papr_memory::ports::{Store, VectorRecord};
use papr_memory::{CancelToken, Content, Dims, Memory, MemoryId, Space, Tier, Vector};
use papr_store::{SledStore, open_or_recover};
use support::killed;

/// Memories of a group.
const GROUP: u64 = 40;
/// Nothing is filtered here.
const NO_SLOT: Slot = 0;
/// So many vectors of a tier are scanned; more come under graphs.
const EXACT: usize = 30;

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_780_000_000_000).unwrap()
}

fn space() -> Space {
    let fingerprint = serde_json::from_value("5eed".repeat(16).into()).unwrap();
    Space { fingerprint, dims: Dims::new(16).unwrap() }
}

fn id(number: u64) -> MemoryId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    MemoryId::from_bytes(bytes)
}

/// Memory `number`, every other one a goal.
fn memory(number: u64) -> Memory {
    let tier = Tier::ALL[usize::from(number % 2 == 1)];
    let mut memory = Memory::new(Content::new(format!("no {number} ")).unwrap(), tier, now());
    memory.id = id(number);
    memory
}

/// The same for the same text, unlike any other.
fn vector(memory: &Memory) -> Vector {
    let mut state = memory.content.as_str().bytes().fold(7_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
    });
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / 8_388_608.0 - 1.0
    };
    let numbers: Vec<f32> = (0..16).map(|_| next()).collect();
    let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    Vector::new(numbers.iter().map(|number| number / norm).collect(), space().dims).unwrap()
}

/// One transaction of the store; `first` is the number of the group's first memory.
#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64),
    /// Vectors of all of the group that have none.
    Embed(u64),
    Edit(u64),
    Move(u64),
    Delete(u64),
    Restore(u64),
    BackUp,
}

fn step(number: u64) -> Step {
    let first = number / 9 * GROUP;
    match number % 9 {
        0 => Step::Insert(first),
        2 => Step::Edit(first),
        4 => Step::Move(first + 1),
        5 => Step::Delete(first),
        6 => Step::Restore(first + 7),
        8 => Step::BackUp,
        _ => Step::Embed(first),
    }
}

/// What there is, each with whether it has a vector.
type Plain = BTreeMap<MemoryId, (Memory, bool)>;

/// After the first `steps` steps.
fn after(steps: u64) -> Plain {
    let (mut plain, mut gone) = (Plain::new(), Plain::new());
    for number in 0..steps {
        match step(number) {
            Step::Insert(first) => {
                plain.extend((first..first + GROUP).map(|number| (id(number), (memory(number), false))));
            }
            Step::Embed(first) => {
                plain.range_mut(id(first)..id(first + GROUP)).for_each(|(_, (_, embedded))| *embedded = true);
            }
            Step::Edit(of) => {
                let (memory, embedded) = plain.get_mut(&id(of)).unwrap();
                (memory.rev, memory.content) = (memory.rev + 1, edited(of));
                *embedded = false;
            }
            Step::Move(of) => {
                let (memory, _) = plain.get_mut(&id(of)).unwrap();
                (memory.rev, memory.tier) = (memory.rev + 1, other(memory.tier));
            }
            Step::Delete(first) => {
                gone.extend(deleted(first).map(|id| (id, plain.remove(&id).unwrap())));
            }
            Step::Restore(of) => {
                let (mut memory, _) = gone.remove(&id(of)).unwrap();
                (memory.rev, memory.updated_at) = (memory.rev + 1, now());
                plain.insert(memory.id, (memory, false));
            }
            Step::BackUp => {}
        }
    }
    plain
}

fn edited(of: u64) -> Content {
    Content::new(format!("edited {of}")).unwrap()
}

fn other(tier: Tier) -> Tier {
    if tier == Tier::Goals { Tier::Memories } else { Tier::Goals }
}

fn deleted(first: u64) -> impl Iterator<Item = MemoryId> {
    (first + 4..first + 20).map(id)
}

/// The store with an index a tier.
struct Kept {
    store: SledStore,
    tiers: [VectorIndex; 2],
}

impl Kept {
    /// As the engine starts: vectors from the store, then what graphs there are.
    fn open(folder: &Path) -> Self {
        let opened = open_or_recover(&folder.join("store"), now(), Some(&killed::server())).unwrap();
        assert_eq!(opened.recovered, None, "a kill is no damage");
        let mut kept =
            Self { store: opened.store, tiers: Tier::ALL.map(|_| VectorIndex::new(space().dims, EXACT)) };
        let memories: BTreeMap<_, _> = kept.page().into_iter().map(|memory| (memory.id, memory)).collect();
        let Self { store, tiers } = &mut kept;
        let bad = store.vectors(&space(), &mut |id, vector| {
            let memory = memories.get(&id).unwrap_or_else(|| panic!("{id} has a vector and is no memory"));
            tiers[usize::from(memory.tier.number())].upsert(id, NO_SLOT, &vector);
        });
        assert_eq!(bad.unwrap(), 0, "every vector is whole");
        for tier in 0..2 {
            kept.take_up(tier, &folder.join("index").join(tier.to_string()));
        }
        kept
    }

    /// Graphs that fit; the others are built anew. None may be damaged: each was on disk before it had a name.
    fn take_up(&mut self, tier: usize, folder: &Path) {
        for path in saved_segments(folder) {
            let job = self.tiers[tier].plan_load(path, &space());
            match job.run(Workers::default(), &|_| {}, &CancelToken::new()) {
                Ok(built) => assert!(self.tiers[tier].install(built)),
                Err(JobError::Snapshot(papr_index::vectors::SnapshotError::Outdated { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn page(&self) -> Vec<Memory> {
        self.store.page(None, usize::MAX).unwrap()
    }

    fn of(&mut self, tier: Tier) -> &mut VectorIndex {
        &mut self.tiers[usize::from(tier.number())]
    }

    /// In the store, then in the indexes.
    fn carry_out(&mut self, number: u64) {
        let kept = |store: &SledStore, of: u64| store.get(id(of)).unwrap().unwrap();
        match step(number) {
            Step::Insert(first) => {
                let all: Vec<_> = (first..first + GROUP).map(memory).collect();
                self.store.insert(&all).unwrap();
            }
            Step::Embed(first) => {
                let all: Vec<_> =
                    (first..first + GROUP).filter_map(|of| self.store.get(id(of)).unwrap()).collect();
                let record = |memory: &Memory| {
                    let content = memory.content.clone();
                    VectorRecord { id: memory.id, content, vector: vector(memory) }
                };
                let records: Vec<_> = all.iter().map(record).collect();
                assert_eq!(self.store.put_vectors(&space(), &records).unwrap(), records.len());
                for memory in &all {
                    self.of(memory.tier).upsert(memory.id, NO_SLOT, &vector(memory));
                }
            }
            Step::Edit(of) => {
                let was = kept(&self.store, of);
                let next = Memory { rev: was.rev + 1, content: edited(of), ..was };
                self.store.replace(&next).unwrap();
                self.of(next.tier).remove(next.id);
            }
            Step::Move(of) => {
                let was = kept(&self.store, of);
                let next = Memory { rev: was.rev + 1, tier: other(was.tier), ..was };
                self.store.replace(&next).unwrap();
                self.of(other(next.tier)).remove(next.id);
                self.of(next.tier).upsert(next.id, NO_SLOT, &vector(&next));
            }
            Step::Delete(first) => {
                let ids: Vec<_> = deleted(first).collect();
                for memory in self.store.delete(&ids, now()).unwrap() {
                    self.of(memory.tier).remove(memory.id);
                }
            }
            Step::Restore(of) => assert_eq!(self.store.restore(&[id(of)], now()).unwrap().len(), 1),
            Step::BackUp => {
                let at = now().as_millisecond() + i64::try_from(number).unwrap();
                let at = Timestamp::from_millisecond(at).unwrap();
                self.store.back_up(at, 2, &CancelToken::new()).unwrap();
            }
        }
    }

    /// Seals, merges and saves; returns how many graphs were built.
    fn tend(&mut self, folder: &Path) -> usize {
        let mut built = 0;
        for (number, tier) in self.tiers.iter_mut().enumerate() {
            while let Some(job) = tier.plan() {
                let done = job.run(Workers::default(), &|_| {}, &CancelToken::new()).unwrap();
                built += usize::from(done.has_graph());
                tier.install(done);
                tier.view().save(&folder.join("index").join(number.to_string()), &space()).unwrap();
            }
        }
        built
    }

    /// Each memory with a vector is nearest to itself, in its own tier; nobody else is there.
    fn judge(&self, plain: &Plain, case: &str) {
        for tier in Tier::ALL {
            let view = self.tiers[usize::from(tier.number())].view();
            let embedded = plain.values().filter(|(memory, embedded)| *embedded && memory.tier == tier);
            assert_eq!(view.len(), embedded.clone().count(), "{case}: {tier}");
            let mut found = 0;
            for (memory, _) in embedded.clone() {
                assert!(view.contains(memory.id), "{case}: each stands in its tier");
                let near = view.nearest(&vector(memory), 1, None);
                assert!(near.iter().all(|&Nearest { id, .. }| plain.contains_key(&id)), "{case}: gone");
                found += usize::from(near[0].id == memory.id);
            }
            assert!(found * 100 >= embedded.count() * 98, "{case}: graphs find what they hold: {found}");
        }
    }
}

/// Not a test by itself: goes on from a step until it is killed, and tells each that is done.
#[test]
fn child_of_the_graphs() {
    let Some((folder, start)) = killed::given() else { return };
    let mut kept = Kept::open(&folder);
    let end = Instant::now() + Duration::from_secs(20);
    for number in (start..).take_while(|_| Instant::now() < end) {
        kept.carry_out(number);
        killed::tell(&format!("step {number}"));
        let built = kept.tend(&folder);
        killed::tell(&format!("built {built}"));
    }
}

#[test]
fn graphs_that_are_killed_while_they_grow_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut next, mut built) = (0, 0);
    for round in 0..killed::rounds() {
        let delay = killed::moment(round, Duration::from_millis(150));
        let told = killed::run_and_kill("child_of_the_graphs", folder.path(), next, delay);
        let number =
            |line: &String, word: &str| line.strip_prefix(word).map(|rest| rest.parse::<u64>().unwrap());
        built += told.iter().filter_map(|line| number(line, "built ")).sum::<u64>();
        let last = told.iter().filter_map(|line| number(line, "step ")).next_back().unwrap() + 1;
        let case = format!("round {round}, killed after {delay:?} in step {:?} or its graphs", step(last));
        let mut kept = Kept::open(folder.path());
        let (page, mut vectors) = (kept.page(), Vec::new());
        kept.store.vectors(&space(), &mut |id, _| vectors.push(id)).unwrap();
        let is = |plain: &Plain| {
            let embedded = plain.iter().filter(|(_, (_, embedded))| *embedded).map(|(&id, _)| id);
            plain.values().map(|(memory, _)| memory).eq(&page) && embedded.eq(vectors.iter().copied())
        };
        let reached = (last..=last + 1).find(|&steps| is(&after(steps)));
        let reached = reached.unwrap_or_else(|| panic!("{case}: not what there is after {last} steps"));
        // These leave everything as it is: they may be what was cut.
        next = if reached == last && is(&after(last + 1)) { last + 1 } else { reached };
        let report = kept.store.check(&mut |_| {}, &CancelToken::new()).unwrap();
        assert_eq!((report.findings.as_slice(), report.counted), (&[][..], true), "{case}");
        for backup in papr_store::backups(&folder.path().join("store")).unwrap() {
            papr_store::verify_backup(&backup.path).unwrap();
        }
        let plain = after(reached);
        kept.judge(&plain, &case);
        kept.tend(folder.path());
        kept.judge(&plain, &case);
        for (number, tier) in kept.tiers.iter().enumerate() {
            let index = folder.path().join("index").join(number.to_string());
            tier.view().save(&index, &space()).unwrap();
            let named = saved_segments(&index).len();
            assert_eq!(fs::read_dir(index).unwrap().count(), named, "{case}: half a graph is not left lying");
        }
    }
    assert!(built >= 5, "graphs were built: {built}");
    println!("{next} steps and {built} graphs in {} rounds", killed::rounds());
}

/// Not a test by itself: the process in which a copy is opened.
#[test]
fn child_serves() {
    papr_store::serve();
}
