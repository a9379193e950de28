//! What is done with files: hashes, writes that are whole or not there, sizes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use papr_memory::CancelToken;
use sha2::{Digest, Sha256};

use crate::ModelError;
use crate::stop::Stop;

/// Bytes read at a time while they are hashed or copied; a stop is looked for as often.
const PIECE: usize = 1 << 20;

/// Feeds a file to `take`, a megabyte at a time.
pub(crate) fn read_in_pieces(
    path: &Path,
    stop: &Stop<'_>,
    mut take: impl FnMut(&[u8]) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut piece = vec![0; PIECE];
    loop {
        stop.check()?;
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, error)),
        }
    }
}

/// SHA-256 of a file in lower-case hexadecimal digits; `read` is told how many bytes were read, as they are.
pub(crate) fn sha256(path: &Path, stop: &Stop<'_>, mut read: impl FnMut(u64)) -> Result<String, ModelError> {
    let mut digest = Sha256::new();
    let mut count = 0;
    read_in_pieces(path, stop, |piece| {
        digest.update(piece);
        count += piece.len() as u64;
        read(count);
        Ok(())
    })?;
    Ok(hex(digest))
}

/// A digest in lower-case hexadecimal digits.
pub(crate) fn hex(digest: Sha256) -> String {
    format!("{:x}", digest.finalize())
}

/// 64 lower-case hexadecimal digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Copies a file, synced, and gives the SHA-256 of what was copied. What is at `to` is replaced.
pub(crate) fn copy(
    from: &Path,
    to: &Path,
    stop: &Stop<'_>,
    mut copied: impl FnMut(u64),
) -> Result<String, ModelError> {
    let mut file = File::create(to).map_err(ModelError::at(to))?;
    let mut digest = Sha256::new();
    let mut count = 0;
    read_in_pieces(from, stop, |piece| {
        file.write_all(piece).map_err(ModelError::at(to))?;
        digest.update(piece);
        count += piece.len() as u64;
        copied(count);
        Ok(())
    })?;
    file.sync_all().map_err(ModelError::at(to))?;
    Ok(hex(digest))
}

/// Writes a small file so that at any moment it is as it was or as it shall be.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(ModelError::at(path))
}

/// Makes the renames in `folder` durable. Windows has no such call, and needs none.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ModelError> {
    if cfg!(unix) {
        File::open(folder).and_then(|handle| handle.sync_all()).map_err(ModelError::at(folder))?;
    }
    Ok(())
}

/// Removes a file that may not be there.
pub(crate) fn remove_file(path: &Path) -> Result<(), ModelError> {
    match fs::remove_file(path) {
        Err(error) if !absent(&error) => Err(ModelError::at(path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder that may not be there.
pub(crate) fn remove_folder(path: &Path) -> Result<(), ModelError> {
    match fs::remove_dir_all(path) {
        Err(error) if !absent(&error) => Err(ModelError::at(path)(error)),
        _ => Ok(()),
    }
}

/// The size of a file; `None` where there is none.
pub(crate) fn length(path: &Path) -> Result<Option<u64>, ModelError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
        Ok(_) => Ok(None),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(ModelError::at(path)(error)),
    }
}

/// Bytes of all files below `folder`, links not followed. What cannot be read counts as nothing.
pub(crate) fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// All files below `folder`, links not followed, in no order.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.map_err(ModelError::at(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(ModelError::at(&path))?.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Refuses if `bytes` and a tenth do not fit beside what is in `folder`.
///
/// A file system that does not say how much room it has is not a reason to refuse.
pub(crate) fn check_space(folder: &Path, bytes: u64) -> Result<(), ModelError> {
    let Ok(free) = fs4::available_space(folder) else { return Ok(()) };
    let needed = bytes.saturating_add(bytes / 10);
    if needed > free {
        return Err(ModelError::NoSpace { folder: folder.to_owned(), needed, free });
    }
    Ok(())
}

/// Nothing is there, or what should be a folder on the way is a file.
pub(crate) fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A file that is gone is told from one that cannot be read.
pub(crate) fn unreadable(path: &Path, source: io::Error) -> ModelError {
    let path = path.to_owned();
    if absent(&source) { ModelError::Missing { path } } else { ModelError::Io { path, source } }
}

/// SHA-256 of a file, in lower-case hexadecimal digits. `cancel` is looked at every megabyte.
///
/// # Errors
/// [`ModelError`] `Missing`, `Io` or `Cancelled`.
pub fn sha256_of(path: &Path, cancel: &CancelToken) -> Result<String, ModelError> {
    sha256(path, &Stop::new(cancel), |_| {})
}

/// Bytes that may still be written to the disk of `folder`, which must be there.
///
/// # Errors
/// What the system says.
pub fn free_space(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}
