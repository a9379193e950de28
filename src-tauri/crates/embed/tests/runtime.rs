//! Loading the library: what is refused, and that it is loaded once. One test, because a process has one
//! library and the order matters.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::fs;
use std::path::Path;

use papr_embed::init_runtime;
use papr_memory::ports::EmbedError;

fn refused(path: &Path) -> String {
    let error = init_runtime(path).unwrap_err();
    let text = error.to_string();
    let EmbedError::Runtime { path: named, reason } = error else { panic!("{error:?}") };
    assert_eq!(named, path);
    assert!(text.contains(&path.display().to_string()), "{text}");
    reason
}

#[test]
fn a_wrong_library_is_an_error_and_the_right_one_is_loaded_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let missing = folder.path().join("libonnxruntime.so");
    let cure = "put ONNX Runtime 1.28 there, or name another place in ORT_DYLIB_PATH";
    assert!(refused(&missing).ends_with(cure), "nothing there");
    assert!(refused(folder.path()).ends_with(cure), "a folder");

    let text = folder.path().join("text.so");
    fs::write(&text, "this is no library").unwrap();
    assert!(refused(&text).ends_with(cure), "a text file");

    let bytes = fs::read(common::runtime()).unwrap();
    let cut = folder.path().join("cut.so");
    for length in [20, 64, 100_000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&cut, &bytes[..length]).unwrap();
        assert!(refused(&cut).ends_with(cure), "a download that was cut after {length} bytes");
    }
    if cfg!(target_os = "linux") {
        assert!(refused(&cut).starts_with("the file was cut short"), "told from other damage");
    }

    #[cfg(target_os = "linux")]
    {
        let foreign = fs::read_dir("/lib/x86_64-linux-gnu")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.ends_with("libm.so.6"));
        if let Some(foreign) = foreign {
            assert!(refused(&foreign).starts_with("the file is not ONNX Runtime"), "another library");
        }
    }

    let uploader = folder.path().join("uploader.so");
    fs::write(&uploader, [&bytes, &b"events.example/OneCollector/1.0"[..]].concat()).unwrap();
    assert!(refused(&uploader).contains("can send usage data"), "a build that phones home");

    init_runtime(&common::runtime()).unwrap();
    init_runtime(&common::runtime()).unwrap();
    assert!(refused(&text).contains("already"), "one process, one library");
}

#[test]
fn the_library_we_ship_has_no_uploader() {
    let bytes = fs::read(common::runtime()).unwrap();
    let needle = b"OneCollector";
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
}
