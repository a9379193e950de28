//! What is kept so that memories here and at Papr stay the same: what Papr has yet to hear, what it is known to
//! have, and how both are changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ports::StoreError;
use crate::{CancelToken, Content, Memory, MemoryId, Parts};

/// What is to be done at Papr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Create the memory there, or bring it up to date.
    Upsert,
    /// Delete it there.
    Delete,
}

/// One memory that changed here and not yet at Papr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Which.
    pub id: MemoryId,
    /// What is to be done.
    pub op: Op,
    /// The revision that asked for it.
    pub rev: u64,
}

/// What both sides agreed on last: the memory as it was here, and as it was at Papr. The two need not be equal: a
/// type that Papr's API cannot be told stays here alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Here.
    pub local: Parts,
    /// At Papr.
    pub remote: Parts,
}

/// A request that was about to be sent, and whose outcome is not known until it is taken away again.
///
/// It is written down before anything is sent, so that also after a kill nothing is made twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// What was asked for.
    pub call: InFlightCall,
    /// The revision that was sent.
    pub rev: u64,
    /// When.
    pub since: Timestamp,
    /// What both sides will have agreed on if it was done.
    pub then: Agreed,
    /// The id that Papr told for it, where it was told and not yet seen to be this memory's.
    pub made: Option<String>,
}

/// What was asked of Papr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InFlightCall {
    /// To make the memory.
    Add,
    /// To change it.
    Update,
    /// To delete it.
    Delete,
}

/// Where a memory stands at Papr, as far as snapshots of the tiers tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// No snapshot had it yet.
    #[default]
    Unseen,
    /// The last snapshot had it.
    InTier,
    /// It left both tiers and is still there.
    Outside,
}

/// A memory as Papr has it, kept whole beside the one here until a person has chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteVersion {
    /// The text.
    pub content: Content,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The topics.
    pub topics: Vec<String>,
    /// Everything else.
    pub metadata: BTreeMap<String, Value>,
    /// When Papr says that it changed.
    pub updated_at: Option<Timestamp>,
}

impl RemoteVersion {
    /// Its digests.
    pub fn parts(&self) -> Parts {
        Parts {
            content: Parts::text(self.content.as_str()),
            kind: Parts::text(&self.kind),
            topics: Parts::list(&self.topics),
            metadata: Parts::map(&self.metadata),
        }
    }
}

/// Both sides changed the same thing; nothing is sent and nothing taken until a person has chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// Papr's version; none if it was deleted there.
    pub theirs: Option<RemoteVersion>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// A revision that Papr refused for good: it is not sent again until it is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which revision.
    pub rev: u64,
    /// The status of Papr's answer; 0 if it was not even sent.
    pub status: u16,
}

/// What is known of a memory's counterpart at Papr.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The memory here.
    pub id: MemoryId,
    /// The account.
    pub account: String,
    /// Papr's `memoryId`, once Papr has the memory.
    #[serde(default)]
    pub remote: Option<String>,
    /// Papr's `objectId`.
    #[serde(default)]
    pub object_id: Option<String>,
    /// The `client_id` that stands at Papr; another program may have put it there.
    #[serde(default)]
    pub client_id: Option<String>,
    /// How often the memory was deleted at Papr and may have been made anew.
    #[serde(default)]
    pub generation: u32,
    /// What both sides had last.
    #[serde(default)]
    pub agreed: Option<Agreed>,
    /// What was sent and not answered.
    #[serde(default)]
    pub in_flight: Option<InFlight>,
    /// In a tier, or not.
    #[serde(default)]
    pub standing: Standing,
    /// When Papr was last seen to have it.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
    /// What waits for a person.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// What Papr does not want.
    #[serde(default)]
    pub refused: Option<Refused>,
    /// The `memoryId` it had before it was deleted from here: should a list still show it, it is not taken for new.
    #[serde(default)]
    pub gone: Option<String>,
}

impl Link {
    /// Of a memory that Papr does not have.
    pub fn new(id: MemoryId, account: &str) -> Self {
        Self {
            id,
            account: account.to_owned(),
            remote: None,
            object_id: None,
            client_id: None,
            generation: 0,
            agreed: None,
            in_flight: None,
            standing: Standing::Unseen,
            seen_at: None,
            conflict: None,
            refused: None,
            gone: None,
        }
    }

    /// The `client_id` under which the memory is made at Papr: its own id, with a number once it is made anew.
    pub fn own_client_id(&self) -> String {
        if self.generation == 0 { self.id.to_string() } else { format!("{}.{}", self.id, self.generation) }
    }

    /// The memory that such a `client_id` names.
    pub fn id_in(client_id: &str) -> Option<MemoryId> {
        let id = client_id.split_once('.').map_or(client_id, |(id, _)| id);
        id.parse().ok().filter(|parsed: &MemoryId| parsed.to_string() == id)
    }
}

/// How far an account's sync has come. Kept in the transaction of the changes it stands for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountSync {
    /// Where the next delta begins.
    pub cursor: Option<String>,
    /// Whether the delta was read to its end once, so that every earlier memory has been looked at.
    pub seeded: bool,
    /// When the last snapshot of the tiers was taken over.
    pub snapshot_at: Option<Timestamp>,
    /// When a sync was last begun.
    pub tried_at: Option<Timestamp>,
    /// When one last went through.
    pub succeeded_at: Option<Timestamp>,
    /// The kind of what went wrong last, if the last one did not go through.
    pub problem: Option<String>,
    /// Syncs that failed since the last one that went through.
    pub failures: u32,
    /// Not before then, because Papr said so.
    pub not_before: Option<Timestamp>,
    /// Syncs in a row that found nothing new at Papr.
    pub quiet: u32,
    /// The month that operations are counted in, as `2026-11`.
    pub month: String,
    /// Operations spent in it, as far as this machine knows.
    pub spent: u64,
}

