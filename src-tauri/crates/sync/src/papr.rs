//! Papr by its API's client.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use papr_api::{
    Batch, Category, Client, Cursor, CustomValue, DeltaRequest, EmbeddingFormat, Kind, Memory, MemoryId,
    Metadata, NewMemory, Outcome, RefusalKind, Role, SearchRequest, TiersRequest, Update,
};
use papr_memory::{CancelToken, Content, Tier};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::outgoing::Outgoing;
use crate::remote::{Certainty, Change, Item, Made, Page, Remote, RemoteError, Snapshot, Trouble};

/// How often a running call looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Papr behind a [`Client`], with a runtime of its own for the calls. Make, use and drop it outside of any async task.
#[derive(Debug)]
pub struct PaprRemote {
    client: Client,
    runtime: Runtime,
    tiers: TiersRequest,
    /// Vectors that came with the tiers, by Papr's id.
    embeddings: Mutex<Vec<(String, Vec<f32>)>>,
}

impl PaprRemote {
    /// For this client. Fails if the system refuses a runtime.
    pub fn new(client: Client) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime, tiers: TiersRequest::default(), embeddings: Mutex::default() })
    }

    /// Asks for at most so many memories of the tiers: 0 to 2,000 and 0 to 5,000. Default 300 and 1,000.
    #[must_use]
    pub fn at_most(mut self, tier0: u32, tier1: u32) -> Self {
        (self.tiers.max_tier0, self.tiers.max_tier1) = (tier0, tier1);
        self
    }

    /// Has the server's vectors come with the tiers, at most 1,000 a tier; see [`PaprRemote::take_embeddings`].
    #[must_use]
    pub fn with_embeddings(mut self, format: EmbeddingFormat) -> Self {
        self.tiers.include_embeddings = true;
        self.tiers.embedding_format = format;
        self.tiers.embed_limit = 1_000;
        self
    }

    /// The vectors that came with the last snapshot, by Papr's id of the memory; they are of norm 1, as far as one can
    /// be made of them.
    pub fn take_embeddings(&self) -> Vec<(String, Vec<f32>)> {
        std::mem::take(&mut self.embeddings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn call<T>(
        &self,
        cancel: &CancelToken,
        call: impl Future<Output = Result<T, papr_api::Error>>,
    ) -> Result<T, RemoteError> {
        self.runtime.block_on(async {
            let mut call = std::pin::pin!(call);
            loop {
                if cancel.is_cancelled() {
                    return Err(stopped());
                }
                if let Ok(done) = tokio::time::timeout(LOOK, call.as_mut()).await {
                    return done.map_err(|error| failed(&error));
                }
            }
        })
    }
}

/// The same direction with norm 1; none for what has no direction.
fn unit(mut values: Vec<f32>) -> Option<Vec<f32>> {
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !norm.is_normal() {
        return None;
    }
    for value in &mut values {
        *value /= norm;
    }
    Some(values)
}

/// A call that was dropped on its way may have been done.
fn stopped() -> RemoteError {
    RemoteError { cancelled: true, ..RemoteError::new(Trouble::Server, Certainty::Unknown, "stopped") }
}

fn failed(error: &papr_api::Error) -> RemoteError {
    use papr_api::Error;
    let trouble = match error {
        Error::LocalOnly { .. } => Trouble::LocalOnly,
        Error::Connect { .. } | Error::Setup { .. } => Trouble::Offline,
        Error::Key { .. } => Trouble::Unauthorised,
        Error::Invalid { .. } | Error::TooLarge { .. } => Trouble::Refused,
        Error::Refused(refusal) => match refusal.kind {
            RefusalKind::Unauthorised => Trouble::Unauthorised,
            RefusalKind::Forbidden => Trouble::Forbidden,
            RefusalKind::Quota => Trouble::Quota,
            RefusalKind::RateLimited => Trouble::RateLimited,
            RefusalKind::TooLarge | RefusalKind::Invalid | RefusalKind::NotFound => Trouble::Refused,
            _ => Trouble::Server,
        },
        _ => Trouble::Server,
    };
    let certainty = if error.outcome() == Outcome::Unknown { Certainty::Unknown } else { Certainty::NotDone };
    RemoteError {
        status: error.refusal().map(|refusal| refusal.status),
        retry_after: error.retry_after(),
        hint: error.hint().to_owned(),
        ..RemoteError::new(trouble, certainty, error.to_string())
    }
}

/// A memory in any of Papr's spellings. Some fields stand in the metadata, beside it, or in both places.
pub(crate) fn item(memory: Memory) -> Item {
    let client_id = memory.client_id().map(str::to_owned);
    let mut metadata = memory.metadata;
    let told = !metadata.is_empty();
    for name in ["topics", "customMetadata", "custom_metadata"] {
        metadata.remove(name);
    }
    let mut custom = memory.custom_metadata;
    let custom_told = !custom.is_empty();
    custom.remove("client_id");
    if !custom.is_empty() {
        metadata.insert("customMetadata".to_owned(), Value::Object(custom));
    }
    for name in ["role", "category", "location"] {
        if let Some(value) = memory.extra.get(name).filter(|value| value.is_string()) {
            metadata.entry(name).or_insert_with(|| value.clone());
        }
    }
    let beside = [("sourceUrl", memory.source_url), ("conversationId", memory.conversation_id)];
    for (name, value) in beside {
        if let Some(value) = value {
            metadata.entry(name).or_insert_with(|| value.into());
        }
    }
    let any_told = told || custom_told || !metadata.is_empty();
    Item {
        id: memory.id.as_str().to_owned(),
        object_id: memory.object_id,
        client_id,
        content: memory.content.and_then(|text| Content::new(text).ok()),
        kind: memory.kind,
        // Metadata that does not speak of topics says that there are none.
        topics: memory.topics.or_else(|| told.then(Vec::new)),
        metadata: any_told.then(|| metadata.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        created_at: memory.created_at,
        updated_at: memory.updated_at,
    }
}

fn metadata(outgoing: &Outgoing) -> Option<Metadata> {
    let map = outgoing.metadata.as_ref()?;
    let mut metadata = Metadata { topics: Some(outgoing.topics.clone()), ..Metadata::default() };
    for (key, value) in map {
        let text = || value.as_str().map(str::to_owned);
        match key.as_str() {
            "role" => metadata.role = role(value),
            "category" => metadata.category = category(value),
            "location" => metadata.location = text(),
            "sourceUrl" => metadata.source_url = text(),
            "sourceType" => metadata.source_type = text(),
            "conversationId" => metadata.conversation_id = text(),
            "createdAt" => metadata.created_at = text().and_then(|time| time.parse().ok()),
            "customMetadata" => {
                let values = value.as_object().into_iter().flatten();
                metadata.custom.extend(values.filter_map(|(key, value)| Some((key.clone(), custom(value)?))));
            }
            _ => {
                metadata.extra.insert(key.clone(), value.clone());
            }
        }
    }
    Some(match &outgoing.client_id {
        Some(id) => metadata.client_id(id),
        None => metadata,
    })
}

fn role(value: &Value) -> Option<Role> {
    match value.as_str()? {
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        _ => None,
    }
}

fn category(value: &Value) -> Option<Category> {
    Some(match value.as_str()? {
        "preference" => Category::Preference,
        "task" => Category::Task,
        "goal" => Category::Goal,
        "fact" => Category::Fact,
        "context" => Category::Context,
        "skills" => Category::Skills,
        "learning" => Category::Learning,
        _ => return None,
    })
}

fn custom(value: &Value) -> Option<CustomValue> {
    Some(match value {
        Value::String(text) => CustomValue::Text(text.clone()),
        Value::Bool(yes) => CustomValue::Bool(*yes),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => CustomValue::Integer(whole),
            None => CustomValue::Number(number.as_f64()?),
        },
        Value::Array(list) => {
            CustomValue::List(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => return None,
    })
}

fn kind(word: &str) -> Option<Kind> {
    match word {
        "text" => Some(Kind::Text),
        "code_snippet" => Some(Kind::CodeSnippet),
        "document" => Some(Kind::Document),
        _ => None,
    }
}

fn new_memory(outgoing: &Outgoing) -> Result<NewMemory, RemoteError> {
    let content = outgoing.content.clone().unwrap_or_default();
    let mut memory = NewMemory::new(content).map_err(|error| failed(&error))?;
    if let Some(kind) = outgoing.kind.as_deref().and_then(kind) {
        memory = memory.kind(kind);
    }
    if let Some(mut metadata) = metadata(outgoing) {
        // There is nothing yet that an empty list could take away.
        metadata.topics = metadata.topics.filter(|topics| !topics.is_empty());
        memory = memory.metadata(metadata);
    }
    Ok(memory)
}

fn memory_id(id: &str) -> Result<MemoryId, RemoteError> {
    MemoryId::new(id).map_err(|error| failed(&error))
}

impl Remote for PaprRemote {
    fn tiers(&self, cancel: &CancelToken) -> Result<Snapshot, RemoteError> {
        let mut tiers = self.call(cancel, self.client.tiers(&self.tiers))?;
        let vectors = tiers.tier0.iter_mut().chain(&mut tiers.tier1).filter_map(|memory| {
            let embedding = memory.embedding.take()?;
            Some((memory.id.as_str().to_owned(), unit(embedding.values)?))
        });
        *self.embeddings.lock().unwrap_or_else(PoisonError::into_inner) = vectors.collect();
        let goals = tiers.tier0.into_iter().map(|memory| (Tier::Goals, item(memory)));
        let others = tiers.tier1.into_iter().map(|memory| (Tier::Memories, item(memory)));
        Ok(Snapshot {
            items: goals.chain(others).collect(),
            cursor: tiers.end.next_cursor.map(|cursor| cursor.as_str().to_owned()),
            more: tiers.end.has_more,
            unreadable: tiers.end.skipped.len(),
        })
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, cancel: &CancelToken) -> Result<Page, RemoteError> {
        let request = DeltaRequest { cursor: cursor.map(Cursor::new), limit, ..DeltaRequest::default() };
        let delta = self.call(cancel, self.client.delta(&request))?;
        let change = |change| match change {
            papr_api::Change::Changed(memory) => Change::Changed(Box::new(item(*memory))),
            papr_api::Change::Deleted { id, .. } => Change::Deleted(id.as_str().to_owned()),
            _ => Change::Deleted(String::new()),
        };
        Ok(Page {
            changes: delta.items.into_iter().map(change).collect(),
            cursor: delta.next_cursor.map(|cursor| cursor.as_str().to_owned()),
            more: delta.has_more,
            unreadable: delta.skipped.len(),
        })
    }

    fn find(&self, client_id: &str, cancel: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        let mut request = SearchRequest::new(client_id);
        request.max_memories = 10;
        request.max_nodes = 0;
        request.metadata = Some(Metadata::default().client_id(client_id));
        let found = self.call(cancel, self.client.search(&request))?;
        let ours = found.memories.into_iter().map(item);
        Ok(ours.filter(|item| item.client_id.as_deref() == Some(client_id)).collect())
    }

    fn get(&self, id: &str, cancel: &CancelToken) -> Result<Option<Item>, RemoteError> {
        let found = self.call(cancel, self.client.get(&memory_id(id)?))?;
        Ok(found.map(item))
    }

    fn add(
        &self,
        memories: &[Outgoing],
        cancel: &CancelToken,
    ) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        let made = |reply: &papr_api::AddReply| {
            let first = reply.memories.first()?;
            Some(Made { id: first.memory_id.as_str().to_owned(), object_id: first.object_id.clone() })
        };
        let unclear =
            || RemoteError::new(Trouble::Server, Certainty::Unknown, "what was made cannot be told");
        if let [one] = memories {
            let reply = self.call(cancel, self.client.add(&new_memory(one)?))?;
            return Ok(vec![Ok(made(&reply).ok_or_else(unclear)?)]);
        }
        let all = memories.iter().map(new_memory).collect::<Result<Vec<_>, _>>()?;
        let batch = Batch::new(all).map_err(|error| failed(&error))?;
        let reply = self.call(cancel, self.client.add_batch(&batch))?;
        let outcomes = reply.by_index(memories.len()).ok_or_else(unclear)?;
        let status = |code: Option<u64>| code.and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
        let each = outcomes.into_iter().map(|outcome| match outcome {
            Ok(reply) => Ok(Ok(made(reply).ok_or_else(unclear)?)),
            Err(error) => Ok(Err(status(error.code))),
        });
        each.collect()
    }

    fn update(&self, id: &str, change: &Outgoing, cancel: &CancelToken) -> Result<bool, RemoteError> {
        let mut update = Update::new();
        if let Some(content) = &change.content {
            update = update.content(content.clone()).map_err(|error| failed(&error))?;
        }
        if let Some(kind) = change.kind.as_deref().and_then(kind) {
            update = update.kind(kind);
        }
        if let Some(metadata) = metadata(change) {
            update = update.metadata(metadata);
        }
        match self.call(cancel, self.client.update(&memory_id(id)?, &update)) {
            Ok(_) => Ok(true),
            Err(error) if error.status == Some(404) && error.trouble == Trouble::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, id: &str, cancel: &CancelToken) -> Result<(), RemoteError> {
        self.call(cancel, self.client.delete(&memory_id(id)?)).map(drop)
    }
}
