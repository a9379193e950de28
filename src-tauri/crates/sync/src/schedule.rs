//! When to sync, and how: a decision from what is known, with neither a clock nor a timer.
//!
//! Looking is cheap (a delta, 1 operation) and soon after something happened; the quieter it stays, the rarer it gets,
//! down to six times a day. Both tiers (3 operations more) come once a day. So an idle day costs at most
//! [`IDLE_DAY`] operations. Where a person chose how often, that holds instead, as far as the month's operations reach.
//! What was written here goes up within seconds, whatever the interval.

use jiff::{SignedDuration, Timestamp};
use papr_memory::AccountSync;
use serde::{Deserialize, Serialize};

use crate::run::Scope;

/// The most operations a day costs on which nothing changes anywhere: a snapshot (3), a memory in no tier looked at
/// (1), and six deltas.
pub const IDLE_DAY: u64 = 10;

/// The shortest time between two looks.
const SHORTEST: SignedDuration = SignedDuration::from_mins(10);
/// The longest.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);
/// Between two snapshots.
const SNAPSHOTS: SignedDuration = SignedDuration::from_hours(24);
/// After the last edit, so that edits that follow each other go out together.
const DEBOUNCE: SignedDuration = SignedDuration::from_secs(5);
/// The first wait after a failure; each further one is twice as long, up to the longest time between looks.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// Where Papr says that the plan's limit is reached and not until when.
const AFTER_QUOTA: SignedDuration = SignedDuration::from_hours(6);

/// What is so at the moment.
#[allow(clippy::struct_excessive_bools)] // each is one fact that a system or a person tells
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// A person paused it.
    pub paused: bool,
    /// "Local only" is on.
    pub local_only: bool,
    /// There is a key.
    pub signed_in: bool,
    /// The system says that there is no network. False where it does not tell.
    pub offline: bool,
    /// The network costs by the byte: nothing goes on its own.
    pub metered: bool,
    /// The battery is low: nothing goes on its own but what was written here.
    pub low_battery: bool,
    /// What Papr has yet to hear, without conflicts and refusals.
    pub pending: usize,
    /// When something was last edited here.
    pub edited_at: Option<Timestamp>,
    /// When the app started, woke or got its network back.
    pub woke_at: Option<Timestamp>,
    /// When a person last asked for it.
    pub asked_at: Option<Timestamp>,
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Operations in a calendar month. Papr's free plan has 1,000.
    pub per_month: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { per_month: 1_000 }
    }
}

impl Budget {
    /// What is left of it.
    pub fn left(self, history: &AccountSync, now: Timestamp) -> u64 {
        self.per_month.saturating_sub(spent(history, now))
    }

    /// What one sync may cost: what is left; on its own it leaves a tenth of the month for what a person asks for.
    pub fn for_one(self, history: &AccountSync, asked: bool, now: Timestamp) -> u64 {
        let kept = if asked { 0 } else { self.per_month / 10 };
        self.left(history, now).saturating_sub(kept)
    }

    /// Operations at the end of the month if it goes on as now; `every` as in [`decide`].
    pub fn forecast(self, history: &AccountSync, every: Option<SignedDuration>, now: Timestamp) -> u64 {
        let day = SignedDuration::from_hours(24).as_secs();
        let looks = (day / interval(history, self, every, now).as_secs().max(1)).max(0).cast_unsigned();
        spent(history, now) + days_left(now) * (looks + 4)
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Sync.
    Now(Scope),
    /// Decide again then, or when a fact changes.
    At(Timestamp),
    /// Decide again when a fact changes.
    Wait(Why),
}

/// Why nothing happens on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// "Local only" is on.
    LocalOnly,
    /// There is no key.
    SignedOut,
    /// A person paused it.
    Paused,
    /// There is no network.
    Offline,
    /// The network costs by the byte.
    Metered,
    /// The key is not accepted: another one is needed.
    Unauthorised,
}

