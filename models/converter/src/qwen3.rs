//! Qwen3 as a graph: embeddings, decoder layers, the final norm. No `lm_head`: a text vector does not use it.
//!
//! Grouped-query attention with a norm on every head's queries and keys, rotary positions, a gated feed-forward
//! part, no biases. Written from operators that both the CPU and Core ML run: no `RMSNormalization`, no
//! `RotaryEmbedding`, no `Expand`. Worked out beforehand: linear layers are stored transposed, the scale of the
//! attention sits in the weights of the queries' norm, and the angles' cosines and sines are tables.
//!
//! A token's position is its index, filling counted. Scores depend on differences of positions only, so filling
//! may stand on either side.

use papr_memory::Recipe;

use crate::config::Qwen3Facts;
use crate::error::ConvertError;
use crate::onnx::{Attribute, DataFile, ModelProto, Value};
use crate::pooling::pool;
use crate::weights::Weights;
use crate::writer::{Linear, Writer};

/// Tensors that a text vector does not use.
const IGNORED: [&str; 1] = ["lm_head."];

/// The least that a vector is divided by before it is squared. Any number above 0 gives the same result; this
/// one and its square's inverse fit half precision.
const LEAST_MAGNITUDE: f32 = 1e-4;

/// The sizes of a Qwen3.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    hidden: usize,
    inner: usize,
    vocabulary: usize,
    heads: usize,
    groups: usize,
    width: usize,
}

impl Sizes {
    fn of(weights: &Weights<'_>, facts: &Qwen3Facts, recipe: &Recipe) -> Result<Self, ConvertError> {
        let [vocabulary, hidden] = weights.matrix_shape("embed_tokens.weight")?;
        let [inner, _] = weights.matrix_shape("layers.0.mlp.gate_proj.weight")?;
        let (heads, groups, width) = (facts.num_attention_heads, facts.num_key_value_heads, facts.head_dim);
        let contradiction = |text: String| Err(ConvertError::Contradiction(text));
        if groups == 0 || heads == 0 || !heads.is_multiple_of(groups) {
            return contradiction(format!("{heads} heads cannot be shared by {groups} groups"));
        }
        if width == 0 || !width.is_multiple_of(2) {
            return contradiction(format!("positions turn pairs of numbers; a head has {width}"));
        }
        if weights.has(&format!("layers.{}.input_layernorm.weight", facts.num_hidden_layers)) {
            return contradiction(format!(
                "config.json says {} layers, the weights hold more",
                facts.num_hidden_layers
            ));
        }
        if recipe.graph_dims().get() != hidden {
            return contradiction(format!("the recipe says {} dims, the weights make {hidden}", recipe.dims));
        }
        if facts.max_position_embeddings < recipe.max_tokens as usize {
            return contradiction(format!(
                "the recipe cuts at {} tokens, the model was made for {}",
                recipe.max_tokens, facts.max_position_embeddings
            ));
        }
        Ok(Self { hidden, inner, vocabulary, heads, groups, width })
    }
}

/// Writes the graph; large weights go to `data`, if there is one.
pub(crate) fn write(
    weights: &Weights<'_>,
    facts: &Qwen3Facts,
    recipe: &Recipe,
    name: &str,
    data: Option<DataFile>,
) -> Result<(ModelProto, Option<DataFile>), ConvertError> {
    let sizes = Sizes::of(weights, facts, recipe)?;
    let mut writer = Writer::begin(name, weights, recipe, data);
    let mut states = vec![writer.vocabulary("embed_tokens.weight", sizes.vocabulary, sizes.hidden)?];
    let shared = Shared::new(&mut writer, sizes, facts, recipe);
    let mut qwen = Qwen3 { writer, sizes, shared };
    for layer in 0..facts.num_hidden_layers {
        let state = qwen.layer(layer, &states[layer])?;
        states.push(state);
    }
    // The last state is given out after the final norm, the others as they are.
    if let Some(last) = states.pop() {
        let norm = qwen.writer.weights.float("norm.weight", &[sizes.hidden])?;
        states.push(qwen.rms_norm("norm", &last, &norm));
    }
    let vector = pool(&mut qwen.writer, recipe, &states)?;
    qwen.writer.finish(&vector, sizes.hidden, &IGNORED)
}

