//! What really ran a model, as far as it was observed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Device;
use crate::compute_plan::ComputePlan;
use crate::log_lines::Partitions;

/// What is known of Apple's Neural Engine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum NeuralEngine {
    /// Core ML's compute plan was read, and prefers it for operations.
    Seen {
        /// The share of the plan's operations, in (0, 1].
        share: f64,
    },
    /// Core ML may use it; whether it does was not seen.
    Allowed,
    /// It runs nothing: another device does, or the compute plan says so.
    No,
}

/// What runs a model, and what that costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The device in use.
    pub device: Device,
    /// Nodes of the optimised graph by the provider that runs them, as ONNX Runtime tells.
    pub assignment: BTreeMap<String, usize>,
    /// How the graph was cut, where the provider says so.
    pub partitions: Option<Partitions>,
    /// Whether the Neural Engine is in it.
    pub neural_engine: NeuralEngine,
    /// How long the last load took, in milliseconds.
    pub load_ms: f64,
    /// Bytes of weights held by the sessions alive: an estimate of their memory, without activations.
    pub memory_bytes: u64,
    /// Why the CPU took over from another device, if it did.
    pub fallback: Option<String>,
}

impl Report {
    /// One line for people. Says "Neural Engine" alone only where it was seen.
    pub fn describe(&self) -> String {
        match self.neural_engine {
            NeuralEngine::Seen { share } => {
                format!("{} (Neural Engine: {:.0} % of operations)", self.device, share * 100.0)
            }
            NeuralEngine::Allowed => format!("{} (Neural Engine allowed)", self.device),
            NeuralEngine::No => self.device.to_string(),
        }
    }
}

/// What was seen while one session was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observed {
    pub(crate) assignment: BTreeMap<String, usize>,
    pub(crate) partitions: Option<Partitions>,
    pub(crate) plan: Option<ComputePlan>,
}

/// Concludes about the Neural Engine.
pub(crate) fn neural_engine(device: Device, observed: &Observed) -> NeuralEngine {
    if !device.is_core_ml() {
        return NeuralEngine::No;
    }
    match observed.plan {
        Some(plan) => match plan.neural_engine_share() {
            Some(share) => NeuralEngine::Seen { share },
            None => NeuralEngine::No,
        },
        None if observed.assignment.get(device.provider()) == Some(&0) => NeuralEngine::No,
        None if !observed.assignment.is_empty() && !observed.assignment.contains_key(device.provider()) => {
            NeuralEngine::No
        }
        None => NeuralEngine::Allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(core_ml_nodes: usize, plan: Option<ComputePlan>) -> Observed {
        let assignment = [("CPUExecutionProvider", 7), ("CoreMLExecutionProvider", core_ml_nodes)];
        let assignment = assignment
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .filter(|(_, count)| *count > 0);
        Observed { assignment: assignment.collect(), partitions: None, plan }
    }

    #[test]
    fn the_neural_engine_is_said_only_when_it_was_seen() {
        let plan = ComputePlan { neural_engine: 3, gpu: 0, cpu: 1 };
        let seen = neural_engine(Device::CoreMl, &observed(40, Some(plan)));
        assert_eq!(seen, NeuralEngine::Seen { share: 0.75 });
        let unseen = neural_engine(Device::CoreMl, &observed(40, None));
        assert_eq!(unseen, NeuralEngine::Allowed);
        let cpu = ComputePlan { neural_engine: 0, gpu: 0, cpu: 4 };
        assert_eq!(neural_engine(Device::CoreMl, &observed(40, Some(cpu))), NeuralEngine::No);
        assert_eq!(
            neural_engine(Device::CoreMl, &observed(0, None)),
            NeuralEngine::No,
            "no node is Core ML's"
        );
        assert_eq!(neural_engine(Device::Cpu, &observed(0, Some(plan))), NeuralEngine::No);
    }

    #[test]
    fn a_report_reads_what_it_writes() {
        let report = Report {
            device: Device::CoreMl,
            assignment: observed(40, None).assignment,
            partitions: Some(Partitions { pieces: 1, nodes: 47, supported: 40 }),
            neural_engine: NeuralEngine::Seen { share: 0.75 },
            load_ms: 12.5,
            memory_bytes: 90 << 20,
            fallback: None,
        };
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        assert_eq!(report.describe(), "Core ML (Neural Engine: 75 % of operations)");
        let allowed = Report { neural_engine: NeuralEngine::Allowed, ..report };
        assert_eq!(allowed.describe(), "Core ML (Neural Engine allowed)");
        assert_eq!(
            Report { device: Device::Cpu, neural_engine: NeuralEngine::No, ..allowed }.describe(),
            "CPU"
        );
    }
}
