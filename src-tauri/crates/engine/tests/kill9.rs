//! The engine is killed at random moments, while memories are added, edited, moved, deleted and taken back,
//! embedded in the background, and backed up beside all that: what it had said to be done is done, and the rest
//! was done wholly or not at all.
#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test may fail it

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use papr_engine::{Config, Edit, Engine, NewMemory};
use papr_memory::{CancelToken, Filters, Memory, MemoryId, Mode, Query, Sort, Tier};
use serde::{Deserialize, Serialize};
use support::{killed, no_resources, tiny};

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// It is about to do this.
    Adding(String),
    Changing(MemoryId, String, Tier),
    Deleting(MemoryId),
    Restoring(MemoryId),
    /// It was told that this is how it is now.
    Is(Box<Memory>),
    IsGone(MemoryId),
}

/// Not a test by itself: changes memories until it is killed.
#[test]
fn child_of_the_engine() {
    let Some((folder, seed)) = killed::given() else { return };
    let resources = tiny::at(folder.join("models"));
    let engine = Arc::new(Engine::open(Config::new(folder.join("data"), resources)).unwrap());
    engine.start().unwrap();
    engine.wait_index().unwrap();
    let backing = engine.clone();
    thread::spawn(move || {
        loop {
            backing.back_up(&CancelToken::new()).unwrap();
        }
    });
    let mut alive = all(&engine);
    let mut gone: Vec<Memory> = Vec::new();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let which = usize::try_from(random >> 40).unwrap();
        let text = format!("{} of {seed} ", random >> 8).repeat(which % 9 + 1);
        change(&engine, &mut alive, &mut gone, which, text);
    }
}

fn tell(told: &Told) {
    killed::tell(&serde_json::to_string(told).unwrap());
}

fn change(engine: &Engine, alive: &mut Vec<Memory>, gone: &mut Vec<Memory>, which: usize, text: String) {
    let place = which / 16 % alive.len().max(1);
    match which % 10 {
        3..=5 if !alive.is_empty() => {
            let Memory { id, rev, tier, content, .. } = alive[place].clone();
            let (text, tier) = match which % 10 {
                5 => (content.into(), if tier == Tier::Goals { Tier::Memories } else { Tier::Goals }),
                _ => (text, tier),
            };
            tell(&Told::Changing(id, text.clone(), tier));
            let edit = Edit { content: Some(text), tier: Some(tier), topics: None };
            alive[place] = engine.edit(id, Some(rev), edit).unwrap();
            tell(&Told::Is(Box::new(alive[place].clone())));
        }
        6 | 7 if !alive.is_empty() => {
            let id = alive.swap_remove(place).id;
            tell(&Told::Deleting(id));
            gone.extend(engine.delete(&[id]).unwrap());
            tell(&Told::IsGone(id));
        }
        8 if !gone.is_empty() => {
            let id = gone.swap_remove(which % gone.len()).id;
            tell(&Told::Restoring(id));
            alive.extend(engine.restore(&[id]).unwrap());
            tell(&Told::Is(Box::new(alive.last().unwrap().clone())));
        }
        _ => {
            tell(&Told::Adding(text.clone()));
            alive.push(engine.add(NewMemory { content: text, ..NewMemory::default() }).unwrap());
            tell(&Told::Is(Box::new(alive.last().unwrap().clone())));
        }
    }
}

fn all(engine: &Engine) -> Vec<Memory> {
    engine.list(&Filters::default(), Sort::Oldest, None, usize::MAX - 1).unwrap().memories
}

/// What there must be, and what was about to change when the child was killed.
#[derive(Default)]
struct Expected {
    alive: BTreeMap<MemoryId, Memory>,
    gone: BTreeMap<MemoryId, Memory>,
    begun: Option<Told>,
}

impl Expected {
    fn hear(&mut self, told: Told) {
        match told {
            Told::Is(memory) => {
                self.gone.remove(&memory.id);
                self.alive.insert(memory.id, *memory);
                self.begun = None;
            }
            Told::IsGone(id) => {
                let memory = self.alive.remove(&id).unwrap();
                self.gone.insert(id, memory);
                self.begun = None;
            }
            begun => self.begun = Some(begun),
        }
    }

