//! Opening a copy of the database in a process of its own.
//!
//! Where files are damaged sled may panic, on threads of its own too, may hold on to them, and may take all
//! memory there is. In a child none of that harms the app.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::{codec, trial};

/// Set for a child alone: the store's folder.
const FOLDER: &str = "PAPR_STORE_TRIAL";
/// Set for a child alone: the number of the last change that was said to be saved.
const MARK: &str = "PAPR_STORE_TRIAL_MARK";
/// In the copy's folder: what the child found. Also the key its checksum is made with.
const ANSWER: &str = "answer";

/// How long a child may take, and how many bytes of database more a second it may take for.
const PATIENCE: Duration = Duration::from_mins(1);
const BYTES_A_SECOND: u64 = 1 << 20;

/// A program that calls [`serve`] when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    program: PathBuf,
    arguments: Vec<OsString>,
    left_out: Vec<String>,
}

/// What a child found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The copy opens and holds everything.
    Whole,
    /// It was written by a newer version.
    NotOurs(String),
    /// It does not open, or something is missing.
    Damaged(String),
    /// The system failed.
    Failed(String),
}

impl Child {
    /// This program, whose `main` calls [`serve`] first. A program that does not must not be named: it would
    /// run as it always does.
    pub fn this_program() -> io::Result<Self> {
        env::current_exe().map(|program| Self::new(program, Vec::new()))
    }

    /// Another program, or one that needs `arguments` to get to [`serve`].
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, left_out: Vec::new() }
    }

    /// The same, without a variable of this process's environment: a secret is none of a child's business.
    #[must_use]
    pub fn without(mut self, variable: &str) -> Self {
        self.left_out.push(variable.to_owned());
        self
    }

    /// What a child finds in the copy of the database of `folder`. A child that dies or takes too long found
    /// damage. Fails only if none could be started.
    pub(crate) fn try_copy(&self, folder: &Path, mark: u64) -> io::Result<Answer> {
        let answer = folder.join(trial::FOLDER).join(ANSWER);
        let mut command = Command::new(&self.program);
        for variable in &self.left_out {
            command.env_remove(variable);
        }
        let mut child = command
            .args(&self.arguments)
            .env(FOLDER, folder)
            .env(MARK, mark.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let bytes = crate::sizes::of_folder(&folder.join(trial::FOLDER)).unwrap_or(0);
        let end = Instant::now() + PATIENCE + Duration::from_secs(bytes / BYTES_A_SECOND);
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > end {
                child.kill()?;
                child.wait()?;
                return Ok(Answer::Damaged("opening a copy of the database came to no end".to_owned()));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let said = fs::read(answer).ok().and_then(|said| {
            let json = codec::decode(ANSWER.as_bytes(), &said).ok()?;
            serde_json::from_slice(json).ok()
        });
        Ok(said.unwrap_or_else(|| {
            Answer::Damaged(format!("the process that opened a copy of the database ended with {status}"))
        }))
    }
}

/// The child's part: if this process was started as one, does its work and returns the code to exit with.
///
/// To be called at the very start of `main`, before any window or thread.
pub fn serve() -> Option<ExitCode> {
    let folder = PathBuf::from(env::var_os(FOLDER)?);
    let mark = env::var(MARK).ok().and_then(|mark| mark.parse().ok()).unwrap_or(0);
    let answer = match trial::verify_copy(&folder, mark) {
        Ok(()) => Answer::Whole,
        Err(StoreError::NotOurs { reason, .. }) => Answer::NotOurs(reason),
        Err(StoreError::Damaged { what, source }) => {
            Answer::Damaged(source.map_or(what.clone(), |source| format!("{what}: {source}")))
        }
        Err(error) => Answer::Failed(error.to_string()),
    };
    let written = serde_json::to_vec(&answer).map_err(io::Error::from).and_then(|json| {
        let path = folder.join(trial::FOLDER).join(ANSWER);
        fs::write(path, codec::encode(ANSWER.as_bytes(), &json))
    });
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
