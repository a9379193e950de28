//! The index as a whole.

mod files;
mod model;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use papr_memory::{CancelToken, Dims, MemoryId, Space, Vector};

use super::*;
use crate::Selection;

const WIDTH: u16 = 16;

fn dims() -> Dims {
    Dims::new(WIDTH).unwrap()
}

fn space(name: &str) -> Space {
    let bytes = postcard::to_allocvec(name).unwrap();
    Space { fingerprint: postcard::from_bytes(&bytes).unwrap(), dims: dims() }
}

fn id(number: u32) -> MemoryId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[15] = u8::try_from(number % 251).unwrap();
    MemoryId::from_bytes(bytes)
}

fn unit(values: &[f32]) -> Vector {
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    Vector::new(values.iter().map(|value| value / norm).collect(), dims()).unwrap()
}

/// The same vector for the same number, unlike any other.
fn vector(number: u32) -> Vector {
    let mut state = u64::from(number) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / 8_388_608.0 - 1.0
    };
    next();
    unit(&(0..WIDTH).map(|_| next()).collect::<Vec<_>>())
}

/// An index of `count` memories.
fn filled(count: u32, exact_rows: usize) -> VectorIndex {
    let mut index = VectorIndex::new(dims(), exact_rows);
    let vectors: Vec<Vector> = (0..count).map(vector).collect();
    let mut batch = index.batch();
    (0..).zip(&vectors).for_each(|(number, vector)| batch.upsert(id(number), number, vector));
    drop(batch);
    index
}

fn run(job: Job) -> Result<Built, JobError> {
    job.run(Workers::default(), &|_| {}, &CancelToken::new())
}

/// Does all there is to do.
fn work(index: &mut VectorIndex) {
    while let Some(job) = index.plan() {
        let built = run(job).unwrap();
        index.install(built);
    }
}

fn ids(nearest: &[Nearest]) -> Vec<MemoryId> {
    nearest.iter().map(|near| near.id).collect()
}

/// The part of the ten nearest that searches with graphs find.
fn found_of_ten(view: &View, queries: impl Iterator<Item = u32>) -> f32 {
    let (mut found, mut all) = (0, 0);
    for query in queries.map(|number| vector(1_000_000 + number)) {
        let exact = ids(&view.nearest_exactly(&query, 10, None));
        all += exact.len();
        found += view.nearest(&query, 10, None).iter().filter(|near| exact.contains(&near.id)).count();
    }
    found as f32 / all as f32
}

#[test]
fn is_exact_among_very_many_alike() {
    // A thousand vectors around one direction: their cosines lie closer together than bytes can tell.
    let mut index = VectorIndex::new(dims(), usize::MAX);
    let query = unit(&(0..WIDTH).map(|at| f32::from(at) + 1.0).collect::<Vec<_>>());
    for number in 0..1000_u16 {
        let wobble = |at: u16| f32::from((number * 31 + at * 17) % 101) / 5_000.0;
        let values: Vec<f32> = (0..WIDTH).map(|at| f32::from(at) + 1.0 + wobble(at)).collect();
        index.upsert(id(u32::from(number)), u32::from(number), &unit(&values));
    }
    let view = index.view();
    let mut exact: Vec<f32> = (0..1000).filter_map(|number| view.cosine(id(number), &query)).collect();
    exact.sort_unstable_by(|a, b| b.total_cmp(a));
    let found: Vec<f32> = view.nearest(&query, 10, None).into_iter().map(|near| near.cosine).collect();
    assert_eq!(found, exact[..10], "to the last digit the ten greatest of a full computation");
}

