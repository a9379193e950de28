//! What windows may do with windows, and with the system's browser.

use tauri::AppHandle;
use tauri_plugin_opener::OpenerExt;
use tauri_specta::Event;

use crate::bridge::{AppError, MainView, OpenMemory, OpenView};
use crate::{strings, windows};

/// Brings the main window to the front, with a memory if one is named; with `edit` in its form.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_main(app: AppHandle, id: Option<String>, edit: bool) -> Result<(), AppError> {
    windows::show_main(&app);
    let told = id.map_or(Ok(()), |id| OpenMemory { id, edit }.emit(&app));
    told.map_err(|error| AppError::internal(&error))
}

/// Brings the main window to the front, in one of its views.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_view(app: AppHandle, view: MainView) -> Result<(), AppError> {
    windows::show_main(&app);
    OpenView(view).emit(&app).map_err(|error| AppError::internal(&error))
}

/// Hides the quick window.
#[tauri::command]
#[specta::specta]
pub(crate) async fn hide_quick(app: AppHandle) -> Result<(), AppError> {
    windows::hide_quick(&app);
    Ok(())
}

/// Makes the quick window this many logical pixels high; its upper edge stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn resize_quick(app: AppHandle, height: u32) -> Result<(), AppError> {
    windows::resize_quick(&app, height).map_err(|error| AppError::internal(&error))
}

/// Opens a link of a memory's text in the system's browser.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_link(app: AppHandle, url: String) -> Result<(), AppError> {
    let parsed =
        tauri::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
    let Some(url) = parsed else {
        return Err(AppError::refused(strings::now().link_refused.clone(), None));
    };
    app.opener().open_url(url, None::<&str>).map_err(|error| AppError::internal(&error))
}
