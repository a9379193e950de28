//! Both sides over a real socket, with a handler that echoes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

use std::cell::RefCell;
use std::fs;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use papr_ipc::{
    Caller, Client, ClientError, Handler, Invocation, Screen, Server, Surroundings, Typed, Window,
};
use tempfile::TempDir;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// Does what its first argument says.
#[derive(Clone)]
struct Echo {
    shown: Arc<AtomicU32>,
    /// Hears when a command saw that it was cancelled.
    cancelled: mpsc::SyncSender<()>,
}

impl Handler for Echo {
    fn run(&self, invocation: Invocation, caller: &Caller) -> u8 {
        let arguments = invocation.arguments();
        match arguments[1].to_str().unwrap() {
            "print" => {
                caller.output(arguments[2].to_str().unwrap().as_bytes()).unwrap();
                caller.errors(b"a remark").unwrap();
                7
            }
            "much" => caller.output(&vec![b'x'; 300_000]).map_or(1, |()| 0),
            "count" => {
                let lines = BufReader::new(caller.input()).lines().map(Result::unwrap).count();
                caller.output(lines.to_string().as_bytes()).unwrap();
                0
            }
            "secret" => {
                let typed = caller.secret("Key: ").unwrap();
                caller.output(typed.expose().len().to_string().as_bytes()).unwrap();
                0
            }
            "wait" => {
                caller.output(b"waiting").unwrap();
                while !caller.cancel().is_cancelled() {
                    thread::sleep(Duration::from_millis(1));
                }
                assert_eq!(caller.output(b"too late").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
                self.cancelled.send(()).unwrap();
                0
            }
            "panic" => panic!("on purpose"),
            other => unreachable!("{other}"),
        }
    }

    fn show(&self, _: Window) {
        self.shown.fetch_add(1, Ordering::Relaxed);
    }
}

struct App {
    folder: TempDir,
    server: Option<Server>,
    shown: Arc<AtomicU32>,
    cancelled: mpsc::Receiver<()>,
}

impl App {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (cancelled, hears) = mpsc::sync_channel(10);
        let shown = Arc::default();
        let echo = Echo { shown: Arc::clone(&shown), cancelled };
        let server = Server::bind(folder.path(), "1.2.3", echo).unwrap();
        Self { folder, server: Some(server), shown, cancelled: hears }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/papr.sock")
    }

    fn client(&self) -> Client {
        Client::connect(self.folder.path(), "1.2.3").unwrap().expect("it listens")
    }

    fn run(&self, arguments: &[&str], screen: &Recorded) -> Result<u8, ClientError> {
        self.client().run(invocation(arguments), screen)
    }

    fn works(&self) {
        let screen = Recorded::default();
        assert_eq!(self.run(&["print", "hello"], &screen).unwrap(), 7);
        assert_eq!(*screen.out.borrow(), b"hello");
    }
}

fn invocation(arguments: &[&str]) -> Invocation {
    let arguments = ["papr"].iter().chain(arguments).map(|&argument| argument.into());
    Invocation::new(arguments, "/tmp".into(), Surroundings::default())
}

/// A process as it never was.
#[derive(Default)]
struct Recorded {
    out: RefCell<Vec<u8>>,
    errors: RefCell<Vec<u8>>,
    input: Vec<u8>,
}

impl Screen for Recorded {
    fn output(&self, bytes: &[u8]) -> io::Result<()> {
        self.out.borrow_mut().extend(bytes);
        Ok(())
    }

    fn errors(&self, bytes: &[u8]) -> io::Result<()> {
        self.errors.borrow_mut().extend(bytes);
        Ok(())
    }

    fn input(&self) -> Box<dyn Read + Send> {
        Box::new(Cursor::new(self.input.clone()))
    }

    fn secret(&self, prompt: &str) -> io::Result<Typed> {
        assert_eq!(prompt, "Key: ");
        Ok(Typed::new("key-alice".to_owned()))
    }
}

/// One whose reader is gone.
struct Deaf;

