//! Caches that other programs keep for the hub: read, never written.
//!
//! Layout: `models--{org}--{name}/snapshots/{commit}/{path}`. A file counts only if its bytes have the right
//! SHA-256, so it does not matter who put it there, or when.

use std::fs;
use std::path::{Path, PathBuf};

/// Files that may be `path` of `repo`, those of `commit` first. Their size is right, their bytes are to be checked.
pub(crate) fn candidates(
    caches: &[PathBuf],
    repo: &str,
    commit: Option<&str>,
    path: &str,
    bytes: u64,
) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for cache in caches {
        let snapshots = cache.join(format!("models--{}", repo.replace('/', "--"))).join("snapshots");
        let mut folders: Vec<PathBuf> = match fs::read_dir(&snapshots) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => continue,
        };
        folders.sort_by_key(|folder| {
            (folder.file_name().and_then(|name| name.to_str()) != commit, folder.clone())
        });
        found.extend(folders.iter().map(|folder| folder.join(path)).filter(|file| has_size(file, bytes)));
    }
    found
}

fn has_size(file: &Path, bytes: u64) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes)
}
