//! Upkeep of the data folder: a check of every entry, backups, and what needs the store to be closed.

use std::path::{Path, PathBuf};

use papr_memory::CancelToken;
use papr_memory::ports::Clock;
pub use papr_store::{
    Backup, BackupContents, BackupMade, CheckProgress, CheckReport, Compacted, Recovered, Sizes,
};

use crate::{Engine, Error, paths};

/// How many backups are kept.
pub(crate) const BACKUPS_KEPT: usize = 7;

impl Engine {
    /// Reads every entry of the store, checks it in full and against the others. Changes nothing.
    pub fn check(
        &self,
        progress: &mut dyn FnMut(CheckProgress),
        cancel: &CancelToken,
    ) -> Result<CheckReport, Error> {
        Ok(self.shared.store.check(progress, cancel)?)
    }

    /// Makes a backup now and verifies it; the seven newest are kept.
    pub fn back_up(&self, cancel: &CancelToken) -> Result<BackupMade, Error> {
        Ok(self.shared.store.back_up(self.shared.clock.now(), BACKUPS_KEPT, cancel)?)
    }

    /// The backups there are, newest first.
    pub fn backups(&self) -> Result<Vec<Backup>, Error> {
        Ok(papr_store::backups(&self.store_folder()?)?)
    }

    /// Bytes on disk, by part.
    pub fn sizes(&self) -> Result<Sizes, Error> {
        Ok(Sizes::of(&self.store_folder()?)?)
    }

    pub(crate) fn store_folder(&self) -> Result<PathBuf, Error> {
        paths::store_folder(&self.shared.data_folder)
    }
}

/// Reads a backup to its end and counts what is in it.
pub fn verify_backup(path: &Path) -> Result<BackupContents, Error> {
    Ok(papr_store::verify_backup(path)?)
}

/// Makes a verified backup the store of a data folder that nobody has open. What was there goes to
/// `quarantine/`; nothing is deleted.
pub fn restore_backup(data: &Path, backup: &Path, clock: &dyn Clock) -> Result<Recovered, Error> {
    Ok(papr_store::restore_backup(&paths::store_folder(data)?, backup, clock.now())?)
}

/// Writes the store of a data folder that nobody has open anew, without the room that old versions take.
pub fn compact(data: &Path, clock: &dyn Clock, cancel: &CancelToken) -> Result<Compacted, Error> {
    Ok(papr_store::compact(&paths::store_folder(data)?, clock.now(), cancel)?)
}
