//! `papr-convert`: published weights in, one of our model folders out.
//!
//! The graph it writes takes token ids and a mask and gives finished vectors, pooling and normalisation
//! inside. The same weights and profile give the same bytes. It neither downloads nor runs a model.

mod bert;
mod error;
mod onnx;
mod output;
mod profile;
mod weights;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use papr_memory::{HashOrigin, Manifest, Precision};

use crate::error::ConvertError;
use crate::onnx::ModelProto;
use crate::output::{Folder, sha256_hex};
use crate::profile::{Architecture, Profile};
use crate::weights::WeightsFile;

/// Turns published weights into a model folder: model.onnx, tokenizer.json, manifest.json, licences.
#[derive(Debug, Parser)]
#[command(name = "papr-convert", version)]
struct Arguments {
    /// Folder with model.safetensors, tokenizer.json and, if published, config.json, LICENSE, NOTICE
    #[arg(long, value_name = "DIR")]
    weights: PathBuf,
    /// What the weights do not say, for example models/all-minilm-l6-v2.json
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// The model folder to make; an older model there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match convert(&arguments) {
        Ok(manifest) => {
            let text = format!(
                "{}: {} bytes, {} dims, {}, space {}\n",
                arguments.out.display(),
                manifest.model.bytes,
                manifest.recipe.dims,
                manifest.recipe.precision,
                manifest.space().fingerprint
            );
            // A closed pipe is no reason to call the conversion failed.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("papr-convert: {error}");
            ExitCode::FAILURE
        }
    }
}

fn convert(arguments: &Arguments) -> Result<Manifest, ConvertError> {
    let profile = Profile::read(&arguments.profile)?;
    profile.check_config(&arguments.weights.join("config.json"))?;
    let (model, weights) = write_model(&profile, &arguments.weights.join("model.safetensors"))?;

    let folder = Folder::begin(&arguments.out)?;
    let model = folder.write("model.onnx", &model.to_bytes())?;
    let tokenizer = folder.write("tokenizer.json", &read(&arguments.weights.join("tokenizer.json"))?)?;
    for name in ["LICENSE", "NOTICE"] {
        let path = arguments.weights.join(name);
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
        weights: Some(weights),
        hashes: HashOrigin::Pinned,
        model,
        data: Vec::new(),
        tokenizer,
        recipe: profile.recipe,
    };
    folder.write("manifest.json", manifest_json(&manifest)?.as_bytes())?;
    folder.publish()?;
    Ok(manifest)
}

/// The graph and the SHA-256 of its weights. Its metadata hold, among others, the key that keeps Core ML's
/// compilations of different models apart.
fn write_model(profile: &Profile, weights: &Path) -> Result<(ModelProto, String), ConvertError> {
    if profile.recipe.precision != Precision::Fp32 {
        let message =
            format!("the profile asks for {}; this converter writes fp32", profile.recipe.precision);
        return Err(ConvertError::Contradiction(message));
    }
    let file = WeightsFile::read(weights)?;
    let tensors = file.open(weights)?;
    let mut model = match &profile.architecture {
        Architecture::Bert(facts) => bert::write(&tensors, facts, &profile.recipe, &profile.id)?,
    };
    model.describe("license", &profile.license);
    model.describe("source", &profile.source);
    // Over the whole graph, weights included: a change of either must never meet an old compilation.
    let key = sha256_hex(&model.to_bytes());
    model.describe("COREML_CACHE_KEY", &key);
    Ok((model, file.sha256()))
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

fn read(path: &Path) -> Result<Vec<u8>, ConvertError> {
    fs::read(path).map_err(ConvertError::at(path))
}
