//! How much room a store's parts take on disk.

use std::fs;
use std::io;
use std::path::Path;

use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::open::io_error;
use crate::{backup, quarantine};

/// Bytes on disk, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// sled's log: memories, vectors, and the room that old versions of both still take.
    pub log: u64,
    /// What sled keeps beside its log; normally nothing.
    pub blobs: u64,
    /// sled's snapshots of its page table.
    pub snapshots: u64,
    /// Backups.
    pub backups: u64,
    /// Files that were set aside because they were damaged.
    pub quarantine: u64,
    /// Everything else.
    pub other: u64,
}

impl Sizes {
    /// Of the store in `folder`, open or not. A missing folder takes nothing.
    pub fn of(folder: &Path) -> Result<Self, StoreError> {
        measure(folder).map_err(|source| io_error(folder, source))
    }

    /// All parts together.
    pub fn total(&self) -> u64 {
        self.log + self.blobs + self.snapshots + self.backups + self.quarantine + self.other
    }
}

fn measure(folder: &Path) -> io::Result<Sizes> {
    let db = folder.join("db");
    let snapshots = match fs::read_dir(&db) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        entries => {
            let mut bytes = 0;
            for entry in entries? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().starts_with("snap.") {
                    bytes += of_file(entry.metadata())?;
                }
            }
            bytes
        }
    };
    let log = of_file(fs::metadata(db.join("db")))?;
    let blobs = of_folder(&db.join("blobs"))?;
    let backups = of_folder(&folder.join(backup::FOLDER))?;
    let quarantine = of_folder(&folder.join(quarantine::FOLDER))?;
    let known = log + blobs + snapshots + backups + quarantine;
    let other = of_folder(folder)?.saturating_sub(known);
    Ok(Sizes { log, blobs, snapshots, backups, quarantine, other })
}

fn of_file(about: io::Result<fs::Metadata>) -> io::Result<u64> {
    match about {
        Ok(about) => Ok(about.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Bytes of all files below `folder`; what is missing or vanishes meanwhile counts nothing.
pub(crate) fn of_folder(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(about) if about.is_dir() => of_folder(&entry.path())?,
            about => of_file(about)?,
        };
    }
    Ok(bytes)
}
