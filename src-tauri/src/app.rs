//! The app's state: the way to the engine, the searches under way, and what the windows are told.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use papr_engine::upkeep::{self, Backup};
use papr_engine::{Child, Code, Config, Engine, Error, Problem, Resources, SystemFacts};
use papr_memory::CancelToken;
use papr_memory::ports::SystemClock;
use tauri::async_runtime::{spawn, spawn_blocking};
use tauri::{AppHandle, Manager};
use tauri_plugin_autostart::ManagerExt;
use tauri_specta::Event;

use crate::bridge::{AppError, Shortcut, Status, StatusChanged};
use crate::door::{Door, State, lock};
use crate::platform::SystemNews;
use crate::settings::DesktopFile;
use crate::socket::Socket;
use crate::{erase, notify, strings, tray};

/// How long quitting may wait for what is under way.
const CLOSING: Duration = Duration::from_secs(2);

/// What all commands share.
pub(crate) struct App {
    handle: AppHandle,
    data_folder: Mutex<PathBuf>,
    desktop: DesktopFile,
    resources: Resources,
    door: Door,
    /// Where other processes ask for the engine, while it is open.
    socket: Socket,
    shortcut: Mutex<Shortcut>,
    /// What the windows were told last.
    told: Mutex<Option<Status>>,
    /// What the system told last.
    system: Mutex<SystemFacts>,
    /// The newest search of each window, while it is under way.
    searches: Mutex<HashMap<String, (u32, CancelToken)>>,
}

impl App {
    /// An app on this person's data folder, or on `PAPR_DATA_DIR`, which is still to be opened.
    pub(crate) fn new(handle: &AppHandle) -> Self {
        let data_folder = data_folder();
        Self {
            handle: handle.clone(),
            // What belongs to this desktop stays where the system keeps such things, wherever the memories are.
            desktop: DesktopFile::open(
                handle,
                &named_folder().or_else(papr_engine::default_data_folder).unwrap_or_default(),
            ),
            data_folder: Mutex::new(data_folder),
            resources: Resources::find(handle.path().resource_dir().ok().as_deref()),
            door: Door::opening(),
            socket: Socket::default(),
            shortcut: Mutex::default(),
            told: Mutex::default(),
            system: Mutex::default(),
            searches: Mutex::default(),
        }
    }

    /// Opens the data folder on a worker thread, which takes long after a hard stop, and tells the windows how
    /// it went.
    pub(crate) async fn open(&self) {
        let config = Config {
            child: Child::this_program().ok(),
            ..Config::new(self.data_folder(), self.resources.clone())
        };
        let opened = spawn_blocking(move || open(config)).await.unwrap_or_else(|error| Err(broken(&error)));
        let changes = opened.as_ref().ok().map(|engine| engine.watch());
        self.door.opened(opened);
        self.listen();
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
        self.take_no_more();
        self.door.close(CLOSING);
    }

    /// Cancels searches and commands of other processes, and takes no more of the latter.
    fn take_no_more(&self) {
        for (_, search) in lock(&self.searches).values() {
            search.cancel();
        }
        self.socket.stop();
    }

    /// Takes commands of other processes, if there is an engine for them.
    fn listen(&self) {
        if self.door.look(|state| matches!(state, State::Open(_))) {
            self.socket.listen(&self.handle, &self.data_folder());
        }
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
        let (folder, shortcut) = (self.data_folder().display().to_string(), lock(&self.shortcut).clone());
        self.door.look(|state| Status::new(state, folder, shortcut))
    }

    pub(crate) fn set_shortcut(&self, shortcut: Shortcut) {
        *lock(&self.shortcut) = shortcut;
        self.tell();
    }

    pub(crate) fn handle(&self) -> &AppHandle {
        &self.handle
    }

    /// What was chosen of the desktop's side.
    pub(crate) fn desktop(&self) -> &DesktopFile {
        &self.desktop
    }

    /// Where the memories are.
    pub(crate) fn data_folder(&self) -> PathBuf {
        lock(&self.data_folder).clone()
    }

    /// Moves everything that is in the data folder to `to`, and goes on there.
    pub(crate) async fn move_data(&self, to: PathBuf) -> Result<(), AppError> {
        let from = self.data_folder();
        let target = to.clone();
        let moved =
            self.with_data(move || papr_engine::move_data(&from, &target, &mut |_| {}, &CancelToken::new()));
        self.go_on(moved.await.map(|()| *lock(&self.data_folder) = to)).await
    }

