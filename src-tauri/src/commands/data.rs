//! Data on disk: how much, where, in and out, copies, and the end of it all.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use papr_engine::{Engine, Error};
use papr_memory::CancelToken;
use tauri::{AppHandle, Manager, State};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

use crate::app::App;
use crate::bridge::{AppError, Backup, Choose, Folder, Format, ImportPreview, Imported, Sizes, memory_ids};
use crate::{erase, log, strings};

/// What the app keeps on disk.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sizes(app: State<'_, App>) -> Result<Sizes, AppError> {
    let (folder, web) = (app.data_folder().display().to_string(), app.web_folders());
    app.with_engine(move |engine| {
        Ok(Sizes::new(folder, &engine.data_sizes()?, web.iter().map(|web| erase::size(web)).sum()))
    })
    .await
}

/// Shows a folder in the system's file manager.
#[tauri::command]
#[specta::specta]
pub(crate) async fn reveal(handle: AppHandle, app: State<'_, App>, folder: Folder) -> Result<(), AppError> {
    let folder = match folder {
        Folder::Data => app.data_folder(),
        Folder::Logs => log::folder(&app.data_folder()),
        Folder::Models => app.with_engine(|engine| Ok(engine.models_folder())).await?,
    };
    std::fs::create_dir_all(&folder).map_err(|error| AppError::internal(&error))?;
    handle
        .opener()
        .open_path(folder.to_string_lossy(), None::<&str>)
        .map_err(|error| AppError::internal(&error))
}

/// Moves everything into an empty folder, or one that is yet to be.
#[tauri::command]
#[specta::specta]
pub(crate) async fn move_data(app: State<'_, App>, folder: String) -> Result<(), AppError> {
    let to = PathBuf::from(folder);
    if !to.is_absolute() {
        return Err(AppError::refused(strings::now().folder_not_whole.clone(), None));
    }
    app.move_data(to).await
}

/// How the app is doing, to be sent to somebody: no memory, no key, nobody's name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn diagnostics(app: State<'_, App>) -> Result<String, AppError> {
    app.with_engine(Engine::diagnostics).await
}

/// Asks for a file or folder; nothing if the person chose none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose(
    handle: AppHandle,
    what: Choose,
    suggested: Option<String>,
) -> Result<Option<String>, AppError> {
    let chosen = tauri::async_runtime::spawn_blocking(move || {
        let mut dialog = handle.dialog().file();
        if let Some(window) = handle.get_webview_window("main") {
            dialog = dialog.set_parent(&window);
        }
        if let Some(suggested) = suggested {
            dialog = dialog.set_file_name(suggested);
        }
        match what {
            Choose::Import => dialog.blocking_pick_file(),
            Choose::Export => dialog.blocking_save_file(),
            Choose::Folder => dialog.blocking_pick_folder(),
        }
    });
    let chosen = chosen.await.map_err(|error| AppError::internal(&error))?;
    Ok(chosen.map(|path| path.to_string()))
}

/// Writes those memories, or all, to a file; returns how many.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_memories(
    app: State<'_, App>,
    path: String,
    format: Format,
    ids: Option<Vec<String>>,
) -> Result<u32, AppError> {
    let ids = ids.map(|ids| memory_ids(&ids)).transpose()?;
    app.with_engine(move |engine| {
        let exported = engine.export_to(format.into(), ids.as_deref(), Path::new(&path))?;
        Ok(u32::try_from(exported.memories).unwrap_or(u32::MAX))
    })
    .await
}

/// What importing a file would do. Changes nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_import(app: State<'_, App>, path: String) -> Result<ImportPreview, AppError> {
    app.with_engine(move |engine| {
        let path = Path::new(&path);
        let mut file = BufReader::new(File::open(path).map_err(file_error(path))?);
        Ok(engine.preview_import(&mut file, path)?.into())
    })
    .await
}

/// Imports a file of memories.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_memories(app: State<'_, App>, path: String) -> Result<Imported, AppError> {
    app.with_engine(move |engine| {
        let path = Path::new(&path);
        let mut file = BufReader::new(File::open(path).map_err(file_error(path))?);
        Ok(engine.import(&mut file, path, &CancelToken::new(), &mut |_| {})?.into())
    })
    .await
}

/// The copies of all memories that there are, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn backups(app: State<'_, App>) -> Result<Vec<Backup>, AppError> {
    app.with_engine(|engine| Ok(engine.backups()?.into_iter().map(Into::into).collect())).await
}

/// Makes a copy of all memories now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn back_up(app: State<'_, App>) -> Result<Backup, AppError> {
    app.with_engine(|engine| Ok(engine.back_up(&CancelToken::new())?.backup.into())).await
}

/// Puts a copy in place of all memories; what was there is set aside.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore_backup(app: State<'_, App>, name: String) -> Result<(), AppError> {
    app.restore_backup(name).await
}

/// Deletes all that the app ever kept, the key included, and quits.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_everything(
    handle: AppHandle,
    app: State<'_, App>,
    typed: String,
) -> Result<(), AppError> {
    if typed != erase::CONFIRMATION {
        return Err(AppError::refused(strings::now().not_confirmed.clone(), None));
    }
    app.erase().await?;
    handle.exit(0);
    Ok(())
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    |source| Error::File { path: path.to_owned(), source }
}
