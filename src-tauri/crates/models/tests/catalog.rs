//! The catalogue that is compiled in is sound, and an unsound one is refused with the reason.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

use papr_memory::{CancelToken, HashOrigin, Padding, Place, PoolingMethod};
use papr_models::{Catalog, CatalogEntry, Hub, HubOptions, ModelError, ModelSource, RunsOn, hosts, install};
use serde_json::{Value, json};

fn catalog() -> Catalog {
    Catalog::built_in().unwrap()
}

fn get(id: &str) -> CatalogEntry {
    catalog().get(id).unwrap_or_else(|| panic!("{id} is missing")).clone()
}

#[test]
fn every_model_is_there() {
    let ids: Vec<String> = catalog().entries().iter().map(|entry| entry.id.clone()).collect();
    let expected = [
        "all-minilm-l6-v2",
        "all-minilm-l6-v2-int8",
        "bge-small-en-v1.5",
        "multilingual-e5-small",
        "nomic-embed-text-v1.5",
        "embeddinggemma-300m",
        "qwen3-embedding-0.6b",
        "qwen3-embedding-4b",
        "papr-qwen3-4b-mean4-32",
    ];
    assert_eq!(ids, expected);
    assert_eq!(catalog().get("none"), None);
}

#[test]
fn recipes_are_those_of_the_models_makers() {
    let table = [
        ("all-minilm-l6-v2", 384, 256, "", ""),
        ("all-minilm-l6-v2-int8", 384, 256, "", ""),
        ("bge-small-en-v1.5", 384, 512, "Represent this sentence for searching relevant passages: ", ""),
        ("multilingual-e5-small", 384, 512, "query: ", "passage: "),
        ("nomic-embed-text-v1.5", 768, 2048, "search_query: ", "search_document: "),
        ("embeddinggemma-300m", 768, 2048, "task: search result | query: ", "title: none | text: "),
        ("papr-qwen3-4b-mean4-32", 2560, 32, "", ""),
    ];
    for (id, dims, tokens, query, document) in table {
        let recipe = get(id).recipe;
        assert_eq!((recipe.dims.get(), recipe.max_tokens), (dims, tokens), "{id}");
        assert_eq!(
            (recipe.prefixes.query.as_str(), recipe.prefixes.document.as_str()),
            (query, document),
            "{id}"
        );
    }
    let bge = get("bge-small-en-v1.5").recipe;
    assert_eq!(
        (bge.pooling.method, bge.pooling.by, bge.normalization),
        (PoolingMethod::Cls, Place::App, Place::App)
    );
    for id in ["bge-small-en-v1.5", "multilingual-e5-small", "nomic-embed-text-v1.5"] {
        assert_eq!(get(id).recipe.graph.token_type_ids.as_deref(), Some("token_type_ids"), "{id}");
    }
    for (id, dims) in [("qwen3-embedding-0.6b", 1024), ("qwen3-embedding-4b", 2560)] {
        let recipe = get(id).recipe;
        assert_eq!(
            (recipe.suffix_token, recipe.pad_token, recipe.dims.get()),
            (Some(151_643), 151_643, dims)
        );
        assert_eq!(recipe.pooling.method, PoolingMethod::LastToken);
        assert!(
            recipe.prefixes.query.starts_with("Instruct: ") && recipe.prefixes.query.ends_with("\nQuery:")
        );
        assert_eq!(recipe.prefixes.document, "");
    }
    let papr = get("papr-qwen3-4b-mean4-32").recipe;
    assert_eq!(papr.pooling.method, PoolingMethod::MeanOfLastLayers(4));
    assert_eq!((papr.padding, papr.pad_token, papr.clamp), (Padding::Fixed(32), 151_643, Some(65_504.0)));
}

#[test]
fn what_comes_with_the_app_has_the_recipe_it_is_made_by() {
    let profile: Value =
        serde_json::from_str(include_str!("../../../../models/all-minilm-l6-v2.json")).unwrap();
    let recipe = serde_json::from_value(profile["recipe"].clone()).unwrap();
    assert_eq!(get("all-minilm-l6-v2").recipe, recipe);
}

#[test]
fn what_cannot_be_installed_says_why() {
    let hub = Hub::new(HubOptions::default()).unwrap();
    let models = tempfile::tempdir().unwrap();
    for entry in catalog().entries() {
        let offered = matches!(entry.source, ModelSource::Hub(_));
        assert_eq!(offered, entry.downloads().is_ok(), "{}", entry.id);
        assert_eq!(hosts(entry, &hub).is_empty(), !offered);
        if offered {
            continue;
        }
        let error = install(entry, &hub, models.path(), &|_| {}, &CancelToken::new()).unwrap_err();
        assert!(matches!(&error, ModelError::NotOffered { id, .. } if *id == entry.id), "{error:?}");
    }
    for id in ["qwen3-embedding-4b", "papr-qwen3-4b-mean4-32"] {
        assert!(get(id).disabled.is_some(), "nothing runs {id} yet");
        assert!(get(id).runs_on.contains(&RunsOn::CoreMlNative));
    }
}

