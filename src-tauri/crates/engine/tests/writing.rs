//! Writing: what is saved stays, what is changed is found changed, what is deleted is gone and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use papr_engine::{Code, Config, Edit, Engine, NewMemory};
use papr_memory::{Mode, Source, Tier};
use support::{Bench, contents, no_resources, resources};

fn text(content: &str) -> Edit {
    Edit { content: Some(content.to_owned()), ..Edit::default() }
}

#[test]
fn a_memory_is_found_by_word_at_once_and_by_meaning_soon() {
    let bench = Bench::new();
    let memory = bench.add("The cat sleeps on the windowsill");
    assert_eq!(contents(&bench.search("windowsill", Mode::Words)).len(), 1, "at once, by word");
    bench.settle();
    let reply = bench.search("a pet taking a nap", Mode::Meaning);
    assert_eq!(reply.hits[0].memory, memory, "moments later, by meaning");
}

#[test]
fn an_edit_is_found_as_edited() {
    let bench = Bench::new();
    let memory = bench.add("The cat sleeps");
    bench.settle();
    let edited =
        bench.engine().edit(memory.id, Some(1), text("Quarterly tax forms are due in April")).unwrap();
    assert_eq!((edited.rev, edited.created_at), (2, memory.created_at));
    bench.settle();
    assert!(bench.search("cat", Mode::Words).hits.is_empty(), "the old words find nothing");
    let cosine = |query: &str| bench.search(query, Mode::Meaning).hits.first().and_then(|hit| hit.cosine);
    assert!(cosine("paying the revenue office").unwrap() > 0.3, "the new meaning is found");
    let stale = bench.engine().edit(memory.id, Some(1), text("too late")).unwrap_err();
    assert_eq!(stale.code(), Code::Conflict, "what changed meanwhile is not overwritten");
    assert_eq!(bench.engine().get(memory.id).unwrap(), edited);
    let same = bench.engine().edit(memory.id, None, text(edited.content.as_str())).unwrap();
    assert_eq!(same.rev, 2, "a change of nothing is no change");
}

#[test]
fn topics_are_words_too() {
    let bench = Bench::with(no_resources());
    let topics = vec!["gardening".to_owned()];
    let new = NewMemory { content: "Beans sown today".to_owned(), topics, ..NewMemory::default() };
    bench.engine().add(new).unwrap();
    let reply = bench.search("gardening", Mode::Words);
    assert_eq!(contents(&reply), ["Beans sown today"], "a topic is there to be found by");
}

#[test]
fn moving_between_tiers_changes_no_score() {
    let bench = Bench::new();
    let memory = bench.add("Publish the handbook by June");
    bench.add("Something else entirely about gardens");
    bench.settle();
    let scores = || {
        let reply = bench.search("when is the handbook due", Mode::Hybrid);
        reply.hits.iter().map(|hit| (hit.memory.id, hit.cosine, hit.words, hit.score)).collect::<Vec<_>>()
    };
    let before = scores();
    bench.engine().edit(memory.id, None, Edit { tier: Some(Tier::Goals), ..Edit::default() }).unwrap();
    assert_eq!(bench.engine().status().pending, 0, "a move needs no new vector");
    assert_eq!(scores(), before, "one normalisation over both tiers");
    assert_eq!(bench.engine().status().counts.goals, 1);
}

#[test]
fn deleted_is_gone_and_can_come_back() {
    let bench = Bench::new();
    let memory = bench.add("A secret recipe for plum cake");
    bench.settle();
    assert_eq!(bench.engine().delete(&[memory.id]).unwrap().len(), 1);
    for mode in [Mode::Hybrid, Mode::Meaning, Mode::Words] {
        assert!(bench.search("plum cake", mode).hits.is_empty(), "gone for every kind of search");
    }
    assert_eq!(bench.engine().get(memory.id).unwrap_err().code(), Code::NotFound);
    assert_eq!(bench.engine().restore(&[memory.id]).unwrap().len(), 1);
    bench.settle();
    assert_eq!(contents(&bench.search("plum cake", Mode::Meaning)), ["A secret recipe for plum cake"]);
}

