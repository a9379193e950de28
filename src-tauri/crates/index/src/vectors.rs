//! The vectors of one tier in one space: what is written, what is searched, what is done about it in between.
//!
//! ```text
//! writes ─► tail: rows scanned exactly ──plan, run, install──► segments: rows under a graph
//!              └───────────────┬──────────────────────────────────┘
//!                              ▼
//!                 view: all of it at one moment ─► searches
//! ```
//!
//! Numbers are rounded to 16 bits on the way in, as the store keeps them, so that a search gives the same
//! scores before and after a restart. Memories with the same vector share a row: more than 64 equal vectors
//! wreck a graph.

mod chunk;
mod directory;
mod graph;
mod job;
pub mod pace;
mod probe;
mod recall;
mod rotation;
mod rows;
mod scan;
mod search;
mod signs;
mod snapshot;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use half::f16;
use half::slice::HalfFloatSliceExt;
use papr_memory::{Dims, MemoryId, Space, Vector};

use self::chunk::hash_of;
use self::directory::Place;
pub use self::graph::{GraphError, Workers};
pub use self::job::{Built, Job, JobError, Step};
use self::job::{Goal, Made};
use self::rows::{Owner, Rows};
pub use self::search::nearest;
pub use self::snapshot::{SnapshotError, saved_segments};
use self::view::Segment;
pub use self::view::{Bytes, Nearest, View};
use crate::id_hash::IdHash;
use crate::words::Slot;

/// More segments than these are merged.
const SEGMENTS: usize = 4;
/// A segment of which one row in so many is dead is built anew.
const DEAD: usize = 5;
/// A tail of more dead rows than live ones, and of more than this many, is swept.
const SWEPT: usize = 1_024;

/// The vectors of one tier in one space, kept by one writer.
#[derive(Debug)]
pub struct VectorIndex {
    published: Arc<ArcSwap<View>>,
    /// What will be published next.
    view: View,
    /// Where the row with these numbers stands, by their hash.
    known: HashMap<u64, Place, IdHash>,
    /// Dead rows of the tail.
    free: Vec<u32>,
    /// The number the next part gets.
    next: u32,
    exact_rows: usize,
    /// At so many rows no graph was good enough.
    refused: Option<usize>,
}

/// Sees the newest view, from any thread, without waiting for the writer.
#[derive(Clone, Debug)]
pub struct Reader(Arc<ArcSwap<View>>);

impl Reader {
    /// All vectors as they are now.
    pub fn view(&self) -> Arc<View> {
        self.0.load_full()
    }
}

/// Several changes, of which searches see all or none: they are published when this is dropped.
#[derive(Debug)]
pub struct Batch<'a>(&'a mut VectorIndex);

impl Batch<'_> {
    /// As [`VectorIndex::upsert`].
    pub fn upsert(&mut self, id: MemoryId, slot: Slot, vector: &Vector) {
        let index = &mut *self.0;
        let same_space = vector.as_slice().len() == index.view.dims.get();
        debug_assert!(same_space, "vectors meet only inside one space");
        if same_space {
            let mut rounded = vec![f16::ZERO; vector.as_slice().len()];
            rounded.convert_from_f32_slice(vector.as_slice());
            index.put(Owner { id, slot }, &rounded);
        }
    }

    /// As [`VectorIndex::remove`].
    pub fn remove(&mut self, id: MemoryId) -> bool {
        self.0.leave(id)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.0.publish();
    }
}

impl VectorIndex {
    /// An empty index for vectors of `dims` numbers, that plans no graph for up to `exact_rows` rows:
    /// see [`pace`].
    pub fn new(dims: Dims, exact_rows: usize) -> Self {
        let view = View::empty(dims);
        Self {
            published: Arc::new(ArcSwap::from_pointee(view.clone())),
            view,
            known: HashMap::default(),
            free: Vec::new(),
            next: 1,
            exact_rows,
            refused: None,
        }
    }

    /// Plans no graph for up to `exact_rows` rows from now on.
    pub fn set_exact_rows(&mut self, exact_rows: usize) {
        self.exact_rows = exact_rows;
    }

