//! What the oracle knows, that it outlives the server, and the binary with its control routes.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use common::{ALICE, Client, KEY, client, ids, started};
use papr_fake::{Action, Author, Edit, FILE, FakeError, FakePapr, NewMemory, Options, Place, State};
use serde_json::json;

#[test]
fn the_oracle_follows_both_sides() {
    let papr = started(Options::new());
    let alice = client(&papr);
    let body = json!({"content": "one", "metadata": {"customMetadata": {"client_id": "c1"}}});
    let id = alice.post("/v1/memory", &body).json()["data"][0]["memoryId"].as_str().unwrap().to_owned();
    papr.edit(ALICE, &id, Edit::content("two")).unwrap();
    papr.move_tier(ALICE, &id, Place::Tier0).unwrap();
    let oracle = papr.oracle();
    let State::Live { memory } = oracle.state(ALICE, &id) else { panic!("it is there") };
    assert_eq!((memory.content.as_deref(), memory.place, memory.revision), (Some("two"), Place::Tier0, 3));
    assert_eq!(oracle.memories(ALICE).len(), 1);
    alice.delete(&format!("/v1/memory/{id}"));
    let oracle = papr.oracle();
    assert!(matches!(oracle.state(ALICE, &id), State::Deleted { .. }));
    assert_eq!(oracle.state(ALICE, "other"), State::Never);
    let steps: Vec<_> = oracle.entries.iter().map(|entry| (entry.author, entry.action)).collect();
    let expected = [
        (Author::Client, Action::Create),
        (Author::Server, Action::Update),
        (Author::Server, Action::Move),
        (Author::Client, Action::Delete),
    ];
    assert_eq!(steps, expected);
    assert!(oracle.entries.iter().all(|entry| entry.client_id.as_deref() == Some("c1")));
    assert_eq!(oracle.created_by_client_id(ALICE)["c1"], [id.as_str()]);
    assert!(oracle.doubled(ALICE).is_empty());
    assert!(matches!(papr.delete(ALICE, &id), Err(FakeError::NoSuchMemory { .. })));
    papr.add(ALICE, NewMemory::text("again").id("taken")).unwrap();
    assert!(matches!(papr.add(ALICE, NewMemory::text("b").id("taken")), Err(FakeError::Taken { .. })));
}

#[test]
fn what_was_accepted_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options::new().memories(12).data(folder.path());
    let papr = started(options());
    let alice = client(&papr);
    alice
        .post("/v1/memory", &json!({"content": "kept", "metadata": {"customMetadata": {"client_id": "c1"}}}));
    let victim = papr.add(ALICE, NewMemory::text("going")).unwrap();
    alice.delete(&format!("/v1/memory/{victim}"));
    let (before, spent) = (papr.oracle(), papr.operations(ALICE));
    drop(papr);

    // A last line that was cut by a hard stop.
    let log = folder.path().join(FILE);
    let whole = std::fs::metadata(&log).unwrap().len();
    std::fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(br#"{"accepted":{"numb"#).unwrap();

    let papr = started(options());
    assert_eq!(papr.oracle(), before, "the samples do not come a second time");
    assert_eq!((papr.operations(ALICE), std::fs::metadata(&log).unwrap().len()), (spent, whole));
    assert_eq!(client(&papr).get(&format!("/v1/memory/{victim}")).status, 404);
    client(&papr).post("/v1/memory", &json!({"content": "next"}));
    let ids: Vec<_> = papr.oracle().entries.iter().map(|entry| entry.id.clone()).collect();
    assert!(!ids[..ids.len() - 1].contains(&ids[ids.len() - 1]), "ids go on where they were");
}

