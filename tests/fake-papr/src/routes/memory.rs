//! `GET`, `PUT` and `DELETE /v1/memory/{id}`.

use serde_json::{Value, json};

use super::write::{check_content, check_form};
use crate::call::Call;
use crate::clock::zulu;
use crate::node::Node;
use crate::record::Edit;
use crate::reply::Reply;
use crate::wire::{self, Scene};
use crate::world::{World, metadata_of};

/// A search response that holds one memory.
pub(crate) fn get(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let Some(record) = world.get(&call.account, &call.id) else {
        return Err(Reply::envelope(404, "Memory not found", Value::Null));
    };
    let item = wire::item(record, &call.account, call.options.spelling, Scene::Found);
    let body = Node::object([
        ("code", json!(200).into()),
        ("status", json!("success").into()),
        ("data", Node::object([("memories", vec![item].into()), ("nodes", json!([]).into())])),
        ("error", Value::Null.into()),
        ("details", Value::Null.into()),
        ("search_id", Value::Null.into()),
    ]);
    Ok(Reply::new(200, body))
}

/// What is sent replaces what was there, key by key; the last writer wins.
pub(crate) fn update(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    check_form(&call.body)?;
    let content = call.text("content")?;
    if let Some(content) = &content {
        check_content(content)?;
    }
    let edit = Edit {
        content,
        kind: call.text("type")?,
        metadata: metadata_of(call.body.get("metadata")),
        ..Edit::default()
    };
    let Some(record) = world.update(call.hand(), &call.id, edit)? else {
        return Err(Reply::detail(404, "Memory not found"));
    };
    let body = json!({
        "code": 200,
        "status": "success",
        "memory_items": [{
            "objectId": record.object_id,
            "memoryId": record.id,
            "content": record.content,
            "updatedAt": zulu(record.updated_at),
            "memoryChunkIds": [format!("{}_0", record.id)],
            "metadata": record.metadata,
        }],
        "error": null,
        "details": null,
        "message": "Memory item(s) updated",
        "status_obj": { "pinecone": true, "neo4j": true, "parse": true },
    });
    Ok(Reply::new(200, body))
}

/// Gone for good: a second time it is not found.
pub(crate) fn delete(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let skip_parse = call.query_flag("skip_parse")?;
    let Some(record) = world.delete(call.hand(), &call.id)? else {
        let body = json!({
            "code": 404, "status": "error", "message": null, "error": "Memory not found",
            "memoryId": call.id, "objectId": null, "deletion_status": null, "details": null,
        });
        return Err(Reply::new(404, body));
    };
    let body = json!({
        "code": 200,
        "status": "success",
        "message": "Memory deleted",
        "error": null,
        "memoryId": record.id,
        "objectId": record.object_id,
        "deletion_status": { "parse": !skip_parse, "qdrant": true },
        "details": null,
    });
    Ok(Reply::new(200, body))
}
