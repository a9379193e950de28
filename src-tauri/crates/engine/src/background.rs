//! What goes on behind the scenes at the start: memories are read into the index.
//!
//! Work behind the scenes is a function run on a thread of its own. It stops at the engine's stop token; nothing
//! it holds is lost by that, since all of it is derived.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use papr_memory::ports::{Store, StoreError};

use crate::embedding::read_vectors;
use crate::engine::Shared;
use crate::{Error, IndexState, ModelState, Problem, upkeep};

/// Memories read from the store at a time; writers wait for one such page at most.
const PAGE: usize = 500;
/// How old the newest backup may be, in hours.
const BACKUP_HOURS: u32 = 24;

/// From now on this thread, and those it starts, make way for searches.
pub(crate) fn lower_priority() {
    if let Err(error) = thread_priority::ThreadPriority::Min.set_for_current() {
        tracing::debug!(?error, "the priority could not be lowered");
    }
}

/// Runs `work`; should it panic, what it was to do has failed, and nobody waits for it for ever.
pub(crate) fn guarded(shared: &Shared, work: fn(&Shared)) {
    if catch_unwind(AssertUnwindSafe(|| work(shared))).is_ok() {
        return;
    }
    tracing::error!("a worker thread panicked");
    let problem =
        || Some(Problem::from(&Error::Thread(io::Error::other("it stopped by a fault of this app"))));
    shared.publish(|status| {
        if status.index == IndexState::Building {
            status.index = IndexState::Failed;
            status.problem = problem();
        } else {
            status.model.state = ModelState::Failed;
            status.model.problem = problem();
        }
    });
}

/// Reads all memories into the catalogue, a page at a time; then, if the model was there first, their vectors.
pub(crate) fn read_index(shared: &Shared) {
    let vectors = || shared.model.get().map_or(Ok(()), |embedder| read_vectors(shared, embedder.as_ref()));
    let result = read_pages(shared).and_then(|()| vectors());
    shared.publish(|status| match &result {
        Ok(()) => status.index = IndexState::Ready,
        Err(error) => {
            status.index = IndexState::Failed;
            status.problem = Some(Problem::from(error));
        }
    });
    if result.is_ok() {
        back_up_if_due(shared);
    }
}

/// Makes a backup if the last one is a day old; the seven newest stay.
fn back_up_if_due(shared: &Shared) {
    let now = shared.clock.now();
    let made = match shared.store.backup_is_due(now, BACKUP_HOURS) {
        Ok(true) => shared.store.back_up(now, upkeep::BACKUPS_KEPT, &shared.stop).map(drop),
        other => other.map(drop),
    };
    match made {
        Ok(()) | Err(StoreError::Cancelled(_)) => {}
        Err(error) => tracing::error!(%error, "no backup could be made"),
    }
}

fn read_pages(shared: &Shared) -> Result<(), Error> {
    let mut after = None;
    while !shared.stop.is_cancelled() {
        // Under the writer's lock, so that no memory is deleted between being read and being indexed.
        let _writer = shared.writer();
        let page = shared.store.page(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        let mut catalog = shared.catalog_mut();
        for memory in &page {
            if shared.shows(memory) && !catalog.contains(memory.id) {
                catalog.upsert(memory, false);
            }
        }
    }
    Ok(())
}
