//! Asking at the terminal for a line that is not shown.
//!
//! While it is asked for, the terminal shows nothing and sends every key at once, Ctrl-C among them: were Ctrl-C to end
//! the process here, as it does elsewhere, the shell would be left with a terminal that shows nothing.

use std::io;

use console::Term;
use papr_ipc::Typed;

/// Asks. `Interrupted` after Ctrl-C, `NotFound` where there is no terminal to ask at.
pub(crate) fn ask(prompt: &str) -> io::Result<Typed> {
    let terms = [Term::stderr(), Term::stdout()];
    let term = terms.iter().find(|term| term.is_term()).ok_or(io::ErrorKind::NotFound)?;
    let typed = read(|| term.write_str(prompt));
    // What ended the line was not shown either.
    term.write_line("")?;
    typed
}

#[cfg(unix)]
use unix::read;

#[cfg(not(unix))]
fn read(ask: impl FnOnce() -> io::Result<()>) -> io::Result<Typed> {
    ask()?;
    // It ends the process on Ctrl-C, and the console is the system's to put right.
    Term::stderr().read_secure_line().map(Typed::new)
}

#[cfg(unix)]
mod unix {
    use std::io::{self, BufRead, ErrorKind, Stdin};

    use papr_ipc::Typed;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// Longer than any key; further keys are not taken.
    const LONGEST: usize = 8_192;

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const BACKSPACE: [u8; 2] = [8, 127];
    const CTRL_U: u8 = 21;

    /// The terminal as it is meanwhile.
    struct Silent {
        input: Stdin,
        before: Termios,
    }

    impl Silent {
        fn new(input: Stdin) -> io::Result<Self> {
            let before = tcgetattr(&input)?;
            let mut silent = before.clone();
            silent.local_modes -=
                LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            tcsetattr(&input, OptionalActions::Flush, &silent)?;
            Ok(Self { input, before })
        }
    }

    impl Drop for Silent {
        fn drop(&mut self) {
            // What was pasted after the line is not for the shell. A terminal that is gone needs nothing.
            let _ = tcsetattr(&self.input, OptionalActions::Flush, &self.before);
        }
    }

    /// Reads a line after `ask` has shown its question.
    pub(super) fn read(ask: impl FnOnce() -> io::Result<()>) -> io::Result<Typed> {
        let silent = Silent::new(io::stdin())?;
        ask()?;
        line(&mut silent.input.lock())
    }

    /// Keys up to the end of the line.
    fn line(keys: &mut impl BufRead) -> io::Result<Typed> {
        // Never grows, so that no copy stays behind.
        let mut line = String::with_capacity(LONGEST + 4);
        let mut key = [0];
        loop {
            let key = (keys.read(&mut key)? == 1).then_some(key[0]);
            match key {
                None | Some(b'\n' | b'\r') => break,
                Some(CTRL_C) => return Err(ErrorKind::Interrupted.into()),
                Some(CTRL_D) if line.is_empty() => return Err(ErrorKind::UnexpectedEof.into()),
                Some(key) if BACKSPACE.contains(&key) => drop(line.pop()),
                Some(CTRL_U) => line.clear(),
                // A key is plain text: of anything else it is enough that it makes the line a bad one.
                Some(key) if line.len() < LONGEST => line.push(char::from(key)),
                Some(_) => {}
            }
        }
        Ok(Typed::new(line))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn typed(keys: &[u8]) -> Result<String, ErrorKind> {
            line(&mut &*keys).map(|typed| typed.expose().to_owned()).map_err(|error| error.kind())
        }

        #[test]
        fn keys_make_a_line() {
            assert_eq!(typed(b"key-alice\nmore"), Ok("key-alice".to_owned()));
            assert_eq!(typed(b"key-alicf\x7fe\r"), Ok("key-alice".to_owned()));
            assert_eq!(typed(b"wrong\x15right"), Ok("right".to_owned()));
            assert_eq!(typed(b"key\x03"), Err(ErrorKind::Interrupted));
            assert_eq!(typed(b"\x04"), Err(ErrorKind::UnexpectedEof));
            assert_eq!(typed(&vec![b'x'; 20_000]).map(|line| line.len()), Ok(LONGEST));
        }
    }
}
