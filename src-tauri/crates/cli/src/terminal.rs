//! This process's own streams.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use console::Term;
use indicatif::ProgressDrawTarget;
use papr_ipc::{Screen, Surroundings, Typed};
use papr_memory::CancelToken;

use crate::console::Console;
use crate::{key, prompt};

/// Standard input, standard output and standard error.
#[derive(Debug)]
pub(crate) struct Terminal {
    surroundings: Surroundings,
    folder: PathBuf,
    /// Nobody cancels: Ctrl-C ends the process.
    cancel: CancelToken,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let errors = Term::stderr();
        let surroundings = Surroundings {
            input_is_terminal: io::stdin().is_terminal(),
            output_is_terminal: io::stdout().is_terminal(),
            errors_are_terminal: io::stderr().is_terminal(),
            width: if errors.is_term() { errors.size().1 } else { 0 },
            no_color: std::env::var_os("NO_COLOR").is_some(),
            has_key: key::is_in_environment(),
        };
        let folder = std::env::current_dir().unwrap_or_default();
        Self { surroundings, folder, cancel: CancelToken::new() }
    }
}

fn write(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

impl Console for Terminal {
    fn output(&self, bytes: &[u8]) -> io::Result<()> {
        write(io::stdout().lock(), bytes)
    }

    fn errors(&self, bytes: &[u8]) -> io::Result<()> {
        write(io::stderr().lock(), bytes)
    }

    fn input(&self) -> Box<dyn BufRead + '_> {
        Box::new(io::stdin().lock())
    }

    fn secret(&self, prompt: &str) -> io::Result<Typed> {
        prompt::ask(prompt)
    }

    fn surroundings(&self) -> Surroundings {
        self.surroundings
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn bars(&self) -> ProgressDrawTarget {
        if self.surroundings.errors_are_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        }
    }

    fn cancel(&self) -> &CancelToken {
        &self.cancel
    }
}

impl Screen for Terminal {
    fn output(&self, bytes: &[u8]) -> io::Result<()> {
        Console::output(self, bytes)
    }

    fn errors(&self, bytes: &[u8]) -> io::Result<()> {
        Console::errors(self, bytes)
    }

    fn input(&self) -> Box<dyn Read + Send> {
        Box::new(io::stdin())
    }

    fn secret(&self, prompt: &str) -> io::Result<Typed> {
        prompt::ask(prompt)
    }
}
