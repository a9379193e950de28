//! Everything that can happen to a memory on either side, over real HTTP with a real store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::time::Instant;

use common::{ALICE, content, started, world};
use papr_fake::{Edit, NewMemory, Options as FakeOptions, Place, State};
use papr_memory::ports::{Store, SyncStore};
use papr_memory::{CancelToken, Memory, Standing, Tier, TierSetter};
use papr_sync::{Resolution, Scope, Syncer, conflicts, resolve, state};

#[test]
fn a_first_sync_brings_both_tiers_and_sends_what_is_here() {
    let world = started(FakeOptions::new().memories(1_300), 0);
    let mine: Vec<_> = (0..120).map(|n| world.add(&format!("mine {n}"))).collect();
    let local = Memory::new(content("nobody's business"), Tier::Goals, jiff::Timestamp::UNIX_EPOCH);
    world.store.insert(std::slice::from_ref(&local)).unwrap();
    let begun = Instant::now();
    let report = world.synced(Scope::Delta);
    println!("first sync of {} and {}: {:?}", report.pulled.created, report.pushed.added, begun.elapsed());
    assert_eq!(report.pushed.added, 120, "three batches");
    assert_eq!((report.pending, report.conflicts), (0, 0), "all of it was acknowledged");
    let goals =
        world.all().iter().filter(|memory| memory.tier == Tier::Goals && memory.remote.is_some()).count();
    assert!(goals > 0 && report.pulled.created > 1_000, "{goals} goals, {} created", report.pulled.created);
    assert!(mine.iter().all(|id| world.get(*id).remote.is_some()), "each knows its id at Papr");
    let oracle = world.papr.oracle();
    for (client_id, made) in oracle.created_by_client_id(ALICE) {
        let memory = world.get(client_id.parse().unwrap());
        assert_eq!(memory.remote.unwrap().id, made[0], "none was taken for another of its batch");
    }
    assert_eq!(world.get(local.id), local, "what is only local is not touched");
    assert!(
        !oracle.memories(ALICE).values().any(|record| record.content.as_deref() == Some("nobody's business"))
    );
    let again = world.synced(Scope::Snapshot);
    assert_eq!(
        (again.pulled.changed(), again.pushed.total()),
        (0, 0),
        "a second time there is nothing to do"
    );
}

#[test]
fn edits_deletions_and_moves_travel_both_ways() {
    let world = world();
    let ids: Vec<_> = (0..6).map(|n| world.add(&format!("text {n}"))).collect();
    let theirs = world.papr.add(ALICE, NewMemory::goal("a goal of Papr's").topics(&["one"])).unwrap();
    world.synced(Scope::Snapshot);
    let remotes: Vec<_> = ids.iter().map(|id| world.remote_of(*id)).collect();
    world.edit(ids[0], "edited here");
    world.delete(ids[1]);
    world.put(ids[2], Tier::Goals);
    world.papr.edit(ALICE, &remotes[3], Edit::content("edited there")).unwrap();
    world.papr.delete(ALICE, &remotes[4]).unwrap();
    world.papr.move_tier(ALICE, &remotes[5], Place::Tier0).unwrap();
    world.papr.move_tier(ALICE, &theirs, Place::Tier1).unwrap();
    world.papr.edit(ALICE, &theirs, Edit::topics(&["two", "three"])).unwrap();
    let report = world.synced(Scope::Snapshot);
    assert_eq!((report.pushed.updated, report.pushed.deleted, report.pending), (1, 1, 0), "{report:?}");
    assert_eq!((report.pulled.deleted, report.conflicts), (1, 0), "{report:?}");
    assert_eq!(world.get(ids[3]).content.as_str(), "edited there");
    assert!(world.store.get(ids[4]).unwrap().is_none(), "deleted there, deleted here");
    assert_eq!(
        world.store.restore(&[ids[4]], jiff::Timestamp::UNIX_EPOCH).unwrap().len(),
        1,
        "and can be taken back"
    );
    assert_eq!(
        (world.get(ids[2]).tier, world.get(ids[5]).tier),
        (Tier::Goals, Tier::Memories),
        "a person's choice holds"
    );
    let goal = world.local_of(&theirs).unwrap();
    assert_eq!(
        (goal.tier, goal.tier_set_by),
        (Tier::Memories, TierSetter::Papr),
        "Papr's own moves are followed"
    );
    assert_eq!(goal.topics, ["two", "three"], "topics travel");
    assert_eq!(world.store.tier_moves(goal.id).unwrap().len(), 1, "the move is in its history");
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert!(
        matches!(world.papr.oracle().state(ALICE, &remotes[4]), State::Deleted { .. }),
        "an undo makes it anew"
    );
    assert_ne!(world.remote_of(ids[4]), remotes[4]);
}

