//! Vectors and words at the sizes people have. `cargo bench -p papr-index`; with `PAPR_BENCH_LARGE=1` also
//! 100,000 vectors, whose graphs take minutes to build.
#![allow(clippy::unwrap_used)] // a bench that cannot be set up should stop

#[path = "../common/mod.rs"]
mod common;
mod kernels;
mod vectors;
mod words;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, kernels::kernels, vectors::vectors, words::words);
criterion_main!(benches);
