//! Servers that fail, connections that break, and what is certain afterwards.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Ending, Reply, Server, gzip, run};
use papr_api::{
    ApiKey, Batch, Client, DeltaRequest, Error, Feedback, FeedbackSource, FeedbackType, Gate, MemoryId,
    NewMemory, Outcome, RefusalKind, RetryPolicy, SearchId, SearchRequest, TiersRequest, Update,
};

const ADDED: &str = r#"{"code":200,"status":"success","data":[{"memoryId":"m1"}]}"#;
const EMPTY: &str = r#"{"code":200,"status":"success","tier0":[],"tier1":[]}"#;
const NO_ITEMS: &str = r#"{"code":200,"status":"success","items":[]}"#;

fn memory() -> NewMemory {
    NewMemory::new("a text").unwrap()
}

fn id() -> MemoryId {
    MemoryId::new("m1").unwrap()
}

/// Every way in which a request can be on its way and nobody knows what became of it.
fn unknown_endings() -> Vec<(&'static str, Reply)> {
    let cut = |ending| Reply::ok(ADDED).ending(ending);
    vec![
        ("500", Reply::new(500, r#"{"code":500,"status":"error","error":"boom"}"#)),
        ("502 of a proxy", Reply::new(502, "<h1>Bad Gateway</h1>")),
        ("408", Reply::new(408, "")),
        ("cut body", cut(Ending::Cut(20))),
        ("cut body of untold length", cut(Ending::CutUntold(20))),
        ("body that never begins", cut(Ending::CutUntold(0))),
        (
            "cut gzip",
            Reply::ok(gzip(ADDED.as_bytes())).with("Content-Encoding", "gzip").ending(Ending::CutUntold(30)),
        ),
        ("hang-up", cut(Ending::Hangup)),
    ]
}

#[test]
fn what_only_reads_is_asked_again_after_every_failure() {
    for (name, fault) in unknown_endings() {
        let server = Server::new([fault.clone(), fault.clone(), Reply::ok(EMPTY)]);
        let tiers = run(server.client().tiers(&TiersRequest::default()));
        assert!(tiers.is_ok(), "{name}: two failures, then an answer: {tiers:?}");
        assert_eq!(server.count(), 3, "{name}: three attempts, as the official client makes");

        let server = Server::new([fault]);
        let error = run(server.client().delta(&DeltaRequest::default())).unwrap_err();
        assert_eq!(server.count(), 3, "{name}: and not a fourth");
        assert!(error.is_temporary(), "{name}: later it may succeed: {error:?}");
    }
}

#[test]
fn what_makes_a_memory_is_never_sent_again_after_an_unknown_outcome() {
    for (name, fault) in unknown_endings() {
        let server = Server::new([fault.clone(), Reply::ok(ADDED)]);
        let error = run(server.client().add(&memory())).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{name}: it may have been made: {error:?}");
        assert_eq!(server.count(), 1, "{name}: a second request could make a second memory");

        let server = Server::new([fault.clone()]);
        let error = run(server.client().add_batch(&Batch::new(vec![memory()]).unwrap())).unwrap_err();
        assert_eq!((error.outcome(), server.count()), (Outcome::Unknown, 1), "{name}: nor a batch");

        let server = Server::new([fault.clone()]);
        let object = serde_json::json!({"id": "m1"}).as_object().unwrap().clone();
        let error = run(server.client().omo_import(&[object], true)).unwrap_err();
        assert_eq!((error.outcome(), server.count()), (Outcome::Unknown, 1), "{name}: nor an import");

        let server = Server::new([fault]);
        let feedback = Feedback::new(SearchId::new("s"), FeedbackType::ThumbsUp, FeedbackSource::Inline);
        let error = run(server.client().feedback(&feedback)).unwrap_err();
        assert_eq!((error.outcome(), server.count()), (Outcome::Unknown, 1), "{name}: nor feedback");
    }
}

#[test]
fn what_is_sent_and_answered_with_nonsense_is_unknown_too() {
    for body in ["<html>sign in</html>", "[]", "{}", r#"{"data":[]}"#, r#"{"data":[{"no":"id"}]}"#] {
        let server = Server::new([Reply::ok(body)]);
        let error = run(server.client().add(&memory())).unwrap_err();
        assert_eq!(
            (error.outcome(), server.count()),
            (Outcome::Unknown, 1),
            "{body}: made or not, no id is known"
        );
        assert!(!error.to_string().contains("sign in"), "an answer's text stays out of the message");
    }
}

#[test]
fn a_refusal_is_certain_and_a_limit_of_rate_may_be_waited_for_even_when_making() {
    for status in [409, 429] {
        let server = Server::new([Reply::new(status, "").with("retry-after-ms", "1"), Reply::ok(ADDED)]);
        run(server.client().add(&memory())).unwrap();
        assert_eq!(server.count(), 2, "{status}: refused for certain, so it may be sent again");
    }
    for status in [400, 401, 403, 404, 413, 415, 422] {
        let server = Server::new([Reply::new(status, r#"{"detail":"no"}"#)]);
        let error = run(server.client().add(&memory())).unwrap_err();
        assert_eq!(
            (error.outcome(), server.count()),
            (Outcome::Refused, 1),
            "{status}: asking again changes nothing"
        );
        let server = Server::new([Reply::new(status, r#"{"detail":"no"}"#)]);
        run(server.client().tiers(&TiersRequest::default())).unwrap_err();
        assert_eq!(server.count(), 1, "{status}: not even when reading");
    }
}

#[test]
fn changing_and_deleting_may_be_repeated() {
    let done = r#"{"code":200,"status":"success","memory_items":[]}"#;
    for (name, fault) in unknown_endings() {
        let server = Server::new([fault.clone(), Reply::ok(done)]);
        let update = Update::new().content("new").unwrap();
        assert!(
            run(server.client().update(&id(), &update)).is_ok(),
            "{name}: the same change twice is one change"
        );

        let gone = Reply::new(404, r#"{"code":404,"status":"error","error":"Memory not found"}"#);
        let server = Server::new([fault, gone]);
        let deleted = run(server.client().delete(&id())).unwrap();
        assert!(!deleted.found, "{name}: gone, perhaps by the first attempt: no error");
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn nothing_listens() {
    let url = Server::new([Reply::ok(EMPTY)]).url();
    let retry = RetryPolicy { first_wait: Duration::from_millis(1), ..RetryPolicy::default() };
    let attempts = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&attempts);
    let observer = move |attempt: &papr_api::Attempt| {
        assert_eq!(attempt.bytes_up, 0, "nothing left the device");
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let builder = Client::builder(ApiKey::new("k").unwrap()).base_url(&url).retry(retry);
    let client = builder.observer(std::sync::Arc::new(observer)).build().unwrap();
    let error = run(client.add(&memory())).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent, "so that even a POST may be made again");
    assert_eq!(attempts.load(Ordering::SeqCst), 3, "and was, by this client");
}

#[test]
fn time_runs_out() {
    let quick = |server: &Server| {
        let limit = Duration::from_millis(200);
        server.builder().timeout(limit).long_timeout(limit).retry(RetryPolicy::never()).build().unwrap()
    };
    let server = Server::new([Reply::ok(ADDED).ending(Ending::Silence)]);
    let error = run(quick(&server).add(&memory())).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown, "accepted, then silence");
    assert!(server.count() <= 1, "and not sent again");

    let stalls = |out: &mut dyn std::io::Write| {
        out.write_all(&EMPTY.as_bytes()[..10])?;
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    };
    let server = Server::new([Reply::ok("").ending(Ending::Stream(std::sync::Arc::new(stalls)))]);
    let error = run(quick(&server).tiers(&TiersRequest::default())).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "the limit covers the body too: {error:?}");

    let server = Server::new([Reply::ok(NO_ITEMS).ending(Ending::Late(Duration::from_millis(50)))]);
    let client = server.builder().timeout(Duration::from_secs(20)).build().unwrap();
    run(client.delta(&DeltaRequest::default())).unwrap();
    assert_eq!(server.count(), 1, "slow is not broken");
}

#[test]
fn a_server_that_asks_for_a_wait_gets_it_or_the_caller_is_told() {
    let limited = |name, value| Reply::new(429, "").with(name, value);
    for reply in [limited("retry-after-ms", "2"), limited("retry-after", "0"), Reply::new(429, "")] {
        let server = Server::new([reply, Reply::ok(EMPTY)]);
        run(server.client().tiers(&TiersRequest::default())).unwrap();
        assert_eq!(server.count(), 2, "waited for, with and without a time");
    }
    let date = "Sun, 22 Nov 2026 13:00:00 GMT";
    let late = Reply::new(503, "").with("retry-after", date).with("date", "Sun, 22 Nov 2026 12:00:00 GMT");
    for (reply, wait) in [(limited("retry-after", "61"), 61), (late, 3_600)] {
        let server = Server::new([reply]);
        let error = run(server.client().tiers(&TiersRequest::default())).unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(wait)), "the time, to come back at");
        assert_eq!(server.count(), 1, "a longer wait than a minute is the caller's to plan");
    }
}

#[test]
fn items_that_were_given_out_are_not_given_out_twice() {
    let tiers = r#"{"code":200,"tier0":[{"id":"a"},{"id":"b"}],"tier1":[]}"#;
    let cut = Reply::ok(tiers).ending(Ending::Cut(32));
    let server = Server::new([cut.clone(), Reply::ok(tiers)]);
    let mut given = 0;
    let error = run(server.client().tiers_each(&TiersRequest::default(), |_, _| given += 1)).unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!((given, server.count()), (1, 1), "one memory was out of hand, so there was no second attempt");

    let server = Server::new([cut, Reply::ok(tiers)]);
    let tiers = run(server.client().tiers(&TiersRequest::default())).unwrap();
    assert_eq!(
        (tiers.tier0.len(), server.count()),
        (2, 2),
        "what is collected here can be dropped and fetched anew"
    );

    let refused = r#"{"code":500,"status":"error","error":"half","tier0":[{"id":"a"}]}"#;
    let server = Server::new([Reply::ok(refused)]);
    let error = run(server.client().tiers_each(&TiersRequest::default(), |_, _| {})).unwrap_err();
    assert_eq!(error.refusal().map(|refusal| refusal.status), Some(500), "200 outside, an error inside");
}

#[test]
fn an_answer_may_be_too_long() {
    let body = format!(r#"{{"tier0":[],"junk":"{}"}}"#, "x".repeat(10_000));
    for reply in [Reply::ok(&body), Reply::ok(gzip(body.as_bytes())).with("Content-Encoding", "gzip")] {
        let server = Server::new([reply]);
        let client = server.builder().stream_limit(5_000).build().unwrap();
        let error = run(client.tiers(&TiersRequest::default())).unwrap_err();
        assert!(
            matches!(error, Error::AnswerTooLong { limit: 5_000, .. }),
            "counted after decompression: {error:?}"
        );
        assert_eq!(server.count(), 1, "the same answer would be as long again");
    }
}

#[test]
fn a_dropped_call_ends_at_once_and_is_told_of() {
    let server = Server::new([Reply::ok(ADDED).ending(Ending::Silence)]);
    let (sender, ends) = std::sync::mpsc::channel();
    let observer = move |attempt: &papr_api::Attempt| drop(sender.send(attempt.clone()));
    let client = server.builder().observer(std::sync::Arc::new(observer)).build().unwrap();
    run(async {
        let memory = memory();
        let call = client.add(&memory);
        let given_up = tokio::time::timeout(Duration::from_millis(200), call).await;
        assert!(given_up.is_err(), "the server says nothing");
    });
    let attempt = ends.try_recv().unwrap();
    assert_eq!(attempt.end, papr_api::AttemptEnd::Abandoned, "the ledger must have it all the same");
    assert!(attempt.bytes_up > 0, "for it may have left the device");
}

#[test]
fn closing_the_gate_ends_a_call_that_waits() {
    let server = Server::new([Reply::new(503, "").with("retry-after-ms", "1000")]);
    let gate = Gate::new();
    let client = server.builder().gate(gate.clone()).build().unwrap();
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            while server.count() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            gate.close();
        });
        run(client.search(&SearchRequest::new("q"))).unwrap_err()
    });
    assert_eq!(server.count(), 1, "no second request once local only is on");
    assert_eq!(
        error.refusal().map(|refusal| refusal.kind),
        Some(RefusalKind::Server),
        "the first one's end is kept"
    );
}

/// Answers `answers` requests on each connection, without a word about closing it, and then closes it.
fn keeping(
    answers: usize,
    body: &'static str,
) -> (String, std::sync::Arc<AtomicUsize>, std::sync::Arc<AtomicUsize>) {
    use std::io::{BufRead, Read, Write};
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let (connections, requests) =
        (std::sync::Arc::<AtomicUsize>::default(), std::sync::Arc::<AtomicUsize>::default());
    let counters = (std::sync::Arc::clone(&connections), std::sync::Arc::clone(&requests));
    std::thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            counters.0.fetch_add(1, Ordering::SeqCst);
            let mut reader = std::io::BufReader::new(&stream);
            for _ in 0..answers {
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                if line.is_empty() || reader.read_exact(&mut vec![0; length]).is_err() {
                    break;
                }
                counters.1.fetch_add(1, Ordering::SeqCst);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                if (&stream).write_all((head + body).as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    (url, connections, requests)
}

#[test]
fn connections_are_used_again_and_may_be_closed_behind_our_back() {
    let client = |url: &str| Client::builder(ApiKey::new("k").unwrap()).base_url(url).build().unwrap();
    let (url, connections, requests) = keeping(3, ADDED);
    let one = client(&url);
    run(async {
        for _ in 0..3 {
            one.add(&memory()).await.unwrap();
        }
    });
    let counts = (connections.load(Ordering::SeqCst), requests.load(Ordering::SeqCst));
    assert_eq!(counts, (1, 3), "opening one costs more than most calls");

    let (url, _, requests) = keeping(1, ADDED);
    let other = client(&url);
    run(async {
        for made in 1..=20 {
            match other.add(&memory()).await {
                Ok(_) => {}
                Err(error) => assert_eq!(error.outcome(), Outcome::Unknown, "met the closing: {error:?}"),
            }
            assert!(requests.load(Ordering::SeqCst) <= made, "never more than were asked for");
        }
    });
}
