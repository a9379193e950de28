//! Scanning rows: which of them may be among the nearest.
//!
//! First a bound is put on every row: by its signs where the probe goes by them, else by its codes. Then the
//! rows that promise most are computed in earnest, which tells what any other has to reach; and last those
//! whose bound reaches that. Signs tell little about one row, but put the likeliest first.

use std::collections::HashSet;
use std::ops::Range;

use super::chunk::{Chunk, Coding};
use super::probe::{Finalists, Probe, Spot};
use super::rows::Rows;
use crate::kernel::BLOCK;
use crate::selection::Selection;

/// So many rows before one is computed, it is asked for.
const AHEAD: usize = 8;

/// The greatest the cosine to each row of some chunks of a part can be.
#[derive(Debug)]
pub(super) struct Bounds {
    part: usize,
    chunks: Range<usize>,
    rows: Vec<f32>,
    /// What the first signs of each row and the query's have in common, if the probe goes by them.
    agreeing: Vec<u16>,
    /// The greatest of each block: most blocks have no row that could be among the nearest.
    tops: Vec<f32>,
}

impl Bounds {
    /// Of the chunks `chunks` of `rows`, which are those of the part `part`; a row that is not among those selected
    /// is as far away as one that never was.
    pub(super) fn new(
        probe: &Probe<'_>,
        part: usize,
        rows: &Rows,
        chunks: Range<usize>,
        among: Option<&Selection>,
    ) -> Self {
        let per_chunk = rows.per_chunk();
        // No cosine is as small: what is left stands for rows that never were.
        let mut bounds = vec![f32::NEG_INFINITY; chunks.len() * per_chunk];
        let mut agreeing = vec![0; if probe.signs.is_some() { bounds.len() } else { 0 }];
        let mut sums = Vec::new();
        for (at, (number, bounds)) in chunks.clone().zip(bounds.chunks_exact_mut(per_chunk)).enumerate() {
            let chunk = rows.chunk(number);
            if let (Some(query), Some(signs)) = (&probe.signs, chunk.signs()) {
                let agreeing = &mut agreeing[at * per_chunk..(at + 1) * per_chunk];
                signs.bounds(query, probe.kernel, agreeing, bounds);
            } else {
                by_codes(probe, chunk, &mut sums, bounds);
            }
            if let Some(among) = among {
                for (bound, is) in bounds.iter_mut().zip(rows.selected(number, among)) {
                    *bound = if is { *bound } else { f32::NEG_INFINITY };
                }
            }
        }
        let tops = bounds.as_chunks::<BLOCK>().0.iter().map(|block| greatest(block)).collect();
        Self { part, chunks, rows: bounds, agreeing, tops }
    }

    /// The rows whose bounds are at least `least`, and those bounds.
    fn reaching(&self, per_chunk: usize, least: f32) -> impl Iterator<Item = (f32, Spot)> {
        let blocks = self.tops.iter().zip(self.rows.as_chunks::<BLOCK>().0).enumerate();
        let hopeful = blocks.filter(move |(_, (top, _))| **top >= least);
        hopeful.flat_map(move |(number, (_, block))| self.spots(per_chunk, number, *block, least))
    }

    /// The same, of bounds as close as both signs allow.
    fn reaching_closely(
        &self,
        probe: &Probe<'_>,
        rows: &Rows,
        least: f32,
    ) -> impl Iterator<Item = (f32, Spot)> {
        let per_chunk = rows.per_chunk();
        let blocks = self.tops.iter().zip(self.rows.as_chunks::<BLOCK>().0).enumerate();
        let hopeful = blocks.filter(move |(_, (top, _))| **top >= least);
        hopeful.flat_map(move |(number, (_, block))| {
            let (mut closer, first) = (*block, number * BLOCK);
            let chunk = rows.chunk(self.chunks.start + first / per_chunk);
            if let (Some(query), Some(signs)) = (&probe.signs, chunk.signs()) {
                let agreeing = &self.agreeing[first..first + BLOCK];
                signs.closer(query, probe.kernel, first % per_chunk / BLOCK, agreeing, &mut closer);
                // What is not selected stays away.
                for (closer, &bound) in closer.iter_mut().zip(block) {
                    *closer = if bound == f32::NEG_INFINITY { bound } else { *closer };
                }
            }
            self.spots(per_chunk, number, closer, least)
        })
    }

    fn spots(
        &self,
        per_chunk: usize,
        block: usize,
        bounds: [f32; BLOCK],
        least: f32,
    ) -> impl Iterator<Item = (f32, Spot)> {
        let (part, first) = (self.part, self.chunks.start * per_chunk + block * BLOCK);
        let spot = move |at| Spot { part, row: u32::try_from(first + at).unwrap_or(u32::MAX) };
        let reaching = bounds.into_iter().enumerate().filter(move |(_, bound)| *bound >= least);
        reaching.map(move |(at, bound)| (bound, spot(at)))
    }
}

