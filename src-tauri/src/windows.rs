//! The two windows: how they are shown, where, and what closing means.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tauri::{AppHandle, Manager, PhysicalPosition, WebviewWindow, Window, WindowEvent};
use tauri_specta::Event;

use crate::bridge::QuickShown;
use crate::platform;

const MAIN: &str = "main";
const QUICK: &str = "quick";

/// A window that lost the focus this short a time ago lost it to the shortcut that is to toggle it.
const JUST_HIDDEN: Duration = Duration::from_millis(250);

static QUICK_HIDDEN_AT: Mutex<Option<Instant>> = Mutex::new(None);

/// Brings the main window to the front; the quick window, which lies above all others, makes way.
pub(crate) fn show_main(app: &AppHandle) {
    hide_quick(app);
    if let Some(window) = app.get_webview_window(MAIN) {
        tell(window.unminimize().and_then(|()| platform::present(&window)));
    }
}

/// Shows the quick window where the pointer is, or hides it if it is shown.
pub(crate) fn toggle_quick(app: &AppHandle) {
    let Some(window) = app.get_webview_window(QUICK) else { return };
    let just_hidden = hidden_at().is_some_and(|at| at.elapsed() < JUST_HIDDEN);
    if window.is_visible().unwrap_or(false) || just_hidden {
        hide_quick(app);
        return;
    }
    tell(place(&window).and_then(|()| platform::present(&window)));
    tell(QuickShown.emit(app));
}

/// Hides the quick window.
pub(crate) fn hide_quick(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(QUICK) {
        tell(window.hide());
    }
    set_hidden_at(None);
}

/// Closing a window hides it: the app stays in the tray and at the shortcut until it is quit there.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            tell(window.hide());
        }
        // A window that was just hidden loses the focus too, which is no news.
        WindowEvent::Focused(false) if window.label() == QUICK && window.is_visible().unwrap_or(true) => {
            tell(window.hide());
            set_hidden_at(Some(Instant::now()));
        }
        _ => {}
    }
}

/// Puts the window in the upper third of the monitor under the pointer. The position is worked out here:
/// centring a hidden GTK window misplaces it.
fn place(window: &WebviewWindow) -> tauri::Result<()> {
    let pointer = window.cursor_position()?;
    let Some(monitor) = window.monitor_from_point(pointer.x, pointer.y)?.or(window.primary_monitor()?) else {
        return Ok(());
    };
    let (area, size) = (monitor.work_area(), window.outer_size()?);
    let spare = |room: u32, taken: u32| i32::try_from(room.saturating_sub(taken)).unwrap_or(0);
    let x = area.position.x + spare(area.size.width, size.width) / 2;
    let y = area.position.y + spare(area.size.height, size.height) / 4;
    window.set_position(PhysicalPosition::new(x, y))
}

fn hidden_at() -> Option<Instant> {
    *QUICK_HIDDEN_AT.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn set_hidden_at(at: Option<Instant>) {
    *QUICK_HIDDEN_AT.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at;
}

/// A window that cannot be moved or shown is no reason to stop.
fn tell(result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a window did not do as it was told");
    }
}
