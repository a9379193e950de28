//! What is installed, what is half downloaded, and removing either.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{absent, bytes_below};
use crate::staging::{Claim, is_id};
use crate::{InstalledModel, MANIFEST, ModelError};

/// A folder that models lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelsFolder {
    path: PathBuf,
    chosen: bool,
}

impl ModelsFolder {
    /// A folder that may not be there yet, such as the app's own: not being there means no models.
    pub fn usual(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), chosen: false }
    }

    /// A folder that a person has chosen: not being there means that its disk is not connected.
    pub fn chosen(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), chosen: true }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What [`installed`] finds.
#[derive(Debug)]
pub enum Found {
    /// A model whose manifest makes sense and whose files have the right sizes.
    Model(Box<InstalledModel>),
    /// A folder with a manifest, and why it cannot be used.
    Broken {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: ModelError,
    },
    /// A models folder that cannot be looked into. Its models are unknown, not gone.
    Unavailable {
        /// The models folder.
        folder: PathBuf,
        /// [`ModelError::FolderAbsent`], or what the system says.
        problem: ModelError,
    },
}

/// The models in some folders, in the order of the folders and of the names in each. Bytes are not verified;
/// see [`InstalledModel::verify`].
pub fn installed(folders: &[ModelsFolder]) -> Vec<Found> {
    let mut found = Vec::new();
    for folder in folders {
        match names(&folder.path) {
            Ok(names) => found.extend(names.iter().filter_map(|name| look_at(&folder.path.join(name), name))),
            Err(error) if absent(&error) && !folder.chosen => {}
            Err(error) => {
                let folder = folder.path.clone();
                let problem = if absent(&error) {
                    ModelError::FolderAbsent { folder: folder.clone() }
                } else {
                    ModelError::at(&folder)(error)
                };
                found.push(Found::Unavailable { folder, problem });
            }
        }
    }
    found
}

fn look_at(folder: &Path, name: &str) -> Option<Found> {
    if !is_id(name) || !folder.join(MANIFEST).is_file() {
        return None;
    }
    Some(match InstalledModel::open(folder) {
        Ok(model) => Found::Model(Box::new(model)),
        Err(problem) => Found::Broken { folder: folder.to_owned(), problem },
    })
}

/// A download that was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The model.
    pub id: String,
    /// Bytes that are there and need not be downloaded again.
    pub bytes: u64,
}

/// Downloads that [`crate::install`] would take up again, in the order of their names.
pub fn interrupted(models: &Path) -> Vec<Interrupted> {
    let names = names(models).unwrap_or_default();
    let ids = names.iter().filter_map(|name| name.strip_suffix(".part")).filter(|id| is_id(id));
    ids.map(|id| Interrupted { id: id.to_owned(), bytes: bytes_below(&models.join(format!("{id}.part"))) })
        .filter(|download| download.bytes > 0)
        .collect()
}

/// Removes an installed model, usable or not; the number of bytes that are free again. Whether it is in use is for
/// the caller to know.
///
/// # Errors
/// [`ModelError::NoManifest`] where there is no such model, [`ModelError::Busy`] while it is being installed, and
/// what the system says.
pub fn remove(id: &str, models: &Path) -> Result<u64, ModelError> {
    if !models.is_dir() {
        return Err(ModelError::FolderAbsent { folder: models.to_owned() });
    }
    Claim::new(models, id)?.remove()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}
