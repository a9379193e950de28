//! Scripted weeks: both sides edit at random, a third of the requests fail, the process is killed; judged by the fake
//! server's log of what it accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::kill::Killer;
use common::{ALICE, World, world};
use fastrand::Rng;
use papr_fake::{
    Action, Author, Edit, Fault, NewMemory, Place, Record, RetryAfter, Route, Rule, Script, Shape,
};
use papr_memory::ports::{Clock, Store};
use papr_memory::{MemoryId, Tier};
use papr_sync::{Resolution, Scope, conflicts, resolve};

/// Of the requests, three in ten fail, and lists come in disorder.
fn faults(seed: u64) -> Script {
    let every = |fault| Rule::chance(0.05, fault);
    let mut script = Script::of([
        every(Fault::Status { status: 500, shape: Shape::default() }),
        every(Fault::CloseBefore),
        every(Fault::LostReply { hang_ms: 0 }),
        every(Fault::CutBody { share: 0.5 }),
        every(Fault::WrongJson { how: None }),
        Rule::chance(0.025, Fault::RateLimit { retry_after: Some(RetryAfter::Seconds(1)) }),
        Rule::chance(0.025, Fault::Limit),
        Rule::chance(0.3, Fault::Missing { share: 0.3 }).route(Route::Delta),
        Rule::chance(0.2, Fault::Missing { share: 0.2 }).route(Route::Tiers),
        Rule::chance(0.2, Fault::Duplicate { share: 0.3 }),
        Rule::chance(0.2, Fault::Reorder),
        Rule::chance(0.2, Fault::Drift { how: Vec::new() }),
        Rule::chance(0.1, Fault::FailItems { indexes: vec![0, 2], status: 500 }).route(Route::Batch),
    ]);
    script.seed = Some(seed);
    script
}

#[derive(Default)]
struct Told {
    /// The newest text written here and not given up by a person.
    mine: BTreeMap<MemoryId, String>,
    /// Deleted here, and not taken back.
    deleted: BTreeSet<MemoryId>,
    /// Every text of Papr's that was ever shown here.
    seen: BTreeSet<String>,
    /// Every id of Papr's that was ever known here.
    known: BTreeSet<String>,
    /// Taken back, or kept against a deletion there.
    anew: usize,
    listed: usize,
    kills: usize,
    failed: usize,
    syncs: usize,
}

struct Week {
    world: World,
    rng: Rng,
    told: Told,
    texts: u32,
}

impl Week {
    fn text(&mut self, who: &str) -> String {
        self.texts += 1;
        format!("{who} {}", self.texts)
    }

    fn look(&mut self) {
        for memory in self.world.all() {
            self.told.seen.insert(memory.content.as_str().to_owned());
            self.told.known.extend(memory.remote.map(|remote| remote.id));
        }
        for (_, conflict) in conflicts(&self.world.store, ALICE).unwrap() {
            self.told.seen.extend(conflict.theirs.map(|theirs| theirs.content.as_str().to_owned()));
        }
    }

    fn here(&mut self) {
        let all = self.world.all();
        let one = (!all.is_empty()).then(|| all[self.rng.usize(..all.len())].id);
        match (self.rng.u32(..10), one) {
            (0..4, _) | (_, None) => {
                for _ in 0..self.rng.u32(1..5) {
                    let text = self.text("here");
                    let id = self.world.add(&text);
                    self.told.mine.insert(id, text);
                }
            }
            (4..7, Some(id)) => {
                let text = self.text("here");
                self.world.edit(id, &text);
                self.told.mine.insert(id, text);
            }
            (7, Some(id)) => self.world.put(id, if self.rng.bool() { Tier::Goals } else { Tier::Memories }),
            (8, Some(id)) => {
                self.world.delete(id);
                self.told.mine.remove(&id);
                self.told.deleted.insert(id);
            }
            (_, Some(_)) => {
                let Some(&id) = self.told.deleted.first() else { return };
                if !self.world.store.restore(&[id], self.world.clock.now()).unwrap().is_empty() {
                    self.told.deleted.remove(&id);
                    self.told.anew += 1;
                }
            }
        }
    }

    fn there(&mut self) {
        let oracle = self.world.papr.oracle();
        let ids: Vec<String> = oracle.memories(ALICE).into_keys().map(str::to_owned).collect();
        let one = (!ids.is_empty()).then(|| ids[self.rng.usize(..ids.len())].clone());
        let papr = &self.world.papr;
        match (self.rng.u32(..10), one) {
            (0..3, _) | (_, None) => {
                let text = self.text("there");
                let goal = self.rng.bool();
                let memory = if goal { NewMemory::goal(text) } else { NewMemory::text(text) };
                self.world.papr.add(ALICE, memory).unwrap();
            }
            (3..6, Some(id)) => {
                let text = self.text("there");
                self.world.papr.edit(ALICE, &id, Edit::content(text)).unwrap();
            }
            (6, Some(id)) => drop(papr.edit(ALICE, &id, Edit::topics(&["a", "b"])).unwrap()),
            (7, Some(id)) => papr.delete(ALICE, &id).unwrap(),
            (_, Some(id)) => {
                let places = [Place::Tier0, Place::Tier1, Place::Both, Place::Neither];
                let place = places[self.rng.usize(..places.len())];
                papr.move_tier(ALICE, &id, place).unwrap();
            }
        }
    }

