//! Nothing leaves the machine: the system calls of a session, as strace saw them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot be set up should stop

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `papr` under strace and returns its calls that have to do with the network.
fn traced(data: &Path, arguments: &[&str]) -> String {
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
        .output()
        .unwrap_or_else(|error| {
            panic!("strace: {error}. It is in Debian's package strace; `make test` installs it.")
        });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    fs::read_to_string(trace).unwrap()
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
        let calls = traced(&data, arguments);
        assert!(calls.contains("exited with 0"), "the trace is whole: {calls}");
        let outside: Vec<&str> = calls
            .lines()
            .filter(|call| call.contains("socket(") && !call.contains("socket(AF_UNIX"))
            .collect();
        assert_eq!(outside, [""; 0], "papr {arguments:?}");
    }
}
