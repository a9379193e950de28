//! The end of it all: what "Delete everything" leaves of an app with an account, a key in the keychain, a backup, logs and
//! an entry among the programs that start at login. Nothing.

use std::fs;
use std::path::{Path, PathBuf};

use papr_fake::{FakePapr, NewMemory, Options};
use serde_json::json;

use super::keyring::Keyring;
use super::tray::Tray;
use super::{Desktop, Launch, wait_for_the_end_of};

const KEY: &str = "key-alice-0123456789";
const ALICE: &str = "alice";

#[test]
fn deleting_everything_leaves_nothing() {
    let desktop = Desktop::start();
    let at_first = desktop.kept();
    let keyring = Keyring::on(&desktop);
    let _tray = Tray::on(&desktop);
    let server = FakePapr::start(Options::new().key(KEY, ALICE).seed(7)).expect("there is a port");
    server.add(ALICE, NewMemory::text("The fence is painted green")).expect("Papr takes a memory");
    assert_eq!(keyring.items(), 0, "nobody kept a secret");
    let launch = Launch { papr: Some(server.url()), ..Launch::default() };
    let app = desktop.open(&launch);
    let main = &app.main;
    main.click("Try it with samples");
    main.shows("150 sample memories added");
    main.invoke("sign_in", &json!({ "key": KEY, "thisRun": false })).expect("Papr takes the key");
    main.shows("Synced");
    assert_eq!(keyring.items(), 1, "the key is in the keychain");
    main.invoke("change_settings", &json!({ "change": { "launchAtLogin": true } }))
        .expect("it can be chosen");
    main.click("Settings");
    main.click("Back up now");
    main.shows("Backup made");
    let refused = main.invoke("delete_everything", &json!({ "typed": "yes" }));
    assert!(refused.expect_err("other words").contains("Nothing was deleted"));
    let there = desktop.kept();
    for part in ["autostart", "backups", "logs", "webkit", "tray-icon"] {
        let is = |path: &PathBuf| path.to_string_lossy().to_lowercase().contains(part);
        assert!(there.iter().any(is), "there is something of {part} to delete in {there:#?}");
    }

    main.click("Delete everything…");
    main.shows("the Papr key in the system’s keychain");
    let field = "document.activeElement.id === 'wipe-word'";
    main.script("document.querySelector('#wipe-word').focus()", &[]);
    main.until("the field", || {
        (main.script(&format!("return document.hasFocus() && {field}"), &[]) == true).then_some(())
    });
    desktop.write("delete");
    main.click("Delete everything and quit");
    main.shows("That is not quite it.");
    assert_eq!(desktop.kept().len(), there.len(), "other words delete nothing");
    let running = desktop.apps();
    desktop.write(" everything");
    desktop.press("Return");
    wait_for_the_end_of(&running);
    drop(app);
    assert_eq!(desktop.kept(), at_first, "file by file as before the app was ever started");
    assert_eq!(keyring.items(), 0, "and the key is gone from the keychain");
    assert_eq!(server.oracle().memories(ALICE).len(), 1, "what Papr has stays at Papr");
}

impl Desktop {
    /// Every file below the folders that an app may write to.
    fn kept(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        for name in ["share", "config", "cache", "data", "home", "runtime"] {
            walk(&self.path(name), &mut found);
        }
        // GTK's, the web engine's and the keychain's own, shared by all programs that use them.
        found.retain(|path| {
            !path.components().any(|part| {
                matches!(
                    part.as_os_str().to_str(),
                    Some("dconf" | "fontconfig" | "keyring" | "keyrings" | "mesa_shader_cache")
                )
            })
        });
        found.sort();
        found
    }
}
