//! One file from the hub into a folder: resumed, bounded in its attempts, compared with its hash.
//!
//! In the folder are `<name>.part` while the file grows, `<name>` when it is complete, and `<name>.note` beside
//! both. What can happen, in the order it is looked at:
//!
//! | what | then |
//! |---|---|
//! | complete already, the note speaks of the same content | taken |
//! | a part whose note speaks of another content, or none | from the first byte |
//! | the hub now tells another tag | its new facts are taken, from the first byte; refused if the file is pinned |
//! | 206 from another place, or of another size, or with another tag | from the first byte |
//! | 200 to a range | from the first byte, in this very answer |
//! | 416 | taken if the size is right, else from the first byte |
//! | broken, stalled, cut, 429, 5xx | a wait, then the rest; given up after some failures without a byte |
//! | wrong bytes | deleted, once more, then an error |
//! | full disk, a stop | what is there stays |

mod part;
mod sidecar;

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Url;
use reqwest::header::{CONTENT_RANGE, ETAG};

use crate::ModelError;
use crate::files::{length, remove_file};
use crate::hub::facts::FileFacts;
use crate::hub::fetch::{Fault, Fetch, Fetched, Rest};
use crate::hub::headers::{ContentRange, EntityTag};
use part::Part;
pub(crate) use sidecar::Sidecar;

/// Attempts altogether, even if each brought some bytes.
const MOST_ATTEMPTS: u32 = 200;

/// Where a file of a model lies while it is fetched.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// When it is complete.
    pub(crate) whole: PathBuf,
    part: PathBuf,
    note: PathBuf,
}

impl Places {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let path = |end: &str| folder.join(format!("{name}{end}"));
        Self { whole: path(""), part: path(".part"), note: path(".note") }
    }

    /// Bytes that are there.
    pub(crate) fn bytes(&self) -> Result<u64, ModelError> {
        Ok(match length(&self.whole)? {
            Some(bytes) => bytes,
            None => length(&self.part)?.unwrap_or(0),
        })
    }

    /// The note of a complete file.
    pub(crate) fn complete(&self) -> Result<Option<Sidecar>, ModelError> {
        let whole = length(&self.whole)?;
        let note = Sidecar::read(&self.note)?;
        Ok(note.filter(|note| note.complete.is_some() && whole.is_some()))
    }

    /// Drops the file in any form.
    pub(crate) fn clear(&self) -> Result<(), ModelError> {
        remove_file(&self.whole)?;
        remove_file(&self.part)?;
        remove_file(&self.note)
    }

    /// Puts a complete part in its place; `sha256` is that of its bytes.
    pub(crate) fn complete_with(&self, mut note: Sidecar, sha256: &str) -> Result<(), ModelError> {
        note.complete = Some(sha256.to_owned());
        note.write(&self.note)?;
        fs::rename(&self.part, &self.whole).map_err(ModelError::at(&self.whole))
    }

    /// Where the bytes of a copy go before they are known to be right.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    /// Drops what a download left that does not speak of `facts`.
    pub(crate) fn keep_only(&self, url: &Url, facts: &FileFacts) -> Result<(), ModelError> {
        let usable = Sidecar::read(&self.note)?.is_some_and(|note| note.speaks_of(url, facts));
        if usable { Ok(()) } else { self.clear() }
    }
}

/// A file that is to be fetched.
pub(crate) struct Download<'a> {
    pub(crate) fetch: Fetch<'a>,
    pub(crate) places: Places,
    pub(crate) url: Url,
    /// What the catalogue pins.
    pub(crate) pinned: FileFacts,
    /// What is known; the hub may tell better on the way.
    pub(crate) facts: FileFacts,
    /// Told how many bytes are there.
    pub(crate) done: &'a (dyn Fn(u64) + Sync),
}

