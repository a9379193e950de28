//! Every file of a data folder cut, flipped, emptied or removed in turn: the engine opens, says what happened,
//! keeps what can be read, and can be written to; and it does so a second time without a word.
//!
//! Each folder is opened in a process of its own, as a person's would be. What becomes of a damaged database in
//! detail is the store's own matter, and tested there.
#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test may fail it

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use papr_engine::{Config, Engine, NewMemory, Settings};
use papr_index::VectorIndex;
use papr_index::vectors::{Workers, saved_segments};
use papr_memory::ports::{Store, VectorRecord};
use papr_memory::{CancelToken, Content, Filters, Memory, Mode, Query, Sort, Tier, Vector};
use papr_store::SledStore;
use serde::{Deserialize, Serialize};
use support::{Bench, killed, no_resources, tiny};
use tempfile::TempDir;

const FOLDER: &str = "PAPR_DAMAGED_FOLDER";
const MEMORIES: usize = 40;
/// A start that takes longer has come to no end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A closed data folder: memories of two sittings, a backup of the first, settings.
fn whole() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for sitting in 0..2 {
        let engine = Engine::open(Config::new(folder.path().join("data"), no_resources())).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        for number in 0..MEMORIES / 2 {
            let content = format!("memory {number} of sitting {sitting} ").repeat(number % 5 * 40 + 1);
            engine.add(NewMemory { content, ..NewMemory::default() }).unwrap();
        }
        if sitting == 0 {
            engine.back_up(&CancelToken::new()).unwrap();
        }
    }
    Settings { unload_minutes: 7, ..Settings::default() }.save(&folder.path().join("data")).unwrap();
    folder
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

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    Remove,
    Empty,
    /// To this share of its length in hundredths, zeros at the end not counted.
    Cut(usize),
    /// A bit at this share of its length.
    Flip(usize),
}

impl Harm {
    /// Four ways, and more where `PAPR_LONG` is set.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Remove, Self::Empty, Self::Cut(50), Self::Flip(50)];
        if std::env::var_os("PAPR_LONG").is_some() {
            all.extend([10, 25, 75, 97].map(Self::Cut));
            all.extend([0, 1, 10, 25, 75, 90, 99].map(Self::Flip));
        }
        all
    }

    /// Whether it changed anything.
    fn apply(self, path: &Path) -> bool {
        let before = fs::read(path).unwrap();
        let used = before.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let mut bytes = before.clone();
        match self {
            Self::Remove => {
                fs::remove_file(path).unwrap();
                return true;
            }
            Self::Empty => bytes.clear(),
            Self::Cut(share) => bytes.truncate(used * share / 100),
            Self::Flip(share) => {
                bytes.iter_mut().skip(used * share / 100).take(1).for_each(|byte| *byte ^= 0x20);
            }
        }
        fs::write(path, &bytes).unwrap();
        bytes != before
    }
}

/// What a process of its own found in a folder.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    /// What the person is told.
    told: Option<String>,
    kept: usize,
    unload_minutes: u32,
}

/// Not a test by itself: opens the folder, reads everything, and adds a memory.
#[test]
fn child_opens() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let config = Config { child: Some(killed::server()), ..Config::new(folder.clone(), no_resources()) };
    let engine = Engine::open(config).unwrap();
    engine.start().unwrap();
    engine.wait_index().unwrap();
    let listed = engine.list(&Filters::default(), Sort::Newest, None, 1_000).unwrap();
    assert_eq!((listed.memories.len(), listed.total), (listed.total, engine.status().counts.total()));
    for memory in &listed.memories {
        assert_eq!(engine.get(memory.id).unwrap(), *memory, "whatever is listed can be read");
    }
    let query = Query::new("memory sitting ", 1_000, None, Mode::Words).unwrap();
    let reply = engine.search(&query, &CancelToken::new()).unwrap();
    assert_eq!(reply.total, listed.total, "and found");
    assert!(engine.check(&mut |_| {}, &CancelToken::new()).unwrap().is_whole(), "what opens is whole");
    let content = format!("one more memory in a later sitting {}", listed.total);
    engine.add(NewMemory { content, ..NewMemory::default() }).unwrap();
    let told = engine.status().recovered;
    drop(engine);
    let unload_minutes = Settings::load(Path::new(&folder)).unwrap().settings.unload_minutes;
    let found = Found { told, kept: listed.total, unload_minutes };
    killed::tell(&serde_json::to_string(&found).unwrap());
}

/// Not a test by itself: the process in which a copy is opened.
#[test]
fn child_serves() {
    papr_store::serve();
}

fn in_a_process(folder: &Path, case: &str) -> Found {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_opens", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{case}: it came to no end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let (mut said, mut complained) = (String::new(), String::new());
    child.stdout.unwrap().read_to_string(&mut said).unwrap();
    child.stderr.unwrap().read_to_string(&mut complained).unwrap();
    assert!(status.success(), "{case}: it ended with {status}: {complained}");
    assert!(!complained.contains("panicked"), "{case}: a person sees no panic: {complained}");
    let told = said.lines().find_map(|line| line.strip_prefix("told ")).unwrap();
    serde_json::from_str(told).unwrap()
}

#[test]
fn every_file_harmed_in_turn() {
    let whole = whole();
    let data = whole.path().join("data");
    let all = files(&data);
    assert!(all.len() >= 8, "database, marks, backup, settings: {all:?}");
    for name in all.iter().map(|path| path.strip_prefix(&data).unwrap()) {
        for harm in Harm::all() {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("data");
            copy(&data, &folder);
            if harm.apply(&folder.join(name)) {
                judge(&folder, name, harm);
            }
        }
    }
}

