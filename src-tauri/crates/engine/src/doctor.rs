//! The doctor: looks at everything the app needs, and says what it found in words that may be sent on. No text
//! of a memory is in it.

use std::fmt::{self, Write};
use std::time::Instant;

use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Vector};
use papr_models::Found;
use serde::{Deserialize, Serialize};

use crate::data::folder_size;
use crate::model::{ModelForms, Reference, Serving, shelf};
use crate::{Engine, Error, paths};

/// How one look went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Usable, but worth knowing.
    Warning,
    /// Broken.
    Bad,
    /// Could not be looked at; the detail says why.
    Skipped,
}

impl Verdict {
    /// The worse of the two that a look can find.
    fn and(self, other: Self) -> Self {
        if self == Self::Bad || other == Self::Good { self } else { other }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Bad => "BROKEN",
            Verdict::Skipped => "skipped",
        })
    }
}

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, with numbers.
    pub detail: String,
    /// How long the look took, in milliseconds.
    pub took_ms: u32,
}

/// All looks of a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The app's version.
    pub version: String,
    /// Processor, system and their versions.
    pub machine: String,
    /// In the order they were made.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Whether nothing is broken.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Bad)
    }
}

/// The report as it is copied.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Papr Desktop {} · {}", self.version, self.machine)?;
        for Finding { name, verdict, detail, took_ms } in &self.findings {
            let mut lines = detail.lines();
            writeln!(f, "{verdict:<8} {name:<14} {} ({took_ms} ms)", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(f, "{:<24}{line}", "")?;
            }
        }
        Ok(())
    }
}

/// What a look found: how it went, and the detail.
pub(crate) type Look = (Verdict, String);
/// A look at one thing.
pub(crate) type Looks = fn(&Engine, &CancelToken) -> Look;

/// How far a vector may move when its text shares a run with others.
const BATCH_DIFFERENCE: f32 = 1e-5;

impl Engine {
    /// Looks at the runtime, the models, the vectors, the devices, the memory, the disk and the store; some
    /// seconds. `told` hears of each finding as it is made. Needs a started engine to look at vectors.
    pub fn doctor(&self, told: &mut dyn FnMut(&Finding), cancel: &CancelToken) -> Result<Diagnosis, Error> {
        let looks: [(&str, Looks); 9] = [
            ("runtime", runtime),
            ("model files", model_files),
            ("vectors", reference_vectors),
            ("batches", batches),
            ("device", device),
            ("memory", memory),
            ("disk", disk),
            ("caches", caches),
            ("store", store),
        ];
        let mut findings = Vec::with_capacity(looks.len());
        for (name, look) in looks {
            cancel.check()?;
            let started = Instant::now();
            let (verdict, detail) = look(self, cancel);
            let took_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
            let finding = Finding { name: name.to_owned(), verdict, detail, took_ms };
            told(&finding);
            findings.push(finding);
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Diagnosis { version, machine: papr_embed::machine(), findings })
    }

    fn serving(&self) -> Result<Serving, Look> {
        self.shared.model.serving().ok_or_else(|| {
            let problem = self.status().model.problem.map(|problem| problem.message);
            (Verdict::Skipped, problem.unwrap_or_else(|| "no model is loaded".to_owned()))
        })
    }
}

/// The look at what can fail for a reason that is told.
fn look(done: Result<Look, Look>) -> Look {
    done.unwrap_or_else(|failed| failed)
}

fn bad(error: impl fmt::Display) -> Look {
    (Verdict::Bad, error.to_string())
}

fn runtime(engine: &Engine, cancel: &CancelToken) -> Look {
    let path = &engine.shared.resources.runtime_library;
    look((|| {
        let runtime = papr_embed::Runtime::load(path).map_err(bad)?;
        let sha256 = papr_models::sha256_of(path, cancel).map_err(bad)?;
        let detail = format!(
            "{}, no uploader in it, with {}\n{}\nsha256 {sha256}",
            runtime.build,
            runtime.providers.join(", "),
            path.display()
        );
        Ok((Verdict::Good, detail))
    })())
}

fn model_files(engine: &Engine, cancel: &CancelToken) -> Look {
    let found = shelf::all(&engine.shared);
    if found.is_empty() {
        return (Verdict::Bad, format!("no model in {}", engine.shared.resources.models().display()));
    }
    let (mut verdict, mut detail) = (Verdict::Good, String::new());
    for found in &found {
        let (name, line) = match found {
            Found::Model(model) => {
                let line = match model.verify(cancel) {
                    Ok(()) => {
                        let size = megabytes(model.bytes());
                        match ModelForms::of(&engine.shared, model).obstacle() {
                            Some(reason) => {
                                verdict = verdict.and(Verdict::Warning);
                                format!("every byte as in the manifest, {size}; not used here: {reason}")
                            }
                            None => format!("every byte as in the manifest, {size}"),
                        }
                    }
                    Err(error) => {
                        verdict = Verdict::Bad;
                        error.to_string()
                    }
                };
                (model.manifest().id.clone(), line)
            }
            Found::Broken { folder, problem } | Found::Unavailable { folder, problem } => {
                verdict = Verdict::Bad;
                (shelf::name(folder), problem.to_string())
            }
        };
        let _ = writeln!(detail, "{name}: {line}");
    }
    (verdict, detail.trim_end().to_owned())
}

