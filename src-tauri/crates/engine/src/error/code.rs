//! Codes: what a window does something about.

use std::io;

use papr_memory::ports::{CredentialError, StoreError};
use papr_sync::Trouble;
use serde::{Deserialize, Serialize};

/// Codes of errors, one for each thing the window does something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Code {
    /// There is no model, or no runtime to run it with: search by word goes on.
    ModelMissing,
    /// A file of the model is not what was pinned.
    Checksum,
    /// No room left.
    DiskFull,
    /// The network, or a host on it, cannot be reached.
    Offline,
    /// Somebody asked for a stop. An outcome, not a failure.
    Cancelled,
    /// There is no key: nobody is signed in, or the key is not where it was.
    SignedOut,
    /// Papr does not accept the key.
    Unauthorised,
    /// Papr was asked too often in a short time.
    RateLimited,
    /// The month's operations are used up.
    Quota,
    /// "Local only" is on.
    LocalOnly,
    /// There is no keychain.
    KeychainMissing,
    /// The keychain is locked, or gave no answer.
    KeychainLocked,
    /// The keychain, or a person who was asked, refused.
    KeychainDenied,
    /// Another process has the data folder.
    StoreLocked,
    /// What is on disk is not what was written.
    StoreDamaged,
    /// What was asked for cannot be done as it was asked.
    InvalidInput,
    /// There is no such memory.
    NotFound,
    /// The memory changed since it was shown.
    Conflict,
    /// Anything else.
    Internal,
}

impl Code {
    /// Whether the same call may succeed later without a change by the person.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Code::StoreLocked
                | Code::DiskFull
                | Code::Offline
                | Code::Conflict
                | Code::ModelMissing
                | Code::RateLimited
                | Code::KeychainLocked
                | Code::KeychainMissing
        )
    }
}

impl From<Trouble> for Code {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Offline => Code::Offline,
            Trouble::LocalOnly => Code::LocalOnly,
            Trouble::Unauthorised => Code::Unauthorised,
            Trouble::RateLimited => Code::RateLimited,
            Trouble::Quota => Code::Quota,
            Trouble::Refused => Code::InvalidInput,
            _ => Code::Internal,
        }
    }
}

pub(super) fn credential_code(error: &CredentialError) -> Code {
    match error {
        CredentialError::Missing { .. } => Code::KeychainMissing,
        CredentialError::Locked | CredentialError::TimedOut { .. } => Code::KeychainLocked,
        CredentialError::Denied => Code::KeychainDenied,
        CredentialError::Variable { .. } | CredentialError::FromEnvironment { .. } => Code::InvalidInput,
        _ => Code::Internal,
    }
}

pub(super) fn store_code(error: &StoreError) -> Code {
    match error {
        StoreError::Locked { .. } => Code::StoreLocked,
        StoreError::Damaged { .. } => Code::StoreDamaged,
        StoreError::NotOurs { .. } => Code::InvalidInput,
        StoreError::NotFound(_) => Code::NotFound,
        StoreError::Conflict { .. } => Code::Conflict,
        StoreError::Io { source, .. } => io_code(source),
        _ => Code::Internal,
    }
}

pub(super) fn io_code(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::InvalidData => Code::InvalidInput,
        _ => Code::Internal,
    }
}
