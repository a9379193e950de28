//! A server's no, in each of the shapes it comes in.
//!
//! Papr's endpoints answer with an envelope `{code, status, error, details}`; its validation with `{detail: [{loc,
//! msg}]}`; its framework with `{detail: text}`; and what stands in front of it with a page of HTML, or nothing.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Outcome;
use crate::key::ApiKey;
use crate::lenient;

/// Longer messages are cut: they are for a person.
const MAX_MESSAGE_CHARS: usize = 200;
const MAX_FIELDS: usize = 20;

/// Why the server said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// 401: the key is not known, or no longer valid.
    Unauthorised,
    /// 403 that says nothing of a limit: the key may not do this.
    Forbidden,
    /// 402, or 403 with the details of a plan's limit; see [`Refusal::quota`].
    Quota,
    /// 429: too many calls in a short time.
    RateLimited,
    /// 404 in Papr's own words: there is no such memory.
    NotFound,
    /// 404 or 405 of a server that does not know the endpoint: a wrong address. Nothing may be concluded from it.
    NoEndpoint,
    /// 413: too many bytes.
    TooLarge,
    /// 400, 415 or 422: the request makes no sense to this server.
    Invalid,
    /// 409: somebody else is changing the same thing.
    Conflict,
    /// 408: the server, or something before it, gave up waiting.
    TimedOut,
    /// 5xx: the server failed.
    Server,
    /// Any other status.
    Other,
}

impl RefusalKind {
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Unauthorised => "Enter a valid Papr key.",
            Self::Forbidden => "Use a key that is allowed to do this.",
            Self::Quota => "Wait for the plan's next period, or change the plan.",
            Self::RateLimited => "Wait a while before the next call.",
            Self::NotFound => "It is no longer at Papr.",
            Self::NoEndpoint => "Look at the address of Papr.",
            Self::TooLarge => "Shorten or split the text.",
            Self::Invalid => "Correct the request, or update this program.",
            Self::Conflict | Self::TimedOut | Self::Server | Self::Other => "Try again in a while.",
        }
    }
}

/// A plan's limit that was reached.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Quota {
    /// What it says in words.
    pub message: Option<String>,
    /// How much is used.
    pub current_count: Option<u64>,
    /// How much there is.
    pub limit: Option<u64>,
    /// The plan.
    pub tier: Option<String>,
    /// Whether the plan is a trial.
    pub is_trial: Option<bool>,
    /// The state of the subscription.
    pub subscription_status: Option<String>,
}

/// One part of a request that did not pass the server's validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where, as `body.memories.0.content`.
    pub at: String,
    /// What is wrong. The value that was sent is never repeated here, although servers send it back.
    pub message: String,
}