    /// Puts a backup in place of all memories.
    pub(crate) async fn restore_backup(&self, name: String) -> Result<(), AppError> {
        let backups = self.with_engine(Engine::backups).await?;
        let named = |backup: &Backup| backup.path.file_name().is_some_and(|file| *file == *name);
        let Some(backup) = backups.into_iter().find(named) else {
            return Err(AppError::invalid(format!("there is no backup {name:?} any more")));
        };
        let data = self.data_folder();
        let restored =
            self.with_data(move || upkeep::restore_backup(&data, &backup.path, &SystemClock).map(drop));
        self.go_on(restored.await).await
    }

    /// Deletes all that the app ever kept. What the web view keeps goes when the app has ended.
    pub(crate) async fn erase(&self) -> Result<(), AppError> {
        let data = self.data_folder();
        let erased =
            self.with_data(move || papr_engine::erase::everything(&data, papr_engine::keychain().as_ref()));
        let left = match erased.await {
            Ok(erased) => erased.left,
            Err(error) => return self.go_on(Err(error)).await,
        };
        if !left.is_empty() {
            let what: Vec<_> = left.iter().map(ToString::to_string).collect();
            let strings = strings::now();
            let message = strings::fill(&strings.erase_left, &[("what", &what.join(", "))]);
            let hint = Some(strings.erase_left_hint.clone());
            return self.go_on(Err(AppError::refused(message, hint))).await;
        }
        let login = self.handle.autolaunch();
        if login.is_enabled().unwrap_or(false)
            && let Err(error) = login.disable()
        {
            tracing::warn!(%error, "the entry for start-up could not be removed");
        }
        let mut last = self.desktop.forget();
        self.door.close(CLOSING);
        last.extend(self.own_folders());
        erase::at_the_end(last);
        Ok(())
    }

    /// What the web view and the system's side of the app keep, as far as it is not in the data folder.
    pub(crate) fn web_folders(&self) -> Vec<PathBuf> {
        let data = self.data_folder();
        self.own_folders().into_iter().filter(|folder| !data.starts_with(folder)).collect()
    }

    /// Folders that are this app's alone, each once.
    fn own_folders(&self) -> Vec<PathBuf> {
        let path = self.handle.path();
        let folders =
            [path.app_data_dir(), path.app_local_data_dir(), path.app_config_dir(), path.app_cache_dir()];
        let mut own: Vec<PathBuf> = folders.into_iter().filter_map(Result::ok).collect();
        own.retain(|folder| folder.ends_with(papr_engine::APP_IDENTIFIER));
        own.sort();
        own.dedup();
        own
    }

    /// Runs `work` on the data folder while nobody has it open.
    async fn with_data<T, W>(&self, work: W) -> Result<T, AppError>
    where
        T: Send + 'static,
        W: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let handle = self.handle.clone();
        let done = spawn_blocking(move || {
            let app = handle.state::<App>();
            app.take_no_more();
            app.door.set_aside(CLOSING).inspect_err(|_| app.listen())?;
            app.tell();
            work().map_err(|error| AppError::from(Problem::from(&error)))
        });
        done.await.unwrap_or_else(|error| Err(AppError::internal(&error)))
    }

    /// Opens what was set aside, whether what was to be done to it went well or not.
    async fn go_on(&self, done: Result<(), AppError>) -> Result<(), AppError> {
        if self.door.look(|state| matches!(state, State::Opening(_))) {
            self.open().await;
        }
        done
    }

    /// Tells the windows how things are now.
    fn tell(&self) {
        let status = self.status();
        let before = lock(&self.told).replace(status.clone());
        if before.as_ref() == Some(&status) {
            return;
        }
        if let Some(news) = before.and_then(|before| notify::news(&before, &status, &strings::now())) {
            notify::tell(&self.handle, news);
        }
        if let Err(error) = StatusChanged(status).emit(&self.handle) {
            tracing::warn!(%error, "a change of status could not be told");
        }
        tray::update(&self.handle);
    }
}

/// Where the memories are: `PAPR_DATA_DIR`, or where this person's are.
pub(crate) fn data_folder() -> PathBuf {
    named_folder().or_else(papr_engine::data_folder).unwrap_or_default()
}

/// Whether a person chose this folder for good.
pub(crate) fn was_moved(data: &Path) -> bool {
    named_folder().is_none() && papr_engine::default_data_folder().as_deref() != Some(data)
}

/// The folder that was named for this run.
fn named_folder() -> Option<PathBuf> {
    std::env::var_os("PAPR_DATA_DIR").map(PathBuf::from)
}

fn open(config: Config) -> Result<Arc<Engine>, Problem> {
    let started = Engine::open(config).and_then(|engine| engine.start().map(|()| Arc::new(engine)));
    started.map_err(|error| Problem::from(&error))
}

/// Opening panicked.
fn broken(error: &tauri::Error) -> Problem {
    Problem { code: Code::Internal, message: error.to_string(), hint: None, retryable: true }
}
