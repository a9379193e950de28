//! How fast a model is on this machine.

use std::time::Instant;

use papr_memory::CancelToken;
use papr_memory::ports::{Embedder, Lane, Role};
use serde::{Deserialize, Serialize};

use super::load::load_form;
use super::{percentile, shelf};
use crate::{Engine, Error};

/// Lengths of text that are timed, in tokens.
const LENGTHS: [usize; 4] = [32, 64, 128, 256];
/// Runs of each length.
const RUNS: usize = 20;
/// Texts embedded together, of mixed lengths.
const TEXTS: usize = 128;
/// Words that the tokenizers of the catalogue's models keep whole, so that words count tokens.
const WORDS: [&str; 8] = ["time", "year", "people", "way", "day", "man", "thing", "world"];

/// How fast a model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpeed {
    /// The model's id.
    pub model: String,
    /// The arithmetic of its weights.
    pub precision: String,
    /// What ran it.
    pub provider: String,
    /// The same in full: with the share of operations on the Neural Engine, where Core ML's compute plan was read.
    pub device: String,
    /// The machine, as measurements name it.
    pub machine: String,
    /// How long checking and loading took, in milliseconds.
    pub load_ms: u32,
    /// One text at a time.
    pub queries: Vec<QuerySpeed>,
    /// Texts of 8 to 256 tokens a second, many at a time, as in the background.
    pub texts_per_second: f64,
    /// A hint at the energy: milliseconds that this process kept processors busy for a text among many. What other
    /// devices did is not in it; none where the system does not tell.
    pub processor_ms: Option<f64>,
}

/// One text at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuerySpeed {
    /// Its length.
    pub tokens: usize,
    /// Median time, in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile, in milliseconds.
    pub p95_ms: f64,
}

impl Engine {
    /// Times an installed model; loads it beside the one that serves. `told` hears of the share that is done.
    pub fn bench_model(
        &self,
        id: &str,
        told: &mut dyn FnMut(f32),
        cancel: &CancelToken,
    ) -> Result<ModelSpeed, Error> {
        let serving = load_form(&self.shared, &shelf::find(&self.shared, id)?)?;
        let embedder = serving.embedder.as_ref();
        let longest = serving.manifest().recipe.max_tokens as usize;
        // What is longer would be cut, and be no other measurement.
        let mut lengths: Vec<usize> = LENGTHS.into_iter().filter(|tokens| *tokens < longest).collect();
        lengths.push(longest.min(LENGTHS[LENGTHS.len() - 1]));
        let steps = (lengths.len() + 1) as f32;
        let mut queries = Vec::with_capacity(lengths.len());
        for (step, &tokens) in lengths.iter().enumerate() {
            told(step as f32 / steps);
            queries.push(time_queries(embedder, tokens, cancel)?);
        }
        told(lengths.len() as f32 / steps);
        let before = processor_time();
        let texts_per_second = time_texts(embedder, cancel)?;
        let processor_ms = before
            .zip(processor_time())
            .map(|(before, after)| after.saturating_sub(before) as f64 / TEXTS as f64);
        Ok(ModelSpeed {
            model: serving.manifest().id.clone(),
            precision: serving.manifest().recipe.precision.to_string(),
            provider: embedder.provider().to_owned(),
            device: embedder.report().describe(),
            machine: papr_embed::machine(),
            load_ms: serving.load_ms,
            queries,
            texts_per_second,
            processor_ms,
        })
    }
}

/// Milliseconds that processors worked for this process so far.
fn processor_time() -> Option<u64> {
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = sysinfo::System::new();
    let only_time = sysinfo::ProcessRefreshKind::nothing().with_cpu();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[own]), false, only_time);
    system.process(own).map(sysinfo::Process::accumulated_cpu_time)
}

/// A text of about `tokens` tokens, the two special ones included.
fn text(tokens: usize, seed: usize) -> String {
    let words = (0..tokens.saturating_sub(2).max(1)).map(|at| WORDS[(at * 5 + seed) % WORDS.len()]);
    words.collect::<Vec<_>>().join(" ")
}

fn time_queries(embedder: &dyn Embedder, tokens: usize, cancel: &CancelToken) -> Result<QuerySpeed, Error> {
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..=RUNS {
        let text = text(tokens, run);
        let started = Instant::now();
        embedder.embed(&[&text], Role::Query, Lane::Interactive, cancel)?;
        if run > 0 {
            times.push(started.elapsed().as_secs_f64() * 1e3); // the first run makes what later ones use
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |share| percentile(&times, share).unwrap_or_default();
    Ok(QuerySpeed { tokens, p50_ms: at(0.5), p95_ms: at(0.95) })
}

fn time_texts(embedder: &dyn Embedder, cancel: &CancelToken) -> Result<f64, Error> {
    let texts: Vec<String> = (0..TEXTS).map(|number| text(8 + number * 97 % 249, number)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let started = Instant::now();
    embedder.embed(&texts, Role::Document, Lane::Background, cancel)?;
    Ok(TEXTS as f64 / started.elapsed().as_secs_f64())
}
