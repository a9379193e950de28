//! From what a graph gives to the numbers of a vector: the steps of a recipe that the app carries out.
//!
//! Pure functions, in the order of the recipe: pooling, clamp, cut, normalisation. A text's filling stands on
//! its right and never counts. Nothing is repaired here: NaN stays NaN and zeros stay zeros, so that the
//! vector's constructor sees and refuses them.

use papr_memory::{Place, PoolingMethod, Recipe};

/// What the output of a graph must look like, -1 for any length: `[batch, dims]`, `[batch, tokens, dims]` or
/// `[layers, batch, tokens, dims]`.
pub(crate) fn output_shape(recipe: &Recipe) -> Vec<i64> {
    let dims = i64::from(u16::from(recipe.graph_dims()));
    match (recipe.pooling.by, recipe.pooling.method) {
        (Place::Graph, _) => vec![-1, dims],
        (Place::App, PoolingMethod::MeanOfLastLayers(layers)) => vec![i64::from(layers), -1, -1, dims],
        (Place::App, _) => vec![-1, -1, dims],
    }
}

/// Vectors of texts with `lengths` tokens each, filled up to `tokens`, from an output of `shape`.
///
/// Says what is wrong with the shape, if it is another than the recipe's.
pub(crate) fn vectors(
    recipe: &Recipe,
    lengths: &[usize],
    tokens: usize,
    shape: &[i64],
    numbers: &[f32],
) -> Result<Vec<Vec<f32>>, String> {
    let expected = exact_shape(recipe, lengths.len(), tokens);
    let alike = |(&found, &expected): (&i64, &usize)| usize::try_from(found) == Ok(expected);
    let fits = shape.len() == expected.len()
        && shape.iter().zip(&expected).all(alike)
        && numbers.len() == expected.iter().product::<usize>();
    if !fits {
        return Err(format!("the graph gave a shape of {shape:?}, expected {expected:?}"));
    }
    let rows = 0..lengths.len();
    Ok(rows.map(|row| finish(recipe, pooled(recipe, row, lengths, tokens, numbers))).collect())
}

fn exact_shape(recipe: &Recipe, rows: usize, tokens: usize) -> Vec<usize> {
    let dims = recipe.graph_dims().get();
    match (recipe.pooling.by, recipe.pooling.method) {
        (Place::Graph, _) => vec![rows, dims],
        (Place::App, PoolingMethod::MeanOfLastLayers(layers)) => vec![layers.into(), rows, tokens, dims],
        (Place::App, _) => vec![rows, tokens, dims],
    }
}

/// The pooled vector of text `row`; the numbers are of the shape that was checked.
fn pooled(recipe: &Recipe, row: usize, lengths: &[usize], tokens: usize, numbers: &[f32]) -> Vec<f32> {
    let dims = recipe.graph_dims().get();
    let length = lengths[row];
    let text = |layer: usize| {
        let start = (layer * lengths.len() + row) * tokens * dims;
        &numbers[start..start + length * dims]
    };
    let token = |token: usize| text(0).chunks_exact(dims).nth(token).unwrap_or_default().to_vec();
    match (recipe.pooling.by, recipe.pooling.method) {
        (Place::Graph, _) | (Place::App, PoolingMethod::Own) => {
            numbers[row * dims..(row + 1) * dims].to_vec()
        }
        (Place::App, PoolingMethod::Mean) => mean(text(0).chunks_exact(dims), dims),
        (Place::App, PoolingMethod::Cls) => token(0),
        (Place::App, PoolingMethod::LastToken) => token(length.saturating_sub(1)),
        (Place::App, PoolingMethod::MeanOfLastLayers(layers)) => {
            mean((0..layers.into()).flat_map(|layer| text(layer).chunks_exact(dims)), dims)
        }
    }
}

/// The mean of equally long vectors, summed in double precision; not a number if there are none.
fn mean<'a>(vectors: impl Iterator<Item = &'a [f32]>, dims: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dims];
    let mut count = 0_u32;
    for vector in vectors {
        count += 1;
        for (sum, &value) in sums.iter_mut().zip(vector) {
            *sum += f64::from(value);
        }
    }
    sums.into_iter().map(|sum| narrow(sum / f64::from(count))).collect()
}

/// Clamp, cut, normalisation.
fn finish(recipe: &Recipe, mut vector: Vec<f32>) -> Vec<f32> {
    if let (Some(limit), Place::App) = (recipe.clamp, recipe.pooling.by) {
        for value in &mut vector {
            *value = value.clamp(-limit, limit);
        }
    }
    vector.truncate(recipe.dims.get());
    if recipe.normalization == Place::App {
        normalize(&mut vector);
    }
    vector
}

/// Divides by the Euclidean norm. A vector of zeros has no direction and is left as it is.
fn normalize(vector: &mut [f32]) {
    let norm = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 {
        for value in vector {
            *value = narrow(f64::from(*value) / norm);
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // rounding to the nearest is what is wanted
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests;
