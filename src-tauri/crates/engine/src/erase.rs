//! Deleting everything that the app keeps about a person on this machine, and saying what could not be.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use papr_memory::Slot;
use papr_memory::ports::{CredentialError, CredentialStore};
use papr_models::{Found, ModelsFolder, installed, interrupted};
use papr_store::Closed;
use serde::{Deserialize, Serialize};

use crate::data::{self, pointer};
use crate::paths::STORE_FOLDER;
use crate::settings::SETTINGS_FILE;
use crate::{Error, Settings, default_data_folder};

/// What was deleted, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Files that are gone.
    pub files: u64,
    /// The bytes they had.
    pub bytes: u64,
    /// Keys that are gone from the keychain.
    pub keys: u64,
    /// What is ours and is still there. While a key is, so are the settings, so that another try finds it.
    pub left: Vec<Left>,
    /// What is not ours in folders of ours, and was left alone.
    pub foreign: Vec<PathBuf>,
}

/// Something that could not be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// A file or folder, or an entry of the keychain.
    pub what: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.reason)
    }
}

/// Deletes everything of ours in a data folder that nobody has open: keys of all its accounts, memories, backups, what
/// was set aside, graphs, models, logs, settings, the ledger, and the file that says where the data was moved to. A
/// models folder elsewhere goes only if nothing but models is in it.
///
/// Looks afterwards whether anything is left. Deletes no file of others.
///
/// # Errors
/// `Locked` if somebody has the data open; [`Error::FolderAway`] if it is on a disk that is not connected. Nothing was
/// deleted then. Whatever else fails stands in [`Erased::left`].
pub fn everything(data: &Path, keychain: &dyn CredentialStore) -> Result<Erased, Error> {
    everything_within(default_data_folder().as_deref(), data, keychain)
}

fn everything_within(
    usual: Option<&Path>,
    data: &Path,
    keychain: &dyn CredentialStore,
) -> Result<Erased, Error> {
    let home = pointer::home_of(data, usual);
    if home != data && !data.is_dir() {
        return Err(Error::FolderAway { path: data.to_owned() });
    }
    // A move whose old files could not be removed left some in the usual folder.
    let folders = if home == data { vec![data] } else { vec![data, &home] };
    let mut stores = Vec::new();
    for folder in &folders {
        stores.extend(Closed::claim(&folder.join(STORE_FOLDER))?);
    }
    let mut erased = Erased::default();
    let settings = fs::read(data.join(SETTINGS_FILE)).unwrap_or_default();
    let models =
        serde_json::from_slice::<Settings>(&settings).ok().and_then(|settings| settings.models_folder);
    let keys_gone = erased.keys(&accounts(&folders), keychain);
    for part in stores.into_iter().flat_map(Closed::into_all_parts) {
        erased.remove(&part);
    }
    if let Some(models) = models.filter(|models| !models.starts_with(data)) {
        erased.models(&models);
    }
    for folder in folders {
        erased.folder(folder, keys_gone)?;
    }
    Ok(erased)
}

/// The accounts that are named in the settings, whole or damaged.
fn accounts(folders: &[&Path]) -> BTreeSet<String> {
    let entries = folders.iter().flat_map(|folder| data::entries(folder).unwrap_or_default().0);
    let is_settings = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SETTINGS_FILE))
    };
    let mut accounts = BTreeSet::new();
    for text in entries.filter(is_settings).filter_map(|path| fs::read(path).ok()) {
        if let Ok(settings) = serde_json::from_slice::<Settings>(&text) {
            accounts.extend(settings.accounts.into_iter().map(|profile| profile.id));
        }
        let text = String::from_utf8_lossy(&text);
        let ids = text.split('"').filter(|part| is_account(part)).map(str::to_owned);
        accounts.extend(ids);
    }
    accounts
}

