//! The key a person has from Papr, kept out of everything that is written down.

use std::fmt;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::Error;

/// Keys are far shorter; a longer text is a file pasted by mistake.
const MAX_KEY_BYTES: usize = 512;
/// A key must be so long before its last four characters may be shown.
const SHOWABLE: usize = 12;

/// A key of Papr's, as sent in `X-API-Key`.
///
/// `Debug` prints `***`, there is neither `Display` nor serde, and the memory is overwritten when the last copy of
/// this value is dropped. The copies that the HTTP library makes of a request's headers are not overwritten.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a key; white space around it, as pasting leaves it, is dropped.
    ///
    /// # Errors
    /// [`Error::Key`] if nothing is left, or if it could not be sent in a header.
    pub fn new(key: &str) -> Result<Self, Error> {
        let key = key.trim();
        if key.is_empty() {
            return Err(Error::Key { reason: "it is empty" });
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(Error::Key { reason: "it is longer than any key" });
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Key { reason: "it holds a space or a character that no key has" });
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// The last four characters, to tell one key from another; `None` for a key so short that they would give
    /// away much of it.
    pub fn last_four(&self) -> Option<&str> {
        (self.0.len() >= SHOWABLE).then(|| self.0.get(self.0.len() - 4..)).flatten()
    }

    /// `text` with every occurrence of the key replaced: servers like to repeat a key they do not know.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "***")
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let header = HeaderValue::from_str(&self.0);
        let mut header = header.map_err(|_| Error::Key { reason: "it cannot be sent in a header" })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Never the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_checked_and_never_shown() {
        let key = ApiKey::new(" sk-0123456789abcd\n").unwrap();
        assert_eq!(key.last_four(), Some("abcd"), "the white space of pasting is no part of it");
        assert_eq!(format!("{key:?}"), "***", "Debug is what ends in logs");
        assert_eq!(key.redact("no such key: sk-0123456789abcd"), "no such key: ***", "a server's echo");
        assert!(key.header().unwrap().is_sensitive(), "HTTP libraries hide sensitive headers");
        assert_eq!(ApiKey::new("short").unwrap().last_four(), None, "four of five would be most of it");
        for wrong in ["", " \n", "a b", "ключ", "a\nb", &"k".repeat(513)] {
            let error = ApiKey::new(wrong).unwrap_err();
            assert!(matches!(error, Error::Key { .. }), "{wrong:?} cannot be sent");
        }
    }
}
