//! Which model: the catalogue, verified downloads that can be resumed, installed models.
//!
//! [`Catalog`] says what there is. [`install`] downloads an entry through a [`Hub`], [`import()`] takes it from files
//! on this machine; both end with an [`InstalledModel`]: a parsed [`papr_memory::Manifest`] and files that are what it
//! says. [`installed`] lists what is there, [`remove`] takes it away, [`Origin::compare`] tells whether the hub has
//! something newer.
//!
//! [`CoreMl`] reads what is written for Core ML: such a model is imported from the folder that `models/coreml` made.
//!
//! It leaves out what a model means: loading and running one is `papr-embed`'s. And it decides nothing: it contacts
//! the hosts that [`hosts`] names, when [`install`] or [`look_up`] is called, and never otherwise.

mod catalog;
mod core_ml;
mod download;
mod error;
mod files;
mod found;
mod hub;
mod import;
mod install;
mod installed;
mod origin;
mod progress;
mod staging;
mod stop;

pub use catalog::{
    Catalog, CatalogEntry, Disabled, FileRole, HubFile, HubSource, License, ModelSource, RunsOn, Size,
};
pub use core_ml::{CORE_ML, CoreMl, Function, Package};
pub use error::ModelError;
pub use files::{free_space, sha256_of};
pub use found::{Found, Interrupted, ModelsFolder, installed, interrupted, remove};
pub use hub::{DEFAULT_ENDPOINT, Exchange, FileFacts, Hub, HubOptions, Observer, Retries, Token};
pub use import::import;
pub use install::{forget, hosts, install, look_up};
pub use installed::{InstalledModel, MANIFEST};
pub use origin::{HubFacts, Origin, OriginFile, Update};
pub use progress::{OnProgress, Phase, Progress};
pub use staging::tidy;
