//! Exact scan of a slab and search by word, at the sizes people have. `cargo bench -p papr-index`.
#![allow(clippy::unwrap_used)] // a bench that cannot be set up should stop

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use half::f16;
use papr_index::kernel::{Codes, Kernel};
use papr_index::{Slab, WordIndex, WordQuery, snippet};
use papr_memory::{Dims, MemoryId, Tier, Vector};

const DIMS: u16 = 384;

/// Numbers that look random and are the same every time (SplitMix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn vector(&mut self) -> Vector {
        let values: Vec<f32> = (0..DIMS).map(|_| (self.next() >> 40) as f32 / 8_388_608.0 - 1.0).collect();
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        Vector::new(values.iter().map(|value| value / norm).collect(), Dims::new(DIMS).unwrap()).unwrap()
    }

    /// A text of `count` words, rarer ones rarer, as in language (Zipf).
    fn text(&mut self, count: usize) -> String {
        let mut word = || {
            let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
            format!("w{:.0}", 30_000_f64.powf(share))
        };
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    fn id(&mut self) -> MemoryId {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        MemoryId::from_bytes(std::array::from_fn(|at| if at < 8 { high[at] } else { low[at - 8] }))
    }
}

/// One query against rows that fit the caches: what the instructions themselves take.
fn kernels(criterion: &mut Criterion) {
    for width in [384, 2560] {
        let mut numbers = Numbers(1);
        let mut codes = |count: usize| -> Vec<i8> {
            (0..count).map(|_| i8::try_from(numbers.next() % 255).unwrap_or(-127)).collect()
        };
        let (query, rows) = (Codes::new(&codes(width)), codes(width * 64));
        let (a, b) = (vec![0.5_f32; width], vec![f16::from_f32(0.5); width]);
        let mut group = criterion.benchmark_group(format!("kernel, {width} dims"));
        for kernel in Kernel::available() {
            let mut sums = vec![0; 64];
            group.bench_function(BenchmarkId::new("64 rows of bytes", kernel.name), |bencher| {
                bencher.iter(|| kernel.scan(black_box(&query), black_box(&rows), &mut sums));
            });
            group.bench_function(BenchmarkId::new("one row of f16", kernel.name), |bencher| {
                bencher.iter(|| kernel.dot(black_box(&a), black_box(&b)));
            });
        }
    }
}

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan 384 dims, top 100");
    for rows in [1_000, 10_000, 100_000] {
        let mut numbers = Numbers(1);
        let mut slab = Slab::new(Dims::new(DIMS).unwrap());
        for _ in 0..rows {
            slab.upsert(numbers.id(), &numbers.vector());
        }
        let query = numbers.vector();
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter(|| black_box(slab.nearest(black_box(&query), 100)));
        });
    }
    group.finish();
}

fn words(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("words, six in the query, top 100");
    for documents in [1_000, 10_000, 100_000] {
        let mut numbers = Numbers(2);
        let mut index = WordIndex::new();
        for _ in 0..documents {
            index.upsert(numbers.id(), Tier::Memories, &numbers.text(60));
        }
        let query = WordQuery::parse(&(numbers.text(6) + " "));
        group.bench_function(BenchmarkId::from_parameter(documents), |bencher| {
            bencher.iter(|| black_box(index.search(black_box(&query), None, 100).best().len()));
        });
    }
    group.finish();
    let mut numbers = Numbers(3);
    let (text, query) = (numbers.text(200), WordQuery::parse(&numbers.text(6)));
    criterion.bench_function("snippet of 200 words", |bencher| {
        bencher.iter(|| black_box(snippet(black_box(&text), black_box(&query), 240)));
    });
    let mut index = WordIndex::new();
    let id = numbers.id();
    criterion.bench_function("index 200 words", |bencher| {
        bencher.iter(|| index.upsert(id, Tier::Memories, black_box(&text)));
    });
}

criterion_group!(benches, kernels, scan, words);
criterion_main!(benches);
