//! The engine itself: what it owns, how it starts, how it stops.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use std::thread::{self, JoinHandle};

use papr_credentials::{Keychain, PAPR_MEMORY_API_KEY};
use papr_memory::ports::{Clock, CredentialStore, Store, SystemClock};
use papr_memory::{CancelToken, Memory, MemoryId};
use papr_store::{Child, Recovered, SledStore, open_or_recover};
use tokio::sync::watch;

use crate::account::{Papr, run_sync};
use crate::catalog::Catalog;
use crate::downloads::Downloads;
use crate::model::Model;
use crate::queue::Queue;
use crate::search::{Fusion, Rankings};
use crate::settings::{Loaded, SETTINGS_FILE};
use crate::{
    Error, IndexState, ModelState, Resources, Settings, Status, background, embedding, graphs, paths,
};

/// What an engine is opened with.
#[derive(Clone)]
pub struct Config {
    /// Where this person's data is; made if missing.
    pub data_folder: PathBuf,
    /// Where the runtime and the models are.
    pub resources: Resources,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where the Papr key is kept.
    pub keychain: Arc<dyn CredentialStore>,
    /// How meaning and words are weighed against each other.
    pub fusion: Fusion,
    /// What tries doubtful files first: this very program, if its `main` begins with [`crate::serve`].
    pub child: Option<Child>,
}

impl Config {
    /// Data in `data_folder`, resources as given, the system's clock and keychain, the measured weights.
    pub fn new(data_folder: impl Into<PathBuf>, resources: Resources) -> Self {
        Self {
            data_folder: data_folder.into(),
            resources,
            clock: Arc::new(SystemClock),
            keychain: keychain(),
            fusion: Fusion::default(),
            child: None,
        }
    }
}

/// The system's keychain, as far as it is this app's.
pub fn keychain() -> Arc<dyn CredentialStore> {
    Arc::new(Keychain::new(paths::APP_IDENTIFIER))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("data_folder", &self.data_folder)
            .field("resources", &self.resources)
            .field("fusion", &self.fusion)
            .finish_non_exhaustive()
    }
}

/// What the callers' threads and the workers share.
pub(crate) struct Shared {
    pub(crate) store: SledStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) resources: Resources,
    pub(crate) fusion: Fusion,
    pub(crate) model: Model,
    pub(crate) queue: Queue,
    pub(crate) downloads: Downloads,
    pub(crate) papr: Papr,
    pub(crate) rankings: Rankings,
    pub(crate) stop: CancelToken,
    pub(crate) data_folder: PathBuf,
    pub(crate) status: watch::Sender<Status>,
    catalog: RwLock<Catalog>,
    writer: Mutex<()>,
    settings: RwLock<Settings>,
    /// Where a settings file that could not be read was put when this was opened.
    pub(crate) settings_damaged: Option<PathBuf>,
}

impl Shared {
    pub(crate) fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The catalogue, if nobody changes it or waits to. For the threads of the pool: one that waited here could keep a
    /// search, which has the catalogue and waits for a thread, from ever ending.
    pub(crate) fn try_catalog(&self) -> Option<RwLockReadGuard<'_, Catalog>> {
        match self.catalog.try_read() {
            Ok(catalog) => Some(catalog),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(crate) fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One writer at a time: whoever holds this may change the store and, after it, the catalogue.
    pub(crate) fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the person chose.
    pub(crate) fn settings(&self) -> RwLockReadGuard<'_, Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the person chose: on disk first, then here.
    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<(), Error> {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = settings.clone();
        change(&mut changed);
        if changed != *settings {
            save_settings(&changed, &self.data_folder)?;
            *settings = changed;
        }
        Ok(())
    }

    /// Says that the model is being loaded, and tells how it was before; none if it is being loaded already, or is
    /// there. Whoever is told something loads it.
    pub(crate) fn claim_model(&self) -> Option<ModelState> {
        let mut claimed = None;
        self.publish(|status| {
            let before = status.model.state;
            if matches!(before, ModelState::Off | ModelState::Failed) {
                claimed = Some(before);
                status.model.state = ModelState::Loading;
                status.model.problem = None;
            }
        });
        claimed
    }

    /// Publishes a change of the status, with the counts as they now are.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut Status)) {
        // Counted while the status is held, so that of two publishers the later one tells the later counts.
        self.status.send_if_modified(|status| {
            let before = status.clone();
            let catalog = self.catalog();
            let (counts, samples) = (catalog.counts(), catalog.samples().len());
            let unembeddable = self.queue.unembeddable();
            let pending = counts.total().saturating_sub(catalog.embedded() + unembeddable);
            drop(catalog);
            *status = Status { counts, samples, pending, unembeddable, ..status.clone() };
            change(status);
            *status != before
        });
    }
}

