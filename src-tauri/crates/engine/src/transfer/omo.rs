//! Open Memory Objects: the form in which Papr gives memories away and takes them, one JSON document.
//!
//! An object has `content`, `type`, `createdAt`, `updatedAt`, `consent`, `risk`, `acl`, `topics` and, under `ext`, what
//! is Papr's own. What this app adds there is the tier and its own id, so that a memory keeps both.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::path::Path;

use jiff::Timestamp;
use papr_memory::{Content, Memory, Source, Tier};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use super::{Each, lines};
use crate::Error;

/// Keys of `ext`.
const OBJECT_ID: &str = "papr:objectId";
const METADATA: &str = "papr:metadata";
const TIER: &str = "papr:tier";
const CLIENT_ID: &str = "papr:clientId";

/// Types that stand among the goals where no tier is told.
const GOALS: [&str; 3] = ["goal", "okr", "use_case"];

pub(super) fn begin(output: &mut dyn Write) -> io::Result<()> {
    output.write_all(b"{\"code\":200,\"status\":\"success\",\"error\":null,\"memories\":[")
}

/// Writes a memory on a line of its own.
pub(super) fn write(memory: &Memory, first: bool, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(if first { b"\n" } else { b",\n" })?;
    Ok(serde_json::to_writer(output, &object(memory))?)
}

pub(super) fn end(memories: u64, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "\n],\"count\":{memories}}}")
}

fn object(memory: &Memory) -> Value {
    let remote = memory.remote.as_ref();
    json!({
        "id": remote.map_or_else(|| memory.id.to_string(), |remote| remote.id.clone()),
        "content": memory.content.as_str(),
        "type": memory.kind,
        "createdAt": memory.created_at,
        "updatedAt": memory.updated_at,
        "createdBy": "user",
        "consent": "implicit",
        "risk": "none",
        "acl": { "read": [], "write": [] },
        "topics": memory.topics,
        "ext": {
            OBJECT_ID: remote.and_then(|remote| remote.object_id.as_deref()),
            METADATA: memory.metadata,
            TIER: memory.tier.number(),
            CLIENT_ID: memory.id,
        },
    })
}

/// Reads every object of a document; returns how many there were. Where it stops being JSON, that is told as the next
/// object's fault.
pub(super) fn read(
    input: &mut dyn BufRead,
    path: &Path,
    now: Timestamp,
    each: &mut Each<'_>,
) -> Result<u64, Error> {
    let mut objects = Objects { now, number: 0, failed: None, each };
    let mut input = skip_mark(input).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let mut document = serde_json::Deserializer::from_reader(&mut input);
    let read = document.deserialize_any(&mut objects).and_then(|()| document.end());
    if let Some(failed) = objects.failed {
        return Err(failed);
    }
    let mut number = objects.number;
    match read {
        Err(error) if error.is_io() => Err(Error::File { path: path.to_owned(), source: error.into() }),
        Err(error) => {
            number += 1;
            let line = error.line();
            (objects.each)(number, Err(format!("{} on line {line}", lines::explain(&error))))?;
            Ok(number)
        }
        Ok(()) => Ok(number),
    }
}

/// Passes over a byte order mark.
fn skip_mark(input: &mut dyn BufRead) -> io::Result<&mut dyn BufRead> {
    if input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        input.consume("\u{feff}".len());
    }
    Ok(input)
}

/// Sees the objects of a document, wherever they stand in it.
struct Objects<'a, 'b> {
    now: Timestamp,
    number: u64,
    /// Why whoever hears of them wants to hear no more.
    failed: Option<Error>,
    each: &'a mut Each<'b>,
}

