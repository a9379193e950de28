//! Linux.

pub(crate) mod system;
pub(crate) mod window;
