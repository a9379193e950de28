//! A memory as the server keeps it, and what a test may do to one behind the client's back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// In which tiers a memory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In neither: kept, found by id, by search and in the delta.
    Neither,
    /// Tier 0: goals, OKRs, use cases.
    Tier0,
    /// Tier 1: hot memories.
    #[default]
    Tier1,
    /// The same id in both, as the real server sends at times.
    Both,
}

impl Place {
    pub(crate) fn in_tier(self, tier: u8) -> bool {
        match self {
            Self::Neither => false,
            Self::Tier0 => tier == 0,
            Self::Tier1 => tier == 1,
            Self::Both => true,
        }
    }
}

/// The server vector of a memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Embedding {
    /// From the text, in the format asked for (tier 0: always floats).
    #[default]
    Auto,
    /// From the text, as int8 whatever was asked for.
    Int8,
    /// The server has none.
    Missing,
    /// This one, of any length and norm: a client has to check.
    Given(Vec<f32>),
}

/// A memory as the server keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Papr's id; mostly a UUID, at times not.
    pub id: String,
    /// The id in Papr's database below.
    pub object_id: String,
    /// `None` goes out as `null`; "" and "None" are texts of their own.
    pub content: Option<String>,
    /// An open set: `text`, `goal`, …
    pub kind: String,
    /// As the client sent it; unknown keys kept.
    pub metadata: Map<String, Value>,
    /// The conversation it came from.
    pub context: Vec<Value>,
    /// In which tiers it stands.
    pub place: Place,
    /// It is sent two times in each tier it stands in.
    pub twice: bool,
    /// Its vector.
    pub embedding: Embedding,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970; what the delta goes by.
    pub updated_at: i64,
    /// 1 when made, one more with every accepted change.
    pub revision: u64,
    /// Whose memory it is in the caller's own terms.
    pub external_user_id: Option<String>,
    /// The namespace it was put into.
    pub namespace_id: Option<String>,
}

impl Record {
    /// The id that the client gave it: `metadata.customMetadata.client_id`.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.metadata.get("customMetadata")?.get("client_id")?.as_str()
    }

    /// `metadata.topics`, where it is a list of texts.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        let topics = self.metadata.get("topics").and_then(Value::as_array);
        topics.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }
}

/// A memory that the server gets from elsewhere: another client, Papr itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewMemory {
    /// The id it shall have; otherwise one from the seed. An id that is taken is refused.
    pub id: Option<String>,
    /// `None` goes out as `null`.
    pub content: Option<String>,
    /// `text` where empty.
    pub kind: String,
    /// As in [`Record`].
    pub metadata: Map<String, Value>,
    /// As in [`Record`].
    pub place: Place,
    /// As in [`Record`].
    pub twice: bool,
    /// As in [`Record`].
    pub embedding: Embedding,
    /// Made and changed at this millisecond; otherwise now.
    pub at: Option<i64>,
}

impl NewMemory {
    /// A text in tier 1.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }

    /// A goal in tier 0.
    #[must_use]
    pub fn goal(content: impl Into<String>) -> Self {
        Self { kind: "goal".to_owned(), place: Place::Tier0, ..Self::text(content) }
    }

    /// In these tiers.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// With these topics.
    #[must_use]
    pub fn topics(mut self, topics: &[&str]) -> Self {
        self.metadata.insert("topics".to_owned(), topics.into());
        self
    }

    /// With this vector.
    #[must_use]
    pub fn embedding(mut self, embedding: Embedding) -> Self {
        self.embedding = embedding;
        self
    }

    /// Made and changed at this millisecond.
    #[must_use]
    pub fn at(mut self, at: i64) -> Self {
        self.at = Some(at);
        self
    }

    /// With this id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// A change on the server's side. What is `None` stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// The new text.
    pub content: Option<String>,
    /// The text goes; `null` is sent from here on.
    pub no_content: bool,
    /// The new type.
    pub kind: Option<String>,
    /// Keys to set; the others stay.
    pub metadata: Map<String, Value>,
    /// The new vector.
    pub embedding: Option<Embedding>,
    /// Sent two times in its tiers, or no longer.
    pub twice: Option<bool>,
    /// Changed at this millisecond; otherwise now.
    pub at: Option<i64>,
}

impl Edit {
    /// Another text.
    #[must_use]
    pub fn content(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }

    /// Other topics.
    #[must_use]
    pub fn topics(topics: &[&str]) -> Self {
        Self { metadata: Map::from_iter([("topics".to_owned(), topics.into())]), ..Self::default() }
    }

    /// Changed at this millisecond.
    #[must_use]
    pub fn at(mut self, at: i64) -> Self {
        self.at = Some(at);
        self
    }

    /// What the record is after this.
    pub(crate) fn apply(self, record: &mut Record) {
        if self.no_content {
            record.content = None;
        }
        if self.content.is_some() {
            record.content = self.content;
        }
        if let Some(kind) = self.kind {
            record.kind = kind;
        }
        record.metadata.extend(self.metadata);
        if let Some(embedding) = self.embedding {
            record.embedding = embedding;
        }
        if let Some(twice) = self.twice {
            record.twice = twice;
        }
    }
}
