//! Signing in and out.
//!
//! Papr tells no name of a key's account. An account is therefore known by the key it was first signed in with; a key
//! that is new to this machine is taken to be of the account that was here last if Papr shows it one of that account's
//! memories, and otherwise of an account of its own. So a renewed key finds its memories, and another person's never
//! sees them.

use papr_credentials::from_environment;
use papr_memory::ports::{CredentialError, CredentialStore, Store, SyncStore};
use papr_memory::{CancelToken, Memory, MemoryId, Secret, SecretSource, Source};
use papr_sync::PaprRemote;
use serde::{Deserialize, Serialize};

use crate::account::indexed::Indexed;
use crate::account::session::{self, digest, slot};
use crate::settings::AccountProfile;
use crate::{Engine, Error};

/// Memories by which an account is known again.
const WITNESSES: usize = 3;

/// Where the key is to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In the system's keychain; in memory if there is none.
    #[default]
    Keychain,
    /// In memory: it is forgotten when the app ends.
    ThisRun,
    /// Nowhere: it comes from the environment.
    Environment,
}

/// Who is signed in, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The name that its memories are kept under.
    pub id: String,
    /// Where Papr is.
    pub base_url: String,
    /// Whether it is signed in; if not, its memories are a local copy.
    pub signed_in: bool,
    /// Where the key comes from.
    pub key_source: Option<SecretSource>,
    /// The key's last four characters.
    pub last_four: Option<String>,
    /// Its memories here.
    pub memories: usize,
    /// What it wrote that Papr has yet to hear.
    pub pending: usize,
}

/// What signing in did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The account.
    pub account: AccountInfo,
    /// Whether its memories were here already.
    pub known: bool,
    /// Memories of other accounts that are not shown any more.
    pub hidden: usize,
    /// Memories of nobody that may be given to the account.
    pub adoptable: usize,
    /// What to know of where the key is kept.
    pub note: Option<String>,
}

/// What signing out did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// Whether there was a key to remove.
    pub key_removed: bool,
    /// Memories that stay as a local copy.
    pub kept: usize,
    /// Memories that were removed.
    pub wiped: usize,
    /// Backups, and damaged files set aside, that were removed because they may have held them.
    pub copies: usize,
}

impl Engine {
    /// Who is signed in, or was last; none before the first sign-in. May ask the keychain; if it does not give the key,
    /// its source and last four characters are not told.
    pub fn account(&self) -> Result<Option<AccountInfo>, Error> {
        let shared = &self.shared;
        let Some(profile) = shared.settings().profile().cloned() else { return Ok(None) };
        let signed_in = profile.signed_in_at.is_some();
        // A keychain that is locked or gone says nothing of who signed in.
        let credential = if signed_in { shared.credential(&profile).unwrap_or_default() } else { None };
        let memories = self.memories_of(&profile.id)?;
        Ok(Some(AccountInfo {
            signed_in,
            key_source: credential.as_ref().map(|credential| credential.source),
            last_four: credential.as_ref().map(|credential| credential.secret.last_four().to_owned()),
            memories,
            pending: papr_sync::state(&shared.store, &profile.id)?.pending,
            id: profile.id,
            base_url: profile.base_url,
        }))
    }

    /// Signs in with a key that Papr accepts. Nothing is kept before it did.
    ///
    /// `base_url` is another address of Papr's; `PAPR_BASE_URL` names one too. Fails with `LocalOnly`; if Papr cannot be reached or refuses the key;
    /// with `AnotherAccount` if somebody else is signed in; and if the keychain is locked or refuses.
    pub fn sign_in(
        &self,
        key: String,
        base_url: Option<&str>,
        place: KeyPlace,
        cancel: &CancelToken,
    ) -> Result<SignedIn, Error> {
        let secret = Secret::parse(key)?;
        let shared = &self.shared;
        let base_url = session::base_url(base_url);
        let remote = shared.remote(&base_url, &secret)?;
        remote.check_key(cancel)?;
        let _alone = shared.papr.alone();
        let (mut profile, known) = self.identify(&base_url, &secret, &remote, cancel)?;
        let before = shared.settings().account.clone();
        let in_use = shared.settings().profile().is_some_and(|profile| profile.signed_in_at.is_some());
        if in_use && before.as_ref() != Some(&profile.id) {
            return Err(Error::AnotherAccount);
        }
        let slot = slot(&profile.id)?;
        let source = match place {
            KeyPlace::Keychain => shared.papr.credentials.set(&slot, &secret)?,
            KeyPlace::ThisRun => shared.papr.credentials.keep_for_this_run(&slot, &secret)?,
            KeyPlace::Environment => SecretSource::Environment,
        };
        profile.key_digest = digest("key", &base_url, &secret);
        profile.signed_in_at = Some(shared.clock.now());
        let id = profile.id.clone();
        shared.change_settings(|settings| {
            settings.accounts.retain(|other| other.id != profile.id);
            settings.accounts.push(profile);
            settings.account = Some(id.clone());
        })?;
        let hidden = if before.as_ref() == Some(&id) { 0 } else { self.read_anew()? };
        let now = shared.clock.now();
        shared.papr.note(|desk| desk.asked_at = Some(now));
        shared.publish_sync()?;
        Ok(SignedIn {
            account: self.account()?.ok_or(Error::SignedOut)?,
            known,
            hidden,
            adoptable: self.adoptable()?,
            note: source.note().map(str::to_owned),
        })
    }

