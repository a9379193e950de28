//! What the model's worker has to do next.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use papr_memory::MemoryId;

/// What comes next, what matters most first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The engine ends.
    Stop,
    /// The person chose a model, or something else that decides which one serves.
    Choice,
    /// Vectors of Papr's came, went, or were measured anew.
    Server,
    /// These memories wait for vectors of the model that serves.
    Embed(Vec<MemoryId>),
    /// Nothing is urgent: the space of the next model can grow.
    Build,
}

/// Memories that wait for their vectors, oldest first, and what the person asked for.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[allow(clippy::struct_excessive_bools)] // they do not depend on each other
#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<MemoryId>,
    unembeddable: BTreeSet<MemoryId>,
    stopped: bool,
    chosen: bool,
    paused: bool,
    server: bool,
    holds: usize,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, ids: impl IntoIterator<Item = MemoryId>) {
        self.state().waiting.extend(ids);
        self.changed.notify_all();
    }

    /// Begins anew with the memories that have no vector; of those in `unembeddable` there will be none.
    pub(crate) fn reset(&self, without_vector: Vec<MemoryId>, unembeddable: Vec<MemoryId>) {
        let mut state = self.state();
        state.unembeddable = unembeddable.into_iter().collect();
        state.waiting = without_vector.into();
        let State { waiting, unembeddable, .. } = &mut *state;
        waiting.retain(|id| !unembeddable.contains(id));
        self.changed.notify_all();
    }

    /// How many cannot be embedded.
    pub(crate) fn unembeddable(&self) -> usize {
        self.state().unembeddable.len()
    }

    /// Forgets memories that are gone.
    pub(crate) fn forget(&self, ids: &[MemoryId]) {
        let mut state = self.state();
        state.waiting.retain(|id| !ids.contains(id));
        state.unembeddable.retain(|id| !ids.contains(id));
    }

    pub(crate) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    /// Another model is wanted; the worker finds out which.
    pub(crate) fn choose(&self) {
        self.state().chosen = true;
        self.changed.notify_all();
    }

    /// Papr's vectors are others now, or good for something else.
    pub(crate) fn look_at_server(&self) {
        self.state().server = true;
        self.changed.notify_all();
    }

    /// Nothing is embedded while this is held.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.state().holds += 1;
        Hold(self)
    }

    /// Whether something was chosen that nobody has looked at yet.
    pub(crate) fn is_chosen(&self) -> bool {
        self.state().chosen
    }

    /// Holds the building of another space, or lets it go on.
    pub(crate) fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.changed.notify_all();
    }

    pub(crate) fn paused(&self) -> bool {
        self.state().paused
    }

    /// What to do next; waits until there is something. At most `limit` memories at a time.
    pub(crate) fn next(&self, limit: usize, building: bool) -> Work {
        let idle = |state: &mut State| {
            let embeds = !state.waiting.is_empty() || (building && !state.paused);
            let waits = state.stopped || state.chosen || state.server;
            !waits && (state.holds > 0 || !embeds)
        };
        let mut state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Work::Stop;
        }
        if std::mem::take(&mut state.chosen) {
            return Work::Choice;
        }
        if std::mem::take(&mut state.server) {
            return Work::Server;
        }
        let count = limit.min(state.waiting.len());
        if count == 0 { Work::Build } else { Work::Embed(state.waiting.drain(..count).collect()) }
    }

    /// Waits for this long, or until the engine ends.
    pub(crate) fn rest(&self, time: Duration) {
        let on = |state: &mut State| !state.stopped;
        drop(self.changed.wait_timeout_while(self.state(), time, on));
    }

    /// Notes that `ids` were done, but for those that cannot be.
    pub(crate) fn done(&self, ids: &[MemoryId], unembeddable: Vec<MemoryId>) {
        let mut state = self.state();
        state.unembeddable.retain(|id| !ids.contains(id));
        state.unembeddable.extend(unembeddable);
    }

    pub(crate) fn put_back(&self, ids: &[MemoryId]) {
        let mut state = self.state();
        for &id in ids.iter().rev() {
            state.waiting.push_front(id);
        }
    }
}

/// Keeps the worker from embedding until it is dropped.
pub(crate) struct Hold<'a>(&'a Queue);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.state().holds -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> MemoryId {
        MemoryId::from_bytes([number; 16])
    }

    #[test]
    fn what_matters_most_comes_first() {
        let queue = Queue::default();
        queue.push([id(1), id(2), id(3)]);
        queue.choose();
        assert_eq!(queue.next(2, true), Work::Choice, "a choice decides what the rest is done with");
        assert_eq!(
            queue.next(2, true),
            Work::Embed(vec![id(1), id(2)]),
            "what can be searched, before what will be"
        );
        assert_eq!(queue.next(2, true), Work::Embed(vec![id(3)]));
        assert_eq!(queue.next(2, true), Work::Build);
        queue.pause(true);
        queue.stop();
        assert_eq!(queue.next(2, true), Work::Stop, "a pause does not keep the app from ending");
    }

    #[test]
    fn what_is_held_waits_and_papr_s_vectors_come_before_it() {
        let queue = Queue::default();
        let held = queue.hold();
        queue.push([id(1)]);
        queue.look_at_server();
        assert_eq!(queue.next(2, true), Work::Server, "it may leave nothing to embed");
        queue.choose();
        assert_eq!(queue.next(2, true), Work::Choice, "a hold keeps no choice waiting");
        drop(held);
        assert_eq!(queue.next(2, true), Work::Embed(vec![id(1)]));
        assert_eq!(queue.next(2, true), Work::Build);
    }

    #[test]
    fn what_cannot_be_embedded_does_not_wait() {
        let queue = Queue::default();
        queue.reset(vec![id(1), id(2)], vec![id(2)]);
        assert_eq!(queue.next(9, false), Work::Embed(vec![id(1)]));
        assert_eq!(queue.unembeddable(), 1);
        queue.forget(&[id(2)]);
        assert_eq!(queue.unembeddable(), 0);
    }
}
