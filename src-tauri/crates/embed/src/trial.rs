//! Which device gives right vectors fastest: tried once a machine, model and runtime.
//!
//! The CPU is the measure. Another device is right if its vectors of the same texts are the CPU's, and wins if
//! it is also faster. What keeps the result, and for how long, is the caller's business; [`TrialKey`] says when
//! it no longer holds.

use std::time::{Duration, Instant};

use papr_memory::ports::{EmbedError, Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Vector};
use serde::{Deserialize, Serialize};

use crate::device::{Candidates, LeftOut};
use crate::{Device, machine};

/// The least cosine between a device's vector of a text and the CPU's: what half precision keeps.
pub const LEAST_COSINE: f32 = 0.999;

/// How many runs are timed.
pub const RUNS: usize = 20;

/// Texts to try devices with: queries, and memories of up to a few dozen words. They need two fixed lengths of
/// 32 and 64 tokens, as many as are kept alive: what is timed is running, not loading.
pub const TRIAL_TEXTS: [&str; 5] = [
    "where did I leave the keys",
    "quarterly goals of the design team",
    "train tickets",
    "The landlord wants the heating bill of last winter before the end of the month; the meter stands in the \
     cellar, and the neighbour on the second floor has the key to it.",
    "Call the dentist",
];

/// What a trial's result holds for. Another key asks for another trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialKey {
    /// As [`machine()`] has it.
    pub machine: String,
    /// The fingerprint of the model's space.
    pub fingerprint: String,
    /// SHA-256 of the graph: graphs of one space may differ in precision, and so in speed.
    pub model_sha256: String,
    /// As [`Runtime::build`](crate::Runtime::build) has it, or whatever stands for it without ONNX Runtime.
    pub runtime: String,
}

impl TrialKey {
    /// For this machine.
    pub fn new(manifest: &Manifest, runtime: &str) -> Self {
        Self {
            machine: machine(),
            fingerprint: manifest.space().fingerprint.as_str().to_owned(),
            model_sha256: manifest.model.sha256.clone(),
            runtime: runtime.to_owned(),
        }
    }
}

/// How a device fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is used.
    Won,
    /// Its vectors are right, another device is faster or was asked for.
    Slower,
    /// Its vectors are wrong.
    Refused {
        /// In what way.
        reason: String,
    },
    /// It could not be loaded, or failed while it ran.
    Failed {
        /// What was said.
        reason: String,
    },
}

/// One device in a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub device: Device,
    /// How it fared.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The median time of one text, in milliseconds, where it was timed.
    pub p50_ms: Option<f64>,
    /// How long loading took, in milliseconds, where that worked.
    pub load_ms: Option<f64>,
    /// The least cosine with the CPU's vectors, where there were vectors.
    pub min_cosine: Option<f32>,
}

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What it holds for.
    pub key: TrialKey,
    /// The device to use.
    pub winner: Device,
    /// All that were tried, the CPU first.
    pub candidates: Vec<Candidate>,
    /// All that were not.
    pub left_out: Vec<LeftOut>,
}

impl Trial {
    /// Whether every one of `candidates` took part. One that has come since, such as a package that was imported,
    /// asks for another trial.
    pub fn covers(&self, candidates: &Candidates) -> bool {
        let tried = |device: &Device| self.candidates.iter().any(|candidate| candidate.device == *device);
        candidates.devices.iter().all(tried)
    }
}

/// Tries `candidates` with `texts`, a few of different lengths, and gives the winner ready for use.
///
/// Each is made by `load`, embeds all texts once and then one text at a time, [`RUNS`] times. At most three
/// are in memory at once: the CPU's is dropped as soon as it has lost. With [`Candidates::one_at_a_time`], each is
/// dropped before the next is made, and the winner is made again.
///
/// # Errors
/// [`EmbedError::Cancelled`]; whatever the CPU answers if even it cannot be loaded or run;
/// [`EmbedError::Model`] if its own vectors are wrong, or there is nothing to try.
pub fn trial<E: Embedder>(
    key: TrialKey,
    candidates: &Candidates,
    texts: &[&str],
    load: impl Fn(Device) -> Result<E, EmbedError>,
    cancel: &CancelToken,
) -> Result<(Trial, E), EmbedError> {
    if texts.is_empty() || !candidates.devices.contains(&Device::Cpu) {
        return Err(EmbedError::Model("there is nothing to try".to_owned()));
    }
    let (cpu, load_ms) = timed(|| load(Device::Cpu));
    let cpu = cpu?;
    let expected = vectors(&cpu, texts, cancel)?.map_err(EmbedError::Model)?;
    let p50_ms = median(&cpu, texts, cancel)?;
    let mut tried = vec![Candidate {
        device: Device::Cpu,
        outcome: Outcome::Slower,
        p50_ms: Some(p50_ms),
        load_ms: Some(load_ms),
        min_cosine: Some(1.0),
    }];
    let keep = |embedder: E| Some(embedder).filter(|_| !candidates.one_at_a_time);
    let mut best = (0, p50_ms, keep(cpu));
    let others = candidates.devices.iter().copied().filter(|device| *device != Device::Cpu);
    for device in others {
        cancel.check()?;
        let (candidate, embedder) = compare(device, &expected, texts, &load, cancel)?;
        if let (Some(embedder), Some(p50_ms)) = (embedder, candidate.p50_ms) {
            let wins = match candidates.preferred {
                Some(preferred) => preferred == device,
                None => p50_ms < best.1,
            };
            if wins {
                best = (tried.len(), p50_ms, keep(embedder));
            }
        }
        tried.push(candidate);
    }
    let (place, _, embedder) = best;
    tried[place].outcome = Outcome::Won;
    for candidate in &tried {
        tracing::info!(?candidate, "tried a device");
    }
    let winner = tried[place].device;
    let embedder = embedder.map_or_else(|| load(winner), Ok)?;
    Ok((Trial { key, winner, candidates: tried, left_out: candidates.left_out.clone() }, embedder))
}

