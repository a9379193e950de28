//! What memories must be to be searched or listed at all, and in what order they come.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MemoryId, Source, Tier};

/// A stretch of time: from a moment on, and before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeRange {
    /// At this moment or later; any if none.
    pub from: Option<Timestamp>,
    /// Before this moment; any if none.
    pub before: Option<Timestamp>,
}

impl TimeRange {
    /// Whether a moment is in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.before.is_none_or(|before| at < before)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            before: [self.before, other.before].into_iter().flatten().min(),
        }
    }
}

/// What memories must be: all that is said must hold. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// The tier they stand in.
    pub tier: Option<Tier>,
    /// Each must be among their topics; case and accents do not matter.
    pub topics: Vec<String>,
    /// Their type: `text`, `goal`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Where they came from.
    pub source: Option<Source>,
    /// Their metadata's `role`: `user`, `assistant`.
    pub role: Option<String>,
    /// Their metadata's `category`: `preference`, `task`, `goal`, `fact`, …
    pub category: Option<String>,
    /// When they were first written.
    pub created: TimeRange,
    /// When they last changed.
    pub updated: TimeRange,
    /// Whether Papr is yet to be told of a change to them.
    pub pending: Option<bool>,
    /// They are among these.
    pub ids: Option<Vec<MemoryId>>,
}

impl Filters {
    /// Those of a tier, or all.
    pub fn tier(tier: Option<Tier>) -> Self {
        Self { tier, ..Self::default() }
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The order of what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The best first. With nothing to search for, the newest.
    #[default]
    Relevance,
    /// The last changed first.
    Newest,
    /// The first changed first.
    Oldest,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sort::Relevance => "relevance",
            Sort::Newest => "newest",
            Sort::Oldest => "oldest",
        })
    }
}

/// A word that names no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown order {0:?}: say \"relevance\", \"newest\" or \"oldest\"")]
pub struct UnknownSort(pub String);

impl FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.trim().to_ascii_lowercase().as_str() {
            "relevance" => Ok(Sort::Relevance),
            "newest" => Ok(Sort::Newest),
            "oldest" => Ok(Sort::Oldest),
            _ => Err(UnknownSort(word.to_owned())),
        }
    }
}

/// How many memories there are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// What they have in common, as it was first written.
    pub value: String,
    /// How many there are.
    pub count: usize,
}

/// Memories counted by what they can be filtered by, each the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    /// How many there are in all.
    pub total: usize,
    /// By tier.
    pub tiers: Vec<FacetCount>,
    /// By type.
    #[serde(rename = "types")]
    pub kinds: Vec<FacetCount>,
    /// By where they came from.
    pub sources: Vec<FacetCount>,
    /// By role, of those that have one.
    pub roles: Vec<FacetCount>,
    /// By category, of those that have one.
    pub categories: Vec<FacetCount>,
    /// By topic; a memory counts for each of its topics.
    pub topics: Vec<FacetCount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn range(from: Option<i64>, before: Option<i64>) -> TimeRange {
        TimeRange { from: from.map(at), before: before.map(at) }
    }

    #[test]
    fn a_range_begins_with_its_first_moment_and_ends_before_its_last() {
        let range = range(Some(10), Some(20));
        let holds = |second: i64| range.contains(at(second));
        assert_eq!([9, 10, 19, 20].map(holds), [false, true, true, false]);
        assert!(TimeRange::default().contains(Timestamp::MIN), "no limit, no moment is left out");
    }

    #[test]
    fn what_is_in_two_ranges_is_in_both() {
        let (early, late) = (range(None, Some(20)), range(Some(10), Some(90)));
        assert_eq!(early.and(late), range(Some(10), Some(20)));
        assert_eq!(late.and(early), early.and(late));
        assert_eq!(early.and(TimeRange::default()), early, "a range without limits takes nothing away");
    }
}
