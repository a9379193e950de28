//! The port behind which keys are kept, and what can go wrong there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Secret, SecretError, Slot};

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// The system's keychain.
    Keychain,
    /// An environment variable of this process.
    Environment,
    /// This process's memory: it is forgotten when the process ends.
    Memory,
}

impl SecretSource {
    /// What a person must know about secrets that come from here; nothing, if they are kept as one expects.
    pub fn note(self) -> Option<&'static str> {
        match self {
            SecretSource::Keychain => None,
            SecretSource::Environment => {
                Some("This key comes from the environment and is not kept by the app.")
            }
            SecretSource::Memory => {
                Some("This key is kept in memory only and will be forgotten when the app ends.")
            }
        }
    }
}

/// A secret, and where it comes from.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The secret.
    pub secret: Secret,
    /// Where it comes from.
    pub source: SecretSource,
}

/// What may be told about a secret to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialStatus {
    /// Where it comes from.
    pub source: SecretSource,
    /// Its last four characters; fewer of a short one.
    pub last_four: String,
}

impl From<&Credential> for CredentialStatus {
    fn from(credential: &Credential) -> Self {
        Self { source: credential.source, last_four: credential.secret.last_four().to_owned() }
    }
}

/// Keeps secrets.
///
/// A call may wait for a person who is asked by the system; what is kept is read once and then remembered, so
/// that a person is asked at most once.
pub trait CredentialStore: Send + Sync {
    /// The secret that is kept under `slot`, if any.
    fn get(&self, slot: &Slot) -> Result<Option<Credential>, CredentialError>;

    /// Keeps `secret` under `slot` in the place of any other, and says where.
    fn set(&self, slot: &Slot, secret: &Secret) -> Result<SecretSource, CredentialError>;

    /// Removes what is kept under `slot`; says whether there was anything.
    fn remove(&self, slot: &Slot) -> Result<bool, CredentialError>;

    /// Forgets what was read, and that access was refused: the next call asks the system again. For a person
    /// who presses "try again", not for anything that runs by itself.
    fn refresh(&self, slot: &Slot);

    /// What may be shown of the secret under `slot`, if there is one.
    fn status(&self, slot: &Slot) -> Result<Option<CredentialStatus>, CredentialError> {
        Ok(self.get(slot)?.as_ref().map(CredentialStatus::from))
    }
}

/// Why a secret could not be read, kept or removed. No variant holds any part of one.
///
/// What the system said is kept as text and not as a source: errors of keychains may carry the bytes they
/// choked on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// There is no keychain: no such service runs, no session to reach it through, nothing set up in it.
    #[error("the system's keychain cannot be reached: {reason}")]
    Missing {
        /// What the system said.
        reason: String,
    },
    /// The keychain is locked, and nobody could be asked to unlock it.
    #[error("the system's keychain is locked")]
    Locked,
    /// A person, or the system's rules, said no.
    #[error("access to the system's keychain was refused")]
    Denied,
    /// No answer came in time: a service that hangs, or a question that nobody answers. A change that was
    /// asked for may still happen.
    #[error("the system's keychain did not answer within {} s", waited.as_secs_f32())]
    TimedOut {
        /// How long the call waited.
        waited: Duration,
    },
    /// The keychain holds something that is no key, or several.
    #[error("what the system's keychain holds for {slot} cannot be used: {reason}")]
    Damaged {
        /// Where.
        slot: Slot,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable holds something that is no key.
    #[error("the key in {variable} cannot be used: {source}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        source: SecretError,
    },
    /// The secret comes from an environment variable, which this process cannot change for the next one.
    #[error("the key comes from the environment variable {variable}")]
    FromEnvironment {
        /// Its name.
        variable: &'static str,
    },
    /// Anything else.
    #[error("the system's keychain failed: {reason}")]
    Failed {
        /// What the system said.
        reason: String,
    },
}

impl CredentialError {
    /// What to do about it, in a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            CredentialError::Missing { .. } if cfg!(target_os = "linux") => {
                "Install and start a keyring such as GNOME Keyring or KWallet and log in to it, or keep the key for \
                 this run only."
            }
            CredentialError::Missing { .. } => {
                "Log in to the desktop as yourself and try again, or keep the key for this run only."
            }
            CredentialError::Locked => {
                "Unlock the keychain and try again, or keep the key for this run only."
            }
            CredentialError::Denied => {
                "Try again and allow it when the system asks, or keep the key for this run only."
            }
            CredentialError::TimedOut { .. } => {
                "Look for a question of the system's behind other windows, then try again. If there is none, log out \
                 of the desktop and in again."
            }
            CredentialError::Damaged { .. } => "Enter the key again.",
            CredentialError::Variable { .. } => {
                "Set the variable to the whole key and nothing else, or unset it."
            }
            CredentialError::FromEnvironment { .. } => "Unset the variable, and start the app again.",
            CredentialError::Failed { .. } => "Try again. If it stays so, keep the key for this run only.",
        }
    }

    /// Whether the same call may succeed later although nobody does anything in this app. It asks no person
    /// the same thing again.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            CredentialError::Missing { .. } | CredentialError::Locked | CredentialError::TimedOut { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_credential_show_no_secret() {
        let secret = Secret::parse("sk-0123456789abcdef".to_owned()).unwrap();
        let credential = Credential { secret, source: SecretSource::Memory };
        let status = CredentialStatus::from(&credential);
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(json, r#"{"source":"memory","last_four":"cdef"}"#);
        assert!(!format!("{credential:?} {status:?} {json}").contains("0123"));
    }

    #[test]
    fn every_error_says_what_to_do() {
        let reason = || "it is not there".to_owned();
        let variable = "PAPR_MEMORY_API_KEY";
        let errors = [
            (CredentialError::Missing { reason: reason() }, true),
            (CredentialError::Locked, true),
            (CredentialError::Denied, false),
            (CredentialError::TimedOut { waited: Duration::from_millis(1500) }, true),
            (CredentialError::Damaged { slot: Slot::model_hub(), reason: reason() }, false),
            (CredentialError::Variable { variable, source: SecretError::Empty }, false),
            (CredentialError::FromEnvironment { variable }, false),
            (CredentialError::Failed { reason: reason() }, false),
        ];
        for (error, retryable) in errors {
            assert_eq!(error.retryable(), retryable, "{error}");
            assert!(error.hint().ends_with('.'), "{error}");
        }
    }
}
