//! What was written makes the vectors of the reference implementations, in every precision and recipe.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test fails by panicking, its helpers too; figures are told

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Agreement, Golden, Model, Side, cosine, largest_difference, model_of, project};

const OFFICIAL: &str = "official";
const PAPR: &str = "papr-mean4";

fn golden_file(name: &str) -> PathBuf {
    project().join("tests/data").join(name)
}

fn qwen3_golden() -> Value {
    serde_json::from_slice(&fs::read(golden_file("qwen3-golden.json")).unwrap()).unwrap()
}

/// Runs the converter, which must succeed.
fn papr_convert(arguments: &[&str], out: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_papr-convert"))
        .args(arguments)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with a tiny Qwen3 in it. The folder goes when it is dropped.
fn tiny(recipe: &str, dims: &str, precision: &str, more: &[&str]) -> (TempDir, Model) {
    let folder = TempDir::new().unwrap();
    let arguments = ["tiny-qwen3", "--recipe", recipe, "--dims", dims, "--precision", precision];
    papr_convert(&[&arguments, more].concat(), &folder.path().join("model"));
    let model = Model::load(&folder.path().join("model"));
    (folder, model)
}

/// The built-in model: as set-up made it, or in half precision, which set-up does not make.
fn minilm(precision: &str) -> (TempDir, Model) {
    let folder = TempDir::new().unwrap();
    let made = project().join("vendor/models");
    match precision {
        "fp32" => return (folder, Model::load(&made.join("all-minilm-l6-v2"))),
        "int8" => return (folder, Model::load(&made.join("all-minilm-l6-v2-int8"))),
        _ => {}
    }
    let (weights, profile) =
        (project().join("vendor/weights/all-minilm-l6-v2"), project().join("models/all-minilm-l6-v2.json"));
    assert!(weights.exists(), "{} is missing: run make test (it fetches it)", weights.display());
    let arguments = ["--weights", weights.to_str().unwrap(), "--profile", profile.to_str().unwrap()];
    papr_convert(&[&arguments[..], &["--precision", precision]].concat(), &folder.path().join("model"));
    let model = Model::load(&folder.path().join("model"));
    (folder, model)
}

fn agreement(model: &mut Model, file: &str) -> Agreement {
    let agreement = Golden::read(&golden_file(file), model).compare(model);
    println!("{}: {agreement}", model.manifest.id);
    agreement
}

#[test]
fn minilm_in_every_precision() {
    let mut spaces = Vec::new();
    for (precision, least, mean) in
        [("fp32", 0.999_999, 0.999_999), ("fp16", 0.9999, 0.9999), ("int8", 0.98, 0.99)]
    {
        let (_folder, mut model) = minilm(precision);
        let found = agreement(&mut model, "minilm-golden.json");
        assert!(found.least >= least && found.mean >= mean, "{precision}: {found}");
        spaces.push((model.manifest.id.clone(), model.manifest.space().fingerprint));
    }
    assert_eq!(spaces[0].1, spaces[1].1, "single and half precision share a space");
    assert_ne!(spaces[0].1, spaces[2].1, "int8 has its own");
    let ids: Vec<&str> = spaces.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["all-minilm-l6-v2", "all-minilm-l6-v2-fp16", "all-minilm-l6-v2-int8"]);
}

#[test]
fn a_batch_changes_no_vector_in_int8() {
    let (_folder, mut model) = minilm("int8");
    let golden = Golden::read(&golden_file("minilm-golden.json"), &model);
    let texts: Vec<&[u32]> = golden.cases.iter().map(|(ids, _)| ids.as_slice()).take(8).collect();
    let longest = texts.iter().map(|ids| ids.len()).max().unwrap();
    let together = model.run(&texts, longest, Side::Right);
    let differences =
        texts.iter().zip(&together).map(|(ids, vector)| largest_difference(&model.vector(ids), vector));
    let most = differences.fold(0.0, f32::max);
    println!("largest difference between alone and together: {most:.2e}");
    assert!(most <= 1e-3, "{most}");
}

