//! The published weights: reading tensors by name and shape, and accounting for every one of them.
//!
//! A tensor that no writer asked for is an error, not a shrug: it is how a wrong architecture shows itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::ConvertError;
use crate::output::sha256_hex;

/// The bytes of a safetensors file.
#[derive(Debug)]
pub(crate) struct WeightsFile(Vec<u8>);

impl WeightsFile {
    /// Reads the file at `path` whole.
    pub(crate) fn read(path: &Path) -> Result<Self, ConvertError> {
        fs::read(path).map(Self).map_err(ConvertError::at(path))
    }

    /// What names these weights: 64 lower-case hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        sha256_hex(&self.0)
    }

    /// Looks into the file; `path` is for the error.
    pub(crate) fn open(&self, path: &Path) -> Result<Weights<'_>, ConvertError> {
        let tensors = SafeTensors::deserialize(&self.0)
            .map_err(|error| ConvertError::Weights { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Weights { tensors, used: RefCell::default() })
    }
}

/// Tensors by name.
#[derive(Debug)]
pub(crate) struct Weights<'data> {
    tensors: SafeTensors<'data>,
    used: RefCell<BTreeSet<String>>,
}

impl<'data> Weights<'data> {
    /// Whether there is a tensor `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// The shape of tensor `name`, which must have two axes.
    pub(crate) fn matrix_shape(&self, name: &str) -> Result<[usize; 2], ConvertError> {
        let view = self.view(name)?;
        <[usize; 2]>::try_from(view.shape()).map_err(|_| {
            ConvertError::Contradiction(format!(
                "tensor {name} has shape {:?}, expected two axes",
                view.shape()
            ))
        })
    }

    /// The numbers of tensor `name`, which must have shape `dims`, row-major.
    pub(crate) fn float(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, ConvertError> {
        let view = self.view(name)?;
        if view.shape() != dims {
            return Err(ConvertError::Shape {
                name: name.to_owned(),
                expected: dims.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        if view.dtype() != Dtype::F32 {
            return Err(ConvertError::NumberType { name: name.to_owned(), found: view.dtype().to_string() });
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some((position, &value)) = numbers.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(ConvertError::NotFinite { name: name.to_owned(), position, value });
        }
        self.used.borrow_mut().insert(name.to_owned());
        Ok(numbers)
    }

    /// The numbers of the matrix `name` of shape `[rows, columns]`, as `[columns, rows]`.
    ///
    /// Linear layers are published as `[outputs, inputs]`; a graph that multiplies from the right needs the
    /// other order, and a transpose at run time would cost time on every call.
    pub(crate) fn transposed(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<f32>, ConvertError> {
        let numbers = self.float(name, &[rows, columns])?;
        Ok((0..columns).flat_map(|column| numbers[column..].iter().step_by(columns).copied()).collect())
    }

    /// Refuses tensors that were neither asked for nor are known to be of no use (`ignored` prefixes).
    pub(crate) fn all_used_but(&self, ignored: &[&str]) -> Result<(), ConvertError> {
        let used = self.used.borrow();
        let mut names: Vec<String> = self
            .tensors
            .names()
            .into_iter()
            .filter(|name| !used.contains(*name) && !ignored.iter().any(|prefix| name.starts_with(prefix)))
            .map(ToString::to_string)
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        names.sort();
        Err(ConvertError::UnusedTensors { names })
    }

    fn view(&self, name: &str) -> Result<TensorView<'data>, ConvertError> {
        self.tensors.tensor(name).map_err(|_| ConvertError::MissingTensor { name: name.to_owned() })
    }
}
