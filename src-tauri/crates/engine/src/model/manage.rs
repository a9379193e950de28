//! What a person does with models: look at them, fetch, verify, use, remove them.

use std::path::{Path, PathBuf};

use papr_memory::ports::{SpaceInfo, Store};
use papr_memory::{CancelToken, HashOrigin};
use papr_models::{Catalog, CatalogEntry, Found, InstalledModel, ModelSource, RunsOn};
use serde::{Deserialize, Serialize};

use super::check::ModelCheck;
use super::forms::ModelForms;
use super::shelf::{self, BUILT_IN};
use crate::downloads::Download;
use crate::{Code, Engine, Error, Problem};

/// A model that is there, or that could be.
#[allow(clippy::struct_excessive_bools)] // facts that do not depend on each other
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// A short stable name.
    pub id: String,
    /// The name people know it by.
    pub name: String,
    /// One line on what it is good for.
    pub summary: String,
    /// SPDX expression, or the name of its terms.
    pub license: String,
    /// Where the terms can be read.
    pub license_url: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// BCP 47 tags of the languages it was made for.
    pub languages: Vec<String>,
    /// The length of its vectors.
    pub dims: u16,
    /// Tokens of a text that it reads.
    pub max_tokens: u32,
    /// The arithmetic of its weights.
    pub precision: String,
    /// The name of its space, of an installed model.
    pub fingerprint: Option<String>,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Whether that is an estimate.
    pub approximate: bool,
    /// An estimate of the memory it takes while it works, in bytes.
    pub memory_bytes: Option<u64>,
    /// What can run it.
    pub runs_on: Vec<RunsOn>,
    /// Why it cannot be used, where nothing in this version can run it.
    pub disabled: Option<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Whether its hashes were known beforehand, or are recorded at the first install.
    pub hashes: HashOrigin,
    /// Whether it comes with the app.
    pub built_in: bool,
    /// Whether it can be used now.
    pub installed: bool,
    /// Why the files that are there cannot be used.
    pub problem: Option<Problem>,
    /// Whether searches use it.
    pub serving: bool,
    /// Whether it was chosen to serve.
    pub chosen: bool,
    /// How far its download is.
    pub download: Option<Download>,
}