    /// All vectors as they are now.
    pub fn view(&self) -> Arc<View> {
        self.published.load_full()
    }

    /// What sees every later view too.
    pub fn reader(&self) -> Reader {
        Reader(self.published.clone())
    }

    /// Begins several changes: cheaper than one at a time.
    pub fn batch(&mut self) -> Batch<'_> {
        Batch(self)
    }

    /// Adds the vector of a memory, or replaces it; selections know the memory by its slot. A vector of another length
    /// is left out: vectors meet only within one space.
    pub fn upsert(&mut self, id: MemoryId, slot: Slot, vector: &Vector) {
        self.batch().upsert(id, slot, vector);
    }

    /// Takes a memory's vector out; whether it was there.
    pub fn remove(&mut self, id: MemoryId) -> bool {
        self.view.directory.get(id).is_some() && self.batch().remove(id)
    }

    fn publish(&self) {
        self.published.store(Arc::new(self.view.clone()));
    }

    fn put(&mut self, owner: Owner, numbers: &[f16]) {
        let id = owner.id;
        let hash = hash_of(numbers);
        let shared = self.known.get(&hash).copied().filter(|place| {
            self.view.rows_of(place.part).is_some_and(|rows| rows.numbers(place.row) == numbers)
        });
        if shared.is_none() || shared != self.view.directory.get(id) {
            // The row that is to be shared lives: another memory owns it, since this one does not.
            self.leave(id);
        }
        let place = shared.unwrap_or_else(|| {
            let part = self.view.tail_number;
            let row = match self.free.pop() {
                Some(row) => {
                    self.view.tail.reuse(row, numbers, owner);
                    row
                }
                None => self.view.tail.push(numbers, owner),
            };
            self.known.insert(hash, Place { part, row });
            Place { part, row }
        });
        if shared.is_some()
            && let Some(rows) = self.rows_mut(place.part)
        {
            rows.add_owner(place.row, owner);
        }
        self.view.directory.insert(id, place);
    }

    fn leave(&mut self, id: MemoryId) -> bool {
        let Some(place) = self.view.directory.remove(id) else { return false };
        let in_tail = place.part == self.view.tail_number;
        let Some(rows) = self.rows_mut(place.part) else { return true };
        if rows.remove_owner(place.row, id) {
            let hash = hash_of(rows.numbers(place.row));
            if self.known.get(&hash) == Some(&place) {
                self.known.remove(&hash);
            }
            if in_tail {
                self.free.push(place.row);
            }
        }
        true
    }

    fn rows_mut(&mut self, number: u32) -> Option<&mut Rows> {
        if number == self.view.tail_number {
            return Some(&mut self.view.tail);
        }
        let segment = self.view.segments.iter_mut().find(|segment| segment.number == number)?;
        Some(&mut Arc::make_mut(segment).rows)
    }

    /// The most useful thing to do now, if there is any: [`Job::run`] it on a thread in the background, then
    /// [`VectorIndex::install`] what it built, and ask again. One job at a time.
    pub fn plan(&self) -> Option<Job> {
        let tail = self.view.tail.live();
        let live = tail + self.view.segments.iter().map(|segment| segment.rows.live()).sum::<usize>();
        let job = |sources, goal| Some(Job { base: self.view(), sources, goal });
        let tail_number = self.view.tail_number;
        let mut segments: Vec<&Segment> = self.view.segments.iter().map(Arc::as_ref).collect();
        if !segments.is_empty() && live <= self.exact_rows / 2 {
            let numbers = segments.iter().map(|segment| segment.number);
            return job(numbers.chain([tail_number]).collect(), Goal::Exact);
        }
        if self.free.len() > tail.max(SWEPT) {
            return job(vec![tail_number], Goal::Exact);
        }
        if self.refused.is_some_and(|refused| live < refused + refused / 2) {
            return None;
        }
        let dead = |segment: &Segment| segment.graph.points() - segment.rows.live();
        if let Some(worn) = segments.iter().find(|segment| dead(segment) > segment.graph.points() / DEAD) {
            return job(vec![worn.number], Goal::Graph);
        }
        if segments.len() > SEGMENTS {
            segments.sort_unstable_by_key(|segment| segment.rows.live());
            return job(segments[..3].iter().map(|segment| segment.number).collect(), Goal::Graph);
        }
        let limit = if segments.is_empty() { self.exact_rows } else { (self.exact_rows / 2).max(live / 10) };
        if tail > limit { job(vec![tail_number], Goal::Graph) } else { None }
    }

    /// A job that takes up a segment saved by [`View::save`]. To be planned when all vectors have been added,
    /// one file of [`saved_segments`] after the other.
    pub fn plan_load(&self, path: PathBuf, space: &Space) -> Job {
        let sources = vec![self.view.tail_number];
        Job { base: self.view(), sources, goal: Goal::Saved(path, space.clone()) }
    }

    /// Takes what a job built, together with all that was written since it was planned; whether it was of use:
    /// not if another job's work was installed in between.
    pub fn install(&mut self, built: Built) -> bool {
        let Built { sources, rows, graph } = built;
        if sources.iter().any(|&number| self.view.rows_of(number).is_none()) {
            return false;
        }
        match graph {
            Made::NotGoodEnough => {
                self.refused = Some(self.view.tail.live() + self.view.in_graphs());
                false
            }
            Made::Nothing => {
                self.replace(&sources, rows, None);
                true
            }
            Made::Graph { graph, seed } => {
                self.refused = None;
                self.replace(&sources, rows, Some((graph, seed)));
                true
            }
        }
    }

    /// Puts `rows` in the place of the parts `sources`: under a graph as a segment, without one as the tail,
    /// which then is among `sources`.
    fn replace(&mut self, sources: &[u32], mut rows: Rows, graph: Option<(graph::Graph, u64)>) {
        let number = self.take_number();
        // Who wrote another vector since, or none, does not come along; who does may stand at another slot by now.
        let owners: Vec<(u32, MemoryId)> = rows
            .iter()
            .flat_map(|(row, _, owners)| owners.iter().map(move |owner| (row, owner.id)))
            .collect();
        for (row, id) in owners {
            let place = self.view.directory.get(id);
            let still = place.and_then(|place| {
                let now = self.view.rows_of(place.part).filter(|now| now.same(place.row, &rows, row))?;
                now.owners(place.row).iter().copied().find(|owner| owner.id == id)
            });
            let (Some(place), Some(owner)) = (place, still) else {
                rows.remove_owner(row, id);
                continue;
            };
            rows.add_owner(row, owner);
            if !sources.contains(&place.part) {
                self.leave(id);
            }
            self.view.directory.insert(id, Place { part: number, row });
        }
        let left = self.take_parts(sources);
        self.known.retain(|_, place| !sources.contains(&place.part));
        self.known
            .extend(rows.iter().map(|(row, numbers, _)| (hash_of(numbers), Place { part: number, row })));
        if let Some((graph, seed)) = graph {
            let segment = Segment { number, rows, graph: Arc::new(graph), seed };
            self.view.segments.push(Arc::new(segment));
        } else {
            (self.view.tail, self.view.tail_number) = (rows, number);
        }
        // What was written into these parts since.
        for part in left {
            for (_, numbers, owners) in part.iter() {
                for &owner in owners {
                    if self.view.directory.get(owner.id).is_some_and(|place| sources.contains(&place.part)) {
                        self.view.directory.remove(owner.id);
                        self.put(owner, numbers);
                    }
                }
            }
        }
        self.publish();
    }

    /// Takes these parts out of the view; a tail is followed by an empty one.
    fn take_parts(&mut self, numbers: &[u32]) -> Vec<Rows> {
        let mut taken = Vec::new();
        if numbers.contains(&self.view.tail_number) {
            taken.push(std::mem::replace(&mut self.view.tail, Rows::new(self.view.dims)));
            self.view.tail_number = self.take_number();
            self.free.clear();
        }
        self.view.segments.retain(|segment| {
            let goes = numbers.contains(&segment.number);
            if goes {
                taken.push(segment.rows.clone());
            }
            !goes
        });
        taken
    }

    fn take_number(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        number
    }
}
