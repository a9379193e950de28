//! A query: what a person typed and how much they want back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Filters, Sort, Tier};

/// The most hits one reply carries.
pub const MAX_HITS: usize = 1_000;

/// The longest query, in bytes of UTF-8. A memory is at most 15,000; nobody types more.
pub const MAX_QUERY_BYTES: usize = 16_384;

/// How to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By meaning and by word, in one ranked list.
    #[default]
    Hybrid,
    /// By meaning alone.
    Meaning,
    /// By word alone; needs no model.
    Words,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Hybrid => "hybrid",
            Mode::Meaning => "meaning",
            Mode::Words => "words",
        })
    }
}

/// A word that names no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown mode {0:?}: say \"hybrid\", \"meaning\" or \"words\"")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.trim().to_ascii_lowercase().as_str() {
            "hybrid" => Ok(Mode::Hybrid),
            "meaning" => Ok(Mode::Meaning),
            "words" => Ok(Mode::Words),
            _ => Err(UnknownMode(word.to_owned())),
        }
    }
}

/// Why a query cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing in it, or white space alone.
    #[error("the query is empty")]
    Empty,
    /// Longer than [`MAX_QUERY_BYTES`].
    #[error("the query has {bytes} bytes; at most {MAX_QUERY_BYTES} are searched for")]
    TooLong {
        /// How many bytes of UTF-8 there were.
        bytes: usize,
    },
    /// Not 1..=[`MAX_HITS`] hits.
    #[error("{asked} results were asked for; ask for 1 to {MAX_HITS}")]
    Limit {
        /// How many were asked for.
        asked: usize,
    },
}

/// A checked query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    limit: usize,
    skip: usize,
    filters: Filters,
    sort: Sort,
    mode: Mode,
}

impl Query {
    /// Checks what was typed: `text` of 1..=[`MAX_QUERY_BYTES`] bytes, `limit` of 1..=[`MAX_HITS`] hits,
    /// within one `tier` or both.
    pub fn new(text: &str, limit: usize, tier: Option<Tier>, mode: Mode) -> Result<Self, QueryError> {
        let trimmed = text.trim_start();
        if trimmed.is_empty() {
            return Err(QueryError::Empty);
        }
        if trimmed.len() > MAX_QUERY_BYTES {
            return Err(QueryError::TooLong { bytes: trimmed.len() });
        }
        if !(1..=MAX_HITS).contains(&limit) {
            return Err(QueryError::Limit { asked: limit });
        }
        let filters = Filters::tier(tier);
        Ok(Self { text: trimmed.to_owned(), limit, skip: 0, filters, sort: Sort::Relevance, mode })
    }

    /// The same among the memories that pass, instead of those of one tier or both.
    #[must_use]
    pub fn among(self, filters: Filters) -> Self {
        Self { filters, ..self }
    }

    /// The same in another order.
    #[must_use]
    pub fn sorted(self, sort: Sort) -> Self {
        Self { sort, ..self }
    }

    /// The same without the first `skip` hits: the next page. While a query is asked again page by page, its
    /// ranking stays as it was, whatever changes meanwhile.
    #[must_use]
    pub fn skipping(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// Whether both ask for the same, if not for the same part of it.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        (&self.text, &self.filters, self.sort, self.mode)
            == (&other.text, &other.filters, other.sort, other.mode)
    }

    /// What was typed, without leading white space. White space at the end is kept: it says that the last
    /// word is whole.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many hits at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many of the first hits are left out.
    pub fn skip(&self) -> usize {
        self.skip
    }

    /// What the hits must be, apart from what the text says of it.
    pub fn filters(&self) -> &Filters {
        &self.filters
    }

    /// The order of the hits.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// How to look.
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str, limit: usize) -> Result<Query, QueryError> {
        Query::new(text, limit, None, Mode::Hybrid)
    }

    #[test]
    fn limits_are_told_with_their_numbers() {
        assert_eq!(query("tea", 0), Err(QueryError::Limit { asked: 0 }), "no hits is no question");
        assert_eq!(query("tea", 10_000), Err(QueryError::Limit { asked: 10_000 }));
        assert_eq!(query("  \n", 5), Err(QueryError::Empty));
        let long = "x".repeat(100_000);
        assert_eq!(
            query(&long, 5),
            Err(QueryError::TooLong { bytes: 100_000 }),
            "refused, not cut in silence"
        );
        assert!(query("?!…", 5).is_ok(), "punctuation is a query; it finds what it finds");
    }
}
