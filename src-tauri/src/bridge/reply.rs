//! Replies as windows see them.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{Memory, count};

/// How to look, or how it was looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Mode {
    Hybrid,
    Meaning,
    Words,
}

impl From<Mode> for papr_memory::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Hybrid => Self::Hybrid,
            Mode::Meaning => Self::Meaning,
            Mode::Words => Self::Words,
        }
    }
}

impl From<papr_memory::Mode> for Mode {
    fn from(mode: papr_memory::Mode) -> Self {
        match mode {
            papr_memory::Mode::Hybrid => Self::Hybrid,
            papr_memory::Mode::Meaning => Self::Meaning,
            papr_memory::Mode::Words => Self::Words,
        }
    }
}

/// Why a hit is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Why {
    Exact,
    Both,
    Words,
    Meaning,
    Listed,
}

impl From<papr_memory::Reason> for Why {
    fn from(reason: papr_memory::Reason) -> Self {
        match reason {
            papr_memory::Reason::Exact => Self::Exact,
            papr_memory::Reason::Both => Self::Both,
            papr_memory::Reason::Words => Self::Words,
            papr_memory::Reason::Meaning => Self::Meaning,
            papr_memory::Reason::Listed => Self::Listed,
        }
    }
}

/// A stretch of a snippet; marked where it holds a word that was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[allow(missing_docs)] // as in papr_memory
pub struct Span {
    pub text: String,
    pub marked: bool,
}

/// One memory in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Hit {
    /// The memory.
    pub memory: Memory,
    /// The part of it that answers.
    pub snippet: Vec<Span>,
    /// Cosine similarity, in [-1, 1].
    pub cosine: Option<f32>,
    /// BM25.
    pub words: Option<f32>,
    /// What the list is sorted by, in [0, 1].
    pub score: f32,
    /// Why it is here.
    pub why: Why,
    /// The words of the query that stand in it.
    pub matched: Vec<String>,
    /// How many more say nearly the same, and are not shown by themselves.
    pub alike: u32,
}

impl From<papr_memory::Hit> for Hit {
    fn from(hit: papr_memory::Hit) -> Self {
        Self {
            memory: hit.memory.into(),
            snippet: hit
                .snippet
                .into_iter()
                .map(|span| Span { text: span.text, marked: span.marked })
                .collect(),
            cosine: hit.cosine,
            words: hit.words,
            score: hit.score,
            why: hit.why.into(),
            matched: hit.matched,
            alike: count(hit.alike.len()),
        }
    }
}

/// Hits, or memories, of each tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[allow(missing_docs)] // as in papr_memory
pub struct TierCounts {
    pub goals: u32,
    pub memories: u32,
}

impl From<papr_memory::TierCounts> for TierCounts {
    fn from(counts: papr_memory::TierCounts) -> Self {
        Self { goals: count(counts.goals), memories: count(counts.memories) }
    }
}

/// Where the time went, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[allow(missing_docs)] // as in papr_memory
pub struct Timings {
    pub tokenize: u32,
    pub embed: u32,
    pub vector: u32,
    pub words: u32,
    pub fetch: u32,
    pub total: u32,
}

impl From<papr_memory::Timings> for Timings {
    fn from(timings: papr_memory::Timings) -> Self {
        let micros = |micros: u64| u32::try_from(micros).unwrap_or(u32::MAX);
        Self {
            tokenize: micros(timings.tokenize),
            embed: micros(timings.embed),
            vector: micros(timings.vector),
            words: micros(timings.words),
            fetch: micros(timings.fetch),
            total: micros(timings.total),
        }
    }
}

/// The answer to the query with number `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Reply {
    /// The number the window gave the query.
    pub seq: u32,
    /// In the order that was asked for.
    pub hits: Vec<Hit>,
    /// How many were found, on this page and on others.
    pub total: u32,
    /// The hits of each tier.
    pub counts: TierCounts,
    /// Where the time went.
    pub timings: Timings,
    /// How it was really looked.
    pub mode: Mode,
    /// Why with less than was asked for.
    pub degraded: Option<String>,
}

impl Reply {
    /// The engine's reply to query `seq`.
    pub(crate) fn new(seq: u32, reply: papr_memory::Reply) -> Self {
        Self {
            seq,
            hits: reply.hits.into_iter().map(Into::into).collect(),
            total: count(reply.total),
            counts: reply.counts.into(),
            timings: reply.timings.into(),
            mode: reply.mode.into(),
            degraded: reply.degraded,
        }
    }
}
