//! The server's time: the system's, or one that a test moves by hand. Milliseconds since 1970, as Papr counts.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Where "now" comes from.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Negative: the system's time.
    by_hand: AtomicI64,
}

impl Clock {
    pub(crate) fn new(start: Option<i64>) -> Self {
        Self { by_hand: AtomicI64::new(start.unwrap_or(-1)) }
    }

    pub(crate) fn now(&self) -> i64 {
        match self.by_hand.load(Ordering::SeqCst) {
            at if at >= 0 => at,
            _ => Timestamp::now().as_millisecond(),
        }
    }

    /// From here on time stands still until it is set again.
    pub(crate) fn set(&self, at: i64) {
        self.by_hand.store(at.max(0), Ordering::SeqCst);
    }
}

fn format(at: i64, pattern: &str) -> String {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).strftime(pattern).to_string()
}

/// `2026-11-20T10:11:12.345Z`
pub(crate) fn zulu(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// `2026-11-20T10:11:12.345000+00:00`, as Python writes it.
pub(crate) fn pythonic(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%S%.6f+00:00")
}

/// `2026-11`, what quotas are counted by.
pub(crate) fn month(at: i64) -> String {
    format(at, "%Y-%m")
}

/// `Sat, 21 Nov 2026 08:00:00 GMT`, as `Retry-After` has it.
pub(crate) fn http_date(at: i64) -> String {
    format(at, "%a, %d %b %Y %H:%M:%S GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_they_stand_on_the_wire() {
        let at = 1_795_248_672_345;
        assert_eq!(zulu(at), "2026-11-21T08:11:12.345Z");
        assert_eq!(pythonic(at), "2026-11-21T08:11:12.345000+00:00");
        assert_eq!(http_date(at), "Sat, 21 Nov 2026 08:11:12 GMT");
        assert_eq!(month(at), "2026-11");
    }
}
