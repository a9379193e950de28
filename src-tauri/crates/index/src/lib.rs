//! What is near: the vectors of a tier, scanned exactly while they are few and under graphs when they are many;
//! words found through an inverted index; and the part of a text that shows why it was found.
//!
//! Everything here is derived: it can be thrown away and built again from the store. Nothing here knows models
//! or decides how the two kinds of search are weighed against each other: that is the engine's part. Files are
//! read and written only for the graphs, and only when asked.

mod attributes;
mod endings;
mod fold;
mod function_words;
mod id_hash;
pub mod kernel;
mod parse;
mod selection;
mod snippet;
mod syntax;
mod token;
pub mod vectors;
mod words;

pub use attributes::{Attribute, Attributes};
pub use parse::{Phrase, Term, WordQuery};
pub use selection::Selection;
pub use snippet::{Marked, Snippet, snippet};
pub use syntax::{QueryFilters, TypedQuery};
pub use vectors::{Nearest, VectorIndex, View};
pub use words::{Slot, WordIndex, WordMatch, WordMatches};
