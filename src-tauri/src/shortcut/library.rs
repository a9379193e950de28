//! Global shortcuts as `global-hotkey` takes them, by way of its plugin: macOS and Windows.

use tauri::AppHandle;
use tauri_plugin_global_shortcut::{Builder, GlobalShortcutExt, Shortcut as Keys, ShortcutState};

use crate::windows;

/// Makes ready for [`take`].
pub(super) fn begin(app: &AppHandle) -> Result<(), String> {
    let pressed = Builder::new().with_handler(|app, _, event| {
        if event.state() == ShortcutState::Pressed {
            windows::toggle_quick(app);
        }
    });
    app.plugin(pressed.build()).map_err(|error| error.to_string())
}

/// Whether these keys are taken by this app.
pub(super) fn holds(app: &AppHandle, keys: Keys) -> bool {
    app.global_shortcut().is_registered(keys)
}

/// Takes keys for this app. Why the system refuses is for the log.
pub(super) fn take(app: &AppHandle, keys: Keys) -> Result<(), String> {
    app.global_shortcut().register(keys).map_err(|error| error.to_string())
}

/// Lets go of keys.
pub(super) fn release(app: &AppHandle, keys: Keys) -> Result<(), String> {
    app.global_shortcut().unregister(keys).map_err(|error| error.to_string())
}
