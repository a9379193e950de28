//! What lists are narrowed to, in what order and in what pages they come.

use papr_memory::{Query, QueryError};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::{AppError, Memory, Mode, Source, Tier, count, memory_id};

/// What memories must be; what is null or empty lets everything pass. Days are said in the text of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Filters {
    /// Their shelf.
    pub tier: Option<Tier>,
    /// Each must be among their topics.
    pub topics: Vec<String>,
    /// Their type: `text`, `goal`, …
    pub kind: Option<String>,
    /// Where they came from.
    pub source: Option<Source>,
    /// Their role.
    pub role: Option<String>,
    /// Their category.
    pub category: Option<String>,
    /// Whether Papr is yet to be told of a change to them.
    pub pending: Option<bool>,
}

impl From<Filters> for papr_memory::Filters {
    fn from(filters: Filters) -> Self {
        let Filters { tier, topics, kind, source, role, category, pending } = filters;
        let (tier, source) = (tier.map(Into::into), source.map(Into::into));
        Self { tier, topics, kind, source, role, category, pending, ..Self::default() }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Sort {
    Relevance,
    Newest,
    Oldest,
}

impl From<Sort> for papr_memory::Sort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Relevance => Self::Relevance,
            Sort::Newest => Self::Newest,
            Sort::Oldest => Self::Oldest,
        }
    }
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Question {
    /// What was typed.
    pub text: String,
    /// What hits must be.
    pub filters: Filters,
    /// Their order.
    pub sort: Sort,
    /// How to look.
    pub mode: Mode,
    /// How many of the first hits are left out.
    pub skip: u32,
    /// How many hits at most.
    pub limit: u32,
}

impl TryFrom<Question> for Query {
    type Error = QueryError;

    fn try_from(question: Question) -> Result<Self, QueryError> {
        let Question { text, filters, sort, mode, skip, limit } = question;
        let query = Query::new(&text, limit as usize, None, mode.into())?;
        Ok(query.among(filters.into()).sorted(sort.into()).skipping(skip as usize))
    }
}

/// How many memories have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct FacetCount {
    /// What they have in common.
    pub value: String,
    /// How many there are.
    pub count: u32,
}

/// Memories counted by what they can be filtered by, the most frequent first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[allow(missing_docs)] // as in papr_memory
pub struct Facets {
    pub total: u32,
    pub tiers: Vec<FacetCount>,
    pub kinds: Vec<FacetCount>,
    pub sources: Vec<FacetCount>,
    pub roles: Vec<FacetCount>,
    pub categories: Vec<FacetCount>,
    pub topics: Vec<FacetCount>,
}

impl From<papr_memory::Facets> for Facets {
    fn from(facets: papr_memory::Facets) -> Self {
        let counts = |counts: Vec<papr_memory::FacetCount>| {
            let counted = counts.into_iter();
            counted.map(|facet| FacetCount { value: facet.value, count: count(facet.count) }).collect()
        };
        Self {
            total: count(facets.total),
            tiers: counts(facets.tiers),
            kinds: counts(facets.kinds),
            sources: counts(facets.sources),
            roles: counts(facets.roles),
            categories: counts(facets.categories),
            topics: counts(facets.topics),
        }
    }
}

/// Where a page of a list ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// When its last memory had last changed; RFC 3339, UTC.
    pub updated_at: String,
    /// Which it was.
    pub id: String,
}

impl From<papr_engine::Place> for Place {
    fn from(place: papr_engine::Place) -> Self {
        Self { updated_at: place.updated_at.to_string(), id: place.id.to_string() }
    }
}

impl TryFrom<Place> for papr_engine::Place {
    type Error = AppError;

    fn try_from(place: Place) -> Result<Self, AppError> {
        let updated_at = place
            .updated_at
            .parse()
            .map_err(|_| AppError::invalid(format!("{:?} is no time", place.updated_at)))?;
        Ok(Self { updated_at, id: memory_id(&place.id)? })
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Listing {
    /// In order.
    pub memories: Vec<Memory>,
    /// How many pass in all.
    pub total: u32,
    /// Where it goes on.
    pub next: Option<Place>,
}

impl From<papr_engine::Listing> for Listing {
    fn from(listing: papr_engine::Listing) -> Self {
        Self {
            memories: listing.memories.into_iter().map(Into::into).collect(),
            total: count(listing.total),
            next: listing.next.map(Into::into),
        }
    }
}
