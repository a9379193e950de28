//! Boosts: what a person wants to see a little higher, whatever was searched for.
//!
//! A boost is added to what fusion makes of a memory and is bounded, so that it decides between hits that are about as
//! good and never makes an answer of what is none. Off unless chosen, and off in evaluations.

use jiff::{SignedDuration, Timestamp};
use papr_index::Attribute;
use papr_memory::Tier;

use crate::Settings;

/// The most that each boost adds, of a full score of 1.
pub(super) const MOST: f32 = 0.1;
/// In how many days what being recent adds is halved.
const HALVED_IN: f32 = 30.0;

/// Which boosts hold, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Boosts {
    /// Now, if being recent counts.
    recent_at: Option<Timestamp>,
    goals: bool,
}

impl Boosts {
    /// As they were chosen.
    pub(super) fn chosen(settings: &Settings, now: Timestamp) -> Self {
        Self { recent_at: settings.recent_first.then_some(now), goals: settings.goals_first }
    }

    /// What is added to the score of a memory: 0 to twice [`MOST`].
    pub(super) fn of(self, memory: Attribute) -> f32 {
        let recent = self.recent_at.map_or(0.0, |now| {
            let age = now.duration_since(memory.updated_at).max(SignedDuration::ZERO);
            MOST * (-age.as_secs_f32() / 86_400.0 / HALVED_IN).exp2()
        });
        let goal = if self.goals && memory.tier == Tier::Goals { MOST } else { 0.0 };
        recent + goal
    }
}

#[cfg(test)]
mod tests {
    use papr_memory::Source;
    use proptest::prelude::*;

    use super::*;

    fn memory(tier: Tier, updated_ms: i64) -> Attribute {
        Attribute { tier, source: Source::User, updated_at: Timestamp::from_millisecond(updated_ms).unwrap() }
    }

    const DAY: i64 = 86_400_000;

    #[test]
    fn what_being_recent_adds_is_halved_every_thirty_days() {
        let boosts =
            Boosts { recent_at: Some(Timestamp::from_millisecond(900 * DAY).unwrap()), goals: false };
        let after = |days: i64| boosts.of(memory(Tier::Goals, (900 - days) * DAY));
        for (days, expected) in [(-5, 0.1), (0, 0.1), (30, 0.05), (60, 0.025), (300, 0.1 / 1024.0)] {
            assert!((after(days) - expected).abs() < 1e-6, "{days} days: {}", after(days));
        }
    }

    proptest! {
        #[test]
        fn boosts_are_bounded_and_none_where_none_was_chosen(
            updated in -4_000_000_000_000_i64..8_000_000_000_000,
            now in -4_000_000_000_000_i64..8_000_000_000_000,
            (recent, goals, goal) in any::<(bool, bool, bool)>(),
        ) {
            let tier = if goal { Tier::Goals } else { Tier::Memories };
            let now = Timestamp::from_millisecond(now).unwrap();
            let settings = Settings { recent_first: recent, goals_first: goals, ..Settings::default() };
            let boost = Boosts::chosen(&settings, now).of(memory(tier, updated));
            let most = MOST * (f32::from(u8::from(recent)) + f32::from(u8::from(goals && goal)));
            prop_assert!((0.0..=most).contains(&boost), "{boost} of {most}");
            prop_assert!(Boosts::default().of(memory(tier, updated)) == 0.0);
        }
    }
}
