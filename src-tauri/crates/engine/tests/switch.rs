//! Going over to another model: searches never fail and never mix spaces, and nothing is lost by a stop.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use papr_memory::{Mode, Reply};
use support::{Bench, no_resources};

const FLOAT: &str = "all-minilm-l6-v2";
const BYTES: &str = "all-minilm-l6-v2-int8";

/// Some memories, and one that answers [`QUESTION`] without any of its words.
fn filled(count: usize) -> Bench {
    let bench = Bench::new();
    for number in 0..count {
        bench.add(&format!(
            "Note {number}: shelf {} of the warehouse holds crate {}",
            number % 7,
            number * 13
        ));
    }
    bench.add(ANSWER);
    bench.settle();
    bench
}

const QUESTION: &str = "which pet does she keep";
const ANSWER: &str = "Alice has a tortoise called Henry";

fn switched(bench: &Bench, id: &str) {
    bench.engine().use_model(id).unwrap();
    let status = bench.engine().wait_until(|status| {
        (status.switch.is_none() && status.model.id.as_deref() == Some(id))
            || status.switch.as_ref().is_some_and(|switch| switch.problem.is_some())
    });
    assert_eq!(status.switch, None, "the change is over");
}

/// The cosine of the answer, and what the reply was.
fn cosine(reply: &Reply) -> f32 {
    let hit = reply.hits.iter().find(|hit| hit.memory.content.as_str() == ANSWER);
    hit.expect("the answer is found").cosine.expect("by meaning")
}

#[test]
fn a_change_of_model_never_fails_a_search_and_never_mixes_spaces() {
    let bench = filled(300);
    let before = cosine(&bench.search(QUESTION, Mode::Hybrid));
    let stop = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let reply = bench.search(QUESTION, Mode::Hybrid);
                assert_eq!(reply.mode, Mode::Hybrid, "search by meaning goes on");
                seen.push(cosine(&reply));
            }
            seen
        });
        switched(&bench, BYTES);
        stop.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    });
    let after = cosine(&bench.search(QUESTION, Mode::Hybrid));
    assert!((before - after).abs() > 1e-4, "the two models differ: {before} and {after}");
    for cosine in &seen {
        let is = |whole: f32| (cosine - whole).abs() < 1e-5;
        assert!(is(before) || is(after), "{cosine} is of neither {before} nor {after}: spaces were mixed");
    }
    let spaces = bench.engine().spaces().unwrap();
    assert_eq!(spaces.len(), 1, "the room of the old vectors is given back");
}

#[test]
fn what_is_written_meanwhile_is_found_before_and_after() {
    let bench = filled(200);
    bench.engine().use_model(BYTES).unwrap();
    bench.engine().wait_until(|status| status.switch.as_ref().is_some_and(|switch| switch.done > 0));
    let added = bench.add("The violin teacher comes on Thursdays");
    let edited = bench.add("Something else");
    let edit = papr_engine::Edit { content: Some("Bob repairs bicycles".to_owned()), ..Default::default() };
    bench.engine().edit(edited.id, None, edit).unwrap();
    let removed = bench.add("Nobody will read this");
    bench.engine().delete(&[removed.id]).unwrap();
    bench.settle();
    let finds = |question: &str, id| {
        let reply = bench.search(question, Mode::Meaning);
        assert_eq!(reply.hits[0].memory.id, id, "{question}");
    };
    finds("music lessons", added.id);
    finds("who fixes bikes", edited.id);
    switched(&bench, BYTES);
    finds("music lessons", added.id);
    finds("who fixes bikes", edited.id);
    assert_eq!(bench.engine().status().pending, 0, "nothing is left to do");
}

