//! The stand-in behind the keychain.

use std::fmt;
use std::sync::Arc;

use papr_memory::ports::{CredentialError, CredentialStore};
use papr_memory::{Credential, Secret, SecretSource, Slot};

use crate::InMemory;

/// A keychain, and memory for what it cannot take.
///
/// Where there is no keychain a secret is kept in memory, and [`CredentialStore::set`] says so by what it
/// returns. Where there is one that is locked, refused or silent a person can do something about it: that
/// stays an error, and [`Fallback::keep_for_this_run`] is for those who do not want to.
pub struct Fallback {
    keychain: Arc<dyn CredentialStore>,
    memory: InMemory,
}

impl Fallback {
    /// `keychain`, and nothing in memory.
    pub fn new(keychain: Arc<dyn CredentialStore>) -> Self {
        Self { keychain, memory: InMemory::new() }
    }

    /// Keeps `secret` in memory, over what the keychain may hold, until the process ends or another is set.
    pub fn keep_for_this_run(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
        self.memory.set(slot, secret)
    }
}

impl CredentialStore for Fallback {
    fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError> {
        match self.memory.get(slot)? {
            Some(kept) => Ok(Some(kept)),
            None => self.keychain.get(slot),
        }
    }

    fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
        match self.keychain.set(slot, secret) {
            Ok(source) => {
                self.memory.remove(slot)?;
                Ok(source)
            }
            Err(error @ CredentialError::Missing { .. }) => {
                tracing::warn!("the key is kept for this run only: {error}");
                self.memory.set(slot, secret)
            }
            Err(error) => Err(error),
        }
    }

    fn remove(&self, slot: &Slot) -> Result<bool, CredentialError> {
        let was_here = self.memory.remove(slot)?;
        match self.keychain.remove(slot) {
            Err(CredentialError::Missing { .. }) if was_here => Ok(true),
            other => other.map(|was_there| was_here || was_there),
        }
    }

    fn refresh(&self, slot: &Slot) {
        self.keychain.refresh(slot);
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fallback").field("memory", &self.memory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// A keychain that fails on demand.
    #[derive(Default)]
    struct Moody {
        error: Mutex<Option<CredentialError>>,
        kept: InMemory,
    }

    impl Moody {
        fn now(&self, error: Option<CredentialError>) {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        }

        fn mood(&self) -> Result<(), CredentialError> {
            self.error.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
        }
    }

    impl CredentialStore for Moody {
        fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError> {
            self.mood()?;
            let kept = self.kept.get(slot)?;
            Ok(kept.map(|kept| Credential { source: SecretSource::Keychain, ..kept }))
        }

        fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
            self.mood()?;
            self.kept.set(slot, secret).map(|_| SecretSource::Keychain)
        }

        fn remove(&self, slot: &Slot) -> Result<bool, CredentialError> {
            self.mood()?;
            self.kept.remove(slot)
        }

        fn refresh(&self, _: &Slot) {
            self.now(None);
        }
    }

    fn missing() -> CredentialError {
        CredentialError::Missing { reason: "nobody answers".to_owned() }
    }

    fn secret(text: &str) -> Secret {
        Secret::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn without_a_keychain_a_key_is_kept_for_the_run_and_it_says_so() {
        let keychain = Arc::new(Moody::default());
        let (store, slot) = (Fallback::new(keychain.clone()), Slot::papr("one").unwrap());
        keychain.now(Some(missing()));
        assert_eq!(store.status(&slot).unwrap_err(), missing());
        assert_eq!(store.set(&slot, &secret("for-this-run-1")).unwrap(), SecretSource::Memory);
        assert_eq!(store.get(&slot).unwrap().unwrap().secret.expose(), "for-this-run-1");
        assert_eq!(store.status(&slot).unwrap().unwrap().source, SecretSource::Memory);
        assert!(store.remove(&slot).unwrap());
        assert_eq!(store.remove(&slot).unwrap_err(), missing());

        store.set(&slot, &secret("for-this-run-2")).unwrap();
        store.refresh(&slot);
        assert_eq!(store.set(&slot, &secret("for-ever-3")).unwrap(), SecretSource::Keychain);
        assert_eq!(store.get(&slot).unwrap().unwrap().source, SecretSource::Keychain);
        assert!(store.memory.get(&slot).unwrap().is_none(), "one key is kept in one place");
    }

    #[test]
    fn a_keychain_that_says_no_is_not_passed_by_unasked() {
        let keychain = Arc::new(Moody::default());
        let (store, slot) = (Fallback::new(keychain.clone()), Slot::papr("one").unwrap());
        store.set(&slot, &secret("for-ever-1")).unwrap();
        for error in [CredentialError::Denied, CredentialError::Locked] {
            keychain.now(Some(error.clone()));
            assert_eq!(store.set(&slot, &secret("another-2")).unwrap_err(), error);
            assert_eq!(store.get(&slot).unwrap_err(), error);
            assert_eq!(store.keep_for_this_run(&slot, &secret("another-2")).unwrap(), SecretSource::Memory);
            assert_eq!(store.get(&slot).unwrap().unwrap().secret.expose(), "another-2");
            assert_eq!(store.remove(&slot).unwrap_err(), error, "an older key may still be in the keychain");
        }
        keychain.now(None);
        assert_eq!(store.get(&slot).unwrap().unwrap().secret.expose(), "for-ever-1");
        assert!(!format!("{store:?}").contains("for-ever"));
    }
}
