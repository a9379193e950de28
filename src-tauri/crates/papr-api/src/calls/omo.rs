//! Memories taken elsewhere and back, in the Open Memory Object form.

use std::fmt;

use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Error;
use crate::lenient::{self, Fields};
use crate::observe::Endpoint;
use crate::read::list::{self, Skipped};
use crate::transport::Effect;
use crate::{MemoryId, write};

/// A memory in the Open Memory Object form, version 1: kept as it is, whatever is in it.
pub type OmoMemory = Map<String, Value>;

/// What came of [`Client::omo_export`].
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct OmoExport {
    /// The memories.
    pub memories: Vec<OmoMemory>,
    /// How many the server says there are.
    pub count: Option<u64>,
    /// Items that could not be used.
    pub skipped: Vec<Skipped>,
}

/// How many, and not what they say.
impl fmt::Debug for OmoExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OmoExport")
            .field("memories", &self.memories.len())
            .field("count", &self.count)
            .field("skipped", &self.skipped)
            .finish()
    }
}

/// What came of [`Client::omo_import`].
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct OmoImport {
    /// How many were made.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
    /// What Papr calls those that were made.
    pub memory_ids: Vec<String>,
    /// What could not be made, as the server tells it.
    pub errors: Vec<Value>,
}

/// How many, and not what they say.
impl fmt::Debug for OmoImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OmoImport")
            .field("imported", &self.imported)
            .field("duplicates", &self.duplicates)
            .field("errors", &self.errors.len())
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Import<'a> {
    memories: &'a [OmoMemory],
    skip_duplicates: bool,
}

impl Client {
    /// `POST /v1/omo/export`: these memories in the Open Memory Object form.
    pub async fn omo_export(&self, ids: &[MemoryId]) -> Result<OmoExport, Error> {
        if ids.is_empty() {
            return Err(Error::invalid("the export", "it names no memory"));
        }
        let mut call = self.0.call(Endpoint::OmoExport, Method::POST, &["omo", "export"]);
        let ids: Vec<&str> = ids.iter().map(MemoryId::as_str).collect();
        call.body = Some(write::json("the export", &serde_json::json!({ "memory_ids": ids }))?);
        call.limit = self.0.limits.long_call;
        let (mut map, status) = self.0.object(&call).await?;
        let Some(items) = list::take(&mut map, "memories") else {
            return Err(self.0.unreadable(status, "it has no list of memories"));
        };
        let mut skipped = Vec::new();
        let mut memories = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Object(memory) => memories.push(memory),
                _ => skipped.push(Skipped { list: "memories", index, why: "it is not an object" }),
            }
        }
        Ok(OmoExport { memories, count: map.get("count").and_then(lenient::count), skipped })
    }

    /// `POST /v1/omo/import`: makes memories from their Open Memory Object form. Tried again as [`Client::add`] is.
    ///
    /// With `skip_duplicates`, those whose id Papr has already are left alone; such an import may be made again
    /// after an unknown outcome.
    pub async fn omo_import(
        &self,
        memories: &[OmoMemory],
        skip_duplicates: bool,
    ) -> Result<OmoImport, Error> {
        if memories.is_empty() {
            return Err(Error::invalid("the import", "it has no memory"));
        }
        let mut call = self.0.call(Endpoint::OmoImport, Method::POST, &["omo", "import"]);
        call.body = Some(write::json("the import", &Import { memories, skip_duplicates })?);
        call.effect = Effect::Creates;
        call.limit = self.0.limits.long_call;
        let (mut map, status) = self.0.object(&call).await?;
        let errors = list::take(&mut map, "errors").unwrap_or_default();
        let mut fields = Fields::new(map);
        let Some(imported) = fields.take(&["imported"], lenient::count) else {
            return Err(self.0.unreadable(status, "it does not say how many were imported"));
        };
        let duplicates = fields.take(&["skipped"], lenient::count).unwrap_or(0);
        let memory_ids = fields.strings(&["memory_ids", "memoryIds"]);
        Ok(OmoImport { imported, duplicates, memory_ids, errors })
    }
}
