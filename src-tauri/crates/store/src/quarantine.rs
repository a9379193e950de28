//! Where damaged files are kept, and how a rebuilt database takes their place.
//!
//! A rebuilt database stands ready in `swap/`; then `sealed`, `mark` and `db/` change places one by one, the
//! old ones into `quarantine/<when>/`, and each step can be told from what is still in `swap/`. So a stop at
//! any point is made good at the next open. Nothing in the quarantine is ever removed but by
//! [`remove`], when somebody asks for it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use papr_memory::ports::StoreError;

use crate::open::{io_error, sync_folder};
use crate::{marker, recover, seal, state};

/// The folder of all that was set aside.
pub(crate) const FOLDER: &str = "quarantine";
/// A database that is complete and waits to take the other's place.
pub(crate) const SWAP: &str = "swap";
/// In it: the name of the quarantine for what it replaces, or [`MAY_GO`].
const PLAN: &str = "plan";
/// What is replaced may go.
const MAY_GO: &str = "-";
/// The name of the quarantine, and of those after it, where the plan does not tell: nothing may be lost for it.
const UNKNOWN: &str = "unknown";
/// What changes places, in this order.
const PLACES: [&str; 3] = [seal::FILE, state::MARK, "db"];

/// A name made of the time: sorts by it, and is allowed on every system.
pub(crate) fn stamp(at: Timestamp) -> String {
    format!("{at:.3}").replace(':', "-")
}

/// A name in the quarantine that is not taken yet.
pub(crate) fn free_name(folder: &Path, now: Timestamp) -> String {
    let stamp = stamp(now);
    let quarantine = folder.join(FOLDER);
    let names = std::iter::once(stamp.clone()).chain((2..).map(|number| format!("{stamp}-{number}")));
    names.into_iter().find(|name| !quarantine.join(name).exists()).unwrap_or(stamp)
}

/// Moves the file or folder `what` of the store into the quarantine `name`.
pub(crate) fn take(folder: &Path, name: &str, what: &str) -> io::Result<()> {
    let aside = folder.join(FOLDER).join(name);
    fs::create_dir_all(&aside)?;
    fs::rename(folder.join(what), aside.join(what))?;
    sync_folder(&aside)?;
    sync_folder(&folder.join(FOLDER))
}

/// Puts the complete store in the folder `stage` in the place of the one in `folder`; the old one goes to
/// the quarantine `name`, or is removed if there is none.
pub(crate) fn swap(folder: &Path, stage: &Path, name: Option<&str>) -> io::Result<()> {
    write_plan(stage, name.unwrap_or(MAY_GO))?;
    for leftover in [marker::LOCK, marker::MARKER] {
        fs::remove_file(stage.join(leftover))?;
    }
    sync_folder(stage)?;
    fs::rename(stage, folder.join(SWAP))?;
    sync_folder(folder)?;
    finish_swap(folder)
}

/// Finishes a swap that was begun, if one was. Only called under the lock, before anything is opened.
pub(crate) fn finish_swap(folder: &Path) -> io::Result<()> {
    let swap = folder.join(SWAP);
    let plan = match fs::read(swap.join(PLAN)) {
        Ok(plan) => plan,
        // Not one of ours, or somebody took the plan away.
        Err(error) if error.kind() == io::ErrorKind::NotFound && swap.join("db").exists() => Vec::new(),
        // The plan goes last: only an emptied folder is left, if any.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return remove_folder(&swap),
        Err(error) => return Err(error),
    };
    let name = if let Some(name) = planned(&plan) {
        name.to_owned()
    } else {
        let name = unknown_name(folder);
        write_plan(&swap, &name)?;
        name
    };
    let keeps = name != MAY_GO;
    let aside = if keeps { folder.join(FOLDER).join(&name) } else { swap.join("old") };
    fs::create_dir_all(&aside)?;
    for place in PLACES {
        let (new, old) = (swap.join(place), folder.join(place));
        if !new.exists() {
            continue;
        }
        if old.exists() {
            fs::rename(&old, aside.join(place))?;
        }
        fs::rename(&new, &old)?;
    }
    if keeps {
        // So that what is set aside is a whole store, which can be opened by itself.
        if folder.join(marker::MARKER).exists() && !aside.join(marker::MARKER).exists() {
            fs::copy(folder.join(marker::MARKER), aside.join(marker::MARKER))?;
        }
        sync_folder(&folder.join(FOLDER))?;
    }
    if swap.join(recover::REPORT).exists() {
        if keeps {
            fs::copy(swap.join(recover::REPORT), aside.join(recover::REPORT))?;
        }
        fs::rename(swap.join(recover::REPORT), folder.join(recover::REPORT))?;
    }
    sync_folder(&aside)?;
    sync_folder(folder)?;
    remove_file(&swap.join(PLAN))?;
    remove_folder(&swap)
}

fn write_plan(swap: &Path, plan: &str) -> io::Result<()> {
    let mut file = File::create(swap.join(PLAN))?;
    file.write_all(plan.as_bytes())?;
    file.sync_all()
}

/// What a plan says, if it is one: [`MAY_GO`], or a name as [`free_name`] makes it, and no path.
fn planned(plan: &[u8]) -> Option<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    let plan = str::from_utf8(plan).ok()?;
    (plan.contains(|letter: char| letter != '.') && plan.chars().all(is_name)).then_some(plan)
}

fn unknown_name(folder: &Path) -> String {
    let numbered = (2..1_000).map(|number| format!("{UNKNOWN}-{number}"));
    let mut names = std::iter::once(UNKNOWN.to_owned()).chain(numbered);
    names.find(|name| !folder.join(FOLDER).join(name).join("db").exists()).unwrap_or(UNKNOWN.to_owned())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What was set aside in the store's `folder`, oldest first: a folder each, with the damaged files and a
/// report. A person may look at them, keep them or [`remove`] them.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let quarantine = folder.join(FOLDER);
    let entries = match fs::read_dir(&quarantine) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| io_error(&quarantine, source))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(|source| io_error(&quarantine, source))?;
    paths.sort();
    Ok(paths)
}

/// Deletes one of what [`list`] tells, for good. Fails with `NotFound` of the system for any other path.
pub fn remove(folder: &Path, path: &Path) -> Result<(), StoreError> {
    if !list(folder)?.iter().any(|known| known == path) {
        return Err(io_error(path, io::ErrorKind::NotFound.into()));
    }
    fs::remove_dir_all(path).map_err(|source| io_error(path, source))
}
