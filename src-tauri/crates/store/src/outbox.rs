//! What Papr has not been told yet: one entry a memory, written in the transaction of the change itself.
//!
//! Changes of one memory are folded into one entry: only the latest state matters to Papr. Memories without
//! an account never come here. What is taken out, and when, is told by sync's steps.

use papr_memory::{Memory, MemoryId};
pub use papr_memory::{Op, OutboxEntry};

use crate::codec::{self, Corrupt};

/// What a change does to the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Put(OutboxEntry),
    Remove,
}

/// After `memory` was added, changed or taken back.
pub(crate) fn after_change(memory: &Memory) -> Step {
    match memory.account {
        Some(_) => Step::Put(OutboxEntry { id: memory.id, op: Op::Upsert, rev: memory.rev }),
        None => Step::Remove,
    }
}

/// After `memory` was deleted: what Papr never had needs no deletion there.
pub(crate) fn after_delete(memory: &Memory) -> Step {
    match (&memory.account, &memory.remote) {
        (Some(_), Some(_)) => Step::Put(OutboxEntry { id: memory.id, op: Op::Delete, rev: memory.rev }),
        _ => Step::Remove,
    }
}

/// The value kept for an entry under its memory's id: one byte for what to do, then the revision.
pub(crate) fn encode(entry: &OutboxEntry) -> Vec<u8> {
    let op = match entry.op {
        Op::Upsert => 0,
        Op::Delete => 1,
    };
    let mut payload = vec![op];
    payload.extend_from_slice(&entry.rev.to_le_bytes());
    codec::encode(&entry.id.to_bytes(), &payload)
}

/// The entry kept under `id`.
pub(crate) fn decode(id: MemoryId, value: &[u8]) -> Result<OutboxEntry, Corrupt> {
    let payload = codec::decode(&id.to_bytes(), value)?;
    let (op, rev) = payload.split_first().ok_or(Corrupt::Malformed("operation"))?;
    let op = match op {
        0 => Op::Upsert,
        1 => Op::Delete,
        _ => return Err(Corrupt::Malformed("operation")),
    };
    let rev = rev.try_into().map_err(|_| Corrupt::Malformed("revision"))?;
    Ok(OutboxEntry { id, op, rev: u64::from_le_bytes(rev) })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use papr_memory::{Content, RemoteId, Tier};

    use super::*;

    #[test]
    fn entries_come_back_as_they_were() {
        for op in [Op::Upsert, Op::Delete] {
            let entry = OutboxEntry { id: MemoryId::from_bytes([3; 16]), op, rev: u64::MAX - 1 };
            assert_eq!(decode(entry.id, &encode(&entry)), Ok(entry));
        }
    }

    #[test]
    fn only_what_papr_knows_is_deleted_there() {
        let mut memory = Memory::new(Content::new("x").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        assert_eq!(after_change(&memory), Step::Remove, "local memories stay local");
        memory.account = Some("me".to_owned());
        assert!(matches!(after_change(&memory), Step::Put(OutboxEntry { op: Op::Upsert, .. })));
        assert_eq!(after_delete(&memory), Step::Remove, "it was never sent");
        memory.remote = Some(RemoteId { account: "me".to_owned(), id: "r".to_owned(), object_id: None });
        assert!(matches!(after_delete(&memory), Step::Put(OutboxEntry { op: Op::Delete, .. })));
    }
}
