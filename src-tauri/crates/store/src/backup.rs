//! Backups: everything that cannot be made again, in one file of the [dump](crate::dump) format.
//!
//! A backup is written beside its name, synced, read again from the first byte to the last, and only then
//! given its name; older ones go after that. Vectors are left out: the model makes them again.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use jiff::Timestamp;
use papr_memory::CancelToken;
use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::dump::{DumpError, Entry, Header, Reader, Writer};
use crate::open::{io_error, sync_folder};
use crate::quarantine::stamp;
use crate::state::{self, State};
use crate::tree::Part;
use crate::{SledStore, migrate, vectors};

/// The folder of the backups, in the store's.
pub(crate) const FOLDER: &str = "backups";
const ENDING: &str = "paprbackup";
/// A backup that is not complete; also what a stop in the middle of one left behind.
const PART: &str = "backup.part";

/// How often a backup begins anew because somebody wrote meanwhile, before it makes writers wait.
const TRIES: usize = 2;

/// A backup, by its name and its first bytes alone; whether it is whole only [`verify_backup`] tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// When it was made.
    pub at: Timestamp,
    /// The number of the last change it holds; two of one store with the same number hold the same.
    pub changes: u64,
    /// Its size on disk.
    pub bytes: u64,
}

/// A backup just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupMade {
    /// Which.
    pub backup: Backup,
    /// How many damaged entries could not be taken into it. While there are any, no older backup is removed:
    /// it may hold them as they were.
    pub left_out: u64,
}

/// What a whole backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupContents {
    /// Memories.
    pub memories: u64,
    /// Deleted memories that can be taken back.
    pub tombstones: u64,
    /// What Papr has yet to be told.
    pub outbox: u64,
}

impl SledStore {
    /// Makes a backup of what the store holds now, and keeps the `keep` newest ones, at least this one.
    ///
    /// Reads beside writers, if they leave a moment's peace; else they wait. Fails with `Cancelled` without
    /// a backup; with `Io` before the disk is full; with `Damaged` if what was written cannot be read again. What a failed backup had written is
    /// removed, and older ones are kept.
    pub fn back_up(
        &self,
        now: Timestamp,
        keep: usize,
        cancel: &CancelToken,
    ) -> Result<BackupMade, StoreError> {
        let _alone = self.backing_up.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| io_error(&folder, source))?;
        let part = folder.join(PART);
        let written = self.write_backup(&part, now, cancel).and_then(|written| {
            verify_backup(&part)?;
            Ok(written)
        });
        let (header, left_out) = match written {
            Ok(written) => written,
            Err(error) => {
                if let Err(error) = fs::remove_file(&part) {
                    tracing::warn!(%error, "an unfinished backup cannot be removed");
                }
                return Err(error);
            }
        };
        let path = folder.join(format!("{}-{}.{ENDING}", stamp(now), header.changes));
        let named = fs::rename(&part, &path).and_then(|()| sync_folder(&folder));
        named.map_err(|source| io_error(&path, source))?;
        let keep = if left_out == 0 { keep.max(1) } else { usize::MAX };
        for old in list(&self.folder)?.into_iter().filter(|old| old.path != path).skip(keep - 1) {
            if let Err(error) = fs::remove_file(&old.path) {
                tracing::warn!(%error, "an old backup cannot be removed");
            }
        }
        let gone = || damaged(&path, &DumpError::Corrupt("it is gone"));
        Ok(BackupMade { backup: describe(&path).ok_or_else(gone)?, left_out })
    }

    /// Whether anything changed since the newest backup was made, and that was at least `hours` before `now`.
    pub fn backup_is_due(&self, now: Timestamp, hours: u32) -> Result<bool, StoreError> {
        let Some(newest) = list(&self.folder)?.into_iter().next() else { return Ok(true) };
        let age = now.as_millisecond().saturating_sub(newest.at.as_millisecond());
        let changes = State::kept(&self.trees, &self.folder)?.unwrap_or_default().changes;
        Ok(age.unsigned_abs() >= u64::from(hours) * 3_600_000 && changes != newest.changes)
    }

    fn write_backup(
        &self,
        part: &Path,
        now: Timestamp,
        cancel: &CancelToken,
    ) -> Result<(Header, u64), StoreError> {
        let changes = || Ok(State::kept(&self.trees, &self.folder)?.unwrap_or_default().changes);
        for _ in 0..TRIES {
            let before = changes()?;
            let written = self.write_once(part, now, before, cancel)?;
            if changes()? == before {
                return Ok(written);
            }
        }
        let _nobody_writes = self.writer();
        self.write_once(part, now, changes()?, cancel)
    }

    fn write_once(
        &self,
        part: &Path,
        now: Timestamp,
        changes: u64,
        cancel: &CancelToken,
    ) -> Result<(Header, u64), StoreError> {
        let failed = |source| io_error(part, source);
        let schema = migrate::schema_of(&self.trees, &self.folder)?.unwrap_or(migrate::SCHEMA);
        let header = Header { schema, changes, at_ms: now.as_millisecond() };
        let file = File::create(part).map_err(failed)?;
        let mut writer = Writer::new(BufWriter::new(file), &header).map_err(failed)?;
        let mut left_out = 0;
        for tree in Part::BACKED_UP {
            for (number, item) in self.scan(self.trees.part(tree).iter()).enumerate() {
                if number % 256 == 0 {
                    cancel.check().map_err(StoreError::Cancelled)?;
                    self.check_room()?;
                }
                let (key, value) = item?;
                if !is_kept(tree, &key) {
                    continue;
                }
                if let Err(corrupt) = tree.check(&key, &value) {
                    tracing::error!(tree = tree.name(), %corrupt, "a damaged entry is not in the backup");
                    left_out += 1;
                    continue;
                }
                writer.entry(tree, &key, &value).map_err(failed)?;
            }
        }
        let mut file = writer.finish().map_err(failed)?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(failed)?;
        Ok((header, left_out))
    }
}

