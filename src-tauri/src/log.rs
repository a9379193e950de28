//! The log: one file a day in the data folder, the seven newest kept. It holds no memory's text and no key.

use std::path::{Path, PathBuf};

use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::filter::LevelFilter;

/// Days that are kept.
const DAYS: usize = 7;

/// Where the log is.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("logs")
}

/// Begins to write it. A log that cannot be written is no reason not to start.
pub(crate) fn begin(data: &Path) {
    let folder = folder(data);
    if std::fs::create_dir_all(&folder).is_err() {
        return;
    }
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("papr")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(folder);
    let Ok(file) = file else { return };
    let begun = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .try_init();
    if let Err(error) = begun {
        tracing::debug!(%error, "somebody else writes a log already");
    }
}
