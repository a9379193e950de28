//! Where a command is carried out: by the app, if it runs and has the data folder open, and otherwise here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use papr_engine::{Code, Engine, Error, Problem};
use papr_ipc::{Caller, Client, ClientError, Invocation, Window};
use tokio::runtime;

use crate::arguments::{Arguments, Needs};
use crate::commands;
use crate::console::{Console, Remote};
use crate::door::Door;
use crate::output::{Failure, Output};
use crate::terminal::Terminal;

/// The version, which the app must have too.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a folder may be locked by an app that is just starting or ending.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is tried again meanwhile.
const GLANCE: Duration = Duration::from_millis(50);

/// Carries out a command line, the program's name first, for this process.
pub fn main(typed: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = typed.into_iter().collect();
    let arguments = Arguments::parse_from(&typed);
    let terminal = Arc::new(Terminal::new());
    let output = Output::new(Arc::clone(&terminal) as Arc<dyn Console>, arguments.json);
    let done = carry_out(&arguments, &typed, &terminal, &output);
    ExitCode::from(done.unwrap_or_else(|failure| output.failure(&failure)))
}

/// Carries out, in the app, the command that another process was given; its exit code.
pub fn serve(engine: &Engine, invocation: &Invocation, caller: &Caller) -> u8 {
    let arguments = match Arguments::try_parse_from(invocation.arguments()) {
        Ok(arguments) => arguments,
        // What is no command is told where it is typed; this is one of a program of its own.
        Err(error) => {
            // Nobody to tell, if the caller is gone.
            let _ = caller.errors(error.to_string().as_bytes());
            return 2;
        }
    };
    let output = Output::new(Arc::new(Remote::new(caller, invocation)), arguments.json);
    let done = match arguments.command.needs() {
        Needs::Engine => commands::run(&arguments, &Door::Running(engine), &output),
        _ => Err(Failure::Usage("the app that runs does not do this".to_owned())),
    };
    done.map_or_else(|failure| output.failure(&failure), |()| 0)
}

fn carry_out(
    arguments: &Arguments,
    typed: &[OsString],
    terminal: &Terminal,
    output: &Output,
) -> Result<u8, Failure> {
    let needs = arguments.command.needs();
    if needs == Needs::Nothing {
        return commands::run_alone(&arguments.command, output).map(|()| 0);
    }
    let folder = data_folder(arguments)?;
    match needs {
        Needs::Window(window) => show(&folder, window).map(|()| 0),
        Needs::Folder => {
            // Of whatever version: it has the folder.
            if matches!(
                Client::connect(&folder, VERSION),
                Ok(Some(_)) | Err(ClientError::OtherVersion { .. })
            ) {
                return Err(in_use());
            }
            commands::run_on_closed(&arguments.command, &folder, output).map(|()| 0)
        }
        Needs::Nothing | Needs::Engine => {
            let invocation =
                || Invocation::new(typed.to_vec(), terminal.folder().into(), terminal.surroundings());
            on_one_engine(arguments, &folder, invocation, terminal, output)
        }
    }
}

fn data_folder(arguments: &Arguments) -> Result<PathBuf, Failure> {
    arguments.data_dir.clone().or_else(papr_engine::data_folder).ok_or_else(|| {
        Failure::Usage("this system names no folder for an app's data: choose one with --data-dir".to_owned())
    })
}

/// On the app's engine, or on one of our own. An app that is just starting has the folder before it listens, and one
/// that ends stops to listen before it lets go of the folder.
fn on_one_engine(
    arguments: &Arguments,
    folder: &Path,
    invocation: impl Fn() -> Invocation,
    terminal: &Terminal,
    output: &Output,
) -> Result<u8, Failure> {
    let begun = Instant::now();
    loop {
        if let Some(client) = connect(folder)? {
            if arguments.command.ends_with_interrupt() {
                end_well_on_interrupt();
            }
            return client.run(invocation(), terminal).map_err(failed);
        }
        let door = Door::to_folder(folder.to_owned());
        match commands::run(arguments, &door, output) {
            Err(Failure::Engine(error))
                if error.code() == Code::StoreLocked && !door.was_opened() && begun.elapsed() < PATIENCE =>
            {
                thread::sleep(GLANCE);
            }
            done => return done.map(|()| 0),
        }
    }
}

fn show(folder: &Path, window: Window) -> Result<(), Failure> {
    let Some(client) = connect(folder)? else {
        return Err(Failure::Told(Problem {
            code: Code::Internal,
            message: "Papr Desktop does not run".to_owned(),
            hint: Some(
                "Start it from the desktop's list of applications, or with `papr-desktop`.".to_owned(),
            ),
            retryable: true,
        }));
    };
    client.show(window).map_err(failed)
}

fn connect(folder: &Path) -> Result<Option<Client>, Failure> {
    Client::connect(folder, VERSION).map_err(failed)
}

/// The process ends with success on Ctrl-C; the app sees that it is gone and stops.
fn end_well_on_interrupt() {
    thread::spawn(|| {
        let runtime = runtime::Builder::new_current_thread().enable_io().build();
        if runtime.and_then(|runtime| runtime.block_on(tokio::signal::ctrl_c())).is_ok() {
            process::exit(0);
        }
    });
}

fn failed(error: ClientError) -> Failure {
    let (code, hint) = match error {
        ClientError::Here(error) => return error.into(),
        ClientError::OtherVersion { .. } => (
            Code::StoreLocked,
            "If Papr Desktop was just updated, quit it and start it again; otherwise use the `papr` that comes with it. \
             While it is quit, this one opens the memories itself.",
        ),
        ClientError::Gone => (Code::Internal, "Look whether it was done, and try again."),
        _ => (
            Code::StoreLocked,
            "Quit Papr Desktop and start it again; while it is quit, this works without it.",
        ),
    };
    unavailable(code, error.to_string(), hint)
}

fn in_use() -> Failure {
    unavailable(
        Code::StoreLocked,
        "Papr Desktop is running, and this needs the memories to itself".to_owned(),
        "Quit it first: closing its window is not enough, its icon in the tray has Quit.",
    )
}

fn unavailable(code: Code, message: String, hint: &str) -> Failure {
    let problem = Problem { code, message, hint: Some(hint.to_owned()), retryable: true };
    Failure::Engine(Error::Unavailable(Box::new(problem)))
}
