//! Where each memory's row stands.
//!
//! A map in shards, so that a snapshot shares all of it and a write copies the one shard it changes.

use std::collections::HashMap;
use std::sync::Arc;

use papr_memory::MemoryId;

use crate::id_hash::IdHash;

const SHARDS: usize = 256;

/// The part a row stands in, by the part's own number, and the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: u32,
    pub(super) row: u32,
}

type Shard = HashMap<MemoryId, Place, IdHash>;

#[derive(Clone, Debug)]
pub(super) struct Directory {
    shards: Vec<Arc<Shard>>,
    len: usize,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self { shards: vec![Arc::default(); SHARDS], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, id: MemoryId) -> Option<Place> {
        self.shards[shard(id)].get(&id).copied()
    }

    pub(super) fn insert(&mut self, id: MemoryId, place: Place) {
        let before = Arc::make_mut(&mut self.shards[shard(id)]).insert(id, place);
        self.len += usize::from(before.is_none());
    }

    pub(super) fn remove(&mut self, id: MemoryId) -> Option<Place> {
        let shard = &mut self.shards[shard(id)];
        shard.get(&id)?;
        self.len -= 1;
        Arc::make_mut(shard).remove(&id)
    }

    /// Bytes held, a byte of control an entry.
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self.shards.iter().map(|shard| shard.capacity()).sum();
        entries * (size_of::<(MemoryId, Place)>() + 1) + SHARDS * size_of::<Shard>()
    }
}

/// The last byte of an id is random.
fn shard(id: MemoryId) -> usize {
    usize::from(id.to_bytes()[15])
}
