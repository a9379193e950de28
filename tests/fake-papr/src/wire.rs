//! A memory as it goes over the wire: spelled in four ways, because the real API mixes them. Which way hangs on
//! the memory's id, so that a memory looks the same every time.

use serde_json::{Map, Value, json};

use crate::clock::{pythonic, zulu};
use crate::dice::{Dice, hash};
use crate::node::Item;
use crate::record::{Embedding, Record};
use crate::vectors::{self, Written};

/// How memories are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spelling {
    /// All four ways, as the real API.
    #[default]
    Mixed,
    /// `snake_case`, metadata as an object: for a test that is about something else.
    Plain,
}

/// Where a memory is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    Tier(u8),
    Delta,
    Found,
}

/// The keys of metadata that have a place beside it as well.
const BESIDE: &[&str] =
    &["topics", "role", "category", "location", "customMetadata", "sourceUrl", "conversationId"];

/// 0: snake, metadata an object · 1: camel, metadata a string of JSON · 2: snake, no metadata, its keys beside
/// it (only where none is lost) · 3: camel, everything inside metadata.
fn way(record: &Record, spelling: Spelling) -> u64 {
    if spelling == Spelling::Plain {
        return 0;
    }
    match hash(&record.id) % 4 {
        2 if record.metadata.keys().any(|key| !BESIDE.contains(&key.as_str())) => 0,
        way => way,
    }
}

/// The memory as a list of a reply holds it.
pub(crate) fn item(record: &Record, account: &str, spelling: Spelling, scene: Scene) -> Item {
    let way = way(record, spelling);
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    if scene == Scene::Delta && way == 1 {
        set("memoryId", json!(record.id));
    } else {
        set("id", json!(record.id));
    }
    if way % 2 == 1 {
        set("objectId", json!(record.object_id));
    }
    set("content", json!(record.content));
    set("type", json!(record.kind));
    if scene != Scene::Delta {
        set("acl", json!({}));
        set("user_id", json!(user_id(account)));
    }
    for (key, id) in [("external_user_id", &record.external_user_id), ("namespace_id", &record.namespace_id)]
    {
        if let Some(id) = id {
            set(key, json!(id));
        }
    }
    if !record.context.is_empty() {
        set("context", json!(record.context));
    }
    if way % 2 == 1 {
        set("createdAt", json!(zulu(record.created_at)));
        set("updatedAt", json!(zulu(record.updated_at)));
    } else {
        set("created_at", json!(pythonic(record.created_at)));
        set("updated_at", json!(pythonic(record.updated_at)));
    }
    set("metadata", metadata(record, way));
    if way != 3 {
        beside(record, way, &mut set);
    }
    if let Scene::Tier(tier) = scene {
        set("relevance_score", json!(relevance(record, tier)));
    }
    Item { fields, vector: None }
}

fn metadata(record: &Record, way: u64) -> Value {
    match way {
        1 => Value::String(Value::Object(record.metadata.clone()).to_string()),
        2 => Value::Null,
        _ => Value::Object(record.metadata.clone()),
    }
}

fn beside(record: &Record, way: u64, set: &mut impl FnMut(&str, Value) -> Option<Value>) {
    for key in BESIDE {
        let Some(value) = record.metadata.get(*key) else { continue };
        match *key {
            "customMetadata" | "sourceUrl" | "conversationId" if way != 2 => {}
            "sourceUrl" => drop(set("source_url", value.clone())),
            "conversationId" => drop(set("conversation_id", value.clone())),
            key => drop(set(key, value.clone())),
        }
    }
}

/// Tier 0: a mix below 1. Tier 1: a log score without end. They cannot be compared, and should not be.
pub(crate) fn relevance(record: &Record, tier: u8) -> f64 {
    let score = Dice::new(hash(&record.id), &[u64::from(tier)]).unit();
    let score = if tier == 0 { score } else { (1.0 + score * 20.0).ln() };
    (score * 1e4).round() / 1e4
}

/// The server's name for who owns the memories.
pub(crate) fn user_id(account: &str) -> String {
    format!("u{:09x}", hash(account) & 0xF_FFFF_FFFF)
}

/// Adds the server's vector, if it has one.
pub(crate) fn embed(item: &mut Item, record: &Record, quantised: bool, written: &mut Written) {
    let text = record.content.as_deref().unwrap_or_default();
    let (array, quantised) = match &record.embedding {
        Embedding::Missing => return,
        Embedding::Auto if text.is_empty() => return,
        Embedding::Auto => (written.of(text, quantised), quantised),
        Embedding::Int8 => (written.of(text, true), true),
        Embedding::Given(vector) => (vectors::write(vector, quantised), quantised),
    };
    let key = if quantised { "embedding_int8" } else { "embedding" };
    item.vector = array.map(|array| (key, array));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    fn record(id: &str) -> Record {
        let metadata =
            json!({"topics": ["a"], "customMetadata": {"client_id": "c1"}, "odd key": {"deep": 1}});
        let Value::Object(metadata) = metadata else { panic!("an object") };
        Record {
            id: id.to_owned(),
            object_id: "o".to_owned(),
            content: Some("text".to_owned()),
            kind: "text".to_owned(),
            metadata,
            context: Vec::new(),
            place: Place::Tier1,
            twice: false,
            embedding: Embedding::Auto,
            created_at: 0,
            updated_at: 0,
            revision: 1,
            external_user_id: None,
            namespace_id: None,
        }
    }

    /// Whatever the spelling, a client can find the whole metadata and its own id again.
    #[test]
    fn every_spelling_holds_everything() {
        let mut ways = std::collections::BTreeSet::new();
        for id in 0..40 {
            let mut record = record(&format!("m{id}"));
            if id % 2 == 0 {
                record.metadata.remove("odd key");
            }
            ways.insert(way(&record, Spelling::Mixed));
            let seen = item(&record, "a", Spelling::Mixed, Scene::Found).fields;
            let metadata = match &seen["metadata"] {
                Value::String(text) => serde_json::from_str(text).unwrap(),
                Value::Null => {
                    json!({"topics": seen["topics"], "customMetadata": seen["customMetadata"]})
                }
                object => object.clone(),
            };
            assert_eq!(metadata, Value::Object(record.metadata));
        }
        assert_eq!(ways.len(), 4, "all four come up");
    }
}
