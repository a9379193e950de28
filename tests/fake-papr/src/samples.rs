//! Goals and memories to start with: a made-up person's, and one in nine of them ugly in a way the real API is.

use serde_json::{Map, json};

use crate::dice::Dice;
use crate::record::{Embedding, NewMemory, Place};

const GOALS: &[&str] = &[
    "Improve API p95 latency below 100 ms this quarter",
    "Run the Berlin half marathon under two hours",
    "Cut cloud spending by a fifth before summer",
    "Read two books on distributed systems",
    "Ship the offline search to every customer",
    "Speak Portuguese well enough for a meeting",
    "Hire two engineers for the data team",
    "Sleep seven hours on weekdays",
];

const SUBJECTS: &[&str] = &[
    "Alice",
    "The design review",
    "Our largest customer",
    "The billing job",
    "Dr. Okafor",
    "The Lisbon office",
    "Grandmother",
    "The night train",
    "The new coffee machine",
    "The quarterly report",
    "Team Falcon",
    "日本の支社",
];

const PREDICATES: &[&str] = &[
    "prefers dark roast over espresso",
    "complained about slow replies on Monday",
    "moved to the third week of the month",
    "needs the invoice in two languages",
    "asked for a password reset three times",
    "recommends the small bakery near the station",
    "runs out of memory after the nightly import",
    "wants the numbers by region, not by product",
    "is allergic to walnuts",
    "left a note about the broken window latch",
    "agreed to a discount of 12 % until March",
    "plays the cello on Thursdays – répétition à 19 h",
];

const TOPICS: &[&str] = &["work", "performance", "api", "health", "travel", "food", "family", "money"];

/// `count` memories, the newest first changed at `now`; one in five is a goal.
pub(crate) fn memories(seed: u64, count: usize, now: i64) -> Vec<NewMemory> {
    (0..count).map(|index| sample(index, &mut Dice::new(seed, &[5, index as u64]), now)).collect()
}

fn sample(index: usize, dice: &mut Dice, now: i64) -> NewMemory {
    let goal = index.is_multiple_of(5);
    let content = if goal {
        let text = GOALS[(index / 5) % GOALS.len()];
        if index / 5 < GOALS.len() { text.to_owned() } else { format!("{text} (phase {})", index / 40 + 1) }
    } else {
        let (subject, predicate) = (dice.below(SUBJECTS.len()), dice.below(PREDICATES.len()));
        format!("{} {} (note {index})", SUBJECTS[subject], PREDICATES[predicate])
    };
    let mut metadata = Map::new();
    let topics = [TOPICS[dice.below(TOPICS.len())], TOPICS[dice.below(TOPICS.len())]];
    metadata.insert("topics".to_owned(), json!(topics));
    metadata.insert("sourceType".to_owned(), json!("papr"));
    if goal {
        metadata.insert("class".to_owned(), json!("goal"));
    } else {
        metadata
            .insert("category".to_owned(), json!(["fact", "preference", "task", "context"][dice.below(4)]));
        metadata.insert("emoji tags".to_owned(), json!(["📌"]));
    }
    let age = i64::try_from(index).unwrap_or(0) * 7_919_001 + i64::try_from(dice.below(60_000)).unwrap_or(0);
    let mut memory = NewMemory {
        content: Some(content),
        kind: if goal { "goal" } else { "text" }.to_owned(),
        metadata,
        place: if goal { Place::Tier0 } else { Place::Tier1 },
        at: Some((now - age).max(0)),
        ..NewMemory::default()
    };
    if index % 9 == 8 {
        spoil(&mut memory, index / 9);
    }
    memory
}

fn spoil(memory: &mut NewMemory, which: usize) {
    match which % 8 {
        0 => memory.twice = true,
        1 => memory.place = Place::Both,
        2 => memory.content = None,
        3 => memory.content = Some("None".to_owned()),
        4 => memory.content = Some(String::new()),
        5 => memory.embedding = Embedding::Int8,
        6 => memory.embedding = Embedding::Missing,
        _ => memory.place = Place::Neither,
    }
}
