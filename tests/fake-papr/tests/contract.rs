//! The rest of the contract: keys, limits, the delta's holes, tiers, search, compression, accounts.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod common;

use std::io::Read;

use common::{ALICE, Client, KEY, client, ids, started};
use papr_fake::{Edit, Embedding, Limits, NewMemory, Options, Place, Spelling, Tombstones};
use serde_json::{Value, json};

#[test]
fn keys_are_asked_for_and_refused_in_two_shapes() {
    let papr = started(Options::new());
    let wrong = Client { port: papr.port(), key: "wrong" };
    let envelope = wrong.get("/v1/memory/a");
    assert_eq!((envelope.status, envelope.json()["status"].clone()), (401, json!("error")));
    let detail = wrong.get("/v1/user?page=1&page_size=1");
    assert_eq!(detail.status, 401);
    assert!(detail.json()["detail"].is_string());

    let bearer = Client { port: papr.port(), key: "" };
    let header = format!("Authorization: Bearer {KEY}\r\n");
    assert_eq!(bearer.try_send("GET", "/v1/sync/delta", &header, "").unwrap().status, 200);
    assert_eq!(
        bearer.try_send("GET", "/v1/user", &header, "").unwrap().status,
        401,
        "users insist on the key"
    );
    assert_eq!(client(&papr).get("/v1/user?page=1&page_size=1").json()["total"], 1);

    papr.add_key("second", ALICE);
    let second = Client { port: papr.port(), key: "second" };
    assert_eq!(second.get("/v1/sync/delta").status, 200);
    papr.revoke_key("second");
    assert_eq!(second.get("/v1/sync/delta").status, 401);
}

#[test]
fn accounts_do_not_see_each_other() {
    let papr = started(Options::new().key("key-bob", "bob"));
    let bob = Client { port: papr.port(), key: "key-bob" };
    let id = papr.add(ALICE, NewMemory::text("only Alice's")).unwrap();
    assert_eq!(client(&papr).get(&format!("/v1/memory/{id}")).status, 200);
    assert_eq!(bob.get(&format!("/v1/memory/{id}")).status, 404);
    assert_eq!(bob.delete(&format!("/v1/memory/{id}")).status, 404);
    assert_eq!(bob.get("/v1/sync/delta").json()["items"], json!([]));
    assert_eq!(bob.post("/v1/memory/search", &json!({"query": "only"})).status, 404);
}

#[test]
fn what_is_too_large_or_ill_formed_is_refused() {
    let papr = started(Options::new());
    let alice = client(&papr);
    let add = |body: &Value| alice.post("/v1/memory", body).status;
    assert_eq!(add(&json!({"content": "x".repeat(15_000)})), 200);
    assert_eq!(add(&json!({"content": "x".repeat(15_001)})), 413);
    assert_eq!(add(&json!({"content": "ü".repeat(7_501)})), 413, "bytes are counted, not letters");
    assert_eq!(add(&json!({"content": " "})), 400);
    assert_eq!(add(&json!({})), 422);
    assert_eq!(add(&json!({"content": 5})), 422);
    assert_eq!(add(&json!({"content": "a", "type": "poem"})), 422);
    assert_eq!(add(&json!({"content": "a", "metadata": {"customMetadata": {"deep": {"er": 1}}}})), 422);
    let reply = alice.post("/v1/memory", &json!({"content": null}));
    assert_eq!(reply.status, 422);
    let detail = &reply.json()["detail"][0];
    assert!(detail["loc"].is_array() && detail["msg"].is_string() && detail["type"].is_string(), "{detail}");

    assert_eq!(alice.try_send("POST", "/v1/memory", "", "{}").unwrap().status, 415);
    assert_eq!(alice.send("POST", "/v1/memory", "{").unwrap().status, 422);
    assert_eq!(alice.send("PATCH", "/v1/memory/a", "{}").unwrap().status, 405);
    assert_eq!(alice.get("/v2/anything").status, 404);

    let batch = |count: usize, size: usize| {
        let memories: Vec<_> = (0..count).map(|_| json!({"content": "x".repeat(size)})).collect();
        alice.post("/v1/memory/batch", &json!({ "memories": memories })).status
    };
    assert_eq!(batch(0, 1), 422);
    assert_eq!(batch(50, 15_000), 200);
    assert_eq!(batch(51, 1), 422);
    assert_eq!(batch(50, 15_001), 413);
    assert_eq!(batch(2, 15_001), 400, "nothing of it was taken");

    for body in [json!({"max_tier0": 2001}), json!({"embed_limit": -1}), json!({"embedding_format": "f16"})] {
        assert_eq!(alice.post("/v1/sync/tiers", &body).status, 422, "{body}");
    }
    assert_eq!(alice.get("/v1/sync/delta?limit=1001").status, 422);
    assert_eq!(alice.get("/v1/sync/delta?cursor=***").status, 400);
    let few = alice.post("/v1/memory/search?max_memories=9", &json!({"query": "x"}));
    assert_eq!(few.status, 422, "fewer than 10 cannot be asked for");
}

