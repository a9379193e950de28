//! Choices: what is chosen is in force at once, all of it or nothing, and searches go on meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use jiff::SignedDuration;
use papr_engine::{Choices, Code, Device, DeviceChoice, Edit, ModelState, Settings, Status};
use papr_memory::{Filters, Mode, Sort, Source, Tier, TierSetter};
use support::{Bench, no_resources};

#[test]
fn what_is_chosen_is_kept_and_what_cannot_be_changes_nothing() {
    let mut bench = Bench::with(no_resources());
    let before = bench.engine().settings();
    let half = Choices { results: Some(20), sync_minutes: Some(2), ..Choices::default() };
    let error = bench.engine().choose(&half).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.to_string().contains("5 to 1440, not 2"), "{error}");
    assert_eq!(bench.engine().settings(), before, "all or nothing");
    let whole = Choices { sync_minutes: Some(30), ledger_days: Some(7), ..half };
    bench.engine().choose(&whole).unwrap();
    let report = bench.engine().ledger(1).unwrap();
    assert_eq!(report.days, 7, "the ledger hears of it at once");
    bench.restart();
    let expected = Settings { results: 20, sync_minutes: 30, ledger_days: 7, ..before };
    assert_eq!(bench.engine().settings(), expected, "and it is kept");
    assert_eq!(bench.engine().settings_damaged(), None);
    let data = bench.data();
    bench.engine = None;
    fs::write(data.join("settings.json"), "{ half").unwrap();
    bench.restart();
    let aside = bench.engine().settings_damaged().expect("the damaged file was put aside");
    assert_eq!(fs::read_to_string(aside).unwrap(), "{ half");
}

#[test]
fn another_device_is_taken_up_while_searches_go_on() {
    if std::env::var_os("PAPR_DEVICE").is_some() {
        return; // It comes before the settings.
    }
    let bench = Bench::new();
    bench.add("Alice has a tortoise called Henry");
    bench.settle();
    let engine = bench.engine();
    let stop = AtomicBool::new(false);
    let loaded = |status: &Status| status.model.report.as_ref().map(|report| report.load_ms);
    let before = loaded(&engine.status());
    thread::scope(|scope| {
        let searching = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let reply = bench.search("which pet does she keep", Mode::Meaning);
                assert_eq!((reply.mode, reply.hits.len()), (Mode::Meaning, 1), "by meaning, all the time");
            }
        });
        let only_cpu = Choices {
            device: Some(DeviceChoice::Only(Device::Cpu)),
            unload_minutes: Some(1),
            ..Choices::default()
        };
        engine.choose(&only_cpu).unwrap();
        engine.wait_until(|status| loaded(status) != before);
        stop.store(true, Ordering::Relaxed);
        searching.join().unwrap();
    });
    engine.choose(&Choices { device: Some(DeviceChoice::Off), ..Choices::default() }).unwrap();
    let status = engine.wait_until(|status| status.model.state == ModelState::Failed);
    assert_eq!(status.model.problem.unwrap().code, Code::ModelMissing);
    let reply = bench.search("tortoise", Mode::Hybrid);
    assert_eq!((reply.mode, reply.hits.len()), (Mode::Words, 1));
    assert!(reply.degraded.unwrap().contains("switched off"));
    engine.choose(&Choices { device: Some(DeviceChoice::Auto), ..Choices::default() }).unwrap();
    engine.wait_until(|status| status.model.state == ModelState::Ready);
    assert_eq!(bench.search("which pet does she keep", Mode::Meaning).hits.len(), 1, "and back again");
}

#[test]
fn boosts_are_told_bounded_and_off_unless_chosen() {
    let bench = Bench::with(no_resources());
    let old = bench.add("the harbour of Trieste in winter");
    let goal = bench.add("the harbour of Genoa in winter");
    let engine = bench.engine();
    let hits = || {
        let hits = bench.search("harbour winter", Mode::Words).hits;
        hits.into_iter().map(|hit| (hit.memory.id, hit.score, hit.boost)).collect::<Vec<_>>()
    };
    let before = hits();
    assert!(before.iter().all(|(_, score, boost)| *boost == 0.0 && *score > 0.5));
    assert_eq!(engine.move_to(&[goal.id], Tier::Goals).unwrap(), 1);
    let scores = |hits: &[(_, f32, f32)]| hits.iter().map(|hit| (hit.1, hit.2)).collect::<Vec<_>>();
    assert_eq!(scores(&hits()), scores(&before), "off, a move changes no score");
    engine.choose(&Choices { goals_first: Some(true), ..Choices::default() }).unwrap();
    let raised = hits();
    assert_eq!((raised[0].0, raised[0].2), (goal.id, 0.1), "goals first, and the reply says so");
    assert_eq!((raised[1].0, raised[1].2), (old.id, 0.0));
    assert!(raised.iter().all(|(_, score, _)| (0.0..=1.0).contains(score)));
    engine
        .choose(&Choices { goals_first: Some(false), recent_first: Some(true), ..Choices::default() })
        .unwrap();
    assert!(hits().iter().all(|(_, _, boost)| (0.099..=0.1).contains(boost)), "both are new");
}

