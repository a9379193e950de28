//! `POST /v1/omo/export` and `POST /v1/omo/import`: memories in the Open Memory Object format.

use serde_json::{Map, Value, json};

use super::write::check_content;
use crate::call::{Call, required_text};
use crate::clock::zulu;
use crate::record::{NewMemory, Record};
use crate::reply::Reply;
use crate::world::{More, World, metadata_of};

/// The memories asked for, without those that are not there.
pub(crate) fn omo_export(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let Some(ids) = call.body.get("memory_ids").and_then(Value::as_array) else {
        return Err(Reply::invalid(&["body", "memory_ids"], "Field required", "missing"));
    };
    let ids = ids.iter().filter_map(Value::as_str);
    let memories: Vec<Value> =
        ids.filter_map(|id| world.get(&call.account, id)).map(|record| omo(record, &call.account)).collect();
    let body = json!({
        "code": 200, "status": "success", "count": memories.len(), "memories": memories, "error": null,
    });
    Ok(Reply::new(200, body))
}

fn omo(record: &Record, account: &str) -> Value {
    json!({
        "id": record.id,
        "content": record.content,
        "type": record.kind,
        "createdAt": zulu(record.created_at),
        "updatedAt": zulu(record.updated_at),
        "createdBy": crate::wire::user_id(account),
        "consent": "implicit",
        "risk": "none",
        "acl": { "read": [], "write": [] },
        "topics": record.topics(),
        "ext": { "papr:objectId": record.object_id, "papr:metadata": record.metadata },
    })
}

/// Each memory by itself: taken in, skipped because its id is there, or refused.
pub(crate) fn omo_import(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let Some(memories) = call.body.get("memories").and_then(Value::as_array) else {
        return Err(Reply::invalid(&["body", "memories"], "Field required", "missing"));
    };
    let skip = call.body.get("skip_duplicates").and_then(Value::as_bool).unwrap_or(true);
    let (mut ids, mut skipped, mut errors) = (Vec::new(), 0, Vec::new());
    for (index, memory) in memories.iter().enumerate() {
        let known =
            memory.get("id").and_then(Value::as_str).filter(|id| world.get(&call.account, id).is_some());
        if known.is_some() && skip {
            skipped += 1;
        } else if known.is_some() {
            errors.push(json!({ "index": index, "error": "Memory already exists" }));
        } else if required_text(memory, "content").and_then(check_content).is_err() {
            errors.push(json!({ "index": index, "error": "Content is missing or too large" }));
        } else {
            let new = from_omo(memory, call);
            ids.push(world.create(call.hand(), new, More::default())?.id);
        }
    }
    let body = json!({
        "code": 200, "status": "success", "imported": ids.len(), "skipped": skipped,
        "memory_ids": ids, "errors": errors,
    });
    Ok(Reply::new(200, body))
}

fn from_omo(memory: &Value, call: &Call<'_>) -> NewMemory {
    let text = |key: &str| memory.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut metadata: Map<String, Value> = metadata_of(memory.pointer("/ext/papr:metadata"));
    if let Some(topics) = memory.get("topics") {
        metadata.insert("topics".to_owned(), topics.clone());
    }
    NewMemory {
        id: text("id"),
        content: text("content"),
        kind: text("type").unwrap_or_default(),
        metadata,
        place: call.options.new_memories,
        ..NewMemory::default()
    }
}
