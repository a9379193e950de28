//! Searching, filtering, writing and opening, exact and under a graph.

use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use criterion::{BatchSize, BenchmarkId, Criterion};
use papr_index::vectors::{JobError, Workers, saved_segments};
use papr_index::{Selection, VectorIndex, View};
use papr_memory::{CancelToken, Fingerprint, Space, Vector};

use crate::common::Set;

pub(crate) fn vectors(criterion: &mut Criterion) {
    let large = std::env::var_os("PAPR_BENCH_LARGE").is_some();
    for dims in [384, 2560] {
        for rows in [1_000, 10_000, 100_000] {
            if large || rows * dims <= 10_000_000 {
                at_size(criterion, dims, rows, large);
            }
        }
    }
}

fn at_size(criterion: &mut Criterion, dims: usize, rows: usize, large: bool) {
    let set = Set::new(rows, dims);
    let (memories, queries, dims) = (set.memories(), set.queries(), set.dims());
    let filled = |exact_rows| {
        let mut index = VectorIndex::new(dims, exact_rows);
        let mut batch = index.batch();
        for (slot, (id, vector)) in (0..).zip(&memories) {
            batch.upsert(*id, slot, vector);
        }
        drop(batch);
        index
    };
    let slots = 0..u32::try_from(rows).unwrap();
    let mut group = criterion.benchmark_group(format!("{rows} vectors of {dims}, {}", set.label));
    group.sample_size(20);
    let next = Cell::new(0);
    let query = || {
        next.set((next.get() + 1) % queries.len());
        &queries[next.get()]
    };

    let mut index = filled(usize::MAX);
    let view = index.view();
    for k in [10, 100] {
        group.bench_function(BenchmarkId::new("exact, top", k), |bencher| {
            bencher.iter(|| black_box(view.nearest(query(), k, None)));
        });
    }
    for share in [2, 10, 100] {
        let filter: Selection = slots.clone().step_by(share).collect();
        group.bench_function(BenchmarkId::new("exact, top 10 of one in", share), |bencher| {
            bencher.iter(|| black_box(view.nearest(query(), 10, Some(&filter))));
        });
    }
    drop(view);
    group.bench_function("replace one", |bencher| {
        bencher.iter(|| {
            let query = query();
            index.upsert(memories[next.get()].0, u32::try_from(next.get()).unwrap(), query);
        });
    });
    drop(index);
    group.bench_function("add all", |bencher| {
        bencher.iter_batched(|| (), |()| filled(usize::MAX), BatchSize::PerIteration);
    });
    if rows < 10_000 || (!large && rows * dims.get() > 10_000_000) {
        return;
    }

    let started = Instant::now();
    let mut index = filled(1_000);
    build(&mut index);
    let view = index.view();
    eprintln!("linked {} of {rows} in {:.1?}", view.in_graphs(), started.elapsed());
    eprintln!("bytes: {:?}", view.bytes());
    eprintln!(
        "recall of {} queries: @10 {:.4}, @100 {:.4}",
        queries.len(),
        recall(&view, &queries, 10),
        recall(&view, &queries, 100)
    );
    for k in [10, 100] {
        group.bench_function(BenchmarkId::new("graph, top", k), |bencher| {
            bencher.iter(|| black_box(view.nearest(query(), k, None)));
        });
    }
    let filter: Selection = slots.step_by(2).collect();
    group.bench_function("graph, top 10 of one in 2", |bencher| {
        bencher.iter(|| black_box(view.nearest(query(), 10, Some(&filter))));
    });

    let folder = tempfile::tempdir().unwrap();
    let fingerprint: Fingerprint = postcard::from_bytes(&postcard::to_allocvec("bench").unwrap()).unwrap();
    let space = Space { fingerprint, dims };
    view.save(folder.path(), &space).unwrap();
    let file = saved_segments(folder.path()).remove(0);
    group.sample_size(10);
    group.bench_function("open a saved graph", |bencher| {
        let setup = || filled(1_000);
        let open = |mut index: VectorIndex| {
            let job = index.plan_load(file.clone(), &space);
            let built = job.run(Workers::default(), &|_| {}, &CancelToken::new()).unwrap();
            assert!(index.install(built));
            index
        };
        bencher.iter_batched(setup, open, BatchSize::PerIteration);
    });
}

fn build(index: &mut VectorIndex) {
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = Workers { threads, ..Workers::default() };
    let job = index.plan().unwrap();
    let built: Result<_, JobError> = job.run(workers, &|_| {}, &CancelToken::new());
    index.install(built.unwrap());
}

/// The part of the `k` nearest that is found with the graph.
fn recall(view: &View, queries: &[Vector], k: usize) -> f32 {
    let mut found = 0;
    for query in queries {
        let exact = view.nearest_exactly(query, k, None);
        let near = view.nearest(query, k, None);
        found += near.iter().filter(|near| exact.iter().any(|exact| exact.id == near.id)).count();
    }
    found as f32 / (queries.len() * k) as f32
}
