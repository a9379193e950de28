//! Requests that fail in every way, and a process that dies at every request: nothing is lost and nothing doubled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::cell::Cell;
use std::time::Duration;

use common::kill::Killer;
use common::{ALICE, KEY, World, world};
use papr_fake::{Edit, Fault, NewMemory, Options as FakeOptions, Place, RetryAfter, Route, Rule, Shape};
use papr_memory::ports::{Clock, Store, SyncStore};
use papr_memory::{AccountSync, CancelToken};
use papr_sync::schedule::{Budget, Decision, Facts, Why, decide};
use papr_sync::{Scope, Syncer, Trouble};

/// Syncs until one goes through.
fn through(world: &World) {
    world.well();
    for _ in 0..4 {
        world.sync(Scope::Snapshot);
    }
    world.assert_same();
}

#[test]
fn a_request_that_was_done_and_not_answered_is_not_made_twice() {
    let lost = [
        (Fault::LostReply { hang_ms: 0 }, "the reply never came"),
        (Fault::CutBody { share: 0.5 }, "the reply broke off"),
        (Fault::WrongJson { how: None }, "the reply made no sense"),
    ];
    for count in [1, 7] {
        for (fault, why) in &lost {
            let world = world();
            world.synced(Scope::Snapshot);
            let ids: Vec<_> = (0..count).map(|n| world.add(&format!("new {n}"))).collect();
            let route = if count == 1 { Route::Add } else { Route::Batch };
            world.faults([Rule::always(fault.clone()).route(route)]);
            let report = world.sync(Scope::Delta);
            assert!(report.problem.is_some(), "{why}, and that is told");
            assert_eq!(report.pending, count, "nothing is acknowledged that was not seen");
            // Deleted, edited and left alone while nobody knows whether Papr has them.
            world.delete(ids[0]);
            if count > 1 {
                world.edit(ids[1], "edited meanwhile");
            }
            let world = world.restart();
            world.well();
            world.synced(Scope::Delta);
            world.synced(Scope::Snapshot);
            world.assert_same();
            assert_eq!(
                world.papr.oracle().memories(ALICE).len(),
                count - 1,
                "{why}: the deleted one is gone there too"
            );
        }
    }
}

/// Neither tier has it and the delta leaves it out: what was written down before sending is all there is.
#[test]
fn what_no_list_shows_is_searched_for_before_it_is_sent_again() {
    let world = common::started(FakeOptions::new().new_memories(Place::Neither), 0);
    world.synced(Scope::Snapshot);
    world.add("unheard");
    let hidden = || Rule::always(Fault::Missing { share: 1.0 }).route(Route::Delta);
    world.faults([hidden(), Rule::always(Fault::LostReply { hang_ms: 0 }).route(Route::Add)]);
    assert!(world.sync(Scope::Delta).problem.is_some());
    let world = world.restart();
    world.faults([hidden()]);
    let report = world.synced(Scope::Delta);
    assert_eq!((report.pushed.added, report.pushed.reconciled), (0, 1), "found by its client id: {report:?}");
    world.assert_same();
    assert_eq!(world.papr.oracle().memories(ALICE).len(), 1, "made once");
}

#[test]
fn changes_and_deletions_without_an_answer_are_looked_at_before_they_are_sent_again() {
    let world = world();
    let ids: Vec<_> = (0..4).map(|n| world.add(&format!("text {n}"))).collect();
    world.synced(Scope::Snapshot);
    world.edit(ids[0], "edited");
    world.delete(ids[1]);
    let lost = || Rule::always(Fault::LostReply { hang_ms: 0 });
    world.faults([lost().route(Route::Update), lost().route(Route::Delete)]);
    assert!(world.sync(Scope::Delta).problem.is_some());
    world.edit(ids[0], "edited again");
    world.sync(Scope::Delta);
    // The deletion is done and unknown; it is taken back.
    assert_eq!(world.store.restore(&[ids[1]], world.clock.now()).unwrap().len(), 1);
    world.well();
    let report = world.synced(Scope::Delta);
    assert_eq!(report.conflicts, 0, "what was sent from here is no edit of somebody else's: {report:?}");
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert_eq!(world.get(ids[0]).content.as_str(), "edited again");
}

