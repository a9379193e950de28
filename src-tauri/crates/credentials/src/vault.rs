//! A connection to the system's keychain, made when it is needed and again when it was lost.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use papr_memory::ports::CredentialError;
use papr_memory::{Secret, Slot};
use zeroize::Zeroize as _;

use crate::platform;

/// Connects to a keychain.
pub(crate) type Connect = Arc<dyn Fn() -> Result<Arc<CredentialStore>, Error> + Send + Sync>;

/// The items of one service in a keychain. Blocks for as long as the system does.
pub(crate) struct Vault {
    service: Arc<str>,
    connect: Connect,
    store: Option<Arc<CredentialStore>>,
}

impl Vault {
    pub(crate) fn new(service: Arc<str>, connect: Connect) -> Self {
        Self { service, connect, store: None }
    }

    /// Lets the next call connect anew.
    pub(crate) fn disconnect(&mut self) {
        self.store = None;
    }

    /// What is kept under `slot`.
    pub(crate) fn read(&mut self, slot: &Slot) -> Result<Option<Secret>, CredentialError> {
        let bytes = match self.attempt(slot, Entry::get_secret) {
            Ok(bytes) => bytes,
            Err(Error::NoEntry) => return Ok(None),
            Err(error) => return Err(explain(slot, error)),
        };
        let damaged = |reason: String| CredentialError::Damaged { slot: slot.clone(), reason };
        let text = String::from_utf8(bytes).map_err(|error| {
            error.into_bytes().zeroize();
            damaged("it is not text".to_owned())
        })?;
        Secret::parse(text).map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// Keeps `secret` under `slot`, in the place of whatever and how much there was.
    pub(crate) fn write(&mut self, slot: &Slot, secret: &Secret) -> Result<(), CredentialError> {
        let bytes = secret.expose().as_bytes();
        let written = self.attempt(slot, |entry| match entry.set_secret(bytes) {
            Err(Error::Ambiguous(entries)) => {
                entries.iter().try_for_each(Entry::delete_credential)?;
                entry.set_secret(bytes)
            }
            other => other,
        });
        written.map_err(|error| explain(slot, error))
    }

    /// Removes all that is kept under `slot`; says whether there was anything.
    pub(crate) fn remove(&mut self, slot: &Slot) -> Result<bool, CredentialError> {
        let removed = self.attempt(slot, |entry| match entry.delete_credential() {
            Err(Error::Ambiguous(entries)) => entries.iter().try_for_each(Entry::delete_credential),
            other => other,
        });
        match removed {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(explain(slot, error)),
        }
    }

    /// Once, or twice where an old connection may be the reason for a failure.
    fn attempt<T>(&mut self, slot: &Slot, act: impl Fn(&Entry) -> Result<T, Error>) -> Result<T, Error> {
        let had_connection = self.store.is_some();
        match self.entry(slot).and_then(|entry| act(&entry)) {
            Err(Error::PlatformFailure(_)) if had_connection && platform::CONNECTIONS_END => {
                self.disconnect();
                self.entry(slot).and_then(|entry| act(&entry))
            }
            other => other,
        }
    }

    fn entry(&mut self, slot: &Slot) -> Result<Entry, Error> {
        let store = match &self.store {
            Some(store) => store,
            None => self.store.insert((self.connect)()?),
        };
        let modifiers: HashMap<_, _> = platform::MODIFIERS.iter().copied().collect();
        let modifiers = (!modifiers.is_empty()).then_some(&modifiers);
        store.build(&self.service, &platform::item_name(slot), modifiers)
    }
}

/// What an error of the store's means, without anything of what it may carry.
fn explain(slot: &Slot, error: Error) -> CredentialError {
    match error {
        Error::NoStorageAccess(error) => platform::no_access(&*error),
        Error::PlatformFailure(error) => platform::failure(&*error),
        Error::NoDefaultStore => CredentialError::Missing { reason: "no keychain is known".to_owned() },
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            CredentialError::Damaged { slot: slot.clone(), reason: "it is not text".to_owned() }
        }
        Error::Ambiguous(entries) => CredentialError::Damaged {
            slot: slot.clone(),
            reason: format!("there are {} items of that name", entries.len()),
        },
        // Names, lengths and reasons: none of the others holds what was kept.
        other => CredentialError::Failed { reason: other.to_string() },
    }
}
