//! Whatever is typed is read, searched for and shown in a snippet; the longest and the oddest of it in a moment.
#![allow(clippy::unwrap_used)] // a test that cannot be set up should stop

use std::time::{Duration, Instant};

use papr_index::{Attributes, TypedQuery, WordIndex, snippet};
use papr_memory::{Content, Filters, MAX_QUERY_BYTES, Memory, MemoryId, Tier};
use proptest::prelude::*;

/// What the syntax and the tokens are made of, and what is near to it.
const PIECES: [&str; 40] = [
    " ",
    "  ",
    "\n",
    "\t",
    "\"",
    "“",
    "”",
    "„",
    "'",
    "-",
    "--",
    "–",
    ":",
    "#",
    "@",
    ".",
    "/",
    "\\",
    "_",
    "topic:",
    "TIER:",
    "tier:goals",
    "before:2026",
    "after:2026-02-30",
    "after:0000-00",
    "a",
    "straße",
    "İ",
    "ﬁ",
    "é",
    "e\u{301}",
    "\u{200d}",
    "\u{feff}",
    "京都",
    "서울",
    "ไทย",
    "🙂",
    "x1",
    "KR-4",
    "zoe@example.com",
];

fn memory(number: u8, text: &str) -> Memory {
    let mut memory = Memory::new(Content::new(text).unwrap(), Tier::Goals, jiff::Timestamp::UNIX_EPOCH);
    memory.id = MemoryId::from_bytes([number; 16]);
    memory
}

/// A few memories that say much of what can be typed.
fn index() -> (WordIndex, Attributes, Vec<Memory>) {
    let texts = [
        PIECES.join(" "),
        PIECES.concat(),
        "\"KR-4\" says: a-b-c, x1/x2; 京都の天気 #tag".to_owned(),
        "the quick brown fox ".repeat(200),
    ];
    let memories: Vec<Memory> = (1..).zip(&texts).map(|(number, text)| memory(number, text)).collect();
    let (mut words, mut attributes) = (WordIndex::new(), Attributes::default());
    for memory in &memories {
        let slot = words.upsert(memory.id, memory.content.as_str());
        attributes.put(slot, memory);
    }
    (words, attributes, memories)
}

/// Everything that is done with a query before vectors come in.
fn search(typed: &str, (words, attributes, memories): &(WordIndex, Attributes, Vec<Memory>)) {
    let query = TypedQuery::parse(typed);
    let filters =
        Filters { topics: query.filters.topics.clone(), tier: query.filters.tier, ..Filters::default() };
    let selection = attributes.select(&filters, |_| false);
    let matches = words.search(&query.words, Some(&selection), 10);
    assert!(matches.best().iter().all(|found| found.score > 0.0 && found.score.is_finite()), "{typed:?}");
    let telling = words.telling(&query.words);
    for memory in memories {
        let shown = snippet(memory.content.as_str(), &telling, 160);
        assert!(!shown.spans.is_empty(), "{typed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_together_are_a_query(
        pieces in prop::collection::vec(prop_oneof![
            9 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ], 0..60),
    ) {
        static INDEX: std::sync::LazyLock<(WordIndex, Attributes, Vec<Memory>)> = std::sync::LazyLock::new(index);
        search(&pieces.concat(), &INDEX);
    }
}

#[test]
fn the_longest_queries_take_a_moment() {
    let index = index();
    let numbered = |form: fn(usize) -> String| {
        let mut typed = String::new();
        for number in 0.. {
            let next = form(number);
            if typed.len() + next.len() > MAX_QUERY_BYTES {
                break;
            }
            typed.push_str(&next);
        }
        typed
    };
    let cases = [
        ("words", numbered(|number| format!("w{number} "))),
        ("identifiers", numbered(|number| format!("A-{number} "))),
        ("one identifier", numbered(|number| format!("{number}-"))),
        ("left out", numbered(|number| format!("-x{number} "))),
        ("topics", numbered(|number| format!("topic:{number} "))),
        ("phrases", numbered(|number| format!("\"a{number} b\" "))),
        ("open quotes", "\" ".repeat(MAX_QUERY_BYTES / 2 - 1)),
        (
            "ideographs",
            numbered(|number| {
                char::from_u32(0x4e00 + u32::try_from(number % 20_000).unwrap()).unwrap().to_string()
            }),
        ),
        ("marks", "e\u{301}\u{302}".repeat(MAX_QUERY_BYTES / 5)),
        ("one word", "x".repeat(MAX_QUERY_BYTES)),
        ("signs", "-".repeat(MAX_QUERY_BYTES)),
        ("colons", ":".repeat(MAX_QUERY_BYTES)),
    ];
    for (name, typed) in cases {
        assert!(typed.len() <= MAX_QUERY_BYTES);
        let start = Instant::now();
        search(&typed, &index);
        let took = start.elapsed();
        println!("{name}: {took:?}");
        // A hundred times what it takes on an idle machine: a guard against a search that does not end, no measurement.
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
}
