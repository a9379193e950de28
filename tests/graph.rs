//! The rules of the house, over `cargo metadata`: who may depend on whom. Direct, normal dependencies of the
//! workspace's members on this host.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Each member of the workspace and what it directly depends on.
fn graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let normal =
                list(&package["dependencies"]).into_iter().filter(|dependency| dependency["kind"].is_null());
            (name(package), normal.map(|dependency| name(&dependency)).collect())
        })
        .collect()
}

fn siblings<'a>(graph: &'a Graph, member: &str) -> BTreeSet<&'a str> {
    graph[member].iter().map(String::as_str).filter(|name| graph.contains_key(*name)).collect()
}

fn dependents(graph: &Graph, is: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let names = |dependencies: &BTreeSet<String>| dependencies.iter().any(|name| is(name));
    graph.iter().filter(|(_, dependencies)| names(dependencies)).map(|(member, _)| member.as_str()).collect()
}

#[test]
fn members_depend_only_on_what_they_may() {
    let graph = graph();
    // A member that is not listed here has not been thought about.
    let allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("papr-memory", BTreeSet::new()),
        ("papr-embed", BTreeSet::from(["papr-memory"])),
        ("papr-models", BTreeSet::from(["papr-memory"])),
        ("papr-store", BTreeSet::from(["papr-memory"])),
        ("papr-index", BTreeSet::from(["papr-memory"])),
        ("papr-credentials", BTreeSet::from(["papr-memory"])),
        ("papr-api", BTreeSet::new()),
        ("papr-sync", BTreeSet::from(["papr-memory", "papr-api"])),
        (
            "papr-engine",
            BTreeSet::from([
                "papr-memory",
                "papr-embed",
                "papr-models",
                "papr-store",
                "papr-index",
                "papr-api",
                "papr-credentials",
                "papr-sync",
            ]),
        ),
        ("papr-ipc", BTreeSet::from(["papr-memory"])),
        ("papr-cli", BTreeSet::from(["papr-memory", "papr-engine", "papr-ipc"])),
        ("papr-desktop", BTreeSet::from(["papr-memory", "papr-engine", "papr-ipc", "papr-cli"])),
        ("papr-convert", BTreeSet::from(["papr-memory"])),
        ("papr-fake", BTreeSet::new()),
    ]);
    let members: BTreeSet<&str> = graph.keys().map(String::as_str).collect();
    assert_eq!(members, allowed.keys().copied().collect(), "every member has its place in the house");
    for (member, may) in &allowed {
        let depends_on = siblings(&graph, member);
        assert!(depends_on.is_subset(may), "{member} may depend on {may:?}, and depends on {depends_on:?}");
    }
}

#[test]
fn only_the_shell_knows_tauri() {
    let graph = graph();
    let with_tauri = dependents(&graph, |name| name.starts_with("tauri") || name == "wry");
    assert_eq!(with_tauri, BTreeSet::from(["papr-desktop"]), "the engine runs without a window");
}

#[test]
fn what_leaves_the_device_is_a_fact_of_the_graph() {
    let graph = graph();
    let clients = ["reqwest", "hyper", "ureq", "isahc", "curl", "attohttpc", "tungstenite", "hf-hub"];
    let online = dependents(&graph, |name| clients.contains(&name));
    let may: BTreeSet<&str> = BTreeSet::from(["papr-api", "papr-models"]);
    assert!(online.is_subset(&may), "only {may:?} may speak to the network, and {online:?} do");
    let holds_keys = |name: &str| name.contains("keyring") || name == "secret-service";
    let keys = dependents(&graph, holds_keys);
    assert!(keys.is_subset(&BTreeSet::from(["papr-credentials"])), "one place holds keys, and {keys:?} do");
}

#[test]
fn only_the_engine_names_concrete_parts() {
    let graph = graph();
    for part in ["ort", "objc2-core-ml", "tokenizers", "sled", "instant-distance"] {
        let users = dependents(&graph, |name| name == part);
        assert!(users.len() <= 1, "{part} stays behind one port, and {users:?} use it");
    }
}
