//! The seam between the worker and what computes.

use std::sync::Arc;
use std::time::Instant;

use papr_memory::Padding;
use papr_memory::ports::EmbedError;

use crate::bucket::{self, Recent};
use crate::interrupt::Interrupt;
use crate::report::{Report, neural_engine};
use crate::session::{Blueprint, Graph};
use crate::symbols::{self, Symbols};
use crate::trial::milliseconds;
use crate::{Device, raw};

/// Computes vectors. Owned by one thread, which calls it for one batch after another.
pub(crate) trait Backend: Send {
    /// Numbers of `texts`, each at most `tokens` token ids, in their order.
    ///
    /// # Errors
    /// [`EmbedError::Cancelled`] if `interrupt` was asked; [`EmbedError::Run`] if the device fails;
    /// [`EmbedError::Model`] if what it needs first now cannot be loaded.
    fn run(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// What was seen of it so far.
    fn report(&self) -> Report;
}

/// How many sessions of fixed lengths are alive at most: each holds the weights once more.
const ALIVE: usize = 2;

/// ONNX Runtime on one device: a session for every length, or a few for fixed ones.
pub(crate) struct Sessions {
    blueprint: Arc<Blueprint>,
    device: Device,
    /// By their fixed length; the one for every length has none.
    alive: Recent<Option<usize>, Graph>,
    /// The fixed lengths, and the names of what is fixed.
    fixed: Option<(Vec<usize>, Symbols)>,
    weight_bytes: u64,
    load_ms: f64,
}

/// The lengths a model's sessions are made for.
pub(crate) fn fixed_lengths(padding: Padding, max_tokens: u32) -> Vec<usize> {
    match padding {
        Padding::Dynamic => bucket::lengths(max_tokens as usize),
        Padding::Fixed(length) => vec![length as usize],
    }
}

impl Sessions {
    /// Makes the first session, so that a model that cannot be used is found out at once.
    pub(crate) fn load(
        blueprint: Arc<Blueprint>,
        device: Device,
        static_shapes: bool,
        weight_bytes: u64,
    ) -> Result<Self, EmbedError> {
        let recipe = &blueprint.recipe;
        let fixed = if static_shapes {
            let path = &blueprint.model_file;
            let symbols = symbols::read(path)
                .map_err(|error| EmbedError::Model(format!("{}: {error}", path.display())))?;
            Some((fixed_lengths(recipe.padding, recipe.max_tokens), symbols))
        } else {
            None
        };
        let mut sessions =
            Self { blueprint, device, alive: Recent::new(ALIVE), fixed, weight_bytes, load_ms: 0.0 };
        sessions.graph(0)?;
        Ok(sessions)
    }

    /// The session for a text of `tokens` tokens and the length to fill it up to.
    fn graph(&mut self, tokens: usize) -> Result<(&mut Graph, Option<usize>), EmbedError> {
        let Self { blueprint, device, alive, fixed, load_ms, .. } = self;
        let fixed = fixed.as_ref().map(|(lengths, symbols)| (bucket::holding(lengths, tokens), symbols));
        let length = fixed.map(|(length, _)| length);
        let graph = alive.get_or_make(length, || {
            let start = Instant::now();
            let graph = Graph::load(blueprint, *device, fixed)?;
            // The file was read into memory that is no longer used.
            raw::release_freed_memory();
            *load_ms = milliseconds(start.elapsed());
            tracing::debug!(device = %*device, ?length, load_ms = *load_ms, "a session is made");
            Ok::<_, EmbedError>(graph)
        })?;
        Ok((graph, length))
    }
}

impl Backend for Sessions {
    fn run(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        if self.fixed.is_none() {
            return self.graph(tokens)?.0.run(texts, tokens, interrupt);
        }
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            let (graph, length) = self.graph(text.len())?;
            vectors.append(&mut graph.run(&[text], length.unwrap_or(tokens), interrupt)?);
        }
        Ok(vectors)
    }

    fn report(&self) -> Report {
        let latest = self.alive.values().last().map(Graph::observed).cloned().unwrap_or_default();
        Report {
            device: self.device,
            neural_engine: neural_engine(self.device, &latest),
            assignment: latest.assignment,
            partitions: latest.partitions,
            load_ms: self.load_ms,
            memory_bytes: self.weight_bytes * self.alive.values().len() as u64,
            fallback: None,
        }
    }
}

#[cfg(test)]
mod tests;