#[test]
fn equal_ones_share_a_row_and_come_oldest_first() {
    let mut index = VectorIndex::new(dims(), 200);
    (0..1_000).for_each(|number| index.upsert(id(number), number, &vector(number)));
    (1_000..2_000).rev().for_each(|number| index.upsert(id(number), number, &vector(7)));
    assert_eq!(index.view().tail.live(), 1_000, "a thousand equal vectors are one row");
    work(&mut index);
    let view = index.view();
    assert_eq!(view.in_graphs(), 1_000);
    let found = ids(&view.nearest(&vector(7), 4, None));
    assert_eq!(found, [id(7), id(1_000), id(1_001), id(1_002)], "ties are broken the same way every time");
    assert!(found_of_ten(&view, 0..100) > 0.99, "and the graph is as good as without them");
    (1_000..2_000).for_each(|number| assert!(index.remove(id(number))));
    assert_eq!(ids(&index.view().nearest(&vector(7), 1, None)), [id(7)], "who stays keeps the row");
}

#[test]
fn graphs_find_nearly_all_and_filters_hold() {
    let mut index = filled(3_000, 500);
    work(&mut index);
    let view = index.view();
    assert_eq!((view.segments.len(), view.tail.live()), (1, 0));
    let recall = found_of_ten(&view, 0..200);
    assert!(recall >= 0.99, "recall is {recall}");
    let query = vector(1_000_000);
    for share in [2, 3, 10, 100, 1_000] {
        let filter: Selection = (0..3_000).filter(|number| number % share == 0).collect();
        let (found, exact) =
            (view.nearest(&query, 10, Some(&filter)), view.nearest_exactly(&query, 10, Some(&filter)));
        assert_eq!(found.len(), filter.len().min(10), "a filter costs no hits");
        assert!(share < 3 || found == exact, "a filter of one in {share} is searched exactly");
    }
    assert_eq!(
        view.nearest(&query, 1_000, None),
        view.nearest_exactly(&query, 1_000, None),
        "k past the width"
    );
    assert!(view.nearest(&query, 0, None).is_empty());
}

#[test]
fn grows_and_shrinks_by_seal_merge_and_rebuild() {
    let mut index = VectorIndex::new(dims(), 200);
    let mut jobs = 0;
    for number in 0..1_500 {
        index.upsert(id(number), number, &vector(number));
        while let Some(job) = index.plan() {
            jobs += 1;
            index.install(run(job).unwrap());
            assert!(index.view().segments.len() <= SEGMENTS + 1);
        }
    }
    assert!(jobs > 5 && index.view().in_graphs() > 1_000, "{jobs} jobs");
    let limit = 2 * index.view().bytes().total();
    for number in 0..1_500 {
        // Changed again and again: dead rows are used again or swept out.
        (1..4).for_each(|round| index.upsert(id(number), number, &vector(number + round * 10_000)));
        work(&mut index);
    }
    assert!(index.view().bytes().total() < limit, "memory does not grow with edits");
    let dead = |segment: &Arc<Segment>| segment.graph.points() - segment.rows.live();
    assert!(index.view().segments.iter().all(|segment| dead(segment) <= segment.graph.points() / DEAD));
    assert!(found_of_ten(&index.view(), 0..50) > 0.98);
    (50..1_500).for_each(|number| _ = index.remove(id(number)));
    work(&mut index);
    assert_eq!((index.view().in_graphs(), index.view().len()), (0, 50), "few are scanned exactly again");
}

#[test]
fn a_tail_of_the_dead_is_swept() {
    let mut index = filled(5_000, usize::MAX);
    let before = index.view().bytes();
    let mut batch = index.batch();
    (100..5_000).for_each(|number| assert!(batch.remove(id(number))));
    drop(batch);
    work(&mut index);
    let after = index.view().bytes();
    assert!(after.numbers * 2 <= before.numbers && after.codes * 2 <= before.codes, "{before:?} {after:?}");
    assert_eq!(ids(&index.view().nearest(&vector(7), 1, None)), [id(7)]);
}