impl Download<'_> {
    /// Fetches the file and gives what was known about it in the end.
    pub(crate) fn run(mut self) -> Result<FileFacts, ModelError> {
        if self.places.complete()?.is_some_and(|note| note.speaks_of(&self.url, &self.facts)) {
            return Ok(self.facts);
        }
        remove_file(&self.places.whole)?;
        let retries = self.fetch.hub.options().retries;
        let (mut failures, mut attempts, mut wrong) = (0, 0, 0);
        // Kept open over attempts, so that what is there is hashed once.
        let mut part = None;
        loop {
            let before = self.places.bytes()?;
            let (reason, after) = match self.attempt(&mut part) {
                Ok(()) => return Ok(self.facts),
                Err(Fault::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::WrongBytes { expected, found }) => {
                    part = None;
                    self.places.clear()?;
                    wrong += 1;
                    if wrong > 1 {
                        let path = self.fetch.name.to_owned();
                        return Err(ModelError::WrongBytes { path, expected, found });
                    }
                    continue;
                }
                Err(Fault::Restart { reason }) => {
                    part = None;
                    self.places.clear()?;
                    (reason, None)
                }
                Err(Fault::Retry { reason, after }) => (reason, after),
            };
            attempts += 1;
            failures = if self.places.bytes()? > before { 0 } else { failures + 1 };
            if failures >= retries.failures.max(1) || attempts >= MOST_ATTEMPTS {
                let host = self.facts.redirected_to.as_deref().unwrap_or(self.fetch.hub.host());
                return Err(ModelError::Offline { host: host.to_owned(), reason });
            }
            self.fetch.stop.sleep(retries.wait(failures.max(1), after, fastrand::f64()))?;
        }
    }

    /// Brings the file to its end, or `kept`, the part that was open in the attempt before, some way on.
    fn attempt(&mut self, kept: &mut Option<Part>) -> Result<(), Fault> {
        let mut part = if let Some(part) = kept.take() {
            part
        } else {
            self.places.keep_only(&self.url, &self.facts)?;
            Part::open(&self.places.part, self.fetch.stop)?
        };
        (self.done)(part.length());
        let note = Sidecar::read(&self.places.note)?;
        let mut note = note.unwrap_or_else(|| Sidecar::new(&self.url, &self.facts));
        if let Err(fault) = self.transfer(&mut part, &mut note) {
            *kept = Some(part);
            return Err(fault);
        }
        let found = part.finish()?;
        match &self.facts.sha256 {
            Some(expected) if *expected != found => Err(Fault::WrongBytes {
                expected: format!("SHA-256 {expected}"),
                found: format!("SHA-256 {found}"),
            }),
            _ => Ok(self.places.complete_with(note, &found)?),
        }
    }

    /// Gets what is missing of the part.
    fn transfer(&mut self, part: &mut Part, note: &mut Sidecar) -> Result<(), Fault> {
        match self.facts.bytes {
            Some(bytes) if part.length() == bytes && bytes > 0 => return Ok(()),
            Some(bytes) if part.length() > bytes => part.restart()?,
            _ => {}
        }
        let rest =
            (part.length() > 0).then(|| Rest { start: part.length(), if_range: note.served_etag.clone() });
        let fetched = self.fetch.get(&self.url, rest.as_ref())?;
        self.compare(&fetched)?;
        let answer = &fetched.answer;
        self.fetch.refuse_encoded(answer)?;
        let served = answer.header(ETAG).and_then(EntityTag::parse);
        match answer.status() {
            206 => self.continues(&fetched, part.length(), note, served.as_ref())?,
            416 => {
                let total = answer.header(CONTENT_RANGE).and_then(ContentRange::parse);
                let all = total == Some(ContentRange::Unsatisfied { total: part.length() });
                if all && self.facts.bytes.is_none_or(|bytes| bytes == part.length()) {
                    return Ok(());
                }
                return Err(Fault::Restart { reason: "the hub knows no such part of the file".to_owned() });
            }
            _ => {
                self.begins(&fetched)?;
                part.restart()?;
                *note = Sidecar::new(&self.url, &self.facts);
                note.served_etag = served.filter(|tag| !tag.weak).map(|tag| tag.tag);
                note.write(&self.places.note)?;
            }
        }
        self.take(fetched, part)
    }

    /// The hub's file must still be the one that the part is of.
    fn compare(&mut self, fetched: &Fetched<'_>) -> Result<(), Fault> {
        if !self.facts.differs(&fetched.facts) {
            return Ok(());
        }
        self.facts = fetched.facts.clone().held_to(&self.pinned, self.fetch.name)?;
        Err(Fault::Restart { reason: "the file changed on the hub".to_owned() })
    }

    /// A 206 must begin where the part ends, and be of the same file.
    fn continues(
        &self,
        fetched: &Fetched<'_>,
        length: u64,
        note: &Sidecar,
        served: Option<&EntityTag>,
    ) -> Result<(), Fault> {
        let range = fetched.answer.header(CONTENT_RANGE).and_then(ContentRange::parse);
        let right = match range {
            Some(ContentRange::Satisfied { start, total, .. }) => {
                let same_size = total.is_none() || self.facts.bytes.is_none() || total == self.facts.bytes;
                start == length && same_size
            }
            _ => false,
        };
        if !right {
            return Err(Fault::Restart { reason: "the hub sent another part than asked for".to_owned() });
        }
        match (&note.served_etag, served) {
            (Some(before), Some(now)) if *before != now.tag => {
                Err(Fault::Restart { reason: "the file changed on the hub".to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// A 200 must announce the right size, if it announces one.
    fn begins(&self, fetched: &Fetched<'_>) -> Result<(), Fault> {
        let announced = fetched.answer.header(reqwest::header::CONTENT_LENGTH);
        let announced = announced.and_then(|text| text.trim().parse::<u64>().ok());
        match (self.facts.bytes, announced) {
            (Some(expected), Some(found)) if expected != found => Err(Fault::WrongBytes {
                expected: format!("{expected} bytes"),
                found: format!("{found} bytes"),
            }),
            _ => Ok(()),
        }
    }

    /// Takes the body. More bytes than there may be are wrong bytes; fewer are a reason to ask for the rest.
    fn take(&self, mut fetched: Fetched<'_>, part: &mut Part) -> Result<(), Fault> {
        while let Some(piece) = fetched.answer.piece(self.fetch.stop)? {
            let piece = piece.as_ref();
            if let Some(expected) = self.facts.bytes
                && part.length() + piece.len() as u64 > expected
            {
                let found = format!("more than {expected} bytes");
                return Err(Fault::WrongBytes { expected: format!("{expected} bytes"), found });
            }
            part.append(piece)?;
            (self.done)(part.length());
        }
        match self.facts.bytes {
            Some(expected) if part.length() < expected => {
                Err(Fault::retry(format!("the answer ended after {} of {expected} bytes", part.length())))
            }
            _ => Ok(()),
        }
    }
}
