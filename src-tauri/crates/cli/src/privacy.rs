//! `papr privacy`: what left this machine, to whom, and the switch that stops all of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use papr_engine::Engine;
use papr_engine::account::ledger::{LedgerEntry, LedgerOutcome, LedgerReport, LedgerTotals};
use serde::Serialize;

use crate::output::{Failure, Output};
use crate::words::{bytes, moment, thousands};

#[derive(Clone, Debug, Args)]
pub(crate) struct PrivacyArguments {
    /// How many of the newest requests to show
    #[arg(short = 'n', long = "limit", default_value_t = 10)]
    limit: usize,
    /// Write every request that is kept to a file of JSON Lines instead
    #[arg(long, value_name = "FILE", conflicts_with = "limit")]
    export: Option<PathBuf>,
    /// Switch local only on or off: while it is on, nothing is sent to anybody and nothing fetched
    #[arg(long, value_name = "on|off", conflicts_with_all = ["limit", "export"])]
    local_only: Option<Switch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
enum Switch {
    On,
    Off,
}

#[derive(Serialize)]
struct Privacy {
    local_only: bool,
    #[serde(flatten)]
    ledger: LedgerReport,
}

#[derive(Serialize)]
struct LocalOnly {
    local_only: bool,
}

#[derive(Serialize)]
struct Exported {
    requests: usize,
}

pub(crate) fn run(engine: &Engine, options: &PrivacyArguments, output: &Output) -> Result<(), Failure> {
    if let Some(switch) = options.local_only {
        engine.set_local_only(switch == Switch::On)?;
        let now = LocalOnly { local_only: engine.local_only() };
        return output.print(&now, |now| local_only_text(now.local_only));
    }
    if let Some(file) = &options.export {
        let exported = Exported { requests: engine.export_ledger(&output.path(file))? };
        return output.print(&exported, |exported| {
            format!("{} written to {}\n", requests(exported.requests as u64), file.display())
        });
    }
    let privacy = Privacy { local_only: engine.local_only(), ledger: engine.ledger(options.limit)? };
    output.print(&privacy, privacy_text)
}

fn local_only_text(on: bool) -> String {
    if on {
        "Local only is on: nothing is sent to anybody and nothing fetched, by the app and by every command.\n"
            .to_owned()
    } else {
        "Local only is off. What was written while it was on stays on this machine: `papr adopt` gives it to an \
         account.\n"
            .to_owned()
    }
}

/// What can leave, when, and how it is stopped.
const DESTINATIONS: &str = "
What can leave this machine, and how to stop it
  to Papr           the memories of the account that is signed in, by sync       papr logout
                    a question, only by `papr search --cloud`
  to a model's hub  which model is wanted, only by `papr models install`
  Nothing else: no search, no usage data, no crash reports.
  `papr privacy --local-only on` stops all of it.
";

fn privacy_text(privacy: &Privacy) -> String {
    let Privacy { local_only, ledger } = privacy;
    let mut text = format!("Local only  {}\n", if *local_only { "on" } else { "off" });
    text += &format!("Today       {}\n", totals(&ledger.today));
    text += &format!("{:<11} {}\n", format!("{} days", ledger.days), totals(&ledger.all));
    text += &block("To whom", &ledger.by_host);
    text += &block("What for", &ledger.by_kind);
    if !ledger.entries.is_empty() {
        text += "\nThe newest requests\n";
        text.extend(ledger.entries.iter().map(entry_line));
    }
    text + DESTINATIONS
}

fn requests(number: u64) -> String {
    format!("{} {}", thousands(number), if number == 1 { "request" } else { "requests" })
}

fn totals(totals: &LedgerTotals) -> String {
    if totals.requests == 0 {
        return "nothing left this machine".to_owned();
    }
    format!(
        "{}, {} sent, {} received",
        requests(totals.requests),
        bytes(totals.bytes_up),
        bytes(totals.bytes_down)
    )
}

fn block(name: &str, parts: &BTreeMap<String, LedgerTotals>) -> String {
    let lines: String = parts.iter().map(|(part, sums)| format!("  {part:<20} {}\n", totals(sums))).collect();
    if lines.is_empty() { lines } else { format!("\n{name}\n{lines}") }
}

fn entry_line(entry: &LedgerEntry) -> String {
    let outcome = match (entry.outcome, entry.status) {
        (_, Some(status)) => status.to_string(),
        (LedgerOutcome::NotConnected, _) => "no connection".to_owned(),
        (LedgerOutcome::TimedOut, _) => "timed out".to_owned(),
        (LedgerOutcome::Abandoned, _) => "given up".to_owned(),
        (LedgerOutcome::Answered | LedgerOutcome::Broken, _) => "broken off".to_owned(),
    };
    format!(
        "  {}  {:<10} {}  {outcome}  {} sent, {} received, {} ms\n",
        moment(entry.at),
        entry.kind,
        entry.host,
        bytes(entry.bytes_up),
        bytes(entry.bytes_down),
        entry.ms
    )
}
