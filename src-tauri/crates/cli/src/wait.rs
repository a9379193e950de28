//! Waiting for an engine, for no longer than somebody waits for the command.

use std::time::Duration;

use papr_engine::{Engine, Error, IndexState, ModelState, Status};
use papr_memory::Mode;
use tokio::runtime;

use crate::output::{Failure, Output};

/// How often it is looked whether somebody still waits.
const GLANCE: Duration = Duration::from_millis(50);

/// Waits until `done` says so of the status, which it is shown as it is and after each change.
pub(crate) fn wait_until(
    engine: &Engine,
    output: &Output,
    mut done: impl FnMut(&Status) -> Result<bool, Failure>,
) -> Result<Status, Failure> {
    let mut stream = engine.watch();
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    loop {
        // A copy: whoever draws on a slow terminal must not hold up the engine.
        let status = stream.borrow_and_update().clone();
        if done(&status)? {
            return Ok(status);
        }
        loop {
            output.cancel().check().map_err(Error::from)?;
            match runtime.block_on(async { tokio::time::timeout(GLANCE, stream.changed()).await }) {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return Ok(engine.status()),
                Err(_) => {}
            }
        }
    }
}

/// Waits until the index and the model are each ready or failed, and tells the status then.
pub(crate) fn wait_ready(engine: &Engine, output: &Output) -> Result<Status, Failure> {
    wait_until(engine, output, |status| Ok(status.index_is_done() && status.model_is_done()))
}

/// Has the index read; fails with the reason if it cannot be.
pub(crate) fn index(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.start_index()?;
    let status = wait_until(engine, output, |status| Ok(status.index_is_done()))?;
    match (status.index, status.problem) {
        (IndexState::Failed, Some(problem)) => Err(Error::Unavailable(Box::new(problem)).into()),
        _ => Ok(()),
    }
}

/// Waits for what a search of this mode needs.
pub(crate) fn ready_for(engine: &Engine, mode: Mode, output: &Output) -> Result<(), Failure> {
    if matches!(mode, Mode::Hybrid | Mode::Meaning) {
        engine.start()?;
        let model = wait_until(engine, output, |status| Ok(status.model_is_done()))?.model;
        if let Some(problem) = model.problem {
            output.note(&format!("By word only: {}", problem.message));
        }
    }
    index(engine, output)
}

/// Embeds what was just written. Without a model it stays to be done: it is saved, and found by word.
pub(crate) fn finish_embedding(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.start()?;
    let status = wait_ready(engine, output)?;
    if let (ModelState::Failed, Some(problem)) = (status.model.state, &status.model.problem) {
        output.note(&format!("Found by word only until there is a model: {}", problem.message));
        return Ok(());
    }
    let bar = output.progress("Learning the meaning", Some(status.pending as u64));
    let done = wait_until(engine, output, |now| {
        bar.set_position(status.pending.saturating_sub(now.pending) as u64);
        Ok(now.pending == 0 || now.model.state == ModelState::Failed)
    });
    bar.finish_and_clear();
    if let Some(problem) = done?.model.problem {
        output.note(&format!("Not all of it is found by meaning yet: {}", problem.message));
    }
    Ok(())
}
