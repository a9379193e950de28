//! Names that Papr gives to things.

use std::fmt;

use crate::Error;

const MAX_ID_BYTES: usize = 512;

/// What stands beside memories under `/v1/memory/`. `DELETE /v1/memory/all` deletes every memory of an account, so
/// that a memory called `all` must never get as far as an address.
const RESERVED: [&str; 5] = ["all", "batch", "search", "status", "feedback"];

/// The id of a memory at Papr. Most are UUIDs, some are not.
///
/// A value of this type can stand in an address: it is not empty, has no slash and no control character, and is no
/// other endpoint's name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(String);

impl MemoryId {
    /// Takes an id as Papr gave it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that would address something else than one memory.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        match Self::fault(&id) {
            None => Ok(Self(id)),
            Some(reason) => Err(Error::invalid("the memory's id", reason)),
        }
    }

    fn fault(id: &str) -> Option<&'static str> {
        if id.trim().is_empty() || id.len() > MAX_ID_BYTES {
            return Some("it is empty or longer than 512 bytes");
        }
        if id.trim() != id || id.chars().any(|char| char.is_control() || matches!(char, '/' | '\\')) {
            return Some("it has a slash, a control character, or spaces around it");
        }
        let path_step = id == "." || id == "..";
        let reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(id));
        (path_step || reserved).then_some("it is the name of something else than a memory")
    }

    /// The id as Papr gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryId({})", self.0.escape_debug())
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a run of [`Client::delta`](crate::Client::delta) goes on. Opaque: it is the server's to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Takes a cursor that an earlier reply gave.
    pub fn new(cursor: impl Into<String>) -> Self {
        Self(cursor.into())
    }

    /// The text to keep until the next time.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a search is called afterwards, when feedback is given on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchId(String);

impl SearchId {
    /// Takes the id that a search's reply gave.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as Papr gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_can_address_anything_but_one_memory() {
        let too_long = "x".repeat(513);
        let wrong =
            ["", " ", ".", "..", "all", "ALL", "batch", "search", "a/b", "a\\b", " a", "a\n", &too_long];
        for id in wrong {
            assert!(MemoryId::new(id).is_err(), "{id:?} would address something else");
        }
        for id in ["9f1c…", "584d7542-2b11-4bae-9a1e-0c3f", "aBcD123456", "a b", "..."] {
            assert_eq!(MemoryId::new(id).unwrap().as_str(), id, "Papr's ids are of no fixed form");
        }
    }
}
