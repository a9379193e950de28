//! What a person chose.

use tauri::State;

use crate::app::App;
use crate::bridge::{AppError, Settings, SettingsChange, memory_id};
use crate::choices;

/// Everything that can be chosen, as it is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn settings(app: State<'_, App>) -> Result<Settings, AppError> {
    choices::read(&app).await
}

/// Changes some of it: all that is asked or nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_settings(
    app: State<'_, App>,
    change: SettingsChange,
) -> Result<Settings, AppError> {
    choices::change(&app, change).await
}

/// Puts a memory first in the quick window, or no more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pin(app: State<'_, App>, id: String, pinned: bool) -> Result<Settings, AppError> {
    let id = memory_id(&id)?.to_string();
    app.desktop().change(|desktop| desktop.pin(&id, pinned))?;
    choices::told(&app).await
}
