//! Models of a few numbers, written here: a token's vector is its row in a table, so what every step of a
//! recipe gives can be said by hand.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test file uses its part

use std::path::PathBuf;

use papr_embed::{EmbedOptions, ModelEmbedder};
use papr_memory::Manifest;
use papr_memory::ports::EmbedError;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Numbers of a token's vector.
pub const DIMS: usize = 4;

/// Words in the order of their ids. The table has no row for the last.
pub const WORDS: [&str; 9] = ["pad", "unknown", "end", "red", "green", "blue", "nothing", "broken", "crash"];

/// The vector of a token in a layer: zeros for "nothing", not a number for "broken".
pub fn row(layer: usize, token: usize) -> [f32; DIMS] {
    match WORDS[token] {
        "nothing" => [0.0; DIMS],
        "broken" => [f32::NAN; DIMS],
        _ => {
            let seed = (layer * 100 + token) as f32;
            [seed.sin(), (seed * 2.0).cos(), seed * 0.1, 1.0]
        }
    }
}

pub fn id(word: &str) -> usize {
    WORDS.iter().position(|other| *other == word).unwrap()
}

/// What is written beside the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Outputs of this many layers, stacked; 0 for one, not stacked.
    pub layers: usize,
    /// The table in a file of its own.
    pub external: bool,
    /// Two more inputs, each with a table that is added.
    pub more_inputs: bool,
}

/// A model in a folder of its own.
pub struct Tiny {
    pub folder: TempDir,
    pub manifest: Value,
}

impl Tiny {
    /// One whose recipe has `pooling` and everything else by the app.
    pub fn new(shape: Shape, pooling: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let (model, table) = model(shape);
        std::fs::write(folder.path().join("model.onnx"), model).unwrap();
        std::fs::write(folder.path().join("tokenizer.json"), tokenizer().to_string()).unwrap();
        let file = |path: &str| json!({"path": path, "bytes": 1000, "sha256": "a".repeat(64)});
        let mut graph = json!({"input_ids": "ids", "attention_mask": "mask", "output": "out"});
        if shape.more_inputs {
            graph["token_type_ids"] = json!("types");
            graph["position_ids"] = json!("positions");
        }
        let mut manifest = json!({
            "schema": Manifest::SCHEMA, "id": "tiny", "name": "Tiny", "license": "MIT", "source": "here",
            "languages": ["en"], "model": file("model.onnx"), "tokenizer": file("tokenizer.json"),
            "recipe": {
                "prefixes": {"query": "", "document": ""}, "max_tokens": 16, "padding": "dynamic",
                "pooling": {"method": pooling, "by": "app"}, "normalization": "app", "dims": DIMS,
                "precision": "fp32", "graph": graph
            }
        });
        if shape.external {
            std::fs::write(folder.path().join("table.bin"), table).unwrap();
            manifest["data"] = json!([file("table.bin")]);
        }
        Self { folder, manifest }
    }

    /// Changes a field of its recipe.
    #[must_use]
    pub fn with(mut self, field: &str, value: &Value) -> Self {
        self.manifest["recipe"][field] = value.clone();
        self
    }

    pub fn manifest(&self) -> Manifest {
        Manifest::from_json(&self.manifest.to_string()).unwrap()
    }

    pub fn load(&self) -> Result<ModelEmbedder, EmbedError> {
        self.load_as(&self.manifest(), &EmbedOptions::default())
    }

    pub fn load_as(&self, manifest: &Manifest, options: &EmbedOptions) -> Result<ModelEmbedder, EmbedError> {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        ModelEmbedder::load(
            &super::runtime(),
            manifest,
            &file("model.onnx"),
            &file("tokenizer.json"),
            options,
        )
    }
}

/// Words by white space.
fn tokenizer() -> Value {
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().enumerate().map(|(id, word)| ((*word).to_owned(), json!(id))).collect();
    json!({
        "version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "unknown"}
    })
}

