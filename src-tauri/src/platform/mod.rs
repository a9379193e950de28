//! What one system does differently from the others.

#[cfg(target_os = "linux")]
mod linux;

use tauri::WebviewWindow;

/// Shows a window in front of all others and gives it the keyboard.
#[cfg(target_os = "linux")]
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    linux::present(window)
}

/// Shows a window in front of all others and gives it the keyboard.
#[cfg(not(target_os = "linux"))]
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    window.show().and_then(|()| window.set_focus())
}