    /// Signs in with the key of the environment, if there is one and it is not in use already. Says whether it did.
    pub fn sign_in_from_environment(&self, cancel: &CancelToken) -> Result<bool, Error> {
        let Some(secret) = from_environment()? else { return Ok(false) };
        let is_this = |profile: &AccountProfile| {
            profile.signed_in_at.is_some() && digest("key", &profile.base_url, &secret) == profile.key_digest
        };
        if self.shared.settings().profile().is_some_and(is_this) {
            return Ok(false);
        }
        self.sign_in(secret.expose().to_owned(), None, KeyPlace::Environment, cancel)?;
        Ok(true)
    }

    /// Whose key it is, and whether that account was here before.
    fn identify(
        &self,
        base_url: &str,
        secret: &Secret,
        remote: &PaprRemote,
        cancel: &CancelToken,
    ) -> Result<(AccountProfile, bool), Error> {
        let settings = self.shared.settings().clone();
        let digits = digest("key", base_url, secret);
        let here = |profile: &&AccountProfile| profile.base_url == base_url;
        if let Some(profile) =
            settings.accounts.iter().filter(here).find(|profile| profile.key_digest == digits)
        {
            return Ok((profile.clone(), true));
        }
        for profile in settings.accounts.iter().filter(here) {
            let links = self.shared.store.links(&profile.id)?;
            let ids = links.into_iter().rev().filter_map(|link| link.remote).take(WITNESSES);
            if remote.has_any(&ids.collect::<Vec<_>>(), cancel)? {
                return Ok((profile.clone(), true));
            }
        }
        let id = format!("papr-{}", &digest("account", base_url, secret)[..16]);
        let known = self.memories_of(&id)? > 0;
        let base_url = base_url.to_owned();
        Ok((AccountProfile { id, base_url, key_digest: digits, signed_in_at: None }, known))
    }

    /// Signs out: the key is removed. With `wipe` so is everything of the account's on this machine, backups included;
    /// otherwise its memories stay as a local copy, and what Papr has yet to hear is kept for the next sign-in.
    ///
    /// A key that comes from the environment stays there, and signs in again at the next start.
    pub fn sign_out(&self, wipe: bool, cancel: &CancelToken) -> Result<SignedOut, Error> {
        let shared = &self.shared;
        let profile = shared.settings().profile().cloned().ok_or(Error::SignedOut)?;
        shared.papr.interrupt();
        let _alone = shared.papr.alone();
        let key_removed = match shared.papr.credentials.remove(&slot(&profile.id)?) {
            Ok(removed) => removed,
            Err(CredentialError::Missing { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        shared.change_settings(|settings| {
            for other in settings.accounts.iter_mut().filter(|other| other.id == profile.id) {
                other.signed_in_at = None;
            }
        })?;
        let mut done = SignedOut { key_removed, kept: 0, wiped: 0, copies: 0 };
        if wipe {
            (done.wiped, done.copies) = self.wipe(&profile.id, cancel)?;
        } else {
            done.kept = self.memories_of(&profile.id)?;
        }
        shared.papr.note(|_| {});
        shared.publish_sync()?;
        Ok(done)
    }

    /// Removes everything of an account: from the store, the catalogue, the settings, and the backups, of which one is
    /// made anew. What sled's log still holds goes when the store is next written anew, which the settings ask for.
    fn wipe(&self, account: &str, cancel: &CancelToken) -> Result<(usize, usize), Error> {
        let shared = &self.shared;
        let wiped = Indexed::new(shared).wipe_account(account, cancel)?;
        shared.change_settings(|settings| {
            settings.accounts.retain(|profile| profile.id != account);
            settings.account = None;
            settings.compact_at_start = true;
        })?;
        let mut copies = self.backups()?.len();
        shared.store.back_up(shared.clock.now(), 1, cancel)?;
        let folder = self.store_folder()?;
        for aside in papr_store::quarantined(&folder)? {
            papr_store::remove_quarantined(&folder, &aside)?;
            copies += 1;
        }
        crate::graphs::forget(shared);
        shared.publish(|_| {});
        Ok((wiped.len(), copies))
    }

    fn memories_of(&self, account: &str) -> Result<usize, Error> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.shared.store.page(after, 1_000)?;
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(last.id);
            count += page.iter().filter(|memory| memory.account.as_deref() == Some(account)).count();
        }
    }

    /// How many memories of nobody could be given to the account: all but the samples.
    pub fn adoptable(&self) -> Result<usize, Error> {
        Ok(self.nobodys()?.len())
    }

    /// The first `limit` of them, oldest first, to be shown before they are given away.
    pub fn to_adopt(&self, limit: usize) -> Result<Vec<Memory>, Error> {
        let ids = self.nobodys()?;
        ids.into_iter()
            .take(limit)
            .filter_map(|id| self.shared.store.get(id).transpose())
            .map(|memory| Ok(memory?))
            .collect()
    }

    /// Gives all memories of nobody, but for the samples, to the account that is signed in: they are sent with the next
    /// syncs, 4 operations each. Returns how many.
    pub fn adopt(&self) -> Result<usize, Error> {
        let shared = &self.shared;
        let account = shared.writes_for().ok_or(Error::SignedOut)?;
        let ids = self.nobodys()?;
        let adopted = Indexed::new(shared).adopt(&account, &ids)?;
        shared.papr.edited(shared.clock.now());
        Ok(adopted.len())
    }

    fn nobodys(&self) -> Result<Vec<MemoryId>, Error> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = self.shared.store.page(after, 1_000)?;
            let Some(last) = page.last() else { return Ok(ids) };
            after = Some(last.id);
            let nobodys = page
                .iter()
                .filter(|memory| memory.account.is_none() && memory.source != Source::Sample)
                .map(|memory| memory.id);
            ids.extend(nobodys);
        }
    }
}