/// The model in ONNX's format and the table's bytes, which are in the model unless they are external.
fn model(shape: Shape) -> (Vec<u8>, Vec<u8>) {
    let rows = WORDS.len() - 1;
    let layers = shape.layers.max(1);
    let table: Vec<f32> =
        (0..layers).flat_map(|layer| (0..rows).flat_map(move |token| row(layer, token))).collect();
    let table: Vec<u8> = table.into_iter().flat_map(f32::to_le_bytes).collect();
    let stacked = shape.layers > 0;
    let dims = if stacked { vec![layers, rows, DIMS] } else { vec![rows, DIMS] };
    let location = if shape.external { Data::External("table.bin") } else { Data::Inside(&table) };

    let mut graph = vec![];
    let mut inputs = vec!["ids", "mask"];
    let looked_up = if shape.more_inputs { "looked up" } else { "out" };
    graph.extend(gather("table", "ids", looked_up, i64::from(stacked)));
    graph.extend(initializer("table", &dims, location));
    if shape.more_inputs {
        inputs.extend(["types", "positions"]);
        let extra = |scale: f32| -> Vec<u8> {
            (0..32 * DIMS).flat_map(|number| ((number / DIMS) as f32 * scale).to_le_bytes()).collect()
        };
        for (name, input, scale) in [("T", "types", 100.0), ("P", "positions", 1.0)] {
            graph.extend(gather(name, input, &format!("{name} looked up"), 0));
            graph.extend(initializer(name, &[32, DIMS], Data::Inside(&extra(scale))));
        }
        graph.extend(node("Add", &["looked up", "T looked up"], "sum", &[]));
        graph.extend(node("Add", &["sum", "P looked up"], "out", &[]));
    }
    graph.extend(text(2, "tiny"));
    for name in inputs {
        graph.extend(outlet(11, name, 7, &[Axis::Named("batch"), Axis::Named("tokens")]));
    }
    let mut axes = vec![Axis::Named("batch"), Axis::Named("tokens"), Axis::Fixed(DIMS)];
    if stacked {
        axes.insert(0, Axis::Fixed(layers));
    }
    graph.extend(outlet(12, "out", 1, &axes));
    let opset = field(8, &[text(1, ""), number(2, 17)].concat());
    ([number(1, 8), field(7, &graph), opset].concat(), table)
}

#[derive(Clone, Copy)]
enum Data<'a> {
    Inside(&'a [u8]),
    External(&'a str),
}

enum Axis {
    Named(&'static str),
    Fixed(usize),
}

fn gather(table: &str, indices: &str, output: &str, axis: i64) -> Vec<u8> {
    let axis = [text(1, "axis"), number(3, u64::try_from(axis).unwrap()), number(20, 2)].concat();
    node("Gather", &[table, indices], output, &field(5, &axis))
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[u8]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    field(1, &[&inputs, &text(2, output), &text(4, operator), attributes].concat())
}

fn initializer(name: &str, dims: &[usize], data: Data<'_>) -> Vec<u8> {
    let mut tensor: Vec<u8> = dims.iter().flat_map(|&length| number(1, length as u64)).collect();
    tensor.extend([number(2, 1), text(8, name)].concat());
    match data {
        Data::Inside(bytes) => tensor.extend(field(9, bytes)),
        Data::External(file) => {
            tensor.extend(field(13, &[text(1, "location"), text(2, file)].concat()));
            tensor.extend(number(14, 1));
        }
    }
    field(5, &tensor)
}

fn outlet(place: u64, name: &str, element: u64, axes: &[Axis]) -> Vec<u8> {
    let dims: Vec<u8> = axes
        .iter()
        .flat_map(|axis| match axis {
            Axis::Named(name) => field(1, &text(2, name)),
            Axis::Fixed(length) => field(1, &number(1, *length as u64)),
        })
        .collect();
    let tensor = [number(1, element), field(2, &dims)].concat();
    field(place, &[text(1, name), field(2, &field(1, &tensor))].concat())
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn text(place: u64, value: &str) -> Vec<u8> {
    field(place, value.as_bytes())
}

fn field(place: u64, content: &[u8]) -> Vec<u8> {
    [&varint(place << 3 | 2), &varint(content.len() as u64), content].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}
