//! Where keys are kept: the system's [`Keychain`], [`InMemory`] as a stand-in that forgets, and a key from the
//! [`Environment`] for machines without a desktop. [`Fallback`] puts the stand-in behind the keychain where
//! there is none.
//!
//! One item an account, read once and then remembered; no call waits longer than it was told to. This crate
//! knows nothing of what the keys are for: whether one is right is for those to find out who use it.
#![deny(missing_docs)]

mod environment;
mod fallback;
mod in_memory;
mod keychain;
mod platform;
mod vault;
mod worker;

pub use environment::{Environment, PAPR_MEMORY_API_KEY, from_environment};
pub use fallback::Fallback;
pub use in_memory::InMemory;
pub use keychain::{Keychain, PATIENCE};