fn judge(folder: &Path, name: &Path, harm: Harm) {
    let case = format!("{} {harm:?}", name.display());
    let harmed = fs::read(folder.join(name)).ok();
    let found = in_a_process(folder, &case);
    let least = match (name.ends_with("db/db"), harm) {
        (false, _) => MEMORIES,
        // A bit costs what stood at its place; of the rest there is the backup.
        (true, Harm::Flip(_)) => MEMORIES - 1,
        (true, _) => MEMORIES / 2,
    };
    assert!((least..=MEMORIES).contains(&found.kept), "{case}: {found:?}");
    if found.kept < MEMORIES {
        let told = found.told.as_deref().unwrap_or_else(|| panic!("{case}: lost in silence"));
        assert!(!told.contains("Nothing was lost"), "{case}: {told}");
    }
    if name == Path::new("settings.json") {
        let readable = harmed.as_deref().is_none_or(|json| serde_json::from_slice::<Settings>(json).is_ok());
        let told = found.told.as_deref().is_some_and(|told| told.contains("settings"));
        assert_eq!(told, !readable, "{case}: defaults in the place of what was chosen are told: {found:?}");
    } else {
        assert_eq!(found.unload_minutes, 7, "{case}: settings have nothing to do with it");
    }
    if let (Some(_), Some(harmed)) = (&found.told, harmed) {
        let kept = files(folder).iter().any(|path| fs::read(path).unwrap() == harmed);
        assert!(kept, "{case}: the damaged file is nowhere any more");
    }
    let again = in_a_process(folder, &case);
    assert_eq!((again.kept, again.told), (found.kept + 1, None), "{case}: the next start is like any other");
}

/// The vector a memory of [`graphs_harmed_in_turn`] is given.
fn vector(number: usize) -> Vector {
    let angle = |at: usize| ((number * 37 + at * 101) as f32 * 0.7).sin() + 0.01;
    let numbers: Vec<f32> = (0..64).map(angle).collect();
    let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    let dims = papr_memory::Dims::new(64).unwrap();
    Vector::new(numbers.iter().map(|number| number / norm).collect(), dims).unwrap()
}

#[test]
fn graphs_harmed_in_turn() {
    // More than are scanned without a look at the graphs.
    const MANY: usize = 1_100;
    let mut bench = Bench::with(tiny::resources());
    let fingerprint = bench.engine().status().model.fingerprint.unwrap();
    let dims = papr_memory::Dims::new(64).unwrap();
    let space = papr_memory::Space { fingerprint: serde_json::from_value(fingerprint.into()).unwrap(), dims };
    let data = bench.data();
    bench.engine = None;
    let memories: Vec<Memory> = (0..MANY)
        .map(|number| {
            let content = Content::new(format!("note {number}")).unwrap();
            Memory::new(content, Tier::Memories, jiff::Timestamp::now())
        })
        .collect();
    let store = SledStore::open(&data.join("memories"), jiff::Timestamp::now()).unwrap();
    let mut index = VectorIndex::new(dims, 500);
    for (some, first) in memories.chunks(100).zip((0..).step_by(100)) {
        store.insert(some).unwrap();
        let record = |(number, memory): (usize, &Memory)| {
            let content = memory.content.clone();
            VectorRecord { id: memory.id, content, vector: vector(first + number) }
        };
        let records: Vec<_> = some.iter().enumerate().map(record).collect();
        store.put_vectors(&space, &records).unwrap();
        for (slot, record) in (0..).zip(&records) {
            index.upsert(record.id, slot, &record.vector);
        }
    }
    drop(store);
    while let Some(job) = index.plan() {
        index.install(job.run(Workers::default(), &|_| {}, &CancelToken::new()).unwrap());
    }
    let folder = data.join("index").join(&space.fingerprint.as_str()[..16]).join("memories");
    index.view().save(&folder, &space).unwrap();
    let path = saved_segments(&folder).remove(0);
    let bytes = fs::read(&path).unwrap();
    let ask = |bench: &Bench| {
        let filters = Filters {
            ids: Some(memories[..500].iter().map(|memory| memory.id).collect()),
            ..Filters::default()
        };
        ["one question", "another"].map(|text| {
            let query = Query::new(text, 20, None, Mode::Meaning).unwrap().among(filters.clone());
            let reply = bench.engine().search(&query, &CancelToken::new()).unwrap();
            assert_eq!(reply.degraded, None, "all have their vectors");
            reply.hits.into_iter().map(|hit| (hit.memory.id, hit.cosine)).collect::<Vec<_>>()
        })
    };
    bench.restart();
    let expected = ask(&bench);
    for harm in [None].into_iter().chain(Harm::all().into_iter().map(Some)) {
        bench.engine = None;
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, &bytes).unwrap();
        let harmed = harm.is_some_and(|harm| harm.apply(&path));
        let status = bench.restart();
        assert_eq!((status.model.problem, status.recovered), (None, None), "{harm:?}: a graph is no loss");
        assert_eq!(ask(&bench), expected, "{harm:?}");
        let start = Instant::now();
        while harmed && path.exists() {
            assert!(start.elapsed() < PATIENCE, "{harm:?}: a damaged graph does not stay");
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(ask(&bench), expected, "{harm:?}: with the graph, or without");
    }
}
