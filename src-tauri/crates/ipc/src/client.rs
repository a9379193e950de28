//! The command line's side: hands a command over and carries out what comes back.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::frame::{Reader, write};
use crate::message::{Hello, Invocation, PROTOCOL, Reply, Request, Typed, Window};
use crate::system::{self, Stream};

/// How long the app may take to say hello.
const GREETING: Duration = Duration::from_secs(5);

/// The most that is read of standard input at once.
const PIECE: usize = 1 << 16;

/// The process that a command was typed to.
pub trait Screen {
    /// Writes to standard output, and has it seen.
    fn output(&self, bytes: &[u8]) -> io::Result<()>;

    /// Writes to standard error, and has it seen.
    fn errors(&self, bytes: &[u8]) -> io::Result<()>;

    /// Standard input.
    fn input(&self) -> Box<dyn Read + Send>;

    /// Asks for a line without showing it.
    fn secret(&self, prompt: &str) -> io::Result<Typed>;
}

/// Why the app did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It is of another version.
    #[error("the app that runs is version {app}, and this is version {own}")]
    OtherVersion {
        /// The app's.
        app: String,
        /// This one's.
        own: String,
    },
    /// It was there and is gone; the command may be done or not.
    #[error("the app ended in the middle of the command")]
    Gone,
    /// Standard output, or the person at the prompt, ended it.
    #[error(transparent)]
    Here(io::Error),
    /// The socket failed.
    #[error("the app that runs cannot be reached: {0}")]
    Socket(io::Error),
}

/// A connection to the app that has a data folder open.
pub struct Client {
    runtime: Runtime,
    from: Reader<ReadHalf<Stream>>,
    to: WriteHalf<Stream>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the app that has `data` open; `None` if none does, or none that listens.
    pub fn connect(data: &Path, version: &str) -> Result<Option<Self>, ClientError> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(ClientError::Socket)?;
        let own = Hello { protocol: PROTOCOL, version: version.to_owned() };
        let greeting = async {
            let Some(stream) = system::connect(data).await? else { return Ok(None) };
            let (read, mut to) = split(stream);
            let mut from = Reader::new(read);
            let said = write(&mut to, &own).await;
            let app: Hello = match from.next().await? {
                Some(app) => app,
                // It takes its socket away just now.
                None => return said.map(|()| None),
            };
            Ok(Some((from, to, app)))
        };
        let greeted: io::Result<_> = runtime
            .block_on(async { timeout(GREETING, greeting).await.unwrap_or_else(|late| Err(late.into())) });
        match greeted {
            Ok(Some((from, to, app))) if app == own => Ok(Some(Self { runtime, from, to })),
            Ok(Some((_, _, app))) => Err(ClientError::OtherVersion { app: app.version, own: own.version }),
            Ok(None) => Ok(None),
            Err(error) => Err(ClientError::Socket(error)),
        }
    }

    /// Has a command carried out and returns its exit code.
    pub fn run(self, invocation: Invocation, screen: &dyn Screen) -> Result<u8, ClientError> {
        let Self { runtime, mut from, mut to } = self;
        let (tells, mut hears) = mpsc::channel(1);
        let mut asks = None;
        runtime.block_on(async {
            write(&mut to, &Request::Run(invocation)).await.map_err(lost)?;
            loop {
                let reply = tokio::select! {
                    reply = from.next() => reply.map_err(lost)?.ok_or(ClientError::Gone)?,
                    Some(input) = hears.recv() => {
                        write(&mut to, &Request::Input(input)).await.map_err(lost)?;
                        continue;
                    }
                };
                match reply {
                    Reply::Output(bytes) => screen.output(&bytes).map_err(ClientError::Here)?,
                    Reply::Errors(bytes) => screen.errors(&bytes).map_err(ClientError::Here)?,
                    Reply::WantInput => {
                        let asks = asks.get_or_insert_with(|| reads(screen.input(), tells.clone()));
                        // Its thread ends with this process.
                        let _ = asks.send(());
                    }
                    Reply::WantSecret(prompt) => {
                        let typed = screen.secret(&prompt).map_err(ClientError::Here)?;
                        write(&mut to, &Request::Secret(typed)).await.map_err(lost)?;
                    }
                    Reply::Exit(code) => return Ok(code),
                }
            }
        })
    }

    /// Has a window shown.
    pub fn show(self, window: Window) -> Result<(), ClientError> {
        let Self { runtime, mut from, mut to } = self;
        runtime.block_on(async {
            write(&mut to, &Request::Show(window)).await.map_err(lost)?;
            match from.next().await.map_err(lost)? {
                Some(Reply::Exit(0)) => Ok(()),
                _ => Err(ClientError::Gone),
            }
        })
    }
}

/// What a failure in the middle means.
fn lost(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => ClientError::Gone,
        _ => ClientError::Socket(error),
    }
}

type Piece = Result<Vec<u8>, String>;

/// Reads a piece of `input` each time it is asked to, on a thread of its own: somebody who types may take their time,
/// and the end of the app should be noticed meanwhile.
fn reads(mut input: Box<dyn Read + Send>, tells: mpsc::Sender<Piece>) -> std::sync::mpsc::Sender<()> {
    let (asks, asked) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for () in asked {
            let mut piece = vec![0; PIECE];
            let read = input.read(&mut piece).map_err(|error| error.to_string());
            let read = read.map(|count| {
                piece.truncate(count);
                piece
            });
            if tells.blocking_send(read).is_err() {
                return;
            }
        }
    });
    asks
}
