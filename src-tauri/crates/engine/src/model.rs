//! The model: found, checked, loaded, and how fast it has been lately.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use papr_embed::{EmbedOptions, OnnxEmbedder};
use papr_memory::Manifest;
use papr_memory::ports::Embedder;
use papr_models::{InstalledModel, find_models};

use crate::Error;
use crate::engine::Shared;
use crate::status::ModelStatus;

/// How many queries the percentiles look back on.
const WINDOW: usize = 128;

/// The loaded model, once there is one.
#[derive(Default)]
pub(crate) struct Model {
    embedder: RwLock<Option<Arc<dyn Embedder>>>,
    latencies: Mutex<VecDeque<Duration>>,
}

impl Model {
    pub(crate) fn get(&self) -> Option<Arc<dyn Embedder>> {
        self.embedder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, embedder: Arc<dyn Embedder>) {
        *self.embedder.write().unwrap_or_else(PoisonError::into_inner) = Some(embedder);
    }

    pub(crate) fn clear(&self) {
        *self.embedder.write().unwrap_or_else(PoisonError::into_inner) = None;
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

/// Finds the model, checks every byte of it, loads it and runs it once.
pub(crate) fn load(shared: &Shared) -> Result<Arc<dyn Embedder>, Error> {
    let resources = &shared.resources;
    let folder = find_models(&resources.folder)
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoModel(resources.models()))?;
    let installed = InstalledModel::open(&folder)?;
    let manifest = installed.manifest();
    shared.publish(|status| describe(&mut status.model, manifest));
    // Checking the bytes and loading them take a processor each for a fraction of a second; nothing is made
    // with the model before both are done.
    let (verified, loaded) = thread::scope(|scope| {
        let verifying = scope.spawn(|| installed.verify(&shared.stop));
        let loaded = OnnxEmbedder::load(
            &resources.runtime_library,
            manifest,
            &installed.model_path(),
            &installed.tokenizer_path(),
            &EmbedOptions::default(),
        );
        (verifying.join(), loaded)
    });
    verified.map_err(|_| Error::Thread(io::Error::other("checking the model's files stopped")))??;
    let embedder = loaded?;
    embedder.warm_up()?;
    shared.publish(|status| status.model.provider = Some(embedder.provider().to_owned()));
    Ok(Arc::new(embedder))
}

fn describe(status: &mut ModelStatus, manifest: &Manifest) {
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
