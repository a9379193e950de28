//! What waits: for Papr, or for a person.

use jiff::Timestamp;
use papr_memory::ports::SyncStore;
use papr_memory::{Link, Memory, MemoryId, Op, OutboxEntry, RemoteVersion};
use papr_sync::Resolution;
use serde::{Deserialize, Serialize};

use crate::account::indexed::Indexed;
use crate::{Engine, Error};

/// Both sides of a conflict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictItem {
    /// The memory here; `deleted_at` is set if it was deleted here.
    pub mine: Memory,
    /// Papr's version; none if it was deleted there.
    pub theirs: Option<RemoteVersion>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// How far a change is on its way to Papr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OutboxState {
    /// It goes with the next sync.
    Waiting,
    /// It was sent and not answered; it is looked for before it is sent again.
    Unknown,
    /// It waits for a person: Papr's version changed too.
    Conflict,
    /// Papr refused it; it is sent again once it is changed.
    Refused {
        /// The status of Papr's answer; 0 if it was not even sent.
        status: u16,
    },
}

/// One change that Papr has yet to hear of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// The memory; `deleted_at` is set if it was deleted here.
    pub memory: Memory,
    /// What Papr is to do.
    pub op: Op,
    /// How far it is.
    #[serde(flatten)]
    pub state: OutboxState,
}

impl Engine {
    /// What Papr has yet to hear of the account that is shown, in the order the memories were made.
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, Error> {
        let store = &self.shared.store;
        let Some(account) = self.shared.settings().account.clone() else { return Ok(Vec::new()) };
        let mut items = Vec::new();
        for entry in SyncStore::outbox(store)? {
            let memory = store.memory(entry.id)?.or(store.tombstone(entry.id)?);
            let Some(memory) = memory.filter(|memory| memory.account.as_ref() == Some(&account)) else {
                continue;
            };
            let link = store.link(entry.id)?;
            items.push(OutboxItem { memory, op: entry.op, state: state(&entry, link.as_ref()) });
        }
        Ok(items)
    }

    /// How one memory stands with Papr; none if Papr has heard of all of it, or is not to.
    pub fn outbox_state(&self, id: MemoryId) -> Result<Option<OutboxState>, Error> {
        let store = &self.shared.store;
        let link = store.link(id)?;
        let entry = store.outbox_entry(id)?;
        let conflict = link.as_ref().is_some_and(|link| link.conflict.is_some());
        Ok(entry.map(|entry| state(&entry, link.as_ref())).or(conflict.then_some(OutboxState::Conflict)))
    }

    /// The conflicts of the account that is shown, in the order the memories were made.
    pub fn conflicts(&self) -> Result<Vec<ConflictItem>, Error> {
        let Some(account) = self.shared.settings().account.clone() else { return Ok(Vec::new()) };
        let conflicts = papr_sync::conflicts(&self.shared.store, &account)?;
        let item = |(mine, conflict): (Memory, papr_memory::Conflict)| ConflictItem {
            mine,
            theirs: conflict.theirs,
            found_at: conflict.found_at,
        };
        Ok(conflicts.into_iter().map(item).collect())
    }

    /// Resolves a conflict. Papr hears of it with the next sync.
    pub fn resolve(&self, id: MemoryId, resolution: &Resolution) -> Result<(), Error> {
        let shared = &self.shared;
        let account = shared.settings().account.clone().ok_or(Error::SignedOut)?;
        let now = shared.clock.now();
        let resolved = papr_sync::resolve(&Indexed::new(shared), &account, id, resolution, now);
        resolved?;
        shared.papr.edited(now);
        shared.publish_sync()
    }
}

fn state(entry: &OutboxEntry, link: Option<&Link>) -> OutboxState {
    let Some(link) = link else { return OutboxState::Waiting };
    if link.conflict.is_some() {
        return OutboxState::Conflict;
    }
    if let Some(refused) = link.refused.as_ref().filter(|refused| refused.rev == entry.rev) {
        return OutboxState::Refused { status: refused.status };
    }
    if link.in_flight.is_some() { OutboxState::Unknown } else { OutboxState::Waiting }
}
