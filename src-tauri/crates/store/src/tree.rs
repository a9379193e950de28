//! The trees of the database by name, and what makes a value in each a whole one.

use papr_memory::{Dims, MemoryId, Vector};
use sled::Tree;

use crate::codec::{self, Corrupt};
use crate::{Trees, id_of, links, moves, outbox, record, spaces, state, vectors};

/// A tree. The numbers stand in backups and never change; the order is the one in which entries are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Manifest,
    Memories,
    Tombstones,
    Outbox,
    Moves,
    Links,
    Vectors,
}

impl Part {
    pub(crate) const ALL: [Self; 7] = [
        Self::Manifest,
        Self::Memories,
        Self::Tombstones,
        Self::Outbox,
        Self::Moves,
        Self::Links,
        Self::Vectors,
    ];

    /// What a backup holds: all but vectors, which can be made again.
    pub(crate) const BACKED_UP: [Self; 6] =
        [Self::Manifest, Self::Memories, Self::Tombstones, Self::Outbox, Self::Moves, Self::Links];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Manifest => 0,
            Self::Memories => 1,
            Self::Tombstones => 2,
            Self::Outbox => 3,
            Self::Moves => 4,
            Self::Vectors => 5,
            Self::Links => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.code() == code)
    }

    /// The tree's name in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Memories => "memories",
            Self::Tombstones => "tombstones",
            Self::Outbox => "outbox",
            Self::Moves => "moves",
            Self::Links => "links",
            Self::Vectors => "vec",
        }
    }

    /// Reads the value in full, as this version would, and says what is wrong with it.
    pub(crate) fn check(self, key: &[u8], value: &[u8]) -> Result<(), Corrupt> {
        match self {
            Self::Manifest => check_manifest(key, value),
            Self::Memories => record::read(id(key)?, value).and_then(|memory| match memory.deleted_at {
                None => Ok(()),
                Some(_) => Err(Corrupt::Malformed("time of deletion")),
            }),
            Self::Tombstones => record::read(id(key)?, value).and_then(|memory| match memory.deleted_at {
                Some(_) => Ok(()),
                None => Err(Corrupt::Malformed("time of deletion")),
            }),
            Self::Outbox => outbox::decode(id(key)?, value).map(drop),
            Self::Moves => moves::decode(id(key)?, value).map(drop),
            Self::Links => links::decode(id(key)?, value).map(drop),
            Self::Vectors => check_vector(key, value),
        }
    }
}

impl Trees {
    pub(crate) fn part(&self, part: Part) -> &Tree {
        match part {
            Part::Manifest => &self.manifest,
            Part::Memories => &self.memories,
            Part::Tombstones => &self.tombstones,
            Part::Outbox => &self.outbox,
            Part::Moves => &self.moves,
            Part::Links => &self.links,
            Part::Vectors => &self.vec,
        }
    }
}

fn id(key: &[u8]) -> Result<MemoryId, Corrupt> {
    id_of(key).ok_or(Corrupt::Malformed("key"))
}

fn check_manifest(key: &[u8], value: &[u8]) -> Result<(), Corrupt> {
    if key == state::KEY {
        return state::State::decode(value).map(drop);
    }
    if key.starts_with(vectors::SPACE_KEYS) {
        return spaces::decode(key, value).map(drop);
    }
    codec::decode(key, value).map(drop)
}

fn check_vector(key: &[u8], value: &[u8]) -> Result<(), Corrupt> {
    if key.len() != vectors::KEY_BYTES {
        return Err(Corrupt::Malformed("key"));
    }
    let bytes = codec::decode(key, value)?;
    let dims = u16::try_from(bytes.len() / 2).ok().and_then(Dims::new);
    let vector: Option<Vector> = dims.and_then(|dims| vectors::widen(bytes, dims));
    vector.map(drop).ok_or(Corrupt::Malformed("vector"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys as they are, and any.
    fn any_key() -> impl Strategy<Value = Vec<u8>> {
        let known = [state::KEY, b"schema", b"space/12345678", b"note/x"].map(<[u8]>::to_vec).to_vec();
        let lengths = prop::sample::select(vec![0_usize, 8, 16, 24, 30]);
        prop_oneof![
            prop::sample::select(known),
            lengths.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_value_is_read_without_a_panic(
            key in any_key(),
            payload in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let sealed = codec::encode(&key, &payload);
            for part in Part::ALL {
                prop_assert!(part.check(&key, &payload).is_err(), "no checksum fits by chance");
                // Whole by its checksum, whatever stands in it.
                let _ = part.check(&key, &sealed);
            }
            let _ = crate::migrate::decode(&codec::encode(crate::migrate::KEY, &payload));
        }
    }
}
