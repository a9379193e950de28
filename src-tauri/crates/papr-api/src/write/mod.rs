//! What is sent, checked before it is sent.

pub(crate) mod batch;
pub(crate) mod feedback;
pub(crate) mod memory;
pub(crate) mod metadata;
pub(crate) mod search;
pub(crate) mod sync;

use std::fmt;
use std::ops::RangeInclusive;

use crate::Error;

/// Stands for a text in `Debug`: its length and no more.
pub(crate) struct Hidden<'a>(pub(crate) &'a str);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.0.len())
    }
}

/// Refuses a number that Papr would refuse.
pub(crate) fn in_range(what: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(what, format!("it is {value}, and must be {} to {}", range.start(), range.end())))
}

/// The JSON of a request.
pub(crate) fn json(what: &'static str, body: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body).map_err(|_| Error::invalid(what, "it cannot be written as JSON"))
}
