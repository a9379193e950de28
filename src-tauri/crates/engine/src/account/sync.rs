//! Sync at work: a worker that sleeps until something is due, and a sync on demand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use papr_memory::CancelToken;
use papr_memory::ports::SyncStore;
use papr_sync::schedule::{Budget, Decision, Facts};
use papr_sync::{Options, Preview, Scope, SyncReport, SyncState, Syncer};

use crate::account::indexed::Indexed;
use crate::account::server_space;
use crate::background::lower_priority;
use crate::engine::Shared;
use crate::{Code, Engine, Error, Problem};

/// The longest sleep while somebody is signed in: where the system does not tell that it woke, this does.
const LONGEST_SLEEP: Duration = Duration::from_mins(10);
/// A clock that went on so much longer than the sleep tells that the machine slept too.
const SLEPT: SignedDuration = SignedDuration::from_mins(1);
/// How long it waits after a failure that is none of Papr's, such as a keychain that is locked.
const AFTER_FAILURE: Duration = Duration::from_mins(5);

impl Engine {
    /// Syncs now, on this thread. What goes wrong at Papr stands in the report; `Err` is for what keeps it from
    /// beginning: nobody signed in, "local only", a keychain that is locked.
    pub fn sync(&self, scope: Scope, cancel: &CancelToken) -> Result<SyncReport, Error> {
        sync(&self.shared, scope, true, cancel)
    }

    /// What [`Engine::sync`] would do. Costs what looking costs, and changes nothing.
    pub fn preview_sync(&self, scope: Scope, cancel: &CancelToken) -> Result<Preview, Error> {
        let shared = &self.shared;
        let _alone = shared.papr.alone();
        let session = shared.session()?;
        let store = Indexed::new(shared);
        let clock = shared.clock.as_ref();
        let syncer = Syncer::new(&store, &session.remote, clock, &session.profile.id, Options::default());
        let preview = syncer.preview(scope, cancel)?;
        shared.spend(&session.profile.id, preview.operations)?;
        Ok(preview)
    }

    /// Asks the worker to sync; with `whole` both tiers, however short ago they were looked at.
    pub fn ask_for_sync(&self, whole: bool) -> Result<(), Error> {
        let shared = &self.shared;
        shared.may_connect()?;
        let signed_in = shared.settings().profile().is_some_and(|profile| profile.signed_in_at.is_some());
        if !signed_in {
            return Err(Error::SignedOut);
        }
        let now = shared.clock.now();
        shared.papr.note(|desk| {
            desk.asked_at = Some(now);
            desk.whole |= whole;
        });
        Ok(())
    }

    /// Pauses sync, or lets it go on.
    pub fn pause_sync(&self, paused: bool) -> Result<(), Error> {
        let shared = &self.shared;
        shared.change_settings(|settings| settings.sync_paused = paused)?;
        if paused {
            shared.papr.interrupt();
        }
        shared.papr.note(|_| {});
        shared.publish_sync()
    }

    /// Sets what Papr's plan allows in a month.
    pub fn set_operations_per_month(&self, operations: u64) -> Result<(), Error> {
        self.shared.change_settings(|settings| settings.operations_per_month = operations)?;
        self.shared.papr.note(|_| {});
        self.shared.publish_sync()
    }
}

impl Shared {
    /// What is so at the moment.
    pub(crate) fn facts(&self, state: &SyncState) -> Facts {
        let settings = self.settings();
        let profile = settings.profile();
        let desk = self.papr.desk();
        Facts {
            paused: settings.sync_paused,
            local_only: self.papr.gate.is_closed(),
            signed_in: profile.is_some_and(|profile| profile.signed_in_at.is_some()),
            // Plain http is for this very machine, which needs no network.
            offline: desk.system.offline
                && !profile.is_some_and(|profile| profile.base_url.starts_with("http:")),
            metered: desk.system.metered,
            low_battery: desk.system.low_battery,
            pending: state.pending.saturating_sub(state.conflicts + state.refused),
            edited_at: desk.edited_at,
            woke_at: desk.woke_at,
            asked_at: desk.asked_at,
        }
    }

    /// Counts operations that were spent outside of a sync, by whoever keeps syncs from running.
    pub(crate) fn spend(&self, account: &str, operations: u64) -> Result<(), Error> {
        let mut history = self.store.account_sync(account)?;
        history.spend(operations, self.clock.now());
        SyncStore::apply(&self.store, account, &[], Some(&history))?;
        Ok(())
    }

