//! A model from its files to work: every byte compared, the device chosen, loaded, run once.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use papr_embed::{Device, DeviceChoice, EmbedOptions, Listener, ModelEmbedder, remove_old_caches, trial};
use papr_memory::ports::{EmbedError, Store};
use papr_models::{InstalledModel, ModelError};

use super::devices::{Devices, device_choice, note_name};
use super::forms::ModelForms;
use super::{Serving, describe, wanted};
use crate::engine::Shared;
use crate::{Error, ModelState};

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
    pub(super) fn chosen(shared: &Shared) -> Result<Self, Error> {
        Ok(Self { device: device_choice(shared)?, unload_minutes: shared.settings().unload_minutes })
    }

    fn unload_after(self) -> Option<Duration> {
        (self.unload_minutes > 0).then(|| Duration::from_secs(60 * u64::from(self.unload_minutes)))
    }
}

/// Loads a model again if it is to be run in another way by now, if another form of it was chosen, or if one came or
/// went; none if it runs as it should.
pub(crate) fn load_anew(shared: &Shared, serving: &Serving) -> Result<Option<Serving>, Error> {
    let chosen = wanted(shared).ok().filter(|wanted| wanted.manifest().space() == serving.manifest().space());
    let installed = chosen.as_ref().unwrap_or(&serving.installed);
    let same = Way::chosen(shared)? == serving.way
        && installed.manifest().id == serving.manifest().id
        && ModelForms::of(shared, installed) == serving.devices.forms;
    if same { Ok(None) } else { load(shared, installed).map(Some) }
}

/// Checks every byte of a model, loads it on the device that is known to be best, and runs it once. Where that is
/// not known yet, see [`try_devices`].
pub(crate) fn load(shared: &Shared, installed: &InstalledModel) -> Result<Serving, Error> {
    load_by(shared, installed, load_best)
}

/// The same for this very form of a model, to be looked at: with Core ML's compute plan.
pub(super) fn load_form(shared: &Shared, installed: &InstalledModel) -> Result<Serving, Error> {
    load_by(shared, installed, |shared, devices, way| {
        let device = devices.for_form(installed);
        load_checked(shared, devices, way, device, device == Device::CoreMlNative)
    })
}

fn load_by(
    shared: &Shared,
    installed: &InstalledModel,
    load: impl FnOnce(&Shared, &mut Devices, Way) -> Result<ModelEmbedder, Error>,
) -> Result<Serving, Error> {
    let started = Instant::now();
    shared.publish(|status| {
        if status.model.state == ModelState::Loading {
            describe(&mut status.model, installed.manifest());
        }
    });
    let way = Way::chosen(shared)?;
    if way.device == DeviceChoice::Off {
        return Err(Error::SwitchedOff);
    }
    let mut devices = Devices::of(shared, installed, way.device)?;
    let embedder = load(shared, &mut devices, way)?;
    embedder.warm_up()?;
    let load_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    Ok(Serving { installed: installed.clone(), embedder: Arc::new(embedder), devices, way, load_ms })
}

/// Loads on the best device; if that one cannot be loaded any more, on what needs no trial, and it is tried anew.
fn load_best(shared: &Shared, devices: &mut Devices, way: Way) -> Result<ModelEmbedder, Error> {
    let best = devices.best();
    match load_checked(shared, devices, way, best, devices.wants_plan(best)) {
        Err(error) if best != devices.untried => {
            tracing::warn!(%error, device = %best, instead = %devices.untried, "the device that won cannot be loaded");
            shared.store.set_note(&note_name(&devices.key), None)?;
            devices.trial = None;
            load_checked(shared, devices, way, devices.untried, devices.wants_plan(devices.untried))
        }
        loaded => loaded,
    }
}

/// Checks every byte of what a device runs, and loads it there. Either takes a processor for a fraction of a second;
/// nothing is made with the model before both are done.
fn load_checked(
    shared: &Shared,
    devices: &Devices,
    way: Way,
    device: Device,
    profile: bool,
) -> Result<ModelEmbedder, Error> {
    let (verified, loaded) = thread::scope(|scope| {
        let verifying =
            scope.spawn(|| devices.forms.on(device).map_or(Ok(()), |model| model.verify(&shared.stop)));
        let loaded = load_on(shared, devices, way, device, profile);
        (verifying.join(), loaded)
    });
    verified.map_err(|_| Error::Thread(io::Error::other("checking the model's files stopped")))??;
    Ok(loaded?)
}

/// Finds out which device gives right vectors fastest, and goes over to it. The result is kept until the
/// machine, the model or the runtime changes.
pub(crate) fn try_devices(shared: &Shared, serving: &mut Serving) -> Result<(), Error> {
    let (devices, way) = (&serving.devices, serving.way);
    let now = serving.embedder.report().device;
    let folder = |device| devices.forms.on(device).map(InstalledModel::folder);
    let load = |device| {
        if let Some(other) = devices.forms.on(device).filter(|_| folder(device) != folder(now)) {
            let damaged = |error| match error {
                ModelError::Cancelled(cancelled) => EmbedError::Cancelled(cancelled),
                error => EmbedError::Model(error.to_string()),
            };
            other.verify(&shared.stop).map_err(damaged)?;
        }
        load_on(shared, devices, way, device, true)
    };
    let key = &devices.key;
    let (found, embedder) = trial(key.clone(), &devices.candidates, &TRIED_WITH, load, &shared.stop)?;
    shared.store.set_note(&note_name(key), Some(&serde_json::to_vec(&found).unwrap_or_default()))?;
    if found.winner == Device::CoreMl {
        let models = [serving.manifest().model.sha256.as_str()];
        if let Err(error) = remove_old_caches(&shared.core_ml_cache(), &key.runtime, &models) {
            tracing::warn!(%error, "old compilations could not be removed");
        }
    }
    if (found.winner, now) != (Device::Cpu, Device::Cpu) {
        serving.embedder = Arc::new(embedder);
    }
    serving.devices.trial = Some(found);
    Ok(())
}

/// Loads it on this device, without a look at its bytes.
pub(super) fn load_on(
    shared: &Shared,
    devices: &Devices,
    way: Way,
    device: Device,
    profile: bool,
) -> Result<ModelEmbedder, EmbedError> {
    let options = EmbedOptions {
        cache: Some(shared.core_ml_cache()),
        profile,
        unload_after: way.unload_after(),
        listener: Some(listener(shared, devices.key.fingerprint.clone())),
        ..EmbedOptions::on(device)
    };
    devices.forms.load(shared, &options)
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
