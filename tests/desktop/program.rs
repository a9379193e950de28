//! Programs that a test starts, and stops.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What may take long on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(20);

/// The Debian package of each program that the tests start.
const PACKAGES: &[(&str, &str)] = &[
    ("Xvfb", "xvfb"),
    ("dbus-daemon", "dbus"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("openbox", "openbox"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("xdotool", "xdotool"),
    ("import", "imagemagick"),
    ("strace", "strace"),
];

/// A program of ours; it ends when this is dropped.
pub struct Program {
    name: String,
    child: Child,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        Self { name, child }
    }

    /// The first line that the program writes.
    pub fn first_line(&mut self) -> String {
        let output = self.child.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it writes text");
        assert!(!line.is_empty(), "{} ended at once: {:?}", self.name, self.child.wait());
        line.trim_end().to_owned()
    }

    /// What it reads; closed when this is dropped.
    pub fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input is a pipe")
    }

    /// Waits until it ends by itself.
    pub fn ends(&mut self) -> ExitStatus {
        let Self { name, child } = self;
        until(&format!("{name} to end"), || child.try_wait().expect("it can be waited for"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command for a program of the system. A machine that lacks it fails the test and says how to get it.
pub fn tool(name: &str) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let package = PACKAGES.iter().find(|(program, _)| *program == name).map_or(name, |(_, package)| package);
    assert!(there, "{name} is missing. It is in Debian's package {package}; `make test` installs it.");
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Looks again and again until there is something to see.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    patiently(look).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

/// The same, with nothing if it never is there.
pub fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let seen = look();
        if seen.is_some() {
            return seen;
        }
        thread::sleep(GLANCE);
    }
    None
}
