//! A person signs in, syncs, writes while Papr is away, comes back, resolves a conflict, signs out and wipes; with
//! pictures on the way. Papr is a server on this machine; there is no keychain on this desktop, which is said.
//!
//! `PAPR_SCREENSHOTS=docs/screenshots cargo test --features custom-protocol --test e2e the_account`.

use std::path::Path;

use papr_fake::{Edit, FakePapr, NewMemory, Options};
use serde_json::{Value, json};

use super::looks::{Taken, in_both_themes};
use super::picture::Album;
use super::steps::{FIRST_RUN, MAIN, search};
use super::{AppWindow, Desktop, Launch};

const WIDE: (u32, u32) = (900, 600);
const NARROW: (u32, u32) = (480, 600);
const KEY: &str = "key-alice-0123456789";
const ALICE: &str = "alice";

/// The pictures that the documentation shows, and their names there.
const SHOWN: [(&str, &str); 4] = [
    ("sync-signed-out-light", "sync-signed-out"),
    ("sync-synced-light", "sync"),
    ("sync-conflict-light", "sync-conflict"),
    ("privacy-light", "privacy"),
];

#[test]
fn the_account_from_signing_in_to_the_wipe() {
    in_both_themes(pictures, &SHOWN);
}

/// Papr on this machine; on the same port and with the same memories as before, if it was there before.
fn papr(folder: &Path, port: u16) -> FakePapr {
    let options = Options::new().key(KEY, ALICE).seed(7).data(folder).port(port);
    FakePapr::start(options).expect("the port is free")
}

fn sync_of(main: &AppWindow) -> Option<Value> {
    Some(main.invoke("status", &json!({})).ok()?["sync"].clone())
}

/// Waits until sync is as wanted.
fn until_sync(main: &AppWindow, what: &str, wanted: impl Fn(&Value) -> bool) {
    main.until(what, || sync_of(main).filter(&wanted).map(drop));
}

fn pictures(theme: &'static str, folder: &Path) -> Taken {
    let desktop = Desktop::start();
    let data = desktop.path("papr");
    let mut server = papr(&data, 0);
    let port = server.port();
    server.add(ALICE, NewMemory::goal("Run a half marathon in spring")).expect("it takes a goal");
    let fence = server.add(ALICE, NewMemory::text("The fence is painted green")).expect("and a memory");
    let launch = Launch { dark: theme == "dark", papr: Some(server.url()), ..Launch::default() };
    let mut album = Album::new(&desktop, theme, folder.to_owned());
    let app = desktop.open(&launch);
    let main = &app.main;
    main.shows(FIRST_RUN);
    main.click("Sync");
    main.shows("Everything here works without an account.");
    album.take_at(WIDE, main, MAIN, "sync-signed-out");
    album.take_at(NARROW, main, MAIN, "sync-signed-out-narrow");

    let enter = |key: &str| {
        main.script("document.querySelector('#papr-key').focus()", &[]);
        main.until("the key field", || {
            let there = "return document.hasFocus() && document.activeElement.id === 'papr-key'";
            (main.script(there, &[]) == true).then_some(())
        });
        desktop.write(key);
        desktop.press("Return");
    };
    enter("key-nobody-00000000");
    main.shows("Papr doesn’t accept this key.");
    album.take_at(WIDE, main, MAIN, "sync-wrong-key");
    enter(KEY);
    main.shows("Signed in");
    main.shows("in memory for this run only");
    until_sync(main, "the first sync", |sync| !sync["succeededAt"].is_null());
    main.shows("ends in 6789");
    album.take(main, MAIN, "sync-synced");
    let page = main.script("return document.documentElement.outerHTML", &[]);
    assert!(!page.as_str().unwrap_or_default().contains(KEY), "the key is never shown again");

    main.click("Search");
    search(&desktop, main, "marathon");
    main.row("the goal from Papr", |row| row.text.contains("half marathon"));
    search(&desktop, main, "fence");
    main.row("the memory from Papr", |row| row.text.contains("green"));

    server.stop();
    let listed = main.invoke("search", &question("fence")).expect("a search needs no Papr");
    let memory = &listed["hits"][0]["memory"];
    let mut edit = json!({ "content": "The fence is painted red" });
    for unchanged in ["id", "rev", "tier", "topics"] {
        edit[unchanged] = memory[unchanged].clone();
    }
    main.invoke("edit", &edit).expect("memories are changed offline too");
    until_sync(main, "what waits", |sync| sync["pending"] == 1);
    main.click("Sync");
    main.shows("Waiting to be sent");
    main.click("Sync now");
    main.shows("Couldn’t reach Papr.");
    album.take(main, MAIN, "sync-offline");

    let server = papr(&data, port);
    server.edit(ALICE, &fence, Edit::content("The fence is painted blue")).expect("it changes there");
    main.click("Sync now");
    until_sync(main, "the conflict", |sync| sync["conflicts"] == 1);
    main.shows("Changed here and at Papr");
    main.script("document.querySelector('[id^=conflict-]').scrollIntoView({ block: 'start' })", &[]);
    album.take(main, MAIN, "sync-conflict");
    album.take_at(NARROW, main, MAIN, "sync-conflict-narrow");
    main.click_starting("Keep mine");
    main.shows("Conflict resolved");
    main.click("Sync now");
    until_sync(main, "everything to be sent", |sync| sync["pending"] == 0 && sync["conflicts"] == 0);
    main.until("Papr to have it", || {
        let oracle = server.oracle();
        let there = oracle.memories(ALICE)[fence.as_str()].content.clone();
        (there.as_deref() == Some("The fence is painted red")).then_some(())
    });

    main.click("Privacy");
    main.shows("127.0.0.1");
    album.take_at(WIDE, main, MAIN, "privacy");
    album.take_at(NARROW, main, MAIN, "privacy-narrow");

    main.click("Sync");
    main.click("Sign out");
    main.shows("Sign out of Papr?");
    album.take_at(WIDE, main, MAIN, "sign-out");
    main.click_label("Delete them from this computer");
    main.click_label("Yes, delete 2 memories from this computer");
    album.take(main, MAIN, "sign-out-wipe");
    main.click("Sign out and delete 2");
    main.shows("Everything here works without an account.");
    main.click("Search");
    main.shows("Nothing found for “fence”");
    let found = main.invoke("search", &question("marathon")).expect("a search works");
    assert_eq!(found["hits"], json!([]), "nothing of hers is left");
    assert_eq!(server.oracle().memories(ALICE).len(), 2, "and Papr keeps what it has");
    (album.lightness, album.faults)
}

fn question(text: &str) -> Value {
    let mut filters = json!({ "topics": [] });
    for any in ["tier", "kind", "source", "role", "category", "pending"] {
        filters[any] = Value::Null;
    }
    let question = json!({
        "text": text, "filters": filters, "sort": "relevance", "mode": "words", "skip": 0, "limit": 10,
    });
    json!({ "question": question, "seq": 1 })
}
