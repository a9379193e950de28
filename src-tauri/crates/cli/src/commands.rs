//! What each command does, over the engine.

use std::path::Path;

use papr_engine::{Edit, Engine, Error, NewMemory};
use papr_memory::{Memory, MemoryId, Query};

use crate::arguments::{Arguments, Command};
use crate::door::Door;
use crate::output::{Failure, Output};
use crate::texts::{facets_text, memory_line, memory_text};
use crate::upkeep::{self, BackupCommand};
use crate::wait::{self, finish_embedding};
use crate::{account, cloud, models, report, transfer, trial};

/// A command that needs an engine.
pub(crate) fn run(arguments: &Arguments, door: &Door<'_>, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::Account(command) => account::run(door, command, output),
        Command::Search { query, limit, cloud: true, .. } => {
            cloud::search(&*door.open(output)?, query, *limit, output)
        }
        command => run_on(&*door.open(output)?, command, output),
    }
}

/// A command that needs nothing of the person's.
pub(crate) fn run_alone(command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Eval { folder, samples, meaning_weight, model } => {
            trial::eval(folder, *samples, *meaning_weight, model.as_deref(), output)
        }
        Command::Demo { queries } => trial::demo(queries, output),
        _ => Ok(()),
    }
}

/// A command that needs the data folder to be closed.
pub(crate) fn run_on_closed(command: &Command, folder: &Path, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Backup(BackupCommand::Restore { file }) => upkeep::restore(folder, file, output),
        Command::Compact => upkeep::compact(folder, output),
        _ => Ok(()),
    }
}

fn run_on(engine: &Engine, command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { text, tier, topics } => {
            let content = output.text_or_input(text)?;
            let memory = engine.add(NewMemory { content, tier: Some(*tier), topics: topics.clone() })?;
            output.print(&memory, |memory| format!("Saved {}\n", memory.id))?;
            finish_embedding(engine, output)
        }
        Command::Import { file } => transfer::import(engine, file, output),
        Command::Export { file } => transfer::export(engine, file, output),
        Command::List { filters, sort, limit } => {
            wait::index(engine, output)?;
            let memories = engine.list(&filters.filters(), *sort, None, *limit)?.memories;
            output.print(&memories, |memories| memories.iter().map(memory_line).collect())
        }
        Command::Facets { filters } => {
            wait::index(engine, output)?;
            output.print(&engine.facets(&filters.filters())?, facets_text)
        }
        Command::Get { id } => output.print(&engine.get(*id)?, memory_text),
        Command::Edit { id, text, tier, topics } => {
            let content = text.as_deref().map(|text| output.text_or_input(text)).transpose()?;
            let topics = (!topics.is_empty()).then(|| topics.clone());
            if content.is_none() && tier.is_none() && topics.is_none() {
                return Err(Failure::Usage("nothing to change: give a text, --tier or --topic".to_owned()));
            }
            let memory = engine.edit(*id, None, Edit { content, tier: *tier, topics })?;
            output.print(&memory, |memory| format!("Saved {}, revision {}\n", memory.id, memory.rev))?;
            finish_embedding(engine, output)
        }
        Command::Delete { ids } => {
            let deleted = engine.delete(ids)?;
            some_of(ids, &deleted)?;
            output.print(&deleted, |deleted| format!("Deleted {} of {}\n", deleted.len(), ids.len()))
        }
        Command::Restore { ids } => {
            let restored = engine.restore(ids)?;
            some_of(ids, &restored)?;
            output.print(&restored, |restored| format!("Took back {} of {}\n", restored.len(), ids.len()))?;
            finish_embedding(engine, output)
        }
        Command::Search { query, limit, skip, filters, sort, mode, cloud: _ } => {
            let query = Query::new(query, *limit, None, *mode).map_err(Error::from)?;
            let query = query.among(filters.filters()).sorted(*sort).skipping(*skip);
            wait::ready_for(engine, *mode, output)?;
            let reply = engine.search(&query, output.cancel())?;
            output.print(&reply, |reply| output.reply(reply))
        }
        Command::Embed { texts } => report::embed(engine, texts, output),
        Command::Status => report::status(engine, output),
        Command::Models(command) => models::run(engine, command, output),
        Command::Doctor => report::doctor(engine, output),
        Command::Check => upkeep::check(engine, output),
        Command::Backup(command) => upkeep::backup(engine, command, output),
        // Elsewhere: see `Needs`, and `run`.
        Command::Eval { .. }
        | Command::Demo { .. }
        | Command::Compact
        | Command::Show
        | Command::Quick
        | Command::Account(_) => Ok(()),
    }
}

/// Fails if none of `ids` was there.
fn some_of(ids: &[MemoryId], found: &[Memory]) -> Result<(), Error> {
    match (ids.first(), found) {
        (Some(&id), []) => Err(Error::NotFound(id)),
        _ => Ok(()),
    }
}
