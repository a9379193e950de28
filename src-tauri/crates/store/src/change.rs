//! Everything that changes memories: each change one transaction over the trees it touches, on disk before
//! it is said to be done.
//!
//! sled may run a transaction's closure more than once, so closures only read the trees and write to them;
//! whatever can be computed before is.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::{fs, io};

use jiff::Timestamp;
use papr_memory::ports::StoreError;
use papr_memory::{Link, Memory, MemoryId};
use sled::transaction::{
    ConflictableTransactionError, ConflictableTransactionResult, TransactionError, Transactional,
    TransactionalTree,
};

use crate::guard::{from_sled, quietly};
use crate::open::sync_folder;
use crate::outbox::{self, Step};
use crate::state::{self, Mark, State};
use crate::tree::Part;
use crate::{SledStore, Trees, moves, record, vectors};

/// What only the one writer may touch.
pub(crate) struct Writer {
    /// sled's log, to sync it.
    log: File,
    mark: Mark,
    /// Key prefixes of all spaces that have vectors.
    pub(crate) spaces: BTreeSet<[u8; 8]>,
    /// Files in `db/blobs` that are known to be on disk.
    blobs: BTreeSet<OsString>,
    /// Set once the disk failed; read at the close, too.
    failed: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn new(log: File, mark: Mark, spaces: BTreeSet<[u8; 8]>, failed: Arc<AtomicBool>) -> Self {
        Self { log, mark, spaces, blobs: BTreeSet::new(), failed }
    }
}

/// The trees, as one transaction sees them, and what it makes of their [`State`].
pub(crate) struct View<'a> {
    pub(crate) memories: &'a TransactionalTree,
    pub(crate) vec: &'a TransactionalTree,
    pub(crate) outbox: &'a TransactionalTree,
    pub(crate) tombstones: &'a TransactionalTree,
    pub(crate) moves: &'a TransactionalTree,
    pub(crate) links: &'a TransactionalTree,
    pub(crate) manifest: &'a TransactionalTree,
    pub(crate) state: Cell<State>,
    changed: Cell<bool>,
}

/// What a transaction's closure returns.
pub(crate) type Outcome<T> = ConflictableTransactionResult<T, StoreError>;

/// Gives a transaction up: nothing of it happens.
pub(crate) fn refuse(error: StoreError) -> ConflictableTransactionError<StoreError> {
    ConflictableTransactionError::Abort(error)
}

impl View<'_> {
    /// The memory that stands under `id` in one of the trees.
    pub(crate) fn memory(tree: &TransactionalTree, id: MemoryId) -> Outcome<Option<Memory>> {
        let value = tree.get(id.to_bytes())?;
        value.map(|value| record::decode(id, &value)).transpose().map_err(refuse)
    }

    pub(crate) fn part(&self, part: Part) -> &TransactionalTree {
        match part {
            Part::Manifest => self.manifest,
            Part::Memories => self.memories,
            Part::Tombstones => self.tombstones,
            Part::Outbox => self.outbox,
            Part::Moves => self.moves,
            Part::Links => self.links,
            Part::Vectors => self.vec,
        }
    }

    /// The one way to write.
    pub(crate) fn put(&self, tree: &TransactionalTree, key: &[u8], value: &[u8]) -> Outcome<()> {
        let old = tree.insert(key, value)?;
        self.account(old.as_deref(), Some(value));
        Ok(())
    }

    /// The one way to remove.
    pub(crate) fn remove(&self, tree: &TransactionalTree, key: &[u8]) -> Outcome<()> {
        if let Some(old) = tree.get(key)? {
            tree.remove(key)?;
            self.account(Some(&old), None);
        }
        Ok(())
    }

    fn account(&self, old: Option<&[u8]>, new: Option<&[u8]>) {
        let mut state = self.state.get();
        old.inspect(|old| state.subtract(old));
        new.inspect(|new| state.add(new));
        self.state.set(state);
        self.changed.set(true);
    }

    /// Writes the state down; returns the number of this change, or none if it changed nothing.
    fn close(&self) -> Outcome<Option<u64>> {
        if !self.changed.get() {
            return Ok(None);
        }
        let mut state = self.state.get();
        state.changes += 1;
        self.manifest.insert(state::KEY, state.encode())?;
        Ok(Some(state.changes))
    }

    pub(crate) fn tell_papr(&self, id: MemoryId, step: Step) -> Outcome<()> {
        let key = id.to_bytes();
        match step {
            Step::Put(entry) => self.put(self.outbox, &key, &outbox::encode(&entry)),
            Step::Remove => self.remove(self.outbox, &key),
        }
    }

    pub(crate) fn drop_vectors(&self, id: MemoryId, spaces: &BTreeSet<[u8; 8]>) -> Outcome<()> {
        spaces.iter().try_for_each(|space| self.remove(self.vec, &vectors::key(*space, id)))
    }
}

