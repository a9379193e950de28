//! The end of it all: what the desktop's side keeps, beside what `papr_engine::erase` deletes.
//!
//! The web view writes into its folders until it ends, and plugins write their files when the app ends. So these go
//! last, when nothing of the app is left but `main`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::door::lock;

/// What has to be typed. A window shows it in its own language and sends this.
pub(crate) const CONFIRMATION: &str = "delete everything";

/// How long what the web view still writes is deleted again.
const PATIENCE: Duration = Duration::from_secs(5);

static AT_THE_END: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Deletes these files and folders when the app has ended.
pub(crate) fn at_the_end(paths: Vec<PathBuf>) {
    *lock(&AT_THE_END) = paths;
}

/// The last thing that `main` does.
pub(crate) fn finish() {
    let paths = std::mem::take(&mut *lock(&AT_THE_END));
    let begun = Instant::now();
    // Processes of the web view end a moment after the app, and write until then.
    while paths.iter().any(|path| remove(path).is_err() || path.exists()) && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    if !paths.is_empty() {
        thread::sleep(Duration::from_millis(300));
        for path in &paths {
            let _ = remove(path);
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Bytes of all files in a folder; what cannot be read counts as nothing.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |file| file.len()) };
    let bytes = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |file| file.len()),
        _ => 0,
    };
    entries.filter_map(Result::ok).map(bytes).sum()
}
