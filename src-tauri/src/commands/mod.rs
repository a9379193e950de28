//! What windows may call: thin commands over the engine, one file an area. Which window may call which
//! stands in `src-tauri/capabilities`.

pub(crate) mod account;
pub(crate) mod data;
pub(crate) mod library;
pub(crate) mod memories;
pub(crate) mod models;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod windows;
