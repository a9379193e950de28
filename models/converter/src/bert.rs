//! BERT as a graph: embeddings, encoder layers, attention-masked mean, division by the norm.
//!
//! Written from operators that both the CPU and Core ML run, and with what never changes worked out
//! beforehand: the token types (always 0 here) are added into the positions, linear layers are stored
//! transposed, and the scale of the attention sits in the weights of its queries. The pooler of the original
//! and its position numbers are left out: a sentence vector does not use them.

use papr_memory::Recipe;

use crate::error::ConvertError;
use crate::onnx::{Attribute, Axis, GraphBuilder, ModelProto, Value};
use crate::profile::{Activation, BertFacts};
use crate::weights::Weights;

/// Tensors that a sentence vector does not use.
const IGNORED: [&str; 2] = ["pooler.", "embeddings.position_ids"];

/// What is added to the score of a token that is only filling. Its share is exactly 0 in single precision,
/// and the number still fits half precision.
const MASKED: f32 = -10_000.0;

/// The sizes of a BERT, read from the shapes of its weights.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    hidden: usize,
    inner: usize,
    layers: usize,
    vocabulary: usize,
    positions: usize,
    token_types: usize,
    heads: usize,
}

impl Sizes {
    fn of(weights: &Weights<'_>, facts: &BertFacts, recipe: &Recipe) -> Result<Self, ConvertError> {
        let [vocabulary, hidden] = weights.matrix_shape("embeddings.word_embeddings.weight")?;
        let [positions, _] = weights.matrix_shape("embeddings.position_embeddings.weight")?;
        let [token_types, _] = weights.matrix_shape("embeddings.token_type_embeddings.weight")?;
        let [inner, _] = weights.matrix_shape("encoder.layer.0.intermediate.dense.weight")?;
        let mut layers = 0;
        while weights.has(&format!("encoder.layer.{layers}.intermediate.dense.weight")) {
            layers += 1;
        }
        let contradiction = |text: String| Err(ConvertError::Contradiction(text));
        if facts.heads == 0 || !hidden.is_multiple_of(facts.heads) {
            return contradiction(format!(
                "{hidden} hidden numbers cannot be shared by {} heads",
                facts.heads
            ));
        }
        if recipe.dims.get() != hidden {
            return contradiction(format!("the recipe says {} dims, the weights make {hidden}", recipe.dims));
        }
        if positions < recipe.max_tokens as usize {
            return contradiction(format!(
                "the recipe cuts at {} tokens, the weights know {positions} positions",
                recipe.max_tokens
            ));
        }
        if token_types == 0 {
            return contradiction("the weights know no token type".to_owned());
        }
        Ok(Self { hidden, inner, layers, vocabulary, positions, token_types, heads: facts.heads })
    }
}

/// Writes the graph.
pub(crate) fn write(
    weights: &Weights<'_>,
    facts: &BertFacts,
    recipe: &Recipe,
    name: &str,
) -> Result<ModelProto, ConvertError> {
    let sizes = Sizes::of(weights, facts, recipe)?;
    let mut writer = Writer { graph: GraphBuilder::new(name), weights, facts, sizes };
    let tokens = [Axis::Named("batch"), Axis::Named("tokens")];
    let ids = writer.graph.int64_input(&recipe.graph.input_ids, &tokens);
    let mask = writer.graph.int64_input(&recipe.graph.attention_mask, &tokens);
    let to_float = [Attribute::Int("to", 1)];
    let mask = writer.graph.node("mask", "Cast", &[&mask], &to_float);

    let mut hidden = writer.embeddings(&ids)?;
    let penalty = writer.penalty(&mask);
    let shapes = HeadShapes::new(&mut writer);
    for layer in 0..sizes.layers {
        hidden = writer.layer(layer, &hidden, &penalty, &shapes)?;
    }
    let pooled = writer.mean(&hidden, &mask);
    let vector = writer.unit(&pooled, &recipe.graph.output);
    writer.graph.float_output(&vector, &[Axis::Named("batch"), Axis::Fixed(sizes.hidden)]);

    weights.all_used_but(&IGNORED)?;
    Ok(writer.graph.finish())
}

/// Shapes that every layer uses: `[batch, tokens, heads, width]` and back.
struct HeadShapes {
    split: Value,
    join: Value,
}

impl HeadShapes {
    fn new(writer: &mut Writer<'_, '_>) -> Self {
        let Sizes { hidden, heads, .. } = writer.sizes;
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        Self {
            split: writer.graph.int64("heads.split", &[0, 0, signed(heads), signed(hidden / heads)]),
            join: writer.graph.int64("heads.join", &[0, 0, signed(hidden)]),
        }
    }
}

struct Writer<'a, 'data> {
    graph: GraphBuilder,
    weights: &'a Weights<'data>,
    facts: &'a BertFacts,
    sizes: Sizes,
}

