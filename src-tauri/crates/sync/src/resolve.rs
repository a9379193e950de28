//! What a person chose where both sides had changed the same.

use jiff::Timestamp;
use papr_memory::ports::{StoreError, SyncStore};
use papr_memory::{Agreed, Conflict, Content, Link, Memory, MemoryId, Over, Parts, SyncStep};

use crate::local::{Known, Record};
use crate::merge::remote_id;
use crate::run::SyncError;

/// The choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// What is here goes to Papr: the text, or the deletion.
    Mine,
    /// What Papr has is taken: the text, or the deletion (which can be taken back).
    Theirs,
    /// This text goes to both.
    Merged(Content),
}

/// The account's conflicts, in the order the memories were made: the memory here, deleted or not, and what Papr has.
pub fn conflicts(
    store: &(impl SyncStore + ?Sized),
    account: &str,
) -> Result<Vec<(Memory, Conflict)>, StoreError> {
    let mut conflicts = Vec::new();
    for link in store.links(account)? {
        let Some(conflict) = link.conflict else { continue };
        if let Some(known) = Known::read(store, account, link.id)? {
            conflicts.push((known.record.memory().clone(), conflict));
        }
    }
    Ok(conflicts)
}

/// Resolves a conflict. Papr hears of it at the next sync; should it have changed again by then, that is another
/// conflict.
pub fn resolve(
    store: &(impl SyncStore + ?Sized),
    account: &str,
    id: MemoryId,
    resolution: &Resolution,
    now: Timestamp,
) -> Result<(), SyncError> {
    let known = Known::read(store, account, id)?.ok_or(SyncError::NoConflict(id))?;
    let conflict = known.link.conflict.clone().ok_or(SyncError::NoConflict(id))?;
    let step = step(known, conflict, resolution, now);
    if store.apply(account, &[step], None)?.is_empty() { Ok(()) } else { Err(SyncError::Busy) }
}

fn step(known: Known, conflict: Conflict, resolution: &Resolution, now: Timestamp) -> SyncStep {
    let Known { link, record, .. } = known;
    let over = if matches!(record, Record::Alive(_)) { Over::Memory } else { Over::Tombstone };
    let mut memory = record.memory().clone();
    let anew = || Link { generation: link.generation + 1, ..Link::new(link.id, &link.account) };
    // Nothing here counts as agreed on, so that all of it is sent.
    let ours = |theirs: Parts| Link {
        agreed: Some(Agreed { local: Parts::default(), remote: theirs }),
        in_flight: None,
        refused: None,
        conflict: None,
        ..link.clone()
    };
    match (resolution, conflict.theirs) {
        (Resolution::Mine, Some(theirs)) => SyncStep::Note(Box::new(ours(theirs.parts()))),
        // Deleted on both sides by now.
        (Resolution::Theirs, None) if over == Over::Tombstone => SyncStep::Unlink { link: Box::new(anew()) },
        (Resolution::Mine, None) => SyncStep::Unlink { link: Box::new(anew()) },
        (Resolution::Theirs, None) => SyncStep::Bury { rev: memory.rev, at: now, link: Box::new(anew()) },
        (Resolution::Theirs, Some(theirs)) => {
            let remote = theirs.parts();
            memory.content = theirs.content;
            memory.kind = theirs.kind;
            memory.topics = theirs.topics;
            memory.metadata = theirs.metadata;
            let agreed = Some(Agreed { local: Parts::of(&memory), remote });
            next(&mut memory, now);
            let link = Link { agreed, in_flight: None, refused: None, conflict: None, ..link };
            memory.remote = Some(remote_id(&link));
            let (memory, link) = (Box::new(memory), Box::new(link));
            SyncStep::Take { memory, over, pending: false, link }
        }
        (Resolution::Merged(content), theirs) => {
            memory.content = content.clone();
            next(&mut memory, now);
            let link = theirs.map_or_else(anew, |theirs| ours(theirs.parts()));
            memory.remote = link.remote.is_some().then(|| remote_id(&link));
            let (memory, link) = (Box::new(memory), Box::new(link));
            SyncStep::Take { memory, over, pending: true, link }
        }
    }
}

fn next(memory: &mut Memory, now: Timestamp) {
    memory.rev += 1;
    memory.deleted_at = None;
    memory.touch(now);
}
