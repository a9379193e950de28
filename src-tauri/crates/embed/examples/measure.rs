#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout)]
#[path = "../tests/common/mod.rs"]
mod common;
use std::time::Instant;
use papr_embed::*;
use papr_memory::*;
use papr_memory::ports::*;
use std::num::NonZeroUsize;
const WORDS: [&str; 12] = ["water", "house", "night", "music", "river", "paper", "light", "stone", "green", "table", "voice", "winter"];
fn text(tokens: usize) -> String { WORDS.iter().cycle().take(tokens - 2).copied().collect::<Vec<_>>().join(" ") }
fn rss() -> String { let s = std::fs::read_to_string("/proc/self/status").unwrap(); s.lines().filter(|l| l.starts_with("VmRSS")||l.starts_with("VmHWM")).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ") }
fn main() {
    println!("start {}", rss());
    let t = Instant::now(); init_runtime(&common::runtime()).unwrap(); println!("runtime {:?} {}", t.elapsed(), rss());
    let budgets = [128usize, 256, 384, 512, 768, 1024];
    let mut es = vec![];
    for th in [1usize, 2] {
        let mut o = EmbedOptions::default(); o.intra_threads = NonZeroUsize::new(th).unwrap();
        let t = Instant::now(); let e = common::load_with(&o).unwrap(); println!("threads {th}: load {:?} (own {:?}) {}", t.elapsed(), e.load_time(), rss());
        println!("  warm-up {:?} {}", e.warm_up().unwrap(), rss());
        es.push((th, e));
        if th == 1 {
        for b in budgets { let mut o = EmbedOptions::default(); o.batch_tokens = NonZeroUsize::new(b).unwrap(); if std::env::var("BUDGET").is_ok() { es.push((1000 + b, common::load_with(&o).unwrap())); } }
        if std::env::var("BUDGET").is_ok() { break; }
        if std::env::var("ONE").is_ok() { break; } }
    }
    let c = CancelToken::new();
    if std::env::var("BUDGET").is_err() {
    for n in [8, 12, 32, 64, 128, 256] {
        let q = text(n);
        let mut r: Vec<Vec<f64>> = vec![vec![]; es.len()]; let mut tk = vec![];
        for _ in 0..60 { for (i, (_, e)) in es.iter().enumerate() { let t = Instant::now(); let x = e.embed(&[&q], Role::Query, Lane::Interactive, &c).unwrap(); r[i].push(t.elapsed().as_secs_f64()*1e3); tk.push(x.tokenize.as_secs_f64()*1e3); } }
        tk.sort_by(f64::total_cmp);
        for (i, v) in r.iter_mut().enumerate() { v.sort_by(f64::total_cmp); println!("query {n} tokens, {} threads: min {:.2} median {:.2} p95 {:.2} ms; tokenize median {:.3}", es[i].0, v[0], v[30], v[57], tk[60]); }
    } }
    let texts: Vec<String> = (0..64).map(|n| text(8 + n * 37 % 120)).collect();
    let total: usize = (0..64).map(|n| 8 + n * 37 % 120).sum();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut r: Vec<Vec<f64>> = vec![vec![]; es.len()];
    for _ in 0..8 { for (i, (_, e)) in es.iter().enumerate() { let t = Instant::now(); e.embed(&texts, Role::Document, Lane::Background, &c).unwrap(); r[i].push(t.elapsed().as_secs_f64()*1e3); } }
    for (i, v) in r.iter_mut().enumerate() { v.sort_by(f64::total_cmp); println!("64 texts {total} tokens, setting {}: min {:.0} median {:.0} ms", es[i].0, v[0], v[4]); }
    println!("end {}", rss());
}
