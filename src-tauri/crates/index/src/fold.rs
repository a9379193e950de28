//! Folding: one spelling for all the ways a word is written, so that `CAFÉ`, `café` and `cafe` meet.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Case and accents off, compatibility forms resolved (`ﬁ` → `fi`, `①` → `1`).
pub(crate) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(word.len());
    for letter in word.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        match letter {
            // Letters that people type without their stroke or ligature, though Unicode does not decompose them.
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            // Lower-casing İ leaves a dot behind.
            mark if is_combining_mark(mark) => {}
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_word_meet() {
        assert_eq!(fold("CAFÉ"), "cafe");
        assert_eq!(fold("cafe\u{301}"), "cafe", "composed and decomposed are one");
        assert_eq!(fold("Łukasz"), "lukasz");
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("天気"), "天気", "scripts without case stay as they are");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(word in "\\PC{0,24}") {
            let once = fold(&word);
            prop_assert_eq!(fold(&once), once.clone(), "an index term must find itself");
        }
    }
}
