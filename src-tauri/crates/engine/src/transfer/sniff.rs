//! Which format a file is in, by how it begins.
//!
//! JSON Lines have a whole object a line. Open Memory Objects are one JSON document: an object with a list of
//! `memories`, or that list alone, on one line or on many.

use std::io::{self, BufRead, Read};

use serde_json::Value;

use super::{Format, lines};

/// The beginning of a file.
pub(super) struct Begun {
    pub(super) format: Format,
    /// What was read to find out.
    pub(super) head: Vec<u8>,
    /// Blank lines that were passed over before it.
    pub(super) blank: u64,
}

/// Reads the first line that is not blank, and a second one if the first does not tell.
pub(super) fn sniff(input: &mut dyn BufRead) -> io::Result<Begun> {
    let (mut head, mut blank) = (Vec::new(), 0);
    while read_line(input, &mut head)? && lines::is_blank(&head) {
        blank += 1;
        head.clear();
    }
    let begun = |format, head| Begun { format, head, blank };
    let mut next = Vec::new();
    let format = match first_line(&head) {
        Told::Format(format) => return Ok(begun(format, head)),
        Told::Opens(inside) => {
            read_line(input, &mut next)?;
            let continued = text(&next).starts_with(inside);
            if continued { Format::Omo } else { Format::Lines }
        }
    };
    head.append(&mut next);
    Ok(begun(format, head))
}

/// Appends the next line, or as much of it as a memory may take.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    Ok(input.take(lines::MAX_LINE).read_until(b'\n', line)? > 0)
}

/// What a first line tells.
enum Told {
    Format(Format),
    /// Something that ends on another line, which begins so if it is a document.
    Opens(char),
}

fn first_line(line: &[u8]) -> Told {
    let text = text(line);
    match text {
        "{" => return Told::Opens('"'),
        "[" => return Told::Opens('{'),
        _ => {}
    }
    let is_omo = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            !object.contains_key("content") && object.get("memories").is_some_and(Value::is_array)
        }
        Ok(Value::Array(list)) => list.iter().all(Value::is_object),
        // Cut by its length, or by a line feed inside.
        Err(error) if error.is_eof() => opens_a_list(text),
        Ok(_) | Err(_) => false,
    };
    Told::Format(if is_omo { Format::Omo } else { Format::Lines })
}

/// Whether a text that goes on is a list of objects, or has one under `memories`.
fn opens_a_list(text: &str) -> bool {
    let list = match text.find("\"memories\"") {
        Some(at) => text[at + "\"memories\"".len()..].trim_start().strip_prefix(':'),
        None => Some(text),
    };
    let inside = list.and_then(|list| list.trim_start().strip_prefix('['));
    inside.is_some_and(|inside| inside.trim_start().is_empty() || inside.trim_start().starts_with('{'))
}

/// A line without what surrounds it; nothing if it is no text.
fn text(line: &[u8]) -> &str {
    str::from_utf8(line).unwrap_or_default().trim_start_matches('\u{feff}').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(file: &str) -> Format {
        let mut input = file.as_bytes();
        let begun = sniff(&mut input).unwrap();
        let mut all = "\n".repeat(usize::try_from(begun.blank).unwrap()).into_bytes();
        begun.head.as_slice().chain(input).read_to_end(&mut all).unwrap();
        assert_eq!(all, file.as_bytes(), "nothing is lost");
        begun.format
    }

    #[test]
    fn documents_are_told_from_lines() {
        for file in [
            "{\"memories\": []}",
            "\n\n[{\"content\": \"a\"}]",
            "{\"code\":200,\"memories\":[\n{\"content\":\"a\"}]}",
            "{\n  \"code\": 200,\n  \"memories\": []\n}",
            "[\n  {\n    \"content\": \"a\"\n  }\n]",
            "[]",
        ] {
            assert_eq!(format(file), Format::Omo, "{file}");
        }
        for file in [
            "",
            "\n\n",
            "{\"content\": \"a\"}\n[",
            "{\"content\": \"a\", \"memories\": []}",
            "{\"content\": \"say \\\"memories\\\": [",
            "{\n{\"content\": \"a\"}",
            "[\nx",
            "[1, 2]",
            "no JSON",
        ] {
            assert_eq!(format(file), Format::Lines, "{file}");
        }
    }

    #[test]
    fn a_document_on_one_endless_line_is_told() {
        let object = "{\"content\":\"a\"},".repeat(100_000);
        let document = format!("{{\"memories\":[{object}{{}}]}}");
        assert!(document.len() as u64 > lines::MAX_LINE);
        assert_eq!(format(&document), Format::Omo);
        assert_eq!(format(&format!("{{\"content\":\"{}\"}}\n", "x".repeat(2_000_000))), Format::Lines);
    }
}
