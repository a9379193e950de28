//! A look before a heavy step: better a refusal with numbers than a machine that stands still.
//!
//! Two steps are heavy: converting a model (done by `models/coreml`, which holds the same numbers; they are here to
//! tell a person what a machine can do), and loading a large package. Nothing of it was measured on a Mac: the shares
//! for conversions are measured on Linux and published ones, see `models/coreml/README.md`; those for loading are
//! estimates.

use std::fmt;

use papr_memory::Precision;
use serde::{Deserialize, Serialize};

use crate::memory::{GB, Memory};

/// To how many bits a conversion rounds the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bits {
    /// Half precision.
    #[serde(rename = "fp16")]
    Half,
    /// Whole numbers of 8 bits.
    #[serde(rename = "int8")]
    Eight,
    /// Tables of 16 numbers.
    #[serde(rename = "4bit")]
    Four,
}

impl Bits {
    /// All of them, the most exact first.
    pub const ALL: [Self; 3] = [Self::Half, Self::Eight, Self::Four];
}

/// Bytes that a step takes at its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Of memory and swap together.
    pub total: u64,
    /// Of these, what must be no swap, because it is gone through again and again.
    pub unswapped: u64,
}

/// Python, torch and coremltools with no model.
const CONVERTER: u64 = 700_000_000;

impl Need {
    /// Of converting a model of so many weights.
    ///
    /// 7.5 bytes a weight, measured. For 8 bits 5 of them must be no swap, the lower end of the published 20 to 28 GB
    /// for four billion weights; for 4 bits 9, which a machine of 64 GB has and one of 32 GB has not.
    pub fn to_convert(weights: u64, bits: Bits) -> Self {
        let unswapped = CONVERTER
            + match bits {
                Bits::Half => 0,
                Bits::Eight => 5 * weights,
                Bits::Four => 9 * weights,
            };
        Self { total: unswapped.max(CONVERTER + weights * 15 / 2), unswapped }
    }

    /// Of running a graph of a package of so many bytes.
    ///
    /// A query goes through all weights, so these must be no swap; a seventh and half a gigabyte come on top for
    /// what is computed and for the system's part. Whether Core ML keeps weights of 8 bits as they are is not known
    /// here: they are counted as widened to 16.
    pub fn to_load(package_bytes: u64, precision: Precision) -> Self {
        let weights = match precision {
            Precision::Int8 => package_bytes.saturating_mul(2),
            Precision::Fp32 | Precision::Fp16 => package_bytes,
        };
        Self { total: weights.saturating_add(weights / 7 + GB / 2), unswapped: weights }
    }

    /// Whether it may be begun with what can be had.
    pub fn compare(self, memory: Memory) -> Verdict {
        let there = memory.available.saturating_add(memory.swap);
        if self.unswapped > memory.available || self.total > there {
            Verdict::Refused { need: self, memory }
        } else if self.total > memory.available {
            Verdict::Swaps
        } else {
            Verdict::Fits
        }
    }
}

/// What comes of comparing a [`Need`] with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits into memory.
    Fits,
    /// It fits with swap, which is slow.
    Swaps,
    /// It does not fit.
    Refused {
        /// What it takes.
        need: Need,
        /// What can be had.
        memory: Memory,
    },
}

/// One sentence with the numbers.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fits => f.write_str("it fits into memory"),
            Self::Swaps => f.write_str("it fits, and the system will swap, which is slow"),
            Self::Refused { need, memory } => write!(
                f,
                "it needs {} GB of memory, of which {} GB may be no swap; {} GB are available, and {} GB of swap: close \
                 other programs, or take a smaller model",
                gigabytes(need.total),
                gigabytes(need.unswapped),
                gigabytes(memory.available),
                gigabytes(memory.swap),
            ),
        }
    }
}

/// How many graphs of this need may be in memory at once, from 1 to `most`.
pub(crate) fn alive(need: Need, memory: Memory, most: usize) -> usize {
    let fit = memory.available.checked_div(need.total).unwrap_or(u64::MAX);
    usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, most.max(1))
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / GB as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Qwen3-Embedding-4B.
    const FOUR_BILLION: u64 = 4_022_468_096;

    /// A machine of so many gigabytes when little else runs; macOS makes swap as it needs it.
    fn machine(gigabytes: u64) -> Memory {
        Memory { available: gigabytes * GB * 4 / 5, swap: 60 * GB }
    }

    #[test]
    fn conversions_are_decided_as_the_table_says() {
        let decided = |size| -> Vec<Bits> {
            let fits = |bits: &Bits| {
                !matches!(
                    Need::to_convert(FOUR_BILLION, *bits).compare(machine(size)),
                    Verdict::Refused { .. }
                )
            };
            Bits::ALL.into_iter().filter(fits).collect()
        };
        assert_eq!(decided(8), [Bits::Half]);
        assert_eq!(decided(16), [Bits::Half]);
        assert_eq!(decided(32), [Bits::Half, Bits::Eight]);
        assert_eq!(decided(64), Bits::ALL);
        let swapping = |bits, size| Need::to_convert(FOUR_BILLION, bits).compare(machine(size));
        assert_eq!(swapping(Bits::Half, 32), Verdict::Swaps);
        assert_eq!(swapping(Bits::Half, 64), Verdict::Fits);
        let eight = Need::to_convert(FOUR_BILLION, Bits::Eight).unswapped;
        assert!((20 * GB..28 * GB).contains(&eight), "as was published: {eight}");
    }

    #[test]
    fn four_billion_weights_run_from_sixteen_gigabytes_on() {
        let half = Need::to_load(2 * FOUR_BILLION, Precision::Fp16);
        let eight = Need::to_load(FOUR_BILLION, Precision::Int8);
        assert_eq!(half, eight, "as long as nobody has seen that 8 bits take less");
        assert!((9 * GB..10 * GB).contains(&half.total), "{half:?}");
        assert!(matches!(half.compare(machine(8)), Verdict::Refused { .. }));
        assert_eq!([16, 32, 64].map(|size| half.compare(machine(size))), [Verdict::Fits; 3]);
        assert_eq!([16, 32, 64].map(|size| alive(half, machine(size), 2)), [1, 2, 2]);
        let busy = Memory { available: 8500 * (GB / 1000), swap: 60 * GB };
        assert_eq!(half.compare(busy), Verdict::Swaps);
        assert_eq!(alive(half, busy, 2), 1, "one in any case");
    }

    #[test]
    fn swap_does_not_stand_in_for_what_is_gone_through_each_time() {
        let bare = Memory { available: 6 * GB, swap: 0 };
        let fits = |bits, memory| {
            !matches!(Need::to_convert(FOUR_BILLION, bits).compare(memory), Verdict::Refused { .. })
        };
        assert!(!fits(Bits::Half, bare));
        assert!(fits(Bits::Half, Memory { swap: 60 * GB, ..bare }));
        assert!(!fits(Bits::Eight, Memory { swap: 600 * GB, ..bare }));
    }

    #[test]
    fn a_small_package_fits_everywhere() {
        let minilm = Need::to_load(45_000_000, Precision::Fp16);
        assert_eq!(minilm.compare(machine(8)), Verdict::Fits);
        assert_eq!(alive(minilm, machine(8), 2), 2);
    }

    #[test]
    fn a_refusal_has_the_numbers_and_a_way_out() {
        let text = Need::to_load(2 * FOUR_BILLION, Precision::Fp16).compare(machine(8)).to_string();
        for part in [
            "needs 9.7 GB",
            "8.0 GB may be no swap",
            "6.4 GB are available",
            "60.0 GB of swap",
            "close other",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
    }
}
