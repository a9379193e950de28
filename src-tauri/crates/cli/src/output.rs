//! What is printed: for people in lines, for programs in JSON, progress for people at a terminal.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use papr_engine::{Code, Error, Problem};
use papr_ipc::{Surroundings, Typed};
use papr_memory::CancelToken;
use papr_memory::ports::StoreError;
use serde::Serialize;

use crate::console::Console;
use crate::key;

/// Where and how results are printed, and where more is asked for.
pub(crate) struct Output {
    console: Arc<dyn Console>,
    json: bool,
    marks: bool,
}

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    Engine(Error),
    /// The reader of our output is gone, as in `papr list | head`: nobody to tell.
    Closed,
    /// The report says what is broken.
    Unwell,
    /// What an engine tells of something that did not succeed, such as a sync.
    Told(Problem),
    Usage(String),
    /// Ctrl-C, at a prompt.
    Interrupted,
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::File { path, source }
                if path.as_path() == Path::new("-") && source.kind() == io::ErrorKind::BrokenPipe =>
            {
                Failure::Closed
            }
            error => Failure::Engine(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            io::ErrorKind::Interrupted => Failure::Interrupted,
            _ => Failure::Output(error),
        }
    }
}

impl Output {
    pub(crate) fn new(console: Arc<dyn Console>, json: bool) -> Self {
        let around = console.surroundings();
        Self { console, json, marks: around.output_is_terminal && !around.no_color }
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    pub(crate) fn print<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(value).map_err(io::Error::from)? + "\n"
        } else {
            text(value)
        };
        Ok(self.console.output(text.as_bytes())?)
    }

    /// Standard output, for what is neither lines nor JSON.
    pub(crate) fn raw(&self) -> impl io::Write {
        Raw(Arc::clone(&self.console))
    }

    /// A remark to the person, beside the results.
    pub(crate) fn note(&self, text: &str) {
        // A closed standard error leaves nobody to tell.
        let _ = self.console.errors(format!("{text}\n").as_bytes());
    }

    /// Whether somebody is there to be asked.
    pub(crate) fn at_terminal(&self) -> bool {
        let around = self.around();
        around.input_is_terminal && around.errors_are_terminal
    }

    /// Asks; everything but a yes is a no.
    pub(crate) fn agreed(&self, question: &str) -> Result<bool, Failure> {
        Ok(matches!(self.answer(&format!("{question} [y/N]"))?.as_str(), "y" | "yes"))
    }

    /// What somebody types to a question, in small letters.
    pub(crate) fn answer(&self, question: &str) -> Result<String, Failure> {
        self.note(question);
        let mut answer = String::new();
        self.input().read_line(&mut answer)?;
        Ok(answer.trim().to_lowercase())
    }

    /// What somebody types unseen.
    pub(crate) fn secret(&self, prompt: &str) -> io::Result<Typed> {
        self.console.secret(prompt)
    }

    /// Standard input.
    pub(crate) fn input(&self) -> Box<dyn BufRead + '_> {
        self.console.input()
    }

    /// The text itself, or all of standard input for `-`.
    pub(crate) fn text_or_input(&self, text: &str) -> Result<String, Failure> {
        if text != "-" {
            return Ok(text.to_owned());
        }
        let input_error = |source| Error::File { path: PathBuf::from("standard input"), source };
        let mut bytes = Vec::new();
        self.input().read_to_end(&mut bytes).map_err(input_error)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            Failure::Usage(format!("standard input is not UTF-8: {}", error.utf8_error()))
        })?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// A path as it is meant where the command was typed.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.console.folder().join(path)
    }

    /// Whether found words are set off.
    pub(crate) fn marks(&self) -> bool {
        self.marks
    }

    pub(crate) fn around(&self) -> Surroundings {
        self.console.surroundings()
    }

    /// Cancelled once nobody waits for the command.
    pub(crate) fn cancel(&self) -> &CancelToken {
        self.console.cancel()
    }

    /// A progress bar over `total` steps; without a total, a counter. Quiet when nobody watches.
    pub(crate) fn progress(&self, what: &str, total: Option<u64>) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(style("{msg} {bar:30} {pos}/{len}")),
            None => ProgressBar::no_length().with_style(style("{msg} {human_pos}")),
        };
        bar.set_draw_target(self.console.bars());
        bar.with_message(what.to_owned())
    }

    /// Does `work` under a sign that something goes on. Quiet when nobody watches.
    pub(crate) fn waiting<T>(&self, what: &str, work: impl FnOnce() -> T) -> T {
        let bar = self.progress(what, None).with_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        let done = work();
        bar.finish_and_clear();
        done
    }

    /// Tells why a command failed; with which exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> u8 {
        let (problem, exit) = match failure {
            Failure::Closed => return 0,
            Failure::Unwell => return 1,
            Failure::Interrupted => return INTERRUPTED,
            Failure::Told(problem) => (problem.clone(), 1),
            Failure::Engine(error) => (Problem::from(error), exit_code(error)),
            Failure::Usage(message) => (plain(Code::InvalidInput, message.clone()), 2),
            Failure::Output(error) => (plain(Code::Internal, format!("cannot print the result: {error}")), 1),
        };
        let problem = for_a_terminal(problem);
        if self.json {
            if let Ok(json) = serde_json::to_string(&serde_json::json!({ "error": problem })) {
                self.note(&json);
            }
        } else {
            self.note(&format!("papr: {}", problem.message));
            if let Some(hint) = &problem.hint {
                self.note(&format!("hint: {hint}"));
            }
        }
        exit
    }
}

/// A console's standard output.
struct Raw(Arc<dyn Console>);

impl io::Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.output(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The same problem with a hint that names this program's commands, where there is one to name.
fn for_a_terminal(problem: Problem) -> Problem {
    let hint = match problem.code {
        Code::SignedOut => {
            "`papr login` signs in with a key from your Papr dashboard. Everything on this machine works without."
        }
        Code::Unauthorised if key::is_in_environment() => {
            "The key is the one in PAPR_MEMORY_API_KEY: set it to a valid one from your Papr dashboard, or unset it."
        }
        Code::Unauthorised => "Copy a valid key from your Papr dashboard and give it to `papr login`.",
        Code::LocalOnly => "`papr privacy --local-only off` lets it reach Papr and fetch models again.",
        Code::KeychainMissing if cfg!(target_os = "linux") => {
            "Start a keyring such as GNOME Keyring or KWallet and log in to it. On a machine without one, set \
             PAPR_MEMORY_API_KEY for the commands that need Papr."
        }
        Code::KeychainMissing => {
            "Log in to the desktop as yourself, or set PAPR_MEMORY_API_KEY for the commands that need Papr."
        }
        Code::KeychainLocked => {
            "Unlock the keychain, or answer what it asks in a window, and try again; or set PAPR_MEMORY_API_KEY for \
             this command."
        }
        Code::KeychainDenied => {
            "Try again and allow it when the system asks, or set PAPR_MEMORY_API_KEY for this command."
        }
        _ => return problem,
    };
    Problem { hint: Some(hint.to_owned()), ..problem }
}

fn plain(code: Code, message: String) -> Problem {
    Problem { code, message, hint: None, retryable: false }
}

fn exit_code(error: &Error) -> u8 {
    match (error, error.code()) {
        (Error::Store(StoreError::NotOurs { .. } | StoreError::Io { .. }), _)
        | (_, Code::StoreLocked | Code::StoreDamaged | Code::DiskFull) => 3,
        (_, Code::InvalidInput | Code::NotFound | Code::Conflict) => 2,
        _ => 1,
    }
}