/// Constants and values that every layer uses.
struct Shared {
    penalty: Value,
    /// Cosines, and sines with the first half's sign turned: `[tokens, width]`.
    cosines: Value,
    sines: Value,
    /// `[batch, tokens, heads, width]`, the same for groups, all groups' heads apart, and back to one row a token.
    heads: Value,
    groups: Value,
    repeated: Value,
    join: Value,
    /// 0, half a head, a whole head, the last axis: where a head is cut in two.
    cuts: [Value; 4],
    minus_one: Value,
    least: Value,
    root_of_eps: Value,
    /// What the running sum is held within, where the recipe says so and half precision needs it.
    limits: Option<[Value; 2]>,
}

impl Shared {
    fn new(writer: &mut Writer<'_>, sizes: Sizes, facts: &Qwen3Facts, recipe: &Recipe) -> Self {
        let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let Sizes { heads, groups, width, .. } = sizes;
        let (cosines, sines) = angles(recipe.max_tokens, width, facts.rope_theta);
        let table = [recipe.max_tokens as usize, width];
        let cosines = writer.weight("rotary.cosines.all", &table, &cosines);
        let sines = writer.weight("rotary.sines.all", &table, &sines);
        let clamp = recipe.clamp.filter(|_| writer.float() == crate::onnx::FloatType::Half);
        Self {
            penalty: writer.penalty(false),
            cosines: writer.rows("rotary.cosines", &cosines),
            sines: writer.rows("rotary.sines", &sines),
            heads: writer.graph.int64("shape.heads", &[0, 0, signed(heads), signed(width)]),
            groups: writer.graph.int64("shape.groups", &[0, 0, signed(groups), signed(width)]),
            repeated: writer.graph.int64("shape.repeated", &[0, signed(heads), -1, signed(width)]),
            join: writer.graph.int64("shape.join", &[0, 0, signed(heads * width)]),
            cuts: [0, signed(width / 2), signed(width), 3]
                .map(|cut| writer.graph.int64(&format!("cut.{cut}"), &[cut])),
            minus_one: writer.constant("minus_one", -1.0),
            least: writer.constant("rms.least", LEAST_MAGNITUDE),
            root_of_eps: writer.constant("rms.root_of_eps", facts.rms_norm_eps.sqrt()),
            limits: clamp
                .map(|clamp| [writer.constant("limit.least", -clamp), writer.constant("limit.most", clamp)]),
        }
    }
}

/// Cosines and signed sines of `tokens` positions, `[tokens, width]` each.
///
/// In double precision, so that the last digit of a system's own functions never shows. A pair of numbers is
/// half a head apart; rotated, it is `x·cos + swapped(x)·sin` with the sign of the first half's sines turned.
fn angles(tokens: u32, width: usize, theta: f64) -> (Vec<f32>, Vec<f32>) {
    let half = width / 2;
    let angle =
        |position: u32, pair: usize| f64::from(position) / theta.powf(2.0 * (pair as f64) / (width as f64));
    let table = |number: fn(f64) -> f64, first_half: f64| {
        let rows = (0..tokens).flat_map(|position| (0..width).map(move |column| (position, column)));
        #[expect(clippy::cast_possible_truncation, reason = "the tables are of 32 bits")]
        let numbers = rows.map(|(position, column)| {
            let sign = if column < half { first_half } else { 1.0 };
            (sign * number(angle(position, column % half))) as f32
        });
        numbers.collect()
    };
    (table(f64::cos, 1.0), table(f64::sin, -1.0))
}

struct Qwen3<'a> {
    writer: Writer<'a>,
    sizes: Sizes,
    shared: Shared,
}