#[test]
fn the_request_log_has_no_content() {
    let papr = started(Options::new());
    client(&papr).post("/v1/memory", &json!({"content": "a secret"}));
    client(&papr).get("/v1/sync/delta?cursor=MjAyNg");
    let lines = papr.requests();
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("secret") && !text.contains(KEY) && !text.contains("MjAyNg"), "{text}");
    assert_eq!((lines[0].method.as_str(), lines[0].path.as_str()), ("POST", "/v1/memory"));
    assert_eq!(
        (lines[0].status, lines[0].account.as_deref(), lines[0].bytes_in),
        (Some(200), Some(ALICE), 22)
    );
    let traffic = papr.traffic();
    assert_eq!(traffic.connections, 2);
    assert!(traffic.bytes_out > lines.iter().map(|line| line.bytes_out).sum(), "heads are counted too");
}

#[test]
fn the_port_is_free_after_the_drop() {
    let mut papr = started(Options::new());
    let port = papr.port();
    papr.stop();
    assert!(client(&papr).send("GET", "/v1/user", "").is_err());
    let again = FakePapr::start(Options::new().port(port).key(KEY, ALICE)).unwrap();
    assert_eq!(client(&again).get("/v1/user").status, 200);
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn binary(arguments: &[&str]) -> (Running, u16) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fake-papr"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[0], words[2]), ("fake-papr", "seed"), "{line}");
    let port = words[1].rsplit(':').next().unwrap().parse().unwrap();
    (Running(child), port)
}

#[test]
fn the_binary_serves_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("faults.json");
    std::fs::write(&script, r#"{"faults":[{"route":"user","calls":[1],"fault":{"kind":"limit"}}]}"#).unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--key",
        "k1=ann",
        "--key",
        "k2=ben",
        "--memories",
        "15",
        "--seed",
        "5",
        "--control",
        "--log",
        "--until-eof",
        "--faults",
        script.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ];
    let (mut running, port) = binary(&arguments);
    let ann = Client { port, key: "k1" };
    assert_eq!([ann.get("/v1/user").status, ann.get("/v1/user").status], [403, 200]);
    assert_eq!(ids(&ann.get("/v1/sync/delta").json()["items"]).len(), 15);

    let by_hand = Client { port, key: "" };
    let memory = json!({"content": "by hand", "place": "tier0"});
    let made = by_hand.post("/_control/memories?account=ben", &memory).json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/v1/memory/{id}");
    let ben = Client { port, key: "k2" };
    assert_eq!((ben.get(&path).status, ann.get(&path).status), (200, 404));
    let edited = by_hand.put(&format!("/_control/memories/{id}?account=ben"), &json!({"content": "edited"}));
    assert_eq!(edited.json()["content"], "edited");
    let moved =
        by_hand.post(&format!("/_control/memories/{id}/move?account=ben"), &json!({"place": "neither"}));
    assert_eq!(moved.json()["place"], "neither");
    assert_eq!(by_hand.put("/_control/limits?account=ben", &json!({"per_month": 0})).status, 200);
    assert_eq!(ben.get("/v1/sync/delta").status, 403);
    assert_eq!(by_hand.put("/_control/faults", &json!({"faults": []})).json()["rules"], 0);
    assert_eq!(by_hand.put("/_control/faults", &json!({"faults": 3})).status, 400);
    assert_eq!(by_hand.delete(&format!("/_control/memories/{id}?account=ben")).status, 200);
    assert_eq!(by_hand.get("/_control/memories?account=ben").json().as_object().unwrap().len(), 15);
    let entries = by_hand.get("/_control/oracle").json()["entries"].as_array().unwrap().len();
    assert_eq!(entries, 15 + 15 + 4);
    let requests = by_hand.get("/_control/requests").json();
    assert!(requests.as_array().unwrap().iter().all(|line| line["route"] != "control"));

    drop(running.0.stdin.take());
    assert!(running.0.wait().unwrap().success(), "it ends when its input does");
    let (_running, port) = binary(&["--key", "k1=ann", "--data", data.to_str().unwrap()]);
    let ann = Client { port, key: "k1" };
    assert_eq!(ids(&ann.get("/v1/sync/delta").json()["items"]).len(), 15);
    assert_eq!(Client { port, key: "" }.get("/_control/oracle").status, 404, "closed unless asked for");
}
