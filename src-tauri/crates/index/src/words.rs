//! Words: an inverted index over both tiers, scored by BM25.
//!
//! One index holds all memories, with the tier as a filter, so that how rare a word is, and therefore a
//! score, does not depend on which tier a memory stands in.
//!
//! BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with
//! the idf of Lucene, `ln(1 + (N - df + 0.5) / (df + 0.5))`, which is never negative.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use papr_memory::{MemoryId, Tier};

use crate::fold::fold;
use crate::function_words::is_function_word;
use crate::parse::{Phrase, Term, WordQuery};
use crate::token;

/// How quickly repeating a word stops to count. Short texts repeat little; 0.9 is also Anserini's default.
const K1: f32 = 0.9;
/// How much a long text is held against it, 0..=1. Anserini's default.
const B: f32 = 0.4;
/// A word that is still being typed counts less than a whole one.
const OPEN_WEIGHT: f32 = 0.6;
/// From how many letters on an open word is continued, and to how many index terms at most.
const OPEN_LETTERS: usize = 2;
const OPEN_TERMS: usize = 64;

/// A word that stands in more than this part of all memories, and in more than this many, is common.
const COMMON_SHARE: usize = 8;
const COMMON_LEAST: usize = 12;

/// What a function word counts beside words that say something: enough to prefer the text that is phrased like
/// the query, not enough to pass for an answer.
const FUNCTION_WORD_WEIGHT: f32 = 0.3;
/// How many different words of a query are marked.
const MARKED_TERMS: usize = 64;

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
    /// Its compound pieces.
    wholes: Box<[TermId]>,
}

/// All words of all memories.
#[derive(Debug, Default)]
pub struct WordIndex {
    terms: BTreeMap<Box<str>, TermId>,
    postings: Vec<Vec<Posting>>,
    documents: Vec<Option<Document>>,
    /// Words in each document, beside each other for the scoring loop.
    lengths: Vec<u32>,
    free: Vec<Slot>,
    slot_of: HashMap<MemoryId, Slot>,
    total_words: u64,
}

/// One memory found by word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WordMatch {
    /// Which memory.
    pub id: MemoryId,
    /// BM25, above 0.
    pub score: f32,
    /// It holds an identifier, a name or a phrase of the query as it stands.
    pub exact: bool,
}

/// Everything one query matched.
#[derive(Debug)]
pub struct WordMatches<'a> {
    index: &'a WordIndex,
    scores: Vec<f32>,
    exact: Vec<Slot>,
    best: Vec<WordMatch>,
    mass: f32,
}