/// What to do at `now`. A person's word goes before everything but "local only", a missing key and the time that Papr
/// itself asked to wait. `every` is the time between two looks that a person chose, if one did.
pub fn decide(
    facts: &Facts,
    history: &AccountSync,
    budget: Budget,
    every: Option<SignedDuration>,
    now: Timestamp,
) -> Decision {
    let history = &believable(history, now);
    let tried = history.tried_at.unwrap_or(Timestamp::MIN);
    let since = |at: Option<Timestamp>| at.filter(|at| *at > tried && *at <= now);
    let asked = since(facts.asked_at).is_some();
    if facts.local_only {
        return Decision::Wait(Why::LocalOnly);
    }
    if !facts.signed_in {
        return Decision::Wait(Why::SignedOut);
    }
    if let Some(until) = history.not_before.filter(|until| *until > now) {
        return Decision::At(until);
    }
    let scope = scope(history, now);
    if asked {
        return Decision::Now(scope);
    }
    if let Some(why) = held(facts, history) {
        return Decision::Wait(why);
    }
    if budget.for_one(history, false, now) < 4 {
        return Decision::At(next_month(now));
    }
    let edits = (facts.pending > 0).then(|| {
        let quiet = facts.edited_at.map_or(now, |at| later(at, DEBOUNCE));
        quiet
            .max(later(tried, if since(facts.edited_at).is_some() { SignedDuration::ZERO } else { SHORTEST }))
    });
    let look = if facts.low_battery {
        None
    } else if since(facts.woke_at).is_some() && history.tried_at.is_none_or(|at| later(at, SHORTEST) <= now) {
        Some(now)
    } else {
        Some(history.tried_at.map_or(now, |at| later(at, interval(history, budget, every, now))))
    };
    let due = [edits, look].into_iter().flatten().min();
    let due = due.map(|due| due.max(backoff(history)));
    match due {
        Some(due) if due <= now => Decision::Now(scope),
        Some(due) => Decision::At(due),
        None => Decision::At(later(now, LONGEST)),
    }
}

/// Without the times of a clock that was ahead and has been put right: nothing would go on until it is as late again.
fn believable(history: &AccountSync, now: Timestamp) -> AccountSync {
    let past = |at: &Timestamp| *at <= now;
    let mut history = history.clone();
    if !history.tried_at.as_ref().is_none_or(past) {
        (history.tried_at, history.not_before) = (None, None);
    }
    history.snapshot_at = history.snapshot_at.filter(past);
    history
}

/// What keeps everything from going on its own.
fn held(facts: &Facts, history: &AccountSync) -> Option<Why> {
    if facts.paused {
        Some(Why::Paused)
    } else if facts.offline {
        Some(Why::Offline)
    } else if facts.metered {
        Some(Why::Metered)
    } else if history.problem.as_deref() == Some("unauthorised") {
        Some(Why::Unauthorised)
    } else {
        None
    }
}

fn scope(history: &AccountSync, now: Timestamp) -> Scope {
    let due = history.snapshot_at.is_none_or(|at| later(at, SNAPSHOTS) <= now);
    if due { Scope::Snapshot } else { Scope::Delta }
}

/// What was chosen, or twice as long with every look that found nothing; and as long as the month's operations need it
/// to be.
fn interval(
    history: &AccountSync,
    budget: Budget,
    every: Option<SignedDuration>,
    now: Timestamp,
) -> SignedDuration {
    let doubled = SHORTEST.checked_mul(1 << history.quiet.min(10)).unwrap_or(LONGEST).min(LONGEST);
    // A day's share, less its snapshot.
    let share = (budget.for_one(history, false, now) / days_left(now)).saturating_sub(4).max(1);
    let day = SignedDuration::from_hours(24);
    let affordable = day / i32::try_from(share).unwrap_or(i32::MAX);
    every.unwrap_or(doubled).max(affordable.min(LONGEST))
}

/// The earliest next try after failures.
fn backoff(history: &AccountSync) -> Timestamp {
    let Some(tried) = history.tried_at.filter(|_| history.failures > 0) else { return Timestamp::MIN };
    if history.problem.as_deref() == Some("quota") {
        return later(tried, AFTER_QUOTA);
    }
    let wait = FIRST_WAIT.checked_mul(1 << history.failures.saturating_sub(1).min(20)).unwrap_or(LONGEST);
    later(tried, wait.min(LONGEST))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn spent(history: &AccountSync, now: Timestamp) -> u64 {
    if history.month == now.strftime("%Y-%m").to_string() { history.spent } else { 0 }
}

/// Days of the month that are not over, this one too.
fn days_left(now: Timestamp) -> u64 {
    let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    u64::try_from(date.days_in_month() - date.day() + 1).unwrap_or(1)
}

fn next_month(now: Timestamp) -> Timestamp {
    let days = i64::try_from(days_left(now)).unwrap_or(31);
    let midnight = now.to_zoned(jiff::tz::TimeZone::UTC).start_of_day().map_or(now, |day| day.timestamp());
    later(midnight, SignedDuration::from_hours(24 * days))
}

#[cfg(test)]
mod tests;
