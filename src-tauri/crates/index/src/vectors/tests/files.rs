//! Segments on disk: taken up again, refused when they do not fit or are damaged.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

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
fn what_a_stop_in_the_middle_of_a_save_left_goes_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    fs::write(folder.path().join("seg-0123456789abcdef.part"), &file[..file.len() / 2]).unwrap();
    let (index, loaded) = load(&file, folder.path(), 1_000, "a");
    loaded.unwrap();
    index.view().save(folder.path(), &space("a")).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "half a graph helps nobody and takes room");
}

/// A file of `body` with everything around it right.
fn sealed(body: &[u8]) -> Vec<u8> {
    [b"PAPRSEG\n".as_slice(), &crc32fast::hash(body).to_le_bytes(), body].concat()
}

/// The fields before the links as they are written: version, dimensions, width, seed, hash of the rows, the
/// fingerprint, how many rows.
fn fields(numbers: [u32; 3], wide: [u64; 2], fingerprint: &str, rows: u32) -> Vec<u8> {
    let mut body: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    body.extend(wide.iter().flat_map(|number| number.to_le_bytes()));
    body.extend(u32::try_from(fingerprint.len()).unwrap().to_le_bytes());
    body.extend(fingerprint.bytes());
    body.extend(rows.to_le_bytes());
    body
}

proptest! {
    #[test]
    fn any_bytes_are_a_segment_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        width in any::<u32>(),
        wide in any::<[u64; 2]>(),
        rows in prop_oneof![Just(0_u32), 0..20_u32, any::<u32>()],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let header = fields([1, u32::from(WIDTH), width], wide, "a", rows);
        let empty = fields([1, u32::from(WIDTH), width], [wide[0], 0], "a", 0);
        let files = [
            bytes.clone(),
            [b"PAPRSEG\n".as_slice(), &bytes].concat(),
            sealed(&bytes),
            sealed(&[header, bytes.clone()].concat()),
            // Of no rows, so that its links are read, whatever they are.
            sealed(&[empty, bytes].concat()),
        ];
        for file in files {
            let (index, _) = load(&file, folder.path(), 30, "a");
            prop_assert_eq!(index.view().nearest(&vector(5), 1, None)[0].id, id(5), "all are still found");
        }
    }

    #[test]
    fn a_changed_segment_under_a_right_checksum_does_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        static FILE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let (folder, mut index) = (tempfile::tempdir().unwrap(), filled(100, 50));
            work(&mut index);
            index.view().save(folder.path(), &space("a")).unwrap();
            fs::read(&saved_segments(folder.path())[0]).unwrap()
        });
        let mut body = FILE[12..].to_vec();
        for (place, value) in changes {
            let place = place.index(body.len());
            body[place] = value;
        }
        body.truncate(cut.map_or(body.len(), |cut| cut.index(body.len())));
        let folder = tempfile::tempdir().unwrap();
        let (index, _) = load(&sealed(&body), folder.path(), 100, "a");
        let found = index.view().nearest(&vector(5), 10, None);
        prop_assert_eq!((found.len(), found[0].id), (10, id(5)), "what is exact stays exact, what is wrong is left");
    }
}

#[test]
fn a_width_that_no_graph_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    for width in [0, 1 << 20, u32::MAX] {
        let mut body = file[12..].to_vec();
        body[8..12].copy_from_slice(&width.to_le_bytes());
        let (_, loaded) = load(&sealed(&body), folder.path(), 1_000, "a");
        let refused = matches!(loaded, Err(JobError::Snapshot(SnapshotError::Damaged(_))));
        assert!(refused, "each search would ask for memory for {width} hits: {loaded:?}");
    }
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
