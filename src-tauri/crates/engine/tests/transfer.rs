//! Import and export.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

mod support;

use std::path::Path;

use papr_engine::{Edit, ImportReport};
use papr_memory::{CancelToken, Tier};
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
