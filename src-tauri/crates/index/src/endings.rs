//! English endings: `ship`, `ships` and `shipped` are forms of one word (Snowball's English stemmer).
//!
//! Words are kept as they stand, and forms are looked up when a word is searched for. So phrases, identifiers
//! and words that are still being typed mean what they say. Words of other languages in Latin letters lose
//! an ending here and there, the same on both sides; those in other scripts lose none.

use rust_stemmers::{Algorithm, Stemmer};

/// So many letters at the beginning stay as they are, whatever the ending: what cannot match need not be
/// stemmed.
const SAME_LETTERS: usize = 2;

/// What all forms of a word have in common. None if it is no plain word: with digits, or in another script.
pub(crate) fn stem(folded: &str) -> Option<String> {
    let plain = folded.len() > SAME_LETTERS && folded.bytes().all(|byte| byte.is_ascii_lowercase());
    plain.then(|| Stemmer::create(Algorithm::English).stem(folded).into_owned())
}

/// Whether a word of a text, as it stands there, is a form of the word with this stem.
pub(crate) fn is_form(word: &str, stem_of_other: &str) -> bool {
    let begins = |stem: &str| {
        let (word, stem) = (word.as_bytes(), stem.as_bytes());
        word.len() > SAME_LETTERS
            && stem.len() >= SAME_LETTERS
            && word[..SAME_LETTERS].eq_ignore_ascii_case(&stem[..SAME_LETTERS])
    };
    begins(stem_of_other) && stem(&word.to_ascii_lowercase()).is_some_and(|stem| stem == stem_of_other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_a_word_meet() {
        assert_eq!(stem("shipped"), stem("shipping"));
        assert!(is_form("Ships", &stem("shipping").unwrap()));
        assert!(!is_form("shop", &stem("ship").unwrap()));
        assert_eq!(stem("kr-4"), None, "an identifier has no ending");
        assert_eq!(stem("as"), None, "nor have the shortest words");
        assert_eq!(stem("天気"), None);
    }

    proptest! {
        #[test]
        fn what_is_compared_first_is_never_changed_by_an_ending(word in "[a-z]{3,12}") {
            prop_assert!(is_form(&word, &stem(&word).unwrap()), "a word is a form of itself");
        }
    }
}
