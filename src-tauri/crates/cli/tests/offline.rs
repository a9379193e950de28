//! Nothing leaves the machine: the system calls of a session, as strace saw them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot be set up should stop

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use papr_fake::{FakePapr, NewMemory, Options};

const KEY: &str = "key-alice-0123456789";

/// Runs `papr` under strace and returns its exit code and the sockets it opened, but for those to this very machine's
/// services: the session bus.
fn sockets(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor");
    assert!(vendor.join("models").is_dir(), "there is no model: `make test` fetches it");
    let trace = data.with_extension("trace");
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=network", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_papr"))
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .env("PAPR_RESOURCES", vendor)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("strace: {error}. It is in Debian's package strace; `make test` installs it.")
        });
    let calls = fs::read_to_string(trace).unwrap();
    assert!(calls.contains("exited with"), "the trace is whole: {calls}");
    let outside = calls.lines().filter(|call| call.contains("socket(") && !call.contains("socket(AF_UNIX"));
    (output.status.code(), outside.map(str::to_owned).collect())
}

#[test]
fn a_session_opens_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for arguments in [
        &["add", "The build server is in the cupboard under the stairs"][..],
        &["search", "where do we compile"],
        &["status"],
    ] {
        assert_eq!(sockets(&data, arguments, &[]), (Some(0), Vec::new()), "papr {arguments:?}");
    }
}

#[test]
fn signed_in_only_what_asks_for_papr_reaches_it_and_local_only_nothing() {
    let papr = FakePapr::start(Options::new().key(KEY, "alice")).unwrap();
    papr.add("alice", NewMemory::text("Alice keeps bees")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = papr.url();
    let environment = [("PAPR_MEMORY_API_KEY", KEY), ("PAPR_BASE_URL", url.as_str())];
    // Signs in and does not sync: an engine that is left to itself would do so at once.
    let (code, opened) = sockets(&data, &["adopt"], &environment);
    assert_eq!(code, Some(0));
    assert!(opened.iter().any(|call| call.contains("AF_INET")), "strace sees what is there: {opened:?}");
    let quiet = |arguments: &[&str], expected: i32| {
        let seen = sockets(&data, arguments, &environment);
        assert_eq!(seen, (Some(expected), Vec::new()), "papr {arguments:?}");
    };
    let requests = papr.requests().len();
    quiet(&["add", "Alice has a new hive"], 0);
    quiet(&["search", "who has bees"], 0);
    quiet(&["whoami"], 0);
    quiet(&["outbox"], 0);
    quiet(&["sync", "--status"], 0);
    quiet(&["privacy"], 0);
    assert_eq!(papr.requests().len(), requests);

    quiet(&["privacy", "--local-only", "on"], 0);
    quiet(&["sync"], 1);
    quiet(&["sync", "--whole"], 1);
    quiet(&["sync", "--dry-run"], 1);
    quiet(&["sync", "--watch"], 1);
    quiet(&["search", "--cloud", "bees"], 1);
    quiet(&["keep", "some-id"], 1);
    quiet(&["feedback", "some-search", "--helped"], 1);
    quiet(&["models", "install", "bge-small-en-v1.5"], 1);
    let without_key = [environment[1]];
    assert_eq!(sockets(&data, &["login"], &without_key), (Some(1), Vec::new()), "papr login");
    // A key that was never used before would be checked first.
    let another = [("PAPR_MEMORY_API_KEY", "key-bob-9876543210"), environment[1]];
    assert_eq!(sockets(&data, &["sync"], &another), (Some(1), Vec::new()), "papr sync with another key");
    assert_eq!(papr.requests().len(), requests);
}
