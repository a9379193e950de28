//! What is asked for when tiers or changes are fetched.

use serde::Serialize;

use crate::write::in_range;
use crate::{Cursor, Error};

/// The form in which vectors are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingFormat {
    /// A quarter of the size, and about 0.001 of cosine similarity less exact.
    #[default]
    Int8,
    /// As the server has them.
    Float32,
}

/// The server's models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum EmbedModel {
    /// Sentence-BERT.
    #[serde(rename = "sbert")]
    Sbert,
    /// `BigBird`.
    #[serde(rename = "bigbird")]
    BigBird,
    /// Qwen3-Embedding-4B: 2,560 dimensions.
    #[default]
    Qwen4B,
}

/// Which part of the two tiers is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TiersRequest {
    /// The most memories of tier 0: 0 to 2,000. Default 300.
    pub max_tier0: u32,
    /// The most memories of tier 1: 0 to 5,000. Default 1,000.
    pub max_tier1: u32,
    /// Whether their vectors come along. Default no.
    pub include_embeddings: bool,
    /// In which form.
    pub embedding_format: EmbeddingFormat,
    /// The most vectors of each tier: 0 to 1,000. Default 200.
    pub embed_limit: u32,
    /// Which model's.
    pub embed_model: EmbedModel,
    /// Only memories of this workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// Only memories of this user; goes before [`TiersRequest::external_user_id`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Only memories of this user, in one's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_user_id: Option<String>,
    /// Only memories of this organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Only memories of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<String>,
}

impl Default for TiersRequest {
    fn default() -> Self {
        Self {
            max_tier0: 300,
            max_tier1: 1_000,
            include_embeddings: false,
            embedding_format: EmbeddingFormat::default(),
            embed_limit: 200,
            embed_model: EmbedModel::default(),
            workspace_id: None,
            user_id: None,
            external_user_id: None,
            organization_id: None,
            namespace_id: None,
        }
    }
}

impl TiersRequest {
    pub(crate) fn check(&self) -> Result<(), Error> {
        in_range("max_tier0", self.max_tier0, 0..=2_000)?;
        in_range("max_tier1", self.max_tier1, 0..=5_000)?;
        in_range("embed_limit", self.embed_limit, 0..=1_000)
    }
}

/// Which changes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRequest {
    /// Those after this place; from the beginning if there is none.
    pub cursor: Option<Cursor>,
    /// The most in one reply: 1 to 1,000. Default 200.
    pub limit: u32,
    /// Only those of this workspace.
    pub workspace_id: Option<String>,
    /// Whether vectors come along. Default no.
    pub include_embeddings: bool,
}

impl Default for DeltaRequest {
    fn default() -> Self {
        Self { cursor: None, limit: 200, workspace_id: None, include_embeddings: false }
    }
}

impl DeltaRequest {
    pub(crate) fn query(&self) -> Result<Vec<(&'static str, String)>, Error> {
        in_range("limit", self.limit, 1..=1_000)?;
        let mut query = Vec::new();
        query.extend(self.cursor.as_ref().map(|cursor| ("cursor", cursor.as_str().to_owned())));
        query.push(("limit", self.limit.to_string()));
        query.extend(self.workspace_id.as_ref().map(|id| ("workspace_id", id.clone())));
        if self.include_embeddings {
            query.push(("include_embeddings", "true".to_owned()));
        }
        Ok(query)
    }
}
