//! What can go wrong between a catalogue entry and an installed model.

use std::io;
use std::path::{Path, PathBuf};

use papr_memory::ManifestError;

/// Why a model cannot be offered, fetched, installed or used.
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
    /// A file inside a package that its list does not name.
    #[error("{path} does not belong to the model: remove it, or import the model again")]
    Stray {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let a file or folder be read or written.
    #[error("{path} cannot be read or written: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody asked for a stop. What was downloaded stays, for the next time.
    #[error(transparent)]
    Cancelled(#[from] papr_memory::Cancelled),

    /// The catalogue has an entry that this version cannot carry out, or that contradicts itself.
    #[error("the catalogue cannot be used: {reason}")]
    Catalog {
        /// Which entry, and what is wrong with it.
        reason: String,
    },
    /// An id that cannot be the name of a model's folder.
    #[error("{id:?} is not the id of a model")]
    InvalidId {
        /// The id.
        id: String,
    },
    /// The entry has nothing to download: it comes with the app, has no graph yet, or nothing can run it.
    #[error("{id} cannot be installed: {reason}")]
    NotOffered {
        /// The entry.
        id: String,
        /// Why.
        reason: String,
    },
    /// Another process, or another thread of this one, changes the same model.
    #[error("{id} is being installed or removed already")]
    Busy {
        /// The model.
        id: String,
    },
    /// The folder that was chosen for models is not there: a disk that is not connected, or a folder that was
    /// deleted. Its models are not lost by that.
    #[error("the models folder {folder} is not there; is its disk connected?")]
    FolderAbsent {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk has too little room; nothing was written.
    #[error("too little room in {folder}: {needed} bytes are needed with a reserve of 10 %, {free} are free")]
    NoSpace {
        /// Where the model would go.
        folder: PathBuf,
        /// Bytes that are still to be written, and a tenth.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The disk filled up on the way. What was downloaded stays, for the next time.
    #[error("the disk is full: {path} could not be written any further")]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },

    /// The address of the hub is not one.
    #[error("{endpoint:?} cannot be the address of a model hub: {reason}")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This machine cannot speak to a network: no certificates, a proxy's address that is none.
    #[error("connections cannot be made: {reason}")]
    Network {
        /// What the system or the client said.
        reason: String,
    },
    /// The hub cannot be reached, or the connection broke again and again. What was downloaded stays.
    #[error("{host} cannot be reached: {reason}")]
    Offline {
        /// The host of the last attempt.
        host: String,
        /// What happened in the last attempt.
        reason: String,
    },
    /// The hub wants a token, or the licence accepted on its page.
    #[error(
        "{host} does not give out {path} (status {status}): the model may need a token, or its licence accepted"
    )]
    Denied {
        /// The host.
        host: String,
        /// The file, as `repository/path`.
        path: String,
        /// 401, 403 or 451.
        status: u16,
    },
    /// The hub does not have the file.
    #[error("{host} does not have {path}")]
    NotOnHub {
        /// The host.
        host: String,
        /// The file, as `repository/path`.
        path: String,
    },
    /// An answer that no file can be taken from: compressed on the way, a web page, endless redirects.
    #[error("{host} gave no usable answer for {path}: {reason}")]
    BadAnswer {
        /// The host.
        host: String,
        /// The file, as `repository/path`.
        path: String,
        /// What was wrong.
        reason: String,
    },
    /// The hub's file is another one than this version of the app knows. Nothing was downloaded.
    #[error("{path} on the hub is not the file this version knows: {found}, expected {expected}")]
    Changed {
        /// The file, as `repository/path`.
        path: String,
        /// The pinned size or SHA-256.
        expected: String,
        /// What the hub says.
        found: String,
    },
    /// The bytes were wrong twice. They were deleted.
    #[error("what was downloaded of {path} was wrong twice and is deleted: {found}, expected {expected}")]
    WrongBytes {
        /// The file, as `repository/path`.
        path: String,
        /// The SHA-256 or size that is pinned or that the hub tells.
        expected: String,
        /// That of what came.
        found: String,
    },
    /// A file or folder that no model can be taken from.
    #[error("no model can be imported from {path}: {reason}")]
    NotImportable {
        /// What was given.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
}

impl ModelError {
    /// What the system said about `path`; a full disk is told from other failures.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned() }
            }
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let path = Path::new("model.onnx.part");
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let error = ModelError::at(path)(io::Error::from(kind));
            assert!(matches!(&error, ModelError::DiskFull { path: p } if p == path), "{error:?}");
        }
        let error = ModelError::at(path)(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(error, ModelError::Io { .. }), "{error:?}");
    }
}
