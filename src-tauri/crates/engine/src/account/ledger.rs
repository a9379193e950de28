//! What left this device: every request's time, kind, host, size and outcome, and never what was in it.
//!
//! A file of JSON Lines a day (UTC) in `ledger/` of the data folder. It is written as requests end, not flushed to the
//! platter: a power failure may cost the last lines.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use papr_api::{Attempt, AttemptEnd, Observer};
use papr_memory::ports::Clock;
use papr_models::Exchange;
use serde::{Deserialize, Serialize};

use crate::{Engine, Error};

pub(crate) const FOLDER: &str = "ledger";
const ENDING: &str = ".jsonl";

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// When it ended.
    pub at: Timestamp,
    /// What for: `tiers`, `delta`, `add`, `search`, …; `model` for a download.
    pub kind: String,
    /// To whom, with the port where one was given.
    pub host: String,
    /// Bytes that left the device.
    pub bytes_up: u64,
    /// Bytes that came.
    pub bytes_down: u64,
    /// Milliseconds it took.
    pub ms: u32,
    /// How it ended.
    pub outcome: LedgerOutcome,
    /// The HTTP status, if an answer came whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerOutcome {
    /// An answer came whole.
    Answered,
    /// No connection could be opened: nothing left the device.
    NotConnected,
    /// The time was over.
    TimedOut,
    /// The connection broke, or what came could not be read.
    Broken,
    /// It was given up here.
    Abandoned,
}

/// Sums over some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTotals {
    /// How many.
    pub requests: u64,
    /// Bytes that left the device.
    pub bytes_up: u64,
    /// Bytes that came.
    pub bytes_down: u64,
}

impl LedgerTotals {
    fn count(&mut self, entry: &LedgerEntry) {
        self.requests += 1;
        self.bytes_up += entry.bytes_up;
        self.bytes_down += entry.bytes_down;
    }
}

/// The ledger as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerReport {
    /// The newest requests, newest first.
    pub entries: Vec<LedgerEntry>,
    /// Sums of today (UTC).
    pub today: LedgerTotals,
    /// Sums of all days that are kept.
    pub all: LedgerTotals,
    /// Sums by host.
    pub by_host: BTreeMap<String, LedgerTotals>,
    /// Sums by kind.
    pub by_kind: BTreeMap<String, LedgerTotals>,
    /// How many days are kept.
    pub days: u32,
}

/// Writes the ledger.
pub(crate) struct Ledger {
    folder: PathBuf,
    days: AtomicU32,
    clock: Arc<dyn Clock>,
    today: Mutex<Option<(Date, File)>>,
}

impl Ledger {
    /// In the data folder; nothing is made before the first request.
    pub(crate) fn new(data: &Path, days: u32, clock: Arc<dyn Clock>) -> Self {
        Self { folder: data.join(FOLDER), days: days.into(), clock, today: Mutex::default() }
    }

    /// Goes back so many days from now on; those before are removed.
    pub(crate) fn keep_days(&self, days: u32) {
        self.days.store(days, Ordering::Relaxed);
        self.forget_before(day_of(self.clock.now()));
    }

    pub(crate) fn record(&self, entry: &LedgerEntry) {
        if let Err(error) = self.write(entry) {
            tracing::error!(%error, "a request could not be written into the ledger");
        }
    }

    /// A request for a model's files ended.
    pub(crate) fn downloaded(&self, exchange: &Exchange) {
        self.record(&LedgerEntry {
            at: self.clock.now(),
            kind: "model".to_owned(),
            host: exchange.host.clone(),
            bytes_up: exchange.bytes_up,
            bytes_down: exchange.bytes_down,
            ms: u32::try_from(exchange.elapsed.as_millis()).unwrap_or(u32::MAX),
            outcome: match exchange.status {
                Some(_) => LedgerOutcome::Answered,
                None if exchange.not_connected => LedgerOutcome::NotConnected,
                None => LedgerOutcome::Broken,
            },
            status: exchange.status,
        });
    }

    fn write(&self, entry: &LedgerEntry) -> io::Result<()> {
        let day = day_of(entry.at);
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *today {
            Some((open, file)) if *open == day => file.write_all(&line),
            _ => {
                fs::create_dir_all(&self.folder)?;
                self.forget_before(day);
                let path = self.folder.join(format!("{day}{ENDING}"));
                let mut file = File::options().create(true).append(true).open(path)?;
                file.write_all(&line)?;
                *today = Some((day, file));
                Ok(())
            }
        }
    }

