//! Many token vectors to one text vector, inside the graph, in single precision whatever the layers use.

use papr_memory::{Place, PoolingMethod, Recipe};

use crate::error::ConvertError;
use crate::onnx::{Attribute, FloatType, Value};
use crate::writer::Writer;

/// The text vector of the recipe: `[batch, dims]`.
///
/// `states` are the embeddings and what each layer made of them, `[batch, tokens, dims]` in the layers' numbers,
/// the last one as the model gives it out: the list that `transformers` calls `hidden_states`.
pub(crate) fn pool(
    writer: &mut Writer<'_>,
    recipe: &Recipe,
    states: &[Value],
) -> Result<Value, ConvertError> {
    if recipe.pooling.by == Place::App || recipe.pooling.method == PoolingMethod::Own {
        let message = "the recipe leaves pooling to the app or to an unknown rule; this converter writes it into the graph";
        return Err(ConvertError::Contradiction(message.to_owned()));
    }
    let wanted = match recipe.pooling.method {
        PoolingMethod::MeanOfLastLayers(layers) => usize::from(layers),
        _ => 1,
    };
    let Some(tokens) = mean_of_last(writer, states, wanted) else {
        let message = format!("the recipe pools {wanted} layers, the weights make {}", states.len());
        return Err(ConvertError::Contradiction(message));
    };
    let mut vector = match recipe.pooling.method {
        PoolingMethod::Cls => first(writer, &tokens),
        PoolingMethod::LastToken => last_token(writer, &tokens),
        _ => mean(writer, &tokens),
    };
    if let Some(clamp) = recipe.clamp {
        let least = writer.graph.scalar("clamp.least", -clamp, FloatType::Single);
        let most = writer.graph.scalar("clamp.most", clamp, FloatType::Single);
        vector = writer.graph.node("clamp", "Clip", &[&vector, &least, &most], &[]);
    }
    let output = &recipe.graph.output;
    Ok(match recipe.normalization {
        Place::Graph => unit(writer, &vector, output),
        Place::App => writer.graph.node(output, "Identity", &[&vector], &[]),
    })
}

/// The mean of the last `wanted` of `states`, number by number, in single precision. `None` if there are fewer.
fn mean_of_last(writer: &mut Writer<'_>, states: &[Value], wanted: usize) -> Option<Value> {
    let (first, rest) = states.get(states.len().checked_sub(wanted)?..)?.split_first()?;
    let mut sum = writer.single("pooled.0", first);
    if rest.is_empty() {
        return Some(sum);
    }
    for (state, number) in rest.iter().zip(1..) {
        let state = writer.single(&format!("pooled.{number}"), state);
        sum = writer.graph.node(&format!("pooled.sum.{number}"), "Add", &[&sum, &state], &[]);
    }
    let share = writer.graph.scalar("pooled.share", 1.0 / wanted as f32, FloatType::Single);
    Some(writer.graph.node("pooled", "Mul", &[&sum, &share], &[]))
}

/// The mean of the tokens that are not filling.
fn mean(writer: &mut Writer<'_>, tokens: &Value) -> Value {
    let least = writer.graph.scalar("mean.least", 1e-9, FloatType::Single);
    let axis = writer.graph.int64("mean.axis", &[1]);
    let keep = [Attribute::Int("keepdims", 1)];
    let sum = sum_where(writer, "mean.sum", tokens, &writer.mask.clone());
    let count = writer.graph.node("mean.count", "ReduceSum", &[&writer.mask, &axis], &keep);
    let count = writer.graph.node("mean.divisor", "Clip", &[&count, &least], &[]);
    writer.graph.node("mean", "Div", &[&sum, &count], &[])
}

/// The vector of the first token.
fn first(writer: &mut Writer<'_>, tokens: &Value) -> Value {
    let (from, to) = (writer.graph.int64("cls.from", &[0]), writer.graph.int64("cls.to", &[1]));
    let axis = writer.graph.int64("cls.axis", &[1]);
    let first = writer.graph.node("cls.token", "Slice", &[tokens, &from, &to, &axis], &[]);
    writer.graph.node("cls", "Squeeze", &[&first, &axis], &[])
}

/// The vector of the last token that is not filling, on whichever side the filling is.
///
/// Positions count from 1 here; filling has 0. The largest is the last token's, and the distance to it is 0 there
/// and at least 1 elsewhere.
fn last_token(writer: &mut Writer<'_>, tokens: &Value) -> Value {
    let positions = writer.positions();
    let one = writer.graph.scalar("last.one", 1.0, FloatType::Single);
    let none = writer.graph.scalar("last.none", 0.0, FloatType::Single);
    let counted = writer.graph.node("last.counted", "Add", &[&positions, &one], &[]);
    let counted = writer.graph.node("last.places", "Mul", &[&writer.mask, &counted], &[]);
    let largest = [Attribute::Ints("axes", vec![1]), Attribute::Int("keepdims", 1)];
    let largest = writer.graph.node("last.place", "ReduceMax", &[&counted], &largest);
    let distance = writer.graph.node("last.distance", "Sub", &[&largest, &counted], &[]);
    let others = writer.graph.node("last.others", "Clip", &[&distance, &none, &one], &[]);
    let chosen = writer.graph.node("last.chosen", "Sub", &[&one, &others], &[]);
    sum_where(writer, "last", tokens, &chosen)
}

/// The sum of `tokens`, `[batch, tokens, dims]`, each times its number in `weights`, `[batch, tokens]`.
fn sum_where(writer: &mut Writer<'_>, name: &str, tokens: &Value, weights: &Value) -> Value {
    let column = writer.graph.int64(&format!("{name}.column_shape"), &[0, -1, 1]);
    let axis = writer.graph.int64(&format!("{name}.axis"), &[1]);
    let column = writer.graph.node(&format!("{name}.column"), "Reshape", &[weights, &column], &[]);
    let kept = writer.graph.node(&format!("{name}.kept"), "Mul", &[tokens, &column], &[]);
    writer.graph.node(name, "ReduceSum", &[&kept, &axis], &[Attribute::Int("keepdims", 0)])
}

/// `input` divided by its Euclidean norm, written as what Core ML runs.
fn unit(writer: &mut Writer<'_>, input: &Value, output: &str) -> Value {
    let axis = writer.graph.int64("unit.axis", &[1]);
    let least = writer.graph.scalar("unit.least", 1e-12, FloatType::Single);
    let keep_axis = [Attribute::Int("keepdims", 1)];
    let squares = writer.graph.node("unit.squares", "Mul", &[input, input], &[]);
    let sum = writer.graph.node("unit.sum", "ReduceSum", &[&squares, &axis], &keep_axis);
    let norm = writer.graph.node("unit", "Sqrt", &[&sum], &[]);
    let norm = writer.graph.node("unit.divisor", "Clip", &[&norm, &least], &[]);
    writer.graph.node(output, "Div", &[input, &norm], &[])
}
