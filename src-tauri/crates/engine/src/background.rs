//! What goes on behind the scenes: the index is read, the model is loaded, memories are embedded.
//!
//! Each is one function run on a thread of its own. They stop at the engine's stop token; nothing they hold
//! is lost by that, since all of it is derived.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr_memory::ports::{Embedder, Lane, Role, VectorRecord};
use papr_memory::{Memory, MemoryId};

use crate::engine::Shared;
use crate::{Error, IndexState, ModelState, Problem, model};

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
    in_work: usize,
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

    /// How many wait or are in work, and how many cannot be embedded.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len() + state.in_work, state.unembeddable.len())
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
        state.in_work = count;
        Some(state.waiting.drain(..count).collect())
    }

    fn done(&self, unembeddable: impl IntoIterator<Item = MemoryId>) {
        let mut state = self.state();
        state.in_work = 0;
        state.unembeddable.extend(unembeddable);
    }

    fn put_back(&self, ids: &[MemoryId]) {
        let mut state = self.state();
        state.in_work = 0;
        for &id in ids.iter().rev() {
            state.waiting.push_front(id);
        }
    }
}

/// Reads all memories into the catalogue, a page at a time.
pub(crate) fn read_index(shared: &Shared) {
    let result = read_pages(shared);
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
        match embed(shared, embedder.as_ref(), &ids) {
            Ok(unembeddable) => {
                shared.queue.done(unembeddable);
                shared.publish(|_| {});
            }
            Err(error) => {
                shared.queue.put_back(&ids);
                shared.model.clear();
                return fail(shared, &error);
            }
        }
    }
}

fn fail(shared: &Shared, error: &Error) {
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