#[test]
fn qwen3_in_both_recipes_and_widths() {
    let golden = qwen3_golden();
    for dims in ["64", "2560"] {
        let (weights, _) = model_of(&golden, dims.parse().unwrap());
        for recipe in [OFFICIAL, PAPR] {
            for (precision, least) in [("fp32", 0.999_999), ("fp16", 0.999), ("int8", 0.98)] {
                if dims == "2560" && precision == "int8" {
                    continue; // the narrow one shows it, and this one takes long
                }
                let (_folder, mut model) = tiny(recipe, dims, precision, &[]);
                assert_eq!(model.manifest.weights.as_ref(), Some(&weights), "both made the same weights");
                let found = agreement(&mut model, "qwen3-golden.json");
                assert!(found.least >= least, "{recipe}, {dims} dims, {precision}: {found}");
            }
        }
    }
}

#[test]
fn the_other_recipe_makes_other_vectors() {
    let (_, cases) = model_of(&qwen3_golden(), 64);
    for (recipe, other) in [(OFFICIAL, "papr_mean4"), (PAPR, OFFICIAL)] {
        let (_folder, mut model) = tiny(recipe, "64", "fp32", &[]);
        for case in cases.iter().filter(|case| case.get("papr_mean4").is_some()) {
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            let expected: Vec<f32> = serde_json::from_value(case[other].clone()).unwrap();
            let found = cosine(&model.vector(&ids), &expected);
            assert!(found < 0.9, "{recipe} against {other}, {} tokens: cosine {found}", ids.len());
        }
    }
}

#[test]
fn filling_may_stand_on_either_side_and_be_of_any_length() {
    let (_, cases) = model_of(&qwen3_golden(), 64);
    let mut most = 0.0_f32;
    for recipe in [OFFICIAL, PAPR] {
        let (_folder, mut model) = tiny(recipe, "64", "fp32", &[]);
        for case in &cases {
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            if ids.len() > 28 {
                continue;
            }
            let alone = model.run(&[&ids], ids.len(), Side::Right).remove(0);
            for (length, side) in [(32, Side::Right), (32, Side::Left), (29, Side::Left)] {
                let filled = model.run(&[&ids], length, side).remove(0);
                most = most.max(largest_difference(&alone, &filled));
            }
        }
    }
    println!("largest difference by filling: {most:.2e}");
    assert!(most <= 2e-6, "{most}");
}

#[test]
fn a_batch_changes_no_vector_of_qwen3() {
    let (_, cases) = model_of(&qwen3_golden(), 64);
    let (_folder, mut model) = tiny(OFFICIAL, "64", "fp32", &[]);
    let texts: Vec<Vec<u32>> =
        cases.iter().map(|case| serde_json::from_value(case["ids"].clone()).unwrap()).collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    for (ids, vector) in texts.iter().zip(model.run(&texts, 100, Side::Right)) {
        assert!(largest_difference(&model.vector(ids), &vector) <= 2e-6);
    }
}

#[test]
fn weights_beside_the_graph_make_the_same_vectors() {
    let (_, cases) = model_of(&qwen3_golden(), 64);
    let ids: Vec<u32> = serde_json::from_value(cases[3]["ids"].clone()).unwrap();
    for precision in ["fp32", "fp16", "int8"] {
        let (_inside, mut inside) = tiny(OFFICIAL, "64", precision, &[]);
        let (folder, mut beside) = tiny(OFFICIAL, "64", precision, &["--inline-limit", "100000"]);
        let manifest = &beside.manifest;
        assert_eq!(manifest.data.len(), 1);
        let data = &manifest.data[0];
        let on_disk = fs::metadata(folder.path().join("model").join(&data.path)).unwrap().len();
        assert_eq!((data.path.as_str(), data.bytes), ("model.onnx_data", on_disk));
        assert!(manifest.model.bytes < data.bytes, "the graph is the smaller file");
        assert_eq!(
            manifest.space() == inside.manifest.space(),
            precision != "int8",
            "weights name the space"
        );
        assert_eq!(inside.vector(&ids), beside.vector(&ids));
    }
}

#[test]
fn a_text_goes_all_the_way_through_the_tiny_tokenizer() {
    let (_folder, mut model) = tiny(PAPR, "64", "fp32", &[]);
    let long = "words upon words ".repeat(40);
    let tokens = model.tokens(&["How do I reset my password?".to_owned(), long]);
    assert_eq!(tokens[0].last(), Some(&2047), "the end token is the recipe's to append");
    assert_eq!((tokens[1].len(), tokens[1].last()), (32, Some(&2047)), "the cut leaves room for it");
    let norm: f32 = model.vector(&tokens[0]).iter().map(|number| number * number).sum();
    assert!((norm - 1.0).abs() < 1e-5);
}
