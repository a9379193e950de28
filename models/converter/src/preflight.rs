//! A look at the memory before a heavy step: better a refusal with numbers than a machine that stands still.
//!
//! Systems call memory "free" in several senses. Counted here is what programs may have without anything else
//! being pushed out, plus the swap space that is free; inside a container, no more than it allows.

use papr_memory::Precision;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::error::ConvertError;

/// Bytes for everything that does not grow with the model.
const BASE: u64 = 64 << 20;

/// Bytes a conversion needs at its height, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// The weights, as the graph will hold them.
    pub(crate) weights: u64,
    /// Whether they go beside the graph.
    pub(crate) outside: bool,
    /// The most memory that is in use at once.
    pub(crate) memory: u64,
}

impl Need {
    /// For tensors of these sizes: how many numbers, how many axes. Weights of more than `inline_limit` bytes
    /// go beside the graph.
    pub(crate) fn of(
        sizes: impl Iterator<Item = (u64, usize)>,
        precision: Precision,
        inline_limit: u64,
    ) -> Self {
        let (mut weights, mut largest) = (0, 0);
        for (numbers, axes) in sizes {
            weights += numbers
                * match precision {
                    Precision::Fp16 => 2,
                    Precision::Int8 if axes == 2 => 1,
                    Precision::Fp32 | Precision::Int8 => 4,
                };
            largest = largest.max(numbers);
        }
        let outside = weights > inline_limit;
        // A tensor is there in single precision, transposed, and perhaps rounded; a graph with its weights
        // inside once as a graph and once as the bytes of its file.
        let graph = if outside { 0 } else { 2 * weights };
        Self { weights, outside, memory: BASE + 9 * largest + graph }
    }

    /// Refuses what does not fit into `available` bytes.
    pub(crate) fn check(&self, available: u64) -> Result<(), ConvertError> {
        if self.memory <= available {
            return Ok(());
        }
        Err(ConvertError::Memory { need: megabytes(self.memory), available: megabytes(available) })
    }
}

/// Bytes of memory and swap that can be had now.
pub(crate) fn available() -> u64 {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::everything()));
    let machine = system.available_memory().saturating_add(system.free_swap());
    let Some(limits) = system.cgroup_limits() else { return machine };
    // Files that a container has read count as its memory, and go when it needs more: `free_memory` misleads.
    let container = limits.total_memory.saturating_sub(limits.rss);
    machine.min(container.saturating_add(limits.free_swap))
}

/// Whole megabytes (10⁶ bytes), rounded up.
pub(crate) fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tensors of Qwen3-Embedding-4B that matter: the vocabulary and 36 layers.
    fn four_billion() -> Vec<(u64, usize)> {
        let layer =
            [2560 * 4096, 2560 * 1024, 2560 * 1024, 4096 * 2560, 9728 * 2560, 9728 * 2560, 9728 * 2560];
        let mut sizes = vec![(151_936 * 2560, 2)];
        sizes.extend((0..36).flat_map(|_| layer).map(|numbers| (numbers, 2)));
        sizes
    }

    #[test]
    fn a_model_of_eight_gigabytes_is_written_in_half_of_that() {
        let limit = 1_500_000_000;
        let half = Need::of(four_billion().into_iter(), Precision::Fp16, limit);
        assert_eq!(half.weights / 100_000_000, 80, "8.0 GB");
        assert!(half.outside && half.memory < 4_000_000_000, "{half:?}");
        let bytes = Need::of(four_billion().into_iter(), Precision::Int8, limit);
        assert_eq!(bytes.weights / 100_000_000, 40, "4.0 GB");
        let small = Need::of([(1000, 2)].into_iter(), Precision::Fp32, limit);
        assert_eq!(small, Need { weights: 4000, outside: false, memory: BASE + 9000 + 8000 });
    }

    #[test]
    fn too_little_is_refused_with_both_numbers() {
        let need = Need { weights: 0, outside: true, memory: 3_999_999_999 };
        assert!(need.check(4_000_000_000).is_ok());
        let text = need.check(512_000_000).unwrap_err().to_string();
        assert!(text.contains("4000 MB") && text.contains("512 MB") && text.contains("--force"), "{text}");
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(available() > BASE);
    }
}
