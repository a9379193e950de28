//! What is kept: memories, their vectors and what Papr has yet to hear of, in sled trees on this machine.
//!
//! [`SledStore`] implements [`papr_memory::ports::Store`]. A folder holds:
//!
//! ```text
//! store.json   whose folder this is and which schema it has; read before anything is touched
//! lock         held while a process has the store open
//! sealed       sizes and checksums of the database's files, written at a clean close, checked at the next open
//! mark         the number of the last change that was said to be saved, checked at an open after a hard stop
//! db/          sled's own
//! backups/     what cannot be made again, a file a backup
//! quarantine/  damaged files that a recovery set aside, a folder each time
//! trial/       a copy of db/, only while a store is opened after a hard stop
//! rebuilt.part, swap   a database made anew, only while it is made and while it takes the other's place
//! ```
//!
//! and the database these trees, each value with a version and a checksum:
//!
//! ```text
//! memories     id (16 bytes)                     → the record
//! vec          space (8 bytes) ++ id             → f16, little-endian, as many as the space has dimensions
//! outbox       id                                → what Papr is to be told
//! tombstones   id                                → the record of a deleted memory
//! moves        id                                → the newest moves between the tiers
//! links        id                                → what is known of Papr's counterpart
//! manifest     schema, made-by, space/<8 bytes>  → schema version, who made it, the space in full
//!              note/<key>                        → what others keep here
//!              sync/<account>                    → how far the account's sync has come
//!              state                             → how much the trees hold
//! ```
//!
//! **Damage.** A record that is not as it was written is never shown, changed, overwritten or deleted:
//! [`Store::get`], `replace` and `delete` fail with `Damaged` and name it; [`Store::page`] and
//! [`Store::counts`] go past it, so that one bad record does not hide all others, log it as an error and
//! count it in [`SledStore::damaged`]. A bad vector is passed over: it can be made again.
//!
//! **Recovery.** [`open_or_recover`] is how an app opens a store: what does not open is made anew from all
//! that can still be read and from the newest backup, and what was damaged is kept. A program that has windows
//! or threads calls [`serve`] first in its `main`, so that doubtful files are opened in a [`Child`].
//!
//! **Left out:** what is to be sent or fetched, and when: [`papr_memory::ports::SyncStore`] is told.

mod backup;
mod change;
mod check;
mod child;
mod closed;
mod codec;
mod compact;
mod dump;
#[cfg(test)]
mod fuzz;
mod guard;
mod links;
mod lock;
mod log;
mod marker;
mod migrate;
mod moves;
mod open;
mod outbox;
mod quarantine;
mod rebuild;
mod record;
mod recover;
mod room;
mod seal;
mod sizes;
mod spaces;
mod state;
mod sync;
mod tree;
mod trial;
mod vectors;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use papr_memory::ports::{SpaceInfo, Store, StoreError, TierMove, VectorRecord};
use papr_memory::{CancelToken, Memory, MemoryId, Space, TierCounts, Vector};
use sled::IVec;

pub use backup::{Backup, BackupContents, BackupMade, list as backups, verify_backup};
pub use check::{CheckProgress, CheckReport, Finding};
pub use child::{Child, serve};
pub use closed::{Closed, foreign};
pub use compact::{Compacted, compact};
pub use outbox::{Op, OutboxEntry};
pub use quarantine::{list as quarantined, remove as remove_quarantined};
pub use recover::{Opened, Origin, Recovered, open_or_recover, recover, restore_backup, start_afresh};
pub use sizes::Sizes;

use change::Writer;
use guard::{Scan, from_sled, quietly};

/// Memories in a sled database in one folder.
///
/// One process at a time. Reads run beside each other and beside a write's waiting for the disk; they wait
/// only while a transaction is put together in memory, milliseconds for hundreds of records. Writes queue.
///
/// After a failed write to disk every later write is refused until the store is opened again: what is on disk
/// is then no longer known, and it may or may not hold that last change.
pub struct SledStore {
    // Dropped in this order: the database first, then the seal is put on its files, then the lock is let go.
    trees: Trees,
    writer: Mutex<Writer>,
    damaged: Mutex<BTreeSet<MemoryId>>,
    folder: PathBuf,
    /// One backup at a time.
    backing_up: Mutex<()>,
    /// Bytes on disk that no change may use up.
    reserve: u64,
    _seal: seal::AtClose,
    _lock: Arc<lock::Lock>,
}

struct Trees {
    db: sled::Db,
    memories: sled::Tree,
    vec: sled::Tree,
    outbox: sled::Tree,
    tombstones: sled::Tree,
    moves: sled::Tree,
    links: sled::Tree,
    manifest: sled::Tree,
}