#[test]
fn many_move_at_once_with_their_history() {
    let bench = Bench::with(no_resources());
    let engine = bench.engine();
    engine.add_samples().unwrap();
    let ids = engine.ids(&Filters::tier(Some(Tier::Memories)), Sort::Oldest).unwrap();
    let listed = engine.list(&Filters::tier(Some(Tier::Memories)), Sort::Oldest, None, 500).unwrap();
    assert_eq!(ids, listed.memories.iter().map(|memory| memory.id).collect::<Vec<_>>());
    let twice: Vec<_> = ids.iter().chain(&ids).copied().collect();
    assert_eq!(engine.move_to(&twice, Tier::Goals).unwrap(), ids.len(), "each once");
    assert_eq!(engine.move_to(&ids, Tier::Goals).unwrap(), 0, "they are there");
    let status = engine.status();
    assert_eq!((status.counts.memories, status.samples + ids.len()), (0, 150), "and a person's own now");
    let moved = engine.get(ids[0]).unwrap();
    assert_eq!((moved.rev, moved.source, moved.tier_set_by), (2, Source::User, TierSetter::User));
    assert!(moved.updated_at.duration_since(jiff::Timestamp::now()).abs() < SignedDuration::from_mins(1));
    let moves = engine.tier_moves(ids[0]).unwrap();
    assert_eq!((moves.len(), moves[0].from, moves[0].to), (1, Tier::Memories, Tier::Goals));
    let pending = Filters { pending: Some(true), ..Filters::default() };
    let edited = bench.add("another");
    engine.edit(edited.id, None, Edit { tier: Some(Tier::Goals), ..Edit::default() }).unwrap();
    let both = engine.ids(&pending, Sort::Newest).unwrap();
    assert_eq!(both.contains(&ids[0]), both.contains(&edited.id), "the outbox is kept as with an edit");
    engine.delete(&[ids[0]]).unwrap();
    assert_eq!(engine.tier_moves(ids[0]).unwrap_err().code(), Code::NotFound);
    assert_eq!(engine.move_to(&ids, Tier::Memories).unwrap(), ids.len() - 1, "who is gone is passed over");
}

#[test]
fn some_come_in_the_order_asked() {
    let bench = Bench::with(no_resources());
    let engine = bench.engine();
    let [a, b, c] = ["a", "b", "c"].map(|text| bench.add(text));
    engine.delete(&[b.id]).unwrap();
    assert_eq!(engine.some(&[c.id, b.id, a.id]).unwrap(), [c.clone(), a]);
    let error = engine.some(&vec![c.id; 201]).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(engine.related(c.id, 5).unwrap().is_empty(), "without a model nothing is near");
}

#[test]
fn related_are_the_nearest_of_both_tiers() {
    let bench = Bench::new();
    let cat = bench.add("The cat sleeps on the windowsill");
    let copy = bench.add("The cat sleeps on the windowsill.");
    let goal = bench.add_to(Tier::Goals, "Adopt a second kitten before summer");
    let tax = bench.add("Quarterly tax forms are due in April");
    bench.settle();
    let related = bench.engine().related(cat.id, 10).unwrap();
    let ids: Vec<_> = related.iter().map(|near| near.memory.id).collect();
    assert_eq!(ids.first(), Some(&goal.id), "a goal is near, too");
    assert!(!ids.contains(&cat.id) && !ids.contains(&copy.id), "neither itself nor its copy");
    assert!(related[0].similarity > 0.2 && related.iter().all(|near| near.similarity >= 0.1));
    assert!(ids.len() < 3 || ids.contains(&tax.id));
    assert_eq!(bench.engine().related(cat.id, 0).unwrap(), []);
}
