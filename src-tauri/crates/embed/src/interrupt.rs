//! Stopping a run that another thread is in the middle of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use papr_memory::Cancelled;

type Stop = Box<dyn Fn() + Send>;

/// Shared between who waits for a call and who runs it.
#[derive(Default)]
pub(crate) struct Interrupt(Mutex<Phase>);

#[derive(Default)]
struct Phase {
    asked: bool,
    /// What stops the run at hand, while there is one.
    stop: Option<Stop>,
}

impl Interrupt {
    /// Stops the run at hand and all that would follow. Returns at once; the run ends as soon as it can.
    pub(crate) fn ask(&self) {
        let mut phase = self.lock();
        phase.asked = true;
        if let Some(stop) = &phase.stop {
            stop();
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.lock().asked
    }

    /// Runs `run`, which `stop` ends early from another thread; not at all if that was asked for before.
    pub(crate) fn during<T>(&self, stop: Stop, run: impl FnOnce() -> T) -> Result<T, Cancelled> {
        {
            let mut phase = self.lock();
            if phase.asked {
                return Err(Cancelled);
            }
            phase.stop = Some(stop);
        }
        let result = run();
        self.lock().stop = None;
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn stops_what_runs_and_nothing_else() {
        let interrupt = Interrupt::default();
        let stops = Arc::new(AtomicUsize::new(0));
        let stop = || {
            let stops = Arc::clone(&stops);
            Box::new(move || {
                stops.fetch_add(1, Ordering::SeqCst);
            })
        };
        assert_eq!(interrupt.during(stop(), || 1), Ok(1));
        assert_eq!(stops.load(Ordering::SeqCst), 0);
        let asked = interrupt.during(stop(), || interrupt.ask());
        assert_eq!((asked, stops.load(Ordering::SeqCst)), (Ok(()), 1));
        interrupt.ask();
        assert_eq!(stops.load(Ordering::SeqCst), 1, "no run, nothing to stop");
        assert_eq!(interrupt.during(stop(), || 2), Err(Cancelled), "what would follow is not begun");
        assert!(interrupt.is_asked());
    }
}
