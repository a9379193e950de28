//! What Papr would refuse is refused here, before anything is sent.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use common::{Reply, Server, run};
use papr_api::{
    Batch, CustomValue, DeltaRequest, Error, Feedback, FeedbackSource, FeedbackType, MAX_BATCH_BYTES,
    MAX_CONTENT_BYTES, Metadata, NewMemory, Outcome, Role, SearchId, SearchRequest, TiersRequest, Turn,
    Update,
};
use proptest::prelude::*;

#[test]
fn contents_have_a_size() {
    assert!(NewMemory::new("x".repeat(MAX_CONTENT_BYTES)).is_ok(), "the limit itself is allowed");
    let error = NewMemory::new("й".repeat(MAX_CONTENT_BYTES / 2 + 1)).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { bytes: 15_002, limit: 15_000, .. }),
        "bytes count, not letters: {error:?}"
    );
    for empty in ["", " \n"] {
        assert!(
            NewMemory::new(empty).is_err() && Update::new().content(empty).is_err(),
            "{empty:?} says nothing"
        );
    }
}

#[test]
fn batches_have_a_size() {
    let memory = |bytes: usize| NewMemory::new("x".repeat(bytes)).unwrap();
    assert!(Batch::new(Vec::new()).is_err(), "nothing to send");
    assert!(Batch::new(vec![memory(1); 50]).is_ok());
    assert!(Batch::new(vec![memory(1); 51]).is_err(), "Papr takes 50");
    let error = Batch::new(vec![memory(MAX_CONTENT_BYTES); 50]).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: MAX_BATCH_BYTES, .. }), "the JSON counts: {error:?}");
    assert_eq!(Batch::split(vec![memory(MAX_CONTENT_BYTES); 50]).unwrap().len(), 2, "but they go in two");
    assert!(Batch::split(Vec::new()).unwrap().is_empty());
    let turn = Turn { role: Role::User, content: "x".repeat(MAX_BATCH_BYTES) };
    let huge = memory(1).context(vec![turn]);
    assert!(
        matches!(Batch::split(vec![memory(1), huge]).unwrap_err(), Error::TooLarge { .. }),
        "one that never fits"
    );
    assert!(Batch::new(vec![memory(1)]).unwrap().batch_size(51).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splitting_keeps_every_memory_in_order(
        sizes in prop::collection::vec(prop_oneof![1..40_usize, 9_000..15_000_usize], 0..160),
    ) {
        let memories: Vec<_> = sizes.iter().map(|size| NewMemory::new("\"".repeat(*size)).unwrap()).collect();
        let batches = Batch::split(memories.clone()).unwrap();
        let after: Vec<_> = batches.iter().flat_map(Batch::memories).cloned().collect();
        prop_assert_eq!(after, memories);
        for batch in &batches {
            let bytes = serde_json::to_vec(batch).unwrap().len();
            prop_assert!(batch.memories().len() <= 50 && bytes <= MAX_BATCH_BYTES, "{bytes}");
        }
    }
}

#[test]
fn nothing_wrong_is_sent() {
    let server = Server::new([Reply::ok("{}")]);
    let client = server.client();
    let mut errors = Vec::new();
    for request in [
        TiersRequest { max_tier0: 2_001, ..TiersRequest::default() },
        TiersRequest { max_tier1: 5_001, ..TiersRequest::default() },
        TiersRequest { embed_limit: 1_001, ..TiersRequest::default() },
    ] {
        errors.push(run(client.tiers(&request)).unwrap_err());
    }
    for limit in [0, 1_001] {
        errors.push(run(client.delta(&DeltaRequest { limit, ..DeltaRequest::default() })).unwrap_err());
    }
    for request in [
        SearchRequest::new(" "),
        SearchRequest { max_memories: 0, ..SearchRequest::new("q") },
        SearchRequest { max_memories: 51, ..SearchRequest::new("q") },
        SearchRequest { max_nodes: 51, ..SearchRequest::new("q") },
    ] {
        errors.push(run(client.search(&request)).unwrap_err());
    }
    let mut twice = Metadata::default();
    twice.extra.insert("topics".into(), "x".into());
    let mut infinite = Metadata::default();
    infinite.custom.insert("n".into(), CustomValue::Number(f64::INFINITY));
    for metadata in [twice, infinite] {
        let memory = NewMemory::new("x").unwrap().metadata(metadata);
        errors.push(run(client.add(&memory)).unwrap_err());
    }
    let id = papr_api::MemoryId::new("m").unwrap();
    errors.push(run(client.update(&id, &Update::new())).unwrap_err());
    let rated = |id: &str| Feedback::new(SearchId::new(id), FeedbackType::Rating, FeedbackSource::Inline);
    errors.push(run(client.feedback(&rated(""))).unwrap_err());
    errors.push(run(client.feedback(&rated("s").score(f64::NAN))).unwrap_err());
    errors.push(run(client.omo_export(&[])).unwrap_err());
    errors.push(run(client.omo_import(&[], true)).unwrap_err());
    for error in errors {
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent, "it can be corrected and sent");
        assert!(!error.hint().is_empty(), "{error}: says what to do");
    }
    assert_eq!(server.count(), 0, "the server never heard of any of it");
}

