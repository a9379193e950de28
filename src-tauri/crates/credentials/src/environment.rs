//! A key from the environment: for machines without a desktop, and for a single run.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use papr_memory::ports::{CredentialError, CredentialStore};
use papr_memory::{Credential, Secret, SecretSource, Slot};

/// The variable that holds a Papr key.
pub const PAPR_MEMORY_API_KEY: &str = "PAPR_MEMORY_API_KEY";

/// The key in [`PAPR_MEMORY_API_KEY`]; none if it is not set or empty.
///
/// A value that cannot be a key is an error and not passed over: somebody meant it to be used.
pub fn from_environment() -> Result<Option<Secret>, CredentialError> {
    read(PAPR_MEMORY_API_KEY, env::var_os(PAPR_MEMORY_API_KEY))
}

fn read(variable: &'static str, value: Option<OsString>) -> Result<Option<Secret>, CredentialError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned());
    Secret::parse(text).map(Some).map_err(|source| CredentialError::Variable { variable, source })
}

/// Another store with one secret of the environment's over it: that one is used, and is neither replaced nor
/// removed here.
pub struct Environment {
    beneath: Arc<dyn CredentialStore>,
    slot: Slot,
    variable: &'static str,
    secret: Secret,
}

impl Environment {
    /// `secret`, which came from `variable`, in the place of what `beneath` keeps under `slot`.
    pub fn new(
        beneath: Arc<dyn CredentialStore>,
        slot: Slot,
        variable: &'static str,
        secret: Secret,
    ) -> Self {
        Self { beneath, slot, variable, secret }
    }

    fn refusal(&self) -> CredentialError {
        CredentialError::FromEnvironment { variable: self.variable }
    }
}

impl CredentialStore for Environment {
    fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError> {
        if *slot == self.slot {
            return Ok(Some(Credential { secret: self.secret.clone(), source: SecretSource::Environment }));
        }
        self.beneath.get(slot)
    }

    /// Refused where it would change nothing: the variable's secret goes on being used.
    fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError> {
        if *slot == self.slot { Err(self.refusal()) } else { self.beneath.set(slot, secret) }
    }

    /// Removes what is kept beneath. If there is nothing, says that the secret in use is the variable's.
    fn remove(&self, slot: &Slot) -> Result<bool, CredentialError> {
        match self.beneath.remove(slot) {
            Ok(false) | Err(CredentialError::Missing { .. }) if *slot == self.slot => Err(self.refusal()),
            other => other,
        }
    }

    fn refresh(&self, slot: &Slot) {
        self.beneath.refresh(slot);
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("slot", &self.slot)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use papr_memory::SecretError;

    use super::*;
    use crate::InMemory;

    const VARIABLE: &str = "A_VARIABLE";

    fn secret(text: &str) -> Secret {
        Secret::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn a_variable_holds_a_key_or_nothing_or_says_what_is_wrong() {
        assert!(read(VARIABLE, None).unwrap().is_none());
        assert!(read(VARIABLE, Some("".into())).unwrap().is_none());
        let found = read(VARIABLE, Some("key-of-the-shell\n".into())).unwrap().unwrap();
        assert_eq!(found.expose(), "key-of-the-shell");
        let error = read(VARIABLE, Some("key of the shell".into())).unwrap_err();
        let source = SecretError::WhiteSpace { at: 4 };
        assert_eq!(error, CredentialError::Variable { variable: VARIABLE, source });
        assert_eq!(
            error.to_string(),
            "the key in A_VARIABLE cannot be used: character 4 is a space or a line break"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_no_key() {
        use std::os::unix::ffi::OsStringExt as _;
        let error = read(VARIABLE, Some(OsString::from_vec(b"key-\xff-0123456".to_vec()))).unwrap_err();
        let source = SecretError::NotAscii { at: 5 };
        assert_eq!(error, CredentialError::Variable { variable: VARIABLE, source });
    }

    #[test]
    fn it_stands_over_one_slot_and_leaves_the_others_alone() {
        let beneath = Arc::new(InMemory::new());
        let (own, other) = (Slot::papr("one").unwrap(), Slot::model_hub());
        beneath.set(&own, &secret("the-one-beneath")).unwrap();
        let store = Environment::new(beneath.clone(), own.clone(), VARIABLE, secret("key-of-the-shell"));
        assert_eq!(store.status(&own).unwrap().unwrap().source, SecretSource::Environment);
        assert_eq!(store.get(&own).unwrap().unwrap().secret.expose(), "key-of-the-shell");
        let refused = CredentialError::FromEnvironment { variable: VARIABLE };
        assert_eq!(store.set(&own, &secret("another-key")).unwrap_err(), refused);
        assert!(store.remove(&own).unwrap(), "what is kept beneath goes");
        assert!(beneath.get(&own).unwrap().is_none());
        assert_eq!(store.remove(&own).unwrap_err(), refused, "and what is left is the shell's");
        assert!(!format!("{store:?}").contains("shell"));

        store.set(&other, &secret("a-token-of-a-hub")).unwrap();
        assert_eq!(store.get(&other).unwrap().unwrap().source, SecretSource::Memory);
        assert!(store.remove(&other).unwrap());
        assert!(!store.remove(&other).unwrap());
        store.refresh(&other);
    }
}
