//! The word index as a whole.

use jiff::Timestamp;
use papr_memory::{Content, Filters, Memory, Tier};
use proptest::prelude::*;

use super::*;
use crate::{Attributes, WordQuery};

fn id(number: u8) -> MemoryId {
    MemoryId::from_bytes([number; 16])
}

fn index(texts: &[&str]) -> WordIndex {
    let mut index = WordIndex::new();
    for (number, text) in (0..).zip(texts) {
        index.upsert(id(number), text);
    }
    index
}

fn found(index: &WordIndex, query: &str) -> Vec<u8> {
    let matches = index.search(&WordQuery::parse(query), None, 10);
    matches.best().iter().map(|found| found.id.to_bytes()[0]).collect()
}

#[test]
fn rare_words_weigh_more_than_common_ones() {
    let index = index(&["the cat sat", "the dog sat", "the cat and the heron", "the end"]);
    assert_eq!(found(&index, "the heron?"), [2, 3, 0, 1], "the one with the rare word leads");
    assert_eq!(found(&index, "HÉRON?"), [2], "case and accents do not matter");
    assert!(found(&index, "albatross?").is_empty());
    assert!(found(&index, "?!… 🙂").is_empty(), "punctuation finds nothing, and does not fail");
}

#[test]
fn identifiers_phrases_and_names_are_exact() {
    let index = index(&[
        "KR-4: reach 100 ms",
        "KR-5 and 4 more KR to review, 4 KR in all",
        "we ship on Friday",
        "on Friday we ship",
        "Alex Moreno likes tea",
        "Moreno told Alex so",
    ]);
    let exact = |query: &str| {
        let matches = index.search(&WordQuery::parse(query), None, 10);
        let exact = matches.best().iter().filter(|found| found.exact);
        exact.map(|found| found.id.to_bytes()[0]).collect::<std::collections::BTreeSet<u8>>()
    };
    assert_eq!(exact("what became of KR-4?"), [0].into(), "parts alone are not the identifier");
    assert_eq!(exact("KR-4 or KR-5"), [0, 1].into(), "each of two ids is what was asked for");
    assert_eq!(
        exact("when do \"ship on friday\" people meet"),
        [2].into(),
        "the words side by side, in order"
    );
    assert_eq!(exact("alex moreno"), [4].into(), "a short query is a name");
    assert!(exact("\"ship on monday\"").is_empty());
    assert_eq!(found(&index, "alex moreno")[0], 4, "and it leads");
}

#[test]
fn a_word_still_being_typed_finds_what_it_may_become() {
    let index = index(&["dark roast coffee", "roaming charges", "tea"]);
    assert_eq!(found(&index, "roas"), [0]);
    assert_eq!(found(&index, "dark ro"), [0, 1]);
    assert!(found(&index, "roas ").is_empty(), "a space says that the word is whole");
    assert!(found(&index, "r").is_empty(), "one letter continues to everything and says nothing");
}

#[test]
fn a_selection_leaves_others_out_and_changes_no_score() {
    let index = index(&["dark roast", "light roast with milk", "tea"]);
    let mut attributes = Attributes::default();
    for number in 0..3 {
        let mut memory = Memory::new(Content::new("text").unwrap(), Tier::Memories, Timestamp::UNIX_EPOCH);
        memory.topics = vec![number.to_string()];
        attributes.put(index.slot(id(number)).unwrap(), &memory);
    }
    let query = WordQuery::parse("roast ");
    let all = index.search(&query, None, 10);
    let filters = Filters { topics: vec!["1".to_owned()], ..Filters::default() };
    let some = index.search(&query, Some(&attributes.select(&filters, |_| false)), 10);
    assert_eq!(some.best(), &all.best()[1..], "how rare a word is does not depend on the filter");
    assert_eq!(index.matched(&some, id(0)), None, "what does not pass matches nothing");
}

#[test]
fn words_that_stand_everywhere_tell_nothing() {
    let texts: Vec<String> = (0..40).map(|number| format!("the note number{number}")).collect();
    let index = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let telling = |text: &str| {
        let query = index.telling(&WordQuery::parse(text));
        query.terms.iter().map(|term| term.typed.clone()).collect::<Vec<_>>()
    };
    assert_eq!(telling("the number7 "), ["number7"], "only the rare word is worth marking");
    assert_eq!(telling("the note "), ["the", "note"], "if all are common, all are what was asked for");
    assert_eq!(telling("the absent "), ["absent"]);
}

