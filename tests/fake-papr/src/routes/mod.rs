//! The endpoints. Each takes a request that has passed the key, and gives the reply of the real API as its
//! documents and clients show it.

mod feedback;
mod memory;
mod omo;
mod search;
mod sync;
mod write;

pub(crate) use feedback::{feedback, user};
pub(crate) use memory::{delete, get, update};
pub(crate) use omo::{omo_export, omo_import};
pub(crate) use search::search;
pub(crate) use sync::{delta, tiers};
pub(crate) use write::{add, batch};
