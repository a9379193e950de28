//! A server that is asked without HTTP is the same server.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod common;

use common::{ALICE, KEY, client, started};
use papr_fake::{Answer, FakePapr, Fault, NewMemory, Options, Route, Rule, Script, Shape};
use serde_json::{Value, json};

const START: i64 = 1_795_161_600_000;

fn options() -> Options {
    Options::new().now(START).memories(30)
}

fn unplugged(options: Options) -> FakePapr {
    FakePapr::unplugged(options.key(KEY, ALICE)).unwrap()
}

#[test]
fn an_answer_is_the_same_with_and_without_http() {
    let (over_http, direct) = (started(options()), unplugged(options()));
    let alice = client(&over_http);
    let new = json!({"content": "one", "metadata": {"customMetadata": {"client_id": "c1"}}});
    let batch = json!({"memories": [{"content": "two"}, {"content": ""}]});
    let made = alice.post("/v1/memory", &new).json()["data"][0]["memoryId"].as_str().unwrap().to_owned();
    let ask = |route, id: &str, query: &[(&str, &str)], body: &Value| {
        direct.ask(ALICE, route, id, query, body.clone()).unwrap()
    };
    assert_eq!(ask(Route::Add, "", &[], &new).body["data"][0]["memoryId"], made);
    let path = format!("/v1/memory/{made}");
    let pairs = [
        (alice.post("/v1/memory/batch", &batch), ask(Route::Batch, "", &[], &batch)),
        (alice.post("/v1/sync/tiers", &json!({})), ask(Route::Tiers, "", &[], &json!({}))),
        (alice.get("/v1/sync/delta?limit=7"), ask(Route::Delta, "", &[("limit", "7")], &Value::Null)),
        (alice.get(&path), ask(Route::Get, &made, &[], &Value::Null)),
        (alice.delete(&path), ask(Route::Delete, &made, &[], &Value::Null)),
        (alice.get(&path), ask(Route::Get, &made, &[], &Value::Null)),
    ];
    for (http, direct) in pairs {
        assert_eq!((http.status, http.json()), (direct.status, direct.body));
    }
    assert_eq!(over_http.oracle(), direct.oracle(), "one log of writes");
    assert_eq!(over_http.operations(ALICE), direct.operations(ALICE), "one bill");
}

#[test]
fn faults_strike_without_http_too() {
    let papr = unplugged(options());
    let before = papr.oracle().entries.len();
    let add = |fault| {
        papr.set_faults(Script::of([Rule::always(fault)])).unwrap();
        papr.ask(ALICE, Route::Add, "", &[], json!({"content": "x"}))
    };
    assert_eq!(add(Fault::CloseBefore), None);
    assert_eq!(add(Fault::Limit).unwrap().status, 403);
    let page = Answer { status: 502, body: Value::Null };
    assert_eq!(add(Fault::Status { status: 502, shape: Shape::Html }), Some(page), "a page is no object");
    assert_eq!(papr.oracle().entries.len(), before, "nothing was done until here");
    for lost in
        [Fault::LostReply { hang_ms: 0 }, Fault::CutBody { share: 0.5 }, Fault::WrongJson { how: None }]
    {
        assert_eq!(add(lost), None);
    }
    assert_eq!(papr.oracle().untold(ALICE).count(), 3, "done, and nobody was told");
}

#[test]
fn what_a_batch_made_comes_in_another_order() {
    let papr = unplugged(Options::new().now(START));
    papr.set_faults(Script::of([Rule::always(Fault::Reorder)])).unwrap();
    let memories: Vec<Value> = (0..20).map(|n| json!({"content": format!("text {n}")})).collect();
    let answer = papr.ask(ALICE, Route::Batch, "", &[], json!({"memories": memories})).unwrap();
    let told: Vec<&str> = answer.body["successful"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["data"][0]["memoryId"].as_str().unwrap())
        .collect();
    let oracle = papr.oracle();
    let made: Vec<&str> = oracle.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_ne!(told, made, "the order of an answer is not documented");
    let sorted = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(sorted(told), sorted(made));
}

#[test]
fn twins_are_those_that_said_the_same_at_once() {
    let papr = unplugged(Options::new().now(START));
    let add = |id: &str, text: &str| papr.add(ALICE, NewMemory::text(text).id(id)).unwrap();
    add("a", "one");
    papr.delete(ALICE, "a").unwrap();
    add("b", "one");
    assert!(papr.oracle().twins(ALICE).is_empty(), "one after the other is no double");
    add("c", "two");
    papr.edit(ALICE, "c", papr_fake::Edit::content("one")).unwrap();
    papr.delete(ALICE, "b").unwrap();
    assert_eq!(papr.oracle().twins(ALICE).into_iter().collect::<Vec<_>>(), [("b", "c")], "also later");
}
