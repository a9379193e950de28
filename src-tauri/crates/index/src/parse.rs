//! A query as the word index reads it: terms, identifiers, quoted phrases.

use std::collections::{HashMap, HashSet};

use crate::endings::stem;
use crate::fold::fold;
use crate::syntax::{is_quote, split_excluded};
use crate::token;

/// A word or an identifier that is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Case and accents off.
    pub(crate) folded: String,
    /// What its other forms have in common with it, if it has other forms.
    pub(crate) stem: Option<String>,
    /// As it was typed.
    pub typed: String,
    /// The word may go on: it stands last and nothing after it says that it is whole.
    pub(crate) open: bool,
    /// It is an ideograph beside another: the pair says more than it does.
    pub(crate) in_pair: bool,
}

/// Words that must stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub(crate) folded: Vec<String>,
    /// As it was typed, without quotes.
    pub typed: String,
}

/// What is searched for by word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordQuery {
    /// Every word once, in the order typed.
    pub(crate) terms: Vec<Term>,
    /// Compound pieces kept whole, and pairs of ideographs; they score like words.
    pub(crate) wholes: Vec<Term>,
    /// What names one thing and must not be buried.
    pub(crate) identifiers: Vec<Phrase>,
    /// Quoted phrases, and the whole query when it is short enough to be a name.
    pub(crate) phrases: Vec<Phrase>,
    /// What must not be there.
    pub(crate) excluded: Vec<Phrase>,
}

/// A query of up to this many words is also looked for as it stands: it may be a name or a title.
const NAME_WORDS: usize = 4;
/// How many identifiers of a query come before all else; a text of more names no one thing.
const NAMES: usize = 64;

impl WordQuery {
    /// What is to be left out, and nothing to look for.
    #[must_use]
    pub fn only_excluded(&self) -> Self {
        Self { excluded: self.excluded.clone(), ..Self::default() }
    }

    /// Reads what was typed. Never fails: what is not understood is searched for as words.
    pub fn parse(typed: &str) -> Self {
        let (excluded, text) = split_excluded(typed);
        let text = text.as_str();
        let mut query =
            Self { excluded: excluded.into_iter().filter_map(phrase).collect(), ..Self::default() };
        let ends_open = text.chars().next_back().is_some_and(char::is_alphanumeric);
        let ranges: Vec<_> = token::words(text).collect();
        let (mut terms, mut wholes, mut names) = (Terms::default(), Terms::default(), Vec::new());
        let pairs: Vec<_> = token::ideograph_pairs(text).collect();
        let (starts, ends): (HashSet<_>, HashSet<_>) =
            pairs.iter().map(|pair| (pair.start, pair.end)).unzip();
        for (position, range) in ranges.iter().enumerate() {
            let typed = &text[range.clone()];
            let open = ends_open && position + 1 == ranges.len();
            let in_pair = starts.contains(&range.start) || ends.contains(&range.end);
            terms.push(typed, open, in_pair);
            push_name(&mut names, typed);
        }
        for range in &pairs {
            wholes.push(&text[range.clone()], false, false);
        }
        for range in token::wholes(text) {
            let typed = &text[range];
            wholes.push(typed, false, false);
            push_name(&mut names, typed);
        }
        (query.terms, query.wholes) = (terms.list, wholes.list);
        // A part of an identifier does not count for the whole: `E_CONN_4417` asks for no other `E`.
        let is_part =
            |name: &str| query.wholes.iter().any(|whole| whole.typed != name && whole.typed.contains(name));
        query.identifiers = names.into_iter().filter(|name| !is_part(name)).filter_map(phrase).collect();
        query.phrases = quoted(text);
        if query.phrases.is_empty()
            && (1..=NAME_WORDS).contains(&ranges.len())
            && query.identifiers.is_empty()
        {
            query.phrases.extend(phrase(text));
        }
        query
    }

    /// Whether there is nothing to look for: only punctuation, or pictures.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// Terms, each once, in the order typed.
#[derive(Default)]
struct Terms {
    list: Vec<Term>,
    /// Where each stands.
    places: HashMap<String, usize>,
}

impl Terms {
    fn push(&mut self, typed: &str, open: bool, in_pair: bool) {
        let folded = fold(typed);
        if folded.is_empty() {
            return;
        }
        if let Some(&place) = self.places.get(&folded) {
            let known = &mut self.list[place];
            known.open |= open;
            known.in_pair &= in_pair;
            return;
        }
        self.places.insert(folded.clone(), self.list.len());
        let stem = stem(&folded);
        self.list.push(Term { folded, stem, typed: typed.to_owned(), open, in_pair });
    }
}

/// Adds what may name one thing, once, while there are few.
fn push_name<'a>(names: &mut Vec<&'a str>, typed: &'a str) {
    if names.len() < NAMES && token::is_identifier(typed) && !names.contains(&typed) {
        names.push(typed);
    }
}

/// The phrases between straight or curly double quotes; a quote that is never closed is no phrase.
fn quoted(text: &str) -> Vec<Phrase> {
    let pieces: Vec<&str> = text.split(is_quote).collect();
    let closed = if pieces.len() % 2 == 1 { pieces.len() } else { pieces.len() - 1 };
    pieces[..closed].iter().skip(1).step_by(2).filter_map(|piece| phrase(piece)).collect()
}

fn phrase(text: &str) -> Option<Phrase> {
    let folded: Vec<String> = token::words(text).map(|range| fold(&text[range])).collect();
    (!folded.is_empty()).then(|| Phrase { folded, typed: text.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrases(text: &str) -> Vec<Vec<String>> {
        WordQuery::parse(text).phrases.into_iter().map(|phrase| phrase.folded).collect()
    }

    fn names(query: &WordQuery) -> Vec<&str> {
        query.identifiers.iter().map(|name| name.typed.as_str()).collect()
    }

    #[test]
    fn quoted_text_is_a_phrase() {
        assert_eq!(phrases("who said \"ship on Friday\" and why then"), [["ship", "on", "friday"]]);
        assert_eq!(phrases("who said “ship it” and why did they"), [["ship", "it"]], "curly quotes too");
        assert!(
            phrases("who said \"ship on Friday and why then").is_empty(),
            "an open quote is still being typed"
        );
    }

    #[test]
    fn a_short_query_may_be_a_name() {
        assert_eq!(phrases("Ingrid Solberg"), [["ingrid", "solberg"]]);
        assert!(phrases("what does Ingrid like to drink").is_empty(), "a sentence is not a name");
    }

    #[test]
    fn an_identifier_stands_for_itself_alone() {
        let query = WordQuery::parse("status of KR-4?");
        assert_eq!(names(&query), ["KR-4"]);
        let query = WordQuery::parse("E_CONN_4417");
        assert_eq!(names(&query), ["E_CONN_4417"], "its parts name nothing by themselves");
        assert!(query.phrases.is_empty(), "an identifier needs no phrase");
    }

    #[test]
    fn only_a_last_word_without_an_end_is_open() {
        let open = |text: &str| WordQuery::parse(text).terms.iter().map(|term| term.open).collect::<Vec<_>>();
        assert_eq!(open("dark roa"), [false, true]);
        assert_eq!(open("dark roast "), [false, false]);
        assert_eq!(open("dark roast?"), [false, false]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_parsed(text in "\\PC{0,80}") {
            let query = WordQuery::parse(&text);
            prop_assert!(query.terms.iter().all(|term| !term.folded.is_empty()));
            prop_assert!(query.phrases.iter().all(|phrase| !phrase.folded.is_empty()));
        }
    }
}