    /// Holds what was found against this, and goes on from it.
    fn judge(&mut self, found: Vec<Memory>, case: &str) {
        let mut found: BTreeMap<MemoryId, Memory> =
            found.into_iter().map(|memory| (memory.id, memory)).collect();
        match self.begun.take() {
            Some(Told::Adding(text)) => {
                let new: Vec<_> = found.values().filter(|memory| !self.knows(memory.id)).cloned().collect();
                assert!(new.len() <= 1 && new.iter().all(|memory| memory.content.as_str() == text), "{case}");
                self.alive.extend(new.into_iter().map(|memory| (memory.id, memory)));
            }
            Some(Told::Changing(id, text, tier)) => {
                let is =
                    found.get(&id).unwrap_or_else(|| panic!("{case}: lost while it was changed")).clone();
                let was = &self.alive[&id];
                let changed = (is.content.as_str(), is.tier, is.rev) == (text.as_str(), tier, was.rev + 1);
                assert!(is == *was || changed, "{case}: half a change: {was:?}, {is:?}");
                self.alive.insert(id, is);
            }
            Some(Told::Deleting(id)) if !found.contains_key(&id) => {
                let memory = self.alive.remove(&id).unwrap();
                self.gone.insert(id, memory);
            }
            Some(Told::Restoring(id)) => {
                if let Some(back) = found.get(&id) {
                    let was = self.gone.remove(&id).unwrap();
                    assert_eq!((back.rev, &back.content), (was.rev + 1, &was.content), "{case}");
                    self.alive.insert(id, back.clone());
                }
            }
            _ => {}
        }
        for (id, expected) in &self.alive {
            assert_eq!(found.remove(id).as_ref(), Some(expected), "{case}: what was said to be is lost");
        }
        assert!(found.is_empty(), "{case}: these return, or come from nowhere: {found:?}");
    }

    fn knows(&self, id: MemoryId) -> bool {
        self.alive.contains_key(&id) || self.gone.contains_key(&id)
    }
}

/// Opens what is left, as the app does after a hard stop.
fn opened(folder: &Path) -> Engine {
    let config = Config::new(folder.join("data"), no_resources());
    let engine = Engine::open(Config { child: Some(killed::server()), ..config }).unwrap();
    engine.start_index().unwrap();
    engine.wait_index().unwrap();
    engine
}

#[test]
fn what_was_done_stays_done_through_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_model(&folder.path().join("models"));
    let mut expected = Expected::default();
    let (mut done, mut backups) = (0, 0);
    for round in 0..killed::rounds() {
        let delay = killed::moment(round, Duration::from_millis(250));
        for line in killed::run_and_kill("child_of_the_engine", folder.path(), round, delay) {
            let told = serde_json::from_str(&line).unwrap();
            done += u64::from(matches!(told, Told::Is(_) | Told::IsGone(_)));
            expected.hear(told);
        }
        let case = format!("round {round}, killed after {delay:?}");
        let engine = opened(folder.path());
        assert_eq!(engine.status().recovered, None, "{case}: a kill is no damage");
        expected.judge(all(&engine), &case);
        let report = engine.check(&mut |_| {}, &CancelToken::new()).unwrap();
        assert_eq!(report.findings, [], "{case}");
        for backup in engine.backups().unwrap() {
            papr_store::verify_backup(&backup.path).unwrap();
            backups += 1;
        }
        if let Some(memory) = expected.alive.values().last() {
            let query = Query::new(memory.content.as_str(), 5, None, Mode::Words).unwrap();
            let reply = engine.search(&query, &CancelToken::new()).unwrap();
            assert!(reply.hits.iter().any(|hit| hit.memory == *memory), "{case}: and is found");
        }
    }
    assert!(done > 100 && backups > 0, "the children worked: {done} changes, {backups} backups");
    println!("{done} changes in {} rounds, none lost; {} memories", killed::rounds(), expected.alive.len());
}

/// Not a test by itself: the process in which a copy is opened.
#[test]
fn child_serves() {
    papr_store::serve();
}
