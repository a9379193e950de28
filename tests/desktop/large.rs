//! A library of 10,000 memories, or of 100,000 with `PAPR_LONG`, in the real window: scrolled as by wheel, and by keyboard to its
//! end, with few rows in the page at any time. What a frame took is measured and told.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use serde_json::json;

use super::{AppWindow, Desktop, Launch};

/// Rows in the page, at the most: those in sight and some beside them.
const MOST_ROWS: u64 = 60;
/// The last memory of the list: the oldest.
const LAST: &str = "Note 0:";

#[test]
fn a_large_library_scrolls() {
    let count = if env::var_os("PAPR_LONG").is_some() { 100_000 } else { 10_000 };
    let desktop = Desktop::start();
    let nothing = desktop.path("nothing");
    fs::create_dir(&nothing).expect("folders can be made");
    // Without a model nothing is read in the background, and what is measured is the list.
    let launch = Launch { resources: Some(nothing), ..Launch::default() };
    let file = desktop.path("many.jsonl");
    let mut lines = String::new();
    for n in 0..count {
        let (day, second) = (n / 86_400, n % 86_400);
        let at = format!(
            "2026-01-{:02}T{:02}:{:02}:{:02}Z",
            day + 1,
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        let text = format!("Note {n}: the harbour was quiet and rain fell on slate roof {}", n % 97);
        let line = json!({ "content": text, "created_at": at });
        writeln!(lines, "{line}").expect("text grows");
    }
    fs::write(&file, lines).expect("files can be written");
    let begun = Instant::now();
    desktop.papr(&launch, &["import", &file.display().to_string()]);
    let filled = begun.elapsed();

    let begun = Instant::now();
    let app = desktop.open(&launch);
    let main = &app.main;
    main.click("Library");
    rows(main, "the first rows", |rows| rows.first.is_some());
    let opened = begun.elapsed();
    main.shows(if count == 10_000 { "10,000 memories" } else { "100,000 memories" });

    // Until then memories are read, newer ones above the row that is looked at: it goes down with the list.
    main.until("room for every row", || {
        let rows = main.script(
            "const box = document.querySelector('[role=listbox]');
             return Math.round(box.scrollHeight / box.querySelector('[role=option]').offsetHeight)",
            &[],
        );
        (rows == count).then_some(())
    });
    main.script("document.querySelector('[role=listbox]').scrollTop = 0", &[]);
    rows(main, "the first row of all", |rows| rows.top == 0 && rows.first.is_some());

    // As a wheel does: some rows with each frame.
    watch_frames(main);
    let scrolled = main.promise(
        "const box = document.querySelector('[role=listbox]');
         for (let turn = 0; turn < 120; turn += 1) {
           box.scrollBy(0, 240);
           await new Promise((drawn) => requestAnimationFrame(drawn));
         }
         return Math.round(box.scrollTop)",
        &[],
    );
    assert_eq!(scrolled, 120 * 240, "nothing holds it up");
    rows(main, "rows further down", |rows| rows.top == 120 * 240);
    let wheel = frames(main);

    // By keyboard, page by page, and then to the end.
    main.script("document.querySelector('[role=listbox]').focus()", &[]);
    main.ready();
    watch_frames(main);
    let before = rows(main, "rows", |_| true).top;
    let pages = ["Next"; 30];
    desktop.xdotool(&[&["key", "--delay", "16"][..], &pages[..]].concat()).expect("keys can be pressed");
    rows(main, "rows other than before", |rows| rows.top != before);
    desktop.press("End");
    rows(main, "the last row", |rows| rows.last.as_deref().is_some_and(|text| text.contains(LAST)));
    let keys = frames(main);
    desktop.press("Home");
    rows(main, "the first row", |rows| rows.top == 0 && rows.first.is_some());
    println!(
        "{count} memories: filled in {:.1} s, window with rows after {:.1} s; frames by wheel {wheel}, by keyboard {keys}",
        filled.as_secs_f64(),
        opened.as_secs_f64(),
    );
}

struct Rows {
    top: u64,
    first: Option<String>,
    last: Option<String>,
}

/// Waits for rows that satisfy, none of them empty; there are few at any time.
fn rows(main: &AppWindow, what: &str, satisfies: impl Fn(&Rows) -> bool) -> Rows {
    main.until(what, || {
        let seen = main.script(
            "const box = document.querySelector('[role=listbox]');
             if (!box) return null;
             const edge = box.getBoundingClientRect();
             const all = [...box.querySelectorAll('[role=option]')];
             const sight = all.filter((row) => {
               const at = row.getBoundingClientRect();
               return at.bottom > edge.top + 1 && at.top < edge.bottom - 1;
             });
             const covered = sight.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0);
             return { top: Math.round(box.scrollTop), count: all.length, first: sight[0]?.innerText,
               last: sight.at(-1)?.innerText, whole: covered + 1 >= Math.min(edge.height, box.scrollHeight) }",
            &[],
        );
        let count = seen["count"].as_u64()?;
        assert!(count <= MOST_ROWS, "{count} rows are in the page");
        let text = |name: &str| seen[name].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let rows = Rows { top: seen["top"].as_u64()?, first: text("first"), last: text("last") };
        (seen["whole"] == true && satisfies(&rows)).then_some(rows)
    })
}

/// Begins to note how long each frame takes.
fn watch_frames(main: &AppWindow) {
    main.script(
        "window.frameTimes = [];
         let before = performance.now();
         const run = window.frameRun = {};
         const frame = (now) => {
           if (window.frameRun !== run) return;
           window.frameTimes.push(now - before);
           before = now;
           requestAnimationFrame(frame);
         };
         requestAnimationFrame((now) => { before = now; requestAnimationFrame(frame); });
         return null",
        &[],
    );
}

/// What they took, in words: a figure, which says nothing on a machine that is busy with something else.
fn frames(main: &AppWindow) -> String {
    let told = main.script(
        "window.frameRun = null;
         const times = window.frameTimes.sort((a, b) => a - b);
         const at = (share) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
         return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms of ${times.length}`",
        &[],
    );
    told.as_str().unwrap_or_default().to_owned()
}
