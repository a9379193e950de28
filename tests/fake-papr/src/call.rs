//! A request as a handler sees it, and the validation in front of every handler.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::faults::{Fault, Plan};
use crate::journal::Author;
use crate::options::Options;
use crate::reply::Reply;
use crate::world::Hand;

/// What Papr takes at most, in bytes of UTF-8.
pub(crate) const CONTENT_LIMIT: usize = 15_000;
/// And for a whole batch.
pub(crate) const BATCH_LIMIT: usize = 750_000;

/// One request with a known key.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) options: &'a Options,
    pub(crate) plan: &'a Plan,
    pub(crate) account: String,
    /// The `{id}` of the path; otherwise empty.
    pub(crate) id: String,
    pub(crate) query: BTreeMap<String, String>,
    /// `Null` where there is none.
    pub(crate) body: Value,
    pub(crate) now: i64,
}

impl Call<'_> {
    /// Whose hand writes, and whether the client will get to read the answer.
    pub(crate) fn hand(&self) -> Hand<'_> {
        let unread = |fault: &Fault| {
            matches!(fault, Fault::LostReply { .. } | Fault::CutBody { .. } | Fault::WrongJson { .. })
        };
        let reply_lost = self.plan.faults.iter().any(unread);
        Hand { account: &self.account, author: Author::Client, reply_lost, now: self.now }
    }

    /// A whole number of the body, within its range.
    pub(crate) fn int(
        &self,
        key: &str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, Reply> {
        match self.body.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => {
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                within(&["body", key], number, range)
            }
        }
    }

    /// A whole number of the query, within its range.
    pub(crate) fn query_int(
        &self,
        key: &str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, Reply> {
        match self.query.get(key) {
            None => Ok(default),
            Some(text) => within(&["query", key], text.parse().ok(), range),
        }
    }

    /// A yes or no of the body; the default is no.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, Reply> {
        match self.body.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| not_a(&["body", key], "boolean")),
        }
    }

    /// A yes or no of the query; the default is no.
    pub(crate) fn query_flag(&self, key: &str) -> Result<bool, Reply> {
        match self.query.get(key).map(String::as_str) {
            None | Some("false" | "False" | "0" | "no") => Ok(false),
            Some("true" | "True" | "1" | "yes") => Ok(true),
            Some(_) => Err(not_a(&["query", key], "boolean")),
        }
    }

    /// One word out of a few.
    pub(crate) fn choice<'b>(&'b self, key: &str, default: &'b str, of: &[&str]) -> Result<&'b str, Reply> {
        match self.body.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => one_of(&["body", key], value, of),
        }
    }

    /// An optional text of the body.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, Reply> {
        optional_text(&self.body, key)
    }
}

/// An optional text of an object.
pub(crate) fn optional_text(object: &Value, key: &str) -> Result<Option<String>, Reply> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(not_a(&["body", key], "string")),
    }
}

/// A text that has to be there.
pub(crate) fn required_text<'a>(object: &'a Value, key: &str) -> Result<&'a str, Reply> {
    match object.get(key) {
        None => Err(Reply::invalid(&["body", key], "Field required", "missing")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(not_a(&["body", key], "string")),
    }
}

/// A word out of a few.
pub(crate) fn one_of<'a>(loc: &[&str], value: &'a Value, of: &[&str]) -> Result<&'a str, Reply> {
    let word = value.as_str().filter(|word| of.contains(word));
    word.ok_or_else(|| {
        Reply::invalid(loc, &format!("Input should be one of {}", of.join(", ")), "literal_error")
    })
}

fn within(loc: &[&str], number: Option<usize>, range: RangeInclusive<usize>) -> Result<usize, Reply> {
    match number {
        None => Err(not_a(loc, "integer")),
        Some(number) if number < *range.start() => {
            let msg = format!("Input should be greater than or equal to {}", range.start());
            Err(Reply::invalid(loc, &msg, "greater_than_equal"))
        }
        Some(number) if number > *range.end() => {
            let msg = format!("Input should be less than or equal to {}", range.end());
            Err(Reply::invalid(loc, &msg, "less_than_equal"))
        }
        Some(number) => Ok(number),
    }
}

fn not_a(loc: &[&str], what: &str) -> Reply {
    Reply::invalid(loc, &format!("Input should be a valid {what}"), &format!("{what}_type"))
}

/// `a=1&b=2`, percent and plus signs undone.
pub(crate) fn query_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(key), unescape(value))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        let query = query_of("cursor=a%2Bb%3D&limit=2&odd=%zz&gap=a+b");
        assert_eq!(query["cursor"], "a+b=");
        assert_eq!(query["odd"], "%zz");
        assert_eq!(query["gap"], "a b");
    }
}
