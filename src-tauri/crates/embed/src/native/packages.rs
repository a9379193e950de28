//! Texts through graphs of fixed length: which graph, filled how, and what is made of its output.
//!
//! It knows nothing of Core ML but what [`Loader`] and [`Model`] say, so that tests carry it out on any system.

use std::time::Instant;

use papr_memory::Recipe;
use papr_memory::ports::EmbedError;

use super::tensor::Tensor;
use super::{FixedGraph, Graphs, How};
use crate::bucket::Recent;
use crate::compute_plan::ComputePlan;
use crate::report::{Observed, Report, neural_engine};
use crate::trial::milliseconds;
use crate::{inputs, pool};

/// Makes models of graphs.
pub(crate) trait Loader {
    type Model: Model;

    /// Compiles the graph, unless that was done before, and loads it.
    fn load(&mut self, graph: &FixedGraph) -> Result<Self::Model, String>;
}

/// A graph in memory. It need not be able to leave its thread.
pub(crate) trait Model {
    /// Its output called `output` for these inputs, each `[1, tokens]`.
    fn run(&mut self, inputs: &[(&str, Vec<i32>)], output: &str) -> Result<Tensor, String>;

    /// Where Core ML means to run its operations, if that was asked for and could be read.
    fn plan(&self) -> Option<ComputePlan>;
}

/// The graphs of a model, and how texts go through them.
pub(crate) struct Packages<L: Loader> {
    recipe: Recipe,
    loaded: Loaded<L>,
}

/// The graphs of a model, a few of them in memory.
struct Loaded<L: Loader> {
    loader: L,
    graphs: Graphs,
    how: How,
    /// By their length, with their size.
    alive: Recent<u32, (L::Model, u64)>,
    load_ms: f64,
}

impl<L: Loader> Packages<L> {
    /// Loads the shortest graph, so that a model that cannot be used is found out at once.
    pub(crate) fn load(loader: L, graphs: Graphs, recipe: Recipe, how: How) -> Result<Self, EmbedError> {
        let alive = Recent::new(how.alive);
        let mut loaded = Loaded { loader, graphs, how, alive, load_ms: 0.0 };
        loaded.model(0)?;
        Ok(Self { recipe, loaded })
    }

    /// The numbers of one text.
    pub(crate) fn run(&mut self, text: &[u32]) -> Result<Vec<f32>, EmbedError> {
        let Self { recipe, loaded } = self;
        let tokens = loaded.graphs.holding(text.len()).tokens as usize;
        let filled = inputs::fill(recipe, &[text], tokens);
        let inputs: Vec<(&str, Vec<i32>)> =
            filled.tensors.iter().map(|(name, numbers)| (*name, narrow(numbers))).collect();
        let output = loaded.model(text.len())?.run(&inputs, &recipe.graph.output).map_err(EmbedError::Run)?;
        let vectors = pool::vectors(recipe, &filled.lengths, tokens, &output.shape, &output.numbers);
        vectors.map_err(EmbedError::Run)?.pop().ok_or_else(|| EmbedError::Run("no vector".to_owned()))
    }

    /// What was seen of it so far.
    pub(crate) fn report(&self) -> Report {
        let Loaded { how, alive, load_ms, .. } = &self.loaded;
        let plan = alive.values().last().and_then(|(model, _)| model.plan());
        let observed = Observed { plan, ..Observed::default() };
        Report {
            device: how.device,
            neural_engine: neural_engine(how.device, &observed),
            assignment: observed.assignment,
            partitions: None,
            load_ms: *load_ms,
            memory_bytes: alive.values().map(|(_, bytes)| bytes).sum(),
            fallback: None,
        }
    }
}

impl<L: Loader> Loaded<L> {
    /// The graph for a text of `tokens` tokens, loaded if need be.
    fn model(&mut self, tokens: usize) -> Result<&mut L::Model, EmbedError> {
        let Self { loader, graphs, how, alive, load_ms } = self;
        let graph = graphs.holding(tokens);
        let (model, _) = alive.get_or_make(graph.tokens, || {
            let start = Instant::now();
            let model = loader
                .load(graph)
                .map_err(|reason| EmbedError::Model(format!("{}: {reason}", graph.package.display())))?;
            *load_ms = milliseconds(start.elapsed());
            tracing::debug!(device = %how.device, tokens = graph.tokens, load_ms = *load_ms, "a graph is loaded");
            Ok::<_, EmbedError>((model, graph.bytes))
        })?;
        Ok(model)
    }
}

/// Core ML takes whole numbers of 32 bits. Token ids fit: a vocabulary is no larger.
fn narrow(numbers: &[i64]) -> Vec<i32> {
    numbers.iter().map(|&number| i32::try_from(number).unwrap_or(i32::MAX)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
