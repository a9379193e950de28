//! What a save and a read cost, flushed and synced. Texts have about 1 KB.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use papr_memory::ports::{Store, VectorRecord};
use papr_memory::{Content, Dims, Fingerprint, Memory, MemoryId, Space, Tier, Vector};
use papr_store::SledStore;

type Setup<T> = Result<T, Box<dyn std::error::Error>>;

fn memories(first: u64, count: u64) -> Setup<Vec<Memory>> {
    let one = |number: u64| {
        let text = format!("Memory {number}: the quarterly goals were discussed at length. ").repeat(18);
        let mut memory = Memory::new(Content::new(text)?, Tier::Memories, Timestamp::UNIX_EPOCH);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        memory.id = MemoryId::from_bytes(id);
        Ok(memory)
    };
    (first..first + count).map(one).collect()
}

fn vectors(memories: &[Memory], space: &Space) -> Setup<Vec<VectorRecord>> {
    let one = |(number, memory): (usize, &Memory)| {
        let values: Vec<f32> =
            (0..space.dims.get()).map(|i| ((i * 31 + number * 17) % 101) as f32 - 50.0).collect();
        let norm = values.iter().map(|x| x * x).sum::<f32>().sqrt();
        let vector = Vector::new(values.iter().map(|x| x / norm).collect(), space.dims)?;
        Ok(VectorRecord { id: memory.id, content: memory.content.clone(), vector })
    };
    memories.iter().enumerate().map(one).collect()
}

fn space() -> Setup<Space> {
    let fingerprint: Fingerprint = serde_json::from_value("ab".repeat(32).into())?;
    Ok(Space { fingerprint, dims: Dims::new(384).ok_or("384 dimensions")? })
}

fn inserts(criterion: &mut Criterion, store: &SledStore) {
    let mut group = criterion.benchmark_group("insert");
    let mut next = 1_000_000;
    for count in [1, 100, 500] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter_batched(
                || {
                    next += count;
                    memories(next, count).unwrap_or_default()
                },
                |some| store.insert(&some),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn run(criterion: &mut Criterion) -> Setup<()> {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path(), Timestamp::now())?;
    let all = memories(0, 10_000)?;
    let space = space()?;
    for some in all.chunks(500) {
        store.insert(some)?;
        store.put_vectors(&space, &vectors(some, &space)?)?;
    }
    criterion.bench_function("get", |bencher| bencher.iter(|| store.get(black_box(all[5_000].id))));
    criterion
        .bench_function("page of 1000", |bencher| bencher.iter(|| store.page(Some(all[2_000].id), 1000)));
    criterion.bench_function("counts of 10k", |bencher| bencher.iter(|| store.counts()));
    criterion.bench_function("vectors of 10k x 384", |bencher| {
        bencher.iter(|| store.vectors(&space, &mut |_, vector| drop(black_box(vector))));
    });
    inserts(criterion, &store);
    Ok(())
}

fn store(criterion: &mut Criterion) {
    if let Err(error) = run(criterion) {
        eprintln!("the store cannot be measured: {error}");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = store
}
criterion_main!(benches);
