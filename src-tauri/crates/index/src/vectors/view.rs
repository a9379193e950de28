//! A view: all vectors as they were at one moment, for as long as somebody looks.
//!
//! Searches go on a view and wait for nobody. Rows written last are scanned exactly, which finds the very
//! nearest; older ones may stand in segments with a graph, which finds nearly all of them much sooner.

use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use papr_memory::{Dims, MemoryId, Vector};

use super::directory::Directory;
use super::graph::Graph;
use super::probe::{Finalists, Probe, Spot};
use super::rows::{Owner, Rows};
use super::search;
use crate::selection::Selection;

/// A memory and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Which memory.
    pub id: MemoryId,
    /// Cosine similarity to the query, in [-1, 1].
    pub cosine: f32,
}

/// Bytes held in memory, by what for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// 16-bit numbers: what cosines are computed from.
    pub numbers: usize,
    /// Bytes that are scanned, and how to read them.
    pub codes: usize,
    /// Links of graphs.
    pub graphs: usize,
    /// Which memory stands where.
    pub places: usize,
}

impl Bytes {
    /// All of it.
    pub fn total(&self) -> usize {
        self.numbers + self.codes + self.graphs + self.places
    }
}

/// Rows that do not change but die, under a graph.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) number: u32,
    pub(super) rows: Rows,
    pub(super) graph: Arc<Graph>,
    /// Decides the graph's upper layers; kept so that a graph can be told from another.
    pub(super) seed: u64,
}

impl Segment {
    /// How many candidates a search of its graph looks at.
    pub(super) fn width(&self) -> usize {
        self.graph.width()
    }

    /// Offers what the graph finds for a search of `k`; whether that can be relied on.
    pub(super) fn search(
        &self,
        probe: &Probe<'_>,
        part: usize,
        k: usize,
        wanted: impl Fn(&[Owner]) -> bool,
        finalists: &mut Finalists,
    ) -> bool {
        let mut found = Vec::with_capacity(self.graph.width());
        if k > self.graph.width() || !self.graph.search(probe, |row| found.push(row)) {
            return false;
        }
        found.retain(|&row| {
            let owners = self.rows.owners(row);
            !owners.is_empty() && wanted(owners)
        });
        if found.len() < k {
            return false;
        }
        for row in found {
            self.rows.offer(probe, Spot { part, row }, finalists);
        }
        true
    }
}

/// All vectors at one moment. A clone shares them.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) dims: Dims,
    /// The rows written last; its part number.
    pub(super) tail: Rows,
    pub(super) tail_number: u32,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) directory: Directory,
}

impl View {
    pub(super) fn empty(dims: Dims) -> Self {
        let (tail, directory) = (Rows::new(dims), Directory::new());
        Self { dims, tail, tail_number: 0, segments: Vec::new(), directory }
    }

    /// How many memories have a vector.
    pub fn len(&self) -> usize {
        self.directory.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this memory has a vector here.
    pub fn contains(&self, id: MemoryId) -> bool {
        self.directory.get(id).is_some()
    }

    /// How many memories stand under a graph, and not in the tail.
    pub fn in_graphs(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows.live()).sum()
    }

    /// The numbers kept for a memory, rounded to 16 bits.
    pub fn get(&self, id: MemoryId) -> Option<Vec<f32>> {
        let place = self.directory.get(id)?;
        Some(self.rows_of(place.part)?.numbers(place.row).to_f32_vec())
    }

    /// Cosine similarity of one memory to the query; none without its vector, or if the query is of another
    /// space.
    pub fn cosine(&self, id: MemoryId, query: &Vector) -> Option<f32> {
        let place = self.directory.get(id)?;
        let row = self.rows_of(place.part)?.numbers(place.row);
        let same_space = query.as_slice().len() == row.len();
        same_space.then(|| crate::kernel::Kernel::best().dot(query.as_slice(), row).clamp(-1.0, 1.0))
    }

    /// The `k` memories nearest to the query: [`nearest`](super::nearest) in this view alone.
    pub fn nearest(&self, query: &Vector, k: usize, among: Option<&Selection>) -> Vec<Nearest> {
        search::nearest(&[self], query, k, among)
    }

    /// The same, exactly, whatever graphs there are.
    pub fn nearest_exactly(&self, query: &Vector, k: usize, among: Option<&Selection>) -> Vec<Nearest> {
        search::nearest_exactly(self, query, k, among)
    }

    /// The rows of the part that has this number.
    pub(super) fn rows_of(&self, number: u32) -> Option<&Rows> {
        if number == self.tail_number {
            return Some(&self.tail);
        }
        self.segments.iter().find(|segment| segment.number == number).map(|segment| &segment.rows)
    }

    /// Bytes held, by part. Chunks shared with an older view are counted as this view's.
    pub fn bytes(&self) -> Bytes {
        let mut bytes = Bytes { places: self.directory.bytes(), ..Bytes::default() };
        for rows in self.segments.iter().map(|segment| &segment.rows).chain([&self.tail]) {
            let [numbers, codes, owners] = rows.bytes();
            bytes.numbers += numbers;
            bytes.codes += codes;
            bytes.places += owners;
        }
        bytes.graphs = self.segments.iter().map(|segment| segment.graph.bytes()).sum();
        bytes
    }
}
