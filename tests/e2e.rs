//! End to end: the real app in a real window, on a desktop of its own, used with the keyboard and the pointer.
//!
//! Only Linux has a driver for a web view inside an app that needs nothing but the system's own packages
//! (WebKitGTK's); elsewhere this file is empty and the app is tried by hand. What the tests need is installed by
//! `make test`; what is missing fails them and is named.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what is around a test fails like one

mod desktop;

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::json;

use desktop::steps::{FIRST_RUN, MAIN, QUICK, SHORTCUT, SlowData, locked, new_word, search, timed};
use desktop::tray::Tray;
use desktop::{AppWindow, Desktop, Launch, Program, until, wait_for_the_end_of};

#[test]
fn a_memory_lives_from_the_first_run_to_its_deletion() {
    let desktop = Desktop::start();
    let tray = Tray::on(&desktop);
    let (first, second) = (new_word(), new_word());
    let app = desktop.open(&Launch::default());
    let main = &app.main;

    main.shows(FIRST_RUN);
    main.click("Try it with samples");
    main.shows("150 sample memories added");
    main.shows("150 samples are here to try.");
    search(&desktop, main, "coffee");
    main.row("a meaning like coffee", |row| row.text.contains("Dark roast") && row.marked.is_empty());
    search(&desktop, main, "decaf");
    main.row("decaf marked in it", |row| row.marked == ["decaf"]);
    timed(main);
    desktop.press("Escape");
    main.click("Remove samples");
    main.shows("150 sample memories removed");
    main.shows(FIRST_RUN);

    desktop.press("ctrl+n");
    main.ready_to_write();
    desktop.write(&format!("The spare key is with {first}"));
    desktop.press("ctrl+Return");
    main.shows("Memory added");
    search(&desktop, main, &first);
    main.row("the word marked in it", |row| row.marked == [first.as_str()] && row.selected);

    desktop.press("ctrl+e");
    main.ready_to_write();
    desktop.press("ctrl+a");
    desktop.write(&format!("The spare key is with {second}"));
    desktop.press("ctrl+Return");
    main.shows("Changes saved");

    let running = desktop.apps();
    tray.choose("Quit Papr Desktop");
    wait_for_the_end_of(&running);
    drop(app);
    let app = desktop.open(&Launch::default());
    let main = &app.main;

    search(&desktop, main, &second);
    main.row("what was written last", |row| row.marked == [second.as_str()]);
    main.choose("How to search", "words");
    search(&desktop, main, &first);
    main.shows(&format!("Nothing found for “{first}”"));
    assert_eq!(main.rows(), [], "the old word is gone from the index");

    search(&desktop, main, &second);
    let kept = main.row("the memory", |row| row.marked == [second.as_str()]);
    desktop.press("Down");
    desktop.press("Delete");
    main.shows("Memory deleted");
    main.shows(&format!("Nothing found for “{second}”"));
    main.click("Undo");
    main.shows("Memory restored");
    assert_eq!(main.rows(), [kept]);
    search(&desktop, main, &second);
    desktop.press("Down");
    desktop.press("Delete");
    main.shows(&format!("Nothing found for “{second}”"));
    main.choose("How to search", "hybrid");
    until("no row", || main.rows().is_empty().then_some(()));

    main.click("Models");
    until("the model, ready", || main.text().contains("in use").then_some(()));
    let text = main.text();
    for fact in ["all-MiniLM-L6-v2", "384", "fp32", "CPU", "Load time"] {
        assert!(text.contains(fact), "{fact} is not in {text:?}");
    }
}

