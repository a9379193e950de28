//! What can be wrong with an installed model.

use std::io;
use std::path::PathBuf;

use papr_memory::ManifestError;

/// Why a model folder cannot be used, in the order it is looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The folder has no manifest, or is not there.
    #[error("there is no model in {folder}: manifest.json is missing")]
    NoManifest {
        /// The folder that was to be a model's.
        folder: PathBuf,
    },
    /// The manifest is of another version, not JSON, or makes no sense.
    #[error("{path}: {source}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A file the manifest names is not there.
    #[error("the model's file {path} is missing")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is shorter than the manifest says: a copy or download that was cut.
    #[error("the model's file {path} was cut short: it has {found} bytes, expected {expected}")]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Bytes the manifest says.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A file is longer than the manifest says: another file.
    #[error("the model's file {path} is another one: it has {found} bytes, expected {expected}")]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes the manifest says.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A file of the right size with other bytes.
    #[error("the model's file {path} is damaged: its SHA-256 is {found}, expected {expected}")]
    Checksum {
        /// The file.
        path: PathBuf,
        /// SHA-256 the manifest says, hexadecimal.
        expected: String,
        /// SHA-256 of the bytes, hexadecimal.
        found: String,
    },
    /// The system does not let the file be read.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody asked for a stop while bytes were compared.
    #[error(transparent)]
    Cancelled(#[from] papr_memory::Cancelled),
}