    fn budget(&self) -> Budget {
        Budget { per_month: self.settings().operations_per_month }
    }
}

/// One sync, with its end told in the status.
fn sync(shared: &Shared, scope: Scope, asked: bool, cancel: &CancelToken) -> Result<SyncReport, Error> {
    let _alone = shared.papr.alone();
    shared.publish_begin();
    let outcome = run_once(shared, scope, asked, cancel);
    let problem = match &outcome {
        Ok(report) => report.problem.as_ref().map(Problem::from),
        Err(error) => Some(Problem::from(error)),
    };
    let pulled = outcome.as_ref().map(|report| report.pulled.clone()).unwrap_or_default();
    shared.publish_end(problem, pulled)?;
    if let Ok(report) = &outcome {
        let (received, sent) = (report.pulled.changed(), report.pushed.total());
        tracing::info!(received, sent, pending = report.pending, operations = report.operations, "synced");
    }
    outcome
}

fn run_once(shared: &Shared, scope: Scope, asked: bool, cancel: &CancelToken) -> Result<SyncReport, Error> {
    let session = shared.session()?;
    let account = &session.profile.id;
    let history = shared.store.account_sync(account)?;
    let now = shared.clock.now();
    let options =
        Options { max_operations: shared.budget().for_one(&history, asked, now), ..Options::default() };
    let store = Indexed::new(shared);
    let remote = server_space::wanted(shared, session.remote);
    // What is to come with a vector need not be embedded before that is here.
    let _held = server_space::is_wanted(shared).then(|| shared.queue.hold());
    let syncer = Syncer::new(&store, &remote, shared.clock.as_ref(), account, options);
    let report = syncer.run(scope, cancel);
    server_space::keep(shared, account, remote.take_embeddings())?;
    Ok(report)
}

/// The worker: decides, syncs or sleeps, until the engine ends.
pub(crate) fn run(shared: &Shared) {
    lower_priority();
    if let Err(error) = shared.publish_sync() {
        tracing::warn!(code = ?error.code(), "how sync stands is not known");
    }
    // Nothing of the start waits for Papr.
    let mut status = shared.status.subscribe();
    let begun = |status: &crate::Status| {
        shared.stop.is_cancelled() || (status.index_is_done() && status.model_is_done())
    };
    let _ = pollster::block_on(status.wait_for(begun));
    let now = shared.clock.now();
    shared.papr.note(|desk| desk.woke_at = Some(now));
    let mut rest = Some(Duration::ZERO);
    loop {
        let before = shared.clock.now();
        if !shared.papr.wait(rest) {
            return;
        }
        note_sleep(shared, before, rest);
        rest = match look(shared) {
            Ok(rest) => rest,
            Err(error) => {
                tracing::warn!(code = ?error.code(), "sync waits");
                Some(AFTER_FAILURE)
            }
        };
    }
}

/// A wall clock that went on for longer than the sleep was means that the machine slept.
fn note_sleep(shared: &Shared, before: Timestamp, rest: Option<Duration>) {
    let now = shared.clock.now();
    let planned = rest.and_then(|rest| SignedDuration::try_from(rest).ok());
    if planned.is_some_and(|planned| now.duration_since(before) > planned + SLEPT) {
        shared.papr.note(|desk| desk.woke_at = Some(now));
    }
}

/// Decides once and does it; how long to sleep then.
fn look(shared: &Shared) -> Result<Option<Duration>, Error> {
    match shared.publish_decision()? {
        Decision::Now(scope) => {
            let (cancel, whole, asked) = {
                let mut desk = shared.papr.desk();
                (desk.cancel.clone(), std::mem::take(&mut desk.whole), desk.asked_at.take().is_some())
            };
            let scope = if whole { Scope::Snapshot } else { scope };
            sync(shared, scope, asked, &cancel).map(|_| Some(Duration::ZERO))
        }
        Decision::At(then) => {
            let wait = then.duration_since(shared.clock.now());
            let wait = Duration::try_from(wait).unwrap_or(Duration::ZERO);
            Ok(Some(wait.min(LONGEST_SLEEP)))
        }
        Decision::Wait(_) => Ok(None),
    }
}

impl From<&papr_sync::Problem> for Problem {
    fn from(problem: &papr_sync::Problem) -> Self {
        let code = Code::from(problem.trouble);
        Self {
            code,
            message: problem.message.clone(),
            hint: Some(problem.hint.clone()).filter(|hint| !hint.is_empty()),
            retryable: code.is_retryable(),
        }
    }
}
