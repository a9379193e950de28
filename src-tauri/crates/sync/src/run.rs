//! One sync from its beginning to its end: fetch, apply, ask, send.

use jiff::{SignedDuration, Timestamp};
use papr_memory::ports::{Clock, StoreError, SyncStore};
use papr_memory::{AccountSync, CancelToken, Cancelled, MemoryId};
use serde::{Deserialize, Serialize};

use crate::apply::{self, Checks};
use crate::local::{Known, Local};
use crate::plan::{self, Limits, Plan};
use crate::remote::{Certainty, Remote, RemoteError, Trouble};
use crate::report::{Preview, Problem, SyncReport, pending};

/// Rows of a delta asked for at a time: the most there may be.
pub(crate) const ROWS: u32 = 1_000;
/// Pages of one delta; what is left comes with the next sync.
const PAGES: usize = 100;
/// How often a plan is made anew because somebody edits meanwhile.
const TRIES: usize = 5;

/// What to fetch. Both send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Both tiers, and what changed: 4 operations and more.
    Snapshot,
    /// What changed: 1 operation and more. The first sync is a snapshot all the same.
    Delta,
}

/// What a sync may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much is asked for by id.
    pub limits: Limits,
    /// How long after a request of unknown outcome what it made may still turn up. Default 2 minutes.
    pub settle: SignedDuration,
    /// The most operations it may cost. Default without end.
    pub max_operations: u64,
    /// Whether it sends. Default yes.
    pub push: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            settle: SignedDuration::from_mins(2),
            max_operations: u64::MAX,
            push: true,
        }
    }
}

/// Why a sync ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Papr failed, refused or cannot be reached.
    #[error(transparent)]
    Remote(RemoteError),
    /// The operations it may cost are used up.
    #[error("the operations this sync may cost are used up")]
    Budget,
    /// Somebody edits faster than this can look.
    #[error("memories changed all the while; nothing was taken over")]
    Busy,
    /// There is no such conflict any more.
    #[error("there is no conflict of memory {0}")]
    NoConflict(MemoryId),
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<RemoteError> for SyncError {
    fn from(error: RemoteError) -> Self {
        if error.cancelled { Self::Cancelled(Cancelled) } else { Self::Remote(error) }
    }
}

/// An account's sync between a store and Papr. Blocks: for a worker thread, one at a time for a store.
pub struct Syncer<'a, S: ?Sized, R: ?Sized> {
    store: &'a S,
    remote: &'a R,
    clock: &'a dyn Clock,
    new_id: &'a NewId<'a>,
    account: String,
    options: Options,
}

/// Makes the id of a memory that came from Papr and was made there at this time. No two may be the same.
pub type NewId<'a> = dyn Fn(Timestamp) -> MemoryId + Sync + 'a;

impl<S: ?Sized, R: ?Sized> std::fmt::Debug for Syncer<'_, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syncer").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A sync that runs.
pub(crate) struct Run<'r, S: ?Sized, R: ?Sized> {
    pub(crate) store: &'r S,
    pub(crate) remote: &'r R,
    pub(crate) account: &'r str,
    pub(crate) options: &'r Options,
    pub(crate) cancel: &'r CancelToken,
    clock: &'r dyn Clock,
    new_id: &'r NewId<'r>,
    pub(crate) report: SyncReport,
    pub(crate) state: AccountSync,
}

impl<'a, S: SyncStore + ?Sized, R: Remote + ?Sized> Syncer<'a, S, R> {
    /// A sync of this account.
    pub fn new(store: &'a S, remote: &'a R, clock: &'a dyn Clock, account: &str, options: Options) -> Self {
        Self { store, remote, clock, new_id: &MemoryId::new, account: account.to_owned(), options }
    }

    /// Takes the ids of memories that come from Papr from here, and not from the system's chance: so that a run can
    /// be repeated.
    #[must_use]
    pub fn ids(mut self, new_id: &'a NewId<'a>) -> Self {
        self.new_id = new_id;
        self
    }

    fn begin<'r>(&'r self, cancel: &'r CancelToken) -> Result<Run<'r, S, R>, StoreError> {
        Ok(Run {
            store: self.store,
            remote: self.remote,
            account: &self.account,
            options: &self.options,
            cancel,
            clock: self.clock,
            new_id: self.new_id,
            report: SyncReport::default(),
            state: self.store.account_sync(&self.account)?,
        })
    }

