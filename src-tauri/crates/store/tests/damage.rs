//! Cut and flipped files: an error that says what to do, never a panic, and nothing deleted.
//!
//! Each damaged store is opened in a process of its own, as a person's would be: sled's threads are shared
//! by all databases of a process, and one that panics stops them all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{memory, now, open, space, vector_of};
use papr_memory::ports::{Store, StoreError};
use papr_store::SledStore;
use tempfile::{TempDir, tempdir};

const FOLDER: &str = "PAPR_STORE_FOLDER";
const MEMORIES: u64 = 300;

/// A closed store of 300 memories, written in two sittings so that there is a snapshot.
fn closed() -> TempDir {
    let folder = tempdir().unwrap();
    for sitting in 0..2 {
        let store = open(folder.path());
        let first = sitting * MEMORIES / 2;
        let all: Vec<_> =
            (first..first + MEMORIES / 2).map(|n| memory(n, &format!("memory {n} ").repeat(200))).collect();
        store.insert(&all).unwrap();
        let vectors: Vec<_> = all.iter().map(|memory| vector_of(memory, 1)).collect();
        store.put_vectors(&space("a"), &vectors).unwrap();
    }
    folder
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder.join("db")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

fn log(folder: &Path) -> PathBuf {
    folder.join("db").join("db")
}

fn snapshot(folder: &Path) -> PathBuf {
    let is_snapshot = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("snap.");
    files(folder).into_keys().find(is_snapshot).expect("two sittings leave a snapshot")
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, length: u64) {
    fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn a_sealed_store_notices_before_anything_is_touched() {
    let whole = closed();
    let length = fs::metadata(log(whole.path())).unwrap().len();
    let places = [0, 5, 20, 4_000, length / 3, length / 2, length - 1];
    let damages = places
        .iter()
        .map(|&place| (format!("byte {place} flipped"), place, true))
        .chain([0, 1, length / 2, length - 1].map(|place| (format!("cut to {place}"), place, false)));
    let pristine = files(whole.path());
    for (name, place, flipped) in damages {
        if flipped {
            flip(&log(whole.path()), usize::try_from(place).unwrap());
        } else {
            cut(&log(whole.path()), place);
        }
        let before = files(whole.path());
        let error = SledStore::open(whole.path(), now()).expect_err(&name);
        let StoreError::Damaged { what, .. } = &error else { panic!("{name}: {error}") };
        assert!(what.contains("db/db changed") && what.contains("Nothing was"), "{name}: {what}");
        assert_eq!(files(whole.path()), before, "{name}: touched");
        for (path, bytes) in &pristine {
            fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(open(whole.path()).counts().unwrap().total(), 300, "put back, it opens in the same process");
}

#[test]
fn a_damaged_snapshot_is_told_with_its_cure_and_the_cure_works() {
    for sealed in [true, false] {
        let folder = closed();
        let snapshot = snapshot(folder.path());
        flip(&snapshot, 9);
        if !sealed {
            fs::remove_file(folder.path().join("sealed")).unwrap();
        }
        let said = child(folder.path());
        assert!(said.contains("child: damaged") && said.contains("snap."), "sealed {sealed}: {said}");
        assert!(snapshot.exists(), "sealed {sealed}: nothing is deleted for the person");
        fs::remove_file(snapshot).unwrap();
        let store = open(folder.path());
        assert_eq!(store.counts().unwrap().total(), 300, "sealed {sealed}: all are back");
        store.insert(&[memory(MEMORIES, "after")]).unwrap();
        drop(store);
        fs::remove_file(folder.path().join("sealed")).unwrap();
        assert_eq!(
            open(folder.path()).counts().unwrap().total(),
            301,
            "sealed {sealed}: and what came after"
        );
    }
}

#[test]
fn without_a_seal_damage_is_an_error_or_survived_but_never_a_panic() {
    let whole = closed();
    fs::remove_file(whole.path().join("sealed")).unwrap();
    let log_bytes = fs::read(log(whole.path())).unwrap();
    let length = log_bytes.len();
    let used = log_bytes.iter().rposition(|&byte| byte != 0).unwrap();
    let mut outcomes = Vec::new();
    let places = [3, 10, 30, 100, used / 4, used / 2, used * 3 / 4, used - 40];
    let lengths = [1, 40, used / 3, used / 2, used - 10, length - 1];
    let damages = places.map(|place| (place, true)).into_iter().chain(lengths.map(|length| (length, false)));
    for (place, flipped) in damages {
        for with_snapshot in [true, false] {
            let folder = copy(whole.path());
            if flipped {
                flip(&log(folder.path()), place);
            } else {
                cut(&log(folder.path()), place as u64);
            }
            if !with_snapshot {
                fs::remove_file(snapshot(folder.path())).unwrap();
            }
            let before = files(folder.path());
            let said = child(folder.path());
            assert!(
                said.contains("child: "),
                "flipped {flipped} at {place}, snapshot {with_snapshot}: {said}"
            );
            let name = format!("flipped {flipped} at {place} of {used}, snapshot {with_snapshot}: {said}");
            if said.contains("child: damaged") {
                assert_eq!(files(folder.path()), before, "touched: {name}");
                assert!(!folder.path().join("trial").exists(), "the copy is gone: {name}");
            } else {
                assert!(said.contains("opened Ok(300) of 300, vectors 300 Ok(0)"), "lost in silence: {name}");
                assert!(said.contains("wrote Ok"), "and cannot be written to: {name}");
                fs::remove_file(folder.path().join("sealed")).unwrap();
                let again = child(folder.path());
                assert!(again.contains("opened Ok(301)"), "what was written since is lost: {name}{again}");
            }
            outcomes.push(
                said.lines()
                    .find(|line| line.contains("child: "))
                    .unwrap()
                    .chars()
                    .take(60)
                    .collect::<String>(),
            );
        }
    }
    println!("{outcomes:#?}");
}

#[test]
fn a_lost_mark_is_made_anew() {
    let folder = closed();
    fs::remove_file(folder.path().join("mark")).unwrap();
    drop(open(folder.path()));
    let mark = fs::read(folder.path().join("mark")).unwrap();
    fs::remove_file(folder.path().join("sealed")).unwrap();
    assert_eq!(open(folder.path()).counts().unwrap().total(), 300, "what it holds fits what was counted");
    assert_eq!(fs::read(folder.path().join("mark")).unwrap(), mark, "opening changes nothing");
}

fn copy(folder: &Path) -> TempDir {
    let to = tempdir().unwrap();
    fs::create_dir_all(to.path().join("db/blobs")).unwrap();
    for name in ["store.json", "mark"] {
        fs::copy(folder.join(name), to.path().join(name)).unwrap();
    }
    for path in files(folder).keys() {
        fs::copy(path, to.path().join("db").join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// What a process of its own says to `folder`. Fails if it panicked or said anything about a panic.
fn child(folder: &Path) -> String {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_opens", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let complained = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "it ended with {}: {said}{complained}", out.status);
    assert!(!complained.contains("panicked"), "a person sees no panic: {complained}");
    said
}

/// Not a test by itself: opens the store, reads everything and tries it twice.
#[test]
fn child_opens() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    match SledStore::open(folder, now()) {
        Err(error @ StoreError::Damaged { .. }) => {
            println!("child: damaged: {error} {:?}", std::error::Error::source(&error));
            let again = SledStore::open(folder, now());
            assert!(matches!(again, Err(StoreError::Damaged { .. })), "still an error: {again:?}");
        }
        Err(error) => println!("child: {error:?}"),
        Ok(store) => {
            let page = store.page(None, usize::MAX).map(|page| page.len());
            let mut count = 0;
            let passed_over = store.vectors(&space("a"), &mut |_, _| count += 1);
            println!("child: opened {page:?} of {MEMORIES}, vectors {count} {passed_over:?}");
            let written = store.insert(&[memory(MEMORIES + 1, "one more")]);
            println!("child: and wrote {written:?}");
        }
    }
}