/// Whether an entry belongs into a backup: not what is counted anew, and no space without its vectors.
fn is_kept(part: Part, key: &[u8]) -> bool {
    part != Part::Manifest || (key != state::KEY && !key.starts_with(vectors::SPACE_KEYS))
}

/// The backups of the store in `folder`, newest first. Files that do not begin like one are passed over.
pub fn list(folder: &Path) -> Result<Vec<Backup>, StoreError> {
    let backups = folder.join(FOLDER);
    let failed = |source| io_error(&backups, source);
    let entries = match fs::read_dir(&backups) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.extend(describe(&path));
        }
    }
    found.sort_by(|a, b| b.at.cmp(&a.at).then(b.changes.cmp(&a.changes)).then(b.path.cmp(&a.path)));
    Ok(found)
}

fn describe(path: &Path) -> Option<Backup> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let (header, _) = Reader::new(BufReader::new(file)).ok()?;
    let at = Timestamp::from_millisecond(header.at_ms).ok()?;
    Some(Backup { path: path.to_owned(), at, changes: header.changes, bytes })
}

/// Reads the backup at `path` from the first byte to the last.
///
/// Fails with `Io` if it cannot be read; with `Damaged` if a byte is not as it was written or an entry cannot
/// be read by this version; with `NotOurs` if a newer version made it.
pub fn verify_backup(path: &Path) -> Result<BackupContents, StoreError> {
    let mut contents = BackupContents::default();
    each(path, &mut |entry| {
        match entry.part {
            Part::Memories => contents.memories += 1,
            Part::Tombstones => contents.tombstones += 1,
            Part::Outbox => contents.outbox += 1,
            Part::Manifest | Part::Moves | Part::Links | Part::Vectors => {}
        }
        Ok(())
    })?;
    Ok(contents)
}

/// Calls `visit` with every entry of the backup at `path`, as this version writes it.
pub(crate) fn each(
    path: &Path,
    visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let (header, mut reader) = Reader::new(BufReader::new(file)).map_err(|error| damaged(path, &error))?;
    migrate::check_schema(path, header.schema)?;
    while let Some(mut entry) = reader.entry().map_err(|error| damaged(path, &error))? {
        let unreadable = |corrupt: crate::codec::Corrupt| StoreError::Damaged {
            what: format!("an entry of the backup {} cannot be read", path.display()),
            source: Some(corrupt.into()),
        };
        if let Some(value) =
            migrate::entry(header.schema, entry.part, &entry.key, &entry.value).map_err(unreadable)?
        {
            entry.value = value;
        }
        entry.part.check(&entry.key, &entry.value).map_err(unreadable)?;
        visit(entry)?;
    }
    Ok(())
}

fn damaged(path: &Path, error: &DumpError) -> StoreError {
    match error {
        DumpError::Io(source) => io_error(path, io::Error::new(source.kind(), source.to_string())),
        error => StoreError::Damaged {
            what: format!("the backup {} cannot be used: {error}", path.display()),
            source: None,
        },
    }
}
