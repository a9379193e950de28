//! How long to wait before the next attempt, and how many there are.

use std::time::Duration;

/// The longest wait, whatever a server asks for.
const LONGEST: Duration = Duration::from_mins(2);

/// Attempts and the waits between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Failures in a row, none of which brought a byte, before it is given up. Default 6.
    pub failures: u32,
    /// The first wait; each further one is twice as long. Default half a second.
    pub first_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { failures: 6, first_wait: Duration::from_millis(500) }
    }
}

impl Retries {
    /// The wait after the `failure`-th failure, counted from 1. `jitter` in [0, 1) shortens it by up to a half,
    /// so that many who failed together do not come back together; what the server asked for is not shortened.
    /// At most two minutes.
    pub(crate) fn wait(&self, failure: u32, asked: Option<Duration>, jitter: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failure.saturating_sub(1).min(16)).min(LONGEST / 4);
        let own = doubled.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0);
        asked.map_or(own, |asked| asked.max(own)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_honour_the_server() {
        let retries = Retries::default();
        let ms = |failure, asked: Option<u64>, jitter| {
            retries.wait(failure, asked.map(Duration::from_secs), jitter).as_millis()
        };
        assert_eq!((ms(1, None, 0.0), ms(2, None, 0.0), ms(3, None, 0.0)), (500, 1000, 2000));
        assert_eq!(ms(1, None, 1.0), 250);
        assert_eq!(ms(99, None, 0.0), 30_000);
        assert_eq!((ms(1, Some(7), 0.5), ms(1, Some(9_999), 0.5)), (7_000, 120_000));
        assert_eq!(ms(1, Some(0), 0.0), 500);
    }
}
