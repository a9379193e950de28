//! Opening a folder: is it ours, is it free, is it whole; only then is the database opened.
//!
//! The order matters. Nothing is written into a folder before it is known to be empty or ours; sled touches
//! nothing before the lock is held and the seal was checked or, after a hard stop, a copy was tried; and what
//! sled does happens on a thread of its own, because it panics where files are damaged.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::change::Writer;
use crate::guard::{Scan, from_sled, quietly};
use crate::state::{Mark, State};
use crate::{SledStore, Trees, codec, seal, state, trial, vectors};

/// The only schema there is: trees, keys and values as this crate's documentation tells.
const SCHEMA: u32 = 1;
const APP: &str = "papr-desktop";
const MARKER: &str = "store.json";
const MARKER_PART: &str = "store.json.part";
const LOCK: &str = "lock";
const SCHEMA_KEY: &[u8] = b"schema";
const MADE_BY_KEY: &[u8] = b"made-by";

/// What may lie in a folder that counts as empty: our own first steps, and what file browsers leave.
const NOTHING: [&str; 5] = [LOCK, MARKER_PART, ".DS_Store", "desktop.ini", "Thumbs.db"];

/// A page of sled's, 16 records, goes to a file beside the log when it is over a quarter of this; 2 MiB keep
/// the longest contents and vectors in the log. It cannot be changed for a database that exists.
const SEGMENT_BYTES: usize = 2 << 20;
const CACHE_BYTES: u64 = 32 << 20;

/// `store.json`.
#[derive(Serialize, Deserialize)]
struct Marker {
    app: String,
    schema: u32,
}

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Missing or empty.
    Nothing,
    /// A store of ours that this version can use.
    Ours,
}

impl SledStore {
    /// Opens the store in `folder`, or makes one there if the folder is missing or empty, and forgets
    /// tombstones that are too old at `now`.
    ///
    /// Fails, in this order, with `Io` if the path is a file or cannot be read or written; `NotOurs` if the
    /// folder holds something else or a newer schema (nothing was written into it); `Locked` if the store is
    /// open already, here or in another process; `Damaged` if its files are not as they were left, with the
    /// cure in the text. Nothing is deleted. A folder whose database failed to open is not tried again in
    /// this process: what the failed try left behind may hold on to the files.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        inspect(folder)?;
        fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        let lock = take_lock(folder)?;
        if inspect(folder)? == Found::Nothing {
            write_marker(folder).map_err(|source| io_error(folder, source))?;
        }
        let absolute = fs::canonicalize(folder).map_err(|source| io_error(folder, source))?;
        if given_up().contains(&absolute) {
            return Err(StoreError::Damaged {
                what: format!("{} was found damaged before; quit the app to try again", folder.display()),
                source: None,
            });
        }
        let io_failed = |source| io_error(folder, source);
        let sealed = seal::open(folder)?;
        let mark = state::read_mark(folder).map_err(io_failed)?;
        let opened = open_checked(folder, mark.filter(|_| !sealed)).inspect_err(|error| {
            if matches!(error, StoreError::Damaged { .. }) {
                given_up().insert(absolute);
            }
        });
        let trees = opened?;
        let log =
            File::options().read(true).write(true).open(folder.join("db").join("db")).map_err(io_failed)?;
        let failed = Arc::new(AtomicBool::new(false));
        let spaces = spaces(&trees, folder)?;
        let new_mark = Mark::open(folder).map_err(io_failed)?;
        let store = Self {
            trees,
            writer: Mutex::new(Writer::new(log, new_mark, spaces, Arc::clone(&failed))),
            damaged: Mutex::new(BTreeSet::new()),
            folder: folder.to_owned(),
            _seal: seal::AtClose { folder: folder.to_owned(), failed },
            _lock: lock,
        };
        if mark.is_none() {
            store.begin()?;
        }
        let folders = [folder.join("db"), folder.to_owned()];
        folders
            .iter()
            .try_for_each(|folder| sync_folder(folder))
            .map_err(|source| io_error(folder, source))?;
        let purged = store.purge(now)?;
        if purged > 0 {
            tracing::info!(purged, "old tombstones are gone");
        }
        Ok(store)
    }

    /// Writes down what a new database is, and what it holds: also for one whose mark was taken away, so
    /// that its state is right from now on.
    fn begin(&self) -> Result<(), StoreError> {
        let schema = codec::encode(SCHEMA_KEY, &SCHEMA.to_le_bytes());
        let maker = format!("{APP} {}", env!("CARGO_PKG_VERSION"));
        let maker = codec::encode(MADE_BY_KEY, maker.as_bytes());
        let counted = State::count(&self.trees, &self.folder)?;
        self.commit(&mut self.writer(), |trees| {
            trees.state.set(counted);
            trees.put(trees.manifest, SCHEMA_KEY, &schema)?;
            trees.put(trees.manifest, MADE_BY_KEY, &maker)
        })
    }
}

/// Opens the database; with a `mark`, which there is after a hard stop, only if it holds everything up to it.
fn open_checked(folder: &Path, mark: Option<u64>) -> Result<Trees, StoreError> {
    trial::clear(folder).map_err(|source| io_error(folder, source))?;
    let tried = mark.map(|mark| trial::run(folder, mark)).transpose()?;
    let trees = open_guarded(folder, folder)?;
    check_schema_of(&trees, folder)?;
    if let (Some(false), Some(mark)) = (tried, mark) {
        state::verify(&trees, folder, mark)?;
    }
    Ok(trees)
}