impl Screen for Deaf {
    fn output(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn errors(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn input(&self) -> Box<dyn Read + Send> {
        Box::new(io::empty())
    }

    fn secret(&self, _: &str) -> io::Result<Typed> {
        Err(io::ErrorKind::Interrupted.into())
    }
}

#[test]
fn a_command_prints_reads_asks_and_ends() {
    let app = App::new();
    let screen = Recorded { input: b"one\ntwo\n".repeat(50_000), ..Recorded::default() };
    assert_eq!(app.run(&["print", "Siobhán"], &screen).unwrap(), 7);
    assert_eq!(*screen.out.borrow(), "Siobhán".as_bytes());
    assert_eq!(*screen.errors.borrow(), b"a remark");
    screen.out.take();
    assert_eq!(app.run(&["much"], &screen).unwrap(), 0);
    assert_eq!(screen.out.take().len(), 300_000);
    assert_eq!(app.run(&["count"], &screen).unwrap(), 0);
    assert_eq!(screen.out.take(), b"100000");
    assert_eq!(app.run(&["secret"], &screen).unwrap(), 0);
    assert_eq!(screen.out.take(), b"9");
}

#[test]
fn windows_are_asked_for() {
    let app = App::new();
    app.client().show(Window::Main).unwrap();
    app.client().show(Window::Quick).unwrap();
    assert_eq!(app.shown.load(Ordering::Relaxed), 2);
}

#[test]
fn nobody_is_there_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let connect = |path: &Path| Client::connect(path, "1.2.3").unwrap();
    assert!(connect(folder.path()).is_none());
    assert!(connect(&folder.path().join("none")).is_none());
    let mut app = App::new();
    assert!(app.socket().exists());
    app.server = None;
    assert!(!app.socket().exists() && connect(app.folder.path()).is_none());
    // As a kill leaves it.
    fs::create_dir(app.folder.path().join("run")).unwrap();
    drop(UnixListener::bind(app.socket()).unwrap());
    assert!(connect(app.folder.path()).is_none(), "a dead socket");
}

#[test]
fn another_version_is_told_which() {
    let app = App::new();
    let error = Client::connect(app.folder.path(), "1.3.0").unwrap_err();
    assert!(
        matches!(&error, ClientError::OtherVersion { app, own } if app == "1.2.3" && own == "1.3.0"),
        "{error}"
    );
    app.works();
}

#[test]
fn who_leaves_cancels_the_command() {
    let app = App::new();
    let error = app.client().run(invocation(&["wait"]), &Deaf).unwrap_err();
    assert!(matches!(error, ClientError::Here(_)), "{error}");
    app.cancelled.recv_timeout(LONG).unwrap();
    app.works();
}

#[test]
fn the_end_of_the_app_ends_its_commands_at_once() {
    let mut app = App::new();
    let (client, server) = (app.client(), app.server.take());
    let waits = thread::spawn(move || client.run(invocation(&["wait"]), &Recorded::default()));
    // It is under way, or not even begun: either ends.
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(matches!(waits.join().unwrap(), Err(ClientError::Gone)));
    app.cancelled.recv_timeout(LONG).unwrap();
}

#[test]
fn a_command_that_panics_ends_alone() {
    let app = App::new();
    assert!(matches!(app.run(&["panic"], &Recorded::default()), Err(ClientError::Gone)));
    app.works();
}

#[test]
fn garbage_ends_its_own_connection_only() {
    let app = App::new();
    let sent = |bytes: &[u8]| -> UnixStream {
        let mut stream = UnixStream::connect(app.socket()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        // It may close before all is written.
        let _ = stream.write_all(bytes);
        stream
    };
    // Length, protocol, length and digits of the version: what such a client would say, the app says itself.
    let mut hello = vec![0; 4 + 1 + 1 + 5];
    sent(&[]).read_exact(&mut hello).unwrap();
    let frame = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        u32::MAX.to_le_bytes().to_vec(),
        frame(&[]),
        [hello.clone(), frame(&[250])].concat(),
        // A request that answers what nobody asked.
        [hello.clone(), frame(&[2, 0, 0])].concat(),
        [hello.clone(), frame(&[1, 1, 9])].concat(),
    ] {
        let mut stream = sent(&garbage);
        let mut said = Vec::new();
        // Closed with what was sent still unread, it may be a reset.
        let _ = stream.read_to_end(&mut said);
        assert!(said.len() <= hello.len(), "nothing but its hello: {said:?}");
        app.works();
    }
    assert_eq!(app.shown.load(Ordering::Relaxed), 0);
}
