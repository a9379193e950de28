//! A store in memory, with the promises of the real one as plainly as they can be written: fast enough for thousands
//! of weeks. That it keeps the same as the real one is a test of its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use papr_memory::ports::{StoreError, SyncStore};
use papr_memory::{
    AccountSync, CancelToken, Link, Memory, MemoryId, Op, OutboxEntry, Over, RemoteId, SyncStep,
};

use super::device::Home;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    pub memories: BTreeMap<MemoryId, Memory>,
    pub tombstones: BTreeMap<MemoryId, Memory>,
    pub outbox: BTreeMap<MemoryId, OutboxEntry>,
    pub links: BTreeMap<MemoryId, Link>,
    pub accounts: BTreeMap<String, AccountSync>,
}

#[derive(Debug, Default)]
pub struct Shelf {
    kept: Mutex<Kept>,
    frozen: Mutex<Option<Kept>>,
    /// Writes of sync until the process dies.
    fuse: Mutex<Option<u32>>,
}

impl Shelf {
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// The process dies now: what comes later is not kept.
    pub fn freeze(&self) {
        let now = self.kept().clone();
        self.frozen.lock().unwrap().get_or_insert(now);
    }

    /// The process dies before its `count`-th write of sync, counted from 0.
    pub fn burn(&self, count: Option<u32>) {
        *self.fuse.lock().unwrap() = count;
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen.lock().unwrap().is_some()
    }

    /// The next process, on what the last one left.
    pub fn restart(&self) {
        self.burn(None);
        if let Some(frozen) = self.frozen.lock().unwrap().take() {
            *self.kept() = frozen;
        }
    }

    fn one_write_less(&self) {
        let left = *self.fuse.lock().unwrap();
        match left {
            Some(0) => self.freeze(),
            Some(left) => self.burn(Some(left - 1)),
            None => {}
        }
    }
}

impl Kept {
    /// A memory was added, changed or taken back.
    fn changed(&mut self, memory: Memory) {
        let (id, rev) = (memory.id, memory.rev);
        if memory.account.is_some() {
            self.outbox.insert(id, OutboxEntry { id, op: Op::Upsert, rev });
        }
        self.memories.insert(id, memory);
    }

    fn tell_of_deletion(&mut self, memory: &Memory) {
        let (id, rev) = (memory.id, memory.rev);
        if memory.account.is_some() && memory.remote.is_some() {
            self.outbox.insert(id, OutboxEntry { id, op: Op::Delete, rev });
        } else {
            self.outbox.remove(&id);
        }
    }

    fn of(&mut self, account: &str, id: MemoryId) -> Option<&mut Memory> {
        let found = self.memories.get_mut(&id).or_else(|| self.tombstones.get_mut(&id));
        found.filter(|memory| memory.account.as_deref() == Some(account))
    }

    fn step(&mut self, account: &str, step: &SyncStep) -> bool {
        let link = step.link();
        let id = link.id;
        let done = link.account == account
            && match step {
                SyncStep::Note(_) => self.of(account, id).is_some(),
                SyncStep::Take { memory, over, pending, .. } => self.take(account, memory, *over, *pending),
                SyncStep::Bury { rev, at, .. } => self.bury(account, id, *rev, *at),
                SyncStep::Acknowledge { rev, .. } => self.acknowledge(link, *rev),
                SyncStep::Unlink { .. } => self.unlink(account, id),
            };
        if done {
            self.links.insert(id, link.clone());
        }
        done
    }

    fn take(&mut self, account: &str, memory: &Memory, over: Over, pending: bool) -> bool {
        let id = memory.id;
        let (alive, dead) = (self.memories.get(&id), self.tombstones.get(&id));
        let fits = |kept: Option<&Memory>| {
            kept.is_some_and(|kept| kept.rev + 1 == memory.rev && kept.account.as_deref() == Some(account))
        };
        let fits = match over {
            Over::Nothing => alive.is_none() && dead.is_none(),
            Over::Memory => fits(alive),
            Over::Tombstone => alive.is_none() && fits(dead),
        };
        if !fits || memory.account.as_deref() != Some(account) || memory.deleted_at.is_some() {
            return false;
        }
        self.tombstones.remove(&id);
        self.memories.insert(id, memory.clone());
        if pending {
            self.outbox.insert(id, OutboxEntry { id, op: Op::Upsert, rev: memory.rev });
        } else {
            self.outbox.remove(&id);
        }
        true
    }

