//! What a person chose of the desktop's side: shortcut, windows, looks. One file, `desktop.json` in the data folder,
//! through Tauri's store plugin; this app alone writes it.
//!
//! What the engine goes by (model, sync, local only, the accounts) is in the engine's own `settings.json`, which the
//! command line reads too and which is written so that a crash leaves it whole. The plugin's file is not, so nothing
//! is in it that could not be chosen again. Every default stands in this file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tauri::{AppHandle, Wry};
use tauri_plugin_store::{Store, StoreBuilder};

use crate::bridge::{AppError, Language, OnEnter, QuickSettings, Theme};
use crate::door::lock;

/// The file's name in the data folder.
pub(crate) const FILE: &str = "desktop.json";

/// What opens the quick window until something else is chosen.
pub(crate) const SHORTCUT: &str = "CmdOrCtrl+Shift+Space";

/// The most memories that can be pinned.
const PINS: usize = 50;

/// What can be chosen. Whatever is not in the file has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)] // each is one choice of a person's
pub(crate) struct Desktop {
    /// The version of this format.
    pub(crate) version: u32,
    /// Accelerator of the quick window; none switches it off.
    pub(crate) shortcut: Option<String>,
    pub(crate) start_hidden: bool,
    pub(crate) close_to_tray: bool,
    /// Whether it was said that closing leaves the app running.
    pub(crate) close_told: bool,
    pub(crate) notifications: bool,
    #[serde(deserialize_with = "known_or_default")]
    pub(crate) theme: Theme,
    #[serde(deserialize_with = "known_or_default")]
    pub(crate) language: Language,
    #[serde(deserialize_with = "known_or_default")]
    pub(crate) quick: QuickSettings,
    /// Ids of memories, the one pinned last first.
    pub(crate) pinned: Vec<String>,
    pub(crate) first_run_done: bool,
    /// What a newer version wrote.
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

impl Default for Desktop {
    fn default() -> Self {
        Self {
            version: 1,
            shortcut: Some(SHORTCUT.to_owned()),
            start_hidden: false,
            close_to_tray: true,
            close_told: false,
            notifications: true,
            theme: Theme::System,
            language: Language::System,
            quick: QuickSettings::default(),
            pinned: Vec::new(),
            first_run_done: false,
            other: Map::new(),
        }
    }
}

impl Default for QuickSettings {
    fn default() -> Self {
        Self { on_enter: OnEnter::Copy, stay_open: false, compact: false, preview: false }
    }
}

impl Desktop {
    /// Puts a memory first, or takes it away.
    pub(crate) fn pin(&mut self, id: &str, pinned: bool) {
        self.pinned.retain(|other| other != id);
        if pinned {
            self.pinned.insert(0, id.to_owned());
            self.pinned.truncate(PINS);
        }
    }
}

/// A choice that only another version knows is no reason to lose all others: what is missing or unknown has its default.
fn known_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Serialize + DeserializeOwned,
{
    let mut value = Value::deserialize(deserializer)?;
    if let (Value::Object(found), Ok(Value::Object(defaults))) =
        (&mut value, serde_json::to_value(T::default()))
    {
        for (key, default) in defaults {
            found.entry(key).or_insert(default);
        }
    }
    Ok(serde_json::from_value(value).unwrap_or_else(|error| {
        tracing::warn!(%error, "an unknown choice in the desktop's settings");
        T::default()
    }))
}

/// The file, and what it says.
pub(crate) struct DesktopFile {
    folder: PathBuf,
    store: Option<Arc<Store<Wry>>>,
    now: Mutex<Desktop>,
    /// A damaged file was put aside under this name.
    pub(crate) damaged: Option<PathBuf>,
}

impl DesktopFile {
    /// Reads the file in the data folder `data`. A damaged one is put aside; where none can be kept, choices hold
    /// until the app ends.
    pub(crate) fn open(app: &AppHandle, data: &Path) -> Self {
        let path = data.join(FILE);
        // The plugin would pass over a damaged file and write over it.
        let (now, damaged) = read(&path);
        let store = StoreBuilder::new(app, &path).disable_auto_save().build();
        if let Err(error) = &store {
            tracing::error!(%error, "the desktop's settings cannot be kept");
        }
        Self { folder: data.to_owned(), store: store.ok(), now: Mutex::new(now), damaged }
    }

