#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout)]
#[path = "../tests/common/mod.rs"]
mod common;
use std::time::Instant;
use papr_embed::*;
fn cpu() -> f64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6 }
macro_rules! part { ($n:expr, $e:expr) => {{ let (t, c) = (Instant::now(), cpu()); let x = $e; println!("{}: {:?}, cpu {:.1} ms", $n, t.elapsed(), cpu() - c); x }} }
fn main() {
    part!("runtime", init_runtime(&common::runtime()).unwrap());
    for _ in 0..3 {
        part!("tokenizer", tokenizers::Tokenizer::from_file(common::model_folder().join("tokenizer.json")).unwrap());
        let _e = part!("all", common::load_with(&EmbedOptions::default()).unwrap());
        part!("warm", _e.warm_up().unwrap());
    }
}
