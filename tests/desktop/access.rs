//! Every view for everyone: axe looks at it in the real window, contrast included, in light and dark; then nothing may be
//! cut off at twice the size of the text, in German too, whose words are longer.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::steps::{FIRST_RUN, MAIN, SHORTCUT, search, timed};
use super::{AppWindow, Desktop, Launch};

/// Pages of an app in a window are not pages of a site: no links past a heading, no landmarks around everything.
const OF_SITES: [&str; 3] = ["bypass", "page-has-heading-one", "region"];

const VIEWS: [&str; 6] = ["Search", "Library", "Models", "Sync", "Privacy", "Settings"];

#[test]
fn axe_finds_nothing_in_light() {
    axe(false);
}

#[test]
fn axe_finds_nothing_in_dark() {
    axe(true);
}

fn axe(dark: bool) {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch { dark, welcome: true, ..Launch::default() });
    let (main, quick) = (&app.main, &app.quick);
    let mut looked = Looked::default();
    for step in 1..=4 {
        main.shows(&format!("Step {step} of 4"));
        looked.at(main, "a first step");
        main.click("Next");
    }
    main.click("Start without samples");
    main.shows(FIRST_RUN);
    looked.at(main, "an empty window");
    // One that is there, so that an empty report says something.
    main.script("document.querySelector('main h2').style.cssText = 'color: #888; background: #777'", &[]);
    assert!(found(main).iter().any(|fault| fault.starts_with("color-contrast")), "grey on grey is noticed");
    main.script("document.querySelector('main h2').style.cssText = ''", &[]);

    main.click("Try it with samples");
    main.shows("150 samples are here to try.");
    main.click("Dismiss");
    for view in VIEWS {
        main.click(view);
        settled(main);
        looked.at(main, view);
    }
    main.click("Search");
    search(&desktop, main, "when the server hangs up");
    timed(main);
    looked.at(main, "results");
    for (keys, what) in [("ctrl+n", "the form"), ("ctrl+shift+p", "the palette"), ("F1", "the shortcuts")] {
        desktop.press(keys);
        main.until(what, || (main.script(OPEN, &[]) == true).then_some(()));
        looked.at(main, what);
        desktop.press("Escape");
        main.until("it to close", || (main.script(OPEN, &[]) == false).then_some(()));
    }
    main.click("Settings");
    main.click("Delete everything…");
    looked.at(main, "the last question");
    desktop.press("Escape");
    main.until("it to close", || (main.script(OPEN, &[]) == false).then_some(()));
    desktop.press(SHORTCUT);
    quick.ready_to_search();
    desktop.write("coffee");
    quick.shows("results");
    looked.at(quick, "quick search");
    assert_eq!(looked.faults, [""; 0]);
}

#[test]
fn nothing_is_cut_off_in_large_text_and_in_german() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let main = &app.main;
    main.click("Try it with samples");
    main.shows("150 samples are here to try.");
    main.click("Dismiss");
    let mut faults = Vec::new();
    let window = desktop.shown(MAIN).expect("it is shown");
    let german = ["Suche", "Bibliothek", "Modelle", "Abgleich", "Datenschutz", "Einstellungen"];
    for (language, views, percent, (width, height)) in [
        ("en", VIEWS, 200, ("640", "480")),
        ("de", german, 200, ("640", "480")),
        ("de", german, 200, ("900", "600")),
        ("de", german, 100, ("640", "480")),
    ] {
        main.invoke("change_settings", &json!({ "change": { "language": language } })).expect("it speaks it");
        let larger = "document.documentElement.style.fontSize = arguments[0]";
        main.script(larger, &[json!(format!("{percent}%"))]);
        desktop.xdotool(&["windowsize", "--sync", &window, width, height]).expect("it can be sized");
        main.until("the window's size", || {
            (main.script("return innerWidth", &[]) == width.parse::<u32>().ok()?).then_some(())
        });
        for view in views {
            main.click(view);
            settled(main);
            let place = format!("{view} in {language} at {percent} %, {width} wide");
            faults.extend(main.layout_faults().into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    assert_eq!(faults, [""; 0]);
}

const OPEN: &str = "return document.querySelector('dialog[open]') !== null";

#[derive(Default)]
struct Looked {
    faults: Vec<String>,
}

impl Looked {
    fn at(&mut self, window: &AppWindow, place: &str) {
        settled(window);
        self.faults.extend(found(window).into_iter().map(|fault| format!("{place}: {fault}")));
    }
}

/// Waits until colours and places are where they stay: nothing moves, and what is new is drawn.
fn settled(window: &AppWindow) {
    window.promise(
        "const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
         await frame();
         await frame();
         const moves = document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity);
         await Promise.allSettled(moves.map((one) => one.finished));
         return null",
        &[],
    );
}

/// What axe finds, one line each.
fn found(window: &AppWindow) -> Vec<String> {
    let is_there = window.script("return typeof window.axe === 'object'", &[]);
    if is_there != true {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(file).expect("`npm ci` brings it");
        window.script(&format!("{axe}; return null"), &[]);
    }
    let report = window.promise(
        "const [off] = arguments_;
         // To axe, what a window that cuts off has below its edge is hidden, and what is hidden is not looked at.
         const cutting = [...document.querySelectorAll('*')].filter(
           (element) => getComputedStyle(element).overflowY === 'hidden' && element.scrollHeight > 200);
         const restore = cutting.map((element) => [element, element.style.overflow]);
         for (const element of cutting) element.style.overflow = 'visible';
         const { violations } = await window.axe.run(document.querySelector('dialog[open]') ?? document, {
           preload: false,
           resultTypes: ['violations'],
           rules: Object.fromEntries(off.map((id) => [id, { enabled: false }])),
         });
         for (const [element, overflow] of restore) element.style.overflow = overflow;
         return violations.flatMap(({ id, nodes }) =>
           nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`));",
        &[json!(OF_SITES)],
    );
    let Value::Array(faults) = report else { panic!("axe did not run: {report}") };
    faults.into_iter().filter_map(|fault| Some(fault.as_str()?.to_owned())).collect()
}
