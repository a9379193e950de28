//! The models that are there: those that came with the app, and those a person installed.

use std::path::{Path, PathBuf};

use papr_models::{Found, InstalledModel, ModelsFolder, installed};

use crate::engine::Shared;
use crate::{Error, data};

/// The id of the model that comes with the app.
pub(crate) const BUILT_IN: &str = "all-minilm-l6-v2";

/// The folder of models a person installed: in the data folder, or where they chose.
pub(crate) fn folder(shared: &Shared) -> PathBuf {
    own(shared).path().to_owned()
}

fn own(shared: &Shared) -> ModelsFolder {
    match &shared.settings().models_folder {
        Some(chosen) => ModelsFolder::chosen(chosen),
        None => ModelsFolder::usual(shared.data_folder.join(data::MODELS)),
    }
}

/// Puts right what a process left that was killed while it changed a person's models.
pub(crate) fn tidy(shared: &Shared) {
    if let Err(error) = papr_models::tidy(own(shared).path()) {
        tracing::warn!(%error, "the folder of models could not be put right");
    }
}

/// Every model folder: those that came with the app first, then a person's own.
pub(crate) fn all(shared: &Shared) -> Vec<Found> {
    installed(&[ModelsFolder::usual(shared.resources.models()), own(shared)])
}

/// The model with this id. Of two, the one that came with the app.
pub(crate) fn find(shared: &Shared, id: &str) -> Result<InstalledModel, Error> {
    let mut unavailable = None;
    for found in all(shared) {
        match found {
            Found::Model(model) if model.manifest().id == id => return Ok(*model),
            Found::Broken { folder, problem } if name(&folder) == id => return Err(problem.into()),
            Found::Unavailable { problem, .. } => unavailable = Some(problem),
            _ => {}
        }
    }
    Err(unavailable
        .map_or_else(|| Error::NoModel { id: id.to_owned(), folder: shared.resources.models() }, Error::from))
}

/// The id of a model folder.
pub(crate) fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
