//! Which devices may run a model here, and what is known of them.

use std::env;
use std::path::PathBuf;

use papr_embed::{
    Candidates, Device, DeviceChoice, LeftOut, Memory, Outcome, Runtime, Trial, TrialKey, Verdict,
};
use papr_memory::ports::Store;
use papr_models::InstalledModel;

use super::forms::{ModelForms, why_not};
use crate::engine::Shared;
use crate::{Error, data};

/// Names a device, before the settings do.
const DEVICE_VARIABLE: &str = "PAPR_DEVICE";
/// What stands for ONNX Runtime in the key of a trial that needs none: the system's version is in it anyway.
const WITHOUT_RUNTIME: &str = "Core ML";

/// What may run a model here, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    pub(crate) forms: ModelForms,
    pub(crate) candidates: Candidates,
    pub(crate) key: TrialKey,
    /// What runs it before anything was tried.
    pub(crate) untried: Device,
    /// The result of a trial that still holds.
    pub(crate) trial: Option<Trial>,
    /// Why none is made, though there is something to try.
    pub(crate) no_trial: Option<String>,
}

impl Devices {
    /// Of a model on this machine.
    ///
    /// # Errors
    /// [`Error::ModelDisabled`] with the reason if nothing here runs it.
    pub(crate) fn of(
        shared: &Shared,
        installed: &InstalledModel,
        choice: DeviceChoice,
    ) -> Result<Self, Error> {
        let forms = ModelForms::of(shared, installed);
        let runtime = match forms.onnx() {
            Some(_) => Some(Runtime::load(&shared.resources.runtime_library)?),
            None => None,
        };
        let providers = runtime.as_ref().map_or(&[][..], |runtime| &runtime.providers);
        let candidates = forms.candidates(choice, providers);
        let Some(untried) = candidates.untried(forms.there()) else {
            return Err(Error::ModelDisabled {
                id: installed.manifest().id.clone(),
                reason: why_not(&candidates),
            });
        };
        let build = runtime.as_ref().map_or(WITHOUT_RUNTIME, |runtime| &runtime.build);
        let key = key(&forms, installed, build);
        let note = shared.store.note(&note_name(&key))?;
        let trial: Option<Trial> = note.and_then(|note| serde_json::from_slice(&note).ok());
        let trial = trial.filter(|trial| trial.key == key && answers(trial, &candidates));
        let no_trial = match trial {
            Some(_) => None,
            None => too_little_memory(&forms, &candidates),
        };
        Ok(Self { forms, candidates, key, untried, trial, no_trial })
    }

    /// The one that was found best, or that was asked for; while neither is known, what runs it untried.
    pub(crate) fn best(&self) -> Device {
        self.trial.as_ref().map_or(self.untried, |trial| trial.winner)
    }

    /// What a look at this very form is made with: packages run as packages, whatever else is there of the model.
    pub(crate) fn for_form(&self, installed: &InstalledModel) -> Device {
        let native = self.candidates.devices.contains(&Device::CoreMlNative);
        if native && installed.core_ml().is_some() { Device::CoreMlNative } else { self.best() }
    }

    /// Whether there is something to find out, and room to do so.
    pub(crate) fn wants_trial(&self) -> bool {
        self.trial.is_none() && self.no_trial.is_none() && self.candidates.devices.len() > 1
    }

    /// Whether Core ML should be asked at this load where it runs each operation: a trial would, but there is none.
    pub(crate) fn wants_plan(&self, device: Device) -> bool {
        device == Device::CoreMlNative && self.no_trial.is_some()
    }

    /// Those that cannot be used here, each with its reason.
    pub(crate) fn left_out(&self) -> &[LeftOut] {
        &self.candidates.left_out
    }
}

/// Whether a trial says which of `candidates` to use: all took part, and the one that was asked for was not passed over
/// because it is slower.
fn answers(trial: &Trial, candidates: &Candidates) -> bool {
    let passed_over = |preferred: Device| {
        trial.winner != preferred
            && trial
                .candidates
                .iter()
                .any(|tried| tried.device == preferred && tried.outcome == Outcome::Slower)
    };
    trial.covers(candidates)
        && candidates.devices.contains(&trial.winner)
        && !candidates.preferred.is_some_and(passed_over)
}

