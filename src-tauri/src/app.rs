//! The app's state: the way to the engine, the searches under way, and what the windows are told.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use papr_engine::{Child, Code, Config, Engine, Error, Problem, Resources, SystemFacts};
use papr_memory::CancelToken;
use tauri::async_runtime::{spawn, spawn_blocking};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

use crate::bridge::{AppError, Shortcut, Status, StatusChanged};
use crate::door::{Door, State, lock};
use crate::platform::SystemNews;

/// How long quitting may wait for what is under way.
const CLOSING: Duration = Duration::from_secs(2);

/// What all commands share.
pub(crate) struct App {
    handle: AppHandle,
    data_folder: PathBuf,
    resources: Resources,
    door: Door,
    shortcut: Mutex<Shortcut>,
    /// What the system told last.
    system: Mutex<SystemFacts>,
    /// The newest search of each window, while it is under way.
    searches: Mutex<HashMap<String, (u32, CancelToken)>>,
}

impl App {
    /// An app on this person's data folder, or on `PAPR_DATA_DIR`, which is still to be opened.
    pub(crate) fn new(handle: &AppHandle) -> Self {
        let data_folder = std::env::var_os("PAPR_DATA_DIR")
            .map(PathBuf::from)
            .or_else(papr_engine::default_data_folder)
            .unwrap_or_default();
        Self {
            handle: handle.clone(),
            data_folder,
            resources: Resources::find(handle.path().resource_dir().ok().as_deref()),
            door: Door::opening(),
            shortcut: Mutex::default(),
            system: Mutex::default(),
            searches: Mutex::default(),
        }
    }

    /// Opens the data folder on a worker thread, which takes long after a hard stop, and tells the windows how
    /// it went.
    pub(crate) async fn open(&self) {
        let config = Config {
            child: Child::this_program().ok(),
            ..Config::new(&self.data_folder, self.resources.clone())
        };
        let opened = spawn_blocking(move || open(config)).await.unwrap_or_else(|error| Err(broken(&error)));
        let changes = opened.as_ref().ok().map(|engine| engine.watch());
        self.door.opened(opened);
        self.tell();
        let facts = *lock(&self.system);
        self.tell_system(SystemNews::Facts(facts));
        let (Some(mut changes), handle) = (changes, self.handle.clone()) else { return };
        spawn(async move {
            while changes.changed().await.is_ok() {
                handle.state::<App>().tell();
            }
        });
        let signs_in =
            self.with_engine(|engine| engine.sign_in_from_environment(&CancelToken::new()).map(drop));
        if let Err(error) = signs_in.await {
            tracing::warn!(error = error.message, "the key of the environment is not used");
        }
    }

    /// Opens the data folder again, or starts again what failed in the engine that there is.
    pub(crate) async fn retry(&self) {
        if self.door.try_again() {
            self.tell();
            self.open().await;
        } else if let Err(error) = self.with_engine(Engine::start).await {
            tracing::warn!(error = error.message, "the engine could not be started again");
        }
    }

    /// Lets go of the engine; its workers stop and the data folder is free.
    pub(crate) fn close(&self) {
        for (_, search) in lock(&self.searches).values() {
            search.cancel();
        }
        self.door.close(CLOSING);
    }

    /// Runs `work` with the engine on a worker thread; while the engine is being opened, once it is open.
    pub(crate) async fn with_engine<T, W>(&self, work: W) -> Result<T, AppError>
    where
        T: Send + 'static,
        W: FnOnce(&Engine) -> Result<T, Error> + Send + 'static,
    {
        let engine = self.door.engine().await?;
        let done =
            spawn_blocking(move || work(&engine).map_err(|error| AppError::from(Problem::from(&error))));
        done.await.unwrap_or_else(|error| Err(AppError::internal(&error)))
    }

    /// Passes on what the system tells; an engine that is yet to come is told once it is open.
    pub(crate) fn tell_system(&self, news: SystemNews) {
        if let SystemNews::Facts(facts) = news {
            *lock(&self.system) = facts;
        }
        self.door.look(|state| match (state, news) {
            (State::Open(engine), SystemNews::Facts(facts)) => engine.tell_system(facts),
            (State::Open(engine), SystemNews::Woke) => engine.tell_woke(),
            _ => {}
        });
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
        let (folder, shortcut) = (self.data_folder.display().to_string(), lock(&self.shortcut).clone());
        self.door.look(|state| Status::new(state, folder, shortcut))
    }

    pub(crate) fn set_shortcut(&self, shortcut: Shortcut) {
        *lock(&self.shortcut) = shortcut;
    }

    /// Tells the windows how things are now.
    fn tell(&self) {
        if let Err(error) = StatusChanged(self.status()).emit(&self.handle) {
            tracing::warn!(%error, "a change of status could not be told");
        }
    }
}

fn open(config: Config) -> Result<Arc<Engine>, Problem> {
    let started = Engine::open(config).and_then(|engine| engine.start().map(|()| Arc::new(engine)));
    started.map_err(|error| Problem::from(&error))
}

/// Opening panicked.
fn broken(error: &tauri::Error) -> Problem {
    Problem { code: Code::Internal, message: error.to_string(), hint: None, retryable: true }
}
