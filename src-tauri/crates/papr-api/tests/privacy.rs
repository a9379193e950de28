//! What never shows, and what never leaves.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use common::{Ending, KEY, Reply, Server, run};
use papr_api::{
    ApiKey, Attempt, AttemptEnd, Batch, Client, Endpoint, Error, Feedback, FeedbackSource, FeedbackType,
    Gate, Memory, MemoryId, Metadata, NewMemory, Outcome, RetryPolicy, SearchId, SearchRequest, TiersRequest,
    Update,
};

const SECRET: &str = "my-diary-entry";

/// Everything that anything in this process logs, by `tracing` or by `log`.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Recorder;

impl tracing::field::Visit for Recorder {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        let _ = write!(LOGGED.lock().unwrap(), "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Recorder {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut Recorder);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Recorder);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Recorder);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let _ = writeln!(LOGGED.lock().unwrap(), "{} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

fn record() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing::subscriber::set_global_default(Recorder).unwrap();
        log::set_logger(&Recorder).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// The whole chain.
fn told(error: &Error) -> String {
    let mut text = format!("{} {error} {}", shown(error), error.hint());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = write!(text, " {cause} {cause:?}");
        source = cause.source();
    }
    text
}

fn assert_clean(text: &str, whose: &str) {
    assert!(!text.contains(KEY), "{whose} shows the key: {text}");
    assert!(!text.contains(SECRET), "{whose} shows a text or query: {text}");
}

fn secret_memory() -> NewMemory {
    NewMemory::new(SECRET).unwrap().metadata(Metadata::default().client_id(SECRET))
}

async fn every_call(client: &Client) -> Vec<Error> {
    let id = MemoryId::new("m").unwrap();
    let feedback =
        Feedback::new(SearchId::new("s"), FeedbackType::Report, FeedbackSource::Inline).text(SECRET);
    let omo = serde_json::json!({"content": SECRET}).as_object().unwrap().clone();
    let results = [
        client.tiers(&TiersRequest::default()).await.err(),
        client.delta(&papr_api::DeltaRequest::default()).await.err(),
        client.add(&secret_memory()).await.err(),
        client.add_batch(&Batch::new(vec![secret_memory()]).unwrap()).await.err(),
        client.get(&id).await.err(),
        client.update(&id, &Update::new().content(SECRET).unwrap()).await.err(),
        client.delete(&id).await.err(),
        client.search(&SearchRequest::new(SECRET)).await.err(),
        client.feedback(&feedback).await.err(),
        client.check_key().await.err(),
        client.omo_export(&[id]).await.err(),
        client.omo_import(&[omo], true).await.err(),
    ];
    results.into_iter().flatten().collect()
}

#[test]
fn neither_key_nor_text_nor_query_shows_anywhere() {
    record();
    let echo = format!(r#"{{"detail":[{{"loc":["body","content"],"msg":"too odd","input":"{SECRET}"}}]}}"#);
    let key_echo =
        format!(r#"{{"code":401,"status":"error","error":"no such key: {KEY}","details":"{SECRET}"}}"#);
    let odd = format!("\"{SECRET}\"");
    let item = format!(r#"{{"tier0":["{SECRET}"],"items":["{SECRET}"],"data":["{SECRET}"],"x":"{SECRET}"}}"#);
    for reply in [
        Reply::new(422, &echo),
        Reply::new(401, &key_echo),
        Reply::ok(&key_echo),
        Reply::ok(&odd),
        Reply::ok(&item),
        Reply::new(302, "").with("Location", &format!("http://example.invalid/{SECRET}?key={KEY}")),
        Reply::new(500, "x"),
        Reply::ok("{").ending(Ending::Hangup),
    ] {
        let server = Server::new([reply]);
        let client = server.client();
        for error in run(every_call(&client)) {
            assert_clean(&told(&error), "an error");
        }
        assert!(
            server.log().iter().any(|request| request.body.contains(SECRET)),
            "or this test would test nothing"
        );
        assert_clean(&shown(&client), "a client");
        assert_clean(&shown(&server.builder()), "a builder");
    }
    let memory: Memory = serde_json::from_value(serde_json::json!({
        "id": "a", "content": SECRET, "title": SECRET, "topics": [SECRET], "metadata": {"x": SECRET}, "y": SECRET
    }))
    .unwrap();
    assert_clean(&shown(&memory), "a memory");
    assert_clean(&shown(&secret_memory()), "a new memory");
    assert_clean(&shown(&SearchRequest::new(SECRET)), "a search");
    assert_clean(&shown(&Update::new().content(SECRET).unwrap()), "an update");
    let logged = LOGGED.lock().unwrap().clone();
    assert!(logged.contains("endpoint"), "the recorder must have heard this crate");
    assert!(logged.contains("reqwest"), "and the HTTP library below it");
    assert_clean(&logged, "a log");
}

#[test]
fn a_redirect_is_not_followed_with_the_key_in_hand() {
    let elsewhere = Server::new([Reply::ok("{}")]);
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::new([Reply::new(status, "").with("Location", &format!("{}/v1/user", elsewhere.url()))]);
        let error = run(server.client().check_key()).unwrap_err();
        let Error::Redirected { to, .. } = &error else { panic!("{status}: {error:?}") };
        assert_eq!(to.as_deref(), Some(elsewhere.url().as_str()), "the new address, for the person to judge");
        assert_eq!((server.count(), error.outcome()), (1, Outcome::Refused));
    }
    assert_eq!(elsewhere.count(), 0, "the other server never heard of the key");
}

#[test]
fn with_the_gate_closed_no_socket_is_opened() {
    let server = Server::new([Reply::ok("{}")]);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let observer = move |_: &Attempt| {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let gate = Gate::closed();
    let client = server.builder().gate(gate.clone()).observer(Arc::new(observer)).build().unwrap();
    let errors = run(every_call(&client));
    assert_eq!(errors.len(), 12, "every call is refused");
    for error in errors {
        assert!(matches!(error, Error::LocalOnly { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    assert_eq!((server.count(), attempts.load(Ordering::SeqCst)), (0, 0), "nothing was even tried");
    gate.open();
    drop(run(client.check_key()));
    assert_eq!(server.count(), 1, "one switch for all, and back");
}

#[test]
fn the_observer_is_told_of_every_attempt() {
    let body = r#"{"code":200,"status":"success","data":[]}"#;
    let server = Server::new([Reply::new(503, "busy").with("retry-after-ms", "1"), Reply::ok(body)]);
    let seen: Arc<Mutex<Vec<Attempt>>> = Arc::default();
    let its = Arc::clone(&seen);
    let observer = move |attempt: &Attempt| its.lock().unwrap().push(attempt.clone());
    let client = server.builder().observer(Arc::new(observer)).build().unwrap();
    run(client.check_key()).unwrap();
    let seen = seen.lock().unwrap();
    let ends: Vec<_> = seen.iter().map(|attempt| (attempt.number, attempt.end)).collect();
    let expected = [(1, AttemptEnd::Answered { status: 503 }), (2, AttemptEnd::Answered { status: 200 })];
    assert_eq!(ends, expected, "the failed one too");
    let last = &seen[1];
    assert_eq!(
        (last.method, last.endpoint, last.endpoint.as_str()),
        ("GET", Endpoint::CheckKey, "check_key")
    );
    assert_eq!(format!("http://{}", last.host), server.url(), "whom");
    assert!(last.bytes_up > KEY.len() as u64 && last.bytes_up < 400, "the headers count: {}", last.bytes_up);
    assert!(last.bytes_down >= body.len() as u64, "and so does the answer");
}

#[test]
fn the_key_goes_over_tls_or_nowhere() {
    let build = |url: &str| Client::builder(ApiKey::new(KEY).unwrap()).base_url(url).build();
    for url in [
        "https://memory.papr.ai",
        "http://127.0.0.1:1",
        "http://[::1]:1/",
        "http://localhost:9/papr",
        "https://x.example/a/",
    ] {
        assert!(build(url).is_ok(), "{url}");
    }
    for url in [
        "http://memory.papr.ai",
        "http://192.168.0.2",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "ftp://x",
        "papr.ai",
        "",
        "https://x/?a=1",
        "https://x/#a",
        "https://",
    ] {
        assert!(
            matches!(build(url), Err(Error::BaseUrl { .. })),
            "{url} would show the key, or makes no sense"
        );
    }
    let error = build("https://me:hunter2@x.example").unwrap_err();
    assert!(!told(&error).contains("hunter2"), "a password in an address is not repeated");
    assert_eq!(build("https://x.example:8443/api").unwrap().host(), "x.example:8443");
}

#[test]
fn the_key_waits_until_the_server_has_proved_who_it_is() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", socket.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut heard = vec![0; 4_096];
        let count = stream.read(&mut heard).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        [&heard[..count], &rest].concat()
    });
    let client =
        Client::builder(ApiKey::new(KEY).unwrap()).base_url(&url).retry(RetryPolicy::never()).build();
    let error = run(client.unwrap().add(&secret_memory())).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "no TLS, no connection: {error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent, "so that the memory may be sent again");
    let heard = String::from_utf8_lossy(&server.join().unwrap()).into_owned();
    assert!(!heard.is_empty(), "the server was asked for TLS");
    assert_clean(&heard, "a connection that is not trusted");
}

#[test]
fn a_base_with_a_path_and_the_name_of_this_machine() {
    let server = Server::new([Reply::ok(r#"{"code":200,"data":[]}"#)]);
    let base = format!("{}/papr/", server.url().replace("127.0.0.1", "localhost"));
    let client =
        Client::builder(ApiKey::new(KEY).unwrap()).base_url(&base).retry(RetryPolicy::never()).build();
    run(client.unwrap().check_key()).unwrap();
    assert_eq!(server.log()[0].target, "/papr/v1/user?page=1&page_size=1", "below what was configured");
}
