//! The note beside a file that is being fetched: what it is the beginning of.
//!
//! It is written before the first byte of the file is, so bytes without a note, or with one that speaks of
//! another content, are of no use and are dropped.

use std::fs;
use std::path::Path;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::files::{absent, is_sha256, write_whole};
use crate::hub::FileFacts;

/// The format this version reads and writes.
const VERSION: u32 = 1;

/// `<file>.note` in the folder of a model that is being fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sidecar {
    version: u32,
    /// Where the bytes come from, without what a redirect added.
    url: String,
    /// The hub's tag.
    etag: Option<String>,
    /// The strong tag of the server that sent the bytes: the store's, where the hub sends on to one.
    pub(crate) served_etag: Option<String>,
    /// The size the file will have.
    bytes: Option<u64>,
    /// The SHA-256 it must have.
    sha256: Option<String>,
    /// The commit it is of.
    commit: Option<String>,
    /// The SHA-256 that it has, once it is complete.
    pub(crate) complete: Option<String>,
}

impl Sidecar {
    /// A note for a file that has yet to come.
    pub(crate) fn new(url: &Url, facts: &FileFacts) -> Self {
        Self {
            version: VERSION,
            url: url.to_string(),
            etag: facts.etag.clone(),
            served_etag: None,
            bytes: facts.bytes,
            sha256: facts.sha256.clone(),
            commit: facts.commit.clone(),
            complete: None,
        }
    }

    /// Reads a note; one that is missing, of another version or damaged is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ModelError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::decode(&bytes)),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(ModelError::at(path)(error)),
        }
    }

    /// Writes the note, synced, in one step.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ModelError> {
        write_whole(path, &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        // Text and numbers always can be written.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let note: Self = serde_json::from_slice(bytes).ok()?;
        let hashes = note.sha256.iter().chain(&note.complete).all(|hash| is_sha256(hash));
        (note.version == VERSION && hashes).then_some(note)
    }

    /// Whether the bytes this speaks of are the beginning of what `facts` describe.
    ///
    /// A SHA-256 known on both sides decides, then a tag, then the address, which names a commit where the hub
    /// has such.
    pub(crate) fn speaks_of(&self, url: &Url, facts: &FileFacts) -> bool {
        if matches!((self.bytes, facts.bytes), (Some(mine), Some(other)) if mine != other) {
            return false;
        }
        match (&self.sha256, &facts.sha256) {
            (Some(mine), Some(other)) => return mine == other,
            (None, Some(other)) if self.complete.as_ref().is_some_and(|mine| mine != other) => return false,
            _ => {}
        }
        match (&self.etag, &facts.etag) {
            (Some(mine), Some(other)) => mine == other,
            _ => self.url == url.as_str(),
        }
    }

    /// What the hub said of the file when it was complete, for a time without a hub.
    pub(crate) fn facts(&self) -> FileFacts {
        let mut facts = FileFacts::pinned(self.bytes, self.sha256.as_ref());
        facts.etag.clone_from(&self.etag);
        facts.commit.clone_from(&self.commit);
        facts
    }
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn note() -> impl Strategy<Value = Sidecar> {
        let hash = || of("[0-9a-f]{64}");
        (".{0,60}", of(".{0,20}"), of(".{0,20}"), of(any::<u64>()), hash(), of("[0-9a-f]{40}"), hash())
            .prop_map(|(url, etag, served_etag, bytes, sha256, commit, complete)| Sidecar {
                version: VERSION,
                url,
                etag,
                served_etag,
                bytes,
                sha256,
                commit,
                complete,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(note in note()) {
            prop_assert_eq!(Sidecar::decode(&note.encode()), Some(note));
        }

        #[test]
        fn a_note_cut_anywhere_is_none(note in note(), cut in any::<prop::sample::Index>()) {
            let bytes = note.encode();
            prop_assert_eq!(Sidecar::decode(&bytes[..cut.index(bytes.len())]), None);
        }

        #[test]
        fn damage_never_panics(note in note(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = note.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Sidecar::decode(&bytes);
        }
    }

    #[test]
    fn only_the_same_content_is_continued() {
        let url = Url::parse("https://h/a/b/resolve/c/f").unwrap();
        let facts = |etag: Option<&str>, bytes, sha256: Option<&str>| {
            let mut facts = FileFacts::pinned(bytes, sha256.map(|digit| digit.repeat(64)).as_ref());
            facts.etag = etag.map(str::to_owned);
            facts
        };
        let note = Sidecar::new(&url, &facts(Some("t"), Some(7), None));
        assert!(note.speaks_of(&url, &facts(Some("t"), Some(7), None)));
        assert!(note.speaks_of(&url, &facts(None, None, None)), "same address");
        assert!(!note.speaks_of(&url, &facts(Some("u"), Some(7), None)), "another tag");
        assert!(!note.speaks_of(&url, &facts(Some("t"), Some(8), None)), "another size");
        let other = Url::parse("https://h/a/b/resolve/d/f").unwrap();
        assert!(note.speaks_of(&other, &facts(Some("t"), Some(7), None)), "another commit, the same content");
        assert!(!note.speaks_of(&other, &facts(None, Some(7), None)));
        let hashed = Sidecar::new(&url, &facts(Some("t"), Some(7), Some("a")));
        assert!(hashed.speaks_of(&other, &facts(Some("u"), Some(7), Some("a"))), "the hash decides");
        assert!(!hashed.speaks_of(&url, &facts(Some("t"), Some(7), Some("b"))));
    }
}
