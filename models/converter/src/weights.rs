//! The published weights: reading tensors by name and shape, one at a time, and accounting for each of them.
//!
//! One safetensors file, or several with an index. Only the headers are kept in memory. A tensor that no
//! writer asked for is reported: it is how a wrong architecture shows itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::ConvertError;
use crate::output::{hex, read, sha256_hex};
use crate::report::Report;

/// The longest header the format allows, in bytes.
const LONGEST_HEADER: u64 = 100_000_000;
/// Bytes read at once; a multiple of every number's size.
const PIECE: usize = 1 << 20;
/// What some publishers put before every name.
const PREFIXES: [&str; 2] = ["model.", "bert."];

/// Where a tensor lies.
#[derive(Clone, Debug)]
struct Place {
    shard: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    offset: u64,
}

/// `model.safetensors.index.json`: which file holds which tensor.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Tensors by name, prefixes of the publisher's left out.
#[derive(Debug)]
pub(crate) struct Weights<'a> {
    shards: Vec<PathBuf>,
    places: BTreeMap<String, Place>,
    used: RefCell<BTreeSet<String>>,
    report: &'a Report,
}

impl<'a> Weights<'a> {
    /// Reads the headers of what lies in `folder`: `model.safetensors`, or the files its index names.
    pub(crate) fn open(folder: &Path, report: &'a Report) -> Result<Self, ConvertError> {
        let shards = shards(folder)?;
        let mut places = BTreeMap::new();
        for (number, path) in shards.iter().enumerate() {
            for (name, place) in header(path, number)? {
                if places.insert(name.clone(), place).is_some() {
                    let reason = format!("tensor {name} is in another file too");
                    return Err(ConvertError::Weights { path: path.clone(), reason });
                }
            }
        }
        let used = RefCell::default();
        Ok(Self { shards, places: without_prefix(places, report), used, report })
    }

    /// What names these weights, 64 lower-case hexadecimal digits: the SHA-256 of the file; of several files,
    /// the SHA-256 over their own ones written one behind the other, in the order of the files' names.
    pub(crate) fn sha256(&self) -> Result<String, ConvertError> {
        let hashes = self.shards.iter().map(|path| sha256_of(path)).collect::<Result<Vec<_>, _>>()?;
        match <[String; 1]>::try_from(hashes) {
            Ok([only]) => Ok(only),
            Err(several) => Ok(sha256_hex(several.concat().as_bytes())),
        }
    }

    /// Whether there is a tensor `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// How many numbers each tensor holds, and how many axes it has.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (u64, usize)> {
        self.places
            .values()
            .map(|place| (place.shape.iter().map(|&axis| axis as u64).product(), place.shape.len()))
    }

    /// Where to tell what is found.
    pub(crate) fn report(&self) -> &'a Report {
        self.report
    }

    /// The shape of tensor `name`, which must have two axes.
    pub(crate) fn matrix_shape(&self, name: &str) -> Result<[usize; 2], ConvertError> {
        let shape = &self.place(name)?.shape;
        <[usize; 2]>::try_from(shape.as_slice()).map_err(|_| {
            ConvertError::Contradiction(format!("tensor {name} has shape {shape:?}, expected two axes"))
        })
    }

    /// The numbers of tensor `name`, which must have shape `dims`, row-major. Half precision becomes single.
    pub(crate) fn float(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, ConvertError> {
        let place = self.place(name)?;
        if place.shape != dims {
            let not_one = |axes: &[usize]| axes.iter().copied().filter(|&axis| axis != 1).collect::<Vec<_>>();
            if not_one(&place.shape) != not_one(dims) {
                return Err(ConvertError::Shape {
                    name: name.to_owned(),
                    expected: dims.to_vec(),
                    found: place.shape.clone(),
                });
            }
            self.report.structural(format!("tensor {name} has shape {:?}, expected {dims:?}", place.shape));
        }
        let numbers = self.numbers(name, place)?;
        if let Some((position, &value)) = numbers.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(ConvertError::NotFinite { name: name.to_owned(), position, value });
        }
        self.used.borrow_mut().insert(name.to_owned());
        Ok(numbers)
    }

    fn numbers(&self, name: &str, place: &Place) -> Result<Vec<f32>, ConvertError> {
        let count = place.shape.iter().product();
        let path = &self.shards[place.shard];
        let numbers = match place.dtype {
            Dtype::F32 => read_numbers(path, place, count, f32::from_le_bytes),
            Dtype::F16 => read_numbers(path, place, count, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => read_numbers(path, place, count, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Dtype::F64 => {
                self.report.structural(format!("tensor {name} holds F64 numbers, cut to single precision"));
                #[expect(clippy::cast_possible_truncation, reason = "that is what is reported")]
                let narrow = |bytes| f64::from_le_bytes(bytes) as f32;
                read_numbers(path, place, count, narrow)
            }
            other => {
                return Err(ConvertError::NumberType { name: name.to_owned(), found: other.to_string() });
            }
        };
        numbers.map_err(ConvertError::at(path))
    }

    /// The numbers of the matrix `name` of shape `[rows, columns]`, as `[columns, rows]`.
    ///
    /// Linear layers are published as `[outputs, inputs]`; a graph that multiplies from the right needs the
    /// other order, and a transpose at run time would cost time on every call.
    pub(crate) fn transposed(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, ConvertError> {
        let numbers = self.float(name, &[rows, columns])?;
        Ok(transpose(&numbers, columns))
    }

    /// Reports tensors that were not asked for: as benign those known to be of no use (`ignored` prefixes).
    pub(crate) fn all_used_but(&self, ignored: &[&str]) {
        let used = self.used.borrow();
        let unused = self.places.keys().filter(|name| !used.contains(*name)).cloned();
        let known = |name: &String| ignored.iter().any(|prefix| name.starts_with(prefix));
        let (known, unknown): (Vec<String>, Vec<String>) = unused.partition(known);
        if !known.is_empty() {
            self.report.benign(format!("left out, of no use to a text vector: {}", known.join(", ")));
        }
        if !unknown.is_empty() {
            let names = unknown.join(", ");
            self.report
                .structural(format!("the weights hold tensors the architecture has no place for: {names}"));
        }
    }

    fn place(&self, name: &str) -> Result<&Place, ConvertError> {
        self.places.get(name).ok_or_else(|| ConvertError::MissingTensor { name: name.to_owned() })
    }
}

/// A row-major matrix with its axes swapped; `columns` are those of `numbers`.
pub(crate) fn transpose<T: Copy>(numbers: &[T], columns: usize) -> Vec<T> {
    (0..columns).flat_map(|column| numbers[column..].iter().step_by(columns).copied()).collect()
}

/// The files that hold the weights, by name.
fn shards(folder: &Path) -> Result<Vec<PathBuf>, ConvertError> {
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        return Ok(vec![folder.join("model.safetensors")]);
    }
    let damaged = |reason: String| ConvertError::Weights { path: index.clone(), reason };
    let parsed: Index = serde_json::from_slice(&read(&index)?).map_err(|error| damaged(error.to_string()))?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(damaged("it names no file".to_owned()));
    }
    if let Some(name) = names.iter().find(|name| name.contains(['/', '\\'])) {
        return Err(damaged(format!("{name:?} is not a file beside it")));
    }
    Ok(names.iter().map(|name| folder.join(name)).collect())
}

