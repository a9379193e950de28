//! The calls, one file for each part of Papr.

pub(crate) mod account;
pub(crate) mod memory;
pub(crate) mod omo;
pub(crate) mod search;
pub(crate) mod sync;
pub(crate) mod written;