    /// Removes the days that are not kept any more.
    fn forget_before(&self, day: Date) {
        let days = self.days.load(Ordering::Relaxed).max(1);
        let Ok(oldest) = day.checked_sub(i64::from(days - 1).days()) else { return };
        for (date, path) in self.files().unwrap_or_default() {
            if date < oldest
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(%error, "an old day of the ledger cannot be removed");
            }
        }
    }

    /// The days there are, oldest first.
    fn files(&self) -> io::Result<Vec<(Date, PathBuf)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(date) = name.strip_suffix(ENDING).and_then(|date| date.parse().ok()) {
                files.push((date, path));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Every request that is kept, oldest first. A line that a crash cut off is passed over.
    fn each(&self, mut visit: impl FnMut(LedgerEntry)) -> io::Result<()> {
        for (_, path) in self.files()? {
            for line in BufReader::new(File::open(path)?).split(b'\n') {
                if let Ok(entry) = serde_json::from_slice(&line?) {
                    visit(entry);
                }
            }
        }
        Ok(())
    }

    fn report(&self, limit: usize) -> io::Result<LedgerReport> {
        let mut report = LedgerReport { days: self.days.load(Ordering::Relaxed), ..LedgerReport::default() };
        let today = day_of(self.clock.now());
        self.each(|entry| {
            report.all.count(&entry);
            if day_of(entry.at) == today {
                report.today.count(&entry);
            }
            report.by_host.entry(entry.host.clone()).or_default().count(&entry);
            report.by_kind.entry(entry.kind.clone()).or_default().count(&entry);
            report.entries.push(entry);
            // Twice the limit at most, so that a long ledger takes no more memory than a short one.
            if report.entries.len() > limit.saturating_mul(2) {
                report.entries.drain(..report.entries.len() - limit);
            }
        })?;
        report.entries.reverse();
        report.entries.truncate(limit);
        Ok(report)
    }
}

impl Observer for Ledger {
    fn attempted(&self, attempt: &Attempt) {
        let (outcome, status) = match attempt.end {
            AttemptEnd::Answered { status } => (LedgerOutcome::Answered, Some(status)),
            AttemptEnd::NotConnected => (LedgerOutcome::NotConnected, None),
            AttemptEnd::TimedOut => (LedgerOutcome::TimedOut, None),
            AttemptEnd::Abandoned => (LedgerOutcome::Abandoned, None),
            _ => (LedgerOutcome::Broken, None),
        };
        self.record(&LedgerEntry {
            at: self.clock.now(),
            kind: attempt.endpoint.as_str().to_owned(),
            host: attempt.host.clone(),
            bytes_up: attempt.bytes_up,
            bytes_down: attempt.bytes_down,
            ms: u32::try_from(attempt.elapsed.as_millis()).unwrap_or(u32::MAX),
            outcome,
            status,
        });
    }
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl Engine {
    /// What left this device: sums, and the newest `limit` requests.
    pub fn ledger(&self, limit: usize) -> Result<LedgerReport, Error> {
        let ledger = &self.shared.papr.ledger;
        ledger.report(limit).map_err(|source| Error::File { path: ledger.folder.clone(), source })
    }

    /// Writes every request that is kept to a file of JSON Lines, oldest first. Returns how many.
    pub fn export_ledger(&self, path: &Path) -> Result<usize, Error> {
        let to = |source| Error::File { path: path.to_owned(), source };
        let mut file = io::BufWriter::new(File::create(path).map_err(to)?);
        let (mut count, mut failed) = (0, None);
        let ledger = &self.shared.papr.ledger;
        let read = ledger.each(|entry| {
            let written = serde_json::to_writer(&mut file, &entry)
                .map_err(io::Error::from)
                .and_then(|()| file.write_all(b"\n"));
            match written {
                Ok(()) => count += 1,
                Err(error) => failed = failed.take().or(Some(error)),
            }
        });
        read.map_err(|source| Error::File { path: ledger.folder.clone(), source })?;
        failed.map_or(Ok(()), Err).and_then(|()| file.flush()).map_err(to)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use papr_memory::ports::SystemClock;

    use super::*;

    fn entry(at: &str, up: u64) -> LedgerEntry {
        LedgerEntry {
            at: at.parse().unwrap(),
            kind: "delta".to_owned(),
            host: "memory.papr.ai".to_owned(),
            bytes_up: up,
            bytes_down: 100,
            ms: 12,
            outcome: LedgerOutcome::Answered,
            status: Some(200),
        }
    }

    #[test]
    fn days_that_are_too_old_go_and_a_torn_line_hides_no_other() {
        let data = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(data.path(), 2, Arc::new(SystemClock));
        for (at, up) in
            [("2026-11-20T23:59:59Z", 1), ("2026-11-21T00:00:00Z", 2), ("2026-11-21T10:00:00Z", 3)]
        {
            ledger.record(&entry(at, up));
        }
        let torn = data.path().join("ledger/2026-11-21.jsonl");
        File::options().append(true).open(&torn).unwrap().write_all(b"{\"at\":\"2026\n").unwrap();
        assert_eq!(ledger.report(10).unwrap().all.bytes_up, 6);
        ledger.record(&entry("2026-11-22T01:00:00Z", 4));
        let report = ledger.report(2).unwrap();
        assert_eq!(
            report.all,
            LedgerTotals { requests: 3, bytes_up: 9, bytes_down: 300 },
            "two days are kept"
        );
        let newest: Vec<u64> = report.entries.iter().map(|entry| entry.bytes_up).collect();
        assert_eq!(newest, [4, 3], "the newest first, and no more than asked for");
        assert_eq!(report.by_host["memory.papr.ai"].requests, 3);
    }

    #[test]
    fn nothing_is_made_before_the_first_request() {
        let data = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(data.path(), 2, Arc::new(SystemClock));
        assert_eq!(ledger.report(5).unwrap().all, LedgerTotals::default());
        assert!(!data.path().join("ledger").exists());
    }
}
