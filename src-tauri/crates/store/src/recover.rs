//! What happens when a store does not open: everything that can be read is put into a new database, what is
//! missing is filled in from the newest whole backup, and the damaged files are set aside.
//!
//! Nothing of a damaged store is ever deleted or changed here. A recovery is tried once for each call; it
//! either ends with a store that opens, or with an error and the files where they were.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::log::Log;
use crate::marker::{self, Found};
use crate::open::{given_up, io_error, prepare, sync_folder};
use crate::rebuild::{Rebuild, Rule};
use crate::tree::Part;
use crate::{SledStore, backup, quarantine, state};

/// The report of the last recovery, until somebody was told.
pub(crate) const REPORT: &str = "recovered.json";

/// Where the records of a recovered store are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// All from the store's own files.
    Files,
    /// All from a backup.
    Backup,
    /// From the files, and what was missing there from a backup.
    FilesAndBackup,
    /// The database was whole and is as it was; only `store.json` was written anew.
    Untouched,
    /// From nowhere: an empty store was begun because somebody asked for it, or nothing had ever been kept.
    Nothing,
}

/// What a recovery did. For the person to read: [`fmt::Display`] says it in a few sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// When.
    pub at: Timestamp,
    /// What was found to be wrong.
    pub reason: String,
    /// Where the records are from.
    pub from: Origin,
    /// How many memories the store holds now.
    pub kept: u64,
    /// How many of the memories and tombstones were in the backup alone, or newer there.
    pub from_backup: u64,
    /// How many entries of any kind, vectors among them, are missing at most; none if nobody can tell.
    pub lost: Option<u64>,
    /// The backup that was used.
    pub backup: Option<PathBuf>,
    /// Where the damaged files are now; none if they were gone.
    pub quarantine: Option<PathBuf>,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, kept, from_backup, .. } = self;
        match self.from {
            Origin::Untouched => write!(f, "The store's folder was damaged ({reason}) and was repaired.")?,
            _ => write!(f, "The store was damaged ({reason}) and was made anew.")?,
        }
        write!(f, " It holds {kept} memories")?;
        match (self.from, from_backup) {
            (Origin::Files | Origin::Untouched | Origin::Nothing, _) => write!(f, ".")?,
            (Origin::Backup, _) => write!(f, ", all from a backup.")?,
            (Origin::FilesAndBackup, _) => write!(f, ", {from_backup} records of them from a backup.")?,
        }
        match self.lost {
            Some(0) => write!(f, " Nothing was lost.")?,
            Some(lost) => write!(f, " Up to {lost} entries could not be read.")?,
            None => write!(f, " How much could not be read is not known.")?,
        }
        match &self.quarantine {
            Some(path) => write!(f, " The damaged files were kept in {}.", path.display()),
            None => Ok(()),
        }
    }
}

/// An open store, and what had to be done for it.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: SledStore,
    /// What a recovery did, now or at an earlier open that was cut short; told once.
    pub recovered: Option<Recovered>,
}

/// Opens the store in `folder` as [`SledStore::open`] does, and recovers it if it is damaged.
///
/// With a `child` sled never opens doubtful files in this process. Without one it does, and if that fails the
/// store is recovered too, but this process must end before it can be opened: the error says so.
///
/// Fails as [`SledStore::open`] does; with `Damaged` if nothing could be read and there is no whole backup:
/// the files are where they were then, and [`start_afresh`] is what is left.
pub fn open_or_recover(folder: &Path, now: Timestamp, child: Option<&Child>) -> Result<Opened, StoreError> {
    let found = marker::inspect(folder)?;
    let lock = prepare(folder)?;
    let mut set_aside = None;
    if let (Found::Unmarked(reason), Found::Unmarked(_)) = (found, marker::inspect(folder)?) {
        let name = quarantine::free_name(folder, now);
        marker::write(folder, Some(&name)).map_err(|source| io_error(folder, source))?;
        set_aside = Some((reason, folder.join(quarantine::FOLDER).join(name)));
    }
    let opened = match SledStore::open_locked(folder, now, child, lock.clone()) {
        Err(StoreError::Damaged { what, source }) => {
            let reason = source.map_or(what.clone(), |source| format!("{what}: {source}"));
            tracing::error!(reason, "the store is damaged and is made anew");
            rebuild(folder, now, &reason)?;
            SledStore::open_locked(folder, now, child, lock).map_err(|error| match error {
                StoreError::Damaged { .. } if is_given_up(folder) => StoreError::Damaged {
                    what: "the store was damaged and has been repaired; quit the app and start it again"
                        .to_owned(),
                    source: None,
                },
                error => error,
            })
        }
        opened => opened,
    };
    let store = opened?;
    let told = take_report(folder);
    let of_the_marker = |(reason, aside): (String, PathBuf)| -> Result<Recovered, StoreError> {
        let kept = papr_memory::ports::Store::counts(&store)?.total() as u64;
        let quarantine = aside.exists().then_some(aside);
        let (from, lost) = (Origin::Untouched, Some(0));
        Ok(Recovered { at: now, reason, from, kept, from_backup: 0, lost, backup: None, quarantine })
    };
    let recovered = match told {
        Some(told) => Some(told),
        None => set_aside.map(of_the_marker).transpose()?,
    };
    Ok(Opened { store, recovered })
}

