//! A Papr during whose calls something happens on this side: a person does something, or the process dies.

use std::cell::Cell;

use papr_memory::CancelToken;
use papr_sync::{Certainty, Item, Made, Outgoing, Page, Remote, RemoteError, Snapshot, Trouble};

use super::device::Device;

pub struct Tripwire<'a> {
    remote: &'a dyn Remote,
    device: &'a dyn Device,
    /// Told of each call, counted from 0: before it is sent, and after it was answered.
    on_call: &'a dyn Fn(u32, bool),
    calls: Cell<u32>,
}

impl<'a> Tripwire<'a> {
    pub fn new(remote: &'a dyn Remote, device: &'a dyn Device, on_call: &'a dyn Fn(u32, bool)) -> Self {
        Self { remote, device, on_call, calls: Cell::new(0) }
    }

    fn call<T>(&self, call: impl FnOnce() -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        (self.on_call)(number, false);
        self.alive()?;
        let answer = call();
        (self.on_call)(number, true);
        self.alive()?;
        answer
    }

    fn alive(&self) -> Result<(), RemoteError> {
        let gone = || RemoteError::new(Trouble::Offline, Certainty::Unknown, "the process is dead");
        if self.device.dead() { Err(gone()) } else { Ok(()) }
    }
}

impl Remote for Tripwire<'_> {
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
