//! How a fake Papr server is set up.

use std::path::PathBuf;

use crate::faults::Script;
use crate::quota::Limits;
use crate::record::Place;
use crate::wire::Spelling;

/// How a delta tells of deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tombstones {
    /// Not at all, as Papr's own.
    #[default]
    None,
    /// `"deleted": true`
    Deleted,
    /// `"isDeleted": true`
    IsDeleted,
    /// `"action": "delete"`
    Action,
}

/// What a server starts with.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) port: u16,
    pub(crate) keys: Vec<(String, String)>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) script: Script,
    pub(crate) seed: u64,
    pub(crate) memories: usize,
    pub(crate) limits: Limits,
    pub(crate) spelling: Spelling,
    pub(crate) tombstones: Tombstones,
    pub(crate) tiers_cursor: bool,
    pub(crate) new_memories: Place,
    pub(crate) now: Option<i64>,
    pub(crate) control: bool,
    pub(crate) log: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            keys: Vec::new(),
            data: None,
            script: Script::default(),
            seed: 1,
            memories: 0,
            limits: Limits::default(),
            spelling: Spelling::Mixed,
            tombstones: Tombstones::None,
            tiers_cursor: false,
            new_memories: Place::Tier1,
            now: None,
            control: false,
            log: false,
        }
    }
}

impl Options {
    /// No key yet, a free port, no faults, nothing on disk, seed 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A key and the account it opens; several keys may open one account.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>, account: impl Into<String>) -> Self {
        self.keys.push((key.into(), account.into()));
        self
    }

    /// A port of its own; 0 takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Keeps everything accepted in this folder, and begins with what is there.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// What goes wrong from the first request on.
    #[must_use]
    pub fn faults(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// What all choices and ids come from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// So many sample goals and memories in each account that has never held any.
    #[must_use]
    pub fn memories(mut self, count: usize) -> Self {
        self.memories = count;
        self
    }

    /// What each account may spend.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How memories are spelled.
    #[must_use]
    pub fn spelling(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        self
    }

    /// How the delta tells of deletions.
    #[must_use]
    pub fn tombstones(mut self, tombstones: Tombstones) -> Self {
        self.tombstones = tombstones;
        self
    }

    /// Tiers come with the cursor that the delta goes on from; otherwise with `null`, as in Papr's example.
    #[must_use]
    pub fn tiers_cursor(mut self, yes: bool) -> Self {
        self.tiers_cursor = yes;
        self
    }

    /// Where memories that clients add come to stand. Goals (by type or category) always go to tier 0.
    #[must_use]
    pub fn new_memories(mut self, place: Place) -> Self {
        self.new_memories = place;
        self
    }

    /// The clock stands at this millisecond and is moved by hand.
    #[must_use]
    pub fn now(mut self, at: i64) -> Self {
        self.now = Some(at);
        self
    }

    /// Opens the `/_control/…` routes.
    #[must_use]
    pub fn control(mut self, yes: bool) -> Self {
        self.control = yes;
        self
    }

    /// Prints each request to standard error: no content, no key.
    #[must_use]
    pub fn log(mut self, yes: bool) -> Self {
        self.log = yes;
        self
    }
}
