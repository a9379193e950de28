//! `fake-papr`: the stand-in for the Papr API, by hand. It prints its address and its seed, and serves until it
//! is interrupted or, with `--until-eof`, until its standard input closes.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use papr_fake::{FakeError, FakePapr, Limits, Options, Script};

/// A stand-in for the Papr API on 127.0.0.1: try sync without an account.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// KEY or KEY=ACCOUNT; may be given several times.
    #[arg(long = "key", value_name = "KEY[=ACCOUNT]", default_values_t = ["fake-key".to_owned()])]
    keys: Vec<String>,
    /// Keep everything accepted in this folder, and begin with what is there.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// A fault script (JSON).
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What all choices come from; otherwise the time.
    #[arg(long)]
    seed: Option<u64>,
    /// So many sample goals and memories to start with.
    #[arg(long, default_value_t = 0)]
    memories: usize,
    /// Operations a month, as a plan allows them (Papr's free plan: 1000).
    #[arg(long)]
    per_month: Option<u64>,
    /// Requests a minute (Papr's free plan: 10).
    #[arg(long)]
    per_minute: Option<u32>,
    /// Open the /_control/ routes.
    #[arg(long)]
    control: bool,
    /// Print each request (no content, no key) to standard error.
    #[arg(long)]
    log: bool,
    /// Stop when standard input closes.
    #[arg(long)]
    until_eof: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-papr: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), FakeError> {
    let until_eof = arguments.until_eof;
    let papr = FakePapr::start(options(arguments)?)?;
    writeln!(std::io::stdout(), "fake-papr {} seed {}", papr.url(), papr.seed())?;
    if until_eof {
        std::io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    // An interrupt or SIGTERM ends the process; what was accepted is on disk already.
    loop {
        std::thread::park();
    }
}

fn options(arguments: Arguments) -> Result<Options, FakeError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = arguments.seed.unwrap_or(since.as_secs());
    let limits = Limits { per_month: arguments.per_month, per_minute: arguments.per_minute };
    let mut options = Options::new()
        .port(arguments.port)
        .seed(seed)
        .memories(arguments.memories)
        .limits(limits)
        .control(arguments.control)
        .log(arguments.log);
    for key in &arguments.keys {
        let (key, account) = key.split_once('=').unwrap_or((key, "papr"));
        options = options.key(key, account);
    }
    if let Some(folder) = arguments.data {
        options = options.data(folder);
    }
    if let Some(file) = arguments.faults {
        options = options.faults(Script::from_json(&std::fs::read_to_string(file)?)?);
    }
    Ok(options)
}
