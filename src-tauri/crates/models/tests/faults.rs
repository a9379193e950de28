//! Whatever a hub, a network or a disk does: a whole, verified model or a clear error, and nothing half-installed.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use double::{
    Double, Ending, HubFile, MODEL_BYTES, Reply, TOKEN, assert_nothing, assert_whole, entry, noise, quiet,
    run, sha256,
};
use papr_memory::{CancelToken, HashOrigin};
use papr_models::{Hub, HubOptions, ModelError, install};
use tempfile::TempDir;

const MODEL: &str = "model.onnx";

/// Installs with this script in the way of the graph's GETs; the number of its earlier GETs is given.
fn heals(script: impl Fn(usize, Reply) -> Reply + Send + Sync + 'static) -> Vec<double::Request> {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(
        move |request, count, reply| if request.is_get(MODEL) { script(count, reply) } else { reply },
    );
    let model = run(&double, models.path()).unwrap();
    assert_whole(&double, models.path(), &model);
    double.gets(MODEL)
}

/// Installs with this script in the way of the graph's GETs, and wants an error.
fn fails(
    script: impl Fn(usize, Reply) -> Reply + Send + Sync + 'static,
) -> (ModelError, Vec<double::Request>) {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(
        move |request, count, reply| if request.is_get(MODEL) { script(count, reply) } else { reply },
    );
    let error = run(&double, models.path()).unwrap_err();
    assert_nothing(models.path());
    assert!(!error.to_string().contains("resolve/"), "no address in it: {error}");
    (error, double.gets(MODEL))
}

fn ranges(requests: &[double::Request]) -> Vec<Option<&str>> {
    requests.iter().map(|request| request.header("range")).collect()
}

#[test]
fn a_clean_download() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let seen = Mutex::new(Vec::new());
    let report = |progress| seen.lock().unwrap().push(progress);
    let model = install(&entry(None), &double.hub(), models.path(), &report, &CancelToken::new()).unwrap();
    assert_whole(&double, models.path(), &model);
    assert_eq!(model.manifest().hashes, HashOrigin::Recorded);
    assert_eq!(model.manifest().source, format!("org/model at {}", double::COMMIT));
    let seen = seen.into_inner().unwrap();
    let mut phases: Vec<_> = seen.iter().map(|progress| progress.phase).collect();
    assert!(phases.is_sorted(), "{phases:?}");
    phases.dedup();
    assert_eq!(phases.len(), 4, "each phase is told: {phases:?}");
    let total = (MODEL_BYTES + 14) as u64;
    let last = seen.last().unwrap();
    assert_eq!((last.bytes_done, last.bytes_total), (total, total));
    assert!(seen.iter().all(|progress| progress.bytes_done <= progress.bytes_total));
    let log = double.log();
    assert!(log.iter().all(|request| request.header("accept-encoding") == Some("identity")));
    assert!(
        log.iter().filter(|request| request.method == "GET").all(|get| get.path.contains(double::COMMIT))
    );
}

#[test]
fn a_pinned_model_says_so() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let entry = entry(Some(&double));
    let model = install(&entry, &double.hub(), models.path(), &quiet, &CancelToken::new()).unwrap();
    assert_whole(&double, models.path(), &model);
    assert_eq!((entry.hashes(), model.manifest().hashes), (HashOrigin::Pinned, HashOrigin::Pinned));
}

#[test]
fn a_connection_that_breaks_is_continued() {
    for ending in [Ending::Cut(100_000), Ending::Reset(100_000), Ending::Stall(100_000)] {
        let gets = heals(move |count, reply| if count == 0 { reply.ending(ending.clone()) } else { reply });
        assert_eq!(gets.len(), 2);
        let range = gets[1].header("range").unwrap();
        let start: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
        assert!((1..=100_000).contains(&start), "{range}");
        assert_eq!(gets[1].header("if-range").unwrap(), format!("\"{}\"", sha256(&noise(1, MODEL_BYTES))));
    }
}

#[test]
fn a_short_answer_is_continued() {
    // The server believes that this was all: its length is right for what it sent.
    let gets = heals(|count, reply| match count {
        0 => {
            let body = reply.body[..1000].to_vec();
            reply.with("Transfer-Encoding", "identity").body(&body)
        }
        _ => reply,
    });
    assert_eq!(ranges(&gets), [None, Some("bytes=1000-")]);
}

