//! A device: a store on disk and a way to the fake Papr, both on one clock that is moved by hand.
#![allow(dead_code, unreachable_pub)] // each test file uses its own part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

pub mod device;
pub mod direct;
pub mod judge;
pub mod kill;
pub mod script;
pub mod shelf;
pub mod tripwire;
pub mod week;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use papr_api::{ApiKey, Client, RetryPolicy};
use papr_fake::{FakePapr, Options as FakeOptions, Record, Script};
use papr_memory::ports::{Clock, Store};
use papr_memory::{CancelToken, Content, Memory, MemoryId, Tier, TierSetter};
use papr_store::SledStore;
use papr_sync::plan::Limits;
use papr_sync::{Options, PaprRemote, Remote, Scope, SyncReport, Syncer};
use tempfile::TempDir;

pub const KEY: &str = "key-alice-0123456789";
pub const ALICE: &str = "alice";
/// 2026-11-20T08:00:00Z
pub const START: i64 = 1_795_161_600_000;

#[derive(Debug)]
pub struct Hand(AtomicI64);

impl Hand {
    pub fn at(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    /// So much later; gives the new time in milliseconds since 1970.
    pub fn later(&self, by: Duration) -> i64 {
        let ms = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(ms, Ordering::SeqCst) + ms
    }

    /// The clock is put right.
    pub fn earlier(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub struct World {
    pub papr: FakePapr,
    pub clock: Hand,
    pub store: SledStore,
    pub remote: PaprRemote,
    pub options: Options,
    folder: PathBuf,
    homes: TempDir,
    opened: u32,
}

pub fn client(papr: &FakePapr, retries: u32) -> PaprRemote {
    client_at(&papr.url(), retries)
}

pub fn client_at(url: &str, retries: u32) -> PaprRemote {
    let retry = RetryPolicy {
        retries,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        longest_asked: Duration::ZERO,
    };
    let client = Client::builder(ApiKey::new(KEY).unwrap()).base_url(url).retry(retry);
    PaprRemote::new(client.build().unwrap()).unwrap()
}

/// Everything is asked for by its id that can be.
pub fn thorough() -> Limits {
    Limits { checks: 10_000, rechecks: 10_000, recheck_after: SignedDuration::ZERO }
}

pub fn started(options: FakeOptions, retries: u32) -> World {
    let papr = FakePapr::start(options.key(KEY, ALICE).now(START)).unwrap();
    let homes = tempfile::tempdir().unwrap();
    let folder = homes.path().join("store-0");
    let clock = Hand::at(START);
    let store = SledStore::open(&folder, clock.now()).unwrap();
    let remote = client(&papr, retries);
    let options = Options { limits: thorough(), ..Options::default() };
    World { papr, clock, store, remote, options, folder, homes, opened: 0 }
}

pub fn world() -> World {
    started(FakeOptions::new().tiers_cursor(false), 0)
}

pub fn content(text: &str) -> Content {
    Content::new(text).unwrap()
}

impl World {
    pub fn later(&self, by: Duration) {
        self.papr.set_now(self.clock.later(by));
    }

    pub fn faults(&self, rules: impl IntoIterator<Item = papr_fake::Rule>) {
        self.papr.set_faults(Script::of(rules)).unwrap();
    }

    pub fn well(&self) {
        self.papr.set_faults(Script::default()).unwrap();
    }

    pub fn sync_with<R: Remote>(&self, remote: &R, scope: Scope) -> SyncReport {
        let syncer = Syncer::new(&self.store, remote, &self.clock, ALICE, self.options.clone());
        syncer.run(scope, &CancelToken::new())
    }

    /// A sync a moment later.
    pub fn sync(&self, scope: Scope) -> SyncReport {
        self.later(Duration::from_mins(5));
        self.sync_with(&self.remote, scope)
    }

    /// A sync that must go through.
    pub fn synced(&self, scope: Scope) -> SyncReport {
        let report = self.sync(scope);
        assert!(report.problem.is_none(), "nothing is in the way: {:?}", report.problem.map(|p| p.message));
        report
    }

    pub fn add(&self, text: &str) -> MemoryId {
        let mut memory = Memory::new(content(text), Tier::Memories, self.clock.now());
        memory.account = Some(ALICE.to_owned());
        self.store.insert(std::slice::from_ref(&memory)).unwrap();
        memory.id
    }

    pub fn get(&self, id: MemoryId) -> Memory {
        self.store.get(id).unwrap().unwrap()
    }

    pub fn change(&self, id: MemoryId, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.get(id);
        memory.rev += 1;
        change(&mut memory);
        memory.touch(self.clock.now());
        self.store.replace(&memory).unwrap();
    }

    pub fn edit(&self, id: MemoryId, text: &str) {
        self.change(id, |memory| memory.content = content(text));
    }

    pub fn put(&self, id: MemoryId, tier: Tier) {
        self.change(id, |memory| (memory.tier, memory.tier_set_by) = (tier, TierSetter::User));
    }

    pub fn delete(&self, id: MemoryId) {
        self.store.delete(&[id], self.clock.now()).unwrap();
    }

    pub fn remote_of(&self, id: MemoryId) -> String {
        self.get(id).remote.unwrap().id
    }

    /// The memory here that Papr calls so.
    pub fn local_of(&self, remote: &str) -> Option<Memory> {
        let has = |memory: &Memory| memory.remote.as_ref().is_some_and(|own| own.id == remote);
        self.all().into_iter().find(has)
    }

    pub fn all(&self) -> Vec<Memory> {
        self.store.page(None, usize::MAX).unwrap()
    }

    /// The process dies and starts again on the same folder.
    pub fn restart(self) -> Self {
        let Self { papr, clock, store, remote, options, folder, homes, opened } = self;
        drop(store);
        let store = SledStore::open(&folder, clock.now()).unwrap();
        Self { papr, clock, store, remote, options, folder, homes, opened }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place for what is on disk at the moment of a kill.
    pub fn next_home(&self) -> PathBuf {
        self.homes.path().join(format!("store-{}", self.opened + 1))
    }

    /// Goes on with what was on disk at the moment of a kill.
    pub fn killed(mut self) -> Self {
        let folder = self.next_home();
        let store = SledStore::open(&folder, self.clock.now()).unwrap();
        drop(std::mem::replace(&mut self.store, store));
        std::fs::remove_dir_all(std::mem::replace(&mut self.folder, folder)).unwrap();
        self.opened += 1;
        self
    }

    /// Both sides hold the same texts under the same ids; nothing is doubled; nothing waits.
    pub fn assert_same(&self) {
        self.assert_same_but(&[], &|_| false);
    }

    /// The same, but for memories that are only here, and for those of Papr's that may be unknown here.
    pub fn assert_same_but(&self, local: &[MemoryId], unknown: &dyn Fn(&Record) -> bool) {
        judge::same(&self.store, &self.papr.oracle(), local, unknown);
        let check = self.store.check(&mut |_| (), &CancelToken::new()).unwrap();
        assert_eq!(check.found, 0, "the store agrees with itself: {:?}", check.findings);
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
