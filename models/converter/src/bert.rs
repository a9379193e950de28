//! BERT as a graph: embeddings and encoder layers.
//!
//! Written from operators that both the CPU and Core ML run, and with what never changes worked out
//! beforehand: the token types (always 0 here) are added into the positions, linear layers are stored
//! transposed, and the scale of the attention sits in the weights of its queries. The pooler of the original
//! and its position numbers are left out: a sentence vector does not use them.

use papr_memory::Recipe;

use crate::error::ConvertError;
use crate::onnx::{Attribute, DataFile, ModelProto, Value};
use crate::pooling::pool;
use crate::profile::{Activation, BertFacts};
use crate::weights::Weights;
use crate::writer::{Linear, Writer};

/// Tensors that a sentence vector does not use.
const IGNORED: [&str; 3] = ["pooler.", "cls.", "embeddings.position_ids"];

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
        if recipe.graph_dims().get() != hidden {
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

/// Writes the graph; large weights go to `data`, if there is one.
pub(crate) fn write(
    weights: &Weights<'_>,
    facts: &BertFacts,
    recipe: &Recipe,
    name: &str,
    data: Option<DataFile>,
) -> Result<(ModelProto, Option<DataFile>), ConvertError> {
    let sizes = Sizes::of(weights, facts, recipe)?;
    let writer = Writer::begin(name, weights, recipe, data);
    let mut bert = Bert { writer, facts, sizes };
    let mut states = vec![bert.embeddings()?];
    let penalty = bert.writer.penalty(true);
    let shapes = HeadShapes::new(&mut bert);
    for layer in 0..sizes.layers {
        let state = bert.layer(layer, &states[layer], &penalty, &shapes)?;
        states.push(state);
    }
    let vector = pool(&mut bert.writer, recipe, &states)?;
    bert.writer.finish(&vector, sizes.hidden, &IGNORED)
}

/// Shapes that every layer uses: `[batch, tokens, heads, width]` and back.
struct HeadShapes {
    split: Value,
    join: Value,
}

impl HeadShapes {
    fn new(bert: &mut Bert<'_>) -> Self {
        let Sizes { hidden, heads, .. } = bert.sizes;
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let graph = &mut bert.writer.graph;
        Self {
            split: graph.int64("heads.split", &[0, 0, signed(heads), signed(hidden / heads)]),
            join: graph.int64("heads.join", &[0, 0, signed(hidden)]),
        }
    }
}

struct Bert<'a> {
    writer: Writer<'a>,
    facts: &'a BertFacts,
    sizes: Sizes,
}