#[test]
fn it_gives_up_after_some_failures_without_a_byte() {
    let begin = Instant::now();
    let (error, gets) = fails(|_, reply| reply.ending(Ending::Reset(0)));
    assert!(matches!(&error, ModelError::Offline { host, .. } if host == "127.0.0.1"), "{error:?}");
    assert_eq!(gets.len(), 4);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn every_attempt_that_brings_bytes_is_a_new_beginning() {
    let gets = heals(|count, reply| {
        let end = reply.body.len().min(40_000);
        if count < 7 { reply.ending(Ending::Cut(end)) } else { reply }
    });
    assert_eq!(gets.len(), 8, "more than four failures, each with some bytes");
}

#[test]
fn a_server_without_ranges_is_taken_from_the_beginning() {
    let gets = heals(|count, reply| {
        if count == 0 {
            return reply.ending(Ending::Cut(50_000));
        }
        Reply { status: 200, headers: vec![], body: noise(1, MODEL_BYTES), ending: Ending::Whole }
    });
    assert_eq!(gets.len(), 2);
    assert!(gets[1].header("range").is_some());
}

#[test]
fn a_part_from_another_place_is_refused() {
    for wrong in
        ["bytes 0-299999/300000", "bytes 60000-299999/300000", "bytes 50000-299999/999999", "bytes x"]
    {
        let gets = heals(move |count, reply| match count {
            0 => reply.ending(Ending::Cut(50_000)),
            1 => reply.with("Content-Range", wrong),
            _ => reply,
        });
        assert_eq!(ranges(&gets), [None, Some("bytes=50000-"), None], "{wrong}");
    }
    let gets = heals(|count, reply| match count {
        0 => reply.ending(Ending::Cut(50_000)),
        1 => Reply { headers: vec![], ..reply },
        _ => reply,
    });
    assert_eq!(gets.len(), 3, "no Content-Range at all");
}

#[test]
fn a_range_that_cannot_be_had_is_asked_again_from_the_beginning() {
    let gets = heals(|count, reply| match count {
        0 => reply.ending(Ending::Cut(50_000)),
        1 => Reply::new(416).with("Content-Range", "bytes */300000"),
        _ => reply,
    });
    assert_eq!(ranges(&gets), [None, Some("bytes=50000-"), None]);
}

#[test]
fn a_complete_part_is_verified_and_not_fetched_again() {
    // A hub that never tells a size: the end is known by a 416 only.
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.put("onnx/model.onnx", HubFile { bytes: noise(1, MODEL_BYTES), large: false });
    double.script(|request, count, reply| match (request.method.as_str(), request.path.ends_with(MODEL)) {
        ("HEAD", true) => reply.with("Transfer-Encoding", "chunked"),
        ("GET", true) if count == 0 => {
            let mut body = format!("{MODEL_BYTES:x}\r\n").into_bytes();
            body.extend_from_slice(&reply.body);
            // All the bytes, and then the connection is lost before the end is said.
            reply.with("Transfer-Encoding", "chunked").body(&body)
        }
        _ => reply,
    });
    let model = run(&double, models.path()).unwrap();
    assert_whole(&double, models.path(), &model);
    assert_eq!(ranges(&double.gets(MODEL)), [None, Some("bytes=300000-")]);
}

#[test]
fn a_file_that_changes_on_the_way_is_fetched_from_the_beginning() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let new = HubFile { bytes: noise(9, MODEL_BYTES + 5), large: true };
    let (its, second) = (new.clone(), Mutex::new(false));
    double.script(move |request, count, reply| {
        if !request.is_get(MODEL) {
            return reply;
        }
        if count == 0 {
            *second.lock().unwrap() = true;
            return reply.ending(Ending::Cut(50_000));
        }
        its.answer(request)
    });
    let model = run(&double, models.path()).unwrap();
    double.put("onnx/model.onnx", new);
    assert_whole(&double, models.path(), &model);
}

#[test]
fn a_part_with_another_tag_is_not_appended() {
    // The store behind the hub says by its own tag that the bytes are others.
    let gets = heals(|count, reply| match count {
        0 => reply.with("ETag", "\"one\"").ending(Ending::Cut(50_000)),
        1 => {
            let rest = noise(1, MODEL_BYTES)[50_000..].to_vec();
            let range = format!("bytes 50000-299999/{MODEL_BYTES}");
            Reply::new(206).with("ETag", "\"two\"").with("Content-Range", range).body(&rest)
        }
        _ => reply,
    });
    assert_eq!(ranges(&gets), [None, Some("bytes=50000-"), None]);
    assert_eq!(gets[1].header("if-range"), Some("\"one\""), "the tag of the one that sent the bytes");
}

#[test]
fn a_pinned_file_that_changed_is_refused_before_a_byte() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let pinned = entry(Some(&double));
    double.put("onnx/model.onnx", HubFile { bytes: noise(2, MODEL_BYTES), large: true });
    let error = install(&pinned, &double.hub(), models.path(), &quiet, &CancelToken::new()).unwrap_err();
    assert!(
        matches!(&error, ModelError::Changed { path, .. } if path == "org/model/onnx/model.onnx"),
        "{error:?}"
    );
    assert!(double.gets(MODEL).is_empty());
    assert_nothing(models.path());
}

#[test]
fn wrong_bytes_are_fetched_once_more() {
    let wrong = |mut reply: Reply| {
        reply.body[777] ^= 1;
        reply
    };
    let gets = heals(move |count, reply| if count == 0 { wrong(reply) } else { reply });
    assert_eq!(ranges(&gets), [None, None]);
    let (error, gets) = fails(move |_, reply| wrong(reply));
    assert!(matches!(error, ModelError::WrongBytes { .. }), "{error:?}");
    assert_eq!(gets.len(), 2);
    let (error, gets) = fails(|_, mut reply| {
        reply.body.push(0);
        reply
    });
    assert!(matches!(&error, ModelError::WrongBytes { found, .. } if found == "300001 bytes"), "{error:?}");
    assert_eq!(gets.len(), 2);
}

