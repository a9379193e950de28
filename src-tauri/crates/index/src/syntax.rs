//! What can be typed besides words: filters, and words that must not be there.
//!
//! | typed | finds memories |
//! |---|---|
//! | `topic:travel`, `topic:"two words"` | with this topic; of several, with each |
//! | `tier:goals`, `tier:memories` | of this tier |
//! | `before:2026-03-01`, `before:2026-03`, `before:2026` | last changed before that day, month or year began |
//! | `after:2026-03-01`, `after:2026-03`, `after:2026` | last changed on that day, or after that month or year began |
//! | `-word`, `-#tag`, `-"some words"` | that do not say this |
//!
//! What is not understood, like `before:lunch`, is searched for as words.

use std::ops::Range;

use jiff::civil::Date;
use papr_memory::Tier;

use crate::parse::WordQuery;

/// What memories must be, besides what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryFilters {
    /// Each must be among a memory's topics; case and accents do not matter.
    pub topics: Vec<String>,
    /// The tier they stand in.
    pub tier: Option<Tier>,
    /// They were last changed before this day.
    pub before: Option<Date>,
    /// They were last changed on this day or later.
    pub after: Option<Date>,
}

impl QueryFilters {
    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes `piece` if it is a filter; whether it is.
    fn take(&mut self, piece: &str) -> bool {
        let Some((name, value)) = piece.split_once(':') else { return false };
        let value = value.trim_matches(is_quote).trim();
        if value.is_empty() {
            return false;
        }
        match name.to_ascii_lowercase().as_str() {
            "topic" => {
                self.topics.push(value.to_owned());
                true
            }
            "tier" => value.parse().map(|tier| self.tier = Some(tier)).is_ok(),
            "before" => first_day(value).map(|day| self.before = Some(day)).is_some(),
            "after" => first_day(value).map(|day| self.after = Some(day)).is_some(),
            _ => false,
        }
    }
}

/// A query taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedQuery {
    /// What is searched for by word.
    pub words: WordQuery,
    /// What is searched for by meaning: the text without filters and without what is to be left out.
    pub text: String,
    /// What memories must be.
    pub filters: QueryFilters,
}

impl TypedQuery {
    /// Reads what was typed. Never fails: what is not understood is searched for as words.
    pub fn parse(typed: &str) -> Self {
        let mut filters = QueryFilters::default();
        let rest = without(typed, |piece| filters.take(piece));
        let words = WordQuery::parse(&rest);
        let text = without(&rest, |piece| excluded(piece).is_some()).trim().to_owned();
        Self { words, text, filters }
    }
}

/// The pieces of `typed` that must not be there, without their signs; and the rest of it.
pub(crate) fn split_excluded(typed: &str) -> (Vec<&str>, String) {
    let mut left_out = Vec::new();
    for range in pieces(typed) {
        left_out.extend(excluded(&typed[range]));
    }
    (left_out, without(typed, |piece| excluded(piece).is_some()))
}

/// What `piece` excludes, if it excludes: `-5` and `-` do not, nor does `well-known`.
fn excluded(piece: &str) -> Option<&str> {
    let rest = piece.strip_prefix('-')?;
    let says = |letter: char| letter.is_alphabetic() || matches!(letter, '#' | '@') || is_quote(letter);
    (rest.starts_with(says) && rest.contains(char::is_alphanumeric)).then(|| rest.trim_matches(is_quote))
}

/// `typed` without the pieces that `goes`; white space stays, since it says whether the last word is whole.
fn without(typed: &str, mut goes: impl FnMut(&str) -> bool) -> String {
    let mut rest = String::with_capacity(typed.len());
    let mut at = 0;
    for range in pieces(typed) {
        rest.push_str(&typed[at..range.start]);
        if !goes(&typed[range.clone()]) {
            rest.push_str(&typed[range.clone()]);
        }
        at = range.end;
    }
    rest.push_str(&typed[at..]);
    rest
}

/// The pieces between white space; white space between quotes does not part them.
fn pieces(typed: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted) = (None, false);
    for (at, letter) in typed.char_indices() {
        if is_quote(letter) {
            // A quote that is never closed parts nothing.
            quoted = !quoted && typed[at + letter.len_utf8()..].contains(is_quote);
        }
        match start {
            None if !letter.is_whitespace() => start = Some(at),
            Some(from) if letter.is_whitespace() && !quoted => {
                pieces.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    pieces.extend(start.map(|from| from..typed.len()));
    pieces
}

/// Straight or curly double quotes.
pub(crate) fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„')
}

/// The first day of `2026-03-01`, `2026-03` or `2026`.
fn first_day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = parts.next().map_or(Some(1), |month| month.parse().ok())?;
    let day = parts.next().map_or(Some(1), |day| day.parse().ok())?;
    if parts.next().is_some() { None } else { Date::new(year, month, day).ok() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn filters_are_taken_out_of_the_text() {
        let query = TypedQuery::parse("topic:travel where to stay TIER:goals before:2026-03 after:2025");
        assert_eq!(query.text, "where to stay");
        assert_eq!(query.words, WordQuery::parse(" where to stay   "));
        let filters = &query.filters;
        assert_eq!(
            (filters.tier, filters.topics.as_slice()),
            (Some(Tier::Goals), ["travel".to_owned()].as_slice())
        );
        assert_eq!((filters.before, filters.after), (Some(date(2026, 3, 1)), Some(date(2025, 1, 1))));
    }

    #[test]
    fn what_is_not_understood_is_words() {
        for typed in
            ["before:lunch", "after:2026-13", "tier:moon", "topic:", "note:this", "http://host", "10:30"]
        {
            let query = TypedQuery::parse(typed);
            assert!(query.filters.is_empty(), "{typed}");
            assert_eq!(query.text, typed);
        }
    }

    #[test]
    fn a_minus_leaves_out() {
        let left_out = |typed| split_excluded(typed).0;
        assert_eq!(left_out("coffee -tea -#draft -\"green tea\""), ["tea", "#draft", "green tea"]);
        for typed in ["well-known", "-5 degrees", "a - b", "--", "-\"\"", "KR-4"] {
            assert!(left_out(typed).is_empty(), "{typed} leaves nothing out");
        }
        assert_eq!(TypedQuery::parse("coffee -tea").text, "coffee");
        assert_eq!(TypedQuery::parse("say \"a -b c\"").text, "say \"a -b c\"", "not within a phrase");
    }

    proptest! {
        #[test]
        fn nothing_is_invented(typed in "(\\PC|[ :\"-]|topic:|-a){0,60}") {
            let query = TypedQuery::parse(&typed);
            let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
            prop_assert!(letters(&query.text) <= letters(&typed));
            if !typed.contains([':', '-']) {
                prop_assert_eq!(query.text, typed.trim());
            }
        }
    }
}
