//! `/v1/sync/tiers` and `/v1/sync/delta`.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock::zulu;
use crate::node::{Item, Node};
use crate::options::Tombstones;
use crate::record::Record;
use crate::reply::Reply;
use crate::vectors::Written;
use crate::wire::{self, Scene};
use crate::world::World;

/// Cursors are base64 of a time, with or without padding, as others write them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request wants of vectors.
#[derive(Debug, Clone, Copy)]
struct Vectors {
    limit: usize,
    int8: bool,
}

/// A full snapshot of both tiers.
pub(crate) fn tiers(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let limits = [call.int("max_tier0", 300, 0..=2000)?, call.int("max_tier1", 1000, 0..=5000)?];
    let format = call.choice("embedding_format", "int8", &["int8", "float32"])?;
    call.choice("embed_model", "Qwen4B", &["sbert", "bigbird", "Qwen4B"])?;
    let embed_limit = call.int("embed_limit", 200, 0..=1000)?;
    let limit = if call.flag("include_embeddings")? { embed_limit } else { 0 };
    let wanted = Wanted::of(call)?;

    let mut written = std::mem::take(&mut world.written);
    let (mut lists, mut more, mut newest) = ([Vec::new(), Vec::new()], false, 0);
    for (tier, max) in limits.into_iter().enumerate() {
        let tier = u8::from(tier == 1);
        let records = world.known(&call.account).into_iter().flat_map(|account| account.memories.values());
        let mut records: Vec<&Record> =
            records.filter(|record| record.place.in_tier(tier) && wanted.takes(record)).collect();
        records.sort_by(|a, b| {
            wire::relevance(b, tier).total_cmp(&wire::relevance(a, tier)).then_with(|| a.id.cmp(&b.id))
        });
        more |= records.len() > max;
        records.truncate(max);
        newest = records.iter().map(|record| record.updated_at).max().unwrap_or(0).max(newest);
        // Tier 0 has floats, whatever was asked for.
        let vectors = Vectors { limit, int8: tier == 1 && format == "int8" };
        lists[usize::from(tier)] = list(call, &records, tier, vectors, &mut written);
    }
    world.written = written;

    let cursor = if call.options.tiers_cursor && newest > 0 { json!(cursor_at(newest)) } else { Value::Null };
    let [tier0, tier1] = lists;
    let body = Node::object([
        ("code", json!(200).into()),
        ("status", json!("success").into()),
        ("tier0", tier0.into()),
        ("tier1", tier1.into()),
        ("transitions", json!([]).into()),
        ("next_cursor", cursor.into()),
        ("has_more", json!(more).into()),
        ("error", Value::Null.into()),
        ("details", Value::Null.into()),
    ]);
    Ok(Reply::new(200, body))
}

fn list(
    call: &Call<'_>,
    records: &[&Record],
    tier: u8,
    vectors: Vectors,
    written: &mut Written,
) -> Vec<Item> {
    let mut items = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        let mut item = wire::item(record, &call.account, call.options.spelling, Scene::Tier(tier));
        if place < vectors.limit {
            wire::embed(&mut item, record, vectors.int8, written);
        }
        if record.twice {
            items.push(item.clone());
        }
        items.push(item);
    }
    items
}

/// What changed after the cursor. As Papr's own: no word of deletions, and a strict `>` on the millisecond, so
/// that of rows which share the page's last millisecond those past its edge are never sent.
pub(crate) fn delta(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let limit = call.query_int("limit", 200, 1..=1000)?;
    let embeddings = call.query_flag("include_embeddings")?;
    let after = match call.query.get("cursor") {
        None => String::new(),
        Some(cursor) => {
            let time = BASE64.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            time.ok_or_else(|| Reply::detail(400, "Invalid cursor"))?
        }
    };
    let mut written = std::mem::take(&mut world.written);
    let mut rows: Vec<(String, Item)> = Vec::new();
    if let Some(account) = world.known(&call.account) {
        for record in account.memories.values() {
            let at = zulu(record.updated_at);
            if at > after {
                rows.push((at, wire::item(record, &call.account, call.options.spelling, Scene::Delta)));
            }
        }
        for (id, at) in &account.deleted {
            let time = zulu(*at);
            if time > after {
                rows.extend(tombstone(id, &time, call.options.tombstones).map(|item| (time, item)));
            }
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let cursor = rows.last().map_or(Value::Null, |(time, _)| json!(BASE64.encode(time)));
    let mut items: Vec<Item> = rows.into_iter().map(|(_, item)| item).collect();
    if embeddings {
        for item in &mut items {
            let id = item.fields.get("id").or_else(|| item.fields.get("memoryId")).and_then(Value::as_str);
            if let Some(record) = id.and_then(|id| world.get(&call.account, id)) {
                wire::embed(item, record, true, &mut written);
            }
        }
    }
    world.written = written;
    let body = Node::object([
        ("code", json!(200).into()),
        ("status", json!("success").into()),
        ("items", items.into()),
        ("next_cursor", cursor.into()),
        ("has_more", json!(more).into()),
    ]);
    Ok(Reply::new(200, body))
}

/// The cursor that a delta goes on from after `at`.
fn cursor_at(at: i64) -> String {
    BASE64.encode(zulu(at))
}

fn tombstone(id: &str, time: &str, how: Tombstones) -> Option<Item> {
    let (key, value) = match how {
        Tombstones::None => return None,
        Tombstones::Deleted => ("deleted", json!(true)),
        Tombstones::IsDeleted => ("isDeleted", json!(true)),
        Tombstones::Action => ("action", json!("delete")),
    };
    let fields = [("id", json!(id)), ("updatedAt", json!(time)), (key, value)];
    let fields: Map<String, Value> = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Some(Item { fields, vector: None })
}

/// Whose memories, where a request narrows them down.
#[derive(Debug)]
struct Wanted {
    external_user_id: Option<String>,
    namespace_id: Option<String>,
}

impl Wanted {
    fn of(call: &Call<'_>) -> Result<Self, Reply> {
        let user = call.text("user_id")?;
        let external = call.text("external_user_id")?;
        // The internal user is the account itself, and beats the external one.
        let external_user_id = if user.is_some() { None } else { external };
        Ok(Self { external_user_id, namespace_id: call.text("namespace_id")? })
    }

    fn takes(&self, record: &Record) -> bool {
        (self.external_user_id.is_none() || self.external_user_id == record.external_user_id)
            && (self.namespace_id.is_none() || self.namespace_id == record.namespace_id)
    }
}
