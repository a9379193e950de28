//! Import and export.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::path::Path;

use papr_engine::{Edit, Format, ImportReport, NewMemory};
use papr_fake::{FakePapr, Options as FakeOptions, Route};
use papr_memory::{CancelToken, Filters, MemoryId, Sort, Tier};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Bench, no_resources};

fn import(bench: &Bench, lines: &[u8]) -> ImportReport {
    bench.engine().import(&mut &*lines, Path::new("-"), &CancelToken::new(), &mut |_| {}).unwrap()
}

fn export(bench: &Bench) -> Vec<u8> {
    let mut lines = Vec::new();
    bench.engine().export(&mut lines, Path::new("-")).unwrap();
    lines
}

#[test]
fn bad_lines_are_told_by_number_and_the_rest_goes_on() {
    let bench = Bench::with(no_resources());
    let mut lines = b"{\"content\": \"one\"}\n\n{\"content\": \n{\"content\": \"\"}\n".to_vec();
    lines.extend_from_slice(b"{\"content\": \"\xff\"}\n{\"content\": \"two\", \"tier\": \"attic\"}\n");
    lines.extend_from_slice(b"{\"content\": \"three\", \"tier\": \"goals\"}");
    let report = import(&bench, &lines);
    assert_eq!((report.added, report.bad), (2, 4));
    let numbers: Vec<u64> = report.bad_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(numbers, [3, 4, 5, 6], "blank lines count as lines and are no error");
    assert!(report.bad_lines.iter().all(|bad| !bad.reason.is_empty()));
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let bench = Bench::with(no_resources());
    bench.add_to(Tier::Goals, "Learn to sail");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memories.jsonl");
    std::fs::write(&path, "an older export").unwrap();
    let exported = bench.engine().export_to(Format::Lines, None, &path).unwrap();
    assert_eq!(exported.memories, 1);
    assert_eq!(std::fs::read(&path).unwrap(), export(&bench), "it takes the older one's place");
    // A folder of that name cannot be replaced, after all was written.
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("full")).unwrap();
    let error = bench.engine().export_to(Format::Omo, None, &taken).unwrap_err();
    assert!(error.to_string().contains("taken"), "{error}");
    let mut names: Vec<_> =
        folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["memories.jsonl", "taken"], "nothing is left beside it");
}

#[test]
fn an_import_may_be_repeated() {
    let bench = Bench::with(no_resources());
    let lines: Vec<u8> =
        (0..600).flat_map(|number| format!("{{\"content\": \"memory {number}\"}}\n").into_bytes()).collect();
    assert_eq!(import(&bench, &lines).added, 600);
    let again = import(&bench, &lines);
    assert_eq!((again.added, again.already_there), (0, 600), "nothing is doubled");
    assert_eq!(bench.engine().status().counts.total(), 600);
}

#[test]
fn an_export_comes_back_as_it_was() {
    let bench = Bench::with(no_resources());
    bench.engine().add_samples().unwrap();
    let memory = bench.add_to(Tier::Goals, "Łódź\n\"quoted\" 🙂");
    let topics = Some(vec!["a".to_owned(), " a ".to_owned(), "b".to_owned()]);
    bench.engine().edit(memory.id, None, Edit { topics, ..Edit::default() }).unwrap();
    let lines = export(&bench);
    let other = Bench::with(no_resources());
    assert_eq!(import(&other, &lines), ImportReport { added: 151, ..ImportReport::default() });
    let back = other.engine().get(memory.id).unwrap();
    assert_eq!((back.content, back.tier), (memory.content, Tier::Goals));
    assert_eq!(back.topics, ["a", "b"], "topics are tidied when they are written");
    assert_eq!(import(&bench, &lines).already_there, 151, "and where it came from it is known");
}

#[test]
fn what_was_deleted_comes_back_with_an_import() {
    let bench = Bench::with(no_resources());
    for number in 0..5 {
        bench.add(&format!("memory {number}"));
    }
    let lines = export(&bench);
    let deleted = bench.engine().recent(None, 2).unwrap();
    bench.engine().delete(&[deleted[0].id, deleted[1].id]).unwrap();
    let report = import(&bench, &lines);
    assert_eq!((report.added, report.already_there), (2, 3), "a backup brings back what is gone");
    assert_eq!(bench.engine().status().counts.total(), 5);
}

#[test]
fn a_cancelled_import_keeps_what_was_added() {
    let bench = Bench::with(no_resources());
    let cancel = CancelToken::new();
    let lines: Vec<u8> =
        (0..1000).flat_map(|number| format!("{{\"content\": \"memory {number}\"}}\n").into_bytes()).collect();
    let stopped = bench.engine().import(&mut &*lines, Path::new("-"), &cancel, &mut |read| {
        if read >= 500 {
            cancel.cancel();
        }
    });
    assert!(stopped.is_err());
    assert_eq!(bench.engine().status().counts.total(), 500, "two whole batches were saved");
    assert_eq!(import(&bench, &lines).added, 500, "a second run brings the rest");
}

