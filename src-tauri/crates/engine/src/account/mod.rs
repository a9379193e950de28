//! The account at Papr: the key, whose memories are shown, sync, what a person asks of Papr, and what left the device.
//!
//! All that reaches Papr goes through one [`Papr`]: its switch is "local only", its ledger sees every request, and no
//! part of the engine but this folder names `papr-api` or `papr-credentials`.

mod ask;
mod conflicts;
mod indexed;
pub mod ledger;
mod local_only;
pub(crate) mod server_match;
pub(crate) mod server_space;
mod session;
mod sign_in;
mod status;
mod sync;
mod system;
mod visible;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use jiff::Timestamp;
use papr_api::Gate;
use papr_credentials::Fallback;
use papr_memory::CancelToken;
use papr_memory::ports::{Clock, CredentialStore};

use crate::Settings;
use crate::account::ledger::Ledger;

pub use ask::{CloudHit, CloudReply};
pub use conflicts::{ConflictItem, OutboxItem, OutboxState};
pub use server_space::ServerSpace;
pub use sign_in::{AccountInfo, KeyPlace, SignedIn, SignedOut};
pub use status::{SyncPhase, SyncStatus};
pub(crate) use sync::run as run_sync;
pub use system::SystemFacts;

/// The one way to Papr.
pub(crate) struct Papr {
    pub(crate) credentials: Fallback,
    pub(crate) gate: Gate,
    pub(crate) ledger: Arc<Ledger>,
    /// One sync at a time.
    running: Mutex<()>,
    desk: Mutex<Desk>,
    changed: Condvar,
}

/// What the sync worker looks at when it wakes.
#[derive(Debug, Default)]
struct Desk {
    system: SystemFacts,
    edited_at: Option<Timestamp>,
    woke_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    /// Both tiers are asked for, however short ago they were.
    whole: bool,
    /// Something changed since the worker last looked.
    poked: bool,
    stopped: bool,
    /// Ends the request that is under way.
    cancel: CancelToken,
}

impl fmt::Debug for Papr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Papr").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl Papr {
    /// Keys in `keychain`, the ledger in the data folder, the switch as the settings have it.
    pub(crate) fn new(
        keychain: Arc<dyn CredentialStore>,
        data_folder: &Path,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            credentials: Fallback::new(keychain),
            gate: if settings.local_only { Gate::closed() } else { Gate::new() },
            ledger: Arc::new(Ledger::new(data_folder, settings.ledger_days, clock)),
            running: Mutex::default(),
            desk: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a sync that runs, and keeps others from beginning.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, if none runs.
    fn try_alone(&self) -> Option<MutexGuard<'_, ()>> {
        match self.running.try_lock() {
            Ok(alone) => Some(alone),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Notes a fact and has the worker decide anew.
    fn note(&self, fact: impl FnOnce(&mut Desk)) {
        let mut desk = self.desk();
        fact(&mut desk);
        desk.poked = true;
        drop(desk);
        self.changed.notify_all();
    }

    /// Has the worker decide anew.
    pub(crate) fn poke(&self) {
        self.note(|_| {});
    }

    /// Something was written here.
    pub(crate) fn edited(&self, at: Timestamp) {
        self.note(|desk| desk.edited_at = Some(at));
    }

    /// Ends what is under way; it goes on with the next sync.
    fn interrupt(&self) {
        let mut desk = self.desk();
        desk.cancel.cancel();
        desk.cancel = CancelToken::new();
    }

    /// The engine ends.
    pub(crate) fn stop(&self) {
        self.note(|desk| {
            desk.stopped = true;
            desk.cancel.cancel();
        });
    }

    /// Sleeps until something changes, or for so long; false once the engine ends.
    fn wait(&self, at_most: Option<Duration>) -> bool {
        let quiet = |desk: &mut Desk| !desk.poked && !desk.stopped;
        let desk = self.desk();
        let mut desk = match at_most {
            Some(time) => {
                let waited = self.changed.wait_timeout_while(desk, time, quiet);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(desk, quiet).unwrap_or_else(PoisonError::into_inner),
        };
        desk.poked = false;
        !desk.stopped
    }
}
