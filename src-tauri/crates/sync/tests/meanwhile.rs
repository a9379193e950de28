//! Somebody edits while requests are on their way, and a day goes by with the schedule in charge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::cell::Cell;
use std::time::Duration;

use common::{ALICE, World, started, thorough, world};
use papr_fake::{Edit, Fault, NewMemory, Options as FakeOptions, Place, Route, Rule};
use papr_memory::CancelToken;
use papr_memory::ports::{Clock, Store, SyncStore};
use papr_sync::plan::Limits;
use papr_sync::schedule::{Budget, Decision, Facts, IDLE_DAY, decide};
use papr_sync::{Item, Made, Options, Outgoing, Page, Remote, RemoteError, Scope, Snapshot};

/// A Papr during whose calls somebody does something: after the answer was sent, before it is looked at.
struct Meddler<'a> {
    world: &'a World,
    at: &'static str,
    what: &'a dyn Fn(&World),
    done: Cell<bool>,
}

impl Meddler<'_> {
    fn call<T>(&self, name: &str, call: impl FnOnce() -> T) -> T {
        let answer = call();
        if name == self.at && !self.done.replace(true) {
            (self.what)(self.world);
        }
        answer
    }
}

impl Remote for Meddler<'_> {
    fn tiers(&self, cancel: &CancelToken) -> Result<Snapshot, RemoteError> {
        self.call("tiers", || self.world.remote.tiers(cancel))
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError> {
        self.call("delta", || self.world.remote.delta(cursor, limit, cancel))
    }

    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        self.call("find", || self.world.remote.find(client_id, cancel))
    }

    fn get(&self, id: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError> {
        self.call("get", || self.world.remote.get(id, cancel))
    }

    fn add(
        &self,
        memories: &[Outgoing],
        cancel: &CancelToken,
    ) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        self.call("add", || self.world.remote.add(memories, cancel))
    }

    fn update(&self, id: &str, change: &Outgoing, cancel: &CancelToken) -> Result<bool, RemoteError> {
        self.call("update", || self.world.remote.update(id, change, cancel))
    }

    fn delete(&self, id: &str, cancel: &CancelToken) -> Result<(), RemoteError> {
        self.call("delete", || self.world.remote.delete(id, cancel))
    }
}

fn meddle(world: &World, at: &'static str, what: &dyn Fn(&World)) {
    world.later(Duration::from_mins(5));
    let meddler = Meddler { world, at, what, done: Cell::new(false) };
    let report = world.sync_with(&meddler, Scope::Delta);
    assert!(meddler.done.get(), "{at} was called");
    assert!(report.problem.is_none(), "{:?}", report.problem.map(|problem| problem.message));
}

/// A Papr whose batches tell ids in another order, and whose searches and deltas leave everything out.
struct Muddler<'a>(&'a World);

impl Remote for Muddler<'_> {
    fn tiers(&self, cancel: &CancelToken) -> Result<Snapshot, RemoteError> {
        self.0.remote.tiers(cancel)
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError> {
        Ok(Page { changes: Vec::new(), ..self.0.remote.delta(cursor, limit, cancel)? })
    }

    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        self.0.remote.find(client_id, cancel).map(|_| Vec::new())
    }

    fn get(&self, id: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError> {
        self.0.remote.get(id, cancel)
    }

    fn add(
        &self,
        memories: &[Outgoing],
        cancel: &CancelToken,
    ) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        let mut made = self.0.remote.add(memories, cancel)?;
        made.rotate_left(1);
        Ok(made)
    }

    fn update(&self, id: &str, change: &Outgoing, cancel: &CancelToken) -> Result<bool, RemoteError> {
        self.0.remote.update(id, change, cancel)
    }

    fn delete(&self, id: &str, cancel: &CancelToken) -> Result<(), RemoteError> {
        self.0.remote.delete(id, cancel)
    }
}

#[test]
fn an_id_that_is_another_s_is_no_word_of_a_deletion() {
    let world = world();
    world.synced(Scope::Snapshot);
    for n in 0..3 {
        world.add(&format!("text {n}"));
    }
    for _ in 0..2 {
        world.later(Duration::from_mins(5));
        world.sync_with(&Muddler(&world), Scope::Delta);
        assert_eq!(world.all().len(), 3, "nothing was deleted by anybody");
    }
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert_eq!(world.papr.oracle().memories(ALICE).len(), 3);
}

/// A Papr that answers every question about one memory with another.
struct Stranger<'a>(&'a World, String);

impl Remote for Stranger<'_> {
    fn tiers(&self, _: &CancelToken) -> Result<Snapshot, RemoteError> {
        Ok(Snapshot::default())
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError> {
        self.0.remote.delta(cursor, limit, cancel)
    }

    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        self.0.remote.find(client_id, cancel)
    }

    fn get(&self, _: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError> {
        self.0.remote.get(&self.1, cancel)
    }

    fn add(&self, _: &[Outgoing], _: &CancelToken) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        panic!("there is nothing new")
    }

    fn update(&self, _: &str, _: &Outgoing, _: &CancelToken) -> Result<bool, RemoteError> {
        panic!("what is not known is not changed")
    }

    fn delete(&self, _: &str, _: &CancelToken) -> Result<(), RemoteError> {
        panic!("what is not known is not deleted")
    }
}

