//! What this machine knows, in one place, for the plan to look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use papr_memory::ports::{StoreError, SyncStore};
use papr_memory::{Link, Memory, MemoryId, Op, OutboxEntry, Parts};

use crate::remote::Item;

/// A memory as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// It is there.
    Alive(Memory),
    /// It is among the tombstones.
    Dead(Memory),
}

impl Record {
    /// The memory, alive or not.
    pub fn memory(&self) -> &Memory {
        match self {
            Self::Alive(memory) | Self::Dead(memory) => memory,
        }
    }
}

/// All that is known of one memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What is known of Papr's; a fresh one if that is nothing.
    pub link: Link,
    /// The memory.
    pub record: Record,
    /// What Papr is to be told.
    pub outbox: Option<OutboxEntry>,
}

impl Known {
    /// Reads one memory of the account; none of another's. The outbox is read after the memory.
    pub(crate) fn read(
        store: &(impl SyncStore + ?Sized),
        account: &str,
        id: MemoryId,
    ) -> Result<Option<Self>, StoreError> {
        let alive = store.memory(id)?.map(Record::Alive);
        let record = match alive {
            None => store.tombstone(id)?.map(Record::Dead),
            alive => alive,
        };
        let Some(record) = record else { return Ok(None) };
        let memory = record.memory();
        if memory.account.as_deref() != Some(account) {
            return Ok(None);
        }
        let link = store.link(id)?.filter(|link| link.account == account);
        let link = link.unwrap_or_else(|| fresh(memory, account));
        let outbox = store.outbox_entry(id)?;
        Ok(Some(Self { link, record, outbox }))
    }

    /// The revision that Papr has yet to hear of, if it is one that is to be there.
    pub(crate) fn pending(&self) -> Option<u64> {
        self.outbox.filter(|entry| entry.op == Op::Upsert).map(|entry| entry.rev)
    }

    /// Whether nothing of it is sent until a person has chosen, or has changed what Papr refused. A deletion cannot be
    /// changed: it is tried again.
    pub(crate) fn held(&self) -> bool {
        let refused = self.link.refused.as_ref().map(|refused| refused.rev);
        self.link.conflict.is_some() || refused.is_some() && refused == self.pending()
    }
}

/// A link for a memory that has none.
fn fresh(memory: &Memory, account: &str) -> Link {
    let remote = memory.remote.as_ref().filter(|remote| remote.account == account);
    Link {
        remote: remote.map(|remote| remote.id.clone()),
        object_id: remote.and_then(|remote| remote.object_id.clone()),
        account: memory.account.clone().unwrap_or_default(),
        ..Link::new(memory.id, account)
    }
}

/// Links for the memories of Papr's that have none.
fn lost(
    store: &(impl SyncStore + ?Sized),
    account: &str,
    known: &BTreeSet<MemoryId>,
) -> Result<Vec<Link>, StoreError> {
    const PAGE: usize = 500;
    let mut links = Vec::new();
    let mut after = None;
    loop {
        let page = store.memories(after, PAGE)?;
        let lost = page.iter().filter(|memory| !known.contains(&memory.id) && memory.remote.is_some());
        links.extend(lost.map(|memory| fresh(memory, account)));
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.id),
            _ => return Ok(links),
        }
    }
}

/// What this machine knows of an account's memories: all links, and those memories that matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Local {
    /// Whose.
    pub account: String,
    /// By the memory's id.
    pub links: BTreeMap<MemoryId, Link>,
    /// Those that were loaded, all of the account.
    pub known: BTreeMap<MemoryId, Known>,
    by_remote: HashMap<String, MemoryId>,
    /// Ids that Papr told for what was made, not yet seen to belong together.
    by_made: HashMap<String, MemoryId>,
    gone: BTreeSet<String>,
}

/// Whose counterpart an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Memory(MemoryId),
    /// It was deleted from here and a list still shows it.
    Ghost,
    /// Nobody's.
    None,
}

