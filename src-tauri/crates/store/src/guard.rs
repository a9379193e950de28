//! Calls into sled, with its panics turned into errors.
//!
//! sled 0.34 panics where it meets files that are not as it left them: at opening, and later when a page is
//! read. Every call into it goes through [`quietly`]. A panic on one of sled's own threads cannot be caught
//! here; it reaches us as an error of the call that waited for it.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use papr_memory::ports::StoreError;
use sled::IVec;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Puts one hook before the process's panic hook that says nothing while this thread is in [`quietly`].
/// Every other panic goes on to the hook that was there.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                previous(info);
            }
        }));
    });
}

/// Runs `call`; a panic in it prints nothing and becomes [`StoreError::Damaged`] with the panic's message.
pub(crate) fn quietly<T>(call: impl FnOnce() -> T) -> Result<T, StoreError> {
    install_hook();
    let before = QUIET.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    outcome.map_err(|payload| StoreError::Damaged {
        what: "the database gave up on what it found in its files".to_owned(),
        source: Some(message(payload.as_ref()).into()),
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// What sled's error means to the port: trouble with the system is `Io`, all else is damage.
///
/// sled also dresses up torn files as I/O errors; those carry no code of the system's.
pub(crate) fn from_sled(path: &Path, error: sled::Error) -> StoreError {
    let of_the_system = |source: &io::Error| {
        let damage = [ErrorKind::UnexpectedEof, ErrorKind::InvalidData, ErrorKind::Other];
        source.raw_os_error().is_some() || !damage.contains(&source.kind())
    };
    match error {
        sled::Error::Io(source) if of_the_system(&source) => StoreError::Io { path: path.to_owned(), source },
        error => StoreError::Damaged {
            what: format!("the database in {} cannot be read", path.display()),
            source: Some(error.into()),
        },
    }
}

/// The entries of a part of a tree, in the order of keys; ends after the first error.
pub(crate) struct Scan<'a> {
    entries: sled::Iter,
    path: &'a Path,
    failed: bool,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(entries: sled::Iter, path: &'a Path) -> Self {
        Self { entries, path, failed: false }
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<(IVec, IVec), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = match quietly(|| self.entries.next()) {
            Ok(None) => return None,
            Ok(Some(Ok(entry))) => Ok(entry),
            Ok(Some(Err(error))) => Err(from_sled(self.path, error)),
            Err(error) => Err(error),
        };
        self.failed = next.is_err();
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = quietly(|| panic!("page {} is torn", 7)).unwrap_err();
        let StoreError::Damaged { source: Some(source), .. } = error else { panic!("not damage: {error}") };
        assert_eq!(source.to_string(), "page 7 is torn");
        assert_eq!(quietly(|| 3).unwrap(), 3, "and the thread goes on as before");
        assert!(!QUIET.get(), "panics outside are heard again");
    }
}
