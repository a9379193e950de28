//! The file format of backups: every entry of some trees, in an order and with checksums that let any cut or
//! changed byte be noticed. It owes nothing to sled.
//!
//! ```text
//! header   "PAPRDUMP" · format u16 · schema u32 · changes u64 · time i64, ms since 1970 · CRC-32 of the above
//! entry    tree u8 · key length u16 · value length u32 · key · value · CRC-32 of the entry's bytes above
//! end      0xFF · entries u64 · CRC-32 of every byte of the file above
//! ```
//!
//! Numbers are little-endian. Values are as they stand in the database, their own checksums included.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

use crate::tree::Part;

const MAGIC: &[u8; 8] = b"PAPRDUMP";
const FORMAT: u16 = 1;
const END: u8 = 0xFF;

/// What a dump says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The schema its entries are of.
    pub(crate) schema: u32,
    /// The number of the last change it holds.
    pub(crate) changes: u64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) at_ms: i64,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) part: Part,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Why a dump cannot be read.
#[derive(Debug)]
pub(crate) enum DumpError {
    /// The system failed.
    Io(io::Error),
    /// It is not as it was written; what does not fit.
    Corrupt(&'static str),
    /// Whole, but of a format this version does not know.
    Format(u16),
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::Corrupt(what) => write!(f, "it is not as it was written: {what}"),
            Self::Format(format) => {
                write!(f, "it has format {format}, from another version; this one reads {FORMAT}")
            }
        }
    }
}

impl std::error::Error for DumpError {}

impl From<io::Error> for DumpError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Corrupt("it ends too early"),
            _ => Self::Io(error),
        }
    }
}

/// Writes a dump.
pub(crate) struct Writer<W> {
    to: W,
    hasher: crc32fast::Hasher,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(to: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { to, hasher: crc32fast::Hasher::new(), entries: 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&header.schema.to_le_bytes());
        bytes.extend_from_slice(&header.changes.to_le_bytes());
        bytes.extend_from_slice(&header.at_ms.to_le_bytes());
        writer.write_checked(bytes)?;
        Ok(writer)
    }

    /// Writes `bytes` and their checksum.
    fn write_checked(&mut self, mut bytes: Vec<u8>) -> io::Result<()> {
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        self.hasher.update(&bytes);
        self.to.write_all(&bytes)
    }

    /// Fails with `InvalidInput` for a key or value longer than its length can tell.
    pub(crate) fn entry(&mut self, part: Part, key: &[u8], value: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::from(ErrorKind::InvalidInput);
        let mut bytes = Vec::with_capacity(11 + key.len() + value.len());
        bytes.push(part.code());
        bytes.extend_from_slice(&u16::try_from(key.len()).map_err(too_long)?.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(value.len()).map_err(too_long)?.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        self.write_checked(bytes)?;
        self.entries += 1;
        Ok(())
    }

    /// Writes the end; a dump without one is no dump.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let mut end = vec![END];
        end.extend_from_slice(&self.entries.to_le_bytes());
        self.hasher.update(&end);
        self.to.write_all(&end)?;
        self.to.write_all(&self.hasher.finalize().to_le_bytes())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Reads a dump. Only when [`Reader::entry`] has said that there are no more is the dump known to be whole.
pub(crate) struct Reader<R> {
    from: R,
    hasher: crc32fast::Hasher,
    entries: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(from: R) -> Result<(Header, Self), DumpError> {
        let mut reader = Self { from, hasher: crc32fast::Hasher::new(), entries: 0, ended: false };
        let mut own = crc32fast::Hasher::new();
        if reader.array::<8>(&mut own)? != *MAGIC {
            return Err(DumpError::Corrupt("it does not begin like a backup"));
        }
        let format = u16::from_le_bytes(reader.array(&mut own)?);
        let schema = u32::from_le_bytes(reader.array(&mut own)?);
        let changes = u64::from_le_bytes(reader.array(&mut own)?);
        let at_ms = i64::from_le_bytes(reader.array(&mut own)?);
        reader.expect_checksum(own, "the checksum of its header")?;
        if format != FORMAT {
            return Err(DumpError::Format(format));
        }
        Ok((Header { schema, changes, at_ms }, reader))
    }

    fn array<const N: usize>(&mut self, own: &mut crc32fast::Hasher) -> Result<[u8; N], DumpError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.hasher.update(&bytes);
        own.update(&bytes);
        Ok(bytes)
    }

    /// Reads as far as there is something: a wrong length must not take memory for nothing.
    fn slice(&mut self, length: usize, own: &mut crc32fast::Hasher) -> Result<Vec<u8>, DumpError> {
        let mut bytes = Vec::new();
        (&mut self.from).take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(DumpError::Corrupt("it ends too early"));
        }
        self.hasher.update(&bytes);
        own.update(&bytes);
        Ok(bytes)
    }

