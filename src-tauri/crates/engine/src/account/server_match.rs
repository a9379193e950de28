//! Whether a model here makes the vectors that Papr made, measured; only then are Papr's searched with it.
//!
//! A measurement holds for a model and for what came from Papr when it was made: whatever comes after is measured
//! anew. What is taken over is copied nowhere. It is read beside the model's own vectors, so that it is gone again with
//! the next reading if a measurement says otherwise, or if a person does not want it any more.

use std::collections::{BTreeMap, VecDeque};

use papr_embed::{Agreement, SpaceMatch};
use papr_memory::ports::{Embedder, Lane, Role, Store};
use papr_memory::{CancelToken, Dims, Memory, MemoryId, Space, Vector};
use serde::{Deserialize, Serialize};

use super::server_space::space;
use crate::embedding::read_vectors;
use crate::engine::Shared;
use crate::settings::ServerVectors;
use crate::{Engine, Error};

/// Memories by which the spaces are compared, half of them the oldest and half the newest.
const SAMPLE: usize = 8;
/// The note in the store that holds what is known.
const NOTE: &str = "server_space";

/// What is known of the vectors that came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) form: ServerVectors,
    pub(super) dims: Dims,
    /// By the fingerprint of a model's space.
    measured: BTreeMap<String, SpaceMatch>,
}

impl Known {
    /// Nothing is measured of what came just now.
    pub(super) fn new(form: ServerVectors, dims: Dims) -> Self {
        Self { form, dims, measured: BTreeMap::new() }
    }

    /// What there is, if it is of the form that is wanted.
    pub(super) fn of(shared: &Shared) -> Result<Option<Self>, Error> {
        let note = shared.store.note(NOTE)?;
        let known = note.and_then(|note| serde_json::from_slice::<Self>(&note).ok());
        let form = shared.settings().server_vectors;
        Ok(known.filter(|known| known.form == form))
    }

    pub(super) fn keep(&self, shared: &Shared) -> Result<(), Error> {
        Ok(shared.store.set_note(NOTE, Some(&serde_json::to_vec(self).unwrap_or_default()))?)
    }

    pub(super) fn forget(shared: &Shared) -> Result<(), Error> {
        Ok(shared.store.set_note(NOTE, None)?)
    }

    /// What was measured with the model of this space.
    pub(super) fn measured(&self, with: &Space) -> Option<SpaceMatch> {
        self.measured.get(with.fingerprint.as_str()).copied()
    }

    fn same(&self, with: &Space) -> bool {
        matches!(self.measured(with), Some(SpaceMatch::Same(_)))
    }

    fn space(&self) -> Option<Space> {
        space(self.form, self.dims)
    }
}

/// The space of Papr's vectors, if they are searched with the model of the space `with`.
pub(crate) fn taken_over(shared: &Shared, with: &Space) -> Result<Option<Space>, Error> {
    let known = Known::of(shared)?.filter(|known| known.dims == with.dims && known.same(with));
    Ok(known.and_then(|known| known.space()))
}

/// Measures with this model what was not measured yet; whether there was something to measure. A failure is logged, and
/// then nothing is taken over.
pub(crate) fn settle(shared: &Shared, embedder: &dyn Embedder) -> Result<bool, Error> {
    let with = embedder.space();
    let unmeasured =
        Known::of(shared)?.is_some_and(|known| known.dims == with.dims && known.measured(with).is_none());
    if unmeasured {
        match measure(shared, embedder, &shared.stop) {
            Ok(found) => {
                let found = found.map(|found| found.describe());
                tracing::info!(found, "Papr's vectors were compared with those of the model");
            }
            Err(error) => {
                tracing::warn!(%error, "Papr's vectors could not be compared with those of the model");
            }
        }
    }
    Ok(unmeasured)
}

/// The same for the model that serves; if something else is to be searched than was read, it is read anew.
pub(crate) fn settle_serving(shared: &Shared, embedder: &dyn Embedder) -> Result<(), Error> {
    let measured = settle(shared, embedder)?;
    let beside = taken_over(shared, embedder.space())?;
    let as_read = {
        let catalog = shared.catalog();
        catalog.vectors.as_ref().and_then(|vectors| vectors.beside.clone())
    };
    // What was measured just now came since it was read.
    if beside != as_read || (measured && beside.is_some()) {
        read_vectors(shared, embedder)?;
        shared.publish(|_| {});
    }
    Ok(())
}

/// Embeds a handful of memories anew, compares, and keeps the result. None if there is nothing to compare.
fn measure(
    shared: &Shared,
    embedder: &dyn Embedder,
    cancel: &CancelToken,
) -> Result<Option<SpaceMatch>, Error> {
    let with = embedder.space();
    let known = Known::of(shared)?.filter(|known| known.dims == with.dims);
    let Some(theirs) = known.and_then(|known| known.space()) else { return Ok(None) };
    let pairs = sample(shared, &theirs)?;
    let texts: Vec<&str> = pairs.iter().map(|(memory, _)| memory.content.as_str()).collect();
    let ours = embedder.embed(&texts, Role::Document, Lane::Background, cancel)?;
    let ours = ours.vectors.into_iter().collect::<Result<Vec<_>, _>>()?;
    let pairs: Vec<(&[f32], &[f32])> =
        ours.iter().zip(&pairs).map(|(ours, (_, theirs))| (ours.as_slice(), theirs.as_slice())).collect();
    let Ok(agreement) = Agreement::of(&pairs) else { return Ok(None) };
    let found = agreement.decide();
    // What was known may have changed meanwhile; then this says nothing.
    if let Some(mut known) = Known::of(shared)?.filter(|known| known.space().as_ref() == Some(&theirs)) {
        known.measured.insert(with.fingerprint.as_str().to_owned(), found);
        known.keep(shared)?;
    }
    Ok(Some(found))
}

/// The oldest and the newest memories that are shown and have a vector of Papr's.
fn sample(shared: &Shared, space: &Space) -> Result<Vec<(Memory, Vector)>, Error> {
    let (mut oldest, mut newest) = (Vec::new(), VecDeque::new());
    shared.store.vectors(space, &mut |id, vector| {
        if shared.catalog().contains(id) {
            if oldest.len() < SAMPLE / 2 {
                oldest.push((id, vector));
            } else {
                newest.push_back((id, vector));
                if newest.len() > SAMPLE / 2 {
                    newest.pop_front();
                }
            }
        }
    })?;
    let mut sample = Vec::with_capacity(SAMPLE);
    let found: Vec<(MemoryId, Vector)> = oldest.into_iter().chain(newest).collect();
    for (id, vector) in found {
        sample.extend(shared.shown(id)?.map(|memory| (memory, vector)));
    }
    Ok(sample)
}

impl Engine {
    /// Measures anew whether the model that serves makes the vectors that Papr made: embeds a handful of memories and
    /// compares. None if there is nothing to compare, or the lengths differ, so that it cannot be. From then on Papr's
    /// vectors are searched, or not searched any more, as it says.
    pub fn match_server_space(&self, cancel: &CancelToken) -> Result<Option<SpaceMatch>, Error> {
        let shared = &self.shared;
        let Some(embedder) = shared.model.get() else { return Ok(None) };
        let found = measure(shared, embedder.as_ref(), cancel)?;
        shared.queue.look_at_server();
        Ok(found)
    }
}