#[test]
fn everything_is_as_it_was_after_a_restart() {
    let mut bench = Bench::new();
    bench.engine().add_samples().unwrap();
    let gone = bench.add("This one will be deleted");
    bench.settle();
    bench.engine().delete(&[gone.id]).unwrap();
    let queries = ["coffee", "who owns payments", "what are we aiming for this year", "INC-2041"];
    let replies = |bench: &Bench| {
        queries.map(|query| {
            let reply = bench.search(query, Mode::Hybrid);
            reply.hits.into_iter().map(|hit| (hit.memory.id, hit.score, hit.cosine)).collect::<Vec<_>>()
        })
    };
    let before = replies(&bench);
    let status = bench.restart();
    assert_eq!(
        (status.counts.total(), status.samples, status.pending),
        (150, 150, 0),
        "nothing is made twice"
    );
    assert_eq!(replies(&bench), before, "the same hits with the same scores, to the last digit");
}

#[test]
fn what_was_written_without_a_model_gets_its_meaning_later() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let engine = Engine::open(Config::new(&data, no_resources())).unwrap();
    engine.add(NewMemory { content: "The cat sleeps".to_owned(), ..NewMemory::default() }).unwrap();
    drop(engine);
    let engine = Engine::open(Config::new(&data, resources())).unwrap();
    engine.start().unwrap();
    engine.wait_ready();
    let status = engine.wait_until(|status| status.pending == 0);
    assert_eq!(status.counts.total(), 1);
    assert_eq!(engine.embed(&["a nap"]).unwrap().len(), 1);
}

#[test]
fn content_is_checked_and_nothing_is_lost() {
    let bench = Bench::with(no_resources());
    let add = |content: String| bench.engine().add(NewMemory { content, ..NewMemory::default() });
    assert_eq!(add(String::new()).unwrap_err().code(), Code::InvalidInput);
    assert!(add("x".repeat(15_001)).unwrap_err().to_string().contains("15001 bytes"));
    let memory = add("x".repeat(15_000)).unwrap();
    let error = bench.engine().edit(memory.id, None, text(" \n ")).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(bench.engine().get(memory.id).unwrap(), memory, "a refused edit leaves the memory alone");
}

#[test]
fn samples_come_and_go_in_one_step() {
    let bench = Bench::with(no_resources());
    let own = bench.add("My own words");
    assert_eq!(bench.engine().add_samples().unwrap(), 150);
    assert_eq!(bench.engine().add_samples().unwrap(), 0, "adding them twice adds nothing");
    let status = bench.engine().status();
    assert_eq!((status.samples, status.counts.total()), (150, 151));
    let sample = bench.search("rhubarb", Mode::Words).hits.remove(0).memory;
    let kept = bench.engine().edit(sample.id, None, text("Mine now: rhubarb")).unwrap();
    assert_eq!(kept.source, Source::User, "what a person worked on is theirs");
    assert_eq!(bench.engine().remove_samples().unwrap(), 149);
    let left = bench.engine().recent(None, 10).unwrap();
    assert_eq!(left, [kept, own], "only one's own memories stay, last changed first");
}

#[test]
fn a_second_engine_is_told_that_one_is_running() {
    let bench = Bench::with(no_resources());
    let error = Engine::open(Config::new(bench.data(), no_resources())).unwrap_err();
    assert_eq!(error.code(), Code::StoreLocked);
    assert!(error.to_string().contains("already running"));
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let error = Engine::open(Config::new(folder.path(), no_resources())).unwrap_err();
    assert!(error.to_string().contains("not a data folder"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing was put beside the letter");
    let file = folder.path().join("letter.txt");
    assert!(Engine::open(Config::new(&file, no_resources())).is_err(), "a file is no folder");
}
