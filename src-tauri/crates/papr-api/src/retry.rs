//! When a call is tried again, and how long to wait until then.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How often and how soon a failed call is tried again.
///
/// Tried again are connections that could not be opened or broke, time-outs, and the statuses 408, 409, 429 and 5xx.
/// What makes something new at the server ([`Client::add`](crate::Client::add) and its like) is tried again only
/// where it is certain that nothing was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first. Default 2.
    pub retries: u32,
    /// The first wait; each further one is twice as long. Default half a second.
    pub first_wait: Duration,
    /// The longest wait of our own choosing. Default 8 s.
    pub longest_wait: Duration,
    /// The longest wait a server may ask for; if it asks for more, the call ends with an error that tells the time.
    /// Default 60 s.
    pub longest_asked: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_asked: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn never() -> Self {
        Self { retries: 0, ..Self::default() }
    }

    /// The wait after the `failure`-th failed attempt, counted from 1. `jitter` in [0, 1) takes off up to a quarter,
    /// so that many who failed together do not come back together.
    pub(crate) fn wait(&self, failure: u32, jitter: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failure.saturating_sub(1).min(16));
        doubled.min(self.longest_wait).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 4.0)
    }
}

/// How long the server asks to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, section
/// 10.2.3). A date is compared with the answer's own `Date`, so that a wrong clock here does no harm, and with `now`
/// only where there is none. A date in the past is a wait of nothing.
pub(crate) fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(seconds) {
        return Some(ms / 1000);
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = seconds(after) {
        return Some(seconds);
    }
    let now = text(DATE.as_str()).and_then(date).unwrap_or(now);
    let wait = date(after)?.duration_since(now).max(SignedDuration::ZERO);
    Duration::try_from(wait).ok()
}

/// A number of seconds, also with a fraction, never negative, at most a year.
fn seconds(text: &str) -> Option<Duration> {
    const YEAR: f64 = 366.0 * 86_400.0;
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = plain.then(|| text.parse().ok()).flatten()?;
    Duration::try_from_secs_f64(seconds.min(YEAR)).ok()
}

fn date(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    PARSER.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn waits_double_up_to_a_bound_less_a_quarter_at_most() {
        let policy = RetryPolicy::default();
        let ms = |failure, jitter| policy.wait(failure, jitter).as_millis();
        assert_eq!(
            [ms(1, 0.0), ms(2, 0.0), ms(5, 0.0), ms(6, 0.0)],
            [500, 1000, 8000, 8000],
            "0.5·2ⁿ, to 8 s"
        );
        assert_eq!([ms(1, 1.0), ms(99, 1.0)], [375, 6000], "a quarter off is the most");
    }

    #[test]
    fn every_form_of_asking_is_understood() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let ask = |pairs: &[(&'static str, &str)]| asked(&headers(pairs), now);
        assert_eq!(ask(&[("retry-after", "7")]), Some(Duration::from_secs(7)), "seconds");
        assert_eq!(ask(&[("retry-after", " 1.5 ")]), Some(Duration::from_millis(1500)), "with a fraction");
        let both = [("retry-after", "7"), ("retry-after-ms", "20")];
        assert_eq!(ask(&both), Some(Duration::from_millis(20)), "milliseconds say it more exactly");
        let date = ("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT");
        assert_eq!(ask(&[date]), Some(Duration::from_secs(30)), "a date, by our clock");
        let theirs = ("date", "Sun, 22 Nov 2026 12:00:20 GMT");
        assert_eq!(
            ask(&[date, theirs]),
            Some(Duration::from_secs(10)),
            "the server's clock goes before ours"
        );
        assert_eq!(ask(&[("retry-after", "Sun, 22 Nov 2020 12:00:30 GMT")]), Some(Duration::ZERO), "passed");
        for nonsense in ["", "-1", "soon", "1e9", "NaN", "."] {
            assert_eq!(ask(&[("retry-after", nonsense)]), None, "{nonsense:?} asks for nothing");
        }
        assert_eq!(ask(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ -~]{0,40}|[0-9.]{0,400}") {
            let wait = asked(&headers(&[("retry-after", &text)]), Timestamp::UNIX_EPOCH);
            prop_assert!(wait.is_none_or(|wait| wait <= Duration::MAX));
        }
    }
}
