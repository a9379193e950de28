//! Searching and writing by word.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use papr_index::{WordIndex, WordQuery, snippet};

use crate::common::Numbers;

pub(crate) fn words(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("words, six in the query, top 100");
    for documents in [1_000, 10_000, 100_000] {
        let mut numbers = Numbers(2);
        let mut index = WordIndex::new();
        for _ in 0..documents {
            index.upsert(numbers.id(), &numbers.text(60));
        }
        let text = numbers.text(6);
        for (kind, query) in [("whole", text.clone() + " "), ("last one open", text + " bb")] {
            let query = WordQuery::parse(&query);
            group.bench_function(BenchmarkId::new(kind, documents), |bencher| {
                bencher.iter(|| black_box(index.search(black_box(&query), None, 100).best().len()));
            });
        }
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
        bencher.iter(|| index.upsert(id, black_box(&text)));
    });
}
