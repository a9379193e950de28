//! Keeps a backend at hand: loads it when it is needed, replaces it by the CPU's when it fails, drops it when
//! nothing was asked for a while.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use papr_memory::ports::EmbedError;
use papr_memory::{Dims, Vector};
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::interrupt::Interrupt;
use crate::{Device, Report, raw};

/// Where an embedder's sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In memory.
    Loaded,
    /// On their way there.
    Loading,
    /// Dropped after a while without work; the next call loads them.
    Unloaded,
}

/// Is told each change of an embedder: its state and what is known of it then. Called on the embedder's own
/// thread, between runs: it must not wait for anything, least of all for the embedder.
#[derive(Clone)]
pub struct Listener(Arc<Tell>);

type Tell = dyn Fn(State, &Report) + Send + Sync;

impl Listener {
    /// Tells `tell`.
    pub fn new(tell: impl Fn(State, &Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// What others may see of a [`Runner`] on its thread.
#[derive(Debug)]
pub(crate) struct Watch {
    now: Mutex<(State, Report)>,
    listener: Option<Listener>,
}

impl Watch {
    pub(crate) fn new(report: Report, listener: Option<Listener>) -> Self {
        Self { now: Mutex::new((State::Loaded, report)), listener }
    }

    pub(crate) fn state(&self) -> State {
        self.lock().0
    }

    pub(crate) fn report(&self) -> Report {
        self.lock().1.clone()
    }

    pub(crate) fn device(&self) -> Device {
        self.lock().1.device
    }

    /// Changes what is seen and tells it.
    fn change(&self, change: impl FnOnce(&mut State, &mut Report)) {
        let (state, report) = {
            let mut now = self.lock();
            let (state, report) = &mut *now;
            change(state, report);
            (*state, report.clone())
        };
        if let Some(Listener(tell)) = &self.listener {
            tell(state, &report);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (State, Report)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a backend for a device.
pub(crate) type Load = Box<dyn FnMut(Device) -> Result<Box<dyn Backend>, EmbedError> + Send>;

/// A backend and how to have it again.
pub(crate) struct Runner {
    load: Load,
    device: Device,
    dims: Dims,
    backend: Option<Box<dyn Backend>>,
    watch: Arc<Watch>,
}

impl Runner {
    /// Loads the backend of `device`; its vectors have `dims` numbers.
    pub(crate) fn new(
        mut load: Load,
        device: Device,
        dims: Dims,
        listener: Option<Listener>,
    ) -> Result<Self, EmbedError> {
        let backend = load(device)?;
        let watch = Arc::new(Watch::new(backend.report(), listener));
        Ok(Self { load, device, dims, backend: Some(backend), watch })
    }

    pub(crate) fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.watch)
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.backend.is_some()
    }

    /// Drops the backend. The next run loads it again.
    pub(crate) fn unload(&mut self) {
        if self.backend.take().is_some() {
            raw::release_freed_memory();
            tracing::info!("the model is unloaded: nothing was embedded for a while");
            self.watch.change(|state, report| {
                *state = State::Unloaded;
                report.memory_bytes = 0;
            });
        }
    }

    /// As [`Backend::run`]. A device that fails, or makes what is no vector, is given up for the CPU, which
    /// runs the same texts again; that happens once.
    pub(crate) fn run(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let reason = match self.attempt(texts, tokens, interrupt) {
            Ok(vectors) => match self.fault(&vectors) {
                None => return Ok(vectors),
                Some(fault) => fault,
            },
            Err(error @ EmbedError::Cancelled(_)) => return Err(error),
            Err(error) if self.device == Device::Cpu => return Err(error),
            Err(error) => error.to_string(),
        };
        tracing::warn!(device = %self.device, reason, "the CPU takes over");
        self.backend = None;
        self.device = Device::Cpu;
        self.watch.change(|_, report| report.fallback = Some(reason));
        self.attempt(texts, tokens, interrupt)
    }

    fn attempt(
        &mut self,
        texts: &[&[u32]],
        tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let backend = match &mut self.backend {
            Some(backend) => backend,
            empty => {
                self.watch.change(|state, _| *state = State::Loading);
                let loaded = (self.load)(self.device);
                let backend = match loaded {
                    Ok(backend) => empty.insert(backend),
                    Err(error) => {
                        self.watch.change(|state, _| *state = State::Unloaded);
                        return Err(error);
                    }
                };
                let report = backend.report();
                self.watch.change(|state, seen| {
                    *state = State::Loaded;
                    *seen = Report { fallback: seen.fallback.take(), ..report };
                });
                backend
            }
        };
        let before = backend.report().memory_bytes;
        let vectors = backend.run(texts, tokens, interrupt);
        let report = backend.report();
        if report.memory_bytes != before {
            self.watch.change(|_, seen| *seen = Report { fallback: seen.fallback.take(), ..report });
        }
        vectors
    }

    /// What is wrong with what a device other than the CPU made.
    fn fault(&self, vectors: &[Vec<f32>]) -> Option<String> {
        if self.device == Device::Cpu {
            return None;
        }
        vectors
            .iter()
            .find_map(|vector| Vector::new(vector.clone(), self.dims).err())
            .map(|error| error.to_string())
    }
}

#[cfg(test)]
pub(crate) mod tests;
