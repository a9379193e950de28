//! The log of accepted writes, in the order they were accepted: what the server's state is made of, and what a
//! test judges by. With a folder it is also a file of JSON lines, and a server that starts again reads it back.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::record::Record;

/// The log's name inside the data folder.
pub const FILE: &str = "accepted.jsonl";

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A request with a key.
    Client,
    /// The test, or a person through the control routes.
    Server,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A memory that was not there.
    Create,
    /// Another text, type, metadata or vector.
    Update,
    /// Into other tiers.
    Move,
    /// Gone for good.
    Delete,
}

/// One accepted write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 … over all accounts.
    pub number: u64,
    /// Milliseconds since 1970, by the server's clock.
    pub at: i64,
    /// Whose memory.
    pub account: String,
    /// Who wrote.
    pub author: Author,
    /// What was done.
    pub action: Action,
    /// Which memory.
    pub id: String,
    /// The client's own id for it, where it has one.
    pub client_id: Option<String>,
    /// Accepted, and the client got no answer, or a cut or garbled one.
    pub reply_lost: bool,
    /// The memory after this write; `None` after a deletion.
    pub record: Option<Record>,
}

/// A line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Accepted(Box<Entry>),
    /// Operations counted against a month's quota.
    Spent {
        account: String,
        month: String,
        operations: u64,
    },
}

/// The file, or none.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    file: Option<File>,
}

impl Journal {
    /// Opens the log of `folder` and gives what stands in it. A last line that was cut is removed.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Vec<Line>)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines = text[..whole]
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<Vec<Line>, serde_json::Error>>()?;
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        if whole < text.len() {
            file.set_len(whole as u64)?;
        }
        Ok((Self { file: Some(file) }, lines))
    }

    /// On disk before it counts.
    pub(crate) fn append(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        file.write_all(&text)
    }
}
