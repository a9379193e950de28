//! The app's state: the engine, or why there is none, and what the windows are told of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use papr_engine::{Config, Engine, Error, Problem, Resources};
use papr_memory::CancelToken;
use tauri::async_runtime::{spawn, spawn_blocking};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

use crate::bridge::{AppError, Shortcut, Status, StatusChanged};

/// What all commands share.
pub(crate) struct App {
    handle: AppHandle,
    data_folder: PathBuf,
    resources: Resources,
    engine: Mutex<Result<Arc<Engine>, Problem>>,
    shortcut: Mutex<Shortcut>,
    /// The newest search of each window, while it is under way.
    searches: Mutex<HashMap<String, (u32, CancelToken)>>,
}

impl App {
    /// Opens the engine on this person's data folder, or on `PAPR_DATA_DIR`. A failure is kept and shown.
    pub(crate) fn open(handle: &AppHandle) -> Self {
        let data_folder = std::env::var_os("PAPR_DATA_DIR")
            .map(PathBuf::from)
            .or_else(papr_engine::default_data_folder)
            .unwrap_or_default();
        let app = Self {
            handle: handle.clone(),
            data_folder,
            resources: Resources::find(handle.path().resource_dir().ok().as_deref()),
            engine: Mutex::new(Err(Problem::from(&Error::Cancelled(papr_memory::Cancelled)))),
            shortcut: Mutex::new(Shortcut::default()),
            searches: Mutex::default(),
        };
        app.keep(open(app.config()));
        app
    }

    /// Opens the engine if there is none, and starts whatever in it failed.
    pub(crate) async fn reopen(&self) {
        let (current, config) = (lock(&self.engine).clone(), self.config());
        let opening = spawn_blocking(move || match current {
            Ok(engine) => started(engine),
            Err(_) => open(config),
        });
        if let Ok(opened) = opening.await {
            self.keep(opened);
        }
    }

    fn config(&self) -> Config {
        Config::new(&self.data_folder, self.resources.clone())
    }

    /// Takes an engine into use, or the reason why there is none. An engine in use stays.
    fn keep(&self, opened: Result<Arc<Engine>, Problem>) {
        let mut slot = lock(&self.engine);
        if slot.is_err() {
            if let Ok(engine) = &opened {
                self.tell_changes(engine);
            }
            *slot = opened;
        }
    }

    /// Lets go of the engine; its workers stop and the data folder is free.
    pub(crate) fn close(&self) {
        let closed = Err(Problem::from(&Error::Cancelled(papr_memory::Cancelled)));
        let engine = std::mem::replace(&mut *lock(&self.engine), closed);
        // Outside the lock: the workers are waited for here.
        drop(engine);
    }

    /// Runs `work` with the engine on a worker thread.
    pub(crate) async fn with_engine<T, W>(&self, work: W) -> Result<T, AppError>
    where
        T: Send + 'static,
        W: FnOnce(&Engine) -> Result<T, Error> + Send + 'static,
    {
        let engine = lock(&self.engine).clone().map_err(AppError::from)?;
        let done =
            spawn_blocking(move || work(&engine).map_err(|error| AppError::from(Problem::from(&error))));
        done.await.unwrap_or_else(|error| Err(AppError::internal(&error)))
    }

    /// A token for search number `seq` of a window. Whichever of two searches under way has the lower number is
    /// cancelled, in whatever order they come.
    pub(crate) fn begin_search(&self, window: &str, seq: u32) -> CancelToken {
        let token = CancelToken::new();
        let mut searches = lock(&self.searches);
        match searches.get(window) {
            Some((newer, _)) if *newer > seq => token.cancel(),
            older => {
                if let Some((_, older)) = older {
                    older.cancel();
                }
                searches.insert(window.to_owned(), (seq, token.clone()));
            }
        }
        token
    }

    /// Notes that a search is done; a window that is loaded anew begins to count anew.
    pub(crate) fn end_search(&self, window: &str, seq: u32) {
        let mut searches = lock(&self.searches);
        if searches.get(window).is_some_and(|(newest, _)| *newest == seq) {
            searches.remove(window);
        }
    }

    /// Everything a window shows about the app.
    pub(crate) fn status(&self) -> Status {
        let engine = match &*lock(&self.engine) {
            Ok(engine) => Ok(engine.status()),
            Err(problem) => Err(problem.clone()),
        };
        Status::new(engine, self.data_folder.display().to_string(), lock(&self.shortcut).clone())
    }

    pub(crate) fn set_shortcut(&self, shortcut: Shortcut) {
        *lock(&self.shortcut) = shortcut;
    }

    /// Passes each change of the engine's status on to the windows.
    fn tell_changes(&self, engine: &Engine) {
        let (mut changes, handle) = (engine.watch(), self.handle.clone());
        spawn(async move {
            while changes.changed().await.is_ok() {
                let status = handle.try_state::<App>().map(|app| app.status());
                if let Some(Err(error)) = status.map(|status| StatusChanged(status).emit(&handle)) {
                    tracing::warn!(%error, "a change of status could not be told");
                }
            }
        });
    }
}

fn open(config: Config) -> Result<Arc<Engine>, Problem> {
    Engine::open(config).map(Arc::new).map_err(|error| Problem::from(&error)).and_then(started)
}

fn started(engine: Arc<Engine>) -> Result<Arc<Engine>, Problem> {
    engine.start().map_err(|error| Problem::from(&error))?;
    Ok(engine)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
