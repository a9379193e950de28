//! Faults of a reply's content: other order, twice, left out, another spelling, not JSON.

use serde_json::{Value, json};

use crate::faults::{Drift, Fault, Garble, Plan};
use crate::node::{Item, Node};

/// Spellings that stand for each other.
const SPELLINGS: &[(&str, &str)] = &[
    ("memoryId", "memory_id"),
    ("objectId", "object_id"),
    ("createdAt", "created_at"),
    ("updatedAt", "updated_at"),
    ("memoryChunkIds", "memory_chunk_ids"),
    ("customMetadata", "custom_metadata"),
    ("nextCursor", "next_cursor"),
    ("hasMore", "has_more"),
    ("sourceUrl", "source_url"),
    ("conversationId", "conversation_id"),
];

/// Changes a reply before it is written.
pub(crate) fn content(plan: &Plan, body: &mut Node) {
    for (place, fault) in plan.faults.iter().enumerate() {
        let mut dice = plan.dice(place as u64);
        match fault {
            Fault::Reorder => each_list(body, &mut |items| dice.shuffle(items)),
            Fault::Missing { share } => each_list(body, &mut |items| items.retain(|_| dice.unit() >= *share)),
            Fault::Duplicate { share } => each_list(body, &mut |items| {
                let twice: Vec<Item> = items.iter().filter(|_| dice.unit() < *share).cloned().collect();
                for item in twice {
                    items.insert(dice.below(items.len() + 1), item);
                }
            }),
            Fault::Drift { how } if how.is_empty() => {
                drift(body, &[Drift::UnknownFields, Drift::StringsForNumbers, Drift::Renamed]);
            }
            Fault::Drift { how } => drift(body, how),
            _ => {}
        }
    }
}

/// Changes a reply after it is written.
pub(crate) fn text(plan: &Plan, bytes: Vec<u8>) -> Vec<u8> {
    let Some(how) = plan.find(|fault| if let Fault::WrongJson { how } = fault { Some(*how) } else { None })
    else {
        return bytes;
    };
    let all = [Garble::Truncated, Garble::Html, Garble::Trailing, Garble::WrongRoot];
    let mut dice = plan.dice(100);
    match how.unwrap_or_else(|| all[dice.below(all.len())]) {
        Garble::Truncated => bytes[..bytes.len() / 2].to_vec(),
        Garble::Html => b"<html><body><h1>502 Bad Gateway</h1></body></html>".to_vec(),
        Garble::Trailing => [&bytes, b"{\"code\":".as_slice()].concat(),
        Garble::WrongRoot => [b"[".as_slice(), &bytes, b"]"].concat(),
    }
}

fn each_list(node: &mut Node, change: &mut impl FnMut(&mut Vec<Item>)) {
    match node {
        Node::Value(_) => {}
        Node::Items(items) => change(items),
        Node::Object(entries) => entries.iter_mut().for_each(|(_, node)| each_list(node, change)),
    }
}

fn drift(node: &mut Node, how: &[Drift]) {
    match node {
        Node::Value(value) => drift_value(value, how),
        Node::Items(items) => {
            for item in items {
                let mut fields = Value::Object(std::mem::take(&mut item.fields));
                drift_value(&mut fields, how);
                if let Value::Object(fields) = fields {
                    item.fields = fields;
                }
            }
        }
        Node::Object(entries) => {
            for (key, node) in entries.iter_mut() {
                drift(node, how);
                if how.contains(&Drift::Renamed) {
                    respell(key);
                }
            }
            if how.contains(&Drift::UnknownFields) {
                entries
                    .push(("schema_revision".to_owned(), Node::Value(json!({ "major": 3, "tags": ["β"] }))));
            }
        }
    }
}

/// The content of memories stays as it is: `metadata` and what is below it is the user's.
fn drift_value(value: &mut Value, how: &[Drift]) {
    match value {
        Value::Number(number) if how.contains(&Drift::StringsForNumbers) => {
            *value = Value::String(number.to_string());
        }
        Value::Array(list) => list.iter_mut().for_each(|value| drift_value(value, how)),
        Value::Object(map) => {
            for (mut key, mut value) in std::mem::take(map) {
                if key != "metadata" && key != "customMetadata" {
                    drift_value(&mut value, how);
                }
                if how.contains(&Drift::Renamed) {
                    respell(&mut key);
                }
                map.insert(key, value);
            }
            if how.contains(&Drift::UnknownFields) {
                map.insert("x_lineage".to_owned(), json!([{ "hop": null, "via": "graph" }]));
            }
        }
        _ => {}
    }
}

fn respell(key: &mut String) {
    for (one, other) in SPELLINGS {
        if key == one {
            (*other).clone_into(key);
        } else if key == other {
            (*one).clone_into(key);
        } else {
            continue;
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_leaves_what_the_user_wrote() {
        let mut node = Node::object([("code", json!(200).into()), ("next_cursor", Value::Null.into())]);
        let fields = json!({"memoryId": "a", "metadata": {"n": 1}, "score": 0.5});
        let Value::Object(fields) = fields else { panic!("an object") };
        if let Node::Object(entries) = &mut node {
            entries.push(("items".to_owned(), vec![Item { fields, vector: None }].into()));
        }
        drift(&mut node, &[Drift::UnknownFields, Drift::StringsForNumbers, Drift::Renamed]);
        let seen = serde_json::to_value(&node).unwrap();
        assert_eq!(seen["code"], "200");
        assert!(seen.get("nextCursor").is_some() && seen.get("schema_revision").is_some(), "{seen}");
        assert_eq!(seen["items"][0]["memory_id"], "a");
        assert_eq!(seen["items"][0]["metadata"]["n"], 1);
        assert_eq!(seen["items"][0]["score"], "0.5");
    }
}
