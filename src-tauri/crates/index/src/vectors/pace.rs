//! How many rows this machine scans in the time a search may take: the size from which on a graph pays.

use std::hint::black_box;
use std::time::{Duration, Instant};

use papr_memory::Dims;

use super::signs;
use crate::kernel::{BLOCK, Codes, Kernel, Tables};

/// What going over all rows may take before a graph is built. Nobody notices so little, and without a graph
/// nothing is built, kept or missed.
pub const SCAN_BUDGET: Duration = Duration::from_millis(2);
/// Below, a graph is never worth its links; above, what a scan finds hopeful costs as much as the scan.
const ROWS: std::ops::RangeInclusive<usize> = 1_000..=500_000;
/// Bytes that are scanned to measure: about what the budget is spent on, so that caches count as they will.
const MEASURED_BYTES: usize = 16 * 1024 * 1024;
/// Of so many runs the shortest counts: what else the machine does makes runs longer, never shorter.
const RUNS: usize = 5;

/// How many rows may be scanned within `budget`, if one takes `per_row`.
pub fn rows_within(budget: Duration, per_row: Duration) -> usize {
    let rows = budget.as_nanos() / per_row.as_nanos().max(1);
    usize::try_from(rows).unwrap_or(usize::MAX).clamp(*ROWS.start(), *ROWS.end())
}

/// What scanning one row of `dims` numbers takes on this machine. Takes some milliseconds and 16 MB itself.
pub fn measure(dims: Dims) -> Duration {
    if dims.get() < signs::LEAST_WIDTH {
        let rows = (MEASURED_BYTES / dims.get()).max(1);
        // Not all zero: memory that was never written is no memory yet.
        let codes = vec![1_i8; rows * dims.get()];
        let query = Codes::new(vec![1; dims.get()]);
        let mut sums = vec![0; rows];
        return shortest(rows, || Kernel::best().scan(&query, black_box(&codes), black_box(&mut sums)));
    }
    let block = signs::block_bytes(dims.get());
    let blocks = (MEASURED_BYTES / block).max(1);
    let (signs, mut sums) = (vec![1_u8; blocks * block], vec![0; blocks * BLOCK]);
    let query = Tables::new(&vec![1; 8 * block / BLOCK]);
    shortest(sums.len(), || Kernel::best().agree(&query, black_box(&signs), black_box(&mut sums)))
}

/// What a row takes where `run` goes over `rows`.
fn shortest(rows: usize, mut run: impl FnMut()) -> Duration {
    let mut timed = || {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    let shortest = (0..RUNS).map(|_| timed()).min().unwrap_or_default();
    shortest / u32::try_from(rows).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_gets_graphs_sooner() {
        let budget = Duration::from_micros(500);
        assert_eq!(rows_within(budget, Duration::from_nanos(10)), 50_000);
        assert_eq!(rows_within(budget, Duration::from_nanos(80)), 6_250);
        assert_eq!(rows_within(budget, Duration::from_micros(50)), 1_000, "a graph over less gains nothing");
        assert_eq!(rows_within(budget, Duration::ZERO), 500_000, "a clock too coarse is no reason for none");
    }

    #[test]
    fn a_row_takes_some_time() {
        let per_row = measure(Dims::new(384).unwrap());
        assert!(per_row < Duration::from_micros(10), "scanning a row took {per_row:?}");
    }
}
