//! The store as sync sees it: what sync changes is in the catalogue when the call returns.

use papr_memory::ports::{Store, StoreError, SyncStore};
use papr_memory::{AccountSync, CancelToken, Link, Memory, MemoryId, OutboxEntry, Over, SyncStep};

use crate::engine::Shared;

/// Memories put into the catalogue before a search may come in between.
const BATCH: usize = 4;

/// The store, with the catalogue kept in step under the writer's lock.
pub(crate) struct Indexed<'a> {
    shared: &'a Shared,
}

impl<'a> Indexed<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// Takes what the steps changed into the catalogue. `same_text` are memories whose vectors stay right.
    fn index(&self, steps: &[&SyncStep], same_text: &[MemoryId]) {
        let shared = self.shared;
        let (mut taken, mut buried) = (Vec::new(), Vec::new());
        for steps in steps.chunks(BATCH) {
            let mut catalog = shared.catalog_mut();
            for step in steps {
                match step {
                    SyncStep::Take { memory, .. } => {
                        let same = same_text.contains(&memory.id);
                        catalog.upsert(memory, same);
                        if !same {
                            taken.push(memory.id);
                        }
                    }
                    SyncStep::Bury { link, .. } => {
                        catalog.remove(link.id);
                        buried.push(link.id);
                    }
                    SyncStep::Note(_) | SyncStep::Acknowledge { .. } | SyncStep::Unlink { .. } => {}
                }
            }
        }
        shared.queue.forget(&buried);
        shared.queue.push(taken);
    }
}

impl SyncStore for Indexed<'_> {
    fn memory(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.shared.store.memory(id)
    }

    fn memories(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError> {
        self.shared.store.memories(after, limit)
    }

    fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        self.shared.store.outbox()
    }

    fn outbox_entry(&self, id: MemoryId) -> Result<Option<OutboxEntry>, StoreError> {
        self.shared.store.outbox_entry(id)
    }

    fn tombstone(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.shared.store.tombstone(id)
    }

    fn link(&self, id: MemoryId) -> Result<Option<Link>, StoreError> {
        self.shared.store.link(id)
    }

    fn links(&self, account: &str) -> Result<Vec<Link>, StoreError> {
        self.shared.store.links(account)
    }

    fn account_sync(&self, account: &str) -> Result<AccountSync, StoreError> {
        self.shared.store.account_sync(account)
    }

    fn apply(
        &self,
        account: &str,
        steps: &[SyncStep],
        state: Option<&AccountSync>,
    ) -> Result<Vec<MemoryId>, StoreError> {
        let shared = self.shared;
        let _writer = shared.writer();
        let mut same_text = Vec::new();
        for step in steps {
            if let SyncStep::Take { memory, over: Over::Memory, .. } = step
                && shared.store.get(memory.id)?.is_some_and(|before| before.content == memory.content)
            {
                same_text.push(memory.id);
            }
        }
        let left_out = shared.store.apply(account, steps, state)?;
        let made: Vec<&SyncStep> = steps.iter().filter(|step| !left_out.contains(&step.link().id)).collect();
        self.index(&made, &same_text);
        shared.count_progress(&made);
        Ok(left_out)
    }

    fn adopt(&self, account: &str, ids: &[MemoryId]) -> Result<Vec<Memory>, StoreError> {
        let _writer = self.shared.writer();
        self.shared.store.adopt(account, ids)
    }

    fn wipe_account(&self, account: &str, cancel: &CancelToken) -> Result<Vec<MemoryId>, StoreError> {
        let shared = self.shared;
        let _writer = shared.writer();
        let wiped = shared.store.wipe_account(account, cancel)?;
        for ids in wiped.chunks(BATCH) {
            let mut catalog = shared.catalog_mut();
            for &id in ids {
                catalog.remove(id);
            }
        }
        shared.queue.forget(&wiped);
        Ok(wiped)
    }
}