impl Engine {
    /// All models: those that are there, and those that could be, in the order of the catalogue.
    pub fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        let catalog = Catalog::built_in()?;
        let found = shelf::all(&self.shared);
        let mut models: Vec<ModelInfo> = catalog
            .entries()
            .iter()
            .map(|entry| {
                let here = found.iter().find(|found| id_of(found).as_deref() == Some(&entry.id));
                self.with_state(of_entry(entry), here, &found)
            })
            .collect();
        for here in &found {
            if let Found::Model(model) = here
                && catalog.get(&model.manifest().id).is_none()
            {
                models.push(self.with_state(of_folder(model), Some(here), &found));
            }
        }
        Ok(models)
    }

    /// One of them.
    pub fn model(&self, id: &str) -> Result<ModelInfo, Error> {
        let mut models = self.models()?;
        let at = models
            .iter()
            .position(|model| model.id == id)
            .ok_or_else(|| Error::UnknownModel(id.to_owned()))?;
        Ok(models.swap_remove(at))
    }

    fn with_state(&self, mut info: ModelInfo, here: Option<&Found>, found: &[Found]) -> ModelInfo {
        let status = self.shared.status.borrow();
        info.serving = status.model.id.as_deref() == Some(&info.id);
        info.download = status.downloads.iter().find(|download| download.model == info.id).cloned();
        drop(status);
        let settings = self.shared.settings();
        info.chosen = settings.model.as_deref().unwrap_or(BUILT_IN) == info.id;
        drop(settings);
        match here {
            Some(Found::Model(model)) => {
                let forms = ModelForms::among(found, model);
                info.disabled = info.disabled.or_else(|| forms.obstacle());
                info.notes.extend(forms.note());
                let manifest = model.manifest();
                info.installed = true;
                info.hashes = manifest.hashes;
                info.fingerprint = Some(manifest.space().fingerprint.as_str().to_owned());
                info.bytes = model.bytes();
                info.approximate = false;
            }
            Some(Found::Broken { problem, .. }) => {
                info.problem = Some(Problem { code: Code::Checksum, ..Problem::told(problem.to_string()) });
            }
            _ => {}
        }
        info
    }

    /// Makes this model the one that is searched with. It serves once all memories have its vectors; until then
    /// the one before does. Choosing the one that serves ends a change that is under way.
    ///
    /// # Errors
    /// [`Error::NoModel`] if it is not installed, [`Error::Model`] if its files cannot be used.
    pub fn use_model(&self, id: &str) -> Result<(), Error> {
        if let Some(disabled) = Catalog::built_in()?.get(id).and_then(|entry| entry.disabled.as_ref()) {
            return Err(Error::ModelDisabled { id: id.to_owned(), reason: disabled.reason.clone() });
        }
        let installed = shelf::find(&self.shared, id)?;
        if let Some(reason) = ModelForms::of(&self.shared, &installed).obstacle() {
            return Err(Error::ModelDisabled { id: id.to_owned(), reason });
        }
        self.shared.change_settings(|settings| {
            settings.model = Some(id.to_owned()).filter(|id| id != BUILT_IN);
            settings.switch_paused = false;
        })?;
        self.shared.queue.pause(false);
        self.shared.queue.choose();
        Ok(())
    }

    /// Holds a change of model, also over restarts, or lets it go on.
    pub fn pause_switch(&self, paused: bool) -> Result<(), Error> {
        self.shared.change_settings(|settings| settings.switch_paused = paused)?;
        self.shared.queue.pause(paused);
        self.shared.publish(|status| {
            if let Some(switch) = &mut status.switch {
                switch.paused = paused;
            }
        });
        Ok(())
    }

    /// The spaces that there are vectors of, with their sizes.
    pub fn spaces(&self) -> Result<Vec<SpaceInfo>, Error> {
        Ok(self.shared.store.spaces()?)
    }

    /// Compares every byte of an installed model with what its manifest says.
    /// [`Engine::check_model`] looks at its vectors, too.
    pub fn verify_model(&self, id: &str, cancel: &CancelToken) -> Result<ModelCheck, Error> {
        let installed = shelf::find(&self.shared, id)?;
        installed.verify(cancel)?;
        Ok(ModelCheck::of_bytes(id, installed.bytes()))
    }

    /// Deletes a model a person installed; returns the bytes that are free again.
    ///
    /// # Errors
    /// [`Error::ModelInUse`] for the one that serves or was chosen, and for one that comes with the app.
    pub fn remove_model(&self, id: &str) -> Result<u64, Error> {
        let info = self.model(id)?;
        let reason = if info.serving || self.runs_now(id) {
            Some("searches use it: choose another model first")
        } else if info.chosen {
            Some("it was chosen to serve: choose another model first")
        } else if info.built_in {
            Some("it comes with the app")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Error::ModelInUse { id: id.to_owned(), reason: reason.to_owned() });
        }
        Ok(papr_models::remove(id, &shelf::folder(&self.shared))?)
    }

    /// Takes a model from a folder or file on this machine; returns its id. A folder without a manifest needs
    /// the id of the catalogue's entry whose files it holds.
    pub fn import_model(&self, path: &Path, id: Option<&str>, cancel: &CancelToken) -> Result<String, Error> {
        let catalog = Catalog::built_in()?;
        let unknown = |id: &str| Error::UnknownModel(id.to_owned());
        let entry = id.map(|id| catalog.get(id).ok_or_else(|| unknown(id))).transpose()?;
        let model = papr_models::import(path, entry, &shelf::folder(&self.shared), &|_| {}, cancel)?;
        // It may be another form of the model that serves, and faster.
        self.shared.queue.choose();
        Ok(model.manifest().id.clone())
    }

    /// Whether searches run the files of this model, though they may be told by the name of its other form.
    fn runs_now(&self, id: &str) -> bool {
        self.shared.model.serving().is_some_and(|serving| {
            let runs = serving.devices.forms.on(serving.embedder.report().device);
            runs.is_some_and(|model| model.manifest().id == id)
        })
    }

    /// Deletes what Core ML compiled, behind ONNX Runtime and beside packages; returns the bytes that are free again.
    /// It is compiled again when a model is loaded there.
    pub fn clear_core_ml_cache(&self) -> Result<u64, Error> {
        let path = self.shared.core_ml_cache();
        let mut freed =
            papr_embed::remove_old_caches(&path, "", &[]).map_err(|source| Error::File { path, source })?;
        for found in shelf::all(&self.shared) {
            let Found::Model(model) = found else { continue };
            if model.core_ml().is_some() {
                let path = model.folder().to_owned();
                freed +=
                    papr_embed::remove_stale(&path, &[]).map_err(|source| Error::File { path, source })?;
            }
        }
        Ok(freed)
    }

    /// Where a model's files are, or would be.
    pub fn models_folder(&self) -> PathBuf {
        shelf::folder(&self.shared)
    }
}

