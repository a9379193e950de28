//! What a person chooses in the settings: checked, kept, and in force at once.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use papr_embed::DeviceChoice;
use papr_memory::MAX_HITS;
use serde::{Deserialize, Serialize};

use crate::settings::SYNC_MINUTES;
use crate::{Engine, Error, ModelState, Settings};

/// A day and a week in minutes.
const UNLOAD_MINUTES: RangeInclusive<u32> = 0..=10_080;
const LEDGER_DAYS: RangeInclusive<u32> = 1..=3_650;
const OPERATIONS: RangeInclusive<u64> = 0..=100_000_000;

/// A change of the settings: what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// What is to run the model. `PAPR_DEVICE` comes before it.
    pub device: Option<DeviceChoice>,
    /// After how many idle minutes the model leaves the memory, up to a week; 0 means never.
    pub unload_minutes: Option<u32>,
    /// Whether what changed lately is raised a little in a ranking.
    pub recent_first: Option<bool>,
    /// Whether goals are.
    pub goals_first: Option<bool>,
    /// Minutes between two looks at Papr, 5 to 1,440; 0 means the quieter it is, the rarer.
    pub sync_minutes: Option<u32>,
    /// What Papr's plan allows in a calendar month.
    pub operations_per_month: Option<u64>,
    /// How many days the ledger goes back, 1 to 3,650.
    pub ledger_days: Option<u32>,
    /// How many results a page of a search has, 1 to [`MAX_HITS`].
    pub results: Option<u32>,
}

impl Choices {
    fn check(&self) -> Result<(), Error> {
        within("the minutes after which the model leaves the memory", self.unload_minutes, UNLOAD_MINUTES)?;
        let sync_minutes = self.sync_minutes.filter(|&minutes| minutes != 0);
        within("the minutes between syncs, where they are not 0,", sync_minutes, SYNC_MINUTES)?;
        within("the operations of a month", self.operations_per_month, OPERATIONS)?;
        within("the days of the ledger", self.ledger_days, LEDGER_DAYS)?;
        within("the number of results", self.results.map(u64::from), 1..=MAX_HITS as u64)
    }

    fn put(&self, settings: &mut Settings) {
        fn put<T: Copy>(chosen: Option<T>, setting: &mut T) {
            *setting = chosen.unwrap_or(*setting);
        }
        put(self.device, &mut settings.device);
        put(self.unload_minutes, &mut settings.unload_minutes);
        put(self.recent_first, &mut settings.recent_first);
        put(self.goals_first, &mut settings.goals_first);
        put(self.sync_minutes, &mut settings.sync_minutes);
        put(self.operations_per_month, &mut settings.operations_per_month);
        put(self.ledger_days, &mut settings.ledger_days);
        put(self.results, &mut settings.results);
    }
}

fn within<T: Into<u64> + Copy + PartialOrd>(
    what: &'static str,
    asked: Option<T>,
    range: RangeInclusive<T>,
) -> Result<(), Error> {
    let Some(asked) = asked.filter(|asked| !range.contains(asked)) else { return Ok(()) };
    let (least, greatest) = range.into_inner();
    Err(Error::OutOfRange { what, least: least.into(), greatest: greatest.into(), asked: asked.into() })
}

impl Engine {
    /// What the person chose, as it is now.
    pub fn settings(&self) -> Settings {
        self.shared.settings().clone()
    }

    /// The name under which a settings file that could not be read was put aside when the engine was opened.
    pub fn settings_damaged(&self) -> Option<PathBuf> {
        self.shared.settings_damaged.clone()
    }

    /// Changes settings: all that is said, or nothing. They are in force when this returns, but for the model: for
    /// another device, or another time in memory, it is loaded anew in the background, and searches go on with the one
    /// that is there.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a number that cannot be chosen; an error of the file if it cannot be written.
    pub fn choose(&self, change: &Choices) -> Result<(), Error> {
        change.check()?;
        let shared = &self.shared;
        let before = self.settings();
        shared.change_settings(|settings| change.put(settings))?;
        let after = self.settings();
        if after.ledger_days != before.ledger_days {
            shared.papr.ledger.keep_days(after.ledger_days);
        }
        if (after.sync_minutes, after.operations_per_month)
            != (before.sync_minutes, before.operations_per_month)
        {
            shared.papr.poke();
            shared.publish_sync()?;
        }
        if (after.device, after.unload_minutes) != (before.device, before.unload_minutes) {
            shared.queue.choose();
            let failed = shared.status.borrow().model.state == ModelState::Failed;
            return if failed { self.start() } else { Ok(()) };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_with_its_ends() {
        let message = |choices: Choices| choices.check().unwrap_err().to_string();
        let sync = message(Choices { sync_minutes: Some(3), ..Choices::default() });
        assert!(sync.contains("5 to 1440, not 3"), "{sync}");
        let results = message(Choices { results: Some(0), ..Choices::default() });
        assert!(results.contains("1 to 1000, not 0"), "{results}");
        let all = Choices {
            unload_minutes: Some(0),
            sync_minutes: Some(0),
            ledger_days: Some(1),
            results: Some(1_000),
            operations_per_month: Some(0),
            ..Choices::default()
        };
        assert!(all.check().is_ok(), "the ends are within");
    }
}
