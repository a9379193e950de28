//! Whatever a file holds: each line is a memory, known already, or told with its reason; what was taken in can be
//! read, found, counted, and comes out again as it was.
#![allow(clippy::unwrap_used)] // a test that cannot be set up should stop

mod support;

use std::path::Path;
use std::sync::LazyLock;

use papr_engine::{Config, Engine, ImportReport};
use papr_memory::{CancelToken, Filters, Memory, Sort, Tier};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use support::{no_resources, tiny};

/// One engine for all cases: what it took in before is part of the next.
struct Home {
    engine: Engine,
    _folder: tempfile::TempDir,
}

static HOME: LazyLock<Home> = LazyLock::new(|| {
    let folder = tiny::fast_folder();
    let engine = Engine::open(Config::new(folder.path().join("data"), no_resources())).unwrap();
    engine.start_index().unwrap();
    engine.wait_index().unwrap();
    Home { engine, _folder: folder }
});

fn import(engine: &Engine, lines: &[u8]) -> ImportReport {
    engine.import(&mut &*lines, Path::new("-"), &CancelToken::new(), &mut |_| {}).unwrap()
}

/// Values that fit a field and values that do not.
fn any_value() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "0",
        "1",
        "-1",
        "256",
        "1e999",
        "18446744073709551616",
        "\"\"",
        "\" \"",
        "\"goals\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "[]",
        "[\"\", \" a \", \"a\"]",
        "[1]",
        "{}",
        "{\"role\": 7, \"category\": \"task\"}",
        "{\"role\": \"user\", \"n\": 1e300, \"m\": -0.0, \"big\": 18446744073709551615}",
        "\"2026-01-01T00:00:00Z\"",
        "\"9999-12-30T22:00:00.999999999Z\"",
        "\"-009999-01-02T01:59:59Z\"",
        "\"yesterday\"",
        "\"import\"",
        "\"papr\"",
        "\"0190a1b2-0000-7000-8000-000000000001\"",
        "\"00000000-0000-0000-0000-000000000000\"",
    ];
    prop_oneof![
        4 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        2 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => (1..300_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        1 => (1..120_usize).prop_map(|depth| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)),
    ]
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let names =
        ["content", "id", "type", "tier", "topics", "metadata", "source", "created_at", "updated_at", "x"];
    let field = (prop::sample::select(names.to_vec()), any_value())
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let content = prop::option::weighted(0.8, "[a-z]{1,4}( [a-z]{1,4}){0,3}");
    let object = (content, prop::collection::vec(field, 0..4)).prop_map(|(content, mut fields)| {
        fields.extend(content.map(|content| format!("\"content\":\"{content}\"")));
        format!("{{{}}}", fields.join(",")).into_bytes()
    });
    let cut = (object, any::<prop::sample::Index>(), prop::bool::weighted(0.2), any::<u8>());
    let object = cut.prop_map(|(mut line, place, harmed, byte)| {
        let place = place.index(line.len());
        if harmed && byte < 128 {
            line.truncate(place);
        } else if harmed {
            line[place] = byte;
        }
        line
    });
    prop_oneof![
        8 => object,
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => prop::sample::select(vec![b" \t\r".to_vec(), b"\xef\xbb\xbf{\"content\":\"bom\"}".to_vec(), Vec::new()]),
    ]
}

/// All there are, by pages, in the order of `sort`.
fn all(engine: &Engine, sort: Sort) -> Vec<Memory> {
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = engine.list(&Filters::default(), sort, after, 100).unwrap();
        listed.extend(page.memories);
        after = page.next;
        if after.is_none() {
            return listed;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_a_memory_or_a_reason(lines in prop::collection::vec(any_line(), 0..8)) {
        let engine = &HOME.engine;
        let before = engine.status().counts.total() as u64;
        let file = lines.join(&b"\n"[..]);
        let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
        let said = file.split(|&byte| byte == b'\n').filter(|line| !is_blank(line)).count() as u64;
        let report = import(engine, &file);
        prop_assert_eq!(report.added + report.already_there + report.bad, said, "each line is accounted for");
        prop_assert_eq!(report.bad_lines.len() as u64, report.bad);
        prop_assert!(report.bad_lines.iter().all(|bad| !bad.reason.is_empty()));
        let total = engine.status().counts.total();
        prop_assert_eq!(total as u64, before + report.added);
        let again = import(engine, &file);
        prop_assert_eq!((again.added, again.bad), (0, report.bad), "a second time there is nothing new");
    }
}

#[test]
fn what_odd_files_left_is_whole_and_goes_round() {
    let runner = &mut proptest::test_runner::TestRunner::deterministic();
    let folder = tiny::fast_folder();
    let open = || {
        let engine = Engine::open(Config::new(folder.path().join("data"), no_resources())).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        engine
    };
    let engine = open();
    for _ in 0..1_000 {
        import(&engine, &any_line().new_tree(runner).unwrap().current());
    }
    let report = engine.check(&mut |_| {}, &CancelToken::new()).unwrap();
    assert_eq!((report.findings.as_slice(), report.counted), (&[][..], true), "all can be read again");
    let mut oldest = all(&engine, Sort::Oldest);
    let counts = engine.status().counts;
    assert!(oldest.len() == counts.total() && oldest.len() > 100, "{}", oldest.len());
    assert!(
        oldest.is_sorted_by_key(|memory| (memory.updated_at, memory.id)),
        "times long ago and far ahead too"
    );
    assert_eq!(engine.facets(&Filters::tier(Some(Tier::Goals))).unwrap().total, counts.goals);
    let mut exported = Vec::new();
    engine.export(&mut exported, Path::new("-")).unwrap();
    drop(engine);
    let engine = open();
    assert_eq!(all(&engine, Sort::Oldest), oldest, "after a restart as before");
    let other = tiny::fast_folder();
    let other = Engine::open(Config::new(other.path().join("data"), no_resources())).unwrap();
    other.start_index().unwrap();
    other.wait_index().unwrap();
    let report = import(&other, &exported);
    assert_eq!(report.bad, 0, "what was exported can be imported: {:?}", report.bad_lines);
    let mut newest = all(&other, Sort::Newest);
    newest.reverse();
    // An export tells what Papr needs not tell again: whose it is stays here.
    oldest.iter_mut().chain(&mut newest).for_each(|memory| memory.rev = 1);
    assert_eq!(newest, oldest, "and is what it was");
}