fn id_of(found: &Found) -> Option<String> {
    match found {
        Found::Model(model) => Some(model.manifest().id.clone()),
        Found::Broken { folder, .. } => Some(shelf::name(folder)),
        Found::Unavailable { .. } => None,
    }
}

fn of_entry(entry: &CatalogEntry) -> ModelInfo {
    let source = match &entry.source {
        ModelSource::BuiltIn => "with the app".to_owned(),
        ModelSource::Hub(hub) => format!("huggingface.co/{}", hub.repo),
        ModelSource::Weights { repo, .. } => format!("huggingface.co/{repo}"),
    };
    ModelInfo {
        id: entry.id.clone(),
        name: entry.name.clone(),
        summary: entry.summary.clone(),
        license: entry.license.name.clone().unwrap_or_else(|| entry.license.spdx.clone()),
        license_url: Some(entry.license.url.clone()),
        source,
        languages: entry.languages.clone(),
        dims: entry.recipe.dims.into(),
        max_tokens: entry.recipe.max_tokens,
        precision: entry.recipe.precision.to_string(),
        fingerprint: None,
        bytes: entry.size.bytes,
        approximate: entry.size.approximate,
        memory_bytes: Some(entry.memory_bytes),
        runs_on: entry.runs_on.clone(),
        disabled: entry.disabled.as_ref().map(|disabled| disabled.reason.clone()),
        notes: entry.notes.clone(),
        hashes: entry.hashes(),
        built_in: entry.source == ModelSource::BuiltIn,
        installed: false,
        problem: None,
        serving: false,
        chosen: false,
        download: None,
    }
}

/// A model that was imported and that the catalogue does not know.
fn of_folder(model: &InstalledModel) -> ModelInfo {
    let manifest = model.manifest();
    let runs_on = model.core_ml().map_or_else(|| vec![RunsOn::Cpu], |packages| packages.runs_on.clone());
    ModelInfo {
        id: manifest.id.clone(),
        name: manifest.name.clone(),
        summary: String::new(),
        license: manifest.license.clone(),
        license_url: None,
        source: manifest.source.clone(),
        languages: manifest.languages.clone(),
        dims: manifest.recipe.dims.into(),
        max_tokens: manifest.recipe.max_tokens,
        precision: manifest.recipe.precision.to_string(),
        fingerprint: None,
        bytes: 0,
        approximate: false,
        memory_bytes: None,
        runs_on,
        disabled: None,
        notes: Vec::new(),
        hashes: manifest.hashes,
        built_in: false,
        installed: true,
        problem: None,
        serving: false,
        chosen: false,
        download: None,
    }
}
