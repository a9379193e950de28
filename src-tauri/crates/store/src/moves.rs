//! The history of a memory's moves between the tiers: who moved it, and when; the newest few.
//!
//! Written in the transaction of the move. It goes with the memory: kept while that is among the tombstones,
//! gone when the tombstone is.

use jiff::Timestamp;
use papr_memory::ports::{StoreError, TierMove};
use papr_memory::{Memory, MemoryId, Tier, TierSetter};

use crate::SledStore;
use crate::change::{Outcome, View};
use crate::codec::{self, Corrupt};
use crate::record::milliseconds;

/// Moves kept for a memory.
const NEWEST: usize = 20;

/// From, to, by, and the time in milliseconds since 1970.
const BYTES: usize = 11;

/// What the checksum is made with: not the key alone, so that an entry is told from one of the outbox.
fn salted(id: MemoryId) -> Vec<u8> {
    [b"moves/".as_slice(), &id.to_bytes()].concat()
}

/// The value kept under `id`, oldest move first.
pub(crate) fn encode(id: MemoryId, moves: &[TierMove]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(moves.len() * BYTES);
    for one in moves {
        let by = match one.by {
            TierSetter::User => 0,
            TierSetter::Papr => 1,
        };
        payload.extend_from_slice(&[one.from.number(), one.to.number(), by]);
        payload.extend_from_slice(&milliseconds(one.at).to_le_bytes());
    }
    codec::encode(&salted(id), &payload)
}

pub(crate) fn decode(id: MemoryId, value: &[u8]) -> Result<Vec<TierMove>, Corrupt> {
    let (moves, []) = codec::decode(&salted(id), value)?.as_chunks::<BYTES>() else {
        return Err(Corrupt::Malformed("history of moves"));
    };
    moves.iter().map(|bytes| read(*bytes)).collect()
}

fn read([from, to, by, at @ ..]: [u8; BYTES]) -> Result<TierMove, Corrupt> {
    let tier = |number| Tier::ALL.into_iter().find(|tier| tier.number() == number);
    let by = match by {
        0 => TierSetter::User,
        1 => TierSetter::Papr,
        _ => return Err(Corrupt::Malformed("tier setter")),
    };
    let at = Timestamp::from_millisecond(i64::from_le_bytes(at)).map_err(|_| Corrupt::Malformed("time"))?;
    let (from, to) = tier(from).zip(tier(to)).ok_or(Corrupt::Malformed("tier"))?;
    Ok(TierMove { from, to, by, at })
}

/// Writes down that `before` became `after`, if that was a move.
pub(crate) fn record(trees: &View<'_>, before: &Memory, after: &Memory) -> Outcome<()> {
    if before.tier == after.tier {
        return Ok(());
    }
    let key = after.id.to_bytes();
    let kept = trees.moves.get(key)?.map(|value| decode(after.id, &value)).transpose();
    let mut moves = kept.unwrap_or_else(|corrupt| {
        tracing::warn!(id = %after.id, %corrupt, "a memory's history of moves begins anew");
        None
    });
    let moves = moves.get_or_insert_default();
    moves.push(TierMove { from: before.tier, to: after.tier, by: after.tier_set_by, at: after.updated_at });
    let newest = &moves[moves.len().saturating_sub(NEWEST)..];
    trees.put(trees.moves, &key, &encode(after.id, newest))
}

impl SledStore {
    pub(crate) fn moves_of(&self, id: MemoryId) -> Result<Vec<TierMove>, StoreError> {
        let Some(value) = self.read(&self.trees.moves, &id.to_bytes())? else { return Ok(Vec::new()) };
        decode(id, &value).map_err(|corrupt| StoreError::Damaged {
            what: format!("the history of memory {id} is not as it was written"),
            source: Some(corrupt.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn moves_come_back_and_damage_is_noticed(
            list in prop::collection::vec((any::<bool>(), any::<bool>(), 0..4_000_000_000_000_i64), 0..20),
            place in any::<prop::sample::Index>(),
            mask in 1_u8..,
        ) {
            let id = MemoryId::from_bytes([7; 16]);
            let tier = |goals| if goals { Tier::Goals } else { Tier::Memories };
            let moves: Vec<_> = list.iter().map(|&(from, papr, ms)| TierMove {
                from: tier(from),
                to: tier(!from),
                by: if papr { TierSetter::Papr } else { TierSetter::User },
                at: Timestamp::from_millisecond(ms).unwrap(),
            }).collect();
            let value = encode(id, &moves);
            prop_assert_eq!(decode(id, &value), Ok(moves));
            let mut flipped = value.clone();
            flipped[place.index(value.len())] ^= mask;
            prop_assert!(decode(id, &flipped).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let id = MemoryId::from_bytes([7; 16]);
            let _ = decode(id, &bytes);
            let _ = decode(id, &codec::encode(&salted(id), &bytes));
        }
    }
}
