//! What is asked of Papr's search.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::write::metadata::Metadata;
use crate::write::{Hidden, in_range};

/// The server refuses to be asked for fewer.
pub(crate) const LEAST_ASKED: u32 = 10;
const MOST_ASKED: u32 = 50;

/// A question to Papr's search. It leaves the device; so does everything else in here. `Debug` shows no text.
#[derive(Clone, PartialEq, Serialize)]
pub struct SearchRequest {
    /// What is looked for.
    pub query: String,
    /// The most memories wanted: 1 to 50. Default 20.
    #[serde(skip)]
    pub max_memories: u32,
    /// The most nodes of the graph wanted: 0 to 50. Default 15.
    #[serde(skip)]
    pub max_nodes: u32,
    /// Only memories of this user, in one's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_user_id: Option<String>,
    /// Only memories with this metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Only memories of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<String>,
    /// Only memories of this organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Whether the server first finds out what the question is about: slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_agentic_graph: Option<bool>,
    /// How the server ranks, as its documentation has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reranking_config: Option<Value>,
}

impl SearchRequest {
    /// A question with nothing else said.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            max_memories: 20,
            max_nodes: 15,
            external_user_id: None,
            metadata: None,
            namespace_id: None,
            organization_id: None,
            enable_agentic_graph: None,
            reranking_config: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.query.trim().is_empty() {
            return Err(Error::invalid("the query", "it is empty"));
        }
        in_range("max_memories", self.max_memories, 1..=MOST_ASKED)?;
        in_range("max_nodes", self.max_nodes, 0..=MOST_ASKED)?;
        self.metadata.as_ref().map_or(Ok(()), Metadata::check)
    }
}

impl fmt::Debug for SearchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchRequest")
            .field("query", &Hidden(&self.query))
            .field("max_memories", &self.max_memories)
            .field("max_nodes", &self.max_nodes)
            .finish_non_exhaustive()
    }
}
