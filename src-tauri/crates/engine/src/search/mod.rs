//! The search path, from a query to a reply. No network, no lock held while the model runs, one snapshot of
//! both tiers, one embedding.

mod boost;
mod fusion;
mod narrow;
mod page;

use std::collections::HashSet;
use std::sync::{Arc, RwLockReadGuard};
use std::time::{Duration, Instant};

use papr_index::{Selection, TypedQuery, View, WordMatches, WordQuery};
use papr_memory::ports::{Lane, Role};
use papr_memory::{CancelToken, Filters, MemoryId, Mode, Query, Reply, Sort, Space, Tier, Timings, Vector};

use self::boost::Boosts;
pub use self::fusion::Fusion;
use self::fusion::{Candidate, Ranked};
pub(crate) use self::narrow::Narrowed;
use self::page::Ranking;
pub(crate) use self::page::Rankings;
use crate::catalog::{Catalog, Vectors};
use crate::engine::Shared;
use crate::{Code, Engine, Error, IndexState, ModelState};

/// How many of each kind of search enter the fusion, at least.
const CANDIDATES: usize = 100;
/// The share of the best score from which on a hit is an answer when the best do not come first.
const ANSWERS: f32 = 0.5;

impl Engine {
    /// Searches both tiers by meaning and by word. With no model, or while it loads, by word alone, and the
    /// reply says so. What the text says of topics, tiers and days (`topic:`, `tier:`, `before:`, `after:`) is
    /// a filter beside the query's own; a text of nothing else lists what passes, newest first.
    ///
    /// A query that is cancelled before its turn at the model is skipped.
    ///
    /// What changed lately, and goals, are raised where the settings say so.
    pub fn search(&self, query: &Query, cancel: &CancelToken) -> Result<Reply, Error> {
        let boosts = Boosts::chosen(&self.shared.settings(), self.shared.clock.now());
        self.search_with(query, boosts, cancel)
    }

    /// The same by meaning and words alone, whatever the settings say.
    pub(crate) fn search_plainly(&self, query: &Query, cancel: &CancelToken) -> Result<Reply, Error> {
        self.search_with(query, Boosts::default(), cancel)
    }

    fn search_with(&self, query: &Query, boosts: Boosts, cancel: &CancelToken) -> Result<Reply, Error> {
        let started = Instant::now();
        let mut timings = Timings::default();
        let ranking = match self.shared.rankings.of(query) {
            Some(ranking) => ranking,
            None => {
                self.shared.rankings.keep(query, rank(&self.shared, query, boosts, cancel, &mut timings)?)
            }
        };
        let mut reply = page::fetch(&self.shared, query, &ranking, cancel, &mut timings)?;
        timings.total = micros(started.elapsed());
        reply.timings = timings;
        Ok(reply)
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

/// A query as it is carried out.
struct Asked<'a> {
    typed: TypedQuery,
    mode: Mode,
    narrowed: Narrowed,
    /// How many of each kind of search enter the fusion.
    depth: usize,
    query: &'a Query,
}

/// Everything a query finds, in its order.
fn rank(
    shared: &Shared,
    query: &Query,
    boosts: Boosts,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<Ranking, Error> {
    let typed = TypedQuery::parse(query.text());
    let narrowed = Narrowed::new(shared, query.filters().clone(), &typed.filters)?;
    let asked_for = query.skip().saturating_add(query.limit());
    let depth = CANDIDATES.max(asked_for.saturating_mul(2));
    let asked = Asked { mode: query.mode(), typed, narrowed, depth, query };
    if asked.typed.text.trim().is_empty() {
        return Ok(browse(shared, &asked));
    }
    // Words are searched while the model runs: one waits for the memory, the other for the processor. Nobody
    // holds the catalogue while he waits for the other, and where it is being changed, words are searched afterwards.
    let mut early = None;
    let embedded = rayon::in_place_scope(|scope| {
        if asked.mode == Mode::Hybrid && shared.model.get().is_some() {
            let search = |catalog: RwLockReadGuard<'_, Catalog>| search_words(&catalog, &asked, Mode::Hybrid);
            let early = &mut early;
            scope.spawn(move |_| *early = shared.try_catalog().map(search));
        }
        embed_query(shared, &asked, cancel, timings)
    });
    let (vector, catalog) = with_catalog(shared, &asked, cancel, timings, embedded?)?;
    let mode = if vector.is_some() { asked.mode } else { Mode::Words };

    let early = early.filter(|early| early.matches.is_current(&catalog.words));
    let words = early.unwrap_or_else(|| search_words(&catalog, &asked, mode));
    let at = Instant::now();
    let named = named(&catalog, &asked, &words);
    let by_word: Vec<MemoryId> = words.matches.best().iter().map(|found| found.id).chain(named).collect();
    let found = match (&vector, &catalog.vectors) {
        (Some(vector), Some(vectors)) => {
            with_nearest(by_word, vectors, vector, &asked, words.selection.as_ref())
        }
        _ => by_word.into_iter().map(|id| (id, None)).collect(),
    };
    timings.vector = micros(at.elapsed());
    let at = Instant::now();
    let candidates = candidates(&catalog, &found, &words.matches, named);
    let boost = |id| catalog.attribute(id).map_or(0.0, |memory| boosts.of(memory));
    let mut ranked = shared.fusion.rank(&candidates, words.matches.mass(), mode, boost);
    sort(&mut ranked, &catalog, query.sort());
    drop(catalog);
    timings.words = micros(words.took + at.elapsed());
    Ok(Ranking { ranked, telling: words.telling, mode, degraded: degraded(shared, asked.mode, mode) })
}

/// With nothing to search for: all that pass and say nothing that was to be left out.
fn browse(shared: &Shared, asked: &Asked<'_>) -> Ranking {
    let catalog = shared.catalog();
    let words = search_words(&catalog, asked, Mode::Words);
    let passes = |id: &MemoryId| {
        catalog.is_among(words.selection.as_ref(), *id) && !catalog.words.excludes(&words.matches, *id)
    };
    let mut ranked: Vec<Ranked> =
        catalog.newest(None).map(|(_, id)| id).filter(passes).map(Ranked::listed).collect();
    if asked.query.sort() == Sort::Oldest {
        ranked.reverse();
    }
    Ranking { ranked, telling: words.telling, mode: Mode::Words, degraded: None }
}

/// The memory whose id was typed, if it passes.
fn named(catalog: &Catalog, asked: &Asked<'_>, words: &Words) -> Option<MemoryId> {
    let id = asked.query.text().trim().parse().ok()?;
    catalog.is_among(words.selection.as_ref(), id).then_some(id)
}

/// By time only what answers: the newest of all that is a little near would hide the newest answer.
fn sort(ranked: &mut Vec<Ranked>, catalog: &Catalog, sort: Sort) {
    let changed = |ranked: &Ranked| {
        let id = ranked.candidate.id;
        (catalog.attribute(id).map(|attribute| attribute.updated_at), id)
    };
    if sort != Sort::Relevance {
        let best = ranked.iter().map(|ranked| ranked.score).fold(0.0, f32::max);
        ranked.retain(|ranked| ranked.candidate.exact || ranked.score >= ANSWERS * best);
    }
    match sort {
        Sort::Relevance => {}
        Sort::Newest => ranked.sort_by_cached_key(|ranked| std::cmp::Reverse(changed(ranked))),
        Sort::Oldest => ranked.sort_by_cached_key(changed),
    }
}

/// The query's vector and the space it is of; none without a model, or if the model made a bad one.
type QueryVector = Option<(Vector, Space)>;

/// The vector and the catalogue, whose vectors are of the same space. Should another model have begun to serve
/// while the query was embedded, it is embedded again.
fn with_catalog<'a>(
    shared: &'a Shared,
    asked: &Asked<'_>,
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
        embedded = embed_query(shared, asked, cancel, timings)?;
    }
}

