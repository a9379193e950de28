//! Steps of a recipe on numbers made up here.

use papr_memory::{Dims, Vector, VectorError};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Four numbers a token, everything by the app.
fn recipe(method: &Value, change: impl FnOnce(&mut Recipe)) -> Recipe {
    let json = json!({
        "max_tokens": 64, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
        "pooling": {"method": method, "by": "app"}, "normalization": "app", "dims": 4, "precision": "fp32",
        "graph": {"input_ids": "i", "attention_mask": "m", "output": "o"}
    });
    let mut recipe: Recipe = serde_json::from_value(json).unwrap();
    change(&mut recipe);
    recipe.check().unwrap();
    recipe
}

fn plain(recipe: &mut Recipe) {
    recipe.normalization = Place::App;
}

/// One text of two tokens and a filling of 99.
const TOKENS: [f32; 12] = [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0, 0.0, 99.0, 99.0, 99.0, 99.0];

fn unit(values: [f32; 4]) -> Vec<f32> {
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

fn close(found: &[f32], expected: &[f32]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn each_method_takes_what_it_says() {
    let one =
        |method: Value| vectors(&recipe(&method, plain), &[2], 3, &[1, 3, 4], &TOKENS).unwrap().remove(0);
    assert!(close(&one(json!("mean")), &unit([2.0, 2.0, 2.0, 2.0])), "filling left out");
    assert!(close(&one(json!("cls")), &unit([1.0, 2.0, 3.0, 4.0])));
    assert!(close(&one(json!("last_token")), &unit([3.0, 2.0, 1.0, 0.0])), "not the filling");
}

#[test]
fn layers_are_stacked_outermost() {
    let recipe = recipe(&json!({"mean_of_last_layers": 2}), plain);
    let rows = |value: f32| [[value, 1.0, 0.0, 0.0], [9.0; 4]].concat();
    // Two layers, two texts of one token and one filling each.
    let numbers = [rows(1.0), rows(3.0), rows(5.0), rows(7.0)].concat();
    let found = vectors(&recipe, &[1, 1], 2, &[2, 2, 2, 4], &numbers).unwrap();
    assert!(close(&found[0], &unit([3.0, 1.0, 0.0, 0.0])), "{:?}", found[0]);
    assert!(close(&found[1], &unit([5.0, 1.0, 0.0, 0.0])), "{:?}", found[1]);
}

#[test]
fn steps_come_in_the_order_of_the_recipe() {
    let cut = recipe(&json!("cls"), |recipe| {
        recipe.clamp = Some(2.0);
        recipe.cut_from = Some(recipe.dims);
        recipe.dims = Dims::new(2).unwrap();
    });
    let found = vectors(&cut, &[1], 1, &[1, 1, 4], &[1.0, -8.0, 3.0, 5.0]).unwrap();
    let norm = 5.0_f32.sqrt();
    assert!(
        close(&found[0], &[1.0 / norm, -2.0 / norm]),
        "clamped, then cut, then normalised: {:?}",
        found[0]
    );
    let clamped = recipe(&json!("mean"), |recipe| recipe.clamp = Some(2.0));
    let found = vectors(&clamped, &[2], 2, &[1, 2, 4], &[9.0, 0.0, 1.0, 0.0, -9.0, 0.0, 1.0, 0.0]).unwrap();
    assert!(close(&found[0], &[0.0, 0.0, 1.0, 0.0]), "clamped after the mean: {:?}", found[0]);
}

#[test]
fn what_the_graph_does_is_not_done_again() {
    let graph = recipe(&json!("mean"), |recipe| {
        recipe.pooling.by = Place::Graph;
        recipe.normalization = Place::Graph;
        recipe.clamp = Some(1.0);
    });
    let numbers = [3.0, 4.0, 0.0, 0.0];
    assert_eq!(vectors(&graph, &[7], 9, &[1, 4], &numbers), Ok(vec![numbers.to_vec()]));
    assert_eq!(output_shape(&graph), [-1, 4]);
}

#[test]
fn another_shape_is_told() {
    let recipe = recipe(&json!("mean"), plain);
    assert_eq!(output_shape(&recipe), [-1, -1, 4]);
    let refused = |shape: &[i64], numbers: &[f32]| vectors(&recipe, &[2], 3, shape, numbers).unwrap_err();
    assert!(refused(&[1, 2, 4], &TOKENS[..8]).contains("[1, 3, 4]"), "fewer tokens");
    assert!(refused(&[1, 4], &TOKENS[..4]).contains("[1, 4]"), "pooled already");
    assert!(refused(&[1, 3, -1], &TOKENS).contains("-1"));
    refused(&[1, 3, 4], &TOKENS[..11]);
}

#[test]
fn faults_stay_visible() {
    let recipe = recipe(&json!("mean"), |recipe| recipe.clamp = Some(65504.0));
    let one = |numbers: [f32; 4]| vectors(&recipe, &[1], 1, &[1, 1, 4], &numbers).unwrap().remove(0);
    let refused = |values: Vec<f32>| Vector::new(values, recipe.dims).unwrap_err();
    refused(one([0.0; 4]));
    refused(one([1.0, f32::NAN, 0.0, 0.0]));
    refused(vectors(&recipe, &[0], 1, &[1, 1, 4], &[1.0, 2.0, 3.0, 4.0]).unwrap().remove(0));
    assert!(Vector::new(one([1.0, f32::INFINITY, 0.0, 0.0]), recipe.dims).is_ok(), "as the clamp says");
}

fn methods() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("mean")),
        Just(json!("cls")),
        Just(json!("last_token")),
        Just(json!({"mean_of_last_layers": 3})),
    ]
}

