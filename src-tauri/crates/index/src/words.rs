//! Words: an inverted index over both tiers, scored by BM25.
//!
//! One index holds all memories, with the tier as a filter, so that how rare a word is, and therefore a
//! score, does not depend on which tier a memory stands in.
//!
//! This file says what is kept and how it changes; `words/search.rs` how it is searched.

mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use papr_memory::{MemoryId, Tier};
use rust_stemmers::{Algorithm, Stemmer};

use crate::fold::fold;
use crate::id_hash::IdHash;
use crate::token;

pub(crate) use self::search::may_go_on;
pub use self::search::{WordMatch, WordMatches};

type TermId = u32;
type Slot = u32;

#[derive(Clone, Copy, Debug)]
struct Posting {
    slot: Slot,
    count: u32,
}

#[derive(Debug)]
struct Document {
    id: MemoryId,
    tier: Tier,
    /// Its words in order: what phrases are looked for in.
    sequence: Box<[TermId]>,
    /// Its compound pieces, and its pairs of ideographs.
    wholes: Box<[TermId]>,
}

/// Whether the endings of words count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endings {
    /// `ship` and `shipped` are two words.
    #[default]
    Kept,
    /// English endings are taken off (Snowball): `ship` and `shipped` are one word.
    English,
}

/// All words of all memories.
#[derive(Default)]
pub struct WordIndex {
    terms: BTreeMap<Box<str>, TermId>,
    postings: Vec<Vec<Posting>>,
    documents: Vec<Option<Document>>,
    /// Words in each document, beside each other for the scoring loop.
    lengths: Vec<u32>,
    free: Vec<Slot>,
    slot_of: HashMap<MemoryId, Slot, IdHash>,
    /// Changes with everything that changes.
    version: u64,
    total_words: u64,
    stemmer: Option<Stemmer>,
}

impl WordIndex {
    /// An index of nothing that keeps words as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// An index of nothing.
    pub fn with_endings(endings: Endings) -> Self {
        let stemmer = match endings {
            Endings::Kept => None,
            Endings::English => Some(Stemmer::create(Algorithm::English)),
        };
        Self { stemmer, ..Self::default() }
    }

    /// How many memories it holds.
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// Adds a memory, or replaces what it said.
    pub fn upsert(&mut self, id: MemoryId, tier: Tier, text: &str) {
        self.remove(id);
        self.version += 1;
        let sequence: Box<[TermId]> = token::words(text).map(|range| self.term(&text[range])).collect();
        let wholes = token::wholes(text).chain(token::ideograph_pairs(text));
        let wholes: Box<[TermId]> = wholes.map(|range| self.term(&text[range])).collect();
        let slot = self.free.pop().unwrap_or_else(|| {
            self.documents.push(None);
            self.lengths.push(0);
            Slot::try_from(self.documents.len() - 1).unwrap_or(Slot::MAX)
        });
        self.total_words += sequence.len() as u64;
        for (term, count) in term_counts(&sequence, &wholes) {
            let postings = &mut self.postings[term as usize];
            // Slots mostly grow, so this is an append; a slot used again finds its place.
            let place = postings.partition_point(|posting| posting.slot < slot);
            postings.insert(place, Posting { slot, count });
        }
        self.lengths[slot as usize] = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
        self.documents[slot as usize] = Some(Document { id, tier, sequence, wholes });
        self.slot_of.insert(id, slot);
    }

    /// Takes a memory out; whether it was there.
    pub fn remove(&mut self, id: MemoryId) -> bool {
        let Some(slot) = self.slot_of.remove(&id) else { return false };
        let Some(document) = self.documents[slot as usize].take() else { return false };
        self.total_words -= document.sequence.len() as u64;
        for (term, _) in term_counts(&document.sequence, &document.wholes) {
            let postings = &mut self.postings[term as usize];
            if let Ok(place) = postings.binary_search_by_key(&slot, |posting| posting.slot) {
                postings.remove(place);
            }
        }
        self.free.push(slot);
        self.version += 1;
        true
    }

    fn document(&self, slot: Slot) -> Option<&Document> {
        self.documents.get(slot as usize)?.as_ref()
    }

    fn term(&mut self, word: &str) -> TermId {
        let folded = fold(word);
        if let Some(term) = self.lookup(&folded) {
            return term;
        }
        let key = self.stem(&folded).map_or(folded.as_str().into(), Into::into);
        let term = TermId::try_from(self.postings.len()).unwrap_or(TermId::MAX);
        self.postings.push(Vec::new());
        self.terms.insert(key, term);
        term
    }

    fn lookup(&self, folded: &str) -> Option<TermId> {
        match self.stem(folded) {
            Some(stem) => self.terms.get(stem.as_str()).copied(),
            None => self.terms.get(folded).copied(),
        }
    }

    /// A word without its ending, if endings do not count. Identifiers and words of other scripts have none.
    fn stem(&self, folded: &str) -> Option<String> {
        let stemmer = self.stemmer.as_ref()?;
        folded.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| stemmer.stem(folded).into_owned())
    }
}

/// Shows sizes: logs hold no memory text.
impl fmt::Debug for WordIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WordIndex({} memories, {} terms)", self.len(), self.terms.len())
    }
}

/// How often each term stands in a document.
fn term_counts(sequence: &[TermId], wholes: &[TermId]) -> Vec<(TermId, u32)> {
    let mut sorted: Vec<TermId> = sequence.iter().chain(wholes).copied().collect();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX))).collect()
}
