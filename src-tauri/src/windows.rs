//! The two windows: how they are shown, where, and what closing means.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, LogicalSize, Manager, PhysicalPosition, WebviewWindow, Window, WindowEvent, Wry};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::Event;

use crate::app::App;
use crate::bridge::QuickShown;
use crate::door::lock;
use crate::{notify, platform};

const MAIN: &str = "main";
const QUICK: &str = "quick";

/// The least and greatest height of the quick window, in logical pixels.
const LOWEST: u32 = 48;
const HIGHEST: u32 = 800;

/// A window that lost the focus this short a time ago lost it to the shortcut that is to toggle it.
const JUST_LEFT: Duration = Duration::from_millis(250);

/// How it stands with the quick window. Kept here, because what the system says of a window lags behind what it
/// was told: of a window that is hidden and shown again at once, the loss of the focus may be heard of late.
#[derive(Clone, Copy)]
enum Quick {
    Hidden,
    /// Without the focus so far.
    Shown,
    Focused,
    /// Hidden because the focus went elsewhere.
    Left(Instant),
}

static QUICK_STATE: Mutex<Quick> = Mutex::new(Quick::Hidden);

/// The plugin that puts the main window where it was left.
pub(crate) fn kept_in_place() -> TauriPlugin<Wry> {
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::POSITION | StateFlags::SIZE | StateFlags::MAXIMIZED)
        .with_denylist(&[QUICK])
        .build()
}

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
    let mut quick = lock(&QUICK_STATE);
    *quick = match *quick {
        Quick::Shown | Quick::Focused => Quick::Hidden,
        Quick::Left(at) if at.elapsed() < JUST_LEFT => Quick::Hidden,
        Quick::Left(_) | Quick::Hidden => Quick::Shown,
    };
    let shown = matches!(*quick, Quick::Shown);
    drop(quick);
    if !shown {
        return tell(window.hide());
    }
    tell(place(&window).and_then(|()| platform::present_over(&window)));
    tell(QuickShown.emit(app));
}

/// Hides the quick window.
pub(crate) fn hide_quick(app: &AppHandle) {
    *lock(&QUICK_STATE) = Quick::Hidden;
    if let Some(window) = app.get_webview_window(QUICK) {
        tell(window.hide());
    }
}

/// Makes the quick window this many logical pixels high; its upper edge stays.
pub(crate) fn resize_quick(app: &AppHandle, height: u32) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(QUICK) else { return Ok(()) };
    let (place, size) = (window.outer_position()?, window.inner_size()?);
    let width = size.to_logical::<f64>(window.scale_factor()?).width;
    window.set_size(LogicalSize::new(width, f64::from(height.clamp(LOWEST, HIGHEST))))?;
    window.set_position(place)
}

/// Closing a window hides it: the app stays in the tray and at the shortcut until it is quit there, unless the person
/// wants closing the main window to be the end.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    let is_quick = window.label() == QUICK;
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            let app = window.app_handle();
            if is_quick {
                *lock(&QUICK_STATE) = Quick::Hidden;
            } else if app.state::<App>().desktop().get().close_to_tray {
                notify::tell_closed(app);
            } else {
                app.exit(0);
            }
            tell(window.hide());
        }
        WindowEvent::Focused(focused) if is_quick => quick_focused(window, *focused),
        _ => {}
    }
}

/// Hides the quick window once the focus that it had goes elsewhere.
fn quick_focused(window: &Window, focused: bool) {
    let mut quick = lock(&QUICK_STATE);
    match *quick {
        Quick::Shown if focused => *quick = Quick::Focused,
        Quick::Focused if !focused && stays_open(window) => {}
        Quick::Focused if !focused => {
            *quick = Quick::Left(Instant::now());
            drop(quick);
            tell(window.hide());
        }
        // News of before it was last shown or hidden.
        _ => {}
    }
}

fn stays_open(window: &Window) -> bool {
    window.app_handle().state::<App>().desktop().get().quick.stay_open
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

/// A window that cannot be moved or shown is no reason to stop.
fn tell(result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a window did not do as it was told");
    }
}
