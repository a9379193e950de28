//! A desktop of its own for a test: home, session bus, GNOME Keyring and somebody who answers its questions,
//! all in a temporary folder and gone with it; and the app on it, in a process of its own, since where a bus
//! is stands in the environment.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zbus::blocking::Connection;
use zbus::message::Header;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

/// Every key that is used in a test: no reply of the app's but to `reveal` may hold one.
pub(crate) const KEYS: [&str; 3] =
    ["sk-test-1-0123456789abcdef", "sk-test-2-fedcba9876543210", "hf_test_3_00112233445566"];

const DBUS: &str = "org.freedesktop.DBus";
const SECRETS: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";

/// A process that ends with its owner, even one that was stopped.
pub(crate) struct Daemon(Child);

impl Daemon {
    fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_owned();
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(started.unwrap_or_else(|error| panic!("{} is needed for this test: {error}", name.display())))
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Home and bus.
pub(crate) struct Desktop {
    // Before the folder: they use it to their end.
    bus: Option<Daemon>,
    folder: TempDir,
}

impl Desktop {
    /// Without a bus.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::Builder::new().prefix("keys").tempdir().unwrap();
        for name in ["home", "run", "data", "config", "cache"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self { bus: None, folder }
    }

    /// With a bus that starts nothing by itself.
    pub(crate) fn new() -> Self {
        let mut desktop = Self::bare();
        let config = desktop.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type><listen>{}</listen><auth>EXTERNAL</auth>
              <policy context="default">
                <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
              </policy>
            </busconfig>"#,
            desktop.address()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile", "--config-file"]).arg(config);
        desktop.bus = Some(Daemon::start(&mut command));
        // It may be there and not listen yet.
        until("the bus", || UnixStream::connect(desktop.path().join("bus")).is_ok());
        desktop
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.path().join("bus").display())
    }

    fn environment(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let folders = [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("TMPDIR", "home"),
        ];
        let address = ("DBUS_SESSION_BUS_ADDRESS", PathBuf::from(self.address()));
        folders.map(|(variable, name)| (variable, self.path().join(name))).into_iter().chain([address])
    }

    pub(crate) fn connect(&self) -> Connection {
        let builder = zbus::blocking::connection::Builder::address(self.address().as_str()).unwrap();
        builder.build().unwrap()
    }

    /// Starts the keyring, unlocked with the password all tests use, or as it comes.
    pub(crate) fn keyring(&self, unlock: bool) -> Daemon {
        let mut command = Command::new("gnome-keyring-daemon");
        command.env_clear().envs(self.environment()).args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut daemon = Daemon::start(command.stdin(Stdio::piped()));
        daemon.0.stdin.take().unwrap().write_all(b"password").unwrap();
        let bus = self.connect();
        let call = |method: &str| bus.call_method(Some(DBUS), "/", Some(DBUS), method, &SECRETS);
        until("the keyring", || call("NameHasOwner").unwrap().body().deserialize::<bool>().unwrap());
        let id: u32 = call("GetConnectionUnixProcessID").unwrap().body().deserialize().unwrap();
        assert_eq!(id, daemon.0.id(), "the one that was started here, and not somebody else's");
        until("the collection", || !unlock || Self::login(&bus).is_some());
        daemon
    }

    /// The collection that keys are kept in, if there is one.
    fn login(bus: &Connection) -> Option<OwnedObjectPath> {
        let reply = bus.call_method(
            Some(SECRETS),
            "/org/freedesktop/secrets",
            Some(SERVICE),
            "ReadAlias",
            &"default",
        );
        let path: OwnedObjectPath = reply.unwrap().body().deserialize().unwrap();
        (path.as_str() != "/").then_some(path)
    }

    /// Locks the keyring that keys are kept in.
    pub(crate) fn lock(&self) {
        let bus = self.connect();
        let login = vec![Self::login(&bus).unwrap()];
        let reply = bus.call_method(Some(SECRETS), "/org/freedesktop/secrets", Some(SERVICE), "Lock", &login);
        let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            reply.unwrap().body().deserialize().unwrap();
        assert_eq!(locked, login);
    }

