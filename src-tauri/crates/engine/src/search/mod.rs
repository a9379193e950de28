//! The search path, from a query to a reply. No network, no lock held while the model runs, one snapshot of
//! both tiers, one embedding.

mod fusion;

use std::collections::HashSet;
use std::sync::RwLockReadGuard;
use std::thread;
use std::time::{Duration, Instant};

use papr_index::{Nearest, Snippet, WordMatches, WordQuery, snippet};
use papr_memory::ports::{Lane, Role, Store};
use papr_memory::{
    CancelToken, Hit, Memory, MemoryId, Mode, Query, Reply, Space, Span, Tier, TierCounts, Timings, Vector,
};

pub use self::fusion::Fusion;
use self::fusion::{Candidate, Ranked};
use crate::catalog::{Catalog, Vectors};
use crate::engine::Shared;
use crate::{Code, Engine, Error, IndexState, ModelState};

/// How many of each kind of search enter the fusion, at least.
const CANDIDATES: usize = 100;
/// The length of a snippet in bytes: about three lines of a result row.
const SNIPPET: usize = 240;
/// Numbers of a slab from which on a scan takes more than about a millisecond: the tiers then run side by
/// side. Below, starting a thread costs more than it gains.
const PARALLEL_NUMBERS: usize = 12_000_000;

impl Engine {
    /// Searches both tiers by meaning and by word. With no model, or while it loads, by word alone, and the
    /// reply says so.
    ///
    /// A query that is cancelled before its turn at the model is skipped.
    pub fn search(&self, query: &Query, cancel: &CancelToken) -> Result<Reply, Error> {
        search(&self.shared, query, cancel)
    }

    /// Why there is nothing to embed with.
    fn no_model(&self) -> Error {
        let problem = self.status().model.problem.map(Box::new);
        problem.map_or(Error::SwitchedOff, Error::Unavailable)
    }

    /// Embeds texts as queries, outside of any search. Fails without a model.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, Error> {
        let embedder = self.shared.model.get().ok_or_else(|| self.no_model())?;
        let embedded = embedder.embed(texts, Role::Query, Lane::Interactive, &CancelToken::new())?;
        embedded.vectors.into_iter().map(|vector| vector.map_err(Error::from)).collect()
    }
}

fn search(shared: &Shared, query: &Query, cancel: &CancelToken) -> Result<Reply, Error> {
    let started = Instant::now();
    let mut timings = Timings::default();
    let typed = WordQuery::parse(query.text());
    // Words are searched while the model runs: one waits for the memory, the other for the processor. Nobody
    // holds the catalogue while he waits for the other.
    let (early, embedded) = thread::scope(|scope| {
        let beside = query.mode() == Mode::Hybrid && shared.model.get().is_some();
        let early =
            beside.then(|| scope.spawn(|| search_words(&shared.catalog(), query, &typed, Mode::Hybrid)));
        let embedded = embed_query(shared, query, cancel, &mut timings);
        (early.and_then(|early| early.join().ok()), embedded)
    });
    let (vector, catalog) = with_catalog(shared, query, cancel, &mut timings, embedded?)?;
    let mode = if vector.is_some() { query.mode() } else { Mode::Words };

    let at = Instant::now();
    let nearest = match (&vector, &catalog.vectors) {
        (Some(vector), Some(vectors)) => nearest(vectors, vector, query.tier(), depth(query)),
        _ => Vec::new(),
    };
    timings.vector = micros(at.elapsed());
    let early = early.filter(|early| early.matches.is_current(&catalog.words));
    let Words { matches, telling, took } =
        early.unwrap_or_else(|| search_words(&catalog, query, &typed, mode));
    let at = Instant::now();
    let named =
        query.text().trim().parse::<MemoryId>().ok().filter(|&id| {
            catalog.tier(id).is_some_and(|tier| query.tier().is_none_or(|wanted| wanted == tier))
        });
    let candidates = candidates(&catalog, &nearest, &matches, vector.as_ref(), named);
    let ranked = shared.fusion.rank(&candidates, matches.mass(), mode);
    drop(catalog);
    timings.words = micros(took + at.elapsed());

    let at = Instant::now();
    let mut counts = TierCounts::default();
    let mut hits = Vec::with_capacity(query.limit().min(ranked.len()));
    for ranked in ranked.iter().take(query.limit()) {
        cancel.check()?;
        // A memory deleted since the snapshot is no longer an answer.
        if let Some(memory) = shared.store.get(ranked.candidate.id)? {
            counts.count(memory.tier);
            hits.push(hit(memory, ranked, &telling));
        }
    }
    timings.fetch = micros(at.elapsed());
    timings.total = micros(started.elapsed());
    Ok(Reply { hits, counts, timings, mode, degraded: degraded(shared, query.mode(), mode) })
}

