//! What is said about a memory besides its text.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Error;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// An assistant.
    Assistant,
}

/// What sort of memory it is, in Papr's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// What somebody likes.
    Preference,
    /// Something to do.
    Task,
    /// Something to reach.
    Goal,
    /// Something that is so.
    Fact,
    /// What surrounds something else.
    Context,
    /// What an assistant can do.
    Skills,
    /// What an assistant has learnt.
    Learning,
}

/// A value of one's own. Papr takes no nested ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CustomValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any finite number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// Texts.
    List(Vec<String>),
}

impl From<&str> for CustomValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What is said about a memory besides its text. What is `None` is not sent, nor are empty values of one's own.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Metadata {
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What sort of memory it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// What it is about. In an [`Update`](crate::Update) an empty list takes away what was there; `None` says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When it was made, if not now.
    #[serde(rename = "createdAt", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<jiff::Timestamp>,
    /// The address it was taken from.
    #[serde(rename = "sourceUrl", skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The kind of place it was taken from.
    #[serde(rename = "sourceType", skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    /// The conversation it was taken from.
    #[serde(rename = "conversationId", skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Values of one's own.
    #[serde(rename = "customMetadata", skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, CustomValue>,
    /// Any other field, for instance one that an earlier reply had in [`Memory::metadata`](crate::Memory::metadata).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The fields above, which [`Metadata::extra`] must not say a second time.
const NAMED: [&str; 9] = [
    "role",
    "category",
    "topics",
    "location",
    "createdAt",
    "sourceUrl",
    "sourceType",
    "conversationId",
    "customMetadata",
];

impl Metadata {
    /// Adds one's own id of the memory, as `customMetadata.client_id`. After a call whose outcome is unknown, a
    /// memory at Papr with this id tells that it was done: [`Memory::client_id`](crate::Memory::client_id).
    #[must_use]
    pub fn client_id(mut self, id: &str) -> Self {
        self.custom.insert("client_id".to_owned(), id.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(name) = NAMED.iter().find(|name| self.extra.contains_key(**name)) {
            return Err(Error::invalid("metadata", format!("{name} is in it twice")));
        }
        let finite =
            |value: &CustomValue| !matches!(value, CustomValue::Number(number) if !number.is_finite());
        if !self.custom.values().all(finite) {
            return Err(Error::invalid("metadata", "a number in it is not finite"));
        }
        Ok(())
    }
}

/// Names of fields, and not what they say.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("role", &self.role)
            .field("category", &self.category)
            .field("topics", &self.topics.as_ref().map(Vec::len))
            .field("custom", &self.custom.keys())
            .finish_non_exhaustive()
    }
}
