//! A small model in the place of the built-in one: real parts, loaded in a fraction of the time. Its vectors mean
//! nothing, but a text has the same one as a query and as a memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use papr_engine::Resources;
use tempfile::TempDir;

const BUILT_IN: &str = "all-minilm-l6-v2";
const TINY: &str = "tiny-qwen3-papr-mean4";

/// The runtime, and the small model under the name of the built-in one.
pub(crate) fn resources() -> Resources {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        write_model(folder.path());
        folder
    });
    Resources { folder: FOLDER.path().to_owned(), ..super::resources() }
}

/// Writes the small model into `folder`, where [`at`] finds it.
pub(crate) fn write_model(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vendor/test-models").join(TINY);
    assert!(from.is_dir(), "`make test` writes the small models");
    let to = folder.join("models").join(BUILT_IN);
    fs::create_dir_all(&to).unwrap();
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let manifest = fs::read_to_string(from.join("manifest.json")).unwrap();
    fs::write(to.join("manifest.json"), manifest.replacen(TINY, BUILT_IN, 1)).unwrap();
}

/// The runtime, and the models in `folder`.
pub(crate) fn at(folder: PathBuf) -> Resources {
    Resources { folder, ..super::resources() }
}

/// A folder that is in memory where the system has such a place: what is tried thousands of times need not
/// wait for a disk.
pub(crate) fn fast_folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).unwrap()
}
