//! The keychain of macOS. A person may be asked at each item by each newly signed version of the app.

use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::{CredentialStore, Error};
use papr_memory::ports::CredentialError;

use super::Cause;

/// There is no connection that could end, and a second attempt would ask a person twice.
pub(crate) const CONNECTIONS_END: bool = false;

pub(crate) const MODIFIERS: &[(&str, &str)] = &[];

pub(crate) fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

pub(crate) fn no_access(cause: &Cause) -> CredentialError {
    failure(cause)
}

pub(crate) fn failure(cause: &Cause) -> CredentialError {
    let reason = cause.to_string();
    match cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
        // userCanceledErr, errSecAuthFailed, wrPermErr, errSecInvalidOwnerEdit, errSecReadOnly.
        Some(-128 | -25293 | -61 | -25244 | -25292) => CredentialError::Denied,
        // errSecInteractionNotAllowed: locked, and no place to ask a person.
        Some(-25308) => CredentialError::Locked,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain.
        Some(-25291 | -25294 | -25295 | -25307) => CredentialError::Missing { reason },
        _ => CredentialError::Failed { reason },
    }
}
