//! A look at a file before it is imported.

use std::io::BufRead;
use std::path::Path;

use papr_memory::Memory;
use serde::{Deserialize, Serialize};

use super::{BadLine, Format, tell};
use crate::{Engine, Error};

/// How many new texts are shown, and how much of each, in characters.
const EXAMPLES: usize = 5;
const EXAMPLE: usize = 200;

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPreview {
    /// What the file is written in.
    pub format: Format,
    /// Memories that would be added.
    pub fresh: u64,
    /// Lines whose memory is there already, by id or by text.
    pub known: u64,
    /// Lines that cannot be imported.
    pub bad: u64,
    /// The first hundred of them.
    pub bad_lines: Vec<BadLine>,
    /// The first new texts, cut to 200 characters.
    pub examples: Vec<String>,
}

impl Engine {
    /// What [`Engine::import`] would do with a file. Changes nothing.
    pub fn preview_import(&self, input: &mut dyn BufRead, path: &Path) -> Result<ImportPreview, Error> {
        let mut preview = ImportPreview::default();
        let mut known = self.known_texts()?;
        let (format, _) = self.read_each(input, path, &mut |number, memory| {
            match memory {
                Ok(memory) if known.note(&memory) => {
                    preview.fresh += 1;
                    if preview.examples.len() < EXAMPLES {
                        preview.examples.push(example(&memory));
                    }
                }
                Ok(_) => preview.known += 1,
                Err(reason) => tell(&mut preview.bad, &mut preview.bad_lines, number, reason),
            }
            Ok(())
        })?;
        preview.format = format;
        Ok(preview)
    }
}

fn example(memory: &Memory) -> String {
    memory.content.as_str().chars().take(EXAMPLE).collect()
}
