//! Searching, with the real model and the real store.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use papr_memory::{CancelToken, Mode, Query, Reason, Tier};
use support::{Bench, contents, no_resources};

fn filled() -> Bench {
    let bench = Bench::new();
    bench.add("Alice prefers dark roast coffee without milk");
    bench.add("The invoice for the lighthouse project is overdue");
    bench.add("Ingrid Solberg owns the payment service");
    bench.add("INC-2041: the message queue filled up and orders were late");
    bench.add("We ship the release on Friday after the review");
    bench.add_to(Tier::Goals, "Answer every customer within one working day");
    bench.settle();
    bench
}

#[test]
fn finds_by_meaning_without_a_common_word() {
    let bench = filled();
    let reply = bench.search("which hot drink does she like", Mode::Hybrid);
    assert_eq!(contents(&reply)[0], "Alice prefers dark roast coffee without milk");
    let best = &reply.hits[0];
    assert_eq!(best.why, Reason::Meaning, "no word of the question stands in it");
    assert!(best.cosine.unwrap() > 0.2 && best.words.is_none() && best.matched.is_empty());
    assert_eq!((reply.mode, reply.degraded), (Mode::Hybrid, None));
    assert!(reply.timings.embed > 0 && reply.timings.total >= reply.timings.embed, "the cost is told");
    let goals = bench.search("how fast do we reply to people who need help", Mode::Hybrid);
    assert_eq!(goals.hits[0].memory.tier, Tier::Goals, "both tiers are in one list");
    assert_eq!(goals.counts.total(), goals.hits.len(), "counts are of what is shown");
}

#[test]
fn ids_names_and_phrases_come_first() {
    let bench = filled();
    for index in 0..30 {
        bench.add(&format!(
            "Order {index} was late because the queue of messages was full, incident 20{index}"
        ));
    }
    bench.settle();
    for query in
        ["INC-2041", "what happened in INC-2041 with the late orders", "\"filled up\" orders late queue"]
    {
        let reply = bench.search(query, Mode::Hybrid);
        assert!(contents(&reply)[0].starts_with("INC-2041"), "{query}: {:?}", contents(&reply));
        assert_eq!(reply.hits[0].why, Reason::Exact);
    }
    let reply = bench.search("ingrid solberg", Mode::Hybrid);
    assert!(contents(&reply)[0].starts_with("Ingrid"), "a name leads, however it is written");
    let id = reply.hits[0].memory.id;
    let reply = bench.search(&id.to_string(), Mode::Hybrid);
    assert_eq!(
        (reply.hits[0].memory.id, reply.hits[0].why),
        (id, Reason::Exact),
        "a memory's own id finds it"
    );
}

#[test]
fn marks_the_words_and_shows_the_parts() {
    let bench = filled();
    let reply = bench.search("dark roast", Mode::Words);
    let marked: Vec<&str> =
        reply.hits[0].snippet.iter().filter(|span| span.marked).map(|span| span.text.as_str()).collect();
    assert_eq!(marked, ["dark", "roast"]);
    assert_eq!(reply.hits[0].matched, ["dark", "roast"]);
    assert_eq!(reply.mode, Mode::Words);
    assert_eq!(reply.timings.embed, 0, "no vector is made for a search by word");
}

#[test]
fn a_tier_is_a_filter_and_changes_no_score() {
    let bench = filled();
    let score = |tier| {
        let reply = bench.try_search("release friday ", 10, tier, Mode::Words).unwrap();
        reply.hits.iter().find(|hit| hit.memory.content.as_str().starts_with("We ship")).map(|hit| hit.words)
    };
    assert_eq!(score(None), score(Some(Tier::Memories)), "the filter leaves scores alone");
    assert_eq!(score(Some(Tier::Goals)), None, "and keeps the other tier out");
    let reply = bench.try_search("coffee", 10, Some(Tier::Goals), Mode::Meaning).unwrap();
    assert!(reply.hits.iter().all(|hit| hit.memory.tier == Tier::Goals));
}

#[test]
fn odd_queries_are_answered_or_refused_with_the_reason() {
    let bench = filled();
    let refused = |text: &str, limit| bench.try_search(text, limit, None, Mode::Hybrid).unwrap_err();
    assert!(refused("tea", 0).to_string().contains("0 results were asked for"));
    assert!(refused("tea", 10_000).to_string().contains("10000 results"));
    assert!(refused(&"x".repeat(100_000), 5).to_string().contains("100000 bytes"));
    assert!(refused("   ", 5).hint().is_some(), "an error says what to do");
    for text in ["?!…", "🙂🚀", "\"\"", "\u{0}", &"word ".repeat(3_000)] {
        let reply = bench.search(text, Mode::Hybrid);
        assert!(reply.hits.len() <= 10, "odd text is searched for like any other");
    }
    assert!(bench.search("?!…", Mode::Words).hits.is_empty(), "no word, no hit by word");
}

#[test]
fn without_a_model_words_still_find() {
    let bench = Bench::with(no_resources());
    bench.add("Alice prefers dark roast");
    let reply = bench.search("roast", Mode::Hybrid);
    assert_eq!(contents(&reply), ["Alice prefers dark roast"]);
    assert_eq!(reply.mode, Mode::Words, "what was really done is told");
    assert_eq!(reply.degraded.as_deref(), Some("There is no model: searched by word only."));
    let problem = bench.engine().status().model.problem.unwrap();
    assert_eq!(problem.code, papr_engine::Code::ModelMissing);
    assert!(problem.hint.unwrap().contains("Search by word works without it"), "and what to do about it");
}

#[test]
fn a_cancelled_search_is_no_failure() {
    let bench = filled();
    let cancel = CancelToken::new();
    cancel.cancel();
    let query = Query::new("coffee", 10, None, Mode::Hybrid).unwrap();
    let error = bench.engine().search(&query, &cancel).unwrap_err();
    assert_eq!(error.code(), papr_engine::Code::Cancelled);
}
