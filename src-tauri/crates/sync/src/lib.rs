//! Memories here and at Papr kept the same.
//!
//! ```no_run
//! use papr_memory::ports::{SyncStore, SystemClock};
//! use papr_memory::CancelToken;
//! use papr_sync::{Options, PaprRemote, Scope, Syncer};
//!
//! # fn example(store: &dyn SyncStore, client: papr_api::Client) -> std::io::Result<()> {
//! let remote = PaprRemote::new(client)?;
//! let sync = Syncer::new(store, &remote, &SystemClock, "account-1", Options::default());
//! let report = sync.run(Scope::Delta, &CancelToken::new());
//! println!("{} fetched, {} sent", report.pulled.changed(), report.pushed.total());
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//! - **Nothing is lost.** A local edit stays in the outbox until Papr's answer to that very revision has been written
//!   down. What changed on both sides is a conflict: both versions are kept until a person chooses.
//! - **Nothing is doubled.** That a memory is about to be made is written down before the request is sent. If the
//!   outcome is not known, also after a kill, it is looked for by its `client_id` before it is sent again.
//! - **Silence deletes nothing.** What a list leaves out is asked for by its id; only Papr's own "not found" moves it
//!   among the tombstones, from where it can be taken back.
//! - **Accounts do not meet.** What belongs to another account, or to none, is neither read nor sent.
//!
//! # How it goes
//! [`plan`] says what a snapshot or a delta asks for: no I/O, no clock. [`Syncer::run`] fetches, applies what was planned
//! in small transactions with the cursor in the last, then sends. [`schedule`] says when. [`Remote`] is what it needs of Papr.
//!
//! Everything blocks and belongs on a worker thread.

mod apply;
mod ask;
mod local;
mod merge;
mod outgoing;
mod papr;
pub mod plan;
mod preview;
mod push;
mod remote;
mod report;
mod resolve;
mod run;
pub mod schedule;

pub use ask::{Found, here, keep};
pub use local::{Known, Local, Record};
pub use outgoing::Outgoing;
pub use papr::PaprRemote;
pub use papr_api::EmbeddingFormat;
pub use remote::{Certainty, Change, Item, Made, Page, Remote, RemoteError, Snapshot, Trouble};
pub use report::{Preview, Problem, Pulled, Pushed, SyncReport, SyncState, state};
pub use resolve::{Resolution, conflicts, resolve};
pub use run::{NewId, Options, Scope, SyncError, Syncer};
