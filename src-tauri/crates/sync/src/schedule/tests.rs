//! When to sync, day by day.

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
        match decide(&facts(), history, budget, None, now) {
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
    assert_eq!(decide(&edited, &history, Budget::default(), None, now), Decision::At(due), "more may follow");
    assert_eq!(decide(&edited, &history, Budget::default(), None, due), Decision::Now(Scope::Delta));
    let low = Facts { low_battery: true, ..edited };
    assert_eq!(
        decide(&low, &history, Budget::default(), None, due),
        Decision::Now(Scope::Delta),
        "edits go all the same"
    );
}

#[test]
fn nothing_goes_where_it_may_not() {
    let now = at("2026-11-05T12:00:00Z");
    let history = AccountSync::default();
    let asked = Facts { asked_at: Some(now), ..facts() };
    let decide = |facts: &Facts, history: &AccountSync| decide(facts, history, Budget::default(), None, now);
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
    let told =
        AccountSync { tried_at: Some(now), failures: 1, not_before: Some(until), ..AccountSync::default() };
    let asked = Facts { asked_at: Some(later(now, DEBOUNCE)), ..facts() };
    let soon = later(now, DEBOUNCE);
    assert_eq!(decide(&asked, &told, Budget::default(), None, soon), Decision::At(until), "429 with a time");
    let mut waits = Vec::new();
    for failures in 1..12 {
        let history = AccountSync { tried_at: Some(now), failures, ..AccountSync::default() };
        let waiting = Facts { pending: 3, ..facts() };
        let Decision::At(then) = decide(&waiting, &history, Budget::default(), None, now) else {
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
    assert_eq!(decide(&facts(), &quota, Budget::default(), None, now), Decision::At(later(now, AFTER_QUOTA)));
}

#[test]
fn what_a_person_chose_holds_as_far_as_the_month_reaches() {
    let now = at("2026-11-05T12:00:00Z");
    let history =
        AccountSync { tried_at: Some(now), snapshot_at: Some(now), quiet: 9, ..AccountSync::default() };
    let wait = |minutes, per_month| {
        let every = Some(SignedDuration::from_mins(minutes));
        match decide(&facts(), &history, Budget { per_month }, every, now) {
            Decision::At(then) => then.duration_since(now).as_mins(),
            other => panic!("nothing is due: {other:?}"),
        }
    };
    assert_eq!(wait(15, 50_000), 15, "however quiet it is");
    assert_eq!(wait(1_440, 50_000), 1_440, "also where it is rarer than the rarest by itself");
    assert!((40..240).contains(&wait(5, 1_000)), "a small plan lasts the month");
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
        assert_eq!(decide(&facts, &history, Budget::default(), None, now), Decision::Now(Scope::Snapshot));
    }
}

#[test]
fn the_forecast_follows_what_was_spent() {
    let now = at("2026-11-15T12:00:00Z");
    let quiet = AccountSync { quiet: 9, month: "2026-11".to_owned(), spent: 100, ..AccountSync::default() };
    let forecast = Budget::default().forecast(&quiet, None, now);
    assert!((200..=300).contains(&forecast), "100 so far and 16 quiet days of 10: {forecast}");
    let last_month = AccountSync { month: "2026-10".to_owned(), ..quiet };
    assert_eq!(Budget::default().left(&last_month, now), 1_000, "a new month begins at nothing");
}
