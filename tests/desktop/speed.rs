//! From a key that is pressed to results that are painted, in the real window. The figure is printed, not tested: a busy
//! machine would miss any.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{search, timed};
use super::{BINARY, Desktop, Launch, until};

/// From a key's event to the task behind the frame that shows the rows of the text as it was after that key. A key after
/// which the rows stay as they were is not counted, nor one whose text was never asked for because the next key came, nor
/// a space, which asks for nothing new. The engine's clock of events runs a little ahead of the page's at times: then the
/// time at which the page heard of the key counts.
const WATCH: &str = "
    window.painted = [];
    const field = document.querySelector('[role=combobox]');
    const pressed = new Map();
    let key = 0, answer = null;
    field.addEventListener('keydown', (event) => { key = Math.min(event.timeStamp, performance.now()); }, true);
    field.addEventListener('input', () => {
        const text = field.value.trim();
        if (!pressed.has(text)) pressed.set(text, key);
    }, true);
    const fetch = window.fetch;
    window.fetch = async (url, how) => {
        const reply = await fetch(url, how);
        if (String(url).endsWith('/search')) {
            answer = JSON.parse(typeof how.body === 'string' ? how.body : new TextDecoder().decode(how.body)).question.text;
        }
        return reply;
    };
    const inList = (node) => node instanceof Element && node.closest('[role=listbox]');
    new MutationObserver((changes) => {
        const from = pressed.get(answer);
        if (from === undefined || !changes.some(({ target }) => inList(target) || inList(target.parentElement))) return;
        pressed.set(answer, undefined);
        requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => window.painted.push(performance.now() - from);
            port2.postMessage(null);
        });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
";

const TYPED: [&str; 6] = [
    "who paid for the harbour lamp",
    "green stone near the bridge",
    "what did ingrid say of coffee",
    "lantern repaired in the north",
    "the violin of the old school",
    "how warm is the cellar in march",
];

#[test]
fn each_key_that_is_typed_changes_what_is_painted() {
    let long = env::var_os("PAPR_LONG").is_some();
    let (memories, typed) = if long { (10_000, &TYPED[..]) } else { (500, &TYPED[..1]) };
    let desktop = Desktop::start();
    let file = desktop.path("many.jsonl");
    fs::write(&file, sentences(memories)).expect("files can be written");
    let mut import = Command::new(Path::new(BINARY).with_file_name("papr"));
    desktop.surround(&mut import);
    let done = import.arg("import").arg(&file).output().expect("`papr` is built with the workspace");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let app = desktop.open(&Launch::default());
    let main = &app.main;
    search(&desktop, main, "lantern");
    timed(main);
    until("a vector for each memory", || {
        let status = main.invoke("status", &json!({})).ok()?;
        (status["pending"] == 0).then_some(())
    });
    // What follows the last vector (its place on disk, the line that told of it) is not what is looked at here.
    thread::sleep(Duration::from_secs(3));
    main.script(WATCH, &[]);
    for text in typed {
        desktop.press("ctrl+k");
        main.ready_to_search();
        // Half of the delay goes by before the key is let go, half of it after: the next comes 130 ms later.
        desktop.xdotool(&["type", "--delay", "260", text]).expect("text can be typed");
        thread::sleep(Duration::from_millis(200));
    }
    let painted = main.script("return window.painted", &[]);
    let mut painted: Vec<f64> = painted.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    painted.sort_unstable_by(f64::total_cmp);
    let keys: usize = typed.iter().map(|text| text.len()).sum();
    assert!(painted.len() > keys / 3, "rows follow what is typed: {} times", painted.len());
    let at = |share: usize| painted[(painted.len() - 1) * share / 100];
    println!(
        "{memories} memories, {} of {keys} keys changed rows: painted after p50 {:.0} ms, p95 {:.0} ms, most {:.0} ms",
        painted.len(),
        at(50),
        at(95),
        at(100),
    );
}

/// Sentences of a few words each, no two of them the same: made up, and as long as notes are.
fn sentences(count: usize) -> String {
    const WHO: [&str; 10] = [
        "Ingrid",
        "Tomas",
        "the baker",
        "our neighbour",
        "Aiko",
        "the school",
        "Sven",
        "the choir",
        "Maria",
        "the office",
    ];
    const DID: [&str; 10] = [
        "repaired",
        "paid for",
        "found",
        "painted",
        "sold",
        "asked about",
        "measured",
        "lent",
        "described",
        "hid",
    ];
    const WHAT: [&str; 10] = [
        "the harbour lamp",
        "a green stone",
        "the coffee machine",
        "an old violin",
        "the lantern",
        "a map of the north",
        "the cellar door",
        "two bicycles",
        "the bridge's railing",
        "a box of letters",
    ];
    const WHERE: [&str; 10] = [
        "near the bridge",
        "in March",
        "before the meeting",
        "in the cellar",
        "for forty euros",
        "by the river",
        "on the second floor",
        "after the concert",
        "in the rain",
        "at the market",
    ];
    let mut lines = String::new();
    for number in 0..count {
        let (who, did) = (WHO[number % 10], DID[number / 10 % 10]);
        let (what, place) = (WHAT[number / 100 % 10], WHERE[number / 1000 % 10]);
        let content = format!("Note {number}: {who} {did} {what} {place}.");
        writeln!(lines, "{}", json!({ "content": content })).expect("strings take all");
    }
    lines
}