/// An open data folder with everything that can be done with it.
///
/// [`Engine::open`] takes the folder's lock and opens the store, no more. [`Engine::start`] begins to read
/// the index and to load the model in the background. Dropping it stops the workers and frees the lock.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the data folder; makes it if it is missing.
    ///
    /// Fails if another process has it, if it holds something else, if it cannot be written to, or if the
    /// store in it is damaged beyond repair. In all these cases nothing in it was changed. What can be repaired
    /// is, and the status tells.
    pub fn open(config: Config) -> Result<Self, Error> {
        let store_folder = paths::store_folder(&config.data_folder)?;
        let child = config.child.map(|child| child.without(PAPR_MEMORY_API_KEY));
        let open = || open_or_recover(&store_folder, config.clock.now(), child.as_ref());
        let mut opened = open()?;
        let Loaded { mut settings, damaged: damaged_settings } = read_settings(&config.data_folder)?;
        if settings.compact_at_start {
            drop(opened.store);
            let compacted = papr_store::compact(&store_folder, config.clock.now(), &CancelToken::new());
            opened.store = open()?.store;
            match compacted {
                Ok(_) => {
                    settings.compact_at_start = false;
                    save_settings(&settings, &config.data_folder)?;
                }
                // Tried again at the next start; a full disk keeps nobody from their memories.
                Err(error) => tracing::warn!(%error, "what was wiped is still in the log"),
            }
        }
        let papr = Papr::new(config.keychain, &config.data_folder, &settings, config.clock.clone());
        let shared = Shared {
            store: opened.store,
            clock: config.clock,
            resources: config.resources,
            fusion: config.fusion,
            model: Model::default(),
            queue: Queue::default(),
            downloads: Downloads::default(),
            papr,
            rankings: Rankings::default(),
            stop: CancelToken::new(),
            status: watch::Sender::new(Status {
                recovered: told(opened.recovered, damaged_settings.as_deref()),
                ..Status::default()
            }),
            catalog: RwLock::default(),
            writer: Mutex::default(),
            settings: RwLock::new(settings),
            settings_damaged: damaged_settings,
            data_folder: config.data_folder,
        };
        Ok(Self { shared: Arc::new(shared), workers: Mutex::default() })
    }

    /// Begins, in the background, to read all memories into the index and to load the model. Starting again
    /// what runs or is complete does nothing; what failed is tried again.
    pub fn start(&self) -> Result<(), Error> {
        self.start_index()?;
        let claimed = self.shared.claim_model();
        if claimed.is_some() {
            self.shared.queue.pause(self.shared.settings().switch_paused);
            self.tell_unfinished();
            self.spawn("papr-model", embedding::run)?;
        }
        if claimed == Some(ModelState::Off) {
            self.spawn_task("papr-graphs", graphs::run)?;
            self.spawn_task("papr-sync", run_sync)?;
        }
        Ok(())
    }

    /// Begins to read all memories into the index, without a model: enough to list and to search by word.
    pub fn start_index(&self) -> Result<(), Error> {
        let mut read = false;
        self.shared.publish(|status| {
            read = matches!(status.index, IndexState::Off | IndexState::Failed);
            if read {
                status.index = IndexState::Building;
                status.problem = None;
            }
        });
        if read { self.spawn("papr-index", background::read_index) } else { Ok(()) }
    }

    /// Waits until the index is complete; fails with the reason if it will not be.
    pub fn wait_index(&self) -> Result<(), Error> {
        let status = self.wait_until(Status::index_is_done);
        match (status.index, status.problem) {
            (IndexState::Failed, Some(problem)) => Err(Error::Unavailable(Box::new(problem))),
            _ => Ok(()),
        }
    }

    /// Waits until the index and the model are each ready or failed, and tells the status then.
    pub fn wait_ready(&self) -> Status {
        self.wait_until(|status| status.index_is_done() && status.model_is_done())
    }

    /// Waits until `done` says so of the status.
    pub fn wait_until(&self, mut done: impl FnMut(&Status) -> bool) -> Status {
        let mut stream = self.watch();
        let reached = pollster::block_on(stream.wait_for(|status| done(status))).map(|status| status.clone());
        reached.unwrap_or_else(|_| self.status())
    }

    /// How things are.
    pub fn status(&self) -> Status {
        let mut status = self.shared.status.borrow().clone();
        if let Some((median, late)) = self.shared.model.percentiles() {
            status.model.p50_ms = Some(median.as_secs_f32() * 1000.0);
            status.model.p95_ms = Some(late.as_secs_f32() * 1000.0);
        }
        status
    }

    /// A stream of the status: the current one, and each change.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// The memory with this id.
    pub fn get(&self, id: MemoryId) -> Result<Memory, Error> {
        self.shared.shown(id)?.ok_or(Error::NotFound(id))
    }

    /// Bytes the store takes on disk.
    pub fn size_on_disk(&self) -> Result<u64, Error> {
        Ok(self.shared.store.size_on_disk()?)
    }

    fn spawn(&self, name: &str, work: fn(&Shared)) -> Result<(), Error> {
        self.spawn_task(name, move |shared| background::guarded(shared, work))
    }

    /// Runs `work` on a thread of its own, which is waited for when the engine ends.
    pub(crate) fn spawn_task(
        &self,
        name: &str,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let worker = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&shared))
            .map_err(Error::Thread)?;
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| !worker.is_finished());
        workers.push(worker);
        Ok(())
    }
}

fn read_settings(data_folder: &Path) -> Result<Loaded, Error> {
    let file = |source| Error::File { path: data_folder.join(SETTINGS_FILE), source };
    let loaded = Settings::load(data_folder).map_err(file)?;
    if let Some(aside) = &loaded.damaged {
        tracing::warn!(?aside, "the settings could not be read and were put aside; defaults hold");
    }
    Ok(loaded)
}

/// What was repaired or put aside at this start, for the person to read.
fn told(recovered: Option<Recovered>, settings: Option<&Path>) -> Option<String> {
    let settings = settings.map(|aside| {
        format!(
            "The settings could not be read and are back to their defaults. The file was kept as {}.",
            aside.display()
        )
    });
    let told: Vec<String> =
        recovered.map(|recovered| recovered.to_string()).into_iter().chain(settings).collect();
    (!told.is_empty()).then(|| told.join(" "))
}

fn save_settings(settings: &Settings, data_folder: &Path) -> Result<(), Error> {
    let file = |source| Error::File { path: data_folder.join(SETTINGS_FILE), source };
    settings.save(data_folder).map_err(file)
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.queue.stop();
        self.shared.downloads.stop();
        self.shared.papr.stop();
        // Wakes those that wait for a change.
        self.shared.status.send_modify(|_| {});
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
    }
}
