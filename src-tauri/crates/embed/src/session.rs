//! The graph in ONNX Runtime: made, compared with its manifest, run.
//!
//! On the CPU. It knows names and shapes; queues and batches are the worker's.

use std::num::NonZeroUsize;
use std::path::Path;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use papr_memory::ports::EmbedError;
use papr_memory::{Dims, GraphNames, Recipe};

/// A session and how to feed it.
#[derive(Debug)]
pub(crate) struct Graph {
    session: Session,
    names: GraphNames,
    dims: Dims,
}

impl Graph {
    /// Loads the model at `path` and checks that it is what `recipe` says.
    pub(crate) fn load(
        environment: &Environment,
        path: &Path,
        recipe: &Recipe,
        threads: NonZeroUsize,
    ) -> Result<Self, EmbedError> {
        let unusable = |reason: String| EmbedError::Model(format!("{}: {reason}", path.display()));
        let session = session(environment, path, threads).map_err(|error| unusable(error.to_string()))?;
        let graph = Self { session, names: recipe.graph.clone(), dims: recipe.dims };
        graph.check().map_err(unusable)?;
        Ok(graph)
    }

    fn check(&self) -> Result<(), String> {
        for name in [&self.names.input_ids, &self.names.attention_mask] {
            expect(self.session.inputs(), "input", name, TensorElementType::Int64, [-1, -1])?;
        }
        if let Some(other) =
            self.session.inputs().iter().find(|input| {
                input.name() != self.names.input_ids && input.name() != self.names.attention_mask
            })
        {
            return Err(format!(
                "the graph wants an input {:?} that the manifest does not name",
                other.name()
            ));
        }
        let width = i64::from(u16::from(self.dims));
        expect(self.session.outputs(), "output", &self.names.output, TensorElementType::Float32, [-1, width])
    }

    /// Vectors of `texts`, each filled up to `tokens` token ids, in their order.
    pub(crate) fn run(&mut self, texts: &[&[u32]], tokens: usize) -> Result<Vec<Vec<f32>>, String> {
        let mut ids = vec![0_i64; texts.len() * tokens];
        let mut mask = vec![0_i64; texts.len() * tokens];
        for ((text, ids), mask) in texts.iter().zip(ids.chunks_mut(tokens)).zip(mask.chunks_mut(tokens)) {
            for ((&token, id), mask) in text.iter().zip(ids).zip(mask) {
                (*id, *mask) = (i64::from(token), 1);
            }
        }
        self.run_tensors(texts.len(), tokens, &ids, &mask).map_err(|error| error.to_string())?
    }

    /// The inner result is the shape's, the outer one the runtime's.
    fn run_tensors(
        &mut self,
        rows: usize,
        tokens: usize,
        ids: &[i64],
        mask: &[i64],
    ) -> ort::Result<Result<Vec<Vec<f32>>, String>> {
        let ids = TensorRef::from_array_view(([rows, tokens], ids))?;
        let mask = TensorRef::from_array_view(([rows, tokens], mask))?;
        let inputs = ort::inputs! {
            self.names.input_ids.as_str() => ids,
            self.names.attention_mask.as_str() => mask,
        };
        let outputs = self.session.run(inputs)?;
        let Some(output) = outputs.get(&self.names.output) else {
            return Ok(Err(format!("the graph gave no {}", self.names.output)));
        };
        let (shape, numbers) = output.try_extract_tensor::<f32>()?;
        let expected = [rows, self.dims.get()];
        let alike = |(&found, expected)| usize::try_from(found) == Ok(expected);
        if shape.len() != expected.len() || !shape.iter().zip(expected).all(alike) {
            return Ok(Err(format!("the graph gave a shape of {:?}, expected {expected:?}", &**shape)));
        }
        Ok(Ok(numbers.chunks(self.dims.get()).map(<[f32]>::to_vec).collect()))
    }
}

fn session(environment: &Environment, path: &Path, threads: NonZeroUsize) -> ort::Result<Session> {
    Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads.get())?
        .with_inter_threads(1)?
        // Between two runs the threads sleep: an app that waits for a keystroke must not warm a lap.
        .with_intra_op_spinning(false)?
        .commit_from_file(path)
}

/// Looks for `name` among `outlets` and compares its type; -1 stands for any length.
fn expect(
    outlets: &[Outlet],
    kind: &str,
    name: &str,
    element: TensorElementType,
    lengths: [i64; 2],
) -> Result<(), String> {
    let Some(outlet) = outlets.iter().find(|outlet| outlet.name() == name) else {
        let names: Vec<&str> = outlets.iter().map(Outlet::name).collect();
        return Err(format!("the graph has no {kind} {name:?}, it has {names:?}"));
    };
    let fits = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            ty == &element
                && shape.len() == lengths.len()
                && shape.iter().zip(lengths).all(|(&found, expected)| expected == -1 || found == expected)
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(format!("{kind} {name:?} is {}, expected {element} of shape {lengths:?}", outlet.dtype()))
}
