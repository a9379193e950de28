//! Writing: add, edit, delete, take back. "Saved" is said when the store has flushed; a memory is then found
//! by word at once and by meaning moments later.

use std::collections::BTreeSet;
use std::sync::MutexGuard;

use jiff::Timestamp;
use papr_memory::ports::{Store, SyncStore};
use papr_memory::{Content, Memory, MemoryId, Source, Tier, TierSetter};
use serde::{Deserialize, Serialize};

use crate::{Engine, Error};

/// Memories moved in one transaction.
const MOVED_AT_ONCE: usize = 500;

/// A memory that is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMemory {
    /// 1 to 15,000 bytes of text.
    pub content: String,
    /// Where it belongs; among the memories if nothing is said.
    pub tier: Option<Tier>,
    /// Short subject words.
    pub topics: Vec<String>,
}

/// A change of a memory: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Another text.
    pub content: Option<String>,
    /// Another tier.
    pub tier: Option<Tier>,
    /// Other topics.
    pub topics: Option<Vec<String>>,
}

impl Engine {
    /// Keeps a new memory. On `Ok` it is on disk.
    pub fn add(&self, new: NewMemory) -> Result<Memory, Error> {
        let content = Content::new(new.content)?;
        let mut memory = Memory::new(content, new.tier.unwrap_or(Tier::Memories), self.shared.clock.now());
        memory.topics = tidy(new.topics);
        memory.account = self.shared.writes_for();
        self.insert(std::slice::from_ref(&memory))?;
        Ok(memory)
    }

    /// Changes a memory. With `rev`, only if it is still at that revision: what was changed meanwhile is not
    /// overwritten. A change of nothing makes no new revision.
    pub fn edit(&self, id: MemoryId, rev: Option<u64>, edit: Edit) -> Result<Memory, Error> {
        let content = edit.content.map(Content::new).transpose()?;
        let shared = &self.shared;
        let _writer = shared.writer();
        let before = self.get(id)?;
        if let Some(expected) = rev.filter(|&rev| rev != before.rev) {
            let found = before.rev;
            return Err(papr_memory::ports::StoreError::Conflict { id, expected, found }.into());
        }
        let mut after = before.clone();
        after.content = content.unwrap_or(after.content);
        after.topics = edit.topics.map_or(after.topics, tidy);
        if let Some(tier) = edit.tier.filter(|&tier| tier != before.tier) {
            after.tier = tier;
            after.tier_set_by = TierSetter::User;
        }
        if after == before {
            return Ok(before);
        }
        revise(&mut after, shared.clock.now());
        shared.store.replace(&after)?;
        let same_text = after.content == before.content;
        shared.catalog_mut().upsert(&after, same_text);
        if !same_text {
            shared.queue.push([id]);
        }
        shared.publish(|_| {});
        shared.papr.edited(shared.clock.now());
        Ok(after)
    }

    /// Puts memories into a tier, some hundreds in a transaction; returns how many stood in the other one. Unknown ones
    /// are passed over.
    pub fn move_to(&self, ids: &[MemoryId], tier: Tier) -> Result<usize, Error> {
        let shared = &self.shared;
        let ids: BTreeSet<MemoryId> = ids.iter().copied().collect();
        let ids: Vec<MemoryId> = ids.into_iter().collect();
        let mut moved = 0;
        for ids in ids.chunks(MOVED_AT_ONCE) {
            let _writer = shared.writer();
            let mut movers = Vec::with_capacity(ids.len());
            for &id in ids {
                let Some(mut memory) = shared.shown(id)?.filter(|memory| memory.tier != tier) else {
                    continue;
                };
                (memory.tier, memory.tier_set_by) = (tier, TierSetter::User);
                revise(&mut memory, shared.clock.now());
                movers.push(memory);
            }
            shared.store.replace_all(&movers)?;
            let mut catalog = shared.catalog_mut();
            for memory in &movers {
                catalog.upsert(memory, true);
            }
            moved += movers.len();
        }
        if moved > 0 {
            shared.publish(|_| {});
            shared.papr.edited(shared.clock.now());
        }
        Ok(moved)
    }

    /// Deletes memories; returns those that were there. [`Engine::restore`] takes them back.
    pub fn delete(&self, ids: &[MemoryId]) -> Result<Vec<Memory>, Error> {
        let shared = &self.shared;
        let _writer = shared.writer();
        let mut shown = Vec::with_capacity(ids.len());
        for &id in ids {
            shown.extend(shared.shown(id)?.map(|memory| memory.id));
        }
        let deleted = shared.store.delete(&shown, shared.clock.now())?;
        let mut catalog = shared.catalog_mut();
        for memory in &deleted {
            catalog.remove(memory.id);
        }
        drop(catalog);
        shared.queue.forget(ids);
        shared.publish(|_| {});
        shared.papr.edited(shared.clock.now());
        Ok(deleted)
    }

    /// Takes deleted memories back; returns those that came back.
    pub fn restore(&self, ids: &[MemoryId]) -> Result<Vec<Memory>, Error> {
        let shared = &self.shared;
        let _writer = shared.writer();
        let mut shown = Vec::with_capacity(ids.len());
        for &id in ids {
            let deleted = SyncStore::tombstone(&shared.store, id)?;
            shown.extend(deleted.filter(|memory| shared.shows(memory)).map(|memory| memory.id));
        }
        let restored = shared.store.restore(&shown, shared.clock.now())?;
        self.index(&restored);
        Ok(restored)
    }

    /// Keeps new memories, all or none.
    pub(crate) fn insert(&self, memories: &[Memory]) -> Result<(), Error> {
        let writer = self.shared.writer();
        self.insert_as(&writer, memories)
    }

    /// The same for the one who is the writer already.
    pub(crate) fn insert_as(&self, _writer: &MutexGuard<'_, ()>, memories: &[Memory]) -> Result<(), Error> {
        self.shared.store.insert(memories)?;
        self.index(memories);
        Ok(())
    }

    fn index(&self, memories: &[Memory]) {
        let mut catalog = self.shared.catalog_mut();
        for memory in memories {
            catalog.upsert(memory, false);
        }
        drop(catalog);
        self.shared.queue.push(memories.iter().map(|memory| memory.id));
        self.shared.publish(|_| {});
        self.shared.papr.edited(self.shared.clock.now());
    }
}

/// Makes a changed memory its next revision. What a person has worked on is theirs, and does not leave with the samples.
fn revise(memory: &mut Memory, at: Timestamp) {
    memory.rev += 1;
    if memory.source == Source::Sample {
        memory.source = Source::User;
    }
    memory.touch(at);
}

/// Topics without white space around them, empty ones and repeats.
fn tidy(topics: Vec<String>) -> Vec<String> {
    let mut tidied: Vec<String> = Vec::with_capacity(topics.len());
    for topic in topics {
        let topic = topic.trim();
        if !topic.is_empty() && !tidied.iter().any(|known| known == topic) {
            tidied.push(topic.to_owned());
        }
    }
    tidied
}
