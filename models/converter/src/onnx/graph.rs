//! Building a graph node by node, in the order it runs.
//!
//! A [`Value`] can only come from the builder, so a node cannot name what does not exist yet. Names are made
//! from the caller's and come out the same every time: the same calls give the same bytes.

use prost::Message;

use super::messages::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, AttributeProto, DimensionProto, FLOAT, GraphProto, INT64,
    ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The file format's version that goes with [`OPSET`].
const IR_VERSION: i64 = 8;
/// The version of the standard operators: the first with `LayerNormalization`.
const OPSET: i64 = 17;

/// Something a node makes or takes: an input, a weight, a node's output.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A graph being written.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    graph: GraphProto,
}

impl GraphBuilder {
    /// An empty graph called `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self { graph: GraphProto { name: Some(name.to_owned()), ..GraphProto::default() } }
    }

    /// An input of 64-bit integers.
    pub(crate) fn int64_input(&mut self, name: &str, shape: &[Axis]) -> Value {
        self.graph.input.push(value_info(name, INT64, shape));
        Value(name.to_owned())
    }

    /// A weight. `data` is row-major and holds as many numbers as `dims` say.
    pub(crate) fn float(&mut self, name: &str, dims: &[usize], data: &[f32]) -> Value {
        debug_assert_eq!(dims.iter().product::<usize>(), data.len(), "{name}");
        let raw = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, dims, FLOAT, raw)
    }

    /// A single number, as a tensor without axes.
    pub(crate) fn scalar(&mut self, name: &str, number: f32) -> Value {
        self.float(name, &[], &[number])
    }

    /// A list of integers: a shape, axes, or positions.
    pub(crate) fn int64(&mut self, name: &str, data: &[i64]) -> Value {
        let raw = data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, &[data.len()], INT64, raw)
    }

    fn tensor(&mut self, name: &str, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> Value {
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|&dim| as_i64(dim)).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(raw_data),
        });
        Value(name.to_owned())
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

    /// Declares what the graph gives out. The name of `value` becomes the output's.
    pub(crate) fn float_output(&mut self, value: &Value, shape: &[Axis]) {
        self.graph.output.push(value_info(&value.0, FLOAT, shape));
    }

    /// The finished model, without metadata.
    pub(crate) fn finish(self) -> ModelProto {
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: Vec::new(),
        }
    }
}

impl ModelProto {
    /// Adds a line of metadata.
    pub(crate) fn describe(&mut self, key: &str, value: &str) {
        self.metadata_props
            .push(StringStringEntryProto { key: Some(key.to_owned()), value: Some(value.to_owned()) });
    }

    /// The bytes of the file: the same for the same model.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
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
        let mut graph = GraphBuilder::new("small");
        let ids = graph.int64_input("ids", &[Axis::Named("batch"), Axis::Fixed(4)]);
        let table = graph.float("table", &[2, 3], &[0.0, -1.5, f32::MIN_POSITIVE, 1e30, 3.25, -0.0]);
        let rows = graph.node("rows", "Gather", &[&table, &ids], &[Attribute::Int("axis", 0)]);
        let shape = graph.int64("shape", &[0, -1]);
        let flat = graph.node("flat", "Reshape", &[&rows, &shape], &[Attribute::Ints("unused", vec![1, -1])]);
        graph.float_output(&flat, &[Axis::Named("batch"), Axis::Fixed(12)]);
        let mut model = graph.finish();
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
    fn the_bytes_are_those_of_the_published_format() {
        let mut graph = GraphBuilder::new("g");
        let x = graph.int64_input("x", &[Axis::Named("n")]);
        graph.node("y", "Neg", &[&x], &[]);
        let mut model = graph.finish();
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
