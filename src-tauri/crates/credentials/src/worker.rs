//! The thread on which a keychain is spoken to, so that one that hangs holds up nobody for longer than they
//! want to wait.
//!
//! Calls go one after another: two that want the same thing ask a person once. A call that nobody waits for
//! any more is not begun; one that was begun goes on, since its answer may be on its way from a person.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use papr_memory::ports::CredentialError;

use crate::vault::Vault;

type Work = Box<dyn FnOnce(&mut Vault) + Send>;

/// What a call does about one before it that is out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Waits behind it: nobody is to be asked twice.
    Behind,
    /// Leaves it to itself and goes on a new thread: a person asked for this one.
    Past,
}

/// A thread that is started when it is first needed, and another where it hangs.
pub(crate) struct Worker {
    vault: Box<dyn Fn() -> Vault + Send + Sync>,
    patience: Duration,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    work: Sender<Work>,
    /// Whether somebody gave up waiting for what it does now.
    late: Arc<AtomicBool>,
}

impl Worker {
    /// Each thread speaks through its own vault. Calls wait for `patience`.
    pub(crate) fn new(vault: impl Fn() -> Vault + Send + Sync + 'static, patience: Duration) -> Self {
        Self { vault: Box::new(vault), patience, thread: Mutex::new(None) }
    }

    /// Runs `job` on the thread and waits for what it returns.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        queue: Queue,
        job: impl FnOnce(&mut Vault) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let (reply, answer) = mpsc::sync_channel(1);
        // Whoever is first: the thread that begins, or the caller who gives up.
        let settled = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&settled);
        let work: Work = Box::new(move |vault| {
            if !begun.swap(true, Ordering::AcqRel) {
                let said = panic::catch_unwind(AssertUnwindSafe(|| job(vault)));
                let said = said.unwrap_or_else(|_| {
                    vault.disconnect();
                    Err(failed("it broke off"))
                });
                // The caller may have left meanwhile.
                let _ = reply.send(said);
            }
        });
        let late = self.submit(queue, work)?;
        answer.recv_timeout(self.patience).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                settled.store(true, Ordering::Release);
                late.store(true, Ordering::Release);
                Err(CredentialError::TimedOut { waited: self.patience })
            }
            RecvTimeoutError::Disconnected => Err(failed("its thread has ended")),
        })
    }

    /// Lets the next call go past one that is out of time.
    pub(crate) fn leave_behind(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.take_if(|running| running.late.load(Ordering::Acquire));
    }

    /// Hands `work` to a thread, and returns where to say that it took too long.
    fn submit(&self, queue: Queue, work: Work) -> Result<Arc<AtomicBool>, CredentialError> {
        if queue == Queue::Past {
            self.leave_behind();
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match thread.take() {
            Some(running) => running,
            None => self.start()?,
        };
        // Kept only if it took it: the next call then starts another.
        running.work.send(work).map_err(|_| failed("its thread has ended"))?;
        Ok(Arc::clone(&thread.insert(running).late))
    }

    fn start(&self) -> Result<Thread, CredentialError> {
        let (work, queue) = mpsc::channel::<Work>();
        let late = Arc::new(AtomicBool::new(false));
        let (mut vault, done) = ((self.vault)(), Arc::clone(&late));
        thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                for work in queue {
                    work(&mut vault);
                    done.store(false, Ordering::Release);
                }
            })
            .map_err(|error| failed(&format!("no thread for it: {error}")))?;
        Ok(Thread { work, late })
    }
}

fn failed(reason: &str) -> CredentialError {
    CredentialError::Failed { reason: reason.to_owned() }
}