/// The numbers of `lengths` filled up to `tokens` with `filler`, in `layers` layers. What belongs to a token
/// depends on its text, its place and its layer alone.
fn filled(layers: usize, lengths: &[usize], tokens: usize, filler: f32) -> Vec<f32> {
    let mut numbers = Vec::new();
    for layer in 0..layers {
        for (row, &length) in lengths.iter().enumerate() {
            for token in 0..tokens {
                let seed = (layer * 31 + row * 17 + token * 7) as f32;
                let values = [seed.sin(), seed.cos(), (seed * 0.7).sin(), 0.5];
                numbers.extend(if token < length { values } else { [filler; 4] });
            }
        }
    }
    numbers
}

proptest! {
    #[test]
    fn filling_changes_no_result(
        method in methods(), lengths in prop::collection::vec(1_usize..12, 1..5), more in 0_usize..9,
        filler in prop_oneof![Just(0.0_f32), Just(f32::NAN), Just(1e30), -9.0_f32..9.0],
        clamp in prop::option::of(0.1_f32..2.0),
    ) {
        let layers = if method.is_object() { 3 } else { 1 };
        let recipe = recipe(&method, |recipe| recipe.clamp = clamp);
        let run = |tokens: usize, filler: f32| {
            let mut shape = vec![lengths.len(), tokens, 4];
            if layers > 1 {
                shape.insert(0, layers);
            }
            let shape: Vec<i64> = shape.into_iter().map(|length| i64::try_from(length).unwrap()).collect();
            vectors(&recipe, &lengths, tokens, &shape, &filled(layers, &lengths, tokens, filler)).unwrap()
        };
        let longest = *lengths.iter().max().unwrap();
        let plain = run(longest, 0.0);
        prop_assert_eq!(&plain, &run(longest + more, filler));
        for vector in plain {
            // A clamp may make all numbers of a vector the same.
            let checked = Vector::new(vector, recipe.dims);
            prop_assert!(matches!(checked, Ok(_) | Err(VectorError::Constant)), "{checked:?}");
        }
    }

    #[test]
    fn a_cut_vector_is_the_beginning_of_the_whole_one(values in prop::collection::vec(-4.0_f32..4.0, 4)) {
        prop_assume!(values[..2].iter().any(|value| value.abs() > 0.01));
        let whole = recipe(&json!("cls"), plain);
        let cut = recipe(&json!("cls"), |recipe| {
            recipe.cut_from = Some(recipe.dims);
            recipe.dims = Dims::new(2).unwrap();
        });
        let one = |recipe: &Recipe| vectors(recipe, &[1], 1, &[1, 1, 4], &values).unwrap().remove(0);
        let (whole, cut) = (one(&whole), one(&cut));
        let scale = (whole[0].powi(2) + whole[1].powi(2)).sqrt();
        prop_assert!(close(&cut, &[whole[0] / scale, whole[1] / scale]));
    }
}