impl WordMatches<'_> {
    /// What a memory of average length scores that holds every word of the query once, whether or not there
    /// is such a memory: the measure of how much of the query a score stands for.
    pub fn mass(&self) -> f32 {
        self.mass
    }

    /// The best matches, exact ones first, each part by falling score.
    pub fn best(&self) -> &[WordMatch] {
        &self.best
    }

    /// What this memory matched with, whether or not it is among the best.
    pub fn of(&self, id: MemoryId) -> Option<WordMatch> {
        let slot = *self.index.slot_of.get(&id)?;
        let score = *self.scores.get(slot as usize)?;
        (score > 0.0).then(|| WordMatch { id, score, exact: self.exact.binary_search(&slot).is_ok() })
    }
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

    /// Adds a memory, or replaces what it said.
    pub fn upsert(&mut self, id: MemoryId, tier: Tier, text: &str) {
        self.remove(id);
        let sequence: Box<[TermId]> = token::words(text).map(|range| self.term(&text[range])).collect();
        let wholes: Box<[TermId]> = token::wholes(text).map(|range| self.term(&text[range])).collect();
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
        true
    }

    /// Scores `query` in one tier or both, and names the best `k`.
    pub fn search(&self, query: &WordQuery, tier: Option<Tier>, k: usize) -> WordMatches<'_> {
        let mut scores = vec![0.0_f32; self.documents.len()];
        let mut touched: Vec<Slot> = Vec::new();
        let mut mass = 0.0;
        let says_something = query.terms.iter().any(|term| !is_function_word(&term.folded));
        for term in query.terms.iter().chain(&query.wholes) {
            let little = says_something && is_function_word(&term.folded);
            let weight = if little { FUNCTION_WORD_WEIGHT } else { 1.0 };
            mass += self.score(&self.postings_of(term), weight, &mut scores, &mut touched);
        }
        if let Some(tier) = tier {
            touched.retain(|&slot| {
                let kept = self.document(slot).is_some_and(|document| document.tier == tier);
                if !kept {
                    scores[slot as usize] = 0.0;
                }
                kept
            });
        }
        let mut exact = self.exact(query);
        exact.retain(|&slot| scores[slot as usize] > 0.0);
        let is_exact = |slot: Slot| !exact.is_empty() && exact.binary_search(&slot).is_ok();
        let id = |slot: Slot| self.document(slot).map(|document| document.id);
        let order = |&a: &Slot, &b: &Slot| {
            let scores = scores[b as usize].total_cmp(&scores[a as usize]);
            is_exact(b).cmp(&is_exact(a)).then(scores).then_with(|| id(a).cmp(&id(b)))
        };
        if k < touched.len() {
            if k > 0 {
                touched.select_nth_unstable_by(k - 1, order);
            }
            touched.truncate(k);
        }
        touched.sort_unstable_by(order);
        let found = |&slot: &Slot| {
            Some(WordMatch { id: id(slot)?, score: scores[slot as usize], exact: is_exact(slot) })
        };
        let best = touched.iter().filter_map(found).collect();
        WordMatches { index: self, scores, exact, best, mass }
    }

    /// The query without the words that stand in so many memories that they tell nothing, like "the": what
    /// is worth marking. If all are such, all are kept.
    pub fn telling(&self, query: &WordQuery) -> WordQuery {
        let common = (self.len() / COMMON_SHARE).max(COMMON_LEAST);
        let mut telling = query.clone();
        telling.terms.retain(|term| match self.postings_of(term) {
            WeightedPostings::Whole(postings) => postings.len() <= common && !is_function_word(&term.folded),
            WeightedPostings::Open(_) => true,
        });
        if telling.terms.is_empty() {
            telling.terms.clone_from(&query.terms);
        }
        // Nobody reads the marks of more words than these, and marking costs words times words.
        telling.terms.truncate(MARKED_TERMS);
        telling
    }

    fn document(&self, slot: Slot) -> Option<&Document> {
        self.documents.get(slot as usize)?.as_ref()
    }

    fn term(&mut self, word: &str) -> TermId {
        let folded = fold(word);
        if let Some(&term) = self.terms.get(folded.as_str()) {
            return term;
        }
        let term = TermId::try_from(self.postings.len()).unwrap_or(TermId::MAX);
        self.postings.push(Vec::new());
        self.terms.insert(folded.into_boxed_str(), term);
        term
    }

    fn lookup(&self, folded: &str) -> Option<TermId> {
        self.terms.get(folded).copied()
    }

    /// The postings of a term with their weight; of an open one, of every term it may become, as if they
    /// were one word.
    fn postings_of(&self, term: &Term) -> WeightedPostings<'_> {
        let whole =
            self.lookup(&term.folded).map(|id| self.postings[id as usize].as_slice()).unwrap_or_default();
        if !term.open || !whole.is_empty() || !may_go_on(&term.folded) {
            return WeightedPostings::Whole(whole);
        }
        let range = (Bound::Excluded(term.folded.as_str()), Bound::Unbounded);
        let mut merged: BTreeMap<Slot, u32> = BTreeMap::new();
        self.terms
            .range::<str, _>(range)
            .take_while(|(word, _)| word.starts_with(&term.folded))
            .filter(|(_, id)| !self.postings[**id as usize].is_empty())
            .take(OPEN_TERMS)
            .flat_map(|(_, &id)| &self.postings[id as usize])
            .for_each(|posting| *merged.entry(posting.slot).or_default() += posting.count);
        WeightedPostings::Open(merged.into_iter().map(|(slot, count)| Posting { slot, count }).collect())
    }

    /// Adds a term's part to each memory that holds it; returns its idf, weighted.
    fn score(
        &self,
        postings: &WeightedPostings<'_>,
        weight: f32,
        scores: &mut [f32],
        touched: &mut Vec<Slot>,
    ) -> f32 {
        let (postings, weight) = match postings {
            WeightedPostings::Whole(postings) => (*postings, weight),
            WeightedPostings::Open(postings) => (postings.as_slice(), weight * OPEN_WEIGHT),
        };
        let documents = self.len() as f32;
        let average = self.total_words as f32 / documents.max(1.0);
        let having = postings.len() as f32;
        let idf = (1.0 + (documents - having + 0.5) / (having + 0.5)).ln();
        let scale = B / average.max(1.0);
        for posting in postings {
            let count = posting.count as f32;
            let length = self.lengths[posting.slot as usize] as f32;
            let score = weight * idf * count * (K1 + 1.0) / (count + K1 * (1.0 - B + scale * length));
            let sum = &mut scores[posting.slot as usize];
            if *sum == 0.0 {
                touched.push(posting.slot);
            }
            *sum += score;
        }
        weight * idf
    }

    /// The memories that hold any of the query's identifiers, or all its phrases; in order of slots.
    fn exact(&self, query: &WordQuery) -> Vec<Slot> {
        let identifiers = query.identifiers.iter().map(std::slice::from_ref);
        let mut exact: Vec<Slot> =
            identifiers.chain([query.phrases.as_slice()]).flat_map(|phrases| self.saying(phrases)).collect();
        exact.sort_unstable();
        exact.dedup();
        exact
    }

    /// The memories in which the words of each of `phrases` stand side by side.
    fn saying(&self, phrases: &[Phrase]) -> Vec<Slot> {
        let terms = |phrase: &Phrase| phrase.folded.iter().map(|word| self.lookup(word)).collect();
        let Some(phrases) = phrases.iter().map(terms).collect::<Option<Vec<Vec<TermId>>>>() else {
            return Vec::new();
        };
        let mut all: Vec<TermId> = phrases.iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        let says = |document: &Document| {
            phrases.iter().all(|phrase| document.sequence.windows(phrase.len()).any(|part| part == phrase))
        };
        let mut slots = self.holding(&all);
        slots.retain(|&slot| self.document(slot).is_some_and(says));
        slots
    }

    /// The slots that hold all of `terms`, in order.
    fn holding(&self, terms: &[TermId]) -> Vec<Slot> {
        let mut lists: Vec<&[Posting]> =
            terms.iter().map(|&term| self.postings[term as usize].as_slice()).collect();
        lists.sort_unstable_by_key(|list| list.len());
        let Some((rarest, others)) = lists.split_first() else { return Vec::new() };
        let has =
            |list: &&[Posting], slot: Slot| list.binary_search_by_key(&slot, |posting| posting.slot).is_ok();
        rarest
            .iter()
            .map(|posting| posting.slot)
            .filter(|&slot| others.iter().all(|list| has(list, slot)))
            .collect()
    }
}

