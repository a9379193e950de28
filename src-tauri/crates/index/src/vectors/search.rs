//! The search: over one view or several at once, by as many threads as it is worth.
//!
//! The work is cut into pieces that threads take one after the other, the asking thread first: nobody waits
//! for a thread that is late to wake up. Which thread did what changes no result.

use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use papr_memory::Vector;

use super::probe::{Finalists, Probe, Spot};
use super::rows::{Owner, Rows};
use super::scan::{Bounds, sweep_likeliest, sweep_rest};
use super::view::{Nearest, Segment, View};
use crate::selection::Selection;

/// Where less than one memory in so many is selected, and no more than [`FEW`], each of them is looked at.
const NARROW: usize = 8;
const FEW: usize = 2_048;
/// Bytes that are scanned in a piece: some 40 µs from memory that is in no cache, several times what a thread takes to
/// wake up per thread and search.
const PIECE_BYTES: usize = 512 * 1024;
/// Fewer pieces than this for each thread are not worth another one.
const PIECES_A_THREAD: usize = 3;

/// The `k` memories of all these views, or of those selected, that are nearest to the query, nearest first; of equal
/// ones, the older first. The views are of one space, and no memory stands in two of them.
///
/// Exact over a narrow selection; over the tails, and wherever a graph cannot give `k` hits, as
/// good as exact: rows are passed over by their signs, which err once in some thirty thousand neighbours at the
/// very edge. Else as good as the graphs are. A query of another length finds nothing: vectors meet only within one space.
pub fn nearest(views: &[&View], query: &Vector, k: usize, among: Option<&Selection>) -> Vec<Nearest> {
    let all: usize = views.iter().map(|view| view.len()).sum();
    let Some(search) = Search::new(views, query, k, among) else { return Vec::new() };
    match among {
        Some(among) if among.len() < (all / NARROW).min(FEW) => {
            Search { each: true, ..search }.over_all(false)
        }
        // Hits that are not selected are lost: a graph is asked only where enough remain, twice over.
        Some(among) => {
            let widths = search.parts.iter().filter_map(|part| part.segment).map(Segment::width);
            let width = widths.min().unwrap_or(0);
            search.over_all(width.saturating_mul(among.len()) / all.max(1) >= k.saturating_mul(2))
        }
        None => search.over_all(true),
    }
}

/// The same, exactly, whatever graphs there are.
pub(super) fn nearest_exactly(
    view: &View,
    query: &Vector,
    k: usize,
    among: Option<&Selection>,
) -> Vec<Nearest> {
    let views = [view];
    let Some(search) = Search::new(&views, query, k, among) else { return Vec::new() };
    let probe = Probe::certain(query.as_slice());
    Search { probe, ..search }.over_all(false)
}

/// Has threads take the numbers below `pieces` one after the other, as many threads as that is worth; what each made of
/// those it took.
fn share_out<T: Send>(pieces: usize, work: impl Fn(&mut dyn Iterator<Item = usize>) -> T + Sync) -> Vec<T> {
    let threads = (pieces / PIECES_A_THREAD).clamp(1, rayon::current_num_threads());
    let next = AtomicUsize::new(0);
    let work =
        || work(&mut iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&at| at < pieces)));
    let others = Mutex::new(Vec::with_capacity(threads));
    let own = rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| {
                let made = work();
                others.lock().unwrap_or_else(PoisonError::into_inner).push(made);
            });
        }
        work()
    });
    let mut made = others.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.push(own);
    made
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
    Chunks(usize, Range<usize>),
}

/// What a thread found out.
struct Found {
    /// Of what was scanned.
    bounds: Vec<Bounds>,
    /// Of what graphs found.
    finalists: Finalists,
}

struct Search<'a> {
    /// Those of all views: each view's tail, then its segments.
    parts: Vec<Part<'a>>,
    probe: Probe<'a>,
    k: usize,
    among: Option<&'a Selection>,
    /// All that are selected are looked at, whatever their signs say.
    each: bool,
}

impl<'a> Search<'a> {
    /// None if there is nothing to find.
    fn new(views: &'a [&'a View], query: &'a Vector, k: usize, among: Option<&'a Selection>) -> Option<Self> {
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
        Some(Self { parts: parts.collect(), probe: Probe::new(query.as_slice()), k, among, each: false })
    }

    fn selects(&self, owner: &Owner) -> bool {
        self.among.is_none_or(|among| among.has(owner.slot))
    }

    fn over_all(&self, graphs: bool) -> Vec<Nearest> {
        let pieces = self.pieces(graphs);
        let scanned = share_out(pieces.len(), |taken| {
            let mut found = Found { bounds: Vec::new(), finalists: Finalists::new(self.k) };
            taken.for_each(|piece| self.search(&pieces[piece], &mut found));
            found
        });
        let (mut bounds, mut finalists) = (Vec::with_capacity(pieces.len()), Finalists::new(self.k));
        for mut found in scanned {
            finalists.absorb(found.finalists);
            bounds.append(&mut found.bounds);
        }
        let rows_of = |part: usize| self.parts[part].rows;
        let done = sweep_likeliest(&self.probe, &bounds, &rows_of, &mut finalists);
        let swept = share_out(bounds.len(), |taken| {
            let mut found = finalists.beside();
            taken.for_each(|some| sweep_rest(&self.probe, &bounds[some], &rows_of, &done, &mut found));
            found
        });
        for found in swept {
            finalists.absorb(found);
        }
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
        let scan =
            |part: usize, chunks| Bounds::new(&self.probe, part, self.parts[part].rows, chunks, self.among);
        match piece {
            Piece::Chunks(part, chunks) if self.each => self.offer_each(*part, chunks.clone(), found),
            Piece::Chunks(part, chunks) => found.bounds.push(scan(*part, chunks.clone())),
            Piece::Graph(part) => {
                let Part { rows, segment } = self.parts[*part];
                let wanted = |owners: &[Owner]| owners.iter().any(|owner| self.selects(owner));
                let reliable = segment.is_some_and(|segment| {
                    segment.search(&self.probe, *part, self.k, wanted, &mut found.finalists)
                });
                if !reliable {
                    found.bounds.push(scan(*part, 0..rows.chunks()));
                }
            }
        }
    }

    /// Offers all rows of these chunks that are selected.
    fn offer_each(&self, part: usize, chunks: Range<usize>, found: &mut Found) {
        let (rows, Some(among)) = (self.parts[part].rows, self.among) else { return };
        for chunk in chunks {
            for (row, is) in rows.numbers_of(chunk).zip(rows.selected(chunk, among)) {
                if is {
                    rows.offer(&self.probe, Spot { part, row }, &mut found.finalists);
                }
            }
        }
    }

    /// From rows to memories.
    fn settle(&self, finalists: Finalists) -> Vec<Nearest> {
        let settled = finalists.settle(|spot| self.parts[spot.part].rows.cosine(&self.probe, spot.row));
        let owners = settled.iter().flat_map(|&(cosine, spot)| {
            let owners = self.parts[spot.part].rows.owners(spot.row).iter();
            let selected = owners.filter(|owner| self.selects(owner));
            selected.map(move |owner| Nearest { id: owner.id, cosine })
        });
        let mut nearest: Vec<Nearest> = owners.collect();
        nearest.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
        nearest.truncate(self.k);
        nearest
    }
}
