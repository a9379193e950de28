//! Text that comes from outside: files dropped onto the window, text pasted beside a field. The window gets the events that
//! the web engine makes of a drag, with the engine's own `DataTransfer`; pasting is done with the keyboard.

use serde_json::{Value, json};

use super::steps::{FIRST_RUN, new_word, search};
use super::{AppWindow, Desktop, Launch};

#[test]
fn files_that_are_dropped_and_text_that_is_pasted_are_kept() {
    let desktop = Desktop::start();
    let app = desktop.open(&Launch::default());
    let main = &app.main;
    main.shows(FIRST_RUN);
    let (dropped, pasted) = (new_word(), new_word());

    drop_files(main, &[("ferns.md", json!(format!("# Ferns\n\nWater the {dropped} on Sundays.\n")))]);
    main.ready_to_write();
    desktop.press("ctrl+Return");
    main.shows("Memory added");
    search(&desktop, main, &dropped);
    main.row("what was in the file", |row| row.marked == [dropped.as_str()]);

    let refused = [
        ("photo.png", json!("x"), "Only .txt and .md files can be added"),
        ("long.txt", json!("x".repeat(15_001)), "a memory holds 15 kB at most"),
        ("empty.txt", json!(" \n"), "There is no text in it"),
        ("bytes.txt", json!([65, 0, 66, 0]), "It holds no text that can be read"),
    ];
    let files: Vec<(&str, Value)> = refused.iter().map(|(name, text, _)| (*name, text.clone())).collect();
    drop_files(main, &files);
    main.shows("Not added");
    for (name, _, why) in &refused {
        main.shows(name);
        main.shows(why);
    }
    main.click("Close");
    main.drops("Not added");

    // Beside a field: the heading of another view has the focus.
    main.click("Privacy");
    copied(&desktop, main, &format!("The ladder belongs to {pasted}"));
    desktop.press("ctrl+v");
    main.ready_to_write();
    main.until("the text in the form", || {
        let text = main.script("return document.querySelector('dialog textarea').value", &[]);
        text.as_str()?.ends_with(&pasted).then_some(())
    });
    desktop.press("ctrl+Return");
    main.shows("Memory added");
    main.click("Search");
    search(&desktop, main, &pasted);
    main.row("what was pasted", |row| row.marked == [pasted.as_str()]);
    let status = main.invoke("status", &json!({})).expect("it is open");
    assert_eq!(status["counts"]["memories"], 2, "nothing that was refused was kept");
}

/// Has the engine tell the page of files that are dropped on it: a text, or bytes.
fn drop_files(main: &AppWindow, files: &[(&str, Value)]) {
    let handled = main.script(
        "const data = new DataTransfer();
         for (const [name, text] of arguments[0]) {
           data.items.add(new File([typeof text === 'string' ? text : new Uint8Array(text)], name));
         }
         const tell = (type) => document.body.dispatchEvent(
           new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
         tell('dragenter');
         return [tell('dragover'), tell('drop')]",
        &[json!(files)],
    );
    assert_eq!(handled, json!([false, false]), "the window does not go to the file as to a page");
}

/// Puts text into the clipboard, as a person does: written in a field, marked and cut.
fn copied(desktop: &Desktop, main: &AppWindow, text: &str) {
    desktop.press("ctrl+n");
    main.ready_to_write();
    desktop.write(text);
    desktop.press("ctrl+a");
    desktop.press("ctrl+x");
    main.until("the text to be cut", || {
        (main.script("return document.querySelector('dialog textarea').value", &[]) == "").then_some(())
    });
    desktop.press("Escape");
    main.drops("What to remember");
    main.until("the form to close", || {
        (main.script("return document.querySelector('dialog[open]') === null", &[]) == true).then_some(())
    });
    main.script("document.activeElement.blur()", &[]);
}