#[test]
fn a_stop_in_the_middle_goes_on_after_a_restart() {
    let mut bench = filled(400);
    bench.engine().use_model(BYTES).unwrap();
    let status =
        bench.engine().wait_until(|status| status.switch.as_ref().is_some_and(|switch| switch.done > 0));
    let done = status.switch.unwrap().done;
    let status = bench.restart();
    assert_eq!(status.model.id.as_deref(), Some(FLOAT), "the old model serves while the new space is built");
    assert_eq!(bench.search(QUESTION, Mode::Meaning).hits[0].memory.content.as_str(), ANSWER);
    let status =
        bench.engine().wait_until(|status| status.switch.as_ref().is_none_or(|switch| switch.total > 0));
    assert!(
        status.switch.as_ref().is_none_or(|switch| switch.done >= done),
        "what was embedded before the stop is not embedded again: {status:?}"
    );
    switched(&bench, BYTES);
    let status = bench.restart();
    assert_eq!(status.model.id.as_deref(), Some(BYTES), "and it stays");
}

#[test]
fn going_back_costs_nothing() {
    let bench = filled(300);
    let before = cosine(&bench.search(QUESTION, Mode::Meaning));
    bench.engine().pause_switch(true).unwrap();
    bench.engine().use_model(BYTES).unwrap();
    bench.engine().pause_switch(true).unwrap();
    bench.engine().wait_until(|status| status.switch.as_ref().is_some_and(|switch| switch.total > 0));
    switched(&bench, FLOAT);
    assert_eq!(bench.engine().status().pending, 0, "nothing has to be embedded again");
    assert!((cosine(&bench.search(QUESTION, Mode::Meaning)) - before).abs() < 1e-6);
    assert_eq!(bench.engine().spaces().unwrap().len(), 1, "what had been built is gone");
}

#[test]
fn an_imported_model_of_other_dimensions_takes_over_and_goes_away_again() {
    // The one without an instruction before queries: a text as a query is itself.
    const TINY: &str = "tiny-qwen3-papr-mean4";
    let bench = filled(40);
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor/test-models").join(TINY);
    assert!(folder.is_dir(), "`make test` writes the small models");
    let id = bench.engine().import_model(&folder, None, &papr_memory::CancelToken::new()).unwrap();
    switched(&bench, &id);
    let status = bench.engine().status();
    assert_eq!((status.model.dims, status.pending), (Some(64), 0), "vectors of another length serve");
    let reply = bench.search("Alice has a tortoise called Henry", Mode::Meaning);
    let best = &reply.hits[0];
    assert_eq!(best.memory.content.as_str(), ANSWER, "a text is nearest to itself, whatever the weights");
    assert!(best.cosine.unwrap() > 0.99, "{:?}", best.cosine);
    switched(&bench, FLOAT);
    assert_eq!(bench.search(QUESTION, Mode::Meaning).hits[0].memory.content.as_str(), ANSWER);
    assert!(bench.engine().remove_model(&id).unwrap() > 0, "its room is free again");
    assert!(bench.engine().models().unwrap().iter().all(|model| model.id != id));
}

#[test]
fn a_model_in_use_is_not_removed_and_an_unknown_one_is_told() {
    let bench = Bench::new();
    let refused = bench.engine().remove_model(FLOAT).unwrap_err().to_string();
    assert!(refused.contains("choose another model first"), "{refused}");
    let refused = bench.engine().remove_model(BYTES).unwrap_err().to_string();
    assert!(refused.contains("comes with the app"), "{refused}");
    let unknown = bench.engine().use_model("no-such-model").unwrap_err();
    assert!(unknown.to_string().contains("no-such-model"), "{unknown}");
    let disabled = bench.engine().use_model("qwen3-embedding-4b").unwrap_err().to_string();
    assert!(disabled.contains("cannot be used"), "{disabled}");
}

#[test]
fn what_a_killed_removal_left_goes_at_the_next_start() {
    let mut bench = Bench::with(no_resources());
    let left = bench.data().join("models").join("some-model.gone");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("model.onnx"), "half a model").unwrap();
    bench.restart();
    assert!(!left.exists(), "a person's disk is not filled with what nobody uses");
}
