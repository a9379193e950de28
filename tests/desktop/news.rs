//! Notifications as the desktop gets them: of a model that is ready and of a sync that needs somebody, while no window of
//! the app is in front; and none where they are switched off. The desktop's side is a double on the test's own bus.
#![allow(
    clippy::unused_self,
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    clippy::used_underscore_binding // so is the interface written
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use papr_fake::{FakePapr, Options};
use serde_json::json;
use zbus::blocking::{Connection, connection};
use zbus::zvariant::OwnedValue;

use super::program::patiently;
use super::steps::{FIRST_RUN, MAIN};
use super::{Desktop, Launch, until};

const KEY: &str = "key-alice-0123456789";
const INT8: &str = "all-minilm-l6-v2-int8";

type Told = Arc<Mutex<Vec<(String, String)>>>;

struct Notifications(Told);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn notify(
        &self,
        _app: String,
        _replaces: u32,
        _icon: String,
        title: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((title, body));
        u32::try_from(told.len()).unwrap_or(u32::MAX)
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let word = |word: &str| word.to_owned();
        (word("double"), word("papr"), word("1"), word("1.2"))
    }
}

struct Shown {
    told: Told,
    _connection: Connection,
}

impl Shown {
    fn on(desktop: &Desktop) -> Self {
        let told = Told::default();
        let connection = connection::Builder::address(desktop.bus_address.as_str())
            .and_then(|bus| bus.name("org.freedesktop.Notifications"))
            .and_then(|bus| bus.serve_at("/org/freedesktop/Notifications", Notifications(Arc::clone(&told))))
            .and_then(connection::Builder::build)
            .expect("the test's own bus takes it");
        Self { told, _connection: connection }
    }

    fn titles(&self) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().map(|(title, _)| title.clone()).collect()
    }

    fn body_of(&self, title: &str) -> String {
        let find = || {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.iter().find(|(other, _)| other == title).map(|(_, body)| body.clone())
        };
        patiently(find).unwrap_or_else(|| panic!("waited for {title:?}; told was {:?}", self.titles()))
    }
}

#[test]
fn the_desktop_is_told_what_needs_somebody_and_nothing_where_that_is_off() {
    let desktop = Desktop::start();
    let shown = Shown::on(&desktop);
    let server = FakePapr::start(Options::new().key(KEY, "alice").seed(7)).expect("there is a port");
    let app = desktop.open(&Launch { papr: Some(server.url()), ..Launch::default() });
    let main = &app.main;
    main.shows(FIRST_RUN);
    main.click("Try it with samples");
    main.shows("150 samples are here to try.");
    main.drops("not yet found by meaning");
    main.invoke("sign_in", &json!({ "key": KEY, "thisRun": true })).expect("Papr takes the key");
    let serves = |id: &str| {
        main.until(&format!("{id} to serve"), || {
            let status = main.invoke("status", &json!({})).ok()?;
            (status["model"]["id"] == id && status["switch"].is_null()).then_some(())
        });
    };
    let synced = || {
        main.until("sync to rest", || {
            let status = main.invoke("status", &json!({})).ok()?;
            (status["sync"]["phase"] == "idle").then_some(())
        });
    };
    serves("all-minilm-l6-v2");
    synced();
    // Nobody looks: the window is closed, and the page in it goes on.
    until("the main window, with the keyboard", || desktop.active(MAIN));
    main.ready();
    until("the main window to be closed", || {
        // A key that comes while the window manager is busy with its own may be lost.
        desktop.press("alt+F4");
        std::thread::sleep(Duration::from_millis(300));
        desktop.shown(MAIN).is_none().then_some(())
    });
    assert!(shown.body_of("Papr Desktop is still there").contains("menu bar"), "closing is explained once");

    main.invoke("use_model", &json!({ "id": INT8 })).expect("it comes with the app");
    assert!(shown.body_of("The new model is ready").contains("int8"), "and is named");
    serves(INT8);
    server.revoke_key(KEY);
    main.invoke("sync_now", &json!({ "whole": false })).expect("it can be asked for");
    assert!(!shown.body_of("Sync needs you").is_empty(), "and why");
    let told = shown.titles();
    assert_eq!(told.len(), 3, "each once: {told:?}");

    server.add_key(KEY, "alice");
    main.invoke("sync_now", &json!({ "whole": false })).expect("it can be asked for");
    synced();
    main.invoke("change_settings", &json!({ "change": { "notifications": false } })).expect("it is a choice");
    main.invoke("use_model", &json!({ "id": "all-minilm-l6-v2" })).expect("it comes with the app");
    serves("all-minilm-l6-v2");
    server.revoke_key(KEY);
    main.invoke("sync_now", &json!({ "whole": false })).expect("it can be asked for");
    main.until("sync to need somebody", || {
        let status = main.invoke("status", &json!({})).ok()?;
        (status["sync"]["phase"] == "attention").then_some(())
    });
    // What was told would have been told before the status was: both come from one place, in this order.
    assert_eq!(shown.titles(), told, "nothing more while they are switched off");
}
