//! Asking Papr's own search, when a person presses for it and never otherwise.

use std::time::Instant;

use papr_memory::{CancelToken, MemoryId};
use papr_sync::{Item, keep};
use serde::{Deserialize, Serialize};

use crate::account::indexed::Indexed;
use crate::{Engine, Error};

/// A memory that Papr's search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloudHit {
    /// What Papr calls it.
    pub remote: String,
    /// The memory here, if it is one.
    pub here: Option<MemoryId>,
    /// The text.
    pub content: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its topics.
    pub topics: Vec<String>,
    /// When it last changed.
    pub updated_at: Option<jiff::Timestamp>,
}

/// What Papr's search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloudReply {
    /// Best first.
    pub hits: Vec<CloudHit>,
    /// What feedback calls this search.
    pub search_id: Option<String>,
    /// The host that was asked.
    pub host: String,
    /// Milliseconds until the answer was here.
    pub ms: u32,
}

impl Engine {
    /// Sends a question to Papr's own search and returns what it found, 1 to 50 memories. Costs 1 operation.
    pub fn ask_papr(&self, question: &str, limit: u32, cancel: &CancelToken) -> Result<CloudReply, Error> {
        let shared = &self.shared;
        if question.trim().is_empty() {
            return Err(papr_memory::QueryError::Empty.into());
        }
        let session = shared.session()?;
        let begun = Instant::now();
        let found = session.remote.search(question.trim(), limit, cancel)?;
        let ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        // A sync that runs keeps the count to itself; the answer does not wait for its end.
        if let Some(_alone) = shared.papr.try_alone() {
            shared.spend(&session.profile.id, 1)?;
        }
        let ids: Vec<&str> = found.items.iter().map(|item| item.id.as_str()).collect();
        let here = papr_sync::here(&shared.store, &session.profile.id, &ids)?;
        let hits = found.items.iter().zip(here).map(|(item, here)| hit(item, here)).collect();
        Ok(CloudReply { hits, search_id: found.search_id, host: session.remote.host().to_owned(), ms })
    }

    /// Fetches a memory that Papr's search found and keeps it here, as sync would; one that is here already stays one.
    /// Costs 1 operation.
    pub fn keep_from_papr(&self, remote: &str, cancel: &CancelToken) -> Result<MemoryId, Error> {
        let shared = &self.shared;
        let session = shared.session()?;
        let _alone = shared.papr.alone();
        let item = papr_sync::Remote::get(&session.remote, remote, cancel)?;
        let item = item.filter(|item| item.content.is_some()).ok_or(Error::NotAtPapr)?;
        let now = shared.clock.now();
        shared.spend(&session.profile.id, 1)?;
        let kept = keep(&Indexed::new(shared), &session.profile.id, &item, now)?;
        shared.publish_sync()?;
        kept.ok_or(Error::NotAtPapr)
    }

    /// Tells Papr whether the answer of a search helped, and which of its memories that is about.
    pub fn tell_papr(
        &self,
        search_id: &str,
        helped: bool,
        about: &[String],
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        Ok(self.shared.session()?.remote.feedback(search_id, helped, about, cancel)?)
    }
}

fn hit(item: &Item, here: Option<MemoryId>) -> CloudHit {
    CloudHit {
        remote: item.id.clone(),
        here,
        content: item.content.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        kind: item.kind.clone(),
        topics: item.topics.clone().unwrap_or_default(),
        updated_at: item.updated_at,
    }
}