impl Qwen3<'_> {
    /// One decoder layer, `[batch, tokens, hidden]` to the same.
    fn layer(&mut self, layer: usize, hidden: &Value) -> Result<Value, ConvertError> {
        let Sizes { hidden: size, inner, .. } = self.sizes;
        let at = |part: &str| format!("layers.{layer}.{part}");
        let normed = self.published_norm(&at("input_layernorm"), hidden)?;
        let attended = self.attention(&at("self_attn"), &normed)?;
        let hidden = self.sum(&at("attended"), hidden, &attended);

        let normed = self.published_norm(&at("post_attention_layernorm"), &hidden)?;
        let gate = self.linear(&at("mlp.gate_proj"), &normed, [size, inner])?;
        let up = self.linear(&at("mlp.up_proj"), &normed, [size, inner])?;
        let graph = &mut self.writer.graph;
        let open = graph.node(&at("mlp.sigmoid"), "Sigmoid", &[&gate], &[]);
        let open = graph.node(&at("mlp.silu"), "Mul", &[&gate, &open], &[]);
        let wide = graph.node(&at("mlp.gated"), "Mul", &[&open, &up], &[]);
        let narrow = self.linear(&at("mlp.down_proj"), &wide, [inner, size])?;
        Ok(self.sum(&at("out"), &hidden, &narrow))
    }

    /// Softmax(Q·Kᵀ/√width + penalty)·V for all heads at once.
    fn attention(&mut self, prefix: &str, hidden: &Value) -> Result<Value, ConvertError> {
        let Sizes { hidden: size, heads, groups, width, .. } = self.sizes;
        let at = |part: &str| format!("{prefix}.{part}");
        let scale = 1.0 / (width as f32).sqrt();
        let query = self.linear(&at("q_proj"), hidden, [size, heads * width])?;
        let key = self.linear(&at("k_proj"), hidden, [size, groups * width])?;
        let value = self.linear(&at("v_proj"), hidden, [size, groups * width])?;

        let query = self.writer.graph.node(&at("q"), "Reshape", &[&query, &self.shared.heads], &[]);
        let query = self.rotated(&at("q_norm"), &query, scale)?;
        let key = self.writer.graph.node(&at("k"), "Reshape", &[&key, &self.shared.groups], &[]);
        let key = self.rotated(&at("k_norm"), &key, 1.0)?;
        let key = self.repeated(&at("k_heads"), &key);
        let value = self.writer.graph.node(&at("v"), "Reshape", &[&value, &self.shared.groups], &[]);
        let value = self.swapped(&at("v_groups"), &value);
        let value = self.repeated(&at("v_heads"), &value);

        let graph = &mut self.writer.graph;
        let order = [Attribute::Ints("perm", vec![0, 1, 3, 2])];
        let key = graph.node(&at("k_columns"), "Transpose", &[&key], &order);
        let scores = graph.node(&at("scores"), "MatMul", &[&query, &key], &[]);
        let scores = graph.node(&at("scores.masked"), "Add", &[&scores, &self.shared.penalty], &[]);
        let shares = graph.node(&at("shares"), "Softmax", &[&scores], &[Attribute::Int("axis", -1)]);
        let context = graph.node(&at("context.heads"), "MatMul", &[&shares, &value], &[]);
        let context = self.swapped(&at("context.split"), &context);
        let context = self.writer.graph.node(&at("context"), "Reshape", &[&context, &self.shared.join], &[]);
        self.linear(&at("o_proj"), &context, [heads * width, size])
    }

    /// `[batch, tokens, heads, width]`, normalised by the tensor `name.weight` times `scale`, with the heads
    /// before the tokens, turned by their positions.
    fn rotated(&mut self, name: &str, input: &Value, scale: f32) -> Result<Value, ConvertError> {
        let mut weight = self.writer.weights.float(&format!("{name}.weight"), &[self.sizes.width])?;
        for number in &mut weight {
            *number *= scale;
        }
        let normed = self.rms_norm(name, input, &weight);
        let input = self.swapped(&format!("{name}.heads"), &normed);
        let at = |part: &str| format!("{name}.{part}");
        let [zero, half, whole, axis] = &self.shared.cuts;
        let graph = &mut self.writer.graph;
        let first = graph.node(&at("first"), "Slice", &[&input, zero, half, axis], &[]);
        let second = graph.node(&at("second"), "Slice", &[&input, half, whole, axis], &[]);
        let last_axis = [Attribute::Int("axis", -1)];
        let turned = graph.node(&at("turned"), "Concat", &[&second, &first], &last_axis);
        let straight = graph.node(&at("cosine"), "Mul", &[&input, &self.shared.cosines], &[]);
        let turned = graph.node(&at("sine"), "Mul", &[&turned, &self.shared.sines], &[]);
        Ok(graph.node(&at("rotated"), "Add", &[&straight, &turned], &[]))
    }

    /// `[batch, groups, tokens, width]` with each group once for each of its heads.
    fn repeated(&mut self, name: &str, input: &Value) -> Value {
        let copies = self.sizes.heads / self.sizes.groups;
        if copies == 1 {
            return input.clone();
        }
        let graph = &mut self.writer.graph;
        let rows = vec![input; copies];
        let stacked = graph.node(&format!("{name}.stacked"), "Concat", &rows, &[Attribute::Int("axis", 2)]);
        graph.node(name, "Reshape", &[&stacked, &self.shared.repeated], &[])
    }

    /// The two axes in the middle exchanged.
    fn swapped(&mut self, name: &str, input: &Value) -> Value {
        let order = [Attribute::Ints("perm", vec![0, 2, 1, 3])];
        self.writer.graph.node(name, "Transpose", &[input], &order)
    }

    /// The running sum, held within the limits if there are any.
    fn sum(&mut self, name: &str, hidden: &Value, more: &Value) -> Value {
        let Some([least, most]) = &self.shared.limits else {
            return self.writer.graph.node(name, "Add", &[hidden, more], &[]);
        };
        let sum = self.writer.graph.node(&format!("{name}.sum"), "Add", &[hidden, more], &[]);
        self.writer.graph.node(name, "Clip", &[&sum, least, most], &[])
    }

    fn published_norm(&mut self, name: &str, input: &Value) -> Result<Value, ConvertError> {
        let weight = self.writer.weights.float(&format!("{name}.weight"), &[self.sizes.hidden])?;
        Ok(self.rms_norm(name, input, &weight))
    }

    /// x / √(mean(x²) + ε) · weight over the last axis.
    ///
    /// Squares overflow half precision from 256 on. With m = max|x| and y = x/m it is the same as
    /// y / √(mean(y²) + (√ε/m)²), where nothing is larger than the inputs are.
    fn rms_norm(&mut self, name: &str, input: &Value, weight: &[f32]) -> Value {
        let at = |part: &str| format!("{name}.{part}");
        let weight = self.writer.weight(&at("weight"), &[weight.len()], weight);
        let last = || vec![Attribute::Ints("axes", vec![-1]), Attribute::Int("keepdims", 1)];
        let Shared { minus_one, least, root_of_eps, .. } = &self.shared;
        let graph = &mut self.writer.graph;
        let negative = graph.node(&at("negative"), "Mul", &[input, minus_one], &[]);
        let sizes = graph.node(&at("sizes"), "Max", &[input, &negative], &[]);
        let largest = graph.node(&at("largest"), "ReduceMax", &[&sizes], &last());
        let largest = graph.node(&at("divisor"), "Clip", &[&largest, least], &[]);
        let small = graph.node(&at("small"), "Div", &[input, &largest], &[]);
        let squares = graph.node(&at("squares"), "Mul", &[&small, &small], &[]);
        let mean = graph.node(&at("mean"), "ReduceMean", &[&squares], &last());
        let eps = graph.node(&at("root_of_eps"), "Div", &[root_of_eps, &largest], &[]);
        let eps = graph.node(&at("eps"), "Mul", &[&eps, &eps], &[]);
        let square = graph.node(&at("square"), "Add", &[&mean, &eps], &[]);
        let root = graph.node(&at("root"), "Sqrt", &[&square], &[]);
        let normed = graph.node(&at("normed"), "Div", &[&small, &root], &[]);
        graph.node(name, "Mul", &[&normed, &weight], &[])
    }

    fn linear(
        &mut self,
        name: &str,
        input: &Value,
        [inputs, outputs]: [usize; 2],
    ) -> Result<Value, ConvertError> {
        self.writer.linear(Linear { name, inputs, outputs, bias: false, scale: 1.0 }, input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_reference() {
        let (cosines, sines) = angles(3, 4, 10_000.0);
        let row = |table: &[f32], position: usize| table[4 * position..4 * position + 4].to_vec();
        assert_eq!((row(&cosines, 0), row(&sines, 0)), (vec![1.0; 4], vec![-0.0, -0.0, 0.0, 0.0]));
        let close = |found: f32, expected: f64| (f64::from(found) - expected).abs() < 1e-7;
        for (column, expected) in
            [2.0_f64.cos(), 0.02_f64.cos(), 2.0_f64.cos(), 0.02_f64.cos()].iter().enumerate()
        {
            assert!(close(row(&cosines, 2)[column], *expected));
        }
        for (column, expected) in
            [-2.0_f64.sin(), -0.02_f64.sin(), 2.0_f64.sin(), 0.02_f64.sin()].iter().enumerate()
        {
            assert!(close(row(&sines, 2)[column], *expected));
        }
    }
}
