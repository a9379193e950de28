//! A plain map of memories, and everything that is asked of it by looking at each of them in turn.
#![allow(clippy::unwrap_used)] // a test that cannot be set up should stop

use std::collections::{BTreeMap, BTreeSet, HashMap};

use papr_engine::{Code, Engine};
use papr_memory::{
    CancelToken, FacetCount, Filters, Memory, MemoryId, Mode, Query, Reason, Reply, Sort, Vector,
};

/// Words of which none is a form of another, and none tells nothing.
pub(crate) const WORDS: [&str; 10] =
    ["amber", "birch", "cobalt", "delta", "ember", "fjord", "granite", "harbor", "indigo", "juniper"];
pub(crate) const TOPICS: [&str; 3] = ["quartz", "birch", "saffron"];

/// More than there ever are.
const ALL: usize = 1_000;

/// Whether a memory is among the answers.
type IsFound<'a> = dyn Fn(&Memory) -> bool + 'a;

/// A question, in numbers of [`WORDS`].
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) filters: Filters,
    pub(crate) words: [usize; 2],
    pub(crate) page: usize,
}

/// What there should be.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) alive: BTreeMap<MemoryId, Memory>,
    pub(crate) gone: BTreeMap<MemoryId, Memory>,
    has_model: bool,
    /// By text: what the model makes of it.
    vectors: HashMap<String, Vector>,
}

fn passes(filters: &Filters, memory: &Memory) -> bool {
    let said = |key: &str| memory.metadata.get(key).and_then(|value| value.as_str());
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    filters.tier.is_none_or(|tier| tier == memory.tier)
        && filters.topics.iter().all(|topic| memory.topics.contains(topic))
        && is(&filters.kind, Some(&memory.kind))
        && filters.source.is_none_or(|source| source == memory.source)
        && is(&filters.role, said("role"))
        && is(&filters.category, said("category"))
        && filters.created.contains(memory.created_at)
        && filters.updated.contains(memory.updated_at)
        && filters.pending != Some(true)
        && filters.ids.as_ref().is_none_or(|ids| ids.contains(&memory.id))
}

/// The words a memory is found by, in their order.
fn words(memory: &Memory) -> Vec<&str> {
    let topics = memory.topics.iter().map(String::as_str);
    memory.content.as_str().split(' ').chain(topics).collect()
}

/// All that a reply found, those folded into others too; each once.
fn everyone(reply: &Reply) -> BTreeSet<MemoryId> {
    let mut all = BTreeSet::new();
    for hit in &reply.hits {
        for &id in [hit.memory.id].iter().chain(&hit.alike) {
            assert!(all.insert(id), "nobody is found twice");
        }
    }
    all
}

fn counted<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

impl Plain {
    /// A map of nothing, beside an engine with a model or without.
    pub(crate) fn new(has_model: bool) -> Self {
        Self { has_model, ..Self::default() }
    }

    /// Waits until nothing is written in the background any more: a check beside a writer cannot count.
    fn settle(&self, engine: &Engine) {
        if self.has_model {
            engine.wait_until(|status| status.pending == 0);
        }
    }

    /// Compares everything that does not depend on a question.
    pub(crate) fn compare(&self, engine: &Engine) {
        self.settle(engine);
        assert_eq!(engine.status().counts.total(), self.alive.len());
        for (&id, memory) in &self.alive {
            assert_eq!(engine.get(id).unwrap(), *memory, "a memory is as it was last said to be");
        }
        for &id in self.gone.keys() {
            assert_eq!(engine.get(id).unwrap_err().code(), Code::NotFound, "deleted is gone");
        }
        let report = engine.check(&mut |_| {}, &CancelToken::new()).unwrap();
        assert_eq!((report.findings.as_slice(), report.counted), (&[][..], true));
        assert_eq!((report.memories, report.tombstones), (self.alive.len() as u64, self.gone.len() as u64));
    }

    /// Asks both.
    pub(crate) fn ask(&mut self, engine: &Engine, question: &Question) {
        let passing: BTreeSet<MemoryId> = self.passing(&question.filters).map(|memory| memory.id).collect();
        self.list(engine, question, &passing);
        self.count(engine, &question.filters);
        self.search_words(engine, question);
        if self.has_model {
            self.settle(engine);
            self.search_meaning(engine, question, &passing);
        }
    }

    fn passing<'a>(&'a self, filters: &'a Filters) -> impl Iterator<Item = &'a Memory> {
        self.alive.values().filter(|memory| passes(filters, memory))
    }

    fn list(&self, engine: &Engine, question: &Question, passing: &BTreeSet<MemoryId>) {
        let mut expected: Vec<&Memory> = passing.iter().map(|id| &self.alive[id]).collect();
        expected.sort_by_key(|memory| (memory.updated_at, memory.id));
        for sort in [Sort::Oldest, Sort::Newest] {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = engine.list(&question.filters, sort, after, question.page).unwrap();
                assert_eq!(page.total, expected.len(), "{:?}", question.filters);
                assert!(page.memories.len() == question.page || page.next.is_none(), "pages are full");
                listed.extend(page.memories);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert!(listed.iter().eq(expected.iter().copied()), "{sort}: all that pass, in order, once");
            expected.reverse();
        }
    }

