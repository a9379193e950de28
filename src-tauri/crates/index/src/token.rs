//! Tokens: the words of a text, and the identifiers that stand in it as wholes.
//!
//! Words are found by the rules of Unicode (UAX #29) and split further where people search for parts:
//! `example.com` and `E_CONN_4417` come apart at what is neither letter nor digit. Wholes are the pieces
//! between white space that consist of several parts, `KR-4`, `src/main.rs`, `zoe@example.com`, `#coffee`,
//! with the punctuation around them off.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The words of `text` in order, as ranges of bytes.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.unicode_word_indices().flat_map(|(start, word)| {
        let mut parts = Vec::with_capacity(1);
        let mut open = None;
        for (at, letter) in word.char_indices() {
            match (is_word_letter(letter), open) {
                (true, None) => open = Some(at),
                (false, Some(from)) => {
                    parts.push(start + from..start + at);
                    open = None;
                }
                _ => {}
            }
        }
        parts.extend(open.map(|from| start + from..start + word.len()));
        parts
    })
}

/// The wholes of `text` in order, as ranges of bytes.
pub(crate) fn wholes(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.split_whitespace().filter_map(move |chunk| {
        let start = chunk.as_ptr() as usize - text.as_ptr() as usize;
        let tag = chunk.find(['#', '@']).filter(|&at| {
            let before_is_outside = chunk[..at].chars().all(|letter| !letter.is_alphanumeric());
            before_is_outside && chunk[at + 1..].starts_with(char::is_alphanumeric)
        });
        let from = tag.or_else(|| chunk.find(char::is_alphanumeric))?;
        let last = chunk.rfind(char::is_alphanumeric)?;
        let to = last + chunk[last..].chars().next().map_or(0, char::len_utf8);
        let whole = &chunk[from..to];
        is_compound(whole).then(|| start + from..start + to)
    })
}

/// The pairs of neighbouring ideographs and syllables of Chinese and Japanese, as ranges of bytes: these
/// scripts put no space between words, and most of their words are of two letters.
pub(crate) fn ideograph_pairs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let next = text.char_indices().skip(1);
    let pairs = text.char_indices().zip(next);
    pairs
        .filter(|((_, first), (_, second))| is_ideograph(*first) && is_ideograph(*second))
        .map(|((start, _), (middle, second))| start..middle + second.len_utf8())
}

/// Whether the rules of Unicode make a word of this letter alone though words have several: Han and Hiragana.
/// Katakana and Hangul stay together as words.
fn is_ideograph(letter: char) -> bool {
    matches!(
        letter,
        '\u{3041}'..='\u{3096}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3134F}'
    )
}

/// Whether a whole or a word names one thing rather than saying something: letters and digits mixed with a
/// letter in front (`p95`, `INC-2041`), or parts joined by something that prose does not join with.
pub(crate) fn is_identifier(text: &str) -> bool {
    let has_digit = text.chars().any(|letter| letter.is_ascii_digit());
    let leads_with_letter =
        text.chars().find(|letter| letter.is_alphanumeric()).is_some_and(char::is_alphabetic);
    let has_letter = text.chars().any(char::is_alphabetic);
    let marked = text.contains(['_', '@', '#', '\\']) || text.contains("::") || text.matches('/').count() > 1;
    // `main.rs` and `example.com`, but neither `e.g` nor `and/or`.
    let dotted = text.split('.').count() > 1 && text.split('.').all(|part| part.chars().count() > 1);
    (has_digit && leads_with_letter) || (has_letter && (marked || dotted))
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || unicode_normalization::char::is_combining_mark(letter)
}

/// Several parts, not merely a word with an apostrophe.
fn is_compound(whole: &str) -> bool {
    whole
        .chars()
        .any(|letter| !is_word_letter(letter) && !matches!(letter, '\'' | '’' | '—' | '–' | '…' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word_list(text: &str) -> Vec<&str> {
        words(text).map(|range| &text[range]).collect()
    }

    fn whole_list(text: &str) -> Vec<&str> {
        wholes(text).map(|range| &text[range]).collect()
    }

    #[test]
    fn words_come_apart_where_people_search_for_parts() {
        assert_eq!(
            word_list("Poland's E_CONN_4417 at example.com"),
            ["Poland", "s", "E", "CONN", "4417", "at", "example", "com"]
        );
        assert_eq!(word_list("今天天气"), ["今", "天", "天", "气"], "ideographs stand alone");
        assert_eq!(word_list("…?! 🙂"), Vec::<&str>::new(), "punctuation and pictures are no words");
        assert_eq!(
            word_list("cafe\u{301} noir"),
            ["cafe\u{301}", "noir"],
            "a combining mark stays with its letter"
        );
    }

    #[test]
    fn ideographs_pair_with_their_neighbours() {
        let pairs = |text| ideograph_pairs(text).map(|range| &text[range]).collect::<Vec<_>>();
        assert_eq!(pairs("今天天气 good 好"), ["今天", "天天", "天气"]);
        assert_eq!(
            pairs("東京へ行く、コーヒー"),
            ["東京", "京へ", "へ行", "行く"],
            "Katakana are words already"
        );
        assert_eq!(pairs("서울 plain"), Vec::<&str>::new());
    }

    #[test]
    fn wholes_keep_identifiers_together() {
        assert_eq!(
            whole_list("see (KR-4), src/main.rs and zoe@example.com."),
            ["KR-4", "src/main.rs", "zoe@example.com"]
        );
        assert_eq!(
            whole_list(r"C:\notes\a.txt, https://host/a?b=1#c; @zoe v1.2.3 550e8400-e29b-41d4"),
            [r"C:\notes\a.txt", "https://host/a?b=1#c", "@zoe", "v1.2.3", "550e8400-e29b-41d4"]
        );
        assert_eq!(whole_list("#coffee: don't, O’Neill"), ["#coffee"], "an apostrophe joins no parts");
        assert_eq!(whole_list("plain words only"), Vec::<&str>::new());
    }

    #[test]
    fn identifiers_are_told_from_prose() {
        for name in ["KR-4", "p95", "E_CONN_4417", "src/main.rs", "#coffee", "INC-2041"] {
            assert!(is_identifier(name), "{name} names one thing");
        }
        for prose in ["well-known", "1898", "19th", "coffee", "2010-11", "and/or", "e.g", "U.S", "10:30am"] {
            assert!(!is_identifier(prose), "{prose} is prose or a number");
        }
    }
}
