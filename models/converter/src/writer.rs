//! What the writers of all architectures share: tokens in, embeddings, linear layers, masks, the end.
//!
//! Here the precision is carried out. In half precision weights and layers work with 16-bit numbers. Masks,
//! pooling and the norm are always of 32 bits.
//!
//! In int8 they work with 32-bit numbers, but for linear layers and the vocabulary: these hold 8-bit integers
//! with a scale for each output (or word), and what goes into a linear layer becomes 8-bit integers with a scale
//! for each token, worked out at run time. So no token's vector depends on the others beside it in a batch, as
//! it would with `DynamicQuantizeLinear`, which has one scale for all. Both factors are unsigned around 128:
//! processors with AVX2 but not VNNI multiply unsigned by signed bytes with sums cut at 16 bits, which made
//! cosines of 0.27 of 0.998. Core ML takes no integer products: int8 is for the CPU.

use std::collections::BTreeMap;

use half::f16;
use papr_memory::{Precision, Recipe};

use crate::error::ConvertError;
use crate::onnx::{Attribute, Axis, DataFile, FloatType, GraphBuilder, ModelProto, Numbers, Value};
use crate::weights::{Weights, transpose};

/// What is added to the score of a token that is only filling. Its share is exactly 0 in single precision,
/// and the number still fits half precision.
const MASKED: f32 = -10_000.0;

/// The linear layers' names, sizes and what is folded into them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear<'a> {
    /// Tensors `name.weight` and, with `bias`, `name.bias`.
    pub(crate) name: &'a str,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) bias: bool,
    /// Multiplied into weight and bias.
    pub(crate) scale: f32,
}

/// A value as 8-bit integers: `(bytes - 128) * scale`.
#[derive(Clone, Debug)]
struct Quantized {
    /// `[batch, tokens, width]`
    bytes: Value,
    /// `[batch, tokens, 1]`
    scale: Value,
}

/// What the whole of a graph in int8 needs once.
#[derive(Clone, Debug)]
struct ByteConstants {
    /// The byte that stands for 0.
    zero: Value,
    /// The same as a number.
    offset: Value,
    /// What is added before a number is cut to a byte: the offset, and a half to round.
    rounding: Value,
    /// 1 / 127.
    share: Value,
    /// The least scale: a token of zeros stays one.
    least: Value,
}

/// A graph being written from weights.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) graph: GraphBuilder,
    pub(crate) weights: &'a Weights<'a>,
    /// Token ids, `[batch, tokens]`.
    pub(crate) ids: Value,
    /// 1 for a token and 0 for filling, in single precision, `[batch, tokens]`.
    pub(crate) mask: Value,
    precision: Precision,
    max_tokens: usize,
    zero: Value,
    length: Value,
    positions: Option<Value>,
    byte_constants: Option<ByteConstants>,
    quantized: BTreeMap<Value, Quantized>,
    vanished: u64,
}

impl<'a> Writer<'a> {
    /// Begins a graph called `name` with its two inputs; large weights go to `data`, if there is one.
    pub(crate) fn begin(
        name: &str,
        weights: &'a Weights<'a>,
        recipe: &Recipe,
        data: Option<DataFile>,
    ) -> Self {
        let mut graph = GraphBuilder::new(name, data);
        let tokens = [Axis::Named("batch"), Axis::Named("tokens")];
        let ids = graph.int64_input(&recipe.graph.input_ids, &tokens);
        let mask = graph.int64_input(&recipe.graph.attention_mask, &tokens);
        let mask = graph.cast("mask", &mask, FloatType::Single);
        let zero = graph.int64("zero", &[0]);
        let second = [Attribute::Int("start", 1), Attribute::Int("end", 2)];
        let length = graph.node("tokens", "Shape", &[&ids], &second);
        Self {
            graph,
            weights,
            ids,
            mask,
            precision: recipe.precision,
            max_tokens: recipe.max_tokens as usize,
            zero,
            length,
            positions: None,
            byte_constants: None,
            quantized: BTreeMap::new(),
            vanished: 0,
        }
    }

