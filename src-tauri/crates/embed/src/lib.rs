//! Text to checked vectors: tokenizer, batches, one ONNX Runtime session on one worker thread.
//!
//! [`OnnxEmbedder`] is the door: it implements [`papr_memory::ports::Embedder`] for a model that
//! `papr-models` has found and checked. Inside, `library` looks at the runtime's file, `runtime` loads it once
//! a process, `tokens` cuts text to token ids, `batch` plans runs, `worker` orders them in two lanes, and
//! `session` knows the graph.
//!
//! It leaves out which model to use, where files lie and whether their bytes are right. It opens no
//! connection, and refuses a runtime that could.

mod batch;
mod embedder;
mod library;
mod runtime;
mod session;
mod tokens;
mod worker;

pub use embedder::{EmbedOptions, OnnxEmbedder};
pub use runtime::init_runtime;
