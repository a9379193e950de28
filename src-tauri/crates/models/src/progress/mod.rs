//! One progress for a whole model, however many files are fetched at a time.

mod speed;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use speed::Speed;

/// The longest silence while something moves, and the shortest time between two reports of one phase.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Sizes are asked for and compared with the disk.
    CheckingSpace,
    /// Files come over the network, or from a folder on this machine.
    Downloading,
    /// What is on the disk is compared with its SHA-256.
    Verifying,
    /// The manifest is written and the folder put in its place.
    Installing,
}

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes of this phase that are done, those of an earlier attempt included.
    pub bytes_done: u64,
    /// Bytes of the whole model; an estimate until the hub has told, never less than `bytes_done`.
    pub bytes_total: u64,
    /// Smoothed speed in bytes a second; `None` until it is stable.
    pub bytes_per_second: Option<u64>,
    /// How long this phase will still take; `None` until that is stable.
    pub remaining: Option<Duration>,
}

/// Receives reports: at most ten a second and one at each change of phase, in their order, on the threads that
/// do the work. It must not block.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Sync);

struct State {
    phase: Phase,
    /// A file's size, as far as it is known, and its bytes that are done.
    files: Vec<(Option<u64>, u64)>,
    estimate: u64,
    speed: Speed,
    reported: Option<Instant>,
}

/// Adds up the files and reports.
pub(crate) struct Meter<'a> {
    report: OnProgress<'a>,
    begin: Instant,
    state: Mutex<State>,
}

impl<'a> Meter<'a> {
    /// A meter over so many files that are `estimate` bytes together.
    pub(crate) fn new(report: OnProgress<'a>, files: usize, estimate: u64) -> Self {
        let state = State {
            phase: Phase::CheckingSpace,
            files: vec![(None, 0); files],
            estimate,
            speed: Speed::default(),
            reported: None,
        };
        Self { report, begin: Instant::now(), state: Mutex::new(state) }
    }

    /// Begins a phase; the files count from `done` on.
    pub(crate) fn enter(&self, phase: Phase, done: impl Fn(usize) -> u64) {
        let mut state = self.lock();
        state.phase = phase;
        state.speed = Speed::default();
        for (index, file) in state.files.iter_mut().enumerate() {
            file.1 = done(index);
        }
        self.tell(&mut state);
    }

    /// The size of a file became known.
    pub(crate) fn size(&self, file: usize, bytes: Option<u64>) {
        if let Some(entry) = self.lock().files.get_mut(file) {
            entry.0 = bytes;
        }
    }

    /// So many bytes of a file are done. Fewer than before mean that it began again.
    pub(crate) fn done(&self, file: usize, bytes: u64) {
        let mut state = self.lock();
        if let Some(entry) = state.files.get_mut(file) {
            entry.1 = bytes;
        }
        if state.reported.is_none_or(|reported| reported.elapsed() >= REPORT_EVERY) {
            self.tell(&mut state);
        }
    }

    /// The state is held while the report is made, so that reports come in their order.
    fn tell(&self, state: &mut State) {
        let done = state.files.iter().map(|file| file.1).sum::<u64>();
        let known: Option<u64> = state.files.iter().map(|file| file.0).sum();
        let total = known.unwrap_or(state.estimate).max(done);
        state.speed.observe(self.begin.elapsed(), done);
        let speed = state.speed.bytes_per_second();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "finite and not negative"
        )]
        let bytes_per_second = speed.map(|speed| speed as u64);
        state.reported = Some(Instant::now());
        (self.report)(Progress {
            phase: state.phase,
            bytes_done: done,
            bytes_total: total,
            bytes_per_second,
            remaining: state.speed.time_for(total - done),
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters stay usable, whatever happened to the thread that held them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
