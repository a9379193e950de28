//! Text to checked vectors: tokenizer, recipe, batches, ONNX Runtime sessions on the device that is right and
//! fastest.
//!
//! [`ModelEmbedder`] is the door: it implements [`papr_memory::ports::Embedder`] for a model that
//! `papr-models` has found and checked. A call goes through these, in this order:
//!
//! - `tokens` cuts text to token ids, `batch` plans runs;
//! - `worker` orders them in two lanes before one thread;
//! - `runner`, on that thread, has a backend at hand: loads it, gives a failing device up for the CPU, drops it
//!   when idle;
//! - `backend` is the seam to what computes; one form of it keeps sessions of ONNX Runtime, one for every length
//!   or a few for fixed ones (`bucket`, `symbols`), the other (`native`) has Core ML's own graphs, on macOS;
//! - `session` makes and runs one ONNX graph: `inputs` fills it, `pool` carries out the recipe's last steps.
//!
//! Which device: [`candidates`] says what to try, [`trial()`] finds out, [`Report`] tells what really ran.
//! Before a large model is loaded, [`Need`] is compared with the [`Memory`] that can be had. [`Agreement`] says
//! how alike two ways of making vectors are: an accuracy report, and whether a server's vectors are of one space.
//! `library` looks at the runtime's file, `runtime` loads it once a process, `raw` makes the calls its wrapper
//! lacks.
//!
//! It leaves out which model to use, where files lie and whether their bytes are right. It opens no
//! connection, and refuses a runtime that could.

mod agreement;
mod backend;
mod batch;
mod bucket;
mod capture;
mod compute_plan;
mod coreml;
mod device;
mod embedder;
mod inputs;
mod interrupt;
mod library;
mod log_lines;
mod machine;
mod memory;
mod native;
mod pool;
mod preflight;
mod raw;
mod report;
mod runner;
mod runtime;
mod session;
mod symbols;
mod tokens;
mod trial;
mod worker;

pub use agreement::{Agreement, Incomparable, LEAST_PAIRS, SAME_SPACE, SpaceMatch, compare};
pub use coreml::{cache_folder, cache_size, remove_old_caches};
pub use device::{
    Candidates, Device, DeviceChoice, Forms, LeftOut, Platform, UnknownDevice, candidates, candidates_of,
};
pub use embedder::{EmbedOptions, ModelEmbedder};
pub use log_lines::Partitions;
pub use machine::machine;
pub use memory::{GB, Memory};
pub use native::{FixedGraph, remove_stale};
pub use preflight::{Bits, Need, Verdict};
pub use report::{NeuralEngine, Report};
pub use runner::{Listener, State};
pub use runtime::{Runtime, init_runtime};
pub use trial::{Candidate, LEAST_COSINE, Outcome, RUNS, TRIAL_TEXTS, Trial, TrialKey, trial};
