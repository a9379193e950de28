//! Whatever is done, in whatever order, with restarts in between: the engine holds, lists, counts and finds what
//! a plain map does. With a small model searches by meaning are compared too; without one a case takes a tenth of
//! the time.
#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test may fail it

mod plain;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use papr_engine::{Config, Edit, Engine, Fusion, NewMemory, Resources};
use papr_memory::ports::Clock;
use papr_memory::{CancelToken, Content, Filters, Memory, MemoryId, Source, Tier, TierSetter, TimeRange};
use plain::{Plain, Question, TOPICS, WORDS};
use proptest::prelude::*;
use support::tiny;

const HOUR: i64 = 3_600_000;
/// When the clock begins, in milliseconds since 1970.
const START: i64 = 1_780_000_000_000;

/// An hour passes each time somebody looks.
#[derive(Default)]
struct Hours(AtomicI64);

impl Clock for Hours {
    fn now(&self) -> Timestamp {
        hour(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn hour(number: i64) -> Timestamp {
    Timestamp::from_millisecond(START + number * HOUR).unwrap()
}

/// Numbers of words, a tier, numbers of topics.
#[derive(Clone, Debug)]
struct Said {
    words: Vec<usize>,
    tier: Tier,
    topics: Vec<usize>,
}

/// One thing that is done; memories are named by their place among those alive, or deleted.
#[derive(Clone, Debug)]
enum Op {
    Add(Said),
    /// From a file: with a role, a category, a type and times of its own.
    Import {
        said: Said,
        id: [u8; 16],
        role: bool,
        category: Option<bool>,
        document: bool,
        age: i64,
    },
    Edit {
        which: usize,
        words: Option<Vec<usize>>,
        tier: Option<Tier>,
        topics: Option<Vec<usize>>,
    },
    Delete(Vec<usize>),
    Restore(Vec<usize>),
    BackUp,
    Restart,
    Ask(Question),
}

fn tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(Tier::ALL.to_vec())
}

fn topics() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::subsequence(vec![0, 1, 2], 0..=2)
}

fn words() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..WORDS.len(), 1..6)
}

fn said() -> impl Strategy<Value = Said> {
    (words(), tier(), topics()).prop_map(|(words, tier, topics)| Said { words, tier, topics })
}

fn range() -> impl Strategy<Value = TimeRange> {
    let end = || prop::option::weighted(0.2, -20_i64..40);
    (end(), end()).prop_map(|(from, before)| TimeRange { from: from.map(hour), before: before.map(hour) })
}

fn question() -> impl Strategy<Value = Question> {
    let some = |texts: [&'static str; 2]| {
        prop::option::weighted(0.15, prop::sample::select(texts.map(str::to_owned).to_vec()))
    };
    let names = (some(["document", "goal"]), some(["user", "nobody"]), some(["task", "fact"]));
    let source = prop::option::weighted(0.15, prop::sample::select(vec![Source::User, Source::Import]));
    let others =
        (prop::option::weighted(0.4, tier()), topics(), source, prop::option::weighted(0.1, any::<bool>()));
    let words = (0..WORDS.len(), 1..WORDS.len());
    (names, others, (range(), range()), words, 1..9_usize).prop_map(|(names, others, times, words, page)| {
        let (kind, role, category) = names;
        let (tier, topics, source, pending) = others;
        let (created, updated) = times;
        let topics = topics.into_iter().take(1).map(|number| TOPICS[number].to_owned()).collect();
        let filters =
            Filters { tier, topics, kind, source, role, category, created, updated, pending, ids: None };
        // Another word than the first.
        Question { filters, words: [words.0, (words.0 + words.1) % WORDS.len()], page }
    })
}

fn op() -> impl Strategy<Value = Op> {
    let some = || prop::collection::vec(0..50_usize, 1..4);
    let extra = (any::<[u8; 16]>(), any::<bool>(), any::<Option<bool>>(), any::<bool>(), 0..30_i64);
    let edit = (0..50_usize, prop::option::of(words()), prop::option::of(tier()), prop::option::of(topics()));
    prop_oneof![
        8 => said().prop_map(Op::Add),
        5 => (said(), extra).prop_map(|(said, (id, role, category, document, age))| {
            Op::Import { said, id, role, category, document, age }
        }),
        6 => edit.prop_map(|(which, words, tier, topics)| Op::Edit { which, words, tier, topics }),
        3 => some().prop_map(Op::Delete),
        2 => some().prop_map(Op::Restore),
        1 => Just(Op::BackUp),
        1 => Just(Op::Restart),
        3 => question().prop_map(Op::Ask),
    ]
}

fn text(words: &[usize]) -> String {
    words.iter().map(|&number| WORDS[number]).collect::<Vec<_>>().join(" ")
}

fn named(topics: &[usize]) -> Vec<String> {
    topics.iter().map(|&number| TOPICS[number].to_owned()).collect()
}

fn nth(memories: &BTreeMap<MemoryId, Memory>, which: usize) -> Option<MemoryId> {
    memories.keys().nth(which.checked_rem(memories.len())?).copied()
}

/// An engine, and the plain map beside it.
struct Both {
    resources: Resources,
    data: tempfile::TempDir,
    clock: Arc<Hours>,
    engine: Option<Engine>,
    plain: Plain,
}

impl Both {
    fn new(has_model: bool) -> Self {
        let resources = if has_model { tiny::resources() } else { support::no_resources() };
        let (data, plain) = (tiny::fast_folder(), Plain::new(has_model));
        let mut both = Self { resources, data, clock: Arc::default(), engine: None, plain };
        both.restart();
        both
    }