    fn expect_checksum(&mut self, own: crc32fast::Hasher, what: &'static str) -> Result<(), DumpError> {
        let expected = own.finalize();
        let mut unused = crc32fast::Hasher::new();
        let found = u32::from_le_bytes(self.array(&mut unused)?);
        if found == expected { Ok(()) } else { Err(DumpError::Corrupt(what)) }
    }

    /// The next entry; none at the end, whose count and checksum were right and behind which nothing comes.
    pub(crate) fn entry(&mut self) -> Result<Option<Entry>, DumpError> {
        if self.ended {
            return Ok(None);
        }
        let mut own = crc32fast::Hasher::new();
        let [tree] = self.array(&mut own)?;
        if tree == END {
            return self.end(own).map(|()| None);
        }
        let part = Part::from_code(tree).ok_or(DumpError::Corrupt("a tree nobody knows"))?;
        let key_length = u16::from_le_bytes(self.array(&mut own)?);
        let value_length = u32::from_le_bytes(self.array(&mut own)?);
        let key = self.slice(key_length.into(), &mut own)?;
        let value = self.slice(value_length as usize, &mut own)?;
        self.expect_checksum(own, "the checksum of an entry")?;
        self.entries += 1;
        Ok(Some(Entry { part, key, value }))
    }

    fn end(&mut self, mut own: crc32fast::Hasher) -> Result<(), DumpError> {
        let entries = u64::from_le_bytes(self.array(&mut own)?);
        if entries != self.entries {
            return Err(DumpError::Corrupt("the count of its entries"));
        }
        let expected = self.hasher.clone().finalize();
        let mut unused = crc32fast::Hasher::new();
        if u32::from_le_bytes(self.array(&mut unused)?) != expected {
            return Err(DumpError::Corrupt("the checksum of the whole"));
        }
        if self.from.read(&mut [0])? != 0 {
            return Err(DumpError::Corrupt("something follows its end"));
        }
        self.ended = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(header: &Header, entries: &[Entry]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), header).unwrap();
        for entry in entries {
            writer.entry(entry.part, &entry.key, &entry.value).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Header, Vec<Entry>), DumpError> {
        let (header, mut reader) = Reader::new(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry()? {
            entries.push(entry);
        }
        Ok((header, entries))
    }

    fn any_dump() -> impl Strategy<Value = (Header, Vec<Entry>)> {
        let part = prop::sample::select(Part::ALL.to_vec());
        let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
        let entry = (part, bytes(30), bytes(80)).prop_map(|(part, key, value)| Entry { part, key, value });
        let header = (any::<u32>(), any::<u64>(), any::<i64>());
        (header, prop::collection::vec(entry, 0..6))
            .prop_map(|((schema, changes, at_ms), entries)| (Header { schema, changes, at_ms }, entries))
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out((header, entries) in any_dump()) {
            prop_assert_eq!(read(&write(&header, &entries)).unwrap(), (header, entries));
        }

        #[test]
        fn every_cut_and_every_flipped_byte_is_noticed((header, entries) in any_dump(), mask in 1_u8..) {
            let bytes = write(&header, &entries);
            for place in 0..bytes.len() {
                prop_assert!(read(&bytes[..place]).is_err(), "cut to {} of {}", place, bytes.len());
                let mut flipped = bytes.clone();
                flipped[place] ^= mask;
                prop_assert!(read(&flipped).is_err(), "byte {} of {}", place, bytes.len());
            }
            prop_assert!(read(&[&bytes[..], &[0]].concat()).is_err(), "something behind it");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).is_err());
            prop_assert!(read(&[&MAGIC[..], &bytes].concat()).is_err());
        }
    }
}
