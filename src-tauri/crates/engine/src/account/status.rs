//! How sync stands, at one glance.

use jiff::Timestamp;
use papr_memory::SyncStep;
use papr_sync::Pulled;
use papr_sync::schedule::{Budget, Decision, Why, decide};
use serde::{Deserialize, Serialize};

use crate::engine::Shared;
use crate::{Code, Engine, Error, Problem};

/// What sync is doing, in a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncPhase {
    /// Nobody is signed in.
    #[default]
    SignedOut,
    /// "Local only" is on.
    LocalOnly,
    /// A person paused it.
    Paused,
    /// Papr cannot be reached.
    Offline,
    /// The network costs by the byte; nothing goes on its own.
    Metered,
    /// Requests are under way.
    Syncing,
    /// Something needs a person: a problem, a conflict.
    Attention,
    /// All is well; what waits goes out on its own.
    Idle,
}

/// Sync, as a window shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// In a word.
    pub phase: SyncPhase,
    /// Whether "local only" is on.
    pub local_only: bool,
    /// Whether a person paused it.
    pub paused: bool,
    /// The account whose memories are shown.
    pub account: Option<String>,
    /// Memories received in the sync that runs, or ran last.
    pub received: usize,
    /// Memories sent in it.
    pub sent: usize,
    /// Items of it without a text that can be a memory, or that could not be read.
    pub left_out: usize,
    /// Items of it that were listed more than once.
    pub duplicates: usize,
    /// What Papr has yet to hear.
    pub pending: usize,
    /// Memories whose outcome at Papr is not known.
    pub unknown: usize,
    /// Conflicts that wait for a person.
    pub conflicts: usize,
    /// Memories that Papr refused.
    pub refused: usize,
    /// Memories that Papr has and that stand in no tier.
    pub outside: usize,
    /// When a sync was last begun.
    pub tried_at: Option<Timestamp>,
    /// When one last went through.
    pub succeeded_at: Option<Timestamp>,
    /// When the next one is due, if one is.
    pub next_at: Option<Timestamp>,
    /// Why the last one did not go through.
    pub problem: Option<Problem>,
    /// Operations spent this month, as far as this machine knows.
    pub spent: u64,
    /// Operations that may be spent in a month.
    pub budget: u64,
    /// Operations that will have been spent at the end of the month if it goes on so.
    pub forecast: u64,
}

impl Engine {
    /// How sync stands, read anew. Neither a worker nor Papr is asked.
    pub fn sync_status(&self) -> Result<SyncStatus, Error> {
        self.shared.publish_sync()?;
        Ok(self.status().sync)
    }

    /// From now on sync goes by [`Engine::sync`] alone and never by itself: for a process that ends with one command.
    pub fn sync_on_demand_only(&self) {
        self.shared.papr.stop();
    }
}

impl SyncStatus {
    /// Counts anew.
    fn begin(&mut self) {
        (self.received, self.sent, self.left_out, self.duplicates) = (0, 0, 0, 0);
    }
}

/// What is published of a sync.
enum Sync {
    /// It runs, or none does.
    AsItIs,
    /// It has just ended, with this problem or without one, after this came.
    Ended(Option<Problem>, Pulled),
}

impl Shared {
    /// Publishes how sync stands, from what the store knows.
    pub(crate) fn publish_sync(&self) -> Result<(), Error> {
        self.publish_decision().map(drop)
    }

    /// The same; tells what is to be done now.
    pub(crate) fn publish_decision(&self) -> Result<Decision, Error> {
        self.publish_state(Sync::AsItIs)
    }

    /// The same after a sync has ended, with what went wrong in it and what came.
    pub(crate) fn publish_end(&self, problem: Option<Problem>, pulled: Pulled) -> Result<(), Error> {
        self.publish_state(Sync::Ended(problem, pulled)).map(drop)
    }

    fn publish_state(&self, run: Sync) -> Result<Decision, Error> {
        let settings = self.settings().clone();
        let now = self.clock.now();
        let state = match &settings.account {
            Some(account) => papr_sync::state(&self.store, account)?,
            None => papr_sync::SyncState::default(),
        };
        let budget = Budget { per_month: settings.operations_per_month };
        let facts = self.facts(&state);
        let every = settings.sync_every();
        let decision = decide(&facts, &state.history, budget, every, now);
        self.publish(|status| {
            let sync = &mut status.sync;
            let mut running = sync.phase == SyncPhase::Syncing;
            if let Sync::Ended(problem, pulled) = run {
                (running, sync.problem) = (false, problem);
                sync.left_out = pulled.no_content + pulled.unreadable;
                sync.duplicates = pulled.duplicates;
            }
            if sync.account != settings.account {
                sync.problem = None;
                sync.begin();
            }
            sync.account.clone_from(&settings.account);
            (sync.local_only, sync.paused) = (facts.local_only, facts.paused);
            sync.pending = state.pending;
            sync.unknown = state.unknown;
            sync.conflicts = state.conflicts;
            sync.refused = state.refused;
            sync.outside = state.outside;
            sync.tried_at = state.history.tried_at;
            sync.succeeded_at = state.history.succeeded_at;
            sync.budget = budget.per_month;
            sync.spent = budget.per_month - budget.left(&state.history, now).min(budget.per_month);
            sync.forecast = budget.forecast(&state.history, every, now);
            sync.next_at = if let Decision::At(at) = decision { Some(at) } else { None };
            if !running {
                sync.phase = phase(decision, sync);
            }
        });
        Ok(decision)
    }

    /// Publishes that a sync runs.
    pub(crate) fn publish_begin(&self) {
        self.publish(|status| {
            status.sync.phase = SyncPhase::Syncing;
            status.sync.begin();
        });
    }

    /// Counts what a running sync has done.
    pub(crate) fn count_progress(&self, steps: &[&SyncStep]) {
        let received =
            steps.iter().filter(|step| matches!(step, SyncStep::Take { .. } | SyncStep::Bury { .. })).count();
        let sent = steps.iter().filter(|step| matches!(step, SyncStep::Acknowledge { .. })).count();
        self.publish(|status| {
            status.sync.received += received;
            status.sync.sent += sent;
        });
    }
}

fn phase(decision: Decision, sync: &SyncStatus) -> SyncPhase {
    match decision {
        Decision::Wait(Why::LocalOnly) => SyncPhase::LocalOnly,
        Decision::Wait(Why::SignedOut) => SyncPhase::SignedOut,
        Decision::Wait(Why::Paused) => SyncPhase::Paused,
        Decision::Wait(Why::Offline) => SyncPhase::Offline,
        Decision::Wait(Why::Metered) => SyncPhase::Metered,
        Decision::Wait(Why::Unauthorised) | Decision::Now(_) | Decision::At(_) => settled(sync),
    }
}

/// The phase where nothing keeps sync from going on.
fn settled(sync: &SyncStatus) -> SyncPhase {
    match &sync.problem {
        Some(problem) if problem.code == Code::Offline => SyncPhase::Offline,
        Some(_) => SyncPhase::Attention,
        None if sync.conflicts + sync.refused > 0 => SyncPhase::Attention,
        None => SyncPhase::Idle,
    }
}