/// An answer that says no.
///
/// `Debug` leaves out [`Refusal::details`], since servers repeat in it what was sent.
#[derive(Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// Who said it.
    pub host: String,
    /// The HTTP status, or the envelope's `code` where an answer with a status of success holds an error.
    pub status: u16,
    /// What it amounts to.
    pub kind: RefusalKind,
    /// The server's own words: one line of at most 200 characters, with the key taken out. May be empty.
    pub message: String,
    /// The plan's limit, if it is about that.
    pub quota: Option<Quota>,
    /// What did not pass validation, at most 20.
    pub fields: Vec<FieldError>,
    /// `details` as they came.
    pub details: Option<Value>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads the body of an answer whose status is no success.
    pub(crate) fn read(
        host: &str,
        status: u16,
        body: &[u8],
        retry_after: Option<Duration>,
        key: &ApiKey,
    ) -> Self {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let Ok(Value::Object(map)) = serde_json::from_slice(body) else {
            let kind = kind(status, false, false);
            let message = one_line(&without_tags(&String::from_utf8_lossy(body)), key);
            let (host, quota, fields, details) = (host.to_owned(), None, Vec::new(), None);
            return Self { host, status, kind, message, quota, fields, details, retry_after };
        };
        Self::from_map(host, status, map, retry_after, key)
    }

    /// Takes the error out of an envelope.
    pub(crate) fn from_map(
        host: &str,
        status: u16,
        mut map: Map<String, Value>,
        retry_after: Option<Duration>,
        key: &ApiKey,
    ) -> Self {
        let details = map.remove("details").filter(|details| !details.is_null());
        let detail = map.remove("detail").filter(|detail| !detail.is_null());
        let fields = detail.as_ref().map(|detail| field_errors(detail, key)).unwrap_or_default();
        let said = [map.get("error"), map.get("message"), detail.as_ref()];
        let mut message = said.into_iter().flatten().find_map(words).unwrap_or_default();
        if message.is_empty()
            && let Some(first) = fields.first()
        {
            message = format!("{}: {}", first.at, first.message);
        }
        let quota = details.as_ref().and_then(quota).or_else(|| detail.as_ref().and_then(quota));
        let unknown_route = map.is_empty() && message.eq_ignore_ascii_case("not found");
        let ours =
            !unknown_route && (detail.is_some() || map.contains_key("error") || map.contains_key("code"));
        let limit = quota.is_some() || message.to_ascii_lowercase().contains("limit reached");
        Self {
            host: host.to_owned(),
            status,
            kind: kind(status, ours, limit),
            message: one_line(&message, key),
            quota,
            fields,
            details,
            retry_after,
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self.kind {
            RefusalKind::Server | RefusalKind::TimedOut => Outcome::Unknown,
            _ => Outcome::Refused,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, status, message, .. } = self;
        let what = match self.kind {
            RefusalKind::Unauthorised => "does not accept the key",
            RefusalKind::Quota => "says that the plan's limit is reached",
            RefusalKind::RateLimited => "says that there were too many calls",
            RefusalKind::NoEndpoint => "does not speak Papr's language",
            RefusalKind::Server => "failed",
            _ => "refused",
        };
        write!(f, "{host} {what} (status {status})")?;
        if let Some(wait) = self.retry_after {
            write!(f, ", try again in {} s", wait.as_secs_f32().ceil())?;
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("host", &self.host)
            .field("status", &self.status)
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("quota", &self.quota)
            .field("fields", &self.fields)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Refusal {}

/// `ours`: the body is one that Papr's endpoints write. `limit`: it tells of a plan's limit.
fn kind(status: u16, ours: bool, limit: bool) -> RefusalKind {
    match status {
        401 => RefusalKind::Unauthorised,
        402 => RefusalKind::Quota,
        403 if limit => RefusalKind::Quota,
        403 => RefusalKind::Forbidden,
        404 if ours => RefusalKind::NotFound,
        404 | 405 => RefusalKind::NoEndpoint,
        408 => RefusalKind::TimedOut,
        409 => RefusalKind::Conflict,
        413 => RefusalKind::TooLarge,
        429 => RefusalKind::RateLimited,
        400 | 415 | 422 => RefusalKind::Invalid,
        500..=599 => RefusalKind::Server,
        _ => RefusalKind::Other,
    }
}

fn quota(details: &Value) -> Option<Quota> {
    let map = details.as_object()?;
    let text = |name: &str| map.get(name).and_then(lenient::text);
    let quota = Quota {
        message: text("message").or_else(|| text("error")),
        current_count: map.get("current_count").and_then(lenient::count),
        limit: map.get("limit").and_then(lenient::count),
        tier: text("tier"),
        is_trial: map.get("is_trial").and_then(lenient::boolean),
        subscription_status: text("subscription_status"),
    };
    (quota.limit.is_some() || quota.current_count.is_some()).then_some(quota)
}

/// The words in a text, or in an object that has its own `message` or `error`.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Object(map) => {
            ["message", "error"].iter().find_map(|name| map.get(*name)?.as_str()).map(str::to_owned)
        }
        _ => None,
    }
}

