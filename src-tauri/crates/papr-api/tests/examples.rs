//! The documented examples of the API, byte for byte in both directions, over a real connection.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use common::{KEY, Reply, Request, Server, gzip, run};
use papr_api::{
    Batch, Category, Change, Cursor, DeltaRequest, EmbeddingFormat, EmbeddingSource, MemoryId, Metadata,
    NewMemory, RefusalKind, Role, TiersRequest, Update,
};

const TIERS_SENT: &str = r#"{"max_tier0":30,"max_tier1":200,"include_embeddings":true,"embedding_format":"float32","embed_limit":200,"embed_model":"Qwen4B"}"#;
const TIERS: &str = r#"{"code":200,"status":"success","tier0":[{"id":"584d7542-2b11-4bae-9a1e-0c3f","content":"Improve API p95 latency below 100 ms this quarter","type":"goal","topics":["performance","api"],"metadata":{"sourceType":"papr","class":"goal"},"acl":{},"user_id":"qP5Bx0","created_at":"2026-11-01T09:00:00Z","updated_at":"2026-11-20T10:11:12.345Z","relevance_score":0.71,"embedding":[-0.00023892,0.05796862]}],"tier1":[{"id":"413ce029-2e08-488c-b0aa-77","content":"Customer complained about slow API responses","type":"text","acl":{},"user_id":"qP5Bx0","relevance_score":1.38,"embedding_int8":[12,-127]}],"transitions":[],"next_cursor":null,"has_more":false,"error":null,"details":null}"#;
const DELTA: &str = r#"{"code":200,"status":"success","items":[{"id":"413ce029-…","content":"Customer complaint resolved","type":"text","updatedAt":"2026-11-21T08:00:00.120Z"}],"next_cursor":"MjAyNi0xMS0yMVQw","has_more":false}"#;
const ADD_SENT: &str = r#"{"content":"Alice prefers dark roast","type":"text","metadata":{"role":"user","category":"preference","topics":["coffee"],"customMetadata":{"client_id":"01JD…"}}}"#;
const ADD: &str = r#"{"code":200,"status":"success","data":[{"memoryId":"9f1c…","createdAt":"2026-11-22T06:00:00Z","objectId":"aBcD123456","memoryChunkIds":["9f1c…_0"]}],"error":null,"details":null}"#;
const LIMIT: &str = r#"{"code":403,"status":"error","data":null,"error":"Limit reached","details":{"error":"Limit reached","message":"…","current_count":1000,"limit":1000,"tier":"developer"}}"#;
const BATCH_SENT: &str = r#"{"memories":[{"content":"a"},{"content":"b"}],"batch_size":10}"#;
const BATCH: &str = r#"{"code":207,"status":"success","successful":[{"code":200,"status":"success","data":[{"memoryId":"m1","createdAt":"2026-11-22T06:00:00Z","objectId":"o1","memoryChunkIds":[]}]}],"errors":[{"index":1,"error":"Content too large","code":413}],"total_processed":2,"total_successful":1,"total_failed":1}"#;
const GET: &str = r#"{"code":200,"status":"success","data":{"memories":[{"id":"9f1c…","content":"Alice prefers dark roast","type":"text","acl":{},"user_id":"qP5Bx0"}],"nodes":[]},"error":null,"search_id":null}"#;
const PUT_SENT: &str = r#"{"content":"Alice prefers light roast"}"#;
const PUT: &str = r#"{"code":200,"status":"success","memory_items":[{"objectId":"aBcD123456","memoryId":"9f1c…","content":"Alice prefers light roast","updatedAt":"2026-11-22T06:05:00Z","memoryChunkIds":["9f1c…_0"]}]}"#;
const DELETE: &str = r#"{"code":200,"status":"success","message":"Memory deleted","memoryId":"9f1c…","objectId":"aBcD123456","deletion_status":{"parse":true,"qdrant":true}}"#;
/// `9f1c…` in an address.
const ENCODED: &str = "/v1/memory/9f1c%E2%80%A6";

fn id() -> MemoryId {
    MemoryId::new("9f1c…").unwrap()
}

fn only(server: &Server) -> Request {
    let log = server.log();
    assert_eq!(log.len(), 1, "one call is one request");
    log[0].clone()
}

fn asked(server: &Server, method: &str, target: &str, body: &str) {
    let request = only(server);
    assert_eq!((request.method.as_str(), request.target.as_str()), (method, target), "as documented");
    assert_eq!(request.body, body, "byte for byte");
    assert_eq!(request.header("x-api-key"), Some(KEY), "the key is the only proof of who asks");
    assert_eq!(request.header("x-client-type"), Some("papr_desktop"), "Papr asks for it");
    assert_eq!(request.header("accept-encoding"), Some("gzip"), "tiers are large");
    let json = (!body.is_empty()).then_some("application/json");
    assert_eq!(request.header("content-type"), json, "a body says what it is");
}

fn tiers_request() -> TiersRequest {
    TiersRequest {
        max_tier0: 30,
        max_tier1: 200,
        include_embeddings: true,
        embedding_format: EmbeddingFormat::Float32,
        ..TiersRequest::default()
    }
}

