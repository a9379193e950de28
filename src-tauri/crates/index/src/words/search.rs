//! Searching by word: what a query matches, and how well.
//!
//! BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with
//! the idf of Lucene, `ln(1 + (N - df + 0.5) / (df + 0.5))`, which is never negative.

use std::ops::Bound;

use papr_memory::MemoryId;

use super::{Document, Posting, Slot, TermId, WordIndex};
use crate::function_words::is_function_word;
use crate::parse::{Phrase, Term, WordQuery};
use crate::selection::Selection;

/// How quickly repeating a word stops to count. Short texts repeat little; 0.9 is also Anserini's default.
const K1: f32 = 0.9;
/// How much a long text is held against it, 0..=1. Anserini's default.
const B: f32 = 0.4;
/// A word that is still being typed counts less than a whole one.
const OPEN_WEIGHT: f32 = 0.6;
/// From how many letters on an open word is continued, and to how many index terms at most: the most frequent.
const OPEN_LETTERS: usize = 2;
const OPEN_TERMS: usize = 64;

/// A word that stands in more than this part of all memories, and in more than this many, is common.
const COMMON_SHARE: usize = 8;
const COMMON_LEAST: usize = 12;

/// What a function word counts beside words that say something, and a single ideograph beside the pair it
/// stands in: enough to prefer the text that is phrased like the query, not enough to pass for an answer.
const LITTLE_WEIGHT: f32 = 0.3;
/// How many different words of a query are marked.
const MARKED_TERMS: usize = 64;

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

/// Everything one query matched, in the index as it was then. What it matched a single memory with is asked of
/// that index, while it [`is_current`](Self::is_current).
#[derive(Debug)]
pub struct WordMatches {
    version: u64,
    scores: Vec<f32>,
    exact: Vec<Slot>,
    excluded: Vec<Slot>,
    best: Vec<WordMatch>,
    mass: f32,
}

impl WordMatches {
    /// Whether the index is still what these were found in.
    pub fn is_current(&self, index: &WordIndex) -> bool {
        self.version == index.version
    }

    /// What a memory of average length scores that holds every word of the query once, whether or not there
    /// is such a memory: the measure of how much of the query a score stands for.
    pub fn mass(&self) -> f32 {
        self.mass
    }

    /// The best matches, exact ones first, each part by falling score.
    pub fn best(&self) -> &[WordMatch] {
        &self.best
    }
}

enum WeightedPostings<'a> {
    Whole(&'a [Posting]),
    Forms(Vec<Posting>),
    Open(Vec<Posting>),
}

impl WordIndex {
    /// What a memory matched with, whether or not it is among the best. `matches` must be current.
    pub fn matched(&self, matches: &WordMatches, id: MemoryId) -> Option<WordMatch> {
        let slot = *self.slot_of.get(&id)?;
        let score = *matches.scores.get(slot as usize)?;
        (score > 0.0).then(|| WordMatch { id, score, exact: matches.exact.binary_search(&slot).is_ok() })
    }

    /// Whether a memory says what the query wants left out, however it was found. `matches` must be current.
    pub fn excludes(&self, matches: &WordMatches, id: MemoryId) -> bool {
        let excludes = |slot: &Slot| matches.excluded.binary_search(slot).is_ok();
        !matches.excluded.is_empty() && self.slot_of.get(&id).is_some_and(excludes)
    }

    /// Scores `query` among those selected, or all, and names the best `k`.
    pub fn search(&self, query: &WordQuery, among: Option<&Selection>, k: usize) -> WordMatches {
        let mut scores = vec![0.0_f32; self.documents.len()];
        let mut touched: Vec<Slot> = Vec::new();
        let mut mass = 0.0;
        let says_something = query.terms.iter().any(|term| !is_function_word(&term.folded));
        for term in query.terms.iter().chain(&query.wholes) {
            let little = says_something && (term.in_pair || is_function_word(&term.folded));
            let weight = if little { LITTLE_WEIGHT } else { 1.0 };
            mass += self.score(&self.postings_of(term), weight, among, &mut scores, &mut touched);
        }
        let excluded = self.any_of(query.excluded.iter().map(std::slice::from_ref));
        if !excluded.is_empty() {
            for &slot in &excluded {
                scores[slot as usize] = 0.0;
            }
            touched.retain(|&slot| scores[slot as usize] > 0.0);
        }
        let identifiers = query.identifiers.iter().map(std::slice::from_ref);
        let mut exact = self.any_of(identifiers.chain([query.phrases.as_slice()]));
        exact.retain(|&slot| scores[slot as usize] > 0.0);
        let best = self.best(touched, &scores, &exact, k);
        WordMatches { version: self.version, scores, exact, excluded, best, mass }
    }

    /// The best `k`, exact ones first, then by falling score, then the older first.
    fn best(&self, mut touched: Vec<Slot>, scores: &[f32], exact: &[Slot], k: usize) -> Vec<WordMatch> {
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
        let found = |slot: Slot| {
            Some(WordMatch { id: id(slot)?, score: scores[slot as usize], exact: is_exact(slot) })
        };
        touched.into_iter().filter_map(found).collect()
    }

