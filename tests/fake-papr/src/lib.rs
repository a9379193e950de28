//! A stand-in for the Papr API on the loopback: the whole contract with its ugliness, scripted faults, and an
//! oracle that knows what was really accepted.
//!
//! ```no_run
//! use papr_fake::{Fault, FakePapr, NewMemory, Options, Route, Rule, Script};
//!
//! let papr = FakePapr::start(Options::new().key("key-1", "alice").seed(7).memories(20))?;
//! let id = papr.add("alice", NewMemory::goal("Run a half marathon"))?;
//! papr.set_faults(Script::of([
//!     Rule::chance(0.3, Fault::Status { status: 500, shape: Default::default() }),
//!     Rule::on_calls(&[2], Fault::LostReply { hang_ms: 0 }).route(Route::Add),
//! ]))?;
//! println!("serve {} until it is dropped", papr.url());
//! assert!(papr.oracle().doubled("alice").is_empty());
//! # Ok::<(), papr_fake::FakeError>(())
//! ```
//!
//! It shares no code with the client it judges and depends on no other crate of this project. State is nothing
//! but the replayed log of accepted writes, so what the oracle says and what the server answers cannot part.
//!
//! **Left out:** meaning (vectors are made up, search goes by words), the knowledge graph, ageing of tiers, document
//! uploads and every endpoint that the app does not use.

mod call;
mod clock;
mod control;
mod dice;
mod direct;
mod faults;
mod gate;
mod journal;
mod mangle;
mod node;
mod options;
mod oracle;
mod quota;
mod record;
mod reply;
mod requests;
mod route;
mod routes;
mod samples;
mod serve;
mod server;
mod shared;
mod vectors;
mod wire;
mod wiretap;
mod world;

pub use direct::Answer;
pub use faults::{Drift, Fault, Garble, RetryAfter, Rule, Script, ScriptError};
pub use journal::{Action, Author, Entry, FILE};
pub use options::{Options, Tombstones};
pub use oracle::{Oracle, State};
pub use quota::Limits;
pub use record::{Edit, Embedding, NewMemory, Place, Record};
pub use reply::Shape;
pub use requests::RequestLine;
pub use route::Route;
pub use server::{FakeError, FakePapr, Traffic};
pub use vectors::{DIMS, int8, pseudo};
pub use wire::Spelling;
