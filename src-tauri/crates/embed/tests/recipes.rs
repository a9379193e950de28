//! Recipes whose steps the app carries out, through the real runtime; and graphs that go wrong.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use common::tiny::{DIMS, Shape, Tiny, id, row};
use papr_embed::{Device, EmbedOptions, ModelEmbedder};
use papr_memory::ports::{EmbedError, Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Padding, Place, PoolingMethod, Vector, VectorError};
use serde_json::json;

fn embed_all(
    embedder: &ModelEmbedder,
    texts: &[&str],
) -> Result<Vec<Result<Vector, VectorError>>, EmbedError> {
    let embedded = embedder.embed(texts, Role::Document, Lane::Background, &CancelToken::new())?;
    Ok(embedded.vectors)
}

fn embed(embedder: &ModelEmbedder, text: &str) -> Vec<f32> {
    embed_all(embedder, &[text]).unwrap().remove(0).unwrap().as_slice().to_vec()
}

/// The mean of rows of one layer's table, then norm 1.
fn mean(rows: &[[f32; DIMS]]) -> Vec<f32> {
    let sums: Vec<f32> = (0..DIMS).map(|place| rows.iter().map(|row| row[place]).sum()).collect();
    unit(&sums)
}

fn unit(values: &[f32]) -> Vec<f32> {
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

fn rows(layer: usize, text: &str) -> Vec<[f32; DIMS]> {
    text.split(' ').map(|word| row(layer, id(word))).collect()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    let close =
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close, "{found:?}, expected {expected:?}");
}

#[test]
fn each_way_of_pooling() {
    let text = "red green blue";
    let with = |method: &str| Tiny::new(Shape::default(), &json!(method)).load().unwrap();
    assert_close(&embed(&with("mean"), text), &mean(&rows(0, text)));
    assert_close(&embed(&with("cls"), text), &unit(&row(0, id("red"))));
    assert_close(&embed(&with("last_token"), text), &unit(&row(0, id("blue"))));
    let layers = Shape { layers: 3, ..Shape::default() };
    let stacked = Tiny::new(layers, &json!({"mean_of_last_layers": 3})).load().unwrap();
    let all: Vec<_> = (0..3).flat_map(|layer| rows(layer, text)).collect();
    assert_close(&embed(&stacked, text), &mean(&all));
}

#[test]
fn a_suffix_is_the_last_token_and_counts() {
    let tiny = Tiny::new(Shape::default(), &json!("last_token"))
        .with("suffix_token", &json!(id("end")))
        .with("max_tokens", &json!(4));
    let embedder = tiny.load().unwrap();
    for text in ["red", "", "red green blue red green blue"] {
        assert_close(&embed(&embedder, text), &unit(&row(0, id("end"))));
    }
    let mean_of = Tiny { manifest: { tiny.manifest.clone() }, ..tiny }
        .with("pooling", &json!({"method": "mean", "by": "app"}));
    let found = embed(&mean_of.load().unwrap(), "red green blue red green blue");
    assert_close(&found, &mean(&rows(0, "red green blue end")));
}

#[test]
fn clamp_then_cut_then_norm() {
    let tiny = Tiny::new(Shape::default(), &json!("cls"))
        .with("clamp", &json!(0.25))
        .with("cut_from", &json!(DIMS))
        .with("dims", &json!(3));
    let row: Vec<f32> = row(0, id("blue"))[..3].iter().map(|value| value.clamp(-0.25, 0.25)).collect();
    assert_close(&embed(&tiny.load().unwrap(), "blue"), &unit(&row));
}

#[test]
fn inputs_that_a_graph_asks_for_are_fed() {
    let shape = Shape { more_inputs: true, ..Shape::default() };
    let embedder = Tiny::new(shape, &json!("last_token")).load().unwrap();
    // Types are 0 everywhere and add nothing; the third token stands at position 2, which adds 2.
    let third: Vec<f32> = row(0, id("blue")).iter().map(|value| value + 2.0).collect();
    assert_close(&embed(&embedder, "red green blue"), &unit(&third));
}

