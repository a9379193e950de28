//! Import and export: JSON Lines, one memory a line.
//!
//! An import streams, goes on past bad lines and tells them by number, and may be repeated: what is there
//! already, by id or by text, is not added again.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use papr_memory::ports::{Store, StoreError};
use papr_memory::{CancelToken, Content, DEFAULT_KIND, Memory, MemoryId, Source, Tier, UnknownTier};
use serde::{Deserialize, Serialize};

use crate::{Engine, Error};

/// Memories written in one transaction.
const BATCH: usize = 250;
/// The longest line that is read; metadata included.
const MAX_LINE: u64 = 1024 * 1024;
/// How many bad lines are told one by one; the rest is counted.
const TOLD: usize = 100;

/// A line that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Memories added.
    pub added: u64,
    /// Lines whose memory was there already, by id or by text.
    pub already_there: u64,
    /// Lines that could not be imported.
    pub bad: u64,
    /// The first hundred of them.
    pub bad_lines: Vec<BadLine>,
}

/// What an export did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Memories written.
    pub memories: u64,
}

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
    metadata: std::collections::BTreeMap<String, serde_json::Value>,
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

impl Engine {
    /// Imports JSON Lines from `input`. `progress` is called with the number of lines read so far.
    ///
    /// A cancel keeps what was added until then.
    pub fn import(
        &self,
        input: &mut dyn BufRead,
        path: &Path,
        cancel: &CancelToken,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, Error> {
        let mut report = ImportReport::default();
        let mut known = self.known_texts()?;
        let mut batch: Vec<Memory> = Vec::with_capacity(BATCH);
        let mut line = Vec::new();
        let mut number = 0;
        while read_line(input, &mut line).map_err(|source| Error::File { path: path.to_owned(), source })? {
            cancel.check()?;
            number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match parse(&line, self.shared.clock.now()) {
                Ok(memory) if known.note(&memory) => batch.push(memory),
                Ok(_) => report.already_there += 1,
                Err(reason) => {
                    report.bad += 1;
                    if report.bad_lines.len() < TOLD {
                        report.bad_lines.push(BadLine { line: number, reason });
                    }
                }
            }
            if batch.len() == BATCH {
                self.insert_anew(&mut batch)?;
                report.added += batch.len() as u64;
                batch.clear();
                progress(number);
            }
        }
        self.insert_anew(&mut batch)?;
        report.added += batch.len() as u64;
        progress(number);
        Ok(report)
    }

    /// Writes all memories as JSON Lines, oldest first.
    pub fn export(&self, output: &mut dyn Write, path: &Path) -> Result<Exported, Error> {
        let file_error = |source| Error::File { path: path.to_owned(), source };
        let mut exported = Exported::default();
        let mut after = None;
        loop {
            let page = self.shared.store.page(after, BATCH)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for memory in page.iter().filter(|memory| self.shared.shows(memory)) {
                serde_json::to_writer(&mut *output, memory).map_err(|error| file_error(error.into()))?;
                output.write_all(b"\n").map_err(file_error)?;
                exported.memories += 1;
            }
        }
        output.flush().map_err(file_error)?;
        Ok(exported)
    }

    /// Inserts a batch. An id that waits among the tombstones was deleted here and is wanted again: it comes
    /// back as a new memory.
    fn insert_anew(&self, batch: &mut [Memory]) -> Result<(), Error> {
        loop {
            match self.insert(batch) {
                Err(Error::Store(StoreError::Conflict { id, .. })) => {
                    let Some(deleted) = batch.iter_mut().find(|memory| memory.id == id) else {
                        return Ok(());
                    };
                    deleted.id = MemoryId::new(deleted.created_at);
                }
                done => return done,
            }
        }
    }

    fn known_texts(&self) -> Result<Known, Error> {
        let mut known = Known::default();
        let mut after = None;
        loop {
            let page = self.shared.store.page(after, BATCH)?;
            let Some(last) = page.last() else { return Ok(known) };
            after = Some(last.id);
            for memory in &page {
                known.note(memory);
            }
        }
    }
}

/// Hashes of the ids and texts that are there. 128 bits of a text's hash would be exact enough for ever; 64
/// with a random key miss one import in a billion, and a miss is a line said to be there already.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    texts: HashSet<u64>,
    ids: HashSet<MemoryId>,
}

impl Known {
    /// Notes a memory; whether neither its id nor its text was known.
    fn note(&mut self, memory: &Memory) -> bool {
        let text = self.texts.insert(self.hasher.hash_one(memory.content.as_str()));
        let id = self.ids.insert(memory.id);
        text && id
    }
}

/// Reads up to and with the next line feed; false at the end. A line above [`MAX_LINE`] is skipped to its
/// end and comes back as too long to be valid.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
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
    memory.kind = line.kind.unwrap_or_else(|| match tier {
        Tier::Goals => "goal".to_owned(),
        Tier::Memories => DEFAULT_KIND.to_owned(),
    });
    memory.topics = line.topics;
    memory.metadata = line.metadata;
    memory.source = line.source.unwrap_or(Source::Import);
    if let Some(updated_at) = line.updated_at {
        memory.touch(updated_at);
    }
    Ok(memory)
}

/// What serde says, without the line number that is always 1.
fn explain(error: &serde_json::Error) -> String {
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