    /// The numbers the layers work with.
    pub(crate) fn float(&self) -> FloatType {
        match self.precision {
            Precision::Fp16 => FloatType::Half,
            Precision::Fp32 | Precision::Int8 => FloatType::Single,
        }
    }

    /// A constant for the layers.
    pub(crate) fn constant(&mut self, name: &str, number: f32) -> Value {
        self.graph.scalar(name, number, self.float())
    }

    /// A weight of the layers' numbers.
    pub(crate) fn weight(&mut self, name: &str, dims: &[usize], numbers: &[f32]) -> Value {
        if self.float() == FloatType::Half {
            let halves = || numbers.iter().map(|&number| (number, f16::from_f32(number)));
            let beyond = halves().filter(|(_, half)| half.is_infinite()).count();
            if beyond > 0 {
                let text = format!("tensor {name} holds {beyond} numbers that half precision cannot hold");
                self.weights.report().structural(text);
            }
            let vanished = halves().filter(|(number, half)| *number != 0.0 && half.to_f32() == 0.0).count();
            self.vanished += vanished as u64;
        }
        self.graph.tensor(name, dims, self.float().of(numbers))
    }

    /// The published tensor `name`, as it is.
    pub(crate) fn published(&mut self, name: &str, dims: &[usize]) -> Result<Value, ConvertError> {
        let numbers = self.weights.float(name, dims)?;
        Ok(self.weight(name, dims, &numbers))
    }

    /// `value`, of the layers' numbers, in single precision.
    pub(crate) fn single(&mut self, name: &str, value: &Value) -> Value {
        self.converted(name, value, FloatType::Single)
    }

    /// `value`, in single precision, as the layers' numbers.
    pub(crate) fn working(&mut self, name: &str, value: &Value) -> Value {
        self.converted(name, value, FloatType::Half)
    }

    fn converted(&mut self, name: &str, value: &Value, to: FloatType) -> Value {
        match self.float() {
            FloatType::Single => value.clone(),
            FloatType::Half => self.graph.cast(name, value, to),
        }
    }

    /// The first rows of `table`, as many as there are tokens.
    pub(crate) fn rows(&mut self, name: &str, table: &Value) -> Value {
        let (zero, length) = (&self.zero, &self.length);
        self.graph.node(name, "Slice", &[table, zero, length, zero], &[])
    }

    /// 0, 1, 2, … in single precision, one a token: `[tokens]`.
    pub(crate) fn positions(&mut self) -> Value {
        if let Some(positions) = &self.positions {
            return positions.clone();
        }
        let numbers: Vec<f32> = (0..self.max_tokens).map(|position| position as f32).collect();
        let table = self.graph.tensor("positions.all", &[numbers.len()], Numbers::Single(&numbers));
        let positions = self.rows("positions", &table);
        self.positions = Some(positions.clone());
        positions
    }

    /// Rows of the vocabulary `name` of shape `[words, width]`: `[batch, tokens, width]`.
    pub(crate) fn vocabulary(
        &mut self,
        name: &str,
        words: usize,
        width: usize,
    ) -> Result<Value, ConvertError> {
        let rows = [Attribute::Int("axis", 0)];
        let numbers = self.weights.float(name, &[words, width])?;
        if self.precision != Precision::Int8 {
            let table = self.weight(name, &[words, width], &numbers);
            return Ok(self.graph.node("words", "Gather", &[&table, &self.ids], &rows));
        }
        let (bytes, scales) = to_bytes(&numbers, width);
        let table = self.graph.tensor(name, &[words, width], Numbers::Bytes(&bytes));
        let scales = self.graph.tensor(&format!("{name}.scales"), &[words, 1], Numbers::Single(&scales));
        let bytes = self.graph.node("words.bytes", "Gather", &[&table, &self.ids], &rows);
        let numbers = self.graph.cast("words.raised", &bytes, FloatType::Single);
        let offset = self.byte_constants().offset;
        let numbers = self.graph.node("words.numbers", "Sub", &[&numbers, &offset], &[]);
        let scales = self.graph.node("words.scales", "Gather", &[&scales, &self.ids], &rows);
        Ok(self.graph.node("words", "Mul", &[&numbers, &scales], &[]))
    }