/// Embeds the reference texts and compares.
fn reference_vectors(engine: &Engine, cancel: &CancelToken) -> Look {
    look((|| {
        let serving = engine.serving()?;
        let manifest = serving.manifest();
        let reference = Reference::read().map_err(bad)?;
        let vectors = vectors(&serving, &reference.texts(), cancel)?;
        let Some(comparison) = reference.compare(manifest, &vectors) else {
            let detail = format!("there are no reference vectors for {} in this version", manifest.name);
            return Ok((Verdict::Skipped, detail));
        };
        let verdict = if comparison.is_well() { Verdict::Good } else { Verdict::Bad };
        Ok((verdict, format!("{} dims, {}", manifest.recipe.dims, comparison.describe())))
    })())
}

/// Embeds texts alone and together and compares.
fn batches(engine: &Engine, cancel: &CancelToken) -> Look {
    look((|| {
        let serving = engine.serving()?;
        let texts =
            ["coffee", "Who owns the payment service, and since when?", "Ω ≈ 1.5 kΩ · naïve café 北京"];
        let together = vectors(&serving, &texts, cancel)?;
        let mut greatest = 0.0_f32;
        for (text, vector) in texts.iter().zip(&together) {
            let alone = vectors(&serving, &[text], cancel)?;
            let pairs = alone.iter().flat_map(Vector::as_slice).zip(vector.as_slice());
            greatest = pairs.map(|(a, b)| (a - b).abs()).fold(greatest, f32::max);
        }
        let verdict = if greatest <= BATCH_DIFFERENCE { Verdict::Good } else { Verdict::Bad };
        Ok((verdict, format!("one text and many differ by {greatest:.1e} at most")))
    })())
}

fn vectors(serving: &Serving, texts: &[&str], cancel: &CancelToken) -> Result<Vec<Vector>, Look> {
    let embedded = serving.embedder.embed(texts, Role::Document, Lane::Background, cancel).map_err(bad)?;
    embedded.vectors.into_iter().map(|vector| vector.map_err(bad)).collect()
}

pub(crate) fn device(engine: &Engine, _: &CancelToken) -> Look {
    look((|| {
        let serving = engine.serving()?;
        let report = serving.embedder.report();
        let mut detail = format!("{}, loaded in {:.0} ms", report.describe(), report.load_ms);
        for (provider, nodes) in &report.assignment {
            let _ = write!(detail, "\n{nodes} nodes on {provider}");
        }
        if let Some(trial) = &serving.devices.trial {
            for tried in &trial.candidates {
                let ms = tried.p50_ms.map_or(String::new(), |ms| format!(", {ms:.1} ms a text"));
                let cosine = tried.min_cosine.map_or(String::new(), |cosine| format!(", cosine {cosine:.4}"));
                let _ = write!(detail, "\ntried {}: {:?}{ms}{cosine}", tried.device, tried.outcome);
            }
        }
        if let Some(reason) = &serving.devices.no_trial {
            let _ = write!(detail, "\nno devices were tried: {reason}");
        }
        for left in serving.devices.left_out() {
            let _ = write!(detail, "\nnot used {}: {}", left.device, left.reason);
        }
        let verdict = if report.fallback.is_some() { Verdict::Warning } else { Verdict::Good };
        if let Some(reason) = &report.fallback {
            let _ = write!(detail, "\nthe CPU took over: {reason}");
        }
        Ok((verdict, detail))
    })())
}

pub(crate) fn memory(_: &Engine, _: &CancelToken) -> Look {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let (available, total) = (system.available_memory(), system.total_memory());
    let swap = system.free_swap();
    let verdict = if available < 512 << 20 { Verdict::Warning } else { Verdict::Good };
    let detail = format!(
        "{} available of {}, {} of swap free",
        megabytes(available),
        megabytes(total),
        megabytes(swap)
    );
    (verdict, detail)
}

pub(crate) fn disk(engine: &Engine, _: &CancelToken) -> Look {
    let folder = &engine.shared.data_folder;
    match papr_models::free_space(folder) {
        Ok(free) => {
            let verdict = if free < 1 << 30 { Verdict::Warning } else { Verdict::Good };
            (verdict, format!("{} free at {}", megabytes(free), folder.display()))
        }
        Err(error) => bad(error),
    }
}

pub(crate) fn caches(engine: &Engine, _: &CancelToken) -> Look {
    let shared = &engine.shared;
    let core_ml = papr_embed::cache_size(&shared.core_ml_cache()).unwrap_or_default();
    let mut detail = format!(
        "models {}, Core ML compilations {}",
        megabytes(folder_size(&shelf::folder(shared))),
        megabytes(core_ml)
    );
    if let Some(system) = paths::system_core_ml_cache() {
        let size = megabytes(folder_size(&system));
        let _ = write!(
            detail,
            "\nthe system's own Core ML cache {size}, which only the system clears: {}",
            system.display()
        );
    }
    (Verdict::Good, detail)
}

fn store(engine: &Engine, cancel: &CancelToken) -> Look {
    look((|| {
        let check = engine.shared.store.check(&mut |_| {}, cancel).map_err(bad)?;
        let mut detail = format!(
            "{} memories, {} deleted ones, {} vectors: {} entries are damaged",
            check.memories, check.tombstones, check.vectors, check.damage
        );
        for finding in &check.findings {
            let _ = write!(detail, "\n{finding:?}");
        }
        Ok((if check.is_whole() { Verdict::Good } else { Verdict::Bad }, detail))
    })())
}

pub(crate) fn megabytes(bytes: u64) -> String {
    if bytes >= 10_000_000_000 {
        return format!("{:.0} GB", bytes as f64 / 1e9);
    }
    format!("{:.1} MB", bytes as f64 / 1e6)
}
