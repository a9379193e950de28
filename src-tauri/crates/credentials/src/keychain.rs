//! The system's keychain, asked once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use papr_memory::ports::{CredentialError, CredentialStore};
use papr_memory::{Credential, Secret, SecretSource, Slot};

use crate::platform;
use crate::vault::{Connect, Vault};
use crate::worker::{Queue, Worker};

/// How long a call waits for the system unless told otherwise: long enough for a person to find a password.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps secrets in the keychain of the system: Keychain on macOS, Credential Manager on Windows, the Secret
/// Service (GNOME Keyring, `KWallet`, `KeePassXC`) elsewhere.
///
/// What was read is remembered, so is that there is nothing, and that a person refused: the system is asked
/// once a slot until [`CredentialStore::refresh`]. An answer that comes after a call gave up is remembered
/// for the next one. A keychain that is missing, locked or failing is asked again by each call, which shows
/// no question to anybody.
///
/// Nothing is asked, and no thread started, before the first call.
pub struct Keychain {
    service: Arc<str>,
    worker: Worker,
    known: Arc<Mutex<Known>>,
}

/// What is remembered of a slot.
#[derive(Default)]
struct Memo {
    /// What the keychain said.
    said: Option<Said>,
    /// Counts the changes and refreshes that were asked for: an answer to an earlier question is not kept.
    era: u64,
}

type Known = HashMap<Slot, Memo>;
type Said = Result<Option<Secret>, CredentialError>;

impl Keychain {
    /// The items of `service`, which is the app's identifier. Calls wait for [`PATIENCE`].
    pub fn new(service: &str) -> Self {
        Self::with_patience(service, PATIENCE)
    }

    /// Likewise; calls wait for `patience`.
    pub fn with_patience(service: &str, patience: Duration) -> Self {
        Self::over(Arc::new(platform::connect), service, patience)
    }

    fn over(connect: Connect, service: &str, patience: Duration) -> Self {
        let service: Arc<str> = service.into();
        let name = Arc::clone(&service);
        let vault = move || Vault::new(Arc::clone(&name), Arc::clone(&connect));
        Self { service, worker: Worker::new(vault, patience), known: Arc::default() }
    }

    fn read(&self, slot: &Slot) -> Said {
        let era = match lock(&self.known).entry(slot.clone()).or_default() {
            Memo { said: Some(said), .. } => return said.clone(),
            Memo { era, .. } => *era,
        };
        let (known, slot) = (Arc::clone(&self.known), slot.clone());
        self.worker.call(Queue::Behind, move |vault| {
            // A call before this one may have found it out while this one waited.
            if let Some(said) = lock(&known).get(&slot).and_then(|memo| memo.said.clone()) {
                return said;
            }
            let said = vault.read(&slot);
            if matches!(said, Ok(_) | Err(CredentialError::Denied)) {
                note(&known, &slot, era, Some(said.clone()));
            }
            said
        })
    }

    /// Changes the keychain. What was known stays known until it is certain what is kept now.
    fn change<T: Send + 'static>(
        &self,
        slot: &Slot,
        then: Option<Secret>,
        change: impl FnOnce(&mut Vault) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let era = begin_era(lock(&self.known).entry(slot.clone()).or_default());
        let (known, slot) = (Arc::clone(&self.known), slot.clone());
        self.worker.call(Queue::Past, move |vault| {
            let changed = change(vault);
            match &changed {
                Ok(_) => note(&known, &slot, era, Some(Ok(then))),
                // It may have been done in part.
                Err(CredentialError::Failed { .. }) => note(&known, &slot, era, None),
                Err(_) => {}
            }
            changed
        })
    }
}

impl CredentialStore for Keychain {
    fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError> {
        let secret = self.read(slot)?;
        Ok(secret.map(|secret| Credential { secret, source: SecretSource::Keychain }))
    }

    fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
        let (place, new) = (slot.clone(), secret.clone());
        self.change(slot, Some(secret.clone()), move |vault| vault.write(&place, &new))?;
        Ok(SecretSource::Keychain)
    }

    fn remove(&self, slot: &Slot) -> Result<bool, CredentialError> {
        let place = slot.clone();
        self.change(slot, None, move |vault| vault.remove(&place))
    }

    fn refresh(&self, slot: &Slot) {
        if let Some(memo) = lock(&self.known).get_mut(slot) {
            begin_era(memo);
            memo.said = None;
        }
        self.worker.leave_behind();
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keychain").field("service", &self.service).finish_non_exhaustive()
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn begin_era(memo: &mut Memo) -> u64 {
    memo.era += 1;
    memo.era
}

fn note(known: &Mutex<Known>, slot: &Slot, era: u64, said: Option<Said>) {
    if let Some(memo) = lock(known).get_mut(slot).filter(|memo| memo.era == era) {
        memo.said = said;
    }
}

#[cfg(test)]
mod tests;
