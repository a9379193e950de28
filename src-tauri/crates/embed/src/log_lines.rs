//! What ONNX Runtime's log says about where a model runs.
//!
//! Two kinds of lines are read. How many pieces the graph was cut into comes through the session's logger:
//!
//! ```text
//! CoreMLExecutionProvider::GetCapability, number of partitions supported by CoreML: 3 number of nodes in the graph: 13 number of nodes supported by CoreML: 11
//! ```
//!
//! Which processor Core ML means to use for an operation (`MLComputePlan`, macOS 14.4 and later) is written by
//! `NSLog`, so it goes to the standard error output with the system's own prefix, once an operation, when the
//! provider is asked for `ProfileComputePlan`:
//!
//! ```text
//! 2026-01-31 12:00:00.123 papr[501:77] Operation: ios17.linear, Device Usage: <MLNeuralEngineComputeDevice: 0x60000>, Estimated Cost: 0.031250
//! ```
//!
//! The wording is that of the library of version 1.28.0 (its format string is `Operation: %@, Device Usage: %@,
//! Estimated Cost: %f`); the lines in the tests are written after it. None was recorded on a Mac.

use serde::{Deserialize, Serialize};

use crate::compute_plan::ComputePlan;

/// How a graph was shared between a provider and the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitions {
    /// Pieces of the graph that the provider runs; each edge of a piece is a copy.
    pub pieces: usize,
    /// Nodes of the whole graph.
    pub nodes: usize,
    /// Nodes the provider said it can run.
    pub supported: usize,
}

/// Reads a line of the session's logger.
pub(crate) fn partitions(line: &str) -> Option<Partitions> {
    let number = |label: &str| {
        let (_, after) = line.split_once(label)?;
        let after = after.trim_start();
        let end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse().ok()
    };
    Some(Partitions {
        pieces: number("number of partitions supported by CoreML:")?,
        nodes: number("number of nodes in the graph:")?,
        supported: number("number of nodes supported by CoreML:")?,
    })
}

/// Whether a line of the standard error output is one of the compute plan's.
pub(crate) fn is_of_compute_plan(line: &str) -> bool {
    preferred_device(line).is_some() || line.contains("profile function : ")
}

/// Adds up the compute plan's lines; `None` if there is none with a device in it.
pub(crate) fn compute_plan<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<ComputePlan> {
    let mut plan = ComputePlan::default();
    for device in lines.into_iter().filter_map(preferred_device) {
        plan.count(device.trim_start_matches('<').split(':').next().unwrap_or_default());
    }
    (plan.operations() > 0).then_some(plan)
}

fn preferred_device(line: &str) -> Option<&str> {
    let (_, operation) = line.split_once("Operation: ")?;
    let (_, device) = operation.split_once(", Device Usage: ")?;
    device.rsplit_once(", Estimated Cost: ").map(|(device, _)| device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_read_with_their_nodes() {
        let line = "CoreMLExecutionProvider::GetCapability, number of partitions supported by CoreML: 3 number \
                    of nodes in the graph: 13 number of nodes supported by CoreML: 11";
        assert_eq!(partitions(line), Some(Partitions { pieces: 3, nodes: 13, supported: 11 }));
        let prefixed =
            format!("2026-01-31 12:00:00.1 [W:onnxruntime:, coreml_execution_provider.cc:137] {line}");
        assert_eq!(partitions(&prefixed), partitions(line));
        for other in [
            "",
            "Some nodes were not assigned to the preferred execution providers",
            "CoreMLExecutionProvider::GetCapability, number of partitions supported by CoreML: many",
            "number of nodes in the graph: 13 number of nodes supported by CoreML: 11",
        ] {
            assert_eq!(partitions(other), None, "{other:?}");
        }
    }

    const PLAN: &str = "\
2026-01-31 12:00:00.120 papr[501:77] profile function : main
2026-01-31 12:00:00.121 papr[501:77] Operation: const, Device Usage: (null), Estimated Cost: 0.000000
2026-01-31 12:00:00.121 papr[501:77] Operation: ios17.linear, Device Usage: <MLNeuralEngineComputeDevice: 0x6000036ec0e0>, Estimated Cost: 0.031250
2026-01-31 12:00:00.121 papr[501:77] Operation: ios17.matmul, Device Usage: <MLNeuralEngineComputeDevice: 0x6000036ec0e0>, Estimated Cost: 0.250000
2026-01-31 12:00:00.122 papr[501:77] Operation: ios17.softmax, Device Usage: <MLGPUComputeDevice: 0x6000036ec0f0>, Estimated Cost: 0.001000
2026-01-31 12:00:00.122 papr[501:77] Operation: ios17.gather, Device Usage: <MLCPUComputeDevice: 0x6000036e8170>, Estimated Cost: 0.005000
2026-01-31 12:00:00.123 papr[501:77] an unrelated line";

    #[test]
    fn a_plan_counts_operations_by_the_device_it_prefers() {
        let plan = compute_plan(PLAN.lines()).unwrap();
        assert_eq!(plan, ComputePlan { neural_engine: 2, gpu: 1, cpu: 1 });
        assert_eq!(plan.operations(), 4, "a constant runs nowhere");
        assert_eq!(PLAN.lines().filter(|line| is_of_compute_plan(line)).count(), 6);
    }

    #[test]
    fn no_plan_is_not_a_plan() {
        for lines in [
            "",
            "Operation: ios17.linear, Device Usage: (null), Estimated Cost: 0.0",
            "iOS 17.4+/macOS 14.4+ or later is required to use the compute plan API",
            "Error loading compute plan: The operation couldn't be completed.",
            "a memory that says MLNeuralEngineComputeDevice",
        ] {
            assert_eq!(compute_plan(lines.lines()), None, "{lines:?}");
        }
    }
}