#[test]
fn a_window_may_do_what_it_was_granted_and_nothing_else() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);

    let refused = |window: &AppWindow, command: &str, arguments| match window.invoke(command, &arguments) {
        Err(why) => assert!(why.contains("not allowed"), "{command}: {why}"),
        Ok(done) => panic!("{command} was done: {done}"),
    };
    app.quick.invoke("status", &json!({})).expect("the quick window may ask how things are");
    let memories = ["edit", "add_samples", "remove_samples", "retry", "ids", "related"];
    let data =
        ["delete_everything", "export_memories", "import_memories", "move_data", "restore_backup", "choose"];
    let models = ["models", "install_model", "use_model", "remove_model", "import_model", "doctor"];
    let account = ["sign_in", "sign_out", "sync_now", "resolve", "ledger", "ask_papr", "set_local_only"];
    for command in memories.into_iter().chain(models).chain(account).chain(data) {
        refused(&app.quick, command, json!({ "id": "", "ids": [] }));
    }
    refused(&app.main, "hide_quick", json!({}));
    refused(&app.main, "show_main", json!({ "id": null, "edit": false }));
    for window in [&app.main, &app.quick] {
        refused(window, "plugin:event|emit", json!({ "event": "open-memory", "payload": "x" }));
        refused(window, "plugin:window|close", json!({ "label": "main" }));
        refused(window, "plugin:webview|create_webview_window", json!({ "options": { "label": "x" } }));
        refused(window, "plugin:global-shortcut|unregister_all", json!({}));
        refused(window, "plugin:autostart|enable", json!({}));
        refused(window, "plugin:dialog|open", json!({ "options": {} }));
        refused(window, "plugin:opener|open_url", json!({ "url": "https://papr.ai" }));
        refused(window, "plugin:notification|notify", json!({ "options": { "title": "x" } }));
        refused(window, "plugin:store|load", json!({ "path": "desktop.json" }));
    }
    app.main.shows(FIRST_RUN);

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let origin = format!("http://{}", server.local_addr().unwrap());
    let blocked = app.main.promise(
        "const [origin] = arguments_;
         const blocked = new Set();
         addEventListener('securitypolicyviolation', (event) => blocked.add(event.effectiveDirective));
         const script = document.createElement('script');
         script.textContent = 'window.inlineRan = true';
         document.body.append(script);
         try { (0, eval)('window.evalRan = true'); } catch { blocked.add('eval'); }
         await fetch(origin).catch(() => blocked.add('fetch'));
         for (const tag of ['img', 'script']) {
           const outside = document.createElement(tag);
           const failed = new Promise((done) => (outside.onerror = done));
           outside.src = `${origin}/x`;
           document.body.append(outside);
           await failed;
         }
         await new Promise((done) => setTimeout(done));
         return { ran: [window.inlineRan, window.evalRan].filter(Boolean), blocked: [...blocked].sort() };",
        &[json!(origin)],
    );
    let directives = ["connect-src", "eval", "fetch", "img-src", "script-src", "script-src-elem"];
    assert_eq!(blocked, json!({ "ran": [], "blocked": directives }));
    let nobody = server.accept().map(|(_, caller)| caller).map_err(|error| error.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock), "nothing reached the outside");
}

#[test]
fn without_a_model_words_are_still_found() {
    let desktop = Desktop::start();
    let nothing = desktop.path("nothing");
    fs::create_dir(&nothing).unwrap();
    let app = desktop.open(&Launch { resources: Some(nothing), ..Launch::default() });
    let main = &app.main;
    main.click("Try it with samples");
    main.shows("150 sample memories added");
    search(&desktop, main, "decaf");
    main.row("decaf marked in it", |row| row.marked == ["decaf"]);
    main.shows("By word only: no model is installed.");
    let word = new_word();
    search(&desktop, main, &word);
    main.shows(&format!("Nothing found for “{word}”"));
    main.shows("Add this as a memory");
    main.click("Open Models");
    main.shows("not installed");
    main.shows("Search by word works without it.");
    main.shows("Try again");
}

#[test]
fn a_data_folder_that_is_in_use_is_said_to_be_and_opens_once_it_is_free() {
    let desktop = Desktop::start();
    let lock = locked(&desktop);
    let app = desktop.open(&Launch::default());
    app.main.shows("Papr is already using these memories");
    app.main.shows("Use the one that is open");
    app.main.click("Try again");
    app.main.shows("Papr is already using these memories");
    lock.unlock().unwrap();
    app.main.click("Try again");
    app.main.shows(FIRST_RUN);
    app.main.drops("already using");
}

#[test]
fn a_question_asked_while_the_memories_are_being_opened_is_answered_once_they_are() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.click("Try it with samples");
    app.main.shows("150 sample memories added");
    desktop.end(app);

    let slow = SlowData::of(&desktop);
    let app = desktop.open(&Launch::default());
    app.main.shows("Opening your memories");
    search(&desktop, &app.main, "decaf");
    desktop.press(SHORTCUT);
    app.quick.shows("Opening your memories");
    desktop.press("Escape");
    app.main.shows("Opening your memories");
    slow.go_on();
    app.main.row("decaf marked in it", |row| row.marked == ["decaf"]);
    app.main.drops("Opening your memories");
}

#[test]
fn the_app_can_be_quit_while_the_memories_are_being_opened() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    desktop.end(app);
    let tray = Tray::on(&desktop);
    let _slow = SlowData::of(&desktop);
    let mut app = Program::start(desktop.app(&Launch::default()).stdout(Stdio::null()));
    until("the main window", || desktop.shown(MAIN));
    tray.choose("Quit Papr Desktop");
    assert!(app.ends().success());
}

