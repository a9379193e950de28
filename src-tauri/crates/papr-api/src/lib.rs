//! A typed client for the Papr Memory API: lenient in reading, strict in writing, and honest about what is unknown.
//!
//! ```no_run
//! use papr_api::{ApiKey, Client, Metadata, NewMemory, Outcome, TiersRequest};
//!
//! # async fn example() -> Result<(), papr_api::Error> {
//! let key = ApiKey::new(&std::env::var("PAPR_MEMORY_API_KEY").unwrap_or_default())?;
//! let papr = Client::builder(key).user_agent("my-program/1.0").build()?;
//!
//! let tiers = papr.tiers(&TiersRequest::default()).await?;
//! println!("{} goals, {} hot memories", tiers.tier0.len(), tiers.tier1.len());
//!
//! let memory = NewMemory::new("Alice prefers dark roast")?.metadata(Metadata::default().client_id("my-id-1"));
//! match papr.add(&memory).await {
//!     Ok(reply) => println!("made {}", reply.memories[0].memory_id),
//!     Err(error) if error.outcome() == Outcome::Unknown => println!("look for my-id-1 before trying again"),
//!     Err(error) => println!("{error}. {}", error.hint()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! - **Reading.** Both of Papr's spellings (`created_at`, `createdAt`), objects sent as text, numbers sent as text,
//!   three shapes of errors. A bad item of a list is counted ([`Skipped`]) and loses no other; unknown fields are
//!   kept ([`Memory::extra`]). An answer that lacks what was asked for is an error, never an empty list.
//! - **Writing.** Sizes and ranges are checked before anything is sent.
//! - **Failing.** Every [`Error`] says what happened, what to do ([`Error::hint`]), and what became of the call
//!   ([`Error::outcome`]). Papr has no idempotency keys: what makes a memory is not sent twice unless it is certain
//!   that the first time made nothing.
//! - **Big answers.** Tiers and deltas are cut into items while they come ([`Client::tiers_each`]).
//! - **Privacy.** The key shows in no `Debug`, error or log; neither do queries and texts. It is sent over TLS or to
//!   this very machine, never to where a redirect points. A closed [`Gate`] refuses every call before a socket is
//!   opened. An [`Observer`] is told of every attempt, sizes and all.
//!
//! # What it leaves out
//! It keeps nothing, schedules nothing, and knows nothing of what memories are for. It looks at no environment
//! variable; the system's proxy is the one exception, and can be turned off.
#![deny(missing_docs)]

mod calls;
mod client;
mod error;
mod gate;
mod id;
mod key;
mod lenient;
mod observe;
mod read;
mod refusal;
mod retry;
mod transport;
mod write;

pub use calls::account::{KeyInfo, User};
pub use calls::omo::{OmoExport, OmoImport, OmoMemory};
pub use calls::search::{FeedbackReply, Node, SearchReply};
pub use calls::sync::{Delta, Tier, Tiers, TiersEnd};
pub use calls::written::{AddReply, Added, BatchError, BatchReply, Deleted, UpdateReply};
pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use error::{Cause, Error, Outcome};
pub use gate::Gate;
pub use id::{Cursor, MemoryId, SearchId};
pub use key::ApiKey;
pub use observe::{Attempt, AttemptEnd, Endpoint, Observer};
pub use read::embedding::{Embedding, EmbeddingSource};
pub use read::list::Skipped;
pub use read::memory::{Change, Memory};
pub use refusal::{FieldError, Quota, Refusal, RefusalKind};
pub use retry::RetryPolicy;
pub use write::batch::{Batch, MAX_BATCH, MAX_BATCH_BYTES};
pub use write::feedback::{Feedback, FeedbackSource, FeedbackType};
pub use write::memory::{Kind, MAX_CONTENT_BYTES, NewMemory, Turn, Update};
pub use write::metadata::{Category, CustomValue, Metadata, Role};
pub use write::search::SearchRequest;
pub use write::sync::{DeltaRequest, EmbedModel, EmbeddingFormat, TiersRequest};
