//! What Core ML compiled: kept beside the package, named by all it depends on, removed when that has changed.
//!
//! Core ML compiles a package for the system it runs on, which takes from seconds to minutes, into a temporary
//! folder, and never compares what is kept of it with the package. So the name carries the package's hash and the
//! system's version and build. A compilation holds the weights once more: as many bytes as the package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::FixedGraph;
use crate::coreml::size;
use crate::machine;

/// How Core ML names what it compiled.
const END: &str = ".mlmodelc";
/// One that is still being copied.
const PART: &str = ".mlmodelc.part";

/// Where the compilation of `graph`'s package by `system` is kept: `<package>-<hash>-<system>.mlmodelc`.
pub(crate) fn folder(graph: &FixedGraph, system: &str) -> PathBuf {
    let stem = graph.package.file_stem().unwrap_or_default().to_string_lossy();
    graph.package.with_file_name(format!("{stem}-{}-{}{END}", graph.sha256, plain(system)))
}

/// Removes from `folder` all compilations but those of `graphs` by this system, and returns the bytes freed. With
/// no graphs, all of them: they are compiled again when they are needed. A missing folder is an empty one.
///
/// # Errors
/// As the system has them; what could be removed before is removed.
pub fn remove_stale(folder: &Path, graphs: &[FixedGraph]) -> io::Result<u64> {
    remove_but(folder, graphs, &machine::system())
}

fn remove_but(folder: &Path, graphs: &[FixedGraph], system: &str) -> io::Result<u64> {
    let current: Vec<PathBuf> = graphs.iter().map(|graph| self::folder(graph, system)).collect();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut freed = 0;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let ours = is_compilation(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_dir();
        if ours && !current.iter().any(|current| current.file_name() == path.file_name()) {
            freed += size(&path)?;
            fs::remove_dir_all(path)?;
        }
    }
    Ok(freed)
}

/// Moves what was compiled to its place, whole or not at all: by a rename, or where the temporary folder is on
/// another disk by a copy that is renamed when it is complete. What stood there goes.
pub(crate) fn keep(compiled: &Path, place: &Path) -> io::Result<()> {
    remove_folder(place)?;
    if fs::rename(compiled, place).is_ok() {
        return Ok(());
    }
    let part = place.with_extension("mlmodelc.part");
    remove_folder(&part)?;
    copy(compiled, &part)?;
    fs::rename(&part, place)?;
    // What is left over in the temporary folder, the system removes.
    let _ = fs::remove_dir_all(compiled);
    Ok(())
}

/// Removes a folder that may not be there.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Whether a name is one of this module's: with a package's hash in it.
fn is_compilation(name: &str) -> bool {
    let is_hash = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let stem = name.strip_suffix(END).or_else(|| name.strip_suffix(PART));
    stem.is_some_and(|stem| stem.split('-').any(is_hash))
}

/// As a part of a file's name.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graphs::tests::graph;
    use super::*;

    fn in_folder(root: &Path, tokens: u32, hash: &str) -> FixedGraph {
        let package = root.join(format!("model-{tokens}.mlpackage"));
        FixedGraph { package, sha256: hash.repeat(64), ..graph(tokens) }
    }

    fn compile(folder: &Path) {
        fs::create_dir_all(folder.join("weights")).unwrap();
        fs::write(folder.join("weights/weight.bin"), [0; 100]).unwrap();
    }

    #[test]
    fn a_name_changes_with_all_that_a_compilation_depends_on() {
        let root = Path::new("models/m");
        let names = [
            folder(&in_folder(root, 32, "a"), "15.1 24B83"),
            folder(&in_folder(root, 64, "a"), "15.1 24B83"),
            folder(&in_folder(root, 32, "b"), "15.1 24B83"),
            folder(&in_folder(root, 32, "a"), "15.1 24B91"),
        ];
        let expected = format!("model-32-{}-15.1.24B83.mlmodelc", "a".repeat(64));
        assert_eq!(names[0], root.join(expected), "beside the package");
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name:?} twice");
        }
        let odd = folder(&in_folder(root, 32, "a"), "../../x");
        assert_eq!(odd.parent(), Some(root), "no way out of the folder");
        let functions = FixedGraph { function: Some("tokens_32".to_owned()), ..in_folder(root, 32, "a") };
        assert_eq!(
            folder(&functions, "15.1 24B83"),
            names[0],
            "a package is compiled once for all functions"
        );
    }

    #[test]
    fn what_is_stale_goes_and_nothing_else() {
        let root = tempfile::TempDir::new().unwrap();
        let root = root.path();
        let (now, before) = ("15.1 24B83", "15.0 24A335");
        let graphs = [in_folder(root, 32, "a"), in_folder(root, 64, "b")];
        for graph in &graphs {
            compile(&graph.package);
            compile(&folder(graph, now));
            compile(&folder(graph, before));
        }
        compile(&folder(&in_folder(root, 32, "c"), now));
        compile(&root.join(format!("model-32-{}-15.1.24B83.mlmodelc.part", "a".repeat(64))));
        compile(&root.join("mine.mlmodelc"));
        fs::write(root.join("coreml.json"), "{}").unwrap();
        assert_eq!(remove_but(root, &graphs, now).unwrap(), 400);
        for graph in &graphs {
            assert!(graph.package.is_dir() && folder(graph, now).is_dir() && !folder(graph, before).exists());
        }
        assert!(root.join("mine.mlmodelc").is_dir() && root.join("coreml.json").is_file());
        assert_eq!(remove_but(root, &graphs, now).unwrap(), 0, "a second time");
        assert_eq!(remove_but(root, &[], now).unwrap(), 200, "all of them");
        assert_eq!(remove_but(&root.join("nowhere"), &graphs, now).unwrap(), 0);
    }

    #[test]
    fn what_was_compiled_takes_its_place() {
        let root = tempfile::TempDir::new().unwrap();
        let place = folder(&in_folder(root.path(), 32, "a"), "15.1");
        for _ in 0..2 {
            let temporary = root.path().join("temporary.mlmodelc");
            compile(&temporary);
            keep(&temporary, &place).unwrap();
            assert!(!temporary.exists() && place.join("weights/weight.bin").is_file());
        }
        let copied = root.path().join("copied");
        copy(&place, &copied).unwrap();
        assert_eq!(size(&copied).unwrap(), 100);
        assert!(keep(&root.path().join("nothing"), &place).is_err());
    }
}
