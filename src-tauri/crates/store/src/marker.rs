//! Whose folder this is: `store.json`, and the lock.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::open::{io_error, sync_folder};
use crate::{backup, migrate, quarantine, seal, state};

pub(crate) const APP: &str = "papr-desktop";
/// The key in the manifest of which version made the database.
pub(crate) const MADE_BY_KEY: &[u8] = b"made-by";
pub(crate) const MARKER: &str = "store.json";
pub(crate) const MARKER_PART: &str = "store.json.part";
pub(crate) const LOCK: &str = "lock";

/// What may lie in a folder that counts as empty: our own first steps, and what file browsers leave.
const NOTHING: [&str; 5] = [LOCK, MARKER_PART, ".DS_Store", "desktop.ini", "Thumbs.db"];

/// `store.json`.
#[derive(Serialize, Deserialize)]
struct Marker {
    app: String,
    schema: u32,
}

/// What a folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Missing or empty.
    Nothing,
    /// A store of ours that this version can use, written with this schema.
    Ours(u32),
    /// A store of ours by its other files, while its marker is missing or damaged; why.
    Unmarked(String),
}

pub(crate) fn not_ours(folder: &Path, reason: String) -> StoreError {
    StoreError::NotOurs { path: folder.to_owned(), reason }
}

/// Looks at a folder without writing to it.
pub(crate) fn inspect(folder: &Path) -> Result<Found, StoreError> {
    match fs::read(folder.join(MARKER)) {
        Ok(json) => {
            let marker = match serde_json::from_slice::<Marker>(&json) {
                Ok(marker) => marker,
                Err(error) => return unmarked(folder, format!("its {MARKER} cannot be read: {error}")),
            };
            if marker.app != APP {
                return unmarked(folder, format!("it is a folder of {}", marker.app));
            }
            return migrate::check_schema(folder, marker.schema).map(|()| Found::Ours(marker.schema));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(folder, error)),
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(io_error(folder, error)),
    };
    for entry in entries {
        let name = entry.map_err(|source| io_error(folder, source))?.file_name();
        if !NOTHING.iter().any(|known| name == *known) {
            return unmarked(folder, format!("it holds {} but no {MARKER}", name.display()));
        }
    }
    Ok(Found::Nothing)
}

/// A file whose checksum is made with a name of ours says that the folder is ours.
fn unmarked(folder: &Path, reason: String) -> Result<Found, StoreError> {
    let of_ours = state::read_mark(folder).is_ok_and(|mark| mark.is_some())
        || seal::is_there(folder)
        || backup::list(folder).is_ok_and(|backups| !backups.is_empty());
    if of_ours { Ok(Found::Unmarked(reason)) } else { Err(not_ours(folder, reason)) }
}

/// Writes the marker; what stood in its place goes to the quarantine. Only called under the lock.
pub(crate) fn write(folder: &Path, damaged: Option<&str>) -> io::Result<()> {
    let marker = Marker { app: APP.to_owned(), schema: migrate::SCHEMA };
    let part = folder.join(MARKER_PART);
    let mut file = File::create(&part)?;
    file.write_all(&serde_json::to_vec(&marker)?)?;
    file.sync_all()?;
    drop(file);
    if let Some(name) = damaged
        && folder.join(MARKER).exists()
    {
        quarantine::take(folder, name, MARKER)?;
    }
    fs::rename(&part, folder.join(MARKER))?;
    sync_folder(folder)
}
