//! Nothing leaves the device unasked, and nothing at all while "local only" is on: seen in the app's system calls.

use std::fs;

use serde_json::json;

use super::steps::{search, timed};
use super::{Desktop, Launch};

#[test]
fn nothing_is_sent_anywhere() {
    let desktop = Desktop::start();
    let trace = desktop.path("trace");
    // Addresses for documentation: nobody has them, and a packet to them would show in the trace.
    let (papr, hub) = (Some("https://192.0.2.1".to_owned()), Some("https://192.0.2.2".to_owned()));
    let app = desktop.open(&Launch { trace: Some(trace.clone()), papr, hub, ..Launch::default() });
    app.main.click("Try it with samples");
    app.main.shows("150 sample memories added");
    app.main.click("Privacy");
    app.main.click_on("the switch", "//*[@role='switch']");
    app.main.until("local only", || {
        let status = app.main.invoke("status", &json!({})).ok()?;
        (status["sync"]["localOnly"] == true).then_some(())
    });
    for (command, arguments) in [
        ("sign_in", json!({ "key": "key-nobody-00000000", "thisRun": true })),
        ("ask_papr", json!({ "question": "coffee", "limit": 10 })),
        ("sync_now", json!({ "whole": true })),
        ("install_model", json!({ "id": "bge-small-en-v1.5" })),
    ] {
        let refused = app.main.invoke(command, &arguments).expect_err("local only is on");
        assert!(refused.contains("LOCAL_ONLY"), "{command}: {refused}");
    }
    app.main.click("Search");
    search(&desktop, &app.main, "coffee");
    timed(&app.main);
    app.main.click("Models");
    app.main.shows("in use");
    desktop.end(app);
    let calls = fs::read_to_string(&trace).expect("there is a trace");
    assert!(calls.contains("AF_UNIX"), "the trace is one");
    // The driver itself speaks to the app over the loopback.
    let local = |call: &str| ["127.0.0.1", "::1"].iter().any(|address| call.contains(address));
    let outside: Vec<&str> = calls
        .lines()
        .filter(|call| call.contains("connect(") || call.contains("sendto(") || call.contains("sendmsg("))
        .filter(|call| call.contains("AF_INET") && !local(call))
        .collect();
    assert_eq!(outside, [""; 0]);
}
