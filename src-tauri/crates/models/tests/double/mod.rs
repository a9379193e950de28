//! A model hub on this machine: correct where nothing else is said, and as nasty as asked for.
//!
//! It listens on 127.0.0.1, answers each connection on a thread of its own, and stops when it is dropped.
#![allow(dead_code)] // each test file uses its part

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papr_memory::CancelToken;
use papr_models::{
    Catalog, CatalogEntry, Hub, HubOptions, InstalledModel, ModelError, ModelsFolder, Progress, Retries,
    Token, install, installed, interrupted,
};
use sha2::{Digest, Sha256};

pub(crate) const REPO: &str = "org/model";
pub(crate) const COMMIT: &str = "1111111111111111111111111111111111111111";
pub(crate) const TOKEN: &str = "hf_very_secret";
pub(crate) const MODEL_BYTES: usize = 300_000;

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Bytes that are the same for the same seed, and compress badly.
pub(crate) fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn is_get(&self, file: &str) -> bool {
        self.method == "GET" && self.path.ends_with(file)
    }
}

/// How an answer ends.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Whole,
    /// The connection is closed in good order after so many bytes of the body.
    Cut(usize),
    /// The connection is reset after so many bytes of the body.
    Reset(usize),
    /// Nothing more comes after so many bytes of the body.
    Stall(usize),
    /// So many bytes at a time, with a pause between.
    Paced(usize, Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ending: Ending,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), ending: Ending::Whole }
    }

    #[allow(clippy::needless_pass_by_value)] // text and numbers alike, as they come
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|header| header.0 != name);
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

/// A file of the hub's; `large` ones have their SHA-256 told.
#[derive(Clone, Debug)]
pub(crate) struct HubFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) large: bool,
}

impl HubFile {
    pub(crate) fn etag(&self) -> String {
        let hash = sha256(&self.bytes);
        if self.large { hash } else { hash[..40].to_owned() }
    }

    /// What a correct server answers.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let etag = format!("\"{}\"", self.etag());
        let mut reply = Reply::new(200).with("ETag", &etag).with("X-Repo-Commit", COMMIT);
        if self.large {
            reply = reply.with("X-Linked-Etag", &etag).with("X-Linked-Size", self.bytes.len());
        }
        let start = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let fresh = request.header("if-range").is_none_or(|tag| tag == etag);
        match start.filter(|_| fresh) {
            Some(start) if start >= self.bytes.len() => {
                let mut reply = Reply::new(416);
                reply = reply.with("Content-Range", format!("bytes */{}", self.bytes.len()));
                if self.large { reply.with("X-Linked-Etag", etag) } else { reply }
            }
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", self.bytes.len() - 1, self.bytes.len());
                reply.status = 206;
                reply.with("Content-Range", range).body(&self.bytes[start..])
            }
            None => reply.body(&self.bytes),
        }
    }
}

/// What is asked before the correct answer is given; the number counts earlier requests of the same kind for the
/// same path, the reply is the correct one.
pub(crate) type Script = Arc<dyn Fn(&Request, usize, Reply) -> Reply + Send + Sync>;

struct Shared {
    files: Mutex<HashMap<String, HubFile>>,
    script: Mutex<Script>,
    log: Mutex<Vec<Request>>,
    stop: AtomicBool,
}

pub(crate) struct Double {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Double {
    /// A hub with a large graph and a small tokenizer.
    pub(crate) fn new() -> Self {
        let double = Self::empty();
        double.put("onnx/model.onnx", HubFile { bytes: noise(1, MODEL_BYTES), large: true });
        double.put("tokenizer.json", HubFile { bytes: b"{\"tokens\": []}".to_vec(), large: false });
        double
    }

