//! A look at the runtime's file before it is loaded.
//!
//! Two things cannot be left to the loader. Official builds of ONNX Runtime from 1.29 on carry an uploader of
//! usage data that is on by default and makes a local database even when asked not to: that nothing leaves the
//! device shall be a property of the bytes that run, not of a setting, so such a file is refused. (`main` also
//! sets `ORT_DISABLE_TELEMETRY=1`, a second lock on the same door.) And on Linux, loading a file that was cut
//! short kills the process instead of failing.
//!
//! It is no proof of origin: checksums are compared where the library is fetched.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// What the uploader's address contains.
const UPLOADER: &[u8] = b"OneCollector";

/// Says why the library at `path` must not be loaded, if so.
pub(crate) fn inspect(path: &Path) -> Result<(), String> {
    let (missing, uploads) = examine(path).map_err(|error| error.to_string())?;
    if let Some((expected, found)) = missing {
        return Err(format!("the file was cut short: it has {found} bytes, expected {expected}"));
    }
    if uploads {
        return Err("this build of it can send usage data to its maker".to_owned());
    }
    Ok(())
}

/// Expected and found bytes of a file that was cut, and whether there is an uploader in it.
fn examine(path: &Path) -> io::Result<(Option<(u64, u64)>, bool)> {
    let mut file = File::open(path)?;
    let found = file.metadata()?.len();
    let mut header = Vec::with_capacity(64);
    file.by_ref().take(64).read_to_end(&mut header)?;
    let cut = elf_length(&header).filter(|&expected| expected > found).map(|expected| (expected, found));
    file.rewind()?;
    Ok((cut, contains(file, UPLOADER)?))
}

/// How long a 64-bit little-endian ELF file is, by its header: linkers put the section headers last. `None` of
/// any other file, and of one without section headers.
fn elf_length(header: &[u8]) -> Option<u64> {
    let at = |position: usize| Some(u64::from(u16::from_le_bytes(*header.get(position..)?.first_chunk()?)));
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let sections = u64::from_le_bytes(*header.get(0x28..)?.first_chunk()?);
    let (size, count) = (at(0x3a)?, at(0x3c)?);
    if sections == 0 { None } else { sections.checked_add(size * count) }
}

/// Whether `needle` occurs in what `source` gives. Reads in pieces and skips ahead by the byte under the
/// needle's end (Horspool), so a library of 24 MB costs a few milliseconds.
fn contains(mut source: impl Read, needle: &[u8]) -> io::Result<bool> {
    let Some((&last, head)) = needle.split_last() else { return Ok(true) };
    let mut skip = [needle.len(); 256];
    for (position, &byte) in head.iter().enumerate() {
        skip[usize::from(byte)] = head.len() - position;
    }
    let mut window = vec![0; 1 << 18];
    let (mut kept, mut at) = (0, head.len());
    loop {
        let read = match source.read(&mut window[kept..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = kept + read;
        while at < filled {
            if window[at] == last && &window[at - head.len()..at] == head {
                return Ok(true);
            }
            at += skip[usize::from(window[at])];
        }
        // The bytes that the needle's beginning may lie in move to the front.
        let start = at - head.len();
        kept = filled.saturating_sub(start);
        window.copy_within(filled - kept..filled, 0);
        at = head.len() + start.saturating_sub(filled);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, as a slow disk may.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn finds_what_is_there_and_nothing_else(
            text in "[abc]{0,60}", needle in "[abc]{1,5}", drip in 1_usize..9,
        ) {
            let found = contains(Drip(text.as_bytes(), drip), needle.as_bytes()).unwrap();
            prop_assert_eq!(found, text.contains(&needle));
        }
    }

    #[test]
    fn finds_across_the_edge_of_the_window() {
        for before in (1 << 18) - 20..(1 << 18) + 4 {
            let mut bytes = vec![b'O'; before];
            bytes.extend_from_slice(UPLOADER);
            assert!(contains(bytes.as_slice(), UPLOADER).unwrap(), "after {before} bytes");
            bytes.pop();
            assert!(!contains(bytes.as_slice(), UPLOADER).unwrap(), "cut, after {before} bytes");
        }
    }
}
