//! Numbers, amounts and times as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use papr_memory::Memory;

/// `1 memory`, `1,200 memories`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number as u64), if number == 1 { one } else { many })
}

/// `1 memory`, `1,200 memories`.
pub(crate) fn memories(number: usize) -> String {
    count(number, "memory", "memories")
}

/// `1 change`, `3 changes`.
pub(crate) fn changes(number: usize) -> String {
    count(number, "change", "changes")
}

/// `1 operation`, `8 operations`.
pub(crate) fn operations(number: u64) -> String {
    format!("{} {}", thousands(number), if number == 1 { "operation" } else { "operations" })
}

/// `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `812 B`, `3.4 kB`, `1.2 MB`.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// Date and time where the person is.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The time of day where the person is.
pub(crate) fn clock_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// A text in one line, cut where it is long.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = text.chars().take(100).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The text of a memory in one line.
pub(crate) fn text_of(memory: &Memory) -> String {
    one_line(memory.content.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let read: Vec<String> = [0, 999, 1_000, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(read, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((memories(1), memories(1_200)), ("1 memory".to_owned(), "1,200 memories".to_owned()));
        assert_eq!([812, 3_400, 1_200_000].map(bytes), ["812 B", "3.4 kB", "1.2 MB"]);
    }
}
