//! With what the converter has written, changed in one place at a time.

use serde_json::{Value, json};

use super::*;

/// A model of one layer that the converter's own tests keep.
const WRITTEN: &str = include_str!("../../../../../models/coreml/tests/data/one-layer/coreml.json");

fn written() -> Value {
    serde_json::from_str(WRITTEN).unwrap()
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut json = written();
    change(&mut json);
    CoreMl::from_json(&json.to_string()).unwrap_err().to_string()
}

#[test]
fn reads_what_the_converter_writes() {
    let model = CoreMl::from_json(WRITTEN).unwrap();
    assert_eq!(model.id, "one-layer-official-coreml-fp16");
    let graphs: Vec<_> =
        model.graphs().into_iter().map(|(package, function)| (&*package.path, function)).collect();
    assert_eq!(graphs, [("model-8.mlpackage", &Function { tokens: 8, name: None })]);
    let paths: Vec<String> = model.package_files().map(|file| file.path).collect();
    assert_eq!(paths[2], "model-8.mlpackage/Manifest.json");
    assert_eq!(check::tree_hash(&model.packages[0].files), model.packages[0].sha256, "as Python has it");
    assert_eq!(serde_json::to_value(&model).unwrap(), written(), "nothing is lost");
}

/// Two functions in one package, as `--package multifunction` writes them.
fn with_functions(json: &mut Value, functions: Value) {
    json["minimum_macos"] = "15.0".into();
    json["packages"][0]["functions"] = functions;
}

#[test]
fn a_package_with_several_functions_names_them() {
    let mut json = written();
    with_functions(&mut json, json!([{"tokens": 4, "name": "tokens_4"}, {"tokens": 8, "name": "tokens_8"}]));
    let model = CoreMl::from_json(&json.to_string()).unwrap();
    let lengths: Vec<u32> = model.graphs().iter().map(|(_, function)| function.tokens).collect();
    assert_eq!(lengths, [4, 8]);

    let error = refused(|json| {
        with_functions(json, json!([{"tokens": 8, "name": "main"}]));
    });
    assert!(error.contains("called main, not tokens_8"), "{error}");
    let error =
        refused(|json| with_functions(json, json!([{"tokens": 4}, {"tokens": 8, "name": "tokens_8"}])));
    assert!(error.contains("4 tokens has no name"), "{error}");
    let error = refused(|json| {
        with_functions(json, json!([{"tokens": 8, "name": "tokens_8"}]));
        json["minimum_macos"] = "14.0".into();
    });
    assert!(error.contains("needs macOS 15"), "{error}");
}

#[test]
fn contradictions_are_named() {
    let package = |json: &mut Value, field: &str, value: Value| json["packages"][0][field] = value;
    for (error, part) in [
        (refused(|json| json["schema"] = 2.into()), "schema 2; this version reads schema 1"),
        (refused(|json| json["colour"] = 1.into()), "colour"),
        (refused(|json| json["id"] = "../x".into()), "name of a folder"),
        (refused(|json| json["precision"] = "int8".into()), "of int8, the recipe of fp16"),
        (refused(|json| json["precision"] = "4bit".into()), "4 bits are not used"),
        (refused(|json| json["runs_on"] = json!(["cpu"])), "not among what can run it"),
        (refused(|json| json["weights"] = "abc".into()), "sha256 of the weights"),
        (refused(|json| json["minimum_macos"] = "Sonoma".into()), "not a version of macOS"),
        (refused(|json| json["packages"] = json!([])), "there is no package"),
        (refused(|json| package(json, "path", "x/../y.mlpackage".into())), "not the name of a package"),
        (refused(|json| package(json, "path", "model".into())), "not the name of a package"),
        (refused(|json| package(json, "bytes", 5.into())), "38141 bytes together, and it says 5"),
        (
            refused(|json| package(json, "sha256", "0".repeat(64).into())),
            "the SHA-256 over its files is d4cfcc3f",
        ),
        (refused(|json| package(json, "functions", json!([]))), "no function"),
        (
            refused(|json| package(json, "functions", json!([{"tokens": 16}]))),
            "16 tokens, and the recipe cuts at 8",
        ),
        (refused(|json| package(json, "functions", json!([{"tokens": 0}]))), "makes no sense"),
        (refused(|json| json["recipe"]["max_tokens"] = 1.into()), "max_tokens is 1"),
        (
            refused(|json| json["files"] = json!([{"path": "run.sh", "bytes": 1, "sha256": "0".repeat(64)}])),
            "run.sh",
        ),
    ] {
        assert!(error.contains(part), "{part:?} is missing in {error:?}");
    }
}

#[test]
fn files_stay_in_their_package() {
    for path in ["../weights", "/etc/passwd", "a//b", "a/.b", "a\\b", "c:/x", ""] {
        let error = refused(|json| json["packages"][0]["files"][0]["path"] = path.into());
        assert!(error.contains("not a path in a package"), "{path:?}: {error}");
    }
    let error = refused(|json| json["packages"][0]["files"].as_array_mut().unwrap().swap(0, 1));
    assert!(error.contains("in the order of their paths"), "{error}");
    let error = refused(|json| drop(json["packages"][0]["files"].as_array_mut().unwrap().pop()));
    assert!(error.contains("Manifest.json is not among"), "{error}");
}

#[test]
fn the_manifest_pins_the_packages_by_their_list() {
    let own = ModelFile { path: CORE_ML.to_owned(), bytes: 5, sha256: "1".repeat(64) };
    let mut model = CoreMl::from_json(WRITTEN).unwrap();
    assert_eq!(model.manifest(own.clone()), None, "no tokenizer, no model");
    model.files.push(ModelFile { path: TOKENIZER.to_owned(), bytes: 7, sha256: "2".repeat(64) });
    let manifest = model.manifest(own).unwrap();
    let json = serde_json::to_string(&manifest).unwrap();
    assert_eq!(Manifest::from_json(&json).unwrap(), manifest, "a manifest like others");
    assert_eq!(manifest.weights.as_ref(), Some(&model.weights), "one space with a graph of the same weights");
}
