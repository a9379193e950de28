//! Windows' named pipes. By their default descriptor only this user, administrators and the system may write to one;
//! programs on other machines are refused. Written by the documentation, and tried by nobody yet.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

use crate::place::digits;

/// What the two sides speak through.
pub(crate) enum Stream {
    Server(NamedPipeServer),
    Client(NamedPipeClient),
}

/// A pipe that is listened on.
#[derive(Debug)]
pub(crate) struct Listener(String);

impl Listener {
    /// Listens for `data`.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        Ok(Self(name(&data.canonicalize()?)))
    }

    /// Takes the pipe; `PermissionDenied` if another process has it.
    pub(crate) fn acceptor(&self) -> io::Result<Acceptor> {
        let first = ServerOptions::new().first_pipe_instance(true).create(&self.0)?;
        Ok(Acceptor { name: self.0.clone(), next: Some(first) })
    }
}

/// Where connections come in.
pub(crate) struct Acceptor {
    name: String,
    /// An end that nobody has connected to yet.
    next: Option<NamedPipeServer>,
}

impl Acceptor {
    /// The next connection.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let server = match self.next.take() {
            Some(server) => server,
            None => ServerOptions::new().create(&self.name)?,
        };
        server.connect().await?;
        self.next = Some(ServerOptions::new().create(&self.name)?);
        Ok(Some(Stream::Server(server)))
    }
}

/// Connects to who listens for `data`; `None` if nobody does.
pub(crate) async fn connect(data: &Path) -> io::Result<Option<Stream>> {
    let Ok(data) = data.canonicalize() else { return Ok(None) };
    match ClientOptions::new().open(name(&data)) {
        Ok(client) => Ok(Some(Stream::Client(client))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn name(data: &Path) -> String {
    format!(r"\\.\pipe\papr-{}", digits(data))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_read(context, buffer),
            Stream::Client(pipe) => Pin::new(pipe).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_write(context, bytes),
            Stream::Client(pipe) => Pin::new(pipe).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_flush(context),
            Stream::Client(pipe) => Pin::new(pipe).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_shutdown(context),
            Stream::Client(pipe) => Pin::new(pipe).poll_shutdown(context),
        }
    }
}
