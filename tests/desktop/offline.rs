//! Papr goes away from somebody who is signed in: search works, what is written waits, is shown to wait, outlives a
//! restart, and is sent when Papr is back.

use papr_fake::{FakePapr, NewMemory, Options};
use serde_json::json;

use super::keyring::Keyring;
use super::steps::{FIRST_RUN, search, timed};
use super::{Desktop, Launch};

const KEY: &str = "key-alice-0123456789";
const ALICE: &str = "alice";

#[test]
fn without_papr_nothing_stops_and_nothing_is_lost() {
    let desktop = Desktop::start();
    let _keyring = Keyring::on(&desktop);
    let folder = desktop.path("papr");
    let papr = |port| {
        let options = Options::new().key(KEY, ALICE).seed(7).data(&folder).port(port);
        FakePapr::start(options).expect("the port is free")
    };
    let mut server = papr(0);
    let port = server.port();
    let shed = server.add(ALICE, NewMemory::text("The shed is painted green")).expect("it takes a memory");
    let launch = Launch { papr: Some(server.url()), ..Launch::default() };
    let app = desktop.open(&launch);
    let main = &app.main;
    main.shows(FIRST_RUN);
    main.invoke("sign_in", &json!({ "key": KEY, "thisRun": false })).expect("Papr takes the key");
    main.shows("Synced");
    search(&desktop, main, "shed");
    main.row("the memory from Papr", |row| row.text.contains("green") && row.selected);

    server.stop();
    desktop.press("ctrl+e");
    main.ready_to_write();
    desktop.press("ctrl+a");
    desktop.write("The shed is painted red");
    desktop.press("ctrl+Return");
    main.shows("Changes saved");
    main.shows("1 change to send");
    main.click("Sync");
    main.shows("Waiting to be sent");
    main.shows("The shed is painted red");
    main.click("Sync now");
    main.shows("Couldn’t reach Papr.");
    main.shows("Offline · 1 change to send");
    desktop.end(app);

    // Started again with no Papr in sight: still signed in, still found, still waiting.
    let app = desktop.open(&launch);
    let main = &app.main;
    search(&desktop, main, "which colour is the hut");
    main.row("the changed memory, by its meaning", |row| row.text.contains("painted red"));
    timed(main);
    main.shows("1 change to send");
    main.click("Sync");
    main.shows("Waiting to be sent");
    main.click("Sync now");
    main.shows("Offline");

    let server = papr(port);
    main.click("Sync now");
    main.drops("The shed is painted red");
    main.drops("Offline");
    main.shows("Synced");
    let oracle = server.oracle();
    let there = oracle.memories(ALICE);
    assert_eq!(there[shed.as_str()].content.as_deref(), Some("The shed is painted red"), "Papr has it");
    assert_eq!(there.len(), 1, "once");
}
