//! A machine whose process can die: its store in memory, or the real one on disk.

use std::cell::Cell;
use std::path::PathBuf;

use jiff::Timestamp;
use papr_memory::ports::{Store, SyncStore};
use papr_memory::{CancelToken, Memory, MemoryId};
use papr_store::SledStore;
use tempfile::TempDir;

use super::copy;
use super::shelf::Shelf;

/// A store, and what a person does in it.
pub trait Home: SyncStore {
    fn insert(&self, memory: &Memory);

    fn replace(&self, memory: &Memory);

    fn delete(&self, id: MemoryId, at: Timestamp);

    /// False if there is no such tombstone.
    fn restore(&self, id: MemoryId, at: Timestamp) -> bool;
}

impl Home for SledStore {
    fn insert(&self, memory: &Memory) {
        Store::insert(self, std::slice::from_ref(memory)).unwrap();
    }

    fn replace(&self, memory: &Memory) {
        Store::replace(self, memory).unwrap();
    }

    fn delete(&self, id: MemoryId, at: Timestamp) {
        Store::delete(self, &[id], at).unwrap();
    }

    fn restore(&self, id: MemoryId, at: Timestamp) -> bool {
        !Store::restore(self, &[id], at).unwrap().is_empty()
    }
}

pub trait Device {
    fn store(&self) -> &dyn Home;

    /// The process dies now: what it does from here on is not kept.
    fn freeze(&self);

    /// The process dies before this write, counted from 0; false where that cannot be had.
    fn burn(&self, write: u32) -> bool;

    fn dead(&self) -> bool;

    /// The next process, on what the last one left.
    fn restart(&mut self, now: Timestamp);

    /// The store's own examination of itself.
    fn examine(&self) {}
}

impl Device for Shelf {
    fn store(&self) -> &dyn Home {
        self
    }

    fn freeze(&self) {
        Shelf::freeze(self);
    }

    fn burn(&self, write: u32) -> bool {
        Shelf::burn(self, Some(write));
        true
    }

    fn dead(&self) -> bool {
        self.is_frozen()
    }

    fn restart(&mut self, _: Timestamp) {
        Shelf::restart(self);
    }
}

/// The real store. It can die between calls, not between writes.
pub struct OnDisk {
    store: Option<SledStore>,
    homes: TempDir,
    opened: u32,
    dead: Cell<bool>,
}

impl OnDisk {
    pub fn new(now: Timestamp) -> Self {
        let mut disk =
            Self { store: None, homes: tempfile::tempdir().unwrap(), opened: 0, dead: Cell::new(false) };
        disk.restart(now);
        disk
    }

    /// On the store that somebody left in this folder.
    pub fn at(homes: TempDir, now: Timestamp) -> Self {
        let store = SledStore::open(homes.path(), now).unwrap();
        Self { store: Some(store), homes, opened: 0, dead: Cell::new(false) }
    }

    fn home(&self, number: u32) -> PathBuf {
        self.homes.path().join(format!("store-{number}"))
    }
}

impl Device for OnDisk {
    fn store(&self) -> &dyn Home {
        self.store.as_ref().unwrap()
    }

    fn freeze(&self) {
        if !self.dead.replace(true) {
            copy(&self.home(self.opened), &self.home(self.opened + 1));
        }
    }

    fn burn(&self, _: u32) -> bool {
        false
    }

    fn dead(&self) -> bool {
        self.dead.get()
    }

    fn restart(&mut self, now: Timestamp) {
        drop(self.store.take());
        if self.dead.replace(false) {
            std::fs::remove_dir_all(self.home(self.opened)).unwrap();
            self.opened += 1;
        }
        self.store = Some(SledStore::open(&self.home(self.opened), now).unwrap());
    }

    fn examine(&self) {
        let check = self.store.as_ref().unwrap().check(&mut |_| (), &CancelToken::new()).unwrap();
        assert_eq!(check.found, 0, "the store agrees with itself: {:?}", check.findings);
    }
}
