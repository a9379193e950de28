//! `papr sync`: once, as a rehearsal, as a look, or for as long as it is left running.

use std::thread;

use clap::Args;
use papr_engine::{
    Code, Preview, Problem, Scope, ServerSpace, ServerVectors, SyncPhase, SyncReport, SyncStatus,
};
use papr_memory::CancelToken;
use serde::Serialize;
use tokio::runtime;

use crate::account::connect;
use crate::door::{Door, Open};
use crate::output::{Failure, Output};
use crate::wait::{self, finish_embedding, wait_until};
use crate::words::{changes, clock_time, count, moment, operations, thousands};

#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is one option
pub(crate) struct SyncArguments {
    /// Look at both tiers whole, for 4 operations and more, instead of what changed, for 1 and more
    #[arg(long)]
    whole: bool,
    /// Show what would be done; looking costs operations, and nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// Show how sync stands; Papr is not asked
    #[arg(long, conflicts_with_all = ["whole", "dry_run", "watch"])]
    status: bool,
    /// Go on until Ctrl-C: fetch from time to time, send what is written; a line for each change
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Keep the vectors that Papr made of the memories too, about 10 or 25 kB each: off, int8 or float; holds from now
    /// on
    #[arg(long, value_name = "FORM", conflicts_with_all = ["status", "dry_run"])]
    server_vectors: Option<ServerVectors>,
}

impl SyncArguments {
    /// Whether it goes on until Ctrl-C.
    pub(crate) fn watches(&self) -> bool {
        self.watch
    }
}

