//! One session of ONNX Runtime: made for a device, compared with its manifest, run.
//!
//! It knows names and shapes; which texts and when is decided elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep::{CPU, CUDA, DirectML, ExecutionProviderDispatch};
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, Session, SessionInputValue};
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use papr_memory::Recipe;
use papr_memory::ports::EmbedError;

use crate::interrupt::Interrupt;
use crate::report::Observed;
use crate::symbols::Symbols;
use crate::{Device, capture, coreml, inputs, log_lines, pool, raw};

/// What sessions of one model are made of.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) environment: Environment,
    pub(crate) model_file: PathBuf,
    pub(crate) model_sha256: String,
    pub(crate) runtime: String,
    pub(crate) recipe: Recipe,
    /// Threads inside one operator.
    pub(crate) threads: usize,
    /// Where Core ML keeps what it compiled.
    pub(crate) cache: Option<PathBuf>,
    /// Whether Core ML is asked for its compute plan.
    pub(crate) profile: bool,
}

/// A session and how to feed it.
#[derive(Debug)]
pub(crate) struct Graph {
    session: Session,
    recipe: Recipe,
    observed: Observed,
}

impl Graph {
    /// Makes a session on `device` and checks that the graph is what the recipe says. With `frozen`, one for
    /// exactly one text of that many tokens.
    pub(crate) fn load(
        blueprint: &Blueprint,
        device: Device,
        frozen: Option<(usize, &Symbols)>,
    ) -> Result<Self, EmbedError> {
        let path = &blueprint.model_file;
        let unusable = |reason: String| EmbedError::Model(format!("{}: {reason}", path.display()));
        let (session, observed) =
            session(blueprint, device, frozen).map_err(|error| unusable(error.to_string()))?;
        let graph = Self { session, recipe: blueprint.recipe.clone(), observed };
        graph.check(frozen.map(|(tokens, _)| tokens)).map_err(unusable)?;
        Ok(graph)
    }

    /// What was seen while it was made.
    pub(crate) fn observed(&self) -> &Observed {
        &self.observed
    }

    fn check(&self, frozen: Option<usize>) -> Result<(), String> {
        let inputs = self.session.inputs();
        let lengths =
            frozen.and_then(|tokens| i64::try_from(tokens).ok()).map_or([-1, -1], |tokens| [1, tokens]);
        for name in inputs::names(&self.recipe) {
            expect(inputs, "input", name, TensorElementType::Int64, &lengths)?;
        }
        if let Some(other) =
            inputs.iter().find(|input| !inputs::names(&self.recipe).any(|name| name == input.name()))
        {
            let name = other.name();
            return Err(format!("the graph wants an input {name:?} that the manifest does not name"));
        }
        let shape = pool::output_shape(&self.recipe);
        let output = &self.recipe.graph.output;
        expect(self.session.outputs(), "output", output, TensorElementType::Float32, &shape)
    }

    /// Vectors of `texts`, each filled up to `tokens` token ids, in their order.
    pub(crate) fn run(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let failed = |error: ort::Error| EmbedError::Run(error.to_string());
        let options = Arc::new(RunOptions::new().map_err(failed)?);
        let stop = {
            let options = Arc::clone(&options);
            move || {
                // It fails only if the options are no longer valid, and they are held here.
                let _ = options.terminate();
            }
        };
        let result = interrupt.during(Box::new(stop), || self.run_tensors(texts, tokens, &options))?;
        match result {
            Ok(vectors) => vectors.map_err(EmbedError::Run),
            Err(_) if interrupt.is_asked() => Err(papr_memory::Cancelled.into()),
            Err(error) => Err(failed(error)),
        }
    }

    /// The inner result is the shape's, the outer one the runtime's.
    fn run_tensors(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        options: &RunOptions,
    ) -> ort::Result<Result<Vec<Vec<f32>>, String>> {
        let inputs = inputs::fill(&self.recipe, texts, tokens);
        let mut values = Vec::with_capacity(inputs.tensors.len());
        for (name, numbers) in &inputs.tensors {
            let tensor = TensorRef::from_array_view(([texts.len(), tokens], numbers.as_slice()))?;
            values.push((*name, SessionInputValue::from(tensor)));
        }
        let outputs = self.session.run_with_options(values, options)?;
        let Some(output) = outputs.get(&self.recipe.graph.output) else {
            return Ok(Err(format!("the graph gave no {}", self.recipe.graph.output)));
        };
        let (shape, numbers) = output.try_extract_tensor::<f32>()?;
        Ok(pool::vectors(&self.recipe, &inputs.lengths, tokens, shape, numbers))
    }
}

