//! What every value in every tree looks like: `[version u8][CRC-32 u32 little-endian][payload]`.
//!
//! The checksum is CRC-32 (IEEE) over key, version and payload. The key is in it so that a value that turns up
//! under another key is not taken for that key's own. What a payload means is the business of the modules
//! that write it; nothing here knows sled.

use std::error::Error;
use std::fmt;

/// The version this code writes, and the only one it reads.
pub(crate) const VERSION: u8 = 1;

/// Bytes before the payload.
const HEADER: usize = 5;

/// Why a value is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corrupt {
    /// Shorter than a header.
    Short {
        /// Bytes found.
        bytes: usize,
    },
    /// The checksum does not fit.
    Checksum {
        /// Written down.
        expected: u32,
        /// Computed.
        found: u32,
    },
    /// Whole, but written by another version.
    Version(u8),
    /// Whole by its checksum, and yet not readable.
    Malformed(&'static str),
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { bytes } => write!(f, "it has {bytes} bytes, less than a header"),
            Self::Checksum { expected, found } => {
                write!(f, "its checksum is {found:08x}, not {expected:08x}")
            }
            Self::Version(version) => write!(f, "it has version {version}; this app reads version {VERSION}"),
            Self::Malformed(what) => write!(f, "its {what} cannot be read"),
        }
    }
}

impl Error for Corrupt {}

/// The value to keep under `key`.
pub(crate) fn encode(key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER + payload.len());
    value.push(VERSION);
    value.extend_from_slice(&checksum(key, VERSION, payload).to_le_bytes());
    value.extend_from_slice(payload);
    value
}

/// The payload of the value found under `key`.
///
/// Fails on anything that [`encode`] did not write for this very key: too short, another checksum, another
/// version, in this order.
pub(crate) fn decode<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Corrupt> {
    let short = Corrupt::Short { bytes: value.len() };
    let (header, payload) = value.split_at_checked(HEADER).ok_or(short)?;
    let &[version, a, b, c, d] = header else { return Err(short) };
    let expected = u32::from_le_bytes([a, b, c, d]);
    let found = checksum(key, version, payload);
    if found != expected {
        return Err(Corrupt::Checksum { expected, found });
    }
    if version != VERSION {
        return Err(Corrupt::Version(version));
    }
    Ok(payload)
}

/// The checksum as it stands in a value, right or wrong; 0 in one too short to have any.
pub(crate) fn written_checksum(value: &[u8]) -> u32 {
    value.get(1..HEADER).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn checksum(key: &[u8], version: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(&[version]);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            key in prop::collection::vec(any::<u8>(), 0..24),
            payload in prop::collection::vec(any::<u8>(), 0..512),
        ) {
            let value = encode(&key, &payload);
            prop_assert_eq!(decode(&key, &value), Ok(payload.as_slice()));
        }

        #[test]
        fn every_flipped_byte_is_noticed(
            key in prop::collection::vec(any::<u8>(), 1..24),
            payload in prop::collection::vec(any::<u8>(), 0..64),
            mask in 1_u8..,
        ) {
            let value = encode(&key, &payload);
            for place in 0..value.len() {
                let mut flipped = value.clone();
                flipped[place] ^= mask;
                prop_assert!(decode(&key, &flipped).is_err(), "byte {} of {}", place, value.len());
            }
            for place in 0..key.len() {
                let mut other = key.clone();
                other[place] ^= mask;
                prop_assert!(decode(&other, &value).is_err(), "taken for another key's");
            }
        }

        #[test]
        fn every_cut_is_noticed(
            key in prop::collection::vec(any::<u8>(), 0..24),
            payload in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let value = encode(&key, &payload);
            for length in 0..value.len() {
                prop_assert!(decode(&key, &value[..length]).is_err(), "cut to {} of {}", length, value.len());
            }
        }
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let mut value = vec![9];
        value.extend_from_slice(&checksum(b"k", 9, b"later").to_le_bytes());
        value.extend_from_slice(b"later");
        assert_eq!(decode(b"k", &value), Err(Corrupt::Version(9)), "whole, only newer");
    }
}
