//! What goes on behind the scenes: the index is read, the model is loaded, memories are embedded.
//!
//! Each is one function run on a thread of its own. They stop at the engine's stop token; nothing they hold
//! is lost by that, since all of it is derived.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr_memory::ports::{EmbedError, Embedder, Lane, Role, VectorRecord};
use papr_memory::{Memory, MemoryId};

use crate::engine::Shared;
use crate::{Code, Error, IndexState, ModelState, Problem, model};

/// Memories read from the store at a time; writers wait for one such page at most.
const PAGE: usize = 500;
/// Memories embedded between two writes to the store: few enough that a stop loses little work, enough that
/// a flush weighs nothing.
const EMBED_BATCH: usize = 64;

/// Memories that wait for their vectors, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<MemoryId>,
    unembeddable: BTreeSet<MemoryId>,
    stopped: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, ids: impl IntoIterator<Item = MemoryId>) {
        self.state().waiting.extend(ids);
        self.changed.notify_all();
    }

    /// Begins anew with `ids`.
    fn reset(&self, ids: Vec<MemoryId>) {
        let mut state = self.state();
        state.waiting = ids.into();
        state.unembeddable.clear();
        self.changed.notify_all();
    }

    /// How many cannot be embedded.
    pub(crate) fn unembeddable(&self) -> usize {
        self.state().unembeddable.len()
    }

    /// Forgets memories that are gone.
    pub(crate) fn forget(&self, ids: &[MemoryId]) {
        let mut state = self.state();
        state.waiting.retain(|id| !ids.contains(id));
        state.unembeddable.retain(|id| !ids.contains(id));
    }

    pub(crate) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    /// The next ids to embed; waits for some. `None` once the queue is stopped.
    fn take(&self, limit: usize) -> Option<Vec<MemoryId>> {
        let idle = |state: &mut QueueState| state.waiting.is_empty() && !state.stopped;
        let mut state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return None;
        }
        let count = limit.min(state.waiting.len());
        Some(state.waiting.drain(..count).collect())
    }

    /// Notes that `ids` were done, but for those that cannot be.
    fn done(&self, ids: &[MemoryId], unembeddable: Vec<MemoryId>) {
        let mut state = self.state();
        state.unembeddable.retain(|id| !ids.contains(id));
        state.unembeddable.extend(unembeddable);
    }

    fn put_back(&self, ids: &[MemoryId]) {
        let mut state = self.state();
        for &id in ids.iter().rev() {
            state.waiting.push_front(id);
        }
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
            if !catalog.contains(memory.id) {
                catalog.upsert(memory, false);
            }
        }
    }
    Ok(())
}

/// Loads the model, then its vectors, then embeds what has none, until the engine stops.
pub(crate) fn load_and_embed(shared: &Shared) {
    let started = Instant::now();
    let embedder = match model::load(shared) {
        Ok(embedder) => embedder,
        Err(error) => return fail(shared, &error),
    };
    let millis = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let mut stream = shared.status.subscribe();
    let indexed = pollster::block_on(stream.wait_for(|status| status.index != IndexState::Building));
    drop(indexed);
    if let Err(error) = read_vectors(shared, embedder.as_ref()) {
        return fail(shared, &error);
    }
    shared.model.set(embedder.clone());
    shared.publish(|status| {
        status.model.state = ModelState::Ready;
        status.model.load_ms = Some(millis);
    });
    while let Some(ids) = shared.queue.take(EMBED_BATCH) {
        shared.publish(|_| {});
        let done = embed(shared, embedder.as_ref(), &ids).or_else(|error| match error {
            Error::Embed(EmbedError::Run(_)) => embed_one_by_one(shared, embedder.as_ref(), &ids, error),
            error => Err(error),
        });
        match done {
            Ok(unembeddable) => {
                shared.queue.done(&ids, unembeddable);
                shared.publish(|_| {});
            }
            Err(error @ Error::Store(_)) => {
                // The disk's fault, not the model's: what has a vector is still found by meaning.
                tracing::error!(%error, "vectors cannot be kept");
                shared.queue.put_back(&ids);
                return shared.publish(|status| status.problem = Some(Problem::from(&error)));
            }
            Err(error) => {
                shared.queue.put_back(&ids);
                shared.model.clear();
                return fail(shared, &error);
            }
        }
    }
}

/// Finds out which texts of a failed batch the model cannot take. If it is all of them, it is the model.
fn embed_one_by_one(
    shared: &Shared,
    embedder: &dyn Embedder,
    ids: &[MemoryId],
    error: Error,
) -> Result<Vec<MemoryId>, Error> {
    let mut unembeddable = Vec::new();
    for &id in ids {
        match embed(shared, embedder, &[id]) {
            Ok(refused) => unembeddable.extend(refused),
            Err(Error::Embed(EmbedError::Run(_))) => unembeddable.push(id),
            Err(other) => return Err(other),
        }
    }
    if unembeddable.len() == ids.len() { Err(error) } else { Ok(unembeddable) }
}

fn fail(shared: &Shared, error: &Error) {
    if error.code() == Code::Cancelled {
        return; // The engine is stopping, and nobody failed.
    }
    tracing::error!(%error, "no search by meaning");
    shared.publish(|status| {
        status.model.state = ModelState::Failed;
        status.model.problem = Some(Problem::from(error));
    });
}

fn read_vectors(shared: &Shared, embedder: &dyn Embedder) -> Result<(), Error> {
    // Under the writer's lock: a vector must not meet a text that was edited since.
    let _writer = shared.writer();
    let mut catalog = shared.catalog_mut();
    catalog.use_space(embedder.space());
    let bad = shared.store.vectors(embedder.space(), &mut |id, vector| catalog.put_vector(id, &vector))?;
    if bad > 0 {
        tracing::warn!(bad, "vectors failed their checks and are made again");
    }
    shared.queue.reset(catalog.without_vector());
    Ok(())
}

/// Embeds these memories and keeps their vectors; returns those of which no good vector could be made.
fn embed(shared: &Shared, embedder: &dyn Embedder, ids: &[MemoryId]) -> Result<Vec<MemoryId>, Error> {
    let mut memories: Vec<Memory> = Vec::with_capacity(ids.len());
    for &id in ids {
        memories.extend(shared.store.get(id)?);
    }
    let texts: Vec<&str> = memories.iter().map(|memory| memory.content.as_str()).collect();
    let embedded = embedder.embed(&texts, Role::Document, Lane::Background, &shared.stop)?;
    let (mut records, mut unembeddable) = (Vec::with_capacity(memories.len()), Vec::new());
    for (memory, vector) in memories.into_iter().zip(embedded.vectors) {
        match vector {
            Ok(vector) => records.push(VectorRecord { id: memory.id, content: memory.content, vector }),
            Err(error) => {
                tracing::error!(id = %memory.id, %error, "a bad vector was refused");
                unembeddable.push(memory.id);
            }
        }
    }
    let _writer = shared.writer();
    let kept = shared.store.put_vectors(embedder.space(), &records)?;
    if kept < records.len() {
        // An edit since the texts were read has put its memory into the queue again.
        let mut current = Vec::with_capacity(kept);
        for record in records {
            if shared.store.get(record.id)?.is_some_and(|memory| memory.content == record.content) {
                current.push(record);
            }
        }
        records = current;
    }
    let mut catalog = shared.catalog_mut();
    for record in &records {
        catalog.put_vector(record.id, &record.vector);
    }
    Ok(unembeddable)
}
