//! What an open store costs while nothing is asked of it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::fs;

use common::open;
use tempfile::tempdir;

#[test]
fn threads_of_the_database_wake_with_others() {
    let folder = tempdir().expect("there is room for a folder");
    let _store = open(folder.path());
    let tasks = fs::read_dir("/proc/self/task").expect("Linux tells of threads").flatten();
    let slack: Vec<String> = tasks
        .filter(|task| {
            fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("sled-io"))
        })
        .map(|task| {
            fs::read_to_string(format!("/proc/{}/timerslack_ns", task.file_name().display()))
                .expect("a thread's slack can be read")
        })
        .collect();
    assert_eq!(slack.len(), 7, "sled has so many threads from the beginning");
    assert!(
        slack.iter().all(|slack| slack.trim() == "10000000000"),
        "all came from the thread that may wake late: {slack:?}"
    );
}