    /// Fetches, applies and sends. Whatever goes wrong, what was done until then stays done, and the report says it;
    /// the next run goes on from there.
    pub fn run(&self, scope: Scope, cancel: &CancelToken) -> SyncReport {
        let begun = self.clock.now();
        let mut run = match self.begin(cancel) {
            Ok(run) => run,
            Err(error) => {
                return SyncReport { problem: Some(of_store(&error)), ..SyncReport::default() };
            }
        };
        let outcome = run.pull(scope).and_then(|()| if self.options.push { run.push() } else { Ok(()) });
        run.finish(begun, outcome)
    }

    /// What [`Syncer::run`] would do: fetches and plans, changes nothing here or at Papr. Costs what fetching costs.
    pub fn preview(&self, scope: Scope, cancel: &CancelToken) -> Result<Preview, SyncError> {
        let mut run = self.begin(cancel)?;
        run.preview(scope)
    }
}

fn of_store(error: &StoreError) -> Problem {
    Problem {
        trouble: Trouble::Store,
        message: error.to_string(),
        hint: "Look at the data folder and its disk.".to_owned(),
        retry_at: None,
    }
}

impl<S: SyncStore + ?Sized, R: Remote + ?Sized> Run<'_, S, R> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Before every request: whether to stop, and whether it may cost so much.
    pub(crate) fn spend(&mut self, operations: u64) -> Result<(), SyncError> {
        self.cancel.check()?;
        if self.report.operations.saturating_add(operations) > self.options.max_operations {
            return Err(SyncError::Budget);
        }
        self.report.operations += operations;
        Ok(())
    }

    fn pull(&mut self, scope: Scope) -> Result<(), SyncError> {
        if scope == Scope::Snapshot || self.state.snapshot_at.is_none() {
            let checks = self.pull_tiers()?;
            self.pull_delta()?;
            return self.check(checks, true);
        }
        self.pull_delta()
    }

    fn pull_tiers(&mut self) -> Result<Checks, SyncError> {
        self.spend(3)?;
        let snapshot = self.remote.tiers(self.cancel)?;
        let now = self.now();
        let mut next = AccountSync { snapshot_at: Some(now), ..self.state.clone() };
        // Where something may have been sent that is not known of, everything is looked at from the beginning.
        if next.cursor.is_none() && !next.seeded && snapshot.cursor.is_some() && !self.adds_wait()? {
            next.cursor.clone_from(&snapshot.cursor);
            next.seeded = true;
        }
        let limits = self.options.limits;
        self.absorb(next, &|local| plan::wanted_by_snapshot(local, &snapshot), &|local, now| {
            plan::snapshot(local, &snapshot, &limits, now)
        })
    }

    /// Whether memories wait that Papr is not known to have.
    fn adds_wait(&self) -> Result<bool, StoreError> {
        for entry in self.store.outbox()? {
            let memory = self.store.memory(entry.id)?;
            if memory.is_some_and(|memory| {
                memory.remote.is_none() && memory.account.as_deref() == Some(self.account)
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All pages, each taken over with its cursor.
    pub(crate) fn pull_delta(&mut self) -> Result<(), SyncError> {
        for _ in 0..PAGES {
            self.spend(1)?;
            let page = self.remote.delta(self.state.cursor.as_deref(), ROWS, self.cancel)?;
            let on = page.cursor.is_some() && page.cursor != self.state.cursor;
            let more = page.more && on;
            let mut next = self.state.clone();
            next.cursor = page.cursor.clone().or(next.cursor);
            next.seeded |= !more;
            let create = self.state.seeded;
            let checks = self.absorb(next, &|local| plan::wanted_by_delta(local, &page), &|local, now| {
                plan::delta(local, &page, create, now)
            })?;
            self.check(checks, false)?;
            if !more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Plans and applies, anew where somebody edited meanwhile.
    fn absorb(
        &mut self,
        next: AccountSync,
        wanted: &dyn Fn(&Local) -> std::collections::BTreeSet<MemoryId>,
        plan: &dyn Fn(&Local, Timestamp) -> Plan,
    ) -> Result<Checks, SyncError> {
        for _ in 0..TRIES {
            self.cancel.check()?;
            let mut local = Local::load(self.store, self.account, self.state.snapshot_at.is_none())?;
            let ids = wanted(&local);
            local.fetch(self.store, &ids)?;
            let now = self.now();
            let plan = plan(&local, now);
            let state = (next != self.state).then_some(&next);
            if let Some(checks) = self.apply(&plan, state, now)? {
                self.state = next;
                return Ok(checks);
            }
        }
        Err(SyncError::Busy)
    }

    /// Asks for memories by their ids.
    fn check(&mut self, checks: Checks, outside: bool) -> Result<(), SyncError> {
        for (id, remote) in checks {
            self.spend(1)?;
            let item = self.remote.get(&remote, self.cancel)?;
            if item.as_ref().is_some_and(|item| item.id != remote) {
                // An answer about another memory says nothing of this one.
                continue;
            }
            let Some(known) = self.known(id)? else { continue };
            let now = self.now();
            let plan = if outside { plan::outside } else { plan::answered };
            self.make(plan(&known, item.as_ref(), now))?;
        }
        Ok(())
    }

    pub(crate) fn known(&self, id: MemoryId) -> Result<Option<Known>, StoreError> {
        Known::read(self.store, self.account, id)
    }

    /// Applies one operation; false if somebody edited meanwhile.
    pub(crate) fn make(&mut self, operation: Option<plan::Operation>) -> Result<bool, StoreError> {
        let Some(operation) = operation else { return Ok(true) };
        let plan = Plan { operations: vec![operation], ..Plan::default() };
        let now = self.now();
        Ok(self.apply(&plan, None, now)?.is_some())
    }

    fn apply(
        &mut self,
        plan: &Plan,
        state: Option<&AccountSync>,
        now: Timestamp,
    ) -> Result<Option<Checks>, StoreError> {
        let made = apply::Making { account: self.account, new_id: self.new_id, now };
        made.apply(self.store, plan, state, &mut self.report.pulled)
    }

    fn finish(mut self, begun: Timestamp, outcome: Result<(), SyncError>) -> SyncReport {
        let now = self.now();
        let state = &mut self.state;
        state.spend(self.report.operations, now);
        state.tried_at = Some(begun);
        let problem = match outcome {
            Ok(()) => None,
            Err(SyncError::Cancelled(_)) => {
                self.report.cancelled = true;
                None
            }
            Err(SyncError::Store(error)) => Some(of_store(&error)),
            Err(SyncError::Remote(error)) => Some(Problem::of(&error, now)),
            Err(error @ SyncError::Budget) => {
                let error = RemoteError::new(Trouble::Quota, Certainty::NotDone, error.to_string());
                Some(Problem { hint: "The rest goes out later.".to_owned(), ..Problem::of(&error, now) })
            }
            Err(error) => {
                let error = RemoteError::new(Trouble::Store, Certainty::NotDone, error.to_string());
                Some(Problem::of(&error, now))
            }
        };
        match &problem {
            Some(problem) => {
                tracing::warn!(trouble = problem.trouble.as_str(), "a sync did not go through");
                state.failures = state.failures.saturating_add(1);
                state.problem = Some(problem.trouble.as_str().to_owned());
                state.not_before = problem.retry_at;
            }
            None if !self.report.cancelled => {
                state.succeeded_at = Some(now);
                (state.failures, state.problem, state.not_before) = (0, None, None);
                let news = self.report.pulled.changed() + self.report.pushed.total() > 0;
                state.quiet = if news { 0 } else { state.quiet.saturating_add(1) };
            }
            None => {}
        }
        self.report.problem = problem;
        if let Err(error) = self.close() {
            self.report.problem.get_or_insert(of_store(&error));
        }
        self.report
    }

    /// Writes down how far it has come and counts what is left.
    fn close(&mut self) -> Result<(), StoreError> {
        self.store.apply(self.account, &[], Some(&self.state))?;
        self.report.pending = pending(self.store, self.account)?;
        let links = self.store.links(self.account)?;
        self.report.conflicts = links.iter().filter(|link| link.conflict.is_some()).count();
        Ok(())
    }
}