/// Tries one device; gives its embedder if the vectors are right.
fn compare<E: Embedder>(
    device: Device,
    expected: &[Vector],
    texts: &[&str],
    load: &impl Fn(Device) -> Result<E, EmbedError>,
    cancel: &CancelToken,
) -> Result<(Candidate, Option<E>), EmbedError> {
    let mut candidate =
        Candidate { device, outcome: Outcome::Slower, p50_ms: None, load_ms: None, min_cosine: None };
    let (loaded, load_ms) = timed(|| load(device));
    let embedder = match loaded {
        Ok(embedder) => embedder,
        Err(error) => return Ok((candidate.failed(error)?, None)),
    };
    candidate.load_ms = Some(load_ms);
    let provider = embedder.provider().to_owned();
    let found = match vectors(&embedder, texts, cancel) {
        Ok(Ok(found)) => found,
        Ok(Err(reason)) => return Ok((candidate.refused(reason), None)),
        Err(error) => return Ok((candidate.failed(error)?, None)),
    };
    let least = expected.iter().zip(&found).map(|(a, b)| a.cosine(b)).fold(f32::INFINITY, f32::min);
    candidate.min_cosine = Some(least);
    if least < LEAST_COSINE {
        let reason =
            format!("cosine {least:.4} with the CPU's vectors, at least {LEAST_COSINE} is asked for");
        return Ok((candidate.refused(reason), None));
    }
    candidate.p50_ms = match median(&embedder, texts, cancel) {
        Ok(p50_ms) => Some(p50_ms),
        Err(error) => return Ok((candidate.failed(error)?, None)),
    };
    if embedder.provider() != provider {
        // It gave the device up while it ran: what was timed is the CPU.
        let reason = format!("{provider} failed while it ran, and {} took over", embedder.provider());
        candidate.p50_ms = None;
        return Ok((candidate.failed(EmbedError::Run(reason))?, None));
    }
    Ok((candidate, Some(embedder)))
}

impl Candidate {
    fn refused(mut self, reason: String) -> Self {
        self.outcome = Outcome::Refused { reason };
        self
    }

    /// A cancel is nobody's failure and is passed on.
    fn failed(mut self, error: EmbedError) -> Result<Self, EmbedError> {
        if let EmbedError::Cancelled(_) = error {
            return Err(error);
        }
        self.outcome = Outcome::Failed { reason: error.to_string() };
        Ok(self)
    }
}

/// Vectors of all `texts`; the inner error says in what way they are wrong.
fn vectors(
    embedder: &impl Embedder,
    texts: &[&str],
    cancel: &CancelToken,
) -> Result<Result<Vec<Vector>, String>, EmbedError> {
    let embedded = embedder.embed(texts, Role::Document, Lane::Interactive, cancel)?;
    if embedded.vectors.len() != texts.len() {
        return Ok(Err(format!("{} vectors of {} texts", embedded.vectors.len(), texts.len())));
    }
    let dims = embedder.space().dims.get();
    let checked: Result<Vec<Vector>, _> = embedded.vectors.into_iter().collect();
    Ok(checked.map_err(|error| error.to_string()).and_then(|vectors| {
        match vectors.iter().find(|vector| vector.as_slice().len() != dims) {
            Some(vector) => Err(format!("a vector of {} numbers, not {dims}", vector.as_slice().len())),
            None => Ok(vectors),
        }
    }))
}

/// The median time of one text over [`RUNS`] runs, in milliseconds.
fn median(embedder: &impl Embedder, texts: &[&str], cancel: &CancelToken) -> Result<f64, EmbedError> {
    let mut times = Vec::with_capacity(RUNS);
    for text in texts.iter().cycle().take(RUNS) {
        let (embedded, ms) = timed(|| embedder.embed(&[text], Role::Query, Lane::Interactive, cancel));
        embedded?;
        times.push(ms);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() - 1) / 2])
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, milliseconds(start.elapsed()))
}

/// In whole microseconds, which survive being written and read.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests;
