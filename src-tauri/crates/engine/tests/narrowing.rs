//! Filters, orders and pages, through the engine.
#![allow(clippy::unwrap_used)] // a test that cannot be set up should stop

mod support;

use std::path::Path;

use papr_engine::NewMemory;
use papr_memory::{CancelToken, Filters, MemoryId, Mode, Query, Reason, Reply, Sort, Tier};

use support::{Bench, no_resources, resources};

fn filled(bench: &Bench) -> Vec<MemoryId> {
    let add = |content: &str, tier: Tier, topics: &[&str]| {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        bench.engine().add(NewMemory { content: content.to_owned(), tier: Some(tier), topics }).unwrap().id
    };
    vec![
        add("Answer support requests within an hour", Tier::Goals, &["support", "Q3"]),
        add("The support desk moved to the second floor", Tier::Memories, &["office"]),
        add("Ingrid leads the support team", Tier::Memories, &["people", "support"]),
        add("Buy coffee for the support desk", Tier::Memories, &["Büro"]),
    ]
}

fn ask(bench: &Bench, query: &Query) -> Reply {
    bench.engine().search(query, &CancelToken::new()).unwrap()
}

fn query(text: &str) -> Query {
    Query::new(text, 10, None, Mode::Words).unwrap()
}

fn ids(reply: &Reply) -> Vec<MemoryId> {
    let mut ids: Vec<_> = reply.hits.iter().map(|hit| hit.memory.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn what_is_typed_and_what_is_chosen_narrow_together() {
    let bench = Bench::with(no_resources());
    let all = filled(&bench);
    let sorted = |numbers: &[usize]| {
        let mut ids: Vec<_> = numbers.iter().map(|&number| all[number]).collect();
        ids.sort_unstable();
        ids
    };
    let support = Filters { topics: vec!["SUPPORT".to_owned()], ..Filters::default() };
    let cases = [
        (query("support"), sorted(&[0, 1, 2, 3])),
        (query("support topic:support"), sorted(&[0, 2])),
        (query("support").among(support.clone()), sorted(&[0, 2])),
        (query("support tier:memories").among(support.clone()), sorted(&[2])),
        (query("support -desk"), sorted(&[0, 2])),
        (query("topic:buro"), sorted(&[3])),
        (query("-coffee tier:memories"), sorted(&[1, 2])),
        (query("support after:2999"), vec![]),
        (query("support tier:goals").among(Filters::tier(Some(Tier::Memories))), vec![]),
        (query("support").among(Filters { pending: Some(true), ..Filters::default() }), vec![]),
        (query("support").among(Filters { ids: Some(vec![all[1]]), ..support }), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&ask(&bench, &query)), expected, "{query:?}");
    }
    let listed = ask(&bench, &query("tier:goals"));
    assert_eq!((listed.hits[0].why, listed.total), (Reason::Listed, 1), "nothing was searched for");
}

#[test]
fn a_filter_holds_for_meaning_too() {
    let bench = Bench::with(resources());
    let all = filled(&bench);
    bench.engine().wait_until(|status| status.pending == 0);
    let meaning = |text: &str, filters: Filters| {
        let query = Query::new(text, 10, None, Mode::Meaning).unwrap().among(filters);
        ask(&bench, &query)
    };
    let some = Filters { topics: vec!["office".to_owned()], ..Filters::default() };
    let reply = meaning("where do people who help sit", some);
    assert_eq!(ids(&reply), [all[1]]);
    let everywhere = meaning("where do people who help sit", Filters::default());
    let alone = everywhere.hits.iter().find(|hit| hit.memory.id == all[1]).unwrap();
    assert_eq!(reply.hits[0].cosine, alone.cosine, "a filter changes who is found, not how near he is");
    let without = meaning("where do people who help sit -floor", Filters::default());
    assert!(!ids(&without).contains(&all[1]), "what is to be left out is left out of every search");
}

#[test]
fn pages_follow_each_other_whatever_changes_meanwhile() {
    let bench = Bench::with(no_resources());
    let names =
        ["ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew"];
    for name in names {
        let content = format!("A tree called {name}");
        bench.engine().add(NewMemory { content, ..NewMemory::default() }).unwrap();
    }
    let page = |skip: usize| {
        let query = Query::new("tree", 5, None, Mode::Words).unwrap().skipping(skip);
        let reply = ask(&bench, &query);
        assert_eq!(reply.total, 12);
        reply.hits.into_iter().map(|hit| hit.memory.id).collect::<Vec<_>>()
    };
    let first = page(0);
    bench.engine().add(NewMemory { content: "tree tree tree".to_owned(), ..NewMemory::default() }).unwrap();
    bench.engine().delete(&first[..2]).unwrap();
    let (second, third) = (page(5), page(10));
    let mut seen = [first, second, third].concat();
    assert_eq!(seen.len(), 12, "nothing is left out by what came and went");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 12, "and nothing comes twice");
}

