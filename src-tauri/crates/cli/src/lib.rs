//! `papr`: Papr Desktop in a terminal. The same engine as the window, without one.
//!
//! A data folder is open in one process only. While the app runs, [`main`] hands the command line to it through its
//! socket, and the app carries it out with [`serve`] on the engine that it has; otherwise the folder is opened here.
//! Commands do not know which: an engine comes from a `Door`, and everything they read and print goes through
//! a `Console`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 asked
//! for something that cannot be done as asked, 3 the data folder cannot be used, 130 stopped with Ctrl-C.

mod account;
mod arguments;
mod cloud;
mod commands;
mod conflicts;
mod console;
mod door;
mod filters;
mod key;
mod models;
mod output;
mod privacy;
mod prompt;
mod report;
mod running;
mod sync;
mod terminal;
mod texts;
mod transfer;
mod trial;
mod upkeep;
mod wait;
mod words;

pub use crate::running::{VERSION, main, serve};