#[test]
fn a_job_can_be_stopped_and_an_old_one_is_of_no_use() {
    let mut index = filled(3_000, 500);
    let cancel = CancelToken::new();
    let steps = std::sync::Mutex::new(Vec::new());
    let stop = |step| {
        steps.lock().unwrap().push(step);
        if matches!(step, Step::Linking { .. }) {
            cancel.cancel();
        }
    };
    let stopped = index.plan().unwrap().run(Workers::default(), &stop, &cancel);
    assert!(matches!(stopped, Err(JobError::Cancelled(_))), "{stopped:?}");
    assert_eq!(steps.lock().unwrap()[0], Step::Collecting);
    let (first, second) = (index.plan().unwrap(), index.plan().unwrap());
    assert!(index.install(run(first).unwrap()));
    assert!(!index.install(run(second).unwrap()), "its parts are gone");
    assert_eq!(index.view().len(), 3_000);
}

#[test]
fn one_thread_builds_the_same_graph_every_time() {
    let links = || {
        let mut index = filled(1_000, 500);
        work(&mut index);
        index.view().segments[0].graph.links().unwrap().as_bytes().to_vec()
    };
    assert_eq!(links(), links());
}

#[test]
fn searches_go_on_beside_writes_and_jobs() {
    let mut index = filled(1_000, 300);
    let (reader, done) = (index.reader(), AtomicBool::new(false));
    thread::scope(|scope| {
        let searches = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                let view = reader.view();
                let found = view.nearest(&vector(3), 5, None);
                assert_eq!(found[0].id, id(3), "what was there all the time is always found");
                assert_eq!(found.len(), 5);
                count += 1;
            }
            count
        });
        for number in 1_000..2_000 {
            index.upsert(id(number), number, &vector(number));
            index.remove(id(number - 500));
            if number % 250 == 0 {
                work(&mut index);
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(searches.join().unwrap() > 0);
    });
}

#[test]
fn several_threads_over_several_views_find_what_one_finds_in_all_together() {
    // Wide enough to be cut into pieces that several threads take.
    let dims = Dims::new(384).unwrap();
    let mut state = 384_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / 8_388_608.0 - 1.0
    };
    let mut vector = || {
        let numbers: Vec<f32> = (0..384).map(|_| random()).collect();
        let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
        Vector::new(numbers.iter().map(|number| number / norm).collect(), dims).unwrap()
    };
    let mut indices = [usize::MAX; 3].map(|exact_rows| VectorIndex::new(dims, exact_rows));
    let [all, few, many] = &mut indices;
    let mut batches = (all.batch(), few.batch(), many.batch());
    for number in 0..8_000 {
        let vector = vector();
        batches.0.upsert(id(number), number, &vector);
        let one = if number % 9 == 0 { &mut batches.1 } else { &mut batches.2 };
        one.upsert(id(number), number, &vector);
    }
    drop(batches);
    let [all, few, many] = indices.each_ref().map(VectorIndex::view);
    for k in [1, 10, 300] {
        let query = vector();
        let mut expected: Vec<Nearest> = (0..8_000)
            .filter_map(|number| Some(Nearest { id: id(number), cosine: all.cosine(id(number), &query)? }))
            .collect();
        expected.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
        expected.truncate(k);
        assert_eq!(nearest(&[&few, &many], &query, k, None), expected, "of two views");
        assert_eq!(all.nearest(&query, k, None), expected, "and of one");
        // Few enough to be looked at one by one, and too many for that.
        for share in [50, 3] {
            let some: Selection = (0..8_000).step_by(share).collect();
            let mut expected: Vec<Nearest> = some
                .slots()
                .filter_map(|number| {
                    Some(Nearest { id: id(number), cosine: all.cosine(id(number), &query)? })
                })
                .collect();
            expected.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
            expected.truncate(k);
            let passing = nearest(&[&few, &many], &query, k, Some(&some));
            assert_eq!(passing, expected, "of two views, of those that pass");
            assert_eq!(all.nearest(&query, k, Some(&some)), expected, "and of one");
        }
    }
}
