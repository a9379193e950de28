//! A week is lived: each step in its turn, then all goes well until nothing changes any more, then it is judged.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use papr_fake::{Action, Edit, FakePapr, NewMemory, Script};
use papr_memory::ports::Clock;
use papr_memory::{CancelToken, Memory, MemoryId, Tier, TierSetter};
use papr_sync::{Options, Remote, Resolution, Scope, SyncReport, Syncer, conflicts, resolve};

use super::device::{Device, Home};
use super::judge::{Told, judge};
use super::script::{End, Here, Round, Step, There};
use super::tripwire::Tripwire;
use super::{ALICE, Hand, content, thorough};

/// Ids that are the same in every run.
#[derive(Default)]
struct Ids(AtomicU64);

impl Ids {
    fn next(&self, at: Timestamp) -> MemoryId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&at.as_millisecond().to_be_bytes());
        bytes[8..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        MemoryId::from_bytes(bytes)
    }
}

pub struct Week<'a> {
    pub papr: &'a FakePapr,
    pub remote: &'a dyn Remote,
    pub device: &'a mut dyn Device,
    clock: Hand,
    ids: Ids,
    texts: Cell<u32>,
    told: RefCell<Told>,
}

impl<'a> Week<'a> {
    pub fn new(papr: &'a FakePapr, remote: &'a dyn Remote, device: &'a mut dyn Device) -> Self {
        let clock = Hand::at(papr.now());
        Self {
            papr,
            remote,
            device,
            clock,
            ids: Ids::default(),
            texts: Cell::new(0),
            told: RefCell::default(),
        }
    }

    /// After what somebody did and saw before it.
    pub fn go_on(mut self, told: Told) -> Self {
        self.told = RefCell::new(told);
        self
    }

    /// Lives it to its end.
    pub fn live(mut self, steps: &[Step]) -> Told {
        for step in steps {
            match step {
                Step::Here(here) => self.here(here),
                Step::There(there) => self.there(there),
                Step::Wait(ms) => self.later(Duration::from_millis(u64::from(*ms))),
                Step::Sync(round) => self.meet(round),
                Step::Choose(how) => self.choose(*how),
            }
        }
        self.settle();
        let told = self.told.take();
        judge(&told, self.store(), &self.papr.oracle());
        self.device.examine();
        told
    }

    fn store(&self) -> &dyn Home {
        self.device.store()
    }

    fn later(&self, by: Duration) {
        self.papr.set_now(self.clock.later(by));
    }

    fn text(&self, who: &str) -> String {
        self.texts.set(self.texts.get() + 1);
        format!("{who} {}", self.texts.get())
    }

    fn look(&self) {
        let mut told = self.told.borrow_mut();
        for memory in self.store().memories(None, usize::MAX).unwrap() {
            told.seen.insert(memory.content.as_str().to_owned());
        }
        for link in self.store().links(ALICE).unwrap() {
            told.known.extend(link.remote.map(|remote| (remote, link.id)));
            let theirs = link.conflict.and_then(|conflict| conflict.theirs);
            told.seen.extend(theirs.map(|theirs| theirs.content.as_str().to_owned()));
        }
    }

    fn here(&self, here: &Here) {
        self.look();
        let mut told = self.told.borrow_mut();
        let now = self.clock.now();
        let all = self.store().memories(None, usize::MAX).unwrap();
        let pick = |one: u8| (!all.is_empty()).then(|| all[usize::from(one) % all.len()].clone());
        let replace = |mut memory: Memory| {
            memory.rev += 1;
            memory.touch(now);
            self.store().replace(&memory);
        };
        match *here {
            Here::Add(count) => {
                for _ in 0..count {
                    let text = self.text("here");
                    let mut memory = Memory::new(content(&text), Tier::Memories, now);
                    (memory.id, memory.account) = (self.ids.next(now), Some(ALICE.to_owned()));
                    self.store().insert(&memory);
                    told.mine.insert(memory.id, text);
                }
            }
            Here::Edit(one) => {
                let Some(mut memory) = pick(one) else { return };
                let text = self.text("here");
                memory.content = content(&text);
                told.mine.insert(memory.id, text);
                replace(memory);
            }
            Here::Topics(one, count) => {
                let Some(mut memory) = pick(one) else { return };
                memory.topics = (0..count).map(|_| self.text("topic")).collect();
                replace(memory);
            }
            Here::Put(one, goal) => {
                let Some(mut memory) = pick(one) else { return };
                let tier = if goal { Tier::Goals } else { Tier::Memories };
                (memory.tier, memory.tier_set_by) = (tier, TierSetter::User);
                replace(memory);
            }
            Here::Delete(one) => {
                let Some(memory) = pick(one) else { return };
                self.store().delete(memory.id, now);
                told.mine.remove(&memory.id);
                told.deleted.insert(memory.id);
                told.ever_deleted.insert(memory.id);
            }
            Here::Restore(one) => {
                let deleted: Vec<_> = told.deleted.iter().copied().collect();
                let Some(&id) = deleted.get(usize::from(one) % deleted.len().max(1)) else { return };
                if self.store().restore(id, now) {
                    told.deleted.remove(&id);
                    told.anew += 1;
                }
            }
        }
    }

