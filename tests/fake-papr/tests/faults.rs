//! Each fault by itself, as a client meets it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use common::{ALICE, client, ids, started};
use papr_fake::{Drift, FakePapr, Fault, Garble, Options, RetryAfter, Route, Rule, Script, Shape};
use serde_json::{Value, json};

fn with(fault: Fault) -> FakePapr {
    started(Options::new().memories(40).faults(Script::of([Rule::always(fault)])))
}

#[test]
fn latency() {
    let papr = with(Fault::Latency { ms: 80, jitter_ms: 40 });
    let start = Instant::now();
    assert_eq!(client(&papr).get("/v1/user").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(80));
    assert!((80..5_000).contains(&papr.requests()[0].took_ms), "the server's own time is known");
}

#[test]
fn rate_limits_with_and_without_a_time_to_wait() {
    let papr = with(Fault::RateLimit { retry_after: None });
    let reply = client(&papr).get("/v1/user");
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    let set = |retry_after| {
        let rule = Rule::always(Fault::RateLimit { retry_after: Some(retry_after) });
        papr.set_faults(Script::of([rule])).unwrap();
        client(&papr).get("/v1/user")
    };
    assert_eq!(set(RetryAfter::Seconds(2)).header("retry-after"), Some("2"));
    assert_eq!(set(RetryAfter::Milliseconds(250)).header("retry-after-ms"), Some("250"));
    assert!(set(RetryAfter::Date(3)).header("retry-after").unwrap().ends_with(" GMT"));
}

#[test]
fn limits_and_flaps_by_call_number() {
    let flap = Fault::Status { status: 503, shape: Shape::Html };
    let rules = [Rule::on_calls(&[1, 3], flap).route(Route::Delta), Rule::on_calls(&[2], Fault::Limit)];
    let papr = started(Options::new().faults(Script::of(rules)));
    let status = || client(&papr).get("/v1/sync/delta").status;
    assert_eq!([status(), status(), status(), status()], [503, 403, 503, 200]);
    assert_eq!(papr.fired(), [2, 1]);
    assert_eq!(papr.operations(ALICE), 1, "what fails on the way costs nothing");
}

#[test]
fn refusals_come_in_every_shape() {
    let seen = |shape| {
        let papr = with(Fault::Status { status: 500, shape });
        let reply = client(&papr).get("/v1/user");
        assert_eq!(reply.status, 500);
        String::from_utf8(reply.body).unwrap()
    };
    assert!(seen(Shape::Envelope).contains("\"status\":\"error\""));
    assert!(seen(Shape::Detail).starts_with("{\"detail\":\""));
    assert!(seen(Shape::Validation).starts_with("{\"detail\":[{"));
    assert!(seen(Shape::Html).starts_with("<html>"));
    assert_eq!(seen(Shape::Empty), "");
}

