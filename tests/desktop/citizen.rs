//! The app as a citizen of the desktop: first steps, shortcut, tray, settings, library, and the end of it all.

use std::env;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::steps::{FIRST_RUN, MAIN, QUICK, SHORTCUT, new_word, search, timed};
use super::tray::Tray;
use super::{AppWindow, Desktop, Launch, Program, until, wait_for_the_end_of};

#[test]
fn the_first_steps_lead_to_a_first_result() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch { welcome: true, ..Launch::default() });
    let main = &app.main;
    main.shows("Step 1 of 4");
    main.click("Next");
    main.shows("Step 2 of 4");
    desktop.press(SHORTCUT);
    until("the quick window, with the keyboard", || desktop.active(QUICK));
    desktop.press("Escape");
    until("the quick window to go", || desktop.shown(QUICK).is_none().then_some(()));
    main.shows("It works");
    main.click("Next");
    main.shows("Step 3 of 4");
    main.shows("all-MiniLM-L6-v2 is ready");
    main.click("Next");
    main.shows("Step 4 of 4");
    main.click_on("the switch", "//*[@role='switch']");
    main.until("local only", || {
        let status = main.invoke("status", &json!({})).ok()?;
        (status["sync"]["localOnly"] == true).then_some(())
    });
    main.click("Next");
    main.click("Add the samples and search");
    main.shows("The samples are here.");
    main.click("the heating at home is cold");
    main.row("a first result, by its meaning", |row| row.text.contains("boiler"));
    timed(main);
    desktop.end(app);
    let app = desktop.open(&Launch { welcome: true, ..Launch::default() });
    app.main.shows("150 samples are here to try.");
    let status = app.main.invoke("status", &json!({})).expect("it is open");
    assert_eq!(status["sync"]["localOnly"], true, "what was chosen on the way holds");
    desktop.end(app);
}

#[test]
fn the_first_steps_can_be_left_and_do_not_come_again() {
    let desktop = Desktop::start();

    let app = desktop.open(&Launch { welcome: true, ..Launch::default() });
    app.main.shows("Step 1 of 4");
    app.main.ready();
    desktop.press("Escape");
    app.main.shows(FIRST_RUN);
    desktop.end(app);
    let app = desktop.open(&Launch { welcome: true, ..Launch::default() });
    app.main.shows(FIRST_RUN);
    app.main.drops("Step 1 of 4");
}

#[test]
fn a_shortcut_that_another_program_has_is_refused_and_the_old_one_stays() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let main = &app.main;
    main.shows(FIRST_RUN);
    // Openbox has this one.
    let refused = main.invoke("change_settings", &json!({ "change": { "shortcut": "Alt+F4" } }));
    let why = refused.expect_err("the window manager holds it");
    assert!(why.contains("Alt+F4") && why.contains("another program"), "{why}");
    let unreadable = main.invoke("change_settings", &json!({ "change": { "shortcut": "Ctrl+Nonsense" } }));
    assert!(unreadable.expect_err("there is no such key").contains("Ctrl+Nonsense"));
    let works = |keys: &str| {
        desktop.press(keys);
        until("the quick window, with the keyboard", || desktop.active(QUICK));
        desktop.press("Escape");
        until("the quick window to go", || desktop.shown(QUICK).is_none().then_some(()));
    };
    works(SHORTCUT);
    let settings = main.invoke("change_settings", &json!({ "change": { "shortcut": "Ctrl+Alt+KeyJ" } }));
    assert_eq!(settings.expect("it is free")["shortcut"], "Ctrl+Alt+KeyJ");
    works("ctrl+alt+j");
    desktop.press(SHORTCUT);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(desktop.shown(QUICK), None, "the old one is anybody's now");
    desktop.end(app);
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    works("ctrl+alt+j");
}

#[test]
fn what_is_chosen_holds_after_a_restart_and_damage_is_told() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    let change =
        json!({ "change": { "theme": "dark", "language": "de", "results": 25, "goalsFirst": true } });
    app.main.invoke("change_settings", &change).expect("all of it can be chosen");
    app.main.shows("Einstellungen");
    let refused =
        app.main.invoke("change_settings", &json!({ "change": { "results": 1001, "theme": "light" } }));
    refused.expect_err("a page has at most 1,000 rows");
    desktop.end(app);
    let app = desktop.open(&Launch::default());
    app.main.shows("Einstellungen");
    let settings = app.main.invoke("settings", &json!({})).expect("they can be read");
    for (name, value) in [("theme", json!("dark")), ("language", json!("de")), ("results", json!(25))] {
        assert_eq!(settings[name], value, "{name} holds, and a refused change left nothing behind");
    }
    desktop.end(app);
    fs::write(desktop.data().join("desktop.json"), "{ half").expect("files can be written");
    let app = desktop.open(&Launch::default());
    app.main.shows("desktop.json.damaged-1");
}

#[test]
fn launch_at_login_is_what_the_system_has() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    let entry = desktop.path("home/.config/autostart");
    let read = |window: &AppWindow| window.invoke("settings", &json!({})).expect("they can be read");
    assert_eq!(read(&app.main)["launchAtLogin"], false);
    app.main
        .invoke("change_settings", &json!({ "change": { "launchAtLogin": true } }))
        .expect("it can be chosen");
    let file = fs::read_dir(&entry).expect("there is an entry").flatten().next().expect("of this app").path();
    assert!(fs::read_to_string(&file).expect("it can be read").contains("--hidden"));
    fs::remove_file(&file).expect("the person removes it elsewhere");
    assert_eq!(read(&app.main)["launchAtLogin"], false, "as the system has it, not as it was chosen here");
    desktop.end(app);

    let mut hidden = Program::start(desktop.app(&Launch::default()).arg("--hidden").stdout(Stdio::null()));
    until("the app to answer", || {
        desktop.press(SHORTCUT);
        desktop.active(QUICK)
    });
    assert_eq!(desktop.shown(MAIN), None, "as it was asked to");
    let mut again = Program::start(&mut desktop.app(&Launch::default()));
    assert!(again.ends().success());
    until("the main window", || desktop.shown(MAIN));
    let tray_less = desktop.apps();
    for id in &tray_less {
        let _ = std::process::Command::new("kill").arg(id).status();
    }
    wait_for_the_end_of(&tray_less);
    assert!(!hidden.ends().success(), "it was ended by a signal");
}

