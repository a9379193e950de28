//! Moving the data folder, while nobody has it open.
//!
//! Everything is copied beside its place in the new folder, flushed, read back and compared; it takes its place by
//! renames; then one file, written whole or not at all, says where the data is; only then the old files go. Whatever
//! fails before that file is written leaves the old folder in use, and nothing in the new one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf, absolute};

use papr_memory::CancelToken;
use papr_store::Closed;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pointer::{self, sync_folder};
use super::{CACHE, LOGS, entries, folder_size};
use crate::paths::STORE_FOLDER;
use crate::{Error, default_data_folder};

/// Where copies lie until all are whole.
pub(super) const STAGE: &str = "moving.part";
/// What file browsers leave in a folder that is empty for people.
const LEFT_BY_OTHERS: [&str; 3] = [".DS_Store", "desktop.ini", "Thumbs.db"];
/// Bytes copied at a time.
const PIECE: usize = 1 << 20;

/// How far a move is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveProgress {
    /// Bytes copied and compared.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// Moves a data folder that nobody has open, with the store, settings, models, the ledger and the log; what is not
/// ours stays where it is. From then on [`crate::data_folder`] names the new one, if it named the old one before.
///
/// `to` must be a whole path, of a folder that is new or empty and not inside the old one, nor around it. The way back
/// to the usual folder is open though other programs' files may be there.
///
/// # Errors
/// [`Error::Folder`] for such a `to`; `Locked` if somebody has the data open; a full disk, a failing one, and a copy
/// that is not what was copied; a cancel. The old folder is then in use as before.
pub fn move_data(
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(MoveProgress),
    cancel: &CancelToken,
) -> Result<(), Error> {
    move_within(default_data_folder().as_deref(), from, to, progress, cancel)
}

/// The same where the usual folder is `usual`.
pub(crate) fn move_within(
    usual: Option<&Path>,
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(MoveProgress),
    cancel: &CancelToken,
) -> Result<(), Error> {
    let home = pointer::home_of(from, usual);
    check_target(from, to, &home)?;
    let store = from.join(STORE_FOLDER);
    let closed = Closed::claim(&store)?;
    let parts = closed.as_ref().map(Closed::parts).unwrap_or_default();
    let (ours, _) = entries(from)?;
    let copied: Vec<&PathBuf> = ours.iter().filter(|path| !is_any(path, &[CACHE, LOGS, STAGE])).collect();
    let mut copy = Copy::new(from, to, progress, cancel);
    copy.measure(parts.iter().chain(copied.iter().copied()))?;
    let made = !to.exists();
    let published = copy
        .copy_all(parts.iter().chain(copied.iter().copied()))
        .and_then(|()| copy.publish())
        .and_then(|()| if to == home { pointer::remove(&home) } else { pointer::write(&home, to) });
    if let Err(error) = published {
        copy.take_back();
        if made {
            let _ = fs::remove_dir(to);
        }
        return Err(error);
    }
    // From here on the new folder is in use; what cannot be removed is not needed any more.
    copy_logs(&from.join(LOGS), &to.join(LOGS));
    let all = closed.map(Closed::into_all_parts).unwrap_or_default();
    for path in all.iter().chain(&ours) {
        if let Err(error) = remove(path) {
            tracing::warn!(%error, path = %path.display(), "a file that was moved is still in its old place");
        }
    }
    for folder in [&store, from] {
        // Those with something else in them stay.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn check_target(from: &Path, to: &Path, home: &Path) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::Folder { path: to.to_owned(), reason: reason.to_owned() });
    if !to.is_absolute() || to.to_str().is_none() {
        return refuse("its path must be whole, and text");
    }
    let (old, new) = (real(from), real(to));
    if new.starts_with(&old) || old.starts_with(&new) {
        return refuse("it is the folder where they are now, inside of it, or around it");
    }
    if to.exists() && !to.is_dir() {
        return refuse("it is a file");
    }
    let (ours, others) = entries(to)?;
    let unfinished = |path: &PathBuf| is_any(path, &[STAGE]);
    let nothing = |path: &PathBuf| is_any(path, &LEFT_BY_OTHERS);
    let is_free =
        ours.iter().all(unfinished) && others.iter().all(nothing) && !to.join(pointer::FILE).exists();
    // Where they once were, other programs' files may be, and a log that was begun anew.
    let is_home = to == home && ours.iter().all(|path| is_any(path, &[STAGE, LOGS]));
    if to.join(STORE_FOLDER).exists() || !(is_free || is_home) {
        return refuse("it is not empty");
    }
    Ok(())
}

/// A path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let Some((part, real)) = there else { return path };
    path.strip_prefix(part).map_or(real.clone(), |rest| real.join(rest))
}

fn is_any(path: &Path, names: &[&str]) -> bool {
    path.file_name().is_some_and(|name| names.iter().any(|other| name == *other))
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The log goes along if it can: somebody may be writing it.
fn copy_logs(from: &Path, to: &Path) {
    let Ok(files) = fs::read_dir(from) else { return };
    let _ = fs::create_dir_all(to);
    for file in files.flatten() {
        let _ = fs::copy(file.path(), to.join(file.file_name()));
    }
}

/// Copies on their way.
struct Copy<'a> {
    from: &'a Path,
    to: &'a Path,
    stage: PathBuf,
    /// What took its place already.
    published: Vec<PathBuf>,
    progress: &'a mut dyn FnMut(MoveProgress),
    so_far: MoveProgress,
    cancel: &'a CancelToken,
    piece: Vec<u8>,
}

