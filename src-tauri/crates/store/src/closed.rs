//! A store that nobody has open, as the files it is made of: to be copied or deleted as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use papr_memory::ports::StoreError;

use crate::lock::Lock;
use crate::marker::{self, Found, LOCK, MARKER, MARKER_PART};
use crate::open::io_error;
use crate::{backup, quarantine, rebuild, seal, state, trial};

/// What a store is made of; the last two only while its database takes another's place.
const KEPT: [&str; 8] = [
    MARKER,
    seal::FILE,
    state::MARK,
    "db",
    backup::FOLDER,
    quarantine::FOLDER,
    quarantine::SWAP,
    rebuild::STAGE,
];
/// What is of use only while a store is open, or is being made.
const WORTHLESS: [&str; 3] = [MARKER_PART, trial::FOLDER, LOCK];

/// A store that nobody can open while this lives.
#[derive(Debug)]
pub struct Closed {
    folder: PathBuf,
    _lock: Lock,
}

impl Closed {
    /// Takes the lock of the store in `folder`; none if there is no store. Changes nothing.
    ///
    /// Fails with `Locked` if somebody has it open, and with `NotOurs` if the folder holds something else.
    pub fn claim(folder: &Path) -> Result<Option<Self>, StoreError> {
        if marker::inspect(folder)? == Found::Nothing {
            return Ok(None);
        }
        Ok(Some(Self { folder: folder.to_owned(), _lock: Lock::take(folder)? }))
    }

    /// Everything in the folder that is the store's and worth keeping, as far as it is there.
    pub fn parts(&self) -> Vec<PathBuf> {
        self.there(&KEPT)
    }

    /// Lets the lock go, and tells everything in the folder that is the store's.
    pub fn into_all_parts(self) -> Vec<PathBuf> {
        [self.there(&KEPT), self.there(&WORTHLESS)].concat()
    }

    fn there(&self, names: &[&str]) -> Vec<PathBuf> {
        let paths = names.iter().map(|name| self.folder.join(name));
        paths.filter(|path| path.symlink_metadata().is_ok()).collect()
    }
}

/// What lies in the store's `folder` and is not the store's.
pub fn foreign(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        KEPT.iter().chain(&WORTHLESS).any(|ours| name == *ours)
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| io_error(folder, source))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(|source| io_error(folder, source))?;
    paths.retain(|path| !is_ours(path));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::SledStore;

    #[test]
    fn a_closed_store_is_its_parts_and_nobody_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("memories");
        assert!(Closed::claim(&store).unwrap().is_none(), "no store");
        assert!(!store.exists(), "and none is made");
        let open = SledStore::open(&store, Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(Closed::claim(&store), Err(StoreError::Locked { .. })));
        drop(open);
        fs::write(store.join("letter.txt"), "dear").unwrap();
        let closed = Closed::claim(&store).unwrap().unwrap();
        assert!(SledStore::open(&store, Timestamp::UNIX_EPOCH).is_err(), "it is claimed");
        let names = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&closed.parts()), ["store.json", "sealed", "mark", "db"]);
        assert!(names(&closed.into_all_parts()).contains(&"lock".to_owned()));
        assert_eq!(names(&foreign(&store).unwrap()), ["letter.txt"]);
        assert!(SledStore::open(&store, Timestamp::UNIX_EPOCH).is_ok(), "and free again");
    }
}
