//! The vectors of one tier, scanned exactly: [`VectorIndex`] without graphs, for callers that plan none.

use papr_memory::{Dims, MemoryId, Vector};

use crate::vectors::{Nearest, VectorIndex};

/// The vectors of one tier in one space, without graphs.
#[derive(Debug)]
pub struct Slab(VectorIndex);

impl Slab {
    /// An empty slab for vectors of `dims` numbers.
    pub fn new(dims: Dims) -> Self {
        Self(VectorIndex::new(dims, usize::MAX))
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.0.view().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.0.view().bytes().total()
    }

    /// Adds the vector of a memory, or replaces it.
    pub fn upsert(&mut self, id: MemoryId, vector: &Vector) {
        self.0.upsert(id, vector);
    }

    /// Takes a memory's vector out; whether it was there.
    pub fn remove(&mut self, id: MemoryId) -> bool {
        self.0.remove(id)
    }

    /// Whether this memory has a vector here.
    pub fn contains(&self, id: MemoryId) -> bool {
        self.0.view().contains(id)
    }

    /// The numbers kept for a memory, rounded to 16 bits.
    pub fn get(&self, id: MemoryId) -> Option<Vec<f32>> {
        self.0.view().get(id)
    }

    /// Cosine similarity of one memory to the query; none without its vector.
    pub fn cosine(&self, id: MemoryId, query: &Vector) -> Option<f32> {
        self.0.view().cosine(id, query)
    }

    /// The `k` memories nearest to the query, nearest first; of equal ones, the older first. Exact.
    pub fn nearest(&self, query: &Vector, k: usize) -> Vec<Nearest> {
        self.0.view().nearest(query, k, None)
    }

    /// The same, but for those with a cosine below `floor`.
    pub fn nearest_above(&self, query: &Vector, k: usize, floor: f32) -> Vec<Nearest> {
        self.0.view().nearest_above(query, k, None, floor)
    }
}
