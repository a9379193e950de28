//! Every example of the contract, sent as it stands; the replies have its keys and its kinds of values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use common::{ALICE, client, ids, started};
use papr_fake::{Embedding, Fault, Limits, NewMemory, Options, Route, Rule, Script, Spelling};
use serde_json::{Value, json};

/// Every key of the example is there, with the same kind of value; lists are compared by their first entries.
fn like(seen: &Value, example: &Value, path: &str) {
    match (seen, example) {
        (Value::Object(seen), Value::Object(example)) => {
            for (key, value) in example {
                let own = seen.get(key).unwrap_or_else(|| panic!("{path}.{key} is missing in {seen:?}"));
                like(own, value, &format!("{path}.{key}"));
            }
        }
        (Value::Array(seen), Value::Array(example)) => {
            if let (Some(seen), Some(example)) = (seen.first(), example.first()) {
                like(seen, example, &format!("{path}[0]"));
            }
            assert_eq!(seen.is_empty(), example.is_empty(), "{path}");
        }
        _ => assert_eq!(
            std::mem::discriminant(seen),
            std::mem::discriminant(example),
            "{path}: {seen} is not like {example}"
        ),
    }
}

#[test]
fn tiers() {
    let papr = started(Options::new().spelling(Spelling::Plain));
    let goal =
        NewMemory::goal("Improve API p95 latency below 100 ms this quarter").topics(&["performance", "api"]);
    papr.add(ALICE, goal.id("584d7542-2b11-4bae-9a1e-0c3f")).unwrap();
    let hot = NewMemory::text("Customer complained about slow API responses").embedding(Embedding::Int8);
    papr.add(ALICE, hot.id("413ce029-2e08-488c-b0aa-77")).unwrap();
    let body = json!({"max_tier0":30,"max_tier1":200,"include_embeddings":true,"embedding_format":"float32","embed_limit":200,"embed_model":"Qwen4B"});
    let reply = client(&papr).post("/v1/sync/tiers", &body);
    assert_eq!(reply.status, 200);
    let seen = reply.json();
    let example = json!({"code":200,"status":"success","tier0":[{"id":"584d7542-2b11-4bae-9a1e-0c3f","content":"Improve API p95 latency below 100 ms this quarter","type":"goal","topics":["performance","api"],"metadata":{},"acl":{},"user_id":"qP5Bx0","created_at":"2026-11-01T09:00:00Z","updated_at":"2026-11-20T10:11:12.345Z","relevance_score":0.71,"embedding":[-0.000_238_92,0.057_968_62]}],"tier1":[{"id":"413ce029-2e08-488c-b0aa-77","content":"Customer complained about slow API responses","type":"text","acl":{},"user_id":"qP5Bx0","relevance_score":1.38,"embedding_int8":[12,-127]}],"transitions":[],"next_cursor":null,"has_more":false,"error":null,"details":null});
    like(&seen, &example, "tiers");
    assert_eq!(ids(&seen["tier0"]), ["584d7542-2b11-4bae-9a1e-0c3f"]);
    assert_eq!(ids(&seen["tier1"]), ["413ce029-2e08-488c-b0aa-77"]);
    assert_eq!(seen["tier0"][0]["embedding"].as_array().unwrap().len(), 2560);
}

/// The example's cursor is a time that was cut; it sorts all the same.
#[test]
fn delta() {
    let papr = started(Options::new().spelling(Spelling::Mixed));
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let before = NewMemory::text("Old news").at(at("2026-11-20T10:11:09.999Z"));
    papr.add(ALICE, before).unwrap();
    // An id that is spelled in camelCase.
    let id = (0..100).map(|n| format!("413ce029-{n}")).find(|id| fnv(id) % 4 == 1).unwrap();
    let after = NewMemory::text("Customer complaint resolved").at(at("2026-11-21T08:00:00.120Z"));
    papr.add(ALICE, after.id(&id)).unwrap();
    let reply = client(&papr).get("/v1/sync/delta?cursor=MjAyNi0xMS0yMFQxMDoxMTox&limit=200");
    assert_eq!(reply.status, 200);
    let seen = reply.json();
    let example = json!({"code":200,"status":"success","items":[{"content":"Customer complaint resolved","type":"text","updatedAt":"2026-11-21T08:00:00.120Z"}],"next_cursor":"MjAyNi0xMS0yMVQw","has_more":false});
    like(&seen, &example, "delta");
    assert_eq!(ids(&seen["items"]), [id]);
    assert_eq!(seen["items"][0]["updatedAt"], "2026-11-21T08:00:00.120Z");
}

fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[test]
fn add_and_its_refusal() {
    let papr = started(Options::new());
    let body = json!({"content":"Alice prefers dark roast","type":"text","metadata":{"role":"user","category":"preference","topics":["coffee"],"customMetadata":{"client_id":"01JD…"}}});
    let reply = client(&papr).post("/v1/memory", &body);
    assert_eq!(reply.status, 200);
    like(
        &reply.json(),
        &json!({"code":200,"status":"success","data":[{"memoryId":"9f1c…","createdAt":"2026-11-22T06:00:00Z","objectId":"aBcD123456","memoryChunkIds":["9f1c…_0"]}],"error":null,"details":null}),
        "add",
    );
    assert_eq!(papr.oracle().created_by_client_id(ALICE)["01JD…"].len(), 1);

    papr.set_limits(ALICE, Limits { per_month: Some(4), per_minute: None });
    let reply = client(&papr).post("/v1/memory", &body);
    assert_eq!(reply.status, 403);
    let example = json!({"code":403,"status":"error","data":null,"error":"Limit reached","details":{"error":"Limit reached","message":"…","current_count":1000,"limit":1000,"tier":"developer"}});
    like(&reply.json(), &example, "limit");
    assert_eq!(papr.oracle().entries.len(), 1, "what is refused is not written");
}

/// The example shows a small second memory refused as too large: what the server says, not what was sent.
#[test]
fn batch_in_parts() {
    let papr = started(Options::new());
    let refuse = Fault::FailItems { indexes: vec![1], status: 413 };
    papr.set_faults(Script::of([Rule::always(refuse).route(Route::Batch)])).unwrap();
    let body = json!({"memories":[{"content":"a"},{"content":"b"}],"batch_size":10});
    let reply = client(&papr).post("/v1/memory/batch", &body);
    assert_eq!(reply.status, 207);
    let seen = reply.json();
    let example = json!({"code":207,"status":"success","successful":[{"code":200,"status":"success","data":[{"memoryId":"m1","createdAt":"2026-11-22T06:00:00Z","objectId":"o1","memoryChunkIds":[]}]}],"errors":[{"index":1,"error":"Content too large","code":413}],"total_processed":2,"total_successful":1,"total_failed":1});
    // The example has no chunks; ours has one.
    let mut shown = seen.clone();
    shown["successful"][0]["data"][0]["memoryChunkIds"] = json!([]);
    like(&shown, &example, "batch");
    for key in ["errors", "total_processed", "total_successful", "total_failed", "status"] {
        assert_eq!(seen[key], example[key], "{key}");
    }
    assert_eq!(papr.operations(ALICE), 4, "one memory was taken");
}

#[test]
fn get_put_delete() {
    let papr = started(Options::new().spelling(Spelling::Plain));
    papr.add(ALICE, NewMemory::text("Alice prefers dark roast").id("9f1c")).unwrap();
    let reply = client(&papr).get("/v1/memory/9f1c");
    assert_eq!(reply.status, 200);
    let example = json!({"code":200,"status":"success","data":{"memories":[{"id":"9f1c…","content":"Alice prefers dark roast","type":"text","acl":{},"user_id":"qP5Bx0"}],"nodes":[]},"error":null,"search_id":null});
    like(&reply.json(), &example, "get");

    let reply = client(&papr).put("/v1/memory/9f1c", &json!({"content":"Alice prefers light roast"}));
    assert_eq!(reply.status, 200);
    let seen = reply.json();
    let example = json!({"code":200,"status":"success","memory_items":[{"objectId":"aBcD123456","memoryId":"9f1c…","content":"Alice prefers light roast","updatedAt":"2026-11-22T06:05:00Z","memoryChunkIds":["9f1c…_0"]}]});
    like(&seen, &example, "put");
    assert_eq!(seen["memory_items"][0]["content"], "Alice prefers light roast");

    let reply = client(&papr).delete("/v1/memory/9f1c");
    assert_eq!(reply.status, 200);
    let example = json!({"code":200,"status":"success","message":"Memory deleted","memoryId":"9f1c…","objectId":"aBcD123456","deletion_status":{"parse":true,"qdrant":true}});
    like(&reply.json(), &example, "delete");
    assert_eq!(client(&papr).get("/v1/memory/9f1c").status, 404);
}
