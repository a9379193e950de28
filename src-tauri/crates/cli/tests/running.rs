//! `papr` while the app runs: the real binary, and a process that hosts a real engine behind the real socket.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod host;
#[allow(dead_code)] // what another test uses of it
mod keyring;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use host::App;
use keyring::{Home, Keychain};
use papr_fake::{FakePapr, Options};
use serde_json::Value;

const ALICE: &str = "key-alice-0123456789";

/// Not a test: what [`App`] starts in a process of its own.
#[test]
fn hosts_an_app() {
    host::serve_if_asked();
}

/// Somebody's machine, without a model: words are enough here.
struct Desk {
    home: Home,
    papr: Option<FakePapr>,
}

impl Desk {
    fn new() -> Self {
        Self { home: Home::new(Keychain::None), papr: None }
    }

    fn with_account() -> Self {
        let options = Options::new().key(ALICE, "alice").seed(7);
        Self { home: Home::new(Keychain::Unlocked), papr: Some(FakePapr::start(options).unwrap()) }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let mut variables = self.home.environment();
        variables.push(("PATH", std::env::var_os("PATH").unwrap().into()));
        variables.push(("PAPR_RESOURCES", "/nowhere".into()));
        variables.extend(self.papr.iter().map(|papr| ("PAPR_BASE_URL", papr.url().into())));
        variables
    }

    fn app(&self) -> App {
        App::start(&self.data(), papr_cli::VERSION, &self.environment())
    }

