//! A conversion from beginning to end: profile, weights, memory, graph, folder.

use std::path::PathBuf;

use clap::Args;
use papr_memory::{HashOrigin, Manifest, ModelFile, Precision};

use crate::config::Config;
use crate::error::ConvertError;
use crate::onnx::{DataFile, ModelProto};
use crate::output::{Folder, read, sha256_hex};
use crate::preflight::{Need, available};
use crate::profile::{Architecture, Profile};
use crate::report::Report;
use crate::weights::Weights;
use crate::{bert, qwen3};

/// Weights of more bytes than this go beside the graph: a protobuf message ends at 2 GB.
const INLINE_LIMIT: u64 = 1_500_000_000;

/// How to convert, whatever is converted.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// fp32, fp16 or int8, in place of the profile's; the model's id then ends in it
    #[arg(long, value_name = "PRECISION", value_parser = precision)]
    pub(crate) precision: Option<Precision>,
    /// Go on past findings that are structural, and with less memory than needed
    #[arg(long)]
    pub(crate) force: bool,
    /// Weights of more bytes than this go into a file of their own beside the graph
    #[arg(long, value_name = "BYTES", default_value_t = INLINE_LIMIT)]
    pub(crate) inline_limit: u64,
    /// Bytes of memory to reckon with, in place of what the system says
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) memory: Option<u64>,
}

fn precision(text: &str) -> Result<Precision, String> {
    [Precision::Fp32, Precision::Fp16, Precision::Int8]
        .into_iter()
        .find(|precision| precision.to_string() == text)
        .ok_or_else(|| "one of fp32, fp16, int8".to_owned())
}

/// What to convert and where to.
#[derive(Debug)]
pub(crate) struct Job {
    /// The folder with the published files.
    pub(crate) weights: PathBuf,
    /// What they do not say.
    pub(crate) profile: Profile,
    /// The model folder to make.
    pub(crate) out: PathBuf,
    /// How.
    pub(crate) options: Options,
}

/// A finished conversion.
#[derive(Debug)]
pub(crate) struct Converted {
    /// As it stands in the folder.
    pub(crate) manifest: Manifest,
    /// What was found on the way, line by line.
    pub(crate) notes: Vec<String>,
}

/// Carries `job` out. Nothing stands in its folder, or what stood there before, unless all went well.
pub(crate) fn convert(job: Job) -> Result<Converted, ConvertError> {
    let Job { weights: source, mut profile, out, options } = job;
    if let Some(precision) = options.precision {
        profile = profile.with_precision(precision);
    }
    profile.recipe.check().map_err(ConvertError::Contradiction)?;
    let report = Report::default();
    let weights = Weights::open(&source, &report)?;
    let need = Need::of(weights.sizes(), profile.recipe.precision, options.inline_limit);
    if !options.force {
        need.check(options.memory.unwrap_or_else(available))?;
    }
    let folder = Folder::begin(&out)?;
    let data = need.outside.then(|| DataFile::create(folder.path(), "model.onnx_data")).transpose()?;
    let config = Config::read(&source.join("config.json"))?;
    let (model, data) = write_model(&profile, &weights, config.as_ref(), data)?;
    let sha256 = weights.sha256()?;
    let data: Vec<ModelFile> = data.map(DataFile::finish).transpose()?.into_iter().collect();
    let notes = report.settle(options.force)?;

    let model = folder.write("model.onnx", &with_cache_key(&profile, model, &data))?;
    let tokenizer = folder.write("tokenizer.json", &read(&source.join("tokenizer.json"))?)?;
    for name in ["LICENSE", "NOTICE"] {
        let path = source.join(name);
        if path.is_file() {
            folder.write(name, &read(&path)?)?;
        }
    }
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        id: profile.id,
        name: profile.name,
        license: profile.license,
        source: profile.source,
        languages: profile.languages,
        weights: Some(sha256),
        hashes: HashOrigin::Pinned,
        model,
        data,
        tokenizer,
        recipe: profile.recipe,
    };
    folder.write("manifest.json", manifest_json(&manifest)?.as_bytes())?;
    folder.publish()?;
    Ok(Converted { manifest, notes })
}

fn write_model(
    profile: &Profile,
    weights: &Weights<'_>,
    config: Option<&Config>,
    data: Option<DataFile>,
) -> Result<(ModelProto, Option<DataFile>), ConvertError> {
    match &profile.architecture {
        Architecture::Bert(facts) => {
            if let Some(config) = config {
                config.compare_bert(facts, weights.report());
            }
            bert::write(weights, facts, &profile.recipe, &profile.id, data)
        }
        Architecture::Qwen3 => {
            let Some(config) = config else {
                let message = "config.json is missing beside the weights: it says how many heads there are";
                return Err(ConvertError::Contradiction(message.to_owned()));
            };
            let facts = config.qwen3(weights.report())?;
            qwen3::write(weights, &facts, &profile.recipe, &profile.id, data)
        }
    }
}

/// The bytes of the file, with the key that keeps Core ML's compilations of different models apart: a hash of
/// the graph and of all weights, inside or beside it. A change of either must never meet an old compilation.
fn with_cache_key(profile: &Profile, mut model: ModelProto, data: &[ModelFile]) -> Vec<u8> {
    model.describe("license", &profile.license);
    model.describe("source", &profile.source);
    let mut bytes = model.to_bytes();
    drop(model);
    let mut hashes = sha256_hex(&bytes);
    for file in data {
        hashes = sha256_hex(format!("{hashes}{}", file.sha256).as_bytes());
    }
    bytes.extend(ModelProto::line("COREML_CACHE_KEY", &hashes));
    bytes
}

/// The manifest as a file, after a look at it with the reader's eyes.
fn manifest_json(manifest: &Manifest) -> Result<String, ConvertError> {
    let contradiction =
        |reason: String| ConvertError::Contradiction(format!("the manifest would not do: {reason}"));
    let mut json =
        serde_json::to_string_pretty(manifest).map_err(|error| contradiction(error.to_string()))?;
    json.push('\n');
    Manifest::from_json(&json).map_err(|error| contradiction(error.to_string()))?;
    Ok(json)
}