#[test]
fn lists_go_on_where_they_ended() {
    let bench = Bench::with(no_resources());
    let mut all = filled(&bench);
    let newest = bench.engine().list(&Filters::default(), Sort::Newest, None, 3).unwrap();
    assert_eq!(newest.total, 4);
    let added =
        bench.engine().add(NewMemory { content: "newer".to_owned(), ..NewMemory::default() }).unwrap();
    let rest = bench.engine().list(&Filters::default(), Sort::Newest, newest.next, 3).unwrap();
    assert_eq!(rest.next, None, "there is no more");
    let listed: Vec<_> = newest.memories.iter().chain(&rest.memories).map(|memory| memory.id).collect();
    assert_eq!(listed.len(), 4, "what was added in front is not behind");
    assert!(!listed.contains(&added.id));
    let oldest = bench.engine().list(&Filters::default(), Sort::Oldest, None, 10).unwrap();
    let mut reversed: Vec<_> = oldest.memories.iter().map(|memory| memory.id).collect();
    assert_eq!(reversed.pop(), Some(added.id));
    reversed.reverse();
    assert_eq!(reversed, listed);
    all.sort_unstable();
    let goals = bench.engine().list(&Filters::tier(Some(Tier::Goals)), Sort::Newest, None, 10).unwrap();
    assert_eq!((goals.total, goals.memories.len(), goals.next), (1, 1, None));
}

#[test]
fn by_time_come_the_answers_alone() {
    let bench = Bench::with(no_resources());
    let all = filled(&bench);
    let newest = ask(&bench, &query("support desk").sorted(Sort::Newest));
    assert_eq!(
        ids(&newest),
        {
            let mut both = vec![all[1], all[3]];
            both.sort_unstable();
            both
        },
        "both words"
    );
    let times: Vec<_> = newest.hits.iter().map(|hit| hit.memory.updated_at).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the last changed comes first: {times:?}");
    let mut oldest = ask(&bench, &query("support desk").sorted(Sort::Oldest)).hits;
    oldest.reverse();
    assert_eq!(oldest, newest.hits, "and the other way round");
}

#[test]
fn facets_count_what_passes() {
    let bench = Bench::with(no_resources());
    filled(&bench);
    let facets = bench.engine().facets(&Filters::default()).unwrap();
    let topic = facets.topics.iter().find(|facet| facet.value == "support").unwrap();
    assert_eq!((facets.total, topic.count), (4, 2));
    let goals = bench.engine().facets(&Filters::tier(Some(Tier::Goals))).unwrap();
    assert_eq!((goals.total, goals.sources[0].value.as_str()), (1, "user"));
    let pending = bench.engine().facets(&Filters { pending: Some(true), ..Filters::default() }).unwrap();
    assert_eq!(pending.total, 0, "without an account nothing waits for Papr");
}

#[test]
fn what_says_the_same_is_shown_once() {
    let bench = Bench::with(no_resources());
    let lines = r#"{"content":"Alice likes dark roast"}
{"content":"alice likes DARK roast."}
{"content":"Alice likes dark roast!"}
{"content":"Alice likes dark roast 2"}
"#;
    bench
        .engine()
        .import(&mut lines.as_bytes(), Path::new("lines"), &CancelToken::new(), &mut |_| {})
        .unwrap();
    let reply = ask(&bench, &query("roast"));
    let shown: Vec<_> = reply.hits.iter().map(|hit| hit.alike.len()).collect();
    assert_eq!((shown.len(), shown.iter().sum::<usize>(), reply.total), (2, 2, 4), "{shown:?}");
}
