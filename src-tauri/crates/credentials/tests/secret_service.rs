//! The keychain over a real Secret Service, in all the ways in which one is not there, locked or silent.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::io::stdin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::{ANSWER, Desktop, KEYS, Person, Prompter};
use papr_credentials::{Environment, Fallback, Keychain, PAPR_MEMORY_API_KEY, from_environment};
use papr_memory::ports::{CredentialError, CredentialStore};
use papr_memory::{Secret, Slot};

/// Longer than anything takes that is going to be answered.
const LONG: Duration = Duration::from_secs(30);
/// For what is not going to be.
const SHORT: Duration = Duration::from_millis(700);

const SERVICE: &str = "PAPR_TEST_SERVICE";
const LAYERS: &str = "PAPR_TEST_LAYERS";

/// What the app does; without the variable this is no test.
#[test]
fn app() {
    let Ok(patience) = std::env::var("PAPR_TEST_PATIENCE") else { return };
    let patience = Duration::from_millis(patience.parse().unwrap());
    let service = std::env::var(SERVICE).unwrap_or_else(|_| "ai.papr.test".to_owned());
    let keychain = Keychain::with_patience(&service, patience);
    let shown = format!("{keychain:?}");
    let mut store: Arc<dyn CredentialStore> = Arc::new(keychain);
    if std::env::var_os(LAYERS).is_some() {
        store = Arc::new(Fallback::new(store));
        if let Some(secret) = from_environment().unwrap() {
            let slot = Slot::papr("one").unwrap();
            store = Arc::new(Environment::new(store, slot, PAPR_MEMORY_API_KEY, secret));
        }
    }
    for line in stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let slot = Slot::new(words[1]).unwrap();
        let said = match words[0] {
            "get" => store.get(&slot).map(|found| format!("{found:?} {shown}")),
            "reveal" => store.get(&slot).map(|found| match found {
                Some(found) => format!("{} from the {:?}", found.secret.expose(), found.source),
                None => "nothing".to_owned(),
            }),
            "status" => store.status(&slot).map(|status| format!("{status:?}")),
            "set" => {
                let secret = Secret::parse(words[2].to_owned()).unwrap();
                store.set(&slot, &secret).map(|source| format!("kept in {source:?} {:?}", source.note()))
            }
            "remove" => store.remove(&slot).map(|was_there| format!("removed: {was_there}")),
            "refresh" => {
                store.refresh(&slot);
                Ok("refreshed".to_owned())
            }
            other => panic!("{other}"),
        };
        let said =
            said.unwrap_or_else(|error: CredentialError| format!("{error:?} {error} {}", error.hint()));
        println!("{ANSWER}{said}");
    }
}

fn kept(key: &str) -> String {
    format!("{key} from the Keychain")
}

