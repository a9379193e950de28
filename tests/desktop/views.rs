//! Pictures of first steps, library, settings, palette and quick search, in light and dark, looked at for what is cut off.

use std::path::Path;

use serde_json::json;

use super::looks::{Taken, in_both_themes};
use super::picture::Album;
use super::steps::{FIRST_RUN, MAIN, QUICK, SHORTCUT};
use super::{Desktop, Launch};

const WIDE: (u32, u32) = (900, 600);
const NARROW: (u32, u32) = (640, 480);
/// The pictures that the documentation shows, and their names there.
const SHOWN: [(&str, &str); 12] = [
    ("welcome-1-light", "welcome"),
    ("welcome-4-light", "welcome-papr"),
    ("library-light", "library"),
    ("library-dark", "library-dark"),
    ("library-selected-light", "library-selected"),
    ("settings-light", "settings"),
    ("settings-data-light", "settings-data"),
    ("palette-light", "palette"),
    ("shortcuts-light", "shortcuts"),
    ("quick-preview-light", "quick-preview"),
    ("quick-actions-dark", "quick-actions-dark"),
    ("quick-add-light", "quick-add"),
];

#[test]
fn views() {
    in_both_themes(pictures, &SHOWN);
}

fn pictures(theme: &'static str, folder: &Path) -> Taken {
    let desktop = Desktop::start();
    let mut album = Album::new(&desktop, theme, folder.to_owned());
    let launch = Launch { dark: theme == "dark", welcome: true, ..Launch::default() };
    let app = desktop.open(&launch);
    let (main, quick) = (&app.main, &app.quick);
    for step in 1..=4 {
        main.shows(&format!("Step {step} of 4"));
        album.take_at(WIDE, main, MAIN, ["welcome-1", "welcome-2", "welcome-3", "welcome-4"][step - 1]);
        if step < 4 {
            main.click("Next");
        }
    }
    main.ready();
    desktop.press("Escape");
    main.shows(FIRST_RUN);
    main.click("Try it with samples");
    main.shows("150 samples are here to try.");
    main.click("Dismiss");
    main.drops("not yet found by meaning");
    main.click("Library");
    main.shows("150");
    album.take(main, MAIN, "library");
    main.click("Select all");
    main.shows("150 selected");
    album.take(main, MAIN, "library-selected");
    album.take_at(NARROW, main, MAIN, "library-narrow");
    main.click("Settings");
    main.shows("Delete everything");
    album.take_at(WIDE, main, MAIN, "settings");
    for (part, at) in [("settings-middle", 0.4), ("settings-data", 0.75), ("settings-end", 1.0)] {
        main.script(
            "const all = [...document.querySelectorAll('main, main *')];
             const view = all.find((one) => one.scrollHeight > one.clientHeight + 100);
             view.scrollTop = (view.scrollHeight - view.clientHeight) * arguments[0]; return null",
            &[json!(at)],
        );
        album.take(main, MAIN, part);
    }
    album.take_at(NARROW, main, MAIN, "settings-narrow");
    main.ready();
    desktop.press("ctrl+shift+p");
    main.ready_to_search();
    album.take_at(WIDE, main, MAIN, "palette");
    desktop.press("Escape");
    desktop.press("F1");
    main.until("the list of shortcuts", || {
        (main.script("return document.querySelector('dialog[open]') !== null", &[]) == true).then_some(())
    });
    album.take(main, MAIN, "shortcuts");
    desktop.press("Escape");

    desktop.press(SHORTCUT);
    quick.ready_to_search();
    desktop.write("what did we promise");
    quick.shows("results");
    desktop.press("ctrl+i");
    album.take(quick, QUICK, "quick-preview");
    desktop.press("ctrl+k");
    quick.shows("Copy as a quote");
    album.take(quick, QUICK, "quick-actions");
    desktop.press("Escape");
    desktop.press("Escape");
    desktop.write("+ The spare key hangs behind the boiler");
    album.take(quick, QUICK, "quick-add");
    desktop.end(app);
    (album.lightness, album.faults)
}
