//! A memory to be made, and what is to be changed in one.

use std::fmt;

use serde::Serialize;

use crate::Error;
use crate::write::Hidden;
use crate::write::metadata::{Metadata, Role};

/// The longest content Papr takes, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 15_000;

/// The types Papr makes memories of. What it sends is an open set: [`Memory::kind`](crate::Memory::kind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text, which is also what a memory without a type becomes.
    Text,
    /// A piece of a program.
    CodeSnippet,
    /// A document.
    Document,
}

/// What was said before, for the server's understanding of a memory.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Who said it.
    pub role: Role,
    /// What.
    pub content: String,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("role", &self.role).field("content", &Hidden(&self.content)).finish()
    }
}

fn checked(content: String) -> Result<String, Error> {
    if content.trim().is_empty() {
        return Err(Error::invalid("the memory's text", "it is empty"));
    }
    if content.len() > MAX_CONTENT_BYTES {
        let (bytes, limit) = (content.len(), MAX_CONTENT_BYTES);
        return Err(Error::TooLarge { what: "the memory's text", bytes, limit });
    }
    Ok(content)
}

/// A memory to be made. `Debug` shows no text.
#[derive(Clone, PartialEq, Serialize)]
pub struct NewMemory {
    content: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    context: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_id: Option<String>,
    #[serde(skip)]
    pub(crate) skip_background_processing: bool,
}

impl NewMemory {
    /// # Errors
    /// [`Error::Invalid`] for a text of nothing but white space, [`Error::TooLarge`] for one of more than
    /// [`MAX_CONTENT_BYTES`].
    pub fn new(content: impl Into<String>) -> Result<Self, Error> {
        let content = checked(content.into())?;
        Ok(Self {
            content,
            kind: None,
            metadata: None,
            context: Vec::new(),
            external_user_id: None,
            namespace_id: None,
            skip_background_processing: false,
        })
    }

    /// Says what it is; else it becomes [`Kind::Text`].
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Says more about it.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Says what came before it.
    #[must_use]
    pub fn context(mut self, context: Vec<Turn>) -> Self {
        self.context = context;
        self
    }

    /// Says whose it is, in one's own words.
    #[must_use]
    pub fn external_user_id(mut self, id: impl Into<String>) -> Self {
        self.external_user_id = Some(id.into());
        self
    }

    /// Puts it into a namespace.
    #[must_use]
    pub fn namespace_id(mut self, id: impl Into<String>) -> Self {
        self.namespace_id = Some(id.into());
        self
    }

    /// Asks the server not to look into it any further. Of no effect in a [`Batch`](crate::Batch).
    #[must_use]
    pub fn skip_background_processing(mut self) -> Self {
        self.skip_background_processing = true;
        self
    }

    /// Its text.
    pub fn content(&self) -> &str {
        &self.content
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.metadata.as_ref().map_or(Ok(()), Metadata::check)
    }
}

impl fmt::Debug for NewMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMemory")
            .field("content", &Hidden(&self.content))
            .field("kind", &self.kind)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// What is to be changed in a memory; what is not named stays. `Debug` shows no text.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Update {
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Vec<Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_id: Option<String>,
}

impl Update {
    /// An update of nothing; name something.
    pub fn new() -> Self {
        Self::default()
    }

    /// The new text.
    ///
    /// # Errors
    /// As [`NewMemory::new`].
    pub fn content(mut self, content: impl Into<String>) -> Result<Self, Error> {
        self.content = Some(checked(content.into())?);
        Ok(self)
    }

    /// The new type.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The new metadata. Whether the server merges it with the old is not documented: send it whole.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// What came before it.
    #[must_use]
    pub fn context(mut self, context: Vec<Turn>) -> Self {
        self.context = Some(context);
        self
    }

    /// The namespace it belongs into.
    #[must_use]
    pub fn namespace_id(mut self, id: impl Into<String>) -> Self {
        self.namespace_id = Some(id.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(Error::invalid("the update", "it changes nothing"));
        }
        self.metadata.as_ref().map_or(Ok(()), Metadata::check)
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("content", &self.content.as_deref().map(Hidden))
            .field("kind", &self.kind)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
