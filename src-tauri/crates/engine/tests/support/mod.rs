//! Engines for tests: the real store on disk, the real model.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop
#![allow(dead_code)] // each test file uses its part

pub(crate) mod killed;
pub(crate) mod tiny;

use std::path::{Path, PathBuf};

use papr_engine::{Config, Engine, Error, NewMemory, Resources, Status};
use papr_memory::{CancelToken, Memory, Mode, Query, Reply, Tier};
use tempfile::TempDir;

/// What the set-up fetched: the runtime and the model.
pub(crate) fn resources() -> Resources {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor");
    assert!(vendor.join("models").is_dir(), "there is no model: `make test` fetches it");
    Resources::in_folder(&vendor.canonicalize().unwrap())
}

/// Resources without any model.
pub(crate) fn no_resources() -> Resources {
    Resources::in_folder(Path::new("/nowhere"))
}

/// An engine on a folder of its own.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) engine: Option<Engine>,
    resources: Resources,
}

impl Bench {
    /// Everything real, started and ready.
    pub(crate) fn new() -> Self {
        Self::with(resources())
    }

    pub(crate) fn with(resources: Resources) -> Self {
        let mut bench = Self { folder: tempfile::tempdir().unwrap(), engine: None, resources };
        bench.start();
        bench
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&mut self) -> Status {
        let engine = Engine::open(Config::new(self.data(), self.resources.clone())).unwrap();
        engine.start().unwrap();
        let status = engine.wait_ready();
        self.engine = Some(engine);
        status
    }

    /// Closes the engine and opens it again on the same folder.
    pub(crate) fn restart(&mut self) -> Status {
        self.engine = None;
        self.start()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn add(&self, content: &str) -> Memory {
        self.add_to(Tier::Memories, content)
    }

    pub(crate) fn add_to(&self, tier: Tier, content: &str) -> Memory {
        let new = NewMemory { content: content.to_owned(), tier: Some(tier), topics: Vec::new() };
        self.engine().add(new).unwrap()
    }

    /// Waits until everything can be found by meaning.
    pub(crate) fn settle(&self) {
        self.engine().wait_until(|status| status.pending == 0);
    }

    pub(crate) fn search(&self, text: &str, mode: Mode) -> Reply {
        self.try_search(text, 10, None, mode).unwrap()
    }

    pub(crate) fn try_search(
        &self,
        text: &str,
        limit: usize,
        tier: Option<Tier>,
        mode: Mode,
    ) -> Result<Reply, Error> {
        self.engine().search(&Query::new(text, limit, tier, mode)?, &CancelToken::new())
    }
}

/// The contents of the hits, best first.
pub(crate) fn contents(reply: &Reply) -> Vec<&str> {
    reply.hits.iter().map(|hit| hit.memory.content.as_str()).collect()
}
