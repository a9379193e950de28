//! What the quick window may do with windows.

use tauri::AppHandle;
use tauri_specta::Event;

use crate::bridge::{AppError, OpenMemory};
use crate::windows;

/// Brings the main window to the front, with a memory if one is named.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_main(app: AppHandle, id: Option<String>) -> Result<(), AppError> {
    windows::show_main(&app);
    id.map_or(Ok(()), |id| OpenMemory(id).emit(&app)).map_err(|error| AppError::internal(&error))
}

/// Hides the quick window.
#[tauri::command]
#[specta::specta]
pub(crate) async fn hide_quick(app: AppHandle) -> Result<(), AppError> {
    windows::hide_quick(&app);
    Ok(())
}
