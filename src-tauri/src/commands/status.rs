//! How the app is, and trying again.

use tauri::State;

use crate::app::App;
use crate::bridge::{AppError, Status};

/// Everything a window shows about the app.
#[tauri::command]
#[specta::specta]
pub(crate) async fn status(app: State<'_, App>) -> Result<Status, AppError> {
    Ok(app.status())
}

/// Opens the data folder and loads the model again, where they failed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry(app: State<'_, App>) -> Result<Status, AppError> {
    app.retry().await;
    Ok(app.status())
}