#[test]
fn what_is_set_is_written_and_what_is_not_is_left_out() {
    let server =
        Server::new([Reply::ok(r#"{"code":200,"status":"success","message":"thanks","feedback_id":"f"}"#)]);
    let feedback = Feedback::new(SearchId::new("s1"), FeedbackType::ThumbsDown, FeedbackSource::PostQuery);
    let feedback = feedback.text("off the mark").cites(vec![papr_api::MemoryId::new("m").unwrap()]);
    let reply = run(server.client().feedback(&feedback)).unwrap();
    assert_eq!(reply.feedback_id.as_deref(), Some("f"));
    let expected = r#"{"search_id":"s1","feedbackData":{"feedbackType":"thumbs_down","feedbackSource":"post_query","feedbackText":"off the mark","citedMemoryIds":["m"]}}"#;
    assert_eq!(server.log()[0].body, expected, "Papr's spelling inside its own");

    let mut metadata = Metadata::default();
    metadata.custom.insert("n".into(), CustomValue::Integer(1));
    metadata.custom.insert("l".into(), CustomValue::List(vec!["a".into()]));
    metadata.extra.insert("emoji tags".into(), serde_json::json!(["☕"]));
    let server = Server::new([Reply::ok(r#"{"data":[{"memoryId":"m"}]}"#)]);
    let memory =
        NewMemory::new("x").unwrap().metadata(metadata).skip_background_processing().namespace_id("ns");
    run(server.client().add(&memory)).unwrap();
    let log = server.log();
    assert_eq!(log[0].target, "/v1/memory?skip_background_processing=true");
    let expected = r#"{"content":"x","metadata":{"customMetadata":{"l":["a"],"n":1},"emoji tags":["☕"]},"namespace_id":"ns"}"#;
    assert_eq!(log[0].body, expected, "values of one's own, and fields this crate does not name");
}

#[test]
fn an_emptied_list_of_topics_is_sent_and_one_that_is_not_named_is_not() {
    let id = papr_api::MemoryId::new("m").unwrap();
    let sent = |metadata: Metadata| {
        let server = Server::new([Reply::ok(r#"{"code":200,"status":"success"}"#)]);
        run(server.client().update(&id, &Update::new().metadata(metadata))).unwrap();
        server.log()[0].body.clone()
    };
    let emptied = Metadata { topics: Some(Vec::new()), ..Metadata::default() };
    assert_eq!(sent(emptied), r#"{"metadata":{"topics":[]}}"#, "to take away is to say so");
    let about = Metadata { location: Some("here".into()), ..Metadata::default() };
    assert_eq!(sent(about), r#"{"metadata":{"location":"here"}}"#, "silence takes nothing away");
}

#[test]
fn a_client_and_its_calls_go_where_tasks_go() {
    fn movable<T: Send>(_: &T) {}
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let server = Server::new([Reply::ok("{}")]);
    let client = server.client();
    shared(&client);
    movable(&client.tiers(&TiersRequest::default()));
    movable(&client.tiers_each(&TiersRequest::default(), |_, _| {}));
    movable(&client.search(&SearchRequest::new("q")));
    movable(&client.add(&NewMemory::new("x").unwrap()));
    assert_eq!(server.count(), 0, "a call that nobody awaits is not made");
}
