//! Graphs over vectors that are too many to be scanned in the time a search may take: built in the background
//! on threads of low priority, kept on disk, taken up again at the next start.
//!
//! Nothing depends on them. Without graphs, or while they grow, searches are exact and slower; all files of
//! this module can be deleted at any time.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use papr_index::vectors::{Job, JobError, Step, Workers, pace, saved_segments};
use papr_memory::{Dims, Space, Tier};
use serde::{Deserialize, Serialize};

use crate::background::lower_priority;
use crate::catalog::Vectors;
use crate::engine::Shared;

/// The folder of the graphs within the data folder: in it a folder a space, in that a folder a tier.
pub(crate) const FOLDER: &str = "index";
/// How many letters of a fingerprint name a space's folder.
const NAME: usize = 16;
/// Fewer vectors than this are scanned on any machine, without measuring.
const FEW: usize = 1_000;

/// How far the work on graphs is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphStatus {
    /// Vectors linked so far.
    pub done: usize,
    /// Of so many.
    pub of: usize,
}

/// Until the engine stops: whenever something changed, does what is worth doing.
pub(crate) fn run(shared: &Shared) {
    let mut changes = shared.status.subscribe();
    let mut known = None;
    let exact_rows = |dims| pace::rows_within(pace::SCAN_BUDGET, pace::measure(dims));
    while !shared.stop.is_cancelled() {
        if let Err(error) = tend(shared, &mut known, exact_rows) {
            match error {
                JobError::Cancelled(_) => return,
                // Searches are exact without.
                error => tracing::error!(%error, "a graph could not be built"),
            }
        }
        if pollster::block_on(changes.changed()).is_err() {
            return;
        }
    }
}

/// The vectors, by their generation, for which the files on disk have been looked at.
type Known = Option<u64>;

/// `exact_rows` tells how many vectors this machine scans in the time a search may take.
fn tend(shared: &Shared, known: &mut Known, exact_rows: impl Fn(Dims) -> usize) -> Result<(), JobError> {
    let Some((space, generation, count)) = serving(shared) else { return Ok(()) };
    if count <= FEW {
        return Ok(());
    }
    if *known != Some(generation) {
        let exact_rows = exact_rows(space.dims);
        for tier in Tier::ALL {
            with_mut(shared, generation, |vectors| vectors.of_mut(tier).set_exact_rows(exact_rows));
            take_up(shared, &space, generation, tier)?;
        }
        remove_other_spaces(&shared.data_folder.join(FOLDER), &space);
        *known = Some(generation);
    }
    for tier in Tier::ALL {
        let mut changed = false;
        while let Some(job) = with(shared, generation, |vectors| vectors.of(tier).plan()).flatten() {
            let built = job.run(workers(), &|step| tell(shared, step), &shared.stop);
            shared.publish(|status| status.graphs = None);
            let built = built?;
            let install = |vectors: &mut Vectors| vectors.of_mut(tier).install(built);
            changed |= with_mut(shared, generation, install).unwrap_or_default();
        }
        if changed {
            save(shared, &space, generation, tier);
        }
    }
    Ok(())
}

fn serving(shared: &Shared) -> Option<(Space, u64, usize)> {
    let catalog = shared.catalog();
    let vectors = catalog.vectors.as_ref()?;
    Some((vectors.space.clone(), vectors.generation, vectors.len()))
}

/// Looks at the vectors, if they are still the same index.
fn with<T>(shared: &Shared, generation: u64, look: impl FnOnce(&Vectors) -> T) -> Option<T> {
    let catalog = shared.catalog();
    catalog.vectors.as_ref().filter(|vectors| vectors.generation == generation).map(look)
}

fn with_mut<T>(shared: &Shared, generation: u64, change: impl FnOnce(&mut Vectors) -> T) -> Option<T> {
    let mut catalog = shared.catalog_mut();
    catalog.vectors.as_mut().filter(|vectors| vectors.generation == generation).map(change)
}

