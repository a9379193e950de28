//! Lists of which some items may be bad.

use serde_json::{Map, Value};

use crate::read::raw::Raw;

/// An item of a reply that could not be used. The others are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The list it stood in, as the reply calls it: `tier0`, `items`, `memories`, …
    pub list: &'static str,
    /// Its place there, from 0.
    pub index: usize,
    /// What is wrong with it. Nothing of the item is repeated.
    pub why: &'static str,
}

/// What one item's JSON holds, or why it holds nothing.
pub(crate) fn item<T>(json: &[u8], read: impl Fn(Raw) -> Result<T, &'static str>) -> Result<T, &'static str> {
    serde_json::from_slice::<Raw>(json).map_err(|_| "it is not valid JSON").and_then(read)
}

/// Reads every item of `list`; the bad ones go to `skipped`.
pub(crate) fn items<T>(
    list: Vec<Value>,
    name: &'static str,
    skipped: &mut Vec<Skipped>,
    read: impl Fn(Raw) -> Result<T, &'static str>,
) -> Vec<T> {
    let mut good = Vec::with_capacity(list.len());
    for (index, value) in list.into_iter().enumerate() {
        let raw = serde::Deserialize::deserialize(value).map_err(|_: serde_json::Error| "it cannot be read");
        match raw.and_then(&read) {
            Ok(item) => good.push(item),
            Err(why) => skipped.push(Skipped { list: name, index, why }),
        }
    }
    good
}

/// Takes a list out of a reply: null is a list of nothing; `None` where there is none.
pub(crate) fn take(map: &mut Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    match map.remove(name) {
        Some(Value::Array(items)) => Some(items),
        Some(Value::Null) => Some(Vec::new()),
        Some(other) => {
            map.insert(name.to_owned(), other);
            None
        }
        None => None,
    }
}
