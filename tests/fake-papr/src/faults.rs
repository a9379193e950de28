//! What goes wrong, and when: a script of rules. A rule fires by exact call number or by chance; what it decides
//! hangs on the seed, the rule and the call, never on what other requests did.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::reply::Shape;
use crate::route::Route;

/// How long a client is asked to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// `Retry-After: 2`
    Seconds(u32),
    /// `Retry-After: Sat, 21 Nov 2026 08:00:00 GMT`, this many seconds from now.
    Date(u32),
    /// `retry-after-ms: 250`
    Milliseconds(u32),
}

/// How JSON can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garble {
    /// The text stops in the middle, the length is right.
    Truncated,
    /// A page of HTML under `application/json`.
    Html,
    /// Another document stands behind the right one.
    Trailing,
    /// A list where an object should be.
    WrongRoot,
}

/// How a schema can drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Fields that nobody has heard of.
    UnknownFields,
    /// `"200"` for `200`.
    StringsForNumbers,
    /// `memory_id` for `memoryId`, `updatedAt` for `updated_at`, and back.
    Renamed,
}

/// One thing that goes wrong. Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Fault {
    /// The request waits before it is looked at.
    Latency {
        /// At least this long.
        ms: u64,
        /// And up to this much longer.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// 429.
    RateLimit {
        /// Absent: no word of how long.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// 403 with the details of a used-up quota.
    Limit,
    /// Any other refusal: 500, 502, 503, 401, 403, 409, …
    Status {
        /// The status.
        status: u16,
        /// In which of Papr's shapes.
        #[serde(default)]
        shape: Shape,
    },
    /// The connection is closed after the head, before the body is read; nothing is done.
    CloseBefore,
    /// It is done, and the reply never comes: the connection is closed after `hang_ms`.
    LostReply {
        /// 0: at once.
        #[serde(default)]
        hang_ms: u64,
    },
    /// The reply's length is right, and only a part of it comes.
    CutBody {
        /// How much comes.
        #[serde(default = "half")]
        share: f64,
    },
    /// 200, and not JSON, or not the right one.
    WrongJson {
        /// Absent: any of them.
        #[serde(default)]
        how: Option<Garble>,
    },
    /// The memories of a reply in another order; those that a batch made, too.
    Reorder,
    /// Memories of a reply stand there twice.
    Duplicate {
        /// How many of them.
        #[serde(default = "half")]
        share: f64,
    },
    /// Memories of a reply are left out; a delta's cursor goes past them all the same.
    Missing {
        /// How many of them.
        #[serde(default = "half")]
        share: f64,
    },
    /// Another spelling of the same reply.
    Drift {
        /// Empty: all of them.
        #[serde(default)]
        how: Vec<Drift>,
    },
    /// Memories of a batch are refused one by one: 207.
    FailItems {
        /// These places in the batch.
        indexes: Vec<usize>,
        /// The status of each.
        #[serde(default = "too_large")]
        status: u16,
    },
}

fn half() -> f64 {
    0.5
}

fn too_large() -> u16 {
    413
}

impl Fault {
    fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::RateLimit { .. } => "rate_limit",
            Self::Limit => "limit",
            Self::Status { .. } => "status",
            Self::CloseBefore => "close_before",
            Self::LostReply { .. } => "lost_reply",
            Self::CutBody { .. } => "cut_body",
            Self::WrongJson { .. } => "wrong_json",
            Self::Reorder => "reorder",
            Self::Duplicate { .. } => "duplicate",
            Self::Missing { .. } => "missing",
            Self::Drift { .. } => "drift",
            Self::FailItems { .. } => "fail_items",
        }
    }

    fn share(&self) -> Option<f64> {
        match self {
            Self::CutBody { share } | Self::Duplicate { share } | Self::Missing { share } => Some(*share),
            _ => None,
        }
    }
}