/// Why a trial would push other programs out of memory, if it would.
fn too_little_memory(forms: &ModelForms, candidates: &Candidates) -> Option<String> {
    if !candidates.devices.contains(&Device::CoreMlNative) {
        return None;
    }
    match forms.need_of_trial()?.compare(Memory::now()?) {
        Verdict::Fits => None,
        short => Some(format!("the model would be in memory twice: {short}")),
    }
}

/// What a trial of these forms holds for.
fn key(forms: &ModelForms, installed: &InstalledModel, build: &str) -> TrialKey {
    let mut key = TrialKey::new(forms.onnx().unwrap_or(installed).manifest(), build);
    if let (Some(_), Some(packages)) = (forms.onnx(), forms.core_ml()) {
        key.model_sha256 = format!("{}+{}", key.model_sha256, packages.manifest().model.sha256);
    }
    key
}

/// The note in the store that holds a trial.
pub(crate) fn note_name(key: &TrialKey) -> String {
    format!("trial/{}", key.model_sha256)
}

/// What is to run models: the environment's word, else the settings'.
pub(crate) fn device_choice(shared: &Shared) -> Result<DeviceChoice, Error> {
    match env::var(DEVICE_VARIABLE) {
        Ok(word) => word.parse().map_err(|error: papr_embed::UnknownDevice| Error::Variable {
            name: DEVICE_VARIABLE,
            reason: error.to_string(),
        }),
        Err(_) => Ok(shared.settings().device),
    }
}

impl Shared {
    /// Whether a person wants no model to run.
    pub(crate) fn is_switched_off(&self) -> bool {
        device_choice(self).is_ok_and(|choice| choice == DeviceChoice::Off)
    }

    /// Where ONNX Runtime keeps what Core ML compiled for it.
    pub(crate) fn core_ml_cache(&self) -> PathBuf {
        self.data_folder.join(data::CACHE).join("coreml")
    }
}

#[cfg(test)]
mod tests {
    use papr_embed::Candidate;

    use super::*;

    fn tried(device: Device, outcome: Outcome) -> Candidate {
        Candidate { device, outcome, p50_ms: Some(1.0), load_ms: Some(1.0), min_cosine: Some(1.0) }
    }

    fn trial(winner: Device, candidates: Vec<Candidate>) -> Trial {
        let key = TrialKey {
            machine: "m".to_owned(),
            fingerprint: "f".to_owned(),
            model_sha256: "s".to_owned(),
            runtime: "r".to_owned(),
        };
        Trial { key, winner, candidates, left_out: Vec::new() }
    }

    fn asked(devices: &[Device], preferred: Option<Device>) -> Candidates {
        Candidates { devices: devices.to_vec(), preferred, ..Candidates::default() }
    }

    #[test]
    fn a_trial_answers_while_it_is_of_the_same_question() {
        let slower = tried(Device::CoreMlNative, Outcome::Slower);
        let of_both = trial(Device::Cpu, vec![tried(Device::Cpu, Outcome::Won), slower]);
        let both = [Device::CoreMlNative, Device::Cpu];
        assert!(answers(&of_both, &asked(&both, None)));
        assert!(answers(&of_both, &asked(&[Device::Cpu], None)), "packages that went change nothing");
        let asked_for = asked(&both, Some(Device::CoreMlNative));
        assert!(!answers(&of_both, &asked_for), "it was right and slower, and is asked for by name");
        let wrong = tried(Device::CoreMlNative, Outcome::Refused { reason: "cosine 0.5".to_owned() });
        let refused = trial(Device::Cpu, vec![tried(Device::Cpu, Outcome::Won), wrong]);
        assert!(answers(&refused, &asked_for), "what is wrong is not used, asked for or not");
        let of_one = trial(Device::Cpu, vec![tried(Device::Cpu, Outcome::Won)]);
        assert!(!answers(&of_one, &asked(&both, None)), "packages that came were not tried");
        let gone = trial(Device::CoreMlNative, of_both.candidates.clone());
        assert!(!answers(&gone, &asked(&[Device::Cpu], None)), "what won is not there any more");
    }
}
