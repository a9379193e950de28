//! `papr`: Papr Desktop in a terminal. The same engine as the window, without one.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 asked
//! for something that cannot be done as asked, 3 the data folder cannot be used.

mod account;
mod arguments;
mod cloud;
mod commands;
mod conflicts;
mod filters;
mod key;
mod models;
mod output;
mod privacy;
mod sync;
mod upkeep;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Output;

fn main() -> ExitCode {
    // SAFETY: the first line of the program: there is no other thread yet that could read the environment.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
    }
    if let Some(code) = papr_engine::serve() {
        return code;
    }
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match commands::run(&arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.failure(&failure),
    }
}
