//! `papr` as a person and a program use it: the real binary, the real model, a folder of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

struct Papr {
    folder: TempDir,
}

impl Papr {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor");
        assert!(vendor.join("models").is_dir(), "there is no model: `make test` fetches it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_papr"));
        command.arg("--data-dir").arg(self.path("data")).args(arguments).env("PAPR_RESOURCES", vendor);
        command.env_remove("PAPR_DATA_DIR");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The JSON that a command prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn pipe(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses its input may be gone before it has read it.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn failed(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(stderr(output).contains(says), "{says:?} is not in {:?}", stderr(output));
    assert!(output.stdout.is_empty(), "a failure prints no result");
    assert!(!stderr(output).contains("panicked"), "nobody should see a panic");
}

#[test]
fn a_memory_from_first_to_last() {
    let papr = Papr::new();
    let added = papr.json(&["add", "Alice prefers dark roast", "--topic", "coffee"]);
    let id = added["id"].as_str().unwrap();
    assert_eq!(added["topics"], serde_json::json!(["coffee"]));
    let found = papr.json(&["search", "what does she drink in the morning"]);
    assert_eq!(
        found["hits"][0]["content"], "Alice prefers dark roast",
        "found by meaning, in another process"
    );
    assert_eq!(found["mode"], "hybrid");
    assert!(found["timings"]["total"].as_u64().unwrap() > 0);
    let edited = papr.json(&["edit", id, "Alice prefers green tea", "--tier", "goals"]);
    assert_eq!((edited["rev"].as_u64(), edited["tier"].as_str()), (Some(2), Some("goals")));
    assert_eq!(papr.json(&["get", id])["content"], "Alice prefers green tea");
    assert_eq!(papr.json(&["list", "--tier", "goals"])[0]["content"], "Alice prefers green tea");
    assert_eq!(papr.json(&["delete", id])[0]["id"], *id);
    assert_eq!(papr.json(&["search", "green tea"])["hits"], serde_json::json!([]));
    failed(&papr.run(&["get", id]), 2, "there is no memory");
    failed(&papr.run(&["delete", id]), 2, "there is no memory");
    assert_eq!(papr.json(&["restore", id])[0]["content"], "Alice prefers green tea");
    assert_eq!(papr.json(&["search", "tea", "--mode", "words"])["counts"]["goals"], 1);
}

#[test]
fn files_travel_both_ways() {
    let papr = Papr::new();
    let (input, output) = (papr.path("in.jsonl"), papr.path("out.jsonl"));
    fs::write(&input, "{\"content\": \"one\", \"tier\": 0}\nnot json\n{\"content\": \"two\"}\n").unwrap();
    let run = papr.run(&["import", input.to_str().unwrap(), "--json"]);
    assert!(run.status.success(), "good lines count even beside a bad one");
    assert!(stderr(&run).contains("line 2: not valid JSON"), "{}", stderr(&run));
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&report["added"], &report["bad"]), (&2.into(), &1.into()));
    assert_eq!(papr.json(&["import", input.to_str().unwrap()])["already_there"], 2, "repeatable");
    assert_eq!(papr.json(&["export", output.to_str().unwrap()])["memories"], 2);
    assert_eq!(fs::read_to_string(&output).unwrap().lines().count(), 2);
    assert!(!papr.path("out.jsonl.part").exists(), "nothing half-written is left");
    let lines = papr.run(&["export", "-"]);
    assert_eq!(String::from_utf8(lines.stdout).unwrap(), fs::read_to_string(&output).unwrap());
    failed(&papr.run(&["import", "/nowhere/x.jsonl"]), 2, "/nowhere/x.jsonl");
    fs::write(&input, b"\xff\xfe\n").unwrap();
    let run = papr.run(&["import", input.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(2), "a file without one good line is a mistake");
    assert!(stderr(&run).contains("line 1: not UTF-8"), "{}", stderr(&run));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let papr = Papr::new();
    failed(&papr.run(&["add", ""]), 2, "a memory cannot be empty");
    failed(&papr.run(&["add", &"x".repeat(15_001)]), 2, "15001 bytes");
    failed(&papr.pipe(&["add", "-"], b"\xff\xfe"), 2, "not UTF-8");
    failed(&papr.run(&["search", "tea", "-k", "0"]), 2, "ask for 1 to 1000");
    failed(&papr.run(&["search", "tea", "-k", "10000"]), 2, "ask for 1 to 1000");
    failed(&papr.run(&["search", &"x".repeat(100_000)]), 2, "100000 bytes");
    failed(&papr.run(&["search", "tea", "--tier", "attic"]), 2, "unknown tier");
    failed(&papr.run(&["get", "no-id"]), 2, "no-id");
    failed(&papr.run(&["edit", "0199aaaa-0000-7000-8000-000000000000"]), 2, "nothing to change");
    for text in ["?!…", "🙂🚀"] {
        assert_eq!(
            papr.json(&["search", text])["hits"],
            serde_json::json!([]),
            "{text}: found nothing, and no error"
        );
    }
    let json = papr.run(&["search", "tea", "-k", "0", "--json"]);
    let told: Value = serde_json::from_slice(&json.stderr).unwrap();
    assert_eq!(told["error"]["code"], "INVALID_INPUT", "errors are JSON for programs");
}

