//! Papr's own vectors by command line: fetched when asked for, and told whether searches use them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use papr_fake::{Embedding, FakePapr, NewMemory, Options};
use serde_json::Value;
use tempfile::TempDir;

const KEY: &str = "key-alice-0123456789";

/// The runtime, and a small model in the place of the built-in one.
fn resources() -> TempDir {
    let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor").canonicalize().unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(vendor.join("onnxruntime"), folder.path().join("onnxruntime")).unwrap();
    let from = vendor.join("test-models/tiny-qwen3-papr-mean4");
    let to = folder.path().join("models/all-minilm-l6-v2");
    fs::create_dir_all(&to).unwrap();
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let manifest = fs::read_to_string(from.join("manifest.json")).unwrap();
    fs::write(to.join("manifest.json"), manifest.replacen("tiny-qwen3-papr-mean4", "all-minilm-l6-v2", 1))
        .unwrap();
    folder
}

#[test]
fn a_sync_fetches_them_and_tells_whether_they_are_searched() {
    let papr = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).unwrap();
    let (resources, home) = (resources(), tempfile::tempdir().unwrap());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_papr"));
        command.arg("--data-dir").arg(home.path().join("memories")).args(arguments).env_clear();
        command.env("PAPR_RESOURCES", resources.path()).env("PAPR_BASE_URL", papr.url());
        command.env("PAPR_MEMORY_API_KEY", KEY).env("HOME", home.path());
        let output = command.output().unwrap();
        let (out, told) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments:?}: {told}");
        (out, told)
    };
    let texts = ["The boiler is serviced in May", "Run a half marathon in spring", "The keys are with Ida"];
    let (made, _) = run(&[&["embed", "--json"], &texts[..]].concat());
    let made: Value = serde_json::from_str(&made).unwrap();
    for (text, made) in texts.iter().zip(made.as_array().unwrap()) {
        let vector = serde_json::from_value(made["vector"].clone()).unwrap();
        papr.add("alice", NewMemory::text(*text).embedding(Embedding::Given(vector))).unwrap();
    }
    let (_, told) = run(&["sync"]);
    assert!(!told.contains("Papr's own"), "nothing is said of what nobody asked for: {told}");
    let (_, told) = run(&["sync", "--server-vectors", "float"]);
    for part in ["3 of Papr's own", "the same space: cosine 1.0000", "searches use them"] {
        assert!(told.contains(part), "{part:?} is missing in {told:?}");
    }
    let (status, _) = run(&["sync", "--status"]);
    assert!(status.contains("the same space") && status.contains("searches use them"), "{status}");
    let (matched, _) = run(&["models", "match", "--json"]);
    let matched: Value = serde_json::from_str(&matched).unwrap();
    assert_eq!(matched["measured"]["is"], "same", "{matched}");
    assert_eq!((&matched["count"], &matched["in_use"]), (&3.into(), &true.into()));
    let (_, told) = run(&["sync", "--server-vectors", "off"]);
    assert!(!told.contains("Papr's own"), "{told}");
    let (status, _) = run(&["sync", "--status"]);
    assert!(status.contains("Papr's own are not fetched"), "{status}");
}
