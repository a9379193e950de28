//! Words: an inverted index over both tiers, scored by BM25.
//!
//! One index holds all memories, of which a search may be confined to some, so that how rare a word is, and
//! therefore a score, does not depend on which tier a memory stands in.
//!
//! This file says what is kept and how it changes; `words/search.rs` how it is searched, `words/alike.rs` which
//! memories say the same.

mod alike;
mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use papr_memory::MemoryId;

use crate::endings::stem;
use crate::fold::fold;
use crate::id_hash::IdHash;
use crate::token;

pub(crate) use self::search::may_go_on;
pub use self::search::{WordMatch, WordMatches};

type TermId = u32;
/// Where a memory stands in the index, as long as it stands there.
pub type Slot = u32;

/// No word has more forms than this; a stem with more belongs to several words.
const FORMS: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Posting {
    slot: Slot,
    count: u32,
}

#[derive(Debug)]
struct Document {
    id: MemoryId,
    /// Its words in order: what phrases are looked for in.
    sequence: Box<[TermId]>,
    /// Its compound pieces, and its pairs of ideographs.
    wholes: Box<[TermId]>,
    /// A bit for each of its words, by hash: texts of the same words have the same bits.
    signature: u64,
}

/// All words of all memories.
#[derive(Default)]
pub struct WordIndex {
    terms: BTreeMap<Box<str>, TermId>,
    /// The terms that are forms of one word, by their stem.
    forms: HashMap<Box<str>, Vec<TermId>>,
    /// Whether there is a digit in a term.
    numbers: Vec<bool>,
    postings: Vec<Vec<Posting>>,
    documents: Vec<Option<Document>>,
    /// Words in each document, beside each other for the scoring loop.
    lengths: Vec<u32>,
    free: Vec<Slot>,
    slot_of: HashMap<MemoryId, Slot, IdHash>,
    /// Changes with everything that changes.
    version: u64,
    total_words: u64,
}

impl WordIndex {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many memories it holds.
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// Where a memory stands.
    pub fn slot(&self, id: MemoryId) -> Option<Slot> {
        self.slot_of.get(&id).copied()
    }

    /// The memory that stands there.
    pub fn id(&self, slot: Slot) -> Option<MemoryId> {
        self.document(slot).map(|document| document.id)
    }

    /// Adds a memory, or replaces what it said; tells where it stands from now on.
    pub fn upsert(&mut self, id: MemoryId, text: &str) -> Slot {
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
        let signature = alike::signature(&sequence);
        self.documents[slot as usize] = Some(Document { id, sequence, wholes, signature });
        self.slot_of.insert(id, slot);
        slot
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
        let term = TermId::try_from(self.postings.len()).unwrap_or(TermId::MAX);
        self.postings.push(Vec::new());
        self.numbers.push(folded.contains(char::is_numeric));
        if let Some(stem) = stem(&folded) {
            self.forms.entry(stem.into()).or_default().push(term);
        }
        self.terms.insert(folded.into(), term);
        term
    }

    fn lookup(&self, folded: &str) -> Option<TermId> {
        self.terms.get(folded).copied()
    }

    /// The terms that are forms of this word, itself included if it is a term; at most [`FORMS`].
    fn forms(&self, folded: &str, stem: Option<&str>) -> Vec<TermId> {
        let alone = || self.lookup(folded).into_iter().collect();
        let family = stem.and_then(|stem| self.forms.get(stem));
        family.map_or_else(alone, |family| family.iter().copied().take(FORMS).collect())
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
