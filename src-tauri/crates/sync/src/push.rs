//! Sending: what is not certain is cleared up first; then changes and deletions, each after a look at what is there;
//! then what is new, in batches.
//!
//! Before a request is sent that changes something, it is written down as in flight; it is taken away only by what Papr
//! is seen to have.

use jiff::Timestamp;
use papr_memory::ports::SyncStore;
use papr_memory::{
    Agreed, InFlight, InFlightCall, Link, Memory, MemoryId, OutboxEntry, Parts, Refused, SyncStep,
};

use crate::local::{Known, Record};
use crate::merge;
use crate::outgoing::Outgoing;
use crate::plan::{self, Operation, What};
use crate::remote::{Certainty, Item, Made, Remote, RemoteError, Trouble};
use crate::run::{Run, SyncError};

/// The most memories in a request, as Papr's API has it.
const BATCH: usize = 50;
/// The most bytes in one; below Papr's 750,000 by what a request has around its memories.
const BATCH_BYTES: usize = 700_000;

/// A memory about to be made at Papr.
struct New {
    link: Link,
    rev: u64,
    then: Agreed,
    outgoing: Outgoing,
}

impl<S: SyncStore + ?Sized, R: Remote + ?Sized> Run<'_, S, R> {
    pub(crate) fn push(&mut self) -> Result<(), SyncError> {
        self.reconcile()?;
        let mut new = Vec::new();
        for entry in self.store.outbox()? {
            self.cancel.check()?;
            let Some(known) = self.known(entry.id)? else { continue };
            if known.held() {
                continue;
            }
            match (&known.record, known.link.remote.clone()) {
                (Record::Alive(_), None) if known.link.in_flight.is_none() => new.push(entry.id),
                (Record::Alive(_), None) => {}
                (Record::Alive(_), Some(remote)) => self.change(&known, &remote)?,
                (Record::Dead(_), Some(remote)) => self.delete(&known, entry, &remote)?,
                (Record::Dead(_), None) => self.step(SyncStep::Unlink { link: Box::new(known.link) })?,
            }
        }
        let mut told = false;
        let mut batch = Vec::new();
        let mut bytes = 0;
        for id in new {
            let Some(one) = self.new_one(id)? else { continue };
            let weight = one.outgoing.weight();
            if batch.len() == BATCH || bytes + weight > BATCH_BYTES && !batch.is_empty() {
                told |= self.add(std::mem::take(&mut batch))?;
                bytes = 0;
            }
            bytes += weight;
            batch.push(one);
        }
        if !batch.is_empty() {
            told |= self.add(batch)?;
        }
        if told {
            // The order of a batch's answer is not documented: what was made is known by its `client_id`.
            self.pull_delta()?;
            self.reconcile()?;
        }
        Ok(())
    }

    fn step(&mut self, step: SyncStep) -> Result<(), SyncError> {
        self.store.apply(self.account, &[step], None)?;
        Ok(())
    }

    fn note(&mut self, link: Link) -> Result<(), SyncError> {
        self.step(SyncStep::Note(Box::new(link)))
    }

    /// Looks for what was sent and not answered.
    fn reconcile(&mut self) -> Result<(), SyncError> {
        for link in self.store.links(self.account)? {
            let Some(flight) = link.in_flight.clone().filter(|flight| flight.call == InFlightCall::Add)
            else {
                continue;
            };
            let now = self.now();
            if flight.since > now {
                // The clock was ahead and has been put right.
                self.note(since(link, InFlight { since: now, ..flight }))?;
                continue;
            }
            let settled = now.duration_since(flight.since) >= self.options.settle;
            let mut anothers = false;
            if let Some(made) = &flight.made {
                self.spend(1)?;
                match self.remote.get(made, self.cancel)? {
                    Some(item) if is_ours(&item, &link, &flight) => {
                        self.found(link.id, &item)?;
                        continue;
                    }
                    other => anothers = other.is_some(),
                }
            }
            if !settled {
                continue;
            }
            self.spend(1)?;
            let found = self.remote.find(&link.own_client_id(), self.cancel)?;
            match (found.first(), flight.made.clone()) {
                (Some(item), _) => self.found(link.id, item)?,
                // The id is another memory's of the same batch, and says nothing of this one's.
                (None, Some(_)) if anothers => {
                    self.note(since(link, InFlight { since: now, made: None, ..flight }))?;
                }
                // It was made, Papr said so, and it is gone.
                (None, Some(made)) => {
                    let gone =
                        Link { remote: Some(made), agreed: Some(flight.then), in_flight: None, ..link };
                    if let Some(known) = self.known(gone.id)? {
                        self.make(merge::absent(&Known { link: gone, ..known }, now))?;
                    }
                }
                (None, None) => {
                    self.report.pushed.reconciled += 1;
                    self.note(Link { in_flight: None, ..link })?;
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, id: MemoryId, item: &Item) -> Result<(), SyncError> {
        if let Some(known) = self.known(id)? {
            let now = self.now();
            self.make(plan::answered(&known, Some(item), now))?;
            self.report.pushed.reconciled += 1;
        }
        Ok(())
    }

    /// Looks at what Papr has; true if there is still something to be sent.
    fn look(&mut self, known: &Known, remote: &str) -> Result<bool, SyncError> {
        self.spend(1)?;
        let item = self.remote.get(remote, self.cancel)?;
        if item.as_ref().is_some_and(|item| item.id != remote) {
            // An answer about another memory says nothing of this one.
            return Ok(false);
        }
        let operation = plan::answered(known, item.as_ref(), self.now());
        let what = operation.as_ref().map(Operation::what);
        if what == Some(What::Deleted) {
            self.report.pushed.deleted += 1;
        }
        Ok(self.make(operation)? && item.is_some() && what != Some(What::Conflict))
    }

    fn change(&mut self, known: &Known, remote: &str) -> Result<(), SyncError> {
        let id = known.link.id;
        if !self.look(known, remote)? {
            return Ok(());
        }
        let Some(known) = self.known(id)? else { return Ok(()) };
        let (Record::Alive(memory), Some(rev)) = (&known.record, known.pending()) else { return Ok(()) };
        let agreed =
            known.link.agreed.unwrap_or(Agreed { local: Parts::default(), remote: Parts::default() });
        let local = Parts::of(memory);
        let Some(outgoing) = Outgoing::changes(memory, &agreed.local, known.link.client_id.as_deref()) else {
            let link = Link { agreed: Some(Agreed { local, ..agreed }), in_flight: None, ..known.link };
            self.report.pushed.settled += 1;
            return self.step(SyncStep::Acknowledge { rev, link: Box::new(link) });
        };
        let then = Agreed { local, remote: outgoing.then(agreed.remote) };
        self.mark(&known.link, InFlightCall::Update, rev, then)?;
        self.spend(1)?;
        match self.remote.update(remote, &outgoing, self.cancel) {
            Ok(true) => {
                let link = Link { agreed: Some(then), in_flight: None, refused: None, ..known.link };
                self.report.pushed.updated += 1;
                self.step(SyncStep::Acknowledge { rev, link: Box::new(link) })
            }
            Ok(false) => {
                let now = self.now();
                self.make(merge::absent(&known, now))?;
                Ok(())
            }
            Err(error) => self.failed(&[(known.link, rev)], error),
        }
    }

    fn delete(&mut self, known: &Known, entry: OutboxEntry, remote: &str) -> Result<(), SyncError> {
        let id = known.link.id;
        if !self.look(known, remote)? {
            return Ok(());
        }
        let Some(known) = self.known(id)? else { return Ok(()) };
        if !matches!(known.record, Record::Dead(_)) {
            return Ok(());
        }
        let parts = Parts::of(known.record.memory());
        let then = known.link.agreed.unwrap_or(Agreed { local: parts, remote: parts });
        self.mark(&known.link, InFlightCall::Delete, entry.rev, then)?;
        self.spend(1)?;
        match self.remote.delete(remote, self.cancel) {
            Ok(()) => {
                self.report.pushed.deleted += 1;
                let now = self.now();
                // Read again: it may have been taken back meanwhile, and is then made anew.
                if let Some(known) = self.known(id)? {
                    self.make(merge::absent(&known, now))?;
                }
                Ok(())
            }
            Err(error) => self.failed(&[(known.link, entry.rev)], error),
        }
    }

    /// Writes down what is about to be sent.
    fn mark(&mut self, link: &Link, call: InFlightCall, rev: u64, then: Agreed) -> Result<(), SyncError> {
        let in_flight = InFlight { call, rev, since: self.now(), then, made: None };
        self.note(Link { in_flight: Some(in_flight), ..link.clone() })
    }

    /// What was certainly not done is no longer in flight; what Papr does not want is not sent again.
    fn failed(&mut self, links: &[(Link, u64)], error: RemoteError) -> Result<(), SyncError> {
        if error.certainty == Certainty::Unknown {
            return Err(error.into());
        }
        let refused = error.trouble == Trouble::Refused;
        let status = error.status.unwrap_or(0);
        let cleared = links.iter().map(|(link, rev)| {
            let refused = if refused { Some(Refused { rev: *rev, status }) } else { link.refused.clone() };
            SyncStep::Note(Box::new(Link { in_flight: None, refused, ..link.clone() }))
        });
        self.store.apply(self.account, &cleared.collect::<Vec<_>>(), None)?;
        if !refused {
            return Err(error.into());
        }
        self.report.pushed.refused += links.len();
        Ok(())
    }

    fn new_one(&mut self, id: MemoryId) -> Result<Option<New>, SyncError> {
        let Some(known) = self.known(id)? else { return Ok(None) };
        let (Record::Alive(memory), Some(rev)) = (&known.record, known.pending()) else { return Ok(None) };
        Ok((known.link.remote.is_none()).then(|| New::of(memory, known.link.clone(), rev)))
    }

    /// Makes memories; true if some were made that are still to be recognised.
    fn add(&mut self, mut batch: Vec<New>) -> Result<bool, SyncError> {
        let left = self.options.max_operations.saturating_sub(self.report.operations) / 4;
        batch.truncate(usize::try_from(left).unwrap_or(usize::MAX).max(1));
        self.spend(4 * batch.len() as u64)?;
        let since = self.now();
        let marks: Vec<_> =
            batch.iter().map(|one| SyncStep::Note(Box::new(one.marked(since, None)))).collect();
        self.store.apply(self.account, &marks, None)?;
        let outgoing: Vec<_> = batch.iter().map(|one| one.outgoing.clone()).collect();
        let outcomes = match self.remote.add(&outgoing, self.cancel) {
            Ok(outcomes) => outcomes,
            Err(error)
                if batch.len() > 1
                    && error.trouble == Trouble::Refused
                    && error.certainty == Certainty::NotDone =>
            {
                // One of them spoils the others: each by itself.
                self.report.operations -= 4 * batch.len() as u64;
                for one in batch {
                    self.note(one.link.clone())?;
                    self.add(vec![one])?;
                }
                return Ok(false);
            }
            Err(error) => {
                let links: Vec<_> = batch.iter().map(|one| (one.link.clone(), one.rev)).collect();
                return self.failed(&links, error).map(|()| false);
            }
        };
        let alone = batch.len() == 1;
        let mut told = false;
        let mut stop = None;
        let mut steps = Vec::new();
        for (one, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Ok(made) => {
                    self.report.pushed.added += 1;
                    told |= !alone;
                    steps.push(one.made(made, alone, since));
                }
                Err(status) => {
                    let refused = matches!(status, 400 | 413 | 415 | 422);
                    if !refused && !(401..=404).contains(&status) && status != 429 {
                        // Papr failed at it: it may have been made all the same, and is looked for.
                        continue;
                    }
                    self.report.pushed.refused += usize::from(refused);
                    stop = stop.or(of_all(status));
                    let refused = refused.then_some(Refused { rev: one.rev, status });
                    steps.push(SyncStep::Note(Box::new(Link { refused, ..one.link })));
                }
            }
        }
        self.store.apply(self.account, &steps, None)?;
        stop.map_or(Ok(told), |error| Err(error.into()))
    }
}

/// What the refusal of one memory of a batch says of all that would follow. The key was let in, so that a 403 is the
/// plan's limit.
fn of_all(status: u16) -> Option<RemoteError> {
    let (trouble, message, hint) = match status {
        401 => (Trouble::Unauthorised, "Papr does not accept the key", "Enter a valid Papr key."),
        402 | 403 => (
            Trouble::Quota,
            "Papr says that the plan's limit is reached",
            "Wait for the plan's next period, or change the plan.",
        ),
        429 => (Trouble::RateLimited, "Papr says that there were too many calls", "Wait a while."),
        _ => return None,
    };
    let error = RemoteError::new(trouble, Certainty::NotDone, message);
    Some(RemoteError { status: Some(status), hint: hint.to_owned(), ..error })
}

fn since(link: Link, flight: InFlight) -> Link {
    Link { in_flight: Some(flight), ..link }
}

/// Whether an item under the id that Papr told is what was sent: by its `client_id`, or where Papr keeps none by its
/// text.
fn is_ours(item: &Item, link: &Link, flight: &InFlight) -> bool {
    match &item.client_id {
        Some(client_id) => *client_id == link.own_client_id(),
        None => item.parts(Parts::default()).content == flight.then.remote.content,
    }
}

impl New {
    fn of(memory: &Memory, link: Link, rev: u64) -> Self {
        let client_id = link.own_client_id();
        let outgoing = Outgoing::whole(memory, client_id.clone());
        let blank = Parts { kind: Parts::text("text"), ..Parts::default() };
        let then = Agreed { local: Parts::of(memory), remote: outgoing.then(blank) };
        Self { link: Link { client_id: Some(client_id), refused: None, ..link }, rev, then, outgoing }
    }

    fn marked(&self, since: Timestamp, made: Option<String>) -> Link {
        let in_flight = InFlight { call: InFlightCall::Add, rev: self.rev, since, then: self.then, made };
        Link { in_flight: Some(in_flight), ..self.link.clone() }
    }

    /// Alone, what was made is this. Of several it is not certain which is which.
    fn made(&self, made: Made, alone: bool, at: Timestamp) -> SyncStep {
        if !alone {
            return SyncStep::Note(Box::new(self.marked(at, Some(made.id))));
        }
        let link = Link {
            remote: Some(made.id),
            object_id: made.object_id,
            agreed: Some(self.then),
            seen_at: Some(at),
            ..self.link.clone()
        };
        SyncStep::Acknowledge { rev: self.rev, link: Box::new(link) }
    }
}
