//! Whether a loaded graph takes and gives what the recipe says.

use papr_memory::Recipe;

use crate::{inputs, pool};

/// A feature's name, and its shape if it is a tensor. An empty shape is an open one.
pub(crate) type Feature = (String, Option<Vec<i64>>);

/// Says in what `inputs` and `outputs` differ from those of `recipe` for one text of `tokens` tokens, and what
/// helps: a wrong length, wrong dims and another recipe are told apart.
pub(crate) fn check(
    inputs: &[Feature],
    outputs: &[Feature],
    recipe: &Recipe,
    tokens: u32,
) -> Result<(), String> {
    let row = [1, i64::from(tokens)];
    for name in inputs::names(recipe) {
        expect("input", name, inputs, &row, "another length than its manifest says")?;
    }
    if let Some((other, _)) =
        inputs.iter().find(|(name, _)| !inputs::names(recipe).any(|known| known == name))
    {
        return Err(format!("the graph wants an input {other:?} that the recipe does not name: {CURE}"));
    }
    let shape: Vec<i64> =
        pool::output_shape(recipe).into_iter().map(|size| if size == -1 { 1 } else { size }).collect();
    // What is not pooled has a row for each token.
    let shape = if shape.len() > 2 { with_tokens(shape, tokens) } else { shape };
    expect("output", &recipe.graph.output, outputs, &shape, "another number of dimensions")
}

/// What helps against a package that is not what its manifest says.
const CURE: &str = "convert the model again and import it";

/// `[…, texts, tokens, dims]` for one text.
fn with_tokens(mut shape: Vec<i64>, tokens: u32) -> Vec<i64> {
    let place = shape.len() - 2;
    shape[place] = i64::from(tokens);
    shape
}

fn expect(kind: &str, name: &str, found: &[Feature], shape: &[i64], what: &str) -> Result<(), String> {
    let Some((_, there)) = found.iter().find(|(known, _)| known == name) else {
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("the graph has no {kind} {name:?}, it has {names:?}: {CURE}"));
    };
    match there {
        None => Err(format!("{kind} {name:?} is no tensor: {CURE}")),
        Some(there) if there.is_empty() || there == shape => Ok(()),
        Some(there) => Err(format!("{kind} {name:?} is {there:?}, not {shape:?}, {what}: {CURE}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::graphs::tests::recipe;
    use super::*;

    fn feature(name: &str, shape: &[i64]) -> Feature {
        (name.to_owned(), Some(shape.to_vec()))
    }

    fn inputs(tokens: i64) -> Vec<Feature> {
        vec![feature("ids", &[1, tokens]), feature("mask", &[1, tokens])]
    }

    #[test]
    fn each_fault_is_named() {
        let recipe = recipe(32, &json!("dynamic"));
        let check = |inputs: &[Feature], outputs: &[Feature]| check(inputs, outputs, &recipe, 32);
        let right = [feature("out", &[1, 4])];
        assert_eq!(check(&inputs(32), &right), Ok(()));
        assert_eq!(check(&inputs(32), &[feature("out", &[])]), Ok(()), "an open shape is compared at a run");
        let error = |inputs: &[Feature], outputs: &[Feature]| check(inputs, outputs).unwrap_err();
        assert!(error(&inputs(64), &right).contains("[1, 64], not [1, 32], another length"));
        assert!(error(&inputs(32), &[feature("out", &[1, 2560])]).contains("another number of dimensions"));
        assert!(error(&inputs(32)[..1], &right).contains("no input \"mask\", it has [\"ids\"]"));
        assert!(error(&inputs(32), &[]).contains("no output \"out\""));
        assert!(error(&inputs(32), &[("out".to_owned(), None)]).contains("no tensor"));
        let more = [inputs(32), vec![feature("types", &[1, 32])]].concat();
        assert!(error(&more, &right).contains("\"types\""));
    }

    #[test]
    fn what_the_app_pools_has_a_row_for_each_token() {
        let mut recipe = recipe(32, &json!("dynamic"));
        recipe.pooling.by = papr_memory::Place::App;
        recipe.normalization = papr_memory::Place::App;
        let outputs = [feature("out", &[1, 32, 4])];
        assert_eq!(check(&inputs(32), &outputs, &recipe, 32), Ok(()));
        assert!(check(&inputs(32), &[feature("out", &[1, 4])], &recipe, 32).is_err());
    }
}
