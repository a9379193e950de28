//! A desktop for one test: a display, a session bus, a window manager and folders of its own, with the app on it.
//!
//! Everything is started by the test and ends with it. Nothing of the person who runs the tests is touched:
//! programs here have a home folder of their own, and processes are told apart by [`MARK`] in their environment.
#![allow(unreachable_pub)] // one test binary is all there is: `pub(crate)` on every line would say nothing more

mod access;
mod account;
mod citizen;
mod driver;
mod erase;
pub mod hub;
mod incoming;
mod keyring;
mod large;
mod looks;
mod models;
mod news;
mod offline;
mod picture;
mod program;
mod silence;
mod speed;
pub mod steps;
mod store;
pub mod tray;
mod tray_menu;
mod vectors;
mod views;
mod window;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use self::driver::Session;
use self::program::tool;
pub use self::program::{Program, until};
pub use self::window::AppWindow;

/// The app.
pub const BINARY: &str = env!("CARGO_BIN_EXE_papr-desktop");

/// Names the desktop that a process belongs to.
const MARK: &str = "PAPR_TEST_DESKTOP";

/// Windows ask for the keyboard and pictures are taken of them: one desktop at a time, with the machine to itself.
static TURN: Mutex<()> = Mutex::new(());

/// A bus that starts no services: nothing outlives it.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// How the app is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The desktop's theme is dark.
    pub dark: bool,
    /// Where the app looks for the model; this project's own by default.
    pub resources: Option<PathBuf>,
    /// Where models are fetched from; nowhere by default.
    pub hub: Option<String>,
    /// Where Papr is; nowhere by default.
    pub papr: Option<String>,
    /// The app's system calls that have to do with the network are written here.
    pub trace: Option<PathBuf>,
    /// The app greets a person who was never here; otherwise the first steps are behind them.
    pub welcome: bool,
    /// The data folder is where this person's system has it, and not named for this run.
    pub usual_folder: bool,
}

/// The app under WebDriver, with its two windows.
pub struct App {
    pub main: AppWindow,
    pub quick: AppWindow,
}