/// Shows the folder alone: a database's own debug output is its whole content.
impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SledStore {
    /// How long a deleted memory that Papr never had can be taken back, in days.
    pub const TOMBSTONE_DAYS: i64 = 30;

    /// How many different damaged records reads have met since the store was opened.
    pub fn damaged(&self) -> u64 {
        let met = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        met.len().try_into().unwrap_or(u64::MAX)
    }

    /// What Papr has not been told yet, in the order the memories were made.
    pub fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut entries = Vec::new();
        for item in self.scan(self.trees.outbox.iter()) {
            let (key, value) = item?;
            let entry = match id_of(&key) {
                Some(id) => outbox::decode(id, &value).map_err(|source| (id.to_string(), source)),
                None => Err((format!("{key:02x?}"), codec::Corrupt::Malformed("key"))),
            };
            entries.push(entry.map_err(|(id, source)| StoreError::Damaged {
                what: format!("the outbox entry of memory {id} is not as it was written"),
                source: Some(source.into()),
            })?);
        }
        Ok(entries)
    }

    fn scan(&self, entries: sled::Iter) -> Scan<'_> {
        Scan::new(entries, &self.folder)
    }

    fn read(&self, tree: &sled::Tree, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        quietly(|| tree.get(key))?.map_err(|error| from_sled(&self.folder, error))
    }

    /// Remembers that `id` is damaged, and says so once.
    fn note_damaged(&self, id: MemoryId, error: &StoreError) {
        let mut met = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        if met.insert(id) {
            tracing::error!(%id, error = error as &dyn std::error::Error, "a damaged memory is passed over");
        }
    }

    /// Decodes with `read` every entry after `after` until `take` says it has enough.
    fn each<T>(
        &self,
        after: Option<MemoryId>,
        read: impl Fn(MemoryId, &[u8]) -> Result<T, StoreError>,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<(), StoreError> {
        let entries = match after {
            None => self.trees.memories.iter(),
            Some(id) => self.trees.memories.range((Bound::Excluded(id.to_bytes()), Bound::Unbounded)),
        };
        for item in self.scan(entries) {
            let (key, value) = item?;
            let Some(id) = id_of(&key) else {
                tracing::error!(?key, "a key among the memories is no id");
                continue;
            };
            match read(id, &value) {
                Ok(found) => {
                    if take(found) {
                        return Ok(());
                    }
                }
                Err(error) => self.note_damaged(id, &error),
            }
        }
        Ok(())
    }
}

impl Store for SledStore {
    fn get(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        let Some(value) = self.read(&self.trees.memories, &id.to_bytes())? else { return Ok(None) };
        let memory = record::decode(id, &value).inspect_err(|error| self.note_damaged(id, error))?;
        Ok(Some(memory))
    }

    fn page(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let mut memories = Vec::new();
        if limit > 0 {
            self.each(after, record::decode, |memory| {
                memories.push(memory);
                memories.len() == limit
            })?;
        }
        Ok(memories)
    }

    fn counts(&self) -> Result<TierCounts, StoreError> {
        let mut counts = TierCounts::default();
        self.each(None, record::outline, |outline| {
            counts.count(outline.tier);
            false
        })?;
        Ok(counts)
    }

    fn insert(&self, memories: &[Memory]) -> Result<(), StoreError> {
        self.insert_all(memories)
    }

    fn replace(&self, memory: &Memory) -> Result<(), StoreError> {
        self.replace_each(std::slice::from_ref(memory))
    }

    fn replace_all(&self, memories: &[Memory]) -> Result<(), StoreError> {
        self.replace_each(memories)
    }

    fn delete(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError> {
        self.delete_all(ids, at)
    }

    fn restore(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError> {
        self.restore_all(ids, at)
    }

    fn put_vectors(&self, space: &Space, records: &[VectorRecord]) -> Result<usize, StoreError> {
        self.put_all_vectors(space, records)
    }

    fn vectors(&self, space: &Space, visit: &mut dyn FnMut(MemoryId, Vector)) -> Result<usize, StoreError> {
        self.visit_vectors(space, visit)
    }

    fn spaces(&self) -> Result<Vec<SpaceInfo>, StoreError> {
        self.all_spaces()
    }

    fn count_vectors(&self, space: &Space) -> Result<usize, StoreError> {
        self.vectors_in(space)
    }

    fn remove_space(&self, space: &Space, cancel: &CancelToken) -> Result<usize, StoreError> {
        self.remove_whole_space(space, cancel)
    }

    fn note(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_note(key)
    }

    fn set_note(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.write_note(key, value)
    }

    fn tier_moves(&self, id: MemoryId) -> Result<Vec<TierMove>, StoreError> {
        self.moves_of(id)
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        Ok(Sizes::of(&self.folder)?.total())
    }
}

/// The id that a key of a tree keyed by ids stands for.
fn id_of(key: &[u8]) -> Option<MemoryId> {
    key.try_into().ok().map(MemoryId::from_bytes)
}
