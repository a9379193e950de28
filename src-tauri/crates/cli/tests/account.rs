//! The account by command line, as a person and a program use it: the real binary, a real Secret Service on a bus of
//! the test's own, and a Papr server on the loopback.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod keyring;

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use keyring::{Home, Keychain};
use papr_fake::{Edit, FakePapr, NewMemory, Options, Place};
use serde_json::{Value, json};

const ALICE: &str = "key-alice-0123456789";
const KEY_VARIABLE: &str = "PAPR_MEMORY_API_KEY";

struct Desk {
    papr: FakePapr,
    home: Home,
    /// All that any command printed.
    said: RefCell<Vec<u8>>,
}

impl Desk {
    fn new(keychain: Keychain) -> Self {
        let options = Options::new().key(ALICE, "alice").seed(7);
        Self { papr: FakePapr::start(options).unwrap(), home: Home::new(keychain), said: RefCell::default() }
    }

    /// Without a model: words are enough here.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_papr"));
        command.arg("--data-dir").arg(self.data()).args(arguments).env_clear().envs(self.home.environment());
        command.env("PAPR_RESOURCES", "/nowhere").env("PAPR_BASE_URL", self.papr.url());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("memories")
    }

    /// Runs a command with `input` on its standard input.
    fn given(&self, command: &mut Command, input: &str) -> Output {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that refuses its input may be gone before it has read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        self.said.borrow_mut().extend([&output.stdout[..], &output.stderr[..]].concat());
        output
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.given(&mut self.command(arguments), "")
    }

    fn parsed(arguments: &[&str], output: &Output) -> Value {
        assert!(output.status.success(), "{arguments:?}: {}", stderr(output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The JSON that a command prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        Self::parsed(arguments, &output)
    }

    /// What a command prints for people.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn login(&self) -> Value {
        let arguments = ["login", "--json"];
        let output = self.given(&mut self.command(&arguments), &format!("{ALICE}\n"));
        Self::parsed(&arguments, &output)
    }

    /// The ids of the memories here with this text in them.
    fn id_of(&self, text: &str) -> String {
        let list = self.json(&["list"]);
        let mut found = list
            .as_array()
            .unwrap()
            .iter()
            .filter(|memory| memory["content"].as_str().is_some_and(|content| content.contains(text)));
        found.next().unwrap_or_else(|| panic!("{text:?} is not in {list}"))["id"].as_str().unwrap().to_owned()
    }

    fn key_was_never_shown(&self) {
        assert!(!holds(&self.said.borrow(), ALICE), "a command printed the key");
        assert_eq!(stands_in(self.home.path(), ALICE), [""; 0].map(PathBuf::from), "the key stands in clear");
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
    assert!(!stderr(output).contains("panicked"), "nobody should see a panic");
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The files below `folder` that hold `text` in clear.
fn stands_in(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (kind, path) = (entry.file_type().unwrap(), entry.path());
        if kind.is_dir() {
            found.extend(stands_in(&path, text));
        } else if kind.is_file() && holds(&fs::read(&path).unwrap(), text) {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_account_from_login_to_wipe() {
    let desk = Desk::new(Keychain::Unlocked);
    desk.papr.add("alice", NewMemory::goal("Run a half marathon in spring")).unwrap();
    let boiler = desk.papr.add("alice", NewMemory::text("The boiler is serviced in May")).unwrap();
    desk.json(&["add", "a note of nobody's"]);
    assert_eq!(desk.json(&["whoami"]), Value::Null);

    let signed_in = desk.login();
    assert_eq!((&signed_in["known"], &signed_in["adoptable"]), (&json!(false), &json!(1)));
    let account = desk.json(&["whoami"]);
    assert_eq!(account["key_source"], "keychain", "found again by another process");
    assert_eq!((&account["last_four"], &account["signed_in"]), (&json!("6789"), &json!(true)));

    assert!(desk.text(&["sync", "--dry-run"]).starts_with("Would receive 2 new, send 0"));
    assert!(desk.json(&["list"]).as_array().unwrap().len() == 1, "a rehearsal brings nothing");
    let report = desk.json(&["sync"]);
    assert_eq!((&report["pulled"]["created"], &report["pushed"]["added"]), (&json!(2), &json!(0)));
    let found = desk.json(&["search", "marathon", "--mode", "words"]);
    assert_eq!(found["hits"][0]["content"], "Run a half marathon in spring");

    let id = desk.id_of("boiler");
    desk.json(&["edit", &id, "The boiler is serviced in June"]);
    assert_eq!(desk.json(&["outbox"])[0]["state"], "waiting");
    assert_eq!(desk.json(&["sync", "--status"])["pending"], 1);
    assert!(desk.text(&["sync"]).starts_with("Received 0, sent 1 changed"));
    assert!(desk.text(&["outbox"]).contains("Papr has heard of everything"));
    let at_papr = || desk.papr.oracle().memories("alice")[boiler.as_str()].content.clone().unwrap();
    assert_eq!(at_papr(), "The boiler is serviced in June");

    desk.json(&["edit", &id, "The boiler is serviced in July"]);
    desk.papr.edit("alice", &boiler, Edit::content("The boiler is broken")).unwrap();
    assert!(desk.text(&["sync"]).contains("1 conflict"));
    let conflicts = desk.json(&["conflicts"]);
    assert_eq!(conflicts[0]["mine"]["content"], "The boiler is serviced in July");
    assert_eq!(conflicts[0]["theirs"]["content"], "The boiler is broken");
    let shown = desk.text(&["conflicts", "show", &id]);
    assert!(shown.contains("serviced in July") && shown.contains("is broken"), "{shown}");
    let merged = ["conflicts", "resolve", &id, "--text", "-", "--json"];
    let output = desk.given(&mut desk.command(&merged), "The boiler is broken, service in July\n");
    assert_eq!(Desk::parsed(&merged, &output)["memory"]["content"], "The boiler is broken, service in July");
    desk.json(&["sync"]);
    assert_eq!(at_papr(), "The boiler is broken, service in July");
    assert_eq!(desk.json(&["conflicts"]), json!([]));

    desk.json(&["edit", &id, "The boiler hums again"]);
    failed(&desk.run(&["logout"]), 2, &["--keep or --wipe"]);
    failed(
        &desk.run(&["logout", "--wipe"]),
        2,
        &["1 change that Papr never got would be lost", "papr sync", "--yes"],
    );
    assert_eq!(desk.json(&["whoami"])["signed_in"], true, "nothing was changed");
    desk.json(&["sync"]);
    desk.key_was_never_shown();
    let out = desk.json(&["logout", "--wipe"]);
    assert_eq!((&out["key_removed"], &out["wiped"]), (&json!(true), &json!(2)));
    assert_eq!(desk.json(&["whoami"]), Value::Null);
    assert_eq!(desk.json(&["list"]).as_array().unwrap().len(), 1, "what was nobody's stays");
    for secret in ["marathon", "boiler"] {
        assert_eq!(
            stands_in(&desk.data(), secret),
            [""; 0].map(PathBuf::from),
            "{secret} is still on the disk"
        );
    }
    failed(&desk.run(&["sync"]), 1, &["nobody is signed in", "`papr login`"]);
    desk.key_was_never_shown();
}

#[test]
fn a_key_is_no_argument_and_is_kept_only_if_papr_accepts_it() {
    let desk = Desk::new(Keychain::Unlocked);
    for arguments in [&["login", ALICE][..], &["login", "--key", ALICE], &["login", "--", ALICE, "more"]] {
        failed(&desk.run(arguments), 2, &["never given as an argument", "history", "pipe it in"]);
    }
    failed(&desk.run(&["login"]), 2, &["no key on standard input"]);
    let login = |input: &str| desk.given(&mut desk.command(&["login"]), input);
    failed(&login("short\n"), 2, &["cannot be a Papr key"]);
    assert!(desk.papr.requests().is_empty(), "nothing is sent that cannot be a key");
    failed(&login("key-nobody-00000000\n"), 1, &["does not accept the key", "`papr login`"]);
    assert_eq!(desk.json(&["whoami"]), Value::Null);
    let mut with_variable = desk.command(&["login"]);
    failed(&desk.given(with_variable.env(KEY_VARIABLE, ALICE), ALICE), 2, &["PAPR_MEMORY_API_KEY is set"]);

    desk.login();
    desk.papr.revoke_key(ALICE);
    failed(&desk.run(&["sync"]), 1, &["does not accept the key", "`papr login`"]);
    let output = desk.run(&["sync", "--json"]);
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["error"]["code"], "UNAUTHORISED", "and for programs");
    desk.key_was_never_shown();
}

#[test]
fn at_a_terminal_the_key_is_asked_for_and_not_shown() {
    let desk = Desk::new(Keychain::Unlocked);
    let login = format!("{} --data-dir {} login", env!("CARGO_BIN_EXE_papr"), desk.data().display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &login, "/dev/null"]);
    command.envs(desk.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    while !holds(&shown, "paste it): ") {
        let mut some = [0; 256];
        let read = screen.read(&mut some).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
        shown.extend(&some[..read]);
    }
    // The prompt is there a moment before the terminal stops to show what is typed.
    std::thread::sleep(Duration::from_millis(500));
    writeln!(keys, "{ALICE}").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(holds(&shown, "Signed in at http://127.0.0.1"), "{}", String::from_utf8_lossy(&shown));
    assert!(holds(&shown, "ends in 6789"));
    desk.said.borrow_mut().extend(shown);
    desk.key_was_never_shown();
    assert_eq!(desk.json(&["whoami"])["key_source"], "keychain");
}

#[test]
fn without_a_keychain_login_says_so_and_the_environment_serves() {
    let desk = Desk::new(Keychain::None);
    desk.papr.add("alice", NewMemory::text("Alice keeps bees")).unwrap();
    let login = |desk: &Desk| desk.given(&mut desk.command(&["login"]), ALICE);
    failed(&login(&desk), 1, &["keychain cannot be reached", "GNOME Keyring", KEY_VARIABLE]);
    assert!(desk.papr.requests().is_empty(), "it is said before a key is asked for");
    assert_eq!(desk.json(&["whoami"]), Value::Null);

    let with_key = |arguments: &[&str]| {
        let output =
            desk.given(desk.command(&[arguments, &["--json"]].concat()).env(KEY_VARIABLE, ALICE), "");
        Desk::parsed(arguments, &output)
    };
    assert_eq!(with_key(&["sync"])["pulled"]["created"], 1, "signed in on the way");
    assert_eq!(with_key(&["whoami"])["key_source"], "environment");
    failed(&desk.run(&["sync"]), 1, &["keychain cannot be reached", KEY_VARIABLE]);
    assert_eq!(with_key(&["logout", "--keep"])["kept"], 1);
    let account = desk.json(&["whoami"]);
    assert_eq!((&account["signed_in"], &account["memories"]), (&json!(false), &json!(1)), "a copy stays");
    let mut wrong = desk.command(&["sync"]);
    failed(&desk.given(wrong.env(KEY_VARIABLE, "key-nobody-00000000"), ""), 1, &["The key is the one in"]);
    desk.key_was_never_shown();

    let desk = Desk::new(Keychain::Empty);
    failed(&login(&desk), 1, &["keychain cannot be reached", KEY_VARIABLE]);
    let account = desk.json(&["whoami"]);
    assert_ne!(account["signed_in"], true, "a key that would be gone at once is not taken: {account}");
    desk.key_was_never_shown();
}

#[test]
fn papr_is_asked_only_by_cloud_and_what_it_finds_can_be_kept() {
    let desk = Desk::new(Keychain::Unlocked);
    desk.login();
    desk.json(&["sync"]);
    let cold = NewMemory::text("An old note about glaciers").place(Place::Neither);
    let remote = desk.papr.add("alice", cold).unwrap();
    let before = desk.papr.requests().len();
    assert_eq!(desk.json(&["search", "glaciers", "--mode", "words"])["hits"], json!([]));
    assert_eq!(desk.papr.requests().len(), before, "a search here asks nobody");

    let output = desk.run(&["search", "--cloud", "glaciers"]);
    let host = desk.papr.url().replace("http://", "");
    assert!(stderr(&output).contains(&format!("This question goes to {host}")), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("from Papr") && text.contains("not here"), "{text}");
    let reply = desk.json(&["search", "--cloud", "glaciers"]);
    assert_eq!(reply["hits"][0]["remote"], remote);
    assert_eq!(desk.json(&["keep", &remote])[0]["memory"]["content"], "An old note about glaciers");
    assert_eq!(desk.json(&["search", "glaciers", "--mode", "words"])["hits"].as_array().unwrap().len(), 1);
    let search = reply["search_id"].as_str().unwrap();
    desk.json(&["feedback", search, "--helped", "--about", &remote]);
    assert_eq!(desk.papr.feedback("alice"), 1);
    failed(&desk.run(&["feedback", search]), 2, &["--helped|--not-helped"]);
    failed(&desk.run(&["keep", "no-such-id"]), 2, &["Papr does not have this memory"]);
    failed(&desk.run(&["search", "--cloud", "x", "--topic", "y"]), 2, &["--cloud"]);
    failed(&desk.run(&["search", "--cloud", "x", "-k", "51"]), 2, &["1 to 50"]);

    let privacy = desk.json(&["privacy", "-n", "2"]);
    assert_eq!(privacy["all"]["requests"], desk.papr.requests().len(), "no request but those it tells");
    assert_eq!(privacy["entries"].as_array().unwrap().len(), 2);
    assert!(desk.text(&["privacy"]).contains(&host));
    let file = desk.home.path().join("ledger.jsonl");
    assert_eq!(
        desk.json(&["privacy", "--export", file.to_str().unwrap()])["requests"],
        desk.papr.requests().len()
    );
}

#[test]
fn what_was_written_before_is_shown_before_it_is_given_away() {
    let desk = Desk::new(Keychain::Unlocked);
    desk.json(&["add", "Alice keeps bees"]);
    failed(&desk.run(&["adopt"]), 1, &["nobody is signed in"]);
    desk.login();
    failed(&desk.run(&["adopt"]), 2, &["1 memory would belong", "4 operations", "--yes"]);
    let told = desk.text(&["sync"]);
    assert!(told.contains("1 memory here belongs to no account"), "{told}");
    assert!(desk.papr.oracle().memories("alice").is_empty(), "nothing was changed");
    assert_eq!(desk.json(&["adopt", "--yes"]), json!({ "adopted": 1, "operations": 4 }));
    assert_eq!(desk.json(&["sync"])["pushed"]["added"], 1);
    assert_eq!(desk.json(&["adopt"])["adopted"], 0);
    let out = desk.json(&["logout", "--keep"]);
    assert_eq!((&out["kept"], &out["wiped"]), (&json!(1), &json!(0)));
    assert_eq!(desk.json(&["list"])[0]["content"], "Alice keeps bees");
}

#[test]
fn a_watch_tells_what_happens_and_ends_well() {
    let desk = Desk::new(Keychain::Unlocked);
    failed(&desk.run(&["sync", "--watch"]), 1, &["nobody is signed in"]);
    desk.papr.add("alice", NewMemory::text("Alice keeps bees")).unwrap();
    desk.login();
    let mut command = desk.command(&["sync", "--watch", "--json"]);
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut phases = Vec::new();
    for line in lines {
        let status: Value = serde_json::from_str(&line.unwrap()).unwrap();
        phases.push(status["phase"].as_str().unwrap().to_owned());
        if status["succeeded_at"].is_string() && status["phase"] == "idle" {
            assert_eq!(status["received"], 1);
            break;
        }
    }
    assert!(phases.contains(&"syncing".to_owned()), "{phases:?}");
    failed(&desk.run(&["list"]), 3, &["already running"]);
    let interrupted = Command::new("kill").args(["-s", "INT", &watch.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(watch.wait().unwrap().code(), Some(0), "Ctrl-C is how it ends");
    assert_eq!(desk.json(&["list"]).as_array().unwrap().len(), 1);
}
