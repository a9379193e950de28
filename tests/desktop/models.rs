//! How the models view looks while a model is fetched from a hub on this machine, while searches go over to another
//! one, and after a check-up. The pictures are taken on the way of a person who does all that.
//!
//! `PAPR_SCREENSHOTS=docs/screenshots cargo test --features custom-protocol --test e2e models_look`.

use std::path::Path;

use serde_json::json;

use super::hub::{Hub, Pace};
use super::looks::{Taken, in_one_theme};
use super::picture::Album;
use super::steps::{FIRST_RUN, MAIN};
use super::{AppWindow, Desktop, Launch};

const WIDE: (u32, u32) = (900, 600);
const NARROW: (u32, u32) = (480, 600);
const FETCHED: &str = "bge-small-en-v1.5";
const MEMORIES: u32 = 160;
const INT8: &str = "all-MiniLM-L6-v2 (int8)";

/// The pictures that the documentation shows, and their names there.
const SHOWN: [(&str, &str); 6] = [
    ("models-downloading-light", "models-downloading"),
    ("models-paused-light", "models-paused"),
    ("models-failed-light", "models-failed"),
    ("models-installed-light", "models-installed"),
    ("models-switching-light", "models-switching"),
    ("models-doctor-light", "models-doctor"),
];

#[test]
fn models_look() {
    in_one_theme(pictures, &SHOWN);
}

/// Takes pictures of every state in one theme.
fn pictures(theme: &'static str, folder: &Path) -> Taken {
    let desktop = Desktop::start();
    let hub = Hub::start(Pace::Slow);
    let launch = Launch { dark: theme == "dark", hub: Some(hub.endpoint()), ..Launch::default() };
    let mut album = Album::new(&desktop, theme, folder.to_owned());
    let app = desktop.open(&launch);
    let main = &app.main;
    main.shows(FIRST_RUN);
    main.click("Models");
    main.shows("in use");
    main.shows(FETCHED);

    main.click(&format!("Install {FETCHED}"));
    main.shows("Contacts");
    main.shows("127.0.0.1");
    album.take_at(WIDE, main, MAIN, "models-install");
    album.take_at(NARROW, main, MAIN, "models-install-narrow");
    main.click("Install now");
    main.shows("MB/s");
    bring_to_sight(main, FETCHED);
    album.take(main, MAIN, "models-downloading-narrow");
    album.take_at(WIDE, main, MAIN, "models-downloading");
    main.click(&format!("Pause {FETCHED}"));
    main.shows("It goes on where it stopped");
    album.take(main, MAIN, "models-paused");
    main.click(&format!("Resume {FETCHED}"));
    main.shows("MB/s");
    hub.pace(Pace::Away);
    main.shows("Stopped");
    bring_to_sight(main, FETCHED);
    album.take(main, MAIN, "models-failed");
    album.take_at(NARROW, main, MAIN, "models-failed-narrow");
    hub.pace(Pace::Quick);
    main.click(&format!("Try again {FETCHED}"));
    main.shows(&format!("{FETCHED} is installed"));
    main.until("a button to use it", || main.text().contains("Remove").then_some(()));
    bring_to_sight(main, FETCHED);
    album.take_at(WIDE, main, MAIN, "models-installed");
    main.click(&format!("Remove {FETCHED}"));
    main.shows(&format!("Remove {FETCHED}?"));
    main.click("Remove it");
    main.shows("free again");
    main.click("Dismiss");

    keep_long_memories(main);
    main.drops("not yet found by meaning");
    main.click(&format!("Use {INT8}"));
    main.shows(&format!("Your {MEMORIES} memories are read again"));
    album.take(main, MAIN, "models-use");
    main.click("Use it");
    main.shows(&format!("64 of {MEMORIES} memories"));
    to_the_top(main);
    album.take(main, MAIN, "models-switching");
    main.click("Pause");
    main.shows("Change of model paused");
    album.take_at(NARROW, main, MAIN, "models-switching-narrow");
    main.click("Go back to all-MiniLM-L6-v2");
    main.drops("Change of model");

    main.click("Check everything");
    main.shows("Copy report");
    let end = "document.querySelector('main section:last-of-type').scrollIntoView({ block: 'end' })";
    main.script(end, &[]);
    album.take(main, MAIN, "models-doctor-narrow");
    album.take_at(WIDE, main, MAIN, "models-doctor-list");
    main.script(end, &[]);
    album.take(main, MAIN, "models-doctor");
    main.script("document.documentElement.style.fontSize = '200%'", &[]);
    to_the_top(main);
    album.take(main, MAIN, "models-large-text");
    (album.lightness, album.faults)
}

/// Keeps memories that a model takes a while to read, so that a change of model can be seen.
fn keep_long_memories(main: &AppWindow) {
    let added = main.promise(
        "const [count] = arguments_;
         for (let i = 0; i < count; i++) {
           const content = `Note ${i}: ` + 'The harbour was quiet, and rain fell on the slate roofs of the town. '.repeat(20);
           const args = { content, tier: 'memories', topics: [] };
           await window.__TAURI_INTERNALS__.invoke('add', args);
         }
         return true;",
        &[json!(MEMORIES)],
    );
    assert_eq!(added, true);
}

fn bring_to_sight(main: &AppWindow, name: &str) {
    let script =
        "document.querySelector(`li[aria-label='${arguments[0]}']`).scrollIntoView({ block: 'center' })";
    main.script(script, &[json!(name)]);
}

fn to_the_top(main: &AppWindow) {
    main.script("document.querySelector('main h1').scrollIntoView({ block: 'start' })", &[]);
}
