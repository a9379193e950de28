//! Writing ONNX: the messages of the file format and a builder that names and connects them.
//!
//! Only what our own graphs use is here: no reading back, no control flow, no external data files.

mod graph;
mod messages;

pub(crate) use graph::{Attribute, Axis, GraphBuilder, Value};
pub(crate) use messages::ModelProto;
