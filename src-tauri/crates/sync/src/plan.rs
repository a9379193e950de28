//! What a snapshot or a delta asks for. Pure: it looks at what is known, and says what is to be done.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use papr_memory::{MemoryId, Standing, SyncStep, Tier};
use serde::{Deserialize, Serialize};

use crate::local::{Known, Local, Match};
use crate::merge::{self, Seen};
use crate::remote::{Change, Item, Page, Snapshot};

/// What an operation amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A memory of Papr's that is new here.
    Created,
    /// Papr's version is taken.
    Updated,
    /// Parts of Papr's version are taken, others are still to be sent.
    Merged,
    /// Papr put it into the other tier.
    Moved,
    /// Papr is seen to have it: nothing is left to be sent.
    Linked,
    /// Both changed the same.
    Conflict,
    /// It is asked for by its id.
    Check,
    /// Papr says that it deleted it.
    Buried,
    /// Papr has done a deletion from here.
    Deleted,
    /// Nothing but what is known of it changes.
    Noted,
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Keep an item as a new memory.
    Create {
        /// The item.
        item: Box<Item>,
        /// The tier it was seen in.
        tier: Option<Tier>,
    },
    /// Make a step.
    Step {
        /// What it amounts to.
        what: What,
        /// The step.
        step: SyncStep,
    },
    /// Ask Papr for a memory before anything is concluded from its absence.
    Check {
        /// Which.
        id: MemoryId,
        /// What Papr calls it.
        remote: String,
    },
}

impl Operation {
    /// What it amounts to.
    pub fn what(&self) -> What {
        match self {
            Self::Create { .. } => What::Created,
            Self::Step { what, .. } => *what,
            Self::Check { .. } => What::Check,
        }
    }

    /// Which memory it is about, if it is one that is here.
    pub fn id(&self) -> Option<MemoryId> {
        match self {
            Self::Create { .. } => None,
            Self::Step { step, .. } => Some(step.link().id),
            Self::Check { id, .. } => Some(*id),
        }
    }
}

/// What is to be done, and what was passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In this order.
    pub operations: Vec<Operation>,
    /// Items without a text that can be a memory.
    pub no_content: usize,
    /// Items that stood there more than once, in one tier or in both.
    pub duplicates: usize,
    /// Items that could not be read.
    pub unreadable: usize,
    /// Items that were deleted from here and are still listed.
    pub ghosts: usize,
}

/// How much is asked for by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memories that left both tiers, in one sync. Default 20.
    pub checks: usize,
    /// Memories that stand in no tier and were not seen for long, in one sync. Default 1.
    pub rechecks: usize,
    /// How long that is. Default 7 days.
    pub recheck_after: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { checks: 20, rechecks: 1, recheck_after: SignedDuration::from_hours(7 * 24) }
    }
}

/// The memories that must be in [`Local`] before the snapshot is planned.
pub fn wanted_by_snapshot(local: &Local, snapshot: &Snapshot) -> BTreeSet<MemoryId> {
    snapshot.items.iter().flat_map(|(_, item)| local.candidates(item)).collect()
}

/// The memories that must be in [`Local`] before the page is planned.
pub fn wanted_by_delta(local: &Local, page: &Page) -> BTreeSet<MemoryId> {
    let mut ids = BTreeSet::new();
    for change in &page.changes {
        match change {
            Change::Changed(item) => ids.extend(local.candidates(item)),
            Change::Deleted(remote) => ids.extend(local.of_remote(remote)),
        }
    }
    ids
}

/// What follows from both tiers. Tier 0 wins over tier 1; what is in neither is asked for, never concluded.
pub fn snapshot(local: &Local, snapshot: &Snapshot, limits: &Limits, now: Timestamp) -> Plan {
    let mut plan = Plan { unreadable: snapshot.unreadable, ..Plan::default() };
    let mut listed = BTreeSet::new();
    let mut met = BTreeSet::new();
    for tier in Tier::ALL {
        for (of, item) in &snapshot.items {
            if *of != tier {
                continue;
            }
            if listed.insert(item.id.as_str()) {
                let seen = Seen { item, tier: Some(tier) };
                plan.item(local, &seen, (Some(Standing::InTier), true), &mut met, now);
            } else {
                plan.duplicates += 1;
            }
        }
    }
    plan.absent_from(local, &met, limits, now);
    plan
}

