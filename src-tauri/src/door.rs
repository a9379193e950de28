//! The way to the engine: being opened, open, failed or closed. Who asks while it is being opened waits.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use papr_engine::{Engine, Problem};
use tauri::async_runtime::{Sender, channel};

use crate::bridge::AppError;

/// How often a close looks whether it can go on.
const GLANCE: Duration = Duration::from_millis(5);

/// How far the engine is.
#[derive(Debug)]
pub(crate) enum State {
    /// The data folder is being opened. Who waits for that holds the other end of a channel, and hears of it
    /// when this end is dropped.
    Opening(Vec<Sender<()>>),
    /// In use.
    Open(Arc<Engine>),
    /// Why it could not be opened. It can be tried again.
    Failed(Problem),
    /// The app ends.
    Closed,
}

/// The engine's place.
#[derive(Debug)]
pub(crate) struct Door(Mutex<State>);

impl Door {
    /// A door that is about to be opened.
    pub(crate) fn opening() -> Self {
        Self(Mutex::new(State::Opening(Vec::new())))
    }

    /// What `look` sees. The engine cannot come or go meanwhile.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.0))
    }

    /// The engine; while it is being opened, waits for it.
    pub(crate) async fn engine(&self) -> Result<Arc<Engine>, AppError> {
        loop {
            let mut opened = match &mut *lock(&self.0) {
                State::Opening(waiting) => {
                    let (tells, hears) = channel(1);
                    waiting.push(tells);
                    hears
                }
                State::Open(engine) => return Ok(Arc::clone(engine)),
                State::Failed(problem) => return Err(problem.clone().into()),
                State::Closed => return Err(AppError::closed()),
            };
            // Nothing is ever sent: this ends when the other end is gone.
            opened.recv().await;
        }
    }

    /// Where opening failed, it is about to be tried again; whether it is.
    pub(crate) fn try_again(&self) -> bool {
        let mut state = lock(&self.0);
        let failed = matches!(*state, State::Failed(_));
        if failed {
            *state = State::Opening(Vec::new());
        }
        failed
    }

    /// Ends the opening. An engine that comes after the close is closed at once.
    pub(crate) fn opened(&self, opened: Result<Arc<Engine>, Problem>) {
        let mut state = lock(&self.0);
        if matches!(*state, State::Opening(_)) {
            *state = opened.map_or_else(State::Failed, State::Open);
            return;
        }
        drop(state);
        // Outside the lock: the workers are waited for here.
        drop(opened);
    }

    /// Takes the engine away, so that something can be done to its data folder that needs it closed; who asks meanwhile
    /// waits. [`Door::opened`] ends that. Calls that are under way are waited for no longer than `patience`; should they
    /// take longer, all stays as it was.
    pub(crate) fn set_aside(&self, patience: Duration) -> Result<(), AppError> {
        let start = Instant::now();
        let mut state = lock(&self.0);
        let engine = match mem::replace(&mut *state, State::Opening(Vec::new())) {
            State::Failed(_) => return Ok(()),
            State::Open(engine) => engine,
            other => {
                *state = other;
                return Err(AppError::busy());
            }
        };
        drop(state);
        match unused(engine, || start.elapsed() < patience) {
            Ok(engine) => drop(engine),
            Err(in_use) => {
                self.opened(Ok(in_use));
                return Err(AppError::busy());
            }
        }
        Ok(())
    }

    /// Closes for good: nobody gets the engine any more, its workers stop, and the data folder is free.
    ///
    /// An opening and calls that are under way are waited for, both together no longer than `patience`. Should
    /// they take longer, the data folder is left as by a hard stop.
    pub(crate) fn close(&self, patience: Duration) {
        let start = Instant::now();
        let patient = || start.elapsed() < patience;
        while self.look(|state| matches!(state, State::Opening(_))) && patient() {
            thread::sleep(GLANCE);
        }
        let state = mem::replace(&mut *lock(&self.0), State::Closed);
        let State::Open(engine) = state else { return };
        if unused(engine, patient).is_err() {
            tracing::warn!("the app ends in the middle of a call");
        }
    }
}

/// The engine once nobody else uses it, or as it was when patience ran out.
fn unused(mut engine: Arc<Engine>, patient: impl Fn() -> bool) -> Result<Engine, Arc<Engine>> {
    loop {
        engine = match Arc::try_unwrap(engine) {
            Err(in_use) if patient() => in_use,
            other => return other,
        };
        thread::sleep(GLANCE);
    }
}

