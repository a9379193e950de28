//! What a person asks of Papr by hand: whether a key is good, Papr's own search, and what they thought of its answer.

use jiff::Timestamp;
use papr_api::{
    Client, Feedback, FeedbackSource, FeedbackType, MemoryId as RemoteMemoryId, SearchId, SearchRequest,
};
use papr_memory::ports::SyncStore;
use papr_memory::{CancelToken, MemoryId};

use crate::apply::Making;
use crate::local::Local;
use crate::papr::{PaprRemote, item};
use crate::plan;
use crate::remote::{Change, Item, Page, Remote, RemoteError};
use crate::report::Pulled;
use crate::run::SyncError;

/// What Papr's own search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Memories with a text, best first.
    pub items: Vec<Item>,
    /// What feedback calls this search.
    pub search_id: Option<String>,
}

impl PaprRemote {
    /// Whom it asks: the host, with the port where one was given.
    pub fn host(&self) -> &str {
        self.client().host()
    }

    /// Whether Papr accepts the key. Costs 1 operation.
    pub fn check_key(&self, cancel: &CancelToken) -> Result<(), RemoteError> {
        self.call(cancel, Client::check_key(self.client())).map(drop)
    }

    /// Papr's own search: the question leaves the device. At most `limit` memories, 1 to 50. Costs 1 operation.
    pub fn search(&self, question: &str, limit: u32, cancel: &CancelToken) -> Result<Found, RemoteError> {
        let mut request = SearchRequest::new(question);
        (request.max_memories, request.max_nodes) = (limit.clamp(1, 50), 0);
        let reply = self.call(cancel, self.client().search(&request))?;
        Ok(Found {
            items: reply.memories.into_iter().map(item).filter(|item| item.content.is_some()).collect(),
            search_id: reply.search_id.map(|id| id.as_str().to_owned()),
        })
    }

    /// Tells Papr whether the answer of a search helped, and which memories that is about. Costs nothing.
    pub fn feedback(
        &self,
        search_id: &str,
        helped: bool,
        about: &[String],
        cancel: &CancelToken,
    ) -> Result<(), RemoteError> {
        let thumb = if helped { FeedbackType::ThumbsUp } else { FeedbackType::ThumbsDown };
        let cited = about.iter().filter_map(|id| RemoteMemoryId::new(id).ok()).collect();
        let feedback = Feedback::new(SearchId::new(search_id), thumb, FeedbackSource::Inline).cites(cited);
        self.call(cancel, self.client().feedback(&feedback)).map(drop)
    }

    /// Whether the key's account has one of these memories, by Papr's own word: so that a new key can be told to be of
    /// the account that an older one was of. Asks for at most `ids.len()` memories, 1 operation each.
    pub fn has_any(&self, ids: &[String], cancel: &CancelToken) -> Result<bool, RemoteError> {
        for id in ids {
            if self.get(id, cancel)?.is_some_and(|item| item.id == *id) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Keeps an item that Papr's search found, as if a delta had told of it: what is here already is met and not doubled.
/// Returns the memory here, if there is one now.
pub fn keep(
    store: &(impl SyncStore + ?Sized),
    account: &str,
    item: &Item,
    now: Timestamp,
) -> Result<Option<MemoryId>, SyncError> {
    let mut local = Local::load(store, account, false)?;
    let page = Page { changes: vec![Change::Changed(Box::new(item.clone()))], ..Page::default() };
    let ids = plan::wanted_by_delta(&local, &page);
    local.fetch(store, &ids)?;
    let plan = plan::delta(&local, &page, true, now);
    let making = Making { account, new_id: &MemoryId::new, now };
    making.apply(store, &plan, None, &mut Pulled::default())?.ok_or(SyncError::Busy)?;
    let linked = store.links(account)?.into_iter().find(|link| link.remote.as_deref() == Some(&item.id));
    Ok(linked.map(|link| link.id))
}

/// Which of Papr's memories are here: for each of `remote`, the memory, if it is one.
pub fn here(
    store: &(impl SyncStore + ?Sized),
    account: &str,
    remote: &[&str],
) -> Result<Vec<Option<MemoryId>>, SyncError> {
    let local = Local::new(account, store.links(account)?);
    Ok(remote.iter().map(|id| local.of_remote(id)).collect())
}
