//! Models: which there are, fetching, using and removing them, and the doctor.

use std::path::PathBuf;

use papr_engine::Error;
use papr_memory::CancelToken;
use tauri::State;

use crate::app::App;
use crate::bridge::{AppError, ModelInfo, Report, ServerSpace, ServerVectors};

/// All models: those that are there and those that could be.
#[tauri::command]
#[specta::specta]
pub(crate) async fn models(app: State<'_, App>) -> Result<Vec<ModelInfo>, AppError> {
    app.with_engine(|engine| Ok(engine.models()?.into_iter().map(Into::into).collect())).await
}

/// The hosts that fetching a model would contact.
#[tauri::command]
#[specta::specta]
pub(crate) async fn model_hosts(app: State<'_, App>, id: String) -> Result<Vec<String>, AppError> {
    app.with_engine(move |engine| engine.model_hosts(&id)).await
}

/// Begins to fetch and install a model, or goes on where it was paused or failed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn install_model(app: State<'_, App>, id: String) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.install_model(&id)).await
}

/// Pauses a download; what was fetched stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pause_download(app: State<'_, App>, id: String) -> Result<(), AppError> {
    app.with_engine(move |engine| {
        engine.pause_download(&id);
        Ok(())
    })
    .await
}

/// Gives a download up and deletes what was fetched.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_download(app: State<'_, App>, id: String) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.cancel_download(&id)).await
}

/// Makes a model the one that is searched with, once all memories have its vectors.
#[tauri::command]
#[specta::specta]
pub(crate) async fn use_model(app: State<'_, App>, id: String) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.use_model(&id)).await
}

/// Holds a change of model, or lets it go on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pause_switch(app: State<'_, App>, paused: bool) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.pause_switch(paused)).await
}

/// Deletes an installed model; thousands of bytes that are free again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_model(app: State<'_, App>, id: String) -> Result<u32, AppError> {
    let freed = app.with_engine(move |engine| engine.remove_model(&id)).await?;
    Ok(u32::try_from(freed / 1000).unwrap_or(u32::MAX))
}

/// Takes a model from a folder on this machine; its id. `id` says which one of the list the files are, where
/// they bring no manifest.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_model(
    app: State<'_, App>,
    path: String,
    id: Option<String>,
) -> Result<String, AppError> {
    app.with_engine(move |engine| {
        engine.import_model(&PathBuf::from(path), id.as_deref(), &CancelToken::new())
    })
    .await
}

/// Compares every byte of an installed model with its manifest.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_model(app: State<'_, App>, id: String) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.verify_model(&id, &CancelToken::new()).map(drop)).await
}

/// What there is of Papr's own vectors, and what they are good for.
#[tauri::command]
#[specta::specta]
pub(crate) async fn server_space(app: State<'_, App>) -> Result<ServerSpace, AppError> {
    app.with_engine(|engine| Ok(engine.server_space()?.into())).await
}

/// Chooses whether Papr's own vectors are fetched; a whole sync is asked for where they are to come and somebody is signed
/// in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_server_vectors(
    app: State<'_, App>,
    form: ServerVectors,
) -> Result<ServerSpace, AppError> {
    app.with_engine(move |engine| {
        engine.set_server_vectors(form.into())?;
        if form != ServerVectors::Off {
            match engine.ask_for_sync(true) {
                // They come with the next whole sync then.
                Ok(()) | Err(Error::SignedOut | Error::LocalOnly) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(engine.server_space()?.into())
    })
    .await
}

/// Measures anew whether the model in use makes the vectors that Papr made.
#[tauri::command]
#[specta::specta]
pub(crate) async fn match_server_space(app: State<'_, App>) -> Result<ServerSpace, AppError> {
    app.with_engine(|engine| {
        engine.match_server_space(&CancelToken::new())?;
        Ok(engine.server_space()?.into())
    })
    .await
}

/// Looks at everything the app needs.
#[tauri::command]
#[specta::specta]
pub(crate) async fn doctor(app: State<'_, App>) -> Result<Report, AppError> {
    app.with_engine(|engine| Ok(engine.doctor(&mut |_| {}, &CancelToken::new())?.into())).await
}