    fn there(&self, there: &There) {
        let oracle = self.papr.oracle();
        let alive = oracle.memories(ALICE);
        // In the order they were made, as here: so that both sides often pick the same.
        let made = oracle.entries.iter().filter(|entry| entry.action == Action::Create);
        let ids: Vec<&str> =
            made.map(|entry| entry.id.as_str()).filter(|id| alive.contains_key(id)).collect();
        let pick = |one: u8| ids.get(usize::from(one) % ids.len().max(1)).copied();
        let edit = |one, edit| pick(one).map(|id| self.papr.edit(ALICE, id, edit).unwrap());
        match *there {
            There::Add(goal) => {
                let text = self.text("there");
                let memory = if goal { NewMemory::goal(text) } else { NewMemory::text(text) };
                self.papr.add(ALICE, memory).unwrap();
            }
            There::Edit(one) => drop(edit(one, Edit::content(self.text("there")))),
            There::Topics(one, count) => {
                let topics: Vec<String> = (0..count).map(|_| self.text("topic")).collect();
                let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                edit(one, Edit::topics(&topics));
            }
            There::Delete(one) => {
                if let Some(id) = pick(one) {
                    self.papr.delete(ALICE, id).unwrap();
                }
            }
            There::Move(one, place) => {
                if let Some(id) = pick(one) {
                    self.papr.move_tier(ALICE, id, place).unwrap();
                }
            }
        }
    }

    fn sync(&self, remote: &dyn Remote, scope: Scope) -> SyncReport {
        let options = Options { limits: thorough(), ..Options::default() };
        let ids = &self.ids;
        let new_id = |at| ids.next(at);
        let syncer = Syncer::new(self.store(), remote, &self.clock, ALICE, options).ids(&new_id);
        syncer.run(scope, &CancelToken::new())
    }

    fn meet(&mut self, round: &Round) {
        self.later(Duration::from_mins(round.after_minutes.into()));
        self.papr.set_faults(round.script()).unwrap();
        let scope = if round.snapshot { Scope::Snapshot } else { Scope::Delta };
        // Where no single write can be stopped, it is the call of this number that is.
        let end = match round.end {
            End::Burnt(write) if !self.device.burn(write.into()) => End::Killed { call: write, sent: false },
            _ => round.end.clone(),
        };
        let report = {
            let on_call = |call: u32, sent: bool| match &end {
                End::Killed { call: at, sent: when } if call == u32::from(*at) && sent == *when => {
                    self.device.freeze();
                }
                End::Meanwhile(at, here) if call == u32::from(*at) && sent => self.here(here),
                _ => {}
            };
            let remote = Tripwire::new(self.remote, &*self.device, &on_call);
            self.sync(&remote, scope)
        };
        self.papr.set_faults(Script::default()).unwrap();
        let told = self.told.get_mut();
        told.syncs += 1;
        told.kills += usize::from(self.device.dead());
        told.failed += usize::from(!self.device.dead() && report.problem.is_some());
        if matches!(end, End::Killed { .. } | End::Burnt(_)) {
            self.device.restart(self.clock.now());
        }
        self.look();
    }

    fn choose(&self, how: u8) {
        let mut told = self.told.borrow_mut();
        for ((memory, conflict), how) in conflicts(self.store(), ALICE).unwrap().into_iter().zip(how % 3..) {
            told.listed += 1;
            let (id, deleted) = (memory.id, memory.deleted_at.is_some());
            let choice = match how % 3 {
                0 => Resolution::Mine,
                1 => Resolution::Theirs,
                _ => Resolution::Merged(content(&self.text("merged"))),
            };
            match &choice {
                Resolution::Mine => {}
                Resolution::Theirs => {
                    told.mine.remove(&id);
                    if conflict.theirs.is_none() {
                        told.ever_deleted.insert(id);
                    }
                }
                Resolution::Merged(text) => {
                    told.mine.insert(id, text.as_str().to_owned());
                }
            }
            if conflict.theirs.is_none() && choice != Resolution::Theirs {
                told.anew += 1;
            }
            if deleted && choice != Resolution::Mine {
                told.deleted.remove(&id);
            }
            resolve(self.store(), ALICE, id, &choice, self.clock.now()).unwrap();
        }
    }

    /// What Papr refused is written anew.
    fn rewrite_refused(&self) {
        for link in self.store().links(ALICE).unwrap() {
            let refused = link.refused.and_then(|_| self.store().memory(link.id).unwrap());
            if let Some(mut memory) = refused {
                let text = self.text("here");
                memory.content = content(&text);
                memory.rev += 1;
                self.told.borrow_mut().mine.insert(memory.id, text);
                self.store().replace(&memory);
            }
        }
    }

    /// All goes well until nothing changes any more.
    fn settle(&self) {
        for round in 0..=10_u8 {
            self.rewrite_refused();
            self.later(Duration::from_mins(10));
            let report = self.sync(self.remote, Scope::Snapshot);
            let problem = report.problem.as_ref().map(|problem| &problem.message);
            assert_eq!(problem, None, "nothing is in the way");
            self.look();
            self.choose(round);
            let quiet = report.pulled.changed() + report.pushed.total() + report.pending + report.conflicts;
            if quiet == 0 {
                return;
            }
            assert!(round < 10, "it does not come to rest: {report:?}");
        }
    }
}
