//! Segments on disk: taken up again, refused when they do not fit or are damaged.

use std::fs;
use std::path::Path;

use super::*;

/// An index with one segment, and the file it was saved to.
fn saved(folder: &Path) -> Vec<u8> {
    let mut index = filled(1_000, 500);
    work(&mut index);
    assert_eq!(index.view().save(folder, &space("a")).unwrap(), 1);
    assert_eq!(index.view().save(folder, &space("a")).unwrap(), 0, "what is there is not written again");
    fs::read(&saved_segments(folder)[0]).unwrap()
}

/// Loads `file` into a fresh index of `count` memories.
fn load(file: &[u8], folder: &Path, count: u32, name: &str) -> (VectorIndex, Result<(), JobError>) {
    let path = folder.join("seg-test.idx");
    fs::write(&path, file).unwrap();
    let mut index = filled(count, 500);
    let loaded = run(index.plan_load(path, &space(name))).map(|built| assert!(index.install(built)));
    (index, loaded)
}

#[test]
fn a_saved_segment_serves_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    let (index, loaded) = load(&file, folder.path(), 1_000, "a");
    loaded.unwrap();
    assert_eq!((index.view().in_graphs(), index.view().tail.live()), (1_000, 0));
    assert!(index.plan().is_none(), "nothing is left to do");
    assert!(found_of_ten(&index.view(), 0..50) >= 0.99);

    let (index, loaded) = load(&file, folder.path(), 990, "a");
    loaded.unwrap();
    assert_eq!((index.view().in_graphs(), index.view().len()), (990, 990), "a few may be gone");
    assert!(found_of_ten(&index.view(), 0..50) >= 0.98);

    let (index, loaded) = load(&file, folder.path(), 1_200, "a");
    loaded.unwrap();
    assert_eq!((index.view().in_graphs(), index.view().tail.live()), (1_000, 200), "others wait in the tail");

    let outdated = load(&file, folder.path(), 900, "a").1;
    assert!(matches!(outdated, Err(JobError::Snapshot(SnapshotError::Outdated { gone: 100, rows: 1_000 }))));
    let foreign = load(&file, folder.path(), 1_000, "b").1;
    assert!(matches!(foreign, Err(JobError::Snapshot(SnapshotError::Foreign("space")))));

    index.view().save(folder.path(), &space("a")).unwrap();
    assert_eq!(saved_segments(folder.path()).len(), 1, "what is no longer used is deleted");
}

#[test]
fn damage_is_refused_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    let exact = filled(1_000, usize::MAX).view().nearest(&vector(5), 10, None);
    let refused = |file: &[u8], what: &str| {
        let (index, loaded) = load(file, folder.path(), 1_000, "a");
        assert!(matches!(loaded, Err(JobError::Snapshot(_))), "{what}: {loaded:?}");
        assert_eq!(index.view().nearest(&vector(5), 10, None), exact, "exact results are still there");
    };
    // Every byte of the header, and all regions behind it.
    for at in (0..200).chain((200..file.len()).step_by(file.len() / 100)) {
        let mut flipped = file.clone();
        flipped[at] ^= 0x10;
        refused(&flipped, &format!("byte {at} flipped"));
    }
    for length in [0, 5, 11, 12, 40, 100, 5_000, file.len() / 2, file.len() - 1] {
        refused(&file[..length], &format!("cut to {length}"));
    }
}

#[test]
fn damage_under_a_right_checksum_does_no_harm() {
    // What a fault of memory would do before the checksum was taken: no promise to notice, but none to fail.
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    for at in (12..file.len()).step_by(file.len() / 60) {
        let mut flipped = file.clone();
        flipped[at] ^= 0x7f;
        let sum = crc32fast::hash(&flipped[12..]);
        flipped[8..12].copy_from_slice(&sum.to_le_bytes());
        let (index, _) = load(&flipped, folder.path(), 1_000, "a");
        let found = index.view().nearest(&vector(5), 10, None);
        assert_eq!((found.len(), found[0].id), (10, id(5)), "byte {at}");
    }
}
