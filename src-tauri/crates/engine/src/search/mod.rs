//! The search path, from a query to a reply. No network, no lock held while the model runs, one snapshot of
//! both tiers, one embedding.

mod fusion;

use std::collections::HashSet;
use std::sync::{Arc, RwLockReadGuard};
use std::time::{Duration, Instant};

use papr_index::{Snippet, View, WordMatches, WordQuery, snippet};
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
    let mut early = None;
    let embedded = rayon::in_place_scope(|scope| {
        if query.mode() == Mode::Hybrid && shared.model.get().is_some() {
            scope.spawn(|_| early = Some(search_words(&shared.catalog(), query, &typed, Mode::Hybrid)));
        }
        embed_query(shared, query, cancel, &mut timings)
    });
    let (vector, catalog) = with_catalog(shared, query, cancel, &mut timings, embedded?)?;
    let mode = if vector.is_some() { query.mode() } else { Mode::Words };

    let early = early.filter(|early| early.matches.is_current(&catalog.words));
    let Words { matches, telling, took } =
        early.unwrap_or_else(|| search_words(&catalog, query, &typed, mode));
    let at = Instant::now();
    let named =
        query.text().trim().parse::<MemoryId>().ok().filter(|&id| {
            catalog.tier(id).is_some_and(|tier| query.tier().is_none_or(|wanted| wanted == tier))
        });
    let by_word: Vec<MemoryId> = matches.best().iter().map(|found| found.id).chain(named).collect();
    let found = match (&vector, &catalog.vectors) {
        (Some(vector), Some(vectors)) => with_nearest(by_word, vectors, vector, query),
        _ => by_word.into_iter().map(|id| (id, None)).collect(),
    };
    timings.vector = micros(at.elapsed());
    let at = Instant::now();
    let candidates = candidates(&catalog, &found, &matches, named);
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

/// The nearest of the tiers that are searched, then what was found otherwise, each with its cosine. The nearest
/// of both tiers together: which tier a memory stands in must not decide who is a candidate.
fn with_nearest(
    others: Vec<MemoryId>,
    vectors: &Vectors,
    vector: &Vector,
    query: &Query,
) -> Vec<(MemoryId, Option<f32>)> {
    let views: Vec<Arc<View>> = Tier::ALL
        .into_iter()
        .filter(|&tier| query.tier().is_none_or(|wanted| wanted == tier))
        .map(|tier| vectors.of(tier).view())
        .collect();
    let views: Vec<&View> = views.iter().map(Arc::as_ref).collect();
    let cosine = |id| views.iter().find_map(|view| view.cosine(id, vector));
    let mut others_found = Vec::new();
    let nearest = rayon::in_place_scope(|scope| {
        scope.spawn(|_| others_found = others.into_iter().map(|id| (id, cosine(id))).collect());
        papr_index::vectors::nearest(&views, vector, depth(query), None)
    });
    nearest.into_iter().map(|near| (near.id, Some(near.cosine))).chain(others_found).collect()
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

/// Each of what was found once, with everything that is known of it.
fn candidates(
    catalog: &Catalog,
    found: &[(MemoryId, Option<f32>)],
    words: &WordMatches,
    named: Option<MemoryId>,
) -> Vec<Candidate> {
    let mut seen = HashSet::with_capacity(found.len());
    found
        .iter()
        .filter(|(id, _)| seen.insert(*id) && !catalog.words.excludes(words, *id))
        .map(|&(id, cosine)| {
            let found = catalog.words.matched(words, id);
            Candidate {
                id,
                cosine,
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
