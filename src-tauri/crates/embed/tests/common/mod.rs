//! Where the fetched runtime and model lie, and one embedder for all tests of a file.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test file uses its part

pub mod tiny;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use papr_embed::{EmbedOptions, ModelEmbedder};
use papr_memory::Manifest;
use papr_memory::ports::EmbedError;

pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

pub fn runtime() -> PathBuf {
    let name = match std::env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.1.28.0.dylib",
        _ => "libonnxruntime.so.1.28.0",
    };
    fetched(project().join("vendor/onnxruntime").join(name))
}

pub fn model_folder() -> PathBuf {
    fetched(project().join("vendor/models/all-minilm-l6-v2"))
}

fn fetched(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run make test (it fetches the model)", path.display());
    path
}

pub fn manifest() -> Manifest {
    let json = std::fs::read_to_string(model_folder().join("manifest.json")).unwrap();
    Manifest::from_json(&json).unwrap()
}

pub fn load_with(options: &EmbedOptions) -> Result<ModelEmbedder, EmbedError> {
    let folder = model_folder();
    ModelEmbedder::load(
        &runtime(),
        &manifest(),
        &folder.join("model.onnx"),
        &folder.join("tokenizer.json"),
        options,
    )
}

/// One for all: loading takes a third of a second and 100 MB.
pub fn embedder() -> &'static ModelEmbedder {
    static EMBEDDER: LazyLock<ModelEmbedder> = LazyLock::new(|| load_with(&EmbedOptions::default()).unwrap());
    &EMBEDDER
}
