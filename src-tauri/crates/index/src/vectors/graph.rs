//! A graph over rows (HNSW, by the crate `instant-distance`): immutable once it is built.
//!
//! Its points are handles into the rows' chunks, so that a graph holds links alone; distances are computed from
//! codes, and whoever searches computes the cosines of what was found in full.
//!
//! Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
//! Small World graphs" (2016).

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use half::f16;
use half::slice::HalfFloatSliceExt;
use instant_distance::{Builder, Heuristic, Hnsw, Point, Search};
use papr_memory::{CancelToken, Cancelled};
use rayon::ThreadPoolBuilder;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::chunk::Chunk;
use super::probe::Probe;
use super::rows::Rows;
use crate::kernel::Kernel;

/// What a graph's links are chosen by. Denser graphs take four times as long to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Density {
    /// Links that another link makes needless are left out, and layers are few.
    Sparse,
    /// All links that there is room for.
    Dense,
}

/// How many candidates an insertion looks at. Below 65 instant-distance would cut the lists of links.
const CONSTRUCTION: usize = 100;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// The threads a graph is built with.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// How many. One builds the same graph every time.
    pub threads: NonZeroUsize,
    /// Runs first on each thread: the place to lower its priority.
    pub prepare: fn(),
}

impl Default for Workers {
    /// One thread of ordinary priority.
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, prepare: || {} }
    }
}

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The threads to build it on could not be started.
    #[error("the threads that build the index could not be started")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// The library that builds it failed in a way it should not.
    #[error("building the index over the vectors failed")]
    Build,
    /// What was read is no graph.
    #[error("the saved graph cannot be read")]
    Encoding(#[from] postcard::Error),
}

/// A row as a point: 16 bytes.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    chunk: Arc<Chunk>,
    row: u32,
    scale: f32,
}

impl Handle {
    pub(super) fn new(rows: &Rows, row: u32) -> Self {
        let (chunk, _, coding) = rows.codes(row);
        Self { chunk: chunk.clone(), row, scale: coding.scale }
    }

    /// A query as a point.
    fn query(numbers: &[f32]) -> Self {
        let mut rounded = vec![f16::ZERO; numbers.len()];
        rounded.convert_from_f32_slice(numbers);
        let mut chunk = Chunk::with_room(numbers.len(), 1);
        chunk.push(&rounded);
        let scale = chunk.coding(0).scale;
        Self { chunk: Arc::new(chunk), row: 0, scale }
    }

    /// Stands for rows that are no more: equally far from everything.
    pub(super) fn nowhere(width: usize) -> Self {
        let mut chunk = Chunk::with_room(width, 1);
        chunk.push(&vec![f16::ZERO; width]);
        Self { chunk: Arc::new(chunk), row: u32::MAX, scale: 0.0 }
    }

    fn codes(&self) -> &[i8] {
        self.chunk.codes(self.row as usize & self.chunk.mask())
    }

    fn distance(&self, other: &Self) -> f32 {
        let sum = Kernel::best().pair(self.codes(), other.codes());
        1.0 - sum as f32 * self.scale * other.scale
    }
}

impl Point for Handle {
    fn distance(&self, other: &Self) -> f32 {
        self.distance(other)
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.row.serialize(serializer)
    }
}

thread_local! {
    /// What the rows of the graph that is being decoded on this thread stand for.
    static TABLE: RefCell<HashMap<u32, Handle>> = RefCell::default();
    /// A search's working memory, kept from one to the next.
    static SEARCH: RefCell<Search> = RefCell::default();
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = u32::deserialize(deserializer)?;
        let handle = TABLE.with_borrow(|table| table.get(&row).cloned());
        handle.ok_or_else(|| D::Error::custom("the graph names a row that is not there"))
    }
}

/// A point of a graph that is being built: it tells how far the work is, and stops it.
#[derive(Clone)]
struct Draft {
    handle: Handle,
    work: Arc<Work>,
}

impl Point for Draft {
    fn distance(&self, other: &Self) -> f32 {
        self.work.reach(self.handle.row);
        self.handle.distance(&other.handle)
    }
}

impl Serialize for Draft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.handle.serialize(serializer)
    }
}

struct Work {
    reached: Vec<AtomicBool>,
    done: AtomicUsize,
    cancel: CancelToken,
}

