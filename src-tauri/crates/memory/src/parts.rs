//! Digests of memories: which part of one changed, told without keeping what it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Memory;

/// Digests of the four parts of a memory that travel, to tell which of them changed and where: the first 8 bytes
/// of SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Of the text.
    pub content: u64,
    /// Of the type.
    pub kind: u64,
    /// Of the topics, in their order.
    pub topics: u64,
    /// Of the metadata; the order of keys does not matter.
    pub metadata: u64,
}

impl Parts {
    /// Of this memory.
    pub fn of(memory: &Memory) -> Self {
        Self {
            content: Self::text(memory.content.as_str()),
            kind: Self::text(&memory.kind),
            topics: Self::list(&memory.topics),
            metadata: Self::map(&memory.metadata),
        }
    }

    /// The digest of a text.
    pub fn text(text: &str) -> u64 {
        first(Sha256::new().chain_update(text))
    }

    /// The digest of topics.
    pub fn list(list: &[String]) -> u64 {
        let mut hasher = Sha256::new();
        for text in list {
            put(&mut hasher, b't', text.as_bytes());
        }
        first(hasher)
    }

    /// The digest of metadata. Nulls say nothing and do not count.
    pub fn map(map: &BTreeMap<String, Value>) -> u64 {
        let mut hasher = Sha256::new();
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            put(&mut hasher, b'k', key.as_bytes());
            walk(&mut hasher, value);
        }
        first(hasher)
    }
}

fn first(hasher: Sha256) -> u64 {
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// With its kind and length, so that two things that follow each other are not taken for one.
fn put(hasher: &mut Sha256, kind: u8, bytes: &[u8]) {
    hasher.update([kind]);
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// Keys in their order, whatever order a map of JSON keeps.
fn walk(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::String(text) => put(hasher, b's', text.as_bytes()),
        Value::Array(list) => {
            put(hasher, b'a', &(list.len() as u64).to_le_bytes());
            for value in list {
                walk(hasher, value);
            }
        }
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> =
                map.iter().filter(|(_, value)| !value.is_null()).collect();
            put(hasher, b'o', &(sorted.len() as u64).to_le_bytes());
            for (key, value) in sorted {
                put(hasher, b'k', key.as_bytes());
                walk(hasher, value);
            }
        }
        plain => put(hasher, b'p', plain.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn digests_tell_what_changed_and_nothing_else() {
        let one = map(json!({"a": {"x": 1, "y": [2, "z"]}, "b": null}));
        let same = map(json!({"a": {"y": [2, "z"], "x": 1, "gone": null}}));
        assert_eq!(Parts::map(&one), Parts::map(&same), "neither the order of keys nor a null is a change");
        for other in
            [json!({}), json!({"a": {"x": "1", "y": [2, "z"]}}), json!({"a": {"x": 1, "y": [2], "z": 0}})]
        {
            assert_ne!(Parts::map(&one), Parts::map(&map(other)), "another value");
        }
        let list =
            |words: &[&str]| Parts::list(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_ne!(list(&["ab", "c"]), list(&["a", "bc"]), "two topics are not taken for two others");
        assert_ne!(list(&["a", "b"]), list(&["b", "a"]), "topics have an order");
    }
}
