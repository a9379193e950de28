//! Building a graph node by node, in the order it runs.
//!
//! A [`Value`] can only come from the builder, so a node cannot name what does not exist yet. Names are made
//! from the caller's and come out the same every time: the same calls give the same bytes.

use prost::Message;

use super::data::{DataFile, Numbers};
use super::messages::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, AttributeProto, DimensionProto, EXTERNAL, FLOAT, FLOAT16,
    GraphProto, INT64, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, UINT8, ValueInfoProto,
};
use crate::error::ConvertError;

/// The file format's version that goes with [`OPSET`].
const IR_VERSION: i64 = 8;
/// The version of the standard operators: the first with `LayerNormalization`.
const OPSET: i64 = 17;
/// Tensors below this many bytes stay in the graph: shapes and axes are needed to make sense of it.
const LEAST_OUTSIDE: usize = 1024;

/// Something a node makes or takes: an input, a weight, a node's output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(String);

/// One dimension of an input or output.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Axis {
    /// Open, with a name by which a session may fix it.
    Named(&'static str),
    /// This long.
    Fixed(usize),
}

/// A constant argument of an operator.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Int(&'static str, i64),
    Ints(&'static str, Vec<i64>),
    Float(&'static str, f32),
}

/// The floating-point numbers a part of a graph works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatType {
    /// 32 bits.
    Single,
    /// 16 bits.
    Half,
}

impl FloatType {
    /// Which numbers to store for `numbers` of this type.
    pub(crate) fn of(self, numbers: &[f32]) -> Numbers<'_> {
        match self {
            Self::Single => Numbers::Single(numbers),
            Self::Half => Numbers::Half(numbers),
        }
    }
}

/// A graph being written. Weights leave for `data`, if there is one, as soon as they are given.
#[derive(Debug)]
pub(crate) struct GraphBuilder {
    graph: GraphProto,
    data: Option<DataFile>,
    /// The first failure to write a weight, told at the end: nothing is lost by going on until then.
    failure: Option<ConvertError>,
}

impl GraphBuilder {
    /// An empty graph called `name`, its weights in `data` or else inside.
    pub(crate) fn new(name: &str, data: Option<DataFile>) -> Self {
        let graph = GraphProto { name: Some(name.to_owned()), ..GraphProto::default() };
        Self { graph, data, failure: None }
    }

    /// An input of 64-bit integers.
    pub(crate) fn int64_input(&mut self, name: &str, shape: &[Axis]) -> Value {
        self.graph.input.push(value_info(name, INT64, shape));
        Value(name.to_owned())
    }

    /// A weight or a constant. The numbers are row-major, as many as `dims` say.
    pub(crate) fn tensor(&mut self, name: &str, dims: &[usize], numbers: Numbers<'_>) -> Value {
        debug_assert_eq!(dims.iter().product::<usize>(), numbers.len(), "{name}");
        let mut tensor = TensorProto {
            dims: dims.iter().map(|&dim| as_i64(dim)).collect(),
            data_type: Some(numbers.data_type()),
            name: Some(name.to_owned()),
            ..TensorProto::default()
        };
        if let Err(error) = self.store(&mut tensor, numbers) {
            self.failure.get_or_insert(error);
        }
        self.graph.initializer.push(tensor);
        Value(name.to_owned())
    }

    fn store(&mut self, tensor: &mut TensorProto, numbers: Numbers<'_>) -> Result<(), ConvertError> {
        if let Some(data) = self.data.as_mut().filter(|_| numbers.bytes() >= LEAST_OUTSIDE) {
            let span = data.append(numbers)?;
            let places = [
                ("location", data.name().to_owned()),
                ("offset", span.offset.to_string()),
                ("length", span.length.to_string()),
            ];
            tensor.external_data = places.map(|(key, value)| entry(key, &value)).to_vec();
            tensor.data_location = Some(EXTERNAL);
            return Ok(());
        }
        let mut raw = Vec::with_capacity(numbers.bytes());
        numbers.write_to(&mut raw).map_err(ConvertError::at("model.onnx"))?;
        tensor.raw_data = Some(raw);
        Ok(())
    }

    /// A single number of type `float`, as a tensor without axes.
    pub(crate) fn scalar(&mut self, name: &str, number: f32, float: FloatType) -> Value {
        self.tensor(name, &[], float.of(&[number]))
    }

    /// A list of integers: a shape, axes, or positions.
    pub(crate) fn int64(&mut self, name: &str, data: &[i64]) -> Value {
        self.tensor(name, &[data.len()], Numbers::Integers(data))
    }

    /// Adds a node with one output, which bears the node's name.
    pub(crate) fn node(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[&Value],
        attributes: &[Attribute],
    ) -> Value {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![name.to_owned()],
            name: Some(name.to_owned()),
            op_type: Some(op.to_owned()),
            attribute: attributes.iter().map(attribute).collect(),
        });
        Value(name.to_owned())
    }

    /// `input` as numbers of type `float`.
    pub(crate) fn cast(&mut self, name: &str, input: &Value, float: FloatType) -> Value {
        let to = match float {
            FloatType::Single => FLOAT,
            FloatType::Half => FLOAT16,
        };
        self.node(name, "Cast", &[input], &[Attribute::Int("to", i64::from(to))])
    }

    /// `input`, of numbers from 0 to below 256, cut down to 8-bit integers.
    pub(crate) fn cast_to_bytes(&mut self, name: &str, input: &Value) -> Value {
        self.node(name, "Cast", &[input], &[Attribute::Int("to", i64::from(UINT8))])
    }

    /// Declares what the graph gives out. The name of `value` becomes the output's.
    pub(crate) fn float_output(&mut self, value: &Value, shape: &[Axis]) {
        self.graph.output.push(value_info(&value.0, FLOAT, shape));
    }

    /// The finished model, without metadata, and the file its weights are in, if they are not inside.
    ///
    /// # Errors
    /// What kept a weight from being written.
    pub(crate) fn finish(self) -> Result<(ModelProto, Option<DataFile>), ConvertError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: Vec::new(),
        };
        Ok((model, self.data))
    }
}

