//! What can go wrong in a conversion, each with the thing to look at.

use std::path::PathBuf;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// The profile is not one.
    #[error("{path} is not a profile this converter reads: {reason}")]
    Profile { path: PathBuf, reason: String },
    /// `config.json` beside the weights is missing or not what this converter reads.
    #[error("{path} is not a configuration this converter reads: {reason}")]
    Config { path: PathBuf, reason: String },
    /// The weights are not a safetensors file.
    #[error("{path} is not a safetensors file ({reason}): fetch it again")]
    Weights { path: PathBuf, reason: String },
    /// A tensor the architecture needs is not among the weights.
    #[error("the weights hold no tensor {name}: they are of another architecture than the profile's")]
    MissingTensor { name: String },
    /// A tensor of another shape than the architecture needs.
    #[error("tensor {name} has shape {found:?}, expected {expected:?}")]
    Shape { name: String, expected: Vec<usize>, found: Vec<usize> },
    /// A tensor of numbers this converter does not read.
    #[error(
        "tensor {name} holds {found} numbers; this converter reads F32, F16 and BF16: convert the weights first"
    )]
    NumberType { name: String, found: String },
    /// A weight is infinite or not a number.
    #[error("tensor {name} holds {value} at position {position}: the weights are damaged")]
    NotFinite { name: String, position: usize, value: f32 },
    /// Shapes, types or facts that are not what they should be, but that a graph could be written from.
    #[error("{}\nThe vectors could look right and be wrong. Mend it, or look closely and give --force", .findings.join("\n"))]
    Structural { findings: Vec<String> },
    /// The machine has less memory than the conversion needs, in megabytes.
    #[error(
        "the conversion needs {need} MB of memory, and {available} MB can be had now, swap included: close other \
         programs, take a machine with more, or go on with --force, slowly at best"
    )]
    Memory { need: u64, available: u64 },
    /// Facts that do not fit together.
    #[error("{0}")]
    Contradiction(String),
    /// The output folder holds something that is not a model.
    #[error("{path} exists and holds no manifest.json: give another folder, or remove it yourself")]
    NotAModel { path: PathBuf },
}

impl ConvertError {
    /// For `map_err`: names the path an I/O error happened at.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