fn session(
    blueprint: &Blueprint,
    device: Device,
    frozen: Option<(usize, &Symbols)>,
) -> ort::Result<(Session, Observed)> {
    let mut builder = Session::builder(&blueprint.environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(blueprint.threads)?
        .with_inter_threads(1)?
        // Between two runs the threads sleep: an app that waits for a keystroke must not warm a lap.
        .with_intra_op_spinning(false)?
        .with_config_entry(raw::RECORD_ASSIGNMENT, "1")?;
    if let Some((tokens, symbols)) = frozen {
        builder = freeze(builder, &blueprint.recipe, tokens, symbols)?;
    }
    let lines = Arc::new(Mutex::new(Vec::new()));
    let wants_plan = device == Device::CoreMl && blueprint.profile;
    if device == Device::DirectMl {
        // It plans its memory itself and refuses a session that does so too.
        builder = builder.with_memory_pattern(false)?;
    }
    if device != Device::Cpu {
        let cache = frozen.zip(blueprint.cache.as_deref()).map(|((tokens, _), root)| {
            coreml::cache_folder(root, &blueprint.runtime, &blueprint.model_sha256, tokens)
        });
        // Without the folder a start is slower, and that is all.
        let cache = cache.filter(|folder| fs::create_dir_all(folder).is_ok());
        let provider = provider(device, cache.as_deref(), blueprint.profile);
        builder = listen(builder, &lines)?.with_execution_providers([provider])?;
    }
    let path = &blueprint.model_file;
    let (session, plan) = if wants_plan {
        capture::stderr(log_lines::is_of_compute_plan, || builder.commit_from_file(path))
    } else {
        (builder.commit_from_file(path), Vec::new())
    };
    let session = session?;
    // Asked about each subgraph too; the whole graph has the most nodes.
    let partitions =
        lines.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().max_by_key(|cut| cut.nodes);
    let observed = Observed {
        assignment: raw::assignment(&session)?,
        partitions,
        plan: log_lines::compute_plan(plan.iter().map(String::as_str)),
    };
    Ok((session, observed))
}

/// Fixes the open lengths of the inputs that the recipe fills: one text, `tokens` tokens.
fn freeze(
    mut builder: SessionBuilder,
    recipe: &Recipe,
    tokens: usize,
    symbols: &Symbols,
) -> ort::Result<SessionBuilder> {
    for name in inputs::names(recipe) {
        let axes = symbols.get(name).into_iter().flatten().zip([1, tokens]);
        for (symbol, length) in axes {
            if let Some(symbol) = symbol {
                builder =
                    builder.with_dimension_override(symbol, i64::try_from(length).unwrap_or(i64::MAX))?;
            }
        }
    }
    Ok(builder)
}

/// Keeps what the provider says about the cut of the graph; passes warnings on.
fn listen(
    builder: SessionBuilder,
    lines: &Arc<Mutex<Vec<log_lines::Partitions>>>,
) -> ort::Result<SessionBuilder> {
    let lines = Arc::clone(lines);
    let logger = move |level: LogLevel, _: &str, _: &str, _: &str, message: &str| {
        if let Some(partitions) = log_lines::partitions(message) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(partitions);
        } else if level >= LogLevel::Warning {
            tracing::warn!(target: "onnxruntime", "{message}");
        }
    };
    Ok(builder.with_log_level(LogLevel::Info)?.with_logger(Arc::new(logger))?)
}

/// How `device` is asked for; a failure to have it is an error, never a silent CPU.
fn provider(device: Device, cache: Option<&Path>, profile: bool) -> ExecutionProviderDispatch {
    let provider = match device {
        // Core ML by itself runs no ONNX graph: whoever asks for that was refused before.
        Device::CoreMl | Device::CoreMlNative => coreml::provider(cache, profile),
        Device::Cuda => CUDA::default().build(),
        Device::DirectMl => DirectML::default().build(),
        Device::Cpu => CPU::default().build(),
    };
    provider.error_on_failure()
}

/// Looks for `name` among `outlets` and compares its type; -1 stands for any length. What an output leaves
/// open is compared when there is one.
fn expect(
    outlets: &[Outlet],
    kind: &str,
    name: &str,
    element: TensorElementType,
    lengths: &[i64],
) -> Result<(), String> {
    let Some(outlet) = outlets.iter().find(|outlet| outlet.name() == name) else {
        let names: Vec<&str> = outlets.iter().map(Outlet::name).collect();
        return Err(format!("the graph has no {kind} {name:?}, it has {names:?}"));
    };
    let open = |found: i64| kind == "output" && found == -1;
    let fits = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let alike = |(&found, &expected)| expected == -1 || found == expected || open(found);
            ty == &element && shape.len() == lengths.len() && shape.iter().zip(lengths).all(alike)
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(format!("{kind} {name:?} is {}, expected {element} of shape {lengths:?}", outlet.dtype()))
}
