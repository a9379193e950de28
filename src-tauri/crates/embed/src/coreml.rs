//! Core ML: how it is asked for, and the folder of what it has compiled.
//!
//! None of it has been run on a Mac. The provider compiles a graph when a session is made, which takes
//! seconds, and keeps the result in a folder without ever comparing it with the weights: so the folder's name
//! carries all that a compilation depends on, and old folders are removed here, not by the provider.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ort::ep::ExecutionProviderDispatch;
use ort::ep::coreml::{ComputeUnits, CoreML, ModelFormat};

/// What the names of our folders begin with; nothing else in the cache is touched.
const PREFIX: &str = "coreml";

/// The folder in `root` for a model compiled by this runtime, texts of `tokens` tokens one at a time.
///
/// `model_sha256` is of the graph's file; of two files that differ, the names differ.
pub fn cache_folder(root: &Path, runtime: &str, model_sha256: &str, tokens: usize) -> PathBuf {
    root.join(format!("{}-1x{tokens}", stem(runtime, model_sha256)))
}

/// Removes the folders in `root` made by another runtime or for a model that is not in `models` (SHA-256 of
/// their graphs). Returns the bytes freed. A missing `root` is an empty one.
///
/// # Errors
/// As the system has them; what could be removed before is removed.
pub fn remove_old_caches(root: &Path, runtime: &str, models: &[&str]) -> io::Result<u64> {
    let kept: Vec<String> = models.iter().map(|model| stem(runtime, model)).collect();
    let mut freed = 0;
    for (name, path) in folders(root)? {
        let current = name.rsplit_once("-1x").is_some_and(|(stem, _)| kept.iter().any(|kept| kept == stem));
        if !current {
            freed += size(&path)?;
            fs::remove_dir_all(path)?;
        }
    }
    Ok(freed)
}

/// Bytes of all our folders in `root`. A missing `root` is an empty one.
pub fn cache_size(root: &Path) -> io::Result<u64> {
    folders(root)?.iter().map(|(_, path)| size(path)).sum()
}

fn stem(runtime: &str, model_sha256: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '.' }).collect()
    };
    format!("{PREFIX}-{}-{}", plain(runtime), plain(model_sha256))
}

/// The folders of this module's naming in `root`. Links are not followed.
fn folders(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours =
            name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('-') && rest.contains("-1x"));
        if ours && entry.file_type()?.is_dir() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// Bytes of the files below `folder`.
pub(crate) fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// The provider, asked for so that attention and the Neural Engine are possible: an ML Program of static
/// shapes on the CPU and the Neural Engine, never on the GPU, whose start costs a query more than it saves.
///
/// Written out on every system, so that every build checks it; a library without Core ML refuses it.
pub(crate) fn provider(cache: Option<&Path>, profile: bool) -> ExecutionProviderDispatch {
    let provider = CoreML::default()
        .with_model_format(ModelFormat::MLProgram)
        .with_compute_units(ComputeUnits::CPUAndNeuralEngine)
        .with_static_input_shapes(true)
        .with_profile_compute_plan(profile);
    match cache {
        Some(cache) => provider.with_model_cache_dir(cache.display()).build(),
        None => provider.build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_by_all_that_a_compilation_depends_on() {
        let root = Path::new("cache");
        let names = [
            cache_folder(root, "1.28.0", "aa", 32),
            cache_folder(root, "1.28.0", "aa", 64),
            cache_folder(root, "1.28.0", "ab", 32),
            cache_folder(root, "1.28.1", "aa", 32),
        ];
        assert_eq!(names[0], root.join("coreml-1.28.0-aa-1x32"));
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name:?} twice");
        }
        let odd = cache_folder(root, "1.28.0 (../x)", "aa", 32);
        assert_eq!(odd.parent(), Some(root), "no way out of the folder: {odd:?}");
    }

    #[test]
    fn old_folders_go_and_nothing_else() {
        let root = tempfile::TempDir::new().unwrap();
        let root = root.path();
        assert_eq!(cache_size(&root.join("missing")).unwrap(), 0);
        assert_eq!(remove_old_caches(&root.join("missing"), "1.28.0", &[]).unwrap(), 0);
        for (runtime, model, tokens) in
            [("1.28.0", "aa", 32), ("1.28.0", "aa", 64), ("1.28.0", "bb", 32), ("1.27.0", "aa", 32)]
        {
            let folder = cache_folder(root, runtime, model, tokens).join("compiled.mlmodelc");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("weights"), [0; 100]).unwrap();
        }
        fs::create_dir(root.join("models")).unwrap();
        fs::create_dir(root.join("coreml-notes")).unwrap();
        fs::write(root.join("coreml-1.27.0-aa-1x9"), "a file").unwrap();
        assert_eq!(cache_size(root).unwrap(), 400);
        assert_eq!(remove_old_caches(root, "1.28.0", &["aa"]).unwrap(), 200);
        assert_eq!(cache_size(root).unwrap(), 200);
        let mut left: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            [
                "coreml-1.27.0-aa-1x9",
                "coreml-1.28.0-aa-1x32",
                "coreml-1.28.0-aa-1x64",
                "coreml-notes",
                "models"
            ]
        );
        assert_eq!(remove_old_caches(root, "1.28.0", &["aa"]).unwrap(), 0, "a second time");
    }
}