/// Makes the closed store in `folder` anew from its own files and the newest backup, though it opens: for
/// one in which [`SledStore::check`] found damage. Fails as [`open_or_recover`] does.
pub fn recover(folder: &Path, now: Timestamp, reason: &str) -> Result<Recovered, StoreError> {
    let _lock = prepare(folder)?;
    let recovered = rebuild(folder, now, reason)?;
    take_report(folder);
    Ok(recovered)
}

/// Puts the backup at `path` in the place of the closed store in `folder`, which goes to the quarantine.
///
/// Fails with `Damaged`, `NotOurs` or `Io` if the backup is not whole or cannot be read; the store is as it
/// was then.
pub fn restore_backup(folder: &Path, path: &Path, now: Timestamp) -> Result<Recovered, StoreError> {
    backup::verify_backup(path)?;
    if let Found::Unmarked(_) | Found::Nothing = marker::inspect(folder)? {
        fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        marker::write(folder, None).map_err(|source| io_error(folder, source))?;
    }
    let _lock = prepare(folder)?;
    let mut new = Rebuild::begin(folder, now)?;
    backup::each(path, &mut |entry| new.take(entry))?;
    let from_backup = new.by(Rule::All)?;
    let recovered = replace(folder, now, new, |kept, quarantine| Recovered {
        at: now,
        reason: "a backup was put in its place".to_owned(),
        from: Origin::Backup,
        kept,
        from_backup,
        lost: None,
        backup: Some(path.to_owned()),
        quarantine,
    })?;
    take_report(folder);
    Ok(recovered)
}

/// Sets the store in `folder` aside as it is and begins an empty one: when nothing else helps.
pub fn start_afresh(folder: &Path, now: Timestamp) -> Result<Recovered, StoreError> {
    let _lock = prepare(folder)?;
    let recovered = replace(folder, now, Rebuild::begin(folder, now)?, |kept, quarantine| {
        nothing(now, "an empty store was begun", kept, quarantine)
    })?;
    take_report(folder);
    Ok(recovered)
}

fn nothing(now: Timestamp, reason: &str, kept: u64, quarantine: Option<PathBuf>) -> Recovered {
    let (from, reason) = (Origin::Nothing, reason.to_owned());
    Recovered { at: now, reason, from, kept, from_backup: 0, lost: None, backup: None, quarantine }
}

fn is_given_up(folder: &Path) -> bool {
    fs::canonicalize(folder).is_ok_and(|absolute| given_up().contains(&absolute))
}

