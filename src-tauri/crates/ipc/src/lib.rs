//! One running engine: a data folder is open in one process only, and this is how others ask it.
//!
//! [`Server`] listens on a socket that is found by the data folder; [`Client`] hands it a whole command line with what
//! it comes from ([`Invocation`]) and carries out what comes back: bytes for standard output and standard error,
//! requests for more input or for a secret line, an exit code. What a command is and does stands elsewhere: nothing
//! here knows memories, only bytes and who may send them.
//!
//! Both sides must be of one version. Only processes of the same user are spoken to, by either side; that is checked
//! with the system and not taken from what they say. Nothing that goes through is logged.
#![deny(missing_docs)]

mod caller;
mod client;
mod frame;
mod message;
mod place;
mod server;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use caller::{Caller, Input};
pub use client::{Client, ClientError, Screen};
pub use frame::MAX_FRAME;
pub use message::{Invocation, PROTOCOL, Surroundings, Typed, Window};
pub use server::{Handler, Server};
