//! What is near: vectors of both tiers scanned exactly, words found through an inverted index, and the part
//! of a text that shows why it was found.
//!
//! Everything here lives in memory and is derived: it can be thrown away and built again from the store.
//! Nothing here reads files, knows models or decides how the two kinds of search are weighed against each
//! other: that is the engine's part.

mod fold;
mod function_words;
pub mod kernel;
mod parse;
mod slab;
mod snippet;
mod token;
mod words;

pub use parse::{Phrase, Term, WordQuery};
pub use slab::{Nearest, Slab};
pub use snippet::{Marked, Snippet, snippet};
pub use words::{WordIndex, WordMatch, WordMatches};
