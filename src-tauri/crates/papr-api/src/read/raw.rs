//! One item of a list, before it is known to be a memory.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::read::embedding::{Embedding, Floats};

/// An object's fields, with its vector read straight into floats: as JSON values, 2,560 numbers would take eight
/// times the room.
///
/// Reading one fails only on what is not JSON; what is no object is a value of its own. So no message of the JSON
/// library about an unexpected value, which would repeat that value, can come about.
#[derive(Debug)]
pub(crate) enum Raw {
    Object { fields: Map<String, Value>, embedding: Option<Embedding>, flaw: Option<&'static str> },
    NotAnObject,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut fields = Map::new();
        let (mut floats, mut int8, mut flaw) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "embedding" => match map.next_value()? {
                    Floats::Values(values) => floats = Some(Embedding::from_floats(values)),
                    Floats::Unreadable => flaw = Some("embedding"),
                    Floats::Absent => {}
                },
                "embedding_int8" | "embeddingInt8" => match map.next_value()? {
                    Floats::Values(values) => {
                        int8 = Embedding::from_int8(values);
                        flaw = if int8.is_none() { Some("embedding_int8") } else { flaw };
                    }
                    Floats::Unreadable => flaw = Some("embedding_int8"),
                    Floats::Absent => {}
                },
                _ => {
                    fields.insert(key, map.next_value()?);
                }
            }
        }
        Ok(Raw::Object { fields, embedding: floats.or(int8), flaw })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Raw::NotAnObject)
    }

    fn visit_unit<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::NotAnObject)
    }
}
