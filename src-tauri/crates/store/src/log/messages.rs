//! The messages of a log: where they are, and which of them are whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::SEGMENT_BYTES;
use super::pages::Cursor;

/// A segment's own header.
const SEGMENT_HEADER: usize = 20;

/// No store of ours has as many pages; sled itself allows 2^37.
const MAX_PAGE: u64 = 1 << 37;

/// What a message brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its page holds nothing any more.
    Free,
    /// Its page as a whole.
    Node,
    /// The name of the file that holds its page as a whole.
    BlobNode,
    /// A change to its page.
    Link,
    /// The name of the file that holds a change to its page.
    BlobLink,
}

/// A message that concerns a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// Its place in the order of all messages ever written.
    sequence: u64,
    pub(super) kind: Kind,
    /// Where its body is in the file.
    pub(super) body: u64,
    pub(super) length: usize,
    /// Whether its checksum fits; parts of it may be readable if not.
    pub(super) whole: bool,
}

/// As it stands in the log.
struct Header {
    checksum: u32,
    kind: u8,
    length: usize,
    segment: u64,
    page: u64,
    /// Its own length.
    bytes: usize,
}

/// sled's numbers for kinds of messages; 0 is what it writes to mark damage.
const FREE: u8 = 4;
const NODE: u8 = 8;
const BLOB_NODE: u8 = 9;
const LINK: u8 = 10;
const BLOB_LINK: u8 = 11;

/// All messages that concern pages, by page, oldest first; and whether all between them was whole.
pub(super) fn scan(mut file: &File) -> io::Result<(BTreeMap<u64, Vec<Message>>, bool)> {
    file.seek(SeekFrom::Start(0))?;
    let mut pages: BTreeMap<u64, Vec<Message>> = BTreeMap::new();
    let mut whole = true;
    let mut start = 0;
    loop {
        let mut segment = Vec::with_capacity(SEGMENT_BYTES);
        file.take(SEGMENT_BYTES as u64).read_to_end(&mut segment)?;
        if segment.is_empty() {
            break;
        }
        let (found, clean) = scan_segment(&segment, start);
        whole &= clean;
        for (page, message) in found {
            pages.entry(page).or_default().push(message);
        }
        start += segment.len() as u64;
    }
    for messages in pages.values_mut() {
        messages.sort_by_key(|message| message.sequence);
    }
    Ok((pages, whole))
}

/// The messages of one segment that begins at `start` in the file.
fn scan_segment(segment: &[u8], start: u64) -> (Vec<(u64, Message)>, bool) {
    let end = segment.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let mut found = Vec::new();
    let mut newest = 0;
    let mut clean = true;
    let mut place = SEGMENT_HEADER;
    while place < end {
        let Some(header) = header_at(segment, place) else {
            clean = false;
            place += 1;
            continue;
        };
        let body = place + header.bytes;
        let next = body + header.length;
        let whole = checksum(&segment[place..body], &segment[body..next]) == header.checksum;
        if whole {
            newest = newest.max(header.segment);
        }
        if let Some(kind) = kind(header.kind)
            && (whole || matches!(kind, Kind::Node | Kind::Link))
        {
            let sequence = header.segment.saturating_mul(SEGMENT_BYTES as u64).saturating_add(place as u64);
            let body = start + body as u64;
            let message = Message { sequence, kind, body, length: header.length, whole };
            found.push((header.segment, header.page, message));
        }
        clean &= whole;
        place = if whole { next } else { place + 1 };
    }
    // What an earlier use of the segment left behind it is older than the database knows of.
    found.retain(|(number, ..)| *number == newest);
    (found.into_iter().map(|(_, page, message)| (page, message)).collect(), clean)
}

fn kind(number: u8) -> Option<Kind> {
    match number {
        FREE => Some(Kind::Free),
        NODE => Some(Kind::Node),
        BLOB_NODE => Some(Kind::BlobNode),
        LINK => Some(Kind::Link),
        BLOB_LINK => Some(Kind::BlobLink),
        _ => None,
    }
}

/// What may be a header at `place`: of a known kind, with a body that ends within the segment.
fn header_at(segment: &[u8], place: usize) -> Option<Header> {
    let mut cursor = Cursor::new(segment.get(place..)?);
    let checksum = u32::from_le_bytes(cursor.bytes(4)?.try_into().ok()?);
    let kind = cursor.byte().filter(|kind| (1..=BLOB_LINK).contains(kind))?;
    let length = usize::try_from(cursor.number()?).ok()?;
    let segment_number = cursor.number()?;
    let page = cursor.number()?;
    let bytes = segment.len() - place - cursor.left();
    let ours = page < MAX_PAGE || kind == 3;
    let fits = length <= cursor.left() && ours;
    fits.then_some(Header { checksum, kind, length, segment: segment_number, page, bytes })
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(header.get(4..).unwrap_or_default());
    hasher.finalize() ^ u32::MAX
}

pub(super) fn read_at(mut file: &File, place: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, segment: u8, page: u8, body: &[u8]) -> Vec<u8> {
        let rest = [&[kind, u8::try_from(body.len()).unwrap(), segment, page], body].concat();
        let header = [&[0; 4], &rest[..4]].concat();
        [&checksum(&header, body).to_le_bytes(), &rest[..]].concat()
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let (found, _) = scan_segment(&bytes, 0);
            for (_, message) in found {
                prop_assert!(message.body + message.length as u64 <= bytes.len() as u64);
            }
        }

        #[test]
        fn a_damaged_message_hides_no_other(
            bodies in prop::collection::vec(prop::collection::vec(1_u8.., 1..60), 2..8),
            harmed in any::<prop::sample::Index>(),
            place in any::<prop::sample::Index>(),
            mask in 1_u8..,
        ) {
            let messages: Vec<_> =
                (1..).zip(&bodies).map(|(page, body)| message(LINK, 1, page, body)).collect();
            let mut segment = vec![0; SEGMENT_HEADER];
            let mut starts = Vec::new();
            for message in &messages {
                starts.push(segment.len());
                segment.extend(message);
            }
            let harmed = harmed.index(messages.len());
            segment[starts[harmed] + place.index(messages[harmed].len())] ^= mask;
            let (found, clean) = scan_segment(&segment, 0);
            prop_assert!(!clean);
            let whole: Vec<_> =
                found.iter().filter(|(_, message)| message.whole).map(|(page, _)| *page).collect();
            let expected: Vec<u64> =
                (1..=messages.len() as u64).filter(|&page| page != harmed as u64 + 1).collect();
            prop_assert_eq!(whole, expected);
        }
    }
}