#[test]
fn compressed_answers_and_web_pages_are_refused() {
    let (error, gets) = fails(|_, reply| reply.with("Content-Encoding", "gzip"));
    assert!(matches!(&error, ModelError::BadAnswer { reason, .. } if reason.contains("gzip")), "{error:?}");
    assert_eq!(gets.len(), 1);
    let (error, _) =
        fails(|_, _| Reply::new(200).with("Content-Type", "text/html; charset=utf-8").body(b"<p>Log in"));
    assert!(
        matches!(&error, ModelError::BadAnswer { reason, .. } if reason.contains("web page")),
        "{error:?}"
    );
}

#[test]
fn too_many_requests_are_waited_for() {
    let begin = Instant::now();
    let gets = heals(|count, reply| if count == 0 { Reply::new(429).with("Retry-After", 1) } else { reply });
    assert_eq!(gets.len(), 2);
    assert!(begin.elapsed() >= Duration::from_secs(1), "as long as was asked");
    let gets = heals(|count, reply| if count < 3 { Reply::new(503) } else { reply });
    assert_eq!(gets.len(), 4);
    let (error, gets) = fails(|_, _| Reply::new(500));
    assert!(matches!(&error, ModelError::Offline { reason, .. } if reason.contains("500")), "{error:?}");
    assert_eq!(gets.len(), 4);
}

#[test]
fn refusals_are_told_apart_and_not_repeated() {
    for (status, denied) in [(401, true), (403, true), (451, true), (404, false), (410, false)] {
        let (error, gets) = fails(move |_, _| Reply::new(status));
        match error {
            ModelError::Denied { status: told, .. } => assert!(denied && told == status),
            ModelError::NotOnHub { path, .. } => assert!(!denied && path == "org/model/onnx/model.onnx"),
            error => panic!("{error:?}"),
        }
        assert_eq!(gets.len(), 1);
    }
}

#[test]
fn a_redirect_to_another_host_leaves_the_token_behind() {
    let (double, store, models) = (Double::new(), Double::new(), TempDir::new().unwrap());
    // Another name for the same machine is another host.
    let target = store.endpoint().replace("127.0.0.1", "localhost");
    double.script(move |request, count, reply| {
        if !request.path.ends_with(MODEL) {
            return reply;
        }
        let location = format!("{target}/store/onnx/model.onnx?signature=s{count}");
        Reply { status: 302, body: vec![], ..reply }.with("Location", location)
    });
    // The store has its own tags, says nothing of the repository, breaks once and lets one address expire.
    store.script(|request, _, reply| {
        let old = request.path.ends_with("s1");
        let first = request.path.ends_with("s0");
        let headers = reply.headers.iter().filter(|header| !header.0.starts_with("X-")).cloned().collect();
        let reply = Reply { headers, ..reply }.with("ETag", "\"store\"");
        match (old, first) {
            (true, _) => Reply::new(403),
            (_, true) => reply.ending(Ending::Cut(50_000)),
            _ if request.header("range") == Some("bytes=50000-") => {
                let rest = noise(1, MODEL_BYTES)[50_000..].to_vec();
                let range = format!("bytes 50000-299999/{MODEL_BYTES}");
                Reply::new(206).with("ETag", "\"store\"").with("Content-Range", range).body(&rest)
            }
            _ => reply,
        }
    });
    let model = run(&double, models.path()).unwrap();
    assert_whole(&double, models.path(), &model);
    let bearer = format!("Bearer {TOKEN}");
    assert!(double.log().iter().all(|request| request.header("authorization") == Some(&bearer)));
    let asked = store.log();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|request| request.header("authorization").is_none()), "{asked:?}");
    assert_eq!(asked[2].header("if-range"), Some("\"store\""), "the store's own tag");
}

#[test]
fn redirects_end_somewhere() {
    let (error, _) =
        fails(|_, _| Reply::new(302).with("Location", "/org/model/resolve/main/onnx/model.onnx"));
    assert!(
        matches!(&error, ModelError::BadAnswer { reason, .. } if reason.contains("endless")),
        "{error:?}"
    );
    for nowhere in [Reply::new(302), Reply::new(302).with("Location", "ftp://localhost/x")] {
        let (error, _) = fails(move |_, _| nowhere.clone());
        assert!(matches!(error, ModelError::BadAnswer { .. }), "{error:?}");
    }
}

#[test]
fn nobody_there_is_offline() {
    let models = TempDir::new().unwrap();
    let address = Double::empty().endpoint();
    let hub = Hub::new(HubOptions { endpoint: address, ..Double::empty().options() }).unwrap();
    let error = install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap_err();
    assert!(matches!(error, ModelError::Offline { .. }), "{error:?}");
    assert_nothing(models.path());
}
