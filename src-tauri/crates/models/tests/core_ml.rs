//! A folder that the converter for Core ML wrote becomes a model like others, and nothing of it may change after.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

use std::fs;
use std::path::{Path, PathBuf};

use papr_memory::{CancelToken, HashOrigin};
use papr_models::{CORE_ML, Found, InstalledModel, ModelError, ModelsFolder, import, installed, remove};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const ID: &str = "one-layer-official-coreml-fp16";
const TOKENIZER: &[u8] = b"{\"a\": \"tokenizer\"}";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn change(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join(CORE_ML);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs::write(path, json.to_string()).unwrap();
}

/// The converter's example, with a tokenizer beside it.
fn written() -> TempDir {
    let folder = TempDir::new().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/coreml/tests/data/one-layer");
    copy(&example, folder.path());
    fs::write(folder.path().join("tokenizer.json"), TOKENIZER).unwrap();
    fs::write(folder.path().join("LICENSE"), "do as you like").unwrap();
    change(folder.path(), |json| {
        let sha256 = format!("{:x}", Sha256::digest(TOKENIZER));
        json["files"] = json!([{"path": "tokenizer.json", "bytes": TOKENIZER.len(), "sha256": sha256}]);
    });
    folder
}

fn take(from: &Path, models: &TempDir) -> Result<InstalledModel, ModelError> {
    import(from, None, models.path(), &|_| {}, &CancelToken::new())
}

fn weights(folder: &Path) -> PathBuf {
    folder.join("model-8.mlpackage/Data/com.apple.CoreML/weights/weight.bin")
}

#[test]
fn is_a_model_like_others() {
    let (from, models) = (written(), TempDir::new().unwrap());
    let model = take(from.path(), &models).unwrap();
    assert_eq!(model.folder(), models.path().join(ID));
    assert_eq!(model.manifest().id, ID);
    assert_eq!(model.manifest().hashes, HashOrigin::Recorded);
    model.verify(&CancelToken::new()).unwrap();
    let packages = model.core_ml().unwrap();
    assert_eq!(packages.graphs().len(), 1);
    let own = fs::metadata(from.path().join(CORE_ML)).unwrap().len();
    assert_eq!(model.bytes(), 38141 + own + TOKENIZER.len() as u64);
    assert!(model.folder().join("LICENSE").is_file());

    let found = installed(&[ModelsFolder::chosen(models.path())]);
    assert!(matches!(&found[..], [Found::Model(found)] if found.core_ml() == Some(packages)));
    let elsewhere = TempDir::new().unwrap();
    let again = take(model.folder(), &elsewhere).unwrap();
    assert_eq!(again.manifest(), model.manifest(), "an installed model can be taken to another machine");
    again.verify(&CancelToken::new()).unwrap();
    take(from.path(), &models).unwrap();

    let compiled = model.folder().join(format!("model-8-{}-15.1.mlmodelc", "a".repeat(64)));
    fs::create_dir(&compiled).unwrap();
    fs::write(compiled.join("weights"), [0; 10]).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert!(remove(ID, models.path()).unwrap() > 38141, "with what Core ML compiled");
    assert!(!models.path().join(ID).exists());
}

#[test]
fn what_changes_after_is_found() {
    let (from, models) = (written(), TempDir::new().unwrap());
    let model = take(from.path(), &models).unwrap();
    let cancel = CancelToken::new();
    let bytes = fs::read(weights(model.folder())).unwrap();
    let mut other = bytes.clone();
    other[7] ^= 1;
    fs::write(weights(model.folder()), &other).unwrap();
    let error = InstalledModel::open(model.folder()).unwrap().verify(&cancel).unwrap_err();
    assert!(matches!(&error, ModelError::Checksum { path, .. } if path.ends_with("weight.bin")), "{error}");
    fs::write(weights(model.folder()), &bytes[1..]).unwrap();
    assert!(matches!(InstalledModel::open(model.folder()), Err(ModelError::CutShort { .. })));
    fs::remove_file(weights(model.folder())).unwrap();
    assert!(matches!(InstalledModel::open(model.folder()), Err(ModelError::Missing { .. })));
    fs::write(weights(model.folder()), &bytes).unwrap();

    let stray = weights(model.folder()).with_file_name("more.bin");
    fs::write(&stray, "?").unwrap();
    let error = model.verify(&cancel).unwrap_err();
    assert!(matches!(&error, ModelError::Stray { path } if *path == stray), "{error}");
    fs::remove_file(stray).unwrap();
    model.verify(&cancel).unwrap();

    change(model.folder(), |json| json["name"] = "another".into());
    let error = InstalledModel::open(model.folder()).unwrap_err();
    assert!(
        matches!(&error, ModelError::Size { path, .. } | ModelError::CutShort { path, .. } if path.ends_with(CORE_ML)),
        "{error}"
    );
    change(model.folder(), |json| json["recipe"]["prefixes"]["query"] = "another".into());
    let error = InstalledModel::open(model.folder()).unwrap_err().to_string();
    assert!(error.contains("of different models: import it again"), "{error}");
}

#[test]
fn nothing_is_taken_that_is_not_whole() {
    let models = TempDir::new().unwrap();
    let nothing_there = || fs::read_dir(models.path()).unwrap().flatten().all(|entry| !entry.path().is_dir());
    let from = written();
    fs::write(weights(from.path()), vec![1; 3392]).unwrap();
    let error = take(from.path(), &models).unwrap_err();
    assert!(matches!(error, ModelError::Checksum { .. }), "{error}");
    fs::remove_file(weights(from.path())).unwrap();
    assert!(matches!(take(from.path(), &models), Err(ModelError::Missing { .. })));

    let from = written();
    change(from.path(), |json| json["files"] = json!([]));
    let error = take(from.path(), &models).unwrap_err().to_string();
    assert!(error.contains("names no tokenizer"), "{error}");
    let from = written();
    change(from.path(), |json| json["packages"][0]["sha256"] = "0".repeat(64).into());
    let error = take(from.path(), &models).unwrap_err().to_string();
    assert!(error.contains("coreml.json") && error.contains("SHA-256 over its files"), "{error}");
    assert!(nothing_there(), "nothing half-installed");
}
