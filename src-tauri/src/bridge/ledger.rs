//! The ledger as windows see it: what left this device. Times are RFC 3339, UTC.

use papr_engine::account::ledger;
use serde::{Deserialize, Serialize};
use specta::Type;

/// One request that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// When it ended.
    pub at: String,
    /// What for.
    pub kind: String,
    /// To whom.
    pub host: String,
    /// Bytes that left the device.
    pub bytes_up: f64,
    /// Bytes that came.
    pub bytes_down: f64,
    /// Milliseconds it took.
    pub ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status.
    pub status: Option<u32>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // as in papr_engine
pub enum Outcome {
    Answered,
    NotConnected,
    TimedOut,
    Broken,
    Abandoned,
}

/// Sums over some requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Of whom; empty for all.
    pub name: String,
    /// How many.
    pub requests: u32,
    /// Bytes that left the device.
    pub bytes_up: f64,
    /// Bytes that came.
    pub bytes_down: f64,
}

/// What left this device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// The newest requests, newest first.
    pub entries: Vec<LedgerEntry>,
    /// Of today.
    pub today: Totals,
    /// Of all days that are kept.
    pub all: Totals,
    /// By host.
    pub by_host: Vec<Totals>,
    /// How many days are kept.
    pub days: u32,
}

#[allow(clippy::cast_precision_loss)] // bytes for people; exact up to 9 petabytes
fn totals(name: &str, totals: ledger::LedgerTotals) -> Totals {
    Totals {
        name: name.to_owned(),
        requests: u32::try_from(totals.requests).unwrap_or(u32::MAX),
        bytes_up: totals.bytes_up as f64,
        bytes_down: totals.bytes_down as f64,
    }
}

impl From<ledger::LedgerReport> for Ledger {
    fn from(report: ledger::LedgerReport) -> Self {
        Self {
            entries: report.entries.into_iter().map(Into::into).collect(),
            today: totals("", report.today),
            all: totals("", report.all),
            by_host: report.by_host.iter().map(|(host, sums)| totals(host, *sums)).collect(),
            days: report.days,
        }
    }
}

impl From<ledger::LedgerEntry> for LedgerEntry {
    #[allow(clippy::cast_precision_loss)] // as above
    fn from(entry: ledger::LedgerEntry) -> Self {
        use ledger::LedgerOutcome;
        Self {
            at: entry.at.to_string(),
            kind: entry.kind,
            host: entry.host,
            bytes_up: entry.bytes_up as f64,
            bytes_down: entry.bytes_down as f64,
            ms: entry.ms,
            outcome: match entry.outcome {
                LedgerOutcome::Answered => Outcome::Answered,
                LedgerOutcome::NotConnected => Outcome::NotConnected,
                LedgerOutcome::TimedOut => Outcome::TimedOut,
                LedgerOutcome::Broken => Outcome::Broken,
                LedgerOutcome::Abandoned => Outcome::Abandoned,
            },
            status: entry.status.map(u32::from),
        }
    }
}