#[test]
fn the_tray_leads_to_views_and_pauses_sync() {
    let desktop = Desktop::start();
    let tray = Tray::on(&desktop);
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    tray.choose("Settings…");
    app.main.shows("Delete everything");
    tray.choose("Sign in to sync…");
    app.main.shows("Papr key");
    app.main.invoke("change_settings", &json!({ "change": { "language": "de" } })).expect("it can be chosen");
    tray.choose("Schnellsuche");
    until("the quick window, with the keyboard", || desktop.active(QUICK));
}

#[test]
fn the_library_moves_many_and_takes_it_back() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let main = &app.main;
    main.click("Try it with samples");
    main.shows("150 sample memories added");
    main.click("Library");
    main.shows("150");
    main.click("Select all");
    main.shows("150 selected");
    let goals = |window: &AppWindow| {
        window.invoke("status", &json!({})).expect("it is open")["counts"]["goals"].clone()
    };
    let before = goals(main);
    main.click("Move to goals");
    until("all of them among the goals", || (goals(main) == 150).then_some(()));
    main.click("Undo");
    until("those back that were moved", || (goals(main) == before).then_some(()));
}

#[test]
fn idle_costs_nothing_and_the_windows_come_at_once() {
    let desktop = Desktop::start();
    let begun = Instant::now();
    let mut app = Program::start(desktop.app(&Launch::default()).stdout(Stdio::null()));
    until("the main window", || desktop.shown(MAIN));
    let window = begun.elapsed();
    until("the main window, with the keyboard", || desktop.active(MAIN));
    std::thread::sleep(Duration::from_secs(1));
    desktop.press(SHORTCUT);
    until("the quick window, with the keyboard", || desktop.active(QUICK));
    desktop.press("Escape");
    until("the quick window to go", || desktop.shown(QUICK).is_none().then_some(()));
    let begun = Instant::now();
    desktop.press(SHORTCUT);
    let quick = loop {
        if desktop.active(QUICK).is_some() {
            break begun.elapsed();
        }
    };
    desktop.press("Escape");
    until("the main window, with the keyboard again", || desktop.active(MAIN));
    desktop.press("alt+F4");
    until("no window", || desktop.shown(MAIN).is_none().then_some(()));
    // What the start began is done by then.
    std::thread::sleep(Duration::from_secs(8));
    let long = env::var_os("PAPR_LONG").is_some();
    let watched = Duration::from_secs(if long { 60 } else { 10 });
    let before = desktop.ticks();
    std::thread::sleep(watched);
    let after = desktop.ticks();
    let ticks: u64 = after.iter().zip(&before).map(|((_, after), (_, before))| after - before).sum();
    println!(
        "main window {} ms, quick window {} ms (both with xdotool's own time), {ticks} ticks of 10 ms in {} s, {} MB of memory",
        window.as_millis(),
        quick.as_millis(),
        watched.as_secs(),
        desktop.held() / 1_000_000,
    );
    // Left is sled's: its threads look for work once a second. Anything of ours that spins would be far above this.
    let most = watched.as_secs() * 2;
    assert!(ticks <= most, "an idle app works for {ticks} hundredths of a second in {watched:?}");
    for id in desktop.apps() {
        let _ = std::process::Command::new("kill").arg(id).status();
    }
    assert!(!app.ends().success(), "it was ended by a signal");
}

#[test]
fn the_terminal_talks_to_the_app() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    app.main.shows(FIRST_RUN);
    let run = |arguments: &[&str]| desktop.papr(&Launch::default(), arguments);
    let word = new_word();
    run(&["add", &format!("The password of the boiler is {word}")]);
    search(&desktop, &app.main, &word);
    app.main.row("what was written in the terminal", |row| row.marked == [word.as_str()]);
    assert!(run(&["search", &word]).contains(&word));
    run(&["quick"]);
    until("the quick window, with the keyboard", || desktop.active(QUICK));
    run(&["show"]);
    until("the main window, with the keyboard", || desktop.active(MAIN));
}

impl Desktop {
    /// Clock ticks that all processes of this desktop's app have used, its web views included.
    fn ticks(&self) -> Vec<(String, u64)> {
        let used = |id: &String| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
            let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            Some((format!("{id} {}", stat.split(')').next()?), ticks))
        };
        self.of_the_app().iter().filter_map(used).collect()
    }

    /// Bytes of memory that they hold; what several share counts by its share (`Pss` of proc(5)).
    fn held(&self) -> u64 {
        let kilobytes = |id: &String| {
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.of_the_app().iter().filter_map(kilobytes).sum::<u64>() * 1024
    }

    fn of_the_app(&self) -> Vec<String> {
        let names = ["papr-desktop", "WebKitWebProces", "WebKitNetworkPr"];
        let named = |id: &String| {
            let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            names.contains(&name.trim())
        };
        self.processes().into_iter().filter(named).collect()
    }
}
