//! What requests cost, and what an account may spend.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::reply::Reply;
use crate::route::Route;

/// What an account's plan allows. `None`: without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Operations in a calendar month (UTC); Papr's free plan has 1,000.
    pub per_month: Option<u64>,
    /// Requests in any 60 seconds; Papr's free plan has 10.
    pub per_minute: Option<u32>,
}

/// What an account has used up.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    /// Operations by month.
    pub(crate) spent: BTreeMap<String, u64>,
    /// When the requests of the last minute came.
    recent: VecDeque<i64>,
}

/// Operations of one request; `items` counts a batch's memories. Papr names no price for search, export and
/// import: 1 each is taken here.
pub(crate) fn cost(route: Route, items: u64) -> u64 {
    match route {
        Route::Add => 4,
        Route::Batch => 4 * items,
        Route::Tiers => 3,
        Route::Feedback | Route::User | Route::Other | Route::Control => 0,
        Route::Delta
        | Route::Get
        | Route::Update
        | Route::Delete
        | Route::Search
        | Route::OmoExport
        | Route::OmoImport => 1,
    }
}

impl Meter {
    /// Counts a request against the minute; too many are refused with the time to wait.
    pub(crate) fn admit(&mut self, now: i64) -> Result<(), Reply> {
        let Some(per_minute) = self.limits.per_minute else { return Ok(()) };
        while self.recent.front().is_some_and(|at| now - at >= 60_000) {
            self.recent.pop_front();
        }
        if self.recent.len() >= per_minute as usize {
            let wait = self.recent.front().map_or(60_000, |at| 60_000 - (now - at));
            return Err(Reply::detail(429, "Rate limit exceeded")
                .header("retry-after", ((wait + 999) / 1000).to_string()));
        }
        self.recent.push_back(now);
        Ok(())
    }

    /// Whether the month has room for `cost` more operations.
    pub(crate) fn afford(&self, cost: u64, month: &str) -> Result<(), Reply> {
        let spent = self.spent.get(month).copied().unwrap_or(0);
        match self.limits.per_month {
            Some(limit) if cost > 0 && spent + cost > limit => Err(refusal(spent, limit)),
            _ => Ok(()),
        }
    }
}

/// 403, as a plan or quota refuses.
pub(crate) fn refusal(spent: u64, limit: u64) -> Reply {
    let details = json!({
        "error": "Limit reached",
        "message": format!("You have used {spent} of {limit} memory operations this month. Upgrade to continue."),
        "current_count": spent,
        "limit": limit,
        "tier": "developer",
        "is_trial": false,
        "subscription_status": "active",
    });
    Reply::envelope(403, "Limit reached", details)
}