    /// The query without the words that stand in so many memories that they tell nothing, like "the": what
    /// is worth marking. If all are such, all are kept. A word that was being typed and is a word already is
    /// searched for as it stands, and marked so.
    pub fn telling(&self, query: &WordQuery) -> WordQuery {
        let common = (self.len() / COMMON_SHARE).max(COMMON_LEAST);
        let tells = |term: &mut Term, postings: &[Posting]| {
            term.open &= postings.is_empty();
            postings.len() <= common && !is_function_word(&term.folded)
        };
        let mut telling = query.clone();
        telling.terms.retain_mut(|term| match self.postings_of(term) {
            WeightedPostings::Open(_) => true,
            WeightedPostings::Whole(postings) => tells(term, postings),
            WeightedPostings::Forms(postings) => tells(term, &postings),
        });
        if telling.terms.is_empty() {
            telling.terms.clone_from(&query.terms);
        }
        // Nobody reads the marks of more words than these, and marking costs words times words.
        telling.terms.truncate(MARKED_TERMS);
        telling
    }

    /// The postings of a term, of all forms of the word as if they were one; of an open one that is no word yet,
    /// also of every term it may become.
    fn postings_of(&self, term: &Term) -> WeightedPostings<'_> {
        let forms = self.forms(&term.folded, term.stem.as_deref());
        let mut lists: Vec<&[Posting]> =
            forms.iter().map(|&form| self.postings[form as usize].as_slice()).collect();
        let is_word = self.lookup(&term.folded).is_some_and(|id| !self.postings[id as usize].is_empty());
        if term.open && !is_word && may_go_on(&term.folded) {
            lists.extend(self.continuations(&term.folded, &forms));
            return WeightedPostings::Open(merged(&lists));
        }
        lists.retain(|list| !list.is_empty());
        match lists.as_slice() {
            [] => WeightedPostings::Whole(&[]),
            [only] => WeightedPostings::Whole(only),
            several => WeightedPostings::Forms(merged(several)),
        }
    }

    /// The postings of the terms that begin with `open`, apart from `forms`: those that most memories hold, of
    /// equally frequent ones the first by letters.
    fn continuations(&self, open: &str, forms: &[TermId]) -> Vec<&[Posting]> {
        let range = (Bound::Excluded(open), Bound::Unbounded);
        let mut found: Vec<&[Posting]> = self
            .terms
            .range::<str, _>(range)
            .take_while(|(word, _)| word.starts_with(open))
            .filter(|(_, id)| !forms.contains(id))
            .map(|(_, &id)| self.postings[id as usize].as_slice())
            .filter(|postings| !postings.is_empty())
            .collect();
        if found.len() > OPEN_TERMS {
            found.sort_by_key(|postings| std::cmp::Reverse(postings.len()));
            found.truncate(OPEN_TERMS);
        }
        found
    }

    /// Adds a term's part to each memory that holds it and is selected; returns its idf, weighted. How rare a word is
    /// does not depend on who is selected.
    fn score(
        &self,
        postings: &WeightedPostings<'_>,
        weight: f32,
        among: Option<&Selection>,
        scores: &mut [f32],
        touched: &mut Vec<Slot>,
    ) -> f32 {
        let (postings, weight) = match postings {
            WeightedPostings::Whole(postings) => (*postings, weight),
            WeightedPostings::Forms(postings) => (postings.as_slice(), weight),
            WeightedPostings::Open(postings) => (postings.as_slice(), weight * OPEN_WEIGHT),
        };
        let documents = self.len() as f32;
        let average = self.total_words as f32 / documents.max(1.0);
        let having = postings.len() as f32;
        let idf = (1.0 + (documents - having + 0.5) / (having + 0.5)).ln();
        let scale = B / average.max(1.0);
        let selected = |posting: &&Posting| among.is_none_or(|among| among.has(posting.slot));
        for posting in postings.iter().filter(selected) {
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

    /// The memories that say all phrases of any of `groups`; in order of slots.
    fn any_of<'a>(&self, groups: impl Iterator<Item = &'a [Phrase]>) -> Vec<Slot> {
        let mut slots: Vec<Slot> = groups.flat_map(|phrases| self.saying(phrases)).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
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
        let mut slots = self.holding(&all);
        // What holds a single word says it.
        let longer: Vec<&Vec<TermId>> = phrases.iter().filter(|phrase| phrase.len() > 1).collect();
        let says = |document: &Document| {
            longer.iter().all(|phrase| document.sequence.windows(phrase.len()).any(|part| part == *phrase))
        };
        if !longer.is_empty() {
            slots.retain(|&slot| self.document(slot).is_some_and(says));
        }
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

/// Several lists as one, in order of slots; what stands in several counts together.
fn merged(lists: &[&[Posting]]) -> Vec<Posting> {
    let mut all = lists.concat();
    // The sort knows runs that are sorted already.
    all.sort_by_key(|posting| posting.slot);
    all.dedup_by(|next, kept| {
        let same = next.slot == kept.slot;
        kept.count += if same { next.count } else { 0 };
        same
    });
    all
}

/// Whether enough of a word was typed to guess how it goes on.
pub(crate) fn may_go_on(open: &str) -> bool {
    open.chars().count() >= OPEN_LETTERS
}
