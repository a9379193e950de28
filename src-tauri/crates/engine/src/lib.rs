//! The one door to Papr Desktop's logic: open an [`Engine`] on a data folder, then search, write, import,
//! measure. The window, the command line and whatever comes later are thin adapters of it.
//!
//! Calls are blocking and belong on worker threads. They take and return owned types. What goes on in the
//! background, the index being read, the model being loaded, memories being embedded, is told through one
//! stream of [`Status`].
//!
//! Nothing here opens a network connection, and nothing here knows Tauri.
#![deny(missing_docs)]

mod background;
mod catalog;
mod engine;
mod error;
pub mod eval;
mod model;
mod paths;
mod samples;
mod search;
mod status;
mod transfer;
mod writing;

pub use crate::engine::{Config, Engine};
pub use error::{Code, Error};
pub use paths::{APP_IDENTIFIER, Resources, default_data_folder};
pub use search::Fusion;
pub use status::{IndexState, ModelState, ModelStatus, Problem, Status};
pub use transfer::{BadLine, Exported, ImportReport};
pub use writing::{Edit, NewMemory};
