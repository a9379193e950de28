//! The figures of `docs/benchmarks.md` about vectors, as lines of JSON: how long searches take in the middle and
//! at worst, how much they find, what it takes to add, to hold and to open.
//!
//! ```text
//! cargo bench -p papr-index --bench figures -- ROWSxDIMS…            a size each, the default being small ones
//! cargo bench -p papr-index --bench figures -- --files ROWS QUERIES DIMS    vectors of files of 32-bit floats
//! cargo bench -p papr-index --bench figures -- --write FOLDER ROWSxDIMS…    only writes such files
//! ```
//! `--graph` builds graphs and `--scan` builds none, whatever the size. Everything runs on one thread, but graphs are built on all.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench that cannot be set up should stop

#[path = "../common/mod.rs"]
mod common;

use std::collections::HashSet;
use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::Set;
use papr_index::vectors::pace::{SCAN_BUDGET, measure, rows_within};
use papr_index::vectors::{Workers, saved_segments};
use papr_index::{Selection, VectorIndex, View};
use papr_memory::{CancelToken, Fingerprint, MemoryId, Space, Vector};

/// Searches that are timed, at least.
const SEARCHES: usize = 2_000;
const SMALL: [(usize, usize); 5] =
    [(1_000, 384), (10_000, 384), (100_000, 384), (1_000, 2560), (10_000, 2560)];

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let has = |name| arguments.iter().any(|argument| argument == name);
    let exact_rows = if has("--graph") { Some(1_000) } else { has("--scan").then_some(usize::MAX) };
    let options = ["--graph", "--scan"];
    let words: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !options.contains(word)).collect();
    match words.as_slice() {
        ["--files", rows, queries, width] => {
            figures(&Set::read(Path::new(rows), Path::new(queries), width.parse().unwrap()), exact_rows);
        }
        ["--write", folder, sizes @ ..] => sizes.iter().for_each(|size| write(Path::new(folder), size)),
        [] => SMALL.iter().for_each(|&(rows, width)| figures(&Set::new(rows, width), exact_rows)),
        sizes => sizes
            .iter()
            .map(|size| parsed(size))
            .for_each(|(rows, width)| figures(&Set::new(rows, width), exact_rows)),
    }
}

fn parsed(size: &str) -> (usize, usize) {
    let (rows, width) = size.split_once('x').unwrap();
    (rows.parse().unwrap(), width.parse().unwrap())
}

fn write(folder: &Path, size: &str) {
    let (rows, width) = parsed(size);
    let set = Set::new(rows, width);
    fs::create_dir_all(folder).unwrap();
    let path = |kind: &str| folder.join(format!("{size}-{kind}.f32"));
    set.write(&path("rows"), &path("queries"));
    fs::write(folder.join(format!("{size}-label.txt")), set.label).unwrap();
}

/// Graphs are built for more than `exact_rows`, or for more than this machine is measured to scan in time.
fn figures(set: &Set, exact_rows: Option<usize>) {
    let (memories, queries, dims) = (set.memories(), set.queries(), set.dims());
    let per_row = measure(dims);
    let exact_rows = exact_rows.unwrap_or_else(|| rows_within(SCAN_BUDGET, per_row));
    let before = resident();
    let (mut index, adding) = timed(|| filled(&memories, set, exact_rows));
    let (jobs, linking) = timed(|| tend(&mut index));
    let view = index.view();
    let held = resident().saturating_sub(before);
    let ten = searches(&queries, |query| drop(black_box(view.nearest(query, 10, None))));
    let hundred = searches(&queries, |query| drop(black_box(view.nearest(query, 100, None))));
    let certain = searches(&queries[..40], |query| drop(black_box(view.nearest_exactly(query, 10, None))));
    let slots = 0..u32::try_from(memories.len()).unwrap();
    let [half, tenth] = [2, 10].map(|step| slots.clone().step_by(step).collect::<Selection>());
    let halved = searches(&queries, |query| drop(black_box(view.nearest(query, 10, Some(&half)))));
    let tenths = searches(&queries, |query| drop(black_box(view.nearest(query, 10, Some(&tenth)))));
    let ten_found: Vec<Vec<usize>> = found(&view, &memories, &queries);
    let one = searches(&queries, |query| index.upsert(memories[memories.len() / 2].0, slots.end / 2, query));
    let opening = open(&view, &memories, set, exact_rows);
    println!(
        "{{\"rows\":{},\"dims\":{},\"data\":\"{}\",\"jobs\":{jobs},\"in_graphs\":{},\"row_ns\":{:.1},\
         \"add_all_s\":{:.3},\"rows_per_s\":{:.0},\"link_s\":{:.2},\"top10_ms\":{},\"top100_ms\":{},\
         \"certain_ms\":{},\"half_ms\":{},\"tenth_ms\":{},\"replace_ms\":{},\"recall10\":{:.4},\
         \"recall100\":{:.4},\"open_s\":{:.3},\"bytes\":{},\"rss_mb\":{},\"found\":{ten_found:?}}}",
        set.len(),
        set.width,
        set.label,
        view.in_graphs(),
        per_row.as_nanos(),
        adding.as_secs_f64(),
        set.len() as f64 / adding.as_secs_f64(),
        linking.as_secs_f64(),
        ten,
        hundred,
        certain,
        halved,
        tenths,
        one,
        recall(&view, &queries, 10),
        recall(&view, &queries, 100),
        opening.as_secs_f64(),
        view.bytes().total(),
        held / 1_000_000,
    );
}

