//! A model folder: `manifest.json`, the graph or packages and the tokenizer it names.

use std::fs;
use std::path::{Path, PathBuf};

use papr_memory::{CancelToken, Manifest, ModelFile};

use crate::ModelError;
use crate::core_ml::CoreMl;
use crate::files::{absent, files_below, sha256, unreadable};
use crate::stop::Stop;

/// The name of the file that makes a folder a model.
pub const MANIFEST: &str = "manifest.json";

/// A model folder whose manifest makes sense and whose files have the right sizes.
///
/// Opening costs well under a millisecond. Whether every byte is right is another question, which
/// [`InstalledModel::verify`] answers in about the time it takes to read the files; it needs no more than a
/// shared reference, so one thread may ask it while another loads the model.
#[derive(Clone, Debug)]
pub struct InstalledModel {
    folder: PathBuf,
    manifest: Manifest,
    core_ml: Option<CoreMl>,
}

impl InstalledModel {
    /// Reads the manifest in `folder` and compares the sizes of the files it names.
    ///
    /// # Errors
    /// [`ModelError`], any variant but `Checksum` and `Cancelled`.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(MANIFEST);
        let json = match fs::read_to_string(&path) {
            Ok(json) => json,
            Err(error) if absent(&error) => return Err(ModelError::NoManifest { folder: folder.to_owned() }),
            Err(source) => return Err(ModelError::Io { path, source }),
        };
        let manifest = Manifest::from_json(&json).map_err(|source| ModelError::Manifest { path, source })?;
        let core_ml = CoreMl::of(folder, &manifest)?;
        let model = Self { folder: folder.to_owned(), manifest, core_ml };
        for file in model.files() {
            model.compare_size(&file)?;
        }
        Ok(model)
    }

    /// Compares the SHA-256 of every file with the manifest's: some 60 ms for 90 MB where the processor has
    /// instructions for it, a quarter of a second where not. `cancel` is looked at every megabyte.
    ///
    /// # Errors
    /// [`ModelError`], any variant but `NoManifest` and `Manifest`: a file may have changed since it was opened.
    /// [`ModelError::Stray`] for a file in a package that is not listed: Core ML would read it.
    pub fn verify(&self, cancel: &CancelToken) -> Result<(), ModelError> {
        let files = self.files();
        for package in self.core_ml.iter().flat_map(|core_ml| &core_ml.packages) {
            for path in files_below(&self.folder.join(&package.path))? {
                if !files.iter().any(|file| self.folder.join(&file.path) == path) {
                    return Err(ModelError::Stray { path });
                }
            }
        }
        for file in &files {
            self.compare_size(file)?;
            let path = self.folder.join(&file.path);
            let found = sha256(&path, &Stop::new(cancel), |_| {})?;
            if found != file.sha256 {
                return Err(ModelError::Checksum { path, expected: file.sha256.clone(), found });
            }
        }
        Ok(())
    }

    /// What the model is and how to use it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its packages for Core ML, if it is made of such.
    pub fn core_ml(&self) -> Option<&CoreMl> {
        self.core_ml.as_ref()
    }

    /// All files of the model by their paths in its folder, those of packages too.
    pub fn files(&self) -> Vec<ModelFile> {
        let packages = self.core_ml.iter().flat_map(CoreMl::package_files);
        self.manifest.files().cloned().chain(packages).collect()
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.bytes).sum()
    }

    /// The graph; of a model for Core ML, the list of its packages.
    pub fn model_path(&self) -> PathBuf {
        self.folder.join(&self.manifest.model.path)
    }

    /// The tokenizer.
    pub fn tokenizer_path(&self) -> PathBuf {
        self.folder.join(&self.manifest.tokenizer.path)
    }

    fn compare_size(&self, file: &ModelFile) -> Result<(), ModelError> {
        let path = self.folder.join(&file.path);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Err(ModelError::Missing { path }),
            Err(error) => return Err(unreadable(&path, error)),
        };
        let (expected, found) = (file.bytes, metadata.len());
        match found.cmp(&expected) {
            std::cmp::Ordering::Less => Err(ModelError::CutShort { path, expected, found }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(ModelError::Size { path, expected, found }),
        }
    }
}
