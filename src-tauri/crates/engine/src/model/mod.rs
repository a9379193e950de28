//! The model: found, checked, loaded, and how fast it has been lately.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use papr_embed::ModelEmbedder;
use papr_memory::ports::{Embedder, Store};
use papr_memory::{Fingerprint, Manifest};
use papr_models::InstalledModel;
use serde::{Deserialize, Serialize};

use crate::engine::Shared;
use crate::status::{ModelState, ModelStatus};
use crate::{Code, Error};

mod bench;
mod check;
mod devices;
mod forms;
mod load;
mod manage;
pub(crate) mod shelf;

pub use bench::{ModelSpeed, QuerySpeed};
pub(crate) use check::Reference;
pub use check::{Comparison, ModelCheck};
pub(crate) use devices::Devices;
pub(crate) use forms::ModelForms;
pub(crate) use load::{Way, load, load_anew, try_devices};
pub use manage::ModelInfo;

/// How many queries the percentiles look back on.
const WINDOW: usize = 128;

/// The loaded model, once there is one.
#[derive(Default)]
pub(crate) struct Model {
    serving: RwLock<Option<Serving>>,
    latencies: Mutex<VecDeque<Duration>>,
}

impl Model {
    /// What embeds queries.
    pub(crate) fn get(&self) -> Option<Arc<dyn Embedder>> {
        self.serving().map(|serving| serving.embedder as Arc<dyn Embedder>)
    }

    /// The model that serves, with all that is known of it.
    pub(crate) fn serving(&self) -> Option<Serving> {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, serving: &Serving) {
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Some(serving.clone());
    }

    pub(crate) fn clear(&self) {
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes how long a query took to embed.
    pub(crate) fn record(&self, latency: Duration) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if latencies.len() == WINDOW {
            latencies.pop_front();
        }
        latencies.push_back(latency);
    }

    /// The median and the 95th percentile over the last queries.
    pub(crate) fn percentiles(&self) -> Option<(Duration, Duration)> {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<Duration> = latencies.iter().copied().collect();
        drop(latencies);
        sorted.sort_unstable();
        Some((percentile(&sorted, 0.5)?, percentile(&sorted, 0.95)?))
    }
}

/// A model at work, and what it is.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) installed: InstalledModel,
    pub(crate) embedder: Arc<ModelEmbedder>,
    pub(crate) devices: Devices,
    /// What it was loaded with.
    pub(crate) way: Way,
    /// How long checking and loading took, in milliseconds.
    pub(crate) load_ms: u32,
}

impl Serving {
    pub(crate) fn manifest(&self) -> &Manifest {
        self.installed.manifest()
    }

    /// Writes what it is and how it runs into the status.
    pub(crate) fn tell(&self, status: &mut ModelStatus) {
        describe(status, self.manifest());
        status.state = ModelState::Ready;
        status.problem = None;
        status.load_ms = Some(self.load_ms);
        status.provider = Some(self.embedder.provider().to_owned());
        status.report = Some(self.embedder.report());
        status.sessions = Some(self.embedder.state());
    }
}

/// The note in the store that says whose vectors are searched.
const SERVING: &str = "serving";

#[derive(Serialize, Deserialize)]
struct ServingNote {
    model: String,
    space: Fingerprint,
}

/// Loads the model whose vectors are searched: the one that served last, so that a change of model that was
/// cut goes on where it was; the one that is wanted, if that cannot be loaded or none served yet.
pub(crate) fn load_serving(shared: &Shared) -> Result<Serving, Error> {
    let wanted = wanted(shared);
    let same = |last: &InstalledModel| {
        wanted.as_ref().is_ok_and(|wanted| wanted.manifest().space() == last.manifest().space())
    };
    if let Some(last) = last_serving(shared)?.filter(|last| !same(last)) {
        match load(shared, &last) {
            Err(error) if error.code() != Code::Cancelled => {
                tracing::warn!(%error, model = last.manifest().id, "the model that served last cannot be loaded");
            }
            loaded => return loaded,
        }
    }
    load(shared, &wanted?)
}

/// The model that served last, if it is still there as it was.
fn last_serving(shared: &Shared) -> Result<Option<InstalledModel>, Error> {
    let note = shared.store.note(SERVING)?;
    let Some(note) = note.and_then(|note| serde_json::from_slice::<ServingNote>(&note).ok()) else {
        return Ok(None);
    };
    let found = shelf::find(shared, &note.model).ok();
    Ok(found.filter(|installed| installed.manifest().space().fingerprint == note.space))
}

/// Keeps in mind whose vectors are searched.
pub(crate) fn note_serving(shared: &Shared, serving: &Serving) -> Result<(), Error> {
    let (model, space) = (serving.manifest().id.clone(), serving.embedder.space().fingerprint.clone());
    let note = serde_json::to_vec(&ServingNote { model, space }).unwrap_or_default();
    if shared.store.note(SERVING)?.as_deref() != Some(&note) {
        shared.store.set_note(SERVING, Some(&note))?;
    }
    Ok(())
}

/// The model the settings ask for.
pub(crate) fn wanted(shared: &Shared) -> Result<InstalledModel, Error> {
    let model = shared.settings().model.clone();
    shelf::find(shared, model.as_deref().unwrap_or(shelf::BUILT_IN))
}

fn describe(status: &mut ModelStatus, manifest: &Manifest) {
    status.id = Some(manifest.id.clone());
    status.name = Some(manifest.name.clone());
    status.dims = Some(manifest.recipe.dims.into());
    status.precision = Some(manifest.recipe.precision.to_string());
    status.fingerprint = Some(manifest.space().fingerprint.as_str().to_owned());
    status.license = Some(manifest.license.clone());
}

/// The value below which a `share` of the sorted values lies, by nearest rank.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=len, by the clamp
    let rank = (share * sorted.len() as f64).ceil().clamp(1.0, sorted.len().max(1) as f64) as usize;
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&values, 0.5), Some(50));
        assert_eq!(percentile(&values, 0.95), Some(95));
        assert_eq!(percentile(&values, 1.0), Some(100));
        assert_eq!(percentile::<u32>(&[], 0.5), None, "nothing measured, nothing told");
    }
}