    fn count(&self, engine: &Engine, filters: &Filters) {
        let facets = engine.facets(filters).unwrap();
        assert_eq!(facets.total, self.passing(filters).count());
        let text = |key: &'static str| {
            self.passing(filters).filter_map(move |memory| memory.metadata.get(key)?.as_str())
        };
        let [tiers, sources]: [Vec<String>; 2] = [
            self.passing(filters).map(|memory| memory.tier.to_string()).collect(),
            self.passing(filters).map(|memory| memory.source.to_string()).collect(),
        ];
        let same = |what: &str, found: &[FacetCount], expected: BTreeMap<&str, usize>| {
            let counts: Vec<_> = found.iter().map(|facet| facet.count).collect();
            assert!(counts.is_sorted_by(|a, b| a >= b), "{what}: the most frequent first: {found:?}");
            let found: BTreeMap<_, _> =
                found.iter().map(|facet| (facet.value.as_str(), facet.count)).collect();
            assert_eq!(found, expected, "{what} of {filters:?}");
        };
        same("tiers", &facets.tiers, counted(tiers.iter().map(String::as_str)));
        same("sources", &facets.sources, counted(sources.iter().map(String::as_str)));
        same("types", &facets.kinds, counted(self.passing(filters).map(|memory| memory.kind.as_str())));
        same("roles", &facets.roles, counted(text("role")));
        same("categories", &facets.categories, counted(text("category")));
        let topics = self.passing(filters).flat_map(|memory| memory.topics.iter().map(String::as_str));
        same("topics", &facets.topics, counted(topics));
    }

    fn search_words(&self, engine: &Engine, question: &Question) {
        let [one, other] = question.words.map(|number| WORDS[number]);
        let says = |memory: &Memory, word: &str| words(memory).contains(&word);
        let cases: [(String, &IsFound<'_>); 4] = [
            (format!("{one} "), &|memory| says(memory, one)),
            (format!("{one} {other} "), &|memory| says(memory, one) || says(memory, other)),
            (format!("{one} -{other} "), &|memory| says(memory, one) && !says(memory, other)),
            (format!("\"{one} {other}\" "), &|memory| says(memory, one) || says(memory, other)),
        ];
        let side_by_side = |memory: &Memory| words(memory).windows(2).any(|pair| pair == [one, other]);
        for (typed, is_found) in cases {
            let query = Query::new(&typed, ALL, None, Mode::Words).unwrap().among(question.filters.clone());
            let reply = engine.search(&query, &CancelToken::new()).unwrap();
            let expected: BTreeSet<_> =
                self.passing(&question.filters).filter(|memory| is_found(memory)).map(|m| m.id).collect();
            let found = everyone(&reply);
            assert_eq!((&found, reply.total), (&expected, expected.len()), "{typed}: {:?}", question.filters);
            let exact: Vec<bool> = reply.hits.iter().map(|hit| hit.why == Reason::Exact).collect();
            assert!(exact.is_sorted_by(|a, b| a >= b), "{typed}: exact ones come first");
            if typed.starts_with('"') {
                let as_typed = |hit: &papr_memory::Hit| side_by_side(&self.alive[&hit.memory.id]);
                assert!(reply.hits.iter().map(as_typed).eq(exact), "{typed}: those that say it as it stands");
            }
            let place = |hit: &papr_memory::Hit| (hit.memory.id, hit.alike.clone());
            let whole: Vec<_> = reply.hits.iter().map(place).collect();
            let mut pages = Vec::new();
            for skip in (0..).step_by(question.page) {
                let page = Query::new(&typed, question.page, None, Mode::Words).unwrap();
                let page = page.among(question.filters.clone()).skipping(skip);
                let page = engine.search(&page, &CancelToken::new()).unwrap();
                if page.hits.is_empty() {
                    break;
                }
                pages.extend(page.hits.iter().map(place));
            }
            assert_eq!(pages, whole, "{typed}: page by page the same as at once");
        }
    }

    fn search_meaning(&mut self, engine: &Engine, question: &Question, passing: &BTreeSet<MemoryId>) {
        let [one, other] = question.words.map(|number| WORDS[number]);
        let typed = format!("{one} {other}");
        let asked = self.vector(engine, &typed);
        let texts: Vec<(MemoryId, String)> =
            passing.iter().map(|&id| (id, self.alive[&id].content.as_str().to_owned())).collect();
        let truth: BTreeMap<MemoryId, f32> =
            texts.into_iter().map(|(id, text)| (id, self.vector(engine, &text).cosine(&asked))).collect();
        let query = Query::new(&typed, ALL, None, Mode::Meaning).unwrap().among(question.filters.clone());
        let reply = engine.search(&query, &CancelToken::new()).unwrap();
        assert_eq!((reply.mode, &reply.degraded), (Mode::Meaning, &None), "everything has its vector");
        assert_eq!(everyone(&reply), *passing, "all that pass are near or far: {:?}", question.filters);
        for hit in &reply.hits {
            let (found, truth) = (hit.cosine.unwrap(), truth[&hit.memory.id]);
            assert!((found - truth).abs() < 3e-3, "16-bit rounding moves a cosine little: {found} {truth}");
        }
        let cosines: Vec<_> = reply.hits.iter().map(|hit| hit.cosine.unwrap()).collect();
        assert!(cosines.is_sorted_by(|a, b| a >= b), "the nearest first: {cosines:?}");
        let nearest = truth.values().copied().fold(-1.0, f32::max);
        assert!(cosines.first().is_none_or(|first| nearest - first < 3e-3), "and none nearer was left out");
    }

    fn vector(&mut self, engine: &Engine, text: &str) -> Vector {
        let made = || engine.embed(&[text]).unwrap().remove(0);
        self.vectors.entry(text.to_owned()).or_insert_with(made).clone()
    }
}
