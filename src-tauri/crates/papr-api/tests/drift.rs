//! Answers that are not what was documented: odd, doubled, partly bad, or something else altogether.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use common::{Reply, Server, run};
use papr_api::{
    ApiKey, Batch, Change, Client, DeltaRequest, Error, Memory, MemoryId, NewMemory, RefusalKind,
    SearchRequest, TiersRequest, Update,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn tiers(body: &Value) -> Result<papr_api::Tiers, Error> {
    tiers_text(&body.to_string())
}

fn tiers_text(body: &str) -> Result<papr_api::Tiers, Error> {
    let server = Server::new([Reply::ok(body)]);
    run(server.client().tiers(&TiersRequest::default()))
}

fn delta(body: &Value) -> Result<papr_api::Delta, Error> {
    let server = Server::new([Reply::ok(body.to_string())]);
    run(server.client().delta(&DeltaRequest::default()))
}

#[test]
fn one_bad_item_does_not_lose_the_others() {
    let body = r#"{"code":200,"tier0":[{"id":"a"},17,{"id":""},{"content":"no id"},{"id":"all"},{"id":"b","score":NaN},null,{"id":"c"}],"tier1":[]}"#;
    let tiers = tiers_text(body).unwrap();
    let ids: Vec<_> = tiers.tier0.iter().map(|memory| memory.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"], "the good ones, in order");
    let places: Vec<_> = tiers.end.skipped.iter().map(|skipped| (skipped.list, skipped.index)).collect();
    let expected = [1, 2, 3, 4, 5, 6].map(|index| ("tier0", index));
    assert_eq!(places, expected, "each bad one is told, with its place");
    let why: Vec<_> = tiers.end.skipped.iter().map(|skipped| skipped.why).collect();
    assert_eq!(why[3], "its id cannot be one", "`all` would address every memory at once");
    assert_eq!(why[4], "it is not valid JSON", "as Python writes what is not a number");
}

#[test]
fn duplicates_are_kept_for_the_reader_to_judge() {
    let body = json!({"tier0": [{"id": "a"}, {"id": "a"}], "tier1": [{"id": "a"}], "transitions": [{"id": "a", "to": 1}]});
    let tiers = tiers(&body).unwrap();
    assert_eq!(
        (tiers.tier0.len(), tiers.tier1.len()),
        (2, 1),
        "which of them counts is not this crate's to say"
    );
    assert_eq!(tiers.end.transitions.len(), 1);
}

#[test]
fn an_answer_without_its_lists_is_an_error_and_not_an_empty_one() {
    for body in [
        json!({}),
        json!({"code": 200, "status": "success"}),
        json!({"tiers": []}),
        json!({"tier0": {}}),
        json!({"tier0": [], "tier1": "x"}),
    ] {
        let error = tiers(&body).unwrap_err();
        assert!(
            matches!(error, Error::Unreadable { .. }),
            "{body}: emptiness would delete everything: {error:?}"
        );
    }
    assert!(
        tiers(&json!({"tier0": null, "tier1": []})).unwrap().tier0.is_empty(),
        "null says nothing is there"
    );
    assert!(delta(&json!({"items": null})).unwrap().items.is_empty());
    assert!(matches!(delta(&json!({"data": []})).unwrap_err(), Error::Unreadable { .. }));
    for body in ["", "null", "<html></html>", "[[]]", "{\"tier0\":[]}}"] {
        assert!(tiers_text(body).is_err(), "{body:?} is not Papr's");
    }
}

#[test]
fn content_that_is_none() {
    let contents = [json!(null), json!(""), json!("  \n"), json!("None"), json!(" None ")];
    for content in contents {
        let memory: Memory = serde_json::from_value(json!({"id": "a", "content": content})).unwrap();
        assert_eq!(memory.content, None, "{content} is no text");
        assert!(memory.flaws.is_empty(), "and no surprise either");
    }
    let memory: Memory = serde_json::from_value(json!({"id": "a", "content": {"x": 1}})).unwrap();
    assert_eq!((memory.content, memory.flaws), (None, vec!["content"]), "a surprise is noted");
    let memory: Memory = serde_json::from_value(json!({"id": "a", "content": "None of it"})).unwrap();
    assert_eq!(memory.content.as_deref(), Some("None of it"), "the word inside a text is a text");
}

#[test]
fn both_spellings_and_every_form_of_metadata() {
    let snake = json!({
        "id": "a", "created_at": "2026-11-01T09:00:00Z", "updated_at": "2026-11-02T09:00:00", "user_id": 7,
        "metadata": {"topics": ["x"], "customMetadata": {"client_id": "c1"}}
    });
    let camel = json!({
        "memoryId": "a", "createdAt": "2026-11-01T09:00:00+00:00", "userId": "7",
        "updatedAt": {"__type": "Date", "iso": "2026-11-02T09:00:00.000Z"},
        "metadata": "{\"topics\": \"[\\\"x\\\"]\", \"custom_metadata\": {\"client_id\": \"c1\"}}"
    });
    let [snake, camel]: [Memory; 2] = [snake, camel].map(|value| serde_json::from_value(value).unwrap());
    for memory in [&snake, &camel] {
        assert!(memory.flaws.is_empty(), "{memory:?}");
        assert_eq!((memory.topics.as_deref(), memory.client_id()), (Some(&["x".to_owned()][..]), Some("c1")));
        assert_eq!(memory.user_id.as_deref(), Some("7"), "a number where a text should be");
        assert_eq!(memory.updated_at, Some("2026-11-02T09:00:00Z".parse().unwrap()), "no offset is UTC");
    }
    assert_eq!((snake.id, snake.created_at), (camel.id, camel.created_at));
    for metadata in [json!(null), json!(""), json!("null"), json!("not json"), json!([1]), json!(5)] {
        let memory: Memory =
            serde_json::from_value(json!({"id": "a", "metadata": metadata, "topics": ["t"]})).unwrap();
        assert!(memory.metadata.is_empty(), "{metadata} is no object");
        assert_eq!(memory.topics.unwrap(), ["t"], "and loses nothing else");
    }
}

#[test]
fn no_topics_and_no_word_of_topics_are_two_things() {
    let topics = |value| serde_json::from_value::<Memory>(value).unwrap().topics;
    assert_eq!(topics(json!({"id": "a"})), None, "nothing is said");
    assert_eq!(topics(json!({"id": "a", "topics": null})), None, "null says nothing");
    assert_eq!(topics(json!({"id": "a", "topics": []})), Some(vec![]), "there are none");
    assert_eq!(topics(json!({"id": "a", "metadata": {"topics": []}})), Some(vec![]), "in the metadata too");
    let both = json!({"id": "a", "topics": [], "metadata": {"topics": ["x"]}});
    assert_eq!(topics(both), Some(vec!["x".to_owned()]), "the place that has some is believed");
}

#[test]
fn odd_fields_are_kept_and_named() {
    let value = json!({
        "id": "a", "updated_at": "yesterday", "relevance_score": "0.5", "similarity_score": "high",
        "embedding": "x", "new_field": [1, {"y": 2}]
    });
    let memory: Memory = serde_json::from_value(value).unwrap();
    assert_eq!(memory.relevance_score, Some(0.5), "a number as text is a number");
    assert_eq!(memory.flaws, ["embedding", "updated_at", "similarity_score"], "what could not be read");
    assert_eq!(memory.extra["updated_at"], "yesterday", "is kept as it came");
    assert_eq!(memory.extra["new_field"], json!([1, {"y": 2}]), "as is what nobody knows");
    for bad in [json!(5), json!("x"), json!([]), json!(null), json!({}), json!({"id": null})] {
        assert!(serde_json::from_value::<Memory>(bad.clone()).is_err(), "{bad} is no memory");
    }
    let error = serde_json::from_str::<Memory>("\"a diary\"").unwrap_err().to_string();
    assert!(!error.contains("diary"), "an error must not repeat what it met");
}

#[test]
fn deletions_in_each_of_their_forms() {
    let items = json!([
        {"id": "1", "deleted": true}, {"memoryId": "2", "isDeleted": "true"}, {"objectId": "3", "action": "delete"},
        {"id": "4", "deleted": false, "action": "update"}, {"id": "5", "action": "Delete", "updatedAt": "2026-11-02T09:00:00Z"},
        {"id": "6", "deleted": null}
    ]);
    let delta = delta(&json!({"items": items, "nextCursor": "n", "hasMore": 1})).unwrap();
    let deleted: Vec<_> = delta.items.iter().filter(|item| matches!(item, Change::Deleted { .. })).collect();
    let ids: Vec<_> = deleted.iter().map(|item| item.id().as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "5"], "and nothing else is taken for one");
    assert!(matches!(deleted[3], Change::Deleted { at: Some(_), .. }), "with its time where there is one");
    assert_eq!((delta.has_more, delta.next_cursor.unwrap().as_str()), (true, "n"), "the other spelling");
}

#[test]
fn only_papr_can_say_that_a_memory_is_gone() {
    let id = MemoryId::new("m").unwrap();
    let ask = |reply: Reply| {
        let server = Server::new([reply]);
        (run(server.client().get(&id)), run(server.client().delete(&id)))
    };
    for gone in [
        r#"{"code":404,"status":"error","error":"Memory not found","data":null}"#,
        r#"{"detail":"Memory not found"}"#,
    ] {
        let (got, deleted) = ask(Reply::new(404, gone));
        assert_eq!(got.unwrap(), None, "{gone}");
        assert!(!deleted.unwrap().found, "{gone}");
    }
    for elsewhere in [r#"{"detail":"Not Found"}"#, "<h1>Not Found</h1>", ""] {
        let (got, deleted) = ask(Reply::new(404, elsewhere));
        let kind = got.unwrap_err().refusal().map(|refusal| refusal.kind);
        assert_eq!(
            kind,
            Some(RefusalKind::NoEndpoint),
            "{elsewhere:?}: a wrong address must not empty a store"
        );
        assert!(deleted.is_err(), "{elsewhere:?}: nor call a deletion done");
    }
    let (got, _) = ask(Reply::ok(r#"{"data":{"memories":[]}}"#));
    assert_eq!(got.unwrap(), None, "an empty list is how some answers say it");
    for odd in [r#"{"data":{"memories":[{"content":"x"}]}}"#, r#"{"data":null}"#, "{}"] {
        assert!(matches!(ask(Reply::ok(odd)).0.unwrap_err(), Error::Unreadable { .. }), "{odd} says nothing");
    }
    let (got, _) = ask(Reply::ok(r#"{"data":{"memories":[{"id":"x"},{"id":"m"}]}}"#));
    assert_eq!(got.unwrap().unwrap().id, id, "the one that was asked for, not the first");
}

#[test]
fn searching() {
    let nothing =
        Reply::new(404, r#"{"code":404,"status":"error","data":null,"error":"No relevant items found"}"#);
    let server = Server::new([nothing]);
    let reply = run(server.client().search(&SearchRequest::new("q"))).unwrap();
    assert!(reply.memories.is_empty(), "nothing found is an answer");
    let server = Server::new([Reply::new(404, r#"{"detail":"Not Found"}"#)]);
    let error = run(server.client().search(&SearchRequest::new("q"))).unwrap_err();
    assert!(!error.is_not_found(), "a wrong address is not");

    let memories: Vec<_> = (0..10).map(|number| json!({"id": number})).collect();
    let nodes = json!([{"label": "Person", "properties": "{\"name\":\"A\"}"}, {"properties": {}}]);
    let body = json!({"code": 200, "data": {"memories": memories, "nodes": nodes}, "search_id": "s1"});
    let server = Server::new([Reply::ok(body.to_string())]);
    let request = SearchRequest { max_memories: 3, max_nodes: 1, ..SearchRequest::new("coffee") };
    let reply = run(server.client().search(&request)).unwrap();
    let log = server.log();
    assert_eq!(log[0].target, "/v1/memory/search?max_memories=10&max_nodes=10", "fewer than 10 are refused");
    assert_eq!(
        log[0].body, r#"{"query":"coffee"}"#,
        "the query is in the body, not in the address that proxies log"
    );
    let ids: Vec<_> = reply.memories.iter().map(|memory| memory.id.as_str()).collect();
    assert_eq!(ids, ["0", "1", "2"], "the first ones of those that came");
    assert_eq!(reply.nodes[0].properties["name"], "A", "properties as text");
    assert_eq!(reply.skipped.len(), 1, "a node without a label");
    assert_eq!(reply.search_id.unwrap().as_str(), "s1", "feedback needs it");
}

#[test]
fn a_key_is_good_only_if_papr_says_so() {
    let body = json!({"code": 200, "status": "success", "data": [{"user_id": "u1", "external_id": null}], "total": "3"});
    let server = Server::new([Reply::ok(body.to_string())]);
    let info = run(server.client().check_key()).unwrap();
    assert_eq!(server.log()[0].target, "/v1/user?page=1&page_size=1", "the cheapest page");
    assert_eq!((info.users, info.first_user.unwrap().user_id.as_deref()), (Some(3), Some("u1")));
    for page in ["<html>Welcome to our Wi-Fi</html>", "{}", "{\"ok\":true}"] {
        let server = Server::new([Reply::ok(page)]);
        assert!(run(server.client().check_key()).is_err(), "{page} is a sign-in page's yes, not Papr's");
    }
    let server = Server::new([Reply::new(401, r#"{"detail":"Invalid API key"}"#)]);
    let error = run(server.client().check_key()).unwrap_err();
    assert_eq!(error.refusal().unwrap().kind, RefusalKind::Unauthorised);
    assert_eq!(error.hint(), "Enter a valid Papr key.", "a hint says what to do");
}

#[test]
fn batches_that_do_not_add_up() {
    let batch = || Batch::new(vec![NewMemory::new("a").unwrap(), NewMemory::new("b").unwrap()]).unwrap();
    let send = |body: Value| {
        let server = Server::new([Reply::new(207, body.to_string())]);
        run(server.client().add_batch(&batch()))
    };
    let made = json!({"data": [{"memoryId": "m"}]});
    let reply = send(json!({"successful": [made], "errors": [{"index": 7, "error": "x"}]})).unwrap();
    assert_eq!(reply.by_index(2), None, "a place outside the batch");
    let reply = send(json!({"successful": [made, {"data": []}], "errors": []})).unwrap();
    assert_eq!((reply.skipped.len(), reply.by_index(2)), (1, None), "a success that tells of no memory");
    let errors = json!([{"index": 0, "error": "x"}, {"index": 1, "error": "y"}]);
    let all = json!({"code": 400, "status": "error", "successful": [], "errors": errors});
    let reply = send(all).unwrap();
    assert_eq!(
        reply.by_index(2).unwrap().iter().filter(|each| each.is_err()).count(),
        2,
        "all refused, each told"
    );
    assert!(send(json!({"successful": [], "errors": []})).is_err(), "two memories sent, none told of");
    assert!(send(json!({"code": 500, "status": "error", "error": "x"})).is_err(), "an envelope of failure");
}

#[test]
fn portability() {
    let body = json!({"count": 1, "memories": [{"id": "m", "anything": {"x": 1}}, 5]});
    let server = Server::new([Reply::ok(body.to_string())]);
    let export = run(server.client().omo_export(&[MemoryId::new("m").unwrap()])).unwrap();
    assert_eq!(server.log()[0].body, r#"{"memory_ids":["m"]}"#);
    assert_eq!((export.memories.len(), export.skipped.len(), export.count), (1, 1, Some(1)));

    let server = Server::new([Reply::ok(r#"{"imported":1,"skipped":2,"memory_ids":["x"],"errors":[{}]}"#)]);
    let import = run(server.client().omo_import(&export.memories, true)).unwrap();
    assert_eq!(
        server.log()[0].body,
        r#"{"memories":[{"anything":{"x":1},"id":"m"}],"skip_duplicates":true}"#
    );
    assert_eq!(
        (import.imported, import.duplicates, import.memory_ids.len(), import.errors.len()),
        (1, 2, 1, 1)
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = concat!(
        "id|memoryId|objectId|code|status|error|data|memories|nodes|items|tier0|tier1|content|metadata|topics|",
        "created_at|updatedAt|embedding|embedding_int8|deleted|successful|errors|index|details|detail|",
        "deletion_status|imported|total"
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\\PC]{0,12}|error|None|2026-11-2[0-9]T00:00:00Z|\\[1,2\\]|\\{\"a\":1\\}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let object = prop::collection::btree_map(names, inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every call, whatever the server answers: no panic, no endless wait.
async fn every_call(client: &Client) {
    let (id, memory) = (MemoryId::new("m").unwrap(), NewMemory::new("text").unwrap());
    drop(client.tiers(&TiersRequest::default()).await);
    drop(client.delta(&DeltaRequest::default()).await);
    drop(client.add(&memory).await);
    drop(client.add_batch(&Batch::new(vec![memory]).unwrap()).await.map(|reply| reply.by_index(1).is_some()));
    drop(client.get(&id).await);
    drop(client.update(&id, &Update::new().content("x").unwrap()).await);
    drop(client.delete(&id).await);
    drop(client.search(&SearchRequest::new("q")).await);
    drop(client.check_key().await);
    drop(client.omo_export(&[id]).await);
    drop(client.omo_import(&[serde_json::Map::new()], true).await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_from_the_server_is_read_without_a_panic(
        body in any_json(),
        status in prop::sample::select(vec![200_u16, 207, 204, 302, 400, 403, 404, 422, 429, 500]),
    ) {
        let server = Server::new([Reply::new(status, body.to_string())]);
        let retry = papr_api::RetryPolicy::never();
        let client = Client::builder(ApiKey::new("k").unwrap()).base_url(&server.url()).retry(retry).build().unwrap();
        run(every_call(&client));
        prop_assert_eq!(server.count(), 11, "each call was made once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        beginning in prop::sample::select(vec!["", "{\"tier0\":[", "{\"data\":{\"memories\":[{\"id\":\"", "\u{1f}\u{8}"]),
        compressed: bool,
    ) {
        bytes.splice(0..0, beginning.bytes());
        let reply = if compressed { Reply::ok(common::gzip(&bytes)) } else { Reply::ok(&bytes) };
        let server = Server::new([reply.with("Content-Encoding", "gzip"), Reply::ok(&bytes)]);
        let client = server.builder().retry(papr_api::RetryPolicy::never()).build().unwrap();
        for _ in 0..2 {
            prop_assert!(run(client.tiers(&TiersRequest::default())).is_err(), "no list was closed");
        }
        prop_assert!(run(client.get(&MemoryId::new("m").unwrap())).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_a_memory_or_is_not(value in any_json()) {
        let text = value.to_string();
        let from_text = serde_json::from_str::<Memory>(&text);
        prop_assert_eq!(from_text.is_ok(), serde_json::from_value::<Memory>(value).is_ok(), "either way of reading");
        if let Ok(memory) = from_text {
            prop_assert!(memory.embedding.is_none_or(|vector| vector.values.iter().all(|value| value.is_finite())));
            prop_assert!(memory.content.is_none_or(|text| !text.trim().is_empty()), "an empty text is none");
        }
    }

    #[test]
    fn what_can_be_read_survives_odd_neighbours(neighbour in any_json()) {
        let mut value = json!({"id": "a", "content": "text", "type": "goal", "updatedAt": "2026-11-20T10:11:12Z"});
        value["neighbour"] = neighbour.clone();
        value["metadata"] = neighbour.clone();
        value["relevance_score"] = neighbour.clone();
        value["embedding"] = neighbour;
        let memory: Memory = serde_json::from_value(value).unwrap();
        prop_assert_eq!((memory.content.as_deref(), memory.kind.as_deref()), (Some("text"), Some("goal")));
        prop_assert!(memory.updated_at.is_some());
    }
}
