//! The one door to Papr Desktop's logic: open an [`Engine`] on a data folder, then search, write, import,
//! measure. The window, the command line and whatever comes later are thin adapters of it.
//!
//! Calls are blocking and belong on worker threads. They take and return owned types. What goes on in the
//! background, the index being read, the model being loaded, memories being embedded, is told through one
//! stream of [`Status`].
//!
//! What reaches the network goes through `account` (Papr) or `downloads` (models), never on the way of a search.
//! Nothing here knows Tauri.
#![deny(missing_docs)]

pub mod account;
mod background;
mod browse;
mod catalog;
mod choices;
mod data;
mod diagnostics;
pub mod doctor;
mod downloads;
mod embedding;
mod engine;
pub mod erase;
mod error;
pub mod eval;
mod graphs;
mod listing;
mod model;
mod paths;
mod queue;
mod samples;
mod search;
pub mod settings;
mod status;
mod switch;
mod transfer;
pub mod upkeep;
mod writing;

pub use crate::engine::{Config, Engine, keychain};
pub use account::{
    AccountInfo, CloudHit, CloudReply, ConflictItem, KeyPlace, OutboxItem, OutboxState, ServerSpace,
    SignedIn, SignedOut, SyncPhase, SyncStatus, SystemFacts,
};
pub use browse::{MAX_SOME, Related};
pub use choices::Choices;
pub use data::{DataSizes, MoveProgress, data_folder, move_data};
pub use downloads::{Download, DownloadState};
pub use error::{Code, Error};
pub use graphs::GraphStatus;
pub use listing::{Listing, Place};
pub use model::{Comparison, ModelCheck, ModelInfo, ModelSpeed, QuerySpeed};
pub use papr_embed::{
    Agreement, Device, DeviceChoice, NeuralEngine, Report, SpaceMatch, State as Sessions, Trial,
};
pub use papr_models::{Phase, RunsOn};
pub use papr_store::{Child, serve};
pub use papr_sync::{Preview, Pulled, Pushed, Resolution, Scope, SyncReport};
pub use paths::{APP_IDENTIFIER, Resources, default_data_folder};
pub use search::Fusion;
pub use settings::{AccountProfile, ServerVectors, Settings};
pub use status::{IndexState, ModelState, ModelStatus, Problem, Status};
pub use switch::SwitchStatus;
pub use transfer::{BadLine, Exported, Format, ImportPreview, ImportReport, UnknownFormat};
pub use writing::{Edit, NewMemory};
