//! The search: over one view or several at once, by as many threads as it is worth.
//!
//! The work is cut into pieces that threads take one after the other, the asking thread first: nobody waits
//! for a thread that is late to wake up. Which thread did what changes no result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use papr_memory::{MemoryId, Vector};

use super::directory::Place;
use super::probe::{Finalists, Probe, Spot};
use super::rows::Rows;
use super::scan::{Bounds, sweep};
use super::view::{Filter, Nearest, Segment, View};

/// A filter that lets pass less than one memory in so many, and no more than [`FEW`], is looked up memory by
/// memory.
const NARROW: usize = 8;
const FEW: usize = 2_048;
/// Bytes that are scanned in a piece: some 40 µs from memory that is in no cache, several times what a thread takes to
/// wake up per thread and search.
const PIECE_BYTES: usize = 512 * 1024;
/// Fewer pieces than this for each thread are not worth another one.
const PIECES_A_THREAD: usize = 3;

/// The `k` memories of all these views that are nearest to the query, nearest first; of equal ones, the older
/// first. The views are of one space, and no memory stands in two of them.
///
/// Exact over all that a narrow filter lets pass; over the tails, and wherever a graph cannot give `k` hits, as
/// good as exact: rows are passed over by their signs, which err once in some thirty thousand neighbours at the
/// very edge. Else as good as the graphs are. A query of another length finds nothing: vectors meet only within one space.
pub fn nearest(views: &[&View], query: &Vector, k: usize, filter: Option<&dyn Filter>) -> Vec<Nearest> {
    let all: usize = views.iter().map(|view| view.len()).sum();
    let Some(search) = Search::new(views, query, k, filter) else { return Vec::new() };
    match filter {
        Some(filter) if filter.len() < (all / NARROW).min(FEW) => search.among(filter),
        // Hits that do not pass are lost: a graph is asked only where enough remain, twice over.
        Some(filter) => {
            let widths = search.parts.iter().filter_map(|part| part.segment).map(Segment::width);
            let width = widths.min().unwrap_or(0);
            search.over_all(width.saturating_mul(filter.len()) / all.max(1) >= k.saturating_mul(2))
        }
        None => search.over_all(true),
    }
}

/// The same, exactly, whatever graphs there are.
pub(super) fn nearest_exactly(
    view: &View,
    query: &Vector,
    k: usize,
    filter: Option<&dyn Filter>,
) -> Vec<Nearest> {
    let views = [view];
    let Some(search) = Search::new(&views, query, k, filter) else { return Vec::new() };
    let probe = Probe::certain(query.as_slice());
    Search { probe, ..search }.over_all(false)
}

/// Rows of a view, with their graph if they have one.
#[derive(Clone, Copy)]
struct Part<'a> {
    rows: &'a Rows,
    segment: Option<&'a Segment>,
}

/// What a thread takes at a time.
enum Piece {
    /// A part under a graph.
    Graph(usize),
    /// Chunks of a part, to be scanned.
    Chunks(usize, std::ops::Range<usize>),
}

/// What a thread found out.
struct Found {
    /// Of what was scanned.
    bounds: Vec<Bounds>,
    /// Of what graphs found.
    finalists: Finalists,
}

struct Search<'a> {
    views: &'a [&'a View],
    /// Those of all views: each view's tail, then its segments.
    parts: Vec<Part<'a>>,
    probe: Probe<'a>,
    k: usize,
    filter: Option<&'a dyn Filter>,
}

