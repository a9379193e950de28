//! What is sent of a memory: what the API can be told, and what Papr will have then.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use papr_memory::{Memory, Parts, Tier};
use serde_json::{Map, Value};

/// The types that Papr's API takes.
const KINDS: [&str; 3] = ["text", "code_snippet", "document"];
/// The categories.
const CATEGORIES: [&str; 7] = ["preference", "task", "goal", "fact", "context", "skills", "learning"];

/// What is sent of a memory; `None` is not named.
#[derive(Clone, PartialEq)]
pub struct Outgoing {
    /// The text.
    pub content: Option<String>,
    /// The type, one of those the API takes.
    pub kind: Option<String>,
    /// The topics; goes with the metadata.
    pub topics: Vec<String>,
    /// The metadata, as far as the API can be told of it, without `client_id`.
    pub metadata: Option<BTreeMap<String, Value>>,
    /// What goes into the metadata as `customMetadata.client_id`.
    pub client_id: Option<String>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Outgoing {
    /// The whole memory, as a new one. Of the tiers, Papr is told by the category "goal": it has no other way.
    pub fn whole(memory: &Memory, client_id: String) -> Self {
        let mut metadata = tellable(&memory.metadata);
        if memory.tier == Tier::Goals {
            metadata.entry("category".to_owned()).or_insert_with(|| "goal".into());
        }
        Self {
            content: Some(memory.content.as_str().to_owned()),
            kind: kind(memory),
            topics: memory.topics.clone(),
            metadata: Some(metadata),
            client_id: Some(client_id),
        }
    }

    /// What changed since `agreed`; `None` if that is nothing the API can be told of.
    pub fn changes(memory: &Memory, agreed: &Parts, client_id: Option<&str>) -> Option<Self> {
        let now = Parts::of(memory);
        let content = (now.content != agreed.content).then(|| memory.content.as_str().to_owned());
        let kind = (now.kind != agreed.kind).then(|| kind(memory)).flatten();
        let about = now.topics != agreed.topics || now.metadata != agreed.metadata;
        let metadata = about.then(|| tellable(&memory.metadata));
        let something = content.is_some() || kind.is_some() || about;
        something.then(|| Self {
            content,
            kind,
            topics: memory.topics.clone(),
            metadata,
            client_id: client_id.map(str::to_owned),
        })
    }

    /// The digests of what Papr has once this is done, and had `before`.
    pub fn then(&self, before: Parts) -> Parts {
        let about = self.metadata.as_ref();
        Parts {
            content: self.content.as_deref().map_or(before.content, Parts::text),
            kind: self.kind.as_deref().map_or(before.kind, Parts::text),
            topics: about.map_or(before.topics, |_| Parts::list(&self.topics)),
            metadata: about.map_or(before.metadata, Parts::map),
        }
    }

    /// The bytes of its text and metadata as JSON, roughly and never too few.
    pub(crate) fn weight(&self) -> usize {
        let about =
            self.metadata.as_ref().map_or(0, |map| serde_json::to_vec(map).map_or(0, |json| json.len()));
        let topics: usize = self.topics.iter().map(|topic| topic.len() * 2 + 4).sum();
        let text =
            self.content.as_ref().map_or(0, |text| serde_json::to_vec(text).map_or(0, |json| json.len()));
        text + about + topics + 300
    }
}

fn kind(memory: &Memory) -> Option<String> {
    KINDS.contains(&memory.kind.as_str()).then(|| memory.kind.clone())
}

/// The metadata that Papr's API takes: its own fields in their forms, values of one's own that are flat.
fn tellable(metadata: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let told = metadata.iter().filter_map(|(key, value)| {
        let word = |of: &[&str]| value.as_str().filter(|word| of.contains(word)).map(Value::from);
        let value = match key.as_str() {
            "role" => word(&["user", "assistant"])?,
            "category" => word(&CATEGORIES)?,
            "location" | "sourceUrl" | "sourceType" | "conversationId" => value.as_str()?.into(),
            "createdAt" => value.as_str()?.parse::<Timestamp>().ok()?.to_string().into(),
            "customMetadata" => Value::Object(flat(value)?),
            "topics" => return None,
            _ if value.is_null() => return None,
            _ => value.clone(),
        };
        Some((key.clone(), value))
    });
    told.collect()
}

fn flat(custom: &Value) -> Option<Map<String, Value>> {
    let fits = |value: &Value| match value {
        Value::Array(list) => list.iter().all(Value::is_string),
        value => value.is_string() || value.is_number() || value.is_boolean(),
    };
    let map = custom.as_object()?;
    let flat: Map<_, _> = map
        .iter()
        .filter(|(key, value)| key.as_str() != "client_id" && fits(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!flat.is_empty()).then_some(flat)
}

#[cfg(test)]
mod tests {
    use papr_memory::Content;
    use serde_json::json;

    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory::new(Content::new("x").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        memory.metadata = serde_json::from_value(json!({
            "role": "user", "category": "facts", "createdAt": "2026-11-20T10:11:12+00:00", "location": 7,
            "customMetadata": {"client_id": "other", "deep": {"a": 1}, "flat": 1}, "odd key": {"deep": [1]},
        }))
        .unwrap();
        memory
    }

    #[test]
    fn only_what_the_api_takes_is_sent() {
        let sent = Outgoing::whole(&memory(), "c".to_owned());
        let expected = json!({
            "role": "user", "category": "goal", "createdAt": "2026-11-20T10:11:12Z",
            "customMetadata": {"flat": 1}, "odd key": {"deep": [1]},
        });
        assert_eq!(serde_json::to_value(sent.metadata).unwrap(), expected, "422 would refuse the rest");
        assert_eq!(sent.kind, None, "the API does not know the type \"goal\"");
    }

    #[test]
    fn an_update_names_what_changed_and_no_more() {
        let before = memory();
        let agreed = Parts::of(&before);
        assert_eq!(Outgoing::changes(&before, &agreed, None), None, "nothing changed, nothing is sent");
        let moved = Memory { tier: Tier::Memories, ..before.clone() };
        assert_eq!(Outgoing::changes(&moved, &agreed, None), None, "Papr cannot be told of a move");
        let edited = Memory { content: Content::new("y").unwrap(), ..before };
        let sent = Outgoing::changes(&edited, &agreed, Some("c")).unwrap();
        assert_eq!((sent.content.as_deref(), sent.metadata.is_none()), (Some("y"), true));
        let then = sent.then(agreed);
        assert_eq!((then.content, then.metadata), (Parts::text("y"), agreed.metadata));
    }
}
