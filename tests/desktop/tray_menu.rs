//! Every entry of the tray's menu, chosen over D-Bus, with what it does; and the icon of every state on the way.

use std::path::{Path, PathBuf};

use papr_fake::{FakePapr, NewMemory, Options};
use serde_json::json;

use super::hub::{Hub, Pace};
use super::steps::{FIRST_RUN, MAIN, QUICK};
use super::tray::Tray;
use super::{AppWindow, Desktop, Launch, until, wait_for_the_end_of};

const KEY: &str = "key-alice-0123456789";
const ALICE: &str = "alice";
const MODEL: &str = "bge-small-en-v1.5";

#[test]
fn the_tray_syncs_pauses_and_tells_what_went_wrong() {
    let desktop = Desktop::start();
    let mut server = papr(&desktop.path("papr"), 0);
    let tray = Tray::on(&desktop);
    let app = desktop.open(&Launch { papr: Some(server.url()), ..Launch::default() });
    let main = &app.main;
    main.shows(FIRST_RUN);
    tray.looks("idle");
    main.invoke("sign_in", &json!({ "key": KEY, "thisRun": true })).expect("Papr takes the key");
    tray.shows("Sync now (last ");

    server.add(ALICE, NewMemory::text("The gate sticks in winter")).expect("Papr takes a memory");
    tray.choose_starting("Sync now");
    main.until("what Papr has", || (memories(main)? == 1).then_some(()));

    tray.choose("Pause sync");
    tray.looks("paused");
    assert_eq!(status(main)["sync"]["paused"], true);
    tray.choose("Resume sync");
    tray.shows("Pause sync");
    tray.looks("idle");
    assert_eq!(status(main)["sync"]["paused"], false);

    server.stop();
    tray.choose_starting("Sync now");
    tray.looks("offline");
    tray.shows("Needs attention");
    main.click("Library");
    let said = status(main)["sync"]["error"]["message"].as_str().expect("why it did not go").to_owned();
    tray.choose_starting(&said);
    main.shows("Couldn’t reach Papr.");

    let server = papr(&desktop.path("papr"), server.port());
    tray.choose_starting("Sync now");
    tray.drops("Needs attention");
    tray.looks("idle");
    server.revoke_key(KEY);
    tray.choose_starting("Sync now");
    tray.looks("attention");
    tray.shows("Needs attention");

    main.invoke("set_local_only", &json!({ "on": true })).expect("it can be switched on");
    until("sync to be out of reach", || (!tray.enabled("Sync now")).then_some(()));
    main.invoke("set_local_only", &json!({ "on": false })).expect("and off");
    until("sync to be there again", || tray.enabled("Sync now").then_some(()));

    tray.choose("Settings…");
    main.shows("Delete everything");
    tray.choose_starting("Model: all-MiniLM");
    main.shows("in use");
    tray.choose("Quick search");
    until("the quick window, with the keyboard", || desktop.active(QUICK));
    tray.choose("Open Papr Desktop");
    until("the main window, with the keyboard", || desktop.active(MAIN));
    let running = desktop.apps();
    tray.choose("Quit Papr Desktop");
    wait_for_the_end_of(&running);
}

#[test]
fn the_tray_holds_resumes_retries_and_gives_up_a_download() {
    let desktop = Desktop::start();
    let hub = Hub::start(Pace::Slow);
    let tray = Tray::on(&desktop);
    let app = desktop.open(&Launch { hub: Some(hub.endpoint()), ..Launch::default() });
    let main = &app.main;
    main.shows(FIRST_RUN);
    tray.looks("idle");
    main.invoke("install_model", &json!({ "id": MODEL })).expect("the hub has it");
    let loading = format!("Downloading {MODEL}: ");
    let percent = || -> Option<u32> {
        let labels = tray.labels();
        let label = labels.iter().find_map(|label| label.strip_prefix(&loading))?;
        label.strip_suffix(" %")?.parse().ok()
    };
    let first = until("a percentage", || percent().filter(|percent| *percent > 0));
    until("a higher one", || percent().filter(|percent| *percent > first));
    tray.looks("downloading");

    tray.choose(&format!("Pause {MODEL}"));
    let held = tray.shows(&format!("Paused: {MODEL}, "));
    tray.looks("idle");
    tray.choose(&format!("Resume {MODEL}"));
    let held: u32 = held.trim_end_matches(" %").rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    assert!(held >= first, "what was fetched is kept: {held} %");
    until("it to go on from there", || percent().filter(|percent| *percent > held));

    hub.pace(Pace::Away);
    tray.shows(&format!("Download failed: {MODEL}"));
    tray.looks("attention");
    tray.shows("Needs attention");
    let failed = status(main)["downloads"][0]["error"]["message"].as_str().expect("why").to_owned();
    let start: String = failed.lines().next().unwrap_or_default().chars().take(60).collect();
    tray.choose_starting(&start);
    main.shows("Stopped");

    hub.pace(Pace::Slow);
    tray.choose(&format!("Try {MODEL} again"));
    until("it to go on again", || percent().filter(|percent| *percent >= held));
    assert!(parts(&desktop) > 0, "what is fetched is on disk");
    tray.choose(&format!("Cancel {MODEL}"));
    tray.drops(&loading);
    tray.drops("Needs attention");
    tray.looks("idle");
    until("the half file to be deleted", || (parts(&desktop) == 0).then_some(()));
}

fn papr(folder: &Path, port: u16) -> FakePapr {
    let options = Options::new().key(KEY, ALICE).seed(7).data(folder).port(port);
    FakePapr::start(options).expect("the port is free")
}

fn status(main: &AppWindow) -> serde_json::Value {
    main.invoke("status", &json!({})).expect("the window may ask how things are")
}

fn memories(main: &AppWindow) -> Option<u64> {
    let counts = &status(main)["counts"];
    Some(counts["memories"].as_u64()? + counts["goals"].as_u64()?)
}

/// Files of the model that is fetched, whole or not.
fn parts(desktop: &Desktop) -> usize {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let mut found = Vec::new();
    files(&desktop.data().join("models"), &mut found);
    found.iter().filter(|file| file.metadata().is_ok_and(|file| file.len() > 100_000)).count()
}