#[test]
fn neither_neighbours_nor_filling_change_a_vector() {
    let texts = ["red", "green blue", "blue blue blue red green", "red green blue end red green blue end"];
    for method in [json!("mean"), json!("cls"), json!("last_token"), json!({"mean_of_last_layers": 2})] {
        let layers = if method.is_object() { 2 } else { 0 };
        let tiny = Tiny::new(Shape { layers, ..Shape::default() }, &method).with("pad_token", &json!(7));
        let dynamic = tiny.load().unwrap();
        let together: Vec<Vec<f32>> = embed_all(&dynamic, &texts)
            .unwrap()
            .into_iter()
            .map(|vector| vector.unwrap().as_slice().to_vec())
            .collect();
        let mut manifest = tiny.manifest();
        let options = EmbedOptions { static_shapes: true, ..EmbedOptions::default() };
        let fixed = tiny.load_as(&manifest, &options).unwrap();
        manifest.recipe.padding = Padding::Fixed(16);
        let filled = tiny.load_as(&manifest, &EmbedOptions::default()).unwrap();
        for (text, together) in texts.iter().zip(&together) {
            assert_eq!(&embed(&dynamic, text), together, "{method}: alone, {text:?}");
            assert_eq!(&embed(&filled, text), together, "{method}: filled with what is not a number");
            assert_eq!(&embed(&fixed, text), together, "{method}: of fixed length");
        }
    }
}

#[test]
fn weights_may_stand_in_files_of_their_own() {
    let tiny = Tiny::new(Shape { external: true, ..Shape::default() }, &json!("mean"));
    let embedder = tiny.load().unwrap();
    assert_close(&embed(&embedder, "red blue"), &mean(&rows(0, "red blue")));
    assert_eq!(embedder.report().memory_bytes, 2000, "the graph's file and the table's");
    std::fs::remove_file(tiny.folder.path().join("table.bin")).unwrap();
    match tiny.load() {
        Err(EmbedError::Model(reason)) => assert!(reason.contains("table.bin"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fault_is_its_texts_error_and_the_embedder_goes_on() {
    let embedder = Tiny::new(Shape::default(), &json!("mean")).load().unwrap();
    let good = embed(&embedder, "red green");
    for _ in 0..2 {
        let mut found = embed_all(&embedder, &["red green", "broken red", "nothing"]).unwrap();
        assert!(matches!(found.remove(2), Err(VectorError::Norm { norm }) if norm == 0.0), "zeros");
        assert!(matches!(found.remove(1), Err(VectorError::NotFinite { .. })), "not a number");
        assert_eq!(found.remove(0).unwrap().as_slice(), good, "its neighbour is as ever");
        // The graph has no row for this token: the run itself fails.
        assert!(matches!(embed_all(&embedder, &["crash"]), Err(EmbedError::Run(_))), "the third run");
        assert_eq!(embed(&embedder, "red green"), good, "the next call is served");
    }
    assert_eq!(embedder.report().fallback, None, "the CPU has nothing behind it");
}

#[test]
fn a_recipe_that_cannot_be_carried_out_is_refused_with_the_reason() {
    let tiny = Tiny::new(Shape::default(), &json!("mean"));
    let refused = |change: fn(&mut Manifest), options: &EmbedOptions| {
        let mut manifest = tiny.manifest();
        change(&mut manifest);
        match tiny.load_as(&manifest, options) {
            Err(EmbedError::Model(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let plain = EmbedOptions::default();
    let reason = refused(|manifest| manifest.recipe.pooling.method = PoolingMethod::Own, &plain);
    assert!(reason.contains("cannot be done by the app"), "{reason}");
    let reason = refused(|manifest| manifest.recipe.normalization = Place::Graph, &plain);
    assert!(reason.contains("yet to pool"), "{reason}");
    let reason = refused(|manifest| manifest.recipe.clamp = Some(f32::NAN), &plain);
    assert!(reason.contains("clamp"), "{reason}");
    let reason = refused(|manifest| manifest.recipe.pooling.by = Place::Graph, &plain);
    assert!(reason.contains("out"), "a graph that does not pool: {reason}");
    let reason =
        refused(|manifest| manifest.recipe.pooling.method = PoolingMethod::MeanOfLastLayers(2), &plain);
    assert!(reason.contains("out"), "a graph of one layer: {reason}");
    let reason = refused(|manifest| manifest.recipe.suffix_token = Some(99), &plain);
    assert!(reason.contains("no token 99"), "{reason}");
    let int8 = |manifest: &mut Manifest| manifest.recipe.precision = papr_memory::Precision::Int8;
    let reason = refused(int8, &EmbedOptions { static_shapes: true, ..EmbedOptions::default() });
    assert!(reason.contains("no fixed lengths"), "{reason}");
    let reason = refused(int8, &EmbedOptions::on(Device::Cuda));
    assert!(reason.contains("CPU alone"), "{reason}");
}
