//! The few requests of the WebDriver protocol that the tests make: JSON over HTTP to this machine.
//!
//! Written out here because a client library would bring some twenty packages, and with them another feature
//! set of tokio: all of Tauri would be compiled once for the app and once more for its tests.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::program::{Program, until};

/// The name under which the protocol passes elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long an answer may take, on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the app is started before it counts as not starting.
const STARTS: usize = 3;

/// One run of the app under WebDriver; the app ends when this is dropped.
pub struct Session {
    port: u16,
    path: String,
    _driver: Program,
}

impl Session {
    /// Has `driver`, which makes a command for `WebKitWebDriver`, start `binary`.
    ///
    /// Once more if nothing comes of it: while the bus has not yet noticed that the app before is gone, a new one
    /// takes itself for a second one, hands over and ends, and its driver waits for ever.
    pub fn start(driver: impl Fn() -> Command, binary: &str, arguments: &[String]) -> Self {
        let tries = (0..STARTS).map(|_| Self::try_start(driver(), binary, arguments));
        let mut refusals = Vec::new();
        for tried in tries {
            match tried {
                Ok(session) => return session,
                Err(refusal) => refusals.push(refusal),
            }
        }
        panic!("the app does not start under the driver: {refusals:?}")
    }

    fn try_start(mut driver: Command, binary: &str, arguments: &[String]) -> Result<Self, String> {
        let port = free_port();
        let driver =
            Program::start(driver.arg(format!("--port={port}")).env("TAURI_WEBVIEW_AUTOMATION", "true"));
        until("the driver", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        let browser = json!({ "binary": binary, "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": browser } } });
        let session = request(port, "POST", "/session", &wanted)?;
        let id = session["sessionId"].as_str().ok_or("a session without an id")?;
        Ok(Self { port, path: format!("/session/{id}"), _driver: driver })
    }

    pub fn get(&self, path: &str) -> Result<Value, String> {
        request(self.port, "GET", &format!("{}{path}", self.path), &Value::Null)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        request(self.port, "POST", &format!("{}{path}", self.path), body)
    }

    /// Clicks, as a pointer would, on the element that an `XPath` names.
    pub fn click(&self, xpath: &str) -> Result<(), String> {
        let found = self.post("/element", &json!({ "using": "xpath", "value": xpath }))?;
        let id = found[ELEMENT].as_str().ok_or("that is no element")?;
        self.post(&format!("/element/{id}/click"), &json!({})).map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = request(self.port, "DELETE", &self.path, &Value::Null);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

/// The value that comes back, or the protocol's error.
fn request(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let answer = exchange(port, method, path, body).map_err(|error| error.to_string())?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let mut answer: Value = serde_json::from_str(body).map_err(|error| format!("{error} in {answer:?}"))?;
    match answer["value"].take() {
        Value::Object(value) if value.contains_key("error") => {
            Err(format!("{}: {}", value["error"], value.get("message").unwrap_or(&Value::Null)))
        }
        value => Ok(value),
    }
}

fn exchange(port: u16, method: &str, path: &str, body: &Value) -> std::io::Result<String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
