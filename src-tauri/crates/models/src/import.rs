//! From files that are on this machine already to a model folder.

use std::fs;
use std::path::{Path, PathBuf};

use papr_memory::{CancelToken, Manifest, ModelFile};

use crate::catalog::{CatalogEntry, HubFile, ModelSource};
use crate::core_ml::{CORE_ML, CoreMl};
use crate::files::{check_space, copy, length, remove_folder, sync_folder};
use crate::origin::Origin;
use crate::progress::{Meter, OnProgress, Phase};
use crate::staging::{Claim, describe};
use crate::stop::Stop;
use crate::{InstalledModel, MANIFEST, ModelError};

/// What is copied along with a model, where it is there.
const PAPERS: [&str; 2] = ["LICENSE", "NOTICE"];

/// Takes a model from a folder or file on this machine into `<models>/<id>/`. Nothing is asked of the network.
///
/// `from` is either a model folder, with a manifest that says what the files are (or that manifest itself), or a
/// folder of packages for Core ML as `models/coreml` writes it, or, with an `entry`, a folder with that entry's files under their names here or in the repository, or one of these files,
/// the others lying beside it. What is pinned or said in the manifest must be right; of files without a pinned
/// hash it is recorded. A model that was there is replaced when the new one is complete. An entry that is disabled
/// may be imported: whether something can run it is asked when it is loaded.
///
/// # Errors
/// [`ModelError`]: `NotImportable` where files are missing, `Checksum`, `CutShort` or `Size` where they are others.
pub fn import(
    from: &Path,
    entry: Option<&CatalogEntry>,
    models: &Path,
    progress: OnProgress<'_>,
    cancel: &CancelToken,
) -> Result<InstalledModel, ModelError> {
    let refuse = |reason: String| ModelError::NotImportable { path: from.to_owned(), reason };
    let folder = if from.is_dir() {
        from.to_owned()
    } else if from.is_file() {
        from.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        return Err(refuse("there is nothing".to_owned()));
    };
    let plan = if folder.join(MANIFEST).is_file() {
        Plan::of_model(&folder, entry)?
    } else if folder.join(CORE_ML).is_file() {
        Plan::of_packages(&folder, entry)?
    } else {
        let entry =
            entry.ok_or_else(|| refuse("manifest.json is missing, and no model was chosen".to_owned()))?;
        Plan::of_files(from, &folder, entry)?
    };
    let claim = Claim::new(models, &plan.id)?;
    if same_folder(&folder, &claim.folder()) {
        return Err(refuse("it is the installed model itself".to_owned()));
    }
    let bytes = plan.files.iter().map(|file| file.bytes).sum();
    let meter = Meter::new(progress, plan.files.len(), bytes);
    let staging = claim.empty_staging()?;
    let result = plan.carry_out(&folder, &claim, &staging, &meter, Stop::new(cancel));
    if result.is_err() {
        // A copy is quickly made again; half of one is of no use.
        let _ = remove_folder(&staging);
    }
    result
}

/// What is copied from where, and what it must be.
struct Plan<'a> {
    id: String,
    files: Vec<Source>,
    kind: Kind<'a>,
}

struct Source {
    path: PathBuf,
    to: String,
    bytes: u64,
    sha256: Option<String>,
}

enum Kind<'a> {
    /// With a manifest of its own.
    Model(Box<Manifest>),
    /// Files of an entry, in the order of its list.
    Files(&'a CatalogEntry, &'a [HubFile]),
}

impl<'a> Plan<'a> {
    fn of_model(folder: &Path, entry: Option<&CatalogEntry>) -> Result<Self, ModelError> {
        let model = InstalledModel::open(folder)?;
        Self::of_manifest(folder, model.manifest().clone(), model.files(), entry)
    }

    fn of_packages(folder: &Path, entry: Option<&CatalogEntry>) -> Result<Self, ModelError> {
        let (packages, own) = CoreMl::read(folder)?;
        let manifest = packages.manifest(own).ok_or_else(|| ModelError::NotImportable {
            path: folder.to_owned(),
            reason: format!("{CORE_ML} names no tokenizer: convert a folder that has tokenizer.json"),
        })?;
        let files = manifest.files().cloned().chain(packages.package_files()).collect();
        Self::of_manifest(folder, manifest, files, entry)
    }

