//! `POST /v1/memory` and `POST /v1/memory/batch`.

use serde_json::{Map, Value, json};

use crate::call::{BATCH_LIMIT, CONTENT_LIMIT, Call, one_of, optional_text, required_text};
use crate::clock::zulu;
use crate::faults::Fault;
use crate::record::{NewMemory, Place, Record};
use crate::reply::Reply;
use crate::world::{More, World};

/// The types a client may write; replies have others too.
pub(crate) const KINDS: &[&str] = &["text", "code_snippet", "document"];

/// One memory.
pub(crate) fn add(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    call.query_flag("skip_background_processing")?;
    check_form(&call.body)?;
    check_content(required_text(&call.body, "content")?)?;
    let record = create(call, world, &call.body)?;
    Ok(Reply::new(200, added(&record)))
}

/// Up to 50. Each is taken or refused by itself: 207 where some were refused.
pub(crate) fn batch(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    call.query_flag("skip_background_processing")?;
    call.int("batch_size", 10, 1..=50)?;
    let Some(memories) = call.body.get("memories") else {
        return Err(Reply::invalid(&["body", "memories"], "Field required", "missing"));
    };
    let Some(memories) = memories.as_array() else {
        return Err(Reply::invalid(&["body", "memories"], "Input should be a valid list", "list_type"));
    };
    if memories.is_empty() {
        let msg = "List should have at least 1 item after validation";
        return Err(Reply::invalid(&["body", "memories"], msg, "too_short"));
    }
    if memories.len() > 50 {
        let msg = "List should have at most 50 items after validation";
        return Err(Reply::invalid(&["body", "memories"], msg, "too_long"));
    }
    let mut size = 0;
    for memory in memories {
        check_form(memory)?;
        size += required_text(memory, "content")?.len();
    }
    if size > BATCH_LIMIT {
        let details = json!({ "total_content_size": size, "max_content_size": BATCH_LIMIT });
        return Err(Reply::envelope(413, "Batch content too large", details));
    }
    let failing = call.plan.find(|fault| match fault {
        Fault::FailItems { indexes, status } => Some((indexes.clone(), *status)),
        _ => None,
    });
    let (mut successful, mut errors) = (Vec::new(), Vec::new());
    for (index, memory) in memories.iter().enumerate() {
        let refused = failing.as_ref().filter(|(indexes, _)| indexes.contains(&index));
        if let Some((_, code)) = refused {
            let error = if *code == 413 { "Content too large" } else { "Processing failed" };
            errors.push(json!({ "index": index, "error": error, "code": code }));
        } else if let Err(refusal) = check_content(required_text(memory, "content")?) {
            let error = serde_json::to_value(&refusal.body).unwrap_or_default();
            errors.push(json!({ "index": index, "error": error["error"], "code": refusal.status }));
        } else {
            successful.push(added(&create(call, world, memory)?));
        }
    }
    if call.plan.faults.contains(&Fault::Reorder) {
        call.plan.dice(101).shuffle(&mut successful);
    }
    let code = match (successful.is_empty(), errors.is_empty()) {
        (false, true) => 200,
        (false, false) => 207,
        _ => 400,
    };
    let body = json!({
        "code": code,
        "status": if successful.is_empty() { "error" } else { "success" },
        "message": format!("{} of {} memories added", successful.len(), memories.len()),
        "error": if successful.is_empty() { json!("No memory was added") } else { Value::Null },
        "details": null,
        "total_processed": memories.len(),
        "total_successful": successful.len(),
        "total_failed": errors.len(),
        "total_content_size": size,
        "total_storage_size": size * 3,
        "successful": successful,
        "errors": errors,
    });
    let mut reply = Reply::new(code, body);
    reply.items = successful.len() as u64;
    Ok(reply)
}

/// Everything that validation refuses before the endpoint looks at it.
pub(crate) fn check_form(memory: &Value) -> Result<(), Reply> {
    if !memory.is_object() {
        return Err(Reply::invalid(&["body"], "Input should be a valid dictionary", "model_attributes_type"));
    }
    if memory.get("content").is_some() {
        required_text(memory, "content")?;
    }
    if let Some(kind) = memory.get("type").filter(|kind| !kind.is_null()) {
        one_of(&["body", "type"], kind, KINDS)?;
    }
    match memory.get("metadata") {
        None | Some(Value::Null) => {}
        Some(Value::Object(metadata)) => check_metadata(metadata)?,
        Some(_) => {
            let msg = "Input should be a valid dictionary";
            return Err(Reply::invalid(&["body", "metadata"], msg, "model_attributes_type"));
        }
    }
    let context = memory.get("context").and_then(Value::as_array);
    for turn in context.into_iter().flatten() {
        required_text(turn, "content")?;
        one_of(
            &["body", "context", "role"],
            turn.get("role").unwrap_or(&Value::Null),
            &["user", "assistant"],
        )?;
    }
    Ok(())
}

/// Texts, numbers, yes or no, lists of texts: nothing deeper.
fn check_metadata(metadata: &Map<String, Value>) -> Result<(), Reply> {
    let Some(custom) = metadata.get("customMetadata").filter(|custom| !custom.is_null()) else {
        return Ok(());
    };
    let flat = |value: &Value| match value {
        Value::Array(list) => list.iter().all(Value::is_string),
        value => value.is_string() || value.is_number() || value.is_boolean(),
    };
    let good = custom.as_object().is_some_and(|custom| custom.values().all(flat));
    let refuse = || {
        let msg = "Input should be a text, a number, a boolean or a list of texts";
        Reply::invalid(&["body", "metadata", "customMetadata"], msg, "value_error")
    };
    if good { Ok(()) } else { Err(refuse()) }
}

/// What the endpoint itself refuses.
pub(crate) fn check_content(content: &str) -> Result<(), Reply> {
    if content.trim().is_empty() {
        return Err(Reply::envelope(400, "Content is required", Value::Null));
    }
    if content.len() > CONTENT_LIMIT {
        let details = json!({ "content_size": content.len(), "max_content_size": CONTENT_LIMIT });
        return Err(Reply::envelope(413, "Content too large", details));
    }
    Ok(())
}

fn create(call: &Call<'_>, world: &mut World, memory: &Value) -> Result<Record, Reply> {
    let metadata = crate::world::metadata_of(memory.get("metadata"));
    let goal = metadata.get("category").and_then(Value::as_str) == Some("goal");
    let new = NewMemory {
        content: optional_text(memory, "content")?,
        kind: optional_text(memory, "type")?.unwrap_or_default(),
        place: if goal { Place::Tier0 } else { call.options.new_memories },
        metadata,
        ..NewMemory::default()
    };
    let either = |key: &str| Ok::<_, Reply>(optional_text(memory, key)?.or(optional_text(&call.body, key)?));
    let more = More {
        context: memory.get("context").and_then(Value::as_array).cloned().unwrap_or_default(),
        external_user_id: either("external_user_id")?,
        namespace_id: either("namespace_id")?,
    };
    Ok(world.create(call.hand(), new, more)?)
}

fn added(record: &Record) -> Value {
    json!({
        "code": 200,
        "status": "success",
        "data": [{
            "memoryId": record.id,
            "createdAt": zulu(record.created_at),
            "objectId": record.object_id,
            "memoryChunkIds": [format!("{}_0", record.id)],
        }],
        "error": null,
        "details": null,
    })
}
