//! Values as they ought to be, read from values as they come.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// An object whose fields are taken out one by one, by any of their spellings. What is left at the end is unknown.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    flaws: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn new(map: Map<String, Value>) -> Self {
        Self { map, flaws: Vec::new() }
    }

    /// The first of `names` that holds something readable. Null and the empty text count as absent; something that
    /// cannot be read stays where it is and is noted as a flaw. A second spelling stays where it is too.
    pub(crate) fn take<T>(
        &mut self,
        names: &[&'static str],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let mut found = None;
        for &name in names {
            let Some(value) = self.map.get(name) else { continue };
            let absent = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            if absent {
                self.map.remove(name);
                continue;
            }
            if found.is_some() {
                continue;
            }
            found = read(value);
            if found.is_some() {
                self.map.remove(name);
            } else {
                self.flaws.push(name);
            }
        }
        found
    }

    pub(crate) fn text(&mut self, names: &[&'static str]) -> Option<String> {
        self.take(names, text)
    }

    pub(crate) fn time(&mut self, names: &[&'static str]) -> Option<Timestamp> {
        self.take(names, time)
    }

    pub(crate) fn number(&mut self, names: &[&'static str]) -> Option<f64> {
        self.take(names, number)
    }

    pub(crate) fn strings(&mut self, names: &[&'static str]) -> Vec<String> {
        self.take(names, strings).unwrap_or_default()
    }

    pub(crate) fn object(&mut self, names: &[&'static str]) -> Map<String, Value> {
        self.take(names, object).unwrap_or_default()
    }

    pub(crate) fn flaw(&mut self, name: &'static str) {
        self.flaws.push(name);
    }

    /// What nobody asked for, and the names of what could not be read.
    pub(crate) fn rest(self) -> (Map<String, Value>, Vec<&'static str>) {
        (self.map, self.flaws)
    }
}

/// A text, or a number as text: ids come as both.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A finite number, also written as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A whole number from 0, also written as text or with a fraction of nothing.
pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(exact) if exact.is_u64() => exact.as_u64(),
        Value::String(text) if text.trim().bytes().all(|byte| byte.is_ascii_digit()) => {
            text.trim().parse().ok()
        }
        _ => {
            let number = number(value)?;
            let whole = number >= 0.0 && number.fract() == 0.0 && number < 9e15;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, and 0..9e15
            whole.then_some(number as u64)
        }
    }
}

/// True and false, as words and numbers too.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// RFC 3339; without an offset it is UTC, as Python writes it; and the `{"__type": "Date", "iso": …}` of Papr's
/// store.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
            text.parse().ok().or_else(|| utc().map(|zoned| zoned.timestamp()))
        }
        Value::Object(map) => time(map.get("iso").filter(|iso| iso.is_string())?),
        _ => None,
    }
}

/// Texts in an array; an array written as text; or one text alone. What is no text in an array is left out.
pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(text).collect()),
        Value::String(written) if written.trim_start().starts_with('[') => {
            match serde_json::from_str(written) {
                Ok(Value::Array(items)) => Some(items.iter().filter_map(text).collect()),
                _ => Some(vec![written.clone()]),
            }
        }
        Value::String(written) => Some(vec![written.clone()]),
        _ => None,
    }
}

/// An object, also written as text.
pub(crate) fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::String(written) => match serde_json::from_str(written) {
            Ok(Value::Object(map)) => Some(map),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_come_in_many_forms() {
        let expected: Timestamp = "2026-11-20T10:11:12.345Z".parse().unwrap();
        for form in [
            json!("2026-11-20T10:11:12.345Z"),
            json!("2026-11-20T12:11:12.345+02:00"),
            json!("2026-11-20T10:11:12.345"),
            json!("2026-11-20 10:11:12.345"),
            json!({"__type": "Date", "iso": "2026-11-20T10:11:12.345Z"}),
        ] {
            assert_eq!(time(&form), Some(expected), "{form}");
        }
        for bad in
            [json!("yesterday"), json!(""), json!(17), json!({}), json!({"iso": {"iso": "x"}}), json!(null)]
        {
            assert_eq!(time(&bad), None, "{bad} is no time");
        }
    }

    #[test]
    fn numbers_and_words_stand_for_each_other() {
        assert_eq!(
            (number(&json!("0.5")), number(&json!(2)), number(&json!("NaN"))),
            (Some(0.5), Some(2.0), None)
        );
        assert_eq!((count(&json!("7")), count(&json!(7.0)), count(&json!(-7))), (Some(7), Some(7), None));
        assert_eq!((count(&json!(1.5)), count(&json!(u64::MAX))), (None, Some(u64::MAX)));
        assert_eq!(
            (boolean(&json!("True")), boolean(&json!(0)), boolean(&json!("maybe"))),
            (Some(true), Some(false), None)
        );
        assert_eq!(
            strings(&json!(["a", 1, null])),
            Some(vec!["a".into(), "1".into()]),
            "what is no text is left out"
        );
        assert_eq!(strings(&json!("[\"a\"]")), Some(vec!["a".into()]), "an array as text");
        assert_eq!(strings(&json!("[draft]")), Some(vec!["[draft]".into()]), "a topic that looks like one");
        assert_eq!(object(&json!("{\"a\":1}")), object(&json!({"a": 1})), "an object as text");
    }

    #[test]
    fn the_first_readable_spelling_wins_and_flaws_are_noted() {
        let map = json!({"a": "x", "A": "2026-11-20T10:11:12Z", "b": null, "c": 1});
        let Value::Object(map) = map else { unreachable!() };
        let mut fields = Fields::new(map);
        assert!(fields.time(&["a", "A"]).is_some(), "the second spelling is good");
        assert_eq!(fields.text(&["b"]), None, "null is absent");
        let (rest, flaws) = fields.rest();
        assert_eq!(flaws, ["a"], "what could not be read is named");
        assert_eq!(rest.keys().collect::<Vec<_>>(), ["a", "c"], "and kept, as is what is unknown");
    }
}
