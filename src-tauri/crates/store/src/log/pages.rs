//! What a page of sled's holds after all its messages.

use std::collections::BTreeMap;

use super::classify;
use crate::dump::Entry;
use crate::tree::Part;

/// The longest key of ours is a note's; anything longer is not a key.
const MAX_KEY: usize = 1024;

/// A page while its messages are read, oldest first.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// By key in full; nothing where a value is there that is not whole, and no older one was.
    pub(super) current: BTreeMap<Vec<u8>, Option<(Part, Vec<u8>)>>,
    /// What was there once and was taken away by a later message.
    pub(super) dropped: Vec<Entry>,
    /// What every key in this page begins with; links hold only the rest.
    prefix: Vec<u8>,
    /// Prefixes it had before.
    earlier: Vec<Vec<u8>>,
}

/// A page as a message has it.
struct Node<'a> {
    prefix: &'a [u8],
    entries: Vec<(&'a [u8], &'a [u8])>,
}

impl Page {
    pub(super) fn free(&mut self) {
        let gone = std::mem::take(&mut self.current);
        self.drop_all(gone);
    }

    /// Takes `body` as the whole page; only what can be read of it if the message is not `whole`.
    pub(super) fn replace(&mut self, body: &[u8], whole: bool) {
        let Some(node) = parse_node(body, whole) else {
            if whole {
                // An index page, which holds no entries.
                self.free();
            }
            return;
        };
        if self.prefix != node.prefix {
            let before = std::mem::replace(&mut self.prefix, node.prefix.to_vec());
            self.earlier.push(before);
        }
        let mut before = if whole { std::mem::take(&mut self.current) } else { BTreeMap::new() };
        for (rest, value) in node.entries {
            let key = [node.prefix, rest].concat();
            let older = before.remove(&key);
            match classify(&key, value) {
                Ok(part) => {
                    self.current.insert(key, Some((part, value.to_vec())));
                }
                Err(_) if whole => {
                    self.current.insert(key, older.flatten());
                }
                Err(_) => {
                    self.current.entry(key).or_insert(None);
                }
            }
        }
        self.drop_all(before);
    }

    /// Applies a link.
    pub(super) fn change(&mut self, body: &[u8]) {
        let mut cursor = Cursor::new(body);
        match cursor.byte() {
            Some(0) => {
                let Some((rest, value)) = cursor.slice().zip(cursor.slice()) else { return };
                let prefixes = std::iter::once(&self.prefix).chain(self.earlier.iter().rev());
                let found = prefixes.into_iter().find_map(|prefix| {
                    let key = [prefix, rest].concat();
                    classify(&key, value).ok().map(|part| (key, part))
                });
                if let Some((key, part)) = found {
                    self.current.insert(key, Some((part, value.to_vec())));
                }
            }
            Some(1) => {
                let Some(rest) = cursor.slice() else { return };
                let key = [&self.prefix, rest].concat();
                if let Some(gone) = self.current.remove(&key) {
                    self.drop_all(BTreeMap::from([(key, gone)]));
                }
            }
            _ => {}
        }
    }

    fn drop_all(&mut self, gone: BTreeMap<Vec<u8>, Option<(Part, Vec<u8>)>>) {
        let entry = |(key, found): (_, Option<(Part, Vec<u8>)>)| {
            let (part, value) = found?;
            Some(Entry { part, key, value })
        };
        self.dropped.extend(gone.into_iter().filter_map(entry));
    }
}

/// The entries of a leaf; nothing for any other page. Of a message that is not `whole`, as many as can be
/// told apart.
fn parse_node(body: &[u8], whole: bool) -> Option<Node<'_>> {
    let mut cursor = Cursor::new(body);
    cursor.number()?;
    cursor.number()?;
    cursor.byte()?;
    let prefix = usize::from(cursor.byte()?);
    let least = cursor.slice()?;
    cursor.slice()?;
    if cursor.byte()? != 0 {
        return None;
    }
    let count = usize::try_from(cursor.number()?).ok().filter(|&count| count <= body.len())?;
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(cursor.slice().filter(|key| key.len() <= MAX_KEY)?);
    }
    let mut entries = Vec::new();
    for key in keys {
        match cursor.slice() {
            Some(value) => entries.push((key, value)),
            None if whole => return None,
            None => break,
        }
    }
    Some(Node { prefix: least.get(..prefix)?, entries })
}

/// Reads sled's numbers and byte strings; says nothing where there are none.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// One to nine bytes: small numbers are their first byte.
    pub(super) fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        Some(match first {
            0..=240 => first.into(),
            241..=248 => 240 + 256 * (u64::from(first) - 241) + u64::from(self.byte()?),
            249 => 2288 + 256 * u64::from(self.byte()?) + u64::from(self.byte()?),
            250..=255 => {
                let bytes = self.bytes(usize::from(first) - 247)?;
                let mut number = [0; 8];
                number.get_mut(..bytes.len())?.copy_from_slice(bytes);
                u64::from_le_bytes(number)
            }
        })
    }

    fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            whole in any::<bool>(),
        ) {
            let mut page = Page::default();
            page.replace(&bytes, whole);
            page.change(&bytes);
            prop_assert!(page.current.values().flatten().next().is_none(), "no checksum fits by chance");
        }
    }
}