/// When a fault happens. Without `calls` and `probability`: always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Absent: any endpoint.
    #[serde(default)]
    pub route: Option<Route>,
    /// 1, 2, 3 …, counted over the requests this rule is for, since the script was set.
    #[serde(default)]
    pub calls: Vec<u64>,
    /// Between 0 and 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// At most so often.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// On every request.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { route: None, calls: Vec::new(), probability: None, times: None, fault }
    }

    /// On these calls, counted from 1.
    #[must_use]
    pub fn on_calls(calls: &[u64], fault: Fault) -> Self {
        Self { calls: calls.to_vec(), ..Self::always(fault) }
    }

    /// With this probability.
    #[must_use]
    pub fn chance(probability: f64, fault: Fault) -> Self {
        Self { probability: Some(probability), ..Self::always(fault) }
    }

    /// Only for this endpoint.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// At most so often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

/// Rules, all looked at for every request; several can fire at once, and of two refusals the first one counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Absent: the server's own.
    pub seed: Option<u64>,
    /// In this order.
    pub faults: Vec<Rule>,
}

/// A script that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// Not JSON of the right form.
    #[error("the fault script is not understood: {0}")]
    Form(#[from] serde_json::Error),
    /// A share or probability outside 0 to 1.
    #[error("rule {rule} of the fault script has {value} where a number between 0 and 1 belongs")]
    Share {
        /// Counted from 1.
        rule: usize,
        /// What stands there.
        value: f64,
    },
}

impl Script {
    /// These rules, under the server's seed.
    #[must_use]
    pub fn of(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { seed: None, faults: rules.into_iter().collect() }
    }

    /// Reads a script.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        let script: Self = serde_json::from_str(text)?;
        script.check()?;
        Ok(script)
    }

    /// Whether every number is one that can be meant.
    pub fn check(&self) -> Result<(), ScriptError> {
        for (index, rule) in self.faults.iter().enumerate() {
            for value in [rule.probability, rule.fault.share()].into_iter().flatten() {
                if !(0.0..=1.0).contains(&value) {
                    return Err(ScriptError::Share { rule: index + 1, value });
                }
            }
        }
        Ok(())
    }
}

/// What one request will meet with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) latency: Duration,
    /// The rest, in the order of the script.
    pub(crate) faults: Vec<Fault>,
    pub(crate) names: Vec<&'static str>,
    /// What further choices of this request start from.
    pub(crate) roll: u64,
}

impl Plan {
    pub(crate) fn dice(&self, what: u64) -> Dice {
        Dice::new(self.roll, &[what])
    }

    /// The first fault that `choose` takes.
    pub(crate) fn find<T>(&self, choose: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(choose)
    }
}

/// The script that runs, and how often each rule was asked and fired.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    script: Script,
    asked: Vec<u64>,
    fired: Vec<u64>,
    requests: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64, script: Script) -> Self {
        let faults = Self { seed, running: Mutex::default() };
        faults.set(script);
        faults
    }

    /// Starts `script` anew: every call is counted from 1 again.
    pub(crate) fn set(&self, script: Script) {
        let rules = script.faults.len();
        let running = Running { script, asked: vec![0; rules], fired: vec![0; rules], requests: 0 };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    /// How often each rule fired.
    pub(crate) fn fired(&self) -> Vec<u64> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).fired.clone()
    }

    /// What the next request for `route` will meet with.
    pub(crate) fn plan(&self, route: Route) -> Plan {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running { script, asked, fired, requests } = &mut *running;
        *requests += 1;
        let seed = script.seed.unwrap_or(self.seed);
        let mut plan = Plan { roll: Dice::new(seed, &[3, *requests]).number(), ..Plan::default() };
        for (index, rule) in script.faults.iter().enumerate() {
            if rule.route.is_some_and(|only| only != route) {
                continue;
            }
            asked[index] += 1;
            let mut dice = Dice::new(seed, &[4, index as u64, asked[index]]);
            let due = (rule.calls.is_empty() || rule.calls.contains(&asked[index]))
                && rule.probability.is_none_or(|probability| dice.unit() < probability)
                && rule.times.is_none_or(|times| fired[index] < times);
            if !due {
                continue;
            }
            fired[index] += 1;
            plan.names.push(rule.fault.name());
            match &rule.fault {
                Fault::Latency { ms, jitter_ms } => {
                    let more = dice.number() % (jitter_ms + 1);
                    plan.latency += Duration::from_millis(ms + more);
                }
                fault => plan.faults.push(fault.clone()),
            }
        }
        plan
    }
}
