//! A model from its files to work: every byte compared, the device chosen, loaded, run once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use papr_embed::{
    Candidates, Device, DeviceChoice, EmbedOptions, LeftOut, Listener, OnnxEmbedder, Platform, Runtime,
    Trial, TrialKey, candidates, remove_old_caches, trial,
};
use papr_memory::ports::{EmbedError, Store};
use papr_models::InstalledModel;

use super::{Serving, describe};
use crate::engine::Shared;
use crate::{Error, ModelState, data};

/// Names a device, before the settings do.
const DEVICE_VARIABLE: &str = "PAPR_DEVICE";

/// Texts that devices are tried with: a word, a question, a paragraph.
const TRIED_WITH: [&str; 3] = [
    "coffee",
    "Who owns the payment service, and since when?",
    "The planning page must answer within two seconds on a slow phone. The team agreed to cache the calendar for \
     five minutes, to load pictures late, and to measure again in spring before anything else is promised.",
];

/// How a person wants models to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    device: DeviceChoice,
    unload_minutes: u32,
}

impl Way {
    /// As it is chosen now: the environment's word on the device, else the settings'.
    fn chosen(shared: &Shared) -> Result<Self, Error> {
        Ok(Self { device: device_choice(shared)?, unload_minutes: shared.settings().unload_minutes })
    }

    fn unload_after(self) -> Option<Duration> {
        (self.unload_minutes > 0).then(|| Duration::from_secs(60 * u64::from(self.unload_minutes)))
    }
}

/// Loads a model again if it is to be run in another way by now; none if it runs as it should.
pub(crate) fn load_anew(shared: &Shared, serving: &Serving) -> Result<Option<Serving>, Error> {
    if Way::chosen(shared)? == serving.way {
        return Ok(None);
    }
    load(shared, &serving.installed).map(Some)
}

/// What may run a model here, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    candidates: Candidates,
    key: TrialKey,
    /// The result of a trial that still holds.
    pub(crate) trial: Option<Trial>,
}

impl Devices {
    /// Of a model on this machine.
    fn of(shared: &Shared, installed: &InstalledModel, choice: DeviceChoice) -> Result<Self, Error> {
        let runtime = Runtime::load(&shared.resources.runtime_library)?;
        let manifest = installed.manifest();
        let (platform, precision) = (Platform::current(), manifest.recipe.precision);
        let candidates = candidates(choice, &platform, &runtime.providers, precision);
        let key = TrialKey::new(manifest, &runtime);
        let note = shared.store.note(&note_name(&key))?;
        let trial: Option<Trial> = note.and_then(|note| serde_json::from_slice(&note).ok());
        let trial = trial.filter(|trial| trial.key == key && candidates.devices.contains(&trial.winner));
        Ok(Self { candidates, key, trial })
    }

    /// The one that was found best, or that was asked for; the CPU while neither is known.
    fn best(&self) -> Device {
        let known = self.trial.as_ref().map(|trial| trial.winner);
        known.unwrap_or(Device::Cpu)
    }

    /// Whether there is something to find out.
    pub(crate) fn wants_trial(&self) -> bool {
        self.trial.is_none() && self.candidates.devices.len() > 1
    }

    /// Those that cannot be used here, each with its reason.
    pub(crate) fn left_out(&self) -> &[LeftOut] {
        &self.candidates.left_out
    }
}

/// Checks every byte of a model, loads it on the device that is known to be best, and runs it once. Where that is
/// not known yet, on the CPU: see [`try_devices`].
pub(crate) fn load(shared: &Shared, installed: &InstalledModel) -> Result<Serving, Error> {
    let started = Instant::now();
    let manifest = installed.manifest();
    shared.publish(|status| {
        if status.model.state == ModelState::Loading {
            describe(&mut status.model, manifest);
        }
    });
    let way = Way::chosen(shared)?;
    if way.device == DeviceChoice::Off {
        return Err(Error::SwitchedOff);
    }
    // Checking the bytes and loading them take a processor each for a fraction of a second; nothing is made
    // with the model before both are done.
    let (verified, loaded) = thread::scope(|scope| {
        let verifying = scope.spawn(|| installed.verify(&shared.stop));
        let loaded = load_best(shared, installed, way);
        (verifying.join(), loaded)
    });
    verified.map_err(|_| Error::Thread(io::Error::other("checking the model's files stopped")))??;
    let (embedder, devices) = loaded?;
    embedder.warm_up()?;
    let load_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(Serving { installed: installed.clone(), embedder: Arc::new(embedder), devices, way, load_ms })
}