/// `loc` and `msg` of each item, and not `input`, which is what was sent.
fn field_errors(detail: &Value, key: &ApiKey) -> Vec<FieldError> {
    let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    let field = |item: &Value| {
        let loc = item.get("loc").and_then(Value::as_array)?;
        let at = loc.iter().map(step).collect::<Vec<_>>().join(".");
        let message = item.get("msg").and_then(lenient::text).unwrap_or_default();
        Some(FieldError { at: one_line(&at, key), message: one_line(&message, key) })
    };
    detail.as_array().into_iter().flatten().filter_map(field).take(MAX_FIELDS).collect()
}

/// One line without control characters, cut, without the key.
fn one_line(text: &str, key: &ApiKey) -> String {
    let text = key.redact(text);
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A page's words, roughly: whatever stands between angle brackets is dropped.
fn without_tags(page: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for char in page.chars().take(4_000) {
        match char {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(char),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Refusal {
        let key = ApiKey::new("secret-key-0123").unwrap();
        Refusal::read("papr", status, body.as_bytes(), None, &key)
    }

    #[test]
    fn three_shapes_and_none() {
        let envelope = read(
            413,
            r#"{"code":413,"status":"error","data":null,"error":"Content too large","details":{"a":1}}"#,
        );
        assert_eq!((envelope.kind, envelope.message.as_str()), (RefusalKind::TooLarge, "Content too large"));
        assert!(envelope.details.is_some(), "details are kept as they came");

        let body = r#"{"detail":[{"loc":["body","content"],"msg":"field required","type":"missing","input":"my diary"}]}"#;
        let validation = read(422, body);
        assert_eq!(validation.fields[0].at, "body.content", "the place, as a path");
        assert_eq!(validation.message, "body.content: field required", "a message even where none was sent");
        assert!(!format!("{validation:?} {validation}").contains("diary"), "what was sent is not repeated");

        let framework = read(400, r#"{"detail":"There was an error parsing the body"}"#);
        assert_eq!(framework.message, "There was an error parsing the body", "a text alone");

        let page = read(502, "<html><h1>502 Bad\nGateway</h1></html>");
        assert_eq!((page.kind, page.message.as_str()), (RefusalKind::Server, "502 Bad Gateway"), "HTML");
        assert_eq!(read(500, "").message, "", "nothing at all");
        assert_eq!(read(500, "[1]").message, "[1]", "JSON that is no envelope");
    }

    #[test]
    fn only_papr_can_say_that_a_memory_is_gone() {
        let kind = |body| read(404, body).kind;
        assert_eq!(
            kind(r#"{"code":404,"status":"error","error":"Memory not found"}"#),
            RefusalKind::NotFound
        );
        assert_eq!(
            kind(r#"{"detail":"Memory not found"}"#),
            RefusalKind::NotFound,
            "an exception with words"
        );
        for elsewhere in [r#"{"detail":"Not Found"}"#, "<h1>404</h1>", "", "{}", r#"{"message":"no Route"}"#]
        {
            assert_eq!(
                kind(elsewhere),
                RefusalKind::NoEndpoint,
                "{elsewhere:?} must not delete anything here"
            );
        }
    }

    #[test]
    fn a_limit_is_told_from_a_ban() {
        let quota = read(
            403,
            r#"{"code":403,"error":"no","details":{"message":"m","current_count":"1000","limit":1000,"tier":"developer"}}"#,
        );
        assert_eq!(quota.kind, RefusalKind::Quota);
        let numbers = quota.quota.unwrap();
        assert_eq!((numbers.current_count, numbers.limit), (Some(1000), Some(1000)), "numbers also as text");
        assert_eq!(
            read(403, r#"{"detail":{"limit":5,"current_count":5}}"#).kind,
            RefusalKind::Quota,
            "details inside detail"
        );
        assert_eq!(read(403, r#"{"detail":"Forbidden"}"#).kind, RefusalKind::Forbidden, "nothing of a limit");
    }

    #[test]
    fn a_key_that_comes_back_and_a_novel_are_not_shown() {
        let refusal = read(401, r#"{"error":"unknown key secret-key-0123"}"#);
        assert!(!format!("{refusal:?} {refusal}").contains("secret-key"), "servers repeat keys");
        assert_eq!(read(500, &"й".repeat(5_000)).message.chars().count(), 201, "cut, on a character's edge");
    }
}