    pub(crate) fn empty() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            script: Mutex::new(Arc::new(|_, _, reply| reply)),
            log: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let its = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                if its.stop.load(Ordering::Relaxed) {
                    return;
                }
                let its = Arc::clone(&its);
                thread::spawn(move || drop(serve(&stream, &its)));
            }
        });
        Self { address, shared, listener: Some(listener) }
    }

    pub(crate) fn put(&self, path: &str, file: HubFile) {
        self.shared.files.lock().unwrap().insert(path.to_owned(), file);
    }

    pub(crate) fn file(&self, path: &str) -> HubFile {
        self.shared.files.lock().unwrap()[path].clone()
    }

    pub(crate) fn script(&self, script: impl Fn(&Request, usize, Reply) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Arc::new(script);
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn log(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    pub(crate) fn clear_log(&self) {
        self.shared.log.lock().unwrap().clear();
    }

    pub(crate) fn gets(&self, file: &str) -> Vec<Request> {
        self.log().into_iter().filter(|request| request.is_get(file)).collect()
    }

    pub(crate) fn hub(&self) -> Hub {
        Hub::new(self.options()).unwrap()
    }

    pub(crate) fn options(&self) -> HubOptions {
        HubOptions {
            endpoint: self.endpoint(),
            token: Some(Token::new(TOKEN)),
            proxy: false,
            connect_timeout: Duration::from_secs(2),
            stall_timeout: Duration::from_millis(400),
            retries: Retries { failures: 4, first_wait: Duration::from_millis(10) },
            ..HubOptions::default()
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// Reads a request without taking it from the socket: closing then resets the connection.
fn peek(stream: &TcpStream) -> std::io::Result<(Request, usize)> {
    let mut buffer = vec![0; 16_384];
    loop {
        let count = stream.peek(&mut buffer)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let mut lines = text[..end].lines();
            let first: Vec<String> = lines.next().unwrap_or_default().split(' ').map(str::to_owned).collect();
            let headers = lines.filter_map(|line| line.split_once(':'));
            let headers =
                headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            let request =
                Request { method: first[0].clone(), path: first[1].clone(), headers: headers.collect() };
            return Ok((request, end + 4));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_nodelay(true)?;
    let (request, length) = peek(stream)?;
    let count = {
        let mut log = shared.log.lock().unwrap();
        let same = |other: &&Request| other.method == request.method && other.path == request.path;
        let count = log.iter().filter(same).count();
        log.push(request.clone());
        count
    };
    let file = {
        let files = shared.files.lock().unwrap();
        let whole = request.path.split('?').next().unwrap_or_default();
        let path = whole.split("/resolve/").nth(1).and_then(|rest| rest.split_once('/')).map(|rest| rest.1);
        path.or_else(|| whole.strip_prefix("/store/")).and_then(|path| files.get(path)).cloned()
    };
    let correct = file.map_or_else(|| Reply::new(404), |file| file.answer(&request));
    let script = Arc::clone(&shared.script.lock().unwrap());
    let reply = script(&request, count, correct);
    let mut head = format!("HTTP/1.1 {} Said\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !reply.headers.iter().any(|header| header.0 == "Content-Length" || header.0 == "Transfer-Encoding") {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    head.push_str("\r\n");
    let mut stream = stream;
    let take = |mut stream: &TcpStream| stream.read_exact(&mut vec![0; length]);
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return take(stream);
    }
    match reply.ending {
        Ending::Whole => {
            take(stream)?;
            stream.write_all(&reply.body)
        }
        Ending::Cut(count) => {
            take(stream)?;
            stream.write_all(&reply.body[..count])
        }
        Ending::Reset(count) => {
            stream.write_all(&reply.body[..count])?;
            thread::sleep(Duration::from_millis(50));
            Ok(())
        }
        Ending::Stall(count) => {
            take(stream)?;
            stream.write_all(&reply.body[..count])?;
            for _ in 0..100 {
                thread::sleep(Duration::from_millis(50));
                if shared.stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            Ok(())
        }
        Ending::Paced(size, pause) => {
            take(stream)?;
            for piece in reply.body.chunks(size) {
                stream.write_all(piece)?;
                thread::sleep(pause);
            }
            Ok(())
        }
    }
}

/// An entry over the double's files, with hashes or without.
pub(crate) fn entry(pinned: Option<&Double>) -> CatalogEntry {
    let pin = |path: &str| match pinned.map(|double| double.file(path)) {
        Some(file) => serde_json::json!({"bytes": file.bytes.len(), "sha256": sha256(&file.bytes)}),
        None => serde_json::json!({}),
    };
    let with = |path: &str, role: &str, to: &str| {
        let mut file = pin(path);
        file["role"] = role.into();
        file["from"] = path.into();
        file["to"] = to.into();
        file
    };
    let files = [
        with("tokenizer.json", "tokenizer", "tokenizer.json"),
        with("onnx/model.onnx", "model", "model.onnx"),
    ];
    let bytes = files.iter().map(|file| file["bytes"].as_u64().unwrap_or(1)).sum::<u64>();
    let json = serde_json::json!({"schema": 1, "models": [{
        "id": "m", "name": "M", "summary": "For tests.", "license": {"spdx": "MIT", "url": "https://example.org"},
        "source": {"hub": {"repo": REPO, "revision": "main", "files": files}},
        "languages": ["en"], "size": {"bytes": bytes, "approximate": pinned.is_none()}, "memory_bytes": 1,
        "runs_on": ["cpu"],
        "recipe": {
            "max_tokens": 8, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
            "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": 4, "precision": "fp32",
            "graph": {"input_ids": "ids", "attention_mask": "mask", "output": "out"}
        }
    }]});
    Catalog::from_json(&json.to_string()).unwrap().get("m").unwrap().clone()
}

/// For those who do not look at the progress.
pub(crate) fn quiet(_: Progress) {}

pub(crate) fn run(double: &Double, models: &Path) -> Result<InstalledModel, ModelError> {
    install(&entry(None), &double.hub(), models, &quiet, &CancelToken::new())
}

/// The model is listed, every byte is the hub's, and nothing is left over.
pub(crate) fn assert_whole(double: &Double, models: &Path, model: &InstalledModel) {
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(fs::read(model.model_path()).unwrap(), double.file("onnx/model.onnx").bytes);
    assert_eq!(installed(&[ModelsFolder::chosen(models)]).len(), 1);
    assert_eq!(interrupted(models), []);
    let mut names: Vec<_> =
        fs::read_dir(model.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["manifest.json", "model.onnx", "origin.json", "tokenizer.json"]);
}

pub(crate) fn assert_nothing(models: &Path) {
    assert!(installed(&[ModelsFolder::chosen(models)]).is_empty(), "nothing half-installed is listed");
    assert!(!models.join("m").exists());
}