impl Bert<'_> {
    /// Word + position + token type 0, normalised: `[batch, tokens, hidden]`.
    fn embeddings(&mut self) -> Result<Value, ConvertError> {
        let Sizes { hidden, vocabulary, positions, token_types, .. } = self.sizes;
        let words = self.writer.vocabulary("embeddings.word_embeddings.weight", vocabulary, hidden)?;
        let weights = self.writer.weights;
        let types = weights.float("embeddings.token_type_embeddings.weight", &[token_types, hidden])?;
        let mut table = weights.float("embeddings.position_embeddings.weight", &[positions, hidden])?;
        for row in table.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&types).for_each(|(position, token_type)| *position += token_type);
        }
        let table = self.writer.weight("embeddings.positions_and_type", &[positions, hidden], &table);
        let table = self.writer.rows("embeddings.positions", &table);
        let sum = self.writer.graph.node("embeddings.sum", "Add", &[&words, &table], &[]);
        self.layer_norm("embeddings.LayerNorm", &sum)
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
        let attended = self.linear(&at("attention.output.dense"), &context, [width, width], 1.0)?;
        let sum = self.writer.graph.node(&at("attention.output.sum"), "Add", &[&attended, hidden], &[]);
        let hidden = self.layer_norm(&at("attention.output.LayerNorm"), &sum)?;

        let wide = self.linear(&at("intermediate.dense"), &hidden, [width, inner], 1.0)?;
        let wide = self.gelu(&at("intermediate.gelu"), &wide);
        let narrow = self.linear(&at("output.dense"), &wide, [inner, width], 1.0)?;
        let sum = self.writer.graph.node(&at("output.sum"), "Add", &[&narrow, &hidden], &[]);
        self.layer_norm(&at("output.LayerNorm"), &sum)
    }

    /// Softmax(Q·Kᵀ/√width + penalty)·V for all heads at once.
    fn attention(
        &mut self,
        prefix: &str,
        hidden: &Value,
        penalty: &Value,
        shapes: &HeadShapes,
    ) -> Result<Value, ConvertError> {
        let Sizes { hidden: width, heads, .. } = self.sizes;
        let scale = 1.0 / ((width / heads) as f32).sqrt();
        let at = |part: &str| format!("{prefix}.{part}");
        let mut heads_of = |part: &str, scale: f32, order: [i64; 4]| {
            let flat = self.linear(&at(part), hidden, [width, width], scale)?;
            let graph = &mut self.writer.graph;
            let split = graph.node(&at(&format!("{part}.split")), "Reshape", &[&flat, &shapes.split], &[]);
            let order = [Attribute::Ints("perm", order.to_vec())];
            Ok::<_, ConvertError>(graph.node(&at(&format!("{part}.heads")), "Transpose", &[&split], &order))
        };
        let query = heads_of("query", scale, [0, 2, 1, 3])?;
        let key = heads_of("key", 1.0, [0, 2, 3, 1])?;
        let value = heads_of("value", 1.0, [0, 2, 1, 3])?;
        let graph = &mut self.writer.graph;
        let scores = graph.node(&at("scores"), "MatMul", &[&query, &key], &[]);
        let scores = graph.node(&at("scores.masked"), "Add", &[&scores, penalty], &[]);
        let shares = graph.node(&at("shares"), "Softmax", &[&scores], &[Attribute::Int("axis", -1)]);
        let context = graph.node(&at("context.heads"), "MatMul", &[&shares, &value], &[]);
        let order = [Attribute::Ints("perm", vec![0, 2, 1, 3])];
        let context = graph.node(&at("context.split"), "Transpose", &[&context], &order);
        Ok(graph.node(&at("context"), "Reshape", &[&context, &shapes.join], &[]))
    }

    /// `input · weightᵀ + bias`, both times `scale`.
    fn linear(
        &mut self,
        name: &str,
        input: &Value,
        [inputs, outputs]: [usize; 2],
        scale: f32,
    ) -> Result<Value, ConvertError> {
        self.writer.linear(Linear { name, inputs, outputs, bias: true, scale }, input)
    }

    fn layer_norm(&mut self, prefix: &str, input: &Value) -> Result<Value, ConvertError> {
        let width = [self.sizes.hidden];
        let weight = self.writer.published(&format!("{prefix}.weight"), &width)?;
        let bias = self.writer.published(&format!("{prefix}.bias"), &width)?;
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", self.facts.layer_norm_eps)];
        Ok(self.writer.graph.node(prefix, "LayerNormalization", &[input, &weight, &bias], &attributes))
    }

    /// x·½·(1 + erf(x/√2)): the shape of it that ONNX Runtime recognises and runs as one operator.
    fn gelu(&mut self, prefix: &str, input: &Value) -> Value {
        let Activation::Gelu = self.facts.activation;
        let at = |part: &str| format!("{prefix}.{part}");
        let root = self.writer.constant(&at("root_of_two"), std::f32::consts::SQRT_2);
        let one = self.writer.constant(&at("one"), 1.0);
        let half = self.writer.constant(&at("half"), 0.5);
        let graph = &mut self.writer.graph;
        let scaled = graph.node(&at("scaled"), "Div", &[input, &root], &[]);
        let erf = graph.node(&at("erf"), "Erf", &[&scaled], &[]);
        let raised = graph.node(&at("raised"), "Add", &[&erf, &one], &[]);
        let product = graph.node(&at("product"), "Mul", &[input, &raised], &[]);
        graph.node(prefix, "Mul", &[&product, &half], &[])
    }
}
