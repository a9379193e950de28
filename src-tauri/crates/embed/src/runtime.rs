//! The ONNX Runtime library: looked at, loaded once, kept until the process ends.
//!
//! What is looked at before loading is `library`'s. Where the file lies is the caller's to say.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::logging::LogLevel;
use papr_memory::ports::EmbedError;

use crate::{library, raw};

/// What to do about any of it.
const CURE: &str = "put ONNX Runtime 1.28 there, or name another place in ORT_DYLIB_PATH";

/// The library of this process. Never unloaded: sessions may live as long as the process.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// Loads ONNX Runtime from the file `path`, unless that was done before.
///
/// Costs about 30 ms the first time and nothing after. A failure leaves the process as it was, so another
/// path may be tried. One process has one library: another path after a success is an error.
///
/// # Errors
/// [`EmbedError::Runtime`] if another one is loaded already, if there is no such file, if it was cut short, if
/// it carries an uploader, if the system cannot load it, if it is not ONNX Runtime, or if it is older than 1.28.
pub fn init_runtime(path: &Path) -> Result<(), EmbedError> {
    environment(path).map(drop)
}

/// The environment in which sessions are made, with the library at `path`.
pub(crate) fn environment(path: &Path) -> Result<Environment, EmbedError> {
    let failed = |reason: String| EmbedError::Runtime { path: path.to_owned(), reason };
    let real = path.canonicalize().map_err(|error| failed(format!("{error}; {CURE}")))?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        if loaded.path != real {
            let other = loaded.path.display();
            return Err(failed(format!("this process runs on {other} already; restart it to change that")));
        }
        return Ok(loaded.environment.clone());
    }

    library::inspect(&real).map_err(|reason| failed(format!("{reason}; {CURE}")))?;
    let environment = ort::init_from(&real)
        .map_err(|error| failed(explain(&error)))?
        .with_name("papr")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    // The wrapper opens its log at the chattiest level; formatting that costs time at every load.
    environment.set_log_level(LogLevel::Warning);
    *loaded = Some(Loaded { path: real, environment: environment.clone() });
    Ok(environment)
}

/// What the ONNX Runtime at `path` is and has, loading it if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Tells builds apart: what is measured or compiled with one says nothing about another.
    pub build: String,
    /// The providers inside it, as it names them.
    pub providers: Vec<String>,
}

impl Runtime {
    /// Loads the library at `path`, as [`init_runtime`] does, and asks it.
    ///
    /// # Errors
    /// As for [`init_runtime`].
    pub fn load(path: &Path) -> Result<Self, EmbedError> {
        init_runtime(path)?;
        let failed =
            |error: ort::Error| EmbedError::Runtime { path: path.to_owned(), reason: error.to_string() };
        Ok(Self { build: build(ort::info()), providers: raw::providers().map_err(failed)? })
    }
}

/// The part of the library's description of itself that changes with every build.
pub(crate) fn build(info: &str) -> String {
    let commit = info.split([' ', ',']).find_map(|part| part.strip_prefix("git-commit-id="));
    format!("onnxruntime-{}", commit.filter(|commit| !commit.is_empty()).unwrap_or(info.trim()))
}

fn explain(error: &LoadDynamicError) -> String {
    match error {
        LoadDynamicError::Dlopen { error, .. } => format!("{error}; {CURE}"),
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => {
            format!("the file is not ONNX Runtime; {CURE}")
        }
        LoadDynamicError::BadVersion { version_str, .. } => {
            format!("the file is ONNX Runtime {version_str}, which is too old; {CURE}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_known_by_its_commit() {
        let info = "ORT Build Info: git-branch=HEAD, git-commit-id=45de2a8b06, build type=Release";
        assert_eq!(build(info), "onnxruntime-45de2a8b06");
        assert_eq!(build("of my own "), "onnxruntime-of my own");
    }
}
