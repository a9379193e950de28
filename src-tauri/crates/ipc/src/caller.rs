//! The command line as a command in the app sees it: where it prints, what it reads, whether it is still there.

use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};

use papr_memory::CancelToken;
use tokio::sync::mpsc;

use crate::message::{Reply, Request, Typed};

/// The most that one frame carries of what is printed.
const PIECE: usize = 1 << 16;

/// One command line that waits. Clones speak to the same one.
///
/// Calls block and belong on worker threads. Once it is gone, or the server ends, every call fails with `BrokenPipe`
/// and the token is cancelled.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Line>);

#[derive(Debug)]
struct Line {
    to: mpsc::Sender<Reply>,
    /// Held while an answer is waited for: of two that ask, one waits for the other.
    from: Mutex<mpsc::Receiver<Request>>,
    cancel: CancelToken,
}

impl Caller {
    pub(crate) fn new(to: mpsc::Sender<Reply>, from: mpsc::Receiver<Request>, cancel: CancelToken) -> Self {
        Self(Arc::new(Line { to, from: Mutex::new(from), cancel }))
    }

    /// Cancelled once nobody waits for the command any more.
    pub fn cancel(&self) -> &CancelToken {
        &self.0.cancel
    }

    /// Writes to its standard output.
    pub fn output(&self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(PIECE).try_for_each(|piece| self.send(Reply::Output(piece.to_vec())))
    }

    /// Writes to its standard error.
    pub fn errors(&self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(PIECE).try_for_each(|piece| self.send(Reply::Errors(piece.to_vec())))
    }

    /// Its standard input, from where it was read to.
    pub fn input(&self) -> Input {
        Input { caller: self.clone(), came: Vec::new(), read: 0 }
    }

    /// Asks at its terminal for a line that is not shown.
    pub fn secret(&self, prompt: &str) -> io::Result<Typed> {
        match self.ask(Reply::WantSecret(prompt.to_owned()))? {
            Request::Secret(typed) => Ok(typed),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Ends it. Nothing is heard of it afterwards.
    pub(crate) fn exit(&self, code: u8) {
        // It may be gone.
        let _ = self.send(Reply::Exit(code));
    }

    fn send(&self, reply: Reply) -> io::Result<()> {
        self.0.to.blocking_send(reply).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    fn ask(&self, question: Reply) -> io::Result<Request> {
        let mut from = self.0.from.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(question)?;
        from.blocking_recv().ok_or_else(|| ErrorKind::BrokenPipe.into())
    }
}

/// Standard input of a [`Caller`], asked for piece by piece.
#[derive(Debug)]
pub struct Input {
    caller: Caller,
    came: Vec<u8>,
    read: usize,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.came.len() && !into.is_empty() {
            self.came = match self.caller.ask(Reply::WantInput)? {
                Request::Input(Ok(bytes)) => bytes,
                Request::Input(Err(reason)) => return Err(io::Error::other(reason)),
                _ => return Err(ErrorKind::InvalidData.into()),
            };
            self.read = 0;
        }
        let mut rest = self.came.get(self.read..).unwrap_or_default();
        let count = rest.read(into)?;
        self.read += count;
        Ok(count)
    }
}
