//! A raw HTTP client: it sends what it is told, repeats nothing, and tells a cut reply from a whole one.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use papr_fake::{FakePapr, Options};
use serde_json::Value;

pub(crate) const KEY: &str = "key-alice";
pub(crate) const ALICE: &str = "alice";

/// A reply as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// As much came as was announced.
    pub(crate) fn whole(&self) -> bool {
        self.header("content-length").and_then(|length| length.parse().ok()) == Some(self.body.len())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// A client with a key, for one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) port: u16,
    pub(crate) key: &'a str,
}

/// A server with one account, and its client.
pub(crate) fn started(options: Options) -> FakePapr {
    FakePapr::start(options.key(KEY, ALICE)).expect("the fake server starts")
}

pub(crate) fn client(papr: &FakePapr) -> Client<'static> {
    Client { port: papr.port(), key: KEY }
}

impl Client<'_> {
    pub(crate) fn try_send(self, method: &str, path: &str, extra: &str, body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let key = if self.key.is_empty() { String::new() } else { format!("X-API-Key: {}\r\n", self.key) };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{key}{extra}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut reply = Vec::new();
        let mut part = [0; 16 * 1024];
        loop {
            match stream.read(&mut part) {
                Ok(0) => break,
                Ok(count) => reply.extend_from_slice(&part[..count]),
                // A reset behind a cut body: what came is what there is.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error),
            }
        }
        answer(&reply).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    pub(crate) fn send(self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let extra = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.try_send(method, path, extra, body)
    }

    pub(crate) fn get(self, path: &str) -> Answer {
        self.send("GET", path, "").expect("a reply")
    }

    pub(crate) fn delete(self, path: &str) -> Answer {
        self.send("DELETE", path, "").expect("a reply")
    }

    pub(crate) fn post(self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string()).expect("a reply")
    }

    pub(crate) fn put(self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &body.to_string()).expect("a reply")
    }
}

fn answer(reply: &[u8]) -> Option<Answer> {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&reply[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
        .collect();
    Some(Answer { status, headers, body: reply[end + 4..].to_vec() })
}

/// The ids of a list of memories, however they are spelled.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    let spelled = |item: &Value| {
        ["id", "memoryId", "memory_id", "objectId"]
            .iter()
            .find_map(|key| item[*key].as_str().map(str::to_owned))
    };
    list.as_array().expect("a list").iter().filter_map(spelled).collect()
}