#[test]
fn refusals_tell_what_to_do_and_when() {
    let world = world();
    world.synced(Scope::Snapshot);
    world.add("waits");
    let history = || world.store.account_sync(ALICE).unwrap();
    world.faults([Rule::always(Fault::RateLimit { retry_after: Some(RetryAfter::Seconds(120)) })]);
    let problem = world.sync(Scope::Delta).problem.unwrap();
    assert_eq!(problem.trouble, Trouble::RateLimited);
    let wait = problem.retry_at.unwrap().duration_since(world.clock.now());
    assert_eq!((wait.as_secs(), history().not_before), (120, problem.retry_at), "as long as Papr said");
    world.faults([Rule::always(Fault::Limit).route(Route::Add)]);
    let problem = world.sync(Scope::Delta).problem.unwrap();
    assert_eq!(problem.trouble, Trouble::Quota, "the plan's limit");
    world.papr.revoke_key(KEY);
    world.well();
    let report = world.sync(Scope::Delta);
    assert_eq!(report.problem.unwrap().trouble, Trouble::Unauthorised, "another key is needed");
    assert_eq!((report.pending, history().failures), (1, 3), "what is here waits");
    world.papr.add_key(KEY, ALICE);
    world.synced(Scope::Delta);
    assert_eq!((history().failures, history().problem, history().not_before), (0, None, None));
    world.assert_same();
    let mut world = world;
    for n in 0..3 {
        world.add(&format!("one of {n}"));
    }
    world.options.max_operations = 9;
    let report = world.sync(Scope::Delta);
    assert_eq!(report.problem.unwrap().trouble, Trouble::Quota, "a sync keeps to what it may cost");
    assert!(report.operations <= 9, "{}", report.operations);
}

/// 401 is about the key, 403 about the plan or about what the key may do; only the first asks for another key.
#[test]
fn three_ways_of_saying_no_are_told_apart() {
    let world = world();
    world.synced(Scope::Snapshot);
    world.add("waits");
    let status = |status, shape| Fault::Status { status, shape };
    let cases = [
        (status(401, Shape::Envelope), Trouble::Unauthorised, "unauthorised"),
        (status(401, Shape::Empty), Trouble::Unauthorised, "unauthorised"),
        (Fault::Limit, Trouble::Quota, "quota"),
        (status(403, Shape::Envelope), Trouble::Forbidden, "forbidden"),
        (status(403, Shape::Detail), Trouble::Forbidden, "forbidden"),
        (status(403, Shape::Html), Trouble::Forbidden, "forbidden"),
    ];
    for (fault, trouble, word) in cases {
        world.faults([Rule::always(fault.clone()).route(Route::Add)]);
        let report = world.sync(Scope::Delta);
        let problem = report.problem.unwrap();
        assert_eq!((problem.trouble, report.pending), (trouble, 1), "{fault:?}");
        assert!(!problem.hint.is_empty(), "{fault:?}: it says what to do");
        let history = world.store.account_sync(ALICE).unwrap();
        assert_eq!(history.problem.as_deref(), Some(word));
        let later = world.clock.now() + jiff::SignedDuration::from_hours(24);
        let facts = Facts { signed_in: true, pending: 1, ..Facts::default() };
        let held =
            decide(&facts, &history, Budget::default(), None, later) == Decision::Wait(Why::Unauthorised);
        assert_eq!(held, trouble == Trouble::Unauthorised, "{fault:?}: only a wrong key waits for a person");
    }
    world.well();
    world.synced(Scope::Delta);
    world.assert_same();
}

#[test]
fn a_limit_reached_inside_a_batch_ends_the_sync_and_is_told() {
    for (status, trouble) in [(403, Trouble::Quota), (429, Trouble::RateLimited)] {
        let world = world();
        world.synced(Scope::Snapshot);
        for n in 0..3 {
            world.add(&format!("text {n}"));
        }
        world.faults([Rule::always(Fault::FailItems { indexes: vec![2], status }).route(Route::Batch)]);
        let report = world.sync(Scope::Delta);
        assert_eq!(report.problem.unwrap().trouble, trouble, "not a success with something left over");
        assert_eq!((report.pushed.added, report.pushed.refused), (2, 0), "what went through went through");
        world.well();
        world.synced(Scope::Delta);
        world.synced(Scope::Snapshot);
        world.assert_same();
    }
}

#[test]
fn what_papr_refuses_for_good_is_not_sent_again_until_it_changes() {
    let world = world();
    world.synced(Scope::Snapshot);
    for n in 0..5 {
        world.add(&format!("text {n}"));
    }
    world.faults([
        Rule::on_calls(&[1], Fault::FailItems { indexes: vec![1, 3], status: 413 }).route(Route::Batch)
    ]);
    let report = world.synced(Scope::Delta);
    assert_eq!((report.pushed.added, report.pushed.refused, report.pending), (3, 2, 2), "{report:?}");
    let before = world.papr.requests().len();
    world.synced(Scope::Delta);
    assert_eq!(world.papr.requests().len() - before, 1, "the delta alone");
    // Memories of one millisecond are sent in any order.
    for refused in world.all().iter().filter(|memory| memory.remote.is_none()) {
        world.edit(refused.id, "shorter");
    }
    world.synced(Scope::Delta);
    world.synced(Scope::Snapshot);
    world.assert_same();
}

/// A deletion has no text that could be made shorter, and none of its own revision.
#[test]
fn what_papr_refused_can_be_deleted_and_a_refused_deletion_is_tried_again() {
    let world = world();
    let id = world.add("text");
    world.synced(Scope::Snapshot);
    world.edit(id, "refused");
    let refuse = |route| Rule::always(Fault::Status { status: 413, shape: Shape::Envelope }).route(route);
    world.faults([refuse(Route::Update), refuse(Route::Delete)]);
    assert_eq!(world.sync(Scope::Delta).pushed.refused, 1);
    world.delete(id);
    assert_eq!(world.sync(Scope::Delta).pushed.refused, 1, "the deletion is sent, and refused as well");
    world.well();
    assert_eq!(world.synced(Scope::Delta).pushed.deleted, 1, "it is tried again");
    world.assert_same();
}

