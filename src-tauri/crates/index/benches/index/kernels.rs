//! One query against rows that fit the caches: what the instructions themselves take.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use half::f16;
use papr_index::kernel::{Codes, Kernel, Tables};

use crate::common::Numbers;

pub(crate) fn kernels(criterion: &mut Criterion) {
    for width in [384, 2560] {
        let mut numbers = Numbers(1);
        let mut codes = |count: usize| -> Vec<i8> {
            (0..count).map(|_| i8::try_from(numbers.next() % 255).unwrap_or(-127)).collect()
        };
        let query = Codes::new(codes(width).into_iter().map(|code| i16::from(code) * 16).collect());
        let rows = codes(width * 64);
        let (a, b) = (vec![0.5_f32; width], vec![f16::from_f32(0.5); width]);
        let signs = vec![0x5A_u8; 64 * width / 8];
        let tables = Tables::new(&vec![7; width]);
        let mut group = criterion.benchmark_group(format!("kernel, {width} dims"));
        for kernel in Kernel::available() {
            let mut sums = vec![0; 64];
            group.bench_function(BenchmarkId::new("64 rows of bytes", kernel.name), |bencher| {
                bencher.iter(|| kernel.scan(black_box(&query), black_box(&rows), &mut sums));
            });
            let mut agreeing = vec![0; 64];
            group.bench_function(BenchmarkId::new("64 rows of signs", kernel.name), |bencher| {
                bencher.iter(|| kernel.agree(black_box(&tables), black_box(&signs), &mut agreeing));
            });
            let (one, other) = (&rows[..width], &rows[width..2 * width]);
            group.bench_function(BenchmarkId::new("a pair of rows of bytes", kernel.name), |bencher| {
                bencher.iter(|| kernel.pair(black_box(one), black_box(other)));
            });
            group.bench_function(BenchmarkId::new("one row of f16", kernel.name), |bencher| {
                bencher.iter(|| kernel.dot(black_box(&a), black_box(&b)));
            });
        }
    }
}
