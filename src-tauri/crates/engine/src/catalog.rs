//! The catalogue: what is searched. Words of all memories, what can be filtered by, vectors of both tiers, who
//! was last touched.
//!
//! It is derived from the store and lives behind one lock, so that a search sees both tiers and both kinds
//! of index at one moment.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use papr_index::{Attribute, Attributes, Selection, Slot, VectorIndex, WordIndex};
use papr_memory::ports::{Store, StoreError};
use papr_memory::{Memory, MemoryId, Source, Space, Tier, TierCounts, Vector};

/// The vectors of one space, an index a tier.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) space: Space,
    /// A space of Papr's that was measured to be the same: what has no vector in the one may have one there.
    pub(crate) beside: Option<Space>,
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
        Self { generation, goals: index(), memories: index(), beside: None, space }
    }

    /// All vectors of a space that a store holds of memories that have a place, and how many of them are bad; with
    /// those of the space `beside` it for memories that have none.
    pub(crate) fn read(
        space: &Space,
        beside: Option<Space>,
        store: &dyn Store,
        place_of: impl Fn(MemoryId) -> Option<(Tier, Slot)>,
    ) -> Result<(Self, usize), StoreError> {
        let mut vectors = Self::new(space.clone());
        let (mut goals, mut memories) = (vectors.goals.batch(), vectors.memories.batch());
        let (mut bad, mut read) = (0, HashSet::new());
        for space in [Some(space), beside.as_ref()].into_iter().flatten() {
            bad +=
                store.vectors(space, &mut |id, vector| match place_of(id).filter(|_| read.insert(id)) {
                    Some((Tier::Goals, slot)) => goals.upsert(id, slot, &vector),
                    Some((Tier::Memories, slot)) => memories.upsert(id, slot, &vector),
                    None => {}
                })?;
        }
        drop((goals, memories));
        vectors.beside = beside;
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
    /// Words, and who stands at which slot.
    pub(crate) words: WordIndex,
    /// What memories are, at the slots of their words.
    pub(crate) attributes: Attributes,
    /// What meaning is searched in.
    pub(crate) vectors: Option<Vectors>,
    /// What it will be searched in after a change of model.
    pub(crate) building: Option<Building>,
    recent: BTreeSet<(Timestamp, MemoryId)>,
    samples: BTreeSet<MemoryId>,
    counts: TierCounts,
}

impl Catalog {
    /// Adds a memory or replaces it. `same_text` keeps its vector: only what was said is embedded.
    pub(crate) fn upsert(&mut self, memory: &Memory, same_text: bool) {
        let vector = if same_text { self.vector(memory.id) } else { None };
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
        let slot = self.words.upsert(memory.id, &words(memory));
        self.attributes.put(slot, memory);
        self.recent.insert((memory.updated_at, memory.id));
        if memory.source == Source::Sample {
            self.samples.insert(memory.id);
        }
        self.counts.count(memory.tier);
        if let (Some(vector), Some(vectors)) = (vector, &mut self.vectors) {
            vectors.of_mut(memory.tier).upsert(memory.id, slot, &vector);
        }
    }

    pub(crate) fn remove(&mut self, id: MemoryId) {
        let Some(entry) = self.words.slot(id).and_then(|slot| self.attributes.take(slot)) else { return };
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
        let missing = self.ids().filter(|id| !have.contains(id)).collect();
        self.building = Some(Building { space: space.clone(), missing, refused: BTreeSet::new() });
    }

    /// The space that was built serves from now on. Returns those of which it has no vector and never will.
    pub(crate) fn finish_building(&mut self, vectors: Vectors) -> Vec<MemoryId> {
        self.vectors = Some(vectors);
        self.building.take().map(|building| building.refused.into_iter().collect()).unwrap_or_default()
    }

    /// Puts a vector of `space` beside its memory, if the memory is here.
    pub(crate) fn put_vector(&mut self, space: &Space, id: MemoryId, vector: &Vector) {
        let Some((tier, slot)) = self.place(id) else { return };
        if let Some(vectors) = self.vectors.as_mut().filter(|vectors| vectors.space == *space) {
            vectors.of_mut(tier).upsert(id, slot, vector);
        }
        if let Some(building) = self.building.as_mut().filter(|building| building.space == *space) {
            building.forget(id);
        }
    }

    /// The memories that have no vector yet, oldest first.
    pub(crate) fn without_vector(&self) -> Vec<MemoryId> {
        let Some(vectors) = &self.vectors else { return Vec::new() };
        let mut ids: Vec<MemoryId> = self.ids().filter(|&id| !vectors.contains(id)).collect();
        ids.sort_unstable();
        ids
    }

    /// How many memories have a vector.
    pub(crate) fn embedded(&self) -> usize {
        self.vectors.as_ref().map_or(0, Vectors::len)
    }

    pub(crate) fn contains(&self, id: MemoryId) -> bool {
        self.words.slot(id).is_some()
    }

    /// What is known of a memory without asking the store.
    pub(crate) fn attribute(&self, id: MemoryId) -> Option<Attribute> {
        self.attributes.get(self.words.slot(id)?)
    }

    /// Whether a memory is among those selected, or among all.
    pub(crate) fn is_among(&self, selection: Option<&Selection>, id: MemoryId) -> bool {
        self.words.slot(id).is_some_and(|slot| selection.is_none_or(|selection| selection.has(slot)))
    }

    /// The tier and the slot at which a memory's vector stands.
    pub(crate) fn place(&self, id: MemoryId) -> Option<(Tier, Slot)> {
        let slot = self.words.slot(id)?;
        Some((self.attributes.get(slot)?.tier, slot))
    }

    fn ids(&self) -> impl Iterator<Item = MemoryId> + '_ {
        self.recent.iter().map(|&(_, id)| id)
    }

    pub(crate) fn counts(&self) -> TierCounts {
        self.counts
    }

    pub(crate) fn samples(&self) -> impl ExactSizeIterator<Item = MemoryId> + '_ {
        self.samples.iter().copied()
    }

    /// Memories with the time they last changed, the newest first, from behind a place on.
    pub(crate) fn newest(
        &self,
        after: Option<(Timestamp, MemoryId)>,
    ) -> impl Iterator<Item = (Timestamp, MemoryId)> + '_ {
        let end = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.recent.range((Bound::Unbounded, end)).rev().copied()
    }

    /// The same, the oldest first.
    pub(crate) fn oldest(
        &self,
        after: Option<(Timestamp, MemoryId)>,
    ) -> impl Iterator<Item = (Timestamp, MemoryId)> + '_ {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.recent.range((start, Bound::Unbounded)).copied()
    }

    /// The memories that are selected, the one first that last changed first.
    pub(crate) fn in_time(&self, selection: &Selection) -> Vec<MemoryId> {
        let place = |slot| Some((self.attributes.get(slot)?.updated_at, self.words.id(slot)?));
        let mut places: Vec<(Timestamp, MemoryId)> = selection.slots().filter_map(place).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, id)| id).collect()
    }

    /// The vector of a memory in the space that serves.
    pub(crate) fn vector(&self, id: MemoryId) -> Option<Vector> {
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
