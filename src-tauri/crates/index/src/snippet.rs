//! Snippets: the part of a text that shows why it was found, with the words that were searched for marked.

use std::ops::Range;

use crate::endings::is_form;
use crate::fold::fold;
use crate::parse::{Term, WordQuery};
use crate::token;
use crate::words::may_go_on;

/// A stretch of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The text, runs of white space folded to one space.
    pub text: String,
    /// Whether it is a word that was searched for.
    pub marked: bool,
}

/// What is shown of a text, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The part that shows best why it was found, in pieces.
    pub spans: Vec<Marked>,
    /// The words of the query that stand anywhere in the text, as they were typed, in the order typed.
    pub matched: Vec<String>,
}

struct Match {
    range: Range<usize>,
    term: usize,
}

/// The part of `text`, at most about `length` bytes, in which most of the query's words stand, marked.
///
/// Without a match it is the beginning. `…` stands where text was left out. Cuts fall between words, or
/// between characters where a single word is longer than the snippet.
pub fn snippet(text: &str, query: &WordQuery, length: usize) -> Snippet {
    let text = text.trim();
    let matches = find(text, query);
    let window = window(text, &matches, length);
    let mut spans = Vec::new();
    if window.start > 0 {
        push(&mut spans, "…", false);
    }
    let mut at = window.start;
    for found in
        matches.iter().filter(|found| found.range.start >= window.start && found.range.end <= window.end)
    {
        push(&mut spans, &text[at..found.range.start], false);
        push(&mut spans, &text[found.range.clone()], true);
        at = found.range.end;
    }
    push(&mut spans, &text[at..window.end], false);
    if window.end < text.len() {
        push(&mut spans, "…", false);
    }
    let stands = |term: usize| matches.iter().any(|found| found.term == term);
    let terms = query.terms.iter().enumerate().filter(|(term, _)| stands(*term));
    Snippet { spans, matched: terms.map(|(_, term)| term.typed.clone()).collect() }
}

fn find(text: &str, query: &WordQuery) -> Vec<Match> {
    if query.terms.is_empty() {
        return Vec::new();
    }
    token::words(text)
        .filter_map(|range| {
            let term = query.terms.iter().position(|term| is_match(&text[range.clone()], term))?;
            Some(Match { range, term })
        })
        .collect()
}

fn is_match(word: &str, term: &Term) -> bool {
    if word.is_ascii() {
        // Most words are: compared as they stand, without being copied.
        let same = |part: &str| part.eq_ignore_ascii_case(&term.folded);
        return same(word)
            || (term.open && word.get(..term.folded.len()).is_some_and(same) && may_go_on(&term.folded))
            || term.stem.as_ref().is_some_and(|stem| is_form(word, stem));
    }
    let word = fold(word);
    word == term.folded || (term.open && word.starts_with(&term.folded) && may_go_on(&term.folded))
}

/// The stretch with the most different terms in it; of equal ones the one with the rarer, longer words, and
/// then the first.
fn window(text: &str, matches: &[Match], length: usize) -> Range<usize> {
    if text.len() <= length {
        return 0..text.len();
    }
    let mut best = (0, 0);
    let mut chosen = 0..0;
    for (at, first) in matches.iter().enumerate() {
        let limit = first.range.start + length * 3 / 4;
        let mut seen: Vec<usize> = Vec::new();
        let mut letters = 0;
        for found in matches[at..].iter().take_while(|found| found.range.end <= limit) {
            if !seen.contains(&found.term) {
                seen.push(found.term);
                letters += found.range.len();
            }
        }
        if (seen.len(), letters) > best {
            best = (seen.len(), letters);
            chosen = first.range.clone();
        }
    }
    let lead = length / 6;
    let start = match chosen.start.checked_sub(lead) {
        None | Some(0) => 0,
        Some(start) => word_start(text, start, chosen.start),
    };
    let end = start + length;
    if end >= text.len() {
        return start..text.len();
    }
    start..word_end(text, start, chosen.end, end)
}

