//! The folder a model is put together in, and the step that makes it a model.
//!
//! `<models>/<id>.part/` is filled in any number of attempts. It becomes `<models>/<id>/` by one rename, after
//! everything in it was synced. A model that was there stands beside it as `<id>.old/` for that moment; one that is
//! removed is `<id>.gone/` until its last file is. A kill leaves the old model or the new one, never a mixture, and
//! nothing half-installed that is listed; [`tidy`] puts right what it left beside them. One process at a time works on a model, by a lock beside it that ends with the process.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use papr_memory::Manifest;

use crate::core_ml::CoreMl;
use crate::files::{absent, bytes_below, remove_file, remove_folder, sync_folder, write_whole};
use crate::origin::{ORIGIN, Origin};
use crate::{InstalledModel, MANIFEST, ModelError};

/// Files that are kept beside those that the manifest names.
const KEPT: [&str; 4] = [MANIFEST, ORIGIN, "LICENSE", "NOTICE"];

/// Whether a text may be a model's id and with that a folder's name: lower-case letters, digits and `-`, with `.`
/// and `_` inside, and no end that means an unfinished folder.
pub(crate) fn is_id(text: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let unfinished = [".part", ".old", ".gone", ".import"].iter().any(|end| text.ends_with(end));
    bytes.len() <= 80
        && bytes.iter().copied().all(known)
        && edge(bytes.first())
        && edge(bytes.last())
        && !unfinished
}

/// `Err` unless the id may name a folder.
pub(crate) fn check_id(id: &str) -> Result<(), ModelError> {
    if is_id(id) { Ok(()) } else { Err(ModelError::InvalidId { id: id.to_owned() }) }
}

/// The right to change one model of a folder, as long as it lives.
#[derive(Debug)]
pub(crate) struct Claim {
    models: PathBuf,
    id: String,
    lock: File,
}

/// Closing the file would not be enough: a child process that is just being started has a copy of it.
impl Drop for Claim {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Claim {
    /// Claims a model. The models folder is made if only it is missing; if the folder it should lie in is missing
    /// too, that is a disk that is not there.
    pub(crate) fn new(models: &Path, id: &str) -> Result<Self, ModelError> {
        check_id(id)?;
        if !models.is_dir() {
            let parent_is_there =
                models.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.is_dir());
            if !parent_is_there {
                return Err(ModelError::FolderAbsent { folder: models.to_owned() });
            }
            fs::create_dir_all(models).map_err(ModelError::at(models))?;
        }
        let path = models.join(format!(".{id}.lock"));
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(ModelError::at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { models: models.to_owned(), id: id.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(ModelError::Busy { id: id.to_owned() }),
            Err(TryLockError::Error(source)) => Err(ModelError::at(&path)(source)),
        }
    }

    /// The folder all models lie in.
    pub(crate) fn models(&self) -> &Path {
        &self.models
    }

    /// Where the model stands when it is complete.
    pub(crate) fn folder(&self) -> PathBuf {
        self.models.join(&self.id)
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.models.join(format!("{}{end}", self.id))
    }

    /// The folder it is downloaded into, made if need be. What is in it is of earlier attempts.
    pub(crate) fn staging(&self) -> Result<PathBuf, ModelError> {
        let folder = self.beside(".part");
        fs::create_dir_all(&folder).map_err(ModelError::at(&folder))?;
        Ok(folder)
    }

    /// An empty folder that it is copied into.
    pub(crate) fn empty_staging(&self) -> Result<PathBuf, ModelError> {
        let folder = self.beside(".import.part");
        remove_folder(&folder)?;
        fs::create_dir(&folder).map_err(ModelError::at(&folder))?;
        Ok(folder)
    }

    /// Drops what downloads left; the number of bytes that were.
    pub(crate) fn forget(&self) -> Result<u64, ModelError> {
        let folder = self.beside(".part");
        let bytes = bytes_below(&folder);
        remove_folder(&folder)?;
        Ok(bytes)
    }

