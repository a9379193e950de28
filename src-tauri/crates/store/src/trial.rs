//! After a hard stop: sled first opens a copy.
//!
//! sled's recovery writes: what it takes for torn it clears away. So the first try is made on a copy of the
//! files, in a process of its own where there is one, and only when all that was saved is found there are the
//! files themselves opened. Otherwise they stay as they are, for a salvage's sake. Where there is no room for
//! a copy, the files themselves are opened and checked then.

use std::fs;
use std::io;
use std::path::Path;

use papr_memory::ports::StoreError;

use crate::child::{Answer, Child};
use crate::open::{io_error, open_guarded};
use crate::{marker, migrate, state};

/// The copy's folder. It lies in the store's and is gone again when the store is open.
pub(crate) const FOLDER: &str = "trial";

/// What a trial showed.
pub(crate) enum Outcome {
    /// The files may be opened.
    Passed,
    /// No copy could be made: nobody knows.
    NotTried,
    /// They must not; `here` if sled met the damage in this process.
    Failed { error: StoreError, here: bool },
}

/// Checks that a copy of the database in `folder` can be opened and holds everything up to change `mark`.
///
/// The files themselves are not touched. Fails with `Io` if a copy that was left behind cannot be removed.
pub(crate) fn run(folder: &Path, mark: u64, child: Option<&Child>) -> Result<Outcome, StoreError> {
    let trial = folder.join(FOLDER);
    if !folder.join("db").join("db").exists() {
        let error = state::missing(folder, "its log db/db is gone");
        return Ok(Outcome::Failed { error, here: false });
    }
    clear(folder)?;
    if let Err(error) = copy(&folder.join("db"), &trial.join("db")) {
        tracing::warn!(%error, "no copy could be made; the database is opened without a trial");
        clear(folder)?;
        return Ok(Outcome::NotTried);
    }
    let answer = child.and_then(|child| {
        let said = child.try_copy(folder, mark);
        said.inspect_err(|error| tracing::warn!(%error, "no process could be started for a trial")).ok()
    });
    let outcome = match answer {
        Some(Answer::Whole) => Outcome::Passed,
        Some(Answer::NotOurs(reason)) => {
            Outcome::Failed { error: marker::not_ours(folder, reason), here: false }
        }
        Some(Answer::Damaged(what)) => {
            Outcome::Failed { error: StoreError::Damaged { what, source: None }, here: false }
        }
        Some(Answer::Failed(what)) => {
            Outcome::Failed { error: io_error(folder, io::Error::other(what)), here: false }
        }
        None => match verify_copy(folder, mark) {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed { error, here: true },
        },
    };
    if let Err(error) = clear(folder) {
        tracing::warn!(%error, "the copy of the database cannot be removed");
    }
    Ok(outcome)
}

/// Opens the copy and looks whether it holds everything up to change `mark`.
pub(crate) fn verify_copy(folder: &Path, mark: u64) -> Result<(), StoreError> {
    let trees = open_guarded(&folder.join(FOLDER), folder)?;
    migrate::schema_of(&trees, folder)?;
    state::verify(&trees, folder, mark)
}

/// Removes a copy, also one that a stop in the middle of a trial left behind.
pub(crate) fn clear(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder.join(FOLDER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&folder.join(FOLDER), error)),
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
