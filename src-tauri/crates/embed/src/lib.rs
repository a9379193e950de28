//! Text to checked vectors: tokenizer, recipe, batches, ONNX Runtime sessions on the device that is right and
//! fastest.
//!
//! [`OnnxEmbedder`] is the door: it implements [`papr_memory::ports::Embedder`] for a model that
//! `papr-models` has found and checked. A call goes through these, in this order:
//!
//! - `tokens` cuts text to token ids, `batch` plans runs;
//! - `worker` orders them in two lanes before one thread;
//! - `runner`, on that thread, has a backend at hand: loads it, gives a failing device up for the CPU, drops it
//!   when idle;
//! - `backend` is the seam to what computes; its one real form keeps sessions, one for every length or a few
//!   for fixed ones (`bucket`, `symbols`);
//! - `session` makes and runs one graph: `inputs` fills it, `pool` carries out the recipe's last steps.
//!
//! Which device: [`candidates`] says what to try, [`trial()`] finds out, [`Report`] tells what really ran.
//! `library` looks at the runtime's file, `runtime` loads it once a process, `raw` makes the calls its wrapper
//! lacks.
//!
//! It leaves out which model to use, where files lie and whether their bytes are right. It opens no
//! connection, and refuses a runtime that could.

mod backend;
mod batch;
mod bucket;
mod capture;
mod coreml;
mod device;
mod embedder;
mod inputs;
mod interrupt;
mod library;
mod log_lines;
mod machine;
mod pool;
mod raw;
mod report;
mod runner;
mod runtime;
mod session;
mod symbols;
mod tokens;
mod trial;
mod worker;

pub use coreml::{cache_folder, cache_size, remove_old_caches};
pub use device::{Candidates, Device, DeviceChoice, LeftOut, Platform, UnknownDevice, candidates};
pub use embedder::{EmbedOptions, OnnxEmbedder};
pub use log_lines::Partitions;
pub use machine::machine;
pub use report::{NeuralEngine, Report};
pub use runner::{Listener, State};
pub use runtime::{Runtime, init_runtime};
pub use trial::{Candidate, LEAST_COSINE, Outcome, RUNS, TRIAL_TEXTS, Trial, TrialKey, trial};