/// Whether a text is the name of an account, as signing in makes them.
fn is_account(text: &str) -> bool {
    let digits = text.strip_prefix("papr-");
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

impl Erased {
    /// Removes the keys of these accounts; whether none is left.
    fn keys(&mut self, accounts: &BTreeSet<String>, keychain: &dyn CredentialStore) -> bool {
        let slots = accounts.iter().filter_map(|account| Slot::papr(account).ok());
        let before = self.left.len();
        for slot in slots.chain([Slot::model_hub()]) {
            match keychain.remove(&slot) {
                Ok(removed) => self.keys += u64::from(removed),
                // No keychain, no key in it.
                Err(CredentialError::Missing { .. }) => {}
                Err(error) => self.leave(slot.to_string(), &error),
            }
        }
        self.left.len() == before
    }

    /// Removes what is ours in a data folder, the folder itself if nothing else is in it, and looks again.
    fn folder(&mut self, folder: &Path, keys_gone: bool) -> Result<(), Error> {
        let needed = |path: &PathBuf| {
            !keys_gone
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SETTINGS_FILE))
        };
        let (ours, _) = data::entries(folder)?;
        for path in ours.iter().filter(|path| !needed(path)) {
            self.remove(path);
        }
        for name in [pointer::FILE, pointer::PART] {
            self.remove(&folder.join(name));
        }
        let store = folder.join(STORE_FOLDER);
        let _ = fs::remove_dir(&store);
        let _ = fs::remove_dir(folder);
        let (ours, others) = data::entries(folder)?;
        self.foreign.extend(others);
        self.foreign.extend(papr_store::foreign(&store)?);
        for path in ours.iter().filter(|path| !needed(path)) {
            self.still_there(path);
        }
        if let Some(store) = Closed::claim(&store).ok().flatten() {
            store.into_all_parts().iter().for_each(|path| self.still_there(path));
        }
        Ok(())
    }

    /// Removes a models folder that a person chose, if nothing but models is in it.
    fn models(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let of_models: BTreeSet<PathBuf> = installed(&[ModelsFolder::chosen(folder)])
            .into_iter()
            .filter_map(|found| match found {
                Found::Model(model) => Some(model.folder().to_owned()),
                Found::Broken { folder, .. } => Some(folder),
                Found::Unavailable { .. } => None,
            })
            .chain(interrupted(folder).into_iter().map(|part| folder.join(format!("{}.part", part.id))))
            .collect();
        let is_lock = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with('.') && name.ends_with(".lock")
        };
        let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        if paths.iter().all(|path| of_models.contains(path) || is_lock(path)) {
            self.remove(folder);
        } else {
            self.foreign.push(folder.to_owned());
        }
    }

    /// Removes a file, or a folder with all that is in it, and counts.
    fn remove(&mut self, path: &Path) {
        let about = match path.symlink_metadata() {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.leave(path.display().to_string(), &error),
        };
        let removed = if about.is_dir() {
            let within =
                fs::read_dir(path).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
            let within: Vec<PathBuf> = within.unwrap_or_default();
            let before = self.left.len();
            for path in &within {
                self.remove(path);
            }
            if self.left.len() > before {
                return;
            }
            fs::remove_dir(path)
        } else {
            fs::remove_file(path)
        };
        match removed {
            Ok(()) if !about.is_dir() => {
                self.files += 1;
                self.bytes += about.len();
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.leave(path.display().to_string(), &error);
            }
            _ => {}
        }
    }

    fn still_there(&mut self, path: &Path) {
        let what = path.display().to_string();
        let told = |left: &Left| Path::new(&left.what).starts_with(path);
        if path.symlink_metadata().is_ok() && !self.left.iter().any(told) {
            self.leave(what, &"it was made anew meanwhile");
        }
    }

    fn leave(&mut self, what: String, reason: &dyn fmt::Display) {
        self.left.push(Left { what, reason: reason.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use papr_credentials::InMemory;
    use papr_memory::Secret;
    use serde_json::json;

    use super::*;
    use crate::{Code, Config, Engine, NewMemory, Resources};

    const ACCOUNT: &str = "papr-0123456789abcdef";

    /// A folder with something of every kind in it, and a key.
    fn lived_in(data: &Path) -> InMemory {
        let engine = open(data);
        engine.add(NewMemory { content: "a secret".to_owned(), ..NewMemory::default() }).unwrap();
        engine.back_up(&papr_memory::CancelToken::new()).unwrap();
        drop(engine);
        for name in ["index/a", "models/mine/weights", "ledger/2026-11-01.jsonl", "logs/papr.log", "cache/x"]
        {
            fs::create_dir_all(data.join(name).parent().unwrap()).unwrap();
            fs::write(data.join(name), "a secret").unwrap();
        }
        let profile = json!({"id": ACCOUNT, "base_url": "https://x", "key_digest": "", "signed_in_at": null});
        fs::write(data.join(SETTINGS_FILE), json!({"accounts": [profile]}).to_string()).unwrap();
        let keychain = InMemory::default();
        let key = Secret::parse("sk-0123456789abcdef".to_owned()).unwrap();
        keychain.set(&Slot::papr(ACCOUNT).unwrap(), &key).unwrap();
        keychain
    }

    fn open(data: &Path) -> Engine {
        Engine::open(Config::new(data, Resources::in_folder(Path::new("/nowhere")))).unwrap()
    }

    #[test]
    fn nothing_of_ours_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let keychain = lived_in(&data);
        let erased = everything_within(None, &data, &keychain).unwrap();
        assert_eq!((erased.keys, erased.left.as_slice(), erased.foreign.as_slice()), (1, &[][..], &[][..]));
        assert!(erased.files > 8 && erased.bytes > 1000, "{erased:?}");
        assert!(!data.exists(), "not even the folder");
        assert!(keychain.get(&Slot::papr(ACCOUNT).unwrap()).unwrap().is_none());
        assert_eq!(everything_within(None, &data, &keychain).unwrap(), Erased::default(), "once is enough");
    }

    #[test]
    fn what_is_not_ours_stays_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let keychain = lived_in(&data);
        let letters = [data.join("letter.txt"), data.join("memories/note.txt")];
        for path in &letters {
            fs::write(path, "dear").unwrap();
        }
        let erased = everything_within(None, &data, &keychain).unwrap();
        assert_eq!((erased.left.as_slice(), erased.foreign.as_slice()), (&[][..], &letters[..]));
        assert!(letters.iter().all(|path| path.exists()));
    }

    #[test]
    fn an_open_folder_and_one_that_is_away_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let keychain = lived_in(&data);
        let engine = open(&data);
        assert_eq!(everything_within(None, &data, &keychain).unwrap_err().code(), Code::StoreLocked);
        drop(engine);
        assert!(data.join(SETTINGS_FILE).exists(), "nothing was deleted");
        let usual = folder.path().join("usual");
        fs::create_dir(&usual).unwrap();
        let away = folder.path().join("away");
        let pointer = usual.join(pointer::FILE);
        fs::write(&pointer, json!({"folder": away}).to_string()).unwrap();
        let error = everything_within(Some(&usual), &away, &keychain).unwrap_err();
        assert!(matches!(error, Error::FolderAway { .. }) && pointer.exists());
        fs::write(&pointer, json!({"folder": data}).to_string()).unwrap();
        let erased = everything_within(Some(&usual), &data, &keychain).unwrap();
        assert!(erased.left.is_empty() && !data.exists() && !usual.exists(), "the pointer goes, too");
    }

    #[test]
    fn a_moved_models_folder_goes_only_if_nothing_else_is_in_it() {
        for (file, goes) in [(".m.lock", true), ("thesis.tex", false)] {
            let folder = tempfile::tempdir().unwrap();
            let (data, models) = (folder.path().join("data"), folder.path().join("models"));
            fs::create_dir_all(models.join("m")).unwrap();
            fs::write(models.join("m/manifest.json"), "{}").unwrap();
            fs::write(models.join(file), "").unwrap();
            fs::create_dir(&data).unwrap();
            fs::write(data.join(SETTINGS_FILE), json!({"models_folder": models}).to_string()).unwrap();
            let erased = everything_within(None, &data, &InMemory::default()).unwrap();
            assert_eq!(models.exists(), !goes, "{file}");
            assert_eq!(erased.foreign, if goes { vec![] } else { vec![models] });
        }
    }

    #[test]
    fn accounts_are_found_in_damaged_settings_too() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{{\"accounts\": [{{\"id\": \"{ACCOUNT}\", \"base_ur");
        fs::write(folder.path().join("settings.json.damaged"), text).unwrap();
        assert_eq!(accounts(&[folder.path()]), BTreeSet::from([ACCOUNT.to_owned()]));
    }
}