/// Checks the database's own schema; a database without one is a new one, or not whole, which shows elsewhere.
pub(crate) fn check_schema_of(trees: &Trees, folder: &Path) -> Result<(), StoreError> {
    let kept = quietly(|| trees.manifest.get(SCHEMA_KEY))?.map_err(|error| from_sled(folder, error))?;
    let Some(kept) = kept else { return Ok(()) };
    let damaged = |corrupt: codec::Corrupt| StoreError::Damaged {
        what: format!("the manifest of the database in {} is not as it was written", folder.display()),
        source: Some(corrupt.into()),
    };
    let payload = codec::decode(SCHEMA_KEY, &kept).map_err(damaged)?;
    let bytes = payload.try_into().map_err(|_| damaged(codec::Corrupt::Malformed("schema")))?;
    check_schema(folder, u32::from_le_bytes(bytes))
}

/// Folders that turned out damaged in this process.
fn given_up() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    static GIVEN_UP: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), source }
}

fn not_ours(folder: &Path, reason: String) -> StoreError {
    StoreError::NotOurs { path: folder.to_owned(), reason }
}

/// Looks at a folder without writing to it.
fn inspect(folder: &Path) -> Result<Found, StoreError> {
    match fs::read(folder.join(MARKER)) {
        Ok(json) => {
            let marker: Marker = serde_json::from_slice(&json)
                .map_err(|error| not_ours(folder, format!("its {MARKER} cannot be read: {error}")))?;
            if marker.app != APP {
                return Err(not_ours(folder, format!("it is a folder of {}", marker.app)));
            }
            return check_schema(folder, marker.schema).map(|()| Found::Ours);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(folder, error)),
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(io_error(folder, error)),
    };
    for entry in entries {
        let name = entry.map_err(|source| io_error(folder, source))?.file_name();
        if !NOTHING.iter().any(|known| name == *known) {
            return Err(not_ours(folder, format!("it holds {} but no {MARKER}", name.display())));
        }
    }
    Ok(Found::Nothing)
}

fn check_schema(folder: &Path, schema: u32) -> Result<(), StoreError> {
    if schema == SCHEMA {
        return Ok(());
    }
    let age = if schema > SCHEMA { "a newer version of this app" } else { "no version of this app" };
    Err(not_ours(folder, format!("it was written by {age}: its schema is {schema}, this one's {SCHEMA}")))
}

fn take_lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| io_error(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
    }
}

/// Only called under the lock.
fn write_marker(folder: &Path) -> io::Result<()> {
    let marker = Marker { app: APP.to_owned(), schema: SCHEMA };
    let part = folder.join(MARKER_PART);
    let mut file = File::create(&part)?;
    file.write_all(&serde_json::to_vec(&marker)?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, folder.join(MARKER))?;
    sync_folder(folder)
}

/// Makes sure of the names in a folder; on Windows there is no such call, and none is needed for NTFS.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Opens the database in `place` on a thread of its own; a panic there becomes an error here. `place` is
/// `folder` itself, which errors speak of, or a copy.
pub(crate) fn open_guarded(place: &Path, folder: &Path) -> Result<Trees, StoreError> {
    let worker = thread::Builder::new().name("papr-store-open".to_owned());
    let path = place.to_owned();
    let opening = worker.spawn(move || quietly(|| open_trees(&path)).flatten());
    let opening = opening.map_err(|source| io_error(folder, source))?;
    let opened = opening.join().unwrap_or_else(|_| {
        Err(StoreError::Damaged { what: "the database gave up while it was opened".to_owned(), source: None })
    });
    opened.map_err(|error| match error {
        StoreError::Damaged { what, source } => StoreError::Damaged {
            what: format!(
                "{what}. No file was deleted. Make a copy of {} before anything else; if there is a file \
                 db/snap.*, deleting it lets the database be rebuilt from its log db/db",
                folder.display()
            ),
            source,
        },
        error => error,
    })
}

fn open_trees(folder: &Path) -> Result<Trees, StoreError> {
    let open = || -> Result<Trees, sled::Error> {
        let db = open_database(&folder.join("db"))?;
        Ok(Trees {
            memories: db.open_tree("memories")?,
            vec: db.open_tree("vec")?,
            outbox: db.open_tree("outbox")?,
            tombstones: db.open_tree("tombstones")?,
            manifest: db.open_tree("manifest")?,
            db,
        })
    };
    open().map_err(|error| {
        if locked_by_sled(&error) {
            return StoreError::Locked { path: folder.to_owned() };
        }
        from_sled(folder, error)
    })
}

/// Our own lock is held, so a lock of sled's can only be one that its threads have not yet let go of after a
/// close. That takes milliseconds.
fn open_database(path: &Path) -> Result<sled::Db, sled::Error> {
    let mut tries = 0;
    loop {
        let config = sled::Config::new()
            .path(path)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        match config.open() {
            Err(error) if locked_by_sled(&error) && tries < 100 => {
                tries += 1;
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// sled has no error of its own for it.
fn locked_by_sled(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(source) if source.to_string().contains("could not acquire lock"))
}

/// The key prefixes of all spaces in the manifest.
fn spaces(trees: &Trees, folder: &Path) -> Result<BTreeSet<[u8; 8]>, StoreError> {
    let entries = trees.manifest.scan_prefix(vectors::SPACE_KEYS);
    Scan::new(entries, folder)
        .filter_map(|item| match item {
            Ok((key, _)) => {
                key.get(vectors::SPACE_KEYS.len()..).and_then(|rest| rest.try_into().ok()).map(Ok)
            }
            Err(error) => Some(Err(error)),
        })
        .collect()
}
