//! A new database made of entries that were read from elsewhere: a damaged log, a backup, or both.
//!
//! It is made in a folder of its own and takes the old one's place only when it is complete, synced and
//! checked. Where sources disagree about a memory, its newest revision holds; of one revision alive and
//! deleted, the deletion came later.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use papr_memory::MemoryId;
use papr_memory::ports::{Store, StoreError};

use crate::change::{Outcome, View};
use crate::dump::Entry;
use crate::open::io_error;
use crate::outbox::{self, Op};
use crate::state::{self, State};
use crate::tree::Part;
use crate::{SledStore, id_of, links, marker, migrate, record, seal, vectors};

/// The folder of a database that is not complete yet.
pub(crate) const STAGE: &str = "rebuilt.part";

/// Entries and bytes put back in one transaction.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 4 << 20;

/// Which entries of a source are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All that are newer than what is there.
    All,
    /// The same, but no vectors of a text that may have changed: only of memories at their first revision.
    CertainVectors,
    /// Only memories of which nothing is there yet.
    Missing,
}

/// A database in the making.
pub(crate) struct Rebuild {
    store: SledStore,
    stage: PathBuf,
    rule: Rule,
    batch: Vec<Entry>,
    bytes: usize,
    /// Memories and tombstones taken, newer ones counted again.
    taken: u64,
}

impl Rebuild {
    /// Begins in the store's `folder`; what an earlier try left behind goes.
    pub(crate) fn begin(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let stage = folder.join(STAGE);
        clear(folder)?;
        let store = SledStore::open(&stage, now)?;
        Ok(Self { store, stage, rule: Rule::All, batch: Vec::new(), bytes: 0, taken: 0 })
    }

    /// Says which of the following entries are taken; returns how many memories and tombstones were until now.
    pub(crate) fn by(&mut self, rule: Rule) -> Result<u64, StoreError> {
        self.flush()?;
        self.rule = rule;
        Ok(std::mem::take(&mut self.taken))
    }

    /// Takes an entry; those of one source come in the order of [`Part`]s.
    pub(crate) fn take(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.bytes += entry.value.len();
        self.batch.push(entry);
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut writer = self.store.writer();
        for entry in self.batch.iter().filter(|entry| entry.part == Part::Vectors) {
            writer.spaces.extend(entry.key.first_chunk::<8>());
        }
        let spaces = writer.spaces.clone();
        self.taken += self.store.commit(&mut writer, |trees| {
            let mut taken = 0;
            for entry in &self.batch {
                taken += u64::from(merge(trees, entry, self.rule, &spaces)?);
            }
            Ok(taken)
        })?;
        drop(writer);
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }

    /// How many memories there are now.
    pub(crate) fn memories(&mut self) -> Result<u64, StoreError> {
        self.flush()?;
        Ok(self.store.counts()?.total() as u64)
    }

    /// What there is now, as the store counts it.
    pub(crate) fn state(&mut self) -> Result<State, StoreError> {
        self.flush()?;
        State::count(&self.store.trees, &self.store.folder)
    }

    /// Counts changes on from `changes`, so that no number stands for two states of the store.
    pub(crate) fn count_on_from(&mut self, changes: u64) -> Result<(), StoreError> {
        self.flush()?;
        self.store.commit(&mut self.store.writer(), |trees| {
            trees.state.set(trees.state.get().at_least_at(changes));
            match trees.manifest.get(marker::MADE_BY_KEY)? {
                Some(made_by) => trees.put(trees.manifest, marker::MADE_BY_KEY, &made_by),
                None => Ok(()),
            }
        })
    }

    /// Checks and closes the database; returns its folder, in which it stands sealed.
    pub(crate) fn finish(mut self) -> Result<PathBuf, StoreError> {
        self.flush()?;
        state::verify(&self.store.trees, &self.store.folder, 0)?;
        drop(self.store);
        if !seal::is_there(&self.stage) {
            // sled's threads took long to let go of it. Then a copy will be tried before it is opened; what
            // must not happen is that the old database's seal stays.
            fs::write(self.stage.join(seal::FILE), []).map_err(|source| io_error(&self.stage, source))?;
        }
        Ok(self.stage)
    }
}

