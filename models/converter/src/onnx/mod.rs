//! Writing ONNX: the messages of the file format, a builder that names and connects them, and the place where
//! the weights go.
//!
//! Only what our own graphs use is here: no reading back, no control flow.

mod data;
mod graph;
mod messages;

pub(crate) use data::{DataFile, Numbers};
pub(crate) use graph::{Attribute, Axis, FloatType, GraphBuilder, Value};
pub(crate) use messages::ModelProto;
