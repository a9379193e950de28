//! The words of the tray and the system's own surfaces. What stands in windows is in `ui/src/strings`.

use std::io::Write;

pub(crate) const APP: &str = "Papr Desktop";
pub(crate) const TRAY_OPEN: &str = "Open Papr Desktop";
pub(crate) const TRAY_QUICK: &str = "Quick search";
pub(crate) const TRAY_QUIT: &str = "Quit";
pub(crate) const SHORTCUT_TAKEN: &str = "Another program has this shortcut";
pub(crate) const SHORTCUT_WAYLAND: &str =
    "Wayland lets no app take a shortcut by itself: start the app again to bring its window up";

/// Tells on standard error that there will be no window to tell it in.
pub(crate) fn tell_start_failed(error: &tauri::Error) {
    let _ = writeln!(std::io::stderr(), "{APP} could not start: {error}");
}