enum WeightedPostings<'a> {
    Whole(&'a [Posting]),
    Open(Vec<Posting>),
}

/// Whether enough of a word was typed to guess how it goes on.
pub(crate) fn may_go_on(open: &str) -> bool {
    open.chars().count() >= OPEN_LETTERS
}

/// How often each term stands in a document.
fn term_counts(sequence: &[TermId], wholes: &[TermId]) -> Vec<(TermId, u32)> {
    let mut sorted: Vec<TermId> = sequence.iter().chain(wholes).copied().collect();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> MemoryId {
        MemoryId::from_bytes([number; 16])
    }

    fn index(texts: &[&str]) -> WordIndex {
        let mut index = WordIndex::new();
        for (number, text) in (0..).zip(texts) {
            index.upsert(id(number), Tier::Memories, text);
        }
        index
    }

    fn found(index: &WordIndex, query: &str) -> Vec<u8> {
        let matches = index.search(&WordQuery::parse(query), None, 10);
        matches.best().iter().map(|found| found.id.to_bytes()[0]).collect()
    }

    #[test]
    fn rare_words_weigh_more_than_common_ones() {
        let index = index(&["the cat sat", "the dog sat", "the cat and the heron", "the end"]);
        assert_eq!(found(&index, "the heron?"), [2, 3, 0, 1], "the one with the rare word leads");
        assert_eq!(found(&index, "HÉRON?"), [2], "case and accents do not matter");
        assert!(found(&index, "albatross?").is_empty());
        assert!(found(&index, "?!… 🙂").is_empty(), "punctuation finds nothing, and does not fail");
    }

    #[test]
    fn identifiers_phrases_and_names_are_exact() {
        let index = index(&[
            "KR-4: reach 100 ms",
            "KR-5 and 4 more KR to review, 4 KR in all",
            "we ship on Friday",
            "on Friday we ship",
            "Alex Moreno likes tea",
            "Moreno told Alex so",
        ]);
        let exact = |query: &str| {
            let matches = index.search(&WordQuery::parse(query), None, 10);
            let exact = matches.best().iter().filter(|found| found.exact);
            exact.map(|found| found.id.to_bytes()[0]).collect::<std::collections::BTreeSet<u8>>()
        };
        assert_eq!(exact("what became of KR-4?"), [0].into(), "parts alone are not the identifier");
        assert_eq!(exact("KR-4 or KR-5"), [0, 1].into(), "each of two ids is what was asked for");
        assert_eq!(
            exact("when do \"ship on friday\" people meet"),
            [2].into(),
            "the words side by side, in order"
        );
        assert_eq!(exact("alex moreno"), [4].into(), "a short query is a name");
        assert!(exact("\"ship on monday\"").is_empty());
        assert_eq!(found(&index, "alex moreno")[0], 4, "and it leads");
    }

    #[test]
    fn a_word_still_being_typed_finds_what_it_may_become() {
        let index = index(&["dark roast coffee", "roaming charges", "tea"]);
        assert_eq!(found(&index, "roas"), [0]);
        assert_eq!(found(&index, "dark ro"), [0, 1]);
        assert!(found(&index, "roas ").is_empty(), "a space says that the word is whole");
        assert!(found(&index, "r").is_empty(), "one letter continues to everything and says nothing");
    }

    #[test]
    fn moving_between_tiers_changes_no_score() {
        let mut index = index(&["dark roast", "light roast", "green tea"]);
        let scores = |index: &WordIndex| {
            let matches = index.search(&WordQuery::parse("roast "), None, 10);
            (0..3).map(|number| matches.of(id(number)).map(|found| found.score)).collect::<Vec<_>>()
        };
        let before = scores(&index);
        index.upsert(id(0), Tier::Goals, "dark roast");
        assert_eq!(scores(&index), before, "one index, the tier is only a filter");
        let matches = index.search(&WordQuery::parse("roast "), Some(Tier::Goals), 10);
        assert_eq!(matches.best().len(), 1, "the filter keeps the other tier out");
        assert_eq!(matches.of(id(1)), None, "also when asked for by id");
    }

    #[test]
    fn words_that_stand_everywhere_tell_nothing() {
        let texts: Vec<String> = (0..40).map(|number| format!("the note number{number}")).collect();
        let index = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let telling = |text: &str| {
            let query = index.telling(&WordQuery::parse(text));
            query.terms.iter().map(|term| term.typed.clone()).collect::<Vec<_>>()
        };
        assert_eq!(telling("the number7 "), ["number7"], "only the rare word is worth marking");
        assert_eq!(telling("the note "), ["the", "note"], "if all are common, all are what was asked for");
        assert_eq!(telling("the absent "), ["absent"]);
    }

    proptest! {
        #[test]
        fn changes_leave_no_trace(
            texts in prop::collection::vec("[a-d]{1,2}( [a-d]{1,2}|-[a-d]9){0,6}", 1..12),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            query in "[a-d]{1,2}( [a-d]{1,2}){0,3}",
        ) {
            let mut changed = WordIndex::new();
            for (number, text) in (0..).zip(&texts) {
                changed.upsert(id(number), Tier::Memories, "b c b c a");
                changed.upsert(id(number), Tier::Goals, text);
            }
            let gone: Vec<u8> = gone.iter().map(|at| u8::try_from(at.index(texts.len())).unwrap()).collect();
            for &number in &gone {
                changed.remove(id(number));
            }
            let mut fresh = WordIndex::new();
            for (number, text) in (0..).zip(&texts).filter(|(number, _)| !gone.contains(number)) {
                fresh.upsert(id(number), Tier::Goals, text);
            }
            let query = WordQuery::parse(&query);
            let (changed, fresh) = (changed.search(&query, None, 20), fresh.search(&query, None, 20));
            prop_assert_eq!(changed.best(), fresh.best(), "an index that lived through changes is as good as new");
        }
    }
}