pub struct Desktop {
    // Dropped in this order.
    _window_manager: Program,
    _bus: Program,
    _screen: Program,
    display: String,
    pub bus_address: String,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Desktop {
    pub fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::Builder::new()
            .prefix("papr-")
            .tempdir()
            .expect("there is a folder for temporary files");
        for name in ["share", "config", "cache", "runtime", "home"] {
            fs::create_dir(folder.path().join(name)).expect("folders can be made");
        }
        fs::set_permissions(folder.path().join("runtime"), fs::Permissions::from_mode(0o700))
            .expect("our own folder can be closed to others");
        let configuration = folder.path().join("bus.conf");
        fs::write(&configuration, BUS).expect("files can be written");

        let mut screen = Program::start(
            tool("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
                .stdout(Stdio::piped()),
        );
        let display = format!(":{}", screen.first_line());
        let mut bus = Program::start(
            tool("dbus-daemon")
                .arg(format!("--config-file={}", configuration.display()))
                .args(["--nofork", "--nopidfile", "--print-address=1"])
                .stdout(Stdio::piped()),
        );
        let bus_address = bus.first_line();
        let mut window_manager = tool("openbox");
        window_manager.arg("--sm-disable").stdout(Stdio::null());
        environment(&mut window_manager, folder.path(), &display, &bus_address);
        let window_manager = Program::start(&mut window_manager);
        let desktop = Self {
            _window_manager: window_manager,
            _bus: bus,
            _screen: screen,
            display,
            bus_address,
            folder,
            _turn: turn,
        };
        until("the window manager", || desktop.xdotool(&["get_desktop"]));
        desktop
    }

    /// The folder of the app's data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file or folder of this desktop's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The app by itself, with nothing driving it.
    pub fn app(&self, launch: &Launch) -> Command {
        let mut command = Command::new(BINARY);
        command.stdin(Stdio::null());
        self.prepare(&mut command, launch);
        command
    }

    /// Starts the app under WebDriver and waits for both its windows.
    pub fn open(&self, launch: &Launch) -> App {
        let driver = || {
            let mut driver = tool("WebKitWebDriver");
            driver.stdout(Stdio::null());
            self.prepare(&mut driver, launch);
            driver
        };
        let session = match &launch.trace {
            None => Session::start(driver, BINARY, &[]),
            Some(file) => {
                let file = file.display().to_string();
                let arguments = ["-f", "-e", "trace=network", "-o", &file, BINARY].map(str::to_owned);
                tool("strace");
                Session::start(driver, "strace", &arguments)
            }
        };
        let [main, quick] = AppWindow::both(session);
        App { main, quick }
    }

    /// Ends the app hard. The driver only lets go of it: an app that stays in the tray is not ended by that.
    pub fn end(&self, app: App) {
        let apps = self.apps();
        drop(app);
        for id in &apps {
            kill(id);
        }
        wait_for_the_end_of(&apps);
    }

    /// Has a program run on this desktop, beside the app and on its data.
    pub fn surround(&self, command: &mut Command) {
        self.prepare(command, &Launch::default());
    }

    /// Runs `papr`, the program for the terminal, beside the app; returns what it says.
    pub fn papr(&self, launch: &Launch, arguments: &[&str]) -> String {
        let papr = Path::new(BINARY).with_file_name("papr");
        assert!(papr.exists(), "`papr` is built with the workspace: `cargo test --workspace`");
        let mut command = Command::new(&papr);
        self.prepare(&mut command, launch);
        let done = command.args(arguments).output().expect("it starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn prepare(&self, command: &mut Command, launch: &Launch) {
        environment(command, self.folder.path(), &self.display, &self.bus_address);
        let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor");
        let resources = launch.resources.as_ref().unwrap_or(&vendor);
        if launch.resources.is_none() {
            assert!(vendor.join("models").is_dir(), "there is no model: `make test` fetches it");
        }
        let settings = self.data().join("desktop.json");
        if !launch.welcome && !settings.exists() {
            fs::create_dir_all(self.data()).expect("folders can be made");
            fs::write(settings, r#"{"first_run_done": true}"#).expect("files can be written");
        }
        command.env("PAPR_RESOURCES", resources);
        if !launch.usual_folder {
            command.env("PAPR_DATA_DIR", self.data());
        }
        command.env("HF_ENDPOINT", launch.hub.as_deref().unwrap_or("http://127.0.0.1:9"));
        command.env("PAPR_BASE_URL", launch.papr.as_deref().unwrap_or("http://127.0.0.1:9"));
        command.env("HF_HUB_CACHE", self.path("cache")).env("NO_PROXY", "127.0.0.1");
        if launch.dark {
            command.env("GTK_THEME", "Adwaita:dark");
        }
    }

    /// Presses keys, as xdotool names them: `ctrl+n`, `Escape`.
    pub fn press(&self, keys: &str) {
        self.xdotool(&["key", "--clearmodifiers", keys]).expect("keys can be pressed");
    }

    /// Types text where the keyboard's focus is.
    pub fn write(&self, text: &str) {
        self.xdotool(&["type", "--delay", "5", "--", text]).expect("text can be typed");
    }

    /// The X window with this title, if it is shown.
    pub fn shown(&self, title: &str) -> Option<String> {
        let pattern = format!("^{title}$");
        let found = self.xdotool(&["search", "--onlyvisible", "--name", &pattern])?;
        found.lines().last().map(str::to_owned)
    }

    /// The X window with this title, if it has the keyboard.
    pub fn active(&self, title: &str) -> Option<String> {
        let name = self.xdotool(&["getactivewindow", "getwindowname"])?;
        (name.trim_end() == title).then_some(name)
    }

    /// Runs xdotool; nothing if it says no.
    pub fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output =
            tool("xdotool").args(arguments).env("DISPLAY", &self.display).output().expect("xdotool runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The processes of the app that run here, its web views aside.
    pub fn apps(&self) -> Vec<String> {
        self.processes().into_iter().filter(|id| runs(id, BINARY)).collect()
    }

    /// Every process that was started here, by the mark in its environment.
    fn processes(&self) -> Vec<String> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let entries = fs::read_dir("/proc").expect("this is Linux");
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|id| {
                let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
            })
            .collect()
    }
}

impl Drop for Desktop {
    /// Ends what was started here and is still running, after a test that failed half-way.
    fn drop(&mut self) {
        for id in self.processes() {
            kill(&id);
        }
    }
}

/// Waits until nothing is left of these processes, their connections included.
pub fn wait_for_the_end_of(processes: &[String]) {
    until("the app to end", || (!processes.iter().any(|id| lives(id))).then_some(()));
}

fn kill(process: &str) {
    let _ = Command::new("sh").args(["-c", "kill -9 \"$0\" 2>/dev/null", process]).status();
}

/// Whether a thread of the process still runs. Its first thread may be gone before the others, which then hold
/// what it had open.
fn lives(process: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    states.any(|status| !status.contains("State:\tZ") && !status.contains("State:\tX"))
}

fn runs(process: &str, binary: &str) -> bool {
    // The folder that things are built in may be a link.
    let binary = fs::canonicalize(binary).expect("it is built");
    fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|path| path == binary)
}

/// What every program of a desktop needs to know of it, and nothing of the desktop it is started from.
fn environment(command: &mut Command, folder: &Path, display: &str, bus: &str) {
    command
        .env(MARK, folder)
        .env("DISPLAY", display)
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .env("HOME", folder.join("home"))
        .env("XDG_DATA_HOME", folder.join("share"))
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_RUNTIME_DIR", folder.join("runtime"))
        .env("GDK_BACKEND", "x11")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("LANGUAGE")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GTK_THEME");
}