    fn restart(&mut self) {
        self.engine = None;
        let config = Config::new(self.data.path().join("data"), self.resources.clone());
        // Whatever has a vector is found by it.
        let fusion = Fusion { floor: -1.0, ..config.fusion };
        let engine = Engine::open(Config { clock: self.clock.clone(), fusion, ..config }).unwrap();
        engine.start().unwrap();
        engine.wait_ready();
        self.engine = Some(engine);
    }

    fn apply(&mut self, op: &Op) {
        let engine = self.engine.as_ref().unwrap();
        match op {
            Op::Add(Said { words, tier, topics }) => {
                let new = NewMemory { content: text(words), tier: Some(*tier), topics: named(topics) };
                let made = engine.add(new).unwrap();
                assert_eq!((made.content.as_str(), made.tier, made.rev), (text(words).as_str(), *tier, 1));
                assert_eq!(made.topics, named(topics));
                self.plain.alive.insert(made.id, made);
            }
            Op::Import { said, id, role, category, document, age } => {
                let content = Content::new(text(&said.words)).unwrap();
                let mut memory = Memory::new(content, said.tier, hour(-age));
                memory.id = MemoryId::from_bytes(*id);
                memory.topics = named(&said.topics);
                memory.source = Source::Import;
                memory.kind = String::from(if *document { "document" } else { "text" });
                memory.metadata.extend(role.then(|| ("role".to_owned(), "user".into())));
                let category = category.map(|task| if task { "task" } else { "fact" });
                memory.metadata.extend(category.map(|category| ("category".to_owned(), category.into())));
                let line = serde_json::to_vec(&memory).unwrap();
                let none = CancelToken::new();
                let report =
                    engine.import(&mut line.as_slice(), Path::new("line"), &none, &mut |_| {}).unwrap();
                let known = self.plain.alive.values().any(|other| other.content == memory.content);
                assert_eq!((report.added, report.already_there), (u64::from(!known), u64::from(known)));
                if !known {
                    self.plain.alive.insert(memory.id, memory);
                }
            }
            Op::Edit { which, words, tier, topics } => {
                let Some(id) = nth(&self.plain.alive, *which) else { return };
                let before = self.plain.alive[&id].clone();
                let edit = Edit {
                    content: words.as_deref().map(text),
                    tier: *tier,
                    topics: topics.as_deref().map(named),
                };
                let after = engine.edit(id, Some(before.rev), edit).unwrap();
                let mut expected = before.clone();
                expected.content = words
                    .as_deref()
                    .map_or(before.content.clone(), |words| Content::new(text(words)).unwrap());
                expected.topics = topics.as_deref().map_or(before.topics.clone(), named);
                if let Some(tier) = tier.filter(|tier| *tier != before.tier) {
                    (expected.tier, expected.tier_set_by) = (tier, TierSetter::User);
                }
                if expected != before {
                    (expected.rev, expected.updated_at) = (before.rev + 1, after.updated_at);
                    assert!(after.updated_at >= hour(0), "it was changed just now");
                }
                assert_eq!(after, expected);
                self.plain.alive.insert(id, after);
            }
            Op::Delete(some) => {
                let ids: Vec<_> = some.iter().filter_map(|&which| nth(&self.plain.alive, which)).collect();
                let mut deleted = engine.delete(&ids).unwrap();
                for memory in &mut deleted {
                    assert!(memory.deleted_at.take().is_some());
                    assert_eq!(self.plain.alive.remove(&memory.id).as_ref(), Some(&*memory));
                    self.plain.gone.insert(memory.id, memory.clone());
                }
                assert!(ids.iter().all(|id| !self.plain.alive.contains_key(id)), "all that were named");
            }
            Op::Restore(some) => {
                let ids: Vec<_> = some.iter().filter_map(|&which| nth(&self.plain.gone, which)).collect();
                for memory in engine.restore(&ids).unwrap() {
                    let gone = self.plain.gone.remove(&memory.id).unwrap();
                    let back = Memory { rev: gone.rev + 1, updated_at: memory.updated_at, ..gone };
                    assert_eq!(memory, back);
                    self.plain.alive.insert(memory.id, memory);
                }
                assert!(ids.iter().all(|id| self.plain.alive.contains_key(id)), "all that were named");
            }
            Op::BackUp => {
                let made = engine.back_up(&CancelToken::new()).unwrap();
                assert_eq!(made.left_out, 0);
            }
            Op::Restart => self.restart(),
            Op::Ask(question) => self.plain.ask(engine, question),
        }
    }
}

/// Does all of `ops`, and compares before and after a restart.
fn run(has_model: bool, ops: &[Op], last: &Question) {
    let mut both = Both::new(has_model);
    for op in ops {
        both.apply(op);
    }
    for again in [false, true] {
        if again {
            both.restart();
        }
        let engine = both.engine.as_ref().unwrap();
        both.plain.compare(engine);
        both.plain.ask(engine, last);
    }
}

/// Many times as often where `PAPR_LONG` is set.
fn config(usual: u32) -> ProptestConfig {
    let cases = if std::env::var_os("PAPR_LONG").is_some() { usual * 20 } else { usual };
    ProptestConfig { cases, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..30)
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn without_a_model_the_engine_does_what_a_plain_map_does(ops in ops(), last in question()) {
        run(false, &ops, &last);
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn with_a_model_the_engine_does_what_a_plain_map_does(ops in ops(), last in question()) {
        run(true, &ops, &last);
    }
}
