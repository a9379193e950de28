//! Reading what a library writes to the standard error output, where it offers no other way.
//!
//! The redirection holds for the whole process while it lasts: what others write meanwhile is held back and
//! written out afterwards, but for the lines that were wanted.

use std::io;

/// Runs `work`; beside its result, the lines of the standard error output that `wanted` picks. If the output
/// cannot be redirected, `work` runs all the same and there are no lines.
#[cfg(unix)]
pub(crate) fn stderr<T>(wanted: fn(&str) -> bool, work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let Ok(mut redirection) = unix::Redirection::start() else { return (work(), Vec::new()) };
    let result = work();
    let text = redirection.stop().unwrap_or_default();
    let (picked, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| wanted(line));
    let mut out = io::stderr().lock();
    for line in rest {
        // Where the standard error output is gone, there is nobody to tell.
        let _ = io::Write::write_all(&mut out, format!("{line}\n").as_bytes());
    }
    (result, picked.into_iter().map(str::to_owned).collect())
}

/// Runs `work`. Nothing is captured on this system.
#[cfg(not(unix))]
pub(crate) fn stderr<T>(_: fn(&str) -> bool, work: impl FnOnce() -> T) -> (T, Vec<String>) {
    (work(), Vec::new())
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::io::{self, Read, Seek};
    use std::os::fd::OwnedFd;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// One redirection at a time.
    static ONE: Mutex<()> = Mutex::new(());

    /// The standard error output goes to a file until this is dropped.
    pub(super) struct Redirection {
        before: OwnedFd,
        file: File,
        _one: MutexGuard<'static, ()>,
    }

    impl Redirection {
        pub(super) fn start() -> io::Result<Self> {
            let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
            let file = unnamed_file()?;
            let before = rustix::io::dup(rustix::stdio::stderr())?;
            rustix::stdio::dup2_stderr(&file)?;
            Ok(Self { before, file, _one: one })
        }

        /// Ends it and gives what was written.
        pub(super) fn stop(&mut self) -> io::Result<String> {
            rustix::stdio::dup2_stderr(&self.before)?;
            let mut bytes = Vec::new();
            self.file.rewind()?;
            self.file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }

    impl Drop for Redirection {
        /// Also when the work panics.
        fn drop(&mut self) {
            let _ = rustix::stdio::dup2_stderr(&self.before);
        }
    }

    /// A file that nobody else can open and that goes with its last handle.
    fn unnamed_file() -> io::Result<File> {
        let path = std::env::temp_dir().join(format!("papr-stderr-{}", std::process::id()));
        let file = File::options().read(true).append(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn takes_the_wanted_lines_and_gives_the_rest_back() {
        // Past the test runner's own capture, as a library in C would write.
        let write = |text: &str| io::stderr().write_all(text.as_bytes()).is_ok();
        let (written, lines) =
            stderr(|line| line.contains("wanted"), || write("a wanted line\nanother\nwanted again"));
        assert!(written);
        assert_eq!(lines, ["a wanted line", "wanted again"]);
        let (_, lines) = stderr(|line| line.contains("later"), || write("later\n"));
        assert_eq!(lines, ["later"], "it works a second time");
    }
}
