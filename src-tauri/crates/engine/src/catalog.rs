//! The catalogue: what is searched. Words of all memories, vectors of both tiers, who was last touched.
//!
//! It is derived from the store and lives behind one lock, so that a search sees both tiers and both kinds
//! of index at one moment.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use papr_index::{Slab, WordIndex};
use papr_memory::{Memory, MemoryId, Source, Space, Tier, TierCounts, Vector};

#[derive(Clone, Copy, Debug)]
struct Entry {
    tier: Tier,
    updated_at: Timestamp,
    sample: bool,
}

/// The vectors of one space, a slab a tier.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) space: Space,
    pub(crate) goals: Slab,
    pub(crate) memories: Slab,
}

impl Vectors {
    fn new(space: Space) -> Self {
        let (goals, memories) = (Slab::new(space.dims), Slab::new(space.dims));
        Self { space, goals, memories }
    }

    pub(crate) fn of(&self, tier: Tier) -> &Slab {
        match tier {
            Tier::Goals => &self.goals,
            Tier::Memories => &self.memories,
        }
    }

    fn of_mut(&mut self, tier: Tier) -> &mut Slab {
        match tier {
            Tier::Goals => &mut self.goals,
            Tier::Memories => &mut self.memories,
        }
    }

    fn remove(&mut self, id: MemoryId) {
        for tier in Tier::ALL {
            self.of_mut(tier).remove(id);
        }
    }

    /// Cosine of a memory to the query, in whichever tier it stands.
    pub(crate) fn cosine(&self, id: MemoryId, query: &Vector) -> Option<f32> {
        Tier::ALL.iter().find_map(|&tier| self.of(tier).cosine(id, query))
    }

    fn contains(&self, id: MemoryId) -> bool {
        Tier::ALL.iter().any(|&tier| self.of(tier).contains(id))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) words: WordIndex,
    pub(crate) vectors: Option<Vectors>,
    entries: HashMap<MemoryId, Entry>,
    recent: BTreeSet<(Timestamp, MemoryId)>,
    samples: BTreeSet<MemoryId>,
    counts: TierCounts,
}

impl Catalog {
    /// Adds a memory or replaces it. `same_text` keeps its vector: only what was said is embedded.
    pub(crate) fn upsert(&mut self, memory: &Memory, same_text: bool) {
        let vector = if same_text { self.take_vector(memory.id) } else { None };
        self.remove(memory.id);
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
        if let Some(vector) = vector {
            self.put_vector(memory.id, &vector);
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
    }

    /// Begins with the vectors of `space`; those of another space leave.
    pub(crate) fn use_space(&mut self, space: &Space) {
        if self.vectors.as_ref().is_none_or(|vectors| vectors.space != *space) {
            self.vectors = Some(Vectors::new(space.clone()));
        }
    }

    /// Puts a vector beside its memory, if the memory is here.
    pub(crate) fn put_vector(&mut self, id: MemoryId, vector: &Vector) {
        let (Some(entry), Some(vectors)) = (self.entries.get(&id), &mut self.vectors) else { return };
        vectors.of_mut(entry.tier).upsert(id, vector);
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
        self.vectors.as_ref().map_or(0, |vectors| vectors.goals.len() + vectors.memories.len())
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
        Tier::ALL.iter().find_map(|&tier| vectors.of(tier).vector(id))
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