impl AccountSync {
    /// Counts operations into the month that `now` is in.
    pub fn spend(&mut self, operations: u64, now: Timestamp) {
        let month = now.strftime("%Y-%m").to_string();
        if self.month != month {
            (self.month, self.spent) = (month, 0);
        }
        self.spent += operations;
    }
}

/// What a version from Papr is put over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing: it is new here.
    Nothing,
    /// The memory at the revision before.
    Memory,
    /// The tombstone at the revision before; it is taken away.
    Tombstone,
}

/// One change that sync makes. Those of a call to [`SyncStore::apply`] are one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum SyncStep {
    /// Writes a link down.
    Note(Box<Link>),
    /// Keeps a version that came from Papr.
    Take {
        /// The whole memory, one revision after the one it is put over.
        memory: Box<Memory>,
        /// What it is put over. If that is no longer so, the step is left out.
        over: Over,
        /// Whether Papr is still to hear of something in it.
        pending: bool,
        /// What is known of Papr's.
        link: Box<Link>,
    },
    /// Papr deleted it: the memory at revision `rev` goes among the tombstones, and Papr need not hear of it. Left out
    /// if the memory is no longer at that revision.
    Bury {
        /// The revision.
        rev: u64,
        /// When.
        at: Timestamp,
        /// What is known.
        link: Box<Link>,
    },
    /// Papr has it: `link.remote` is written into the memory or its tombstone, at whatever revision, and the outbox is
    /// done with revision `rev`. If it was deleted meanwhile, the deletion goes into the outbox.
    Acknowledge {
        /// The revision Papr has; 0 if that is not known.
        rev: u64,
        /// What is known.
        link: Box<Link>,
    },
    /// Papr has it no longer: Papr's ids go out of the memory or its tombstone, and the outbox is done with its
    /// deletion. A memory that is alive is then sent as a new one.
    Unlink {
        /// What is known.
        link: Box<Link>,
    },
}

impl SyncStep {
    /// The link it writes.
    pub fn link(&self) -> &Link {
        match self {
            Self::Note(link)
            | Self::Take { link, .. }
            | Self::Bury { link, .. }
            | Self::Acknowledge { link, .. }
            | Self::Unlink { link } => link,
        }
    }
}

/// What sync asks of a store.
///
/// One sync of an account at a time; edits may come meanwhile, and a step that was made from an older revision is
/// left out.
pub trait SyncStore: Send + Sync {
    /// The memory with this id.
    fn memory(&self, id: MemoryId) -> Result<Option<Memory>, StoreError>;

    /// Up to `limit` memories whose ids come after `after`, in the order they were made.
    fn memories(&self, after: Option<MemoryId>, limit: usize) -> Result<Vec<Memory>, StoreError>;

    /// What Papr has not been told yet, in the order the memories were made.
    fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError>;

    /// What Papr has not been told yet of one memory.
    fn outbox_entry(&self, id: MemoryId) -> Result<Option<OutboxEntry>, StoreError>;

    /// The deleted memory with this id, while it can be taken back.
    fn tombstone(&self, id: MemoryId) -> Result<Option<Memory>, StoreError>;

    /// What is known of Papr's counterpart of a memory.
    fn link(&self, id: MemoryId) -> Result<Option<Link>, StoreError>;

    /// All links of an account, in the order the memories were made.
    fn links(&self, account: &str) -> Result<Vec<Link>, StoreError>;

    /// How far the account's sync has come.
    fn account_sync(&self, account: &str) -> Result<AccountSync, StoreError>;

    /// Makes all steps in one transaction, and with them keeps `state`, unless a step had to be left out. Returns the
    /// ids of those that were.
    fn apply(
        &self,
        account: &str,
        steps: &[SyncStep],
        state: Option<&AccountSync>,
    ) -> Result<Vec<MemoryId>, StoreError>;

    /// Gives memories that are only local to an account, each at its next revision, so that they are sent. Returns
    /// those that were; others are passed over.
    fn adopt(&self, account: &str, ids: &[MemoryId]) -> Result<Vec<Memory>, StoreError>;

    /// Removes everything of an account: memories, tombstones, vectors, histories, what was to be sent, what is known
    /// of Papr. Backups keep what they have. Returns the ids of the memories. Stopped by `cancel` it fails with [`StoreError::Cancelled`], and a
    /// second call goes on.
    fn wipe_account(&self, account: &str, cancel: &CancelToken) -> Result<Vec<MemoryId>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_names_its_memory_in_every_generation() {
        let mut link = Link::new(MemoryId::from_bytes([7; 16]), "me");
        assert_eq!(Link::id_in(&link.own_client_id()), Some(link.id));
        let first = link.own_client_id();
        link.generation = 2;
        assert_eq!(Link::id_in(&link.own_client_id()), Some(link.id));
        assert_ne!(first, link.own_client_id(), "what was deleted and made anew is another memory at Papr");
        assert_eq!(Link::id_in("01JD0000"), None, "another program's id");
    }
}
