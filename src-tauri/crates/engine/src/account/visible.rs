//! Whose memories are shown: those of no account, and those of the account that is signed in or was last.

use papr_memory::ports::{Store, StoreError};
use papr_memory::{Memory, MemoryId};

use crate::embedding::read_vectors;
use crate::engine::Shared;
use crate::{Engine, Error};

/// Memories looked at before others may write.
const PAGE: usize = 500;

impl Shared {
    /// Whether a memory may be shown, changed and counted.
    pub(crate) fn shows(&self, memory: &Memory) -> bool {
        memory.account.is_none() || memory.account == self.settings().account
    }

    /// The memory with this id, if it may be shown.
    pub(crate) fn shown(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        Ok(self.store.get(id)?.filter(|memory| self.shows(memory)))
    }

    /// The account that a new memory belongs to: none while signed out or local only, so that nothing that was written
    /// then is sent before a person has seen what it is.
    pub(crate) fn writes_for(&self) -> Option<String> {
        let settings = self.settings();
        let profile = settings.profile().filter(|profile| profile.signed_in_at.is_some());
        profile.filter(|_| !settings.local_only).map(|profile| profile.id.clone())
    }
}

impl Engine {
    /// Goes through all memories after another account is shown: what may be shown now comes into the catalogue, the
    /// rest goes out of it. Returns how many went.
    pub(crate) fn read_anew(&self) -> Result<usize, Error> {
        let shared = &self.shared;
        let (mut after, mut hidden) = (None, 0);
        loop {
            let writer = shared.writer();
            let page = shared.store.page(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            let mut catalog = shared.catalog_mut();
            for memory in &page {
                match (shared.shows(memory), catalog.contains(memory.id)) {
                    (true, false) => catalog.upsert(memory, false),
                    (false, there) => {
                        hidden += 1;
                        if there {
                            catalog.remove(memory.id);
                        }
                    }
                    (true, true) => {}
                }
            }
            drop((catalog, writer));
        }
        if let Some(embedder) = shared.model.get() {
            read_vectors(shared, embedder.as_ref())?;
        }
        shared.publish(|_| {});
        Ok(hidden)
    }
}