/// Offers the live rows that may be among the nearest; `rows_of` has the rows of a part.
pub(super) fn sweep<'a>(
    probe: &Probe<'_>,
    bounds: &[Bounds],
    rows_of: impl Fn(usize) -> &'a Rows,
    finalists: &mut Finalists,
) {
    let done = sweep_likeliest(probe, bounds, &rows_of, finalists);
    for some in bounds {
        sweep_rest(probe, some, &rows_of, &done, finalists);
    }
}

/// Offers the live rows that promise most, enough of them to tell what any other has to reach; which those were.
pub(super) fn sweep_likeliest<'a>(
    probe: &Probe<'_>,
    bounds: &[Bounds],
    rows_of: &impl Fn(usize) -> &'a Rows,
    finalists: &mut Finalists,
) -> HashSet<Spot> {
    // More of them where too few are live.
    let (mut done, mut count, mut limit) = (HashSet::new(), finalists.wanted(), f32::INFINITY);
    while finalists.floor() == f32::NEG_INFINITY && limit > f32::MIN {
        let likely = likely(bounds, count);
        let reaching = bounds.iter().flat_map(|some| some.reaching(rows_of(some.part).per_chunk(), likely));
        let spots: Vec<(f32, Spot)> = reaching.filter(|&(bound, _)| bound < limit).collect();
        offer_all(probe, &spots, rows_of, finalists);
        finalists.prune();
        done.extend(spots.into_iter().map(|(_, spot)| spot));
        (count, limit) = (count.saturating_mul(8), likely);
    }
    done
}

/// Offers all others of these rows that may be among the nearest.
pub(super) fn sweep_rest<'a>(
    probe: &Probe<'_>,
    bounds: &Bounds,
    rows_of: &impl Fn(usize) -> &'a Rows,
    done: &HashSet<Spot>,
    finalists: &mut Finalists,
) {
    // Rows that never were reach nothing.
    let floor = finalists.floor().max(f32::MIN);
    let mut rest: Vec<(f32, Spot)> = bounds.reaching_closely(probe, rows_of(bounds.part), floor).collect();
    rest.retain(|(_, spot)| !done.contains(spot));
    offer_all(probe, &rest, rows_of, finalists);
}

/// Offers the live ones of these rows, whose bounds by their signs are given.
fn offer_all<'a>(
    probe: &Probe<'_>,
    spots: &[(f32, Spot)],
    rows_of: &impl Fn(usize) -> &'a Rows,
    finalists: &mut Finalists,
) {
    let fetch = |&(_, spot): &(f32, Spot)| rows_of(spot.part).fetch(probe, spot.row);
    spots.iter().take(AHEAD).for_each(fetch);
    for (at, &(bound, spot)) in spots.iter().enumerate() {
        spots.get(at + AHEAD).iter().copied().for_each(fetch);
        if bound < finalists.floor() {
            continue;
        }
        let rows = rows_of(spot.part);
        let cosine = rows.bounds(probe, spot.row);
        // Who owns a row is looked up last: it is seldom asked, and lies elsewhere.
        if cosine.1 >= finalists.floor() && !rows.owners(spot.row).is_empty() {
            finalists.offer(cosine, spot);
        }
    }
}

/// What at least `count` rows reach, if there are so many, and not many more.
fn likely(bounds: &[Bounds], count: usize) -> f32 {
    // Blocks are fewer than rows; where they are too few, the rows are not many either.
    let mut some: Vec<f32> = bounds.iter().flat_map(|some| &some.tops).copied().collect();
    if some.len() < 2 * count {
        some = bounds.iter().flat_map(|some| &some.rows).copied().collect();
    }
    if some.len() < count {
        return f32::MIN;
    }
    some.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a)).1.max(f32::MIN)
}

fn greatest(bounds: &[f32]) -> f32 {
    bounds.iter().fold(f32::NEG_INFINITY, |a, &b| if a > b { a } else { b })
}

/// For certain, by what rounding to codes can have changed. `sums` is working memory.
fn by_codes(probe: &Probe<'_>, chunk: &Chunk, sums: &mut Vec<i32>, bounds: &mut [f32]) {
    sums.resize(chunk.len(), 0);
    probe.kernel.scan(&probe.codes, chunk.all_codes(), sums);
    let (scales, errors) = chunk.all_codings();
    for (bound, ((&sum, &scale), &error)) in bounds.iter_mut().zip(sums.iter().zip(scales).zip(errors)) {
        *bound = probe.bounds(sum, Coding { scale, error }).1;
    }
}
