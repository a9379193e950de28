//! What an onlooker is told about each attempt: enough for a ledger of what left the device, and no content.

use std::time::Duration;

/// The kinds of calls. Never an id, a query or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /v1/sync/tiers`.
    Tiers,
    /// `GET /v1/sync/delta`.
    Delta,
    /// `POST /v1/memory`.
    Add,
    /// `POST /v1/memory/batch`.
    AddBatch,
    /// `GET /v1/memory/{id}`.
    Get,
    /// `PUT /v1/memory/{id}`.
    Update,
    /// `DELETE /v1/memory/{id}`.
    Delete,
    /// `POST /v1/memory/search`.
    Search,
    /// `POST /v1/feedback`.
    Feedback,
    /// `GET /v1/user`.
    CheckKey,
    /// `POST /v1/omo/export`.
    OmoExport,
    /// `POST /v1/omo/import`.
    OmoImport,
}

impl Endpoint {
    /// A short name in `snake_case`, the same in every version.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiers => "tiers",
            Self::Delta => "delta",
            Self::Add => "add",
            Self::AddBatch => "add_batch",
            Self::Get => "get",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Search => "search",
            Self::Feedback => "feedback",
            Self::CheckKey => "check_key",
            Self::OmoExport => "omo_export",
            Self::OmoImport => "omo_import",
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// An answer came whole, whatever it said.
    Answered {
        /// Its HTTP status.
        status: u16,
    },
    /// No connection could be opened, so nothing left the device.
    NotConnected,
    /// The time was over before the answer was whole.
    TimedOut,
    /// The connection broke, or what came could not be read.
    Broken,
    /// The caller gave up: the call's future was dropped.
    Abandoned,
}

/// One request on its way and what came back. A call that is tried three times makes three of these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The HTTP method.
    pub method: &'static str,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// Whom: the host, with the port where one was given. Behind a proxy still the host.
    pub host: String,
    /// 1 for the first attempt of a call.
    pub number: u32,
    /// Bytes of request line, headers and body, without what TLS and the HTTP library add (under 100 bytes). 0 where
    /// no connection was opened; all of it as soon as one may have been, whether or not all of it went out.
    pub bytes_up: u64,
    /// Bytes of the answer's head and body as they came, compressed if they came so.
    pub bytes_down: u64,
    /// From asking for a connection to the last byte.
    pub elapsed: Duration,
    /// How it ended.
    pub end: AttemptEnd,
}

/// Somebody who is told of every attempt, right after it ended and on the task that made it: be quick, do not block.
///
/// Calls that are refused before anything is sent (a closed [`Gate`](crate::Gate), a text too long) are no attempts.
pub trait Observer: Send + Sync {
    /// An attempt has ended.
    fn attempted(&self, attempt: &Attempt);
}

impl<F: Fn(&Attempt) + Send + Sync> Observer for F {
    fn attempted(&self, attempt: &Attempt) {
        self(attempt);
    }
}
