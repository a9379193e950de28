//! The status as windows see it.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{AppError, Download, ErrorCode, Switch, Sync, TierCounts, count};
use crate::door::State;

/// How far the app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// The memories are being opened; what is asked for is done once they are.
    Opening,
    /// At work.
    Open,
    /// The memories could not be opened.
    Failed,
    /// The app ends.
    Closed,
}

/// How far the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine; a model that is not there is told apart from one that fails
pub enum ModelState {
    Missing,
    Loading,
    Ready,
    Failed,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum IndexState {
    Building,
    Ready,
    Failed,
}

/// The model and how it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// How far it is.
    pub state: ModelState,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The length of its vectors.
    pub dims: Option<u32>,
    /// The arithmetic of its weights.
    pub precision: Option<String>,
    /// What runs it, in a word.
    pub provider: Option<String>,
    /// The same with what was seen of the hardware.
    pub hardware: Option<String>,
    /// Why the CPU took over from another device.
    pub fallback: Option<String>,
    /// Whether it left the memory after a while without work; the next search brings it back.
    pub unloaded: bool,
    /// The name of its space.
    pub fingerprint: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    /// How long loading took.
    pub load_ms: Option<u32>,
    /// Median time to embed a query lately.
    pub p50_ms: Option<f32>,
    /// Why there is none.
    pub error: Option<AppError>,
}

/// The global shortcut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Shortcut {
    /// As people read it.
    pub keys: String,
    /// Whether the system granted it.
    pub registered: bool,
    /// Why not.
    pub problem: Option<String>,
}

/// Everything a window shows about the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// How far the app is. Until it is open, nothing is known of memories, index and model.
    pub state: AppState,
    /// Memories of each tier.
    pub counts: TierCounts,
    /// How many of them are samples.
    pub samples: u32,
    /// How many are not yet found by meaning.
    pub pending: u32,
    /// How far the index is.
    pub index: IndexState,
    /// How much of a graph over very many vectors is built, 0..=1, while one is.
    pub graphs: Option<f32>,
    /// The model.
    pub model: Model,
    /// Downloads of models.
    pub downloads: Vec<Download>,
    /// The change to another model that is under way.
    pub switch: Option<Switch>,
    /// What a repair of the data folder did, where there was one.
    pub recovered: Option<String>,
    /// Sync with Papr.
    pub sync: Sync,
    /// Where the data is.
    pub data_folder: String,
    /// Why nothing works.
    pub fatal: Option<AppError>,
    /// The global shortcut.
    pub shortcut: Shortcut,
}

impl Status {
    /// The engine's status, or why there is no engine.
    pub(crate) fn new(state: &State, data_folder: String, shortcut: Shortcut) -> Self {
        let none = papr_engine::Status::default;
        let (state, status, open_problem) = match state {
            State::Opening(_) => (AppState::Opening, none(), None),
            State::Open(engine) => (AppState::Open, engine.status(), None),
            State::Failed(problem) => (AppState::Failed, none(), Some(problem.clone())),
            State::Closed => (AppState::Closed, none(), None),
        };
        let index = match status.index {
            papr_engine::IndexState::Ready => IndexState::Ready,
            papr_engine::IndexState::Failed => IndexState::Failed,
            _ => IndexState::Building,
        };
        Self {
            state,
            counts: status.counts.into(),
            samples: count(status.samples),
            pending: count(status.pending),
            index,
            graphs: status.graphs.map(|graphs| graphs.done as f32 / graphs.of.max(1) as f32),
            fatal: open_problem.or(status.problem.filter(|_| index == IndexState::Failed)).map(Into::into),
            model: status.model.into(),
            downloads: status.downloads.into_iter().map(Into::into).collect(),
            switch: status.switch.map(Into::into),
            recovered: status.recovered,
            sync: Sync::new(status.sync),
            data_folder,
            shortcut,
        }
    }
}

impl From<papr_engine::ModelStatus> for Model {
    fn from(model: papr_engine::ModelStatus) -> Self {
        let error: Option<AppError> = model.problem.map(Into::into);
        let state = match model.state {
            papr_engine::ModelState::Ready => ModelState::Ready,
            papr_engine::ModelState::Failed
                if error.as_ref().is_some_and(|error| error.code == ErrorCode::ModelMissing) =>
            {
                ModelState::Missing
            }
            papr_engine::ModelState::Failed => ModelState::Failed,
            _ => ModelState::Loading,
        };
        let report = model.report.as_ref();
        Self {
            state,
            id: model.id,
            hardware: report.map(papr_engine::Report::describe),
            fallback: report.and_then(|report| report.fallback.clone()),
            unloaded: model.sessions == Some(papr_engine::Sessions::Unloaded),
            name: model.name,
            dims: model.dims.map(u32::from),
            precision: model.precision,
            provider: model.provider,
            fingerprint: model.fingerprint,
            license: model.license,
            load_ms: model.load_ms,
            p50_ms: model.p50_ms,
            error,
        }
    }
}
