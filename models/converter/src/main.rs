//! `papr-convert`: published weights in, one of our model folders out.
//!
//! The graph it writes takes token ids and a mask and gives finished vectors, pooling and normalisation
//! inside. The same weights and profile give the same bytes. It neither downloads nor runs a model; what it
//! wrote is compared with reference vectors by `examples/verify.rs`.

mod bert;
mod config;
mod convert;
mod error;
mod onnx;
mod output;
mod pooling;
mod preflight;
mod profile;
mod qwen3;
mod report;
mod tiny;
mod weights;
mod writer;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::convert::{Converted, Job, Options, convert};
use crate::error::ConvertError;
use crate::profile::Profile;

/// Turns published weights into a model folder: model.onnx, tokenizer.json, manifest.json, licences.
#[derive(Debug, Parser)]
#[command(name = "papr-convert", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    published: Option<Published>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a model folder of a Qwen3 with made-up weights, for tests of everything around a model
    TinyQwen3(tiny::Arguments),
}

/// Published weights and where to put the model.
#[derive(Debug, Args)]
struct Published {
    /// Folder with model.safetensors (or several and their index), tokenizer.json and, if published,
    /// config.json, LICENSE, NOTICE
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
    let Arguments { command, published, options } = Arguments::parse();
    let (out, done) = match (command, published) {
        (Some(Command::TinyQwen3(arguments)), _) => (arguments.out.clone(), tiny::make(&arguments)),
        (None, Some(published)) => (published.out.clone(), convert_published(published, options)),
        (None, None) => {
            eprintln!("papr-convert: nothing to do; --help says how");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(Converted { manifest, notes }) => {
            for note in notes {
                eprintln!("papr-convert: {note}");
            }
            let bytes: u64 = manifest.files().map(|file| file.bytes).sum();
            let text = format!(
                "{}: {bytes} bytes, {} dims, {}, space {}\n",
                out.display(),
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

fn convert_published(published: Published, options: Options) -> Result<Converted, ConvertError> {
    let Published { weights, profile, out } = published;
    let profile = Profile::read(&profile)?;
    convert(Job { weights, profile, out, options })
}
