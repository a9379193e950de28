//! Where the numbers of weights go: into the graph's own file, or beside it when they are too many.
//!
//! A protobuf message ends at 2 GB, and a graph that holds its weights is in memory whole. Beside it, tensors
//! are written one after the other as they are made, and never read back.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use half::f16;
use papr_memory::ModelFile;
use sha2::{Digest, Sha256};

use super::messages::{FLOAT, FLOAT16, INT64, UINT8};
use crate::error::ConvertError;
use crate::output::hex;

/// Tensors begin at multiples of this many bytes, so that a system can map each of them by itself.
const ALIGNMENT: u64 = 65_536;
/// Numbers that are turned into bytes at once.
const CHUNK: usize = 65_536;

/// The numbers of a tensor, and the type they are stored as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbers<'a> {
    /// 32-bit floating point.
    Single(&'a [f32]),
    /// 16-bit floating point, the nearest to each of these.
    Half(&'a [f32]),
    /// 8-bit integers without a sign.
    Bytes(&'a [u8]),
    /// 64-bit integers.
    Integers(&'a [i64]),
}

impl Numbers<'_> {
    /// How many.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Single(numbers) | Self::Half(numbers) => numbers.len(),
            Self::Bytes(numbers) => numbers.len(),
            Self::Integers(numbers) => numbers.len(),
        }
    }

    /// Bytes they take.
    pub(crate) fn bytes(self) -> usize {
        let each = match self {
            Self::Single(_) => 4,
            Self::Half(_) => 2,
            Self::Bytes(_) => 1,
            Self::Integers(_) => 8,
        };
        self.len() * each
    }

    /// `TensorProto.DataType`.
    pub(crate) fn data_type(self) -> i32 {
        match self {
            Self::Single(_) => FLOAT,
            Self::Half(_) => FLOAT16,
            Self::Bytes(_) => UINT8,
            Self::Integers(_) => INT64,
        }
    }

    /// Writes them little-endian, a piece at a time.
    pub(crate) fn write_to(self, target: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Single(numbers) => write_pieces(numbers, target, f32::to_le_bytes),
            Self::Half(numbers) => {
                write_pieces(numbers, target, |number| f16::from_f32(number).to_le_bytes())
            }
            Self::Bytes(numbers) => target.write_all(numbers),
            Self::Integers(numbers) => write_pieces(numbers, target, i64::to_le_bytes),
        }
    }
}

fn write_pieces<T: Copy, const N: usize>(
    numbers: &[T],
    target: &mut impl Write,
    bytes: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    let mut piece = Vec::with_capacity(N * CHUNK.min(numbers.len()));
    for numbers in numbers.chunks(CHUNK) {
        piece.clear();
        for &number in numbers {
            piece.extend_from_slice(&bytes(number));
        }
        target.write_all(&piece)?;
    }
    Ok(())
}

/// Where a tensor lies in a [`DataFile`], in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The file beside the graph, while it grows. Its hash is made on the way.
#[derive(Debug)]
pub(crate) struct DataFile {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    digest: Sha256,
    length: u64,
}

impl DataFile {
    /// Begins the file `name` in `folder`.
    pub(crate) fn create(folder: &Path, name: &str) -> Result<Self, ConvertError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(ConvertError::at(&path))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { name: name.to_owned(), path, file, digest: Sha256::new(), length: 0 })
    }

    /// What the graph calls it: its name in their common folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Appends a tensor.
    pub(crate) fn append(&mut self, numbers: Numbers<'_>) -> Result<Span, ConvertError> {
        self.try_append(numbers).map_err(ConvertError::at(&self.path))
    }

    fn try_append(&mut self, numbers: Numbers<'_>) -> io::Result<Span> {
        let gap = self.length.next_multiple_of(ALIGNMENT) - self.length;
        io::copy(&mut io::Read::take(io::repeat(0), gap), self)?;
        let offset = self.length;
        numbers.write_to(self)?;
        Ok(Span { offset, length: self.length - offset })
    }

    /// Closes and syncs the file; what is returned goes into the manifest.
    pub(crate) fn finish(mut self) -> Result<ModelFile, ConvertError> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(ConvertError::at(&self.path))?;
        Ok(ModelFile { path: self.name, bytes: self.length, sha256: hex(&self.digest.finalize()) })
    }
}

/// Counts and hashes what goes through.
impl Write for DataFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_lie_where_the_file_says_and_it_knows_its_own_hash() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = DataFile::create(folder.path(), "data").unwrap();
        let first = file.append(Numbers::Half(&[1.0, -2.0, 65_504.0])).unwrap();
        let second = file.append(Numbers::Bytes(&[128, 0, 127])).unwrap();
        assert_eq!(first, Span { offset: 0, length: 6 });
        assert_eq!(second, Span { offset: ALIGNMENT, length: 3 });
        let described = file.finish().unwrap();
        let bytes = std::fs::read(folder.path().join("data")).unwrap();
        assert_eq!(described.bytes, bytes.len() as u64);
        assert_eq!(described.sha256, crate::output::sha256_hex(&bytes));
        assert_eq!(bytes[..6], [0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b]);
        assert_eq!(bytes[65_536..], [0x80, 0x00, 0x7f]);
    }
}