#[test]
fn rows_that_a_delta_leaves_out_come_with_the_next_snapshot() {
    let world = world();
    let ids: Vec<_> = (0..20).map(|n| world.add(&format!("text {n}"))).collect();
    world.synced(Scope::Snapshot);
    for id in &ids {
        world.papr.edit(ALICE, &world.remote_of(*id), Edit::content("edited there")).unwrap();
    }
    world.papr.add(ALICE, NewMemory::text("new there")).unwrap();
    world.faults([
        Rule::always(Fault::Missing { share: 0.5 }).route(Route::Delta),
        Rule::always(Fault::Duplicate { share: 0.5 }),
        Rule::always(Fault::Reorder),
        Rule::always(Fault::Drift { how: Vec::new() }),
    ]);
    world.sync(Scope::Delta);
    let old = world.all().iter().filter(|memory| memory.content.as_str() != "edited there").count();
    assert!(old > 0, "the delta left some out");
    world.sync(Scope::Snapshot);
    through(&world);
    assert!(world.all().iter().all(|memory| memory.content.as_str().contains("there")));
}

#[test]
fn a_snapshot_that_leaves_rows_out_deletes_nothing() {
    let world = world();
    for n in 0..20 {
        world.add(&format!("text {n}"));
    }
    world.synced(Scope::Snapshot);
    world.synced(Scope::Snapshot);
    world.faults([Rule::always(Fault::Missing { share: 1.0 }).route(Route::Tiers)]);
    let report = world.sync(Scope::Snapshot);
    assert_eq!((report.pulled.checked, report.pulled.deleted), (20, 0), "asked, found, kept: {report:?}");
    world.faults([
        Rule::always(Fault::Missing { share: 1.0 }).route(Route::Tiers),
        Rule::always(Fault::Status { status: 500, shape: Shape::default() }).route(Route::Get),
    ]);
    world.sync(Scope::Snapshot);
    assert_eq!(world.all().len(), 20, "no answer is no deletion");
    through(&world);
}

/// The same little day, killed at every one of its requests, before and after Papr got it.
#[test]
fn killed_at_every_request_nothing_is_lost_and_nothing_doubled() {
    let mut kills = 0;
    for sent in [false, true] {
        for at in 0.. {
            let world = world();
            let ids: Vec<_> = (0..3).map(|n| world.add(&format!("text {n}"))).collect();
            world.synced(Scope::Snapshot);
            world.edit(ids[0], "edited");
            world.delete(ids[1]);
            world.papr.edit(ALICE, &world.remote_of(ids[2]), Edit::content("edited there")).unwrap();
            world.add("new 1");
            world.add("new 2");
            let (from, to) = (world.folder().to_owned(), world.next_home());
            let remote = &world.remote;
            let killer = Killer { remote, from, to, left: Cell::new(at), sent, dead: Cell::new(false) };
            world.later(Duration::from_mins(5));
            world.sync_with(&killer, Scope::Snapshot);
            if !killer.dead.get() {
                assert!(at > 6, "a sync makes more requests than {at}");
                break;
            }
            kills += 1;
            let world = world.killed();
            assert_eq!(
                world.all().len(),
                4 + usize::from(world.store.get(ids[1]).unwrap().is_some()),
                "kill {at}"
            );
            world.synced(Scope::Delta);
            world.synced(Scope::Snapshot);
            world.assert_same();
            assert_eq!(world.store.account_sync(ALICE).unwrap().problem, None, "kill {at}, sent: {sent}");
            assert_eq!(world.get(ids[0]).content.as_str(), "edited", "kill {at}, sent: {sent}");
            assert_eq!(world.all().len(), 4, "kill {at}, sent: {sent}");
        }
    }
    println!("{kills} kills");
}

/// What the outbox holds in an old backup may have been sent since.
#[test]
fn a_store_that_lost_how_far_it_had_come_doubles_nothing() {
    let world = world();
    world.synced(Scope::Snapshot);
    for n in 0..5 {
        world.add(&format!("text {n}"));
    }
    let backup = world.next_home();
    common::copy(world.folder(), &backup);
    world.synced(Scope::Delta);
    let world = world.killed();
    assert_eq!(world.store.outbox().unwrap().len(), 5, "the backup knows nothing of what was sent");
    world.store.apply(ALICE, &[], Some(&AccountSync::default())).unwrap();
    let syncer = Syncer::new(&world.store, &world.remote, &world.clock, ALICE, world.options.clone());
    let report = syncer.run(Scope::Delta, &CancelToken::new());
    assert_eq!(report.pushed.added, 0, "each was recognised by its client id: {report:?}");
    world.synced(Scope::Snapshot);
    world.assert_same();
}
