//! The search path, from a query to a reply. No network, no lock held while the model runs, one snapshot of
//! both tiers, one embedding.

mod fusion;

use std::collections::HashSet;
use std::sync::{Arc, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

use papr_index::{Nearest, Snippet, WordMatches, WordQuery, snippet};
use papr_memory::ports::{Embedder, Lane, Role, Store};
use papr_memory::{
    CancelToken, Hit, Memory, MemoryId, Mode, Query, Reply, Span, Tier, TierCounts, Timings, Vector,
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
    let words_query = WordQuery::parse(query.text());
    let (vector, catalog) = embed_for_catalog(shared, query, cancel, &mut timings)?;
    let mode = if vector.is_some() { query.mode() } else { Mode::Words };

    let depth = CANDIDATES.max(query.limit() * 2);
    let at = Instant::now();
    let nearest = match (&vector, &catalog.vectors) {
        (Some(vector), Some(vectors)) => nearest(vectors, vector, query.tier(), depth),
        _ => Vec::new(),
    };
    timings.vector = micros(at.elapsed());
    let at = Instant::now();
    let words = match mode {
        Mode::Meaning => catalog.words.search(&WordQuery::default(), None, 0),
        Mode::Hybrid | Mode::Words => catalog.words.search(&words_query, query.tier(), depth),
    };
    let named =
        query.text().trim().parse::<MemoryId>().ok().filter(|&id| {
            catalog.tier(id).is_some_and(|tier| query.tier().is_none_or(|wanted| wanted == tier))
        });
    let meaning = vector.as_ref().zip(catalog.vectors.as_ref());
    let ranked = shared.fusion.rank(&candidates(&nearest, &words, meaning, named), words.mass(), mode);
    let telling = catalog.words.telling(&words_query);
    drop(words);
    drop(catalog);
    timings.words = micros(at.elapsed());

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

/// The query's vector, none without a model, and the catalogue as it stands, whose vectors are of the same
/// space. Should another model begin to serve while the query is embedded, it is embedded again.
fn embed_for_catalog<'a>(
    shared: &'a Shared,
    query: &Query,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<(Option<Vector>, RwLockReadGuard<'a, Catalog>), Error> {
    loop {
        let embedder = shared.model.get().filter(|_| query.mode() != Mode::Words);
        let vector = match &embedder {
            Some(embedder) => embed_query(shared, embedder.as_ref(), query.text(), cancel, timings)?,
            None => None,
        };
        cancel.check()?;
        let catalog = shared.catalog();
        let serves = |embedder: &Arc<dyn Embedder>| {
            catalog.vectors.as_ref().is_some_and(|vectors| vectors.space == *embedder.space())
        };
        if embedder.as_ref().is_none_or(serves) {
            return Ok((vector, catalog));
        }
        if shared.model.get().is_none_or(|now| embedder.is_some_and(|then| now.space() == then.space())) {
            // Its vectors are yet to be read.
            return Ok((None, catalog));
        }
    }
}

/// The query's vector; none if the model made a bad one.
fn embed_query(
    shared: &Shared,
    embedder: &dyn Embedder,
    text: &str,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<Option<Vector>, Error> {
    let mut embedded = embedder.embed(&[text], Role::Query, Lane::Interactive, cancel)?;
    timings.tokenize = micros(embedded.tokenize);
    timings.embed = micros(embedded.run);
    shared.model.record(embedded.tokenize + embedded.run);
    let Some(vector) = embedded.vectors.pop() else { return Ok(None) };
    match vector {
        Ok(vector) => Ok(Some(vector)),
        Err(error) => {
            tracing::error!(%error, "the query's vector was refused");
            Ok(None)
        }
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
        (goals.nearest(query, k), memories.nearest(query, k))
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

/// The union of what was found, each with everything that is known of it.
fn candidates(
    nearest: &[Nearest],
    words: &WordMatches<'_>,
    meaning: Option<(&Vector, &Vectors)>,
    named: Option<MemoryId>,
) -> Vec<Candidate> {
    let mut seen = HashSet::with_capacity(nearest.len() + words.best().len() + 1);
    let ids =
        nearest.iter().map(|near| near.id).chain(words.best().iter().map(|found| found.id)).chain(named);
    ids.filter(|&id| seen.insert(id))
        .map(|id| {
            let found = words.of(id);
            Candidate {
                id,
                cosine: meaning.and_then(|(query, vectors)| vectors.cosine(id, query)),
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
