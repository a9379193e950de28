//! Replies, read so that one bad part does not lose the rest.

pub(crate) mod embedding;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod raw;
pub(crate) mod splitter;
