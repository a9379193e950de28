//! Which folders are opened, which are refused, and that a refused one is left as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use common::{memory, now, open};
use papr_memory::ports::{Store, StoreError};
use papr_store::SledStore;
use tempfile::tempdir;

fn refusal(folder: &Path) -> StoreError {
    SledStore::open(folder, now()).expect_err("must be refused")
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_missing_folder_is_made_and_an_empty_one_taken() {
    let home = tempdir().unwrap();
    let folder = home.path().join("some").join("where");
    open(&folder).insert(&[memory(1, "x")]).unwrap();
    let left_by_a_file_browser = home.path().join("seen");
    fs::create_dir(&left_by_a_file_browser).unwrap();
    fs::write(left_by_a_file_browser.join(".DS_Store"), "x").unwrap();
    open(&left_by_a_file_browser);
    let cut_short = home.path().join("cut");
    fs::create_dir(&cut_short).unwrap();
    fs::write(cut_short.join("lock"), "").unwrap();
    fs::write(cut_short.join("store.json.part"), "{").unwrap();
    open(&cut_short);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let home = tempdir().unwrap();
    fs::write(home.path().join("thesis.txt"), "years of work").unwrap();
    let before = files(home.path());
    let error = refusal(home.path());
    assert!(matches!(&error, StoreError::NotOurs { reason, .. } if reason.contains("thesis.txt")), "{error}");
    assert_eq!(files(home.path()), before, "not even a lock file is written");
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let markers = [
        (r#"{"app":"papr-desktop","schema":9}"#, "newer version"),
        (r#"{"app":"papr-desktop","schema":0}"#, "no version"),
        (r#"{"app":"other","schema":1}"#, "other"),
        ("", "cannot be read"),
    ];
    for (marker, word) in markers {
        let home = tempdir().unwrap();
        fs::write(home.path().join("store.json"), marker).unwrap();
        let before = files(home.path());
        let error = refusal(home.path());
        assert!(
            matches!(&error, StoreError::NotOurs { reason, .. } if reason.contains(word)),
            "{marker}: {error}"
        );
        assert_eq!(files(home.path()), before);
    }
}

#[test]
fn a_newer_database_under_an_old_marker_is_refused() {
    let home = tempdir().unwrap();
    drop(open(home.path()));
    common::behind_its_back(home.path(), |db| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(b"schema\x01\x09\x00\x00\x00");
        let value = [&[1][..], &hasher.finalize().to_le_bytes(), &[9, 0, 0, 0]].concat();
        db.open_tree("manifest").unwrap().insert("schema", value).unwrap();
    });
    let error = refusal(home.path());
    assert!(matches!(&error, StoreError::NotOurs { reason, .. } if reason.contains("newer")), "{error}");
}

#[test]
fn a_path_that_cannot_be_written_to_is_an_io_error() {
    let home = tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = refusal(&path);
        assert!(matches!(&error, StoreError::Io { .. }), "{}: {error}", path.display());
    }
    assert_eq!(fs::read(&file).unwrap(), b"x");
    // Root may write where permissions say otherwise; /proc refuses even root.
    if cfg!(target_os = "linux") && Path::new("/proc/self").exists() {
        for path in ["/proc/papr", "/proc/self/task/papr"] {
            let error = refusal(Path::new(path));
            assert!(matches!(&error, StoreError::Io { .. }), "{path}: {error}");
        }
    } else {
        eprintln!("skipped: no /proc here to refuse a folder");
    }
}

#[test]
fn one_opening_at_a_time() {
    let home = tempdir().unwrap();
    let store = open(home.path());
    store.insert(&[memory(1, "x")]).unwrap();
    assert!(matches!(refusal(home.path()), StoreError::Locked { .. }), "in the same process");
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_opens", "--nocapture"])
        .env("PAPR_STORE_FOLDER", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("child: locked"), "another process: {said}");
    assert!(store.get(common::id(1)).unwrap().is_some(), "and nothing happened to the first");
    drop(store);
    assert!(open(home.path()).get(common::id(1)).unwrap().is_some(), "free again at once");
}

/// Not a test by itself: the other process of [`one_opening_at_a_time`].
#[test]
fn child_opens() {
    let Some(folder) = env::var_os("PAPR_STORE_FOLDER") else { return };
    match SledStore::open(Path::new(&folder), now()) {
        Err(StoreError::Locked { .. }) => println!("child: locked"),
        other => println!("child: {other:?}"),
    }
}
