//! What sync changes: steps made from one view of the store, each checked against what is there by now, all in one
//! transaction with how far the account's sync has come.

use std::collections::BTreeSet;

use papr_memory::ports::{Store, StoreError, SyncStore};
use papr_memory::{AccountSync, CancelToken, Link, Memory, MemoryId, OutboxEntry, Over, RemoteId, SyncStep};
use sled::transaction::TransactionalTree;

use crate::change::{Outcome, View, refuse};
use crate::outbox::{self, Op, Step};
use crate::tree::Part;
use crate::{SledStore, id_of, links, moves, record};

/// Memories wiped in one transaction.
const BATCH: usize = 200;

/// A step with its bytes made.
struct Prepared<'a> {
    step: &'a SyncStep,
    link: Vec<u8>,
    memory: Option<Vec<u8>>,
}

impl<'a> Prepared<'a> {
    fn new(step: &'a SyncStep) -> Result<Self, StoreError> {
        let memory = match step {
            SyncStep::Take { memory, .. } => Some(record::encode(memory, None)?),
            _ => None,
        };
        Ok(Self { step, link: links::encode(step.link())?, memory })
    }

    /// Makes the step; returns whether it could be made.
    fn make(&self, trees: &View<'_>, account: &str, spaces: &BTreeSet<[u8; 8]>) -> Outcome<bool> {
        let link = self.step.link();
        if link.account != account {
            return Ok(false);
        }
        let done = match self.step {
            SyncStep::Note(link) => found(trees, link.id, account)?.is_some(),
            SyncStep::Take { memory, over, pending, .. } => {
                let value = self.memory.as_deref().unwrap_or_default();
                take(trees, account, Taken { memory, value, over: *over, pending: *pending }, spaces)?
            }
            SyncStep::Bury { rev, at, .. } => bury(trees, account, link.id, (*rev, *at), spaces)?,
            SyncStep::Acknowledge { rev, .. } => acknowledge(trees, link, *rev)?,
            SyncStep::Unlink { .. } => unlink(trees, link)?,
        };
        if done {
            trees.put(trees.links, &link.id.to_bytes(), &self.link)?;
        }
        Ok(done)
    }
}

/// The memory or tombstone of this id and account, and where it is.
fn found<'a>(
    trees: &View<'a>,
    id: MemoryId,
    account: &str,
) -> Outcome<Option<(&'a TransactionalTree, Memory)>> {
    for tree in [trees.memories, trees.tombstones] {
        if let Some(memory) = View::memory(tree, id)? {
            return Ok(Some((tree, memory)).filter(|(_, memory)| memory.account.as_deref() == Some(account)));
        }
    }
    Ok(None)
}

fn write(trees: &View<'_>, tree: &TransactionalTree, memory: &Memory) -> Outcome<()> {
    let value = record::encode(memory, memory.deleted_at).map_err(refuse)?;
    trees.put(tree, &memory.id.to_bytes(), &value)
}

/// What Papr is still to hear of this memory.
fn waiting(trees: &View<'_>, id: MemoryId) -> Outcome<Option<OutboxEntry>> {
    let value = trees.outbox.get(id.to_bytes())?;
    Ok(value.and_then(|value| outbox::decode(id, &value).ok()))
}

struct Taken<'a> {
    memory: &'a Memory,
    value: &'a [u8],
    over: Over,
    pending: bool,
}

fn take(
    trees: &View<'_>,
    account: &str,
    Taken { memory, value, over, pending }: Taken<'_>,
    spaces: &BTreeSet<[u8; 8]>,
) -> Outcome<bool> {
    let id = memory.id;
    let key = id.to_bytes();
    if memory.account.as_deref() != Some(account) || memory.deleted_at.is_some() {
        return Ok(false);
    }
    let alive = View::memory(trees.memories, id)?;
    let dead = View::memory(trees.tombstones, id)?;
    let kept = match over {
        Over::Nothing if alive.is_some() || dead.is_some() => return Ok(false),
        Over::Nothing => None,
        Over::Memory => alive,
        Over::Tombstone if alive.is_some() => return Ok(false),
        Over::Tombstone => dead,
    };
    match &kept {
        None if over != Over::Nothing => return Ok(false),
        Some(kept) if kept.rev + 1 != memory.rev || kept.account.as_deref() != Some(account) => {
            return Ok(false);
        }
        _ => {}
    }
    if let Some(kept) = &kept {
        if kept.content != memory.content {
            trees.drop_vectors(id, spaces)?;
        }
        moves::record(trees, kept, memory)?;
        trees.remove(trees.tombstones, &key)?;
    }
    trees.put(trees.memories, &key, value)?;
    let entry = OutboxEntry { id, op: Op::Upsert, rev: memory.rev };
    trees.tell_papr(id, if pending { Step::Put(entry) } else { Step::Remove })?;
    Ok(true)
}

fn bury(
    trees: &View<'_>,
    account: &str,
    id: MemoryId,
    (rev, at): (u64, jiff::Timestamp),
    spaces: &BTreeSet<[u8; 8]>,
) -> Outcome<bool> {
    let Some(mut memory) = View::memory(trees.memories, id)? else { return Ok(false) };
    if memory.rev != rev || memory.account.as_deref() != Some(account) {
        return Ok(false);
    }
    memory.deleted_at = Some(at);
    memory.remote = None;
    write(trees, trees.tombstones, &memory)?;
    trees.remove(trees.memories, &id.to_bytes())?;
    trees.drop_vectors(id, spaces)?;
    trees.tell_papr(id, Step::Remove)?;
    Ok(true)
}

