//! The vocabulary of Papr Desktop: what a memory is, what a query asks and a reply answers, what a vector
//! means and when two may be compared.
//!
//! Everything else in the workspace speaks in these types. This crate knows neither a database, nor a wire
//! format, nor an async runtime; it derives `serde` and that is all. The [`ports`] are the places where two
//! implementations exist.
#![deny(missing_docs)]

mod cancel;
mod credentials;
mod filters;
mod fingerprint;
mod manifest;
mod memory;
mod parts;
pub mod ports;
mod query;
mod recipe;
mod reply;
mod secret;
mod sync;
mod vector;

pub use cancel::{CancelToken, Cancelled};
pub use credentials::{Credential, CredentialStatus, SecretSource};
pub use filters::{FacetCount, Facets, Filters, Sort, TimeRange, UnknownSort};
pub use fingerprint::Fingerprint;
pub use manifest::{HashOrigin, Manifest, ManifestError, ModelFile};
pub use memory::{
    Content, ContentError, DEFAULT_KIND, MAX_CONTENT_BYTES, Memory, MemoryId, RemoteId, Source, Tier,
    TierSetter, UnknownSource, UnknownTier,
};
pub use parts::Parts;
pub use query::{MAX_HITS, MAX_QUERY_BYTES, Mode, Query, QueryError, UnknownMode};
pub use recipe::{GraphNames, Padding, Place, Pooling, PoolingMethod, Precision, Prefixes, Recipe};
pub use reply::{Hit, Reason, Reply, Span, TierCounts, Timings};
pub use secret::{MAX_SECRET_BYTES, MAX_SLOT_BYTES, MIN_SECRET_BYTES, Secret, SecretError, Slot, SlotError};
pub use sync::{
    AccountSync, Agreed, Conflict, InFlight, InFlightCall, Link, Op, OutboxEntry, Over, Refused,
    RemoteVersion, Standing, SyncStep,
};
pub use vector::{Dims, Space, Vector, VectorError};