impl<'a> Search<'a> {
    /// None if there is nothing to find.
    fn new(
        views: &'a [&'a View],
        query: &'a Vector,
        k: usize,
        filter: Option<&'a dyn Filter>,
    ) -> Option<Self> {
        let fits = |view: &&View| view.dims.get() == query.as_slice().len();
        if k == 0 || !views.iter().all(fits) {
            return None;
        }
        let parts = views.iter().flat_map(|view| {
            let tail = Part { rows: &view.tail, segment: None };
            let segments =
                view.segments.iter().map(|segment| Part { rows: &segment.rows, segment: Some(segment) });
            [tail].into_iter().chain(segments)
        });
        Some(Self { views, parts: parts.collect(), probe: Probe::new(query.as_slice()), k, filter })
    }

    fn wanted(&self, owners: &[MemoryId]) -> bool {
        self.filter.is_none_or(|filter| owners.iter().any(|&id| filter.passes(id)))
    }

    fn over_all(&self, graphs: bool) -> Vec<Nearest> {
        let pieces = self.pieces(graphs);
        let threads = (pieces.len() / PIECES_A_THREAD).clamp(1, rayon::current_num_threads());
        let next = AtomicUsize::new(0);
        let work = || {
            let mut found = Found { bounds: Vec::new(), finalists: Finalists::new(self.k) };
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.search(piece, &mut found);
            }
            found
        };
        let others = Mutex::new(Vec::with_capacity(threads - 1));
        let Found { mut bounds, mut finalists } = rayon::in_place_scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|_| {
                    let found = work();
                    others.lock().unwrap_or_else(PoisonError::into_inner).push(found);
                });
            }
            work()
        });
        for mut found in others.into_inner().unwrap_or_else(PoisonError::into_inner) {
            finalists.absorb(found.finalists);
            bounds.append(&mut found.bounds);
        }
        let rows_of = |part: usize| self.parts[part].rows;
        sweep(&self.probe, &bounds, rows_of, |owners| self.wanted(owners), &mut finalists);
        self.settle(finalists)
    }

    fn pieces(&self, graphs: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            if graphs && part.segment.is_some() {
                pieces.push(Piece::Graph(number));
                continue;
            }
            let (chunks, step) = (part.rows.chunks(), (PIECE_BYTES / part.rows.scanned_bytes()).max(1));
            let ranges = (0..chunks).step_by(step).map(|first| first..chunks.min(first + step));
            pieces.extend(ranges.map(|range| Piece::Chunks(number, range)));
        }
        pieces
    }

    fn search(&self, piece: &Piece, found: &mut Found) {
        let scan = |part: usize, chunks| Bounds::new(&self.probe, part, self.parts[part].rows, chunks);
        match piece {
            Piece::Chunks(part, chunks) => found.bounds.push(scan(*part, chunks.clone())),
            Piece::Graph(part) => {
                let Part { rows, segment } = self.parts[*part];
                let wanted = |owners: &[MemoryId]| self.wanted(owners);
                let reliable = segment.is_some_and(|segment| {
                    segment.search(&self.probe, *part, self.k, wanted, &mut found.finalists)
                });
                if !reliable {
                    found.bounds.push(scan(*part, 0..rows.chunks()));
                }
            }
        }
    }

    /// The nearest of the memories that pass, row by row.
    fn among(&self, filter: &dyn Filter) -> Vec<Nearest> {
        let ids = filter.ids();
        let mut spots = Vec::new();
        let mut first = 0;
        for view in self.views {
            let at = |part| view.segments.iter().position(|segment| segment.number == part);
            let spot = |Place { part, row }| {
                let part = if part == view.tail_number { 0 } else { at(part)? + 1 };
                Some(Spot { part: first + part, row })
            };
            spots.extend(ids.iter().filter_map(|&id| view.directory.get(id)).filter_map(spot));
            first += 1 + view.segments.len();
        }
        spots.sort_unstable();
        spots.dedup();
        let mut finalists = Finalists::new(self.k);
        for spot in spots {
            self.parts[spot.part].rows.offer(&self.probe, spot, &mut finalists);
        }
        self.settle(finalists)
    }

    /// From rows to memories.
    fn settle(&self, finalists: Finalists) -> Vec<Nearest> {
        let settled = finalists.settle(|spot| self.parts[spot.part].rows.cosine(&self.probe, spot.row));
        let passes = |id: &MemoryId| self.filter.is_none_or(|filter| filter.passes(*id));
        let owners = settled.iter().flat_map(|&(cosine, spot)| {
            let ids = self.parts[spot.part].rows.owners(spot.row).iter().copied().filter(passes);
            ids.map(move |id| Nearest { id, cosine })
        });
        let mut nearest: Vec<Nearest> = owners.collect();
        nearest.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
        nearest.truncate(self.k);
        nearest
    }
}
