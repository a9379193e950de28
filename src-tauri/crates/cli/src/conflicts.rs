//! `papr outbox`, `papr conflicts`: what waits for Papr, and what waits for a person.

use clap::{Args, Subcommand};
use papr_engine::{ConflictItem, Engine, Error, OutboxItem, OutboxState, Resolution};
use papr_memory::{Content, Memory, MemoryId, RemoteVersion};
use serde::Serialize;

use crate::output::{Failure, Output};
use crate::wait::finish_embedding;
use crate::words::{moment, one_line, text_of};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// Show all conflicts, both sides in a line each
    List,
    /// Show both sides of one in full
    Show {
        /// The memory's id
        id: MemoryId,
    },
    /// Choose a side, or write what both become
    Resolve {
        /// The memory's id
        id: MemoryId,
        #[command(flatten)]
        choice: Choice,
    },
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Choice {
    /// What is here: the text, or the deletion
    #[arg(long)]
    mine: bool,
    /// What Papr has: the text, or the deletion
    #[arg(long)]
    theirs: bool,
    /// This text for both; - reads it from standard input
    #[arg(long)]
    text: Option<String>,
}

/// Shows what Papr has yet to hear.
pub(crate) fn outbox(engine: &Engine, output: &Output) -> Result<(), Failure> {
    let somebody = engine.sync_status()?.account.is_some();
    output.print(&engine.outbox()?, |items| match items.as_slice() {
        [] if somebody => "Papr has heard of everything.\n".to_owned(),
        [] => "Nobody is signed in, so nothing waits to be sent.\n".to_owned(),
        items => items.iter().map(outbox_line).collect(),
    })
}

fn outbox_line(item: &OutboxItem) -> String {
    let OutboxItem { memory, op, state } = item;
    let op = match op {
        papr_memory::Op::Upsert => "send",
        papr_memory::Op::Delete => "delete",
    };
    let state = match state {
        OutboxState::Waiting => "goes with the next sync".to_owned(),
        OutboxState::Unknown => "sent and not answered; looked for before it is sent again".to_owned(),
        OutboxState::Conflict => format!("changed at Papr too: `papr conflicts show {}`", memory.id),
        OutboxState::Refused { status: 0 } => "cannot be sent as it is; change it".to_owned(),
        OutboxState::Refused { status } => {
            format!("refused by Papr (status {status}); change it to send it again")
        }
    };
    format!("{}  {op:<6}  {state}\n    {}\n", memory.id, text_of(memory))
}

pub(crate) fn run(
    engine: &Engine,
    command: Option<&ConflictsCommand>,
    output: &Output,
) -> Result<(), Failure> {
    match command.unwrap_or(&ConflictsCommand::List) {
        ConflictsCommand::List => {
            output.print(&engine.conflicts()?, |conflicts| match conflicts.as_slice() {
                [] => "No conflicts.\n".to_owned(),
                conflicts => conflicts.iter().map(both_sides).collect::<String>() + RESOLVE,
            })
        }
        ConflictsCommand::Show { id } => output.print(&conflict(engine, *id)?, in_full),
        ConflictsCommand::Resolve { id, choice } => resolve(engine, *id, choice, output),
    }
}

const RESOLVE: &str = "\nTo decide: papr conflicts resolve ID --mine, --theirs or --text TEXT\n";

fn both_sides(conflict: &ConflictItem) -> String {
    let ConflictItem { mine, theirs, found_at } = conflict;
    let here = if mine.deleted_at.is_some() { "deleted".to_owned() } else { text_of(mine) };
    let there = theirs.as_ref().map_or("deleted".to_owned(), |theirs| one_line(theirs.content.as_str()));
    format!("{}  found {}\n    here     {here}\n    at Papr  {there}\n", mine.id, moment(*found_at))
}

fn in_full(conflict: &ConflictItem) -> String {
    let ConflictItem { mine, theirs, found_at } = conflict;
    let here = if mine.deleted_at.is_some() { "deleted\n".to_owned() } else { mine_in_full(mine) };
    let there = theirs.as_ref().map_or("deleted\n".to_owned(), theirs_in_full);
    format!(
        "{} · found {}\n\n── here, changed {}\n{here}\n── at Papr{}\n{there}{RESOLVE}",
        mine.id,
        moment(*found_at),
        moment(mine.updated_at),
        theirs
            .as_ref()
            .and_then(|theirs| theirs.updated_at)
            .map_or(String::new(), |at| format!(", changed {}", moment(at)))
    )
}

fn mine_in_full(mine: &Memory) -> String {
    version(&mine.kind, &mine.topics, mine.content.as_str())
}

fn theirs_in_full(theirs: &RemoteVersion) -> String {
    version(&theirs.kind, &theirs.topics, theirs.content.as_str())
}

fn version(kind: &str, topics: &[String], text: &str) -> String {
    let topics = if topics.is_empty() { String::new() } else { format!(" · {}", topics.join(", ")) };
    format!("{kind}{topics}\n{text}\n")
}

fn conflict(engine: &Engine, id: MemoryId) -> Result<ConflictItem, Failure> {
    let found = engine.conflicts()?.into_iter().find(|conflict| conflict.mine.id == id);
    found.ok_or_else(|| {
        Failure::Usage(format!("{id} has no conflict: `papr conflicts` shows those there are"))
    })
}

#[derive(Serialize)]
struct Resolved {
    id: MemoryId,
    /// The memory as it is now; none if it is deleted.
    memory: Option<Memory>,
}

fn resolve(engine: &Engine, id: MemoryId, choice: &Choice, output: &Output) -> Result<(), Failure> {
    conflict(engine, id)?;
    let resolution = match &choice.text {
        Some(text) => Resolution::Merged(Content::new(&output.text_or_input(text)?).map_err(Error::from)?),
        None if choice.mine => Resolution::Mine,
        None => Resolution::Theirs,
    };
    engine.resolve(id, &resolution)?;
    let memory = match engine.get(id) {
        Ok(memory) => Some(memory),
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let told =
        if resolution == Resolution::Theirs { "" } else { "; Papr hears of it with the next `papr sync`" };
    output.print(&Resolved { id, memory }, |resolved| match &resolved.memory {
        Some(memory) => format!("{id} is now: {}{told}\n", text_of(memory)),
        None => format!("{id} is deleted{told}\n"),
    })?;
    finish_embedding(engine, output)
}