#[test]
fn closed_before_reading() {
    let papr = with(Fault::CloseBefore);
    let before = papr.oracle().entries.len();
    let error = client(&papr).send("POST", "/v1/memory", r#"{"content":"never read"}"#).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe), "{error:?}");
    assert_eq!(papr.oracle().entries.len(), before, "nothing was done");
    assert_eq!(papr.requests()[0].status, None);
}

#[test]
fn accepted_and_never_told() {
    let rules = [Rule::on_calls(&[1, 2], Fault::LostReply { hang_ms: 60 }).route(Route::Add)];
    let papr = started(Options::new().faults(Script::of(rules)));
    let body =
        json!({"content": "told twice", "metadata": {"customMetadata": {"client_id": "c1"}}}).to_string();
    let start = Instant::now();
    assert!(client(&papr).send("POST", "/v1/memory", &body).is_err());
    assert!(start.elapsed() >= Duration::from_millis(60), "it hangs first");
    assert!(client(&papr).send("POST", "/v1/memory", &body).is_err());
    assert_eq!(client(&papr).send("POST", "/v1/memory", &body).unwrap().status, 200);
    let oracle = papr.oracle();
    assert_eq!(oracle.doubled(ALICE)["c1"].len(), 3, "a client that only repeats makes doubles");
    assert_eq!(oracle.untold(ALICE).count(), 2);
    assert_eq!(papr.operations(ALICE), 12, "and pays for them");
}

/// The client gives up first; the write was done all the same.
#[test]
fn a_hanging_reply_does_not_undo_the_write() {
    let papr = with(Fault::LostReply { hang_ms: 60_000 });
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", papr.port())).unwrap();
    let body = r#"{"content":"hanging"}"#;
    let head = format!(
        "POST /v1/memory HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        common::KEY,
        body.len()
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while papr.oracle().untold(ALICE).count() == 0 {
        assert!(Instant::now() < until, "the write is done while the reply hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(stream);
    let start = Instant::now();
    drop(papr);
    assert!(start.elapsed() < Duration::from_secs(5), "a server stops whatever hangs on it");
}

#[test]
fn a_body_cut_in_the_middle() {
    let papr = with(Fault::CutBody { share: 0.5 });
    for extra in ["", "Accept-Encoding: gzip\r\n"] {
        let reply = client(&papr).try_send("GET", "/v1/sync/delta", extra, "").unwrap();
        let announced: usize = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body.len(), announced / 2);
    }
    let none = with(Fault::CutBody { share: 0.0 });
    let reply = client(&none).get("/v1/user");
    assert!(reply.body.is_empty() && !reply.whole());
}

#[test]
fn wrong_json() {
    for how in [Garble::Truncated, Garble::Html, Garble::Trailing] {
        let papr = with(Fault::WrongJson { how: Some(how) });
        let reply = client(&papr).get("/v1/user");
        assert_eq!((reply.status, reply.whole()), (200, true));
        assert!(serde_json::from_slice::<Value>(&reply.body).is_err(), "{how:?}");
    }
    let papr = with(Fault::WrongJson { how: Some(Garble::WrongRoot) });
    assert!(client(&papr).get("/v1/user").json().is_array());
    assert_eq!(client(&with(Fault::WrongJson { how: None })).get("/v1/user").status, 200);
}

fn delta_ids(papr: &FakePapr) -> Vec<String> {
    ids(&client(papr).get("/v1/sync/delta").json()["items"])
}

#[test]
fn reordered_doubled_and_missing_rows() {
    let calm = started(Options::new().memories(40));
    let all = delta_ids(&calm);
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let disturbed = |fault| {
        calm.set_faults(Script::of([Rule::always(fault)])).unwrap();
        delta_ids(&calm)
    };
    let reordered = disturbed(Fault::Reorder);
    assert!(reordered != all && set(&reordered) == set(&all) && reordered.len() == all.len());
    let doubled = disturbed(Fault::Duplicate { share: 0.5 });
    assert!(doubled.len() > all.len() && set(&doubled) == set(&all));
    let missing = disturbed(Fault::Missing { share: 0.5 });
    assert!(missing.len() < all.len() && set(&missing).is_subset(&set(&all)));

    calm.set_faults(Script::of([Rule::on_calls(&[1], Fault::Missing { share: 1.0 })])).unwrap();
    let page = client(&calm).get("/v1/sync/delta").json();
    assert_eq!(page["items"], json!([]));
    let cursor = page["next_cursor"].as_str().expect("the cursor goes past what is missing");
    let rest = client(&calm).get(&format!("/v1/sync/delta?cursor={cursor}")).json();
    assert_eq!(rest["items"], json!([]), "and it never comes again");
}

#[test]
fn a_schema_that_drifts() {
    let papr = with(Fault::Drift { how: vec![Drift::UnknownFields, Drift::StringsForNumbers] });
    let seen = client(&papr).post("/v1/sync/tiers", &json!({})).json();
    assert!(seen.get("schema_revision").is_some() && seen["tier1"][0].get("x_lineage").is_some());
    assert!(seen["tier1"][0]["relevance_score"].is_string());
    assert_eq!(seen["code"], "200");

    let papr = with(Fault::Drift { how: vec![Drift::Renamed] });
    let seen = client(&papr).post("/v1/memory", &json!({"content": "renamed"})).json();
    assert!(seen["data"][0]["memory_id"].is_string() && seen["data"][0].get("memoryId").is_none(), "{seen}");
    assert!(client(&papr).get("/v1/sync/delta").json().get("nextCursor").is_some());
    assert_eq!(client(&with(Fault::Drift { how: Vec::new() })).get("/v1/sync/delta").status, 200);
}

/// The same seed, the same fate; another seed, another.
#[test]
fn chance_is_repeatable() {
    let fate = |seed| {
        let flap = Fault::Status { status: 500, shape: Shape::Envelope };
        let script = Script::of([Rule::chance(0.3, flap).route(Route::User)]);
        let papr = started(Options::new().seed(seed).faults(script));
        (0..60).map(|_| client(&papr).get("/v1/user").status).collect::<Vec<_>>()
    };
    let first = fate(3);
    assert_eq!(first, fate(3));
    assert_ne!(first, fate(4));
    let failed = first.iter().filter(|status| **status == 500).count();
    assert!((6..=32).contains(&failed), "about three in ten: {failed} of 60");
}

#[test]
fn several_faults_meet_in_one_request() {
    let rules = [
        Rule::always(Fault::Latency { ms: 30, jitter_ms: 0 }),
        Rule::always(Fault::Duplicate { share: 1.0 }).times(1),
        Rule::always(Fault::Reorder),
    ];
    let papr = started(Options::new().memories(10).faults(Script::of(rules)));
    assert_eq!(delta_ids(&papr).len(), 20);
    assert_eq!(delta_ids(&papr).len(), 10, "only once");
    assert_eq!(papr.requests()[0].faults, ["latency", "duplicate", "reorder"]);
}

#[test]
fn scripts_are_read_and_checked() {
    let text = r#"{"seed": 9, "faults": [
        {"route": "delta", "probability": 0.2, "fault": {"kind": "latency", "ms": 200, "jitter_ms": 50}},
        {"route": "add", "calls": [2, 5], "fault": {"kind": "lost_reply", "hang_ms": 100}},
        {"fault": {"kind": "rate_limit", "retry_after": {"seconds": 2}}, "times": 3},
        {"fault": {"kind": "wrong_json"}}, {"fault": {"kind": "drift", "how": ["renamed"]}}
    ]}"#;
    let script = Script::from_json(text).unwrap();
    assert_eq!((script.seed, script.faults.len()), (Some(9), 5));
    assert!(Script::from_json(r#"{"faults": [{"fault": {"kind": "gremlins"}}]}"#).is_err());
    let error =
        Script::from_json(r#"{"faults": [{"probability": 30, "fault": {"kind": "limit"}}]}"#).unwrap_err();
    assert!(error.to_string().contains("rule 1"), "{error}");
}

/// The script that people start from is one that works, and has every kind.
#[test]
fn the_example_script_is_sound() {
    let script = Script::from_json(include_str!("../faults.example.json")).unwrap();
    let kinds: BTreeSet<String> = script
        .faults
        .iter()
        .map(|rule| serde_json::to_value(&rule.fault).unwrap()["kind"].to_string())
        .collect();
    assert_eq!(kinds.len(), 13, "{kinds:?}");
}

/// Four clients at once, each request sent once, everything going wrong: what they were told fits what was accepted.
#[test]
fn under_every_fault_the_oracle_adds_up() {
    let script = Script::from_json(include_str!("../faults.example.json")).unwrap();
    let papr = started(Options::new().faults(script));
    let alice = client(&papr);
    let outcome = |client_id: &str| {
        let body = json!({"content": "a fact", "metadata": {"customMetadata": {"client_id": client_id}}});
        match alice.send("POST", "/v1/memory", &body.to_string()) {
            Ok(reply) if reply.status != 200 => "refused",
            Ok(reply) if reply.whole() && serde_json::from_slice::<Value>(&reply.body).is_ok() => "told",
            _ => "unknown",
        }
    };
    let outcomes: Vec<(String, &str)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                scope.spawn(move || {
                    let ids = (0..25).map(|n| format!("c{client}-{n}"));
                    ids.map(|id| (id.clone(), outcome(&id))).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let oracle = papr.oracle();
    let created = oracle.created_by_client_id(ALICE);
    let count = |kind| outcomes.iter().filter(|(_, outcome)| *outcome == kind).count();
    assert!(count("told") > 20 && count("refused") > 5 && count("unknown") > 5, "{outcomes:?}");
    for (id, outcome) in &outcomes {
        let there = created.contains_key(id.as_str());
        assert!(!there || *outcome != "refused", "{id} was refused and written");
        assert!(there || *outcome != "told", "{id} was confirmed and not written");
    }
    let untold: BTreeSet<_> = oracle.untold(ALICE).filter_map(|entry| entry.client_id.clone()).collect();
    assert!(!untold.is_empty());
    for (id, outcome) in &outcomes {
        let lost = untold.contains(id);
        // A list around the reply is JSON still: such a client was told, in a shape it cannot use.
        assert!(!lost || *outcome != "refused", "{id}");
        assert!(lost || *outcome != "unknown" || !created.contains_key(id.as_str()), "{id}");
    }
    assert!(oracle.doubled(ALICE).is_empty(), "each was sent once");
}
