//! Several memories in one call.

use serde::Serialize;

use crate::Error;
use crate::write::json;
use crate::write::memory::NewMemory;

/// The most memories in a [`Batch`].
pub const MAX_BATCH: usize = 50;
/// The longest body of a [`Batch`]'s request, in bytes. Papr's limit is 750,000 "in all"; whether that means the
/// texts or the JSON around them is not said, so the larger of the two is kept below it.
pub const MAX_BATCH_BYTES: usize = 750_000;
/// What a request has around its memories: names, brackets, the ids below, a comma for each memory.
const FRAME_BYTES: usize = 2_000;

/// 1 to [`MAX_BATCH`] memories that fit into one request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Batch {
    memories: Vec<NewMemory>,
    #[serde(rename = "batch_size")]
    at_a_time: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_id: Option<String>,
}

impl Batch {
    /// # Errors
    /// [`Error::Invalid`] for none or more than [`MAX_BATCH`] memories, [`Error::TooLarge`] if they do not fit into
    /// one request: see [`Batch::split`].
    pub fn new(memories: Vec<NewMemory>) -> Result<Self, Error> {
        if memories.is_empty() || memories.len() > MAX_BATCH {
            let reason = format!("it has {} memories, and must have 1 to {MAX_BATCH}", memories.len());
            return Err(Error::invalid("the batch", reason));
        }
        let batch = Self { memories, at_a_time: 10, external_user_id: None, namespace_id: None };
        batch.body()?;
        Ok(batch)
    }

    /// As few batches as any number of memories needs, in their order.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if one memory alone, with its metadata and context, does not fit into a request.
    pub fn split(memories: Vec<NewMemory>) -> Result<Vec<Self>, Error> {
        let mut batches = Vec::new();
        let (mut group, mut bytes) = (Vec::new(), FRAME_BYTES);
        for memory in memories {
            let size = json("the memory", &memory)?.len();
            if !group.is_empty() && (group.len() == MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
                batches.push(Self::new(std::mem::take(&mut group))?);
                bytes = FRAME_BYTES;
            }
            bytes += size;
            group.push(memory);
        }
        if !group.is_empty() {
            batches.push(Self::new(group)?);
        }
        Ok(batches)
    }

    /// How many memories the server works on at a time: 1 to 50. Default 10.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other number.
    pub fn batch_size(mut self, size: u32) -> Result<Self, Error> {
        crate::write::in_range("the batch's batch_size", size, 1..=50)?;
        self.at_a_time = size;
        Ok(self)
    }

    /// Says whose the memories are, in one's own words.
    #[must_use]
    pub fn external_user_id(mut self, id: impl Into<String>) -> Self {
        self.external_user_id = Some(id.into());
        self
    }

    /// Puts them into a namespace.
    #[must_use]
    pub fn namespace_id(mut self, id: impl Into<String>) -> Self {
        self.namespace_id = Some(id.into());
        self
    }

    /// The memories, in the order in which the reply counts them.
    pub fn memories(&self) -> &[NewMemory] {
        &self.memories
    }

    pub(crate) fn body(&self) -> Result<Vec<u8>, Error> {
        self.memories.iter().try_for_each(NewMemory::check)?;
        let body = json("the batch", self)?;
        if body.len() > MAX_BATCH_BYTES {
            return Err(Error::TooLarge { what: "the batch", bytes: body.len(), limit: MAX_BATCH_BYTES });
        }
        Ok(body)
    }
}
