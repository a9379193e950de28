//! What is known of Papr's counterparts: a link a memory, and how far each account's sync has come.
//!
//! Links are JSON: they are few beside what they are of, and a field more needs no other format. An account's state
//! stands in the manifest, so that it changes in the transaction of what it tells.

use papr_memory::ports::StoreError;
use papr_memory::{AccountSync, Link, MemoryId};
use serde::Serialize;

use crate::codec::{self, Corrupt};
use crate::{SledStore, id_of};

/// Before an account's name in the manifest.
pub(crate) const ACCOUNT_KEYS: &[u8] = b"sync/";

/// What the checksum is made with: not the key alone, so that a link is told from another tree's entry.
fn salted(id: MemoryId) -> Vec<u8> {
    [b"links/".as_slice(), &id.to_bytes()].concat()
}

/// The value kept under the link's id.
pub(crate) fn encode(link: &Link) -> Result<Vec<u8>, StoreError> {
    Ok(codec::encode(&salted(link.id), &json(link)?))
}

pub(crate) fn decode(id: MemoryId, value: &[u8]) -> Result<Link, Corrupt> {
    let payload = codec::decode(&salted(id), value)?;
    let link: Link = serde_json::from_slice(payload).map_err(|_| Corrupt::Malformed("link"))?;
    if link.id == id { Ok(link) } else { Err(Corrupt::Malformed("link")) }
}

pub(crate) fn account_key(account: &str) -> Vec<u8> {
    [ACCOUNT_KEYS, account.as_bytes()].concat()
}

pub(crate) fn encode_account(account: &str, state: &AccountSync) -> Result<Vec<u8>, StoreError> {
    Ok(codec::encode(&account_key(account), &json(state)?))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Damaged {
        what: "what is known of Papr cannot be put into bytes".to_owned(),
        source: Some(error.into()),
    })
}

impl SledStore {
    pub(crate) fn link_of(&self, id: MemoryId) -> Result<Option<Link>, StoreError> {
        let Some(value) = self.read(&self.trees.links, &id.to_bytes())? else { return Ok(None) };
        decode(id, &value).map(Some).map_err(|corrupt| damaged(&id.to_string(), corrupt))
    }

    pub(crate) fn links_of(&self, account: &str) -> Result<Vec<Link>, StoreError> {
        let mut links = Vec::new();
        for item in self.scan(self.trees.links.iter()) {
            let (key, value) = item?;
            let id = id_of(&key).ok_or_else(|| damaged("?", Corrupt::Malformed("key")))?;
            let link = decode(id, &value).map_err(|corrupt| damaged(&id.to_string(), corrupt))?;
            if link.account == account {
                links.push(link);
            }
        }
        Ok(links)
    }

    /// A state that is damaged is begun anew: a snapshot brings everything back.
    pub(crate) fn state_of(&self, account: &str) -> Result<AccountSync, StoreError> {
        let key = account_key(account);
        let Some(value) = self.read(&self.trees.manifest, &key)? else { return Ok(AccountSync::default()) };
        let payload = codec::decode(&key, &value);
        Ok(payload.ok().and_then(|payload| serde_json::from_slice(payload).ok()).unwrap_or_else(|| {
            tracing::warn!("how far sync had come cannot be read; it begins anew");
            AccountSync::default()
        }))
    }
}

fn damaged(id: &str, corrupt: Corrupt) -> StoreError {
    StoreError::Damaged {
        what: format!("what is known of memory {id} at Papr is not as it was written"),
        source: Some(corrupt.into()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use papr_memory::{
        Agreed, Conflict, Content, InFlight, InFlightCall, Parts, Refused, RemoteVersion, Standing,
    };
    use proptest::prelude::*;

    use super::*;

    fn any_link() -> impl Strategy<Value = Link> {
        let names = (any::<String>(), prop::option::of(any::<String>()), prop::option::of(any::<String>()));
        let numbers = (any::<[u8; 16]>(), any::<u32>(), any::<[u64; 4]>(), 0..4_000_000_000_000_i64);
        let there = any::<[bool; 6]>();
        (names, numbers, there, any::<f64>().prop_filter("JSON", |x| x.is_finite())).prop_map(
            |(names, numbers, there, number)| {
                let [content, kind, topics, metadata] = numbers.2;
                let parts = Parts { content, kind, topics, metadata };
                let at = Timestamp::from_millisecond(numbers.3).unwrap();
                let then = Agreed { local: parts, remote: parts };
                let theirs = there[0].then(|| RemoteVersion {
                    content: Content::new(format!("x{}", names.0)).unwrap(),
                    kind: names.0.clone(),
                    topics: vec![names.0.clone()],
                    metadata: [("n".to_owned(), number.into())].into(),
                    updated_at: there[1].then_some(at),
                });
                let made = names.1.clone();
                let in_flight = InFlight { call: InFlightCall::Add, rev: content, since: at, then, made };
                Link {
                    remote: names.1,
                    object_id: names.2.clone(),
                    client_id: names.2,
                    generation: numbers.1,
                    agreed: there[2].then_some(then),
                    in_flight: there[3].then_some(in_flight),
                    standing: Standing::Outside,
                    seen_at: Some(at),
                    conflict: there[4].then_some(Conflict { theirs, found_at: at }),
                    refused: there[5].then_some(Refused { rev: 3, status: 413 }),
                    ..Link::new(MemoryId::from_bytes(numbers.0), &names.0)
                }
            },
        )
    }

    proptest! {
        #[test]
        fn links_come_back_and_damage_is_noticed(
            link in any_link(),
            place in any::<prop::sample::Index>(),
            mask in 1_u8..,
        ) {
            let value = encode(&link).unwrap();
            prop_assert_eq!(decode(link.id, &value), Ok(link.clone()));
            let mut flipped = value.clone();
            flipped[place.index(value.len())] ^= mask;
            prop_assert!(decode(link.id, &flipped).is_err(), "one byte is another");
            let mut other = link.id.to_bytes();
            other[place.index(16)] ^= mask;
            prop_assert!(decode(MemoryId::from_bytes(other), &value).is_err(), "another memory's");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let id = MemoryId::from_bytes([7; 16]);
            let _ = decode(id, &bytes);
            let _ = decode(id, &codec::encode(&salted(id), &bytes));
        }
    }

    #[test]
    fn a_link_of_an_earlier_version_is_read() {
        let id = MemoryId::from_bytes([7; 16]);
        let payload = format!(r#"{{"id":"{id}","account":"me","unheard_of":1}}"#);
        let value = codec::encode(&salted(id), payload.as_bytes());
        assert_eq!(decode(id, &value), Ok(Link::new(id, "me")), "fields come and go");
    }
}
