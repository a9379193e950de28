//! Where Core ML means to run the operations of a graph: its compute plan (`MLComputePlan`, macOS 14.4 and later),
//! counted.
//!
//! The only source from which this app says that it has seen the Neural Engine. Read in two ways: from what ONNX
//! Runtime's provider writes of it, and from Core ML itself.

/// What Core ML's compute plan prefers for the operations of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ComputePlan {
    pub(crate) neural_engine: usize,
    pub(crate) gpu: usize,
    pub(crate) cpu: usize,
}

impl ComputePlan {
    /// Counts an operation by the class of the device that it prefers, such as `MLNeuralEngineComputeDevice`.
    /// Other names are passed over: what cannot be told is not counted for anybody.
    pub(crate) fn count(&mut self, class: &str) {
        match class {
            "MLNeuralEngineComputeDevice" => self.neural_engine += 1,
            "MLGPUComputeDevice" => self.gpu += 1,
            "MLCPUComputeDevice" => self.cpu += 1,
            _ => {}
        }
    }

    /// Operations that have a place at all: constants have none.
    pub(crate) fn operations(self) -> usize {
        self.neural_engine + self.gpu + self.cpu
    }

    /// The share of them that the Neural Engine runs, in (0, 1]; `None` if it runs none.
    pub(crate) fn neural_engine_share(self) -> Option<f64> {
        (self.neural_engine > 0).then(|| self.neural_engine as f64 / self.operations() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_known_and_nothing_else() {
        let mut plan = ComputePlan::default();
        assert_eq!(plan.neural_engine_share(), None, "an empty plan has seen nothing");
        for class in
            ["MLCPUComputeDevice", "MLGPUComputeDevice", "NSObject", "", "MLNeuralEngineComputeDeviceX"]
        {
            plan.count(class);
        }
        assert_eq!(plan, ComputePlan { neural_engine: 0, gpu: 1, cpu: 1 });
        assert_eq!(plan.neural_engine_share(), None);
        plan.count("MLNeuralEngineComputeDevice");
        plan.count("MLNeuralEngineComputeDevice");
        assert_eq!((plan.operations(), plan.neural_engine_share()), (4, Some(0.5)));
    }
}
