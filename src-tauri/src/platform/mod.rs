//! What one system does differently from the others.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use papr_engine::SystemFacts;
use tauri::{AppHandle, Manager, WebviewWindow};

use crate::app::App;

/// What the system tells.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // only there is it asked; a window tells of the network too
pub(crate) enum SystemNews {
    /// How network and power are now.
    Facts(SystemFacts),
    /// The machine slept, and woke just now.
    Woke,
}

/// Passes on what the system tells of network, power and sleep, from now on. Call it on the main thread.
pub(crate) fn watch_system(app: &AppHandle) {
    let app = app.clone();
    let tell = move |news| app.state::<App>().tell_system(news);
    #[cfg(target_os = "linux")]
    linux::system::watch(tell);
    #[cfg(not(target_os = "linux"))]
    drop(tell);
}

/// Shows a window in front of all others and gives it the keyboard.
#[cfg(target_os = "linux")]
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    linux::window::present(window)
}

/// Shows a window in front of all others and gives it the keyboard.
#[cfg(not(target_os = "linux"))]
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    window.show().and_then(|()| window.set_focus())
}

/// Shows the quick window: above all others, and, where the system knows how, without making its app the active one.
#[cfg(target_os = "macos")]
pub(crate) fn present_over(window: &WebviewWindow) -> tauri::Result<()> {
    macos::present_over(window)
}

/// Shows the quick window: above all others, and, where the system knows how, without making its app the active one.
#[cfg(not(target_os = "macos"))]
pub(crate) fn present_over(window: &WebviewWindow) -> tauri::Result<()> {
    present(window)
}