    /// Makes the staging folder the model. Its files must be synced.
    pub(crate) fn publish(&self, staging: &Path, manifest: &Manifest) -> Result<InstalledModel, ModelError> {
        let packages = CoreMl::of(staging, manifest)?;
        for entry in fs::read_dir(staging).map_err(ModelError::at(staging))? {
            let entry = entry.map_err(ModelError::at(staging))?;
            let name = entry.file_name();
            let keep = KEPT.iter().any(|kept| name == *kept)
                || manifest.files().any(|file| name == *file.path)
                || packages.iter().flat_map(|core_ml| &core_ml.packages).any(|package| name == *package.path);
            if !keep {
                remove_file(&entry.path())?;
            }
        }
        sync_folder(staging)?;
        let (folder, old) = (self.folder(), self.beside(".old"));
        remove_folder(&old)?;
        if folder.exists() {
            fs::rename(&folder, &old).map_err(ModelError::at(&folder))?;
        }
        if let Err(error) = fs::rename(staging, &folder) {
            // The model that was there goes back; if that fails too, it is still beside its place.
            let _ = fs::rename(&old, &folder);
            return Err(ModelError::at(&folder)(error));
        }
        sync_folder(&self.models)?;
        remove_folder(&old)?;
        InstalledModel::open(&folder)
    }

    /// Removes the model; the number of bytes that were. It is renamed first, so that a kill leaves no half of it.
    pub(crate) fn remove(&self) -> Result<u64, ModelError> {
        let (folder, gone) = (self.folder(), self.beside(".gone"));
        remove_folder(&gone)?;
        let bytes = bytes_below(&folder);
        if !folder.join(MANIFEST).is_file() {
            return Err(ModelError::NoManifest { folder });
        }
        fs::rename(&folder, &gone).map_err(ModelError::at(&folder))?;
        sync_folder(&self.models)?;
        remove_folder(&gone)?;
        Ok(bytes)
    }

    /// A model that stood aside for a new one comes back if the new one is not there.
    fn put_back(&self) -> Result<(), ModelError> {
        let (folder, old) = (self.folder(), self.beside(".old"));
        if folder.exists() || InstalledModel::open(&old).is_err() {
            return remove_folder(&old);
        }
        fs::rename(&old, &folder).map_err(ModelError::at(&folder))?;
        sync_folder(&self.models)
    }
}

/// Puts right what a process left that was killed while it exchanged, removed or imported a model: an exchanged one
/// is put back if the new one is not in its place, the rest is deleted. Interrupted downloads stay. To be called
/// before models are listed for the first time, for a folder that is this app's to change.
///
/// # Errors
/// What the system says; a folder that is not there has nothing to put right.
pub fn tidy(models: &Path) -> Result<(), ModelError> {
    let entries = match fs::read_dir(models) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(()),
        Err(error) => return Err(ModelError::at(models)(error)),
    };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let ends = [".old", ".gone", ".import.part"];
        let found = ends.iter().find_map(|end| Some((name.strip_suffix(end)?, *end)));
        let Some((id, end)) = found.filter(|found| is_id(found.0)) else { continue };
        // Somebody who works on it will see to it.
        let Ok(claim) = Claim::new(models, id) else { continue };
        if end == ".old" { claim.put_back()? } else { remove_folder(&claim.beside(end))? }
    }
    Ok(())
}

/// Writes what makes a folder a model, the manifest last.
pub(crate) fn describe(
    staging: &Path,
    manifest: &Manifest,
    origin: Option<&Origin>,
) -> Result<(), ModelError> {
    if let Some(origin) = origin {
        origin.write(staging)?;
    }
    let path = staging.join(MANIFEST);
    let json = serde_json::to_string_pretty(manifest).map_err(|error| ModelError::at(&path)(error.into()))?;
    // What cannot be read back must not be published.
    Manifest::from_json(&json).map_err(|source| ModelError::Manifest { path: path.clone(), source })?;
    write_whole(&path, json.as_bytes())
}

/// Takes back what [`describe`] wrote.
pub(crate) fn undescribe(staging: &Path) -> Result<(), ModelError> {
    remove_file(&staging.join(MANIFEST))?;
    remove_file(&staging.join(ORIGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_folder_names() {
        for good in ["m", "all-minilm-l6-v2", "qwen3-embedding-0.6b"] {
            assert!(is_id(good), "{good}");
        }
        let long = "a".repeat(81);
        for bad in ["", ".", "..", "a/b", "a\\b", ".a", "a.", "A", "a b", "a.part", "a.old", "-a", "é", &long]
        {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn one_at_a_time() {
        let models = tempfile::tempdir().unwrap();
        let claim = Claim::new(models.path(), "m").unwrap();
        assert!(matches!(Claim::new(models.path(), "m"), Err(ModelError::Busy { .. })));
        Claim::new(models.path(), "n").unwrap();
        drop(claim);
        Claim::new(models.path(), "m").unwrap();
        tidy(models.path()).unwrap();
        let nowhere = models.path().join("disk/models");
        assert!(matches!(Claim::new(&nowhere, "m"), Err(ModelError::FolderAbsent { .. })));
    }
}
