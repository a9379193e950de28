//! After a hard stop: sled first opens a copy.
//!
//! sled's recovery writes: what it takes for torn it clears away. So the first try is made on a copy of the
//! files, and only when all that was saved is found there are the files themselves opened. Otherwise they
//! stay as they are, for a salvage or a backup's sake. Where there is no room for a copy, the files themselves
//! are opened and checked then.

use std::fs;
use std::io;
use std::path::Path;

use papr_memory::ports::StoreError;

use crate::open::{check_schema_of, open_guarded};
use crate::state;

/// The copy's folder. It lies in the store's and is gone again when the store is open.
pub(crate) const FOLDER: &str = "trial";

/// Checks that a copy of the database in `folder` can be opened and holds everything up to change `mark`.
///
/// Fails with `Damaged` or `NotOurs`; the files themselves are not touched. Returns false if there is no room
/// for a copy.
pub(crate) fn run(folder: &Path, mark: u64) -> Result<bool, StoreError> {
    let trial = folder.join(FOLDER);
    let failed = |source| StoreError::Io { path: trial.clone(), source };
    if !folder.join("db").join("db").exists() {
        return Err(state::missing(folder, "its log db/db is gone"));
    }
    clear(folder).map_err(failed)?;
    if let Err(error) = copy(&folder.join("db"), &trial.join("db")) {
        tracing::warn!(%error, "no copy could be made; the database is opened without a trial");
        clear(folder).map_err(failed)?;
        return Ok(false);
    }
    let outcome = open_guarded(&trial, folder).and_then(|trees| {
        check_schema_of(&trees, folder)?;
        state::verify(&trees, folder, mark)
    });
    if let Err(error) = clear(folder) {
        tracing::warn!(%error, "the copy of the database cannot be removed");
    }
    outcome.map(|()| true)
}

/// Removes a copy, also one that a stop in the middle of a trial left behind.
pub(crate) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join(FOLDER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
