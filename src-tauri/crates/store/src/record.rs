//! How a memory becomes bytes: postcard of a private struct, so that the format changes only when someone
//! changes it here.
//!
//! Enums are written as numbers chosen below, not as the order of variants elsewhere. Times are milliseconds
//! since 1970. Metadata is one JSON text, because postcard does not describe itself and cannot hold a JSON
//! value. The id is the key and stands in no payload.

use jiff::Timestamp;
use papr_memory::ports::StoreError;
use papr_memory::{Content, Memory, MemoryId, RemoteId, Source, Tier, TierSetter};
use serde::{Deserialize, Serialize};

use crate::codec::{self, Corrupt};

/// Fields are written in this order; a change here needs a new [`codec::VERSION`].
#[derive(Serialize, Deserialize)]
struct RecordV1<'a> {
    rev: u64,
    tier: u8,
    tier_set_by: u8,
    source: u8,
    created_ms: i64,
    updated_ms: i64,
    deleted_ms: Option<i64>,
    content: &'a str,
    kind: &'a str,
    #[serde(borrow)]
    topics: Vec<&'a str>,
    account: Option<&'a str>,
    #[serde(borrow)]
    remote: Option<RemoteV1<'a>>,
    /// A JSON object, or nothing for an empty one.
    metadata: &'a str,
}

#[derive(Serialize, Deserialize)]
struct RemoteV1<'a> {
    account: &'a str,
    id: &'a str,
    object_id: Option<&'a str>,
}

/// What stands in a record without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) rev: u64,
    pub(crate) tier: Tier,
    /// Whether Papr knows the memory.
    pub(crate) remote: bool,
    pub(crate) deleted_ms: Option<i64>,
}

/// The value to keep for `memory`, as deleted at `deleted_at`.
pub(crate) fn encode(memory: &Memory, deleted_at: Option<Timestamp>) -> Result<Vec<u8>, StoreError> {
    let unwritable = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Damaged {
        what: format!("memory {} cannot be put into bytes", memory.id),
        source: Some(source),
    };
    let metadata = if memory.metadata.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&memory.metadata).map_err(|error| unwritable(error.into()))?
    };
    let record = RecordV1 {
        rev: memory.rev,
        tier: memory.tier.number(),
        tier_set_by: match memory.tier_set_by {
            TierSetter::User => 0,
            TierSetter::Papr => 1,
        },
        source: match memory.source {
            Source::User => 0,
            Source::Import => 1,
            Source::Sample => 2,
            Source::Papr => 3,
        },
        created_ms: milliseconds(memory.created_at),
        updated_ms: milliseconds(memory.updated_at),
        deleted_ms: deleted_at.map(milliseconds),
        content: memory.content.as_str(),
        kind: &memory.kind,
        topics: memory.topics.iter().map(String::as_str).collect(),
        account: memory.account.as_deref(),
        remote: memory.remote.as_ref().map(|remote| RemoteV1 {
            account: &remote.account,
            id: &remote.id,
            object_id: remote.object_id.as_deref(),
        }),
        metadata: &metadata,
    };
    let payload = postcard::to_stdvec(&record).map_err(|error| unwritable(error.into()))?;
    Ok(codec::encode(&memory.id.to_bytes(), &payload))
}

/// The memory with this id, from the value kept for it.
pub(crate) fn decode(id: MemoryId, value: &[u8]) -> Result<Memory, StoreError> {
    read(id, value).map_err(|corrupt| damaged(id, corrupt))
}

/// Checks the whole value and returns what can be told without copying text.
pub(crate) fn outline(id: MemoryId, value: &[u8]) -> Result<Outline, StoreError> {
    let key = id.to_bytes();
    let record = payload(&key, value).and_then(parse).map_err(|corrupt| damaged(id, corrupt))?;
    let tier = tier(record.tier).map_err(|corrupt| damaged(id, corrupt))?;
    Ok(Outline { rev: record.rev, tier, remote: record.remote.is_some(), deleted_ms: record.deleted_ms })
}

fn damaged(id: MemoryId, corrupt: Corrupt) -> StoreError {
    StoreError::Damaged {
        what: format!("memory {id} is not as it was written"),
        source: Some(corrupt.into()),
    }
}

fn payload<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Corrupt> {
    codec::decode(key, value)
}

fn parse(payload: &[u8]) -> Result<RecordV1<'_>, Corrupt> {
    match postcard::take_from_bytes(payload) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err(Corrupt::Malformed("end")),
        Err(_) => Err(Corrupt::Malformed("record")),
    }
}

fn tier(number: u8) -> Result<Tier, Corrupt> {
    Tier::ALL.into_iter().find(|tier| tier.number() == number).ok_or(Corrupt::Malformed("tier"))
}

/// The time as it is kept. The last second there is has no milliseconds: they could not be read again.
pub(crate) fn milliseconds(at: Timestamp) -> i64 {
    let ms = at.as_millisecond();
    if Timestamp::from_millisecond(ms).is_ok() { ms } else { at.as_second() * 1_000 }
}

fn time(ms: i64) -> Result<Timestamp, Corrupt> {
    Timestamp::from_millisecond(ms).map_err(|_| Corrupt::Malformed("time"))
}

