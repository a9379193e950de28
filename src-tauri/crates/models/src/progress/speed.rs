//! Bytes a second, smoothed, and how long the rest will take.

use std::time::Duration;

/// How much time the average looks back over.
const WINDOW: f64 = 4.0;

/// Time that must have been seen before anything is said.
const SETTLED: Duration = Duration::from_secs(2);

/// Observations closer than this are put together: one packet says nothing about a speed.
const SHORTEST: Duration = Duration::from_millis(200);

/// Beyond this, a remaining time is of no use to anybody.
const LONGEST: f64 = 30.0 * 24.0 * 3600.0;

/// An exponential average over the speeds between observations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Speed {
    first: Option<Duration>,
    last: (Duration, u64),
    average: Option<f64>,
}

impl Speed {
    /// Notes that `bytes` are done at `now`, a time since any fixed moment. Fewer bytes than before mean that
    /// something began again: what was learned is forgotten. A time that runs backwards is not looked at.
    pub(crate) fn observe(&mut self, now: Duration, bytes: u64) {
        if self.first.is_none() || bytes < self.last.1 {
            *self = Self { first: Some(now), last: (now, bytes), average: None };
            return;
        }
        let (before, bytes_before) = self.last;
        let Some(time) = now.checked_sub(before).filter(|time| *time >= SHORTEST) else { return };
        let seconds = time.as_secs_f64();
        let now_speed = (bytes - bytes_before) as f64 / seconds;
        let weight = 1.0 - (-seconds / WINDOW).exp();
        let average = self.average.map_or(now_speed, |average| average + weight * (now_speed - average));
        self.average = Some(average);
        self.last = (now, bytes);
    }

    /// Bytes a second; `None` until enough was seen.
    pub(crate) fn bytes_per_second(&self) -> Option<f64> {
        let seen = self.last.0.checked_sub(self.first?)?;
        self.average.filter(|_| seen >= SETTLED)
    }

    /// The time for `bytes` more; `None` until enough was seen, and while nothing moves.
    pub(crate) fn time_for(&self, bytes: u64) -> Option<Duration> {
        let seconds = bytes as f64 / self.bytes_per_second().filter(|speed| *speed >= 1.0)?;
        (seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_download_is_told_after_two_seconds() {
        let mut speed = Speed::default();
        for tick in 0..20 {
            speed.observe(at(tick * 100), tick * 1000);
            assert_eq!(speed.time_for(1), None, "calculating");
        }
        speed.observe(at(2_000), 20_000);
        assert!((speed.bytes_per_second().unwrap() - 10_000.0).abs() < 1.0);
        assert_eq!(speed.time_for(100_000).unwrap().as_secs(), 10);
        assert_eq!(speed.time_for(0), Some(Duration::ZERO));
    }

    #[test]
    fn a_burst_is_smoothed_and_a_stall_ends_in_silence() {
        let mut speed = Speed::default();
        for second in 0..10 {
            speed.observe(at(second * 1000), second * 1000);
        }
        speed.observe(at(10_000), 29_000);
        let after_burst = speed.bytes_per_second().unwrap();
        assert!((2_000.0..8_000.0).contains(&after_burst), "{after_burst}");
        for second in 11..120 {
            speed.observe(at(second * 1000), 29_000);
        }
        assert_eq!(speed.time_for(1000), None, "nothing moves");
        speed.observe(at(121_000), 5);
        assert_eq!(speed.bytes_per_second(), None, "began again");
    }

    proptest! {
        #[test]
        fn never_negative_never_wild(steps in prop::collection::vec((0u64..5_000, any::<u64>()), 0..60), left: u64) {
            let mut speed = Speed::default();
            let (mut now, mut seen) = (0u64, 0u64);
            for (wait, bytes) in steps {
                now += wait;
                seen += wait;
                if speed.first.is_none() || bytes < speed.last.1 {
                    seen = 0;
                }
                speed.observe(at(now), bytes);
                let told = speed.bytes_per_second();
                prop_assert!(told.is_none_or(|told| told.is_finite() && told >= 0.0));
                prop_assert!(told.is_none() || seen >= 2_000);
                prop_assert!(speed.time_for(left).is_none_or(|time| time.as_secs_f64() <= LONGEST));
            }
        }

        #[test]
        fn the_average_stays_between_the_slowest_and_the_fastest(steps in prop::collection::vec(1u64..100_000, 12..60)) {
            let mut speed = Speed::default();
            let mut bytes = 0;
            speed.observe(at(0), 0);
            for (tick, step) in steps.iter().enumerate() {
                bytes += step;
                speed.observe(at((tick as u64 + 1) * 500), bytes);
            }
            let told = speed.bytes_per_second().unwrap();
            let (least, most) = (*steps.iter().min().unwrap() as f64 * 2.0, *steps.iter().max().unwrap() as f64 * 2.0);
            prop_assert!(told >= least * 0.999 && told <= most * 1.001, "{} in {}..{}", told, least, most);
        }
    }
}