    /// Starts the app. Its calls wait for `patience`.
    pub(crate) fn app(&self, patience: Duration, more: &[(&str, &str)]) -> App {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "app", "--nocapture"]).env_clear().envs(self.environment());
        command.env("PAPR_TEST_PATIENCE", patience.as_millis().to_string()).envs(more.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (ask, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        App { ask: Some(ask), answers, child }
    }

    /// Every file in the folder that holds one of the keys in clear.
    pub(crate) fn files_with_keys(&self) -> Vec<PathBuf> {
        let (mut folders, mut found, mut files) = (vec![self.path().to_owned()], Vec::new(), 0);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    files += 1;
                    let bytes = fs::read(entry.path()).unwrap();
                    let holds = |key: &&str| bytes.windows(key.len()).any(|part| part == key.as_bytes());
                    found.extend(KEYS.iter().any(holds).then(|| entry.path()));
                }
            }
        }
        assert!(files > 1, "the keyring's own file was among them");
        found
    }
}

/// The app in a process of its own: one question a line, one answer a line.
pub(crate) struct App {
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

/// What stands before an answer; the test's own output may come before it in a line.
pub(crate) const ANSWER: &str = "app> ";

impl App {
    /// What the app says to `question`, where no key may stand but after `reveal`.
    pub(crate) fn say(&mut self, question: &str) -> String {
        writeln!(self.ask.as_mut().unwrap(), "{question}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the app ended at {question:?}");
            let Some((_, answer)) = line.trim_end().split_once(ANSWER) else { continue };
            let shown = KEYS.iter().any(|key| answer.contains(key));
            assert!(!shown || question.starts_with("reveal"), "{question:?} shows a key: {answer}");
            return answer.to_owned();
        }
    }

    pub(crate) fn expect(&mut self, question: &str, expected: &str) {
        let answer = self.say(question);
        assert!(answer.contains(expected), "{question:?} should say {expected:?}, and says {answer:?}");
    }
}

impl Drop for App {
    fn drop(&mut self) {
        drop(self.ask.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a person does who is asked for the keyring's password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    Refuses,
    IsAway,
}

/// Asks the person, in the place of the desktop's dialog.
pub(crate) struct Prompter {
    person: Person,
    asked: Arc<AtomicUsize>,
}

impl Prompter {
    /// Puts the dialog on the bus for as long as the connection is kept; counts how often somebody is asked.
    pub(crate) fn start(desktop: &Desktop, person: Person) -> (Connection, Arc<AtomicUsize>) {
        let (bus, asked) = (desktop.connect(), Arc::new(AtomicUsize::new(0)));
        let prompter = Self { person, asked: Arc::clone(&asked) };
        assert!(bus.object_server().at("/org/gnome/keyring/Prompter", prompter).unwrap());
        bus.request_name("org.gnome.keyring.SystemPrompter").unwrap();
        (bus, asked)
    }
}

/// Calls back whoever wants something asked, once the call that is under way has been answered.
fn call_back(
    bus: &zbus::Connection,
    header: &Header<'_>,
    path: &ObjectPath<'_>,
    reply: Option<(&'static str, String)>,
) {
    let (bus, path) = (Connection::from(bus.clone()), path.to_owned());
    let peer = header.sender().unwrap().to_owned();
    thread::spawn(move || {
        // Nothing tells when the answer is on its way, and before it this would be out of turn.
        thread::sleep(Duration::from_millis(150));
        let interface = Some("org.gnome.keyring.internal.Prompter.Callback");
        let none = HashMap::<&str, Value<'_>>::new();
        let _ = match reply {
            Some((reply, exchange)) => {
                bus.call_method(Some(peer), path, interface, "PromptReady", &(reply, none, exchange))
            }
            None => bus.call_method(Some(peer), path, interface, "PromptDone", &()),
        };
    });
}

#[allow(clippy::needless_pass_by_value, clippy::unused_self, unused_variables)] // the macro wants it so
#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Prompter {
    fn begin_prompting(
        &self,
        #[zbus(connection)] bus: &zbus::Connection,
        #[zbus(header)] header: Header<'_>,
        callback: ObjectPath<'_>,
    ) {
        call_back(bus, &header, &callback, Some(("", String::new())));
    }

    fn perform_prompt(
        &self,
        #[zbus(connection)] bus: &zbus::Connection,
        #[zbus(header)] header: Header<'_>,
        callback: ObjectPath<'_>,
        kind: &str,
        properties: HashMap<String, OwnedValue>,
        exchange: &str,
    ) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.person == Person::Refuses {
            // Whoever asks wants a public key back; any will do where no password follows.
            call_back(bus, &header, &callback, Some(("no", exchange.to_owned())));
        }
    }

    fn stop_prompting(
        &self,
        #[zbus(connection)] bus: &zbus::Connection,
        #[zbus(header)] header: Header<'_>,
        callback: ObjectPath<'_>,
    ) {
        call_back(bus, &header, &callback, None);
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what} did not come up");
        thread::sleep(Duration::from_millis(5));
    }
}
