//! The data on disk, through the window: a backup is restored, and the folder is moved; memories are found afterwards, and
//! after another start.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::steps::{FIRST_RUN, MAIN, new_word, search};
use super::{AppWindow, Desktop, Launch, until};

/// After this long without an answer, the path is written again.
const AGAIN: Duration = Duration::from_secs(3);

#[test]
fn a_backup_brings_back_and_the_folder_moves_with_everything_in_it() {
    let desktop = Desktop::start();
    let launch = Launch { welcome: true, usual_folder: true, ..Launch::default() };
    let app = desktop.open(&launch);
    let main = &app.main;
    main.click("Skip all steps");
    main.shows(FIRST_RUN);
    let (kept, later) = (new_word(), new_word());
    add(main, &kept);
    main.click("Settings");
    main.click("Back up now");
    main.shows("Backup made");
    let backups = main.invoke("backups", &json!({})).expect("there is one");
    let made = backups[0]["name"].as_str().expect("a name").to_owned();
    add(main, &later);
    main.click_on("the newest backup", &format!("//li[span[@title={made:?}]]//button"));
    main.shows("Go back to this backup?");
    main.click("Restore");
    main.shows("Your memories are those of");
    main.click("Search");
    search(&desktop, main, &kept);
    main.row("what the backup holds", |row| row.marked == [kept.as_str()]);
    main.choose("How to search", "words");
    search(&desktop, main, &later);
    main.shows(&format!("Nothing found for “{later}”"));

    let from = main.invoke("sizes", &json!({})).expect("there is a folder")["folder"].clone();
    let to = desktop.path("elsewhere");
    fs::create_dir(&to).expect("folders can be made");
    main.click("Settings");
    main.click("Move…");
    choose_folder(&desktop, &to.display().to_string());
    main.shows("Move your data?");
    main.shows(&to.display().to_string());
    main.click("Move");
    main.shows("Your data is in");
    main.click("Search");
    search(&desktop, main, &kept);
    main.row("what was there before", |row| row.marked == [kept.as_str()]);
    assert!(to.join("memories/store.json").is_file(), "the memories are there");
    let from = std::path::PathBuf::from(from.as_str().expect("a path"));
    assert!(!from.join("memories").exists(), "and no longer in {}", from.display());
    desktop.end(app);

    let app = desktop.open(&launch);
    let main = &app.main;
    search(&desktop, main, &kept);
    main.row("the same after another start", |row| row.marked == [kept.as_str()]);
    let sizes = main.invoke("sizes", &json!({})).expect("there is a folder");
    assert_eq!(sizes["folder"], json!(to.display().to_string()), "where it was moved to");
}

fn add(main: &AppWindow, word: &str) {
    let memory = json!({ "content": format!("The key is {word}"), "tier": "memories", "topics": [] });
    main.invoke("add", &memory).expect("the main window may add");
}

/// Answers GTK's own dialog, whose field for a path opens with the first letter of one.
fn choose_folder(desktop: &Desktop, path: &str) {
    let other = || {
        let name = desktop.xdotool(&["getactivewindow", "getwindowname"])?;
        (name.trim_end() != MAIN).then_some(())
    };
    until("the dialog for a folder", other);
    // With the first letter GTK makes room for a path, and loses what is typed until there is.
    desktop.press("slash");
    let mut written: Option<Instant> = None;
    until("the dialog to be answered", || {
        if written.is_none_or(|at| at.elapsed() > AGAIN) {
            desktop.press("ctrl+a");
            desktop.write(path);
            desktop.press("Return");
            written = Some(Instant::now());
        }
        desktop.active(MAIN)
    });
}
