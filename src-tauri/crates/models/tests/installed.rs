//! Every way a model folder can be wrong is told apart, with the path and what was expected.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

use std::fs;
use std::path::Path;

use papr_memory::{CancelToken, ManifestError};
use papr_models::{InstalledModel, ModelError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const MODEL: &[u8] = b"a graph";
const TOKENIZER: &[u8] = b"{\"a\": \"tokenizer\"}";

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn install(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("model.onnx"), MODEL).unwrap();
    fs::write(folder.join("tokenizer.json"), TOKENIZER).unwrap();
    let manifest = serde_json::json!({
        "schema": 2, "id": "m", "name": "M", "license": "MIT", "source": "here", "languages": ["en"],
        "model": {"path": "model.onnx", "bytes": MODEL.len(), "sha256": sha256(MODEL)},
        "tokenizer": {"path": "tokenizer.json", "bytes": TOKENIZER.len(), "sha256": sha256(TOKENIZER)},
        "recipe": {
            "max_tokens": 8, "padding": "dynamic", "prefixes": {"query": "", "document": ""},
            "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": 4, "precision": "fp32",
            "graph": {"input_ids": "ids", "attention_mask": "mask", "output": "out"}
        }
    });
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

fn installed() -> TempDir {
    let folder = TempDir::new().unwrap();
    install(folder.path());
    folder
}

#[test]
fn a_whole_model_opens_and_verifies() {
    let folder = installed();
    let model = InstalledModel::open(folder.path()).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(model.manifest().id, "m");
    assert_eq!(model.folder(), folder.path());
    assert_eq!(model.model_path(), folder.path().join("model.onnx"));
    assert_eq!(model.tokenizer_path(), folder.path().join("tokenizer.json"));
}

#[test]
fn a_file_cut_short_is_told_from_a_longer_one() {
    let folder = installed();
    let path = folder.path().join("model.onnx");
    fs::write(&path, &MODEL[..3]).unwrap();
    let error = InstalledModel::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, ModelError::CutShort { path: p, expected: 7, found: 3 } if *p == path),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains("cut short") && text.contains("expected 7") && text.contains("model.onnx"),
        "{text}"
    );

    fs::write(&path, b"another graph").unwrap();
    let error = InstalledModel::open(folder.path()).unwrap_err();
    assert!(matches!(error, ModelError::Size { expected: 7, found: 13, .. }), "{error:?}");
}

#[test]
fn other_bytes_of_the_same_size_open_but_do_not_verify() {
    for (name, bytes) in [("model.onnx", &b"a grapH"[..]), ("tokenizer.json", b"{\"a\": \"tokenizeR\"}")] {
        let folder = installed();
        fs::write(folder.path().join(name), bytes).unwrap();
        let model = InstalledModel::open(folder.path()).unwrap();
        let error = model.verify(&CancelToken::new()).unwrap_err();
        let ModelError::Checksum { path, expected, found } = error else { panic!("{error:?}") };
        assert_eq!(path, folder.path().join(name));
        assert_eq!((expected.len(), found), (64, sha256(bytes)));
    }
}

#[test]
fn what_changes_after_opening_is_still_found() {
    let folder = installed();
    let model = InstalledModel::open(folder.path()).unwrap();
    fs::write(model.model_path(), &MODEL[..2]).unwrap();
    let cut = model.verify(&CancelToken::new());
    assert!(matches!(cut, Err(ModelError::CutShort { found: 2, .. })), "{cut:?}");
    fs::remove_file(model.model_path()).unwrap();
    let gone = model.verify(&CancelToken::new());
    assert!(matches!(gone, Err(ModelError::Missing { .. })), "{gone:?}");
}

#[test]
fn a_missing_file_is_named() {
    for name in ["model.onnx", "tokenizer.json"] {
        let folder = installed();
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = InstalledModel::open(folder.path()).unwrap_err();
        assert!(matches!(&error, ModelError::Missing { path } if path.ends_with(name)), "{error:?}");
        fs::create_dir(folder.path().join(name)).unwrap();
        let error = InstalledModel::open(folder.path()).unwrap_err();
        assert!(matches!(error, ModelError::Missing { .. }), "a folder is not the file: {error:?}");
    }
}

#[test]
fn a_broken_manifest_is_told_from_none() {
    let folder = installed();
    let path = folder.path().join("manifest.json");
    fs::write(&path, "{").unwrap();
    let error = InstalledModel::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, ModelError::Manifest { path: p, source: ManifestError::Malformed(_) } if *p == path),
        "{error:?}"
    );
    fs::write(&path, "{\"schema\": 7}").unwrap();
    let error = InstalledModel::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, ModelError::Manifest { source: ManifestError::Schema { found: 7 }, .. }),
        "{error:?}"
    );
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(InstalledModel::open(folder.path()), Err(ModelError::Io { .. })), "not even text");
    fs::remove_file(&path).unwrap();
    let error = InstalledModel::open(folder.path()).unwrap_err();
    assert!(matches!(&error, ModelError::NoManifest { folder: f } if f == folder.path()), "{error:?}");
    let nowhere = folder.path().join("manifest-less/none");
    assert!(matches!(InstalledModel::open(&nowhere), Err(ModelError::NoManifest { .. })));
}

#[test]
fn verifying_stops_when_asked() {
    let folder = installed();
    let model = InstalledModel::open(folder.path()).unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    assert!(matches!(model.verify(&cancel), Err(ModelError::Cancelled(_))));
}
