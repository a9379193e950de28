//! The global shortcut that toggles the quick window.

use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_global_shortcut::{Builder, GlobalShortcutExt, ShortcutState};

use crate::app::App;
use crate::bridge::Shortcut;
use crate::{strings, windows};

const KEYS: &str = "CmdOrCtrl+Shift+Space";
#[cfg(target_os = "macos")]
const SHOWN: &str = "⌘ ⇧ Space";
#[cfg(not(target_os = "macos"))]
const SHOWN: &str = "Ctrl + Shift + Space";

/// The plugin, with what the shortcut does.
pub(crate) fn plugin() -> TauriPlugin<Wry> {
    Builder::new()
        .with_handler(|app, _, event| {
            if event.state() == ShortcutState::Pressed {
                windows::toggle_quick(app);
            }
        })
        .build()
}

/// Takes the shortcut. If the system refuses, the app works without it and says so.
pub(crate) fn register(app: &AppHandle) {
    let problem = match app.global_shortcut().register(KEYS) {
        _ if on_wayland() => Some(strings::SHORTCUT_WAYLAND),
        Ok(()) => None,
        Err(error) => {
            tracing::warn!(%error, "the global shortcut was refused");
            Some(strings::SHORTCUT_TAKEN)
        }
    };
    app.state::<App>().set_shortcut(Shortcut {
        keys: SHOWN.to_owned(),
        registered: problem.is_none(),
        problem: problem.map(str::to_owned),
    });
}

/// Registering succeeds on Wayland and never fires.
fn on_wayland() -> bool {
    cfg!(target_os = "linux")
        && std::env::var_os("WAYLAND_DISPLAY").is_some()
        && std::env::var_os("GDK_BACKEND").is_none_or(|backend| backend != "x11")
}