/// What a mutex holds, also after a panic: what is kept in this crate's mutexes is whole at all times.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use papr_engine::{Code, Config, Resources};
    use tauri::async_runtime::{block_on, spawn};
    use tempfile::TempDir;

    use super::*;
    use crate::bridge::ErrorCode;

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(20);

    fn engine(folder: &TempDir) -> Arc<Engine> {
        Arc::new(Engine::open(Config::new(folder.path(), Resources::in_folder(Path::new("none")))).unwrap())
    }

    fn sealed(folder: &TempDir) -> bool {
        // An open store leaves an empty one.
        std::fs::metadata(folder.path().join("memories/sealed")).is_ok_and(|file| file.len() > 0)
    }

    fn code(door: &Door) -> ErrorCode {
        block_on(door.engine()).unwrap_err().code
    }

    fn problem() -> Problem {
        Problem { code: Code::StoreLocked, message: String::new(), hint: None, retryable: true }
    }

    #[test]
    fn who_asks_early_is_answered_once_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let door = Arc::new(Door::opening());
        let asks = |door: &Arc<Door>| {
            let door = Arc::clone(door);
            spawn(async move { door.engine().await.map(|_| ()) })
        };
        let asked = [asks(&door), asks(&door)];
        while !door.look(|state| matches!(state, State::Opening(waiting) if waiting.len() == 2)) {
            thread::sleep(GLANCE);
        }
        door.opened(Ok(engine(&folder)));
        for asked in asked {
            assert_eq!(block_on(asked).unwrap(), Ok(()));
        }
    }

    #[test]
    fn a_failure_is_told_and_can_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::opening();
        assert!(!door.try_again(), "it is under way");
        door.opened(Err(problem()));
        assert_eq!(code(&door), ErrorCode::StoreLocked);
        assert!(door.try_again());
        door.opened(Ok(engine(&folder)));
        assert!(block_on(door.engine()).is_ok());
        assert!(!door.try_again(), "an open one stays");
    }

    #[test]
    fn a_close_waits_for_what_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::opening();
        door.opened(Ok(engine(&folder)));
        let in_use = block_on(door.engine()).unwrap();
        thread::spawn(move || {
            thread::sleep(SHORT);
            drop(in_use);
        });
        door.close(LONG);
        assert!(sealed(&folder));
        assert_eq!(code(&door), ErrorCode::Cancelled);
    }

    #[test]
    fn a_close_while_it_is_opening_closes_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let door = Arc::new(Door::opening());
        let (opens, opened) = (Arc::clone(&door), engine(&folder));
        thread::spawn(move || {
            thread::sleep(SHORT);
            opens.opened(Ok(opened));
        });
        door.close(LONG);
        assert!(sealed(&folder));
    }

    #[test]
    fn what_is_set_aside_is_closed_and_can_be_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let door = Arc::new(Door::opening());
        assert!(door.set_aside(SHORT).is_err(), "it is under way");
        door.opened(Ok(engine(&folder)));
        let in_use = block_on(door.engine()).unwrap();
        assert!(door.set_aside(SHORT).is_err(), "somebody works with it");
        assert!(block_on(door.engine()).is_ok(), "and goes on doing so");
        drop(in_use);
        door.set_aside(LONG).unwrap();
        assert!(sealed(&folder), "its files can be moved, replaced or deleted");
        let asks = Arc::clone(&door);
        let asked = spawn(async move { asks.engine().await.map(|_| ()) });
        while !door.look(|state| matches!(state, State::Opening(waiting) if waiting.len() == 1)) {
            thread::sleep(GLANCE);
        }
        door.opened(Ok(engine(&folder)));
        assert_eq!(block_on(asked).unwrap(), Ok(()), "who asked meanwhile is answered");
    }

    #[test]
    fn a_close_does_not_wait_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::opening();
        door.close(SHORT);
        door.opened(Ok(engine(&folder)));
        assert!(sealed(&folder), "what came too late is closed too");
        assert_eq!(code(&door), ErrorCode::Cancelled);

        let door = Door::opening();
        door.opened(Ok(engine(&folder)));
        let in_use = block_on(door.engine()).unwrap();
        door.close(SHORT);
        assert!(!sealed(&folder));
        drop(in_use);
        assert!(sealed(&folder), "the last one seals it");
    }
}
