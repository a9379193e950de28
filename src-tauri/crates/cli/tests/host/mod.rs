//! An app without windows, in a process of its own: an engine behind the socket, and everything that is logged on
//! standard error. The process is this test's own program, which runs one test of it.

use std::fmt::{self, Write as _};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papr_engine::{Config, Engine, Resources};
use papr_ipc::{Caller, Handler, Invocation, Server, Window};

const FOLDER: &str = "PAPR_TEST_HOST_FOLDER";
const VERSION: &str = "PAPR_TEST_HOST_VERSION";
const DELAY: &str = "PAPR_TEST_HOST_DELAY";
/// What begins a line that is meant for [`App`]; the test's own runner prints others.
const MARK: &str = "host:";

/// The host's process, for whom it serves.
pub(crate) struct App {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl App {
    /// Starts one and waits until it listens.
    pub(crate) fn start(data: &Path, version: &str, environment: &[(&'static str, PathBuf)]) -> Self {
        let mut app = Self::spawn(data, version, Duration::ZERO, environment);
        assert_eq!(app.line(), "open");
        assert_eq!(app.line(), "listening");
        app
    }

    /// Starts one that has the folder and listens only after `delay`.
    pub(crate) fn start_late(data: &Path, delay: Duration, environment: &[(&'static str, PathBuf)]) -> Self {
        let mut app = Self::spawn(data, papr_cli::VERSION, delay, environment);
        assert_eq!(app.line(), "open");
        app
    }

    fn spawn(data: &Path, version: &str, delay: Duration, environment: &[(&'static str, PathBuf)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "hosts_an_app", "--nocapture"]).env_clear();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.env(FOLDER, data).env(VERSION, version).env(DELAY, delay.as_millis().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { input: child.stdin.take(), child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the host ended");
            if let Some((_, said)) = line.split_once(MARK) {
                return said.trim().to_owned();
            }
        }
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.input.as_ref().unwrap(), "{question}").unwrap();
        self.line()
    }

    /// How many commands it was given.
    pub(crate) fn ran(&mut self) -> usize {
        self.ask("ran").parse().unwrap()
    }

    pub(crate) fn until_ran(&mut self, count: usize) {
        until(|| self.ran() >= count);
    }

    /// Until no command is under way.
    pub(crate) fn until_idle(&mut self) {
        until(|| self.ask("under way") == "0");
    }

    /// Which windows it was asked for.
    pub(crate) fn shown(&mut self) -> Vec<String> {
        self.ask("shown").split_whitespace().map(str::to_owned).collect()
    }

    /// Ends it as a person would; what it logged.
    pub(crate) fn quit(&mut self) -> String {
        drop(self.input.take());
        let mut logged = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut logged).unwrap();
        assert!(self.child.wait().unwrap().success(), "{logged}");
        logged
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "it did not come to that");
        thread::sleep(Duration::from_millis(5));
    }
}

struct Host {
    engine: Arc<Engine>,
    ran: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    shown: Arc<std::sync::Mutex<String>>,
}

impl Handler for Host {
    fn run(&self, invocation: Invocation, caller: &Caller) -> u8 {
        self.ran.fetch_add(1, Ordering::SeqCst);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let code = papr_cli::serve(&self.engine, &invocation, caller);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        code
    }

    fn show(&self, window: Window) {
        write!(self.shown.lock().unwrap(), "{window:?} ").unwrap();
    }
}

/// Hosts an app until standard input ends, in a process that was started for that.
pub(crate) fn serve_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let variable = |name: &str| std::env::var(name).unwrap();
    tracing::subscriber::set_global_default(Log).unwrap();
    let engine = Arc::new(Engine::open(Config::new(&folder, Resources::find(None))).unwrap());
    engine.start().unwrap();
    tell("open");
    thread::sleep(Duration::from_millis(variable(DELAY).parse().unwrap()));
    let (ran, under_way, shown) = (Arc::default(), Arc::default(), Arc::default());
    let host = Host {
        engine: Arc::clone(&engine),
        ran: Arc::clone(&ran),
        under_way: Arc::clone(&under_way),
        shown: Arc::clone(&shown),
    };
    let server = Server::bind(&folder, &variable(VERSION), host).unwrap();
    tell("listening");
    for question in std::io::stdin().lines().map(Result::unwrap) {
        let answer = match question.as_str() {
            "ran" => ran.load(Ordering::SeqCst).to_string(),
            "under way" => under_way.load(Ordering::SeqCst).to_string(),
            _ => shown.lock().unwrap().clone(),
        };
        tell(&answer);
    }
    drop(server);
    // As the shell does: no longer than this.
    let end = Instant::now() + Duration::from_secs(2);
    while Arc::strong_count(&engine) > 1 && Instant::now() < end {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(Arc::into_inner(engine).is_some(), "a command goes on");
}

#[allow(clippy::print_stdout)] // how a host speaks to its test
fn tell(said: &str) {
    println!("{MARK}{said}");
}

/// Writes everything that anybody logs to standard error.
struct Log;

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut line = String::new();
        span.record(&mut Fields(&mut line));
        eprintln!("{:?} {line}", span.metadata());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        let mut line = String::new();
        values.record(&mut Fields(&mut line));
        eprintln!("{line}");
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut Fields(&mut line));
        eprintln!("{line}");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}
