//! The folder a conversion makes: written beside its place, synced, and only then put there.
//!
//! A crash leaves the old folder or the new one, and perhaps a `.part` folder to be deleted; never a mixture.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use papr_memory::ModelFile;
use sha2::{Digest, Sha256};

use crate::error::ConvertError;

/// A folder being filled. Dropped before [`Folder::publish`], it is removed again.
#[derive(Debug)]
pub(crate) struct Folder {
    part: PathBuf,
    target: PathBuf,
}

impl Folder {
    /// Begins a folder that will stand at `target`, replacing a model that may be there.
    pub(crate) fn begin(target: &Path) -> Result<Self, ConvertError> {
        let occupied = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some());
        if occupied && !target.join("manifest.json").is_file() {
            return Err(ConvertError::NotAModel { path: target.to_owned() });
        }
        let part = beside(target, "part");
        if part.exists() {
            fs::remove_dir_all(&part).map_err(ConvertError::at(&part))?;
        }
        fs::create_dir_all(&part).map_err(ConvertError::at(&part))?;
        Ok(Self { part, target: target.to_owned() })
    }

    /// Writes a file and syncs it; what is returned goes into the manifest.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<ModelFile, ConvertError> {
        let path = self.part.join(name);
        let mut file = File::create(&path).map_err(ConvertError::at(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(ConvertError::at(&path))?;
        Ok(ModelFile { path: name.to_owned(), bytes: bytes.len() as u64, sha256: sha256_hex(bytes) })
    }

    /// Where it is until then.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// Puts the folder in its place.
    pub(crate) fn publish(self) -> Result<(), ConvertError> {
        sync_folder(&self.part)?;
        let old = beside(&self.target, "old");
        if old.exists() {
            fs::remove_dir_all(&old).map_err(ConvertError::at(&old))?;
        }
        if self.target.exists() {
            fs::rename(&self.target, &old).map_err(ConvertError::at(&self.target))?;
        }
        if let Err(error) = fs::rename(&self.part, &self.target) {
            // The old model goes back where it was; if that fails too, it is still beside it.
            let _ = fs::rename(&old, &self.target);
            return Err(ConvertError::at(&self.target)(error));
        }
        if let Some(parent) = self.target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        if old.exists() {
            fs::remove_dir_all(&old).map_err(ConvertError::at(&old))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // After a success there is nothing there; after a failure, nothing more can be done about it.
        let _ = fs::remove_dir_all(&self.part);
    }
}

/// SHA-256 in 64 lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits, two a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ConvertError> {
    fs::read(path).map_err(ConvertError::at(path))
}

/// `target` with a suffix: in the same folder, so that a rename stays on one disk.
pub(crate) fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    target.with_file_name(name)
}

/// Makes renames in `folder` durable. Windows has no such call, and needs none.
fn sync_folder(folder: &Path) -> Result<(), ConvertError> {
    if cfg!(unix) {
        File::open(folder).and_then(|handle| handle.sync_all()).map_err(ConvertError::at(folder))?;
    }
    Ok(())
}