/// What follows from a page of a delta. Unless `create`, memories that are not known here stay unknown.
pub fn delta(local: &Local, page: &Page, create: bool, now: Timestamp) -> Plan {
    let mut plan = Plan { unreadable: page.unreadable, ..Plan::default() };
    let mut newest: HashMap<&str, &Item> = HashMap::new();
    for change in &page.changes {
        let Change::Changed(item) = change else { continue };
        let slot = newest.entry(&item.id).or_insert(item);
        if item.updated_at > slot.updated_at {
            *slot = item;
        }
    }
    let mut done = BTreeSet::new();
    let mut met = BTreeSet::new();
    for change in &page.changes {
        match change {
            Change::Deleted(remote) => {
                // Its word is taken only when it is asked.
                let id = local.of_remote(remote).filter(|id| local.known.contains_key(id));
                plan.operations.extend(id.map(|id| Operation::Check { id, remote: remote.clone() }));
            }
            Change::Changed(item) if done.insert(item.id.as_str()) => {
                let item = newest.get(item.id.as_str()).copied().unwrap_or(item);
                plan.item(local, &Seen { item, tier: None }, (None, create), &mut met, now);
            }
            Change::Changed(_) => plan.duplicates += 1,
        }
    }
    plan
}

/// What follows from Papr's answer for one memory: the item, or its word that there is none.
pub fn answered(known: &Known, item: Option<&Item>, now: Timestamp) -> Option<Operation> {
    let Some(item) = item else { return merge::absent(known, now) };
    merge::meet(known, &Seen { item, tier: None }, known.link.standing, now)
}

/// The same for one that no tier had: from here it stands outside of them.
pub fn outside(known: &Known, item: Option<&Item>, now: Timestamp) -> Option<Operation> {
    let Some(item) = item else { return merge::absent(known, now) };
    merge::meet(known, &Seen { item, tier: None }, Standing::Outside, now)
}

impl Plan {
    /// Plans one item. A memory meets one item of a list: a second one under its `client_id` is another memory.
    fn item(
        &mut self,
        local: &Local,
        seen: &Seen<'_>,
        (standing, create): (Option<Standing>, bool),
        met: &mut BTreeSet<MemoryId>,
        now: Timestamp,
    ) {
        self.no_content += usize::from(seen.item.content.is_none());
        match local.matching(seen.item) {
            Match::Ghost => self.ghosts += 1,
            Match::Memory(id) if met.insert(id) => {
                let Some(known) = local.known.get(&id) else { return };
                let standing = standing.unwrap_or(known.link.standing);
                self.operations.extend(merge::meet(known, seen, standing, now));
            }
            _ if create && seen.item.content.is_some() => {
                let item = Box::new(seen.item.clone());
                self.operations.push(Operation::Create { item, tier: seen.tier });
            }
            _ => {}
        }
    }

    /// Asks for what left both tiers, and now and then for what has long stood in neither.
    fn absent_from(&mut self, local: &Local, seen: &BTreeSet<MemoryId>, limits: &Limits, now: Timestamp) {
        let links = local.links.values().filter(|link| !seen.contains(&link.id));
        let known = links.filter_map(|link| Some((link, link.remote.clone()?)));
        let check = |(id, remote)| Operation::Check { id, remote };
        let left = known.clone().filter(|(link, _)| link.standing == Standing::InTier);
        self.operations.extend(left.map(|(link, remote)| check((link.id, remote))).take(limits.checks));
        let before = now.checked_sub(limits.recheck_after).unwrap_or(Timestamp::MIN);
        let mut long: Vec<_> = known
            .filter(|(link, _)| {
                link.standing != Standing::InTier && link.seen_at.is_none_or(|at| at <= before)
            })
            .map(|(link, remote)| (link.seen_at, link.id, remote))
            .collect();
        long.sort();
        let long = long.into_iter().take(limits.rechecks);
        self.operations.extend(long.map(|(_, id, remote)| check((id, remote))));
    }
}
