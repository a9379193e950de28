//! What is kept on disk, files of memories and backups, as windows see them.

use papr_engine::{Format as EngineFormat, upkeep};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::{Memory, Tier};

/// A part of what the app keeps on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // as in papr_engine::DataSizes
pub enum Part {
    Memories,
    Backups,
    SetAside,
    Graphs,
    Models,
    Logs,
    /// What the web view keeps.
    Web,
    Other,
}

/// How much room a part takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PartSize {
    /// Which.
    pub part: Part,
    /// Thousands of bytes.
    pub kilobytes: u32,
}

/// What the app keeps on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Sizes {
    /// Where it is.
    pub folder: String,
    /// Part by part.
    pub parts: Vec<PartSize>,
    /// Thousands of bytes that are free there.
    pub free: Option<u32>,
}

impl Sizes {
    /// What the engine counts, with what the web view keeps elsewhere.
    pub(crate) fn new(folder: String, sizes: &papr_engine::DataSizes, web: u64) -> Self {
        let parts = [
            (Part::Memories, sizes.memories),
            (Part::Backups, sizes.backups),
            (Part::SetAside, sizes.set_aside),
            (Part::Graphs, sizes.graphs),
            (Part::Models, sizes.models),
            (Part::Logs, sizes.logs),
            (Part::Web, web),
            (Part::Other, sizes.other),
        ];
        let parts = parts.map(|(part, bytes)| PartSize { part, kilobytes: kilobytes(bytes) });
        Self { folder, parts: parts.to_vec(), free: sizes.free.map(kilobytes) }
    }
}

/// Thousands of bytes, a part of one counted as one.
pub(crate) fn kilobytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1000)).unwrap_or(u32::MAX)
}

/// A folder that can be shown in the system's file manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as the names say
pub enum Folder {
    Data,
    Logs,
    Models,
}

/// What a file dialog is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
pub enum Choose {
    /// A file that is there.
    Import,
    /// A file that is to be.
    Export,
    /// A folder.
    Folder,
}

/// What a file of memories is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum Format {
    Lines,
    Markdown,
    Omo,
}

impl From<Format> for EngineFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Lines => Self::Lines,
            Format::Markdown => Self::Markdown,
            Format::Omo => Self::Omo,
        }
    }
}

impl From<EngineFormat> for Format {
    fn from(format: EngineFormat) -> Self {
        match format {
            EngineFormat::Lines => Self::Lines,
            EngineFormat::Markdown => Self::Markdown,
            EngineFormat::Omo => Self::Omo,
        }
    }
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: String,
}

fn bad_lines(lines: Vec<papr_engine::BadLine>) -> Vec<BadLine> {
    let line = |bad: papr_engine::BadLine| BadLine {
        line: u32::try_from(bad.line).unwrap_or(u32::MAX),
        reason: bad.reason,
    };
    lines.into_iter().map(line).collect()
}

fn many(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ImportPreview {
    /// What the file is written in.
    pub format: Format,
    /// Memories that are not here yet.
    pub fresh: u32,
    /// Those that are, by id or by text.
    pub known: u32,
    /// Lines that cannot be read.
    pub bad: u32,
    /// The first of them.
    pub bad_lines: Vec<BadLine>,
    /// The first new texts.
    pub examples: Vec<String>,
}

impl From<papr_engine::ImportPreview> for ImportPreview {
    fn from(preview: papr_engine::ImportPreview) -> Self {
        Self {
            format: preview.format.into(),
            fresh: many(preview.fresh),
            known: many(preview.known),
            bad: many(preview.bad),
            bad_lines: bad_lines(preview.bad_lines),
            examples: preview.examples,
        }
    }
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Memories that came.
    pub added: u32,
    /// Those that were here, by id or by text.
    pub known: u32,
    /// Lines that could not be read.
    pub bad: u32,
    /// The first of them.
    pub bad_lines: Vec<BadLine>,
}

impl From<papr_engine::ImportReport> for Imported {
    fn from(report: papr_engine::ImportReport) -> Self {
        Self {
            added: many(report.added),
            known: many(report.already_there),
            bad: many(report.bad),
            bad_lines: bad_lines(report.bad_lines),
        }
    }
}

/// A copy of all memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// The file's name.
    pub name: String,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// Thousands of bytes.
    pub kilobytes: u32,
}

impl From<upkeep::Backup> for Backup {
    fn from(backup: upkeep::Backup) -> Self {
        let name = backup.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, made_at: backup.at.to_string(), kilobytes: kilobytes(backup.bytes) }
    }
}

/// A memory that says something like another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Related {
    /// Which.
    pub memory: Memory,
    /// Cosine, -1 to 1.
    pub similarity: f32,
}

impl From<papr_engine::Related> for Related {
    fn from(related: papr_engine::Related) -> Self {
        Self { memory: related.memory.into(), similarity: related.similarity }
    }
}

/// Who moved a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum Mover {
    User,
    Papr,
}

/// A move from one tier to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Move {
    /// Where it stood.
    pub from: Tier,
    /// Where it stood from then on.
    pub to: Tier,
    /// Who moved it.
    pub by: Mover,
    /// RFC 3339, UTC.
    pub at: String,
}

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// What a detail pane shows beside the memory itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Detail {
    /// Papr's id of it, if Papr has it.
    pub remote: Option<String>,
    /// Whatever else came with it.
    pub metadata: Vec<Fact>,
    /// The newest last.
    pub moves: Vec<Move>,
}

impl Detail {
    /// Of a memory with its history.
    pub(crate) fn new(memory: papr_memory::Memory, moves: &[papr_memory::ports::TierMove]) -> Self {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let moves = moves.iter().map(|one| Move {
            from: one.from.into(),
            to: one.to.into(),
            by: match one.by {
                papr_memory::TierSetter::User => Mover::User,
                papr_memory::TierSetter::Papr => Mover::Papr,
            },
            at: one.at.to_string(),
        });
        Self {
            remote: memory.remote.map(|remote| remote.id),
            metadata: memory
                .metadata
                .into_iter()
                .map(|(name, value)| Fact { name, value: text(value) })
                .collect(),
            moves: moves.collect(),
        }
    }
}

/// A view of the main window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as the names say
pub enum MainView {
    Search,
    Library,
    Models,
    Sync,
    Privacy,
    Settings,
}
