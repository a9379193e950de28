//! Every request that came, without any content: what a client's traffic is judged by.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::route::Route;

/// One request. Bodies and queries are counted, never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestLine {
    /// 1, 2, 3 …
    pub number: u64,
    /// Milliseconds since 1970, by the server's clock.
    pub at: i64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// Which endpoint.
    pub route: Route,
    /// The account of its key, where the key is known.
    pub account: Option<String>,
    /// The status that was sent; `None`: no reply went out (not yet, or never).
    pub status: Option<u16>,
    /// Bytes of the request's body, as announced.
    pub bytes_in: u64,
    /// Bytes of the reply's body as they went over the wire: compressed, and cut where it was cut.
    pub bytes_out: u64,
    /// Milliseconds from its head to its reply's readiness: latency, work and compression. A client's own time is
    /// what it took beyond this.
    pub took_ms: u64,
    /// What was done to it on purpose.
    pub faults: Vec<&'static str>,
}

/// The log.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    lines: Mutex<Vec<RequestLine>>,
    aloud: bool,
}

impl Requests {
    pub(crate) fn new(aloud: bool) -> Self {
        Self { lines: Mutex::default(), aloud }
    }

    /// Enters a request and gives its number and its beginning.
    pub(crate) fn begin(&self, mut line: RequestLine) -> (u64, Instant) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        line.number = lines.len() as u64 + 1;
        lines.push(line);
        (lines.len() as u64, Instant::now())
    }

    /// What became of it.
    pub(crate) fn end(&self, (number, start): (u64, Instant), status: Option<u16>, bytes_out: u64) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) =
            usize::try_from(number).ok().and_then(|number| lines.get_mut(number.wrapping_sub(1)))
        else {
            return;
        };
        (line.status, line.bytes_out) = (status, bytes_out);
        line.took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.aloud {
            let status = status.map_or_else(|| "---".to_owned(), |status| status.to_string());
            let RequestLine { method, path, bytes_in, faults, took_ms, .. } = line;
            let faults = faults.join(" ");
            eprintln!(
                "{number:>5} {method:<6} {path} {status} in {bytes_in} out {bytes_out} {took_ms} ms {faults}"
            );
        }
    }

    pub(crate) fn all(&self) -> Vec<RequestLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