#[test]
fn the_quick_window_comes_and_goes_with_the_shortcut() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let (main, quick) = (&app.main, &app.quick);
    main.click("Try it with samples");
    main.shows("150 sample memories added");
    // Keys go to whichever window has the keyboard, which a window manager gives in its own time.
    let shown = || until("the quick window, with the keyboard", || desktop.active(QUICK));
    let hidden = || until("the quick window to go", || desktop.shown(QUICK).is_none().then_some(()));

    hidden();
    desktop.press(SHORTCUT);
    shown();
    quick.ready_to_search();
    desktop.write("decaf");
    quick.row("decaf marked in it", |row| row.marked == ["decaf"]);
    desktop.press(SHORTCUT);
    hidden();
    desktop.press(SHORTCUT);
    shown();
    quick.ready_to_search();
    assert_eq!(quick.typed(), "decaf", "the last question is kept");
    desktop.press("Escape");
    quick.until("the field to be cleared", || quick.typed().is_empty().then_some(()));
    assert!(desktop.shown(QUICK).is_some(), "the first Escape only clears");
    desktop.press("Escape");
    hidden();

    main.ready_to_search();
    desktop.press("alt+F4");
    until("the main window to be closed", || desktop.shown(MAIN).is_none().then_some(()));
    desktop.press(SHORTCUT);
    shown();
    quick.ready_to_search();
    desktop.write("decaf");
    let hit = quick.row("the best answer", |row| row.selected && !row.marked.is_empty());
    desktop.press("ctrl+Return");
    hidden();
    until("the main window", || desktop.shown(MAIN));
    let said = hit.text.lines().next().unwrap_or_default();
    let start: String = said.trim_matches('…').chars().take(30).collect();
    until("the memory in the main window", || {
        let article = main.script("return document.querySelector('article')?.innerText ?? ''", &[]);
        article.as_str()?.contains(&start).then_some(())
    });

    desktop.press("alt+F4");
    until("the main window to be closed again", || desktop.shown(MAIN).is_none().then_some(()));
    let mut again = Program::start(&mut desktop.app(&Launch::default()));
    assert!(again.ends().success(), "a second start ends well");
    until("the first one's window", || desktop.shown(MAIN));
    assert_eq!(desktop.apps().len(), 1, "one app runs");
}

#[test]
fn the_tray_opens_searches_and_quits() {
    let desktop = Desktop::start();
    let tray = Tray::on(&desktop);
    let mut app = Program::start(desktop.app(&Launch::default()).stdout(Stdio::null()));
    until("the main window", || desktop.shown(MAIN));
    until("the model in the menu", || {
        tray.labels().iter().any(|label| label.starts_with("Model: all-MiniLM")).then_some(())
    });
    let labels = tray.labels();
    for label in ["Quick search", "Open Papr Desktop", "Sign in to sync…", "Settings…", "Quit Papr Desktop"]
    {
        assert!(labels.iter().any(|other| other == label), "{label} is not in {labels:?}");
    }
    tray.choose("Quick search");
    until("the quick window, with the keyboard", || desktop.active(QUICK));
    tray.choose("Open Papr Desktop");
    until("the main window, with the keyboard", || desktop.active(MAIN));
    assert_eq!(desktop.shown(QUICK), None, "the quick window made way");
    tray.choose("Quit Papr Desktop");
    let status = app.ends();
    assert_eq!(status.code(), Some(0), "{status}");
    // An open store leaves an empty one.
    let seal = fs::metadata(desktop.data().join("memories/sealed")).unwrap();
    assert!(seal.len() > 0, "the memories were closed cleanly");
}

#[test]
fn searches_go_over_to_another_model_and_back() {
    const INT8: &str = "all-MiniLM-L6-v2 (int8)";
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let main = &app.main;
    main.shows(FIRST_RUN);
    for content in ["Dark roast, ground coarse, four minutes", "The car is due for inspection in May"] {
        let memory = json!({ "content": content, "tier": "memories", "topics": [] });
        main.invoke("add", &memory).expect("the main window may add");
    }
    let roast = || {
        search(&desktop, main, "how to make coffee");
        main.row("a meaning like coffee", |row| row.text.contains("Dark roast") && row.selected);
        timed(main);
    };
    let serves = |id: &str| {
        main.until(&format!("{id} to serve"), || {
            let status = main.invoke("status", &json!({})).ok()?;
            (status["model"]["id"] == id && status["switch"].is_null()).then_some(())
        });
    };
    roast();

    main.click("Models");
    for model in ["all-MiniLM-L6-v2", INT8, "bge-small-en-v1.5", "It can’t be used"] {
        main.shows(model);
    }
    main.click(&format!("Use {INT8}"));
    main.shows("Your 2 memories are read again by it.");
    desktop.press("Escape");
    main.drops("are read again");
    serves("all-minilm-l6-v2");
    main.click(&format!("Use {INT8}"));
    main.shows("are read again");
    desktop.press("Return");
    serves("all-minilm-l6-v2-int8");
    main.shows(&format!("Searches use {INT8} now"));
    roast();

    main.click("Models");
    main.click("Use all-MiniLM-L6-v2");
    main.click("Use it");
    serves("all-minilm-l6-v2");
    roast();

    main.click("Models");
    main.click("Check everything");
    main.shows("Copy report");
    let found = main.script(
        "return [...document.querySelectorAll('main .verdict')].map((verdict) => [
             verdict.parentElement.querySelector('h3').textContent,
             verdict.innerText.trim(),
         ])",
        &[],
    );
    let looks =
        ["runtime", "model files", "vectors", "batches", "device", "memory", "disk", "caches", "store"];
    let verdicts = found.as_array().expect("a list of findings");
    assert_eq!(verdicts.iter().map(|pair| &pair[0]).collect::<Vec<_>>(), looks);
    for pair in verdicts {
        let well = ["fine", "worth knowing"].contains(&pair[1].as_str().unwrap_or_default());
        assert!(well, "{pair}; the window says {:?}", main.text());
    }
}
