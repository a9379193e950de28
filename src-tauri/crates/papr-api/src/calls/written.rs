//! What Papr says after something was written.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::MemoryId;
use crate::lenient::{self, Fields};
use crate::read::list::{self, Skipped};
use crate::read::memory::Memory;
use crate::read::raw::Raw;

/// A memory that was made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Added {
    /// What Papr calls it in addresses.
    pub memory_id: MemoryId,
    /// What Papr's database calls it.
    pub object_id: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The parts it was cut into.
    pub chunk_ids: Vec<String>,
}

impl Added {
    fn from_raw(raw: Raw) -> Result<Self, &'static str> {
        let Raw::Object { fields, .. } = raw else { return Err("it is not an object") };
        let mut fields = Fields::new(fields);
        let object_id = fields.text(&["objectId", "object_id"]);
        let id = fields.text(&["memoryId", "memory_id", "id"]).or_else(|| object_id.clone());
        let memory_id = MemoryId::new(id.ok_or("it has no id")?).map_err(|_| "its id cannot be one")?;
        let created_at = fields.time(&["createdAt", "created_at"]);
        let chunk_ids = fields.strings(&["memoryChunkIds", "memory_chunk_ids"]);
        Ok(Self { memory_id, object_id, created_at, chunk_ids })
    }
}

/// What came of [`Client::add`](crate::Client::add).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AddReply {
    /// At least one; more where the server made several memories of one text.
    pub memories: Vec<Added>,
    /// Items of the answer that could not be used.
    pub skipped: Vec<Skipped>,
}

impl AddReply {
    /// `None` where no memory is told of.
    pub(crate) fn read(mut map: Map<String, Value>) -> Option<Self> {
        let data = list::take(&mut map, "data")?;
        let mut skipped = Vec::new();
        let memories = list::items(data, "data", &mut skipped, Added::from_raw);
        (!memories.is_empty()).then_some(Self { memories, skipped })
    }
}

/// A memory of a batch that was refused.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchError {
    /// Its place in the batch, from 0; `None` if the server gave none that makes sense.
    pub index: Option<usize>,
    /// Why, in the server's words.
    pub error: String,
    /// The status it would have had alone.
    pub code: Option<u64>,
    /// Whatever else the server said.
    pub details: Option<Value>,
}

/// Without the details, in which servers repeat what was sent.
impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, error, code, .. } = self;
        f.debug_struct("BatchError")
            .field("index", index)
            .field("code", code)
            .field("error", error)
            .finish_non_exhaustive()
    }
}

/// What came of [`Client::add_batch`](crate::Client::add_batch).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BatchReply {
    /// The memories that were made. The server does not say which is which: see [`BatchReply::by_index`].
    pub successful: Vec<AddReply>,
    /// Those that were not.
    pub errors: Vec<BatchError>,
    /// How many the server looked at.
    pub total_processed: Option<u64>,
    /// Items of the answer that could not be used.
    pub skipped: Vec<Skipped>,
}

impl BatchReply {
    /// For each memory of a batch of `count`, what came of it; `None` unless everything adds up: every memory is
    /// accounted for once, and every error has its place.
    ///
    /// That the server keeps the order of those it made is not documented. Where a mix-up would matter, find the
    /// memories by their `client_id`.
    pub fn by_index(&self, count: usize) -> Option<Vec<Result<&AddReply, &BatchError>>> {
        if !self.skipped.is_empty() || self.successful.len() + self.errors.len() != count {
            return None;
        }
        let mut places: Vec<Option<&BatchError>> = vec![None; count];
        for error in &self.errors {
            let place = places.get_mut(error.index?)?;
            if place.replace(error).is_some() {
                return None;
            }
        }
        let mut made = self.successful.iter();
        places.into_iter().map(|error| error.map(Err).or_else(|| made.next().map(Ok))).collect()
    }

    /// `None` where neither list is there.
    pub(crate) fn read(mut map: Map<String, Value>) -> Option<Self> {
        let (made, failed) = (list::take(&mut map, "successful"), list::take(&mut map, "errors"));
        if made.is_none() && failed.is_none() {
            return None;
        }
        let mut skipped = Vec::new();
        let response = |raw: Raw| {
            let Raw::Object { fields, .. } = raw else { return Err("it is not an object") };
            AddReply::read(fields).ok_or("it tells of no memory")
        };
        let successful = list::items(made.unwrap_or_default(), "successful", &mut skipped, response);
        let errors = list::items(failed.unwrap_or_default(), "errors", &mut skipped, batch_error);
        let total_processed = map.get("total_processed").and_then(lenient::count);
        Some(Self { successful, errors, total_processed, skipped })
    }
}

fn batch_error(raw: Raw) -> Result<BatchError, &'static str> {
    let Raw::Object { fields, .. } = raw else { return Err("it is not an object") };
    let mut fields = Fields::new(fields);
    let index = fields.take(&["index"], lenient::count).and_then(|index| usize::try_from(index).ok());
    let code = fields.take(&["code"], lenient::count);
    let error = fields.text(&["error", "message"]).unwrap_or_default();
    let details = fields.take(&["details"], |details| Some(details.clone()));
    Ok(BatchError { index, error, code, details })
}

/// What came of [`Client::update`](crate::Client::update).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UpdateReply {
    /// The memory as it is now, as far as the server tells.
    pub memories: Vec<Memory>,
    /// Items of the answer that could not be used.
    pub skipped: Vec<Skipped>,
}

/// What came of [`Client::delete`](crate::Client::delete).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deleted {
    /// False if there was no such memory: never was, or deleted before, perhaps by an earlier attempt of this very
    /// call.
    pub found: bool,
    /// Whether some of the server's stores still have it: it said so, or answered with 207.
    pub partial: bool,
}

impl Deleted {
    pub(crate) fn read(map: &Map<String, Value>, status: u16) -> Self {
        let stores = map.get("deletion_status").and_then(Value::as_object);
        let left = stores.is_some_and(|stores| stores.values().any(|done| *done == Value::Bool(false)));
        Self { found: true, partial: left || status == 207 }
    }
}
