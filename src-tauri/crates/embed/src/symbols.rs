//! The names of a graph's open lengths, read from the model's file.
//!
//! A session tells them too, but only once its weights are loaded, and they have to be known before: to make
//! a session of fixed lengths. Weights are skipped, not read. Fields are numbered as in ONNX's `onnx.proto`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The axes of a graph's inputs by the inputs' names; `None` for a length that is fixed or has no name.
pub(crate) type Symbols = BTreeMap<String, Vec<Option<String>>>;

/// Reads the names in the ONNX file at `path`.
pub(crate) fn read(path: &Path) -> io::Result<Symbols> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut symbols = Symbols::new();
    let mut left = length;
    while left > 0 {
        let field = Field::next(&mut reader, &mut left)?;
        match field {
            Field::Bytes { number: 7, length } => {
                left = take(left, length)?;
                graph(&mut reader, length, &mut symbols)?;
            }
            other => other.skip(&mut reader, &mut left)?,
        }
    }
    Ok(symbols)
}

/// `GraphProto`: 11 is `input`.
fn graph(reader: &mut (impl Read + Seek), length: u64, symbols: &mut Symbols) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        match Field::next(reader, &mut left)? {
            Field::Bytes { number: 11, length } => {
                left = take(left, length)?;
                let mut bytes = Vec::new();
                reader.by_ref().take(length).read_to_end(&mut bytes)?;
                let name = text(&bytes, 1);
                // ValueInfoProto.type, TypeProto.tensor_type, Tensor.shape; then its dims.
                let shape = [2, 1, 2].iter().fold(bytes, |message, &number| {
                    field(&message, number).next().unwrap_or_default().to_vec()
                });
                symbols.insert(name.unwrap_or_default(), field(&shape, 1).map(|dim| text(dim, 2)).collect());
            }
            other => other.skip(reader, &mut left)?,
        }
    }
    Ok(())
}

/// The length-delimited fields of this number in a message; none of what cannot be read.
fn field(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let mut reader = message.get(at..)?;
            let mut left = reader.len() as u64;
            if left == 0 {
                return None;
            }
            let next = Field::next(&mut reader, &mut left).ok()?;
            let start = message.len() - reader.len();
            let Field::Bytes { number: found, length } = next else {
                at = start + next.fixed_bytes()?;
                continue;
            };
            at = start.checked_add(usize::try_from(length).ok()?)?;
            let value = message.get(start..at)?;
            if found == number {
                return Some(value);
            }
        }
    })
}

fn text(message: &[u8], number: u64) -> Option<String> {
    field(message, number).next().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// A field of a protobuf message, up to its value's bytes.
enum Field {
    /// The number was read with it.
    Varint,
    /// Its value is this many bytes.
    Fixed(u8),
    Bytes {
        number: u64,
        length: u64,
    },
}

impl Field {
    fn next(reader: &mut impl Read, left: &mut u64) -> io::Result<Self> {
        let key = varint(reader, left)?;
        match key & 7 {
            0 => varint(reader, left).map(|_| Self::Varint),
            1 => Ok(Self::Fixed(8)),
            5 => Ok(Self::Fixed(4)),
            2 => Ok(Self::Bytes { number: key >> 3, length: varint(reader, left)? }),
            _ => Err(malformed()),
        }
    }

    fn fixed_bytes(&self) -> Option<usize> {
        match self {
            Self::Varint => Some(0),
            Self::Fixed(bytes) => Some((*bytes).into()),
            Self::Bytes { length, .. } => usize::try_from(*length).ok(),
        }
    }

    fn skip(&self, reader: &mut impl Seek, left: &mut u64) -> io::Result<()> {
        let bytes = match self {
            Self::Varint => return Ok(()),
            Self::Fixed(bytes) => (*bytes).into(),
            Self::Bytes { length, .. } => *length,
        };
        *left = take(*left, bytes)?;
        reader.seek(SeekFrom::Current(i64::try_from(bytes).map_err(|_| malformed())?))?;
        Ok(())
    }
}

fn varint(reader: &mut impl Read, left: &mut u64) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        *left = take(*left, 1)?;
        reader.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(value);
        }
    }
    Err(malformed())
}

fn take(left: u64, bytes: u64) -> io::Result<u64> {
    left.checked_sub(bytes).ok_or_else(malformed)
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is no ONNX file")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 128);
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn input(name: &str, dims: &[&[u8]]) -> Vec<u8> {
        let dims: Vec<u8> = dims.iter().flat_map(|dim| message(1, dim)).collect();
        let tensor = [vec![1 << 3, 7], message(2, &dims)].concat();
        message(11, &[message(1, name.as_bytes()), message(2, &message(1, &tensor))].concat())
    }

    fn read_bytes(bytes: &[u8]) -> io::Result<Symbols> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    #[test]
    fn names_are_found_behind_nodes_and_weights() {
        let named = |name: &str| message(2, name.as_bytes());
        let graph = [
            message(1, b"a node"),
            message(5, &[0xff; 40]),
            input("ids", &[&named("batch"), &named("tokens")]),
            input("rest", &[&[1 << 3, 4], &[]]),
            message(12, b"an output"),
        ]
        .concat();
        let model = [vec![1 << 3, 9], message(7, &graph), message(8, b"opset")].concat();
        let symbols = read_bytes(&model).unwrap();
        assert_eq!(symbols["ids"], [Some("batch".to_owned()), Some("tokens".to_owned())]);
        assert_eq!(symbols["rest"], [None, None]);
        assert!(read_bytes(&model[..model.len() - 3]).is_err(), "cut short");
        assert!(read_bytes(b"not a graph at all").is_err());
        assert_eq!(read_bytes(b"").unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes);
            let _ = read_bytes(&message(7, &bytes[..bytes.len().min(120)]));
            let _ = read_bytes(&message(7, &message(11, &bytes[..bytes.len().min(100)])));
        }
    }
}
