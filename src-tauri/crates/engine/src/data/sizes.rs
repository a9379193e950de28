//! How much room the parts of the data folder take.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LOGS;
use crate::model::shelf;
use crate::{Engine, Error, graphs};

/// Bytes on disk, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSizes {
    /// Memories, their vectors, and the room that old versions of both still take.
    pub memories: u64,
    /// Backups.
    pub backups: u64,
    /// Files that were set aside because they were damaged.
    pub set_aside: u64,
    /// Graphs over vectors.
    pub graphs: u64,
    /// Models a person installed, wherever they are.
    pub models: u64,
    /// The log.
    pub logs: u64,
    /// Everything else in the data folder: settings, the ledger, caches, and what is not ours.
    pub other: u64,
    /// What is free on the disk of the data folder, if the system tells.
    pub free: Option<u64>,
}

impl DataSizes {
    /// All parts together.
    pub fn total(&self) -> u64 {
        let derived = self.graphs + self.models + self.logs + self.other;
        self.memories + self.backups + self.set_aside + derived
    }
}

impl Engine {
    /// How much room the data takes, by part. Costs a look at each file.
    pub fn data_sizes(&self) -> Result<DataSizes, Error> {
        let data = &self.shared.data_folder;
        let store = self.sizes()?;
        let graphs = folder_size(&data.join(graphs::FOLDER));
        let logs = folder_size(&data.join(LOGS));
        let models_folder = shelf::folder(&self.shared);
        let models = folder_size(&models_folder);
        let models_inside = if models_folder.starts_with(data) { models } else { 0 };
        let known = store.total() + graphs + logs + models_inside;
        Ok(DataSizes {
            memories: store.log + store.blobs + store.snapshots + store.other,
            backups: store.backups,
            set_aside: store.quarantine,
            graphs,
            models,
            logs,
            other: folder_size(data).saturating_sub(known),
            free: papr_models::free_space(data).ok(),
        })
    }
}

/// Bytes of all files below `folder`; of one that is not there, none.
pub(crate) fn folder_size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
