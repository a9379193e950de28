//! Work on the index that takes long, and goes on beside searches and writes.
//!
//! A job looks at the view it was planned on, builds something new from parts of it, and changes nothing:
//! [`VectorIndex::install`](super::VectorIndex::install) takes what it built, together with all that was
//! written meanwhile.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use papr_memory::{CancelToken, Cancelled, Space};

use super::chunk::hash_of;
use super::graph::{Density, Graph, GraphError, Handle, Links, Workers};
use super::recall::recall;
use super::rows::Rows;
use super::snapshot::{self, Saved, SnapshotError};
use super::view::View;
use crate::id_hash::IdHash;

/// What a graph must find of the ten nearest to be used.
const RECALL: f32 = 0.99;
/// A graph that was good when it was saved is given the doubt of a smaller sample.
const RECALL_AGAIN: f32 = 0.98;
/// Rows on which that is measured.
const SAMPLES: usize = 200;
const SAMPLES_AGAIN: usize = 50;
/// How graphs are built and searched, in the order in which it is tried.
const ATTEMPTS: [(Density, [usize; 2]); 2] = [(Density::Sparse, [128, 256]), (Density::Dense, [128, 256])];
/// Of a saved graph's rows one in so many may be gone.
const MISSING: usize = 50;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Rows are put together.
    Collecting,
    /// Rows are linked.
    Linking {
        /// How many are.
        done: usize,
        /// How many will be.
        of: usize,
    },
    /// What the graph finds is compared with what there is.
    Checking,
}

/// Why a job built nothing. The index is as it was, and goes on without.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The graph could not be built.
    #[error(transparent)]
    Graph(GraphError),
    /// The saved segment cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl From<GraphError> for JobError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Graph(error),
        }
    }
}

#[derive(Debug)]
pub(super) enum Goal {
    /// One segment with a graph.
    Graph,
    /// All in the tail, scanned exactly.
    Exact,
    /// The segment that was saved in this file.
    Saved(PathBuf, Space),
}

/// Work that was found worth doing. [`Job::run`] does it.
#[derive(Debug)]
pub struct Job {
    pub(super) base: Arc<View>,
    /// The numbers of the parts that what is built will stand for.
    pub(super) sources: Vec<u32>,
    pub(super) goal: Goal,
}

/// What a job built.
#[derive(Debug)]
pub struct Built {
    pub(super) sources: Vec<u32>,
    pub(super) rows: Rows,
    pub(super) graph: Made,
}

/// What came of a graph.
#[derive(Debug)]
pub(super) enum Made {
    /// It is good.
    Graph { graph: Graph, seed: u64 },
    /// It finds too little, however it is built: these rows stay as they are.
    NotGoodEnough,
    /// None was wanted.
    Nothing,
}

impl Built {
    /// Whether a graph came out of it. Without, searches stay exact.
    pub fn has_graph(&self) -> bool {
        matches!(self.graph, Made::Graph { .. })
    }
}

impl Job {
    /// Does the work. It may take minutes; `progress` is told how far it is.
    pub fn run(
        self,
        workers: Workers,
        progress: &(dyn Fn(Step) + Sync),
        cancel: &CancelToken,
    ) -> Result<Built, JobError> {
        cancel.check()?;
        progress(Step::Collecting);
        let sources = self.sources.iter().filter_map(|&number| self.base.rows_of(number));
        let dims = self.base.dims;
        let (rows, graph) = match self.goal {
            Goal::Exact => (Rows::gather(dims, sources, |_| true), Made::Nothing),
            Goal::Graph => {
                let rows = Rows::gather(dims, sources, |_| true);
                let made = build(&rows, workers, progress, cancel)?;
                (rows, made)
            }
            Goal::Saved(path, space) => {
                let saved = snapshot::read(&path, &space)?;
                cancel.check()?;
                let hashes: HashSet<u64> = saved.rows.iter().map(|&(_, hash)| hash).collect();
                let rows = Rows::gather(dims, sources, |numbers| hashes.contains(&hash_of(numbers)));
                progress(Step::Checking);
                let made = revive(&rows, &saved, cancel)?;
                (rows, made)
            }
        };
        Ok(Built { sources: self.sources, rows, graph })
    }
}

fn build(
    rows: &Rows,
    workers: Workers,
    progress: &(dyn Fn(Step) + Sync),
    cancel: &CancelToken,
) -> Result<Made, JobError> {
    let of = rows.live();
    // Anything will do that is the same for the same rows.
    let seed = of as u64;
    for (density, widths) in ATTEMPTS {
        let linking = |done| progress(Step::Linking { done, of });
        let links = Links::build(rows, density, seed, workers, &linking, cancel)?;
        progress(Step::Checking);
        for width in widths {
            let table = rows.iter().map(|(row, ..)| (row, Handle::new(rows, row))).collect();
            let graph = Graph::new(&links, width, table)?;
            if recall(rows, &graph, SAMPLES, cancel)? >= RECALL {
                return Ok(Made::Graph { graph, seed });
            }
        }
    }
    Ok(Made::NotGoodEnough)
}

/// The graph that was saved, over the rows that are here.
fn revive(rows: &Rows, saved: &Saved, cancel: &CancelToken) -> Result<Made, JobError> {
    let here: HashMap<u64, u32, IdHash> =
        rows.iter().map(|(row, numbers, _)| (hash_of(numbers), row)).collect();
    let gone = saved.rows.iter().filter(|(_, hash)| !here.contains_key(hash)).count();
    if gone > saved.rows.len() / MISSING {
        return Err(SnapshotError::Outdated { gone, rows: saved.rows.len() }.into());
    }
    let nowhere = Handle::nowhere(rows.width());
    let handle = |hash| here.get(hash).map_or_else(|| nowhere.clone(), |&row| Handle::new(rows, row));
    let table = saved.rows.iter().map(|(row, hash)| (*row, handle(hash))).collect();
    let graph = Graph::new(&saved.links, saved.width, table)?;
    if recall(rows, &graph, SAMPLES_AGAIN, cancel)? < RECALL_AGAIN {
        return Err(SnapshotError::Damaged("its graph does not find its rows").into());
    }
    Ok(Made::Graph { graph, seed: saved.seed })
}
