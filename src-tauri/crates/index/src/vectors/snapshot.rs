//! Segments on disk: the links of a graph, and which rows they link.
//!
//! The vectors themselves stay in the store. A file names each row by a hash of its numbers, so that it fits
//! whatever index holds these rows; whatever does not fit, to the last bit, is ignored and built again. All
//! files can be deleted at any time.
//!
//! Numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic |
//! | 4 | CRC-32 of all that follows |
//! | 4 | version |
//! | 4 | dimensions |
//! | 4 | how many candidates a search looks at |
//! | 8 | seed |
//! | 8 | hash of all rows' hashes |
//! | 4, n | the space's fingerprint, its length first |
//! | 4, 12 · n | the rows, how many first: number in the links, hash |
//! | the rest | the links |

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use papr_memory::Space;

use super::chunk::hash_of;
use super::graph::{GraphError, Links};
use super::view::{Segment, View};

const MAGIC: &[u8; 8] = b"PAPRSEG\n";
const VERSION: u32 = 1;
const EXTENSION: &str = "idx";
/// Of a file that is not complete; also what a stop in the middle of one left behind.
const PART: &str = "part";
/// No graph is searched more widely than this.
const WIDEST: usize = 4_096;
/// Where the part begins that the checksum is over.
const CHECKED: usize = 12;

/// Why a segment cannot be saved, or one that was saved cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The disk or the folder.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not what was written.
    #[error("the saved segment is damaged: {0}")]
    Damaged(&'static str),
    /// Of another version, or of vectors of another space.
    #[error("the saved segment is of another {0}")]
    Foreign(&'static str),
    /// Too many of its vectors changed or went since.
    #[error("{gone} of the saved segment's {rows} vectors are not there any more")]
    Outdated {
        /// How many are missing.
        gone: usize,
        /// Of how many.
        rows: usize,
    },
    /// The graph could not be written down.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// A segment as it was read.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) width: usize,
    pub(super) seed: u64,
    /// Number in the links, hash of the numbers.
    pub(super) rows: Vec<(u32, u64)>,
    pub(super) links: Links,
}

/// The segments saved in `folder`, the largest first; none if there is no such folder.
pub fn saved_segments(folder: &Path) -> Vec<PathBuf> {
    files(folder, EXTENSION)
}

/// The files in `folder` that end so, the largest first.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .map(|entry| (entry.metadata().map_or(0, |data| data.len()), entry.path()))
        .filter(|(_, path)| path.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

impl View {
    /// Writes the segments that are not yet in `folder`, and deletes those in it that are no longer used or
    /// were never complete. On `Ok` all are on disk; returns how many were written.
    ///
    /// The folder belongs to one index of one space: nothing else may keep `.idx` or `.part` files in it.
    pub fn save(&self, folder: &Path, space: &Space) -> Result<usize, SnapshotError> {
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let mut kept = Vec::with_capacity(self.segments.len());
        let mut written = 0;
        for segment in &self.segments {
            let rows = named_rows(segment);
            let path = folder.join(format!("seg-{:016x}.{EXTENSION}", hash_of_all(&rows)));
            if !path.exists() {
                write(&path, &encode(segment, &rows, space)?)?;
                written += 1;
            }
            kept.push(path);
        }
        let unused = saved_segments(folder).into_iter().filter(|path| !kept.contains(path));
        for path in unused.chain(files(folder, PART)) {
            fs::remove_file(&path).map_err(io_error(&path))?;
        }
        sync_folder(folder)?;
        Ok(written)
    }
}

/// The rows of a segment's graph, each with a hash of its numbers; 0 for rows that are no more.
fn named_rows(segment: &Segment) -> Vec<(u32, u64)> {
    let hash = |row| if row == u32::MAX { 0 } else { hash_of(segment.rows.numbers(row)) };
    segment.graph.rows().map(|row| (row, hash(row))).collect()
}

/// A hash over rows in their order.
fn hash_of_all(rows: &[(u32, u64)]) -> u64 {
    rows.iter().fold(rows.len() as u64, |hash, &(_, row)| {
        (hash.rotate_left(29) ^ row).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

fn encode(segment: &Segment, rows: &[(u32, u64)], space: &Space) -> Result<Vec<u8>, SnapshotError> {
    let links = segment.graph.links()?;
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let fingerprint = space.fingerprint.as_str();
    let mut body = Vec::with_capacity(rows.len() * 12 + links.as_bytes().len() + 256);
    body.extend(VERSION.to_le_bytes());
    body.extend(count(space.dims.get()));
    body.extend(count(segment.graph.width()));
    body.extend(segment.seed.to_le_bytes());
    body.extend(hash_of_all(rows).to_le_bytes());
    body.extend(count(fingerprint.len()));
    body.extend(fingerprint.as_bytes());
    body.extend(count(rows.len()));
    for (row, hash) in rows {
        body.extend(row.to_le_bytes());
        body.extend(hash.to_le_bytes());
    }
    body.extend(links.as_bytes());
    let mut file = MAGIC.to_vec();
    file.extend(crc32fast::hash(&body).to_le_bytes());
    file.append(&mut body);
    Ok(file)
}

/// Reads a segment of `space`. The checksum is looked at before anything else is.
pub(super) fn read(path: &Path, space: &Space) -> Result<Saved, SnapshotError> {
    decode(&fs::read(path).map_err(io_error(path))?, space)
}

fn decode(file: &[u8], space: &Space) -> Result<Saved, SnapshotError> {
    if file.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
        return Err(SnapshotError::Damaged("it does not begin as a segment does"));
    }
    let body = file.get(CHECKED..).unwrap_or_default();
    if file.get(MAGIC.len()..CHECKED) != Some(&crc32fast::hash(body).to_le_bytes()) {
        return Err(SnapshotError::Damaged("its checksum is wrong"));
    }
    let mut body = Reader(body);
    if body.u32()? != VERSION {
        return Err(SnapshotError::Foreign("version"));
    }
    let dims = body.length()?;
    let width = body.length()?;
    if !(1..=WIDEST).contains(&width) {
        return Err(SnapshotError::Damaged("no graph is searched so widely"));
    }
    let (seed, row_hash) = (body.u64()?, body.u64()?);
    let length = body.length()?;
    let same_model = body.take(length)? == space.fingerprint.as_str().as_bytes();
    if !same_model || dims != space.dims.get() {
        return Err(SnapshotError::Foreign("space"));
    }
    let count = body.length()?;
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push((body.u32()?, body.u64()?));
    }
    if hash_of_all(&rows) != row_hash {
        return Err(SnapshotError::Damaged("its rows are not those it was made of"));
    }
    Ok(Saved { width, seed, rows, links: Links::from_bytes(body.0.to_vec()) })
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], SnapshotError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(SnapshotError::Damaged("it ends too soon"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        let (low, high) = (self.u32()?, self.u32()?);
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    fn length(&mut self) -> Result<usize, SnapshotError> {
        usize::try_from(self.u32()?).map_err(|_| SnapshotError::Damaged("a length is out of range"))
    }
}

/// Another file, flushed, in the place of `path`: there is always the whole of one of them.
fn write(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let part = path.with_extension(PART);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(io_error(&part))?;
    fs::rename(&part, path).map_err(io_error(path))
}

/// A name is on disk when its folder is; Windows has no such step.
fn sync_folder(folder: &Path) -> Result<(), SnapshotError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error(folder))?;
    }
    Ok(())
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    |source| SnapshotError::Io { path: path.to_owned(), source }
}
