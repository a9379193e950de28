//! A server on this machine that answers as it is told, and remembers what it was asked.
//!
//! It listens on 127.0.0.1, answers each connection on a thread of its own, and stops when it is dropped.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too
#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papr_api::{ApiKey, Client, ClientBuilder, RetryPolicy};

pub(crate) const KEY: &str = "papr-test-key-4f7d";

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query, as it came.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// Writes a body of its own, after the head.
pub(crate) type Stream = Arc<dyn Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Ending {
    Whole,
    /// The length is told in full, but only so many bytes come.
    Cut(usize),
    /// No length is told, and only so many bytes come: the end of the connection is the end of the body.
    CutUntold(usize),
    /// The request is read, and the connection closed without a word.
    Hangup,
    /// The request is read, and then nothing happens for a while.
    Silence,
    /// The answer comes after a pause.
    Late(Duration),
    Stream(Stream),
}

#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    ending: Ending,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self { status, headers: Vec::new(), body: body.as_ref().to_vec(), ending: Ending::Whole }
    }

    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

struct Shared {
    replies: Vec<Reply>,
    log: Mutex<Vec<Request>>,
    stop: AtomicBool,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers the first request with the first reply, and so on; the last reply goes on for ever.
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let replies: Vec<_> = replies.into_iter().collect();
        let shared = Arc::new(Shared { replies, log: Mutex::default(), stop: AtomicBool::new(false) });
        let its = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                if its.stop.load(Ordering::SeqCst) {
                    return;
                }
                let its = Arc::clone(&its);
                thread::spawn(move || drop(serve(&stream, &its)));
            }
        });
        Self { address, shared, listener: Some(listener) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn log(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.log().len()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let retry = RetryPolicy { first_wait: Duration::from_millis(1), ..RetryPolicy::default() };
        Client::builder(ApiKey::new(KEY).unwrap()).base_url(&self.url()).retry(retry)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|header| header.0 == "content-length");
    let length = length.and_then(|header| header.1.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request { method, target, headers, body: String::from_utf8(body).unwrap() })
}

fn serve(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    let request = read_request(stream)?;
    let number = {
        let mut log = shared.log.lock().unwrap();
        log.push(request);
        log.len() - 1
    };
    let Some(reply) = shared.replies.get(number).or(shared.replies.last()) else { return Ok(()) };
    match &reply.ending {
        Ending::Hangup => return Ok(()),
        Ending::Silence => {
            for _ in 0..2_000 {
                thread::sleep(Duration::from_millis(5));
                if shared.stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            return Ok(());
        }
        Ending::Late(pause) => thread::sleep(*pause),
        _ => {}
    }
    let mut head = format!("HTTP/1.1 {} Said\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !matches!(reply.ending, Ending::CutUntold(_) | Ending::Stream(_)) {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    match &reply.ending {
        Ending::Cut(bytes) | Ending::CutUntold(bytes) => stream.write_all(&reply.body[..*bytes]),
        Ending::Stream(write) => write(&mut stream),
        _ => stream.write_all(&reply.body),
    }
}

/// Runs a call to its end.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
