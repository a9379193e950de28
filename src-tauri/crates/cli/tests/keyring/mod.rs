//! A home of its own for a test, with a session bus and GNOME Keyring on it, all in a temporary folder and gone with
//! it. How the keychain itself behaves is tested in papr-credentials.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedObjectPath;

/// A process that ends with its owner.
struct Daemon(Child);

impl Daemon {
    fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_owned();
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(started.unwrap_or_else(|error| {
            panic!("{}: {error}. `make test` installs what tests need.", name.display());
        }))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a person has before they start anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// An unlocked keyring.
    Unlocked,
    /// A keyring in which nothing was ever set up.
    Empty,
    /// Not even a bus to reach one through.
    None,
}

/// Home, bus, keyring.
pub(crate) struct Home {
    // Before the folder: they use it to their end.
    daemons: Vec<Daemon>,
    folder: TempDir,
}

impl Home {
    pub(crate) fn new(keychain: Keychain) -> Self {
        let folder = tempfile::Builder::new().prefix("papr").tempdir().unwrap();
        for name in ["home", "run"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let mut home = Self { daemons: Vec::new(), folder };
        if keychain != Keychain::None {
            home.daemons = vec![home.bus(), home.keyring(keychain == Keychain::Unlocked)];
        }
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where everything is, for a process that knows nothing else.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let (home, run) = (self.path().join("home"), self.path().join("run"));
        vec![
            ("XDG_DATA_HOME", home.join("data")),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_CACHE_HOME", home.join("cache")),
            ("HOME", home),
            ("XDG_RUNTIME_DIR", run),
            ("DBUS_SESSION_BUS_ADDRESS", PathBuf::from(self.address())),
        ]
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.path().join("run/bus").display())
    }

    /// A bus that starts nothing by itself.
    fn bus(&self) -> Daemon {
        let config = self.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type><listen>{}</listen><auth>EXTERNAL</auth>
              <policy context="default">
                <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
              </policy>
            </busconfig>"#,
            self.address()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("dbus-daemon");
        let bus = Daemon::start(command.args(["--nofork", "--nopidfile", "--config-file"]).arg(config));
        until("the bus", || UnixStream::connect(self.path().join("run/bus")).is_ok());
        bus
    }

    fn keyring(&self, unlock: bool) -> Daemon {
        let mut command = Command::new("gnome-keyring-daemon");
        command.env_clear().envs(self.environment()).args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut keyring = Daemon::start(command.stdin(Stdio::piped()));
        keyring.0.stdin.take().unwrap().write_all(b"password").unwrap();
        let bus = Builder::address(self.address().as_str()).unwrap().build().unwrap();
        let default = || -> Option<OwnedObjectPath> {
            let (name, path) = ("org.freedesktop.secrets", "/org/freedesktop/secrets");
            let interface = Some("org.freedesktop.Secret.Service");
            bus.call_method(Some(name), path, interface, "ReadAlias", &"default")
                .ok()?
                .body()
                .deserialize()
                .ok()
        };
        until("the keyring", || default().is_some_and(|path| !unlock || path.as_str() != "/"));
        keyring
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what} did not come up");
        thread::sleep(Duration::from_millis(5));
    }
}
