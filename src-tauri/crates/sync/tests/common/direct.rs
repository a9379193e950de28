//! Papr asked without HTTP: the same server, and answers read by as little code as can read them.

use papr_fake::{Answer, FakePapr, Route};
use papr_memory::{CancelToken, Content, Tier};
use papr_sync::{Certainty, Change, Item, Made, Outgoing, Page, Remote, RemoteError, Snapshot, Trouble};
use serde_json::{Map, Value, json};

use super::ALICE;

/// For a server with [`papr_fake::Spelling::Plain`].
#[derive(Debug)]
pub struct Direct<'a>(pub &'a FakePapr);

impl Direct<'_> {
    fn ask(&self, route: Route, id: &str, query: &[(&str, &str)], body: Value) -> Result<Value, RemoteError> {
        match self.0.ask(ALICE, route, id, query, body) {
            None => Err(RemoteError::new(Trouble::Server, Certainty::Unknown, "no answer")),
            Some(Answer { status: 200..300, body }) => Ok(body),
            Some(Answer { status, .. }) => Err(refusal(status)),
        }
    }
}

fn refusal(status: u16) -> RemoteError {
    let (trouble, certainty) = match status {
        401 => (Trouble::Unauthorised, Certainty::NotDone),
        403 => (Trouble::Quota, Certainty::NotDone),
        429 => (Trouble::RateLimited, Certainty::NotDone),
        400..500 => (Trouble::Refused, Certainty::NotDone),
        _ => (Trouble::Server, Certainty::Unknown),
    };
    let mut error = RemoteError::new(trouble, certainty, "refused");
    error.status = Some(status);
    error
}

/// A field in either of its spellings.
fn either<'v>(object: &'v Value, one: &str, other: &str) -> &'v Value {
    object.get(one).unwrap_or(&object[other])
}

/// A number, also as text.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn item(memory: &Value) -> Item {
    let text = |key: &str| memory[key].as_str().map(str::to_owned);
    let time = |one, other| either(memory, one, other).as_str().and_then(|time| time.parse().ok());
    let mut metadata: Map<String, Value> = memory["metadata"].as_object().cloned().unwrap_or_default();
    let topics = metadata.remove("topics").unwrap_or_else(|| json!([]));
    let mut custom = metadata.remove("customMetadata").unwrap_or_else(|| json!({}));
    let client_id = custom.as_object_mut().and_then(|custom| custom.remove("client_id"));
    if custom.as_object().is_some_and(|custom| !custom.is_empty()) {
        metadata.insert("customMetadata".to_owned(), custom);
    }
    Item {
        id: text("id").unwrap(),
        object_id: None,
        client_id: client_id.and_then(|id| id.as_str().map(str::to_owned)),
        content: text("content").and_then(|text| Content::new(text).ok()),
        kind: text("type"),
        topics: serde_json::from_value(topics).ok(),
        metadata: Some(metadata.into_iter().collect()),
        created_at: time("created_at", "createdAt"),
        updated_at: time("updated_at", "updatedAt"),
    }
}

fn change(row: &Value) -> Change {
    if row["deleted"] == true || row["isDeleted"] == true || row["action"] == "delete" {
        return Change::Deleted(row["id"].as_str().unwrap().to_owned());
    }
    Change::Changed(Box::new(item(row)))
}

fn items(list: &Value) -> Vec<Item> {
    list.as_array().unwrap().iter().map(item).collect()
}

fn body(outgoing: &Outgoing) -> Value {
    let mut body = json!({});
    for (key, value) in [("content", &outgoing.content), ("type", &outgoing.kind)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    if let Some(metadata) = &outgoing.metadata {
        body["metadata"] = json!(metadata);
        body["metadata"]["topics"] = json!(outgoing.topics);
        if let Some(id) = &outgoing.client_id {
            body["metadata"]["customMetadata"]["client_id"] = json!(id);
        }
    }
    body
}

fn made(reply: &Value) -> Made {
    let made = &reply["data"][0];
    Made { id: either(made, "memoryId", "memory_id").as_str().unwrap().to_owned(), object_id: None }
}

impl Remote for Direct<'_> {
    fn tiers(&self, _: &CancelToken) -> Result<Snapshot, RemoteError> {
        let body = self.ask(Route::Tiers, "", &[], json!({}))?;
        let goals = items(&body["tier0"]).into_iter().map(|item| (Tier::Goals, item));
        let others = items(&body["tier1"]).into_iter().map(|item| (Tier::Memories, item));
        let cursor = either(&body, "next_cursor", "nextCursor").as_str().map(str::to_owned);
        Ok(Snapshot { items: goals.chain(others).collect(), cursor, ..Snapshot::default() })
    }

    fn delta(&self, cursor: Option<&str>, limit: u32, _: &CancelToken) -> Result<Page, RemoteError> {
        let limit = limit.to_string();
        let query: Vec<_> =
            cursor.map(|cursor| ("cursor", cursor)).into_iter().chain([("limit", limit.as_str())]).collect();
        let body = self.ask(Route::Delta, "", &query, Value::Null)?;
        Ok(Page {
            changes: body["items"].as_array().unwrap().iter().map(change).collect(),
            cursor: either(&body, "next_cursor", "nextCursor").as_str().map(str::to_owned),
            more: *either(&body, "has_more", "hasMore") == true,
            unreadable: 0,
        })
    }

    fn find(&self, client_id: &str, _: &CancelToken) -> Result<Vec<Item>, RemoteError> {
        let body = json!({"query": client_id, "metadata": {"customMetadata": {"client_id": client_id}}});
        match self.ask(Route::Search, "", &[("max_memories", "10")], body) {
            Ok(body) => Ok(items(&body["data"]["memories"])),
            Err(error) if error.status == Some(404) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn get(&self, id: &str, _: &CancelToken) -> Result<Option<Item>, RemoteError> {
        match self.ask(Route::Get, id, &[], Value::Null) {
            Ok(body) => Ok(items(&body["data"]["memories"]).into_iter().next()),
            Err(error) if error.status == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn add(&self, memories: &[Outgoing], _: &CancelToken) -> Result<Vec<Result<Made, u16>>, RemoteError> {
        if let [one] = memories {
            return Ok(vec![Ok(made(&self.ask(Route::Add, "", &[], body(one))?))]);
        }
        let all: Vec<_> = memories.iter().map(body).collect();
        let reply = self.ask(Route::Batch, "", &[], json!({"memories": all}))?;
        let mut told = reply["successful"].as_array().unwrap().iter().map(made);
        let errors = reply["errors"].as_array().unwrap();
        let refused = |place: usize| {
            let error = errors.iter().find(|error| number(&error["index"]) == place as u64)?;
            u16::try_from(number(&error["code"])).ok()
        };
        Ok((0..memories.len())
            .map(|place| refused(place).map_or_else(|| Ok(told.next().unwrap()), Err))
            .collect())
    }

    fn update(&self, id: &str, change: &Outgoing, _: &CancelToken) -> Result<bool, RemoteError> {
        match self.ask(Route::Update, id, &[], body(change)) {
            Ok(_) => Ok(true),
            Err(error) if error.status == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, id: &str, _: &CancelToken) -> Result<(), RemoteError> {
        match self.ask(Route::Delete, id, &[], Value::Null) {
            Err(error) if error.status != Some(404) => Err(error),
            _ => Ok(()),
        }
    }
}
