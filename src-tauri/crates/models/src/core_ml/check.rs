//! What `coreml.json` must not say.

use std::collections::BTreeSet;

use papr_memory::{ModelFile, Padding};
use sha2::{Digest, Sha256};

use super::{CoreMl, Package};
use crate::catalog::RunsOn;
use crate::files::{hex, is_sha256};
use crate::staging::is_id;

/// Every package has it.
const LISTING: &str = "Manifest.json";
/// What may lie beside the packages.
const BESIDE: [&str; 3] = ["tokenizer.json", "LICENSE", "NOTICE"];
/// A package with several functions needs this version of macOS.
const FUNCTIONS_SINCE: u32 = 15;

/// Says what contradicts itself or makes no sense.
pub(super) fn check(model: &CoreMl) -> Result<(), String> {
    if !is_id(&model.id) {
        return Err(format!("{:?} cannot be the name of a folder", model.id));
    }
    model.recipe.check()?;
    let precision = model.recipe.precision.to_string();
    if model.precision != precision {
        return Err(format!("the packages are of {}, the recipe of {precision}", model.precision));
    }
    if !model.runs_on.contains(&RunsOn::CoreMlNative) {
        return Err("Core ML by itself is not among what can run it".to_owned());
    }
    if !is_sha256(&model.weights) {
        return Err("the sha256 of the weights is not 64 hexadecimal digits".to_owned());
    }
    let macos = major(&model.minimum_macos)?;
    let mut names = BTreeSet::new();
    for package in &model.packages {
        if !names.insert(&package.path) {
            return Err(format!("{} is there twice", package.path));
        }
        self::package(package, macos).map_err(|reason| format!("{}: {reason}", package.path))?;
    }
    beside(&model.files)?;
    lengths(model)
}

/// The first number of a version such as `14.0`.
fn major(version: &str) -> Result<u32, String> {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    let major = parts.filter(|parts| (1..=3).contains(&parts.len())).map(|parts| parts[0]);
    major.ok_or_else(|| format!("{version:?} is not a version of macOS"))
}

fn package(package: &Package, macos: u32) -> Result<(), String> {
    let stem = package.path.strip_suffix(".mlpackage");
    if !stem.is_some_and(|stem| !stem.is_empty() && is_plain(&package.path)) {
        return Err("that is not the name of a package in the model's folder".to_owned());
    }
    files(&package.files)?;
    if !package.files.iter().any(|file| file.path == LISTING) {
        return Err(format!("{LISTING} is not among its files"));
    }
    let bytes = package.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.bytes));
    if bytes != Some(package.bytes) {
        let sum = bytes.map_or_else(|| "too many".to_owned(), |bytes| bytes.to_string());
        return Err(format!("its files have {sum} bytes together, and it says {}", package.bytes));
    }
    let found = tree_hash(&package.files);
    if found != package.sha256 {
        return Err(format!("the SHA-256 over its files is {found}, and it says {}", package.sha256));
    }
    functions(package, macos)
}

/// SHA-256 of lines `<sha256>  <path>\n`, in hexadecimal digits.
pub(super) fn tree_hash(files: &[ModelFile]) -> String {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(format!("{}  {}\n", file.sha256, file.path));
    }
    hex(digest)
}

fn files(files: &[ModelFile]) -> Result<(), String> {
    for file in files {
        if !file.path.split('/').all(is_plain) {
            return Err(format!("{:?} is not a path in a package", file.path));
        }
        if !is_sha256(&file.sha256) {
            return Err(format!("the sha256 of {} is not 64 hexadecimal digits", file.path));
        }
    }
    match files.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        Some(pair) => Err(format!(
            "{} stands before {}: files are in the order of their paths, each once",
            pair[0].path, pair[1].path
        )),
        None => Ok(()),
    }
}

fn functions(package: &Package, macos: u32) -> Result<(), String> {
    for function in &package.functions {
        let expected = format!("tokens_{}", function.tokens);
        match &function.name {
            Some(name) if *name != expected => {
                return Err(format!(
                    "the function for {} tokens is called {name}, not {expected}",
                    function.tokens
                ));
            }
            Some(name) if macos < FUNCTIONS_SINCE => {
                return Err(format!(
                    "the function {name} needs macOS {FUNCTIONS_SINCE}, and it is for macOS {macos}"
                ));
            }
            None if package.functions.len() > 1 => {
                return Err(format!(
                    "of several functions the one for {} tokens has no name",
                    function.tokens
                ));
            }
            _ => {}
        }
    }
    if package.functions.is_empty() { Err("it has no function".to_owned()) } else { Ok(()) }
}

fn beside(files: &[ModelFile]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for file in files {
        if !BESIDE.contains(&file.path.as_str()) || !names.insert(&file.path) {
            return Err(format!("{:?} does not belong beside packages, or is there twice", file.path));
        }
        if !is_sha256(&file.sha256) {
            return Err(format!("the sha256 of {} is not 64 hexadecimal digits", file.path));
        }
    }
    Ok(())
}

/// Every length once; the longest is where the recipe cuts.
fn lengths(model: &CoreMl) -> Result<(), String> {
    let mut lengths = BTreeSet::new();
    for (_, function) in model.graphs() {
        if function.tokens == 0 || !lengths.insert(function.tokens) {
            return Err(format!("a graph for {} tokens makes no sense, or is there twice", function.tokens));
        }
    }
    let cut = model.recipe.max_tokens;
    match lengths.last() {
        None => Err("there is no package".to_owned()),
        Some(&longest) if longest != cut => {
            Err(format!("the longest graph takes {longest} tokens, and the recipe cuts at {cut}"))
        }
        Some(&longest) => match model.recipe.padding {
            Padding::Fixed(fixed) if fixed != longest => {
                Err(format!("the recipe fills up to {fixed} tokens, and the longest graph takes {longest}"))
            }
            _ => Ok(()),
        },
    }
}

/// One name, visible, and no way to another folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0', '\n'])
}
