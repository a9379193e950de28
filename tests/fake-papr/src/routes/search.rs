//! `POST /v1/memory/search`: by shared words. Good enough to be searched, and to find a memory again by the
//! client's own id.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::call::{Call, required_text};
use crate::node::Node;
use crate::record::Record;
use crate::reply::Reply;
use crate::wire::{self, Scene};
use crate::world::World;

/// The best matches, or 404 where nothing matches at all.
pub(crate) fn search(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let limit = call.query_int("max_memories", 20, 10..=50)?;
    call.query_int("max_nodes", 15, 10..=50)?;
    let query = words(required_text(&call.body, "query")?);
    let filter = crate::world::metadata_of(call.body.get("metadata"));
    let external = call.text("external_user_id")?;
    let namespace = call.text("namespace_id")?;

    let records = world.known(&call.account).into_iter().flat_map(|account| account.memories.values());
    let mut found: Vec<(f64, &Record)> = records
        .filter(|record| external.is_none() || external == record.external_user_id)
        .filter(|record| namespace.is_none() || namespace == record.namespace_id)
        .filter(|record| fits(&filter, &record.metadata))
        .map(|record| (overlap(&query, record), record))
        // A filter already says what is meant; among what it leaves, everything is near enough.
        .filter(|(score, _)| *score > 0.0 || !filter.is_empty())
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    found.truncate(limit);
    if found.is_empty() {
        return Err(Reply::envelope(404, "No relevant items found", Value::Null));
    }
    let items: Vec<_> = found
        .into_iter()
        .map(|(score, record)| {
            let mut item = wire::item(record, &call.account, call.options.spelling, Scene::Found);
            let scores = [
                ("similarity_score", score),
                ("popularity_score", 0.5),
                ("recency_score", 0.9),
                ("relevance_score", score * 0.6 + 0.26),
            ];
            item.fields.extend(scores.map(|(key, score)| (key.to_owned(), json!(score))));
            item
        })
        .collect();
    let search_id = world.other_id();
    world.account(&call.account).searches.insert(search_id.clone());
    let body = Node::object([
        ("code", json!(200).into()),
        ("status", json!("success").into()),
        ("data", Node::object([("memories", items.into()), ("nodes", json!([]).into())])),
        ("error", Value::Null.into()),
        ("details", Value::Null.into()),
        ("search_id", json!(search_id).into()),
    ]);
    Ok(Reply::new(200, body))
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The share of the query's words that stand in the memory.
fn overlap(query: &BTreeSet<String>, record: &Record) -> f64 {
    let own = words(record.content.as_deref().unwrap_or_default());
    query.intersection(&own).count() as f64 / query.len().max(1) as f64
}

/// Whether metadata holds all of the filter: equal values, one common entry of lists, objects key by key.
fn fits(filter: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
    filter.iter().all(|(key, wanted)| match (wanted, metadata.get(key)) {
        (Value::Null, _) => true,
        (_, None) => false,
        (Value::Object(wanted), Some(Value::Object(own))) => fits(wanted, own),
        (Value::Array(wanted), Some(Value::Array(own))) => wanted.iter().any(|entry| own.contains(entry)),
        (wanted, Some(Value::Array(own))) => own.contains(wanted),
        (wanted, Some(own)) => wanted == own,
    })
}
