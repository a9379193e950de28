//! Memories made, fetched, changed and deleted.

use reqwest::Method;

use crate::calls::written::{AddReply, BatchReply, Deleted, UpdateReply};
use crate::client::Client;
use crate::error::Error;
use crate::observe::Endpoint;
use crate::read::list;
use crate::read::memory::Memory;
use crate::transport::Effect;
use crate::write::batch::Batch;
use crate::write::memory::{NewMemory, Update};
use crate::{MemoryId, write};

/// A status of success without a body.
const NO_CONTENT: u16 = 204;

impl Client {
    /// `POST /v1/memory`: makes a memory. Costs 4 operations.
    ///
    /// Making one twice makes two. So this is tried again only if nothing was made for certain; else the error's
    /// [`outcome`](Error::outcome) is [`Unknown`](crate::Outcome::Unknown), and the memory must be looked for by its
    /// `client_id` before this is called again.
    pub async fn add(&self, memory: &NewMemory) -> Result<AddReply, Error> {
        memory.check()?;
        let mut call = self.0.call(Endpoint::Add, Method::POST, &["memory"]);
        if memory.skip_background_processing {
            call.url.query_pairs_mut().append_pair("skip_background_processing", "true");
        }
        call.body = Some(write::json("the memory", memory)?);
        call.effect = Effect::Creates;
        let (map, status) = self.0.object(&call).await?;
        AddReply::read(map).ok_or_else(|| self.0.unreadable(status, "it tells of no memory that was made"))
    }

    /// `POST /v1/memory/batch`: makes several memories. Costs 4 operations each. Tried again as [`Client::add`] is.
    ///
    /// Some may be made and some not: that is `Ok`, with [`BatchReply::errors`].
    pub async fn add_batch(&self, batch: &Batch) -> Result<BatchReply, Error> {
        let mut call = self.0.call(Endpoint::AddBatch, Method::POST, &["memory", "batch"]);
        call.body = Some(batch.body()?);
        call.effect = Effect::Creates;
        let (map, answer) = self.0.any_object(&call).await?;
        let reply = BatchReply::read(map.clone());
        if let Some(reply) = reply
            && !(reply.successful.is_empty() && reply.errors.is_empty())
        {
            return Ok(reply);
        }
        self.0.success(answer, &map)?;
        Err(self.0.unreadable(answer.status, "it tells neither of memories that were made nor of errors"))
    }

    /// `GET /v1/memory/{id}`: one memory, or `None` if Papr itself says that there is none this key may see. Costs 1
    /// operation. A 404 of anybody else's is an error.
    pub async fn get(&self, id: &MemoryId) -> Result<Option<Memory>, Error> {
        let call = self.0.call(Endpoint::Get, Method::GET, &["memory", id.as_str()]);
        let (mut map, status) = match self.0.object(&call).await {
            Ok(object) => object,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let data = map.get_mut("data").and_then(serde_json::Value::as_object_mut);
        let Some(items) = data.and_then(|data| list::take(data, "memories")) else {
            return Err(self.0.unreadable(status, "it has no list of memories"));
        };
        let mut skipped = Vec::new();
        let mut memories = list::items(items, "memories", &mut skipped, Memory::from_raw);
        if memories.is_empty() && !skipped.is_empty() {
            return Err(self.0.unreadable(status, "the memory in it cannot be read"));
        }
        let asked = memories.iter().position(|memory| memory.id == *id).unwrap_or(0);
        Ok((!memories.is_empty()).then(|| memories.swap_remove(asked)))
    }

    /// `PUT /v1/memory/{id}`: changes a memory. Costs 1 operation. The last writer wins: Papr has no versions.
    ///
    /// # Errors
    /// Also one with [`Error::is_not_found`] if there is no such memory.
    pub async fn update(&self, id: &MemoryId, update: &Update) -> Result<UpdateReply, Error> {
        update.check()?;
        let mut call = self.0.call(Endpoint::Update, Method::PUT, &["memory", id.as_str()]);
        call.body = Some(write::json("the update", update)?);
        let (mut map, status) = self.0.object(&call).await?;
        let items = list::take(&mut map, "memory_items");
        if items.is_none() && !map.contains_key("status") && status != NO_CONTENT {
            return Err(self.0.unreadable(status, "it does not say whether the memory was changed"));
        }
        let mut skipped = Vec::new();
        let memories = list::items(items.unwrap_or_default(), "memory_items", &mut skipped, Memory::from_raw);
        Ok(UpdateReply { memories, skipped })
    }

    /// `DELETE /v1/memory/{id}`: deletes a memory; that there is none is no error. Costs 1 operation.
    pub async fn delete(&self, id: &MemoryId) -> Result<Deleted, Error> {
        let call = self.0.call(Endpoint::Delete, Method::DELETE, &["memory", id.as_str()]);
        match self.0.object(&call).await {
            Ok((map, status)) => Ok(Deleted::read(&map, status)),
            Err(error) if error.is_not_found() => Ok(Deleted::default()),
            Err(error) => Err(error),
        }
    }
}
