//! Pages: the part of a ranking that was asked for, with everything that is shown of it. While somebody turns
//! the pages of a ranking, it stays as it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use papr_index::{Slot, Snippet, WordQuery, snippet};
use papr_memory::ports::Store;
use papr_memory::{CancelToken, Hit, Memory, MemoryId, Mode, Query, Reply, Span, TierCounts, Timings};

use super::fusion::Ranked;
use super::micros;
use crate::Error;
use crate::engine::Shared;

/// The length of a snippet in bytes: about three lines of a result row.
const SNIPPET: usize = 240;
/// So many rankings are kept: one for each window, and some that a person may go back to.
const KEPT: usize = 8;
/// A ranking of more than this many is not kept, but made again for each page.
const KEPT_HITS: usize = 20_000;
/// So many places of the ranking, at least, are looked through for what is alike.
const LOOKED_THROUGH: usize = 48;

/// Everything a query found, in its order.
#[derive(Debug)]
pub(crate) struct Ranking {
    pub(crate) ranked: Vec<Ranked>,
    pub(crate) telling: WordQuery,
    pub(crate) mode: Mode,
    pub(crate) degraded: Option<String>,
}

/// The rankings that were made last.
#[derive(Debug, Default)]
pub(crate) struct Rankings(Mutex<VecDeque<(Query, Arc<Ranking>)>>);

impl Rankings {
    /// The ranking of which a further page is asked for, if it was kept.
    pub(super) fn of(&self, query: &Query) -> Option<Arc<Ranking>> {
        if query.skip() == 0 {
            return None;
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(other, _)| other.asks_the_same(query)).map(|(_, ranking)| ranking.clone())
    }

    pub(super) fn keep(&self, query: &Query, ranking: Ranking) -> Arc<Ranking> {
        let ranking = Arc::new(ranking);
        if ranking.ranked.len() <= KEPT_HITS {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|(other, _)| !other.asks_the_same(query));
            kept.truncate(KEPT - 1);
            kept.push_front((query.clone(), ranking.clone()));
        }
        ranking
    }
}

/// A place in the list: a memory, and those further down that say the same.
struct Place<'a> {
    ranked: &'a Ranked,
    slot: Option<Slot>,
    alike: Vec<MemoryId>,
}

/// The page of a ranking that a query asks for.
pub(super) fn fetch(
    shared: &Shared,
    query: &Query,
    ranking: &Ranking,
    cancel: &CancelToken,
    timings: &mut Timings,
) -> Result<Reply, Error> {
    let at = Instant::now();
    let mut counts = TierCounts::default();
    let mut hits = Vec::with_capacity(query.limit().min(ranking.ranked.len()));
    for place in places(shared, query, &ranking.ranked) {
        cancel.check()?;
        // A memory deleted since the snapshot is no longer an answer.
        if let Some(memory) = shared.store.get(place.ranked.candidate.id)? {
            counts.count(memory.tier);
            hits.push(hit(memory, place, &ranking.telling));
        }
    }
    timings.fetch = micros(at.elapsed());
    let (total, mode) = (ranking.ranked.len(), ranking.mode);
    Ok(Reply { hits, total, counts, timings: *timings, mode, degraded: ranking.degraded.clone() })
}

/// The places on the page, what says the same folded into the first that says it.
fn places<'a>(shared: &Shared, query: &Query, ranked: &'a [Ranked]) -> Vec<Place<'a>> {
    let end = query.skip().saturating_add(query.limit());
    let catalog = shared.catalog();
    let words = &catalog.words;
    let mut places: Vec<Place<'_>> = Vec::with_capacity(end.min(ranked.len()));
    for (number, ranked) in ranked.iter().enumerate() {
        if places.len() >= end && number >= LOOKED_THROUGH {
            break;
        }
        let slot = words.slot(ranked.candidate.id);
        let says_the_same = |place: &Place<'_>| {
            place.slot.zip(slot).is_some_and(|(first, other)| words.are_alike(first, other))
        };
        match places.iter().position(says_the_same) {
            Some(first) => places[first].alike.push(ranked.candidate.id),
            None if places.len() < end => places.push(Place { ranked, slot, alike: Vec::new() }),
            None => {}
        }
    }
    places.drain(..query.skip().min(places.len()));
    places
}

fn hit(memory: Memory, place: Place<'_>, query: &WordQuery) -> Hit {
    let Snippet { spans, matched } = snippet(memory.content.as_str(), query, SNIPPET);
    let Place { ranked, alike, .. } = place;
    Hit {
        memory,
        snippet: spans.into_iter().map(|span| Span { text: span.text, marked: span.marked }).collect(),
        cosine: ranked.candidate.cosine,
        words: ranked.candidate.words,
        score: ranked.raised().min(1.0),
        boost: ranked.boost,
        why: ranked.why,
        matched,
        alike,
    }
}