/// Removes a database that was never complete; all it holds stands elsewhere.
pub(crate) fn clear(folder: &Path) -> Result<(), StoreError> {
    let stage = folder.join(STAGE);
    match fs::remove_dir_all(&stage) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error(&stage, error)),
        _ => Ok(()),
    }
}

/// Puts `entry` among what is there, if `rule` says so. Returns whether it was a memory or a tombstone that
/// was taken.
fn merge(
    trees: &View<'_>,
    entry: &Entry,
    rule: Rule,
    spaces: &std::collections::BTreeSet<[u8; 8]>,
) -> Outcome<bool> {
    let Entry { part, key, value } = entry;
    match part {
        Part::Manifest => {
            let own = key == state::KEY || key == migrate::KEY || key == marker::MADE_BY_KEY;
            // Ahead of memories that are lost, it would keep sync from fetching them again.
            let ahead = rule != Rule::All && key.starts_with(links::ACCOUNT_KEYS);
            if !own && !ahead && trees.manifest.get(key)?.is_none() {
                trees.put(trees.manifest, key, value)?;
            }
        }
        Part::Memories | Part::Tombstones => return merge_memory(trees, entry, rule, spaces),
        Part::Outbox => {
            let told = id_of(key).and_then(|id| outbox::decode(id, value).ok());
            let Some(told) = told else { return Ok(false) };
            let tree = if told.op == Op::Upsert { trees.memories } else { trees.tombstones };
            if rank(tree, told.id)? == Some(told.rev) {
                trees.put(trees.outbox, key, value)?;
            }
        }
        Part::Moves => {
            let known = trees.memories.get(key)?.or(trees.tombstones.get(key)?).is_some();
            if known && trees.moves.get(key)?.is_none() {
                trees.put(trees.moves, key, value)?;
            }
        }
        Part::Links => {
            let known = trees.memories.get(key)?.or(trees.tombstones.get(key)?).is_some();
            if known && trees.links.get(key)?.is_none() {
                trees.put(trees.links, key, value)?;
            }
        }
        Part::Vectors => {
            let Some(id) = key.get(vectors::KEY_BYTES - 16..).and_then(id_of) else { return Ok(false) };
            let rev = rank(trees.memories, id)?;
            if rev.is_some_and(|rev| rule == Rule::All || rev == 1) {
                trees.put(trees.vec, key, value)?;
            }
        }
    }
    Ok(false)
}

fn merge_memory(
    trees: &View<'_>,
    entry: &Entry,
    rule: Rule,
    spaces: &std::collections::BTreeSet<[u8; 8]>,
) -> Outcome<bool> {
    let Entry { part, key, value } = entry;
    let Some((id, outline)) = id_of(key).and_then(|id| Some((id, record::outline(id, value).ok()?))) else {
        return Ok(false);
    };
    let alive = rank(trees.memories, id)?;
    let there = alive.map(|rev| (rev, false)).max(rank(trees.tombstones, id)?.map(|rev| (rev, true)));
    let newer = there < Some((outline.rev, *part == Part::Tombstones));
    if !newer || rule == Rule::Missing && there.is_some() {
        return Ok(false);
    }
    if there.is_some() {
        trees.remove(trees.memories, key)?;
        trees.remove(trees.tombstones, key)?;
        trees.remove(trees.outbox, key)?;
        trees.drop_vectors(id, spaces)?;
    }
    trees.put(trees.part(*part), key, value)?;
    Ok(true)
}

/// The revision that stands under `id` in one of the trees.
fn rank(tree: &sled::transaction::TransactionalTree, id: MemoryId) -> Outcome<Option<u64>> {
    let value = tree.get(id.to_bytes())?;
    Ok(value.and_then(|value| record::outline(id, &value).ok()).map(|outline| outline.rev))
}
