//! Packages for Core ML, as `models/coreml` writes them: a folder with `coreml.json`, `.mlpackage` folders, a tokenizer.
//!
//! Installed, such a folder is a model like others. Its `manifest.json` names `coreml.json` as the model's file, whose
//! SHA-256 stands for all packages, since `coreml.json` holds the SHA-256 of each of their files.

mod check;

use std::fs;
use std::path::Path;

use papr_memory::{HashOrigin, Manifest, ManifestError, ModelFile, Recipe};
use serde::{Deserialize, Serialize};

use crate::catalog::RunsOn;
use crate::files::{absent, hex};
use crate::{MANIFEST, ModelError};

/// The name of the file that says what packages there are.
pub const CORE_ML: &str = "coreml.json";

/// What a tokenizer is called beside the packages.
const TOKENIZER: &str = "tokenizer.json";

/// `coreml.json`: what the packages are, all files with size and SHA-256, the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreMl {
    /// The version of this format: [`CoreMl::SCHEMA`].
    pub schema: u32,
    /// A short stable name.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// SPDX expression, or where to look for one.
    pub license: String,
    /// Where the weights come from, for people.
    pub source: String,
    /// BCP 47 tags of the languages it was made for.
    pub languages: Vec<String>,
    /// SHA-256 of the weights the packages were written from.
    pub weights: String,
    /// What can run it.
    pub runs_on: Vec<RunsOn>,
    /// The least version of macOS, such as `14.0`.
    pub minimum_macos: String,
    /// The arithmetic of the weights, as the recipe has it.
    pub precision: String,
    /// One for each length, or one with a function for each.
    pub packages: Vec<Package>,
    /// What lies beside them.
    pub files: Vec<ModelFile>,
    /// How text becomes a vector with it.
    pub recipe: Recipe,
}

/// A `.mlpackage` folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name in the model's folder.
    pub path: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// SHA-256 over lines `<sha256>  <path>\n` of its files.
    pub sha256: String,
    /// Its functions.
    pub functions: Vec<Function>,
    /// All its files, in the order of their paths, which have `/` between names.
    pub files: Vec<ModelFile>,
}

/// A function of a package: a graph for one text of a fixed length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What a text is filled up to.
    pub tokens: u32,
    /// `tokens_<length>`; none in a package that has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl CoreMl {
    /// The format this version reads.
    pub const SCHEMA: u32 = 1;

    /// Reads and checks `coreml.json`.
    ///
    /// # Errors
    /// [`ManifestError`] where a field is missing, unknown or contradicts another, with the reason.
    pub fn from_json(json: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Versioned {
            schema: u32,
            #[serde(default)]
            precision: String,
        }
        let malformed = |error: serde_json::Error| ManifestError::Malformed(error.to_string());
        let Versioned { schema, precision } = serde_json::from_str(json).map_err(malformed)?;
        if schema != Self::SCHEMA {
            let reason = format!("{CORE_ML} has schema {schema}; this version reads schema {}", Self::SCHEMA);
            return Err(ManifestError::Malformed(reason));
        }
        if precision == "4bit" {
            let reason = "packages of 4 bits are not used: their vectors are too far from the model's (cosine 0.82 to \
                          0.98 where it was measured); convert it with --precision int8 or fp16";
            return Err(ManifestError::Contradictory(reason.to_owned()));
        }
        let packages: Self = serde_json::from_str(json).map_err(malformed)?;
        check::check(&packages).map_err(ManifestError::Contradictory)?;
        Ok(packages)
    }

    /// The graphs, each with its package, the shortest first.
    pub fn graphs(&self) -> Vec<(&Package, &Function)> {
        let mut graphs: Vec<_> = self
            .packages
            .iter()
            .flat_map(|package| package.functions.iter().map(move |function| (package, function)))
            .collect();
        graphs.sort_by_key(|(_, function)| function.tokens);
        graphs
    }

    /// The files of all packages, by their paths in the model's folder.
    pub(crate) fn package_files(&self) -> impl Iterator<Item = ModelFile> {
        self.packages.iter().flat_map(|package| {
            package
                .files
                .iter()
                .map(|file| ModelFile { path: format!("{}/{}", package.path, file.path), ..file.clone() })
        })
    }

    /// The tokenizer beside the packages.
    pub(crate) fn tokenizer(&self) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.path == TOKENIZER)
    }

    /// The manifest of the model, whose own file is `coreml.json` as `own` describes it; `None` without a tokenizer.
    pub(crate) fn manifest(&self, own: ModelFile) -> Option<Manifest> {
        Some(Manifest {
            schema: Manifest::SCHEMA,
            id: self.id.clone(),
            name: self.name.clone(),
            license: self.license.clone(),
            source: self.source.clone(),
            languages: self.languages.clone(),
            weights: Some(self.weights.clone()),
            hashes: HashOrigin::Recorded,
            model: own,
            data: Vec::new(),
            tokenizer: self.tokenizer()?.clone(),
            recipe: self.recipe.clone(),
        })
    }

    /// The packages of the model in `folder`, if it is one for Core ML.
    pub(crate) fn of(folder: &Path, manifest: &Manifest) -> Result<Option<Self>, ModelError> {
        if manifest.model.path != CORE_ML {
            return Ok(None);
        }
        let (packages, _) = Self::read(folder)?;
        let told = (&manifest.recipe, manifest.weights.as_ref());
        if told != (&packages.recipe, Some(&packages.weights)) {
            let reason = format!("{MANIFEST} and {CORE_ML} are of different models: import it again");
            let source = ManifestError::Contradictory(reason);
            return Err(ModelError::Manifest { path: folder.join(CORE_ML), source });
        }
        Ok(Some(packages))
    }

    /// Reads `coreml.json` in `folder`, and says what file it is.
    pub(crate) fn read(folder: &Path) -> Result<(Self, ModelFile), ModelError> {
        use sha2::Digest;
        let path = folder.join(CORE_ML);
        let json = match fs::read_to_string(&path) {
            Ok(json) => json,
            Err(error) if absent(&error) => return Err(ModelError::Missing { path }),
            Err(source) => return Err(ModelError::Io { path, source }),
        };
        let sha256 = hex(sha2::Sha256::new_with_prefix(&json));
        let file = ModelFile { path: CORE_ML.to_owned(), bytes: json.len() as u64, sha256 };
        let packages = Self::from_json(&json).map_err(|source| ModelError::Manifest { path, source })?;
        Ok((packages, file))
    }
}

#[cfg(test)]
mod tests;