/// The first place at or after `at` where a word begins, up to `limit`.
fn word_start(text: &str, at: usize, limit: usize) -> usize {
    let at = text.ceil_char_boundary(at);
    text[at..limit].find(char::is_whitespace).map_or(limit, |space| {
        let after = at + space;
        after + (text[after..limit].len() - text[after..limit].trim_start().len())
    })
}

/// The last place at or before `at` where a word ends after `start` and not before `least`; `at` itself if
/// there is none.
fn word_end(text: &str, start: usize, least: usize, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let from = least.clamp(start, at);
    let end = text[from..at].rfind(char::is_whitespace).map_or(at, |space| from + space);
    let trimmed = from + text[from..end].trim_end().len();
    if trimmed > start { trimmed } else { at }
}

fn push(spans: &mut Vec<Marked>, piece: &str, marked: bool) {
    let mut text = String::with_capacity(piece.len());
    for letter in piece.chars() {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        let ends_in_space = if text.is_empty() {
            spans.last().is_some_and(|span| span.text.ends_with(' '))
        } else {
            text.ends_with(' ')
        };
        if letter != ' ' || !ends_in_space {
            text.push(letter);
        }
    }
    if text.is_empty() {
        return;
    }
    match spans.last_mut() {
        Some(last) if last.marked == marked && !marked => last.text.push_str(&text),
        _ => spans.push(Marked { text, marked }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, query: &str, length: usize) -> String {
        let query = WordQuery::parse(query);
        snippet(text, &query, length)
            .spans
            .into_iter()
            .map(|span| if span.marked { format!("[{}]", span.text) } else { span.text })
            .collect()
    }

    #[test]
    fn marks_the_words_that_were_searched_for() {
        assert_eq!(shown("Alice prefers dark roast.", "DARK roa", 80), "Alice prefers [dark] [roast].");
        assert_eq!(shown("a\n\n  b\tc", "b ", 80), "a [b] c", "line breaks are folded");
        assert_eq!(shown("Café au lait", "cafe ", 80), "[Café] au lait", "the original spelling is shown");
    }

    #[test]
    fn tells_matched_words_as_typed() {
        let query = WordQuery::parse("Who likes DARK roa");
        assert_eq!(snippet("Alice prefers dark roast", &query, 12).matched, ["DARK", "roa"]);
        let query = WordQuery::parse("ÉTÉ cafe ");
        assert_eq!(snippet("Un café d'été", &query, 80).matched, ["ÉTÉ", "cafe"]);
    }

    #[test]
    fn shows_where_the_words_stand() {
        let text = format!("{} the release is on Friday {}", "lorem ".repeat(40), "ipsum ".repeat(40));
        let part = shown(&text, "release friday ", 90);
        assert!(part.contains("[release]") && part.contains("[Friday]"), "both words are in view: {part}");
        assert!(part.starts_with('…') && part.ends_with('…'), "what was left out is shown: {part}");
        assert!(shown(&text, "nothing ", 90).starts_with("lorem"), "no match: the beginning");
        let endless = format!("see the docs https://host/{}", "x".repeat(300));
        assert!(
            shown(&endless, "host ", 90).contains("[host]"),
            "a long word does not push the match out of view"
        );
    }

    proptest! {
        #[test]
        fn is_a_part_of_the_text(text in "(\\PC|[ \n]){0,300}", query in "\\PC{0,20}", length in 1_usize..120) {
            let spans = snippet(&text, &WordQuery::parse(&query), length).spans;
            let joined: String = spans.iter().map(|span| span.text.as_str()).collect();
            prop_assert!(joined.len() <= length + 2 * '…'.len_utf8() + 4, "about as long as was asked for");
            let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let inner = squeeze(joined.trim_matches('…'));
            let inner = inner.trim_matches('…').trim();
            prop_assert!(squeeze(&text).contains(inner), "nothing is invented: {inner:?}");
            prop_assert!(spans.iter().all(|span| !span.text.is_empty()));
        }
    }
}