impl Writer<'_, '_> {
    /// Word + position + token type 0, normalised: `[batch, tokens, hidden]`.
    fn embeddings(&mut self, ids: &Value) -> Result<Value, ConvertError> {
        let Sizes { hidden, vocabulary, positions, token_types, .. } = self.sizes;
        let name = "embeddings.word_embeddings.weight";
        let words = self.weights.float(name, &[vocabulary, hidden])?;
        let words = self.graph.float(name, &[vocabulary, hidden], &words);
        let words =
            self.graph.node("embeddings.words", "Gather", &[&words, ids], &[Attribute::Int("axis", 0)]);

        let types = self.weights.float("embeddings.token_type_embeddings.weight", &[token_types, hidden])?;
        let name = "embeddings.position_embeddings.weight";
        let mut table = self.weights.float(name, &[positions, hidden])?;
        for row in table.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&types).for_each(|(position, token_type)| *position += token_type);
        }
        let table = self.graph.float("embeddings.positions_and_type", &[positions, hidden], &table);
        let (zero, first) =
            (self.graph.int64("zero", &[0]), [Attribute::Int("start", 1), Attribute::Int("end", 2)]);
        let length = self.graph.node("tokens", "Shape", &[ids], &first);
        let table = self.graph.node("embeddings.positions", "Slice", &[&table, &zero, &length, &zero], &[]);

        let sum = self.graph.node("embeddings.sum", "Add", &[&words, &table], &[]);
        self.layer_norm("embeddings.LayerNorm", &sum)
    }

    /// 0 for a token and [`MASKED`] for filling, to be added to scores: `[batch, 1, 1, tokens]`.
    fn penalty(&mut self, mask: &Value) -> Value {
        let one = self.graph.scalar("one", 1.0);
        let masked = self.graph.scalar("masked", MASKED);
        let shape = self.graph.int64("penalty.shape", &[0, 1, 1, -1]);
        let filling = self.graph.node("penalty.filling", "Sub", &[&one, mask], &[]);
        let penalty = self.graph.node("penalty.flat", "Mul", &[&filling, &masked], &[]);
        self.graph.node("penalty", "Reshape", &[&penalty, &shape], &[])
    }

    /// One encoder layer, `[batch, tokens, hidden]` to the same.
    fn layer(
        &mut self,
        layer: usize,
        hidden: &Value,
        penalty: &Value,
        shapes: &HeadShapes,
    ) -> Result<Value, ConvertError> {
        let Sizes { hidden: width, inner, .. } = self.sizes;
        let at = |part: &str| format!("encoder.layer.{layer}.{part}");
        let context = self.attention(&at("attention.self"), hidden, penalty, shapes)?;
        let attended = self.linear(&at("attention.output.dense"), &context, width, width, 1.0)?;
        let sum = self.graph.node(&at("attention.output.sum"), "Add", &[&attended, hidden], &[]);
        let hidden = self.layer_norm(&at("attention.output.LayerNorm"), &sum)?;

        let wide = self.linear(&at("intermediate.dense"), &hidden, width, inner, 1.0)?;
        let bent = match self.facts.activation {
            Activation::Gelu => self.gelu(&at("intermediate.gelu"), &wide),
        };
        let narrow = self.linear(&at("output.dense"), &bent, inner, width, 1.0)?;
        let sum = self.graph.node(&at("output.sum"), "Add", &[&narrow, &hidden], &[]);
        self.layer_norm(&at("output.LayerNorm"), &sum)
    }

    /// softmax(Q·Kᵀ/√width + penalty)·V over every head, joined again.
    fn attention(
        &mut self,
        prefix: &str,
        hidden: &Value,
        penalty: &Value,
        shapes: &HeadShapes,
    ) -> Result<Value, ConvertError> {
        let Sizes { hidden: width, heads, .. } = self.sizes;
        let scale = ((width / heads) as f32).sqrt().recip();
        let at = |part: &str| format!("{prefix}.{part}");
        let mut heads_of = |part: &str, scale: f32, order: [i64; 4]| -> Result<Value, ConvertError> {
            let all = self.linear(&at(part), hidden, width, width, scale)?;
            let split =
                self.graph.node(&at(&format!("{part}.split")), "Reshape", &[&all, &shapes.split], &[]);
            let order = [Attribute::Ints("perm", order.to_vec())];
            Ok(self.graph.node(&at(&format!("{part}.heads")), "Transpose", &[&split], &order))
        };
        let query = heads_of("query", scale, [0, 2, 1, 3])?;
        let key = heads_of("key", 1.0, [0, 2, 3, 1])?;
        let value = heads_of("value", 1.0, [0, 2, 1, 3])?;
        let scores = self.graph.node(&at("scores"), "MatMul", &[&query, &key], &[]);
        let scores = self.graph.node(&at("scores.masked"), "Add", &[&scores, penalty], &[]);
        let shares = self.graph.node(&at("shares"), "Softmax", &[&scores], &[Attribute::Int("axis", -1)]);
        let context = self.graph.node(&at("context.heads"), "MatMul", &[&shares, &value], &[]);
        let order = [Attribute::Ints("perm", vec![0, 2, 1, 3])];
        let context = self.graph.node(&at("context.split"), "Transpose", &[&context], &order);
        Ok(self.graph.node(&at("context"), "Reshape", &[&context, &shapes.join], &[]))
    }

    /// `input · weightᵀ + bias`, both times `scale`.
    fn linear(
        &mut self,
        prefix: &str,
        input: &Value,
        inputs: usize,
        outputs: usize,
        scale: f32,
    ) -> Result<Value, ConvertError> {
        let (weight_name, bias_name) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
        let mut weight = self.weights.transposed(&weight_name, outputs, inputs)?;
        let mut bias = self.weights.float(&bias_name, &[outputs])?;
        weight.iter_mut().chain(&mut bias).for_each(|number| *number *= scale);
        let weight = self.graph.float(&weight_name, &[inputs, outputs], &weight);
        let bias = self.graph.float(&bias_name, &[outputs], &bias);
        let product = self.graph.node(&format!("{prefix}.product"), "MatMul", &[input, &weight], &[]);
        Ok(self.graph.node(prefix, "Add", &[&product, &bias], &[]))
    }

    fn layer_norm(&mut self, prefix: &str, input: &Value) -> Result<Value, ConvertError> {
        let width = self.sizes.hidden;
        let (weight_name, bias_name) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
        let weight = self.weights.float(&weight_name, &[width])?;
        let bias = self.weights.float(&bias_name, &[width])?;
        let weight = self.graph.float(&weight_name, &[width], &weight);
        let bias = self.graph.float(&bias_name, &[width], &bias);
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", self.facts.layer_norm_eps)];
        Ok(self.graph.node(prefix, "LayerNormalization", &[input, &weight, &bias], &attributes))
    }

    /// x·½·(1 + erf(x/√2)): the shape of it that ONNX Runtime recognises and runs as one operator.
    fn gelu(&mut self, prefix: &str, input: &Value) -> Value {
        let constant = |graph: &mut GraphBuilder, part: &str, number: f32| {
            graph.scalar(&format!("{prefix}.{part}"), number)
        };
        let root = constant(&mut self.graph, "root_of_two", std::f32::consts::SQRT_2);
        let one = constant(&mut self.graph, "one", 1.0);
        let half = constant(&mut self.graph, "half", 0.5);
        let at = |part: &str| format!("{prefix}.{part}");
        let scaled = self.graph.node(&at("scaled"), "Div", &[input, &root], &[]);
        let erf = self.graph.node(&at("erf"), "Erf", &[&scaled], &[]);
        let raised = self.graph.node(&at("raised"), "Add", &[&erf, &one], &[]);
        let product = self.graph.node(&at("product"), "Mul", &[input, &raised], &[]);
        self.graph.node(prefix, "Mul", &[&product, &half], &[])
    }

    /// The mean of the tokens that are not filling: `[batch, hidden]`.
    fn mean(&mut self, hidden: &Value, mask: &Value) -> Value {
        let shape = self.graph.int64("mean.mask_shape", &[0, -1, 1]);
        let axis = self.graph.int64("mean.axis", &[1]);
        let least = self.graph.scalar("mean.least", 1e-9);
        let drop_axis = [Attribute::Int("keepdims", 0)];
        let column = self.graph.node("mean.mask", "Reshape", &[mask, &shape], &[]);
        let kept = self.graph.node("mean.kept", "Mul", &[hidden, &column], &[]);
        let sum = self.graph.node("mean.sum", "ReduceSum", &[&kept, &axis], &drop_axis);
        let count = self.graph.node("mean.count", "ReduceSum", &[&column, &axis], &drop_axis);
        let count = self.graph.node("mean.divisor", "Clip", &[&count, &least], &[]);
        self.graph.node("mean", "Div", &[&sum, &count], &[])
    }

    /// `input` divided by its Euclidean norm, written as what Core ML runs.
    fn unit(&mut self, input: &Value, output: &str) -> Value {
        let axis = self.graph.int64("norm.axis", &[1]);
        let least = self.graph.scalar("norm.least", 1e-12);
        let keep_axis = [Attribute::Int("keepdims", 1)];
        let squares = self.graph.node("norm.squares", "Mul", &[input, input], &[]);
        let sum = self.graph.node("norm.sum", "ReduceSum", &[&squares, &axis], &keep_axis);
        let norm = self.graph.node("norm", "Sqrt", &[&sum], &[]);
        let norm = self.graph.node("norm.divisor", "Clip", &[&norm, &least], &[]);
        self.graph.node(output, "Div", &[input, &norm], &[])
    }
}
