//! A reply: the hits of one search, why each is there, and what the search cost.

use serde::{Deserialize, Serialize};

use crate::{Memory, MemoryId, Mode, Tier};

/// A stretch of a snippet; marked where it holds a word that was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The text, as it stands in the memory.
    pub text: String,
    /// Whether it is a word that was searched for.
    pub marked: bool,
}

/// Why a hit is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It holds an id, a name or a quoted phrase of the query, letter for letter (case and accents aside).
    Exact,
    /// Found by word and by meaning.
    Both,
    /// Found by word.
    Words,
    /// Found by meaning.
    Meaning,
    /// Nothing was searched for: it passes the filters.
    Listed,
}

/// One memory in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The memory.
    #[serde(flatten)]
    pub memory: Memory,
    /// The part of the content that answers best, in pieces. Joined, they are a part of the content with
    /// runs of white space folded; `…` stands where text was left out.
    pub snippet: Vec<Span>,
    /// Cosine similarity of query and memory, in [-1, 1]; none without a vector of the memory or the query.
    pub cosine: Option<f32>,
    /// BM25 score, 0 or more; none if no word matched.
    pub words: Option<f32>,
    /// The score the list is sorted by within its reason class, in [0, 1].
    pub score: f32,
    /// What it was raised by for being recent, or a goal, where a person chose that: a part of the score. 0 otherwise.
    #[serde(default)]
    pub boost: f32,
    /// Why it is here.
    pub why: Reason,
    /// The words of the query that stand in the memory, as they were typed.
    pub matched: Vec<String>,
    /// Memories further down that say nearly the same words, and are not shown by themselves.
    pub alike: Vec<MemoryId>,
}

/// How many hits stand in each tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierCounts {
    /// Tier 0.
    pub goals: usize,
    /// Tier 1.
    pub memories: usize,
}

impl TierCounts {
    /// Counts one more of `tier`.
    pub fn count(&mut self, tier: Tier) {
        match tier {
            Tier::Goals => self.goals += 1,
            Tier::Memories => self.memories += 1,
        }
    }

    /// Both tiers together.
    pub fn total(self) -> usize {
        self.goals + self.memories
    }
}

/// Where the time of a search went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Text of the query to token ids of the model.
    pub tokenize: u64,
    /// Token ids to a vector.
    pub embed: u64,
    /// Nearest vectors of both tiers.
    pub vector: u64,
    /// Words.
    pub words: u64,
    /// Records of the hits, their snippets and reasons.
    pub fetch: u64,
    /// Everything, from the call to the reply.
    pub total: u64,
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// In the order that was asked for.
    pub hits: Vec<Hit>,
    /// How many were found in all, on this page, on others, and folded into one that says the same. A search
    /// with words in it ranks only the best.
    pub total: usize,
    /// The hits of each tier.
    pub counts: TierCounts,
    /// Where the time went.
    pub timings: Timings,
    /// How the search was really done, which may be less than was asked for.
    pub mode: Mode,
    /// Why it was done with less, in a sentence for people; none if all went as asked.
    pub degraded: Option<String>,
}
