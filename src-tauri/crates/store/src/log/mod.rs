//! Reading sled's files without sled, for a salvage: every record that can be read, whatever is damaged.
//!
//! sled 0.34 ends its recovery at the first message of its log that is not whole, or panics. Here each message
//! stands for itself: where one is damaged the next whole one is looked for, and of a damaged page each value
//! is kept whose own checksum fits. Nothing is written, nothing is mapped, and what is read is never trusted:
//! lengths are checked against what is there, and an entry counts only if its own checksum, which covers its
//! key, says so.
//!
//! The format, as sled 0.34.7 writes it: segments of [`SEGMENT_BYTES`], a header of 20 bytes each, then
//! messages `[CRC-32 u32][kind u8][length][segment number][page id][body]`. A body is a whole page or a link:
//! one change to a page. A page too long for the log stands in a file of its own in `blobs/`.

mod messages;
mod pages;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use papr_memory::ports::StoreError;

use crate::codec::Corrupt;
use crate::dump::Entry;
use crate::state::{self, State};
use crate::tree::Part;
use messages::{Kind, Message};

/// sled's segment size in every store of ours; see [`crate::open`].
pub(crate) const SEGMENT_BYTES: usize = 2 << 20;

/// The messages of a log, by page, oldest first.
pub(crate) struct Log {
    file: File,
    blobs: PathBuf,
    pages: BTreeMap<u64, Vec<Message>>,
    /// Whether everything between the first and the last message was whole.
    whole: bool,
}

/// What stands in a log.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The newest state that was found.
    pub(crate) state: Option<State>,
    /// Entries of all parts that are whole, and the sum of their checksums, as the state counts them.
    counted: State,
    /// Entries of all parts that are whole.
    pub(crate) entries: u64,
    /// Keys whose value is not whole and of which no older value was found either.
    pub(crate) unreadable: u64,
    /// Whether every message was whole.
    whole: bool,
}

impl Summary {
    /// Whether the log holds all that was saved up to change `mark`, by the store's own count.
    pub(crate) fn is_complete(&self, mark: Option<u64>) -> bool {
        self.state.is_some_and(|state| state.holds_what(&self.counted))
            && self.state.is_some_and(|state| state.changes >= mark.unwrap_or(0))
            && self.unreadable == 0
    }

    /// How many entries are missing at most; none if nobody can tell.
    pub(crate) fn missing(&self, mark: Option<u64>) -> Option<u64> {
        let state = self.state?;
        if self.is_complete(mark) {
            return Some(0);
        }
        if state.changes < mark.unwrap_or(0) || mark.is_none() && !self.whole {
            return None;
        }
        Some(state.entries().saturating_sub(self.entries).max(self.unreadable).max(1))
    }
}

impl Log {
    /// Finds the messages in the database's folder `db`. Fails if its log cannot be read at all.
    pub(crate) fn read(db: &Path) -> Result<Self, StoreError> {
        let path = db.join("db");
        let failed = |source| StoreError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        let (pages, whole) = messages::scan(&file).map_err(failed)?;
        Ok(Self { file, blobs: db.join("blobs"), pages, whole })
    }

    /// Calls `visit` with every whole entry of `part`, the state among those of the manifest.
    pub(crate) fn entries(
        &self,
        part: Part,
        visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each(&mut |page| {
            for (key, found) in page.current {
                if let Some((of, value)) = found
                    && of == part
                {
                    visit(Entry { part, key, value })?;
                }
            }
            Ok(())
        })
    }

    /// Calls `visit` with every whole entry of `part` that a later message took away or that stands in no
    /// page any more: deleted on purpose, or moved to a page that is lost.
    pub(crate) fn dropped(
        &self,
        part: Part,
        visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each(&mut |page| {
            page.dropped.into_iter().filter(|entry| entry.part == part).try_for_each(&mut *visit)
        })
    }

    /// Reads everything once.
    pub(crate) fn summary(&self) -> Result<Summary, StoreError> {
        let mut summary = Summary { whole: self.whole, ..Summary::default() };
        self.each(&mut |page| {
            for (key, found) in &page.current {
                match found {
                    None => summary.unreadable += 1,
                    Some((Part::Manifest, value)) if key == state::KEY => {
                        let newest = summary.state.map_or(0, |state| state.changes);
                        summary.state =
                            State::decode(value).ok().filter(|s| s.changes >= newest).or(summary.state);
                    }
                    Some((_, value)) => {
                        summary.entries += 1;
                        summary.counted.add(value);
                    }
                }
            }
            Ok(())
        })?;
        Ok(summary)
    }

    fn each(&self, visit: &mut dyn FnMut(pages::Page) -> Result<(), StoreError>) -> Result<(), StoreError> {
        for messages in self.pages.values() {
            let mut page = pages::Page::default();
            for message in messages {
                let body = match self.body(message) {
                    Ok(body) => body,
                    Err(error) => {
                        tracing::warn!(%error, "a page of the database cannot be read");
                        continue;
                    }
                };
                match message.kind {
                    Kind::Free => page.free(),
                    Kind::Node | Kind::BlobNode => page.replace(&body, message.whole),
                    Kind::Link | Kind::BlobLink => page.change(&body),
                }
            }
            visit(page)?;
        }
        Ok(())
    }

    fn body(&self, message: &Message) -> io::Result<Vec<u8>> {
        let body = messages::read_at(&self.file, message.body, message.length)?;
        if !matches!(message.kind, Kind::BlobNode | Kind::BlobLink) {
            return Ok(body);
        }
        let name: [u8; 8] = body.as_slice().try_into().map_err(|_| io::ErrorKind::InvalidData)?;
        // Its checksum and its kind come first; the values in it have their own.
        std::fs::read(self.blobs.join(i64::from_le_bytes(name).to_string()))
            .map(|blob| blob.get(5..).unwrap_or_default().to_vec())
    }
}

/// Which part of a store an entry belongs to, if it is whole.
///
/// sled's pages do not tell. Keys and the contents of values do: a value is of the part under whose rules it
/// can be read.
fn classify(key: &[u8], value: &[u8]) -> Result<Part, Corrupt> {
    let candidates: &[Part] = match key.len() {
        24 => &[Part::Vectors, Part::Manifest],
        16 => &[Part::Memories, Part::Tombstones, Part::Outbox, Part::Moves, Part::Links, Part::Manifest],
        _ => &[Part::Manifest],
    };
    let mut last = Corrupt::Malformed("key");
    for &part in candidates {
        match part.check(key, value) {
            Ok(()) => return Ok(part),
            Err(corrupt) => last = corrupt,
        }
    }
    Err(last)
}