fn conflict(id: MemoryId, expected: u64, found: u64) -> ConflictableTransactionError<StoreError> {
    refuse(StoreError::Conflict { id, expected, found })
}

impl SledStore {
    /// The writer's turn; waits for it.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries `change` out as one transaction and returns when it is on disk.
    pub(crate) fn commit<T>(
        &self,
        writer: &mut Writer,
        change: impl Fn(&View<'_>) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        if writer.failed.load(Ordering::Relaxed) {
            let source = io::Error::other("an earlier write failed; start the app again");
            return Err(StoreError::Io { path: self.folder.clone(), source });
        }
        self.check_room()?;
        let trees = &self.trees;
        let Trees { memories, vec, outbox, tombstones, moves, links, manifest, .. } = trees;
        let all = (memories, vec, outbox, tombstones, moves, links, manifest);
        let run = quietly(|| {
            all.transaction(|(memories, vec, outbox, tombstones, moves, links, manifest)| {
                let kept = manifest.get(state::KEY)?.map(|value| State::decode(&value)).transpose();
                let state =
                    kept.map_err(|corrupt| refuse(state_damaged(corrupt)))?.unwrap_or_default().into();
                let changed = false.into();
                let view = View { memories, vec, outbox, tombstones, moves, links, manifest, state, changed };
                Ok((change(&view)?, view.close()?))
            })
        });
        let done = match run {
            Ok(Ok((done, None))) => return Ok(done),
            Ok(Ok((done, Some(changes)))) => self.sync(writer, changes).map(|()| done),
            Ok(Err(TransactionError::Abort(refusal))) => return Err(refusal),
            Ok(Err(TransactionError::Storage(error))) => Err(from_sled(&self.folder, error)),
            Err(panicked) => Err(panicked),
        };
        if let Err(error) = &done {
            writer.failed.store(true, Ordering::Relaxed);
            tracing::error!(error = error as &dyn std::error::Error, "a write failed; no more will be made");
        }
        done
    }

    /// Returns when everything up to change `changes` is on disk.
    fn sync(&self, writer: &mut Writer, changes: u64) -> Result<(), StoreError> {
        quietly(|| self.trees.db.flush())?.map_err(|error| from_sled(&self.folder, error))?;
        let blobs = self.folder.join("db").join("blobs");
        let synced = sync_log(&writer.log).and_then(|()| sync_blobs(&blobs, &mut writer.blobs));
        // Last: the mark must never be ahead of the log.
        let marked = synced.and_then(|()| writer.mark.write(changes));
        marked.map_err(|source| StoreError::Io { path: self.folder.clone(), source })
    }

    pub(crate) fn insert_all(&self, memories: &[Memory]) -> Result<(), StoreError> {
        if memories.is_empty() {
            return Ok(());
        }
        let values: Vec<_> =
            memories.iter().map(|memory| record::encode(memory, None)).collect::<Result<_, _>>()?;
        self.commit(&mut self.writer(), |trees| {
            for (memory, value) in memories.iter().zip(&values) {
                let key = memory.id.to_bytes();
                for taken in [trees.memories, trees.tombstones] {
                    if let Some(kept) = View::memory(taken, memory.id)? {
                        return Err(conflict(memory.id, 0, kept.rev));
                    }
                }
                trees.put(trees.memories, &key, value)?;
                trees.tell_papr(memory.id, outbox::after_change(memory))?;
            }
            Ok(())
        })
    }

    pub(crate) fn replace_each(&self, memories: &[Memory]) -> Result<(), StoreError> {
        if memories.is_empty() {
            return Ok(());
        }
        let values: Vec<_> =
            memories.iter().map(|memory| record::encode(memory, None)).collect::<Result<_, _>>()?;
        let mut writer = self.writer();
        let spaces = writer.spaces.clone();
        self.commit(&mut writer, |trees| {
            for (memory, value) in memories.iter().zip(&values) {
                let id = memory.id;
                let Some(kept) = View::memory(trees.memories, id)? else {
                    return Err(refuse(StoreError::NotFound(id)));
                };
                if memory.rev.checked_sub(1) != Some(kept.rev) {
                    return Err(conflict(id, memory.rev.saturating_sub(1), kept.rev));
                }
                if memory.content != kept.content {
                    trees.drop_vectors(id, &spaces)?;
                }
                moves::record(trees, &kept, memory)?;
                trees.put(trees.memories, &id.to_bytes(), value)?;
                trees.tell_papr(id, outbox::after_change(memory))?;
            }
            Ok(())
        })
    }

