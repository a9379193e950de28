//! The tray: open, quick search, quit. A desktop without one is no reason not to start.

use tauri::AppHandle;
use tauri::image::Image;
use tauri::menu::MenuBuilder;
use tauri::tray::TrayIconBuilder;

use crate::{strings, windows};

const OPEN: &str = "open";
const QUICK: &str = "quick";
const QUIT: &str = "quit";

#[cfg(target_os = "macos")]
const ICON: &[u8] = include_bytes!("../../icons/tray@2x.png");
#[cfg(not(target_os = "macos"))]
const ICON: &[u8] = include_bytes!("../../icons/tray-linux.png");

/// Builds the tray icon and its menu.
pub(crate) fn build(app: &AppHandle) {
    if let Err(error) = try_build(app) {
        tracing::warn!(%error, "there is no tray here");
    }
}

fn try_build(app: &AppHandle) -> tauri::Result<()> {
    let menu = MenuBuilder::new(app)
        .text(OPEN, strings::TRAY_OPEN)
        .text(QUICK, strings::TRAY_QUICK)
        .separator()
        .text(QUIT, strings::TRAY_QUIT)
        .build()?;
    TrayIconBuilder::with_id("papr")
        .icon(Image::from_bytes(ICON)?)
        .icon_as_template(true)
        .tooltip(strings::APP)
        .menu(&menu)
        .on_menu_event(|app, event| on_menu(app, event.id().as_ref()))
        .build(app)?;
    Ok(())
}

fn on_menu(app: &AppHandle, entry: &str) {
    match entry {
        OPEN => windows::show_main(app),
        QUICK => windows::toggle_quick(app),
        QUIT => app.exit(0),
        _ => {}
    }
}