    /// `input · weightᵀ`, plus the bias where there is one.
    pub(crate) fn linear(&mut self, layer: Linear<'_>, input: &Value) -> Result<Value, ConvertError> {
        let Linear { name, inputs, outputs, bias, scale } = layer;
        let weight_name = format!("{name}.weight");
        let product_name = if bias { format!("{name}.product") } else { name.to_owned() };
        let scaled = |mut numbers: Vec<f32>| {
            if scale.to_bits() != 1.0_f32.to_bits() {
                for number in &mut numbers {
                    *number *= scale;
                }
            }
            numbers
        };
        let product = if self.precision == Precision::Int8 {
            let numbers = scaled(self.weights.float(&weight_name, &[outputs, inputs])?);
            self.product_of_bytes(&product_name, &weight_name, &numbers, [outputs, inputs], input)
        } else {
            let numbers = scaled(self.weights.transposed(&weight_name, outputs, inputs)?);
            let weight = self.weight(&weight_name, &[inputs, outputs], &numbers);
            self.graph.node(&product_name, "MatMul", &[input, &weight], &[])
        };
        if !bias {
            return Ok(product);
        }
        let bias_name = format!("{name}.bias");
        let numbers = scaled(self.weights.float(&bias_name, &[outputs])?);
        let bias = self.weight(&bias_name, &[outputs], &numbers);
        Ok(self.graph.node(name, "Add", &[&product, &bias], &[]))
    }

    /// The product by integers: the scales of tokens and outputs come off at the end.
    fn product_of_bytes(
        &mut self,
        name: &str,
        weight_name: &str,
        numbers: &[f32],
        [outputs, inputs]: [usize; 2],
        input: &Value,
    ) -> Value {
        let (bytes, scales) = to_bytes(numbers, inputs);
        let bytes = transpose(&bytes, inputs);
        let weight = self.graph.tensor(weight_name, &[inputs, outputs], Numbers::Bytes(&bytes));
        let scales_name = format!("{weight_name}.scales");
        let scales = self.graph.tensor(&scales_name, &[outputs], Numbers::Single(&scales));
        let Quantized { bytes, scale } = self.quantized(name, input);
        let zero = self.byte_constants().zero;
        let at = |part: &str| format!("{name}.{part}");
        let sums = self.graph.node(&at("sums"), "MatMulInteger", &[&bytes, &weight, &zero, &zero], &[]);
        let sums = self.graph.cast(&at("numbers"), &sums, FloatType::Single);
        let sums = self.graph.node(&at("outputs"), "Mul", &[&sums, &scales], &[]);
        self.graph.node(name, "Mul", &[&sums, &scale], &[])
    }

    /// `input` as bytes; several layers with one input share them.
    fn quantized(&mut self, name: &str, input: &Value) -> Quantized {
        if let Some(known) = self.quantized.get(input) {
            return known.clone();
        }
        let ByteConstants { rounding, share, least, .. } = self.byte_constants();
        let at = |part: &str| format!("{name}.input.{part}");
        let last = [Attribute::Ints("axes", vec![-1]), Attribute::Int("keepdims", 1)];
        let graph = &mut self.graph;
        let sizes = graph.node(&at("sizes"), "Abs", &[input], &[]);
        let largest = graph.node(&at("largest"), "ReduceMax", &[&sizes], &last);
        let scale = graph.node(&at("share"), "Mul", &[&largest, &share], &[]);
        let scale = graph.node(&at("scale"), "Clip", &[&scale, &least], &[]);
        let scaled = graph.node(&at("scaled"), "Div", &[input, &scale], &[]);
        let raised = graph.node(&at("raised"), "Add", &[&scaled, &rounding], &[]);
        let bytes = graph.cast_to_bytes(&at("bytes"), &raised);
        let made = Quantized { bytes, scale };
        self.quantized.insert(input.clone(), made.clone());
        made
    }

