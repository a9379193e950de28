//! Two reasons to stop: somebody asked, or a file beside this one failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papr_memory::{CancelToken, Cancelled};

/// The longest time between a request to stop and its being seen.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Looked at between two steps of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop<'a> {
    cancel: &'a CancelToken,
    failed: Option<&'a AtomicBool>,
}

impl<'a> Stop<'a> {
    /// Stops when somebody asks.
    pub(crate) fn new(cancel: &'a CancelToken) -> Self {
        Self { cancel, failed: None }
    }

    /// Stops when `failed` is set, too.
    pub(crate) fn or(self, failed: &'a AtomicBool) -> Self {
        Self { failed: Some(failed), ..self }
    }

    /// `Err(Cancelled)` where there is a reason to stop.
    pub(crate) fn check(&self) -> Result<(), Cancelled> {
        if self.failed.is_some_and(|failed| failed.load(Ordering::Relaxed)) {
            return Err(Cancelled);
        }
        self.cancel.check()
    }

    /// Waits, unless there is a reason to stop.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Cancelled> {
        let begin = Instant::now();
        while let Some(left) = time.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) {
            self.check()?;
            thread::sleep(left.min(TICK));
        }
        self.check()
    }
}