/// What the header of the safetensors file at `path` says, each tensor's bytes proven to be in the file.
fn header(path: &Path, shard: usize) -> Result<Vec<(String, Place)>, ConvertError> {
    let damaged = |reason: String| ConvertError::Weights { path: path.to_owned(), reason };
    let mut file = File::open(path).map_err(ConvertError::at(path))?;
    let whole = file.metadata().map_err(ConvertError::at(path))?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| damaged("it is too short".to_owned()))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length + 8 > whole {
        return Err(damaged(format!("its header cannot be {length} bytes long")));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(ConvertError::at(path))?;
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    entries.remove("__metadata__");
    let start = length + 8;
    let place = |(name, entry): (String, serde_json::Value)| {
        let TensorInfo { dtype, shape, data_offsets: (from, to) } =
            serde_json::from_value(entry).map_err(|error| damaged(format!("tensor {name}: {error}")))?;
        let bits = shape.iter().try_fold(dtype.bitsize(), |bits, &axis| bits.checked_mul(axis));
        if to < from || bits != Some(8 * (to - from)) || start + to as u64 > whole {
            return Err(damaged(format!("tensor {name} is not where the header says")));
        }
        Ok((name, Place { shard, dtype, shape, offset: start + from as u64 }))
    };
    entries.into_iter().map(place).collect()
}

/// Names without the publisher's prefix, where there is one and nothing collides without it.
fn without_prefix(places: BTreeMap<String, Place>, report: &Report) -> BTreeMap<String, Place> {
    let Some(prefix) = PREFIXES.iter().find(|prefix| places.keys().any(|name| name.starts_with(**prefix)))
    else {
        return places;
    };
    let short = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned();
    let names: BTreeSet<String> = places.keys().map(|name| short(name)).collect();
    if names.len() != places.len() {
        return places;
    }
    report.benign(format!("tensors are called {prefix}…; the prefix says nothing"));
    places.into_iter().map(|(name, place)| (short(&name), place)).collect()
}

fn read_numbers<const N: usize>(
    path: &Path,
    place: &Place,
    count: usize,
    number: impl Fn([u8; N]) -> f32,
) -> io::Result<Vec<f32>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(place.offset))?;
    let mut numbers = Vec::with_capacity(count);
    let mut piece = vec![0; PIECE.min(N * count)];
    while numbers.len() < count {
        let bytes = PIECE.min(N * (count - numbers.len()));
        file.read_exact(&mut piece[..bytes])?;
        let (whole, _) = piece[..bytes].as_chunks::<N>();
        numbers.extend(whole.iter().map(|bytes| number(*bytes)));
    }
    Ok(numbers)
}

fn sha256_of(path: &Path) -> Result<String, ConvertError> {
    let mut digest = Sha256::new();
    let mut file = File::open(path).map_err(ConvertError::at(path))?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(ConvertError::at(path))?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&piece[..read]);
    }
}