fn filled(memories: &[(MemoryId, Vector)], set: &Set, exact_rows: usize) -> VectorIndex {
    let mut index = VectorIndex::new(set.dims(), exact_rows);
    let mut batch = index.batch();
    for (slot, (id, vector)) in (0..).zip(memories) {
        batch.upsert(*id, slot, vector);
    }
    drop(batch);
    index
}

/// Does what there is to do in the background; how many jobs that were.
fn tend(index: &mut VectorIndex) -> usize {
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut jobs = 0;
    while let Some(job) = index.plan() {
        let workers = Workers { threads, ..Workers::default() };
        let built = job.run(workers, &|_| {}, &CancelToken::new()).unwrap();
        index.install(built);
        jobs += 1;
    }
    jobs
}

/// From saved graphs, and from vectors alone where there are none: all that is done but reading the store.
fn open(view: &View, memories: &[(MemoryId, Vector)], set: &Set, exact_rows: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let fingerprint: Fingerprint = postcard::from_bytes(&postcard::to_allocvec("bench").unwrap()).unwrap();
    let space = Space { fingerprint, dims: set.dims() };
    view.save(folder.path(), &space).unwrap();
    let opened = || {
        let mut index = filled(memories, set, exact_rows);
        for file in saved_segments(folder.path()) {
            let job = index.plan_load(file, &space);
            index.install(job.run(Workers::default(), &|_| {}, &CancelToken::new()).unwrap());
        }
        index
    };
    timed(opened).1
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (work(), started.elapsed())
}

/// The middle one and the hundredth longest of a hundred, in milliseconds.
fn searches(queries: &[Vector], mut search: impl FnMut(&Vector)) -> String {
    queries.iter().take(100).for_each(&mut search);
    let rounds = if queries.len() < 100 { 3 } else { SEARCHES.div_ceil(queries.len()) };
    let mut times: Vec<Duration> = Vec::new();
    for query in queries.iter().cycle().take(rounds * queries.len()) {
        times.push(timed(|| search(query)).1);
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e3;
    format!("{{\"p50\":{:.4},\"p99\":{:.4}}}", at(50), at(99))
}

/// The rows that were found for each query, for others to compare with what there is.
fn found(view: &View, memories: &[(MemoryId, Vector)], queries: &[Vector]) -> Vec<Vec<usize>> {
    let rows: std::collections::HashMap<MemoryId, usize> =
        memories.iter().enumerate().map(|(row, (id, _))| (*id, row)).collect();
    let near = |query: &Vector| view.nearest(query, 10, None).iter().map(|near| rows[&near.id]).collect();
    queries.iter().map(near).collect()
}

/// The part of the `k` nearest that is found.
fn recall(view: &View, queries: &[Vector], k: usize) -> f32 {
    let queries = &queries[..queries.len().min(200)];
    let ids =
        |near: Vec<papr_index::Nearest>| -> HashSet<MemoryId> { near.iter().map(|near| near.id).collect() };
    let both = queries.iter().map(|query| {
        ids(view.nearest(query, k, None)).intersection(&ids(view.nearest_exactly(query, k, None))).count()
    });
    both.sum::<usize>() as f32 / (queries.len() * k) as f32
}

/// Bytes of memory in use; 0 where the system does not tell in this way.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok()).unwrap_or(0) * 1024
}