#[test]
fn a_key_is_kept_replaced_and_removed_across_processes() {
    let desktop = Desktop::new();
    let keyring = desktop.keyring(true);
    let mut app = desktop.app(LONG, &[]);
    app.expect("get papr:one", "None");
    app.expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain None");
    app.expect(&format!("set model-hub {}", KEYS[2]), "kept in Keychain");
    app.expect("get papr:one", "secret: ***, source: Keychain");
    app.expect("status papr:one", r#"source: Keychain, last_four: "cdef""#);
    app.expect("get papr:two", "None");

    // Another process, and the keyring itself was started again in between.
    drop(keyring);
    let _keyring = desktop.keyring(true);
    let mut second = desktop.app(LONG, &[]);
    second.expect("reveal papr:one", &kept(KEYS[0]));
    second.expect("reveal model-hub", &kept(KEYS[2]));
    second.expect("reveal papr:two", "nothing");
    second.expect(&format!("set papr:one {}", KEYS[1]), "kept in Keychain");
    desktop.app(LONG, &[]).expect("reveal papr:one", &kept(KEYS[1]));
    desktop.app(LONG, &[(SERVICE, "ai.papr.another")]).expect("reveal papr:one", "nothing");

    app.expect("reveal papr:one", &kept(KEYS[0]));
    app.expect("refresh papr:one", "refreshed");
    app.expect("reveal papr:one", &kept(KEYS[1]));
    assert_eq!(desktop.files_with_keys(), Vec::<std::path::PathBuf>::new(), "a key stands in clear");

    app.expect("remove papr:one", "removed: true");
    app.expect("remove papr:one", "removed: false");
    app.expect("reveal papr:one", "nothing");
    let mut third = desktop.app(LONG, &[]);
    third.expect("reveal papr:one", "nothing");
    third.expect("reveal model-hub", &kept(KEYS[2]));
}

#[test]
fn without_a_bus_a_service_or_a_keyring_it_is_missing_until_there_is_one() {
    let mut app = Desktop::bare().app(LONG, &[]);
    for question in ["get papr:one", "status papr:one", "remove papr:one"] {
        app.expect(question, "Missing");
    }

    let desktop = Desktop::new();
    let mut app = desktop.app(LONG, &[]);
    let set = format!("set papr:one {}", KEYS[0]);
    app.expect("get papr:one", "the system's keychain cannot be reached: The name org.freedesktop.secrets");
    app.expect(&set, "keep the key for this run only");
    {
        let _keyring = desktop.keyring(false);
        app.expect("get papr:one", "None");
        app.expect(&set, "no keyring has been set up in it");
    }
    let _keyring = desktop.keyring(true);
    app.expect(&set, "kept in Keychain");
    desktop.app(LONG, &[]).expect("reveal papr:one", &kept(KEYS[0]));
}

#[test]
fn a_keyring_that_was_started_again_is_reached_again() {
    let desktop = Desktop::new();
    let keyring = desktop.keyring(true);
    let mut app = desktop.app(LONG, &[]);
    app.expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain");
    drop(keyring);
    app.expect("get papr:two", "Missing");
    app.expect("reveal papr:one", &kept(KEYS[0]));
    let _keyring = desktop.keyring(true);
    app.expect("refresh papr:one", "refreshed");
    app.expect("reveal papr:one", &kept(KEYS[0]));
}

#[test]
fn a_locked_keyring_is_locked_where_nobody_can_be_asked() {
    let desktop = Desktop::new();
    let keyring = desktop.keyring(true);
    let mut early = desktop.app(LONG, &[]);
    early.expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain");
    desktop.lock();
    early.expect("reveal papr:one", &kept(KEYS[0]));
    let mut app = desktop.app(LONG, &[]);
    app.expect("get papr:one", "Locked the system's keychain is locked Unlock");
    app.expect(&format!("set papr:one {}", KEYS[1]), "Locked");
    app.expect(&format!("set papr:two {}", KEYS[1]), "Locked");
    app.expect("remove papr:one", "Locked");
    drop(keyring);
    let _keyring = desktop.keyring(true);
    app.expect("reveal papr:one", &kept(KEYS[0]));
}

#[test]
fn a_person_who_refuses_is_not_asked_again_by_itself() {
    let desktop = Desktop::new();
    let keyring = desktop.keyring(true);
    desktop.app(LONG, &[]).expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain");
    desktop.lock();
    let (_prompter, asked) = Prompter::start(&desktop, Person::Refuses);
    let mut app = desktop.app(LONG, &[]);
    for _ in 0..3 {
        app.expect("get papr:one", "Denied access to the system's keychain was refused Try again");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a person is asked once");
    app.expect("refresh papr:one", "refreshed");
    app.expect("get papr:one", "Denied");
    app.expect(&format!("set papr:one {}", KEYS[1]), "Denied");
    assert_eq!(asked.load(Ordering::SeqCst), 3, "and again when they ask for it");
    drop(keyring);
    let _keyring = desktop.keyring(true);
    app.expect("refresh papr:one", "refreshed");
    app.expect("reveal papr:one", &kept(KEYS[0]));
}

#[test]
fn a_question_that_nobody_answers_is_given_up_and_asked_once() {
    let desktop = Desktop::new();
    let _keyring = desktop.keyring(true);
    desktop.app(LONG, &[]).expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain");
    desktop.lock();
    let (_prompter, asked) = Prompter::start(&desktop, Person::IsAway);
    let mut app = desktop.app(SHORT, &[]);
    for _ in 0..3 {
        app.expect("get papr:one", "did not answer within 0.7 s");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_service_that_hangs_holds_up_nobody() {
    let desktop = Desktop::new();
    let keyring = desktop.keyring(true);
    let mut connected = desktop.app(SHORT, &[]);
    connected.expect(&format!("set papr:one {}", KEYS[0]), "kept in Keychain");
    connected.expect("refresh papr:one", "refreshed");
    let mut fresh = desktop.app(SHORT, &[]);
    keyring.signal("STOP");
    for app in [&mut connected, &mut fresh] {
        for question in ["get papr:one", "get papr:two", "remove papr:two"] {
            let begin = Instant::now();
            app.expect(question, "TimedOut");
            assert!(begin.elapsed() < SHORT + Duration::from_secs(5), "{question}: {:?}", begin.elapsed());
        }
    }
    keyring.signal("CONT");
    for app in [&mut connected, &mut fresh] {
        let end = Instant::now() + LONG;
        while app.say("reveal papr:one") != kept(KEYS[0]) {
            assert!(Instant::now() < end, "it never came back");
        }
    }
}

#[test]
fn without_a_desktop_the_environment_and_memory_serve_and_say_so() {
    let desktop = Desktop::bare();
    let mut app = desktop.app(LONG, &[(LAYERS, "1"), (PAPR_MEMORY_API_KEY, KEYS[0])]);
    app.expect("status papr:one", r#"source: Environment, last_four: "cdef""#);
    app.expect("reveal papr:one", &format!("{} from the Environment", KEYS[0]));
    app.expect(&format!("set papr:one {}", KEYS[1]), "FromEnvironment");
    app.expect("remove papr:one", "the key comes from the environment variable PAPR_MEMORY_API_KEY");
    app.expect("get model-hub", "Missing");
    app.expect(
        &format!("set model-hub {}", KEYS[2]),
        "kept in Memory Some(\"This key is kept in memory only",
    );
    app.expect("reveal model-hub", &format!("{} from the Memory", KEYS[2]));
    drop(app);
    let mut app = desktop.app(LONG, &[(LAYERS, "1")]);
    app.expect("get model-hub", "Missing");
    app.expect("get papr:one", "Missing");
}