#[test]
fn tiers_plain_and_compressed() {
    for reply in [Reply::ok(TIERS), Reply::ok(gzip(TIERS.as_bytes())).with("Content-Encoding", "gzip")] {
        let server = Server::new([reply]);
        let tiers = run(server.client().tiers(&tiers_request())).unwrap();
        asked(&server, "POST", "/v1/sync/tiers", TIERS_SENT);
        let goal = &tiers.tier0[0];
        assert_eq!(goal.id.as_str(), "584d7542-2b11-4bae-9a1e-0c3f");
        assert_eq!(goal.content.as_deref(), Some("Improve API p95 latency below 100 ms this quarter"));
        assert_eq!((goal.kind.as_deref(), goal.topics.as_ref().map(Vec::len)), (Some("goal"), Some(2)));
        assert_eq!(
            goal.updated_at,
            Some("2026-11-20T10:11:12.345Z".parse().unwrap()),
            "milliseconds are kept"
        );
        assert_eq!(goal.relevance_score, Some(0.71));
        let vector = goal.embedding.as_ref().unwrap();
        assert_eq!(
            (vector.source, &vector.values[..]),
            (EmbeddingSource::Float, &[-0.000_238_92, 0.057_968_62][..])
        );
        assert!(goal.extra.contains_key("acl"), "what is unknown is kept");
        let hot = tiers.tier1[0].embedding.as_ref().unwrap();
        assert_eq!(hot.source, EmbeddingSource::Int8);
        let norm = hot.values.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((norm - 1.0).abs() < 1e-6, "int8 comes without its scale, so it is scaled to length 1");
        assert!(hot.values[0] > 0.0 && hot.values[1] < 0.0, "its direction is kept");
        assert!(tiers.end.skipped.is_empty() && !tiers.end.has_more && tiers.end.next_cursor.is_none());
        assert!(goal.flaws.is_empty(), "nothing in the example is odd");
    }
}

#[test]
fn delta() {
    let server = Server::new([Reply::ok(DELTA)]);
    let cursor = Some(Cursor::new("MjAyNi0xMS0yMFQxMDoxMTox"));
    let delta = run(server.client().delta(&DeltaRequest { cursor, ..DeltaRequest::default() })).unwrap();
    asked(&server, "GET", "/v1/sync/delta?cursor=MjAyNi0xMS0yMFQxMDoxMTox&limit=200", "");
    let [Change::Changed(memory)] = &delta.items[..] else { panic!("one change: {delta:?}") };
    assert_eq!(memory.id.as_str(), "413ce029-…", "ids are of no fixed form");
    assert_eq!(memory.updated_at, Some("2026-11-21T08:00:00.120Z".parse().unwrap()), "the other spelling");
    assert_eq!(delta.next_cursor, Some(Cursor::new("MjAyNi0xMS0yMVQw")));
}

fn alice() -> NewMemory {
    let metadata = Metadata {
        role: Some(Role::User),
        category: Some(Category::Preference),
        topics: Some(vec!["coffee".into()]),
        ..Metadata::default()
    };
    let memory = NewMemory::new("Alice prefers dark roast").unwrap();
    memory.kind(papr_api::Kind::Text).metadata(metadata.client_id("01JD…"))
}

#[test]
fn add_and_the_plan_s_limit() {
    let server = Server::new([Reply::ok(ADD)]);
    let reply = run(server.client().add(&alice())).unwrap();
    asked(&server, "POST", "/v1/memory", ADD_SENT);
    let added = &reply.memories[0];
    assert_eq!((added.memory_id.as_str(), added.object_id.as_deref()), ("9f1c…", Some("aBcD123456")));
    assert_eq!((added.created_at.is_some(), added.chunk_ids.len()), (true, 1));

    let server = Server::new([Reply::new(403, LIMIT)]);
    let error = run(server.client().add(&alice())).unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.kind, RefusalKind::Quota, "a limit is no ban");
    let quota = refusal.quota.as_ref().unwrap();
    assert_eq!(
        (quota.current_count, quota.limit, quota.tier.as_deref()),
        (Some(1000), Some(1000), Some("developer"))
    );
    assert_eq!(server.count(), 1, "a limit does not go away by asking again");
}

#[test]
fn batch_of_which_one_is_refused() {
    let server = Server::new([Reply::new(207, BATCH)]);
    let memories = ["a", "b"].map(|text| NewMemory::new(text).unwrap()).to_vec();
    let reply = run(server.client().add_batch(&Batch::new(memories).unwrap())).unwrap();
    asked(&server, "POST", "/v1/memory/batch", BATCH_SENT);
    let each = reply.by_index(2).unwrap();
    assert_eq!(each[0].unwrap().memories[0].memory_id.as_str(), "m1", "the first was made");
    let refused = each[1].unwrap_err();
    assert_eq!(
        (refused.error.as_str(), refused.code),
        ("Content too large", Some(413)),
        "the second was not"
    );
    assert_eq!(reply.by_index(3), None, "another batch's reply does not add up");
}

#[test]
fn get_change_and_delete_one() {
    let server = Server::new([Reply::ok(GET)]);
    let memory = run(server.client().get(&id())).unwrap().unwrap();
    asked(&server, "GET", ENCODED, "");
    assert_eq!(memory.content.as_deref(), Some("Alice prefers dark roast"));

    let server = Server::new([Reply::ok(PUT)]);
    let update = Update::new().content("Alice prefers light roast").unwrap();
    let reply = run(server.client().update(&id(), &update)).unwrap();
    asked(&server, "PUT", ENCODED, PUT_SENT);
    assert_eq!(reply.memories[0].object_id.as_deref(), Some("aBcD123456"));
    assert_eq!(reply.memories[0].id, id(), "memoryId is the id");
    assert!(reply.memories[0].updated_at.is_some(), "so that the local copy can take over the server's time");

    let server = Server::new([Reply::ok(DELETE)]);
    let deleted = run(server.client().delete(&id())).unwrap();
    asked(&server, "DELETE", ENCODED, "");
    assert!(deleted.found && !deleted.partial, "both stores said so");
}
