//! Compares a model folder with reference vectors: `--model DIR --golden FILE`, and `--least COSINE` for
//! another bound than the precision's own. Fails if one text is below it.
#![allow(clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use papr_memory::Precision;

use crate::common::{Golden, Model};

/// Compares the vectors of a model folder with those of a reference implementation.
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder that papr-convert made
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Reference vectors, for example tests/data/minilm-golden.json
    #[arg(long, value_name = "FILE")]
    golden: PathBuf,
    /// The least cosine that will do; without it, 0.99999 in fp32, 0.9999 in fp16, 0.98 in int8
    #[arg(long, value_name = "COSINE")]
    least: Option<f64>,
}

fn main() -> ExitCode {
    let Arguments { model, golden, least } = Arguments::parse();
    let mut model = Model::load(&model);
    let agreement = Golden::read(&golden, &model).compare(&mut model);
    let precision = model.manifest.recipe.precision;
    println!("{} ({precision}): {agreement}", model.manifest.id);
    let least = least.unwrap_or(match precision {
        Precision::Fp32 => 0.999_99,
        Precision::Fp16 => 0.9999,
        Precision::Int8 => 0.98,
    });
    if agreement.least >= least {
        return ExitCode::SUCCESS;
    }
    eprintln!("below {least}: these are not the reference's vectors");
    ExitCode::FAILURE
}
