//! What one system does differently from the others.

#[cfg(target_os = "linux")]
mod linux;

use tauri::WebviewWindow;

/// Shows a window in front of all others and gives it the keyboard.
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    linux::asked_for(window)?;
    window.show().and_then(|()| window.set_focus())
}