/// Loads on the best device; if that one cannot be loaded any more, on the CPU, and it is tried anew.
fn load_best(
    shared: &Shared,
    installed: &InstalledModel,
    way: Way,
) -> Result<(OnnxEmbedder, Devices), Error> {
    let mut devices = Devices::of(shared, installed, way.device)?;
    let best = devices.best();
    match load_on(shared, installed, way, best, false) {
        Err(error) if best != Device::Cpu => {
            tracing::warn!(%error, device = %best, "the device that won cannot be loaded; the CPU does it");
            shared.store.set_note(&note_name(&devices.key), None)?;
            devices.trial = None;
            Ok((load_on(shared, installed, way, Device::Cpu, false)?, devices))
        }
        loaded => Ok((loaded?, devices)),
    }
}

/// Finds out which device gives right vectors fastest, and goes over to it. The result is kept until the
/// machine, the model or the runtime changes.
pub(crate) fn try_devices(shared: &Shared, serving: &mut Serving) -> Result<(), Error> {
    let Devices { candidates, key, .. } = &serving.devices;
    let (installed, way) = (&serving.installed, serving.way);
    let load = |device| load_on(shared, installed, way, device, true);
    let (found, embedder) = trial(key.clone(), candidates, &TRIED_WITH, load, &shared.stop)?;
    shared.store.set_note(&note_name(key), Some(&serde_json::to_vec(&found).unwrap_or_default()))?;
    if found.winner == Device::CoreMl {
        let models = [installed.manifest().model.sha256.as_str()];
        if let Err(error) = remove_old_caches(&shared.core_ml_cache(), &key.runtime, &models) {
            tracing::warn!(%error, "old compilations could not be removed");
        }
    }
    if found.winner != Device::Cpu {
        serving.embedder = Arc::new(embedder);
    }
    serving.devices.trial = Some(found);
    Ok(())
}

fn load_on(
    shared: &Shared,
    installed: &InstalledModel,
    way: Way,
    device: Device,
    profile: bool,
) -> Result<OnnxEmbedder, EmbedError> {
    let options = EmbedOptions {
        cache: Some(shared.core_ml_cache()),
        profile,
        unload_after: way.unload_after(),
        listener: Some(listener(shared, installed.manifest().space().fingerprint.as_str().to_owned())),
        ..EmbedOptions::on(device)
    };
    OnnxEmbedder::load(
        &shared.resources.runtime_library,
        installed.manifest(),
        &installed.model_path(),
        &installed.tokenizer_path(),
        &options,
    )
}

/// Tells the status what happens to the sessions of the model that serves.
fn listener(shared: &Shared, fingerprint: String) -> Listener {
    let status = shared.status.clone();
    Listener::new(move |sessions, report| {
        status.send_if_modified(|status| {
            let serves = status.model.fingerprint.as_ref() == Some(&fingerprint)
                && status.model.state == ModelState::Ready;
            if serves {
                status.model.sessions = Some(sessions);
                status.model.provider = Some(report.device.to_string());
                status.model.report = Some(report.clone());
            }
            serves
        });
    })
}

/// What is to run models: the environment's word, else the settings'.
fn device_choice(shared: &Shared) -> Result<DeviceChoice, Error> {
    match env::var(DEVICE_VARIABLE) {
        Ok(word) => word.parse().map_err(|error: papr_embed::UnknownDevice| Error::Variable {
            name: DEVICE_VARIABLE,
            reason: error.to_string(),
        }),
        Err(_) => Ok(shared.settings().device),
    }
}

fn note_name(key: &TrialKey) -> String {
    format!("trial/{}", key.model_sha256)
}

impl Shared {
    /// Whether a person wants no model to run.
    pub(crate) fn is_switched_off(&self) -> bool {
        device_choice(self).is_ok_and(|choice| choice == DeviceChoice::Off)
    }

    /// Where Core ML's compilations are kept.
    pub(crate) fn core_ml_cache(&self) -> PathBuf {
        self.data_folder.join(data::CACHE).join("coreml")
    }
}
