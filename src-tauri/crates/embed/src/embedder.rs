//! The embedder: a model's tokenizer and session behind the port that the rest of the app knows.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use papr_memory::ports::{EmbedError, Embedded, Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Padding, Space, Vector};

use crate::batch;
use crate::runtime;
use crate::session::Graph;
use crate::tokens::Tokenizer;
use crate::worker::Worker;

/// How to run a model; [`Default`] is right for an interactive app.
#[derive(Clone, Debug)]
pub struct EmbedOptions {
    /// Threads inside one operator.
    pub intra_threads: NonZeroUsize,
    /// Tokens of one run, padding included. A query waits for one run of the background at most, so this is
    /// what it may have to wait; from 128 to 1024 the background itself is equally fast.
    pub batch_tokens: NonZeroUsize,
}

impl EmbedOptions {
    const DEFAULT_BATCH_TOKENS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self { intra_threads: NonZeroUsize::MIN, batch_tokens: Self::DEFAULT_BATCH_TOKENS }
    }
}

/// An ONNX model on the CPU. Dropping it ends its thread.
#[derive(Debug)]
pub struct OnnxEmbedder {
    worker: Worker,
    tokenizer: Tokenizer,
    space: Space,
    padding: Padding,
    batch_tokens: usize,
    load_time: Duration,
}

impl OnnxEmbedder {
    /// Loads the runtime, if that was not done before, then the tokenizer and the model.
    ///
    /// Takes some hundred milliseconds: the model's weights are read and laid out for the processor. The
    /// files' checksums are not looked at; their names, types and shapes are compared with `manifest`.
    ///
    /// # Errors
    /// [`EmbedError::Runtime`] as for [`crate::init_runtime`]; [`EmbedError::Model`] if the tokenizer or the
    /// model is missing, cannot be read, or is another than `manifest` says.
    pub fn load(
        runtime_library: &Path,
        manifest: &Manifest,
        model_file: &Path,
        tokenizer_file: &Path,
        options: &EmbedOptions,
    ) -> Result<Self, EmbedError> {
        let start = Instant::now();
        let environment = runtime::environment(runtime_library)?;
        let recipe = &manifest.recipe;
        let (tokenizer, graph) = thread::scope(|scope| {
            let tokenizer = scope.spawn(|| Tokenizer::load(tokenizer_file, recipe));
            let graph = Graph::load(&environment, model_file, recipe, options.intra_threads);
            (tokenizer.join(), graph)
        });
        let tokenizer = tokenizer.unwrap_or_else(|_| {
            Err(EmbedError::Model(format!("{}: reading it failed", tokenizer_file.display())))
        })?;
        let mut graph = graph?;
        let worker = Worker::start(move |texts, tokens| graph.run(texts, tokens))
            .map_err(|error| EmbedError::Run(format!("no thread to run it on: {error}")))?;
        let load_time = start.elapsed();
        tracing::info!(model = manifest.id, ?load_time, "the model is loaded");
        Ok(Self {
            worker,
            tokenizer,
            space: manifest.space(),
            padding: manifest.recipe.padding,
            batch_tokens: options.batch_tokens.get(),
            load_time,
        })
    }

    /// Runs the model once, so that the first query does not pay for its first allocations.
    pub fn warm_up(&self) -> Result<Duration, EmbedError> {
        let start = Instant::now();
        self.embed(&["warm up"], Role::Query, Lane::Interactive, &CancelToken::new())?;
        Ok(start.elapsed())
    }
}

impl Embedder for OnnxEmbedder {
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
        let batches = batch::plan(&lengths, self.padding, self.batch_tokens);
        let done = self.worker.call(tokens, batches, lane, cancel)?;
        let vectors = done.vectors.into_iter().map(|values| Vector::new(values, self.space.dims)).collect();
        Ok(Embedded { vectors, tokenize, run: done.run })
    }

    fn provider(&self) -> &'static str {
        "CPU"
    }

    fn load_time(&self) -> Duration {
        self.load_time
    }
}
