//! Models as windows see them: which there are, downloads, and a change from one to another.

use papr_engine::doctor::{self, Diagnosis};
use papr_memory::HashOrigin;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::{AppError, count};

/// A model that is there, or that could be.
#[allow(clippy::struct_excessive_bools)] // facts that do not depend on each other
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// A short stable name.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// One line on what it is good for.
    pub summary: String,
    /// SPDX expression, or the name of its terms.
    pub license: String,
    /// Where it comes from.
    pub source: String,
    /// BCP 47 tags of the languages it was made for; `mul` for very many.
    pub languages: Vec<String>,
    /// The length of its vectors.
    pub dims: u32,
    /// Tokens of a text that it reads.
    pub max_tokens: u32,
    /// The arithmetic of its weights.
    pub precision: String,
    /// All its files, in thousands of bytes.
    pub kilobytes: u32,
    /// Whether that is an estimate.
    pub approximate: bool,
    /// An estimate of the memory it takes while it works, in thousands of bytes.
    pub memory_kilobytes: Option<u32>,
    /// Why it cannot be used, where nothing in this version can run it.
    pub disabled: Option<String>,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
    /// Whether its hashes are only recorded at the first install, not known beforehand.
    pub hashes_recorded: bool,
    /// Whether it comes with the app.
    pub built_in: bool,
    /// Whether it can be used now.
    pub installed: bool,
    /// Why the files that are there cannot be used.
    pub problem: Option<AppError>,
    /// Whether searches use it.
    pub serving: bool,
    /// Whether it was chosen to serve.
    pub chosen: bool,
}

/// Whether a download is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum DownloadState {
    Running,
    Paused,
    Failed,
}

/// What a download is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_models
pub enum Phase {
    Checking,
    Downloading,
    Verifying,
    Installing,
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// The model's id.
    pub model: String,
    /// Whether it is under way.
    pub state: DownloadState,
    /// What is being done.
    pub phase: Phase,
    /// Thousands of bytes of this phase that are done.
    pub kilobytes_done: u32,
    /// Thousands of bytes of the whole model.
    pub kilobytes_total: u32,
    /// Thousands of bytes a second; none until that is stable.
    pub kilobytes_per_second: Option<u32>,
    /// Seconds this phase will still take; none until that is stable.
    pub eta_s: Option<u32>,
    /// Why it stopped.
    pub error: Option<AppError>,
}

/// A change to another model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// The id of the model that is to serve.
    pub model: String,
    /// Its name.
    pub name: String,
    /// Memories that have its vectors.
    pub done: u32,
    /// Memories there are.
    pub total: u32,
    /// Whether it waits to be let go on.
    pub paused: bool,
    /// Seconds it will still take, once that can be told.
    pub eta_s: Option<u32>,
    /// Why it cannot go on.
    pub error: Option<AppError>,
}

/// How one look of the doctor's went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum Verdict {
    Good,
    Warning,
    Bad,
    Skipped,
}

/// One look of the doctor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, with numbers; several lines.
    pub detail: String,
}

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Report {
    /// Look by look.
    pub findings: Vec<Finding>,
    /// The whole as it is copied. Holds no text of a memory.
    pub text: String,
}

/// Bytes in thousands, rounded up.
pub(super) fn kilobytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1000)).unwrap_or(u32::MAX)
}

impl From<papr_engine::ModelInfo> for ModelInfo {
    fn from(model: papr_engine::ModelInfo) -> Self {
        Self {
            id: model.id,
            name: model.name,
            summary: model.summary,
            license: model.license,
            source: model.source,
            languages: model.languages,
            dims: u32::from(model.dims),
            max_tokens: model.max_tokens,
            precision: model.precision,
            kilobytes: kilobytes(model.bytes),
            approximate: model.approximate,
            memory_kilobytes: model.memory_bytes.map(kilobytes),
            disabled: model.disabled,
            notes: model.notes,
            hashes_recorded: model.hashes == HashOrigin::Recorded,
            built_in: model.built_in,
            installed: model.installed,
            problem: model.problem.map(Into::into),
            serving: model.serving,
            chosen: model.chosen,
        }
    }
}

impl From<papr_engine::Download> for Download {
    fn from(download: papr_engine::Download) -> Self {
        Self {
            model: download.model,
            state: match download.state {
                papr_engine::DownloadState::Running => DownloadState::Running,
                papr_engine::DownloadState::Paused => DownloadState::Paused,
                papr_engine::DownloadState::Failed => DownloadState::Failed,
            },
            phase: match download.phase {
                papr_engine::Phase::CheckingSpace => Phase::Checking,
                papr_engine::Phase::Downloading => Phase::Downloading,
                papr_engine::Phase::Verifying => Phase::Verifying,
                papr_engine::Phase::Installing => Phase::Installing,
            },
            kilobytes_done: kilobytes(download.bytes_done),
            kilobytes_total: kilobytes(download.bytes_total),
            kilobytes_per_second: download.bytes_per_second.map(kilobytes),
            eta_s: download.eta_s,
            error: download.problem.map(Into::into),
        }
    }
}

impl From<papr_engine::SwitchStatus> for Switch {
    fn from(switch: papr_engine::SwitchStatus) -> Self {
        Self {
            model: switch.model,
            name: switch.name,
            done: count(switch.done),
            total: count(switch.total),
            paused: switch.paused,
            eta_s: switch.eta_s,
            error: switch.problem.map(Into::into),
        }
    }
}

impl From<Diagnosis> for Report {
    fn from(diagnosis: Diagnosis) -> Self {
        let text = diagnosis.to_string();
        let finding = |finding: doctor::Finding| Finding {
            name: finding.name,
            verdict: match finding.verdict {
                doctor::Verdict::Good => Verdict::Good,
                doctor::Verdict::Warning => Verdict::Warning,
                doctor::Verdict::Bad => Verdict::Bad,
                doctor::Verdict::Skipped => Verdict::Skipped,
            },
            detail: finding.detail,
        };
        Self { findings: diagnosis.findings.into_iter().map(finding).collect(), text }
    }
}
