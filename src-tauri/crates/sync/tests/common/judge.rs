//! What must hold whatever happened, by the fake server's log of what it accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use papr_fake::{Action, Author, Entry, Oracle, Record};
use papr_memory::ports::SyncStore;
use papr_memory::{Link, MemoryId};

use super::ALICE;

/// What a person did and saw.
#[derive(Debug, Default)]
pub struct Told {
    /// The newest text written here and not given up by a person.
    pub mine: BTreeMap<MemoryId, String>,
    /// Deleted here, and not taken back.
    pub deleted: BTreeSet<MemoryId>,
    /// Ever deleted here.
    pub ever_deleted: BTreeSet<MemoryId>,
    /// Every text of Papr's that was ever shown here.
    pub seen: BTreeSet<String>,
    /// Every id of Papr's that was ever known here, and whose.
    pub known: BTreeMap<String, MemoryId>,
    /// Taken back, or kept against a deletion there.
    pub anew: usize,
    pub listed: usize,
    pub kills: usize,
    pub failed: usize,
    pub syncs: usize,
}

impl Told {
    /// Counts another week's syncs, too.
    pub fn add(&mut self, other: &Self) {
        self.syncs += other.syncs;
        self.failed += other.failed;
        self.kills += other.kills;
        self.listed += other.listed;
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { syncs, failed, kills, listed, .. } = self;
        write!(f, "{syncs} syncs, {failed} failed, {kills} kills, {listed} conflicts listed")
    }
}

fn text(entry: &Entry) -> Option<&str> {
    entry.record.as_ref()?.content.as_deref()
}

/// Both sides hold the same texts under the same ids; nothing waits; but for memories that are only here, and for
/// those of Papr's that may be unknown here.
pub fn same(store: &dyn SyncStore, oracle: &Oracle, local: &[MemoryId], unknown: &dyn Fn(&Record) -> bool) {
    never_two_at_once(oracle);
    let memories = oracle.memories(ALICE);
    let mut here = BTreeMap::new();
    let mut topics = BTreeMap::new();
    for memory in store.memories(None, usize::MAX).unwrap() {
        if local.contains(&memory.id) {
            continue;
        }
        let remote = memory.remote.as_ref().unwrap_or_else(|| panic!("{} was never sent", memory.id));
        topics.insert(remote.id.clone(), memory.topics.clone());
        let old = here.insert(remote.id.clone(), memory.content.as_str().to_owned());
        assert!(old.is_none(), "two memories here are one at Papr: {}", remote.id);
    }
    let may_lack = |id: &str, record: &Record| !here.contains_key(id) && unknown(record);
    let there = memories.iter().filter(|(id, record)| !may_lack(id, record));
    let there: BTreeMap<String, String> =
        there.filter_map(|(id, record)| Some(((*id).to_owned(), record.content.clone()?))).collect();
    assert_eq!(here, there, "both sides hold the same");
    for (id, here) in topics {
        assert_eq!(here, memories[id.as_str()].topics(), "{id}: both sides have the same topics");
    }
    let waiting = store.outbox().unwrap();
    assert!(waiting.is_empty(), "nothing is left to be sent: {waiting:?}");
    let links = store.links(ALICE).unwrap();
    let unsure: Vec<_> = links.iter().filter_map(|link| link.in_flight.as_ref()).collect();
    assert!(unsure.is_empty(), "nothing is uncertain: {unsure:?}");
}

/// Under no client id there were ever two memories at once. One that was made unheard and deleted there by somebody
/// else before it was looked for is made again: Papr keeps no word of what it deleted.
fn never_two_at_once(oracle: &Oracle) {
    for (client_id, ids) in oracle.doubled(ALICE) {
        let mut alive: BTreeSet<&str> = BTreeSet::new();
        for entry in oracle.entries.iter().filter(|entry| ids.contains(&entry.id.as_str())) {
            if entry.record.is_some() {
                alive.insert(&entry.id)
            } else {
                alive.remove(entry.id.as_str())
            };
            assert!(alive.len() < 2, "{client_id} was doubled: {alive:?}");
        }
    }
}

/// A week in which nobody wrote a text twice.
pub fn judge(told: &Told, store: &dyn SyncStore, oracle: &Oracle) {
    // What a delta left out, and what left the tiers before a snapshot saw it, need not be here.
    let missed = |one: &Record| one.place == papr_fake::Place::Neither && !told.known.contains_key(&one.id);
    same(store, oracle, &[], &missed);
    let twins = oracle.twins(ALICE);
    assert!(twins.is_empty(), "said twice at once: {twins:?}");
    lost(told, store, oracle);
    let alive: BTreeSet<_> =
        store.memories(None, usize::MAX).unwrap().iter().map(|memory| memory.id).collect();
    let risen: Vec<_> = told.deleted.intersection(&alive).collect();
    assert!(risen.is_empty(), "deleted here and resurrected: {risen:?}");
    let anew = oracle.created_by_client_id(ALICE).keys().filter(|name| name.contains('.')).count();
    assert!(anew <= told.anew, "{anew} made anew, {} meant to be", told.anew);
    overwritten(told, oracle);
    deleted(told, oracle);
}

/// Every text that was written here last came to Papr, and no older one took its place.
fn lost(told: &Told, store: &dyn SyncStore, oracle: &Oracle) {
    let accepted: BTreeSet<&str> = oracle.entries.iter().filter_map(text).collect();
    let lost: Vec<_> = told.mine.values().filter(|text| !accepted.contains(text.as_str())).collect();
    assert!(lost.is_empty(), "written here and lost: {lost:?}");
    for memory in store.memories(None, usize::MAX).unwrap() {
        let now = memory.content.as_str();
        if let Some(mine) = told.mine.get(&memory.id) {
            assert!(now.starts_with("there") || now == mine, "{now:?} came back over {mine:?}");
        }
    }
}

/// A client's write over a text of the server's: only one that a person could have seen.
fn overwritten(told: &Told, oracle: &Oracle) {
    let mut before: BTreeMap<&str, (&str, Author)> = BTreeMap::new();
    for entry in &oracle.entries {
        let text = text(entry);
        let old = before.get(entry.id.as_str()).copied();
        if entry.author == Author::Client
            && let Some((old, Author::Server)) = old
            && text != Some(old)
        {
            assert!(told.seen.contains(old), "{:?} overwrote unseen {old:?}", entry.action);
        }
        match text {
            Some(text) if entry.action != Action::Move && old.is_none_or(|(old, _)| old != text) => {
                before.insert(&entry.id, (text, entry.author));
            }
            Some(_) => {}
            None => drop(before.remove(entry.id.as_str())),
        }
    }
}

/// A client's deletion: only of what a person had deleted.
fn deleted(told: &Told, oracle: &Oracle) {
    for entry in &oracle.entries {
        if (entry.author, entry.action) != (Author::Client, Action::Delete) {
            continue;
        }
        let named = entry.client_id.as_deref().and_then(Link::id_in);
        let ids = [told.known.get(&entry.id).copied(), named];
        let meant = ids.iter().flatten().any(|id| told.ever_deleted.contains(id));
        assert!(meant, "{} was deleted at Papr, and nobody had deleted it here", entry.id);
    }
}
