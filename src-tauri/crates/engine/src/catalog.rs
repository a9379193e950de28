//! The catalogue: what is searched. Words of all memories, vectors of both tiers, who was last touched.
//!
//! It is derived from the store and lives behind one lock, so that a search sees both tiers and both kinds
//! of index at one moment.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use papr_index::{VectorIndex, WordIndex};
use papr_memory::ports::{Store, StoreError};
use papr_memory::{Memory, MemoryId, Source, Space, Tier, TierCounts, Vector};

#[derive(Clone, Copy, Debug)]
struct Entry {
    tier: Tier,
    updated_at: Timestamp,
    sample: bool,
}

/// The vectors of one space, an index a tier.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) space: Space,
    /// No other vectors of this process have the same.
    pub(crate) generation: u64,
    goals: VectorIndex,
    memories: VectorIndex,
}

impl Vectors {
    /// No vectors yet. All are scanned until [`graphs`](crate::graphs) says otherwise.
    pub(crate) fn new(space: Space) -> Self {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        let index = || VectorIndex::new(space.dims, usize::MAX);
        Self { generation, goals: index(), memories: index(), space }
    }

    /// All vectors of a space that a store holds of memories that stand in a tier, and how many of them are bad.
    pub(crate) fn read(
        space: &Space,
        store: &dyn Store,
        tier_of: impl Fn(MemoryId) -> Option<Tier>,
    ) -> Result<(Self, usize), StoreError> {
        let mut vectors = Self::new(space.clone());
        let (mut goals, mut memories) = (vectors.goals.batch(), vectors.memories.batch());
        let bad = store.vectors(space, &mut |id, vector| match tier_of(id) {
            Some(Tier::Goals) => goals.upsert(id, &vector),
            Some(Tier::Memories) => memories.upsert(id, &vector),
            None => {}
        })?;
        drop((goals, memories));
        Ok((vectors, bad))
    }

    pub(crate) fn of(&self, tier: Tier) -> &VectorIndex {
        match tier {
            Tier::Goals => &self.goals,
            Tier::Memories => &self.memories,
        }
    }

    pub(crate) fn of_mut(&mut self, tier: Tier) -> &mut VectorIndex {
        match tier {
            Tier::Goals => &mut self.goals,
            Tier::Memories => &mut self.memories,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        Tier::ALL.iter().map(|&tier| self.of(tier).view().len()).sum()
    }

    fn remove(&mut self, id: MemoryId) {
        for tier in Tier::ALL {
            self.of_mut(tier).remove(id);
        }
    }

    fn contains(&self, id: MemoryId) -> bool {
        Tier::ALL.iter().any(|&tier| self.of(tier).view().contains(id))
    }
}

/// A space that is being built beside the one that serves: which memories it still lacks.
#[derive(Debug)]
pub(crate) struct Building {
    space: Space,
    missing: BTreeSet<MemoryId>,
    /// Those of which the new model makes no usable vector.
    refused: BTreeSet<MemoryId>,
}

impl Building {
    /// Up to `limit` memories to embed next, oldest first.
    pub(crate) fn next(&self, limit: usize) -> Vec<MemoryId> {
        self.missing.iter().copied().take(limit).collect()
    }

    /// How many are to do.
    pub(crate) fn missing(&self) -> usize {
        self.missing.len()
    }

    /// Notes that no vector can be made of these.
    pub(crate) fn refuse(&mut self, ids: &[MemoryId]) {
        for &id in ids {
            if self.missing.remove(&id) {
                self.refused.insert(id);
            }
        }
    }

    fn forget(&mut self, id: MemoryId) {
        self.missing.remove(&id);
        self.refused.remove(&id);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) words: WordIndex,
    /// What meaning is searched in.
    pub(crate) vectors: Option<Vectors>,
    /// What it will be searched in after a change of model.
    pub(crate) building: Option<Building>,
    entries: HashMap<MemoryId, Entry>,
    recent: BTreeSet<(Timestamp, MemoryId)>,
    samples: BTreeSet<MemoryId>,
    counts: TierCounts,
}

impl Catalog {
    /// Adds a memory or replaces it. `same_text` keeps its vector: only what was said is embedded.
    pub(crate) fn upsert(&mut self, memory: &Memory, same_text: bool) {
        let vector = if same_text { self.take_vector(memory.id) } else { None };
        let missing = self.building.as_ref().is_some_and(|building| building.missing.contains(&memory.id));
        let refused = self.building.as_ref().is_some_and(|building| building.refused.contains(&memory.id));
        self.remove(memory.id);
        if let Some(building) = &mut self.building {
            if !same_text || missing {
                building.missing.insert(memory.id);
            } else if refused {
                building.refused.insert(memory.id);
            }
        }
        let entry = Entry {
            tier: memory.tier,
            updated_at: memory.updated_at,
            sample: memory.source == Source::Sample,
        };
        self.words.upsert(memory.id, memory.tier, &words(memory));
        self.recent.insert((entry.updated_at, memory.id));
        if entry.sample {
            self.samples.insert(memory.id);
        }
        self.counts.count(entry.tier);
        self.entries.insert(memory.id, entry);
        if let (Some(vector), Some(vectors)) = (vector, &mut self.vectors) {
            vectors.of_mut(memory.tier).upsert(memory.id, &vector);
        }
    }