    /// In the home's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_papr"));
        command.env_clear().envs(self.environment()).current_dir(self.home.path());
        command.args(["--data-dir", "data"]).args(arguments);
        command
    }

    fn given(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that refuses its input may be gone before it has read it.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.given(arguments, b"")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs `line` in a shell at a terminal; types `keys` once `prompt` is seen, and returns what was on the screen.
    fn at_terminal(&self, line: &str, prompt: &str, keys: &[u8]) -> String {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", line, "/dev/null"]).env_clear();
        script.envs(self.environment()).current_dir(self.home.path()).env("TERM", "xterm");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut typing, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains(prompt) {
            let mut some = [0; 256];
            let read = screen.read(&mut some).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
            shown.extend(&some[..read]);
        }
        typing.write_all(keys).unwrap();
        screen.read_to_end(&mut shown).unwrap();
        child.wait().unwrap();
        String::from_utf8(shown).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn failed(output: &Output, code: i32, says: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    for words in says {
        assert!(stderr(output).contains(words), "{words:?} is not in {:?}", stderr(output));
    }
    assert!(output.stdout.is_empty(), "a failure prints no result");
}

/// What a program sees of a command, without the times that differ from run to run.
fn seen(output: &Output) -> (Option<i32>, String, String) {
    let mut out = String::from_utf8(output.stdout.clone()).unwrap();
    if let Ok(Value::Object(mut reply)) = serde_json::from_str::<Value>(&out)
        && reply.contains_key("timings")
    {
        reply.remove("timings");
        out = Value::Object(reply).to_string();
    } else if let Some(at) = out.find(" ms (embed") {
        let line = out[..at].rfind(" · ").unwrap();
        out.truncate(line);
    }
    (output.status.code(), out, stderr(output))
}

#[test]
fn a_command_does_the_same_with_the_app_and_without() {
    let desk = Desk::new();
    let lines = "{\"content\": \"Alice prefers dark roast\", \"topics\": [\"coffee\"]}\n\
                 {\"content\": \"Run a half marathon in spring\", \"tier\": 0}\nnot json\n";
    fs::write(desk.home.path().join("in.jsonl"), lines).unwrap();
    assert!(desk.run(&["import", "in.jsonl"]).status.success());
    let id = desk.json(&["search", "roast", "--mode", "words"])["hits"][0]["id"].as_str().unwrap().to_owned();
    let commands: Vec<Vec<&str>> = vec![
        vec!["list"],
        vec!["list", "--json"],
        vec!["list", "--tier", "goals", "--after", "2020-01-01"],
        vec!["facets"],
        vec!["get", &id],
        vec!["get", &id, "--json"],
        vec!["search", "roast"],
        vec!["search", "roast", "--json"],
        vec!["search", "nothing like it", "--mode", "words"],
        vec!["status"],
        vec!["export", "-"],
        vec!["export", "out.jsonl"],
        vec!["import", "in.jsonl"],
        vec!["import", "none.jsonl"],
        vec!["import", "none.jsonl", "--json"],
        vec!["edit", &id],
        vec!["get", "0199aaaa-0000-7000-8000-000000000000"],
        vec!["get", "0199aaaa-0000-7000-8000-000000000000", "--json"],
        vec!["delete", "0199aaaa-0000-7000-8000-000000000000"],
        vec!["search", "roast", "-k", "0"],
        vec!["search", "roast", "--tier", "attic"],
        vec!["add", ""],
        vec!["embed", "x"],
        vec!["models", "list"],
        vec!["backup", "verify", "none.backup"],
        vec!["outbox"],
        vec!["sync"],
        vec!["sync", "--status"],
        vec!["whoami"],
        vec!["logout"],
        vec!["login", "never-as-an-argument"],
        vec!["privacy"],
    ];
    let all = |desk: &Desk| commands.iter().map(|command| seen(&desk.run(command))).collect::<Vec<_>>();
    let without = all(&desk);
    let mut app = desk.app();
    for (command, (with, without)) in commands.iter().zip(all(&desk).iter().zip(&without)) {
        assert_eq!(with, without, "papr {command:?}");
    }
    assert!(app.ran() >= commands.len() - 3, "the app did them: {}", app.ran());
    let exported = fs::read_to_string(desk.home.path().join("out.jsonl")).unwrap();
    assert_eq!(exported.lines().count(), 2, "where the command was typed");
}

#[test]
fn a_memory_from_first_to_last_in_the_app() {
    let desk = Desk::new();
    let mut app = desk.app();
    let added = desk.given(&["add", "-", "--json", "--topic", "coffee"], "two\nlines ☕\n".as_bytes());
    assert!(stderr(&added).contains("Found by word only"), "{}", stderr(&added));
    let memory: Value = serde_json::from_slice(&added.stdout).unwrap();
    let id = memory["id"].as_str().unwrap();
    assert_eq!(memory["content"], "two\nlines ☕");
    assert_eq!(desk.json(&["edit", id, "green tea"])["rev"], 2);
    assert_eq!(desk.json(&["search", "tea", "--mode", "words"])["hits"][0]["id"], *id);
    assert_eq!(desk.json(&["delete", id])[0]["id"], *id);
    failed(&desk.run(&["get", id]), 2, &["there is no memory"]);
    assert_eq!(desk.json(&["restore", id])[0]["content"], "green tea");
    failed(&desk.given(&["add", "-"], b"\xff\xfe"), 2, &["not UTF-8"]);
    let lines: String = (0..3_000).map(|n| format!("{{\"content\": \"Crate {n}\"}}\n")).collect();
    let imported = desk.given(&["import", "-", "--json"], lines.as_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&imported.stdout).unwrap()["added"], 3_000);
    assert_eq!(app.ran(), 8);
    let export = desk.run(&["export", "-"]).stdout;
    app.quit();
    assert_eq!(desk.run(&["export", "-"]).stdout, export, "all of it is there without the app");
}

#[test]
fn what_needs_the_folder_to_itself_says_so() {
    let desk = Desk::new();
    let backup = desk.json(&["backup", "make"])["backup"]["path"].as_str().unwrap().to_owned();
    let mut app = desk.app();
    failed(&desk.run(&["compact"]), 3, &["needs the memories to itself", "Quit it first"]);
    failed(&desk.run(&["backup", "restore", &backup]), 3, &["needs the memories to itself"]);
    assert_eq!(app.ran(), 0);
    app.quit();
    assert!(desk.run(&["compact"]).status.success());
}

#[test]
fn a_folder_each() {
    let desk = Desk::new();
    let mut app = desk.app();
    let mut elsewhere = Command::new(env!("CARGO_BIN_EXE_papr"));
    elsewhere.env_clear().envs(desk.environment()).current_dir(desk.home.path());
    let output = elsewhere.env("PAPR_DATA_DIR", "other").args(["add", "apart"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(desk.home.path().join("other/memories").is_dir());
    assert_eq!(desk.json(&["list"]), Value::Array(Vec::new()));
    assert_eq!(app.ran(), 1, "its own folder's alone");
}

#[test]
fn an_app_of_another_version_is_told_with_what_to_do() {
    let desk = Desk::new();
    let _app = App::start(&desk.data(), "9.8.7", &desk.environment());
    failed(&desk.run(&["list"]), 3, &["version 9.8.7", papr_cli::VERSION, "quit it and start it again"]);
    failed(&desk.run(&["show"]), 3, &["version 9.8.7"]);
    failed(&desk.run(&["compact"]), 3, &["needs the memories to itself"]);
    let told: Value = serde_json::from_slice(&desk.run(&["list", "--json"]).stderr).unwrap();
    assert_eq!(told["error"]["code"], "STORE_LOCKED");
}

#[test]
fn windows_are_shown_where_there_is_an_app() {
    let desk = Desk::new();
    failed(&desk.run(&["quick"]), 1, &["does not run", "papr-desktop"]);
    let mut app = desk.app();
    assert_eq!(seen(&desk.run(&["quick"])), (Some(0), String::new(), String::new()));
    assert_eq!(seen(&desk.run(&["show"])), (Some(0), String::new(), String::new()));
    assert_eq!(app.shown(), ["Quick", "Main"]);
    let help = desk.run(&["quick", "--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("Wayland"));
}

#[test]
fn an_app_that_was_killed_is_in_nobodys_way() {
    let desk = Desk::new();
    let mut app = desk.app();
    desk.json(&["add", "kept"]);
    app.kill();
    assert!(desk.data().join("run/papr.sock").exists(), "nobody took it away");
    assert_eq!(desk.json(&["list"])[0]["content"], "kept");
    failed(&desk.run(&["show"]), 1, &["does not run"]);
    let mut app = desk.app();
    assert_eq!(desk.json(&["list"])[0]["content"], "kept");
    assert_eq!(app.ran(), 1, "the next one's socket takes its place");
}

#[test]
fn an_app_that_quits_ends_what_is_under_way() {
    let desk = Desk::new();
    let mut app = desk.app();
    let mut command = desk.command(&["add", "-"]);
    let waits = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    app.until_ran(1);
    let begun = Instant::now();
    app.quit();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Its standard input is still open.
    let output = waits_for(waits);
    failed(&output, 1, &["ended in the middle", "Look whether it was done"]);
    assert_eq!(desk.json(&["list"]), Value::Array(Vec::new()));
}

/// Without closing its standard input first.
fn waits_for(mut child: std::process::Child) -> Output {
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    output
}

#[test]
fn an_app_that_is_just_starting_is_waited_for() {
    let desk = Desk::new();
    desk.json(&["add", "kept"]);
    let (data, environment) = (desk.data(), desk.environment());
    let late = App::start_late(&data, Duration::from_millis(400), &environment);
    assert_eq!(desk.json(&["list"])[0]["content"], "kept");
    drop(late);
}

#[test]
fn a_key_goes_through_the_app_and_is_seen_nowhere() {
    let desk = Desk::with_account();
    let mut app = desk.app();
    let signed_in = desk.given(&["login", "--json"], format!("{ALICE}\n").as_bytes());
    assert!(signed_in.status.success(), "{}", stderr(&signed_in));
    assert_eq!(desk.json(&["whoami"])["last_four"], "6789");
    assert_eq!(desk.json(&["logout", "--keep"])["key_removed"], true);
    failed(&desk.given(&["login"], b"short\n"), 2, &["cannot be a Papr key"]);

    let login = format!("{} --data-dir data login", env!("CARGO_BIN_EXE_papr"));
    let shown = desk.at_terminal(&login, "paste it): ", format!("{ALICE}\n").as_bytes());
    assert!(shown.contains("Signed in at") && shown.contains("ends in 6789"), "{shown}");
    assert!(!shown.contains(ALICE), "{shown}");
    assert!(desk.run(&["sync"]).status.success());
    assert!(desk.run(&["logout", "--wipe", "--yes"]).status.success());

    let logged = app.quit();
    assert!(logged.contains("DEBUG"), "logs are looked at: {logged}");
    assert!(!logged.contains(ALICE), "{logged}");
    let keychain = desk.home.path().join("home/data/keyrings");
    for file in files(desk.home.path()).iter().filter(|file| !file.starts_with(&keychain)) {
        let bytes = fs::read(file).unwrap();
        assert!(!bytes.windows(ALICE.len()).any(|part| part == ALICE.as_bytes()), "{}", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

#[test]
fn ctrl_c_at_the_key_prompt_leaves_the_terminal_as_it_was() {
    let desk = Desk::with_account();
    let line = format!("{} --data-dir data login; echo code $?; stty -a", env!("CARGO_BIN_EXE_papr"));
    let check = |desk: &Desk| {
        let shown = desk.at_terminal(&line, "paste it): ", b"key-al\x03");
        assert!(shown.contains("code 130"), "{shown}");
        assert!(!shown.contains("key-al"), "{shown}");
        for mode in ["echo", "icanon", "isig", "iexten"] {
            assert!(shown.split_whitespace().any(|shown| shown == mode), "{mode} is off: {shown}");
        }
    };
    check(&desk);
    let mut app = desk.app();
    check(&desk);
    assert_eq!(app.ran(), 1);
    assert_eq!(desk.json(&["whoami"]), Value::Null);
}

#[test]
fn a_watch_of_the_apps_sync_ends_well() {
    let desk = Desk::with_account();
    let mut app = desk.app();
    assert!(desk.given(&["login"], ALICE.as_bytes()).status.success());
    let mut command = desk.command(&["sync", "--watch", "--json"]);
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0];
    watch.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert!(desk.run(&["list"]).status.success(), "others are served meanwhile");
    let interrupted = Command::new("kill").args(["-s", "INT", &watch.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    app.until_idle();
}

#[test]
fn bars_are_drawn_at_the_other_end() {
    let desk = Desk::new();
    let lines: String = (0..30_000).map(|n| format!("{{\"content\": \"Crate {n}\"}}\n")).collect();
    fs::write(desk.home.path().join("in.jsonl"), lines).unwrap();
    let _app = desk.app();
    let line = format!("{} --data-dir data import in.jsonl", env!("CARGO_BIN_EXE_papr"));
    let shown = desk.at_terminal(&line, "Lines read", b"");
    assert!(shown.contains("30000 added"), "{shown}");
    assert!(shown.contains("\x1b[2K"), "the bar is taken away: {shown:?}");
}
