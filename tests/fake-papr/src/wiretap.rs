//! Connections that can be severed from above, and whose bytes are counted.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What went over all connections together.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) connections: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

/// A connection as a handler sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    severed: Arc<AtomicBool>,
}

impl Line {
    /// From here on nothing is sent: the next byte of a reply closes the connection instead.
    pub(crate) fn sever(&self) {
        self.severed.store(true, Ordering::SeqCst);
    }
}

/// Listens on the loopback.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) listener: TcpListener,
    pub(crate) traffic: Arc<Traffic>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Stream {
    inner: TcpStream,
    line: Line,
    traffic: Arc<Traffic>,
}

impl Listener for Tap {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (inner, from) = Listener::accept(&mut self.listener).await;
        // Small replies go at once: a test's seconds are not to be spent on waiting for acknowledgements.
        let _ = inner.set_nodelay(true);
        self.traffic.connections.fetch_add(1, Ordering::Relaxed);
        (Stream { inner, line: Line::default(), traffic: Arc::clone(&self.traffic) }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Tap>> for Line {
    fn connect_info(stream: IncomingStream<'_, Tap>) -> Self {
        stream.io().line.clone()
    }
}

impl Stream {
    fn alive(&self) -> io::Result<()> {
        if self.line.severed.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn sent(&self, sent: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &sent {
            self.traffic.bytes_out.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        sent
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.traffic.bytes_in.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?;
        let sent = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.sent(sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?;
        let sent = Pin::new(&mut self.inner).poll_write_vectored(cx, parts);
        self.sent(sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
