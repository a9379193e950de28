//! A seal on the database's files: sizes and checksums, written when the store is closed in order and
//! checked before sled looks at the files again.
//!
//! sled checks its log only in part when it opens it: at a cut or flipped byte it panics, or takes what comes
//! after for an unfinished write and clears it away. With a seal such damage is found before anything is
//! touched. After a hard stop there is no seal, and sled's own recovery does its work.
//!
//! Files are read once at close and once at open: some tenths of a millisecond a MB.

use std::collections::BTreeMap;
use std::fs;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::open::sync_folder;

/// The seal's name in the store's folder; also the key its checksum is made with.
pub(crate) const FILE: &str = "sealed";

/// How long a close waits for sled's threads to let go of the files.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    crc32: u32,
}

/// By path below `db/`.
type Entries = BTreeMap<String, Entry>;

/// Checks the files against the seal, if there is one, and takes it off. Returns whether there was one.
///
/// Fails with `Damaged` if a file is not as it was left; nothing has been touched then. A missing `snap.*` is
/// fine: sled makes it anew from its log. A seal that is itself not whole is taken for none.
pub(crate) fn open(folder: &Path) -> Result<bool, StoreError> {
    let path = folder.join(FILE);
    let failed = |source| StoreError::Io { path: path.clone(), source };
    let sealed = match fs::read(&path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let entries = decode(&sealed);
    if let Some(entries) = &entries {
        check(&folder.join("db"), entries)?;
    } else if !sealed.is_empty() {
        tracing::warn!("the seal is not whole; the files are opened unchecked");
    }
    // Emptied, not deleted: an emptied file can be made sure of on every system.
    File::options()
        .write(true)
        .truncate(true)
        .open(&path)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    Ok(entries.is_some())
}

/// Whether there is a seal that is whole.
pub(crate) fn is_there(folder: &Path) -> bool {
    fs::read(folder.join(FILE)).is_ok_and(|sealed| decode(&sealed).is_some())
}

fn decode(sealed: &[u8]) -> Option<Entries> {
    let json = codec::decode(FILE.as_bytes(), sealed).ok()?;
    serde_json::from_slice(json).ok()
}

fn check(db: &Path, entries: &Entries) -> Result<(), StoreError> {
    for (name, sealed) in entries {
        let path = db.join(name);
        let found = match measure(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound && name.starts_with("snap.") => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(changed(&path, "it is gone", name));
            }
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        if found.bytes != sealed.bytes {
            let how = format!("it has {} bytes, not {}", found.bytes, sealed.bytes);
            return Err(changed(&path, &how, name));
        }
        if found.crc32 != sealed.crc32 {
            return Err(changed(&path, "its bytes are others", name));
        }
    }
    Ok(())
}

fn changed(path: &Path, how: &str, name: &str) -> StoreError {
    let cure = if name.starts_with("snap.") {
        "The database can make this file anew: make a copy of the folder, then delete it"
    } else {
        "Keep the folder as it is, and put a backup in its place"
    };
    StoreError::Damaged {
        what: format!(
            "{} changed since the store was closed: {how}. Nothing was opened, changed or deleted. {cure}",
            path.display()
        ),
        source: None,
    }
}

fn measure(path: &Path) -> io::Result<Entry> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(Entry { bytes, crc32: hasher.finalize() });
        }
        hasher.update(&buffer[..count]);
        bytes += count as u64;
    }
}

/// Seals the folder when it is dropped, unless a write had failed. Drop it after the database and before the
/// lock.
pub(crate) struct AtClose {
    pub(crate) folder: PathBuf,
    pub(crate) failed: Arc<AtomicBool>,
}

impl Drop for AtClose {
    fn drop(&mut self) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = seal(&self.folder) {
            tracing::warn!(%error, "the store is closed without a seal");
        }
    }
}

fn seal(folder: &Path) -> io::Result<()> {
    let db = folder.join("db");
    wait_for_sled(&db.join("db"))?;
    let mut entries = Entries::new();
    for below in ["", "blobs/"] {
        for entry in fs::read_dir(db.join(below))? {
            let entry = entry?;
            if !entry.metadata()?.is_file() {
                continue;
            }
            // A seal must never be on disk before what it speaks of.
            File::options().write(true).open(entry.path())?.sync_all()?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            entries.insert(name, measure(&entry.path())?);
        }
        sync_folder(&db.join(below))?;
    }
    let json = serde_json::to_vec(&entries)?;
    let mut file = File::create(folder.join(FILE))?;
    file.write_all(&codec::encode(FILE.as_bytes(), &json))?;
    file.sync_all()?;
    sync_folder(folder)
}

/// Returns once no thread of sled's has its log open any more: each keeps sled's lock on it.
fn wait_for_sled(log: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(log)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return file.unlock(),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(decode(&bytes).is_none());
            let _ = decode(&codec::encode(FILE.as_bytes(), &bytes));
        }
    }
}
