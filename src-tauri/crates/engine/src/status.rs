//! What the engine is doing and how it is: one value, published whenever it changes.

use papr_embed::{Report, State};
use papr_memory::TierCounts;
use serde::{Deserialize, Serialize};

use crate::account::SyncStatus;
use crate::downloads::Download;
use crate::graphs::GraphStatus;
use crate::switch::SwitchStatus;
use crate::{Code, Error};

/// An error, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl Problem {
    /// Something that happened, with no more to say.
    pub(crate) fn told(message: String) -> Self {
        Self { code: Code::Internal, message, hint: None, retryable: false }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            retryable: error.retryable(),
        }
    }
}

/// How far the model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelState {
    /// Not asked for yet.
    #[default]
    Off,
    /// Being checked and loaded.
    Loading,
    /// Making vectors.
    Ready,
    /// Not there, or not usable.
    Failed,
}

/// The model and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// How far it is.
    pub state: ModelState,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The length of its vectors.
    pub dims: Option<u16>,
    /// The arithmetic of its weights: `fp32`, …
    pub precision: Option<String>,
    /// What runs it, in a word: `CPU`, `Core ML`, …
    pub provider: Option<String>,
    /// What was seen of how it runs.
    pub report: Option<Report>,
    /// Whether it is in memory, or left it after a while without work.
    pub sessions: Option<State>,
    /// The name of its space.
    pub fingerprint: Option<String>,
    /// SPDX expression of its licence.
    pub license: Option<String>,
    /// How long checking and loading took, in milliseconds.
    pub load_ms: Option<u32>,
    /// Median time to embed a query, over the last queries, in milliseconds.
    pub p50_ms: Option<f32>,
    /// The 95th percentile of the same.
    pub p95_ms: Option<f32>,
    /// Why it failed.
    pub problem: Option<Problem>,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexState {
    /// Not asked for yet.
    #[default]
    Off,
    /// Memories are being read; what was read already can be found.
    Building,
    /// Complete.
    Ready,
    /// Reading failed; what was read before can be found.
    Failed,
}

/// Everything a window shows about the engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Memories in each tier, as far as they have been read.
    pub counts: TierCounts,
    /// How many of them are sample memories.
    pub samples: usize,
    /// How many can be found by word but not yet by meaning.
    pub pending: usize,
    /// How many cannot be found by meaning because the model made a bad vector of them.
    pub unembeddable: usize,
    /// How far the index is.
    pub index: IndexState,
    /// The graph over vectors that is being built; searches are exact meanwhile, and slower.
    pub graphs: Option<GraphStatus>,
    /// Why the index is not complete, or the last background write failed.
    pub problem: Option<Problem>,
    /// What a repair of the data folder did, where there was one; for the person to read.
    pub recovered: Option<String>,
    /// The model.
    pub model: ModelStatus,
    /// Downloads of models that are under way, paused or failed.
    pub downloads: Vec<Download>,
    /// The change to another model that is under way.
    pub switch: Option<SwitchStatus>,
    /// Sync with Papr.
    pub sync: SyncStatus,
}

impl Status {
    /// Whether the index is complete, or will not be.
    pub fn index_is_done(&self) -> bool {
        matches!(self.index, IndexState::Ready | IndexState::Failed)
    }

    /// Whether the model is loaded, or will not be.
    pub fn model_is_done(&self) -> bool {
        matches!(self.model.state, ModelState::Ready | ModelState::Failed)
    }
}