/// The query's vector and the space it is of; none without a model, or if the model made a bad one.
type QueryVector = Option<(Vector, Space)>;

/// The vector and the catalogue, whose vectors are of the same space. Should another model have begun to serve
/// while the query was embedded, it is embedded again.
fn with_catalog<'a>(
    shared: &'a Shared,
    query: &Query,
    cancel: &CancelToken,
    timings: &mut Timings,
    mut embedded: QueryVector,
) -> Result<(Option<Vector>, RwLockReadGuard<'a, Catalog>), Error> {
    loop {
        cancel.check()?;
        let catalog = shared.catalog();
        let Some((vector, space)) = embedded else { return Ok((None, catalog)) };
        if catalog.vectors.as_ref().is_some_and(|vectors| vectors.space == space) {
            return Ok((Some(vector), catalog));
        }
        if shared.model.get().is_none_or(|model| *model.space() == space) {
            // The vectors of this model are yet to be read.
            return Ok((None, catalog));
        }
        drop(catalog);
        embedded = embed_query(shared, query, cancel, timings)?;
    }
}

fn embed_query(
    shared: &Shared,
    query: &Query,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<QueryVector, Error> {
    let Some(embedder) = shared.model.get().filter(|_| query.mode() != Mode::Words) else { return Ok(None) };
    let at = Instant::now();
    let mut embedded = embedder.embed(&[query.text()], Role::Query, Lane::Interactive, cancel)?;
    let took = at.elapsed();
    // All that the search waited for, the way to the model's thread and back included.
    timings.tokenize = micros(embedded.tokenize);
    timings.embed = micros(took.saturating_sub(embedded.tokenize));
    shared.model.record(took);
    match embedded.vectors.pop() {
        Some(Ok(vector)) => Ok(Some((vector, embedder.space().clone()))),
        Some(Err(error)) => {
            tracing::error!(%error, "the query's vector was refused");
            Ok(None)
        }
        None => Ok(None),
    }
}

/// The nearest of each tier that is searched.
fn nearest(vectors: &Vectors, query: &Vector, tier: Option<Tier>, k: usize) -> Vec<Nearest> {
    if let Some(tier) = tier {
        return vectors.of(tier).nearest(query, k);
    }
    let (goals, memories) = (&vectors.goals, &vectors.memories);
    let numbers = goals.len().min(memories.len()) * vectors.space.dims.get();
    let (mut found, rest) = if numbers < PARALLEL_NUMBERS {
        let (larger, other) =
            if goals.len() > memories.len() { (goals, memories) } else { (memories, goals) };
        let found = larger.nearest(query, k);
        // What is farther than all of these cannot be among the nearest of both.
        let floor = k
            .checked_sub(1)
            .and_then(|last| found.get(last))
            .map_or(f32::NEG_INFINITY, |farthest| farthest.cosine);
        (found, other.nearest_above(query, k, floor))
    } else {
        thread::scope(|scope| {
            let beside = scope.spawn(|| goals.nearest(query, k));
            let rest = memories.nearest(query, k);
            (beside.join().unwrap_or_default(), rest)
        })
    };
    found.extend(rest);
    // The nearest of both tiers together: which tier a memory stands in must not decide who is a candidate.
    found.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
    found.truncate(k);
    found
}

/// What was found by word.
struct Words {
    matches: WordMatches,
    /// The words of the query that are worth marking.
    telling: WordQuery,
    took: Duration,
}

fn search_words(catalog: &Catalog, query: &Query, typed: &WordQuery, mode: Mode) -> Words {
    let at = Instant::now();
    let matches = match mode {
        Mode::Meaning => catalog.words.search(&WordQuery::default(), None, 0),
        Mode::Hybrid | Mode::Words => catalog.words.search(typed, query.tier(), depth(query)),
    };
    Words { matches, telling: catalog.words.telling(typed), took: at.elapsed() }
}

/// How many of each kind of search enter the fusion.
fn depth(query: &Query) -> usize {
    CANDIDATES.max(query.limit() * 2)
}

/// The union of what was found, each with everything that is known of it.
fn candidates(
    catalog: &Catalog,
    nearest: &[Nearest],
    words: &WordMatches,
    query: Option<&Vector>,
    named: Option<MemoryId>,
) -> Vec<Candidate> {
    let mut seen = HashSet::with_capacity(nearest.len() + words.best().len() + 1);
    let near = nearest.iter().map(|near| (near.id, Some(near.cosine)));
    let others = words.best().iter().map(|found| found.id).chain(named).map(|id| (id, None));
    near.chain(others)
        .filter(|&(id, _)| seen.insert(id) && !catalog.words.excludes(words, id))
        .map(|(id, cosine)| {
            let found = catalog.words.matched(words, id);
            let compute =
                || query.zip(catalog.vectors.as_ref()).and_then(|(query, all)| all.cosine(id, query));
            Candidate {
                id,
                cosine: cosine.or_else(compute),
                words: found.map(|found| found.score).or((named == Some(id)).then_some(0.0)),
                exact: found.is_some_and(|found| found.exact) || named == Some(id),
            }
        })
        .collect()
}

fn hit(memory: Memory, ranked: &Ranked, query: &WordQuery) -> Hit {
    let Snippet { spans, matched } = snippet(memory.content.as_str(), query, SNIPPET);
    Hit {
        memory,
        snippet: spans.into_iter().map(|span| Span { text: span.text, marked: span.marked }).collect(),
        cosine: ranked.candidate.cosine,
        words: ranked.candidate.words,
        score: ranked.score,
        why: ranked.why,
        matched,
    }
}

/// Why less was done than was asked for.
fn degraded(shared: &Shared, asked: Mode, done: Mode) -> Option<String> {
    let status = shared.status.borrow();
    if asked != done {
        return Some(match status.model.state {
            ModelState::Off | ModelState::Loading => {
                "The model is still loading: searched by word only.".to_owned()
            }
            ModelState::Ready => "The model made no usable vector: searched by word only.".to_owned(),
            ModelState::Failed => match status.model.problem.as_ref().map(|problem| problem.code) {
                Some(_) if shared.is_switched_off() => {
                    "Search by meaning is switched off: searched by word only.".to_owned()
                }
                Some(Code::ModelMissing) | None => "There is no model: searched by word only.".to_owned(),
                Some(_) => "The model cannot be used: searched by word only.".to_owned(),
            },
        });
    }
    match status.index {
        IndexState::Off | IndexState::Building => Some("Your memories are still being read.".to_owned()),
        IndexState::Failed => Some("Not all memories could be read.".to_owned()),
        IndexState::Ready if status.pending > 0 && done != Mode::Words => Some(match status.pending {
            1 => "One memory is not yet found by meaning.".to_owned(),
            pending => format!("{pending} memories are not yet found by meaning."),
        }),
        IndexState::Ready => None,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
