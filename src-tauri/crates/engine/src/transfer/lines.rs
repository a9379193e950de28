//! JSON Lines: one memory a line, with everything that is known of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use papr_memory::{Content, Memory, MemoryId, Source, Tier, UnknownTier};
use serde::Deserialize;
use serde_json::Value;

use super::Each;
use crate::Error;

/// The longest line that is read; metadata included.
pub(super) const MAX_LINE: u64 = 1024 * 1024;

/// A line of an import: `content`, and what an export writes besides. Papr's ids and the account are not taken
/// over: an imported memory is local until sync adopts it.
#[derive(Deserialize)]
struct Line {
    content: Content,
    id: Option<MemoryId>,
    #[serde(rename = "type")]
    kind: Option<String>,
    tier: Option<TierField>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
    source: Option<Source>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

/// A tier by name or by number.
#[derive(Deserialize)]
#[serde(untagged)]
enum TierField {
    Name(String),
    Number(u8),
}

impl TierField {
    fn read(self) -> Result<Tier, UnknownTier> {
        match self {
            TierField::Name(name) => name.parse(),
            TierField::Number(number) => number.to_string().parse(),
        }
    }
}

/// Reads lines to the end; returns how many there were, those before them counted as `before`.
pub(super) fn read(
    input: &mut dyn BufRead,
    path: &Path,
    before: u64,
    now: Timestamp,
    each: &mut Each<'_>,
) -> Result<u64, Error> {
    let mut line = Vec::new();
    let mut number = before;
    while read_line(input, &mut line).map_err(|source| Error::File { path: path.to_owned(), source })? {
        number += 1;
        if !is_blank(&line) {
            each(number, parse(&line, now))?;
        }
    }
    Ok(number)
}

/// Writes a memory and the end of its line.
pub(super) fn write(memory: &Memory, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, memory)?;
    output.write_all(b"\n")
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// Reads up to and with the next line feed; false at the end. A line above [`MAX_LINE`] is skipped to its
/// end and comes back as too long to be valid.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.take(MAX_LINE).read_until(b'\n', line)?;
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn parse(line: &[u8], now: Timestamp) -> Result<Memory, String> {
    if line.len() as u64 == MAX_LINE {
        return Err(format!("the line is longer than {MAX_LINE} bytes"));
    }
    let text = str::from_utf8(line).map_err(|error| format!("not UTF-8: {error}"))?;
    let line: Line =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| explain(&error))?;
    let tier = line.tier.map_or(Ok(Tier::Memories), TierField::read).map_err(|error| error.to_string())?;
    let mut memory = Memory::new(line.content, tier, line.created_at.unwrap_or(now));
    memory.id = line.id.unwrap_or(memory.id);
    memory.kind = line.kind.unwrap_or(memory.kind);
    memory.topics = line.topics;
    memory.metadata = line.metadata;
    memory.source = line.source.unwrap_or(Source::Import);
    if let Some(updated_at) = line.updated_at {
        memory.touch(updated_at);
    }
    Ok(memory)
}

/// What serde says, without the line number that is always 1.
pub(super) fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let reason = &text[..end];
    match error.classify() {
        serde_json::error::Category::Data => reason.to_owned(),
        _ => format!("not valid JSON: {reason} at column {}", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(line: &[u8]) -> String {
        parse(line, Timestamp::UNIX_EPOCH).unwrap_err()
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        assert!(reason(b"{\"content\": \"a\"").contains("not valid JSON"), "broken JSON");
        assert!(reason(b"\xff\xfe").contains("not UTF-8"));
        assert!(reason(b"{\"content\": \"\"}").contains("cannot be empty"));
        assert!(reason(b"{\"text\": \"a\"}").contains("missing field `content`"));
        assert!(reason(b"{\"content\": \"a\", \"tier\": \"shelf\"}").contains("unknown tier \"shelf\""));
        let long = format!("{{\"content\": \"{}\"}}", "x".repeat(15_001));
        assert!(reason(long.as_bytes()).contains("15001 bytes"));
    }

    #[test]
    fn lines_take_little_or_much() {
        let memory = parse(b"{\"content\": \"a\", \"tier\": 0}\n", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((memory.tier, memory.kind.as_str()), (Tier::Goals, "goal"), "a goal is of type goal");
        assert_eq!(memory.source, Source::Import);
        let mut full = memory.clone();
        full.topics = vec!["x".to_owned()];
        full.metadata.insert("unknown key".to_owned(), serde_json::json!({"deep": [1, null]}));
        let line = serde_json::to_string(&full).unwrap();
        assert_eq!(parse(line.as_bytes(), Timestamp::MAX).unwrap(), full, "an export comes back as it was");
    }

    #[test]
    fn an_endless_line_is_skipped_and_told() {
        let mut input = vec![b'x'; 3 * 1024 * 1024];
        input.extend_from_slice(b"\n{\"content\": \"after\"}\n");
        let mut input = input.as_slice();
        let mut line = Vec::new();
        assert!(read_line(&mut input, &mut line).unwrap());
        assert!(reason(&line).contains("longer than"));
        assert!(read_line(&mut input, &mut line).unwrap());
        assert!(parse(&line, Timestamp::UNIX_EPOCH).is_ok(), "the next line is read as if nothing had been");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_memory_or_a_reason(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line, Timestamp::UNIX_EPOCH);
        }
    }
}