fn acknowledge(trees: &View<'_>, link: &Link, rev: u64) -> Outcome<bool> {
    let Some((tree, mut memory)) = found(trees, link.id, &link.account)? else { return Ok(false) };
    memory.remote = link.remote.clone().map(|id| RemoteId {
        account: link.account.clone(),
        id,
        object_id: link.object_id.clone(),
    });
    write(trees, tree, &memory)?;
    let waiting = waiting(trees, link.id)?;
    if memory.deleted_at.is_some() {
        if waiting.is_none() {
            trees.tell_papr(link.id, outbox::after_delete(&memory))?;
        }
    } else if waiting.is_some_and(|entry| entry.op == Op::Upsert && entry.rev == rev) {
        trees.tell_papr(link.id, Step::Remove)?;
    }
    Ok(true)
}

fn unlink(trees: &View<'_>, link: &Link) -> Outcome<bool> {
    let Some((tree, mut memory)) = found(trees, link.id, &link.account)? else { return Ok(false) };
    memory.remote = None;
    write(trees, tree, &memory)?;
    let dead = memory.deleted_at.is_some();
    trees.tell_papr(link.id, if dead { Step::Remove } else { outbox::after_change(&memory) })?;
    Ok(true)
}

impl SyncStore for SledStore {
    fn memory(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.get(id)
    }

    fn memories(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError> {
        self.page(after, limit)
    }

    fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        SledStore::outbox(self)
    }

    fn outbox_entry(&self, id: MemoryId) -> Result<Option<OutboxEntry>, StoreError> {
        let value = self.read(&self.trees.outbox, &id.to_bytes())?;
        let entry = value.map(|value| outbox::decode(id, &value)).transpose();
        entry.map_err(|corrupt| StoreError::Damaged {
            what: format!("the outbox entry of memory {id} is not as it was written"),
            source: Some(corrupt.into()),
        })
    }

    fn tombstone(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        let value = self.read(&self.trees.tombstones, &id.to_bytes())?;
        value.map(|value| record::decode(id, &value)).transpose()
    }

    fn link(&self, id: MemoryId) -> Result<Option<Link>, StoreError> {
        self.link_of(id)
    }

    fn links(&self, account: &str) -> Result<Vec<Link>, StoreError> {
        self.links_of(account)
    }

    fn account_sync(&self, account: &str) -> Result<AccountSync, StoreError> {
        self.state_of(account)
    }

    fn apply(
        &self,
        account: &str,
        steps: &[SyncStep],
        state: Option<&AccountSync>,
    ) -> Result<Vec<MemoryId>, StoreError> {
        if steps.is_empty() && state.is_none() {
            return Ok(Vec::new());
        }
        let prepared = steps.iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
        let key = links::account_key(account);
        let state = state.map(|state| links::encode_account(account, state)).transpose()?;
        let mut writer = self.writer();
        let spaces = writer.spaces.clone();
        self.commit(&mut writer, |trees| {
            let mut left_out = Vec::new();
            for one in &prepared {
                if !one.make(trees, account, &spaces)? {
                    left_out.push(one.step.link().id);
                }
            }
            if let Some(state) = state.as_deref().filter(|_| left_out.is_empty()) {
                trees.put(trees.manifest, &key, state)?;
            }
            Ok(left_out)
        })
    }

    fn adopt(&self, account: &str, ids: &[MemoryId]) -> Result<Vec<Memory>, StoreError> {
        self.commit(&mut self.writer(), |trees| {
            let mut adopted = Vec::new();
            for &id in ids {
                let Some(mut memory) = View::memory(trees.memories, id)? else { continue };
                if memory.account.is_some() {
                    continue;
                }
                memory.account = Some(account.to_owned());
                memory.remote = None;
                memory.rev = memory.rev.saturating_add(1);
                write(trees, trees.memories, &memory)?;
                trees.tell_papr(id, outbox::after_change(&memory))?;
                adopted.push(memory);
            }
            Ok(adopted)
        })
    }

    fn wipe_account(&self, account: &str, cancel: &CancelToken) -> Result<Vec<MemoryId>, StoreError> {
        let mut wiped = Vec::new();
        for part in [Part::Memories, Part::Tombstones, Part::Links] {
            let ids = self.ids_of(account, part)?;
            for some in ids.chunks(BATCH) {
                cancel.check().map_err(StoreError::Cancelled)?;
                let mut writer = self.writer();
                let spaces = writer.spaces.clone();
                self.commit(&mut writer, |trees| {
                    for id in some {
                        let key = id.to_bytes();
                        for tree in [trees.memories, trees.tombstones, trees.outbox, trees.moves, trees.links]
                        {
                            trees.remove(tree, &key)?;
                        }
                        trees.drop_vectors(*id, &spaces)?;
                    }
                    Ok(())
                })?;
                if part == Part::Memories {
                    wiped.extend_from_slice(some);
                }
            }
        }
        let key = links::account_key(account);
        self.commit(&mut self.writer(), |trees| trees.remove(trees.manifest, &key))?;
        Ok(wiped)
    }
}

impl SledStore {
    /// The ids of an account's entries. A damaged one is nobody's: it stays where it is.
    fn ids_of(&self, account: &str, part: Part) -> Result<Vec<MemoryId>, StoreError> {
        let mut ids = Vec::new();
        for item in self.scan(self.trees.part(part).iter()) {
            let (key, value) = item?;
            let Some(id) = id_of(&key) else { continue };
            let of = if part == Part::Links {
                links::decode(id, &value).ok().map(|link| link.account)
            } else {
                record::decode(id, &value).ok().and_then(|memory| memory.account)
            };
            if of.as_deref() == Some(account) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}
