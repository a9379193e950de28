//! A person has Papr's own vectors fetched in the models view, and is told that the model in use does not make the same.

use papr_fake::{FakePapr, NewMemory, Options};
use serde_json::json;

use super::steps::FIRST_RUN;
use super::{Desktop, Launch};

const KEY: &str = "key-alice-0123456789";

#[test]
fn papr_s_vectors_are_chosen_and_told_apart() {
    let desktop = Desktop::start();
    let server = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).expect("a port is free");
    for number in 0..4 {
        server.add("alice", NewMemory::text(format!("Note {number} of Alice"))).expect("it takes a memory");
    }
    let app = desktop.open(&Launch { papr: Some(server.url()), ..Launch::default() });
    let main = &app.main;
    main.shows(FIRST_RUN);
    main.invoke("sign_in", &json!({ "key": KEY, "thisRun": true })).expect("Papr accepts the key");
    main.click("Models");
    main.shows("Whose vectors are searched");
    main.choose("Fetch Papr’s vectors", "int8");
    // The window asks for a whole sync by itself; the built-in model has 384 numbers, Papr's 2,560.
    main.shows("Papr’s vectors have 2,560 numbers, those of the model in use 384");
    main.shows("4 vectors of Papr’s are kept");
    main.choose("Fetch Papr’s vectors", "off");
    main.drops("vectors of Papr’s are kept");
    let space = main.invoke("server_space", &json!({})).expect("the engine tells");
    assert_eq!((&space["form"], &space["count"], &space["inUse"]), (&json!("off"), &json!(0), &json!(false)));
}
