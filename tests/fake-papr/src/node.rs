//! A reply's JSON before it is written: lists of memories stay lists of memories, so that faults can reorder,
//! repeat and drop them, and vectors are text already.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One memory in a reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) fields: Map<String, Value>,
    /// The key it goes by, and the array.
    pub(crate) vector: Option<(&'static str, Box<RawValue>)>,
}

/// A part of a reply.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Value(Value),
    Items(Vec<Item>),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// An object of these entries, in this order.
    pub(crate) fn object<const N: usize>(entries: [(&str, Node); N]) -> Self {
        Self::Object(entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Vec<Item>> for Node {
    fn from(items: Vec<Item>) -> Self {
        Self::Items(items)
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in &self.fields {
            map.serialize_entry(key, value)?;
        }
        if let Some((key, vector)) = &self.vector {
            map.serialize_entry(key, vector)?;
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Items(items) => items.serialize(serializer),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, node) in entries {
                    map.serialize_entry(key, node)?;
                }
                map.end()
            }
        }
    }
}
