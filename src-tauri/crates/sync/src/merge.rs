//! One memory on both sides: what is taken, what stays to be sent, and what only a person can decide.
//!
//! Each part that travels (text, type, topics, metadata) is compared with what both sides agreed on last. A part that
//! changed on one side is taken from there; parts that changed on different sides are put together; one that changed on
//! both, and not to the same, is a conflict, and then nothing is touched.

use jiff::Timestamp;
use papr_memory::{
    Agreed, Conflict, InFlightCall, Link, Memory, Op, Over, Parts, Standing, SyncStep, Tier, TierSetter,
};

use crate::local::{Known, Record};
use crate::plan::{Operation, What};
use crate::remote::Item;

/// An item, and the tier it was seen in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen<'a> {
    pub(crate) item: &'a Item,
    pub(crate) tier: Option<Tier>,
}

/// A part on both sides and before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Both have the same, or the one here is newer.
    Ours,
    /// Papr's is newer.
    Theirs,
    Both,
}

/// What follows from seeing `item` as the counterpart of `known`.
pub(crate) fn meet(known: &Known, seen: &Seen<'_>, standing: Standing, now: Timestamp) -> Option<Operation> {
    let mut link = known.link.clone();
    let new_here = link.remote.as_deref() != Some(seen.item.id.as_str());
    link.remote = Some(seen.item.id.clone());
    link.object_id = seen.item.object_id.clone().or(link.object_id);
    link.client_id = seen.item.client_id.clone().or(link.client_id);
    link.standing = standing;
    if standing != Standing::InTier {
        link.seen_at = Some(now);
    }
    let heard = settle(&mut link, seen.item);
    match &known.record {
        Record::Dead(memory) => dead(known, memory, link, seen.item, new_here || heard.is_some(), now),
        Record::Alive(memory) => alive(known, memory, link, seen, (new_here, heard), now),
    }
}

/// What was in flight and is seen to have been done; the revision that was sent.
fn settle(link: &mut Link, item: &Item) -> Option<u64> {
    let flight = link.in_flight.as_ref()?;
    let then = flight.then;
    let done = match flight.call {
        InFlightCall::Add => true,
        InFlightCall::Update => item.parts(then.remote) == then.remote,
        InFlightCall::Delete => false,
    };
    let rev = flight.rev;
    if !done {
        return None;
    }
    link.agreed = Some(then);
    link.in_flight = None;
    link.refused = None;
    Some(rev)
}

/// Deleted here and there at Papr.
fn dead(
    known: &Known,
    memory: &Memory,
    mut link: Link,
    item: &Item,
    news: bool,
    now: Timestamp,
) -> Option<Operation> {
    let before = link.agreed.map_or_else(|| Parts::of(memory), |agreed| agreed.remote);
    if item.parts(before) == before {
        link.conflict = None;
    } else {
        let found_at = link.conflict.as_ref().map_or(now, |conflict| conflict.found_at);
        link.conflict = Some(Conflict { theirs: Some(item.version(memory)), found_at });
    }
    let what = if link.conflict.is_some() { What::Conflict } else { What::Linked };
    if news {
        return Some(Operation::Step { what, step: SyncStep::Acknowledge { rev: 0, link: Box::new(link) } });
    }
    (link != known.link).then(|| Operation::Step { what, step: SyncStep::Note(Box::new(link)) })
}

fn alive(
    known: &Known,
    memory: &Memory,
    mut link: Link,
    seen: &Seen<'_>,
    (new_here, heard): (bool, Option<u64>),
    now: Timestamp,
) -> Option<Operation> {
    let ours = Parts::of(memory);
    let theirs = seen.item.parts(link.agreed.map_or(ours, |agreed| agreed.remote));
    let pending = known.pending().is_some_and(|rev| Some(rev) != heard);
    let sent = link.in_flight.as_ref().filter(|flight| flight.call == InFlightCall::Update);
    let sent = sent.map(|flight| flight.then.remote);
    let judge = |ours: u64, theirs: u64, agreed: Option<(u64, u64)>, sent: Option<u64>| {
        let local_changed = pending && agreed.is_none_or(|(local, _)| local != ours);
        let remote_changed = agreed.is_none_or(|(_, remote)| remote != theirs);
        match (local_changed, remote_changed && ours != theirs && sent != Some(theirs)) {
            (_, false) => Part::Ours,
            (false, true) => Part::Theirs,
            (true, true) => Part::Both,
        }
    };
    let part = |of: fn(&Parts) -> u64| {
        let agreed = link.agreed.as_ref().map(|agreed| (of(&agreed.local), of(&agreed.remote)));
        judge(of(&ours), of(&theirs), agreed, sent.as_ref().map(of))
    };
    let (content, topics, metadata) =
        (part(|parts| parts.content), part(|parts| parts.topics), part(|parts| parts.metadata));
    // A type here may be one that Papr cannot be told: the one here stays, and that is no conflict.
    let kind = part(|parts| parts.kind);
    if [content, topics, metadata].contains(&Part::Both) {
        return clash(known, memory, link, seen.item, new_here, now);
    }
    link.conflict = None;
    let mut next = memory.clone();
    let item = seen.item;
    if let (Part::Theirs, Some(text)) = (content, &item.content) {
        next.content = text.clone();
    }
    if let (Part::Theirs, Some(word)) = (kind, &item.kind) {
        next.kind.clone_from(word);
    }
    if let (Part::Theirs, Some(words)) = (topics, &item.topics) {
        next.topics.clone_from(words);
    }
    if let (Part::Theirs, Some(map)) = (metadata, &item.metadata) {
        next.metadata.clone_from(map);
    }
    let edited = next != *memory;
    let moved = seen.tier.filter(|tier| memory.tier_set_by == TierSetter::Papr && *tier != memory.tier);
    next.tier = moved.unwrap_or(memory.tier);
    if edited || moved.is_some() {
        next.touch(item.updated_at.filter(|_| edited).unwrap_or(now));
        next.rev += 1;
        next.remote = Some(remote_id(&link));
    }
    let agreement = agreement(link.agreed.as_ref(), &Parts::of(&next), &theirs, pending);
    let waits = pending && agreement.local != Parts::of(&next);
    link.agreed = Some(agreement);
    if !waits {
        // Whatever was sent before, there is nothing left that could be sent twice.
        link.in_flight = None;
    }
    step(known, next, link, &Outcome { edited, moved: moved.is_some(), waits, new_here, heard })
}

