//! A rebuilt database that was cut short while it took the other's place, and whose plan was harmed besides: the
//! swap is finished, and what was replaced is kept.
#![allow(clippy::unwrap_used)] // a helper of a test may fail it

mod common;

use std::fs;
use std::path::Path;

use common::{id, memory, open};
use papr_memory::ports::Store;
use tempfile::tempdir;

/// A closed store of one memory.
fn closed(folder: &Path, number: u64) {
    open(folder).insert(&[memory(number, "x")]).unwrap();
}

/// A store of memory 1 whose place one of memory 2 is to take; `done` of the three steps are made.
fn cut_short(home: &Path, plan: Option<&[u8]>, done: usize) {
    let (folder, new) = (home.join("store"), home.join("new"));
    closed(&folder, 1);
    closed(&new, 2);
    let (swap, aside) = (folder.join("swap"), folder.join("quarantine/unknown"));
    fs::create_dir_all(&swap).unwrap();
    fs::create_dir_all(&aside).unwrap();
    for (number, name) in ["sealed", "mark", "db"].into_iter().enumerate() {
        if number < done {
            fs::rename(folder.join(name), aside.join(name)).unwrap();
            fs::rename(new.join(name), folder.join(name)).unwrap();
        } else {
            fs::rename(new.join(name), swap.join(name)).unwrap();
        }
    }
    if let Some(plan) = plan {
        fs::write(swap.join("plan"), plan).unwrap();
    }
    fs::remove_dir_all(new).unwrap();
}

#[test]
fn a_harmed_plan_loses_nothing() {
    let plans: [Option<&[u8]>; 6] =
        [None, Some(b""), Some(b"\xff\xfe"), Some(b"../../outside"), Some(b"/outside"), Some(b"..")];
    for plan in plans {
        for done in [0, 1, 2] {
            let case = format!("{plan:?} after {done} steps");
            let home = tempdir().unwrap();
            cut_short(home.path(), plan, done);
            let folder = home.path().join("store");
            let store = open(&folder);
            assert!(store.get(id(2)).unwrap().is_some(), "{case}: the new one is in its place");
            assert!(store.get(id(1)).unwrap().is_none(), "{case}");
            drop(store);
            assert!(!folder.join("swap").exists(), "{case}: it is finished");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "{case}: nothing is put elsewhere");
            let logs = papr_store::quarantined(&folder).unwrap().into_iter().map(|aside| aside.join("db/db"));
            assert_eq!(logs.filter(|log| log.exists()).count(), 1, "{case}: the old one is kept");
        }
    }
}

#[test]
fn a_second_harmed_plan_has_a_place_of_its_own() {
    let home = tempdir().unwrap();
    for round in 1..=2 {
        let new = tempdir().unwrap();
        cut_short(new.path(), None, 0);
        let folder = home.path().join("store");
        if round == 1 {
            fs::rename(new.path().join("store"), &folder).unwrap();
        } else {
            fs::rename(new.path().join("store/swap"), folder.join("swap")).unwrap();
        }
        assert!(open(&folder).get(id(2)).unwrap().is_some());
        let kept = papr_store::quarantined(&folder).unwrap();
        assert_eq!(kept.iter().filter(|aside| aside.join("db/db").exists()).count(), round, "{kept:?}");
    }
}