    /// The returned memories are those now among the tombstones, `deleted_at` set.
    pub(crate) fn delete_all(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError> {
        let at = to_millisecond(at);
        let mut writer = self.writer();
        let spaces = writer.spaces.clone();
        self.commit(&mut writer, |trees| {
            let mut deleted = Vec::new();
            for &id in ids {
                let Some(mut memory) = View::memory(trees.memories, id)? else { continue };
                let key = id.to_bytes();
                memory.deleted_at = Some(at);
                let value = record::encode(&memory, memory.deleted_at).map_err(refuse)?;
                trees.remove(trees.memories, &key)?;
                trees.put(trees.tombstones, &key, &value)?;
                trees.drop_vectors(id, &spaces)?;
                trees.tell_papr(id, outbox::after_delete(&memory))?;
                deleted.push(memory);
            }
            Ok(deleted)
        })
    }

    pub(crate) fn restore_all(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError> {
        let at = to_millisecond(at);
        self.commit(&mut self.writer(), |trees| {
            let mut restored = Vec::new();
            for &id in ids {
                let Some(mut memory) = View::memory(trees.tombstones, id)? else { continue };
                if let Some(kept) = View::memory(trees.memories, id)? {
                    return Err(conflict(id, 0, kept.rev));
                }
                let key = id.to_bytes();
                memory.rev = memory.rev.saturating_add(1);
                memory.updated_at = at;
                memory.deleted_at = None;
                let value = record::encode(&memory, None).map_err(refuse)?;
                trees.remove(trees.tombstones, &key)?;
                trees.put(trees.memories, &key, &value)?;
                trees.tell_papr(id, outbox::after_change(&memory))?;
                restored.push(memory);
            }
            Ok(restored)
        })
    }

    /// Forgets tombstones of memories Papr never had that are older than [`SledStore::TOMBSTONE_DAYS`] at
    /// `now`. Returns how many. A damaged one stays.
    pub(crate) fn purge(&self, now: Timestamp) -> Result<usize, StoreError> {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let oldest = now.as_millisecond().saturating_sub(Self::TOMBSTONE_DAYS * DAY_MS);
        let mut old = Vec::new();
        for item in self.scan(self.trees.tombstones.iter()) {
            let (key, value) = item?;
            let Some(id) = crate::id_of(&key) else { continue };
            match record::outline(id, &value) {
                Ok(found) if !found.remote && found.deleted_ms.is_some_and(|ms| ms < oldest) => {
                    // What may have been made at Papr is to be deleted there first.
                    let sure = |link: Option<Link>| link.is_none_or(|link| link.in_flight.is_none());
                    if self.link_of(id).is_ok_and(sure) {
                        old.push(key);
                    }
                }
                Ok(_) => {}
                Err(error) => self.note_damaged(id, &error),
            }
        }
        for some in old.chunks(500) {
            self.commit(&mut self.writer(), |trees| {
                some.iter().try_for_each(|key| {
                    trees.remove(trees.tombstones, key)?;
                    trees.remove(trees.links, key)?;
                    trees.remove(trees.moves, key)
                })
            })?;
        }
        Ok(old.len())
    }
}

fn state_damaged(corrupt: crate::codec::Corrupt) -> StoreError {
    StoreError::Damaged {
        what: "the state in the manifest is not as it was written".to_owned(),
        source: Some(corrupt.into()),
    }
}

/// Cuts a time to the precision memories are kept with.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// On Linux sled's flush is `sync_file_range`, which does not wait for the device; elsewhere it is already
/// the full sync, and a second one would cost as much again.
fn sync_log(log: &File) -> io::Result<()> {
    if cfg!(target_os = "linux") { log.sync_all() } else { Ok(()) }
}

/// Syncs what sled put beside its log, which it never does itself: pages over 512 KiB. Contents and vectors
/// never come near; metadata has no limit.
fn sync_blobs(folder: &Path, synced: &mut BTreeSet<OsString>) -> io::Result<()> {
    let mut any = false;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if synced.contains(&entry.file_name()) {
            continue;
        }
        match File::options().write(true).open(entry.path()).and_then(|blob| blob.sync_all()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            done => done?,
        }
        any = true;
        synced.insert(entry.file_name());
    }
    if any { sync_folder(folder) } else { Ok(()) }
}