/// Three rows share the millisecond at the edge of a page of two: the third is never sent.
#[test]
fn the_delta_misses_rows_at_a_pages_edge_and_tells_of_no_deletion() {
    let papr = started(Options::new().now(1_800_000_000_000));
    let alice = client(&papr);
    for n in 0..3 {
        papr.add(ALICE, NewMemory::text(format!("row {n}")).at(1_800_000_000_000)).unwrap();
    }
    let last = papr.add(ALICE, NewMemory::text("later").at(1_800_000_000_001)).unwrap();
    let page = alice.get("/v1/sync/delta?limit=2").json();
    assert_eq!((ids(&page["items"]).len(), page["has_more"].clone()), (2, json!(true)));
    let next = format!("/v1/sync/delta?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = alice.get(&next).json();
    assert_eq!(ids(&page["items"]), std::slice::from_ref(&last));
    assert_eq!(page["has_more"], json!(false));

    papr.advance(std::time::Duration::from_mins(1));
    papr.delete(ALICE, &last).unwrap();
    let quiet = alice.get(&format!("/v1/sync/delta?cursor={}", page["next_cursor"].as_str().unwrap())).json();
    assert_eq!((quiet["items"].clone(), quiet["next_cursor"].clone()), (json!([]), Value::Null));
}

#[test]
fn tombstones_where_a_server_has_them() {
    let all = [
        (Tombstones::Deleted, "deleted"),
        (Tombstones::IsDeleted, "isDeleted"),
        (Tombstones::Action, "action"),
    ];
    for (how, key) in all {
        let papr = started(Options::new().tombstones(how));
        let id = papr.add(ALICE, NewMemory::text("going")).unwrap();
        papr.delete(ALICE, &id).unwrap();
        let items = client(&papr).get("/v1/sync/delta").json()["items"].clone();
        assert_eq!(ids(&items), [id]);
        assert!(items[0].get(key).is_some(), "{items}");
    }
}

#[test]
fn tiers_are_a_snapshot_with_everything_odd_in_it() {
    let papr = started(Options::new().spelling(Spelling::Plain).tiers_cursor(true));
    let alice = client(&papr);
    let goal = papr.add(ALICE, NewMemory::goal("a goal")).unwrap();
    let both = papr.add(ALICE, NewMemory::text("in both").place(Place::Both)).unwrap();
    papr.add(ALICE, NewMemory::text("in neither").place(Place::Neither)).unwrap();
    let empty = NewMemory { content: None, twice: true, ..NewMemory::default() };
    let empty = papr.add(ALICE, empty).unwrap();
    let given = NewMemory::text("broken vector").embedding(Embedding::Given(vec![0.0; 3]));
    let given = papr.add(ALICE, given).unwrap();
    let sorted = |list: &Value| {
        let mut ids = ids(list);
        ids.sort();
        ids
    };
    let expected = |list: &[&String]| {
        let mut list: Vec<String> = list.iter().map(|id| (*id).clone()).collect();
        list.sort();
        list
    };
    let body = json!({"include_embeddings": true, "embedding_format": "float32"});
    let seen = alice.post("/v1/sync/tiers", &body).json();
    assert_eq!(sorted(&seen["tier0"]), expected(&[&goal, &both]));
    assert_eq!(sorted(&seen["tier1"]), expected(&[&both, &empty, &empty, &given]));
    let tier1 = seen["tier1"].as_array().unwrap();
    let of = |id: &str| tier1.iter().find(|item| item["id"] == id).unwrap();
    assert_eq!(of(&empty)["content"], Value::Null);
    assert!(of(&empty).get("embedding").is_none());
    assert_eq!(of(&given)["embedding"], json!([0.0, 0.0, 0.0]));
    assert!(of(&both)["relevance_score"] != seen["tier0"][0]["relevance_score"]);
    let cursor = seen["next_cursor"].as_str().unwrap();
    assert_eq!(alice.get(&format!("/v1/sync/delta?cursor={cursor}")).json()["items"], json!([]));

    papr.move_tier(ALICE, &goal, Place::Tier1).unwrap();
    papr.edit(ALICE, &both, Edit::topics(&["moved"])).unwrap();
    let quantised = json!({"include_embeddings": true, "embed_limit": 1});
    let seen = alice.post("/v1/sync/tiers", &quantised).json();
    assert_eq!(sorted(&seen["tier0"]), expected(&[&both]));
    assert!(ids(&seen["tier1"]).contains(&goal));
    assert_eq!(seen["tier0"][0]["topics"], json!(["moved"]));
    assert!(seen["tier0"][0]["embedding"].is_array(), "tier 0 has floats even when int8 is asked for");
    assert_eq!(alice.post("/v1/sync/tiers", &json!({"max_tier1": 1})).json()["has_more"], json!(true));
}

#[test]
fn a_memory_is_found_by_its_clients_id() {
    let papr = started(Options::new());
    let alice = client(&papr);
    for n in 0..20 {
        let body = json!({"content": format!("fact {n}"), "metadata": {"customMetadata": {"client_id": format!("c{n}")}}});
        alice.post("/v1/memory", &body);
    }
    let body = json!({"query": "whatever", "metadata": {"customMetadata": {"client_id": "c7"}}});
    let reply = alice.post("/v1/memory/search?max_memories=10", &body);
    let found = ids(&reply.json()["data"]["memories"]);
    assert_eq!(found, papr.oracle().created_by_client_id(ALICE)["c7"]);
    let body = json!({"query": "whatever", "metadata": {"customMetadata": {"client_id": "c99"}}});
    let reply = alice.post("/v1/memory/search", &body);
    assert_eq!((reply.status, reply.json()["error"].clone()), (404, json!("No relevant items found")));
}

#[test]
fn gzip_where_it_is_asked_for() {
    let papr = started(Options::new().memories(200));
    let plain = client(&papr).get("/v1/sync/delta");
    let packed = client(&papr).try_send("GET", "/v1/sync/delta", "Accept-Encoding: gzip\r\n", "").unwrap();
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    assert!(packed.whole() && packed.body.len() * 2 < plain.body.len());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    let lines = papr.requests();
    assert_eq!(lines[1].bytes_out, packed.body.len() as u64, "the log counts what went over the wire");
}

#[test]
fn operations_are_counted_by_the_month_and_requests_by_the_minute() {
    let papr = started(Options::new().now(1_795_248_000_000));
    let alice = client(&papr);
    let id = alice.post("/v1/memory", &json!({"content": "a"})).json()["data"][0]["memoryId"].clone();
    let path = format!("/v1/memory/{}", id.as_str().unwrap());
    alice.post("/v1/sync/tiers", &json!({}));
    alice.get("/v1/sync/delta");
    alice.get(&path);
    alice.put(&path, &json!({"content": "b"}));
    alice.delete(&path);
    alice.get(&path);
    alice.get("/v1/user");
    assert_eq!(papr.operations(ALICE), 4 + 3 + 1 + 1 + 1 + 1, "not found costs nothing");
    papr.advance(std::time::Duration::from_hours(31 * 24));
    assert_eq!(papr.operations(ALICE), 0, "another month");

    papr.set_limits(ALICE, Limits { per_month: None, per_minute: Some(2) });
    let status = || alice.get("/v1/user").status;
    assert_eq!([status(), status(), status()], [200, 200, 429]);
    assert_eq!(alice.get("/v1/user").header("retry-after"), Some("60"));
    papr.advance(std::time::Duration::from_mins(1));
    assert_eq!(status(), 200);
}

#[test]
fn export_and_import() {
    let papr = started(Options::new());
    let alice = client(&papr);
    let id = papr.add(ALICE, NewMemory::text("portable").topics(&["omo"])).unwrap();
    let out = alice.post("/v1/omo/export", &json!({"memory_ids": [id, "gone"]})).json();
    assert_eq!((out["count"].clone(), out["memories"][0]["topics"].clone()), (json!(1), json!(["omo"])));
    let again = alice.post("/v1/omo/import", &json!({"memories": out["memories"]})).json();
    assert_eq!((again["imported"].clone(), again["skipped"].clone()), (json!(0), json!(1)));
    papr.delete(ALICE, &id).unwrap();
    let back = alice.post("/v1/omo/import", &json!({"memories": out["memories"]})).json();
    assert_eq!(back["memory_ids"], json!([id]));
}

#[test]
fn feedback_is_for_searches_that_were_made() {
    let papr = started(Options::new());
    papr.add(ALICE, NewMemory::text("dark roast")).unwrap();
    let alice = client(&papr);
    let search = alice.post("/v1/memory/search", &json!({"query": "roast"})).json()["search_id"].clone();
    let data = json!({"feedbackType": "thumbs_up", "feedbackSource": "inline"});
    let give = |id: &Value, data: &Value| {
        alice.post("/v1/feedback", &json!({"search_id": id, "feedbackData": data})).status
    };
    assert_eq!(give(&search, &data), 200);
    assert_eq!(give(&json!("elsewhere"), &data), 404);
    assert_eq!(give(&search, &json!({"feedbackType": "shrug", "feedbackSource": "inline"})), 422);
    assert_eq!((papr.feedback(ALICE), papr.operations(ALICE)), (1, 1), "feedback is free");
}
