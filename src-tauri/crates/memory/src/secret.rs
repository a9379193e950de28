//! Keys and tokens, held so that they show themselves to nobody, and the names they are kept under.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The shortest secret that is taken, in bytes: below it a paste was cut.
pub const MIN_SECRET_BYTES: usize = 8;

/// The longest secret that is taken, in bytes. Every system's keychain holds as much (Windows: 2,560).
pub const MAX_SECRET_BYTES: usize = 2048;

/// The longest [`Slot`], in bytes.
pub const MAX_SLOT_BYTES: usize = 200;

/// What is printed in the place of a secret.
const HIDDEN: &str = "***";

/// A key or a token: visible ASCII characters and nothing else.
///
/// It prints as `***`, does not serialise, and wipes its bytes when the last clone goes. Clones share one
/// copy. What was made of it by [`Secret::expose`] is the caller's to keep short.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

/// Why a text cannot be a secret. Tells where, never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing in it, or white space alone.
    #[error("it is empty")]
    Empty,
    /// Shorter than [`MIN_SECRET_BYTES`].
    #[error("it has {bytes} characters, too few for a key")]
    TooShort {
        /// How many bytes there were.
        bytes: usize,
    },
    /// Longer than [`MAX_SECRET_BYTES`].
    #[error("it has {bytes} bytes, too many for a key")]
    TooLong {
        /// How many bytes there were.
        bytes: usize,
    },
    /// A space or a line break in the middle.
    #[error("character {at} is a space or a line break")]
    WhiteSpace {
        /// Which character, counted from 1 after the white space before the secret.
        at: usize,
    },
    /// A control character.
    #[error("character {at} is a control character")]
    Control {
        /// Which character, counted likewise.
        at: usize,
    },
    /// A letter with an accent, a typographic dash, a dot that hides a character, …
    #[error("character {at} is not a plain letter, digit or sign")]
    NotAscii {
        /// Which character, counted likewise.
        at: usize,
    },
}

impl SecretError {
    /// What to do about it, in a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            SecretError::Empty => "Paste the key.",
            SecretError::NotAscii { .. } => {
                "Copy the key itself: where it is shown as dots, show or renew it first."
            }
            _ => "Copy the whole key and nothing else, and paste it again.",
        }
    }
}

impl Secret {
    /// Takes a pasted text without the white space around it. The text is wiped, whether it is taken or not.
    ///
    /// # Errors
    ///
    /// In this order: empty, too long, a character that no key has, too short.
    pub fn parse(text: String) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text);
        let inner = text.trim_matches(is_blank);
        let bytes = inner.len();
        if bytes == 0 {
            return Err(SecretError::Empty);
        }
        if bytes > MAX_SECRET_BYTES {
            return Err(SecretError::TooLong { bytes });
        }
        let odd = inner.chars().enumerate().find(|(_, character)| !character.is_ascii_graphic());
        if let Some((before, character)) = odd {
            let at = before + 1;
            return Err(match character {
                _ if character.is_whitespace() => SecretError::WhiteSpace { at },
                _ if character.is_control() => SecretError::Control { at },
                _ => SecretError::NotAscii { at },
            });
        }
        if bytes < MIN_SECRET_BYTES {
            return Err(SecretError::TooShort { bytes });
        }
        Ok(Self(Arc::new(Zeroizing::new(inner.to_owned()))))
    }

    /// The secret itself: for the header or the keychain it goes into, for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last four characters, by which a person knows it again; fewer of a short one, never more than a
    /// quarter.
    pub fn last_four(&self) -> &str {
        let shown = (self.0.len() / 4).min(4);
        &self.0[self.0.len() - shown..]
    }
}

/// White space, and the marks without width that come with a paste from a page.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

/// The name a secret is kept under: one item in the keychain, no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(String);

/// Why a text cannot name a place for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a secret has 1 to {MAX_SLOT_BYTES} plain letters, digits and signs")]
pub struct SlotError;

impl Slot {
    /// A slot of any name in visible ASCII; the case of letters counts.
    pub fn new(name: &str) -> Result<Self, SlotError> {
        let fits = (1..=MAX_SLOT_BYTES).contains(&name.len());
        if fits && name.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(name.to_owned()))
        } else {
            Err(SlotError)
        }
    }

    /// Where the Papr key of `account` is kept.
    pub fn papr(account: &str) -> Result<Self, SlotError> {
        if account.is_empty() { Err(SlotError) } else { Self::new(&format!("papr:{account}")) }
    }

    /// Where the token for the hub is kept that models are downloaded from.
    pub fn model_hub() -> Self {
        Self("model-hub".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Secret, SecretError> {
        Secret::parse(text.to_owned())
    }

    #[test]
    fn a_paste_is_taken_without_what_surrounds_it() {
        for paste in
            ["sk-0123456789", "  sk-0123456789\r\n", "\u{feff}sk-0123456789\u{200b}", "\u{a0}sk-0123456789\t"]
        {
            assert_eq!(parse(paste).unwrap().expose(), "sk-0123456789");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_place() {
        let cases = [
            ("", SecretError::Empty),
            (" \n\t\u{feff}", SecretError::Empty),
            ("sk-0123", SecretError::TooShort { bytes: 7 }),
            ("sk-0123 456789", SecretError::WhiteSpace { at: 8 }),
            ("sk-0123\n456789", SecretError::WhiteSpace { at: 8 }),
            ("sk-0123\u{0}456789", SecretError::Control { at: 8 }),
            ("sk-0123\u{1b}[0m456", SecretError::Control { at: 8 }),
            ("••••••••••••", SecretError::NotAscii { at: 1 }),
            ("  sk–0123456789", SecretError::NotAscii { at: 3 }),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap_err(), expected, "{text:?}");
            assert!(!expected.hint().is_empty());
        }
        let bytes = MAX_SECRET_BYTES + 1;
        assert_eq!(parse(&"k".repeat(bytes)).unwrap_err(), SecretError::TooLong { bytes });
        parse(&"k".repeat(MAX_SECRET_BYTES)).unwrap();
        parse(&"k".repeat(MIN_SECRET_BYTES)).unwrap();
    }

    #[test]
    fn it_shows_itself_to_nobody() {
        let secret = parse("sk-0123456789abcdef").unwrap();
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(secret.clone())), "*** *** Some(\n    ***,\n)");
        assert_eq!(secret.last_four(), "cdef");
        assert_eq!(parse("sk-01234").unwrap().last_four(), "34", "a short key is not given away by its end");
    }

    #[test]
    fn slots_have_plain_names() {
        assert_eq!(Slot::papr("mhnkVbAdgG").unwrap().to_string(), "papr:mhnkVbAdgG");
        assert_eq!(Slot::model_hub(), Slot::new("model-hub").unwrap());
        assert_ne!(Slot::papr("a").unwrap(), Slot::papr("A").unwrap());
        for name in ["", "a b", "a\n", "ä", &"a".repeat(MAX_SLOT_BYTES + 1)] {
            assert_eq!(Slot::new(name), Err(SlotError), "{name:?}");
        }
        assert_eq!(Slot::papr(""), Err(SlotError));
    }
}
