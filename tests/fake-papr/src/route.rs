//! Which endpoint a request is for.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// An endpoint of the API, as fault scripts and the request log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// `POST /v1/sync/tiers`
    Tiers,
    /// `GET /v1/sync/delta`
    Delta,
    /// `POST /v1/memory`
    Add,
    /// `POST /v1/memory/batch`
    Batch,
    /// `GET /v1/memory/{id}`
    Get,
    /// `PUT /v1/memory/{id}`
    Update,
    /// `DELETE /v1/memory/{id}`
    Delete,
    /// `POST /v1/memory/search`
    Search,
    /// `POST /v1/feedback`
    Feedback,
    /// `GET /v1/user`
    User,
    /// `POST /v1/omo/export`
    OmoExport,
    /// `POST /v1/omo/import`
    OmoImport,
    /// Anything else: 404 or 405.
    Other,
    /// `/_control/…`: neither logged nor disturbed.
    Control,
}

impl Route {
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        match (method.as_str(), path) {
            (_, path) if path.starts_with("/_control/") => Self::Control,
            ("POST", "/v1/sync/tiers") => Self::Tiers,
            ("GET", "/v1/sync/delta") => Self::Delta,
            ("POST", "/v1/memory") => Self::Add,
            ("POST", "/v1/memory/batch") => Self::Batch,
            ("POST", "/v1/memory/search") => Self::Search,
            ("POST", "/v1/feedback") => Self::Feedback,
            ("GET", "/v1/user") => Self::User,
            ("POST", "/v1/omo/export") => Self::OmoExport,
            ("POST", "/v1/omo/import") => Self::OmoImport,
            (method, path) if is_memory(path) => match method {
                "GET" => Self::Get,
                "PUT" => Self::Update,
                "DELETE" => Self::Delete,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// `/v1/memory/{id}`, and none of the fixed words that stand in the same place.
fn is_memory(path: &str) -> bool {
    let id = path.strip_prefix("/v1/memory/").unwrap_or_default();
    !id.is_empty() && !id.contains('/') && id != "batch" && id != "search"
}
