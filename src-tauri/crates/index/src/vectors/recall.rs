//! How much of what is nearest a graph finds, measured on its own rows.

use half::slice::HalfFloatSliceExt;
use papr_memory::{CancelToken, Cancelled};

use super::graph::Graph;
use super::probe::{Finalists, Probe, Spot};
use super::rows::Rows;
use super::scan::{Bounds, sweep};

/// How many of the nearest are asked for.
const TOP: usize = 10;
/// Of cosines this close to each other, either is right.
const TIE: f32 = 1e-6;

/// The part of the ten nearest neighbours, themselves left out, that `graph` finds of up to `samples` rows
/// spread over all: 0 if it cannot be searched, 1 if there is nothing to find.
pub(super) fn recall(
    rows: &Rows,
    graph: &Graph,
    samples: usize,
    cancel: &CancelToken,
) -> Result<f32, Cancelled> {
    let step = (rows.live() / samples.max(1)).max(1);
    let (mut found, mut expected) = (0, 0);
    for (row, numbers, _) in rows.iter().step_by(step).take(samples) {
        cancel.check()?;
        let numbers = numbers.to_f32_vec();
        let probe = Probe::certain(&numbers);
        let neighbours = |finalists: Finalists| {
            let settled = finalists.settle(|spot| rows.cosine(&probe, spot.row));
            let others = settled.into_iter().filter(|(_, spot)| spot.row != row);
            let mut cosines: Vec<f32> = others.map(|(cosine, _)| cosine).collect();
            cosines.sort_unstable_by(|a, b| b.total_cmp(a));
            cosines.truncate(TOP);
            cosines
        };
        let mut finalists = Finalists::new(TOP + 1);
        let bounds = Bounds::new(&probe, 0, rows, 0..rows.chunks(), None);
        sweep(&probe, &[bounds], |_| rows, &mut finalists);
        let exact = neighbours(finalists);
        let mut finalists = Finalists::new(TOP + 1);
        let searched = graph.search(&probe, |row| {
            if !rows.owners(row).is_empty() {
                rows.offer(&probe, Spot { part: 0, row }, &mut finalists);
            }
        });
        if !searched {
            return Ok(0.0);
        }
        let least = exact.last().map_or(f32::INFINITY, |least| least - TIE);
        expected += exact.len();
        found += neighbours(finalists).iter().filter(|&&cosine| cosine >= least).count();
    }
    Ok(if expected == 0 { 1.0 } else { found as f32 / expected as f32 })
}
