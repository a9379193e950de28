//! A long reply, cut into the items of its lists while it comes.
//!
//! The reply is one object. The values of a few named fields are lists whose items are handed on one by one, as
//! bytes; everything else is small and kept. At no time is more than one item in memory, and never more than
//! [`MAX_ITEM`] bytes of it. The brackets inside an item are counted and otherwise not looked at, so that an item
//! that is no JSON spoils itself and no other.

use serde_json::{Map, Value};

/// The longest item or field that is kept, in bytes of JSON: a memory of 15,000 bytes, escaped, with 8,192 floats of
/// full length, is about half of it.
pub(crate) const MAX_ITEM: usize = 1 << 20;

/// Why a reply cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SplitError {
    /// It ended in the middle.
    Cut,
    /// It is not an object, or its outermost parts are no JSON.
    NotJson,
}

/// The small fields of a reply, and the names of the lists that there were.
pub(crate) type Rest = (Map<String, Value>, Vec<&'static str>);

/// One item of a list, or `None` where it was longer than [`MAX_ITEM`].
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) list: &'static str,
    pub(crate) index: usize,
    pub(crate) json: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// After `{`, where `}` may come, or after a comma, where it may not.
    Key {
        first: bool,
    },
    InKey,
    Colon,
    Value,
    InValue,
    AfterValue,
    Item {
        first: bool,
    },
    InItem,
    AfterItem,
    Done,
}

/// Where in a value the reading is.
#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    depth: usize,
    string: bool,
    escaped: bool,
    /// A number or a word: it ends where something else begins.
    scalar: bool,
}

/// Takes a reply in pieces of any size.
#[derive(Debug)]
pub(crate) struct Splitter {
    lists: &'static [&'static str],
    state: State,
    inside: Inside,
    buffer: Vec<u8>,
    too_long: bool,
    key: String,
    list: &'static str,
    index: usize,
    seen: Vec<&'static str>,
    rest: Map<String, Value>,
}

impl Splitter {
    pub(crate) fn new(lists: &'static [&'static str]) -> Self {
        Self {
            lists,
            state: State::Start,
            inside: Inside::default(),
            buffer: Vec::new(),
            too_long: false,
            key: String::new(),
            list: "",
            index: 0,
            seen: Vec::new(),
            rest: Map::new(),
        }
    }

    /// Reads on; whole items go to `each`.
    pub(crate) fn write(
        &mut self,
        mut bytes: &[u8],
        each: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), SplitError> {
        while let Some(&byte) = bytes.first() {
            let taken = match self.state {
                State::InValue | State::InItem | State::InKey => self.inside(bytes, each)?,
                _ => self.between(byte)?,
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// After the last byte: the small fields, and the lists that there were.
    pub(crate) fn finish(self) -> Result<Rest, SplitError> {
        if self.state == State::Done { Ok((self.rest, self.seen)) } else { Err(SplitError::Cut) }
    }

    /// The byte decides what comes next. Gives back whether it is used up (1) or belongs to what comes (0).
    fn between(&mut self, byte: u8) -> Result<usize, SplitError> {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(1);
        }
        self.state = match (self.state, byte) {
            (State::Start, b'{') => State::Key { first: true },
            // The mark that some writers put before UTF-8.
            (State::Start, 0xEF | 0xBB | 0xBF) => State::Start,
            (State::Key { first: true } | State::AfterValue, b'}') => State::Done,
            (State::Key { .. }, b'"') => return Ok(self.enter(State::InKey)),
            (State::Colon, b':') => State::Value,
            (State::Value, b'[') if self.enter_list() => State::Item { first: true },
            (State::Value, _) => return Ok(self.enter(State::InValue)),
            (State::AfterValue, b',') => State::Key { first: false },
            (State::Item { first: true } | State::AfterItem, b']') => State::AfterValue,
            (State::AfterItem, b',') => State::Item { first: false },
            (State::Item { .. }, byte) if byte != b',' && byte != b']' => {
                return Ok(self.enter(State::InItem));
            }
            _ => return Err(SplitError::NotJson),
        };
        Ok(1)
    }

    fn enter_list(&mut self) -> bool {
        let Some(&list) = self.lists.iter().find(|list| **list == self.key) else { return false };
        self.list = list;
        self.index = 0;
        if !self.seen.contains(&list) {
            self.seen.push(list);
        }
        true
    }

    /// Nothing of the value is used up yet.
    fn enter(&mut self, state: State) -> usize {
        self.state = state;
        self.inside = Inside::default();
        self.buffer.clear();
        self.too_long = false;
        0
    }

    /// Takes as much as belongs to the value at hand.
    fn inside(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) -> Result<usize, SplitError> {
        let mut taken = 0;
        let mut ended = false;
        for &byte in bytes {
            let (more, end) = self.inside.step(byte);
            taken += usize::from(more);
            if end {
                ended = true;
                break;
            }
        }
        if self.buffer.len() + taken > MAX_ITEM {
            self.too_long = true;
            self.buffer = Vec::new();
        } else if !self.too_long {
            self.buffer.extend_from_slice(&bytes[..taken]);
        }
        if ended {
            self.leave(each)?;
        }
        Ok(taken)
    }

    fn leave(&mut self, each: &mut dyn FnMut(Piece<'_>)) -> Result<(), SplitError> {
        match self.state {
            State::InKey => {
                self.key = serde_json::from_slice(&self.buffer).map_err(|_| SplitError::NotJson)?;
                self.state = State::Colon;
            }
            State::InItem => {
                let json = (!self.too_long).then_some(self.buffer.as_slice());
                each(Piece { list: self.list, index: self.index, json });
                self.index += 1;
                self.state = State::AfterItem;
            }
            _ => {
                if !self.too_long {
                    let value = serde_json::from_slice(&self.buffer).map_err(|_| SplitError::NotJson)?;
                    self.rest.insert(std::mem::take(&mut self.key), value);
                }
                self.state = State::AfterValue;
            }
        }
        Ok(())
    }
}

impl Inside {
    /// Whether the byte belongs to the value, and whether the value ends with it or before it.
    fn step(&mut self, byte: u8) -> (bool, bool) {
        if self.string {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.string = false;
                return (true, self.depth == 0);
            }
            return (true, false);
        }
        if self.scalar && matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') {
            return (false, true);
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return (true, self.depth == 0);
            }
            _ if self.depth == 0 => self.scalar = true,
            _ => {}
        }
        (true, false)
    }
}

#[cfg(test)]
mod tests;