pub(crate) fn run(door: &Door<'_>, options: &SyncArguments, output: &Output) -> Result<(), Failure> {
    // Vectors come with whole tiers alone.
    let scope =
        if options.whole || options.server_vectors.is_some() { Scope::Snapshot } else { Scope::Delta };
    if options.status {
        let engine = door.open(output)?;
        let status = Standing { status: engine.sync_status()?, server_vectors: engine.server_space()? };
        return output.print(&status, |standing| {
            status_text(&standing.status) + &format!("Vectors    {}\n", standing.server_vectors.describe())
        });
    }
    if let Some(form) = options.server_vectors {
        door.open(output)?.set_server_vectors(form)?;
    }
    if options.watch {
        return watch(&door.open_to_stay(output)?, options.whole, output);
    }
    let engine = door.open(output)?;
    connect(&engine, output)?;
    if options.dry_run {
        let preview = output.waiting("Asking Papr", || engine.preview_sync(scope, output.cancel()))?;
        return output.print(&preview, preview_text);
    }
    wait::index(&engine, output)?;
    let report = output.waiting("Syncing with Papr", || engine.sync(scope, output.cancel()))?;
    let done = Done { status: engine.sync_status()?, adoptable: engine.adoptable()?, report };
    if done.report.problem.is_none() || done.report.pulled.changed() + done.report.pushed.total() > 0 {
        output.print(&done, report_text)?;
    }
    let vectors = engine.server_space()?;
    if done.report.pulled.changed() > 0 || vectors.form != ServerVectors::Off {
        finish_embedding(&engine, output)?;
    }
    if vectors.form != ServerVectors::Off {
        output.note(&engine.server_space()?.describe());
    }
    match &done.report.problem {
        Some(problem) => Err(Failure::Told(Problem::from(problem))),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct Standing {
    #[serde(flatten)]
    status: SyncStatus,
    server_vectors: ServerSpace,
}

#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    report: SyncReport,
    status: SyncStatus,
    /// Memories of no account, which no sync sends.
    adoptable: usize,
}

/// `Received 12 (10 new, 2 changed), sent 3, 1 conflict · 2 operations, 14 of 1,000 this month`
fn report_text(done: &Done) -> String {
    let Done { report, status, adoptable } = done;
    let (pulled, pushed) = (&report.pulled, &report.pushed);
    let received = sum(&[
        (pulled.created, "new"),
        (pulled.updated, "changed"),
        (pulled.moved, "moved"),
        (pulled.deleted, "deleted"),
    ]);
    let sent = sum(&[(pushed.added, "new"), (pushed.updated, "changed"), (pushed.deleted, "deleted")]);
    let conflicts = match pulled.conflicts {
        0 => String::new(),
        many => format!(", {}", count(many, "conflict", "conflicts")),
    };
    let mut text = format!(
        "Received {received}, sent {sent}{conflicts} · {}, {} of {} this month\n",
        operations(report.operations),
        thousands(status.spent),
        thousands(status.budget)
    );
    let odd = sum(&[
        (pulled.no_content, "without a text"),
        (pulled.duplicates, "listed twice"),
        (pulled.unreadable, "unreadable"),
        (pulled.ghosts, "deleted and still listed"),
    ]);
    if odd != "0" {
        text += &format!("Passed over {odd}\n");
    }
    if *adoptable > 0 {
        let some = count(*adoptable, "memory here belongs", "memories here belong");
        text += &format!("{some} to no account and stayed here: `papr adopt`\n");
    }
    text + &what_waits(status)
}

/// `0`, `10 new`, `12 (10 new, 2 changed)`.
fn sum(parts: &[(usize, &str)]) -> String {
    let total: usize = parts.iter().map(|(many, _)| many).sum();
    let named: Vec<String> = parts
        .iter()
        .filter(|(many, _)| *many > 0)
        .map(|(many, what)| format!("{} {what}", thousands(*many as u64)))
        .collect();
    match named.as_slice() {
        [] => "0".to_owned(),
        [one] => one.clone(),
        several => format!("{} ({})", thousands(total as u64), several.join(", ")),
    }
}

/// What a person may want to do something about.
fn what_waits(status: &SyncStatus) -> String {
    let mut text = String::new();
    let sendable = status.pending.saturating_sub(status.conflicts + status.refused);
    if sendable > 0 {
        text += &format!("{} still to be sent: `papr outbox`\n", changes(sendable));
    }
    if status.conflicts > 0 {
        text += &format!(
            "{} for you to decide: `papr conflicts`\n",
            count(status.conflicts, "conflict", "conflicts")
        );
    }
    if status.refused > 0 {
        text += &format!("{} refused by Papr: `papr outbox`\n", count(status.refused, "memory", "memories"));
    }
    text
}

fn preview_text(preview: &Preview) -> String {
    let pulled = &preview.pulled;
    let received = sum(&[
        (pulled.created, "new"),
        (pulled.updated, "changed"),
        (pulled.moved, "moved"),
        (pulled.deleted, "deleted"),
    ]);
    let sent = sum(&[(preview.adds, "new"), (preview.updates, "changed"), (preview.deletes, "deleted")]);
    let (push, look) = (operations(preview.push_cost), operations(preview.operations));
    let mut text =
        format!("Would receive {received}, send {sent} · sending costs {push}, this look cost {look}\n");
    if pulled.conflicts > 0 {
        text += &format!("{} would be found\n", count(pulled.conflicts, "conflict", "conflicts"));
    }
    if pulled.checked > 0 {
        let some = count(pulled.checked, "memory is", "memories are");
        text += &format!("{some} not in a tier any more and would be asked for by id\n");
    }
    text
}

fn status_text(status: &SyncStatus) -> String {
    let time = |at: Option<jiff::Timestamp>| at.map_or("never".to_owned(), moment);
    let mut text = format!("Sync       {}\n", state(status));
    if status.account.is_none() {
        return text;
    }
    text += &format!("Last try   {}\nLast sync  {}\n", time(status.tried_at), time(status.succeeded_at));
    if let Some(next) = status.next_at {
        text += &format!("Next due   {}, while the app or `papr sync --watch` runs\n", moment(next));
    }
    text += &format!(
        "Budget     {} of {} operations this month, about {} at its end if it goes on so\n",
        thousands(status.spent),
        thousands(status.budget),
        thousands(status.forecast)
    );
    if status.outside > 0 {
        text += &format!("Elsewhere  {} at Papr in no tier\n", count(status.outside, "memory", "memories"));
    }
    text + &what_waits(status)
}

/// In a few words.
pub(crate) fn state(status: &SyncStatus) -> String {
    match status.phase {
        SyncPhase::SignedOut if status.account.is_some() => "signed out, a local copy".to_owned(),
        SyncPhase::SignedOut => "nobody is signed in: `papr login`".to_owned(),
        SyncPhase::LocalOnly => "off: local only, nothing is sent and nothing fetched".to_owned(),
        SyncPhase::Paused => "paused".to_owned(),
        SyncPhase::Offline => "offline".to_owned(),
        SyncPhase::Metered => "waits for a network that does not cost by the byte".to_owned(),
        SyncPhase::Syncing => "syncing".to_owned(),
        SyncPhase::Attention => "needs you".to_owned(),
        SyncPhase::Idle if status.tried_at > status.succeeded_at => {
            "the last try did not go through".to_owned()
        }
        SyncPhase::Idle if status.pending > 0 => format!("{} to be sent", changes(status.pending)),
        SyncPhase::Idle if status.succeeded_at.is_none() => "never synced".to_owned(),
        SyncPhase::Idle => "synced".to_owned(),
    }
}

/// Syncs as the app does, or shows how the app does, until Ctrl-C.
fn watch(engine: &Open<'_>, whole: bool, output: &Output) -> Result<(), Failure> {
    connect(engine, output)?;
    engine.ask_for_sync(whole)?;
    engine.sync_status()?;
    engine.start()?;
    output.note("Syncing until Ctrl-C.");
    if matches!(engine, Open::Own(_)) {
        cancel_on_interrupt(output.cancel().clone())?;
    }
    let mut shown = None;
    let watched = wait_until(engine, output, |status| {
        let now = seen(&status.sync);
        if shown.as_ref() != Some(&now) {
            output.print(&status.sync, watch_line)?;
            shown = Some(now);
        }
        Ok(false)
    });
    match watched {
        // How it is meant to end.
        Err(Failure::Engine(error)) if error.code() == Code::Cancelled => Ok(()),
        watched => watched.map(drop),
    }
}

/// Ctrl-C does not end the process any more, it cancels.
fn cancel_on_interrupt(cancel: CancelToken) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    thread::spawn(move || {
        // Without a signal to listen to, it ends as it would have.
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            cancel.cancel();
        }
    });
    Ok(())
}

