//! What a sync did and how things stand, for a window and a terminal.

use jiff::{SignedDuration, Timestamp};
use papr_memory::ports::{StoreError, SyncStore};
use papr_memory::{AccountSync, MemoryId};
use serde::{Deserialize, Serialize};

use crate::plan::What;
use crate::remote::{RemoteError, Trouble};

/// What came from Papr.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// Memories that are new here.
    pub created: usize,
    /// Memories that took Papr's version, whole or in part.
    pub updated: usize,
    /// Memories that Papr put into the other tier.
    pub moved: usize,
    /// Memories that Papr deleted; they can be taken back.
    pub deleted: usize,
    /// Conflicts that were found.
    pub conflicts: usize,
    /// Memories asked for by their ids.
    pub checked: usize,
    /// Items without a text.
    pub no_content: usize,
    /// Items that stood there more than once.
    pub duplicates: usize,
    /// Items that could not be read.
    pub unreadable: usize,
    /// Items that were deleted from here and are still listed.
    pub ghosts: usize,
}

impl Pulled {
    /// How many memories changed here.
    pub fn changed(&self) -> usize {
        self.created + self.updated + self.moved + self.deleted
    }

    pub(crate) fn count(&mut self, what: What) {
        match what {
            What::Created => self.created += 1,
            What::Updated | What::Merged => self.updated += 1,
            What::Moved => self.moved += 1,
            What::Buried => self.deleted += 1,
            What::Conflict => self.conflicts += 1,
            What::Check => self.checked += 1,
            What::Linked | What::Deleted | What::Noted => {}
        }
    }
}

/// What went to Papr and was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Memories made there.
    pub added: usize,
    /// Memories changed there.
    pub updated: usize,
    /// Memories deleted there.
    pub deleted: usize,
    /// Changes that Papr cannot be told of, such as a move between tiers.
    pub settled: usize,
    /// Requests of unknown outcome that were cleared up.
    pub reconciled: usize,
    /// Memories that Papr refused.
    pub refused: usize,
}

impl Pushed {
    /// How many memories changed there.
    pub fn total(&self) -> usize {
        self.added + self.updated + self.deleted
    }
}

/// What went wrong, and what to do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What sort.
    pub trouble: Trouble,
    /// What happened; it can hold the server's own words.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Not before then, if Papr said so.
    pub retry_at: Option<Timestamp>,
}

/// Without the server's words.
impl std::fmt::Debug for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Problem")
            .field("trouble", &self.trouble)
            .field("retry_at", &self.retry_at)
            .finish_non_exhaustive()
    }
}

impl Problem {
    pub(crate) fn of(error: &RemoteError, now: Timestamp) -> Self {
        let wait = error.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        Self {
            trouble: error.trouble,
            message: error.message.clone(),
            hint: error.hint.clone(),
            retry_at: wait.and_then(|wait| now.checked_add(wait).ok()),
        }
    }
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncReport {
    /// What came.
    pub pulled: Pulled,
    /// What went.
    pub pushed: Pushed,
    /// What Papr has yet to hear, after it.
    pub pending: usize,
    /// Conflicts that wait for a person, after it.
    pub conflicts: usize,
    /// Operations it cost, as far as this machine knows.
    pub operations: u64,
    /// What went wrong. What was done until then stays done.
    pub problem: Option<Problem>,
    /// Whether somebody asked for a stop.
    pub cancelled: bool,
}

/// What a sync would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// What would come. Nothing is asked for by id, so that deletions at Papr are told as checks.
    pub pulled: Pulled,
    /// Memories that would be touched, and how.
    pub memories: Vec<(MemoryId, What)>,
    /// Memories that would be made at Papr.
    pub adds: usize,
    /// Memories that would be changed there.
    pub updates: usize,
    /// Memories that would be deleted there.
    pub deletes: usize,
    /// Operations that sending would cost.
    pub push_cost: u64,
    /// Operations that looking cost.
    pub operations: u64,
}

/// How an account's sync stands, at one glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncState {
    /// What Papr has yet to hear.
    pub pending: usize,
    /// Memories whose outcome at Papr is not known.
    pub unknown: usize,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
    /// Memories that Papr refused.
    pub refused: usize,
    /// Memories that Papr has and that stand in no tier.
    pub outside: usize,
    /// When, how often and with what success.
    pub history: AccountSync,
}

/// How the account's sync stands.
pub fn state(store: &(impl SyncStore + ?Sized), account: &str) -> Result<SyncState, StoreError> {
    let links = store.links(account)?;
    let count = |what: fn(&papr_memory::Link) -> bool| links.iter().filter(|link| what(link)).count();
    Ok(SyncState {
        pending: pending(store, account)?,
        unknown: count(|link| link.in_flight.is_some()),
        conflicts: count(|link| link.conflict.is_some()),
        refused: count(|link| link.refused.is_some()),
        outside: count(|link| link.remote.is_some() && link.standing != papr_memory::Standing::InTier),
        history: store.account_sync(account)?,
    })
}

/// How much of the outbox is the account's.
pub(crate) fn pending(store: &(impl SyncStore + ?Sized), account: &str) -> Result<usize, StoreError> {
    let mut count = 0;
    for entry in store.outbox()? {
        let memory = store.memory(entry.id)?.or(store.tombstone(entry.id)?);
        count += usize::from(memory.is_some_and(|memory| memory.account.as_deref() == Some(account)));
    }
    Ok(count)
}
