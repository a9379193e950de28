//! Where commands get their engine from: a data folder that is free, or the app that has it open.

use std::cell::Cell;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use papr_engine::{Child, Config, Engine, Resources};
use papr_memory::ports::CredentialStore;

use crate::output::{Failure, Output};

/// The way to an engine.
pub(crate) enum Door<'a> {
    /// A data folder to open.
    Folder {
        path: PathBuf,
        /// Whether it was opened once.
        opened: Cell<bool>,
    },
    /// The app's own engine, in the app's own process.
    Running(&'a Engine),
}

/// An engine while a command uses it.
pub(crate) enum Open<'a> {
    Own(Engine),
    Lent(&'a Engine),
}

impl Deref for Open<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        match self {
            Open::Own(engine) => engine,
            Open::Lent(engine) => engine,
        }
    }
}

impl<'a> Door<'a> {
    /// To a folder that nobody has open, it is hoped.
    pub(crate) fn to_folder(path: PathBuf) -> Self {
        Door::Folder { path, opened: Cell::new(false) }
    }

    /// Whether a folder was opened here. Before that, a command has done nothing.
    pub(crate) fn was_opened(&self) -> bool {
        matches!(self, Door::Folder { opened, .. } if opened.get())
    }

    /// An engine for one command: of its own accord it does not reach Papr for it.
    pub(crate) fn open(&self, output: &Output) -> Result<Open<'a>, Failure> {
        let engine = self.open_to_stay(output)?;
        // The app's goes on as it did.
        if let Open::Own(engine) = &engine {
            engine.sync_on_demand_only();
        }
        Ok(engine)
    }

    /// An engine that syncs by itself once it is started.
    pub(crate) fn open_to_stay(&self, output: &Output) -> Result<Open<'a>, Failure> {
        let (path, opened) = match self {
            Door::Folder { path, opened } => (path, opened),
            Door::Running(engine) => return Ok(Open::Lent(engine)),
        };
        let engine = Engine::open(config(path.clone()))?;
        if !opened.replace(true)
            && let Some(recovered) = engine.status().recovered
        {
            output.note(&recovered);
        }
        Ok(Open::Own(engine))
    }

    /// After memories were wiped: has the store written anew, until which its log still holds them.
    pub(crate) fn write_anew(&self, engine: Open<'_>, output: &Output) -> Result<(), Failure> {
        match engine {
            Open::Own(engine) => {
                drop(engine);
                drop(self.open(output)?);
            }
            Open::Lent(_) => output.note(
                "On the disk, traces of them stay in the data folder until Papr Desktop is next started.",
            ),
        }
        Ok(())
    }
}

fn config(folder: PathBuf) -> Config {
    Config { child: Child::this_program().ok(), ..Config::new(folder, Resources::find(None)) }
}

/// Where keys are kept.
pub(crate) fn keychain() -> Arc<dyn CredentialStore> {
    config(PathBuf::new()).keychain
}
