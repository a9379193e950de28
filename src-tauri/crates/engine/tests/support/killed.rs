//! A process that is killed: this test program itself, started again to run one test alone, which tells on its
//! standard output what it has done.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};

const FOLDER: &str = "PAPR_KILLED_FOLDER";
const START: &str = "PAPR_KILLED_START";
/// Before what a child tells: the test runner writes between its lines.
const TOLD: &str = "told ";

/// Twenty, or a hundred where `PAPR_LONG` is set.
pub(crate) fn rounds() -> u64 {
    if env::var_os("PAPR_LONG").is_some() { 100 } else { 20 }
}

/// What a child was given: its folder and a number. None in a process that is no child.
pub(crate) fn given() -> Option<(PathBuf, u64)> {
    Some((env::var_os(FOLDER)?.into(), env::var(START).ok()?.parse().ok()?))
}

/// Tells the parent.
pub(crate) fn tell(line: &str) {
    assert!(!line.contains('\n'), "a line is a line");
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{TOLD}{line}").unwrap();
    out.flush().unwrap();
}

/// What the child `name` told until it was killed, `delay` after its first word.
pub(crate) fn run_and_kill(name: &str, folder: &Path, start: u64, delay: Duration) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    // Only what came with the end of its line was told: a line that the kill cut may say something else.
    let mut next = move || {
        let mut line = String::new();
        out.read_line(&mut line).ok().filter(|_| line.ends_with('\n')).map(|_| line.trim_end().to_owned())
    };
    let told = |line: String| line.strip_prefix(TOLD).map(str::to_owned);
    let first = loop {
        if let Some(first) = told(next().expect("the child begins")) {
            break first;
        }
    };
    let reader = thread::spawn(move || std::iter::from_fn(next).filter_map(told).collect::<Vec<_>>());
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut all = vec![first];
    all.extend(reader.join().unwrap());
    all
}

/// A moment that differs from round to round and from run to run, of at most `most`.
pub(crate) fn moment(round: u64, most: Duration) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap();
    Duration::from_micros((round * 7_919_333 + u64::from(std::process::id()) * 104_729) % micros)
}

/// This program as the process that opens copies: its test `child_serves`.
pub(crate) fn server() -> papr_store::Child {
    let arguments = ["--exact", "child_serves", "--nocapture"].map(Into::into).to_vec();
    papr_store::Child::new(env::current_exe().unwrap(), arguments)
}
