//! The models that this version of the app knows, with where they come from and how they are used.
//!
//! The catalogue is `models/catalog.json`, compiled in. It is data: a new model of a known kind is a new entry.

mod check;

use papr_memory::{HashOrigin, Manifest, ModelFile, Recipe};
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::hub::FileFacts;

/// Every model this version knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    entries: Vec<CatalogEntry>,
}

/// A model that is offered, or named with the reason why it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// A short stable name, also the folder's.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// One line on what it is good for.
    pub summary: String,
    /// The entry this is another form of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_of: Option<String>,
    /// What one may do with it.
    pub license: License,
    /// Where it comes from.
    pub source: ModelSource,
    /// BCP 47 tags of the languages it was made for; `mul` for very many.
    pub languages: Vec<String>,
    /// All its files together.
    pub size: Size,
    /// An estimate of the memory it takes while it works, in bytes.
    pub memory_bytes: u64,
    /// What can run it, the most usual first.
    pub runs_on: Vec<RunsOn>,
    /// Set where nothing in this version can run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// What else a person may want to know, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How text becomes a vector with it.
    pub recipe: Recipe,
}

/// What one may do with a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// SPDX expression; `LicenseRef-…` where SPDX has no name for it.
    pub spdx: String,
    /// The name people know it by, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it can be read.
    pub url: String,
}

/// The size of a model's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
    /// Whether that is an estimate. The hub tells the exact size before anything is downloaded.
    pub approximate: bool,
}

/// Why an entry cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {
    /// For people; continues "cannot be installed: ".
    pub reason: String,
}

/// What can run a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunsOn {
    /// Any processor.
    Cpu,
    /// Apple's Core ML behind ONNX Runtime.
    #[serde(rename = "coreml")]
    CoreMl,
    /// Apple's Core ML without ONNX Runtime.
    #[serde(rename = "coreml_native")]
    CoreMlNative,
    /// Graphics processors of NVIDIA.
    Cuda,
    /// Graphics processors on Windows.
    #[serde(rename = "directml")]
    DirectMl,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSource {
    /// With the app.
    BuiltIn,
    /// From the hub, as it is used.
    Hub(HubSource),
    /// Its weights are published, but not in a form that can be used; they have to be converted first.
    Weights {
        /// `organisation/name`.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
    },
}

/// Files of a repository of the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `organisation/name`.
    pub repo: String,
    /// Branch, tag or commit. All files of one installation are of one commit.
    pub revision: String,
    /// What is taken.
    pub files: Vec<HubFile>,
}

/// A file of a repository and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// What it is for.
    pub role: FileRole,
    /// Its path in the repository.
    pub from: String,
    /// Its name in the model's folder. A graph names its data files, so those keep their names.
    pub to: String,
    /// Its size, where it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256, hexadecimal, where it is pinned; else it is recorded at the first install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// The graph.
    Model,
    /// Weights outside the graph.
    Data,
    /// The tokenizer.
    Tokenizer,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    #[serde(rename = "schema")]
    _schema: u32,
    models: Vec<CatalogEntry>,
}

impl Catalog {
    /// The format this version reads.
    pub const SCHEMA: u32 = 1;

    /// The catalogue that was compiled in.
    ///
    /// # Errors
    /// [`ModelError::Catalog`]; a test sees to it that there is none.
    pub fn built_in() -> Result<Self, ModelError> {
        Self::from_json(include_str!("../../../../../models/catalog.json"))
    }

    /// Reads and checks a catalogue.
    ///
    /// # Errors
    /// [`ModelError::Catalog`] where a field is missing, unknown or contradicts another, with the entry's id.
    pub fn from_json(json: &str) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct Versioned {
            schema: u32,
        }
        let malformed = |error: serde_json::Error| ModelError::Catalog { reason: error.to_string() };
        let Versioned { schema } = serde_json::from_str(json).map_err(malformed)?;
        if schema != Self::SCHEMA {
            let reason = format!("it has schema {schema}; this version reads schema {}", Self::SCHEMA);
            return Err(ModelError::Catalog { reason });
        }
        let CatalogFile { models, .. } = serde_json::from_str(json).map_err(malformed)?;
        check::entries(&models).map_err(|reason| ModelError::Catalog { reason })?;
        Ok(Self { entries: models })
    }

    /// The entry of this id.
    pub fn get(&self, id: &str) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// All entries, in the order in which they are shown.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }
}

impl CatalogEntry {
    /// How the hashes of an installation will have come about: `Recorded` means that what is right is decided by
    /// what comes first, and that a person should be told.
    pub fn hashes(&self) -> HashOrigin {
        let pinned = match &self.source {
            ModelSource::Hub(hub) => hub.files.iter().all(|file| file.sha256.is_some()),
            ModelSource::BuiltIn => true,
            ModelSource::Weights { .. } => false,
        };
        if pinned { HashOrigin::Pinned } else { HashOrigin::Recorded }
    }

    /// What is downloaded.
    ///
    /// # Errors
    /// [`ModelError::NotOffered`] where nothing is.
    pub fn downloads(&self) -> Result<&HubSource, ModelError> {
        let refuse = |reason: &str| ModelError::NotOffered { id: self.id.clone(), reason: reason.to_owned() };
        if let Some(disabled) = &self.disabled {
            return Err(refuse(&disabled.reason));
        }
        match &self.source {
            ModelSource::Hub(hub) => Ok(hub),
            ModelSource::BuiltIn => Err(refuse("it comes with the app")),
            ModelSource::Weights { .. } => Err(refuse("its weights have to be converted first")),
        }
    }

    /// The manifest of this model with these files: each with its role, in any order.
    ///
    /// # Errors
    /// [`ModelError::Catalog`] where a graph or a tokenizer is missing, which a checked entry does not lack.
    pub(crate) fn manifest(
        &self,
        files: Vec<(FileRole, ModelFile)>,
        source: String,
    ) -> Result<Manifest, ModelError> {
        let (mut model, mut tokenizer, mut data) = (None, None, Vec::new());
        for (role, file) in files {
            match role {
                FileRole::Model => model = Some(file),
                FileRole::Tokenizer => tokenizer = Some(file),
                FileRole::Data => data.push(file),
            }
        }
        let (Some(model), Some(tokenizer)) = (model, tokenizer) else {
            return Err(ModelError::Catalog { reason: format!("{}: no graph or no tokenizer", self.id) });
        };
        Ok(Manifest {
            schema: Manifest::SCHEMA,
            id: self.id.clone(),
            name: self.name.clone(),
            license: self.license.spdx.clone(),
            source,
            languages: self.languages.clone(),
            weights: None,
            hashes: self.hashes(),
            model,
            data,
            tokenizer,
            recipe: self.recipe.clone(),
        })
    }
}

impl HubFile {
    /// What is pinned of it.
    pub(crate) fn pinned(&self) -> FileFacts {
        FileFacts::pinned(self.bytes, self.sha256.as_ref())
    }
}
