//! Going over to another model: its space is built beside the one that serves, and takes its place when it is
//! complete. Until then nothing changes for searches, and going back costs nothing.
//!
//! Nothing of this is kept but the choice in the settings and the vectors themselves: after a restart, what is
//! missing is found out anew.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use papr_memory::ports::{Embedder, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::account::{server_match, server_space};
use crate::catalog::{Building, Vectors};
use crate::embedding::{EMBED_BATCH, Step, embed_what_can_be};
use crate::engine::Shared;
use crate::model::{self, Serving};
use crate::{Code, Error, Problem};

/// How much the newest batch counts in the pace that is told; the rest is what it was before.
const NEWEST: f64 = 0.2;

/// A change of model under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SwitchStatus {
    /// The id of the model that is to serve.
    pub model: String,
    /// Its name.
    pub name: String,
    /// Memories that have its vectors.
    pub done: usize,
    /// Memories there are.
    pub total: usize,
    /// Whether it waits to be let go on.
    pub paused: bool,
    /// Seconds it will take yet, once that can be told.
    pub eta_s: Option<u32>,
    /// Why it cannot go on.
    pub problem: Option<Problem>,
}

/// The next model, loaded, and how fast it embeds.
pub(crate) struct Switch {
    next: Serving,
    pace: Pace,
}

impl Switch {
    /// Begins what the settings ask for; none if the model that serves is the one that is wanted. A failure is
    /// told, and the model that serves goes on.
    pub(crate) fn begin(shared: &Shared, serving: &Serving) -> Option<Self> {
        let switch = Self::try_begin(shared, serving);
        switch.unwrap_or_else(|error| {
            fail(shared, &error);
            None
        })
    }

    fn try_begin(shared: &Shared, serving: &Serving) -> Result<Option<Self>, Error> {
        shared.catalog_mut().building = None;
        let wanted = match model::wanted(shared) {
            Ok(wanted) if wanted.manifest().space() == *serving.embedder.space() => {
                free_other_spaces(shared, serving);
                shared.publish(|status| status.switch = None);
                return Ok(None);
            }
            Ok(wanted) => wanted,
            Err(error) => return Err(error),
        };
        let manifest = wanted.manifest();
        shared.publish(|status| {
            let (model, name) = (manifest.id.clone(), manifest.name.clone());
            status.switch = Some(SwitchStatus { model, name, ..SwitchStatus::default() });
        });
        let next = model::load(shared, &wanted)?;
        server_match::settle(shared, next.embedder.as_ref())?;
        let beside = server_match::taken_over(shared, next.embedder.space())?;
        let mut have = HashSet::new();
        {
            let _writer = shared.writer();
            for space in [Some(next.embedder.space()), beside.as_ref()].into_iter().flatten() {
                shared.store.vectors(space, &mut |id, _| {
                    have.insert(id);
                })?;
            }
            shared.catalog_mut().build_space(next.embedder.space(), &have);
        }
        let switch = Self { next, pace: Pace::default() };
        switch.tell(shared);
        Ok(Some(switch))
    }

    /// Embeds one more batch, or ends the change if nothing is missing.
    pub(crate) fn step(mut self, shared: &Shared, serving: &Serving) -> Result<Step, Error> {
        let ids = {
            let catalog = shared.catalog();
            catalog.building.as_ref().map(|building| building.next(EMBED_BATCH)).unwrap_or_default()
        };
        if ids.is_empty() {
            return self.finish(shared, serving);
        }
        let started = Instant::now();
        let refused = embed_what_can_be(shared, self.next.embedder.as_ref(), &ids)?;
        self.pace.note(ids.len(), started.elapsed());
        if let Some(building) = &mut shared.catalog_mut().building {
            building.refuse(&refused);
        }
        self.tell(shared);
        Ok(Step::On(self))
    }

    /// The new space serves from now on; the old one's room is given back.
    fn finish(self, shared: &Shared, serving: &Serving) -> Result<Step, Error> {
        let Self { next, pace } = self;
        let space = next.embedder.space();
        {
            // Nobody writes from here on, so nothing can be added that the new space lacks.
            let writer = shared.writer();
            let beside = server_match::taken_over(shared, space)?;
            let (vectors, _) = Vectors::read(space, beside, &shared.store, |id| shared.catalog().place(id))?;
            let mut catalog = shared.catalog_mut();
            if catalog.building.as_ref().is_some_and(|building| building.missing() > 0) {
                drop((catalog, writer));
                return Ok(Step::On(Self { next, pace }));
            }
            model::note_serving(shared, &next)?;
            let refused = catalog.finish_building(vectors);
            shared.model.set(&next);
            shared.queue.reset(catalog.without_vector(), refused);
        }
        tracing::info!(from = serving.manifest().id, to = next.manifest().id, "another model serves");
        shared.publish(|status| next.tell(&mut status.model));
        free_other_spaces(shared, &next);
        shared.publish(|status| status.switch = None);
        Ok(Step::Done(next))
    }

    fn tell(&self, shared: &Shared) {
        let (missing, total) = {
            let catalog = shared.catalog();
            (catalog.building.as_ref().map_or(0, Building::missing), catalog.counts().total())
        };
        let manifest = self.next.manifest();
        let switch = SwitchStatus {
            model: manifest.id.clone(),
            name: manifest.name.clone(),
            done: total.saturating_sub(missing),
            total,
            paused: shared.queue.paused(),
            eta_s: self.pace.seconds_for(missing),
            problem: None,
        };
        shared.publish(|status| status.switch = Some(switch));
    }
}

/// Tells why a change of model stopped.
pub(crate) fn fail(shared: &Shared, error: &Error) {
    if error.code() == Code::Cancelled {
        return;
    }
    tracing::error!(%error, "the change of model stopped");
    shared.catalog_mut().building = None;
    shared.publish(|status| {
        let switch = status.switch.get_or_insert_default();
        switch.problem = Some(Problem::from(error));
    });
}

/// Gives back the room of spaces that nothing is searched in any more. What fails is done at the next start.
fn free_other_spaces(shared: &Shared, serving: &Serving) {
    let free = || -> Result<(), StoreError> {
        for info in shared.store.spaces()? {
            if info.space != *serving.embedder.space() && !server_space::is_one(&info.space) {
                shared.store.remove_space(&info.space, &shared.stop)?;
            }
        }
        Ok(())
    };
    if let Err(error) = free() {
        tracing::warn!(%error, "the room of old vectors is not free yet");
    }
}

/// Memories a second, smoothed.
#[derive(Debug, Default)]
struct Pace(Option<f64>);

impl Pace {
    fn note(&mut self, memories: usize, took: Duration) {
        let newest = memories as f64 / took.as_secs_f64().max(1e-6);
        self.0 = Some(self.0.map_or(newest, |before| NEWEST * newest + (1.0 - NEWEST) * before));
    }

    /// How long `memories` will take; nothing is told before anything was measured.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to what fits
    fn seconds_for(&self, memories: usize) -> Option<u32> {
        self.0.map(|pace| (memories as f64 / pace).ceil().clamp(0.0, f64::from(u32::MAX)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace() {
        let mut pace = Pace::default();
        assert_eq!(pace.seconds_for(100), None, "nothing measured, nothing told");
        pace.note(50, Duration::from_secs(1));
        assert_eq!(pace.seconds_for(100), Some(2));
        pace.note(50, Duration::from_secs(100));
        let slower = pace.seconds_for(100).unwrap();
        assert!((2..=4).contains(&slower), "one slow batch is not the end of the world: {slower}");
        assert_eq!(pace.seconds_for(0), Some(0));
    }
}
