//! Settings: what a person chose, in one file of the data folder.
//!
//! `settings.json` is a flat JSON object, the layout of Tauri's store plugin, so that the window and the command
//! line use the very same file. Keys that this version does not know are kept as they are.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use papr_embed::DeviceChoice;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The file's name in the data folder.
pub const SETTINGS_FILE: &str = "settings.json";

/// The minutes that may be chosen between two looks at Papr; 0 besides.
pub(crate) const SYNC_MINUTES: RangeInclusive<u32> = 5..=1_440;

/// What a person may choose. Whatever is not in the file has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)] // each is one choice of a person's
pub struct Settings {
    /// The version of this format.
    pub version: u32,
    /// The id of the model to embed with; none means the built-in one.
    pub model: Option<String>,
    /// Where a person's own models are; none means in the data folder.
    pub models_folder: Option<PathBuf>,
    /// What is to run it.
    #[serde(deserialize_with = "known_or_auto")]
    pub device: DeviceChoice,
    /// After how many idle minutes the model leaves the memory; 0 means never.
    pub unload_minutes: u32,
    /// Whether a change of model waits.
    pub switch_paused: bool,
    /// The accounts whose memories are here.
    pub accounts: Vec<AccountProfile>,
    /// The one whose memories are shown; none before the first sign-in.
    pub account: Option<String>,
    /// Nothing is sent to anybody or fetched from anywhere.
    pub local_only: bool,
    /// Sync waits until a person lets it go on.
    pub sync_paused: bool,
    /// What Papr's plan allows in a calendar month; the free one 1,000.
    pub operations_per_month: u64,
    /// Minutes between two looks at Papr; 0 means the quieter it is, the rarer.
    pub sync_minutes: u32,
    /// What changed lately is raised a little in a ranking.
    pub recent_first: bool,
    /// Goals are raised a little in a ranking.
    pub goals_first: bool,
    /// How many results a page of a search has.
    pub results: u32,
    /// Whether the vectors that Papr made are fetched and kept too, and in what form.
    pub server_vectors: ServerVectors,
    /// How many days the ledger goes back.
    pub ledger_days: u32,
    /// An account was wiped: the store is written anew at the next start, so that nothing of it stays in the log.
    pub compact_at_start: bool,
    /// What a newer version wrote.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Papr's own vectors of memories: 2,560 numbers each, far more to fetch than the texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerVectors {
    /// They are not asked for.
    #[default]
    Off,
    /// As whole numbers, about 10 kB a memory.
    Int8,
    /// As floats, about 25 kB a memory.
    Float,
}

impl FromStr for ServerVectors {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "off" => Ok(Self::Off),
            "int8" => Ok(Self::Int8),
            "float" => Ok(Self::Float),
            _ => Err("say off, int8 or float".to_owned()),
        }
    }
}

/// An account at Papr. Its key is in the system's keychain, never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountProfile {
    /// The name that its memories are kept under; this app's, Papr tells none.
    pub id: String,
    /// Where Papr is.
    pub base_url: String,
    /// Tells whether a key is the one that was used last: SHA-256, in hexadecimal digits.
    pub key_digest: String,
    /// When somebody last signed in; none while signed out.
    pub signed_in_at: Option<Timestamp>,
}

impl Settings {
    /// The account whose memories are shown.
    pub fn profile(&self) -> Option<&AccountProfile> {
        let id = self.account.as_deref()?;
        self.accounts.iter().find(|profile| profile.id == id)
    }

    /// The time between two looks at Papr, if it was chosen; within its range, whatever the file says.
    pub(crate) fn sync_every(&self) -> Option<SignedDuration> {
        let minutes = self.sync_minutes.clamp(*SYNC_MINUTES.start(), *SYNC_MINUTES.end());
        (self.sync_minutes > 0).then(|| SignedDuration::from_mins(minutes.into()))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            model: None,
            models_folder: None,
            device: DeviceChoice::Auto,
            unload_minutes: 10,
            switch_paused: false,
            accounts: Vec::new(),
            account: None,
            local_only: false,
            sync_paused: false,
            operations_per_month: 1_000,
            sync_minutes: 0,
            recent_first: false,
            goals_first: false,
            results: 50,
            server_vectors: ServerVectors::Off,
            ledger_days: 90,
            compact_at_start: false,
            other: Map::new(),
        }
    }
}