#[test]
fn hashes_that_are_not_pinned_are_told() {
    assert_eq!(get("all-minilm-l6-v2").hashes(), HashOrigin::Pinned);
    assert_eq!(get("bge-small-en-v1.5").hashes(), HashOrigin::Recorded);
    let ModelSource::Hub(hub) = get("multilingual-e5-small").source else { panic!("it is downloaded") };
    let graph = hub.files.iter().find(|file| file.to == "model.onnx").unwrap();
    assert!(graph.bytes == Some(470_268_510) && graph.sha256.is_some());
}

#[test]
fn hosts_are_named_before_a_download() {
    let hub = |endpoint: &str| {
        Hub::new(HubOptions { endpoint: endpoint.to_owned(), ..HubOptions::default() }).unwrap()
    };
    let entry = get("bge-small-en-v1.5");
    assert_eq!(
        hosts(&entry, &hub("https://huggingface.co")),
        ["huggingface.co", "*.huggingface.co", "*.hf.co"]
    );
    assert_eq!(hosts(&entry, &hub("https://mirror.example/hf")), ["mirror.example"]);
}

/// The catalogue with one thing changed in the entry of this id.
fn changed(id: &str, change: impl FnOnce(&mut Value)) -> Result<Catalog, ModelError> {
    let mut json: Value = serde_json::from_str(include_str!("../../../../models/catalog.json")).unwrap();
    let entries = json["models"].as_array_mut().unwrap();
    change(entries.iter_mut().find(|entry| entry["id"] == id).unwrap());
    Catalog::from_json(&json.to_string())
}

#[track_caller]
fn refused(id: &str, change: impl FnOnce(&mut Value), reason: &str) {
    match changed(id, change) {
        Err(ModelError::Catalog { reason: told }) => {
            assert!(told.contains(reason), "{told:?} says {reason:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_and_contradictory_recipes_are_refused_with_the_reason() {
    let bge = "bge-small-en-v1.5";
    refused(bge, |entry| entry["recipe"]["pooling"]["method"] = "max".into(), "unknown variant `max`");
    refused(bge, |entry| entry["recipe"]["temperature"] = 1.into(), "unknown field `temperature`");
    refused(
        bge,
        |entry| entry["recipe"]["normalization"] = "graph".into(),
        "bge-small-en-v1.5: the graph cannot",
    );
    refused(bge, |entry| entry["recipe"]["max_tokens"] = 1.into(), "max_tokens");
    refused(bge, |entry| entry["recipe"]["cut_from"] = 256.into(), "cannot be cut");
    refused(bge, |entry| drop(entry.as_object_mut().unwrap().remove("license")), "missing field `license`");
}

#[test]
fn unsound_entries_are_refused_with_the_reason() {
    let bge = "bge-small-en-v1.5";
    refused(bge, |entry| entry["id"] = "multilingual-e5-small".into(), "twice");
    refused(bge, |entry| entry["id"] = "../x".into(), "name of a folder");
    refused(bge, |entry| entry["variant_of"] = "none".into(), "variant");
    refused(bge, |entry| entry["runs_on"] = json!(["abacus"]), "abacus");
    refused(bge, |entry| entry["size"]["approximate"] = false.into(), "approximate");
    refused(bge, |entry| entry["source"]["hub"]["repo"] = "../x".into(), "organisation/name");
    refused(bge, |entry| drop(entry["source"]["hub"]["files"].as_array_mut().unwrap().pop()), "one graph");
    for name in ["../x", "a/b", "manifest.json", "origin.json", "tokenizer.json", ".x", "x.part", ""] {
        refused(bge, |entry| entry["source"]["hub"]["files"][1]["to"] = name.into(), "file's name");
    }
    refused(
        bge,
        |entry| entry["source"]["hub"]["files"][0]["from"] = "a/../b".into(),
        "path in a repository",
    );
    refused(bge, |entry| entry["source"]["hub"]["files"][0]["sha256"] = "abc".into(), "64 hexadecimal");
    let four = "qwen3-embedding-4b";
    refused(four, |entry| drop(entry.as_object_mut().unwrap().remove("disabled")), "must be disabled");
    let other = Catalog::from_json("{\"schema\": 2, \"entries\": []}");
    assert!(matches!(other, Err(ModelError::Catalog { reason }) if reason.contains("schema 2")));
}
