//! Settings as windows see them: the engine's and the desktop's in one shape.

use serde::{Deserialize, Serialize};
use specta::Type;

/// How a window looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as the names say
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// The language of windows and tray.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as the names say
pub enum Language {
    #[default]
    System,
    En,
    De,
}

/// What Enter does in the quick window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
pub enum OnEnter {
    /// Opens the memory in the main window.
    Open,
    /// Copies its text.
    Copy,
}

/// How the quick window behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct QuickSettings {
    /// What Enter does; with Ctrl or ⌘ it does the other.
    pub on_enter: OnEnter,
    /// Whether it stays when the focus goes elsewhere.
    pub stay_open: bool,
    /// Whether it is the field alone while nothing is typed.
    pub compact: bool,
    /// Whether the selected memory is shown in full beside the list.
    pub preview: bool,
}

/// What a person chose, and how it is in the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // each is one choice of a person's
pub struct Settings {
    /// Accelerator of the quick window, as in `CmdOrCtrl+Shift+Space`; none switches it off.
    pub shortcut: Option<String>,
    /// As the system has it; none where it cannot be told.
    pub launch_at_login: Option<bool>,
    /// Whether the app starts without its main window.
    pub start_hidden: bool,
    /// Whether closing the main window leaves the app running.
    pub close_to_tray: bool,
    /// Whether the app may show notifications.
    pub notifications: bool,
    /// Light or dark.
    pub theme: Theme,
    /// The language of windows and tray.
    pub language: Language,
    /// Rows of a page of results, 1 to 1,000.
    pub results: u32,
    /// How the quick window behaves.
    pub quick: QuickSettings,
    /// Whether what changed lately comes a little further up.
    pub recent_first: bool,
    /// Whether goals come a little further up.
    pub goals_first: bool,
    /// `auto`, or what is to run the model.
    pub device: String,
    /// What may be chosen here.
    pub devices: Vec<String>,
    /// After how many idle minutes the model leaves the memory; 0 means never.
    pub unload_minutes: u32,
    /// Minutes between two looks at Papr; 0 lets the app decide by what changes.
    pub sync_minutes: u32,
    /// What Papr's plan allows in a month.
    pub operations_per_month: u32,
    /// Whether nothing is sent to anybody or fetched from anywhere.
    pub local_only: bool,
    /// Days that the list of what left the device goes back.
    pub ledger_days: u32,
    /// Ids of memories that stand first in the quick window.
    pub pinned: Vec<String>,
    /// Whether the first steps were gone through or skipped.
    pub first_run_done: bool,
    /// A damaged file of settings was put aside here, and defaults hold.
    pub damaged: Option<String>,
}

/// What is to be another; what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)] // as in `Settings`
pub struct SettingsChange {
    /// Empty switches it off. Taken only if the system gives it.
    #[specta(optional)]
    pub shortcut: Option<String>,
    #[specta(optional)]
    pub launch_at_login: Option<bool>,
    #[specta(optional)]
    pub start_hidden: Option<bool>,
    #[specta(optional)]
    pub close_to_tray: Option<bool>,
    #[specta(optional)]
    pub notifications: Option<bool>,
    #[specta(optional)]
    pub theme: Option<Theme>,
    #[specta(optional)]
    pub language: Option<Language>,
    #[specta(optional)]
    pub results: Option<u32>,
    #[specta(optional)]
    pub quick: Option<QuickSettings>,
    #[specta(optional)]
    pub recent_first: Option<bool>,
    #[specta(optional)]
    pub goals_first: Option<bool>,
    #[specta(optional)]
    pub device: Option<String>,
    #[specta(optional)]
    pub unload_minutes: Option<u32>,
    #[specta(optional)]
    pub sync_minutes: Option<u32>,
    #[specta(optional)]
    pub operations_per_month: Option<u32>,
    #[specta(optional)]
    pub ledger_days: Option<u32>,
    #[specta(optional)]
    pub first_run_done: Option<bool>,
}