/// Settings as they were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What holds now.
    pub settings: Settings,
    /// A damaged file was put aside under this name, and defaults hold instead of it.
    pub damaged: Option<PathBuf>,
}

impl Settings {
    /// The format this version writes.
    pub const VERSION: u32 = 1;

    /// Reads the settings in the data folder `data`. A file that cannot be understood is put aside, never
    /// overwritten; none at all means defaults.
    pub fn load(data: &Path) -> io::Result<Loaded> {
        let path = data.join(SETTINGS_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Loaded { settings: Self::default(), damaged: None });
            }
            Err(error) => return Err(error),
        };
        if let Ok(settings) = serde_json::from_slice(&bytes) {
            return Ok(Loaded { settings, damaged: None });
        }
        let aside = free_name(&path);
        fs::rename(&path, &aside)?;
        Ok(Loaded { settings: Self::default(), damaged: Some(aside) })
    }

    /// Writes the settings into the data folder `data`; a crash leaves the old file or the new one.
    pub fn save(&self, data: &Path) -> io::Result<()> {
        let path = data.join(SETTINGS_FILE);
        let part = data.join("settings.json.part");
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        let mut file = File::create(&part)?;
        file.write_all(&json)?;
        file.sync_all()?;
        fs::rename(&part, &path)
    }
}

/// A device that only another version knows is no reason to lose all other settings.
fn known_or_auto<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeviceChoice, D::Error> {
    let word = String::deserialize(deserializer)?;
    Ok(word.parse().unwrap_or_else(|error| {
        tracing::warn!(%error, "an unknown device in the settings");
        DeviceChoice::Auto
    }))
}

/// `settings.json.damaged`, or with a number behind it the first name that is free.
fn free_name(path: &Path) -> PathBuf {
    let name = |number: u32| {
        let suffix = if number == 0 { String::new() } else { format!("-{number}") };
        path.with_file_name(format!("{SETTINGS_FILE}.damaged{suffix}"))
    };
    (0..1000).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_and_unknown_keys_stay() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(data.path()).unwrap().settings, Settings::default(), "nothing chosen yet");
        fs::write(data.path().join(SETTINGS_FILE), r#"{"model": "m", "theme": "dark"}"#).unwrap();
        let mut settings = Settings::load(data.path()).unwrap().settings;
        assert_eq!(
            (settings.model.as_deref(), settings.unload_minutes),
            (Some("m"), 10),
            "the rest by default"
        );
        settings.device = DeviceChoice::Off;
        settings.save(data.path()).unwrap();
        let again = Settings::load(data.path()).unwrap();
        assert_eq!(again, Loaded { settings, damaged: None });
        assert_eq!(again.settings.other["theme"], "dark", "what another version knows is not thrown away");
    }

    #[test]
    fn an_unknown_device_is_no_damage() {
        let settings: Settings = serde_json::from_str(r#"{"device": "tpu", "unload_minutes": 3}"#).unwrap();
        assert_eq!((settings.device, settings.unload_minutes), (DeviceChoice::Auto, 3));
    }

    #[test]
    fn a_damaged_file_is_put_aside() {
        let data = tempfile::tempdir().unwrap();
        for expected in ["settings.json.damaged", "settings.json.damaged-1"] {
            fs::write(data.path().join(SETTINGS_FILE), "{ half").unwrap();
            let loaded = Settings::load(data.path()).unwrap();
            assert_eq!(loaded.settings, Settings::default());
            let aside = loaded.damaged.unwrap();
            assert_eq!(aside.file_name().unwrap(), expected);
            assert_eq!(fs::read_to_string(aside).unwrap(), "{ half", "as it was");
        }
    }
}