#[test]
fn text_comes_from_standard_input() {
    let papr = Papr::new();
    let added = papr.pipe(&["add", "-", "--json"], "two\nlines ☕\n".as_bytes());
    let memory: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!(
        memory["content"], "two\nlines ☕",
        "the last line feed belongs to the terminal, not the text"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_left_alone() {
    let papr = Papr::new();
    let data = papr.path("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("letter.txt"), "dear").unwrap();
    failed(&papr.run(&["list"]), 3, "not a data folder");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    fs::remove_dir_all(&data).unwrap();
    fs::write(&data, "a file").unwrap();
    failed(&papr.run(&["list"]), 3, "data");
}

#[test]
fn a_second_process_is_told_that_one_is_running() {
    let papr = Papr::new();
    let mut first = papr.command(&["add", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // The first holds the folder while it waits for its text.
    let lock = papr.path("data").join("memories").join("lock");
    while !lock.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let second = papr.run(&["list"]);
    first.stdin.take().unwrap().write_all(b"text").unwrap();
    assert!(first.wait().unwrap().success());
    failed(&second, 3, "already running");
    assert_eq!(papr.json(&["list"]).as_array().unwrap().len(), 1, "and the first was not disturbed");
}

#[test]
fn vectors_and_status_are_printed_for_programs() {
    let papr = Papr::new();
    let vectors = papr.json(&["embed", "one text", "another"]);
    assert_eq!(vectors.as_array().unwrap().len(), 2);
    assert_eq!(vectors[0]["vector"].as_array().unwrap().len(), 384);
    let status = papr.json(&["status"]);
    assert_eq!(status["model"]["state"], "ready");
    assert_eq!((&status["model"]["dims"], &status["model"]["provider"]), (&384.into(), &"CPU".into()));
}

#[test]
fn without_a_model_it_finds_by_word_and_says_so() {
    let papr = Papr::new();
    let run =
        |arguments: &[&str]| papr.command(arguments).env("PAPR_RESOURCES", "/nowhere").output().unwrap();
    let added = run(&["add", "dark roast"]);
    assert!(added.status.success(), "saved all the same");
    assert!(stderr(&added).contains("Found by word only"), "{}", stderr(&added));
    let found = run(&["search", "roast"]);
    let text = String::from_utf8(found.stdout).unwrap();
    assert!(text.contains("dark roast") && text.contains("There is no model"), "{text}");
    failed(&run(&["embed", "x"]), 1, "is not installed in");
}

#[test]
fn the_demo_answers_from_the_sample_memories() {
    let papr = Papr::new();
    let run = papr.run(&["demo", "coffee"]);
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("› coffee") && text.contains("results ("), "{text}");
    assert!(!papr.path("data").exists(), "the demo leaves the person's own folder alone");
}

#[test]
fn evaluation_prints_the_documented_shape() {
    let papr = Papr::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/samples-eval");
    let figures = papr.json(&["eval", folder.to_str().unwrap(), "--samples"]);
    for mode in ["hybrid", "meaning", "words"] {
        for figure in ["ndcg@10", "recall@10", "mrr", "p50_ms", "p95_ms", "p99_ms"] {
            assert!(figures[mode][figure].is_f64(), "{mode} {figure}");
        }
    }
    failed(&papr.run(&["eval", "/nowhere"]), 2, "/nowhere");
}

#[test]
fn a_backup_brings_back_what_was_deleted_for_good() {
    let papr = Papr::new();
    let kept = papr.json(&["add", "Alice prefers dark roast"]);
    let backup = papr.json(&["backup", "make"]);
    let path = backup["backup"]["path"].as_str().unwrap();
    assert_eq!(papr.json(&["backup", "verify", path])["memories"], 1);
    papr.json(&["delete", kept["id"].as_str().unwrap()]);
    papr.json(&["add", "Only after the backup"]);
    let restored = papr.json(&["backup", "restore", path]);
    assert_eq!(restored["kept"], 1);
    let list = papr.json(&["list"]);
    assert_eq!(list[0]["content"], "Alice prefers dark roast", "as it was then: {list}");
    assert!(papr.path("data/memories/quarantine").is_dir(), "what was there is not deleted");
    assert_eq!(papr.json(&["check"])["damage"], 0);
    let compacted = papr.json(&["compact"]);
    assert!(compacted["after"]["log"].as_u64() > Some(0), "{compacted}");
    assert_eq!(papr.json(&["list"]).as_array().unwrap().len(), 1, "compacting loses nothing");
}

#[test]
fn a_change_of_model_that_is_killed_again_and_again_ends_well() {
    const OTHER: &str = "all-minilm-l6-v2-int8";
    let count = if std::env::var_os("PAPR_LONG").is_some() { 5_000 } else { 250 };
    let papr = Papr::new();
    let lines: String = (0..count)
        .map(|number| format!("{{\"content\": \"Crate {number} stands on shelf {}\"}}\n", number % 9))
        .collect();
    let answer = "{\"content\": \"Alice has a tortoise called Henry\"}\n";
    assert!(papr.pipe(&["import", "-"], (lines + answer).as_bytes()).status.success());
    let found = || {
        let reply = papr.json(&["search", "which pet does she keep", "--mode", "meaning"]);
        assert_eq!(reply["mode"], "meaning", "search by meaning goes on: {reply}");
        assert_eq!(reply["hits"][0]["content"], "Alice has a tortoise called Henry");
        reply["hits"][0]["cosine"].as_f64().unwrap()
    };
    let before = found();
    for wait in [400, 900, 1_500] {
        let mut switching = papr
            .command(&["models", "use", OTHER])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = switching.kill(); // it may be done already
        switching.wait().unwrap();
        found();
    }
    let output = papr.run(&["models", "use", OTHER]);
    assert!(output.status.success(), "{}", stderr(&output));
    let status = papr.json(&["status"]);
    assert_eq!(
        (&status["model"]["id"], &status["pending"]),
        (&OTHER.into(), &0.into()),
        "all is done: {status}"
    );
    assert!((found() - before).abs() > 1e-4, "the other model answers");
}