impl ModelProto {
    /// Adds a line of metadata.
    pub(crate) fn describe(&mut self, key: &str, value: &str) {
        self.metadata_props.push(entry(key, value));
    }

    /// The bytes of the file: the same for the same model.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The bytes of one line of metadata, to be put behind the bytes of a model: metadata are the last field
    /// of the message, so that is the model with the line added.
    pub(crate) fn line(key: &str, value: &str) -> Vec<u8> {
        let mut line = Self::default();
        line.describe(key, value);
        line.encode_to_vec()
    }
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: Some(key.to_owned()), value: Some(value.to_owned()) }
}

fn value_info(name: &str, elem_type: i32, shape: &[Axis]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|axis| match axis {
            Axis::Named(name) => DimensionProto { dim_value: None, dim_param: Some((*name).to_owned()) },
            Axis::Fixed(length) => DimensionProto { dim_value: Some(as_i64(*length)), dim_param: None },
        })
        .collect();
    let tensor_type = TensorTypeProto { elem_type: Some(elem_type), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

fn attribute(attribute: &Attribute) -> AttributeProto {
    let named = |name: &str, r#type| AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(r#type),
        ..AttributeProto::default()
    };
    match attribute {
        Attribute::Int(name, value) => AttributeProto { i: Some(*value), ..named(name, ATTRIBUTE_INT) },
        Attribute::Ints(name, values) => {
            AttributeProto { ints: values.clone(), ..named(name, ATTRIBUTE_INTS) }
        }
        Attribute::Float(name, value) => AttributeProto { f: Some(*value), ..named(name, ATTRIBUTE_FLOAT) },
    }
}

/// Lengths of tensors that fit in memory fit in 63 bits.
fn as_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_model() -> ModelProto {
        let mut graph = GraphBuilder::new("small", None);
        let ids = graph.int64_input("ids", &[Axis::Named("batch"), Axis::Fixed(4)]);
        let table = [0.0, -1.5, f32::MIN_POSITIVE, 1e30, 3.25, -0.0];
        let table = graph.tensor("table", &[2, 3], Numbers::Single(&table));
        let rows = graph.node("rows", "Gather", &[&table, &ids], &[Attribute::Int("axis", 0)]);
        let shape = graph.int64("shape", &[0, -1]);
        let flat = graph.node("flat", "Reshape", &[&rows, &shape], &[Attribute::Ints("unused", vec![1, -1])]);
        graph.float_output(&flat, &[Axis::Named("batch"), Axis::Fixed(12)]);
        let (mut model, _) = graph.finish().unwrap();
        model.describe("license", "MIT");
        model
    }

    #[test]
    fn a_model_survives_the_round_trip() {
        let model = small_model();
        let read = ModelProto::decode(model.to_bytes().as_slice()).unwrap();
        assert_eq!(read, model);
        let axis = &read.graph.unwrap().node[0].attribute[0];
        assert_eq!(axis.i, Some(0), "an attribute that is zero is written, not left out");
    }

    #[test]
    fn a_line_of_metadata_can_be_put_behind_the_bytes() {
        let mut model = small_model();
        let mut bytes = model.to_bytes();
        bytes.extend(ModelProto::line("key", "value"));
        model.describe("key", "value");
        assert_eq!(bytes, model.to_bytes());
    }

    #[test]
    fn a_large_weight_leaves_for_the_file_beside() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFile::create(folder.path(), "model.onnx_data").unwrap();
        let mut graph = GraphBuilder::new("g", Some(data));
        graph.tensor("large", &[16, 16], Numbers::Single(&[0.5; 256]));
        graph.int64("small", &[1, 2]);
        let (model, data) = graph.finish().unwrap();
        assert_eq!(data.unwrap().finish().unwrap().bytes, 1024);
        let tensors = model.graph.unwrap().initializer;
        assert_eq!((tensors[0].raw_data.as_ref(), tensors[0].data_location), (None, Some(EXTERNAL)));
        assert_eq!(tensors[0].external_data[0], entry("location", "model.onnx_data"));
        assert_eq!(tensors[1].raw_data.as_ref().map(Vec::len), Some(16));
    }

    #[test]
    fn the_bytes_are_those_of_the_published_format() {
        let mut graph = GraphBuilder::new("g", None);
        let x = graph.int64_input("x", &[Axis::Named("n")]);
        graph.node("y", "Neg", &[&x], &[]);
        let (mut model, _) = graph.finish().unwrap();
        model.producer_name = None;
        model.producer_version = None;
        let expected: &[u8] = &[
            0x08, 0x08, // ir_version 8
            0x3a, 0x25, // graph
            0x0a, 0x0e, // node
            0x0a, 0x01, b'x', // its input
            0x12, 0x01, b'y', // its output
            0x1a, 0x01, b'y', // its name
            0x22, 0x03, b'N', b'e', b'g', // its operator
            0x12, 0x01, b'g', // the graph's name
            0x5a, 0x10, 0x0a, 0x01, b'x', // input
            0x12, 0x0b, 0x0a, 0x09, 0x08, 0x07, // a tensor of int64
            0x12, 0x05, 0x0a, 0x03, 0x12, 0x01, b'n', // of one open dimension
            0x42, 0x04, 0x0a, 0x00, 0x10, 0x11, // opset_import: the standard domain, version 17
        ];
        assert_eq!(model.to_bytes(), expected);
    }
}