fn embed_query(
    shared: &Shared,
    asked: &Asked<'_>,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<QueryVector, Error> {
    let Some(embedder) = shared.model.get().filter(|_| asked.mode != Mode::Words) else { return Ok(None) };
    let at = Instant::now();
    let mut embedded = embedder.embed(&[&asked.typed.text], Role::Query, Lane::Interactive, cancel)?;
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
    asked: &Asked<'_>,
    selection: Option<&Selection>,
) -> Vec<(MemoryId, Option<f32>)> {
    let filters = asked.narrowed.filters();
    let views: Vec<Arc<View>> = Tier::ALL
        .into_iter()
        .filter(|&tier| filters.tier.is_none_or(|wanted| wanted == tier))
        .map(|tier| vectors.of(tier).view())
        .collect();
    let views: Vec<&View> = views.iter().map(Arc::as_ref).collect();
    // A tier is an index of its own, and needs no filter.
    let among = selection.filter(|_| *filters != Filters::tier(filters.tier));
    let cosine = |id| views.iter().find_map(|view| view.cosine(id, vector));
    let mut others_found = Vec::new();
    let nearest = rayon::in_place_scope(|scope| {
        scope.spawn(|_| others_found = others.into_iter().map(|id| (id, cosine(id))).collect());
        papr_index::vectors::nearest(&views, vector, asked.depth, among)
    });
    nearest.into_iter().map(|near| (near.id, Some(near.cosine))).chain(others_found).collect()
}

/// What was found by word.
struct Words {
    matches: WordMatches,
    /// The words of the query that are worth marking.
    telling: WordQuery,
    /// Who passes the filters; all if none.
    selection: Option<Selection>,
    took: Duration,
}

fn search_words(catalog: &Catalog, asked: &Asked<'_>, mode: Mode) -> Words {
    let at = Instant::now();
    let typed = &asked.typed.words;
    let selection = asked.narrowed.select(catalog);
    let matches = match mode {
        // What is to be left out is, however the rest is found.
        Mode::Meaning => catalog.words.search(&typed.only_excluded(), selection.as_ref(), 0),
        Mode::Hybrid | Mode::Words => catalog.words.search(typed, selection.as_ref(), asked.depth),
    };
    Words { matches, telling: catalog.words.telling(typed), selection, took: at.elapsed() }
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
