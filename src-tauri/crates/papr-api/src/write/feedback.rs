//! What somebody thought of a search's answer.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::write::Hidden;
use crate::{Error, MemoryId, SearchId};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs)] // Papr's own words, which it does not explain either
pub enum FeedbackType {
    ThumbsUp,
    ThumbsDown,
    Rating,
    Correction,
    Report,
    CopyAction,
    SaveAction,
    CreateDocument,
    MemoryRelevance,
    AnswerQuality,
}

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs)] // Papr's own words, which it does not explain either
pub enum FeedbackSource {
    Inline,
    PostQuery,
    SessionEnd,
    MemoryCitation,
    AnswerPanel,
}

/// What somebody thought of a search's answer. Only of a search that Papr itself answered: it needs its id. `Debug`
/// shows no text.
#[derive(Clone, PartialEq, Serialize)]
pub struct Feedback {
    #[serde(serialize_with = "search_id")]
    search_id: SearchId,
    #[serde(rename = "feedbackData")]
    data: Data,
}

#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    feedback_type: FeedbackType,
    feedback_source: FeedbackSource,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback_text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "memory_ids")]
    cited_memory_ids: Vec<MemoryId>,
}

fn search_id<S: Serializer>(id: &SearchId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

fn memory_ids<S: Serializer>(ids: &[MemoryId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(MemoryId::as_str))
}

impl Feedback {
    /// Feedback with nothing else said.
    pub fn new(search_id: SearchId, feedback_type: FeedbackType, feedback_source: FeedbackSource) -> Self {
        let data = Data {
            feedback_type,
            feedback_source,
            feedback_value: None,
            feedback_score: None,
            feedback_text: None,
            cited_memory_ids: Vec::new(),
        };
        Self { search_id, data }
    }

    /// A word for it.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.data.feedback_value = Some(value.into());
        self
    }

    /// A number for it; finite.
    #[must_use]
    pub fn score(mut self, score: f64) -> Self {
        self.data.feedback_score = Some(score);
        self
    }

    /// More words.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.data.feedback_text = Some(text.into());
        self
    }

    /// The memories it is about.
    #[must_use]
    pub fn cites(mut self, ids: Vec<MemoryId>) -> Self {
        self.data.cited_memory_ids = ids;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.search_id.as_str().trim().is_empty() {
            return Err(Error::invalid("the feedback", "it belongs to no search"));
        }
        if self.data.feedback_score.is_some_and(|score| !score.is_finite()) {
            return Err(Error::invalid("the feedback", "its score is not finite"));
        }
        Ok(())
    }
}

impl fmt::Debug for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feedback")
            .field("search_id", &self.search_id)
            .field("type", &self.data.feedback_type)
            .field("source", &self.data.feedback_source)
            .field("text", &self.data.feedback_text.as_deref().map(Hidden))
            .finish_non_exhaustive()
    }
}