/// Takes up the graphs that were saved; those that do not fit any more are left out, and built anew.
fn take_up(shared: &Shared, space: &Space, generation: u64, tier: Tier) -> Result<(), JobError> {
    let saved = saved_segments(&folder(shared, space, tier));
    let some = !saved.is_empty();
    for path in saved {
        let job = |vectors: &Vectors| -> Job { vectors.of(tier).plan_load(path.clone(), space) };
        let Some(job) = with(shared, generation, job) else { return Ok(()) };
        match job.run(workers(), &|_| {}, &shared.stop) {
            Ok(built) => {
                with_mut(shared, generation, |vectors| vectors.of_mut(tier).install(built));
            }
            Err(JobError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => tracing::warn!(%error, "a saved graph is not used"),
        }
    }
    if some {
        // What was not used goes.
        save(shared, space, generation, tier);
    }
    Ok(())
}

fn save(shared: &Shared, space: &Space, generation: u64, tier: Tier) {
    let Some(view) = with(shared, generation, |vectors| vectors.of(tier).view()) else { return };
    if let Err(error) = view.save(&folder(shared, space, tier), space) {
        // Built again at the next start.
        tracing::warn!(%error, "graphs could not be saved");
    }
}

fn tell(shared: &Shared, step: Step) {
    if let Step::Linking { done, of } = step {
        shared.publish(|status| status.graphs = Some(GraphStatus { done, of }));
    }
}

/// Half of the processors, at low priority: searches come first.
fn workers() -> Workers {
    let all = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Workers { threads: NonZeroUsize::new(all / 2).unwrap_or(NonZeroUsize::MIN), prepare: lower_priority }
}

fn space_name(space: &Space) -> &str {
    let name = space.fingerprint.as_str();
    name.get(..NAME).unwrap_or(name)
}

fn folder(shared: &Shared, space: &Space, tier: Tier) -> PathBuf {
    let tier = match tier {
        Tier::Goals => "goals",
        Tier::Memories => "memories",
    };
    shared.data_folder.join(FOLDER).join(space_name(space)).join(tier)
}

/// Removes all that is saved: it holds vectors of memories that are to leave no trace. It is derived, and made anew
/// where it pays.
pub(crate) fn forget(shared: &Shared) {
    match fs::remove_dir_all(shared.data_folder.join(FOLDER)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "saved graphs cannot be removed");
        }
        _ => {}
    }
}

