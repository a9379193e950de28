//! Every file of a store cut, flipped, emptied or removed: it opens, is made anew, or is restored; the outcome
//! is told; whatever can be read is kept; and nothing is deleted.
//!
//! Each damaged store is opened in a process of its own, as a person's would be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test may fail it

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{at, id, memory, now, of_account, open, space, vector_of, vectors};
use papr_memory::ports::{Store, StoreError};
use papr_memory::{CancelToken, Content, Memory};
use papr_store::{Origin, Recovered, SledStore};
use tempfile::{TempDir, tempdir};

const FOLDER: &str = "PAPR_STORE_FOLDER";
const MEMORIES: u64 = 60;

/// A closed store: memories, edited ones, a tombstone, what Papr is to be told, vectors; written in two
/// sittings so that there is a snapshot; and a backup of the first sitting, if asked for.
fn closed(backup: bool, sealed: bool) -> TempDir {
    let folder = tempdir().unwrap();
    for sitting in 0..2 {
        let store = open(folder.path());
        let first = sitting * MEMORIES / 2;
        let text = |n| format!("memory {n} ").repeat(usize::try_from(n % 7).unwrap() * 150 + 1);
        let all: Vec<_> = (first..first + MEMORIES / 2).map(|n| memory(n, &text(n))).collect();
        let all: Vec<_> = all.into_iter().map(|one| of_account(one, false)).collect();
        store.insert(&all).unwrap();
        let vectors: Vec<_> = all.iter().map(|memory| vector_of(memory, 1)).collect();
        store.put_vectors(&space("a"), &vectors).unwrap();
        let content = Content::new("edited").unwrap();
        store.replace(&Memory { rev: 2, content, ..all[3].clone() }).unwrap();
        store.delete(&[all[5].id], at(1_749_999_999_000)).unwrap();
        if backup && sitting == 0 {
            store.back_up(now(), 3, &CancelToken::new()).unwrap();
        }
    }
    if !sealed {
        fs::remove_file(folder.path().join("sealed")).unwrap();
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// Ways to harm a file of `length` bytes, `used` of which are not zero at its end.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip(u64),
    Cut(u64),
    Remove,
}

impl Harm {
    fn all(path: &Path) -> Vec<Self> {
        let bytes = fs::read(path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1);
        let mut all = vec![Self::Remove, Self::Cut(0)];
        if bytes.len() > 1 {
            all.extend([Self::Flip(0), Self::Flip(used / 2), Self::Flip(used - 1), Self::Cut(used / 2)]);
        }
        if used > 10_000 {
            let long = std::env::var_os("PAPR_LONG").is_some();
            let steps = if long { 40 } else { 5 };
            all.extend([3, 30, 100].map(Self::Flip));
            all.extend((1..steps).map(|step| Self::Flip(used * step / steps + 13)));
            all.extend((1..steps).map(|step| Self::Cut(used * step / steps + 7)));
        }
        all
    }

    fn apply(self, path: &Path) {
        match self {
            Self::Remove => fs::remove_file(path).unwrap(),
            Self::Cut(length) => {
                fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
            }
            Self::Flip(place) => {
                let mut bytes = fs::read(path).unwrap();
                bytes[usize::try_from(place).unwrap()] ^= 0x20;
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// Harms each file of a store in turn and opens it.
fn harm_each(backup: bool, sealed: bool) {
    let whole = closed(backup, sealed);
    for path in files(whole.path()) {
        let name = path.strip_prefix(whole.path()).unwrap().to_owned();
        for harm in Harm::all(&path) {
            let home = tempdir().unwrap();
            let folder = home.path().join("store");
            copy(whole.path(), &folder);
            harm.apply(&folder.join(&name));
            let harmed = fs::read(folder.join(&name)).ok();
            let case = format!("{} {harm:?}, backup {backup}, sealed {sealed}", name.display());
            let said = in_a_process(&folder);
            judge(&case, &folder, &name, harm, backup, &said);
            if said.contains("recovered: ")
                && let Some(harmed) = harmed
            {
                let there = files(&folder).iter().any(|path| fs::read(path).unwrap() == harmed);
                assert!(there, "{case}: the damaged file is nowhere any more");
            }
        }
    }
}

fn judge(case: &str, folder: &Path, name: &Path, harm: Harm, backup: bool, said: &str) {
    let in_log = name == Path::new("db/db");
    if said.contains("child: failed") {
        assert!(in_log && !backup, "{case}: {said}");
        assert!(matches!(harm, Harm::Remove | Harm::Cut(0..8_000)), "{case}: nothing can be read: {said}");
        assert!(said.contains("no whole backup"), "{case}: it says so: {said}");
        return;
    }
    let kept: u64 = said.split("child: kept ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let least = match (in_log, harm, backup) {
        (false, ..) => MEMORIES - 2,
        // A byte costs what stood at its place: a record, or its page if it was the page's own.
        (true, Harm::Flip(_), _) => MEMORIES - 2 - 1,
        (true, _, true) => MEMORIES / 2 - 1,
        (true, _, false) => 0,
    };
    assert!(kept >= least && kept <= MEMORIES, "{case}: {kept} are kept, at least {least} could be: {said}");
    if kept < MEMORIES - 2 {
        assert!(said.contains("recovered: "), "{case}: lost in silence: {said}");
        assert!(!said.contains("Nothing was lost"), "{case}: {said}");
    }
    if in_log {
        eprintln!("{case}: kept {kept}");
    }
    let again = in_a_process(folder);
    assert!(again.contains(&format!("child: kept {} ", kept + 1)), "{case}: opens again: {again}");
    assert!(!again.contains("recovered: "), "{case}: told once: {again}");
}

#[test]
fn with_a_seal_and_a_backup() {
    harm_each(true, true);
}

#[test]
fn with_a_seal_and_without_a_backup() {
    harm_each(false, true);
}

#[test]
fn after_a_hard_stop_with_a_backup() {
    harm_each(true, false);
}

#[test]
fn after_a_hard_stop_without_a_backup() {
    harm_each(false, false);
}

/// Not a test by itself: the process in which a copy is opened.
#[test]
fn child_serves() {
    papr_store::serve();
}

fn in_a_process(folder: &Path) -> String {
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

/// Not a test by itself: opens the store, says what happened, and adds a memory.
#[test]
fn child_opens() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let opened = match papr_store::open_or_recover(Path::new(&folder), now(), Some(&common::child())) {
        Ok(opened) => opened,
        Err(error) => return println!("child: failed: {error}"),
    };
    if let Some(recovered) = &opened.recovered {
        println!("child: recovered: {recovered} {recovered:?}");
        let aside = recovered.quarantine.as_deref();
        assert!(aside.is_none_or(Path::is_dir), "what was damaged is kept");
        assert_eq!(
            aside.is_none(),
            recovered.from == Origin::Untouched && recovered.reason.contains("no store")
        );
    }
    let store = opened.store;
    let kept = store.page(None, usize::MAX).unwrap();
    assert_eq!(kept.len(), store.counts().unwrap().total());
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert!(report.is_whole(), "a store made anew is whole: {report:?}");
    let of: BTreeSet<_> = vectors(&store, &space("a")).into_iter().map(|(id, _)| id).collect();
    let known: BTreeSet<_> = common::ids(&kept).into_iter().collect();
    assert!(of.is_subset(&known), "no vector without a memory");
    println!("child: kept {} vectors {}", kept.len(), of.len());
    store.insert(&[memory(1_000 + kept.len() as u64, "one more")]).unwrap();
}

#[test]
fn without_another_process_the_store_is_repaired_and_asks_for_a_restart() {
    let folder = closed(false, false);
    let log = folder.path().join("db/db");
    Harm::Flip(30).apply(&log);
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_alone", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("start it again"), "{said}");
    let said = in_a_process(folder.path());
    assert!(said.contains("recovered: ") && said.contains("kept 58 "), "told at the next start: {said}");
}

/// Not a test by itself: opens without a child.
#[test]
fn child_alone() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    for _ in 0..2 {
        let outcome = papr_store::open_or_recover(Path::new(&folder), now(), None);
        println!("alone: {}", outcome.map_or_else(|error| error.to_string(), |_| "opened".to_owned()));
    }
}

#[test]
fn a_swap_that_was_cut_short_is_finished() {
    // Where the steps of a swap can be cut: what has changed places so far.
    for done in 0..=3 {
        let folder = closed(false, true);
        let new = closed(false, true);
        let more = open(new.path());
        more.insert(&[memory(500, "of the new one")]).unwrap();
        drop(more);
        let (swap, aside) = (folder.path().join("swap"), folder.path().join("quarantine/then"));
        fs::create_dir_all(&swap).unwrap();
        fs::create_dir_all(&aside).unwrap();
        fs::write(swap.join("plan"), "then").unwrap();
        for (number, name) in ["sealed", "mark", "db"].into_iter().enumerate() {
            if number < done {
                fs::rename(folder.path().join(name), aside.join(name)).unwrap();
                fs::rename(new.path().join(name), folder.path().join(name)).unwrap();
            } else {
                fs::rename(new.path().join(name), swap.join(name)).unwrap();
            }
        }
        let store = open(folder.path());
        assert!(store.get(id(500)).unwrap().is_some(), "after {done} steps");
        assert!(!swap.exists(), "after {done} steps");
        drop(store);
        assert_eq!(papr_store::quarantined(folder.path()).unwrap(), std::slice::from_ref(&aside));
        let old = open(&aside);
        assert_eq!(old.counts().unwrap().total(), 58, "what was set aside is a store");
        assert!(old.get(id(500)).unwrap().is_none());
    }
}

#[test]
fn when_nothing_helps_an_empty_store_can_be_begun() {
    let folder = closed(false, true);
    Harm::Cut(0).apply(&folder.path().join("db/db"));
    let error = papr_store::open_or_recover(folder.path(), now(), Some(&common::child())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { what, .. } if what.contains("no whole backup")),
        "{error}"
    );
    let fresh: Recovered = papr_store::start_afresh(folder.path(), now()).unwrap();
    assert_eq!((fresh.from, fresh.kept), (Origin::Nothing, 0));
    assert!(fresh.quarantine.unwrap().join("db/db").exists());
    assert_eq!(open(folder.path()).counts().unwrap().total(), 0);
    let kept = papr_store::quarantined(folder.path()).unwrap();
    papr_store::remove_quarantined(folder.path(), &kept[0]).unwrap();
    assert!(papr_store::quarantined(folder.path()).unwrap().is_empty());
    assert!(papr_store::remove_quarantined(folder.path(), &folder.path().join("db")).is_err());
}

#[test]
fn a_damaged_record_is_replaced_from_the_backup() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[memory(1, "one"), memory(2, "two")]).unwrap();
    store.back_up(now(), 3, &CancelToken::new()).unwrap();
    store.insert(&[memory(3, "three")]).unwrap();
    drop(store);
    common::behind_its_back(folder.path(), |db| {
        let tree = db.open_tree("memories").unwrap();
        let mut value = tree.get(id(2).to_bytes()).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 4;
        tree.insert(id(2).to_bytes(), value).unwrap();
    });
    let store = open(folder.path());
    let report = store.check(&mut |_| (), &CancelToken::new()).unwrap();
    assert_eq!((report.damage, report.memories), (1, 2), "{report:?}");
    let made = store.back_up(at(1_750_000_100_000), 1, &CancelToken::new()).unwrap();
    assert_eq!(made.left_out, 1, "it cannot be backed up");
    assert_eq!(papr_store::backups(folder.path()).unwrap().len(), 2, "so the older one stays");
    drop(store);
    let recovered = papr_store::recover(folder.path(), now(), "a check found damage").unwrap();
    assert_eq!(recovered.kept, 3, "{recovered:?}");
    let store = SledStore::open(folder.path(), now()).unwrap();
    assert_eq!(store.get(id(2)).unwrap(), Some(memory(2, "two")));
    assert_eq!(store.get(id(3)).unwrap(), Some(memory(3, "three")));
}

/// Many segments, pages split and merged, segments used again: what the tests with few records never see.
#[test]
fn a_long_log_is_read_as_the_database_reads_it() {
    let folder = tempdir().unwrap();
    let count = if std::env::var_os("PAPR_LONG").is_some() { 20_000 } else { 2_000 };
    let text = |n: u64, rev: u64| format!("{n} at {rev} ").repeat(usize::try_from(n * 31 % 400).unwrap() + 1);
    for sitting in 0..3 {
        let store = open(folder.path());
        if sitting == 0 {
            let all: Vec<_> = (0..count).map(|n| memory(n, &text(n, 1))).collect();
            for some in all.chunks(200) {
                store.insert(some).unwrap();
                let vectors: Vec<_> = some.iter().map(|memory| vector_of(memory, 3)).collect();
                store.put_vectors(&space("a"), &vectors).unwrap();
            }
        }
        for n in (sitting..count).step_by(5) {
            let Some(kept) = store.get(id(n)).unwrap() else { continue };
            let content = Content::new(text(n, kept.rev + 1)).unwrap();
            store.replace(&Memory { rev: kept.rev + 1, content, ..kept }).unwrap();
        }
        // Whole runs of neighbours, so that pages are merged; and for good.
        let gone: Vec<_> = (0..count).filter(|n| n / 100 % 5 == sitting).map(id).collect();
        for some in gone.chunks(100) {
            store.delete(some, at(1_000)).unwrap();
        }
    }
    let store = open(folder.path());
    let (page, with_vectors) = (store.page(None, usize::MAX).unwrap(), vectors(&store, &space("a")));
    drop(store);
    let start = std::time::Instant::now();
    let recovered = papr_store::recover(folder.path(), now(), "a test").unwrap();
    eprintln!("{} memories made anew in {:?}", recovered.kept, start.elapsed());
    assert_eq!((recovered.from, recovered.lost), (Origin::Files, Some(0)), "{recovered:?}");
    let store = open(folder.path());
    assert_eq!(store.page(None, usize::MAX).unwrap(), page);
    assert_eq!(vectors(&store, &space("a")), with_vectors);
    assert!(store.restore(&[id(0)], now()).unwrap().is_empty(), "what was forgotten does not come back");
}
