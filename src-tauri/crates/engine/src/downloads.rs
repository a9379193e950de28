//! Downloads of models, behind the scenes: begun, paused, let go on, given up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use papr_memory::CancelToken;
use papr_models::{Catalog, Hub, HubOptions, Observer, Phase, Progress};
use serde::{Deserialize, Serialize};

use crate::engine::Shared;
use crate::model::shelf;
use crate::{Code, Engine, Error, Problem};

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Download {
    /// The model's id.
    pub model: String,
    /// Whether it is under way.
    pub state: DownloadState,
    /// What is being done.
    pub phase: Phase,
    /// Bytes of this phase that are done.
    pub bytes_done: u64,
    /// Bytes of the whole model.
    pub bytes_total: u64,
    /// Smoothed speed; none until it is stable.
    pub bytes_per_second: Option<u64>,
    /// Seconds this phase will still take; none until that is stable.
    pub eta_s: Option<u32>,
    /// Why it stopped.
    pub problem: Option<Problem>,
}

/// Whether a download is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownloadState {
    /// Bytes come, or are compared.
    Running,
    /// It waits to be let go on; what was fetched is kept.
    Paused,
    /// It stopped by itself; what was fetched and is right is kept.
    Failed,
}

/// Those under way.
#[derive(Debug, Default)]
pub(crate) struct Downloads(Mutex<HashMap<String, Running>>);

#[derive(Debug)]
struct Running {
    cancel: CancelToken,
    /// Whether what was fetched is to be deleted once it has stopped.
    forget: Arc<AtomicBool>,
}

impl Downloads {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops all; what was fetched stays.
    pub(crate) fn stop(&self) {
        for running in self.lock().values() {
            running.cancel.cancel();
        }
    }
}

impl Engine {
    /// The hosts a download of this model would contact. Redirects of the hub may add those of its store of
    /// files.
    pub fn model_hosts(&self, id: &str) -> Result<Vec<String>, Error> {
        let catalog = Catalog::built_in()?;
        let entry = catalog.get(id).ok_or_else(|| Error::UnknownModel(id.to_owned()))?;
        entry.downloads()?;
        Ok(papr_models::hosts(entry, &hub(&self.shared)?))
    }

    /// Begins to fetch and install a model in the background, or goes on where it was paused or failed.
    pub fn install_model(&self, id: &str) -> Result<(), Error> {
        let catalog = Catalog::built_in()?;
        let entry = catalog.get(id).ok_or_else(|| Error::UnknownModel(id.to_owned()))?.clone();
        entry.downloads()?;
        let (cancel, forget) = (CancelToken::new(), Arc::new(AtomicBool::new(false)));
        {
            let mut running = self.shared.downloads.lock();
            if running.contains_key(id) {
                return Ok(());
            }
            running.insert(id.to_owned(), Running { cancel: cancel.clone(), forget: forget.clone() });
        }
        self.shared.may_connect()?;
        let total = entry.size.bytes;
        self.shared.publish(|status| {
            status.downloads.retain(|download| download.model != entry.id);
            status.downloads.push(Download::new(&entry.id, DownloadState::Running, total));
        });
        self.spawn_task("papr-install", move |shared| {
            let told = |progress: Progress| tell(shared, &entry.id, progress);
            let folder = shelf::folder(shared);
            let installed =
                hub(shared).and_then(|hub| Ok(papr_models::install(&entry, &hub, &folder, &told, &cancel)?));
            shared.downloads.lock().remove(&entry.id);
            end(shared, &entry.id, installed.map(drop), forget.load(Ordering::Relaxed));
        })
    }

    /// Pauses a download; what was fetched stays, also over restarts.
    pub fn pause_download(&self, id: &str) {
        if let Some(running) = self.shared.downloads.lock().get(id) {
            running.cancel.cancel();
        }
    }

    /// Gives a download up and deletes what was fetched.
    pub fn cancel_download(&self, id: &str) -> Result<(), Error> {
        if let Some(running) = self.shared.downloads.lock().get(id) {
            running.forget.store(true, Ordering::Relaxed);
            running.cancel.cancel();
            return Ok(());
        }
        end(&self.shared, id, Err(papr_memory::Cancelled.into()), true);
        Ok(())
    }

    /// Tells of downloads that an earlier run left unfinished.
    pub(crate) fn tell_unfinished(&self) {
        let Ok(catalog) = Catalog::built_in() else { return };
        let interrupted = papr_models::interrupted(&shelf::folder(&self.shared));
        self.shared.publish(|status| {
            for part in interrupted {
                let Some(entry) = catalog.get(&part.id) else { continue };
                if status.downloads.iter().all(|download| download.model != part.id) {
                    let mut download = Download::new(&part.id, DownloadState::Paused, entry.size.bytes);
                    download.bytes_done = part.bytes;
                    download.phase = Phase::Downloading;
                    status.downloads.push(download);
                }
            }
        });
    }
}

impl Download {
    fn new(model: &str, state: DownloadState, bytes_total: u64) -> Self {
        Self {
            model: model.to_owned(),
            state,
            phase: Phase::CheckingSpace,
            bytes_done: 0,
            bytes_total,
            bytes_per_second: None,
            eta_s: None,
            problem: None,
        }
    }
}

/// The hub, as the environment has it. What is asked of it stands in the ledger.
fn hub(shared: &Shared) -> Result<Hub, Error> {
    let options = HubOptions::from_variables(|name| std::env::var(name).ok());
    let ledger = Arc::clone(&shared.papr.ledger);
    let observer = Observer::new(move |exchange| ledger.downloaded(exchange));
    Ok(Hub::new(HubOptions { observer: Some(observer), ..options })?)
}

fn tell(shared: &Shared, id: &str, progress: Progress) {
    shared.publish(|status| {
        if let Some(download) = status.downloads.iter_mut().find(|download| download.model == id) {
            download.phase = progress.phase;
            download.bytes_done = progress.bytes_done;
            download.bytes_total = progress.bytes_total;
            download.bytes_per_second = progress.bytes_per_second;
            download.eta_s = progress.remaining.map(|left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX));
        }
    });
}

/// What is left of a download that has stopped: nothing if it is done or given up.
fn end(shared: &Shared, id: &str, outcome: Result<(), Error>, forget: bool) {
    if forget && let Err(error) = papr_models::forget(id, &shelf::folder(shared)) {
        tracing::warn!(%error, id, "what was fetched could not be deleted");
    }
    shared.publish(|status| {
        let Some(at) = status.downloads.iter().position(|download| download.model == id) else { return };
        match outcome {
            Ok(()) => drop(status.downloads.remove(at)),
            Err(_) if forget => drop(status.downloads.remove(at)),
            Err(error) => {
                let download = &mut status.downloads[at];
                (download.bytes_per_second, download.eta_s) = (None, None);
                if error.code() == Code::Cancelled {
                    download.state = DownloadState::Paused;
                } else {
                    download.state = DownloadState::Failed;
                    download.problem = Some(Problem::from(&error));
                }
            }
        }
    });
}