    fn bury(&mut self, account: &str, id: MemoryId, rev: u64, at: Timestamp) -> bool {
        let there = self.memories.get(&id);
        if !there.is_some_and(|memory| memory.rev == rev && memory.account.as_deref() == Some(account)) {
            return false;
        }
        let Some(mut memory) = self.memories.remove(&id) else { return false };
        (memory.deleted_at, memory.remote) = (Some(at), None);
        self.tombstones.insert(id, memory);
        self.outbox.remove(&id);
        true
    }

    fn acknowledge(&mut self, link: &Link, rev: u64) -> bool {
        let Some(memory) = self.of(&link.account, link.id) else { return false };
        memory.remote = link.remote.clone().map(|id| RemoteId {
            account: link.account.clone(),
            id,
            object_id: link.object_id.clone(),
        });
        let memory = memory.clone();
        let waiting = self.outbox.get(&link.id);
        if memory.deleted_at.is_some() {
            if waiting.is_none() {
                self.tell_of_deletion(&memory);
            }
        } else if waiting.is_some_and(|entry| entry.op == Op::Upsert && entry.rev == rev) {
            self.outbox.remove(&link.id);
        }
        true
    }

    fn unlink(&mut self, account: &str, id: MemoryId) -> bool {
        let Some(memory) = self.of(account, id) else { return false };
        memory.remote = None;
        let memory = memory.clone();
        if memory.deleted_at.is_some() {
            self.outbox.remove(&id);
        } else {
            self.changed(memory);
        }
        true
    }
}

impl Home for Shelf {
    fn insert(&self, memory: &Memory) {
        let mut kept = self.kept();
        let taken = kept.memories.contains_key(&memory.id) || kept.tombstones.contains_key(&memory.id);
        assert!(!taken, "{} is new", memory.id);
        kept.changed(memory.clone());
    }

    fn replace(&self, memory: &Memory) {
        let mut kept = self.kept();
        assert_eq!(kept.memories[&memory.id].rev + 1, memory.rev, "one revision after the other");
        kept.changed(memory.clone());
    }

    fn delete(&self, id: MemoryId, at: Timestamp) {
        let mut kept = self.kept();
        let mut memory = kept.memories.remove(&id).unwrap();
        memory.deleted_at = Some(at);
        kept.tell_of_deletion(&memory);
        kept.tombstones.insert(id, memory);
    }

    fn restore(&self, id: MemoryId, at: Timestamp) -> bool {
        let mut kept = self.kept();
        let Some(mut memory) = kept.tombstones.remove(&id) else { return false };
        memory.rev += 1;
        (memory.updated_at, memory.deleted_at) = (at, None);
        kept.changed(memory);
        true
    }
}

impl SyncStore for Shelf {
    fn memory(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        Ok(self.kept().memories.get(&id).cloned())
    }

    fn memories(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let later = |id: &MemoryId| after.is_none_or(|after| *id > after);
        let kept = self.kept();
        Ok(kept.memories.values().filter(|memory| later(&memory.id)).take(limit).cloned().collect())
    }

    fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        Ok(self.kept().outbox.values().copied().collect())
    }

    fn outbox_entry(&self, id: MemoryId) -> Result<Option<OutboxEntry>, StoreError> {
        Ok(self.kept().outbox.get(&id).copied())
    }

    fn tombstone(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        Ok(self.kept().tombstones.get(&id).cloned())
    }

    fn link(&self, id: MemoryId) -> Result<Option<Link>, StoreError> {
        Ok(self.kept().links.get(&id).cloned())
    }

    fn links(&self, account: &str) -> Result<Vec<Link>, StoreError> {
        let kept = self.kept();
        Ok(kept.links.values().filter(|link| link.account == account).cloned().collect())
    }

    fn account_sync(&self, account: &str) -> Result<AccountSync, StoreError> {
        Ok(self.kept().accounts.get(account).cloned().unwrap_or_default())
    }

    fn apply(
        &self,
        account: &str,
        steps: &[SyncStep],
        state: Option<&AccountSync>,
    ) -> Result<Vec<MemoryId>, StoreError> {
        self.one_write_less();
        let mut kept = self.kept();
        let mut left_out = Vec::new();
        for step in steps {
            if !kept.step(account, step) {
                left_out.push(step.link().id);
            }
        }
        if let Some(state) = state.filter(|_| left_out.is_empty()) {
            kept.accounts.insert(account.to_owned(), state.clone());
        }
        Ok(left_out)
    }

    fn adopt(&self, _: &str, _: &[MemoryId]) -> Result<Vec<Memory>, StoreError> {
        unimplemented!("nobody signs in during a week")
    }

    fn wipe_account(&self, _: &str, _: &CancelToken) -> Result<Vec<MemoryId>, StoreError> {
        unimplemented!("nobody signs out during a week")
    }
}
