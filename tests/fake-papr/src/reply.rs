//! Replies, and the three shapes that Papr's errors come in.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::node::Node;

/// A reply before faults and compression.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Node,
    /// How many memories of a batch are to be paid for.
    pub(crate) items: u64,
}

/// A log that cannot be written: nothing was accepted.
impl From<std::io::Error> for Reply {
    fn from(error: std::io::Error) -> Self {
        Self::envelope(500, &format!("The data folder cannot be written: {error}"), Value::Null)
    }
}

/// Which of Papr's error shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `{"code", "status":"error", "data":null, "error", "details"}`
    #[default]
    Envelope,
    /// `{"detail":"text"}`
    Detail,
    /// `{"detail":[{"loc","msg","type"}]}`
    Validation,
    /// A page of a proxy: HTML.
    Html,
    /// No body at all.
    Empty,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Node>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), items: 1 }
    }

    /// The endpoint's own envelope.
    pub(crate) fn envelope(status: u16, error: &str, details: Value) -> Self {
        let mut body = json!({ "code": status, "status": "error", "data": null, "error": error });
        body["details"] = details;
        Self::new(status, body)
    }

    /// `{"detail":"text"}`
    pub(crate) fn detail(status: u16, text: &str) -> Self {
        Self::new(status, json!({ "detail": text }))
    }

    /// 422, as the validation before an endpoint has it.
    pub(crate) fn invalid(loc: &[&str], msg: &str, kind: &str) -> Self {
        Self::new(422, json!({ "detail": [{ "loc": loc, "msg": msg, "type": kind }] }))
    }

    /// An error in the shape asked for.
    pub(crate) fn shaped(shape: Shape, status: u16, text: &str) -> Self {
        match shape {
            Shape::Envelope => Self::envelope(status, text, Value::Null),
            Shape::Detail => Self::detail(status, text),
            Shape::Validation => {
                let body = json!({ "detail": [{ "loc": ["body"], "msg": text, "type": "value_error" }] });
                Self::new(status, body)
            }
            Shape::Html => {
                let page = format!("<html><head><title>{status}</title></head><body>{text}</body></html>");
                Self::new(status, Value::String(page)).header("content-type", "text/html")
            }
            Shape::Empty => Self::new(status, Value::Null).header("content-length", "0"),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.headers.iter().any(|(key, text)| *key == name && text == value)
    }

    /// The bytes of the body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.has("content-length", "0") {
            return Vec::new();
        }
        match &self.body {
            Node::Value(Value::String(page)) if self.has("content-type", "text/html") => {
                page.clone().into_bytes()
            }
            body => serde_json::to_vec(body).unwrap_or_default(),
        }
    }

    /// On its way, with `body` for its body.
    pub(crate) fn into_response(self, body: Vec<u8>) -> Response<Body> {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