fn exported(bench: &Bench, format: Format, ids: Option<&[MemoryId]>) -> Vec<u8> {
    let mut file = Vec::new();
    bench.engine().export_as(format, ids, &mut file, Path::new("-")).unwrap();
    file
}

#[test]
fn some_memories_are_exported_in_the_order_asked() {
    let bench = Bench::with(no_resources());
    let [a, b, c] = ["first", "second", "third"].map(|text| bench.add(text));
    bench.engine().delete(&[b.id]).unwrap();
    let lines = String::from_utf8(exported(&bench, Format::Lines, Some(&[c.id, b.id, a.id]))).unwrap();
    let found: Vec<_> = ["third", "second", "first"].map(|text| lines.find(text)).into();
    assert!(found[0] < found[2] && found[1].is_none(), "{lines}");
    let page = String::from_utf8(exported(&bench, Format::Markdown, None)).unwrap();
    assert_eq!(page.matches("\n## ").count(), 2);
    let error = "csv".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("lines") && "OMO".parse() == Ok(Format::Omo), "{error}");
}

#[test]
fn open_memory_objects_go_round() {
    let bench = Bench::with(no_resources());
    bench.engine().add_samples().unwrap();
    bench.add_to(Tier::Goals, "Łódź\n\"quoted\" 🙂");
    let file = exported(&bench, Format::Omo, None);
    let other = Bench::with(no_resources());
    assert_eq!(import(&other, &file), ImportReport { added: 151, ..ImportReport::default() });
    let all = |bench: &Bench| {
        let mut listed = bench.engine().list(&Filters::default(), Sort::Oldest, None, 500).unwrap().memories;
        listed.sort_by_key(|memory| memory.id);
        listed
            .into_iter()
            .map(|memory| {
                (memory.id, memory.content, memory.tier, memory.topics, memory.kind, memory.metadata)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(all(&other), all(&bench), "texts, tiers, topics and all the rest");
    assert_eq!(import(&bench, &file).already_there, 151);
}

/// Lines and documents, whole and harmed, some of whose texts are there already.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![Just("here".to_owned()), "[a-d]{0,2}", "\\PC{0,12}"];
    let object = (text, any::<bool>()).prop_map(|(text, goal)| {
        serde_json::json!({"content": text, "tier": if goal { "goals" } else { "memories" }}).to_string()
    });
    let objects = prop::collection::vec(object, 0..8);
    let harm = prop::option::weighted(0.3, any::<prop::sample::Index>());
    (objects, any::<bool>(), harm).prop_map(|(objects, lines, harm)| {
        let document = || format!("{{\"memories\":[\n{}\n],\"count\":0}}", objects.join(",\n"));
        let file = if lines { objects.join("\n") } else { document() };
        let mut file = file.into_bytes();
        if let Some(place) = harm.filter(|_| !file.is_empty()) {
            file.truncate(place.index(file.len()));
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_preview_tells_what_the_import_does(file in any_file()) {
        thread_local!(static BENCH: Bench = Bench::with(no_resources()));
        BENCH.with(|bench| {
            bench.add("here");
            let engine = bench.engine();
            let before = engine.status().counts.total();
            let preview = engine.preview_import(&mut &*file, Path::new("-")).unwrap();
            prop_assert_eq!(engine.status().counts.total(), before, "a preview changes nothing");
            prop_assert_eq!(preview.examples.len() as u64, preview.fresh.min(5));
            let report = import(bench, &file);
            let told = (preview.fresh, preview.known, preview.bad, preview.bad_lines);
            prop_assert_eq!(told, (report.added, report.already_there, report.bad, report.bad_lines));
            Ok(())
        })?;
    }
}

#[test]
fn papr_takes_our_objects_and_we_take_papr_s() {
    let papr = FakePapr::unplugged(FakeOptions::new()).unwrap();
    let ask = |route, body| papr.ask("alice", route, "", &[], body).unwrap().body;
    let bench = Bench::with(no_resources());
    let new = NewMemory {
        content: "Łódź is lovely".to_owned(),
        topics: vec!["travel".to_owned()],
        ..NewMemory::default()
    };
    bench.engine().add(new).unwrap();
    bench.add_to(Tier::Goals, "See Łódź in spring");
    let document: Value = serde_json::from_slice(&exported(&bench, Format::Omo, None)).unwrap();
    let taken = ask(Route::OmoImport, json!({"memories": document["memories"]}));
    assert_eq!((&taken["imported"], &taken["errors"]), (&json!(2), &json!([])));
    let given = ask(Route::OmoExport, json!({"memory_ids": taken["memory_ids"]}));
    let other = Bench::with(no_resources());
    let report = import(&other, &serde_json::to_vec_pretty(&given).unwrap());
    assert_eq!((report.added, report.bad), (2, 0));
    let listed = other.engine().list(&Filters::default(), Sort::Oldest, None, 9).unwrap().memories;
    let goal = listed.iter().find(|memory| memory.content.as_str().contains("spring")).unwrap();
    let travel = listed.iter().find(|memory| memory.content.as_str().contains("lovely")).unwrap();
    assert_eq!((goal.tier, travel.topics.as_slice()), (Tier::Goals, &["travel".to_owned()][..]));
}
