//! The data folder as files: what in it is ours, how much room that takes, where it is, and moving it.
//!
//! ```text
//! memories/        the store, with its backups and what was set aside
//! index/  cache/   graphs over vectors, and what Core ML compiled: derived
//! models/          models a person installed, unless they chose another folder
//! ledger/  logs/   what left the device; what the app did
//! settings.json    what a person chose
//! moved-to.json    where all of this was moved to: then nothing else is here
//! ```

mod moving;
pub(crate) mod pointer;
mod sizes;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::moving::{MoveProgress, move_data};
pub use self::pointer::data_folder;
pub use self::sizes::DataSizes;
pub(crate) use self::sizes::folder_size;
use crate::settings::SETTINGS_FILE;
use crate::{Error, graphs};

/// Where Core ML's compilations are.
pub(crate) const CACHE: &str = "cache";
/// The models a person installed.
pub(crate) const MODELS: &str = "models";
/// What the app did, day by day; the shell writes it.
pub(crate) const LOGS: &str = "logs";

/// Whether an entry of a data folder is ours, beside the store and the pointer.
fn is_ours(name: &str) -> bool {
    let folders = [graphs::FOLDER, CACHE, MODELS, LOGS, crate::account::ledger::FOLDER, moving::STAGE];
    let is_of_settings = || {
        let rest = name.strip_prefix(SETTINGS_FILE);
        rest.is_some_and(|rest| rest.is_empty() || rest == ".part" || rest.starts_with(".damaged"))
    };
    folders.contains(&name) || is_of_settings()
}

/// What is in a data folder: ours beside the store and the pointer, and what is not.
pub(crate) fn entries(data: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let file = |source| Error::File { path: data.to_owned(), source };
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(<_>::default()),
        entries => entries.map_err(file)?,
    };
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.map_err(file)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            crate::paths::STORE_FOLDER | pointer::FILE | pointer::PART => {}
            name if is_ours(name) => ours.push(path),
            _ => others.push(path),
        }
    }
    ours.sort();
    others.sort();
    Ok((ours, others))
}
