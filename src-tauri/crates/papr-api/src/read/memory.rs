//! A memory as Papr tells it.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::MemoryId;
use crate::lenient::{self, Fields};
use crate::read::embedding::Embedding;
use crate::read::raw::Raw;

/// A memory as Papr tells it, by whatever spelling it used.
///
/// Only [`Memory::id`] is certain. A field that is there but cannot be read is `None` here, stands in
/// [`Memory::extra`] as it came (but for a vector), and is named in [`Memory::flaws`]. `Debug` shows no text.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Memory {
    /// What Papr calls it in addresses.
    pub id: MemoryId,
    /// What Papr's database calls it.
    pub object_id: Option<String>,
    /// Its text. `None` where the server has none to give: null, an empty text, or the word `None`.
    pub content: Option<String>,
    /// Its type: `text`, `code_snippet`, `document`, `goal`, `okr`, `TextMemoryItem`, …: an open set.
    pub kind: Option<String>,
    /// A title.
    pub title: Option<String>,
    /// Its topics, from the memory itself or else from its metadata. `None` where neither speaks of them; an empty
    /// list says that there are none.
    pub topics: Option<Vec<String>>,
    /// Its metadata, also where it was sent as a text of JSON.
    pub metadata: Map<String, Value>,
    /// `customMetadata`, from the memory itself or else from its metadata.
    pub custom_metadata: Map<String, Value>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// Whose it is, in the words of the program that made it.
    pub external_user_id: Option<String>,
    /// The workspace it is in.
    pub workspace_id: Option<String>,
    /// The organisation it is in.
    pub organization_id: Option<String>,
    /// The namespace it is in.
    pub namespace_id: Option<String>,
    /// What it was taken from.
    pub source_type: Option<String>,
    /// Where it was taken from.
    pub source_url: Option<String>,
    /// The conversation it was taken from.
    pub conversation_id: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// How the server rates it. Comparable only within one list of one reply: tier 0 and tier 1 use different scales.
    pub relevance_score: Option<f64>,
    /// How alike it is to a query, in the server's measure.
    pub similarity_score: Option<f64>,
    /// The server's vector, if it was asked for and exists.
    pub embedding: Option<Embedding>,
    /// Everything else, as it came.
    pub extra: Map<String, Value>,
    /// Names of fields that were there but could not be read.
    pub flaws: Vec<&'static str>,
}

impl Memory {
    /// The id that the program which made the memory gave it, if it did: `customMetadata.client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.custom_metadata.get("client_id").and_then(Value::as_str)
    }

    /// # Errors
    /// Why it is none, in words that repeat nothing of it.
    pub(crate) fn from_raw(raw: Raw) -> Result<Self, &'static str> {
        let Raw::Object { fields, embedding, flaw } = raw else { return Err("it is not an object") };
        let mut fields = Fields::new(fields);
        if let Some(flaw) = flaw {
            fields.flaw(flaw);
        }
        let named = fields.text(&["id", "memoryId", "memory_id"]);
        let object_id = fields.text(&["objectId", "object_id"]);
        let Some(id) = named.or_else(|| object_id.clone()) else { return Err("it has no id") };
        let id = MemoryId::new(id).map_err(|_| "its id cannot be one")?;
        Ok(Self::from_fields(id, object_id, embedding, fields))
    }

    fn from_fields(
        id: MemoryId,
        object_id: Option<String>,
        embedding: Option<Embedding>,
        mut fields: Fields,
    ) -> Self {
        let metadata = fields.object(&["metadata"]);
        let beside = fields.take(&["topics"], lenient::strings);
        let within = || metadata.get("topics").and_then(lenient::strings);
        let topics = beside.clone().filter(|topics| !topics.is_empty()).or_else(within).or(beside);
        let mut custom_metadata = fields.object(&["customMetadata", "custom_metadata"]);
        if custom_metadata.is_empty() {
            let inner = ["customMetadata", "custom_metadata"].iter().find_map(|name| metadata.get(*name));
            custom_metadata = inner.and_then(lenient::object).unwrap_or_default();
        }
        let mut memory = Self {
            id,
            object_id,
            content: fields.take(&["content"], content).flatten(),
            kind: fields.text(&["type"]),
            title: fields.text(&["title"]),
            topics,
            metadata,
            custom_metadata,
            user_id: fields.text(&["user_id", "userId"]),
            external_user_id: fields.text(&["external_user_id", "externalUserId"]),
            workspace_id: fields.text(&["workspace_id", "workspaceId"]),
            organization_id: fields.text(&["organization_id", "organizationId"]),
            namespace_id: fields.text(&["namespace_id", "namespaceId"]),
            source_type: fields.text(&["source_type", "sourceType"]),
            source_url: fields.text(&["source_url", "sourceUrl"]),
            conversation_id: fields.text(&["conversation_id", "conversationId"]),
            created_at: fields.time(&["created_at", "createdAt"]),
            updated_at: fields.time(&["updated_at", "updatedAt"]),
            relevance_score: fields.number(&["relevance_score", "relevanceScore"]),
            similarity_score: fields.number(&["similarity_score", "similarityScore"]),
            embedding,
            extra: Map::new(),
            flaws: Vec::new(),
        };
        (memory.extra, memory.flaws) = fields.rest();
        memory
    }
}

/// A memory's text; `Some(None)` where the server says that there is none.
#[allow(clippy::option_option)] // the outer one says whether it could be read
fn content(value: &Value) -> Option<Option<String>> {
    let text = value.as_str()?;
    Some((text.trim() != "None").then(|| text.to_owned()))
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(Raw::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Names and sizes, and not a word of what the memory says.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("content_bytes", &self.content.as_ref().map(String::len))
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("embedding", &self.embedding)
            .field("flaws", &self.flaws)
            .finish_non_exhaustive()
    }
}

/// What stands in a delta: a memory that is new or has changed, or word that one is gone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The memory as it is now. Fields the server left out are `None`; that does not say that they were emptied.
    Changed(Box<Memory>),
    /// The server says that the memory was deleted. Its servers seldom say so: what is gone is mostly just not
    /// listed.
    Deleted {
        /// The memory's id, or its `objectId` where nothing else was sent.
        id: MemoryId,
        /// When, if that was said.
        at: Option<Timestamp>,
    },
}

impl Change {
    /// Which memory it is about.
    pub fn id(&self) -> &MemoryId {
        match self {
            Self::Changed(memory) => &memory.id,
            Self::Deleted { id, .. } => id,
        }
    }

    pub(crate) fn from_raw(raw: Raw) -> Result<Self, &'static str> {
        let memory = Memory::from_raw(raw)?;
        let says = |name: &str| memory.extra.get(name).and_then(lenient::boolean).unwrap_or(false);
        let action = memory.extra.get("action").and_then(Value::as_str).unwrap_or_default();
        let delete = action.eq_ignore_ascii_case("delete") || action.eq_ignore_ascii_case("deleted");
        if says("deleted") || says("isDeleted") || says("is_deleted") || delete {
            return Ok(Self::Deleted { id: memory.id, at: memory.updated_at });
        }
        Ok(Self::Changed(Box::new(memory)))
    }
}