impl<'a> Copy<'a> {
    fn new(
        from: &'a Path,
        to: &'a Path,
        progress: &'a mut dyn FnMut(MoveProgress),
        cancel: &'a CancelToken,
    ) -> Self {
        let (stage, piece) = (to.join(STAGE), vec![0; PIECE]);
        Self { from, to, stage, published: Vec::new(), progress, so_far: <_>::default(), cancel, piece }
    }

    /// Counts what there is to copy, and looks whether there is room for it.
    fn measure<'b>(&mut self, paths: impl Iterator<Item = &'b PathBuf>) -> Result<(), Error> {
        let size = |path: &PathBuf| if path.is_dir() { folder_size(path) } else { length(path) };
        self.so_far.total = paths.map(size).sum();
        let there = self.to.ancestors().find(|folder| folder.is_dir()).unwrap_or(self.to);
        let free = papr_models::free_space(there).unwrap_or(u64::MAX);
        if free < self.so_far.total {
            let reason = format!("{} bytes are needed and {free} are free", self.so_far.total);
            let source = io::Error::new(io::ErrorKind::StorageFull, reason);
            return Err(Error::File { path: self.to.to_owned(), source });
        }
        Ok(())
    }

    fn copy_all<'b>(&mut self, paths: impl Iterator<Item = &'b PathBuf>) -> Result<(), Error> {
        let at = |path: &Path, source| Error::File { path: path.to_owned(), source };
        remove(&self.stage).map_err(|source| at(&self.stage, source))?;
        fs::create_dir_all(&self.stage).map_err(|source| at(&self.stage, source))?;
        for path in paths {
            let within = path.strip_prefix(self.from).unwrap_or(path);
            let copy = self.stage.join(within);
            if let Some(folder) = copy.parent() {
                fs::create_dir_all(folder).map_err(|source| at(folder, source))?;
            }
            self.copy(path, &copy)?;
        }
        let store = self.stage.join(STORE_FOLDER);
        [&store, &self.stage]
            .into_iter()
            .filter(|folder| folder.is_dir())
            .try_for_each(|folder| sync_folder(folder).map_err(|source| at(folder, source)))
    }

    fn copy(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        self.cancel.check()?;
        if !from.is_dir() {
            return self.copy_file(from, to);
        }
        let at = |source| Error::File { path: from.to_owned(), source };
        fs::create_dir_all(to).map_err(at)?;
        for entry in fs::read_dir(from).map_err(at)? {
            let entry = entry.map_err(at)?;
            self.copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        sync_folder(to).map_err(|source| Error::File { path: to.to_owned(), source })
    }

    /// Copies a file, flushes the copy, reads it back and compares.
    fn copy_file(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        let read = |source| Error::File { path: from.to_owned(), source };
        let written = |source| Error::File { path: to.to_owned(), source };
        let mut source = File::open(from).map_err(read)?;
        let mut copy = File::create(to).map_err(written)?;
        let mut digest = Sha256::new();
        loop {
            self.cancel.check()?;
            let count = source.read(&mut self.piece).map_err(read)?;
            if count == 0 {
                break;
            }
            digest.update(&self.piece[..count]);
            copy.write_all(&self.piece[..count]).map_err(written)?;
            self.so_far.done += count as u64;
            (self.progress)(self.so_far);
        }
        let about = source.metadata().map_err(read)?;
        copy.set_permissions(about.permissions()).and_then(|()| copy.sync_all()).map_err(written)?;
        drop(copy);
        let mut copy = File::open(to).map_err(written)?;
        let mut again = Sha256::new();
        loop {
            self.cancel.check()?;
            match copy.read(&mut self.piece).map_err(written)? {
                0 => break,
                count => again.update(&self.piece[..count]),
            }
        }
        if digest.finalize() != again.finalize() {
            let reason = format!("the copy of {} is not what was written", from.display());
            return Err(Error::Format { path: to.to_owned(), reason });
        }
        Ok(())
    }

    /// Puts all copies into their places.
    fn publish(&mut self) -> Result<(), Error> {
        self.cancel.check()?;
        let at = |source| Error::File { path: self.to.to_owned(), source };
        for entry in fs::read_dir(&self.stage).map_err(at)? {
            let entry = entry.map_err(at)?;
            let place = self.to.join(entry.file_name());
            fs::rename(entry.path(), &place).map_err(at)?;
            self.published.push(place);
        }
        remove(&self.stage).and_then(|()| sync_folder(self.to)).map_err(at)
    }

    /// Removes the copies.
    fn take_back(&self) {
        for path in self.published.iter().chain([&self.stage]) {
            if let Err(error) = remove(path) {
                tracing::warn!(%error, path = %path.display(), "a copy that is of no use could not be removed");
            }
        }
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

#[cfg(test)]
mod tests;
