//! A query made ready to be compared with rows, and the rows that may be what it asks for.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::kernel::{Codes, Kernel};

use super::chunk::{Coding, encode_to};
use super::signs::SignQuery;

/// Covers the rounding of the sums themselves, and norms that are 1 ± 1e-3.
const ROUNDING: f32 = 1e-4;

/// A query's numbers, codes and signs.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) codes: Codes,
    coding: Coding,
    pub(super) signs: Option<SignQuery>,
    pub(super) kernel: Kernel,
}

impl<'a> Probe<'a> {
    /// Rows that their signs put too far away are passed over.
    pub(super) fn new(numbers: &'a [f32]) -> Self {
        Self { signs: SignQuery::new(numbers), ..Self::certain(numbers) }
    }

    /// Rows are passed over only where the bound on what rounding changed proves that they are too far away.
    pub(super) fn certain(numbers: &'a [f32]) -> Self {
        let (codes, coding) = encode_to(numbers, Codes::GREATEST);
        Self { numbers, codes: Codes::new(codes), coding, signs: None, kernel: Kernel::best() }
    }

    /// The least and greatest the cosine to a row can be, from the sum of its codes' products.
    #[inline]
    pub(super) fn bounds(&self, sum: i32, row: Coding) -> (f32, f32) {
        // |q·r − q̂·r̂| ≤ |q||r − r̂| + |r̂||q − q̂|, the vectors having norm 1 ± their error.
        let slack = row.error * (1.0 + self.coding.error) + self.coding.error + ROUNDING;
        let cosine = sum as f32 * self.coding.scale * row.scale;
        (cosine - slack, cosine + slack)
    }
}

/// A number that can be ordered; none is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A row of a part: the tail or a segment, by its position in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) part: usize,
    pub(super) row: u32,
}

/// A row that may be among the nearest.
#[derive(Clone, Copy, Debug)]
struct Finalist {
    /// The least and the greatest its cosine can be.
    least: f32,
    greatest: f32,
    spot: Spot,
}

/// The rows that may be among the `k` nearest: all that are not certainly farther than `k` others.
#[derive(Debug)]
pub(super) struct Finalists {
    k: usize,
    /// `k` rows are certainly as near as this.
    floor: f32,
    rows: Vec<Finalist>,
    /// At so many rows, those that fell behind are left out.
    full: usize,
    least: Vec<f32>,
}

impl Finalists {
    /// `k` is at least 1.
    pub(super) fn new(k: usize) -> Self {
        let full = k.saturating_mul(2).max(32);
        Self { k, floor: f32::NEG_INFINITY, rows: Vec::new(), full, least: Vec::new() }
    }

    /// For another thread, which looks at other rows: none yet, and what they have to reach.
    pub(super) fn beside(&self) -> Self {
        Self { floor: self.floor, ..Self::new(self.k) }
    }

    /// Takes up what was found elsewhere.
    pub(super) fn absorb(&mut self, other: Self) {
        self.floor = self.floor.max(other.floor);
        for row in other.rows {
            self.offer((row.least, row.greatest), row.spot);
        }
    }

    /// How many rows are asked for.
    pub(super) fn wanted(&self) -> usize {
        self.k
    }

    /// What a row's greatest possible cosine must reach to be offered at all.
    #[inline]
    pub(super) fn floor(&self) -> f32 {
        self.floor
    }

    /// Takes a live row, given the least and greatest its cosine can be.
    pub(super) fn offer(&mut self, (least, greatest): (f32, f32), spot: Spot) {
        if greatest >= self.floor {
            self.rows.push(Finalist { least, greatest, spot });
            if self.rows.len() >= self.full {
                self.prune();
                // Twice what is left: pruning stays cheap however many there are.
                self.full = self.full.max(2 * self.rows.len());
            }
        }
    }

    /// Leaves out the rows that are certainly farther than `k` others.
    pub(super) fn prune(&mut self) {
        if self.rows.len() < self.k {
            return;
        }
        self.least.clear();
        self.least.extend(self.rows.iter().map(|row| row.least));
        let (_, &mut kth, _) = self.least.select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
        self.floor = self.floor.max(kth);
        let floor = self.floor;
        self.rows.retain(|row| row.greatest >= floor);
    }

    /// Computes cosines in full, the likeliest rows first, until no other row can be among the `k` greatest;
    /// returns at least those `k`, as far as there are so many, in no order.
    pub(super) fn settle(mut self, cosine: impl Fn(Spot) -> f32) -> Vec<(f32, Spot)> {
        self.prune();
        self.rows.sort_unstable_by(|a, b| b.greatest.total_cmp(&a.greatest));
        let mut best = BinaryHeap::with_capacity(self.rows.len().min(self.k) + 1);
        let mut floor = f32::NEG_INFINITY;
        let mut settled = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            if row.greatest < floor {
                break;
            }
            let cosine = cosine(row.spot).clamp(-1.0, 1.0);
            settled.push((cosine, row.spot));
            if cosine > floor {
                best.push(Reverse(Score(cosine)));
                if best.len() > self.k {
                    best.pop();
                }
                if best.len() == self.k {
                    floor = best.peek().map_or(floor, |least| least.0.0);
                }
            }
        }
        settled.retain(|(cosine, _)| *cosine >= floor);
        settled
    }
}
