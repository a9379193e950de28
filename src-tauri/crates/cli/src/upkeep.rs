//! `papr check`, `papr backup`, `papr compact`: upkeep of the data folder.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use papr_engine::Engine;
use papr_engine::upkeep::{self, Backup, CheckReport, Sizes};
use papr_memory::ports::SystemClock;
use serde::Serialize;

use crate::output::{Failure, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Make a backup now; one is made by itself every day
    Make,
    /// Show the backups there are, newest first
    List,
    /// Read a backup to its end and count what is in it
    Verify {
        /// The backup
        file: PathBuf,
    },
    /// Put a backup in the place of the memories; those are kept in quarantine
    Restore {
        /// The backup
        file: PathBuf,
    },
}

/// Reads every entry. Damage is a failure.
pub(crate) fn check(engine: &Engine, output: &Output) -> Result<(), Failure> {
    let bar = output.progress("Entries checked", None);
    let report = engine.check(
        &mut |now| {
            bar.set_length(now.total);
            bar.set_position(now.done);
        },
        output.cancel(),
    )?;
    bar.finish_and_clear();
    output.print(&report, check_text)?;
    if report.is_whole() { Ok(()) } else { Err(Failure::Unwell) }
}

fn check_text(report: &CheckReport) -> String {
    let mut text = format!(
        "{} memories, {} deleted ones, {} vectors, {} waiting for Papr: {} damaged\n",
        report.memories, report.tombstones, report.vectors, report.outbox, report.damage
    );
    for finding in &report.findings {
        text += &format!("  {finding:?}\n");
    }
    text
}

/// What can be done with the store open.
pub(crate) fn backup(engine: &Engine, command: &BackupCommand, output: &Output) -> Result<(), Failure> {
    match command {
        BackupCommand::Make => {
            let made = engine.back_up(output.cancel())?;
            output.print(&made, |made| {
                let left_out = match made.left_out {
                    0 => String::new(),
                    count => format!("; {count} damaged entries could not be taken into it"),
                };
                format!("Backup in {}{left_out}\n", made.backup.path.display())
            })
        }
        BackupCommand::List => {
            output.print(&engine.backups()?, |backups| backups.iter().map(backup_line).collect())
        }
        BackupCommand::Verify { file } => output
            .print(&upkeep::verify_backup(&output.path(file))?, |found| {
                format!("Whole: {} memories, {} deleted ones\n", found.memories, found.tombstones)
            }),
        BackupCommand::Restore { .. } => Ok(()),
    }
}

fn backup_line(backup: &Backup) -> String {
    format!("{}  {}\n", backup.at.strftime("%Y-%m-%d %H:%M:%S"), backup.path.display())
}

/// Needs the store to be closed.
pub(crate) fn restore(data: &Path, file: &Path, output: &Output) -> Result<(), Failure> {
    let recovered = upkeep::restore_backup(data, &output.path(file), &SystemClock)?;
    output.print(&recovered, |recovered| format!("{} memories from {}\n", recovered.kept, file.display()))
}

#[derive(Serialize)]
struct Compaction {
    before: Sizes,
    after: Sizes,
}

/// Needs the store to be closed.
pub(crate) fn compact(data: &Path, output: &Output) -> Result<(), Failure> {
    let done = upkeep::compact(data, &SystemClock, output.cancel())?;
    let done = Compaction { before: done.before, after: done.after };
    output.print(&done, |done| {
        let megabytes = |sizes: &Sizes| sizes.log as f64 / 1e6;
        format!("{:.1} MB before, {:.1} MB after\n", megabytes(&done.before), megabytes(&done.after))
    })
}