/// Gives back the room of graphs over spaces that do not serve any more.
fn remove_other_spaces(folder: &Path, space: &Space) {
    let remove = || -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name() != space_name(space) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    };
    match remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "graphs of another model are still there");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use papr_memory::ports::Store;
    use papr_memory::ports::VectorRecord;
    use papr_memory::{CancelToken, MemoryId, Vector};

    use super::*;
    use crate::{Config, Engine, Resources};

    const MEMORIES: usize = 2_000;

    fn space(letter: &str) -> Space {
        let fingerprint = serde_json::from_value(letter.repeat(64).into()).unwrap();
        Space { fingerprint, dims: Dims::new(16).unwrap() }
    }

    fn open(data: &Path) -> Engine {
        let engine = Engine::open(Config::new(data, Resources::in_folder(Path::new("/nowhere")))).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        engine
    }

    /// Memories with vectors of `space`, one tenth of them goals.
    fn fill(engine: &Engine, space: &Space) {
        let lines = (0..MEMORIES).fold(String::new(), |mut lines, number| {
            let tier = u8::from(number % 10 != 0);
            writeln!(lines, r#"{{"content":"note {number}","tier":{tier}}}"#).unwrap();
            lines
        });
        engine.import(&mut lines.as_bytes(), Path::new("notes"), &CancelToken::new(), &mut |_| {}).unwrap();
        let mut state = 7_u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32) / 8_388_608.0 - 1.0
        };
        let records: Vec<VectorRecord> = engine
            .recent(None, MEMORIES)
            .unwrap()
            .into_iter()
            .map(|memory| {
                let numbers: Vec<f32> = (0..16).map(|_| number()).collect();
                let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
                let vector = Vector::new(numbers.iter().map(|number| number / norm).collect(), space.dims);
                VectorRecord { id: memory.id, content: memory.content, vector: vector.unwrap() }
            })
            .collect();
        engine.shared.store.put_vectors(space, &records).unwrap();
    }

    fn read(engine: &Engine, space: &Space) {
        let shared = &engine.shared;
        let (vectors, _) =
            Vectors::read(space, None, &shared.store, |id| shared.catalog().place(id)).unwrap();
        shared.catalog_mut().vectors = Some(vectors);
    }

    fn in_graphs(engine: &Engine) -> [usize; 2] {
        let catalog = engine.shared.catalog();
        let vectors = catalog.vectors.as_ref().unwrap();
        Tier::ALL.map(|tier| vectors.of(tier).view().in_graphs())
    }

    fn nearest(engine: &Engine, id: MemoryId) -> Option<MemoryId> {
        let catalog = engine.shared.catalog();
        let vectors = catalog.vectors.as_ref().unwrap();
        let (tier, _) = catalog.place(id).unwrap();
        let view = vectors.of(tier).view();
        let query = Vector::new(view.get(id).unwrap(), vectors.space.dims).unwrap();
        view.nearest(&query, 1, None).first().map(|near| near.id)
    }

    #[test]
    fn graphs_are_built_where_they_pay_kept_and_taken_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let space = space("a");
        let engine = open(&data);
        fill(&engine, &space);
        read(&engine, &space);
        let mut told = engine.watch();
        told.mark_unchanged();
        tend(&engine.shared, &mut None, |_| usize::MAX).unwrap();
        assert_eq!(in_graphs(&engine), [0, 0], "what can be scanned is scanned");
        tend(&engine.shared, &mut None, |_| 1_000).unwrap();
        assert_eq!(in_graphs(&engine), [0, 1_800], "only the larger tier is worth a graph");
        assert!(told.has_changed().unwrap(), "and its progress was told");
        assert_eq!(engine.status().graphs, None, "until it was done");
        let ids: Vec<_> = engine.recent(None, 50).unwrap().into_iter().map(|memory| memory.id).collect();
        assert!(ids.iter().all(|&id| nearest(&engine, id) == Some(id)), "each is nearest to itself");
        drop(engine);

        let engine = open(&data);
        read(&engine, &space);
        let files = saved_segments(&super::folder(&engine.shared, &space, Tier::Memories));
        assert_eq!(files.len(), 1);
        let written = fs::metadata(&files[0]).unwrap().modified().unwrap();
        tend(&engine.shared, &mut None, |_| 1_000).unwrap();
        assert_eq!(in_graphs(&engine), [0, 1_800], "the saved graph serves");
        let now = fs::metadata(&files[0]).unwrap().modified().unwrap();
        assert_eq!(now, written, "it was not built a second time");
        fs::write(&files[0], "damaged").unwrap();
        read(&engine, &space);
        tend(&engine.shared, &mut None, |_| 1_000).unwrap();
        assert_eq!(in_graphs(&engine), [0, 1_800], "a damaged file is no loss");
        assert!(fs::metadata(&files[0]).map_or(true, |file| file.len() > 100), "and does not stay");
    }

    #[test]
    fn graphs_of_another_space_go() {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder.path().join("data"));
        let (old, new) = (space("a"), space("b"));
        for space in [&old, &new] {
            fill(&engine, space);
            read(&engine, space);
            tend(&engine.shared, &mut None, |_| 1_000).unwrap();
        }
        let kept = |space| saved_segments(&super::folder(&engine.shared, space, Tier::Memories)).len();
        assert_eq!((kept(&old), kept(&new)), (0, 1));
    }

    #[test]
    fn a_stop_ends_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder.path().join("data"));
        fill(&engine, &space("a"));
        read(&engine, &space("a"));
        engine.shared.stop.cancel();
        let stopped = tend(&engine.shared, &mut None, |_| 1_000);
        assert!(matches!(stopped, Err(JobError::Cancelled(_))), "nobody waits for a graph at the end");
        assert_eq!(in_graphs(&engine), [0, 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn graphs_are_built_at_the_lowest_priority() {
        let nice = thread::spawn(|| {
            lower_priority();
            let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
            let after_name = stat.rsplit(')').next().unwrap();
            after_name.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap()
        });
        assert!(nice.join().unwrap() > 10, "searches come first");
    }
}