    /// What holds now.
    pub(crate) fn get(&self) -> Desktop {
        lock(&self.now).clone()
    }

    /// Changes something: on disk first, then here.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Desktop)) -> Result<(), AppError> {
        let mut now = lock(&self.now);
        let mut changed = now.clone();
        change(&mut changed);
        if changed == *now {
            return Ok(());
        }
        if let Some(store) = &self.store {
            let Ok(Value::Object(entries)) = serde_json::to_value(&changed) else { return Ok(()) };
            for (key, value) in entries {
                store.set(key, value);
            }
            store.save().map_err(|error| AppError::not_kept(&error))?;
        }
        *now = changed;
        Ok(())
    }

    /// Never writes the file again; what there is of it, damaged ones included, to be deleted.
    pub(crate) fn forget(&self) -> Vec<PathBuf> {
        if let Some(store) = &self.store {
            store.close_resource();
        }
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        files
            .filter(|file| file.file_name().to_string_lossy().starts_with(FILE))
            .map(|file| file.path())
            .collect()
    }
}

fn read(path: &Path) -> (Desktop, Option<PathBuf>) {
    let Ok(bytes) = fs::read(path) else { return (Desktop::default(), None) };
    if let Ok(desktop) = serde_json::from_slice(&bytes) {
        return (desktop, None);
    }
    let name = |number: u32| path.with_file_name(format!("{FILE}.damaged-{number}"));
    let aside = (1..1000).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(1000));
    match fs::rename(path, &aside) {
        // Nobody who chose something is new here.
        Ok(()) => (Desktop { first_run_done: true, ..Desktop::default() }, Some(aside)),
        Err(error) => {
            tracing::error!(%error, "damaged settings cannot be put aside");
            (Desktop::default(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_unknown_has_its_default_and_newer_keys_stay() {
        let desktop: Desktop = serde_json::from_str(
            r#"{"theme": "sepia", "start_hidden": true, "quick": {"onEnter": "open"}, "later": 7}"#,
        )
        .unwrap();
        assert_eq!(desktop.theme, Theme::System, "a theme of another version is no damage");
        assert!(desktop.start_hidden, "what is known is taken");
        assert_eq!(desktop.quick.on_enter, OnEnter::Open);
        assert_eq!(desktop.shortcut.as_deref(), Some(SHORTCUT), "not in the file: the default");
        let again = serde_json::to_value(&desktop).unwrap();
        assert_eq!(again["later"], 7, "what a newer version knows is not thrown away");
    }

    #[test]
    fn no_shortcut_is_a_choice() {
        let desktop: Desktop = serde_json::from_str(r#"{"shortcut": null}"#).unwrap();
        assert_eq!(desktop.shortcut, None, "switched off is not the same as never chosen");
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(read(&path), (Desktop::default(), None), "none yet");
        for number in 1..=2 {
            fs::write(&path, "{ half").unwrap();
            let (desktop, aside) = read(&path);
            let aside = aside.unwrap();
            assert_eq!(desktop, Desktop { first_run_done: true, ..Desktop::default() });
            assert!(aside.to_string_lossy().ends_with(&format!("damaged-{number}")), "none is written over");
            assert_eq!(fs::read_to_string(aside).unwrap(), "{ half", "nothing of it is lost");
        }
    }

    #[test]
    fn the_newest_pin_is_first_and_none_stands_twice() {
        let mut desktop = Desktop::default();
        for id in ["a", "b", "a"] {
            desktop.pin(id, true);
        }
        assert_eq!(desktop.pinned, ["a", "b"]);
        desktop.pin("a", false);
        assert_eq!(desktop.pinned, ["b"]);
        (0..100).for_each(|number| desktop.pin(&number.to_string(), true));
        assert_eq!(desktop.pinned.len(), PINS, "a list of pins that grows without end helps nobody");
    }
}
