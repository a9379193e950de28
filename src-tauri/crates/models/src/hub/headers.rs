//! What a server says in its headers about a file and about waiting.

use std::time::Duration;

/// `Content-Range` of a 206 or a 416 (RFC 9110, section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentRange {
    /// `bytes start-end/total`, both ends included; no total where the server does not know it.
    Satisfied { start: u64, end: u64, total: Option<u64> },
    /// `bytes */total`: nothing of what was asked for exists.
    Unsatisfied { total: u64 },
}

impl ContentRange {
    /// `None` for anything that is not a range of bytes in its right order.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, total) = rest.trim().split_once('/')?;
        if range == "*" {
            return Some(Self::Unsatisfied { total: number(total)? });
        }
        let (start, end) = range.split_once('-')?;
        let (start, end) = (number(start)?, number(end)?);
        let total = if total == "*" { None } else { Some(number(total)?) };
        (start <= end && total.is_none_or(|total| end < total)).then_some(Self::Satisfied {
            start,
            end,
            total,
        })
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// An entity tag (RFC 9110, section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag {
    /// What stands between the quotation marks.
    pub(crate) tag: String,
    /// Whether the bytes may differ where the tag does not; such a tag is of no use in `If-Range`.
    pub(crate) weak: bool,
}

impl EntityTag {
    /// `"tag"`, `W/"tag"`, and also a bare tag, which some servers send. `None` for an empty one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (weak, text) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let tag = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        (!tag.is_empty() && !tag.contains('"')).then(|| Self { tag: tag.to_owned(), weak })
    }
}

/// `Retry-After` in seconds. The form with a date is not read: the wait is then chosen here.
pub(crate) fn retry_after(text: &str) -> Option<Duration> {
    number(text.trim()).filter(|_| !text.trim().is_empty()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_or_refused() {
        let satisfied = |start, end, total| Some(ContentRange::Satisfied { start, end, total });
        assert_eq!(ContentRange::parse("bytes 0-499/1234"), satisfied(0, 499, Some(1234)));
        assert_eq!(ContentRange::parse("Bytes 5-5/*"), satisfied(5, 5, None));
        assert_eq!(ContentRange::parse("bytes */7"), Some(ContentRange::Unsatisfied { total: 7 }));
        for wrong in [
            "",
            "bytes",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes -1-3/10",
            "bytes +1-3/10",
            "items 0-1/2",
            "bytes 0-1",
            "bytes */*",
            "bytes -/",
            "bytes 0-18446744073709551616/*",
        ] {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn tags_lose_their_quotation_marks() {
        let tag = |text: &str| EntityTag::parse(text).map(|tag| (tag.tag, tag.weak));
        assert_eq!(tag("\"abc\""), Some(("abc".into(), false)));
        assert_eq!(tag("W/\"abc\""), Some(("abc".into(), true)));
        assert_eq!(tag("abc"), Some(("abc".into(), false)));
        assert_eq!((tag(""), tag("\"\""), tag("\"a")), (None, None, None));
    }

    #[test]
    fn waits_are_seconds() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            (retry_after("-1"), retry_after(""), retry_after("Wed, 21 Oct 2026 07:28:00 GMT")),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(start in any::<u64>(), length in 0..u64::MAX, more in 1..u64::MAX, known: bool) {
            let end = start.saturating_add(length);
            let total = known.then(|| end.checked_add(more)).flatten();
            let text = format!("bytes {start}-{end}/{}", total.map_or("*".to_owned(), |total| total.to_string()));
            prop_assert_eq!(ContentRange::parse(&text), Some(ContentRange::Satisfied { start, end, total }));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(bytes )?[0-9*/ -]{0,40}|.{0,40}") {
            if let Some(ContentRange::Satisfied { start, end, total }) = ContentRange::parse(&text) {
                prop_assert!(start <= end && total.is_none_or(|total| end < total));
            }
            let _ = (EntityTag::parse(&text), retry_after(&text));
        }
    }
}
