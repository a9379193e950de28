//! Core ML by itself, without ONNX Runtime: for models too large for its provider, and for any that was converted.
//!
//! A model is a few graphs of fixed length ([`FixedGraph`]), each in a `.mlpackage` that `models/coreml` wrote. From
//! a text's token ids to its numbers:
//!
//! - `graphs` keeps the graphs in order and compares them with the recipe;
//! - `packages` fills a text up to the least length that holds it, has that graph at hand, and carries out what
//!   is left of the recipe: a [`crate::backend::Backend`] but for the thread;
//! - `thread` keeps all that on the thread it was made on, since objects of Core ML must not leave theirs;
//! - `interface` compares a loaded graph with the recipe, `tensor` reads what it gives, in half or single
//!   precision, with or without gaps;
//! - `compiled` names what Core ML compiled, keeps it beside the package and removes what is stale;
//! - `macos` makes the calls. It is the only part that another system does not run, and the only one that no test
//!   runs there: **nothing here has been run on a Mac.**
#![cfg_attr(not(any(target_os = "macos", papr_check_mac)), allow(dead_code))] // there, tests alone use the most of it

mod compiled;
mod graphs;
mod interface;
#[cfg(any(target_os = "macos", papr_check_mac))]
mod macos;
mod packages;
mod tensor;
mod thread;

use std::path::PathBuf;

use papr_memory::Recipe;
use papr_memory::ports::EmbedError;

use crate::Device;
use crate::backend::Backend;

pub use compiled::remove_stale;
pub(crate) use graphs::Graphs;

/// A graph that takes one text of a fixed length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedGraph {
    /// What a text is filled up to.
    pub tokens: u32,
    /// The folder of the package.
    pub package: PathBuf,
    /// The function to load; `None` where the package has only one. Naming one needs macOS 15.
    pub function: Option<String>,
    /// The package's hash, 64 hexadecimal digits: over its files, so that another package has another.
    pub sha256: String,
    /// Bytes of the package's files.
    pub bytes: u64,
}

/// How graphs are loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// [`Device::CoreMlNative`] may use the Neural Engine, [`Device::Cpu`] is kept to the processor.
    pub(crate) device: Device,
    /// Whether the compute plan is read.
    pub(crate) profile: bool,
    /// How many graphs are in memory at most.
    pub(crate) alive: usize,
}

/// Loads the shortest graph, so that a model that cannot be used is found out at once.
#[cfg(any(target_os = "macos", papr_check_mac))]
pub(crate) fn load(graphs: &Graphs, recipe: &Recipe, how: How) -> Result<Box<dyn Backend>, EmbedError> {
    let (graphs, recipe) = (graphs.clone(), recipe.clone());
    let make = move || {
        let loader = macos::CoreMl::new(&graphs, &recipe, how);
        packages::Packages::load(loader, graphs, recipe, how)
    };
    Ok(Box::new(thread::OwnThread::start(make)?))
}

/// Refuses: Core ML is part of macOS.
#[cfg(not(any(target_os = "macos", papr_check_mac)))]
pub(crate) fn load(_: &Graphs, _: &Recipe, _: How) -> Result<Box<dyn Backend>, EmbedError> {
    Err(EmbedError::Model("a package for Core ML runs on macOS alone".to_owned()))
}

#[cfg(test)]
#[cfg(any(target_os = "macos", papr_check_mac))]
mod tests;