    /// Files that `manifest` speaks of, those of packages too.
    fn of_manifest(
        folder: &Path,
        manifest: Manifest,
        files: Vec<ModelFile>,
        entry: Option<&CatalogEntry>,
    ) -> Result<Self, ModelError> {
        if let Some(entry) = entry.filter(|entry| entry.id != manifest.id) {
            let reason = format!("it is {}, not {}", manifest.id, entry.id);
            return Err(ModelError::NotImportable { path: folder.to_owned(), reason });
        }
        let source = |file: ModelFile| Source {
            path: folder.join(&file.path),
            to: file.path,
            bytes: file.bytes,
            sha256: Some(file.sha256),
        };
        let files = files.into_iter().map(source).collect();
        Ok(Self { id: manifest.id.clone(), files, kind: Kind::Model(Box::new(manifest)) })
    }

    fn of_files(from: &Path, folder: &Path, entry: &'a CatalogEntry) -> Result<Self, ModelError> {
        let refuse = |reason: String| ModelError::NotImportable { path: from.to_owned(), reason };
        let ModelSource::Hub(hub) = &entry.source else {
            return Err(refuse(format!("manifest.json is missing, and {} has no list of files", entry.name)));
        };
        let mut files = Vec::new();
        for file in &hub.files {
            let base = file.from.rsplit('/').next().unwrap_or_default();
            let names = [file.to.as_str(), &file.from, base];
            let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
            let path = found.ok_or_else(|| refuse(format!("{} is missing", file.to)))?;
            let bytes = length(&path)?.unwrap_or(0);
            match file.bytes {
                Some(expected) if bytes < expected => {
                    return Err(ModelError::CutShort { path, expected, found: bytes });
                }
                Some(expected) if bytes > expected => {
                    return Err(ModelError::Size { path, expected, found: bytes });
                }
                _ => {}
            }
            files.push(Source { path, to: file.to.clone(), bytes, sha256: file.sha256.clone() });
        }
        Ok(Self { id: entry.id.clone(), files, kind: Kind::Files(entry, &hub.files) })
    }

    fn carry_out(
        self,
        folder: &Path,
        claim: &Claim,
        staging: &Path,
        meter: &Meter<'_>,
        stop: Stop<'_>,
    ) -> Result<InstalledModel, ModelError> {
        meter.enter(Phase::CheckingSpace, |_| 0);
        check_space(claim.models(), self.files.iter().map(|file| file.bytes).sum())?;
        // Read, hashed and written in one go; the bytes are verified as they pass.
        meter.enter(Phase::Downloading, |_| 0);
        let mut copied = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            meter.size(index, Some(file.bytes));
            let to = staging.join(&file.to);
            let beside = to.parent().unwrap_or(staging);
            fs::create_dir_all(beside).map_err(ModelError::at(beside))?;
            let found = copy(&file.path, &to, &stop, |bytes| meter.done(index, bytes))?;
            if let Some(expected) = file.sha256.as_ref().filter(|expected| **expected != found) {
                let (path, expected) = (file.path.clone(), expected.clone());
                return Err(ModelError::Checksum { path, expected, found });
            }
            for folder in beside.ancestors().take_while(|folder| *folder != staging) {
                sync_folder(folder)?;
            }
            let bytes = length(&to)?.unwrap_or(0);
            copied.push(ModelFile { path: file.to.clone(), bytes, sha256: found });
        }
        for name in PAPERS {
            if folder.join(name).is_file() {
                copy(&folder.join(name), &staging.join(name), &stop, |_| {})?;
            }
        }
        let (manifest, origin) = match self.kind {
            Kind::Model(manifest) => (*manifest, origin(folder)),
            Kind::Files(entry, list) => {
                let files = list.iter().map(|file| file.role).zip(copied).collect();
                (entry.manifest(files, "imported from files".to_owned())?, None)
            }
        };
        meter.enter(Phase::Installing, |index| self.files.get(index).map_or(0, |file| file.bytes));
        describe(staging, &manifest, origin.as_ref())?;
        claim.publish(staging, &manifest)
    }
}

/// Where a model folder says it came from.
fn origin(folder: &Path) -> Option<Origin> {
    Origin::of(&InstalledModel::open(folder).ok()?)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
