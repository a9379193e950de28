//! The lock of a folder: one store at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use papr_memory::ports::StoreError;

use crate::marker::LOCK;
use crate::open::io_error;

/// The folder's lock, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock of `folder`; `Locked` if somebody holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| io_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
        }
    }
}

/// Closing the file would not be enough: a child process that this one is just starting has a copy of it until
/// it runs its program, and the lock is the copies' in common.
impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the store's lock goes when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn the_lock_is_free_at_once_also_while_other_processes_are_started() {
        let folder = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
                    }
                });
            }
            let failed = (0..20_000).filter(|_| Lock::take(folder.path()).is_err()).count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(failed, 0, "nobody else took it");
        });
        let held = Lock::take(folder.path()).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(StoreError::Locked { .. })), "one holder at a time");
        drop(held);
    }
}
