//! Memories as windows see them.

use papr_memory::MemoryId;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::AppError;

/// Which shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Tier {
    Goals,
    Memories,
}

impl From<papr_memory::Tier> for Tier {
    fn from(tier: papr_memory::Tier) -> Self {
        match tier {
            papr_memory::Tier::Goals => Self::Goals,
            papr_memory::Tier::Memories => Self::Memories,
        }
    }
}

impl From<Tier> for papr_memory::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Goals => Self::Goals,
            Tier::Memories => Self::Memories,
        }
    }
}

/// Where a memory came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Source {
    User,
    Import,
    Sample,
    Papr,
}

impl From<papr_memory::Source> for Source {
    fn from(source: papr_memory::Source) -> Self {
        match source {
            papr_memory::Source::User => Self::User,
            papr_memory::Source::Import => Self::Import,
            papr_memory::Source::Sample => Self::Sample,
            papr_memory::Source::Papr => Self::Papr,
        }
    }
}

impl From<Source> for papr_memory::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::User => Self::User,
            Source::Import => Self::Import,
            Source::Sample => Self::Sample,
            Source::Papr => Self::Papr,
        }
    }
}

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Its id.
    pub id: String,
    /// Its shelf.
    pub tier: Tier,
    /// `text`, `goal`, `code_snippet`, …
    pub kind: String,
    /// Its text.
    pub content: String,
    /// Short subject words.
    pub topics: Vec<String>,
    /// Where it came from.
    pub source: Source,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// Its revision, from 1.
    pub rev: u32,
}

impl From<papr_memory::Memory> for Memory {
    fn from(memory: papr_memory::Memory) -> Self {
        Self {
            id: memory.id.to_string(),
            tier: memory.tier.into(),
            kind: memory.kind,
            content: memory.content.into(),
            topics: memory.topics,
            source: memory.source.into(),
            created_at: memory.created_at.to_string(),
            updated_at: memory.updated_at.to_string(),
            rev: u32::try_from(memory.rev).unwrap_or(u32::MAX),
        }
    }
}

/// A count as windows take it.
pub(crate) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Reads an id that a window sent.
pub(crate) fn memory_id(id: &str) -> Result<MemoryId, AppError> {
    id.parse().map_err(|_| AppError::invalid(format!("{id:?} is not the id of a memory")))
}

/// Reads ids that a window sent.
pub(crate) fn memory_ids(ids: &[String]) -> Result<Vec<MemoryId>, AppError> {
    ids.iter().map(|id| memory_id(id)).collect()
}