/// Makes the database in `folder` anew, under the lock.
fn rebuild(folder: &Path, now: Timestamp, reason: &str) -> Result<Recovered, StoreError> {
    let mark = state::read_mark(folder).map_err(|source| io_error(folder, source))?;
    let mut new = Rebuild::begin(folder, now)?;
    let (found, mut lost) = salvage(folder, mark, &mut new)?;
    let complete = lost == Some(0);
    let from_files = new.by(Rule::All)?;
    let backup = if complete { None } else { fill_in(folder, &mut new) };
    let from_backup = new.by(Rule::All)?;
    lost = lost.map(|lost| lost.saturating_sub(from_backup));
    let from = match (found, &backup) {
        (true, None) => Origin::Files,
        (true, Some(_)) if from_files > 0 => Origin::FilesAndBackup,
        (_, Some(_)) => Origin::Backup,
        (false, None) if mark.is_none() => Origin::Nothing,
        (false, None) => {
            return Err(StoreError::Damaged {
                what: format!(
                    "{reason}. Nothing could be read from the files in {}, and there is no whole backup. They \
                     are where they were, none was changed",
                    folder.display()
                ),
                source: None,
            });
        }
    };
    let reason = reason.to_owned();
    replace(folder, now, new, |kept, quarantine| Recovered {
        at: now,
        reason,
        from,
        kept,
        from_backup,
        lost,
        backup,
        quarantine,
    })
}

/// Puts all that can be read of the damaged files into `new`. Returns whether that was anything, and how much
/// is missing at most.
fn salvage(folder: &Path, mark: Option<u64>, new: &mut Rebuild) -> Result<(bool, Option<u64>), StoreError> {
    let log = match Log::read(&folder.join("db")) {
        Ok(log) => log,
        Err(error) => {
            tracing::error!(%error, "the log of the damaged database cannot be read");
            return Ok((false, None));
        }
    };
    let summary = log.summary()?;
    let complete = summary.is_complete(mark);
    new.by(if complete { Rule::All } else { Rule::CertainVectors })?;
    for part in Part::ALL {
        if part == Part::Vectors && !complete {
            // Before vectors, because these are memories: whatever lost its place in a damaged page.
            new.by(Rule::Missing)?;
            for part in [Part::Tombstones, Part::Memories] {
                log.dropped(part, &mut |entry| new.take(entry))?;
            }
            new.by(Rule::CertainVectors)?;
        }
        log.entries(part, &mut |entry| new.take(entry))?;
    }
    Ok((summary.entries > 0, summary.missing(mark)))
}

/// Puts what is missing or newer in the newest whole backup into `new`, and says which that was.
fn fill_in(folder: &Path, new: &mut Rebuild) -> Option<PathBuf> {
    let backups = backup::list(folder).inspect_err(|error| tracing::error!(%error, "no backup is listed"));
    for backup in backups.ok()? {
        let verified = backup::verify_backup(&backup.path);
        match verified.and_then(|_| backup::each(&backup.path, &mut |entry| new.take(entry))) {
            Ok(()) => return Some(backup.path),
            Err(error) => tracing::error!(%error, "a backup is passed over"),
        }
    }
    None
}

/// Puts `new` in the place of the database in `folder`, with a report.
fn replace(
    folder: &Path,
    now: Timestamp,
    mut new: Rebuild,
    report: impl FnOnce(u64, Option<PathBuf>) -> Recovered,
) -> Result<Recovered, StoreError> {
    let kept = new.memories()?;
    let mark = state::read_mark(folder).map_err(|source| io_error(folder, source))?;
    let backed_up = backup::list(folder)?.iter().map(|backup| backup.changes).max();
    new.count_on_from(mark.max(backed_up).unwrap_or(0))?;
    let name = quarantine::free_name(folder, now);
    let recovered = report(kept, Some(folder.join(quarantine::FOLDER).join(&name)));
    let stage = new.finish()?;
    let written = serde_json::to_vec_pretty(&recovered).map_err(io::Error::from).and_then(|json| {
        fs::write(stage.join(REPORT), json)?;
        fs::File::options().write(true).open(stage.join(REPORT))?.sync_all()?;
        sync_folder(&stage)?;
        quarantine::swap(folder, &stage, Some(&name))
    });
    written.map_err(|source| io_error(folder, source))?;
    Ok(recovered)
}

/// The report of a recovery that nobody was told of yet; a copy of it stays in the quarantine.
fn take_report(folder: &Path) -> Option<Recovered> {
    let path = folder.join(REPORT);
    let json = fs::read(&path).ok()?;
    if let Err(error) = fs::remove_file(&path) {
        tracing::warn!(%error, "a report will be told again");
    }
    serde_json::from_slice(&json).ok()
}
