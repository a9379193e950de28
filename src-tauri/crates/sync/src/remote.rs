//! What sync needs of Papr: seven calls, in words that know no wire format.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use papr_memory::{CancelToken, Content, Parts, RemoteVersion, Tier};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outgoing::Outgoing;

/// A memory as Papr tells it. What it did not tell is `None`, which says nothing of it.
#[derive(Clone, PartialEq)]
pub struct Item {
    /// Papr's `memoryId`.
    pub id: String,
    /// Papr's `objectId`.
    pub object_id: Option<String>,
    /// `customMetadata.client_id`.
    pub client_id: Option<String>,
    /// Its text, if it has one that can be a memory.
    pub content: Option<Content>,
    /// Its type.
    pub kind: Option<String>,
    /// Its topics.
    pub topics: Option<Vec<String>>,
    /// Everything else in its metadata, without topics and `client_id`.
    pub metadata: Option<BTreeMap<String, Value>>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// The id alone: what it says stays out of logs.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Item {
    /// Its digests; for what was not told, those of `otherwise`.
    pub fn parts(&self, otherwise: Parts) -> Parts {
        Parts {
            content: self.content.as_ref().map_or(otherwise.content, |text| Parts::text(text.as_str())),
            kind: self.kind.as_ref().map_or(otherwise.kind, |kind| Parts::text(kind)),
            topics: self.topics.as_ref().map_or(otherwise.topics, |topics| Parts::list(topics)),
            metadata: self.metadata.as_ref().map_or(otherwise.metadata, Parts::map),
        }
    }

    /// The version to keep beside one's own; what was not told is taken from `like`.
    pub(crate) fn version(&self, like: &papr_memory::Memory) -> RemoteVersion {
        RemoteVersion {
            content: self.content.clone().unwrap_or_else(|| like.content.clone()),
            kind: self.kind.clone().unwrap_or_else(|| like.kind.clone()),
            topics: self.topics.clone().unwrap_or_else(|| like.topics.clone()),
            metadata: self.metadata.clone().unwrap_or_else(|| like.metadata.clone()),
            updated_at: self.updated_at,
        }
    }
}

/// Both tiers at one moment, untidied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The items, tier 0 first.
    pub items: Vec<(Tier, Item)>,
    /// Where a following delta begins, if that was told.
    pub cursor: Option<String>,
    /// Whether a tier has more than was asked for.
    pub more: bool,
    /// Items that could not be read.
    pub unreadable: usize,
}

/// One row of a delta.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The memory as it is now.
    Changed(Box<Item>),
    /// It was deleted, says the server.
    Deleted(String),
}

/// A part of what changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rows.
    pub changes: Vec<Change>,
    /// Where the next page or delta begins.
    pub cursor: Option<String>,
    /// Whether there is more already.
    pub more: bool,
    /// Rows that could not be read.
    pub unreadable: usize,
}

/// The ids of a memory that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Papr's `memoryId`.
    pub id: String,
    /// Papr's `objectId`.
    pub object_id: Option<String>,
}

/// What is certain about a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing was done.
    NotDone,
    /// It was done, or not.
    Unknown,
}

/// What sort of trouble it is: what the person or the schedule can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Papr cannot be reached.
    Offline,
    /// "Local only" is on.
    LocalOnly,
    /// The key is not accepted: another one is needed.
    Unauthorised,
    /// The key is accepted, and may not do this.
    Forbidden,
    /// Too many requests in a short time.
    RateLimited,
    /// The plan's operations, or this machine's share of them, are used up.
    Quota,
    /// Papr refused this very request.
    Refused,
    /// Papr failed, or what it said made no sense.
    Server,
    /// The data on this machine cannot be read or written.
    Store,
}

impl Trouble {
    /// A word for it, the same in every version.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::LocalOnly => "local_only",
            Self::Unauthorised => "unauthorised",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Refused => "refused",
            Self::Server => "server",
            Self::Store => "store",
        }
    }
}

/// Why a call failed. `message` is for the person; it can hold the server's own words and stays out of logs.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct RemoteError {
    /// What sort.
    pub trouble: Trouble,
    /// What is certain.
    pub certainty: Certainty,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// How long Papr asks to wait.
    pub retry_after: Option<Duration>,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether somebody asked for a stop: then it is no failure.
    pub cancelled: bool,
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trouble, certainty, status, retry_after, cancelled, .. } = self;
        f.debug_struct("RemoteError")
            .field("trouble", trouble)
            .field("certainty", certainty)
            .field("status", status)
            .field("retry_after", retry_after)
            .field("cancelled", cancelled)
            .finish_non_exhaustive()
    }
}

impl RemoteError {
    /// An error of this sort with nothing else told.
    pub fn new(trouble: Trouble, certainty: Certainty, message: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), String::new());
        Self { trouble, certainty, status: None, retry_after: None, message, hint, cancelled: false }
    }
}

/// Papr, as sync sees it. Calls block; each returns soon after `cancel` is set.
pub trait Remote {
    /// Both tiers. Costs 3 operations.
    fn tiers(&self, cancel: &CancelToken) -> Result<Snapshot, RemoteError>;

    /// What changed after `cursor`, at most `limit` rows. Costs 1.
    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError>;

    /// The memories with this `client_id`. Costs 1.
    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError>;

    /// One memory, or Papr's own word that there is none. Costs 1.
    fn get(&self, id: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError>;

    /// Makes memories; for each, in their order, what came of it or the status it was refused with. An answer that
    /// does not add up is an error of unknown outcome. Costs 4 each.
    fn add(&self, memories: &[Outgoing], cancel: &CancelToken)
    -> Result<Vec<Result<Made, u16>>, RemoteError>;

    /// Changes what `change` names; false if there is no such memory. Costs 1.
    fn update(&self, id: &str, change: &Outgoing, cancel: &CancelToken) -> Result<bool, RemoteError>;

    /// Deletes a memory; that there is none is no error. Costs 1.
    fn delete(&self, id: &str, cancel: &CancelToken) -> Result<(), RemoteError>;
}
