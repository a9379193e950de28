//! In which forms a model is there: an ONNX graph, packages for Core ML, or both, installed beside each other.

use papr_embed::{
    Candidates, Device, DeviceChoice, EmbedOptions, FixedGraph, Forms, ModelEmbedder, Need, Platform,
    candidates_of,
};
use papr_memory::ports::EmbedError;
use papr_models::{CoreMl, Found, InstalledModel};

use super::shelf;
use crate::engine::Shared;

/// The forms of one model, at least one: of the same weights and recipe, they serve one space.
#[derive(Clone, Debug)]
pub(crate) struct ModelForms {
    onnx: Option<InstalledModel>,
    core_ml: Option<InstalledModel>,
}

impl ModelForms {
    /// An installed model, with its other form if that is installed too.
    pub(crate) fn of(shared: &Shared, installed: &InstalledModel) -> Self {
        Self::among(&shelf::all(shared), installed)
    }

    /// The same, where it is known what is installed.
    pub(crate) fn among(found: &[Found], installed: &InstalledModel) -> Self {
        let space = installed.manifest().space();
        let other = found.iter().find_map(|found| match found {
            Found::Model(model)
                if model.core_ml().is_some() != installed.core_ml().is_some()
                    && model.manifest().space() == space =>
            {
                Some(model.as_ref().clone())
            }
            _ => None,
        });
        match installed.core_ml() {
            Some(_) => Self { onnx: other, core_ml: Some(installed.clone()) },
            None => Self { onnx: Some(installed.clone()), core_ml: other },
        }
    }

    /// Which forms there are.
    pub(crate) fn there(&self) -> Forms {
        Forms { onnx: self.onnx.is_some(), core_ml: self.core_ml.is_some() }
    }

    /// The ONNX graph, if there is one.
    pub(crate) fn onnx(&self) -> Option<&InstalledModel> {
        self.onnx.as_ref()
    }

    /// The packages, if there are any.
    pub(crate) fn core_ml(&self) -> Option<&InstalledModel> {
        self.core_ml.as_ref()
    }

    /// What `device` runs of it.
    pub(crate) fn on(&self, device: Device) -> Option<&InstalledModel> {
        match device {
            Device::CoreMlNative => self.core_ml.as_ref(),
            Device::Cpu => self.onnx.as_ref().or(self.core_ml.as_ref()),
            Device::CoreMl | Device::Cuda | Device::DirectMl => self.onnx.as_ref(),
        }
    }

    /// What is worth a trial, where ONNX Runtime lists `providers`.
    pub(crate) fn candidates(&self, choice: DeviceChoice, providers: &[String]) -> Candidates {
        let model = self.onnx.as_ref().or(self.core_ml.as_ref());
        let Some(precision) = model.map(|model| model.manifest().recipe.precision) else {
            return Candidates::default();
        };
        candidates_of(self.there(), choice, &Platform::current(), providers, precision)
    }

    /// Why nothing on this machine runs any form of it; none if something does.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let candidates = self.candidates(DeviceChoice::Auto, &[]);
        match candidates.untried(self.there()) {
            Some(_) => None,
            None => Some(why_not(&candidates)),
        }
    }

    /// What to know of two forms, for people: where the packages are, and why they are left out, if they are.
    pub(crate) fn note(&self) -> Option<String> {
        let (Some(_), Some(packages)) = (&self.onnx, &self.core_ml) else { return None };
        let candidates = self.candidates(DeviceChoice::Auto, &[]);
        let left = candidates.left_out.into_iter().find(|left| left.device == Device::CoreMlNative);
        let id = &packages.manifest().id;
        Some(match left {
            Some(left) => format!("{id} is this model for Core ML, which is left out here: {}", left.reason),
            None => format!("{id} is this model for Core ML, which is tried beside ONNX Runtime"),
        })
    }

    /// What a trial takes of memory beside the model that serves, if packages are to be tried: of packages alone one
    /// copy is in memory already, and it is counted because it is not loaded yet when this is asked.
    pub(crate) fn need_of_trial(&self) -> Option<Need> {
        let model = self.core_ml.as_ref()?;
        let largest = model.core_ml()?.packages.iter().map(|package| package.bytes).max()?;
        let Need { total, unswapped } = Need::to_load(largest, model.manifest().recipe.precision);
        let copies = if self.onnx.is_some() { 1 } else { 2 };
        Some(Need { total: total.saturating_mul(copies), unswapped: unswapped.saturating_mul(copies) })
    }

    /// Loads what `options.device` runs.
    pub(crate) fn load(&self, shared: &Shared, options: &EmbedOptions) -> Result<ModelEmbedder, EmbedError> {
        let device = options.device;
        let missing =
            || EmbedError::Model(format!("no form of the model that is installed runs on {device}"));
        let model = self.on(device).ok_or_else(missing)?;
        let (manifest, tokenizer) = (model.manifest(), model.tokenizer_path());
        if let Some(packages) = model.core_ml() {
            return ModelEmbedder::load_core_ml(manifest, graphs(model, packages), &tokenizer, options);
        }
        let library = &shared.resources.runtime_library;
        ModelEmbedder::load(library, manifest, &model.model_path(), &tokenizer, options)
    }
}

/// The same files: another conversion is another form.
impl PartialEq for ModelForms {
    fn eq(&self, other: &Self) -> bool {
        let files = |model: &Option<InstalledModel>| {
            model.as_ref().map(|model| (model.folder().to_owned(), model.manifest().model.sha256.clone()))
        };
        files(&self.onnx) == files(&other.onnx) && files(&self.core_ml) == files(&other.core_ml)
    }
}

/// Why even the processor is not among the candidates.
pub(crate) fn why_not(candidates: &Candidates) -> String {
    let cpu = candidates.left_out.iter().find(|left| left.device == Device::Cpu);
    cpu.map_or_else(|| "nothing here runs it".to_owned(), |left| left.reason.clone())
}

/// The graphs of the packages, with where they lie.
pub(super) fn graphs(model: &InstalledModel, packages: &CoreMl) -> Vec<FixedGraph> {
    let graph = |(package, function): (&papr_models::Package, &papr_models::Function)| FixedGraph {
        tokens: function.tokens,
        package: model.folder().join(&package.path),
        function: function.name.clone(),
        sha256: package.sha256.clone(),
        bytes: package.bytes,
    };
    packages.graphs().into_iter().map(graph).collect()
}
