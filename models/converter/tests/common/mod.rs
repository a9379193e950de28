//! Running a model folder in ONNX Runtime, and comparing its vectors with reference ones. Used by tests and by
//! `examples/verify.rs`; the converter itself runs nothing.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)] // each file uses its part; a failure stops

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::value::TensorRef;
use papr_memory::{Manifest, Padding, PoolingMethod};
use serde_json::Value;
use tokenizers::Tokenizer;

/// The root of the project.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// ONNX Runtime as set-up fetched it, or `ORT_DYLIB_PATH`.
fn runtime() -> PathBuf {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH") {
        return path.into();
    }
    let name = match env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.1.28.0.dylib",
        _ => "libonnxruntime.so.1.28.0",
    };
    let path = project().join("vendor/onnxruntime").join(name);
    assert!(path.exists(), "{} is missing: run make test (it fetches it)", path.display());
    path
}

fn environment() -> &'static Environment {
    static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
        ort::init_from(runtime()).unwrap().with_name("verify").with_telemetry(false).build().unwrap()
    });
    &ENVIRONMENT
}

/// A model folder, loaded.
pub struct Model {
    pub manifest: Manifest,
    session: Session,
    tokenizer: PathBuf,
}

/// Which side filling stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Model {
    pub fn load(folder: &Path) -> Self {
        let json = fs::read_to_string(folder.join("manifest.json"))
            .unwrap_or_else(|error| panic!("{}: {error}: run make test (it makes it)", folder.display()));
        let manifest = Manifest::from_json(&json).unwrap();
        let session = Session::builder(environment())
            .unwrap()
            .with_intra_threads(1)
            .unwrap()
            .commit_from_file(folder.join(&manifest.model.path))
            .unwrap();
        let tokenizer = folder.join(&manifest.tokenizer.path);
        Self { manifest, session, tokenizer }
    }

    /// The vectors of texts of token ids, each filled up to `length`.
    pub fn run(&mut self, texts: &[&[u32]], length: usize, side: Side) -> Vec<Vec<f32>> {
        let recipe = &self.manifest.recipe;
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for text in texts {
            let filling = length - text.len();
            let (before, after) = if side == Side::Left { (filling, 0) } else { (0, filling) };
            let row =
                |filler: i64, inner: Vec<i64>| [vec![filler; before], inner, vec![filler; after]].concat();
            ids.extend(row(i64::from(recipe.pad_token), text.iter().map(|&id| i64::from(id)).collect()));
            mask.extend(row(0, vec![1; text.len()]));
        }
        let shape = [texts.len(), length];
        let outputs = self
            .session
            .run(ort::inputs! {
                recipe.graph.input_ids.as_str() => TensorRef::from_array_view((shape, ids.as_slice())).unwrap(),
                recipe.graph.attention_mask.as_str() => TensorRef::from_array_view((shape, mask.as_slice())).unwrap(),
            })
            .unwrap();
        let (shape, numbers) = outputs[recipe.graph.output.as_str()].try_extract_tensor::<f32>().unwrap();
        assert_eq!(**shape, [i64::try_from(texts.len()).unwrap(), i64::from(u16::from(recipe.dims))]);
        numbers.chunks(recipe.dims.get()).map(<[f32]>::to_vec).collect()
    }

    /// The vector of one text, filled up as the recipe says.
    pub fn vector(&mut self, ids: &[u32]) -> Vec<f32> {
        let length = match self.manifest.recipe.padding {
            Padding::Dynamic => ids.len(),
            Padding::Fixed(length) => length as usize,
        };
        self.run(&[ids], length, Side::Right).remove(0)
    }

    /// Token ids of documents, cut and ended as the recipe says.
    pub fn tokens(&self, texts: &[String]) -> Vec<Vec<u32>> {
        let recipe = &self.manifest.recipe;
        let mut tokenizer = Tokenizer::from_file(&self.tokenizer).unwrap();
        tokenizer.with_padding(None);
        let longest = recipe.max_tokens as usize - usize::from(recipe.suffix_token.is_some());
        let cut = tokenizers::TruncationParams { max_length: longest, ..Default::default() };
        tokenizer.with_truncation(Some(cut)).unwrap();
        let ids = |text: &String| {
            let mut ids =
                tokenizer.encode(recipe.prefixes.document.clone() + text, true).unwrap().get_ids().to_vec();
            ids.extend(recipe.suffix_token);
            ids
        };
        texts.iter().map(ids).collect()
    }
}

/// Texts as token ids, and the vector each must have.
pub struct Golden {
    pub cases: Vec<(Vec<u32>, Vec<f32>)>,
}

impl Golden {
    /// The file's part that `model` is to be compared with: one with `texts`, or one with token ids for models
    /// of several widths and recipes.
    pub fn read(file: &Path, model: &Model) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let recipe = &model.manifest.recipe;
        if json.get("texts").is_some() {
            let texts: Vec<String> = serde_json::from_value(json["texts"].clone()).unwrap();
            let vectors: Vec<Vec<f32>> = serde_json::from_value(json["vectors"].clone()).unwrap();
            return Self { cases: model.tokens(&texts).into_iter().zip(vectors).collect() };
        }
        let name = match recipe.pooling.method {
            PoolingMethod::LastToken => "official",
            _ => "papr_mean4",
        };
        Self {
            cases: model_of(&json, recipe.dims.get())
                .1
                .into_iter()
                .filter_map(|case| {
                    let vector = case.get(name)?;
                    let read = |value: &Value| serde_json::from_value(value.clone()).unwrap();
                    Some((serde_json::from_value(case["ids"].clone()).unwrap(), read(vector)))
                })
                .collect(),
        }
    }

    /// How `model` agrees with it.
    pub fn compare(&self, model: &mut Model) -> Agreement {
        let mut agreement = Agreement { texts: self.cases.len(), least: 1.0, mean: 0.0, difference: 0.0 };
        for (ids, expected) in &self.cases {
            let vector = model.vector(ids);
            let found = cosine(&vector, expected);
            agreement.least = agreement.least.min(found);
            agreement.mean += found / self.cases.len() as f64;
            agreement.difference = agreement.difference.max(largest_difference(&vector, expected));
        }
        agreement
    }
}

/// The hash of the weights that the reference used for its model of `dims`, and its cases.
pub fn model_of(json: &Value, dims: usize) -> (String, Vec<Value>) {
    let models = json["models"].as_array().unwrap();
    let model = models.iter().find(|model| model["dims"] == dims).unwrap();
    (model["weights"].as_str().unwrap().to_owned(), model["cases"].as_array().unwrap().clone())
}

/// How close vectors are to reference ones.
#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    pub texts: usize,
    /// Cosines.
    pub least: f64,
    pub mean: f64,
    /// Of single numbers.
    pub difference: f32,
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { texts, least, mean, difference } = self;
        write!(
            f,
            "{texts} texts, cosine least {least:.9} mean {mean:.9}, largest difference {difference:.2e}"
        )
    }
}

/// In double precision, so that the comparison adds no error of its own.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}
