//! What the hub says about a file, before and while it is fetched.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName};

use crate::ModelError;
use crate::files::is_sha256;
use crate::hub::headers::{ContentRange, EntityTag};
use crate::hub::transport::Answer;

const LINKED_ETAG: HeaderName = HeaderName::from_static("x-linked-etag");
const LINKED_SIZE: HeaderName = HeaderName::from_static("x-linked-size");
const COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");

/// What is known about a file of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// The hub's tag: another tag is another content.
    pub etag: Option<String>,
    /// SHA-256, hexadecimal: pinned in the catalogue, or told by the hub, which knows it of large files.
    pub sha256: Option<String>,
    /// The commit the file was taken from.
    pub commit: Option<String>,
    /// The host that the hub sends on to, if it does.
    pub redirected_to: Option<String>,
    /// Size and tag as said by the hub itself and not by a store behind it.
    linked: bool,
}

impl FileFacts {
    /// What the catalogue pins.
    pub(crate) fn pinned(bytes: Option<u64>, sha256: Option<&String>) -> Self {
        Self { bytes, sha256: sha256.cloned(), ..Self::default() }
    }

    /// Takes what an answer says; what the hub itself said of a large file is not overruled.
    pub(crate) fn learn(&mut self, answer: &Answer<'_>) {
        if self.commit.is_none() {
            self.commit = answer.header(COMMIT).filter(|commit| is_commit(commit)).map(str::to_owned);
        }
        if self.linked {
            return;
        }
        let size = |name| answer.header(name).and_then(|text| text.trim().parse().ok());
        if let Some(tag) = answer.header(LINKED_ETAG).and_then(EntityTag::parse) {
            self.linked = true;
            self.sha256 = Some(tag.tag.to_ascii_lowercase()).filter(|tag| is_sha256(tag));
            self.etag = Some(tag.tag);
            self.bytes = size(LINKED_SIZE);
        } else if matches!(answer.status(), 200 | 206) {
            self.etag = answer.header(ETAG).and_then(EntityTag::parse).map(|tag| tag.tag);
            self.bytes = match answer.header(CONTENT_RANGE).and_then(ContentRange::parse) {
                Some(ContentRange::Satisfied { total, .. }) => total,
                _ => size(CONTENT_LENGTH),
            };
        }
    }

    /// Whether a further redirect would tell nothing more.
    pub(crate) fn is_complete(&self) -> bool {
        self.linked && self.bytes.is_some()
    }

    /// Puts what is pinned over what the hub says.
    ///
    /// # Errors
    /// [`ModelError::Changed`] where they contradict each other.
    pub(crate) fn held_to(mut self, pinned: &FileFacts, name: &str) -> Result<Self, ModelError> {
        let changed = |expected: String, found: String| {
            Err(ModelError::Changed { path: name.to_owned(), expected, found })
        };
        match (&pinned.sha256, &self.sha256) {
            (Some(expected), Some(found)) if expected != found => {
                return changed(format!("SHA-256 {expected}"), format!("SHA-256 {found}"));
            }
            (Some(_), _) => self.sha256.clone_from(&pinned.sha256),
            _ => {}
        }
        match (pinned.bytes, self.bytes) {
            (Some(expected), Some(found)) if expected != found => {
                return changed(format!("{expected} bytes"), format!("{found} bytes"));
            }
            (Some(_), _) => self.bytes = pinned.bytes,
            _ => {}
        }
        Ok(self)
    }

    /// Whether `other` is another content than this, as far as their tags tell. A tag of the hub says nothing about
    /// one of a store behind it.
    pub(crate) fn differs(&self, other: &FileFacts) -> bool {
        self.linked == other.linked
            && matches!((&self.etag, &other.etag), (Some(mine), Some(other)) if mine != other)
    }
}

/// A commit's name, 40 hexadecimal digits: nothing else may become part of an address or a path.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned_holds_against_the_hub() {
        let hash = |digit: &str| Some(digit.repeat(64));
        let facts = |bytes, sha256: Option<String>| FileFacts::pinned(bytes, sha256.as_ref());
        let pinned = facts(Some(7), hash("a"));
        let held = facts(None, None).held_to(&pinned, "f").unwrap();
        assert_eq!((held.bytes, held.sha256), (Some(7), hash("a")));
        let told = facts(Some(9), hash("b")).held_to(&facts(None, None), "f").unwrap();
        assert_eq!((told.bytes, told.sha256), (Some(9), hash("b")));
        for other in [facts(Some(8), None), facts(None, hash("b"))] {
            assert!(matches!(other.held_to(&pinned, "f"), Err(ModelError::Changed { .. })));
        }
    }
}