    pub(crate) fn remove(&mut self, id: MemoryId) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.words.remove(id);
        self.recent.remove(&(entry.updated_at, id));
        self.samples.remove(&id);
        match entry.tier {
            Tier::Goals => self.counts.goals -= 1,
            Tier::Memories => self.counts.memories -= 1,
        }
        if let Some(vectors) = &mut self.vectors {
            vectors.remove(id);
        }
        if let Some(building) = &mut self.building {
            building.forget(id);
        }
    }

    /// Begins to build `space` beside the one that serves; `have` are the memories that stand in it already.
    pub(crate) fn build_space(&mut self, space: &Space, have: &HashSet<MemoryId>) {
        let missing = self.entries.keys().copied().filter(|id| !have.contains(id)).collect();
        self.building = Some(Building { space: space.clone(), missing, refused: BTreeSet::new() });
    }

    /// The space that was built serves from now on. Returns those of which it has no vector and never will.
    pub(crate) fn finish_building(&mut self, vectors: Vectors) -> Vec<MemoryId> {
        self.vectors = Some(vectors);
        self.building.take().map(|building| building.refused.into_iter().collect()).unwrap_or_default()
    }

    /// Puts a vector of `space` beside its memory, if the memory is here.
    pub(crate) fn put_vector(&mut self, space: &Space, id: MemoryId, vector: &Vector) {
        let Some(entry) = self.entries.get(&id) else { return };
        if let Some(vectors) = self.vectors.as_mut().filter(|vectors| vectors.space == *space) {
            vectors.of_mut(entry.tier).upsert(id, vector);
        }
        if let Some(building) = self.building.as_mut().filter(|building| building.space == *space) {
            building.forget(id);
        }
    }

    /// The memories that have no vector yet, oldest first.
    pub(crate) fn without_vector(&self) -> Vec<MemoryId> {
        let Some(vectors) = &self.vectors else { return Vec::new() };
        let mut ids: Vec<MemoryId> =
            self.entries.keys().copied().filter(|&id| !vectors.contains(id)).collect();
        ids.sort_unstable();
        ids
    }

    /// How many memories have a vector.
    pub(crate) fn embedded(&self) -> usize {
        self.vectors.as_ref().map_or(0, Vectors::len)
    }

    pub(crate) fn contains(&self, id: MemoryId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(crate) fn tier(&self, id: MemoryId) -> Option<Tier> {
        self.entries.get(&id).map(|entry| entry.tier)
    }

    pub(crate) fn counts(&self) -> TierCounts {
        self.counts
    }

    pub(crate) fn samples(&self) -> impl ExactSizeIterator<Item = MemoryId> + '_ {
        self.samples.iter().copied()
    }

    /// The memories last changed, newest first, of one tier or both.
    pub(crate) fn recent(&self, tier: Option<Tier>) -> impl Iterator<Item = MemoryId> + '_ {
        self.recent
            .iter()
            .rev()
            .map(|&(_, id)| id)
            .filter(move |&id| tier.is_none_or(|wanted| self.tier(id) == Some(wanted)))
    }

    fn take_vector(&self, id: MemoryId) -> Option<Vector> {
        let vectors = self.vectors.as_ref()?;
        let numbers = Tier::ALL.iter().find_map(|&tier| vectors.of(tier).view().get(id))?;
        Vector::new(numbers, vectors.space.dims).ok()
    }
}

/// What a memory is found by word in: its text, then its topics.
fn words(memory: &Memory) -> String {
    [memory.content.as_str()]
        .into_iter()
        .chain(memory.topics.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("\n")
}
