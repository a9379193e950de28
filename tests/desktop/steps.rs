//! What several tests do, and what the app calls things.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::{AppWindow, Desktop, until};

pub const MAIN: &str = "Papr Desktop";
pub const QUICK: &str = "Papr Desktop quick search";
pub const FIRST_RUN: &str = "Keep something worth remembering";
pub const SHORTCUT: &str = "ctrl+shift+space";

/// A word that stands nowhere else.
pub fn new_word() -> String {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").expect("this is Linux");
    let letters = bytes.iter().filter(|byte| byte.is_ascii_hexdigit()).take(10);
    letters.map(|byte| char::from(b'a' + (byte % 26))).collect()
}

/// Looks for `text` in the main window, by keyboard.
pub fn search(desktop: &Desktop, main: &AppWindow, text: &str) {
    desktop.press("ctrl+k");
    main.ready_to_search();
    desktop.write(text);
    main.until("the text in the field", || (main.typed() == text).then_some(()));
}

/// Takes the data folder, as another process that uses it would.
pub fn locked(desktop: &Desktop) -> File {
    let store = desktop.data().join("memories");
    fs::create_dir_all(&store).expect("folders can be made");
    let lock = File::create(store.join("lock")).expect("files can be made");
    lock.lock().expect("nobody else is here");
    lock
}

/// A data folder whose first file cannot be read until the test says so: whoever opens it waits.
pub struct SlowData {
    file: PathBuf,
    kept: PathBuf,
}

impl SlowData {
    /// Makes the data folder of an app that has ended a slow one.
    pub fn of(desktop: &Desktop) -> Self {
        let file = desktop.data().join("memories/store.json");
        let kept = desktop.path("store.json");
        fs::rename(&file, &kept).expect("an app was here");
        let made = Command::new("mkfifo").arg(&file).status().expect("this is Linux");
        assert!(made.success());
        Self { file, kept }
    }

    /// Lets whoever waits go on.
    pub fn go_on(self) {
        let text = fs::read(&self.kept).expect("it was kept");
        let mut pipe = File::options().write(true).open(&self.file).expect("somebody waits at the other end");
        // It is read more than once, and the next time as the file that it is.
        fs::rename(&self.kept, &self.file).expect("files can be moved");
        pipe.write_all(&text).expect("somebody reads");
    }
}

/// Waits for the line under the results that says where the time went, with the model's part in it.
pub fn timed(main: &AppWindow) {
    until("a line with the times", || {
        let text = main.text();
        let line = text.lines().find(|line| line.contains(" ms (embed "))?;
        (line.contains("result") && line.contains("search") && line.ends_with("CPU")).then_some(())
    });
}
