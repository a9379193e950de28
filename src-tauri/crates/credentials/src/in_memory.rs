//! The stand-in: keeps secrets until the process ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use papr_memory::ports::{CredentialError, CredentialStore};
use papr_memory::{Credential, Secret, SecretSource, Slot};

/// Keeps secrets in this process alone. All it gives out says so: its source is [`SecretSource::Memory`],
/// whose [`note`](SecretSource::note) is for people.
#[derive(Debug, Default)]
pub struct InMemory {
    secrets: Mutex<HashMap<Slot, Secret>>,
}

impl InMemory {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn secrets(&self) -> MutexGuard<'_, HashMap<Slot, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialStore for InMemory {
    fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError> {
        let secret = self.secrets().get(slot).cloned();
        Ok(secret.map(|secret| Credential { secret, source: SecretSource::Memory }))
    }

    fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
        self.secrets().insert(slot.clone(), secret.clone());
        Ok(SecretSource::Memory)
    }

    fn remove(&self, slot: &Slot) -> Result<bool, CredentialError> {
        Ok(self.secrets().remove(slot).is_some())
    }

    /// Does nothing: what is kept here can be read nowhere else.
    fn refresh(&self, _: &Slot) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_replaces_and_removes_one_account_at_a_time() {
        let store = InMemory::new();
        let (one, two) = (Slot::papr("one").unwrap(), Slot::papr("two").unwrap());
        let secret = |text: &str| Secret::parse(text.to_owned()).unwrap();
        assert!(store.get(&one).unwrap().is_none());
        assert_eq!(store.set(&one, &secret("first-key-1")).unwrap(), SecretSource::Memory);
        store.set(&one, &secret("second-key-2")).unwrap();
        assert!(store.get(&two).unwrap().is_none(), "an account sees its own key only");
        store.refresh(&one);
        let found = store.get(&one).unwrap().unwrap();
        assert_eq!(found.secret.expose(), "second-key-2");
        assert!(found.source.note().unwrap().contains("forgotten"));
        assert!(!format!("{store:?}").contains("second"));
        assert_eq!(store.status(&one).unwrap().unwrap().last_four, "y-2");
        assert!(store.remove(&one).unwrap());
        assert!(!store.remove(&one).unwrap());
        assert!(store.status(&one).unwrap().is_none());
    }
}