#[test]
fn an_answer_about_another_memory_says_nothing() {
    let world = world();
    let ids: Vec<_> = (0..3).map(|n| world.add(&format!("text {n}"))).collect();
    world.synced(Scope::Snapshot);
    world.synced(Scope::Snapshot);
    let stranger = world.papr.add(ALICE, NewMemory::text("another")).unwrap();
    world.edit(ids[0], "edited");
    world.delete(ids[1]);
    world.later(Duration::from_mins(5));
    world.sync_with(&Stranger(&world, stranger), Scope::Snapshot);
    assert_eq!(
        (world.all().len(), world.store.outbox().unwrap().len()),
        (3, 2),
        "kept, and still to be sent"
    );
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert_eq!(world.get(ids[0]).content.as_str(), "edited");
}

/// The clock is ahead while a request is lost, and is put right.
#[test]
fn a_clock_that_was_ahead_keeps_nothing_in_limbo() {
    let world = world();
    world.synced(Scope::Snapshot);
    world.add("text");
    let year = Duration::from_hours(24 * 365);
    world.clock.later(year);
    let hidden = || Rule::always(Fault::Missing { share: 1.0 }).route(Route::Delta);
    world.faults([hidden(), Rule::always(Fault::CloseBefore).route(Route::Add)]);
    world.sync_with(&world.remote, Scope::Delta);
    world.clock.earlier(year);
    world.well();
    for _ in 0..3 {
        world.synced(Scope::Delta);
    }
    world.assert_same();
}

#[test]
fn what_is_edited_while_it_is_sent_is_sent_again() {
    for count in [1, 3] {
        let world = world();
        world.synced(Scope::Snapshot);
        let ids: Vec<_> = (0..count).map(|n| world.add(&format!("text {n}"))).collect();
        meddle(&world, "add", &|world| world.edit(ids[0], "edited meanwhile"));
        assert_eq!(world.store.outbox().unwrap().len(), 1, "the answer was to an older revision");
        world.synced(Scope::Delta);
        world.assert_same();
        world.edit(ids[0], "edited again");
        meddle(&world, "update", &|world| world.edit(ids[0], "and once more"));
        world.synced(Scope::Delta);
        world.assert_same();
        assert_eq!(world.get(ids[0]).content.as_str(), "and once more");
    }
}

#[test]
fn what_is_deleted_while_it_is_sent_is_deleted_there_and_what_is_taken_back_is_made_anew() {
    for count in [1, 3] {
        let world = world();
        world.synced(Scope::Snapshot);
        let ids: Vec<_> = (0..count).map(|n| world.add(&format!("text {n}"))).collect();
        meddle(&world, "add", &|world| world.delete(ids[0]));
        world.synced(Scope::Delta);
        world.assert_same();
        assert_eq!(world.papr.oracle().memories(ALICE).len(), count - 1, "deleted here while Papr made it");
    }
    let world = world();
    let id = world.add("taken back");
    world.synced(Scope::Snapshot);
    world.delete(id);
    meddle(&world, "delete", &|world| {
        world.store.restore(&[id], world.clock.now()).unwrap();
    });
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert_eq!(world.all().len(), 1, "it is there again, on both sides");
}

#[test]
fn what_is_edited_between_a_fetch_and_its_taking_over_is_not_overwritten() {
    for at in ["delta", "get"] {
        let world = world();
        let (id, other) = (world.add("text"), world.add("other"));
        world.synced(Scope::Snapshot);
        world.edit(other, "so that there is something to look at");
        let remote = world.remote_of(id);
        world.later(Duration::from_secs(1));
        world.papr.edit(ALICE, &remote, Edit::content("theirs")).unwrap();
        meddle(&world, at, &|world| world.edit(id, "mine"));
        world.synced(Scope::Snapshot);
        let link = world.store.link(id).unwrap().unwrap();
        let mine = world.get(id).content.as_str() == "mine";
        assert!(mine, "{at}: the edit holds");
        let theirs = link.conflict.and_then(|conflict| conflict.theirs);
        let after_theirs = at == "get";
        assert_eq!(theirs.is_none(), after_theirs, "{at}: made over what was not seen, it is a conflict");
    }
}

/// Two days with nobody there but the clock.
#[test]
fn an_idle_day_costs_ten_operations_at_papr() {
    let mut world = started(FakeOptions::new().memories(300), 0);
    world.options = Options { limits: Limits { checks: 20, ..Limits::default() }, ..Options::default() };
    let away = world.papr.add(ALICE, NewMemory::text("leaves the tiers")).unwrap();
    world.add("mine");
    let start = world.clock.now();
    let mut days = [0_u64; 4];
    let mut requests = 0;
    while world.clock.now().duration_since(start).as_hours() < 96 {
        let now = world.clock.now();
        let history = world.store.account_sync(ALICE).unwrap();
        let facts = Facts { signed_in: true, ..Facts::default() };
        match decide(&facts, &history, Budget::default(), None, now) {
            Decision::Now(scope) => {
                let before = world.papr.operations(ALICE);
                let report = world.sync_with(&world.remote, scope);
                assert!(report.problem.is_none(), "{:?}", report.problem);
                let cost = world.papr.operations(ALICE) - before;
                assert_eq!(cost, report.operations, "this machine counts as Papr does");
                days[usize::try_from(now.duration_since(start).as_hours() / 24).unwrap()] += cost;
                requests += 1;
                if requests == 1 {
                    world.papr.move_tier(ALICE, &away, Place::Neither).unwrap();
                }
            }
            Decision::At(then) => {
                let wait = u64::try_from(then.duration_since(now).as_millis()).unwrap();
                world.later(Duration::from_millis(wait + 1));
            }
            Decision::Wait(why) => panic!("{why:?}"),
        }
    }
    println!("operations a day: {days:?}, {requests} syncs");
    assert!(days[1..].iter().all(|cost| *cost <= IDLE_DAY), "{days:?}");
    world.options.limits = thorough();
    world.synced(Scope::Snapshot);
}