/// Papr tells of memories in four spellings, by their ids: of several, each comes up.
#[test]
fn topics_that_were_taken_away_are_gone_on_both_sides() {
    let world = world();
    let ids: Vec<_> = (0..16).map(|n| world.add(&format!("text {n}"))).collect();
    for id in &ids {
        world.change(*id, |memory| memory.topics = vec!["one".to_owned(), "two".to_owned()]);
    }
    world.synced(Scope::Snapshot);
    world.synced(Scope::Snapshot);
    world.assert_same();
    for (n, id) in ids.iter().enumerate() {
        if n % 2 == 0 {
            world.change(*id, |memory| memory.topics.clear());
        } else {
            world.papr.edit(ALICE, &world.remote_of(*id), Edit::topics(&[])).unwrap();
        }
    }
    world.synced(Scope::Delta);
    world.synced(Scope::Snapshot);
    world.assert_same();
    assert!(ids.iter().all(|id| world.get(*id).topics.is_empty()), "none came back");
}

#[test]
fn what_changed_on_both_sides_is_kept_twice_until_somebody_chooses() {
    let world = world();
    let ids: Vec<_> = (0..7).map(|n| world.add(&format!("text {n}"))).collect();
    world.synced(Scope::Snapshot);
    let remotes: Vec<_> = ids.iter().map(|id| world.remote_of(*id)).collect();
    for n in [0, 1, 2] {
        world.edit(ids[n], &format!("mine {n}"));
        world.papr.edit(ALICE, &remotes[n], Edit::content(format!("theirs {n}"))).unwrap();
    }
    world.delete(ids[3]);
    world.papr.edit(ALICE, &remotes[3], Edit::content("theirs 3")).unwrap();
    world.edit(ids[4], "mine 4");
    world.papr.delete(ALICE, &remotes[4]).unwrap();
    // The same edit, and edits of different parts, are none.
    world.edit(ids[5], "alike");
    world.papr.edit(ALICE, &remotes[5], Edit::content("alike")).unwrap();
    world.edit(ids[6], "mine 6");
    world.papr.edit(ALICE, &remotes[6], Edit::topics(&["theirs"])).unwrap();
    for scope in [Scope::Delta, Scope::Snapshot] {
        let report = world.synced(scope);
        assert_eq!(report.conflicts, 5, "each is listed, also the second time: {report:?}");
    }
    let found = conflicts(&world.store, ALICE).unwrap();
    let text = |n: usize| found.iter().find(|(memory, _)| memory.id == ids[n]).unwrap();
    let theirs = |n: usize| text(n).1.theirs.as_ref().map(|theirs| theirs.content.as_str());
    assert_eq!((text(0).0.content.as_str(), theirs(0)), ("mine 0", Some("theirs 0")), "both are kept");
    assert_eq!(
        (text(3).0.deleted_at.is_some(), theirs(3)),
        (true, Some("theirs 3")),
        "a deletion is a side too"
    );
    assert_eq!((text(4).0.content.as_str(), theirs(4)), ("mine 4", None));
    let there = |n: usize| match world.papr.oracle().state(ALICE, &remotes[n]) {
        State::Live { memory } => memory.content.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (there(0), there(3)),
        ("theirs 0".to_owned(), "theirs 3".to_owned()),
        "nothing was overwritten"
    );
    assert_eq!(
        (there(6), world.get(ids[6]).topics),
        ("mine 6".to_owned(), vec!["theirs".to_owned()]),
        "put together"
    );
    let now = jiff::Timestamp::from_millisecond(common::START).unwrap();
    let choices = [
        Resolution::Mine,
        Resolution::Theirs,
        Resolution::Merged(content("both 2")),
        Resolution::Theirs,
        Resolution::Mine,
    ];
    for (n, choice) in choices.iter().enumerate() {
        resolve(&world.store, ALICE, ids[n], choice, now).unwrap();
    }
    let report = world.synced(Scope::Snapshot);
    assert_eq!(report.conflicts, 0, "{report:?}");
    world.synced(Scope::Snapshot);
    world.assert_same();
    let texts: Vec<_> = ids[..5].iter().map(|id| world.get(*id).content.as_str().to_owned()).collect();
    assert_eq!(texts, ["mine 0", "theirs 1", "both 2", "theirs 3", "mine 4"], "as chosen");
}

#[test]
fn what_leaves_both_tiers_is_asked_for_and_kept() {
    let world = world();
    let ids: Vec<_> = (0..3).map(|n| world.add(&format!("text {n}"))).collect();
    world.synced(Scope::Snapshot);
    world.synced(Scope::Snapshot);
    let remotes: Vec<_> = ids.iter().map(|id| world.remote_of(*id)).collect();
    world.papr.move_tier(ALICE, &remotes[0], Place::Neither).unwrap();
    world.papr.delete(ALICE, &remotes[1]).unwrap();
    let report = world.synced(Scope::Snapshot);
    assert_eq!(
        (report.pulled.checked, report.pulled.deleted),
        (2, 1),
        "silence alone deletes nothing: {report:?}"
    );
    assert_eq!(world.store.link(ids[0]).unwrap().unwrap().standing, Standing::Outside);
    assert_eq!(state(&world.store, ALICE).unwrap().outside, 1, "and it can be seen");
    world.papr.edit(ALICE, &remotes[0], Edit::content("edited out there")).unwrap();
    world.synced(Scope::Delta);
    assert_eq!(world.get(ids[0]).content.as_str(), "edited out there", "a delta tells of it all the same");
    world.papr.move_tier(ALICE, &remotes[0], Place::Tier0).unwrap();
    world.synced(Scope::Snapshot);
    assert_eq!(world.store.link(ids[0]).unwrap().unwrap().standing, Standing::InTier, "it came back");
    world.assert_same();
}

