//! The Credential Manager of Windows. It asks nobody: whoever is logged in may read.

use std::sync::Arc;

use keyring_core::{CredentialStore, Error};
use papr_memory::ports::CredentialError;
use windows_native_keyring_store::Store;

use super::Cause;

/// There is no connection that could end.
pub(crate) const CONNECTIONS_END: bool = false;

/// On this machine alone: what is not said to be local follows a person to others.
pub(crate) const MODIFIERS: &[(&str, &str)] = &[("persistence", "Local")];

pub(crate) fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

/// There is no logon session whose credentials these could be.
pub(crate) fn no_access(cause: &Cause) -> CredentialError {
    CredentialError::Missing { reason: cause.to_string() }
}

pub(crate) fn failure(cause: &Cause) -> CredentialError {
    CredentialError::Failed { reason: cause.to_string() }
}