impl Local {
    /// With these links; [`Local::add`] adds what matters.
    pub fn new(account: &str, links: Vec<Link>) -> Self {
        let mut local = Self { account: account.to_owned(), ..Self::default() };
        for link in links.into_iter().filter(|link| link.account == account) {
            if let Some(remote) = &link.remote {
                local.by_remote.insert(remote.clone(), link.id);
            }
            local.gone.extend(link.gone.clone());
            if let Some(made) = link.in_flight.as_ref().and_then(|flight| flight.made.clone()) {
                local.by_made.insert(made, link.id);
            }
            local.links.insert(link.id, link);
        }
        local
    }

    /// Reads the account's links. With `all`, memories whose link was lost get a new one: costs a pass over all.
    pub fn load(store: &(impl SyncStore + ?Sized), account: &str, all: bool) -> Result<Self, StoreError> {
        let mut links = store.links(account)?;
        if all {
            let known: BTreeSet<MemoryId> = links.iter().map(|link| link.id).collect();
            links.extend(lost(store, account, &known)?);
        }
        Ok(Self::new(account, links))
    }

    /// Adds a memory of the account; another's is passed over.
    pub fn add(&mut self, record: Record, outbox: Option<OutboxEntry>) {
        let memory = record.memory();
        if memory.account.as_deref() != Some(self.account.as_str()) {
            return;
        }
        let id = memory.id;
        let link = self.links.get(&id).cloned().unwrap_or_else(|| fresh(memory, &self.account));
        self.known.insert(id, Known { link, record, outbox });
    }

    /// Reads the memories with these ids. The outbox is read last: an edit that comes meanwhile makes a memory look
    /// changed, never unchanged.
    pub fn fetch(
        &mut self,
        store: &(impl SyncStore + ?Sized),
        ids: &BTreeSet<MemoryId>,
    ) -> Result<(), StoreError> {
        let mut records = Vec::new();
        for &id in ids {
            if let Some(memory) = store.memory(id)? {
                records.push(Record::Alive(memory));
            } else if let Some(memory) = store.tombstone(id)? {
                records.push(Record::Dead(memory));
            }
        }
        let outbox: HashMap<_, _> = store.outbox()?.into_iter().map(|entry| (entry.id, entry)).collect();
        for record in records {
            let entry = outbox.get(&record.memory().id).copied();
            self.add(record, entry);
        }
        Ok(())
    }

    /// The memories an item may be the counterpart of: what has to be fetched before it is planned.
    pub(crate) fn candidates(&self, item: &Item) -> impl Iterator<Item = MemoryId> {
        let named = item.client_id.as_deref().and_then(Link::id_in);
        let made = self.by_made.get(&item.id).copied();
        self.by_remote.get(&item.id).copied().into_iter().chain(named).chain(made)
    }

    /// By Papr's id, else by the `client_id` of a memory that has none yet.
    pub(crate) fn matching(&self, item: &Item) -> Match {
        if let Some(id) = self.by_remote.get(&item.id).filter(|id| self.known.contains_key(id)) {
            return Match::Memory(*id);
        }
        if self.gone.contains(&item.id) {
            return Match::Ghost;
        }
        let named = item.client_id.as_deref().and_then(|name| Some((name, Link::id_in(name)?)));
        match named.and_then(|(name, id)| Some((name, self.known.get(&id)?))) {
            Some((name, known)) if known.link.remote.is_none() && known.link.own_client_id() == name => {
                Match::Memory(known.link.id)
            }
            _ if item.client_id.is_none() => self.made(item).map_or(Match::None, Match::Memory),
            _ => Match::None,
        }
    }

    /// Where Papr keeps no `client_id`: by the id it told when it made the memory, if the text is the one sent.
    fn made(&self, item: &Item) -> Option<MemoryId> {
        let id = *self.by_made.get(&item.id)?;
        let flight = self.known.get(&id)?.link.in_flight.as_ref()?;
        (item.parts(Parts::default()).content == flight.then.remote.content).then_some(id)
    }

    /// The memory that Papr calls so.
    pub(crate) fn of_remote(&self, remote: &str) -> Option<MemoryId> {
        self.by_remote.get(remote).copied()
    }
}
