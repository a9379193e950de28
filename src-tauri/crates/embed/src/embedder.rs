//! The embedder: a model's tokenizer and sessions behind the port that the rest of the app knows.

use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use papr_memory::ports::{EmbedError, Embedded, Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Padding, Precision, Recipe, Space, Vector};

use crate::backend::{self, Sessions};
use crate::batch::{self, Filling, Rule};
use crate::memory::Memory;
use crate::native::{self, FixedGraph, Graphs, How};
use crate::preflight::{self, Need, Verdict};
use crate::runner::{Listener, Load, Runner, State, Watch};
use crate::session::Blueprint;
use crate::tokens::Tokenizer;
use crate::trial::milliseconds;
use crate::worker::Worker;
use crate::{Device, Report, runtime};

/// How to run a model; [`Default`] is right for an interactive app on the CPU.
#[derive(Clone, Debug)]
pub struct EmbedOptions {
    /// Threads inside one operator.
    pub intra_threads: NonZeroUsize,
    /// Tokens of one run, padding included. A query waits for one run of the background at most, so this is
    /// what it may have to wait; from 128 to 1024 the background itself is equally fast.
    pub batch_tokens: NonZeroUsize,
    /// What runs it.
    pub device: Device,
    /// Sessions of fixed lengths even where the device does not ask for them: for comparisons.
    pub static_shapes: bool,
    /// Where Core ML may keep what it compiled, beside others' files; `None` compiles at each load.
    pub cache: Option<PathBuf>,
    /// Whether Core ML is asked where it runs each operation. Takes seconds at each load, and behind ONNX Runtime
    /// redirects the process's standard error output meanwhile: for trials.
    pub profile: bool,
    /// Whether packages for Core ML are loaded even where memory is too short for them.
    pub ignore_memory: bool,
    /// After how long without a call the sessions are dropped; `None` keeps them.
    pub unload_after: Option<Duration>,
    /// Who is told when sessions come and go, and when the CPU takes over.
    pub listener: Option<Listener>,
}

impl EmbedOptions {
    const DEFAULT_BATCH_TOKENS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

    /// The default, on `device`.
    pub fn on(device: Device) -> Self {
        Self { device, ..Self::default() }
    }
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self {
            intra_threads: NonZeroUsize::MIN,
            batch_tokens: Self::DEFAULT_BATCH_TOKENS,
            device: Device::Cpu,
            static_shapes: false,
            cache: None,
            profile: false,
            ignore_memory: false,
            unload_after: None,
            listener: None,
        }
    }
}

/// A model on one device. Dropping it ends its threads.
#[derive(Debug)]
pub struct ModelEmbedder {
    worker: Worker,
    watch: Arc<Watch>,
    tokenizer: Tokenizer,
    space: Space,
    rule: Rule,
    load_time: Duration,
}

impl ModelEmbedder {
    /// Loads the runtime, if that was not done before, then the tokenizer and the ONNX graph.
    ///
    /// Takes some hundred milliseconds on the CPU: the model's weights are read and laid out for the
    /// processor. The files' checksums are not looked at; their names, types and shapes are compared with
    /// `manifest`. Files that the graph reads its weights from stand beside `model_file`.
    ///
    /// # Errors
    /// [`EmbedError::Runtime`] as for [`crate::init_runtime`]; [`EmbedError::Model`] if the recipe makes no
    /// sense or cannot be carried out on the device, or if the tokenizer or the model is missing, cannot be
    /// read, or is another than `manifest` says.
    pub fn load(
        runtime_library: &Path,
        manifest: &Manifest,
        model_file: &Path,
        tokenizer_file: &Path,
        options: &EmbedOptions,
    ) -> Result<Self, EmbedError> {
        let start = Instant::now();
        let recipe = &manifest.recipe;
        check(recipe, options).map_err(EmbedError::Model)?;
        check_data(manifest, model_file).map_err(EmbedError::Model)?;
        let environment = runtime::environment(runtime_library)?;
        let blueprint = Blueprint {
            environment,
            model_file: model_file.to_owned(),
            model_sha256: manifest.model.sha256.clone(),
            runtime: runtime::build(ort::info()),
            recipe: recipe.clone(),
            threads: options.intra_threads.get(),
            cache: options.cache.clone(),
            profile: options.profile,
        };
        let load = loader(blueprint, options.static_shapes, weight_bytes(manifest));
        Self::start(manifest, tokenizer_file, load, rule(recipe, options), options, start)
    }

