//! The key in use, and a connection made with it.

use std::env;

use papr_api::{ApiKey, Client};
use papr_credentials::from_environment;
use papr_memory::ports::CredentialStore;
use papr_memory::{Credential, Secret, SecretSource, Slot};
use papr_sync::PaprRemote;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::engine::Shared;
use crate::settings::AccountProfile;

/// The variable that names another address of Papr's; a key that is signed in stays with the address it was signed in
/// at.
const PAPR_BASE_URL: &str = "PAPR_BASE_URL";
const USER_AGENT: &str = concat!("papr-desktop/", env!("CARGO_PKG_VERSION"));

/// A key, whose it is, and the way to Papr with it.
pub(crate) struct Session {
    pub(crate) profile: AccountProfile,
    pub(crate) remote: PaprRemote,
}

/// The address to sign in at, without a slash at its end.
pub(crate) fn base_url(given: Option<&str>) -> String {
    let named = env::var(PAPR_BASE_URL).ok().filter(|url| !url.trim().is_empty());
    let url = given.map(str::to_owned).or(named);
    url.as_deref().unwrap_or(papr_api::DEFAULT_BASE_URL).trim().trim_end_matches('/').to_owned()
}

/// The hexadecimal digits by which a key is known again without being kept.
pub(crate) fn digest(purpose: &str, base_url: &str, secret: &Secret) -> String {
    use std::fmt::Write as _;
    let mut hasher = Sha256::new();
    for part in [purpose, base_url, secret.expose()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

pub(crate) fn slot(account: &str) -> Result<Slot, Error> {
    Slot::papr(account).map_err(|error| Error::Variable { name: "account", reason: error.to_string() })
}

impl Shared {
    /// A way to Papr with this key. Refused while "local only" is on.
    pub(crate) fn remote(&self, base_url: &str, secret: &Secret) -> Result<PaprRemote, Error> {
        self.may_connect()?;
        let key = ApiKey::new(secret.expose())?;
        let client = Client::builder(key)
            .base_url(base_url)
            .user_agent(USER_AGENT)
            .gate(self.papr.gate.clone())
            .observer(self.papr.ledger.clone())
            .build()?;
        PaprRemote::new(client).map_err(Error::Thread)
    }

    /// The key of an account: the environment's if it is this account's, or what the keychain holds.
    pub(crate) fn credential(&self, profile: &AccountProfile) -> Result<Option<Credential>, Error> {
        let ours = |secret: &Secret| digest("key", &profile.base_url, secret) == profile.key_digest;
        if let Some(secret) = from_environment()?.filter(ours) {
            return Ok(Some(Credential { secret, source: SecretSource::Environment }));
        }
        Ok(self.papr.credentials.get(&slot(&profile.id)?)?)
    }

    /// The account that is signed in, with a way to Papr.
    pub(crate) fn session(&self) -> Result<Session, Error> {
        self.may_connect()?;
        let profile = self.settings().profile().cloned().filter(|profile| profile.signed_in_at.is_some());
        let profile = profile.ok_or(Error::SignedOut)?;
        let credential = self.credential(&profile)?.ok_or(Error::KeyGone)?;
        let remote = self.remote(&profile.base_url, &credential.secret)?;
        Ok(Session { profile, remote })
    }
}