#[allow(clippy::struct_excessive_bools)] // four answers to four questions
struct Outcome {
    edited: bool,
    moved: bool,
    /// Papr is to hear of something yet.
    waits: bool,
    new_here: bool,
    heard: Option<u64>,
}

fn step(known: &Known, next: Memory, link: Link, outcome: &Outcome) -> Option<Operation> {
    let &Outcome { edited, moved, waits, new_here, heard } = outcome;
    if edited || moved {
        let what = match (edited, waits) {
            (false, _) => What::Moved,
            (true, true) => What::Merged,
            (true, false) => What::Updated,
        };
        let memory = Box::new(next);
        let step = SyncStep::Take { memory, over: Over::Memory, pending: waits, link: Box::new(link) };
        return Some(Operation::Step { what, step });
    }
    let settled = known.pending().filter(|_| !waits);
    if new_here || heard.is_some() || settled.is_some() {
        let rev = settled.or(heard).unwrap_or(0);
        return Some(Operation::Step {
            what: What::Linked,
            step: SyncStep::Acknowledge { rev, link: Box::new(link) },
        });
    }
    let note = || Operation::Step { what: What::Noted, step: SyncStep::Note(Box::new(link.clone())) };
    (link != known.link).then(note)
}

/// What both sides agree on from here: for each part what Papr has, and here what was taken or was there before an
/// edit that Papr has yet to hear of.
fn agreement(before: Option<&Agreed>, ours: &Parts, theirs: &Parts, pending: bool) -> Agreed {
    let part = |of: fn(&Parts) -> u64| {
        let same = of(ours) == of(theirs);
        match before {
            // Papr's own form of what is here, such as a type it cannot be told.
            Some(before) if pending && !same && of(&before.local) != of(ours) => of(&before.local),
            // Never seen on both sides, and not equal: still to be told.
            None if pending && !same => 0,
            _ => of(ours),
        }
    };
    let local = Parts {
        content: part(|parts| parts.content),
        kind: part(|parts| parts.kind),
        topics: part(|parts| parts.topics),
        metadata: part(|parts| parts.metadata),
    };
    Agreed { local, remote: *theirs }
}

/// Both changed the same: their version is kept beside ours.
fn clash(
    known: &Known,
    memory: &Memory,
    mut link: Link,
    item: &Item,
    new_here: bool,
    now: Timestamp,
) -> Option<Operation> {
    let found_at = link.conflict.as_ref().map_or(now, |conflict| conflict.found_at);
    link.conflict = Some(Conflict { theirs: Some(item.version(memory)), found_at });
    if new_here {
        let step = SyncStep::Acknowledge { rev: 0, link: Box::new(link) };
        return Some(Operation::Step { what: What::Conflict, step });
    }
    (link != known.link)
        .then(|| Operation::Step { what: What::Conflict, step: SyncStep::Note(Box::new(link.clone())) })
}

/// What follows from Papr's own word that it has no such memory any more.
pub(crate) fn absent(known: &Known, now: Timestamp) -> Option<Operation> {
    let mut link = known.link.clone();
    let ours = link.in_flight.as_ref().is_some_and(|flight| flight.call == InFlightCall::Delete);
    let remote = link.remote.clone()?;
    let fresh = |gone| {
        let generation = link.generation + 1;
        Box::new(Link { generation, gone, ..Link::new(link.id, &link.account) })
    };
    match &known.record {
        Record::Dead(_) => {
            let step = SyncStep::Unlink { link: fresh(Some(remote)) };
            Some(Operation::Step { what: What::Deleted, step })
        }
        Record::Alive(_) if ours => {
            Some(Operation::Step { what: What::Linked, step: SyncStep::Unlink { link: fresh(Some(remote)) } })
        }
        Record::Alive(memory) => {
            let edited = known.outbox.is_some_and(|entry| entry.op == Op::Upsert)
                && link.agreed.is_none_or(|agreed| agreed.local != Parts::of(memory));
            if !edited {
                let step = SyncStep::Bury { rev: memory.rev, at: now, link: fresh(None) };
                return Some(Operation::Step { what: What::Buried, step });
            }
            if link.conflict.as_ref().is_some_and(|conflict| conflict.theirs.is_none()) {
                return None;
            }
            link.conflict = Some(Conflict { theirs: None, found_at: now });
            Some(Operation::Step { what: What::Conflict, step: SyncStep::Note(Box::new(link)) })
        }
    }
}

/// Papr's ids as a memory holds them.
pub(crate) fn remote_id(link: &Link) -> papr_memory::RemoteId {
    papr_memory::RemoteId {
        account: link.account.clone(),
        id: link.remote.clone().unwrap_or_default(),
        object_id: link.object_id.clone(),
    }
}
