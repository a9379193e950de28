//! Import and export: JSON Lines, Papr's Open Memory Objects, and Markdown to read.
//!
//! An import finds out by itself which it is, streams, goes on past what is bad and tells it by number, and may be
//! repeated: what is there already, by id or by text, is not added again.

mod lines;
mod markdown;
mod omo;
mod preview;
mod sniff;

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::Path;
use std::str::FromStr;

use papr_memory::ports::{Store, StoreError};
use papr_memory::{CancelToken, Memory, MemoryId};
use serde::{Deserialize, Serialize};

pub use self::preview::ImportPreview;
use crate::engine::Shared;
use crate::{Engine, Error};

/// Memories read or written in one transaction.
const BATCH: usize = 250;
/// How many bad lines are told one by one; the rest is counted.
const TOLD: usize = 100;

/// How memories are written to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON Lines: one memory a line, with everything that is known of it. Can be imported.
    #[default]
    Lines,
    /// Markdown: a heading, some facts and the text of each. To be read.
    Markdown,
    /// Open Memory Objects, as Papr's export has them. Can be imported, here and by Papr.
    Omo,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Lines => "lines",
            Format::Markdown => "markdown",
            Format::Omo => "omo",
        })
    }
}

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}: say \"lines\", \"markdown\" or \"omo\"")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.trim().to_ascii_lowercase().as_str() {
            "lines" => Ok(Format::Lines),
            "markdown" => Ok(Format::Markdown),
            "omo" => Ok(Format::Omo),
            _ => Err(UnknownFormat(word.to_owned())),
        }
    }
}

/// A line that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Counted from 1; among Open Memory Objects the number of the object.
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

/// Hears of each memory of a file, or of why it is none, by its number.
type Each<'a> = dyn FnMut(u64, Result<Memory, String>) -> Result<(), Error> + 'a;

impl Engine {
    /// Imports what [`Engine::export_as`] writes as [`Format::Lines`] or [`Format::Omo`], or Papr's own export.
    /// `progress` is called with the number of lines or objects read so far.
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
        let (_, read) = self.read_each(input, path, &mut |number, memory| {
            cancel.check()?;
            match memory {
                Ok(memory) if known.note(&memory) => batch.push(memory),
                Ok(_) => report.already_there += 1,
                Err(reason) => tell(&mut report.bad, &mut report.bad_lines, number, reason),
            }
            if batch.len() == BATCH {
                self.insert_anew(&mut batch)?;
                report.added += batch.len() as u64;
                batch.clear();
                progress(number);
            }
            Ok(())
        })?;
        self.insert_anew(&mut batch)?;
        report.added += batch.len() as u64;
        progress(read);
        Ok(report)
    }

    /// Writes all memories as JSON Lines, oldest first.
    pub fn export(&self, output: &mut dyn Write, path: &Path) -> Result<Exported, Error> {
        self.export_as(Format::Lines, None, output, path)
    }

    /// Writes these memories in this order, or all, oldest first. Those that are not there are passed over.
    pub fn export_as(
        &self,
        format: Format,
        ids: Option<&[MemoryId]>,
        output: &mut dyn Write,
        path: &Path,
    ) -> Result<Exported, Error> {
        let file_error = |source| Error::File { path: path.to_owned(), source };
        let mut exported = Exported::default();
        begin(format, output).map_err(file_error)?;
        each_of(&self.shared, ids, &mut |memory| {
            let first = exported.memories == 0;
            exported.memories += 1;
            write_one(format, memory, first, output).map_err(file_error)
        })?;
        let written = end(format, exported.memories, output).and_then(|()| output.flush());
        written.map_err(file_error)?;
        Ok(exported)
    }

    /// The same into a file: written beside it, synced and then renamed, so that what was there under its name stays
    /// until the new one is whole. Half a file helps nobody and is removed.
    pub fn export_to(
        &self,
        format: Format,
        ids: Option<&[MemoryId]>,
        path: &Path,
    ) -> Result<Exported, Error> {
        let file_error = |source| Error::File { path: path.to_owned(), source };
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let write = || {
            let mut output = BufWriter::new(File::create(&part).map_err(file_error)?);
            let exported = self.export_as(format, ids, &mut output, path)?;
            let file = output.into_inner().map_err(|error| file_error(error.into_error()))?;
            file.sync_all().and_then(|()| fs::rename(&part, path)).map_err(file_error)?;
            Ok(exported)
        };
        write().inspect_err(|_| drop(fs::remove_file(&part)))
    }

    /// Reads every memory of a file; returns the format that it is in, and how many lines or objects there were.
    fn read_each(
        &self,
        input: &mut dyn BufRead,
        path: &Path,
        each: &mut Each<'_>,
    ) -> Result<(Format, u64), Error> {
        let now = self.shared.clock.now();
        let begun = sniff::sniff(input).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let mut input = begun.head.as_slice().chain(input);
        let read = match begun.format {
            Format::Omo => omo::read(&mut input, path, now, each)?,
            _ => lines::read(&mut input, path, begun.blank, now, each)?,
        };
        Ok((begun.format, read))
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

/// Visits these memories, or all there are, oldest first.
fn each_of(
    shared: &Shared,
    ids: Option<&[MemoryId]>,
    visit: &mut dyn FnMut(&Memory) -> Result<(), Error>,
) -> Result<(), Error> {
    if let Some(ids) = ids {
        for &id in ids {
            shared.shown(id)?.iter().try_for_each(&mut *visit)?;
        }
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = shared.store.page(after, BATCH)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.iter().filter(|memory| shared.shows(memory)).try_for_each(&mut *visit)?;
    }
}

fn begin(format: Format, output: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Lines => Ok(()),
        Format::Markdown => markdown::begin(output),
        Format::Omo => omo::begin(output),
    }
}

fn write_one(format: Format, memory: &Memory, first: bool, output: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Lines => lines::write(memory, output),
        Format::Markdown => markdown::write(memory, output),
        Format::Omo => omo::write(memory, first, output),
    }
}

fn end(format: Format, memories: u64, output: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Lines | Format::Markdown => Ok(()),
        Format::Omo => omo::end(memories, output),
    }
}

/// Counts a bad line, and tells it if not too many were told.
fn tell(bad: &mut u64, bad_lines: &mut Vec<BadLine>, line: u64, reason: String) {
    *bad += 1;
    if bad_lines.len() < TOLD {
        bad_lines.push(BadLine { line, reason });
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
