//! How the app looks: pictures of every state of its windows, in both themes.
//!
//! The pictures in `docs/screenshots` are made here:
//! `PAPR_SCREENSHOTS=docs/screenshots cargo test --features custom-protocol --test e2e looks`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::picture::Album;
use super::steps::{FIRST_RUN, MAIN, QUICK, SHORTCUT, SlowData, locked, new_word, search, timed};
use super::{Desktop, Launch};

const WIDE: (u32, u32) = (900, 600);
const NARROW: (u32, u32) = (480, 600);
const SMALLEST: (u32, u32) = (480, 400);
/// The pictures that the documentation shows, and their names there.
const SHOWN: [(&str, &str); 6] = [
    ("recent-light", "light"),
    ("recent-dark", "dark"),
    ("empty-light", "empty"),
    ("results-light", "results"),
    ("error-light", "error"),
    ("quick-light", "quick"),
];
const QUESTION: &str = "when the server hangs up";

#[test]
fn looks() {
    in_both_themes(pictures, &SHOWN);
}

/// Takes pictures of every state in one theme.
fn pictures(theme: &'static str, folder: &Path) -> Taken {
    let desktop = Desktop::start();
    let launch = Launch { dark: theme == "dark", ..Launch::default() };
    let mut album = Album::new(&desktop, theme, folder.to_owned());

    let app = desktop.open(&launch);
    app.main.shows(FIRST_RUN);
    desktop.end(app);
    let slow = SlowData::of(&desktop);
    let app = desktop.open(&launch);
    app.main.shows("Opening your memories");
    album.take_at(WIDE, &app.main, MAIN, "opening");
    album.take_at(NARROW, &app.main, MAIN, "opening-narrow");
    desktop.press(SHORTCUT);
    app.quick.ready_to_search();
    album.take(&app.quick, QUICK, "quick-opening");
    slow.go_on();
    app.main.shows(FIRST_RUN);
    desktop.end(app);

    let lock = locked(&desktop);
    let app = desktop.open(&launch);
    let (main, quick) = (&app.main, &app.quick);
    main.shows("Papr is already using these memories");
    album.take_at(NARROW, main, MAIN, "error-narrow");
    album.take_at(WIDE, main, MAIN, "error");
    lock.unlock().expect("our own lock");
    main.click("Try again");
    main.shows(FIRST_RUN);
    main.drops("Getting search ready");
    album.take(main, MAIN, "empty");
    album.take_at(SMALLEST, main, MAIN, "empty-small");
    for harm in ["marginLeft = '-300px'", "cssText = 'overflow: hidden; white-space: nowrap; width: 9em'"] {
        let style = "document.querySelector('main section h2').style";
        main.script(&format!("{style}.{harm}"), &[]);
        assert_ne!(main.layout_faults(), [""; 0], "{harm} would be noticed");
        main.script(&format!("{style} = ''"), &[]);
    }

    main.click("Try it with samples");
    main.shows("150 samples are here to try.");
    main.click("Dismiss");
    main.drops("not yet found by meaning");
    search(&desktop, main, QUESTION);
    timed(main);
    album.take_at(NARROW, main, MAIN, "results-narrow");
    desktop.press("Return");
    main.shows("Why it is here");
    album.take(main, MAIN, "detail-narrow");
    desktop.press("Escape");
    main.drops("Why it is here");
    album.take_at(WIDE, main, MAIN, "results");
    desktop.press("ctrl+e");
    main.ready_to_write();
    album.take(main, MAIN, "form");
    album.take_at(SMALLEST, main, MAIN, "form-small");
    desktop.press("Escape");
    main.drops("Edit memory");
    main.choose("How to search", "words");
    search(&desktop, main, &new_word());
    main.shows("Nothing found for");
    album.take(main, MAIN, "nothing-small");
    album.take_at(WIDE, main, MAIN, "nothing");
    desktop.press("Escape");
    main.choose("How to search", "hybrid");
    main.shows("150 samples are here to try.");
    album.take(main, MAIN, "recent");
    main.click("Models");
    main.shows("in use");
    album.take(main, MAIN, "models");
    album.take_at(SMALLEST, main, MAIN, "models-small");

    desktop.press(SHORTCUT);
    quick.ready_to_search();
    album.take(quick, QUICK, "quick-recent");
    desktop.write(QUESTION);
    quick.shows("results");
    album.take(quick, QUICK, "quick");
    desktop.end(app);

    let nothing = desktop.path("nothing");
    fs::create_dir(&nothing).expect("folders can be made");
    let app = desktop.open(&Launch { resources: Some(nothing), ..launch });
    let main = &app.main;
    search(&desktop, main, "coffee");
    main.shows("By word only: no model is installed.");
    album.take(main, MAIN, "no-model");
    album.take_at(NARROW, main, MAIN, "no-model-narrow");
    main.click("Open Models");
    main.shows("not installed");
    album.take(main, MAIN, "no-model-models");
    (album.lightness, album.faults)
}

/// How light each picture is, and what is wrong with them.
pub(super) type Taken = (Vec<(&'static str, f64)>, Vec<String>);

/// Has the pictures taken in light and in dark, looks at them, and copies those that are `shown` in the
/// documentation.
pub(super) fn in_both_themes(pictures: fn(&'static str, &Path) -> Taken, shown: &[(&str, &str)]) {
    let dark = pictures("dark", &folder());
    looked_at(pictures("light", &folder()), Some(dark));
    publish(shown);
}

/// The same in light alone, for what takes long and was seen in dark by `access` already; with `PAPR_LONG`, in both.
pub(super) fn in_one_theme(pictures: fn(&'static str, &Path) -> Taken, shown: &[(&str, &str)]) {
    let dark = env::var_os("PAPR_LONG").map(|_| pictures("dark", &folder()));
    looked_at(pictures("light", &folder()), dark);
    publish(shown);
}

fn looked_at((light, mut faults): Taken, dark: Option<Taken>) {
    for (name, lightness) in light {
        assert!(lightness > 150.0, "{name} is {lightness:.0} of 255 in light");
    }
    if let Some((dark, more)) = dark {
        faults.extend(more);
        for (name, lightness) in dark {
            assert!(lightness < 90.0, "{name} is {lightness:.0} of 255 in dark");
        }
    }
    assert_eq!(faults, [""; 0]);
}

/// Where pictures are taken to.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/e2e")
}

/// Copies the pictures that the documentation shows, each under the name it has there.
fn publish(shown: &[(&str, &str)]) {
    let Some(published) = env::var_os("PAPR_SCREENSHOTS") else { return };
    let (taken, published) = (folder(), Path::new(env!("CARGO_MANIFEST_DIR")).join(published));
    fs::create_dir_all(&published).expect("the folder can be made");
    for (picture, name) in shown {
        let bytes = fs::read(taken.join(picture).with_extension("png")).expect("it was just taken");
        assert!(bytes.len() < 200_000, "{picture} has {} bytes", bytes.len());
        fs::write(published.join(name).with_extension("png"), bytes).expect("pictures can be kept");
    }
}
