//! A Papr during whose n-th call the process dies: what is on disk at that moment is what the next process finds.

use std::cell::Cell;
use std::path::PathBuf;

use papr_memory::CancelToken;
use papr_sync::{Certainty, Item, Made, Outgoing, Page, Remote, RemoteError, Snapshot, Trouble};

use super::copy;

pub struct Killer<'a, R> {
    pub remote: &'a R,
    pub from: PathBuf,
    pub to: PathBuf,
    /// Calls until then.
    pub left: Cell<u32>,
    /// Whether Papr still gets the request.
    pub sent: bool,
    pub dead: Cell<bool>,
}

impl<R: Remote> Killer<'_, R> {
    fn call<T>(&self, call: impl FnOnce() -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        let gone = || RemoteError::new(Trouble::Offline, Certainty::Unknown, "the process is dead");
        if self.dead.get() {
            return Err(gone());
        }
        if self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            return call();
        }
        if self.sent {
            drop(call());
        }
        copy(&self.from, &self.to);
        self.dead.set(true);
        Err(gone())
    }
}

impl<R: Remote> Remote for Killer<'_, R> {
    fn tiers(&self, cancel: &CancelToken) -> Result<Snapshot, RemoteError> {
        self.call(|| self.remote.tiers(cancel))
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError> {
        self.call(|| self.remote.delta(cursor, limit, cancel))
    }

    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        self.call(|| self.remote.find(client_id, cancel))
    }

    fn get(&self, id: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError> {
        self.call(|| self.remote.get(id, cancel))
    }

    fn add(
        &self,
        memories: &[Outgoing],
        cancel: &CancelToken,
    ) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        self.call(|| self.remote.add(memories, cancel))
    }

    fn update(&self, id: &str, change: &Outgoing, cancel: &CancelToken) -> Result<bool, RemoteError> {
        self.call(|| self.remote.update(id, change, cancel))
    }

    fn delete(&self, id: &str, cancel: &CancelToken) -> Result<(), RemoteError> {
        self.call(|| self.remote.delete(id, cancel))
    }
}