impl<'de> Visitor<'de> for &mut Objects<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of memories, or an object with one")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "memories" {
                map.next_value_seed(&mut *self)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element::<Value>()? {
            self.number += 1;
            if let Err(failed) = (self.each)(self.number, memory(object, self.now)) {
                self.failed = Some(failed);
                return Err(serde::de::Error::custom("nobody hears of the rest"));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Objects<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The memory that an object is of. What is no time, no topic or no metadata is passed over; without a text there is
/// no memory.
fn memory(object: Value, now: Timestamp) -> Result<Memory, String> {
    let Value::Object(mut object) = object else { return Err("it is no object".to_owned()) };
    let Some(Value::String(content)) = object.remove("content") else {
        return Err("missing field `content`".to_owned());
    };
    let content = Content::new(content).map_err(|error| error.to_string())?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let time = |key: &str| text(key).and_then(|time| time.parse::<Timestamp>().ok());
    let ext = |key: &str| object.get("ext").and_then(|ext| ext.get(key));
    let kind = text("type").filter(|kind| !kind.trim().is_empty());
    let tier = ext(TIER).and_then(Value::as_u64);
    let tier = tier.and_then(|number| Tier::ALL.into_iter().find(|tier| u64::from(tier.number()) == number));
    let of_kind = if kind.is_some_and(|kind| GOALS.contains(&kind)) { Tier::Goals } else { Tier::Memories };
    let mut memory = Memory::new(content, tier.unwrap_or(of_kind), time("createdAt").unwrap_or(now));
    let id = ext(CLIENT_ID).and_then(Value::as_str).and_then(|id| id.parse().ok());
    memory.id = id.unwrap_or(memory.id);
    memory.kind = kind.map_or(memory.kind, str::to_owned);
    memory.topics = strings(object.get("topics"));
    memory.metadata = ext(METADATA).and_then(Value::as_object).map_or_else(BTreeMap::new, |metadata| {
        metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    });
    memory.source = Source::Import;
    if let Some(updated_at) = time("updatedAt") {
        memory.touch(updated_at);
    }
    Ok(memory)
}

fn strings(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<Result<Memory, String>>;

    fn read_all(document: &str) -> (u64, Read) {
        let mut all = Vec::new();
        let mut each = |_: u64, memory| {
            all.push(memory);
            Ok(())
        };
        let path = Path::new("-");
        let count = read(&mut document.as_bytes(), path, Timestamp::UNIX_EPOCH, &mut each).unwrap();
        (count, all)
    }

    #[test]
    fn a_memory_goes_out_and_comes_back() {
        let mut memory =
            Memory::new(Content::new("Łódź\n\"x\" 🙂").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        memory.kind = "use case".to_owned();
        memory.topics = vec!["a".to_owned(), "b".to_owned()];
        memory.metadata.insert("deep".to_owned(), json!({"n": [1, null]}));
        memory.source = Source::Import;
        let mut file = Vec::new();
        begin(&mut file).unwrap();
        write(&memory, true, &mut file).unwrap();
        write(&memory, false, &mut file).unwrap();
        end(2, &mut file).unwrap();
        let document: Value = serde_json::from_slice(&file).unwrap();
        assert_eq!((&document["count"], &document["code"]), (&json!(2), &json!(200)), "as Papr's export is");
        let (count, all) = read_all(str::from_utf8(&file).unwrap());
        assert_eq!((count, &all[1]), (2, &Ok(memory)));
    }

    #[test]
    fn what_papr_exports_is_read() {
        let (_, all) = read_all(
            r#"{"code": 200, "count": 4, "memories": [
                {"id": "not a uuid", "content": "Ship it", "type": "goal", "createdAt": "2026-11-01T09:00:00Z",
                 "topics": ["work", 7], "ext": {"papr:metadata": {"role": "user"}}, "unheard of": 1},
                {"content": "tea", "type": "text", "createdAt": "yesterday", "topics": null, "ext": null},
                {"type": "text"}, 5
            ], "error": null}"#,
        );
        let goal = all[0].as_ref().unwrap();
        assert_eq!((goal.tier, goal.topics.as_slice()), (Tier::Goals, &["work".to_owned()][..]));
        assert_eq!(goal.created_at, "2026-11-01T09:00:00Z".parse().unwrap());
        assert_eq!(goal.metadata["role"], "user");
        assert_eq!(all[1].as_ref().unwrap().tier, Tier::Memories);
        assert!(all[2].as_ref().unwrap_err().contains("content") && all[3].is_err());
    }

    #[test]
    fn a_document_that_is_cut_gives_what_is_there() {
        let (count, all) = read_all("[{\"content\": \"a\"}, {\"content\": \"b\"},\n {\"content\": ");
        assert_eq!(count, 3);
        assert!(all[0].is_ok() && all[1].is_ok());
        let reason = all[2].as_ref().unwrap_err();
        assert!(reason.contains("not valid JSON") && reason.contains("on line 2"), "{reason}");
    }
}
