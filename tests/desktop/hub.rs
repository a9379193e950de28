//! A model hub on this machine, as far as a test of the window needs it: it hands out files of any name, slowly,
//! at once or not at all. What is in them is nothing that could be loaded.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes of a graph; other files are small.
const GRAPH: usize = 30_000_000;
const SMALL: usize = 2_000;
/// Bytes between two pauses of a slow answer.
const PIECE: usize = 100_000;
const PAUSE: Duration = Duration::from_millis(50);

/// How the hub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pace {
    /// Two megabytes a second.
    Slow,
    /// As quick as this machine is.
    Quick,
    /// It closes every connection, also those that it has.
    Away,
}

/// It answers as long as the test runs.
pub struct Hub {
    address: SocketAddr,
    pace: Arc<AtomicU8>,
}

impl Hub {
    pub fn start(pace: Pace) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let pace = Arc::new(AtomicU8::new(pace as u8));
        let its = Arc::clone(&pace);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let pace = Arc::clone(&its);
                thread::spawn(move || answer(&stream, &pace));
            }
        });
        Self { address, pace }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn pace(&self, pace: Pace) {
        self.pace.store(pace as u8, Ordering::Relaxed);
    }
}

/// Answers one request. Whoever asked may be gone by then, which is no concern of the hub's.
fn answer(mut stream: &TcpStream, pace: &AtomicU8) -> Option<()> {
    let is = |wanted: Pace| pace.load(Ordering::Relaxed) == wanted as u8;
    if is(Pace::Away) {
        return stream.shutdown(Shutdown::Both).ok();
    }
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next()?;
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let size = if request.contains(".onnx") { GRAPH } else { SMALL };
    let start: usize = headers
        .iter()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("range: bytes=")?.split('-').next()?.parse().ok()
        })
        .unwrap_or(0)
        .min(size);
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        _ => ("206 Partial Content", format!("Content-Range: bytes {start}-{}/{size}\r\n", size - 1)),
    };
    let left = size - start;
    let commit = "1".repeat(40);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"{size}\"\r\nX-Repo-Commit: {commit}\r\n{range}Content-Length: {left}\r\n\
         Connection: close\r\n\r\n"
    )
    .ok()?;
    if request.starts_with("HEAD") {
        return Some(());
    }
    let piece = vec![b'{'; PIECE];
    let mut sent = 0;
    while sent < left {
        if is(Pace::Away) {
            return stream.shutdown(Shutdown::Both).ok();
        }
        let next = PIECE.min(left - sent);
        stream.write_all(&piece[..next]).ok()?;
        sent += next;
        if is(Pace::Slow) {
            thread::sleep(PAUSE);
        }
    }
    Some(())
}
