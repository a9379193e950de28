//! Markdown: memories for a person to read, print or paste. Not read back.

use std::io::{self, Write};

use papr_memory::Memory;

/// The longest heading, in characters.
const HEADING: usize = 80;

pub(super) fn begin(output: &mut dyn Write) -> io::Result<()> {
    output.write_all(b"# Memories\n")
}

/// A heading, some facts, and the text as a quotation, so that nothing in it passes for a part of the page.
pub(super) fn write(memory: &Memory, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "\n## {}\n", heading(memory.content.as_str()))?;
    writeln!(output, "- Tier: {}", memory.tier)?;
    writeln!(output, "- Type: {}", line(&memory.kind))?;
    if !memory.topics.is_empty() {
        writeln!(output, "- Topics: {}", line(&memory.topics.join(", ")))?;
    }
    writeln!(output, "- Written: {}", memory.created_at)?;
    writeln!(output, "- Changed: {}\n", memory.updated_at)?;
    for part in memory.content.as_str().replace("\r\n", "\n").split(['\n', '\r']) {
        writeln!(output, "{}", format!("> {part}").trim_end())?;
    }
    Ok(())
}

/// The first line with something in it, cut to what fits a heading.
fn heading(text: &str) -> String {
    let plain = |text: &str| line(text.trim_start_matches(['#', ' ', '\t', '>', '*', '-'])).trim().to_owned();
    let mut lines = text.split(['\n', '\r']).map(plain).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_else(|| line(text.trim()));
    let mut heading: String = first.chars().take(HEADING).collect();
    if heading.len() < first.len() {
        heading.truncate(heading.trim_end().len());
        heading.push('…');
    }
    heading
}

/// A text as one line.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use papr_memory::{Content, Tier};
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut memory = Memory::new(Content::new(text).unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
        memory.topics = vec!["tea".to_owned(), "cups".to_owned()];
        let mut page = Vec::new();
        write(&memory, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn a_memory_is_a_heading_facts_and_a_quotation() {
        let page = written("\n# Buy tea\r\nand *cups*\n");
        assert!(
            page.starts_with("\n## Buy tea\n\n- Tier: goals\n- Type: goal\n- Topics: tea, cups\n"),
            "{page}"
        );
        assert!(page.ends_with("\n\n>\n> # Buy tea\n> and *cups*\n>\n"), "{page}");
        let long = written(&"word ".repeat(100));
        let heading = long.lines().nth(1).unwrap();
        assert!(heading.ends_with("word…") && heading.chars().count() <= 3 + HEADING + 1, "{heading}");
    }

    proptest! {
        #[test]
        fn whatever_a_text_holds_there_is_one_heading(text in "[#>a-z \\n\\r\\t`=-]{0,60}[a-z#]") {
            let page = written(&text);
            let lines = page.split(['\n', '\r']);
            prop_assert_eq!(lines.filter(|line| line.starts_with('#')).count(), 1, "{}", page);
            let quoted: String = page.lines().filter(|line| line.starts_with('>')).collect();
            let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).count();
            prop_assert_eq!(letters(&quoted), letters(&text), "nothing of the text is lost");
        }
    }
}