pub(crate) fn read(id: MemoryId, value: &[u8]) -> Result<Memory, Corrupt> {
    let key = id.to_bytes();
    let record = parse(payload(&key, value)?)?;
    Ok(Memory {
        id,
        remote: record.remote.map(|remote| RemoteId {
            account: remote.account.to_owned(),
            id: remote.id.to_owned(),
            object_id: remote.object_id.map(str::to_owned),
        }),
        account: record.account.map(str::to_owned),
        rev: record.rev,
        content: Content::new(record.content).map_err(|_| Corrupt::Malformed("content"))?,
        kind: record.kind.to_owned(),
        tier: tier(record.tier)?,
        tier_set_by: match record.tier_set_by {
            0 => TierSetter::User,
            1 => TierSetter::Papr,
            _ => return Err(Corrupt::Malformed("tier setter")),
        },
        topics: record.topics.into_iter().map(str::to_owned).collect(),
        metadata: if record.metadata.is_empty() {
            std::collections::BTreeMap::new()
        } else {
            serde_json::from_str(record.metadata).map_err(|_| Corrupt::Malformed("metadata"))?
        },
        source: match record.source {
            0 => Source::User,
            1 => Source::Import,
            2 => Source::Sample,
            3 => Source::Papr,
            _ => return Err(Corrupt::Malformed("source")),
        },
        created_at: time(record.created_ms)?,
        updated_at: time(record.updated_ms)?,
        deleted_at: record.deleted_ms.map(time).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON holds finite numbers", |x| x.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn any_memory() -> impl Strategy<Value = Memory> {
        let text = any::<String>().prop_filter("not blank", |text| !text.trim().is_empty());
        let ids = (any::<[u8; 16]>(), any::<u64>(), prop::option::of(any::<String>()));
        let remote = prop::option::of((any::<String>(), any::<String>(), prop::option::of(any::<String>())));
        let kinds = (any::<String>(), any::<bool>(), any::<bool>(), 0..4_usize);
        let more = (
            prop::collection::vec(any::<String>(), 0..4),
            prop::collection::btree_map(any::<String>(), any_json(), 0..4),
        );
        let times = (-1_000_000_000_i64..4_000_000_000_000, 0..4_000_000_000_000_i64);
        (text, ids, remote, kinds, more, times).prop_map(|(text, ids, remote, kinds, more, times)| Memory {
            id: MemoryId::from_bytes(ids.0),
            remote: remote.map(|(account, id, object_id)| RemoteId { account, id, object_id }),
            account: ids.2,
            rev: ids.1,
            content: Content::new(text).unwrap(),
            kind: kinds.0,
            tier: if kinds.1 { Tier::Goals } else { Tier::Memories },
            tier_set_by: if kinds.2 { TierSetter::User } else { TierSetter::Papr },
            topics: more.0,
            metadata: more.1,
            source: [Source::User, Source::Import, Source::Sample, Source::Papr][kinds.3],
            created_at: Timestamp::from_millisecond(times.0).unwrap(),
            updated_at: Timestamp::from_millisecond(times.1).unwrap(),
            deleted_at: None,
        })
    }

    proptest! {
        #[test]
        fn a_memory_comes_back_as_it_was(memory in any_memory(), deleted in prop::option::of(0..4_000_000_000_000_i64)) {
            let deleted_at = deleted.map(|ms| Timestamp::from_millisecond(ms).unwrap());
            let value = encode(&memory, deleted_at).unwrap();
            let expected = Memory { deleted_at, ..memory };
            prop_assert_eq!(&decode(expected.id, &value).unwrap(), &expected);
            let outline = outline(expected.id, &value).unwrap();
            prop_assert_eq!((outline.tier, outline.remote), (expected.tier, expected.remote.is_some()));
            prop_assert_eq!(outline.deleted_ms, deleted);
        }
    }

    #[test]
    fn the_first_and_the_last_times_there_are_can_be_read_again() {
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let mut memory = Memory::new(Content::new("x").unwrap(), Tier::Goals, at);
            memory.updated_at = at;
            let back = decode(memory.id, &encode(&memory, Some(at)).unwrap()).unwrap();
            for time in [back.created_at, back.updated_at, back.deleted_at.unwrap()] {
                assert_eq!(time.as_second(), at.as_second(), "what was said to be saved is never damage");
            }
        }
    }

    /// Bytes of the first format, so that a change of it is noticed here and not by people's data.
    #[test]
    fn the_first_format_stays_readable() {
        let mut memory = Memory::new(Content::new("né").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        memory.id = MemoryId::from_bytes([7; 16]);
        memory.topics = vec!["a".to_owned()];
        memory.account = Some("me".to_owned());
        memory.metadata.insert("k".to_owned(), json!(1.5));
        let written = encode(&memory, None).unwrap();
        let payload = [
            &[1, 0, 0, 0, 0, 0, 0, 3][..],
            "né".as_bytes(),
            &[4],
            b"goal",
            &[1, 1],
            b"a",
            &[1, 2],
            b"me",
            &[0, 9],
            br#"{"k":1.5}"#,
        ]
        .concat();
        assert_eq!(&written[5..], payload, "another layout needs another version");
        assert_eq!(decode(memory.id, &written).unwrap(), memory);
    }

    #[test]
    fn damage_is_told_with_the_memory_and_without_its_text() {
        let memory = Memory::new(Content::new("a secret").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        let mut value = encode(&memory, None).unwrap();
        value[12] ^= 1;
        let error = decode(memory.id, &value).unwrap_err();
        assert!(error.to_string().contains(&memory.id.to_string()), "which one: {error}");
        assert!(!format!("{error:?}").contains("secret"), "errors end up in logs");
    }
}