    /// Loads the tokenizer and packages for Core ML: `graphs`, in any order, whose inputs, outputs and hashes are the
    /// caller's to have verified. What Core ML compiles is kept beside them.
    ///
    /// `options.device` is [`Device::CoreMlNative`], or [`Device::Cpu`] for Core ML kept to the processor, which also
    /// takes over where the former fails. The first load compiles, which takes from seconds to minutes.
    ///
    /// # Errors
    /// [`EmbedError::Model`] if this is no Mac, if the recipe makes no sense or is not that of the graphs, if memory
    /// is too short (with the numbers), if the tokenizer or a package is missing or another than `manifest` says, or
    /// if Core ML cannot compile or load it.
    pub fn load_core_ml(
        manifest: &Manifest,
        graphs: Vec<FixedGraph>,
        tokenizer_file: &Path,
        options: &EmbedOptions,
    ) -> Result<Self, EmbedError> {
        let start = Instant::now();
        let recipe = &manifest.recipe;
        recipe.check().map_err(|reason| EmbedError::Model(format!("its recipe makes no sense: {reason}")))?;
        if !matches!(options.device, Device::CoreMlNative | Device::Cpu) {
            let device = options.device;
            return Err(EmbedError::Model(format!("a package for Core ML does not run on {device}")));
        }
        let graphs = Graphs::new(graphs, recipe).map_err(EmbedError::Model)?;
        // A graph takes one text, and a query must not wait for more of them than one.
        let filling = Filling::Buckets(graphs.lengths());
        let rule = Rule { filling, budget: options.batch_tokens.get(), alone: true };
        let load = core_ml_loader(graphs, recipe.clone(), options.profile, options.ignore_memory);
        Self::start(manifest, tokenizer_file, load, rule, options, start)
    }

    /// Loads tokenizer and backend beside each other, and starts the thread that runs them.
    fn start(
        manifest: &Manifest,
        tokenizer_file: &Path,
        load: Load,
        rule: Rule,
        options: &EmbedOptions,
        start: Instant,
    ) -> Result<Self, EmbedError> {
        let recipe = &manifest.recipe;
        let (tokenizer, runner) = thread::scope(|scope| {
            let tokenizer = scope.spawn(|| Tokenizer::load(tokenizer_file, recipe));
            let runner = Runner::new(load, options.device, recipe.dims, options.listener.clone());
            (tokenizer.join(), runner)
        });
        let tokenizer = tokenizer.unwrap_or_else(|_| {
            Err(EmbedError::Model(format!("{}: reading it failed", tokenizer_file.display())))
        })?;
        let runner = runner?;
        let watch = runner.watch();
        let worker = Worker::start(runner, options.unload_after)
            .map_err(|error| EmbedError::Run(format!("no thread to run it on: {error}")))?;
        let load_time = start.elapsed();
        tracing::info!(model = manifest.id, device = %options.device, ?load_time, "the model is loaded");
        Ok(Self { worker, watch, tokenizer, space: manifest.space(), rule, load_time })
    }

    /// Runs the model once, so that the first query does not pay for its first allocations.
    pub fn warm_up(&self) -> Result<Duration, EmbedError> {
        let start = Instant::now();
        self.embed(&["warm up"], Role::Query, Lane::Interactive, &CancelToken::new())?;
        Ok(start.elapsed())
    }

    /// Where its sessions are now.
    pub fn state(&self) -> State {
        self.watch.state()
    }

    /// What runs it, as far as was seen so far.
    pub fn report(&self) -> Report {
        self.watch.report()
    }
}

/// Says why this version cannot carry out `recipe` with `options`.
fn check(recipe: &Recipe, options: &EmbedOptions) -> Result<(), String> {
    recipe.check().map_err(|reason| format!("its recipe makes no sense: {reason}"))?;
    if options.device == Device::CoreMlNative {
        return Err("Core ML by itself runs packages, not an ONNX graph".to_owned());
    }
    let fixed_shapes = options.static_shapes || options.device.wants_static_shapes();
    if recipe.precision == Precision::Int8 && options.device != Device::Cpu {
        return Err(format!("a model of 8-bit integers runs on the CPU alone, not on {}", options.device));
    }
    if recipe.precision == Precision::Int8 && fixed_shapes && recipe.padding == Padding::Dynamic {
        return Err("a vector of 8-bit integers depends on the filling: no fixed lengths".to_owned());
    }
    Ok(())
}