#[test]
fn items_without_text_duplicates_and_ids_in_both_tiers() {
    let world = world();
    let both = world.papr.add(ALICE, NewMemory::text("in both").place(Place::Both)).unwrap();
    world.papr.add(ALICE, NewMemory { content: None, ..NewMemory::text("") }).unwrap();
    world.papr.add(ALICE, NewMemory { content: Some("None".to_owned()), ..NewMemory::text("") }).unwrap();
    world.papr.add(ALICE, NewMemory { twice: true, ..NewMemory::text("twice") }).unwrap();
    let report = world.synced(Scope::Snapshot);
    assert_eq!(report.pulled.created, 2, "{report:?}");
    assert_eq!(world.local_of(&both).unwrap().tier, Tier::Goals, "tier 0 wins");
    assert_eq!(report.pulled.duplicates, 2, "one in both tiers, one twice in its own");
    assert!(report.pulled.no_content >= 2, "counted, not kept: {report:?}");
}

#[test]
fn accounts_do_not_meet_and_local_memories_wait_for_adoption() {
    let world = world();
    world.papr.add_key("key-bob-0123456789", "bob");
    let mine = world.add("alice's");
    let local = Memory::new(content("only local"), Tier::Memories, jiff::Timestamp::UNIX_EPOCH);
    world.store.insert(std::slice::from_ref(&local)).unwrap();
    let key = papr_api::ApiKey::new("key-bob-0123456789").unwrap();
    let client = papr_api::Client::builder(key).base_url(&world.papr.url()).build().unwrap();
    let bobs = papr_sync::PaprRemote::new(client).unwrap();
    let bob = Syncer::new(&world.store, &bobs, &world.clock, "bob", world.options.clone());
    let report = bob.run(Scope::Snapshot, &CancelToken::new());
    assert_eq!((report.pushed.total(), report.pending), (0, 0), "nothing here is bob's");
    assert!(world.papr.oracle().memories("bob").is_empty(), "and nothing reached his account");
    world.synced(Scope::Snapshot);
    world.assert_same_but(&[local.id], &|_| false);
    assert_eq!(world.store.adopt(ALICE, &[local.id, mine]).unwrap().len(), 1, "only what is nobody's");
    world.synced(Scope::Delta);
    world.assert_same();
    let before = world.papr.oracle().memories(ALICE).len();
    assert_eq!(
        world.store.wipe_account("bob", &CancelToken::new()).unwrap().len(),
        0,
        "bob has nothing here"
    );
    let wiped = world.store.wipe_account(ALICE, &CancelToken::new()).unwrap();
    assert_eq!((wiped.len(), world.all().len()), (2, 0), "all of an account goes");
    let check = world.store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert_eq!((check.found, check.outbox, check.tombstones), (0, 0, 0), "and leaves nothing behind");
    assert!(world.store.links(ALICE).unwrap().is_empty());
    assert_eq!(world.papr.oracle().memories(ALICE).len(), before, "Papr keeps its own");
}

#[test]
fn a_preview_changes_nothing() {
    let world = world();
    let id = world.add("to be sent");
    world.papr.add(ALICE, NewMemory::text("to be fetched")).unwrap();
    let syncer = Syncer::new(&world.store, &world.remote, &world.clock, ALICE, world.options.clone());
    let preview = syncer.preview(Scope::Snapshot, &CancelToken::new()).unwrap();
    assert_eq!((preview.pulled.created, preview.adds, preview.push_cost), (1, 1, 4));
    assert_eq!(world.all(), [world.get(id)], "nothing came");
    assert_eq!(world.papr.oracle().memories(ALICE).len(), 1, "nothing went");
    let cancelled = CancelToken::new();
    cancelled.cancel();
    let report = syncer.run(Scope::Snapshot, &cancelled);
    assert!(report.cancelled && report.problem.is_none(), "a stop is no failure");
    assert_eq!(world.all().len(), 1);
}

#[test]
fn a_check_with_no_news_is_small() {
    let world = started(FakeOptions::new().memories(300), 0);
    world.synced(Scope::Snapshot);
    world.synced(Scope::Delta);
    let before = world.papr.traffic();
    let report = world.synced(Scope::Delta);
    let after = world.papr.traffic();
    let bytes = after.bytes_in - before.bytes_in + after.bytes_out - before.bytes_out;
    println!("a check with no news: {bytes} bytes, {} operations", report.operations);
    assert!(bytes <= 1_024 && report.operations == 1, "{bytes} bytes, {} operations", report.operations);
}
