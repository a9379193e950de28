//! Which model: folders of installed models, read and verified.
//!
//! [`find_models`] lists the folders, [`InstalledModel::open`] reads a manifest and compares names and sizes,
//! [`InstalledModel::verify`] compares every byte. What comes out of this crate is a parsed
//! [`papr_memory::Manifest`] and paths to files that are what it says.
//!
//! It leaves out what a model means: loading and running one is `papr-embed`'s.

mod error;
mod installed;

pub use error::ModelError;
pub use installed::{InstalledModel, MANIFEST, find_models};