impl Work {
    /// Notes that a row's turn has come. Unwinds if the work is to stop: the library has no other way out.
    fn reach(&self, row: u32) {
        let reached = &self.reached[row as usize];
        if reached.load(Ordering::Relaxed) {
            return;
        }
        reached.store(true, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.cancel.is_cancelled() {
            resume_unwind(Box::new(Cancelled));
        }
    }
}

/// The links of a graph without how widely it is searched.
#[derive(Debug)]
pub(super) struct Links(Vec<u8>);

impl Links {
    /// Links all live rows. `seed` decides which rows stand in upper layers.
    pub(super) fn build(
        rows: &Rows,
        density: Density,
        seed: u64,
        workers: Workers,
        progress: &(dyn Fn(usize) + Sync),
        cancel: &CancelToken,
    ) -> Result<Self, GraphError> {
        cancel.check()?;
        let live: Vec<u32> = rows.iter().map(|(row, ..)| row).collect();
        let last = live.last().map_or(0, |&row| row as usize + 1);
        let reached = (0..last).map(|_| AtomicBool::new(false)).collect();
        let work = Arc::new(Work { reached, done: AtomicUsize::new(0), cancel: cancel.clone() });
        let draft = |&row: &u32| Draft { handle: Handle::new(rows, row), work: work.clone() };
        let points: Vec<Draft> = live.iter().map(draft).collect();
        // `ef_search` is written first, in a single byte, which is cut off below.
        let builder = Builder::default().seed(seed).ef_construction(CONSTRUCTION).ef_search(1);
        let builder = match density {
            Density::Sparse => builder
                .ml(1.0 / 16.0)
                .select_heuristic(Some(Heuristic { extend_candidates: false, keep_pruned: false })),
            Density::Dense => builder,
        };
        let pool = ThreadPoolBuilder::new()
            .num_threads(workers.threads.get())
            .thread_name(|number| format!("index-{number}"))
            .start_handler(move |_| (workers.prepare)())
            .build()
            .map_err(GraphError::Threads)?;
        let finished = AtomicBool::new(false);
        let built = thread::scope(|scope| {
            let ticker = scope.spawn(|| {
                while !finished.load(Ordering::Relaxed) {
                    progress(work.done.load(Ordering::Relaxed));
                    thread::park_timeout(TICK);
                }
            });
            let built = catch_unwind(AssertUnwindSafe(|| pool.install(|| builder.build_hnsw(points).0)));
            finished.store(true, Ordering::Relaxed);
            ticker.thread().unpark();
            built
        });
        let hnsw = built.map_err(|payload| match payload.downcast::<Cancelled>() {
            Ok(cancelled) => GraphError::Cancelled(*cancelled),
            Err(_) => GraphError::Build,
        })?;
        let mut bytes = postcard::to_allocvec(&hnsw)?;
        bytes.drain(..1);
        Ok(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Links with the rows they link.
pub(super) struct Graph {
    hnsw: Hnsw<Handle>,
    width: usize,
    points: usize,
    bytes: usize,
    /// A search panicked: the graph is not trusted any more.
    broken: AtomicBool,
}

impl Graph {
    /// A graph of which a search looks at `width` candidates, and finds as many at most. Row `r` of the links
    /// becomes the point `table[r]`.
    pub(super) fn new(links: &Links, width: usize, table: HashMap<u32, Handle>) -> Result<Self, GraphError> {
        let mut bytes = postcard::to_allocvec(&width)?;
        bytes.extend_from_slice(links.as_bytes());
        TABLE.set(table);
        // Bytes that passed their checksum decode; the guard is for what nobody thought of.
        let decoded = catch_unwind(|| postcard::from_bytes::<Hnsw<Handle>>(&bytes));
        TABLE.take();
        let hnsw = decoded.map_err(|_| GraphError::Build)??;
        let points = hnsw.iter().count();
        // 64 links in the lowest layer and a handle; upper layers have few points.
        let bytes = points * (64 * size_of::<u32>() + size_of::<Handle>());
        Ok(Self { hnsw, width, points, bytes, broken: AtomicBool::new(false) })
    }

    /// How many hits a search gives at most.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn points(&self) -> usize {
        self.points
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows of all points, `u32::MAX` for those that are no more.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        self.hnsw.iter().map(|(_, handle)| handle.row)
    }

    /// The links as they are kept.
    pub(super) fn links(&self) -> Result<Links, GraphError> {
        let mut bytes = postcard::to_allocvec(&self.hnsw)?;
        bytes.drain(..postcard::to_allocvec(&self.width)?.len());
        Ok(Links(bytes))
    }

    /// Calls `found` with the rows near the probe; `false` if the graph cannot be searched.
    pub(super) fn search(&self, probe: &Probe<'_>, mut found: impl FnMut(u32)) -> bool {
        if self.broken.load(Ordering::Relaxed) {
            return false;
        }
        let query = Handle::query(probe.numbers);
        let searched = catch_unwind(AssertUnwindSafe(|| {
            SEARCH.with_borrow_mut(|search| {
                self.hnsw.search(&query, search).for_each(|item| found(item.point.row));
            });
        }));
        if searched.is_err() {
            self.broken.store(true, Ordering::Relaxed);
            SEARCH.set(Search::default());
        }
        searched.is_ok()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph({} points, width {})", self.points, self.width)
    }
}
