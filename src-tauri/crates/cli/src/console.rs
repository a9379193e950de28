//! What a command reads from and prints to: this process's own streams, or those of a process that sent it here.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use papr_ipc::{Caller, Input, Invocation, Surroundings, Typed};
use papr_memory::CancelToken;

/// How often a second a bar is drawn at another process's terminal.
const FRAMES: u8 = 10;

/// The place a command was typed in.
pub(crate) trait Console: fmt::Debug + Send + Sync {
    /// Writes to standard output, and has it seen.
    fn output(&self, bytes: &[u8]) -> io::Result<()>;

    /// Writes to standard error, and has it seen.
    fn errors(&self, bytes: &[u8]) -> io::Result<()>;

    /// Standard input. One reader at a time.
    fn input(&self) -> Box<dyn BufRead + '_>;

    /// Asks for a line without showing it. `Interrupted` after Ctrl-C.
    fn secret(&self, prompt: &str) -> io::Result<Typed>;

    /// What there is around it.
    fn surroundings(&self) -> Surroundings;

    /// Where relative paths begin.
    fn folder(&self) -> &Path;

    /// Where bars are drawn; nowhere if nobody watches.
    fn bars(&self) -> ProgressDrawTarget;

    /// Cancelled once nobody waits for the command.
    fn cancel(&self) -> &CancelToken;
}

/// The streams of a process that sent its command to this one.
#[derive(Debug)]
pub(crate) struct Remote {
    caller: Caller,
    input: Mutex<BufReader<Input>>,
    surroundings: Surroundings,
    folder: PathBuf,
}

impl Remote {
    pub(crate) fn new(caller: &Caller, invocation: &Invocation) -> Self {
        Self {
            caller: caller.clone(),
            input: Mutex::new(BufReader::new(caller.input())),
            surroundings: invocation.surroundings,
            folder: invocation.folder(),
        }
    }
}

impl Console for Remote {
    fn output(&self, bytes: &[u8]) -> io::Result<()> {
        self.caller.output(bytes)
    }

    fn errors(&self, bytes: &[u8]) -> io::Result<()> {
        self.caller.errors(bytes)
    }

    fn input(&self) -> Box<dyn BufRead + '_> {
        Box::new(Held(self.input.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn secret(&self, prompt: &str) -> io::Result<Typed> {
        self.caller.secret(prompt)
    }

    fn surroundings(&self) -> Surroundings {
        self.surroundings
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn bars(&self) -> ProgressDrawTarget {
        if !self.surroundings.errors_are_terminal {
            return ProgressDrawTarget::hidden();
        }
        let (caller, width) = (self.caller.clone(), self.surroundings.width);
        ProgressDrawTarget::term_like_with_hz(
            Box::new(Drawing { caller, width, drawn: Mutex::default() }),
            FRAMES,
        )
    }

    fn cancel(&self) -> &CancelToken {
        self.caller.cancel()
    }
}

/// The one standard input, while somebody reads it.
struct Held<'a>(MutexGuard<'a, BufReader<Input>>);

impl Read for Held<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl BufRead for Held<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

/// A terminal at the other end of a socket, as bars are drawn on it: what belongs together is sent together.
#[derive(Debug)]
struct Drawing {
    caller: Caller,
    width: u16,
    drawn: Mutex<String>,
}

impl Drawing {
    fn draw(&self, text: &str) {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    /// `command` is what follows the number in the terminal's language.
    fn move_by(&self, count: usize, command: char) {
        if count > 0 {
            self.draw(&format!("\x1b[{count}{command}"));
        }
    }
}

impl TermLike for Drawing {
    fn width(&self) -> u16 {
        self.width
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_by(count, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_by(count, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_by(count, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_by(count, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(&format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        self.caller.errors(drawn.as_bytes())
    }
}
