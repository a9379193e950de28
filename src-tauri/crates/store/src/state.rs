//! Knowing whether all that was saved is still there.
//!
//! The manifest holds a [`State`], changed in every transaction: how many changes there were, how many
//! entries all trees have, and the sum of their checksums. The file `mark` holds the number of the last
//! change that was said to be saved. After a hard stop the two are compared with what sled recovered:
//! sled itself opens a log with damage in it without a word and goes on with what came before.
//!
//! Sums are of the checksums as written, not of the contents: a record that is there but damaged is not
//! missed here; it is found by its own checksum when it is read.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use papr_memory::ports::StoreError;

use crate::Trees;
use crate::codec::{self, Corrupt};
use crate::guard::{Scan, from_sled, quietly};
use crate::tree::Part;

/// The key of the state in the manifest, and the one entry that is not part of it.
pub(crate) const KEY: &[u8] = b"state";

/// The name of the file that holds the number of the last change.
pub(crate) const MARK: &str = "mark";

/// What the trees hold, in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// How many changes were made, ever.
    pub(crate) changes: u64,
    entries: u64,
    /// Of the entries' checksums, wrapping.
    sum: u64,
}

impl State {
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.entries = self.entries.wrapping_add(1);
        self.sum = self.sum.wrapping_add(codec::written_checksum(value).into());
    }

    pub(crate) fn subtract(&mut self, value: &[u8]) {
        self.entries = self.entries.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(codec::written_checksum(value).into());
    }

    /// The same at change `changes`, or at a later one.
    pub(crate) fn at_least_at(self, changes: u64) -> Self {
        Self { changes: self.changes.max(changes), ..self }
    }

    /// How many entries there are in all trees.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Whether `counted` are the same entries, at whatever change.
    pub(crate) fn holds_what(&self, counted: &Self) -> bool {
        (self.entries, self.sum) == (counted.entries, counted.sum)
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let numbers = [self.changes, self.entries, self.sum];
        codec::encode(KEY, numbers.map(u64::to_le_bytes).as_flattened())
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Corrupt> {
        let malformed = Corrupt::Malformed("state");
        let (numbers, []) = codec::decode(KEY, value)?.as_chunks() else { return Err(malformed) };
        let &[changes, entries, sum] = numbers else { return Err(malformed) };
        let [changes, entries, sum] = [changes, entries, sum].map(u64::from_le_bytes);
        Ok(Self { changes, entries, sum })
    }

    /// What the trees really hold; reads them all.
    pub(crate) fn count(trees: &Trees, folder: &Path) -> Result<Self, StoreError> {
        let mut state =
            Self { changes: Self::kept(trees, folder)?.unwrap_or_default().changes, ..Self::default() };
        for part in Part::ALL {
            for item in Scan::new(trees.part(part).iter(), folder) {
                let (key, value) = item?;
                if key != KEY {
                    state.add(&value);
                }
            }
        }
        Ok(state)
    }

    /// What the manifest says they hold.
    pub(crate) fn kept(trees: &Trees, folder: &Path) -> Result<Option<Self>, StoreError> {
        let value = quietly(|| trees.manifest.get(KEY))?.map_err(|error| from_sled(folder, error))?;
        value.map(|value| Self::decode(&value)).transpose().map_err(|corrupt| StoreError::Damaged {
            what: format!("the manifest of the database in {} is not as it was written", folder.display()),
            source: Some(corrupt.into()),
        })
    }
}

/// Fails with `Damaged` unless the trees hold everything up to change `mark`.
pub(crate) fn verify(trees: &Trees, folder: &Path, mark: u64) -> Result<(), StoreError> {
    let kept = State::kept(trees, folder)?.unwrap_or_default();
    let lost = mark.saturating_sub(kept.changes);
    if lost > 0 {
        return Err(missing(
            folder,
            &format!("the last {lost} changes that were saved cannot be read from it"),
        ));
    }
    let counted = State::count(trees, folder)?;
    if counted != kept {
        let what =
            format!("it should hold {} entries; {} were found, or old ones", kept.entries, counted.entries);
        return Err(missing(folder, &what));
    }
    Ok(())
}

pub(crate) fn missing(folder: &Path, what: &str) -> StoreError {
    let what = format!(
        "the database in {} is not whole: {what}. No file was changed; keep the folder as it is, and put a \
         backup in its place",
        folder.display()
    );
    StoreError::Damaged { what, source: None }
}

/// The number of the last change that was said to be saved; none if that was never written down.
pub(crate) fn read_mark(folder: &Path) -> io::Result<Option<u64>> {
    let value = match fs::read(folder.join(MARK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        value => value?,
    };
    let mark = codec::decode(MARK.as_bytes(), &value).ok().and_then(|payload| payload.try_into().ok());
    if mark.is_none() && !value.is_empty() {
        tracing::warn!("the mark of the last change is not whole; the database is opened unchecked");
    }
    Ok(mark.map(u64::from_le_bytes))
}

/// Where the number of the last change is written down.
pub(crate) struct Mark(File);

impl Mark {
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        File::options().create(true).truncate(false).write(true).open(folder.join(MARK)).map(Self)
    }

    /// Not synced: a mark that lags behind after a power loss is only less strict.
    pub(crate) fn write(&mut self, changes: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&codec::encode(MARK.as_bytes(), &changes.to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_and_subtracted_leaves_nothing() {
        let (one, two) = (codec::encode(b"1", b"one"), codec::encode(b"2", b"two"));
        let mut state = State { changes: 5, ..State::default() };
        state.add(&one);
        state.add(&two);
        assert_eq!(State::decode(&state.encode()), Ok(state));
        let mut other = State { changes: 5, ..State::default() };
        other.add(&two);
        assert_ne!(state, other, "one is missing");
        state.subtract(&one);
        assert_eq!(state, other, "in whatever order");
    }
}