#[test]
fn a_minus_leaves_out_whatever_says_it() {
    let index = index(&["dark roast coffee", "coffee with milk", "green tea, no coffee", "tea"]);
    assert_eq!(found(&index, "coffee -tea "), [0, 1]);
    assert_eq!(found(&index, "coffee -\"green tea\" -milk "), [0]);
    assert!(found(&index, "-coffee").is_empty(), "to leave out is not to look for");
    let matches = index.search(&WordQuery::parse("roast -tea "), None, 10);
    assert!(
        index.excludes(&matches, id(3)) && !index.excludes(&matches, id(1)),
        "also what was found by meaning"
    );
}

#[test]
fn scripts_without_spaces_are_found_by_pairs() {
    let index = index(&["今天天气很好", "天下大气", "明天见", "東京タワーに行く"]);
    assert_eq!(found(&index, "天气 ")[0], 0, "the pair leads");
    assert!(found(&index, "天气 ").contains(&1), "its letters alone are found behind");
    assert_eq!(found(&index, "東京 "), [3]);
    let scores = |query: &str| index.search(&WordQuery::parse(query), None, 10).best()[0].score;
    assert!(
        scores("天气 ")
            > 2.0 * index.matched(&index.search(&WordQuery::parse("天气 "), None, 10), id(1)).unwrap().score
    );
}

#[test]
fn an_open_word_goes_on_to_the_frequent_terms() {
    let mut texts: Vec<String> = (0..100).map(|number| format!("con{number:03}")).collect();
    texts.extend((0..5).map(|_| "contract".to_owned()));
    let index = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let matches = index.search(&WordQuery::parse("con"), None, 200);
    assert_eq!(matches.best().len(), 63 + 5, "of 64 terms");
    assert!((100..105).all(|number| index.matched(&matches, id(number)).is_some()), "though last by letters");
}

#[test]
fn an_open_word_that_is_a_word_marks_its_forms_alone() {
    let index = index(&["ship it", "shipment costs"]);
    let marked = |query: &str, text: &str| {
        let telling = index.telling(&WordQuery::parse(query));
        crate::snippet(text, &telling, 80).matched.len()
    };
    assert_eq!((marked("ship", "ship it"), marked("ship", "shipment costs")), (1, 0));
    assert_eq!(marked("shipm", "shipment costs"), 1, "what is not yet a word marks what it may become");
}

#[test]
fn compounds_are_found_whole_and_in_parts() {
    let index = index(&["mail zoe@example.com", "see src/main.rs", "#coffee notes", "id 550e8400-e29b"]);
    for (query, expected) in [
        ("zoe@example.com", 0),
        ("example", 0),
        ("zoe", 0),
        ("src/main.rs", 1),
        ("main", 1),
        ("#coffee", 2),
        ("coffee", 2),
        ("550e8400-e29b", 3),
        ("e29b", 3),
    ] {
        assert_eq!(found(&index, &format!("{query} ")), [expected], "{query}");
    }
}

#[test]
fn forms_of_a_word_are_found_as_one_word() {
    let index = index(&["we shipped the app", "the ships are late", "tea"]);
    assert_eq!(found(&index, "shipping "), [0, 1], "no memory has this form");
    assert_eq!(found(&index, "ship"), [0, 1], "a word that may go on goes on in all its forms");
    assert_eq!(found(&index, "shippe"), [0], "half a form is continued");
    assert_eq!(found(&index, "\"ships are\" "), [1, 0], "who says the phrase comes first");
    let query = WordQuery::parse("shipping ");
    let marked = crate::snippet("We shipped it.", &query, 100);
    let marked: Vec<_> =
        marked.spans.iter().filter(|span| span.marked).map(|span| span.text.as_str()).collect();
    assert_eq!(marked, ["shipped"], "and what was found is marked");
}

proptest! {
    #[test]
    fn changes_leave_no_trace(
        texts in prop::collection::vec("[a-d]{1,2}( [a-d]{1,2}|-[a-d]9){0,6}", 1..12),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        query in "[a-d]{1,2}( [a-d]{1,2}){0,3}",
    ) {
        let mut changed = WordIndex::new();
        for (number, text) in (0..).zip(&texts) {
            changed.upsert(id(number), "b c b c a");
            changed.upsert(id(number), text);
        }
        let gone: Vec<u8> = gone.iter().map(|at| u8::try_from(at.index(texts.len())).unwrap()).collect();
        for &number in &gone {
            changed.remove(id(number));
        }
        let mut fresh = WordIndex::new();
        for (number, text) in (0..).zip(&texts).filter(|(number, _)| !gone.contains(number)) {
            fresh.upsert(id(number), text);
        }
        let query = WordQuery::parse(&query);
        let (changed, fresh) = (changed.search(&query, None, 20), fresh.search(&query, None, 20));
        prop_assert_eq!(changed.best(), fresh.best(), "an index that lived through changes is as good as new");
    }
}