    fn sync(mut self) -> Self {
        let scope = if self.rng.u32(..3) == 0 { Scope::Snapshot } else { Scope::Delta };
        self.told.syncs += 1;
        if self.rng.u32(..5) > 0 {
            let report = self.world.sync_with(&self.world.remote, scope);
            self.told.failed += usize::from(report.problem.is_some());
            self.look();
            return self;
        }
        let world = &self.world;
        let killer = Killer {
            remote: &world.remote,
            from: world.folder().to_owned(),
            to: world.next_home(),
            left: Cell::new(self.rng.u32(..12)),
            sent: self.rng.bool(),
            dead: Cell::new(false),
        };
        world.sync_with(&killer, scope);
        if killer.dead.get() {
            self.told.kills += 1;
            self.world = self.world.killed();
        } else {
            self.world = self.world.restart();
        }
        self.look();
        self
    }

    fn choose(&mut self) {
        for (memory, conflict) in conflicts(&self.world.store, ALICE).unwrap() {
            self.told.listed += 1;
            let (id, deleted) = (memory.id, memory.deleted_at.is_some());
            let choice = match self.rng.u32(..3) {
                0 => Resolution::Mine,
                1 => Resolution::Theirs,
                _ => {
                    let text = self.text("merged");
                    Resolution::Merged(common::content(&text))
                }
            };
            match &choice {
                Resolution::Mine => {}
                Resolution::Theirs => drop(self.told.mine.remove(&id)),
                Resolution::Merged(text) => {
                    self.told.mine.insert(id, text.as_str().to_owned());
                }
            }
            if conflict.theirs.is_none() && choice != Resolution::Theirs {
                self.told.anew += 1;
            }
            if deleted && choice != Resolution::Mine {
                self.told.deleted.remove(&id);
            }
            resolve(&self.world.store, ALICE, id, &choice, self.world.clock.now()).unwrap();
        }
    }

    /// All goes well until nothing changes any more.
    fn settle(&mut self) {
        self.world.well();
        for round in 0.. {
            self.world.later(Duration::from_mins(10));
            let report = self.world.synced(Scope::Snapshot);
            self.look();
            self.choose();
            let quiet = report.pulled.changed() + report.pushed.total() + report.pending + report.conflicts;
            if quiet == 0 {
                return;
            }
            assert!(round < 10, "it does not come to rest: {report:?}");
        }
    }

    /// By the server's own log.
    fn judge(&self) {
        // What a delta left out, and what left the tiers before a snapshot saw it, need not be here.
        let missed = |one: &Record| one.place == Place::Neither && !self.told.known.contains(&one.id);
        self.world.assert_same_but(&[], &missed);
        let oracle = self.world.papr.oracle();
        let accepted: BTreeSet<&str> =
            oracle.entries.iter().filter_map(|entry| entry.record.as_ref()?.content.as_deref()).collect();
        let lost: Vec<_> = self.told.mine.values().filter(|text| !accepted.contains(text.as_str())).collect();
        assert!(lost.is_empty(), "written here and lost: {lost:?}");
        let alive: BTreeSet<_> = self.world.all().iter().map(|memory| memory.id).collect();
        let risen: Vec<_> = self.told.deleted.intersection(&alive).collect();
        assert!(risen.is_empty(), "deleted here and resurrected: {risen:?}");
        let anew = oracle.created_by_client_id(ALICE).keys().filter(|name| name.contains('.')).count();
        assert!(anew <= self.told.anew, "{anew} made anew, {} meant to be", self.told.anew);
        // A client's write over a text of the server's: only one that a person could have seen.
        let mut before: BTreeMap<&str, (&str, Author)> = BTreeMap::new();
        for entry in &oracle.entries {
            let text = entry.record.as_ref().and_then(|record| record.content.as_deref());
            let old = before.get(entry.id.as_str()).copied();
            if entry.author == Author::Client
                && let Some((old, Author::Server)) = old
                && text != Some(old)
            {
                assert!(self.told.seen.contains(old), "{:?} overwrote unseen {old:?}", entry.action);
            }
            match text {
                Some(text) if entry.action != Action::Move && old.is_none_or(|(old, _)| old != text) => {
                    before.insert(&entry.id, (text, entry.author));
                }
                Some(_) => {}
                None => drop(before.remove(entry.id.as_str())),
            }
        }
    }
}

fn week(seed: u64, steps: u32) -> Told {
    let mut week = Week { world: world(), rng: Rng::with_seed(seed), told: Told::default(), texts: 0 };
    week.world.papr.set_faults(faults(seed)).unwrap();
    for _ in 0..steps {
        for _ in 0..week.rng.u32(1..4) {
            if week.rng.bool() {
                week.here();
            } else {
                week.there();
            }
            let ms = week.rng.u64(..3);
            week.world.later(Duration::from_millis(ms));
        }
        let minutes = week.rng.u64(..240);
        week.world.later(Duration::from_mins(minutes));
        week = week.sync();
        if week.rng.u32(..6) == 0 {
            week.choose();
        }
    }
    week.settle();
    week.judge();
    week.told
}

#[test]
fn scripted_weeks_converge() {
    let long = std::env::var_os("PAPR_LONG").is_some();
    let (weeks, steps) = if long { (60, 150) } else { (6, 40) };
    let mut sum = Told::default();
    for seed in 1..=weeks {
        println!("week {seed}");
        let told = week(seed, steps);
        sum.syncs += told.syncs;
        sum.failed += told.failed;
        sum.kills += told.kills;
        sum.listed += told.listed;
    }
    let Told { syncs, failed, kills, listed, .. } = sum;
    println!("{weeks} weeks, {syncs} syncs, {failed} failed, {kills} kills, {listed} conflicts listed");
    assert!(failed > 0 && kills > 0 && listed > 0, "weeks in which nothing happens show nothing");
}
