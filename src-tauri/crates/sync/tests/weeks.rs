//! Thousands of short weeks, each a script that shrinks to the least that goes wrong and says the same every time.
//!
//! A failing week is printed as the list of its steps; [`live`] lives that very week again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use std::cell::RefCell;

use common::device::{Device, OnDisk};
use common::direct::Direct;
use common::judge::Told;
use common::script::{End, Setting, Step, settings, week, weeks};
use common::shelf::Shelf;
use common::week::Week;
use common::{ALICE, START};
use jiff::Timestamp;
use papr_fake::{FakePapr, Spelling};
use proptest::test_runner::{Config, TestRunner};

fn long() -> bool {
    std::env::var_os("PAPR_LONG").is_some()
}

fn papr(setting: &Setting) -> FakePapr {
    FakePapr::unplugged(setting.options().spelling(Spelling::Plain)).unwrap()
}

/// Lives a week in memory.
fn live(setting: &Setting, steps: &[Step]) -> (Told, FakePapr, Shelf) {
    let (papr, mut shelf) = (papr(setting), Shelf::default());
    let told = Week::new(&papr, &Direct(&papr), &mut shelf).live(steps);
    (told, papr, shelf)
}

#[test]
fn short_weeks_converge() {
    let cases = if long() { 20_000 } else { 400 };
    let config = Config { cases, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() };
    let sum = RefCell::new(Told::default());
    let lived = TestRunner::new(config).run(&(settings(), weeks(1..40)), |(setting, steps)| {
        sum.borrow_mut().add(&live(&setting, &steps).0);
        Ok(())
    });
    if let Err(error) = lived {
        panic!("{error}");
    }
    let sum = sum.into_inner();
    println!("{cases} weeks, {sum}");
    assert!(sum.failed > 0 && sum.kills > 0 && sum.listed > 0, "weeks in which nothing happens show nothing");
}

#[test]
fn a_week_is_the_same_every_time() {
    for number in 1..=5 {
        let steps = week(number, 60);
        let (_, papr, shelf) = live(&Setting::default(), &steps);
        let (_, again, other) = live(&Setting::default(), &steps);
        assert_eq!(papr.oracle(), again.oracle(), "week {number}, by Papr's log");
        assert_eq!(*shelf.kept(), *other.kept(), "week {number}, by what is kept");
    }
}

#[test]
fn a_week_in_memory_is_the_same_week_on_disk() {
    let count = if long() { 40 } else { 3 };
    for number in 1..=count {
        let mut steps = week(number, 40);
        // The real store cannot be stopped between two writes.
        steps.retain(|step| !matches!(step, Step::Sync(round) if matches!(round.end, End::Burnt(_))));
        let (_, papr_in_memory, shelf) = live(&Setting::default(), &steps);
        let now = Timestamp::from_millisecond(START).unwrap();
        let (papr, mut disk) = (papr(&Setting::default()), OnDisk::new(now));
        Week::new(&papr, &Direct(&papr), &mut disk).live(&steps);
        assert_eq!(papr.oracle(), papr_in_memory.oracle(), "week {number}, by Papr's log");
        let store = disk.store();
        let kept = shelf.kept();
        assert_eq!(
            store.memories(None, usize::MAX).unwrap(),
            kept.memories.values().cloned().collect::<Vec<_>>()
        );
        assert_eq!(store.links(ALICE).unwrap(), kept.links.values().cloned().collect::<Vec<_>>());
        assert_eq!(store.outbox().unwrap(), kept.outbox.values().copied().collect::<Vec<_>>());
        assert_eq!(store.account_sync(ALICE).unwrap(), kept.accounts[ALICE]);
        for (id, memory) in &kept.tombstones {
            assert_eq!(store.tombstone(*id).unwrap().as_ref(), Some(memory), "{id}");
        }
    }
}
