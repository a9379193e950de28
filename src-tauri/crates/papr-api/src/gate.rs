//! The switch behind "local only".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A switch shared by whoever decides and every client it was given to: while it is closed, a client refuses each
/// call with [`Error::LocalOnly`](crate::Error::LocalOnly) before a name is looked up or a socket opened.
///
/// It is asked before every attempt, so that closing it also ends a call that waits to try again. An attempt that is
/// on its way already goes on; dropping the call's future ends that one too.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// A closed gate.
    pub fn closed() -> Self {
        let gate = Self::new();
        gate.close();
        gate
    }

    /// From now on nothing is sent.
    pub fn close(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Calls may be made again.
    pub fn open(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether calls are refused.
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
