//! Moves of a real store: whatever fails, the memories are where they were.

use papr_memory::Filters;
use papr_memory::Sort;

use super::*;
use crate::{Code, Config, Engine, NewMemory, Resources};

fn open(data: &Path) -> Engine {
    let engine = Engine::open(Config::new(data, Resources::in_folder(Path::new("/nowhere")))).unwrap();
    engine.start_index().unwrap();
    engine.wait_index().unwrap();
    engine
}

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// A data folder in its usual place, with some memories and a stranger's file.
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let engine = open(&home.usual());
        for text in ["one", "two"] {
            engine.add(NewMemory { content: text.to_owned(), ..NewMemory::default() }).unwrap();
        }
        drop(engine);
        fs::create_dir_all(home.usual().join("models/mine")).unwrap();
        fs::write(home.usual().join("models/mine/weights"), vec![7; 3 * PIECE + 5]).unwrap();
        fs::write(home.usual().join("settings.json"), "{\"results\": 12}").unwrap();
        fs::write(home.usual().join("letter.txt"), "dear").unwrap();
        home
    }

    fn usual(&self) -> PathBuf {
        self.folder.path().join("usual")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn move_to(&self, from: &Path, to: &Path) -> Result<(), Error> {
        move_within(Some(&self.usual()), from, to, &mut |_| {}, &CancelToken::new())
    }
}

/// Two memories, the settings and the model are in `data`.
fn is_whole(data: &Path) {
    let engine = open(data);
    assert_eq!(engine.ids(&Filters::default(), Sort::Newest).unwrap().len(), 2);
    assert_eq!(engine.settings().results, 12);
    assert_eq!(length(&data.join("models/mine/weights")), 3 * PIECE as u64 + 5);
    let report = engine.check(&mut |_| {}, &CancelToken::new()).unwrap();
    assert!(report.is_whole());
}

#[test]
fn data_goes_to_another_folder_on_and_back() {
    let home = Home::new();
    let (usual, first, second) = (home.usual(), home.path("disk/first"), home.path("second"));
    home.move_to(&usual, &first).unwrap();
    assert_eq!(pointer::read(&usual).unwrap(), Some(first.clone()));
    is_whole(&first);
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&usual), ["letter.txt", "moved-to.json"], "ours is gone, the stranger's file stays");
    fs::create_dir(&second).unwrap();
    fs::write(second.join(".DS_Store"), "a file browser was here").unwrap();
    home.move_to(&first, &second).unwrap();
    assert_eq!(pointer::read(&usual).unwrap(), Some(second.clone()), "one pointer, in the usual place");
    assert!(!first.exists(), "nothing is left between");
    is_whole(&second);
    home.move_to(&second, &usual).unwrap();
    assert_eq!(pointer::read(&usual).unwrap(), None);
    is_whole(&usual);
}

#[test]
fn a_folder_that_is_no_place_for_it_is_refused() {
    let home = Home::new();
    let usual = home.usual();
    fs::create_dir_all(home.path("full")).unwrap();
    fs::write(home.path("full/other.txt"), "x").unwrap();
    fs::write(home.path("file"), "x").unwrap();
    let inside = usual.join("models/new");
    for to in [home.path("full"), home.path("file"), inside, usual.clone(), home.folder.path().to_owned()] {
        let error = home.move_to(&usual, &to).unwrap_err();
        assert!(matches!(error, Error::Folder { .. }), "{}: {error}", to.display());
        assert!(error.hint().is_some());
    }
    assert!(home.move_to(&usual, Path::new("relative")).is_err());
    let engine = open(&usual);
    assert_eq!(home.move_to(&usual, &home.path("new")).unwrap_err().code(), Code::StoreLocked);
    assert!(!home.path("new").exists());
    drop(engine);
    is_whole(&usual);
}

#[test]
fn a_move_that_is_cut_anywhere_leaves_the_old_folder_in_use() {
    let home = Home::new();
    let (usual, new) = (home.usual(), home.path("new"));
    for after in 0..6 {
        let (cancel, mut steps) = (CancelToken::new(), 0);
        let mut stop = |_| {
            steps += 1;
            if steps > after {
                cancel.cancel();
            }
        };
        let error = move_within(Some(&usual), &usual, &new, &mut stop, &cancel).unwrap_err();
        assert_eq!(error.code(), Code::Cancelled);
        assert!(!new.exists() && pointer::read(&usual).unwrap().is_none(), "after {after} pieces");
    }
    is_whole(&usual);
    // A kill leaves the stage behind; it is of no use, and in nobody's way.
    fs::create_dir_all(new.join(STAGE).join("memories")).unwrap();
    home.move_to(&usual, &new).unwrap();
    is_whole(&new);
}

#[test]
#[cfg(unix)]
fn a_pointer_that_cannot_be_written_takes_everything_back() {
    let home = Home::new();
    let (usual, new) = (home.usual(), home.path("new"));
    // A folder stands where the pointer is to be written first.
    fs::create_dir(usual.join(pointer::PART)).unwrap();
    assert!(home.move_to(&usual, &new).is_err());
    assert!(!new.exists(), "no copy is left");
    fs::remove_dir(usual.join(pointer::PART)).unwrap();
    is_whole(&usual);
}
