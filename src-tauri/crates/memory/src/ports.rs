//! The places where two implementations exist: what makes vectors, what keeps memories, what keeps keys, what
//! tells the time.
//!
//! All are synchronous, `Send + Sync` and called on worker threads; none may be called on a UI thread or in
//! an async task.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::credentials::{CredentialError, CredentialStore};
pub use crate::sync::SyncStore;
use crate::{
    CancelToken, Cancelled, Content, Memory, MemoryId, Space, Tier, TierCounts, TierSetter, Vector,
    VectorError,
};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What a text is embedded as; some models treat the two differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Something searched for.
    Query,
    /// Something searched in.
    Document,
}

/// Who waits for a vector. A person's query goes before any amount of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody is looking at the screen.
    Interactive,
    /// Nobody is.
    Background,
}

/// Vectors of a call, in the order of its texts, and what they cost.
#[derive(Debug)]
pub struct Embedded {
    /// One result a text: a bad vector is that text's error and spoils no other.
    pub vectors: Vec<Result<Vector, VectorError>>,
    /// Text to token ids.
    pub tokenize: Duration,
    /// Token ids to vectors.
    pub run: Duration,
}

/// Why no vectors could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The runtime library cannot be found or loaded.
    #[error("ONNX Runtime could not be loaded from {path}: {reason}")]
    Runtime {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The model or its tokenizer cannot be used.
    #[error("the model cannot be used: {0}")]
    Model(String),
    /// The model failed while it ran.
    #[error("the model failed while it ran: {0}")]
    Run(String),
    /// The worker is gone; nothing more will come from this embedder.
    #[error("the embedding worker has stopped")]
    Stopped,
}

/// Turns text into vectors of one space.
pub trait Embedder: Send + Sync {
    /// The space all its vectors live in.
    fn space(&self) -> &Space;

    /// Embeds `texts` as `role`, in `lane`; blocks until done. A call that is cancelled before its turn is
    /// skipped.
    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        lane: Lane,
        cancel: &CancelToken,
    ) -> Result<Embedded, EmbedError>;

    /// What runs it, in a word for people: `CPU`, …
    fn provider(&self) -> &str;

    /// How long loading took.
    fn load_time(&self) -> Duration;
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has this data folder open.
    #[error("Papr Desktop is already running on {path}")]
    Locked {
        /// The data folder.
        path: PathBuf,
    },
    /// The folder holds something else, or was written by a newer version.
    #[error("{path} is not a data folder this version can use: {reason}")]
    NotOurs {
        /// The data folder.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// The folder cannot be written to, the disk is full, or the system failed otherwise.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// The data folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is on disk is not what was written.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found, and where.
        what: String,
        /// The cause, where there is one.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// There is no such memory.
    #[error("there is no memory {0}")]
    NotFound(MemoryId),
    /// The memory changed since it was read.
    #[error("memory {id} is at revision {found}, not {expected}: it was changed meanwhile")]
    Conflict {
        /// Which.
        id: MemoryId,
        /// The revision the change was made from.
        expected: u64,
        /// The revision that is kept.
        found: u64,
    },
    /// Somebody asked for a stop; what was done until then is kept.
    #[error(transparent)]
    Cancelled(Cancelled),
}

/// A vector and the text it was made of, so that it is kept only while the memory still says that.
#[derive(Clone, Debug)]
pub struct VectorRecord {
    /// Whose.
    pub id: MemoryId,
    /// The text that was embedded.
    pub content: Content,
    /// The vector.
    pub vector: Vector,
}

/// A space that has vectors, and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceInfo {
    /// Which.
    pub space: Space,
    /// How many vectors are kept, damaged ones too.
    pub count: usize,
    /// Bytes of their keys and values, before whatever the database adds.
    pub bytes: u64,
}

/// A memory's move from one tier to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierMove {
    /// Where it stood.
    pub from: Tier,
    /// Where it was put.
    pub to: Tier,
    /// Who put it there.
    pub by: TierSetter,
    /// When; UTC with millisecond precision.
    pub at: Timestamp,
}

/// Keeps memories and their vectors.
///
/// Every call that changes something is one transaction over all trees it touches, and returns only when the
/// change is flushed and synced: a return of `Ok` is what "saved" means. One writer at a time; readers never
/// wait for it. An iteration sees each memory at most once and tolerates changes meanwhile.
pub trait Store: Send + Sync {
    /// The memory with this id, unless it was deleted.
    fn get(&self, id: MemoryId) -> Result<Option<Memory>, StoreError>;

    /// Up to `limit` memories with ids after `after`, in the order they were made.
    fn page(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError>;

    /// How many memories there are. Costs a pass over all of them.
    fn counts(&self) -> Result<TierCounts, StoreError>;

    /// Keeps new memories, all or none.
    fn insert(&self, memories: &[Memory]) -> Result<(), StoreError>;

    /// Replaces a memory by its next revision: the one kept must be at `memory.rev - 1`. Vectors made of
    /// another text go.
    fn replace(&self, memory: &Memory) -> Result<(), StoreError>;

    /// The same for several memories at once, all or none; each stands among them once.
    fn replace_all(&self, memories: &[Memory]) -> Result<(), StoreError>;

    /// Moves memories among the tombstones at time `at`, from where [`Store::restore`] takes them back.
    /// Returns those that were there; unknown ids are passed over.
    fn delete(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError>;

    /// Takes deleted memories back, at time `at`, each at its next revision and without vectors. Returns
    /// those taken back.
    fn restore(&self, ids: &[MemoryId], at: Timestamp) -> Result<Vec<Memory>, StoreError>;

    /// Keeps vectors of `space`, rounded to 16 bits, for those memories that still have the text they were
    /// made of. Returns how many that were.
    fn put_vectors(&self, space: &Space, records: &[VectorRecord]) -> Result<usize, StoreError>;

    /// Calls `visit` with each vector of `space`, in the order of ids. A vector that fails its checks is not
    /// visited: it will be made again. Returns how many were passed over so.
    fn vectors(&self, space: &Space, visit: &mut dyn FnMut(MemoryId, Vector)) -> Result<usize, StoreError>;

    /// All spaces that vectors were ever kept in and that were not removed, in the order of fingerprints.
    /// Costs a pass over all vectors.
    fn spaces(&self) -> Result<Vec<SpaceInfo>, StoreError>;

    /// How many vectors of `space` are kept, damaged ones too. Costs a pass over them.
    fn count_vectors(&self, space: &Space) -> Result<usize, StoreError>;

    /// Removes all vectors of `space` and the space itself, some hundreds in a transaction; returns how many
    /// vectors those were. Nothing of another space is touched. Stopped by `cancel` it fails with
    /// [`StoreError::Cancelled`]: what is left is still a space, and a second call goes on.
    fn remove_space(&self, space: &Space, cancel: &CancelToken) -> Result<usize, StoreError>;

    /// The note kept under `key`; see [`Store::set_note`].
    fn note(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `value` under `key`, or nothing any more: a small thing that can be worked out again, such as
    /// which space serves searches or what a trial of a device showed. Notes are backed up with the memories.
    fn set_note(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError>;

    /// The newest moves of a memory between the tiers, oldest first; a change by [`Store::replace`] that
    /// moves it adds one. At least the last 20 are kept, also while it is among the tombstones.
    fn tier_moves(&self, id: MemoryId) -> Result<Vec<TierMove>, StoreError>;

    /// Bytes on disk.
    fn size_on_disk(&self) -> Result<u64, StoreError>;
}