/// Looks for the files that the graph reads its weights from: the runtime's own message names no file.
fn check_data(manifest: &Manifest, model_file: &Path) -> Result<(), String> {
    let folder = model_file.parent().unwrap_or(Path::new(""));
    let missing = manifest.data.iter().map(|file| folder.join(&file.path)).find(|path| !path.is_file());
    missing.map_or(Ok(()), |path| Err(format!("{}: the model's weights are missing", path.display())))
}

fn weight_bytes(manifest: &Manifest) -> u64 {
    iter::once(&manifest.model).chain(&manifest.data).map(|file| file.bytes).sum()
}

/// Makes backends of one model.
fn loader(blueprint: Blueprint, static_shapes: bool, weight_bytes: u64) -> Load {
    let blueprint = Arc::new(blueprint);
    Box::new(move |device| {
        let fixed = static_shapes || device.wants_static_shapes();
        let sessions = Sessions::load(Arc::clone(&blueprint), device, fixed, weight_bytes)?;
        Ok(Box::new(sessions))
    })
}

/// Graphs of a model in memory at most: each holds the weights once more.
const ALIVE: usize = 2;

/// Makes backends of packages, each time with a look at the memory that can be had then.
fn core_ml_loader(graphs: Graphs, recipe: Recipe, profile: bool, ignore_memory: bool) -> Load {
    Box::new(move |device| {
        let need = Need::to_load(graphs.largest(), recipe.precision);
        let memory = Memory::now();
        match memory.map(|memory| need.compare(memory)) {
            Some(refused @ Verdict::Refused { .. }) if !ignore_memory => {
                return Err(EmbedError::Model(refused.to_string()));
            }
            Some(verdict @ (Verdict::Refused { .. } | Verdict::Swaps)) => {
                tracing::warn!(%verdict, "memory is short for the model");
            }
            Some(Verdict::Fits) | None => {}
        }
        let alive = memory.map_or(ALIVE, |memory| preflight::alive(need, memory, ALIVE));
        native::load(&graphs, &recipe, How { device, profile, alive })
    })
}

/// How calls are cut into runs.
fn rule(recipe: &Recipe, options: &EmbedOptions) -> Rule {
    let filling = match recipe.padding {
        Padding::Fixed(length) => Filling::Fixed(length as usize),
        Padding::Dynamic if options.static_shapes || options.device.wants_static_shapes() => {
            Filling::Buckets(backend::fixed_lengths(recipe.padding, recipe.max_tokens))
        }
        Padding::Dynamic => Filling::Longest,
    };
    // The scale of 8-bit activations is found over the whole batch.
    let alone = recipe.precision == Precision::Int8;
    Rule { filling, budget: options.batch_tokens.get(), alone }
}

impl Embedder for ModelEmbedder {
    fn space(&self) -> &Space {
        &self.space
    }

    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        lane: Lane,
        cancel: &CancelToken,
    ) -> Result<Embedded, EmbedError> {
        let start = Instant::now();
        let mut tokens = Vec::with_capacity(texts.len());
        for text in texts {
            cancel.check()?;
            tokens.push(self.tokenizer.encode(text, role)?);
        }
        let tokenize = start.elapsed();
        let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
        let batches = batch::plan(&lengths, &self.rule);
        let done = self.worker.call(tokens, batches, lane, cancel)?;
        let dims = self.space.dims;
        let vectors: Vec<_> = done.vectors.into_iter().map(|values| Vector::new(values, dims)).collect();
        tracing::debug!(
            texts = texts.len(),
            bad = vectors.iter().filter(|vector| vector.is_err()).count(),
            dims = dims.get(),
            ms = milliseconds(start.elapsed()),
            run_ms = milliseconds(done.run),
            ?lane,
            device = %self.watch.device(),
            "embedded"
        );
        Ok(Embedded { vectors, tokenize, run: done.run })
    }

    fn provider(&self) -> &'static str {
        self.watch.device().label()
    }

    fn load_time(&self) -> Duration {
        self.load_time
    }
}
