//! An engine with nothing to do does nothing: alone in its process, so that every thread that wakes is its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot be set up should stop

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use papr_memory::Mode;
use support::Bench;

/// sled's own threads look once a second whether there is work: some microseconds each.
const SLED: &str = "(sled-io-";

/// What threads have done so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Done {
    /// Ticks of a processor, a hundred to the second.
    ticks: u64,
    /// How often it was awake.
    wakes: u64,
}

/// By the number and name of each thread but the asking one.
fn others() -> BTreeMap<String, Done> {
    let own = fs::read_link("/proc/thread-self").unwrap();
    let mut found = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let (stat, status) = (read("stat"), read("status"));
        // A thread that ended meanwhile has no files any more.
        let Some((name, after)) = stat.rsplit_once(')') else { continue };
        let ticks =
            after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        let wakes = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        if own.file_name().unwrap() != task.file_name() {
            found.insert(format!("{name})"), Done { ticks, wakes: wakes.unwrap().trim().parse().unwrap() });
        }
    }
    found
}

#[test]
fn an_engine_with_nothing_to_do_sleeps() {
    let bench = Bench::new();
    bench.engine().add_samples().unwrap();
    bench.settle();
    for mode in [Mode::Hybrid, Mode::Meaning, Mode::Words] {
        assert!(!bench.search("coffee", mode).hits.is_empty(), "it has worked");
    }
    let idle = Duration::from_secs(3);
    // The first backup, and pools that wait a moment for more before they sleep.
    thread::sleep(Duration::from_secs(1));
    let then = others();
    thread::sleep(idle);
    let now = others();
    assert!(now.len() >= 3, "the engine has threads to look at: {now:?}");
    let ticks = |of: &BTreeMap<String, Done>| of.values().map(|done| done.ticks).sum::<u64>();
    assert!(ticks(&now) <= ticks(&then) + 1, "three seconds of nothing cost nothing: {then:?} then, {now:?}");
    let woken: Vec<_> = now
        .iter()
        .map(|(name, done)| (name, done.wakes - then.get(name).map_or(0, |then| then.wakes)))
        .filter(|(name, wakes)| *wakes > if name.contains(SLED) { idle.as_secs() + 1 } else { 0 })
        .collect();
    assert!(woken.is_empty(), "and nobody looked whether there was something: {woken:?}");
}