/// What is worth a line when it changes: not how far a sync that runs has come, nor when the next one is due.
fn seen(status: &SyncStatus) -> SyncStatus {
    let mut seen = SyncStatus { next_at: None, tried_at: None, forecast: 0, spent: 0, ..status.clone() };
    if status.phase == SyncPhase::Syncing {
        (seen.received, seen.sent, seen.pending, seen.unknown) = (0, 0, 0, 0);
        (seen.conflicts, seen.refused, seen.outside) = (0, 0, 0);
    }
    seen
}

/// `18:41:02  synced · received 12, sent 3 · 14 of 1,000 operations this month`
fn watch_line(status: &SyncStatus) -> String {
    let mut line = format!("{}  {}", clock_time(jiff::Timestamp::now()), state(status));
    if let Some(problem) = &status.problem {
        line += &format!(": {}", problem.message);
    }
    if status.phase != SyncPhase::Syncing && status.received + status.sent > 0 {
        line += &format!(" · received {}, sent {}", status.received, status.sent);
    }
    if status.conflicts > 0 {
        line += &format!(" · {}", count(status.conflicts, "conflict", "conflicts"));
    }
    if status.account.is_some() {
        line += &format!(" · {} of {} operations", thousands(status.spent), thousands(status.budget));
    }
    if let (Some(_), Some(next)) = (&status.problem, status.next_at) {
        line += &format!(" · next try {}", clock_time(next));
    }
    line.push('\n');
    line
}
