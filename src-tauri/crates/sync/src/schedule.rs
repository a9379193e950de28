//! When to sync, and how: a decision from what is known, with neither a clock nor a timer.
//!
//! Looking is cheap (a delta, 1 operation) and soon after something happened; the quieter it stays, the rarer it gets,
//! down to six times a day. Both tiers (3 operations more) come once a day. So an idle day costs at most
//! [`IDLE_DAY`] operations. What was written here goes up within seconds, whatever the interval.

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

    /// Operations at the end of the month if it goes on as now.
    pub fn forecast(self, history: &AccountSync, now: Timestamp) -> u64 {
        let day = SignedDuration::from_hours(24).as_secs();
        let looks = (day / interval(history, self, now).as_secs().max(1)).max(0).cast_unsigned();
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
/// itself asked to wait.
pub fn decide(facts: &Facts, history: &AccountSync, budget: Budget, now: Timestamp) -> Decision {
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
        Some(history.tried_at.map_or(now, |at| later(at, interval(history, budget, now))))
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

/// Twice as long with every look that found nothing, and as long as the month's operations need it to be.
fn interval(history: &AccountSync, budget: Budget, now: Timestamp) -> SignedDuration {
    let doubled = SHORTEST.checked_mul(1 << history.quiet.min(10)).unwrap_or(LONGEST).min(LONGEST);
    // A day's share, less its snapshot.
    let share = (budget.for_one(history, false, now) / days_left(now)).saturating_sub(4).max(1);
    let day = SignedDuration::from_hours(24);
    let affordable = day / i32::try_from(share).unwrap_or(i32::MAX);
    doubled.max(affordable.min(LONGEST))
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
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn facts() -> Facts {
        Facts { signed_in: true, ..Facts::default() }
    }

    /// A month of deciding, each sync taken to cost what it does where nothing changes.
    fn idle(days: i64, history: &mut AccountSync, budget: Budget) -> Vec<u64> {
        let start = at("2026-11-01T00:00:00Z");
        let mut now = start;
        let mut costs = vec![0; usize::try_from(days).unwrap()];
        while now < later(start, SignedDuration::from_hours(24 * days)) {
            match decide(&facts(), history, budget, now) {
                Decision::Now(scope) => {
                    // A snapshot, its delta, one memory in no tier looked at.
                    let cost = if scope == Scope::Snapshot { 5 } else { 1 };
                    let day = now.duration_since(start).as_hours() / 24;
                    costs[usize::try_from(day).unwrap()] += cost;
                    if scope == Scope::Snapshot {
                        history.snapshot_at = Some(now);
                    }
                    history.month = "2026-11".to_owned();
                    history.spent += cost;
                    (history.tried_at, history.succeeded_at) = (Some(now), Some(now));
                    history.quiet += 1;
                }
                Decision::At(then) => {
                    assert!(then > now, "time goes on");
                    now = then;
                }
                Decision::Wait(why) => panic!("nothing is in the way: {why:?}"),
            }
        }
        costs
    }

    #[test]
    fn an_idle_day_costs_ten_operations_and_an_idle_month_a_third_of_the_plan() {
        let costs = idle(30, &mut AccountSync::default(), Budget::default());
        assert!(costs[1..].iter().all(|cost| *cost <= IDLE_DAY), "{costs:?}");
        let all: u64 = costs.iter().sum();
        assert!(all <= 320, "an idle month cost {all}");
    }

    #[test]
    fn a_small_budget_is_not_overrun() {
        let budget = Budget { per_month: 100 };
        let all: u64 = idle(30, &mut AccountSync::default(), budget).iter().sum();
        assert!(all <= 100, "{all} of 100 were spent");
    }

    #[test]
    fn what_was_written_goes_up_seconds_later_and_together() {
        let now = at("2026-11-05T12:00:00Z");
        let mut history =
            AccountSync { tried_at: Some(later(now, -SHORTEST)), quiet: 9, ..AccountSync::default() };
        history.snapshot_at = history.tried_at;
        let edited = Facts { pending: 1, edited_at: Some(now), ..facts() };
        let due = later(now, DEBOUNCE);
        assert_eq!(decide(&edited, &history, Budget::default(), now), Decision::At(due), "more may follow");
        assert_eq!(decide(&edited, &history, Budget::default(), due), Decision::Now(Scope::Delta));
        let low = Facts { low_battery: true, ..edited };
        assert_eq!(
            decide(&low, &history, Budget::default(), due),
            Decision::Now(Scope::Delta),
            "edits go all the same"
        );
    }

    #[test]
    fn nothing_goes_where_it_may_not() {
        let now = at("2026-11-05T12:00:00Z");
        let history = AccountSync::default();
        let asked = Facts { asked_at: Some(now), ..facts() };
        let decide = |facts: &Facts, history: &AccountSync| decide(facts, history, Budget::default(), now);
        let local = Facts { local_only: true, ..asked.clone() };
        assert_eq!(decide(&local, &history), Decision::Wait(Why::LocalOnly), "not even when asked");
        assert_eq!(
            decide(&Facts { signed_in: false, ..asked.clone() }, &history),
            Decision::Wait(Why::SignedOut)
        );
        for (facts, why) in [
            (Facts { paused: true, ..facts() }, Why::Paused),
            (Facts { offline: true, ..facts() }, Why::Offline),
            (Facts { metered: true, ..facts() }, Why::Metered),
        ] {
            assert_eq!(decide(&facts, &history), Decision::Wait(why));
            let asked = Facts { asked_at: Some(now), ..facts };
            assert_eq!(decide(&asked, &history), Decision::Now(Scope::Snapshot), "a person may");
        }
        let wrong = AccountSync { problem: Some("unauthorised".to_owned()), ..AccountSync::default() };
        assert_eq!(decide(&facts(), &wrong), Decision::Wait(Why::Unauthorised), "a wrong key stays wrong");
    }

    #[test]
    fn papr_is_left_alone_until_it_said_and_longer_after_every_failure() {
        let now = at("2026-11-05T12:00:00Z");
        let until = later(now, SignedDuration::from_mins(7));
        let told = AccountSync {
            tried_at: Some(now),
            failures: 1,
            not_before: Some(until),
            ..AccountSync::default()
        };
        let asked = Facts { asked_at: Some(later(now, DEBOUNCE)), ..facts() };
        let soon = later(now, DEBOUNCE);
        assert_eq!(decide(&asked, &told, Budget::default(), soon), Decision::At(until), "429 with a time");
        let mut waits = Vec::new();
        for failures in 1..12 {
            let history = AccountSync { tried_at: Some(now), failures, ..AccountSync::default() };
            let waiting = Facts { pending: 3, ..facts() };
            let Decision::At(then) = decide(&waiting, &history, Budget::default(), now) else {
                panic!("not at once after a failure")
            };
            waits.push(then.duration_since(now));
        }
        assert!(waits.is_sorted() && waits[0] <= SHORTEST && *waits.last().unwrap() <= LONGEST, "{waits:?}");
        let quota = AccountSync {
            tried_at: Some(now),
            failures: 1,
            problem: Some("quota".to_owned()),
            ..AccountSync::default()
        };
        assert_eq!(decide(&facts(), &quota, Budget::default(), now), Decision::At(later(now, AFTER_QUOTA)));
    }

    #[test]
    fn a_clock_that_was_ahead_holds_nothing_up() {
        let now = at("2026-11-05T12:00:00Z");
        let ahead = later(now, SignedDuration::from_hours(24 * 400));
        let history = AccountSync {
            tried_at: Some(ahead),
            snapshot_at: Some(ahead),
            not_before: Some(later(ahead, DEBOUNCE)),
            ..AccountSync::default()
        };
        let asked = Facts { asked_at: Some(now), ..facts() };
        for facts in [facts(), asked] {
            assert_eq!(decide(&facts, &history, Budget::default(), now), Decision::Now(Scope::Snapshot));
        }
    }

    #[test]
    fn the_forecast_follows_what_was_spent() {
        let now = at("2026-11-15T12:00:00Z");
        let quiet =
            AccountSync { quiet: 9, month: "2026-11".to_owned(), spent: 100, ..AccountSync::default() };
        let forecast = Budget::default().forecast(&quiet, now);
        assert!((200..=300).contains(&forecast), "100 so far and 16 quiet days of 10: {forecast}");
        let last_month = AccountSync { month: "2026-10".to_owned(), ..quiet };
        assert_eq!(Budget::default().left(&last_month, now), 1_000, "a new month begins at nothing");
    }
}
