//! Opening a folder: is it ours, is it free, is it whole; only then is the database opened.
//!
//! The order matters. Nothing is written into a folder before it is known to be empty or ours; sled touches
//! nothing before the lock is held and the seal was checked or, after a hard stop, a copy was tried; and what
//! sled does happens on a thread of its own, because it panics where files are damaged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use papr_memory::CancelToken;
use papr_memory::ports::StoreError;

use crate::change::Writer;
use crate::child::Child;
use crate::guard::{Scan, from_sled, quietly};
use crate::lock::Lock;
use crate::log::SEGMENT_BYTES;
use crate::marker::{self, APP, Found};
use crate::state::{Mark, State};
use crate::tree::Part;
use crate::trial::{self, Outcome};
use crate::{SledStore, Trees, backup, codec, migrate, quarantine, rebuild, room, seal, state, vectors};

const CACHE_BYTES: u64 = 32 << 20;

impl SledStore {
    /// Opens the store in `folder`, or makes one there if the folder is missing or empty, brings it to this
    /// version's schema after a backup, and forgets tombstones that are too old at `now`.
    ///
    /// Fails, in this order, with `Io` if the path is a file or cannot be read or written; `NotOurs` if the
    /// folder holds something else or a newer schema (nothing was written into it); `Locked` if the store is
    /// open already, here or in another process; `Damaged` if its files are not as they were left, with the
    /// cure in the text. Nothing is deleted, nothing repaired: that is what [`crate::open_or_recover`] is for.
    /// A folder whose database failed to open is not tried again in this process: what the failed try left
    /// behind may hold on to the files.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        if let Found::Unmarked(reason) = marker::inspect(folder)? {
            return Err(marker::not_ours(folder, reason));
        }
        let lock = prepare(folder)?;
        if let Found::Unmarked(reason) = marker::inspect(folder)? {
            return Err(marker::not_ours(folder, reason));
        }
        Self::open_locked(folder, now, None, lock)
    }

    /// Opens the store whose lock is held.
    pub(crate) fn open_locked(
        folder: &Path,
        now: Timestamp,
        child: Option<&Child>,
        lock: Arc<Lock>,
    ) -> Result<Self, StoreError> {
        let io_failed = |source| io_error(folder, source);
        if marker::inspect(folder)? == Found::Nothing {
            marker::write(folder, None).map_err(io_failed)?;
        }
        let absolute = fs::canonicalize(folder).map_err(io_failed)?;
        if given_up().contains(&absolute) {
            return Err(StoreError::Damaged {
                what: format!("{} was found damaged before; quit the app to try again", folder.display()),
                source: None,
            });
        }
        let sealed = seal::open(folder)?;
        let mark = state::read_mark(folder).map_err(io_failed)?;
        trial::clear(folder)?;
        let verify = match sealed {
            true => None,
            false if is_new(folder, mark) => None,
            false => Some(mark.unwrap_or(0)),
        };
        let outcome = verify.map(|mark| trial::run(folder, mark, child)).transpose()?;
        let opened = match outcome {
            None | Some(Outcome::Passed) => open_checked(folder, None),
            Some(Outcome::NotTried) => open_checked(folder, verify),
            Some(Outcome::Failed { error, here: true }) => Err(error),
            Some(Outcome::Failed { error, here: false }) => return Err(error),
        };
        let trees = opened.inspect_err(|error| {
            if matches!(error, StoreError::Damaged { .. }) {
                given_up().insert(absolute);
            }
        })?;
        let store = Self::assemble(folder, trees, lock)?;
        store.settle(mark, now)?;
        Ok(store)
    }

    fn assemble(folder: &Path, trees: Trees, lock: Arc<Lock>) -> Result<Self, StoreError> {
        let io_failed = |source| io_error(folder, source);
        let log = File::options().read(true).write(true).open(folder.join("db").join("db"));
        let log = log.map_err(io_failed)?;
        let failed = Arc::new(AtomicBool::new(false));
        let spaces = spaces(&trees, folder)?;
        let new_mark = Mark::open(folder).map_err(io_failed)?;
        Ok(Self {
            trees,
            writer: Mutex::new(Writer::new(log, new_mark, spaces, Arc::clone(&failed))),
            damaged: Mutex::new(BTreeSet::new()),
            folder: folder.to_owned(),
            backing_up: Mutex::default(),
            reserve: room::RESERVE,
            _seal: seal::AtClose { folder: folder.to_owned(), failed },
            _lock: lock,
        })
    }

    /// What is left to do on an open database.
    fn settle(&self, mark: Option<u64>, now: Timestamp) -> Result<(), StoreError> {
        let schema = migrate::schema_of(&self.trees, &self.folder)?;
        if mark.is_none() || schema.is_none() {
            self.begin(schema.unwrap_or(migrate::SCHEMA))?;
        }
        let folders = [self.folder.join("db"), self.folder.clone()];
        folders
            .iter()
            .try_for_each(|folder| sync_folder(folder))
            .map_err(|source| io_error(&self.folder, source))?;
        if let Some(old) = schema.filter(|&schema| schema < migrate::SCHEMA) {
            self.back_up(now, usize::MAX, &CancelToken::new())?;
            self.migrate(old)?;
            tracing::info!(from = old, to = migrate::SCHEMA, "the store was brought up to date");
        }
        if marker::inspect(&self.folder)? != Found::Ours(migrate::SCHEMA) {
            marker::write(&self.folder, None).map_err(|source| io_error(&self.folder, source))?;
        }
        match self.purge(now) {
            Ok(0) => Ok(()),
            Ok(purged) => {
                tracing::info!(purged, "old tombstones are gone");
                Ok(())
            }
            // A full disk must not keep anybody from reading.
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes down what a new database is, and what it holds: also for one whose mark was taken away, so
    /// that its state is right from now on.
    fn begin(&self, schema: u32) -> Result<(), StoreError> {
        let maker = format!("{APP} {}", env!("CARGO_PKG_VERSION"));
        let maker = codec::encode(marker::MADE_BY_KEY, maker.as_bytes());
        let counted = State::count(&self.trees, &self.folder)?;
        self.commit(&mut self.writer(), |trees| {
            trees.state.set(counted);
            trees.put(trees.manifest, migrate::KEY, &migrate::encode(schema))?;
            trees.put(trees.manifest, marker::MADE_BY_KEY, &maker)
        })
    }
}

/// Takes the lock of a folder, made if it is missing; finishes a swap that was cut short, and clears away a
/// copy that was not complete.
pub(crate) fn prepare(folder: &Path) -> Result<Arc<Lock>, StoreError> {
    fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
    let lock = Lock::take(folder)?;
    quarantine::finish_swap(folder).map_err(|source| io_error(folder, source))?;
    rebuild::clear(folder)?;
    Ok(Arc::new(lock))
}

/// Whether no store was ever complete here, so that there is nothing to miss.
fn is_new(folder: &Path, mark: Option<u64>) -> bool {
    let backed_up = || backup::list(folder).is_ok_and(|backups| !backups.is_empty());
    mark.is_none() && !folder.join("db").join("db").exists() && !backed_up()
}

/// Opens the database; with a `mark` only if it holds everything up to it.
fn open_checked(folder: &Path, mark: Option<u64>) -> Result<Trees, StoreError> {
    let trees = open_guarded(folder, folder)?;
    migrate::schema_of(&trees, folder)?;
    if let Some(mark) = mark {
        state::verify(&trees, folder, mark)?;
    }
    Ok(trees)
}

/// Folders whose database failed to open in this process.
pub(crate) fn given_up() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    static GIVEN_UP: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), source }
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
        let tree = |part: Part| db.open_tree(part.name());
        Ok(Trees {
            memories: tree(Part::Memories)?,
            vec: tree(Part::Vectors)?,
            outbox: tree(Part::Outbox)?,
            tombstones: tree(Part::Tombstones)?,
            moves: tree(Part::Moves)?,
            links: tree(Part::Links)?,
            manifest: tree(Part::Manifest)?,
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
        // A page of sled's, 16 records, goes to a file beside the log when it is over a quarter of a segment;
        // 2 MiB keep the longest contents and vectors in the log. It cannot be changed for a database that
        // exists.
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