    fn byte_constants(&mut self) -> ByteConstants {
        let graph = &mut self.graph;
        let made = self.byte_constants.get_or_insert_with(|| {
            let mut scalar = |name: &str, number: f32| graph.scalar(name, number, FloatType::Single);
            ByteConstants {
                offset: scalar("bytes.offset", f32::from(ZERO_BYTE)),
                rounding: scalar("bytes.rounding", f32::from(ZERO_BYTE) + 0.5),
                share: scalar("bytes.share", 1.0 / LARGEST_BYTE),
                least: scalar("bytes.least", f32::MIN_POSITIVE),
                zero: graph.tensor("bytes.zero", &[], Numbers::Bytes(&[ZERO_BYTE])),
            }
        });
        made.clone()
    }

    /// 0 for what a token may look at and [`MASKED`] for what not, to be added to scores, in the layers'
    /// numbers: `[batch, 1, 1, tokens]`, or `[batch, 1, tokens, tokens]` if none may look `ahead`.
    pub(crate) fn penalty(&mut self, ahead: bool) -> Value {
        let one = self.graph.scalar("penalty.one", 1.0, FloatType::Single);
        let masked = self.graph.scalar("penalty.masked", MASKED, FloatType::Single);
        let shape = self.graph.int64("penalty.shape", &[0, 1, 1, -1]);
        let hidden = self.graph.node("penalty.filling", "Sub", &[&one, &self.mask], &[]);
        let mut hidden = self.graph.node("penalty.hidden", "Reshape", &[&hidden, &shape], &[]);
        if !ahead {
            let positions = self.positions();
            let column = self.graph.int64("penalty.column_shape", &[-1, 1]);
            let column = self.graph.node("penalty.column", "Reshape", &[&positions, &column], &[]);
            let distance = self.graph.node("penalty.distance", "Sub", &[&positions, &column], &[]);
            let none = self.graph.scalar("penalty.none", 0.0, FloatType::Single);
            let ahead = self.graph.node("penalty.ahead", "Clip", &[&distance, &none, &one], &[]);
            hidden = self.graph.node("penalty.either", "Max", &[&hidden, &ahead], &[]);
        }
        let penalty = self.graph.node("penalty.single", "Mul", &[&hidden, &masked], &[]);
        self.working("penalty", &penalty)
    }

    /// The finished graph, which gives `vector`: `[batch, dims]` in single precision.
    pub(crate) fn finish(
        mut self,
        vector: &Value,
        dims: usize,
        ignored: &[&str],
    ) -> Result<(ModelProto, Option<DataFile>), ConvertError> {
        self.graph.float_output(vector, &[Axis::Named("batch"), Axis::Fixed(dims)]);
        self.weights.all_used_but(ignored);
        if self.vanished > 0 {
            let text = format!("{} weights are too small for half precision and become 0", self.vanished);
            self.weights.report().benign(text);
        }
        self.graph.finish()
    }
}

/// The byte that stands for 0.
const ZERO_BYTE: u8 = 128;
/// How far from [`ZERO_BYTE`] the largest of a row lies.
const LARGEST_BYTE: f32 = 127.0;

/// Each row of `width` numbers as bytes around 128, and the row's scale: the largest lies 127 away.
fn to_bytes(numbers: &[f32], width: usize) -> (Vec<u8>, Vec<f32>) {
    let mut bytes = Vec::with_capacity(numbers.len());
    let mut scales = Vec::with_capacity(numbers.len() / width.max(1));
    for row in numbers.chunks_exact(width) {
        let largest = row.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let scale = (largest / LARGEST_BYTE).max(f32::MIN_POSITIVE);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded and from 1 to 255, or saturating"
        )]
        bytes.extend(row.iter().map(|number| ((number / scale).round() + f32::from(ZERO_BYTE)) as u8));
        scales.push(scale);
    }
    (bytes, scales)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_own_scale() {
        let (bytes, scales) = to_bytes(&[1.27, -0.634, 0.0, 0.0, -254.0, 127.0], 2);
        assert_eq!(bytes, [255, 65, 128, 128, 1, 192]);
        assert_eq!(scales, [0.01, f32::MIN_POSITIVE, 2.0]);
    }
}
